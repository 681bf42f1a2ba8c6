"""From a file of verdicts to estimates, as whole processes: against truescore, and up to 100 million rows.

    python -m benchmarks.ingest            # about three minutes on two cores, 1 GB of disk
    python -m benchmarks.ingest --quick    # the million rows only

The files are made by DuckDB: 100 slices, 5% of the items labelled, three columns. Each row of the tables is a
process from its start to its end, the median of `--repeats`, with the most memory it held; jaxmle runs with
its compiled code in a cache of its own, filled by a first call that is reported apart. truescore is measured
where it is installed: pip install "jaxmle[benchmarks]".
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks import _process

ROWS = 1_000_000
SIZES = (1_000_000, 10_000_000, 100_000_000)


def write(path, rows):
    """Verdicts of 100 slices: one in ten fails, one in twenty is labelled."""
    import duckdb

    form = "FORMAT PARQUET" if path.suffix == ".parquet" else "FORMAT CSV, HEADER"
    duckdb.sql(
        "COPY (SELECT 's' || (i % 100) AS slice, "
        "CASE WHEN hash(i) % 20 = 0 THEN CAST(hash(i * 7) % 10 = 0 AS INT) END AS human, "
        "CAST((hash(i * 7) % 10 = 0 AND hash(i * 3) % 10 > 0) OR hash(i * 5) % 20 = 0 AS INT) AS judge "
        f"FROM range({rows}) AS t(i)) TO '{path}' ({form})"
    )


def measure(command, environment, repeats):
    """First call, median of the others, and the most memory."""
    found = [
        _process.command(command, environment, (0, 2)) for _ in range(repeats + 1)
    ]  # truescore's 2 is a finding
    first, *rest = found
    return first.seconds, statistics.median(one.seconds for one in rest), max(one.peak_mib for one in rest)


def jaxmle(path, *more):
    """A command line of jaxmle."""
    columns = ("--judge", "judge", "--human", "human")
    return (sys.executable, "-m", "jaxmle", "estimate", str(path), *columns, *more)


def truescore(task, path):
    """A command line of truescore, or None where it is not installed."""
    program = shutil.which("truescore", path=str(Path(sys.executable).parent)) or shutil.which("truescore")
    columns = {
        "audit": ("--judge", "judge", "--gold", "human"),
        "slices": ("--judge-a", "judge", "--gold-a", "human", "--by", "slice"),
    }
    return (program, task, str(path), *columns[task]) if program else None


def against_truescore(folder, environment, repeats):
    """One million rows of CSV."""
    path = folder / "verdicts.csv"
    write(path, ROWS)
    programs = {
        "jaxmle estimate --by slice --interval chi-square": jaxmle(
            path, "--by", "slice", "--interval", "chi-square"
        ),
        "jaxmle estimate --by slice": jaxmle(path, "--by", "slice"),
        "jaxmle estimate": jaxmle(path),
    }
    if truescore("audit", path):
        programs["truescore audit"] = truescore("audit", path)
        programs["truescore slices --by slice"] = truescore("slices", path)
    print("| program, 1,000,000 rows of CSV | s | ratio | first call, s | peak memory, MiB |")
    print("|---|--:|--:|--:|--:|")
    base = None
    for name, command in programs.items():
        first, seconds, memory = measure(command, environment, repeats)
        base = base or seconds
        print(f"| {name} | {seconds:.2f} | {seconds / base:.1f} | {first:.1f} | {memory:,.0f} |", flush=True)
    if not truescore("audit", path):
        print("(truescore is not installed)")
    path.unlink()


def over_sizes(folder, environment, repeats):
    """Parquet of growing size."""
    print("\n| rows of Parquet, --by slice --interval chi-square | s | peak memory, MiB |")
    print("|--:|--:|--:|")
    for rows in SIZES:
        path = folder / "verdicts.parquet"
        write(path, rows)
        command = jaxmle(path, "--by", "slice", "--interval", "chi-square")
        _, seconds, memory = measure(command, environment, repeats)
        print(f"| {rows:,} | {seconds:.2f} | {memory:,.0f} |", flush=True)
        path.unlink()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the million rows only")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{_process.machine()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = _process.environment(XDG_CACHE_HOME=str(folder / "cache"))
        against_truescore(folder, environment, options.repeats)
        if not options.quick:
            over_sizes(folder, environment, options.repeats)


if __name__ == "__main__":
    main()
