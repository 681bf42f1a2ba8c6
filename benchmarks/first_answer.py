"""What the first answer costs: whole processes with no compiled code kept from before, and again with it.

    python -m benchmarks.first_answer                        # some minutes on two cores
    python -m benchmarks.first_answer --before FOLDER        # beside the code of another checkout
    python -m benchmarks.first_answer --quick                # each call once cold and once warm
    python -m benchmarks.first_answer --only sensitivity     # some calls, by words of their names
    python -m benchmarks.first_answer --report               # the table of the last full run

Each figure is of a process of its own with single-threaded BLAS. "Cold" is the first with a new, empty cache
folder, "warm" the median of the two after it with the same folder; both are medians over the rounds, of each
figure by itself. CPU is user and system time over all threads, which other work on the machine disturbs less
than the time on the clock. Memory is the most that the process held, in units of 10^6 bytes; it cannot come
out below that of this measuring process, which the heading of the table gives. Calls in Python are timed from
the counts to the answer within their process; what their imports take is the row "import", and their memory
is of the whole process. Aims hold cold and warm alike.

Data, drawn with a fixed seed and written item by item: 50 labelled and 10,000 judged items, failure rate .1,
TPR .9, FPR .05, with TPR in [.80, .95] and FPR in [.01, .10]; nine slices of that size each; for `compare` a
second system in columns of its own, failure rate .15. truescore is measured on the same files where it is
installed: pip install "jaxmle[benchmarks]".
"""

import argparse
import csv
import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _process, _results, ingest
from benchmarks.peers import installed

ROOT = Path(__file__).parents[1]
LABELLED, JUDGED, RATES, TPR, FPR, TOPICS = 50, 10_000, (0.10, 0.15), 0.90, 0.05, 9
BOX = {"tpr": (0.80, 0.95), "fpr": (0.01, 0.10)}
COLUMNS = ("item", "topic", "human", "judge", "human_b", "judge_b")
MEASURED = ("cold_cpu", "cold_seconds", "cold_mb", "warm_cpu", "warm_seconds", "warm_mb")
FIELDS = (
    *("call", "code", "cold_cpu", "warm_cpu", "aim_cpu", "cold_seconds", "warm_seconds"),
    *("cold_mb", "warm_mb", "aim_mb"),
)
MIB = 2**20 / 1e6
PACKAGES = ("numpy", "scipy", "jax", "duckdb", "truescore")

BOUNDS = tuple(word for name, ends in BOX.items() for word in (f"--{name}", ":".join(map(str, ends))))
VERDICTS = ("--judge", "judge", "--human", "human")
BY = ("--by", "topic")
SECOND = ("--judge-b", "judge_b", "--human-b", "human_b")
EXPECTED = ("--failure-rate", RATES[0], "--judge-tpr", TPR, "--judge-fpr", FPR, "--n-unlabeled", JUDGED)

_SCRIPT = """
import json, sys, time
given = json.loads(sys.argv[1])
times = [(time.process_time(), time.perf_counter())]
from jaxmle import Bounds, Counts, {names}
times.append((time.process_time(), time.perf_counter()))
{call}
times.append((time.process_time(), time.perf_counter()))
print(json.dumps([end - start for start, end in zip(times[{since:d}], times[-1])]))
"""


@dataclass(frozen=True)
class Shell:
    """A command line of jaxmle; "{one}", "{nine}" and "{page}" stand for files."""

    words: tuple[object, ...]
    aim_cpu: float
    aim_mb: float | None = None
    accepted: tuple[int, ...] = (0, 1)  # 1: not certified, a difference, a finding

    def argv(self, files, _given):
        """Without the current folder on the path, so that PYTHONPATH says which code runs."""
        return (sys.executable, "-P", "-m", "jaxmle", *(str(word).format(**files) for word in self.words))

    def spent(self, finished):
        """CPU and wall seconds."""
        return finished.cpu, finished.seconds


@dataclass(frozen=True)
class Peer(Shell):
    """The command line of truescore on the file of one slice."""

    accepted: tuple[int, ...] = (0, 1, 2)  # 2 is a finding

    def argv(self, files, _given):
        """What to run, or None where truescore is not installed."""
        return ingest.truescore(*self.words, files["one"])


