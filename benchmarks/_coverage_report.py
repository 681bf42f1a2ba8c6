"""Summary and figures of what `benchmarks.coverage` computed."""

from collections import defaultdict

import numpy as np

from benchmarks import _results

STYLE = {
    "profile, calibrated": ("#d62728", "o"),
    "profile, chi-square": ("#ff9896", "o"),
    "bootstrap, percentile": ("#9467bd", "s"),
    "bootstrap, BCa": ("#c5b0d5", "s"),
    "human only, Wilson": ("#7f7f7f", "^"),
    "Rogan-Gladen": ("#8c564b", "v"),
    "PPI": ("#aec7e8", "D"),
    "PPI++": ("#1f77b4", "D"),
}
CERTIFICATES = {"exact": "#d62728", "profile": "#ff9896", "human only, binomial": "#7f7f7f"}
SHOWN = ("none", "+-.10", "+-.05", "+-.02", "one-sided", "wrong by .05")


def report(out):
    """Print the summary in Markdown and draw the figures into the same folder."""
    coverage = _results.numbers(out / "coverage.csv")
    _coverage_table(coverage)
    _coverage_figure(coverage, out / "coverage.png")
    errors, power = (
        _results.numbers(out / "certificate_errors.csv"),
        _results.numbers(out / "certificate_power.csv"),
    )
    _certificate_table(errors, power)
    _certificate_figure(errors, power, out / "certificates.png")


def _band(probability, trials, cells):
    """Largest or smallest count that one of so many cells shows by chance once in twenty runs."""
    from scipy.special import bdtrik

    return float(np.floor(bdtrik(0.05 / cells, trials, probability)))


def _coverage_table(rows):
    print('"to PPI++": ratio of the mean widths over the cells in which PPI++ covers at least .93.\n')
    groups = defaultdict(list)
    for row in rows:
        groups[row["bounds"], row["method"]].append(row)
    by_cell = {(*_cell(row), row["method"]): row for row in rows}
    print(
        "| bounds | method | mean coverage | least of a cell | cells under the band | mean width | to PPI++ |"
    )
    print("|---|---|--:|--:|--:|--:|--:|")
    for kind in SHOWN:
        for method in STYLE | {"bootstrap, basic": None}:
            part = groups.get((kind, method))
            if not part:
                continue
            # A cell is short if even a coverage of .94 would hardly give so few.
            short = sum(
                row["coverage"] * row["data_sets"] < _band(0.94, row["data_sets"], len(part)) for row in part
            )
            # Widths compare only where the other interval keeps its promise too.
            rivals = [(row["width"], by_cell[(*_cell(row), "PPI++")]) for row in part]
            fair = [(own, rival["width"]) for own, rival in rivals if rival["coverage"] >= 0.93]
            ratio = np.nansum([own for own, _ in fair]) / np.sum([rival for _, rival in fair])
            print(
                f"| {kind} | {method} | {np.mean([r['coverage'] for r in part]):.3f} "
                f"| {min(r['coverage'] for r in part):.2f} | {short} of {len(part)} "
                f"| {np.nanmean([r['width'] for r in part]):.4f} | {ratio:.2f} |"
            )
    print()


def _certificate_table(errors, power):
    print("| method | mean error at the limit | largest of a cell | cells over the band | power |")
    print("|---|--:|--:|--:|--:|")
    for method in CERTIFICATES:
        part = [row for row in errors if row["method"] == method]
        over = sum(
            row["certified"] * row["data_sets"] > row["data_sets"] - _band(0.95, row["data_sets"], len(part))
            for row in part
        )
        shares = [row["certified"] for row in part]
        mean_power = np.mean([row["certified"] for row in power if row["method"] == method])
        worst = f"{max(shares):.2f} | {over} of {len(part)}"
        print(f"| {method} | {np.mean(shares):.3f} | {worst} | {mean_power:.2f} |")


def _cell(row):
    return row["n"], row["N"], row["failure_rate"], row["tpr"], row["fpr"], row["bounds"]


