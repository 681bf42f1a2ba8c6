"""Time and memory as rows, slices and replicates grow, stage by stage, and the power of the size they follow.

    python -m benchmarks.growth                 # rows to 1e8: 1 GB of disk, some ten minutes of two cores
    python -m benchmarks.growth --rows 9        # to 1e9: the file of 1e8 under ten names
    python -m benchmarks.growth --quick         # seconds

Every figure is a process of its own: seconds of the clock and of the processor for the stage alone, without
imports, and the most memory that the process held. Stages: DuckDB's bare count of verdicts by slice and
`tables.count` of the same rows; fits, profile ends by chi-square with all that `estimate --out` says of
slices, and the command from ten rows a slice to its file; simulated intervals; the bootstrap. Of some jobs
from rows to a file the share of each stage (parse, count, fit, interval, write). Results go to
benchmarks/results (`growth.csv`, `growth_shares.csv`) and `growth.png`.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import _growth_shares, _process, _results

# What is known of the judge, 50 labels and 1,000 judged items a slice.
LABELS = (0.085, 0.015, 0.09, 0.81)
ITEMS, FLAGGED = 1_000, 0.175
BLOCK_ROWS = 100_000_000
COLUMNS = ("stage", "size", "unit", "seconds", "cpu_seconds", "peak_mib", "note")


def counts_of(n):
    """Counts of slices, with bounds."""
    from jaxmle import Bounds, Counts

    rng = np.random.default_rng(0)
    cells = rng.multinomial(50, LABELS, n).T
    flagged = rng.binomial(ITEMS, FLAGGED, n)
    return Counts(*cells, flagged, ITEMS - flagged), Bounds(tpr=(0.7, 0.95), fpr=(0.02, 0.15))


def write(folder, rows, slices=100, most=BLOCK_ROWS):
    """Parquet files of verdicts of ``most`` rows each, and the pattern that names them."""
    import duckdb

    block = min(rows, most)
    first = folder / f"{slices}_{block}_0.parquet"
    if not first.exists():
        # Slices stand in no order; a hash takes the place of a random number.
        duckdb.sql(
            f"COPY (SELECT 's' || (hash(i * 11) % {slices}) AS slice, "
            "CASE WHEN hash(i) % 20 = 0 THEN CAST(hash(i * 7) % 10 = 0 AS INT) END AS human, "
            "CAST((hash(i * 7) % 10 = 0 AND hash(i * 3) % 10 > 0) OR hash(i * 5) % 20 = 0 AS INT) AS judge "
            f"FROM range({block}) AS t(i)) TO '{first}' (FORMAT PARQUET)"
        )
    for number in range(1, rows // block):
        name = folder / f"{slices}_{block}_{number}.parquet"
        if not name.exists():
            name.hardlink_to(first)
    return str(folder / f"{slices}_{block}_*.parquet") if rows > block else str(first)


def bare_count(size, source):
    import duckdb

    return lambda: duckdb.sql(f"SELECT slice, human, judge, count(*) FROM '{source}' GROUP BY ALL").fetchall()


def count(size, source):
    from jaxmle import tables

    return lambda: tables.count(source, judge="judge", human="human", by="slice")


def fits(size, source):
    from jaxmle import fit

    counts, bounds = counts_of(size)
    return lambda: fit(counts, bounds, engine="numpy")


def columns(size, source):
    """All that `estimate --out` says of slices, chi-square ends among it."""
    from jaxmle.distributed import map_slices

    counts, bounds = counts_of(size)
    names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
    block = dict(zip(names, counts.values(), strict=True))
    return lambda: map_slices(block, bounds=bounds, interval="chi-square")


def simulated(size, source):
    from jaxmle import profile_interval

    counts, bounds = counts_of(size)
    return lambda: profile_interval(counts, bounds)


def bootstrapped(size, source, slices=100):
    from jaxmle import bootstrap, fit

    counts, bounds = counts_of(slices)
    # Labels of one kind alone, in one slice of ten thousand, leave nothing to bootstrap.
    counts = counts[np.asarray(fit(counts, bounds).identified)]
    return lambda: bootstrap(counts, bounds, n_resamples=size)


def bootstrapped_slices(size, source):
    return bootstrapped(1_000, source, size)


def file_of_slices(size, source):
    """`jaxmle estimate --by slice --out`, from ten rows a slice to a file."""
    from jaxmle._cli import main

    out = Path(source).with_suffix(".out.parquet")
    columns = ("--judge", "judge", "--human", "human", "--by", "slice", "--interval", "chi-square")

    def run():
        for left in (out, out.with_name(out.name + ".json")):
            left.unlink(missing_ok=True)
        assert main(["estimate", source, *columns, "--out", str(out)]) == 0

    return run


# Stage: what it is of, how it is made ready, its sizes as powers of ten, the quick ones, and of which file:
# none, 0 for 100 slices, or rows a slice.
STAGES = {
    "bare count": ("rows", bare_count, (4, 5, 6, 7, 8), (4, 5), 0),
    "count": ("rows", count, (4, 5, 6, 7, 8), (4, 5), 0),
    "fit": ("slices", fits, (0, 1, 2, 3, 4, 5, 6), (0, 2), None),
    "columns, chi-square": ("slices", columns, (0, 1, 2, 3, 4, 5, 6), (0, 2), None),
    "count, ten rows a slice": ("slices", count, (2, 3, 4, 5, 6), (2,), 10),
    "file, chi-square": ("slices", file_of_slices, (2, 3, 4, 5, 6), (2,), 10),
    "simulated": ("slices", simulated, (0, 1, 2, 3, 4), (0, 1), None),
    "bootstrap, 100 slices": ("replicates", bootstrapped, (2, 3, 4, 5), (2,), None),
    "bootstrap, 1,000 replicates": ("slices", bootstrapped_slices, (0, 1, 2, 3, 4), (0, 1), None),
}


def one(stage, size, source):
    """Run one stage in this process and print what it took."""
    import warnings

    warnings.simplefilter("ignore")
    run = STAGES[stage][1](int(size), source)
    started, cpu = time.perf_counter(), time.process_time()
    run()
    taken = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**taken, "peak_mib": _process.peak_mib()}))


def exponent(rows):
    """Power of the size that the seconds of the processor follow over its two largest decades."""
    some = rows[-3:]
    if len(some) < 2:
        return float("nan")
    x, y = (np.log([float(row[name]) for row in some]) for name in ("size", "cpu_seconds"))
    return float(np.polyfit(x, y, 1)[0])


def measure(stages, folder, quick, largest):
    """Rows of the table."""
    found = []
    for stage in stages:
        unit, _, powers, few, rows_a_slice = STAGES[stage]
        chosen = few if quick else powers
        if unit == "rows" and not quick:
            chosen = tuple(range(4, largest + 1))
        for power in chosen:
            size = 10**power
            source = "-"
            if rows_a_slice is not None:
                source = write(folder, rows_a_slice * size, size) if rows_a_slice else write(folder, size)
            taken, why = _process.row("benchmarks.growth", stage, size, source)
            row = {"stage": stage, "size": size, "unit": unit, "note": why, **(taken or {})}
            found.append(row)
            print(*(f"{row.get(name, '')}" for name in COLUMNS), sep="\t", flush=True)
    return found


def report(path=_results.RESULTS / "growth.csv"):
    """Print the largest sizes of each stage, and the exponents."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in _results.read(path):
        groups.setdefault(row["stage"], []).append(row)
    print("| stage | of | at | seconds | processor seconds | MiB | exponent |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for stage, rows in groups.items():
        for row in rows[-2:]:
            if row["seconds"]:
                shown = [f"{float(row[name]):,.3g}" for name in ("seconds", "cpu_seconds")]
                power = f"{exponent(rows):.2f}" if row is rows[-1] else ""
                peak = f"{float(row['peak_mib']):,.0f}"
                print(
                    "|", " | ".join([stage, row["unit"], f"{int(row['size']):,}", *shown, peak, power]), "|"
                )


def figure(rows, shares, path):
    """Draw seconds against size, and the shares of the stages."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(13, 4.6), layout="constrained")
    first, second, third, last = canvas.subplots(1, 4)
    for axes in (second, third):
        axes.sharey(first)
    panels = {"rows": first, "slices": second, "replicates": third}
    _growth_shares.draw(last, shares)
    for stage in dict.fromkeys(row["stage"] for row in rows):
        some = [row for row in rows if row["stage"] == stage and row["seconds"]]
        x, y = ([float(row[name]) for row in some] for name in ("size", "cpu_seconds"))
        panels[some[0]["unit"]].plot(
            x, y, marker="o", markersize=4, label=f"{stage} (power {exponent(some):.2f})"
        )
    for unit, axes in panels.items():
        if not axes.lines:
            continue
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(unit.capitalize())
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.14))
    panels["rows"].set_ylabel("Processor seconds")
    canvas.suptitle("Time as jobs grow", fontsize="medium")
    canvas.supxlabel("python -m benchmarks.growth", fontsize="x-small")
    canvas.savefig(path, dpi=120)


def redraw(out):
    """Draw the figure of the tables."""
    tables = [_results.read(out / name) for name in ("growth.csv", "growth_shares.csv")]
    figure(*tables, out / "growth.png")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=8, help="largest power of ten of rows")
    parser.add_argument("--only", nargs="+", default=list(STAGES), choices=list(STAGES), help="stages")
    parser.add_argument("--folder", type=Path, help="where the files of rows are kept")
    parser.add_argument("--shares", action="store_true", help="the shares of the stages alone")
    parser.add_argument("--out", type=Path, default=_results.RESULTS)
    options = parser.parse_args()
    if options.row:
        one(*options.row)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        found = [] if options.shares else measure(options.only, folder, options.quick, options.rows)
        jobs = _growth_shares.QUICK if options.quick else _growth_shares.JOBS
        shares = _growth_shares.measure(jobs, folder, write)
    if options.quick:
        return
    path = options.out / "growth.csv"
    done = set() if options.shares else set(options.only)
    kept = [row for row in _results.read(path) if row["stage"] not in done] if path.exists() else []
    rows = [{name: row.get(name, "") for name in COLUMNS} for row in (*kept, *found)]
    rows.sort(key=lambda row: (list(STAGES).index(row["stage"]), int(row["size"])))
    _results.write(path, rows, "{:.4g}".format)
    _results.write(options.out / "growth_shares.csv", shares, "{:.4g}".format)
    redraw(options.out)
    print(_process.machine(), file=sys.stderr)
    report(path)
    _growth_shares.report(options.out / "growth_shares.csv")


if __name__ == "__main__":
    main()
