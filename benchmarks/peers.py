"""jaxmle and the programs one would use instead, on the same data in one run: times, memory and answers.

    python -m benchmarks.peers             # about eight minutes on two cores
    python -m benchmarks.peers --quick     # about two: 100 slices, 100,000 rows, one repetition
    python -m benchmarks.peers --report    # the tables, from the rows of the last full run

Four tasks: one estimate with a 95% interval (200 labelled items, 10,000 judged), 10,000 resamples of the same
data, 1,000 slices (50 labelled, 1,000 judged each), and a file of a million rows from the command line. Each
program has a process of its own with single-threaded BLAS and gets verdicts item by item. The first call is
reported apart and has the import and any compilation in it; times are medians of the later ones with the
least and the largest. "CPU" is the processor time of a call, over all threads: other work on the machine
disturbs it less, so ratios are of that. Bounds, where a program takes them: TPR in [.70, .95], FPR in
[.01, .10].

The others are measured where they are installed: pip install "jaxmle[benchmarks]", Python 3.12 or newer.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks import _peers_files, _peers_known, _peers_report, _process, _results
from benchmarks import _peers_programs as programs

OUT = Path(__file__).parent / "results"
SLICES, LABELLED, JUDGED, TPR, FPR = 1_000, 50, 1_000, 0.90, 0.06
PACKAGES = ("numpy", "scipy", "judgy", "ppi-python", "glide-py", "truescore", "jax", "duckdb")
COLUMNS = (
    *(
        "task",
        "program",
        "bounds",
        "estimate",
        "low",
        "high",
        "seconds",
        "fastest",
        "slowest",
        "cpu",
        "first",
    ),
    *("peak_mib", "refused", "rmse", "coverage", "width", "known_cases", "known_difference", "note"),
)
WITH = {"bounds": _peers_known.BOUNDS}
ASYMPTOTIC = {"simulate": False}

ONE = programs.single
EACH = programs.looped
TASKS = {
    "estimate": {
        "NumPy, closed form": programs.numpy_closed_form,
        "scipy L-BFGS-B, one by one": ONE(programs.load_scipy),
        "judgy, 20,000 resamples": ONE(lambda: programs.load_judgy(20_000)),
        "ppi-python, PPI++": ONE(programs.load_ppi_python),
        "GLIDE, PPI++": ONE(programs.load_glide),
        "truescore, PPI++": ONE(programs.load_truescore),
        "jaxmle": programs.jaxmle("profile_interval", **ASYMPTOTIC),
        "jaxmle, bounds": programs.jaxmle("profile_interval", **WITH, **ASYMPTOTIC),
        "jaxmle, bounds, calibrated": programs.jaxmle("profile_interval", **WITH),
    },
    "resamples": {
        "NumPy, closed form": programs.numpy_resamples,
        "scipy L-BFGS-B, one by one": programs.scipy_resamples,
        "judgy": ONE(lambda: programs.load_judgy(programs.RESAMPLES)),
        "ppi-python, ppboot": ONE(programs.load_ppboot),
        "GLIDE, PTD": ONE(lambda: programs.load_glide(programs.RESAMPLES)),
        "jaxmle": programs.jaxmle("bootstrap"),
        "jaxmle, bounds": programs.jaxmle("bootstrap", **WITH),
    },
    "slices": {
        "NumPy, closed form": programs.numpy_closed_form,
        "scipy L-BFGS-B, one by one": EACH(programs.load_scipy, programs.SOME_SLICES),
        "judgy, 2,000 resamples": EACH(lambda: programs.load_judgy(2_000), programs.SOME_SLICES),
        "ppi-python, PPI++": EACH(programs.load_ppi_python),
        "GLIDE, PPI++": EACH(programs.load_glide),
        "truescore, estimate_slices": programs.truescore_slices,
        "jaxmle": programs.jaxmle("profile_interval", **ASYMPTOTIC),
        "jaxmle, bounds": programs.jaxmle("profile_interval", **WITH, **ASYMPTOTIC),
        "jaxmle, bounds, calibrated": programs.jaxmle("profile_interval", **WITH),
    },
}


def drawn_slices(slices, seed=0):
    """Verdicts of some slices, shape (slices, items), and their failure rates."""
    rng = np.random.default_rng(seed)
    shape = slices, LABELLED + JUDGED
    truth = rng.uniform(0.05, 0.35, slices)
    human = (rng.random(shape) < truth[:, None]).astype(float)
    judge = (rng.random(shape) < np.where(human == 1, TPR, FPR)).astype(float)
    human[:, LABELLED:] = np.nan
    return (human, judge), truth


def measure(task, name, quick):
    """One row, measured in this process."""
    make = TASKS[task][name]
    truth = None
    if task == "slices":
        data, truth = drawn_slices(SLICES // 10 if quick else SLICES)
    else:
        data = _peers_known.items("A")
    started = time.perf_counter()
    run = make(data)
    answer = [np.asarray(x, float) for x in run()]
    first = time.perf_counter() - started
    times, cpu = _process.timed(run, 1)
    if not quick:
        more, cpu = _process.timed(run, int(np.clip(3 / times[0], 2, 14)))
        times += more
    scale = 1.0
    if task == "slices":
        scale = len(data[0]) / len(answer[0])
    elif make is programs.scipy_resamples:
        scale = programs.RESAMPLES / programs.SOME_RESAMPLES
    found = {key: value * scale for key, value in {**_process.spread(times), "cpu": cpu}.items()}
    found |= {"first": first, "peak_mib": _process.peak_mib()}
    if scale != 1:
        found["note"] = f"one part in {scale:g} of the task, times multiplied"
    return found | (
        _against_truth(answer, truth) if task == "slices" else _answered(task, name, make, answer)
    )


def _answered(task, name, make, answer):
    cases, gap = _peers_known.difference(task, name, make)
    answer = dict(zip(("estimate", "low", "high"), map(float, answer), strict=True))
    return {**answer, "known_cases": cases, "known_difference": gap}


def _against_truth(answer, truth):
    """A slice without an answer counts as one that the interval misses."""
    estimate, low, high = answer
    truth = truth[: len(estimate)]
    good = np.isfinite(answer).all(0)
    return {
        "refused": int(np.sum(~good)),
        "rmse": float(np.sqrt(np.mean((estimate - truth)[good] ** 2))),
        "coverage": float(np.mean(good & (low <= truth) & (truth <= high))),
        "width": float(np.mean((high - low)[good])),
    }


def installed(name):
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} not installed"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one repetition, a tenth of the slices and of the file"
    )
    parser.add_argument("--report", action="store_true", help="print the tables of the last full run")
    parser.add_argument("--row", nargs=3, metavar=("TASK", "PROGRAM", "QUICK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        task, name, quick = options.row
        print(json.dumps(measure(task, name, quick == "True")))
        return
    if options.report:
        _peers_report.report(OUT / "peers.csv")
        return

    out = OUT.with_name("results-quick") if options.quick else OUT
    out.mkdir(exist_ok=True)
    heading = [
        f"python -m benchmarks.peers{' --quick: 100 slices, 100,000 rows' if options.quick else ''}",
        f"{_process.machine()}; load when it began {os.getloadavg()[0]:.1f}",
        ", ".join(map(installed, PACKAGES)),
    ]
    rows = []
    for task, table in TASKS.items():
        for name in table:
            found, reason = _process.row("benchmarks.peers", task, name, options.quick)
            found = found or {"note": f"not measured: {reason}"}
            rows.append({"task": task, "program": name, **found})
            print(task, name, found.get("seconds", reason), file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for found in _peers_files.measured(Path(folder), options.quick):
            rows.append({"task": "file", **found})
            print("file", found["program"], found["seconds"], file=sys.stderr, flush=True)
    heading[1] += f", when it ended {os.getloadavg()[0]:.1f}"
    for row in rows:
        row["bounds"] = "yes" if "bounds" in row["program"] or "scipy" in row["program"] else "no"
    path = out / "peers.csv"
    _results.write(path, rows, str, fields=COLUMNS, heading=heading)
    _peers_report.report(path)


if __name__ == "__main__":
    main()