@dataclass(frozen=True)
class Python:
    """A call in Python, or with no options the import of all that are called."""

    function: str
    options: str | None
    aim_cpu: float | None = None
    data: str = "one"
    aim_mb = None
    accepted = (0,)

    def argv(self, _files, given):
        """A script without this package in it, which would import numpy beforehand."""
        call = f"{self.function}(Counts(*given['counts']), Bounds(**given['bounds']), {self.options})"
        script = _SCRIPT.format(
            names=self.function, call="" if self.options is None else call, since=self.options is not None
        )
        given = {"counts": given[self.data], "bounds": BOX}
        return (sys.executable, "-P", "-W", "ignore", "-c", script, json.dumps(given))

    def spent(self, finished):
        """CPU and wall seconds within the process."""
        return json.loads(finished.output)


CALLS: dict[str, Any] = {
    "estimate": Shell(("estimate", "{one}", *VERDICTS, *BOUNDS), 1.0, 150),
    "truescore audit": Peer(("audit",), None),
    "estimate --by": Shell(("estimate", "{nine}", *VERDICTS, *BOUNDS, *BY), 1.5),
    "certify": Shell(("certify", "{one}", *VERDICTS, *BOUNDS, "--limit", 0.2), 2.5),
    "estimate --by --judge-rates partial": Shell(
        ("estimate", "{nine}", *VERDICTS, *BOUNDS, *BY, "--judge-rates", "partial"), 6.0
    ),
    "report --by": Shell(("report", "{nine}", *VERDICTS, *BOUNDS, *BY, "--html", "{page}"), 6.0),
    "plan --target-width": Shell(("plan", *EXPECTED, *BOUNDS, "--target-width", 0.08), 6.0),
    "sensitivity": Shell(("sensitivity", "{one}", *VERDICTS, *BOUNDS, "--limit", 0.2), 1.5),
    "compare": Shell(("compare", "{one}", *VERDICTS, *SECOND, *BOUNDS), 1.5),
    "drift": Shell(("drift", "{one}", *VERDICTS, *BOUNDS), 1.5),
    "doctor": Shell(("doctor", "{one}"), 1.5),
    "Python: import": Python("fit, profile_interval, bootstrap, certify, fit_slices", None),
    "Python: fit": Python("fit", "", 0.05),
    "Python: profile_interval, 999 draws": Python("profile_interval", "n_resamples=999", 0.3),
    "Python: bootstrap, 10,000 resamples": Python("bootstrap", "n_resamples=10_000", 0.3),
    "Python: certify, exact": Python("certify", "limit=0.2, method='exact'", 2.0),
    "Python: fit_slices, partial, nine slices": Python("fit_slices", "judge_rates='partial'", None, "nine"),
}


def drawn(rng, topic):
    """Rows of one slice, the labelled ones first, and the six counts of its first system."""
    columns = []
    for rate in RATES:
        human = rng.random(LABELLED + JUDGED) < rate
        judge = rng.random(LABELLED + JUDGED) < np.where(human, TPR, FPR)
        columns += [human.astype(int), judge.astype(int)]
    human, judge = (column[:LABELLED] for column in columns[:2])
    cells = [int(np.sum((human == h) & (judge == j))) for h, j in ((1, 1), (1, 0), (0, 1), (0, 0))]
    flagged = int(columns[1][LABELLED:].sum())
    rows = [(f"{topic}-{i}", topic, *row) for i, row in enumerate(zip(*columns, strict=True))]
    rows[LABELLED:] = [(item, topic, "", judge, "", other) for item, _, _, judge, _, other in rows[LABELLED:]]
    return rows, [*cells, flagged, JUDGED - flagged]


def written(folder):
    """Write the files; their names, and the counts as the calls in Python take them."""
    rng = np.random.default_rng(0)
    slices = [drawn(rng, f"topic {k + 1}") for k in range(TOPICS)]
    files = {"page": folder / "page.html"}
    for name, some in (("one", slices[:1]), ("nine", slices)):
        files[name] = folder / f"{name}.csv"
        with files[name].open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(COLUMNS)
            table.writerows(row for rows, _ in some for row in rows)
    return files, {"one": slices[0][1], "nine": np.transpose([counts for _, counts in slices]).tolist()}


def run(argv, checkout, accepted=(0,), **more):
    """One process of the code of a checkout."""
    return _process.command(argv, _process.environment(PYTHONPATH=str(checkout), **more), accepted)


