"""Slices that share a judge: error, coverage and width of every way to estimate them.

    python -m benchmarks.pooling                        # all cells, an hour or more on two cores
    python -m benchmarks.pooling --quick                # a few data sets of 10 slices
    python -m benchmarks.pooling --slices 50 --part p50.csv      # one number of slices, into a file
    python -m benchmarks.pooling --time 1000 10000      # seconds of fits, intervals and totals
    python -m benchmarks.pooling --merge p10.csv p50.csv p500.csv # parts into the table and the figure
    python -m benchmarks.pooling --totals               # totals of many slices, an hour of one core
    python -m benchmarks.pooling --totals --quick       # ten data sets a cell
    python -m benchmarks.pooling --totals --cells 0 1 --part t.csv # some cells, into a file
    python -m benchmarks.pooling --totals --merge t.csv u.csv      # parts into the table

Failure rates are Beta(1.2, 12) over slices, 400 judged items a slice besides the labels; the judge's TPR has
mean .9 and its FPR mean .05, Beta distributed over slices with the stated standard deviation of the TPR and
half of it for the FPR; no bounds. Totals have cells of their own (`benchmarks._totals`).
"""

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results, _totals
from benchmarks._samples import drawn_counts
from jaxmle import baselines, fit_slices, profile_interval

SLICES = {10: 60, 50: 20, 500: 4}
LABELS = (1, 2, 5, 20, 100)
SPREADS = (0.0, 0.02, 0.05, 0.10, 0.20)
JUDGED = 400
SEED = 7
MODES = ("per-slice", "common", "partial")


def draw(rng, n_slices, n_labels, spread):
    """Failure rates and counts of one data set."""

    def rates(mean, sd):
        if sd == 0:
            return np.full(n_slices, mean)
        k = mean * (1 - mean) / sd**2 - 1
        return rng.beta(mean * k, (1 - mean) * k, n_slices)

    truth = rng.beta(1.2, 12, n_slices)
    tpr, fpr = rates(0.9, spread), rates(0.05, spread / 2)
    return truth, drawn_counts(rng, truth, tpr, fpr, n_labels, JUDGED)


def estimates(counts):
    """Estimate, low and high of slices by each method, and what "partial" became."""
    found, used = {}, ""
    each: Any
    for mode in MODES:
        result = fit_slices(counts, judge_rates=mode)
        if mode == "per-slice":
            # Chi-square cut-offs: the calibrated ones of so many data sets take too long.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # flag rates of so few labels differ
                each = profile_interval(counts, simulate=False)
        else:
            each = result.interval()
        if mode == "partial":
            used = result.judge_rates
        found[mode] = (result.failure_rate, each.low, each.high)
    n = counts.n_labeled[0]
    for name in ("ppi_plus_plus", "ppi", "human_only", "judge_only"):
        if n == 1 and name.startswith("ppi"):
            continue  # no variance from one label
        one = getattr(baselines, name)(counts)
        found[name] = (one.estimate, one.low, one.high)
    return found, used


def cell(n_slices, n_labels, spread, n_sets):
    """Rows of one cell."""
    rng = np.random.default_rng([SEED, n_slices, n_labels, int(1000 * spread)])
    kept: dict[str, list[Any]] = {}
    used, truths = [], []
    for _ in range(n_sets):
        truth, counts = draw(rng, n_slices, n_labels, spread)
        found, became = estimates(counts)
        used.append(became)
        truths.append(truth)
        for name, values in found.items():
            kept.setdefault(name, []).append(values)
    truth = np.array(truths)
    rows = []
    for name, sets in kept.items():
        rate, low, high = (np.array([one[k] for one in sets]) for k in range(3))
        rows.append(
            {
                "slices": n_slices,
                "labels": n_labels,
                "judge_sd": spread,
                "method": name,
                "data_sets": n_sets,
                "rmse": np.sqrt(np.mean((rate - truth) ** 2)),
                "bias": np.mean(rate - truth),
                "coverage": np.mean((low <= truth) & (truth <= high)),
                "width": np.mean(high - low),
                "fell_to_common": np.mean([one == "common" for one in used]) if name == "partial" else "",
                "fell_to_per_slice": np.mean([one == "per-slice" for one in used])
                if name == "partial"
                else "",
            }
        )
    return rows


def clock(n_slices):
    """Print the seconds of each mode, first call (with compilation) and second, other data."""
    rng = np.random.default_rng(SEED)
    for mode in ("common", "partial"):
        for turn in ("first", "second"):
            _, counts = draw(rng, n_slices, 5, 0.0 if mode == "common" else 0.05)
            marks = [time.perf_counter()]
            result = fit_slices(counts, judge_rates=mode)
            marks.append(time.perf_counter())
            result.interval()
            marks.append(time.perf_counter())
            result.total()
            marks.append(time.perf_counter())
            fitted, intervals, total = np.diff(marks)
            print(
                f"{n_slices:,} slices, {mode}, {turn} call: fit {fitted:.2f} s, intervals {intervals:.2f} s, "
                f"total {total:.2f} s",
                flush=True,
            )


def write(rows, path):
    _results.write(path, rows, "{:.4f}".format)


