"""What share of a job each of its stages takes: parse, count, fit, interval, write."""

import json
import time
import warnings

import numpy as np

from benchmarks import _process, _results

STAGES = ("parse", "count", "fit", "interval", "write")
FIELDS = ("rows", "slices", "kind", "seconds", *STAGES)
# Rows and slices as powers of ten, and how the intervals are made.
JOBS = (
    (6, 2, "chi-square"),
    (7, 2, "chi-square"),
    (8, 2, "chi-square"),
    (6, 5, "chi-square"),
    (7, 2, "simulated"),
    (6, 3, "simulated"),
)
QUICK = ((4, 1, "chi-square"), (4, 1, "simulated"))
BLOCK_ROWS = 10_000_000


def one(source, kind, small):
    """Run a job in this process and print the processor seconds of its stages; a small one loads the code."""
    warnings.simplefilter("ignore")
    stages_of(small, kind)
    print(json.dumps(stages_of(source, kind)))


def stages_of(source, kind):
    import duckdb
    import pyarrow
    import pyarrow.parquet

    from jaxmle import Bounds, fit, tables

    marks, found = [time.process_time()], {}

    def mark(stage):
        marks.append(time.process_time())
        found[stage] = marks[-1] - marks[-2]

    # Every value of the columns is decoded, and nothing grouped.
    duckdb.sql(f"SELECT sum(length(slice)), sum(human), sum(judge) FROM '{source}'").fetchall()
    mark("parse")
    table = tables.count(source, judge="judge", human="human", by="slice")
    mark("count")
    fitted = fit(table.counts, Bounds(tpr=(0.7, 0.95), fpr=(0.02, 0.15)))
    mark("fit")
    ends = fitted.interval(simulate=kind == "simulated")
    mark("interval")
    columns = {
        "slice": [key["slice"] for key in table.keys],
        **table.counts.to_dict(),
        "failure_rate": fitted.failure_rate,
        "low": ends.low,
        "high": ends.high,
    }
    out = source.split("*")[0] + ".shares"
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    mark("write")
    # Counting reads the rows too.
    found["count"] = max(found["count"] - found["parse"], 0.0)
    return found


def measure(jobs, folder, write):
    """Rows of the table: processor seconds in all, and the share of each stage."""
    rows = []
    small = write(folder, 10_000, 10, BLOCK_ROWS)
    for powers in jobs:
        size, slices = (10**power for power in powers[:2])
        source = write(folder, size, slices, BLOCK_ROWS)
        taken, why = _process.row("benchmarks._growth_shares", source, powers[2], small)
        if taken is None:
            raise SystemExit(why)
        whole = sum(taken.values())
        shares = {stage: taken[stage] / whole for stage in STAGES}
        rows.append({"rows": size, "slices": slices, "kind": powers[2], "seconds": whole, **shares})
        print(*rows[-1].values(), sep="\t", flush=True)
    return rows


def report(path=_results.RESULTS / "growth_shares.csv"):
    """Print the table."""
    print("| rows | slices | intervals | processor seconds |", " | ".join(STAGES), "|")
    print("|--:|--:|---|--:|" + "--:|" * len(STAGES))
    for row in _results.read(path):
        cells = [
            f"{int(row['rows']):,}",
            f"{int(row['slices']):,}",
            row["kind"],
            f"{float(row['seconds']):.3g}",
        ]
        print("|", " | ".join([*cells, *(f"{float(row[stage]):.0%}" for stage in STAGES)]), "|")


def draw(axes, rows):
    """Draw the shares as bars."""
    left = np.zeros(len(rows))
    for stage in STAGES:
        width = np.array([float(row[stage]) for row in rows])
        axes.barh(range(len(rows)), width, left=left, label=stage)
        left += width
    names = [f"1e{len(row['rows']) - 1} rows, {int(row['slices']):,}\n{row['kind']}" for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize="x-small")
    axes.invert_yaxis()
    axes.set_xlabel("Share of a second")
    axes.legend(frameon=False, fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)


if __name__ == "__main__":
    import sys

    one(*sys.argv[2:])
