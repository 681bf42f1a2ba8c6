"""Hostile input: random data sets, damaged files and logs, conditions that try to do more than choose rows.

    python -m benchmarks.fuzz                  # all of it, about an hour on one core
    python -m benchmarks.fuzz --quick          # a few seconds
    python -m benchmarks.fuzz --only files --files 100 --seed 7
    python -m benchmarks.fuzz --only fits --engine jax

Fits are checked by the log-likelihood, written anew in longer floating-point numbers, at the corners of the
bounds and at other points: "beaten" counts fits that call themselves converged though another point is
likelier by more than their gap. Intervals are by chi-square cut-offs, "simulated" ones by few draws,
"certificates" profile ones, each with an upper limit: numbers must be finite and in range, ends within the
bounds and around all rates as likely as the estimate, verdicts what p-values and limits say, and the two
engines of one mind. Of files (queues, designs and labels are "labels"), conditions, and names, tables and
conditions of `--engine spark` (a local session: Java 17 and PYSPARK_PYTHON), "faults" are traces,
more than one line of trouble, control characters, numbers that are none, contents of another file, files made
or changed that no command was to write, and calls of the network.
Every section prints its line when it is done; the exit status is 1 if anything was found. Sections are
independent, so that a run that was stopped goes on with --only.
"""

import argparse
import importlib.util
import sys
import time
import warnings

import numpy as np

from benchmarks import _fuzz_files, _fuzz_fits, _fuzz_labels, _fuzz_spark

SECTIONS = (
    "fits",
    "intervals",
    "simulated",
    "certificates",
    "exact",
    "files",
    "labels",
    "conditions",
    "spark",
)
# Data sets asked for at once, of which some four in five are possible.
CHUNK = {"fits": 20_000, "intervals": 10_000, "simulated": 1_000, "certificates": 2_000, "exact": 200}
USUAL = {
    "fits": 1_000_000,
    "intervals": 100_000,
    "simulated": 1_000,
    "certificates": 10_000,
    "exact": 500,
    "files": 1_000,
    "labels": 200,
    "conditions": 200,
    "spark": 40,
}
FEW = {
    "fits": 4_000,
    "intervals": 400,
    "simulated": 4,
    "certificates": 20,
    "exact": 4,
    "files": 5,
    "labels": 3,
    "conditions": 20,
    "spark": 2,
}
ENGINES = ("numpy", "jax")
BY_KIND = {"files": _fuzz_files.files, "labels": _fuzz_labels.labels, "spark": _fuzz_spark.spark}
FITS = ("not finite", "infeasible", "converged but beaten", "not converged")
CLAIMS = ("not finite", "out of range", "at odds with themselves", "unlike on the two engines")


def sampled(section, number, seed, engines):
    """Run a section of random data sets and print its line; whether anything was found."""
    run, names = getattr(_fuzz_fits, section), FITS if section == "fits" else CLAIMS
    start, tally, chunk = time.perf_counter(), np.zeros(5, int), min(CHUNK[section], -(-number // 2))
    i = 0
    while tally[0] < number:
        tally += run(chunk, seed + i, engines)
        i += 1
    counted = ", ".join(f"{count:,} {name}" for name, count in zip(names, tally[1:], strict=True))
    seconds = time.perf_counter() - start
    print(
        f"{section} ({' and '.join(engines)}): {tally[0]:,} data sets, {counted} ({seconds:.0f} s)",
        flush=True,
    )
    return bool(tally[1:4].any() or (names is CLAIMS and tally[4]))


def shown(what, runs, faults, start):
    """Print the line of files or conditions; whether anything was found."""
    print(f"{what}: {runs:,} runs, {len(faults):,} faults ({time.perf_counter() - start:.0f} s)", flush=True)
    for fault in faults[:10]:
        print(f"    {fault}", flush=True)
    return bool(faults)


def main():
    """Run the sections asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="sizes that take seconds")
    parser.add_argument("--only", choices=SECTIONS, action="append")
    parser.add_argument(
        "--engine", choices=ENGINES, action="append", help="of fits, intervals and certificates; both"
    )
    parser.add_argument("--seed", type=int, default=0)
    for section, size in USUAL.items():
        parser.add_argument(f"--{section}", type=int, metavar="N", help=f"{size:,} by default")
    given = parser.parse_args()
    usual = FEW if given.quick else USUAL
    sizes = {section: getattr(given, section) or usual[section] for section in SECTIONS}
    warnings.simplefilter("ignore")
    found = False
    for section in given.only or SECTIONS:
        if section in CHUNK:
            found |= sampled(section, sizes[section], given.seed, given.engine or ENGINES)
        elif section == "spark" and importlib.util.find_spec("pyspark") is None:
            print("spark: left out, as it is not installed", flush=True)
        elif section in BY_KIND:
            start = time.perf_counter()
            for name, runs, faults in BY_KIND[section](sizes[section], given.seed):
                found |= shown(f"{section} ({name})", runs, faults, start)
                start = time.perf_counter()
        else:
            start = time.perf_counter()
            found |= shown(
                "conditions", *_fuzz_files.hostile_conditions(sizes["conditions"], given.seed), start
            )
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