def _coverage_figure(rows, path):
    plt = _results.pyplot()
    sizes = sorted({row["n"] for row in rows})
    figure, axes = plt.subplots(
        len(SHOWN), len(sizes), figsize=(2.6 * len(sizes) + 1.5, 2.1 * len(SHOWN)), sharey=True, squeeze=False
    )
    for i, kind in enumerate(SHOWN):
        for j, n in enumerate(sizes):
            axis = axes[i, j]
            axis.axhline(0.95, color="black", linewidth=0.6, linestyle=":")
            for method, (color, marker) in STYLE.items():
                part = [r for r in rows if r["bounds"] == kind and r["n"] == n and r["method"] == method]
                if part:
                    cover = [r["coverage"] for r in part]
                    width = float(np.nanmean([r["width"] for r in part]))
                    low, high = np.quantile(cover, (0.1, 0.9))
                    axis.plot([width, width], [low, high], color=color, linewidth=1.2)
                    axis.plot(width, np.mean(cover), marker, color=color, markersize=5, label=method)
            axis.set_xscale("log")
            axis.set_ylim(0.55, 1.01)
            axis.minorticks_off()
            left, right = axis.get_xlim()
            shown = [x for x in (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5) if left <= x <= right]
            axis.set_xticks(shown, [f"{x:g}" for x in shown])
            axis.tick_params(labelsize=7)
            if i == 0:
                axis.set_title(f"{int(n)} labels", fontsize=9)
            if j == 0:
                heading = "no bounds" if kind == "none" else f"bounds {kind}"
                axis.set_ylabel(f"{heading}\ncoverage", fontsize=8)
            if i == len(SHOWN) - 1:
                axis.set_xlabel("mean width", fontsize=8)
    handles, names = axes[0, 0].get_legend_handles_labels()
    title = "Coverage against width of 95% intervals; bars: 10th to 90th percentile of cells"
    figure.suptitle(title, fontsize=10, y=0.995)
    figure.legend(
        handles, names, loc="upper center", bbox_to_anchor=(0.5, 0.985), ncol=4, fontsize=8, frameon=False
    )
    figure.tight_layout(rect=(0, 0, 1, 0.955))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _certificate_figure(errors, power, path):
    plt = _results.pyplot()
    kinds = [kind for kind in SHOWN if any(row["bounds"] == kind for row in errors)]
    figure, axes = plt.subplots(2, len(kinds), figsize=(2.6 * len(kinds), 4.8), sharey="row", squeeze=False)
    for j, kind in enumerate(kinds):
        for i, rows in enumerate((errors, power)):
            axis = axes[i, j]
            for method, color in CERTIFICATES.items():
                part = [r for r in rows if r["bounds"] == kind and r["method"] == method]
                sizes = sorted({r["n"] for r in part})
                shares = [[r["certified"] for r in part if r["n"] == n] for n in sizes]
                axis.plot(sizes, [np.mean(s) for s in shares], "o-", color=color, markersize=3, label=method)
                if i == 0:
                    axis.plot(sizes, [max(s) for s in shares], "_", color=color, markersize=8)
            axis.set_xscale("log")
            axis.set_xticks(sizes, [str(int(n)) for n in sizes], fontsize=7)
            axis.minorticks_off()
            axis.tick_params(labelsize=7)
            if i == 0:
                axis.axhline(0.05, color="black", linewidth=0.6, linestyle=":")
                axis.set_title("no bounds" if kind == "none" else f"bounds {kind}", fontsize=9)
            else:
                axis.set_ylim(0, 1)
                axis.set_xlabel("labels", fontsize=8)
    axes[0, 0].set_ylabel("wrongly certified\n(mean; dash: worst cell)", fontsize=8)
    axes[1, 0].set_ylabel("rightly certified\n(mean)", fontsize=8)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncol=3, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    figure.savefig(path, dpi=110)
    plt.close(figure)