def summary(rows):
    """Print the worst and the mean cells against what is hoped for."""
    table = {(int(r["slices"]), int(r["labels"]), float(r["judge_sd"]), r["method"]): r for r in rows}
    cells = sorted({key[:3] for key in table})
    print("slices labels  sd  | RMSE per-slice common partial PPI++ | partial/best | coverage common partial")
    ratios, covers = [], []
    for key in cells:
        row = {name: table.get((*key, name)) for name in (*MODES, "ppi_plus_plus")}
        error = {name: float(one["rmse"]) if one else float("nan") for name, one in row.items()}
        ratio = error["partial"] / min(error["common"], error["per-slice"])
        ratios.append(ratio)
        covers.append(float(row["partial"]["coverage"]))
        print(
            f"{key[0]:6d} {key[1]:6d} {key[2]:5.2f} | {error['per-slice']:.4f} {error['common']:.4f} "
            f"{error['partial']:.4f} {error['ppi_plus_plus']:.4f} | {ratio:.2f} | "
            f"{float(row['common']['coverage']):.3f} {covers[-1]:.3f}"
        )
    within, covered = np.sum(np.array(ratios) <= 1.1), np.sum(np.array(covers) >= 0.92)
    print(f"partial within 10% of the better: {within} of {len(cells)} cells, worst {max(ratios):.2f}")
    print(f"partial covers .92: {covered} of {len(cells)} cells, least {min(covers):.3f}")


def picture(rows, path):
    """RMSE against labels a slice, one panel a number of slices and a spread."""
    plt = _results.pyplot()
    styles = {
        "ppi_plus_plus": ("PPI++", "#999999", "s", ":"),
        "judge_only": ("judge only", "#CC79A7", "x", ":"),
        "per-slice": ("ML, each slice alone", "#E69F00", "^", "--"),
        "common": ("ML, common judge", "#0072B2", "v", "-."),
        "partial": ("ML, partially pooled", "#009E73", "o", "-"),
    }
    sizes = sorted({int(r["slices"]) for r in rows})
    shown = [0.0, 0.05, 0.20]
    figure, axes = plt.subplots(
        len(sizes), 3, figsize=(10, 2.6 * len(sizes) + 0.8), sharex=True, sharey=True, squeeze=False
    )
    for i, n_slices in enumerate(sizes):
        for j, spread in enumerate(shown):
            panel = axes[i][j]
            for name, (label, color, marker, line) in styles.items():
                some = [
                    r
                    for r in rows
                    if (int(r["slices"]), float(r["judge_sd"]), r["method"]) == (n_slices, spread, name)
                ]
                some.sort(key=lambda r: int(r["labels"]))
                panel.plot(
                    [int(r["labels"]) for r in some],
                    [100 * float(r["rmse"]) for r in some],
                    label=label,
                    color=color,
                    marker=marker,
                    linestyle=line,
                    markersize=5,
                )
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xticks(LABELS, [str(n) for n in LABELS])
            panel.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
            panel.minorticks_off()
            panel.grid(alpha=0.3)
            if i == 0:
                panel.set_title(f"SD of the judge's TPR {spread:g}", fontsize=11)
            if j == 0:
                panel.set_ylabel(f"{n_slices} slices\nRMSE, % points", fontsize=11)
            if i == len(sizes) - 1:
                panel.set_xlabel("labels a slice", fontsize=11)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=5, frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(path, dpi=130)


def totals(options):
    """Measure totals, or join measured parts."""
    path = options.part or _results.RESULTS / "totals.csv"
    rows = [row for part in options.merge or () for row in _results.read(part)]
    if not options.merge:
        for index in options.cells or range(len(_totals.CELLS)):
            start = time.time()
            rows.append(_totals.measure(index, 10 if options.quick else options.data_sets))
            _totals.show(rows[-1])
            print(f"    cell {index}: {time.time() - start:.0f} s", flush=True)
            if options.part:
                write(rows, path)
    else:
        for row in rows:
            _totals.show(row)
    if not options.quick or options.part:
        write(rows, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--slices", type=int, nargs="*", default=None)
    parser.add_argument("--data-sets", type=int, default=None)
    parser.add_argument("--part", type=Path, default=None)
    parser.add_argument("--merge", type=Path, nargs="+", default=None)
    parser.add_argument("--time", type=int, nargs="+", default=None)
    parser.add_argument("--totals", action="store_true")
    parser.add_argument("--cells", type=int, nargs="+", default=None)
    options = parser.parse_args()
    if options.totals:
        totals(options)
        return
    if options.time:
        for n_slices in options.time:
            clock(n_slices)
        return
    if options.merge:
        rows = [row for path in options.merge for row in _results.read(path)]
        write(rows, _results.RESULTS / "pooling.csv")
        picture(rows, _results.RESULTS / "pooling.png")
        summary(rows)
        return
    sizes = options.slices or ([10] if options.quick else list(SLICES))
    rows, start = [], time.time()
    for n_slices in sizes:
        for n_labels in (5,) if options.quick else LABELS:
            for spread in (0.0, 0.1) if options.quick else SPREADS:
                n_sets = options.data_sets or (5 if options.quick else SLICES[n_slices])
                rows += cell(n_slices, n_labels, spread, n_sets)
                if options.part:
                    write(rows, options.part)
                print(
                    f"{n_slices} slices, {n_labels} labels, sd {spread}: {time.time() - start:.0f} s",
                    flush=True,
                )
    if not options.part and not options.quick:
        write(rows, _results.RESULTS / "pooling.csv")
        picture(_results.read(_results.RESULTS / "pooling.csv"), _results.RESULTS / "pooling.png")
    summary(rows)


if __name__ == "__main__":
    main()