def cold_and_warm(call, argv, checkout, repeats):
    """CPU, wall seconds and memory of a first process and of some after it."""
    found = []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(repeats):
            finished = run(argv, checkout, call.accepted, XDG_CACHE_HOME=cache)
            found.append((*call.spent(finished), finished.peak_mib * MIB))
    warm = map(statistics.median, zip(*found[1:], strict=True))
    return dict(zip(MEASURED, (*found[0], *warm), strict=True))


def made_ready(code, checkout, files):
    """Check which code will run, compile its modules, and have the libraries read from the disk once."""
    said = run((sys.executable, "-P", "-c", "import jaxmle; print(jaxmle.__file__)"), checkout).output
    package = Path(said.splitlines()[-1]).parent
    if package.parent != checkout:
        raise SystemExit(f"{code} would measure {package}, not the one in {checkout}")
    run((sys.executable, "-m", "compileall", "-q", package), checkout, (0, 1))
    estimate = CALLS["estimate"]
    cold_and_warm(estimate, estimate.argv(files, None), checkout, 2)


def measured(codes, calls, n_rounds, repeats):
    """Rows of the table; the codes take turns within each round, so that other work meets all alike."""
    found: dict[Any, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files, given = written(Path(folder))
        for code, checkout in codes.items():
            made_ready(code, checkout, files)
        for _ in range(n_rounds):
            for name, call in calls.items():
                argv = call.argv(files, given)
                if not argv:
                    continue
                for code, checkout in {"peer": ROOT}.items() if isinstance(call, Peer) else codes.items():
                    one = cold_and_warm(call, argv, checkout, repeats)
                    found.setdefault((name, code), []).append(one)
                    spent = f"CPU cold {one['cold_cpu']:.2f} s, warm {one['warm_cpu']:.2f} s"
                    print(f"{name}, {code}: {spent}", file=sys.stderr, flush=True)
    for (name, code), some in found.items():
        median = {field: statistics.median(one[field] for one in some) for field in MEASURED}
        aims = {field: getattr(calls[name], field) for field in ("aim_cpu", "aim_mb")}
        yield {"call": name, "code": code, **median, **aims}


def report(path):
    """Print the table in Markdown."""
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            print(line.lstrip("# "), end="  \n")
    heads = ("call", "code", "CPU cold, s", "CPU warm, s", "aim, s", "clock cold, s", "clock warm, s")
    print(f"\n| {' | '.join((*heads, 'cold, MB', 'warm, MB', 'aim, MB'))} |")
    print("|---|---|" + "--:|" * 8)
    for row in _results.read(path):
        digits = {name: 0 if name.endswith("_mb") else 2 for name in FIELDS[2:]}
        cells = [f"{float(row[name]):.{n}f}" if row[name] else "" for name, n in digits.items()]
        print(f"| {row['call']} | {row['code']} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="each call once cold and once warm")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="another checkout, measured beside")
    parser.add_argument("--only", metavar="WORDS", help="calls whose name holds these words")
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds of a cold and two warm runs (default 3)"
    )
    parser.add_argument("--out", type=Path, help="folder of the table (default: benchmarks/results)")
    parser.add_argument("--report", action="store_true", help="print the table of the last full run")
    options = parser.parse_args()
    if options.report:
        report((options.out or _results.RESULTS) / "first_answer.csv")
        return
    calls = {name: call for name, call in CALLS.items() if (options.only or "") in name}
    part = options.quick or options.only
    out = options.out or (_results.RESULTS.with_name("results-quick") if part else _results.RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    codes = {"before": options.before.resolve()} if options.before else {}
    codes["now"] = ROOT
    n_rounds, repeats = (1, 2) if options.quick else (options.rounds, 3)
    heading = [
        f"python -m benchmarks.first_answer; rounds: {n_rounds}, warm runs in each: {repeats - 1}",
        f"{_process.machine()}; load when it began {os.getloadavg()[0]:.1f}",
        ", ".join(map(installed, PACKAGES)),
    ]
    rows = list(measured(codes, calls, n_rounds, repeats))
    heading[1] += f", when it ended {os.getloadavg()[0]:.1f}"
    heading.append(f"the measuring process held {_process.peak_mib() * MIB:.0f} MB")
    path = out / "first_answer.csv"
    _results.write(path, rows, "{:.4g}".format, fields=FIELDS, heading=heading)
    report(path)


if __name__ == "__main__":
    main()
