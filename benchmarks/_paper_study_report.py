"""Summary, comparison and figures of what `benchmarks.paper_study` computed."""

import numpy as np

from benchmarks import _results

KEY = ("study", "setting", "n_labeled", "failure_rate", "tpr", "fpr", "method")
SOURCE = "python -m benchmarks.paper_study, seed 260403257"
# Okabe and Ito's colours.
STYLES = {
    "ML, +-0.02": ("ML, bounds ±.02", "#D55E00", "o", "-"),
    "ML, +-0.05": ("ML, bounds ±.05", "#E69F00", "s", "-"),
    "ML, +-0.10": ("ML, bounds ±.10", "#F0E442", "D", "-"),
    "ML, no bounds": ("ML, no bounds", "#009E73", "v", "--"),
    "PPI++": ("PPI++", "#0072B2", "^", "--"),
    "PPI": ("PPI", "#56B4E9", "<", ":"),
    "human only": ("human only", "#999999", "x", ":"),
    "judge only": ("judge only", "#CC79A7", "+", ":"),
    "Rogan-Gladen": ("Rogan-Gladen", "#000000", "P", ":"),
}


def compare(rows, path):
    """Exit status: 0 where the rows agree with the committed ones within Monte Carlo error."""
    full = {tuple(row[k] for k in KEY): row for row in _results.numbers(path)}
    worst, beyond, n = 0.0, 0, 0
    for row in rows:
        other = full[tuple(float(row[k]) if k not in _results.WORDS else row[k] for k in KEY)]
        # Of few data sets with the odd large error the standard error is itself uncertain.
        noise = np.hypot(max(row["rmse_se"], 2 * other["rmse_se"]), 1e-4)
        gap = abs(row["rmse"] - other["rmse"]) / noise
        p = np.clip(other["coverage"], 0.01, 0.99)
        miss = abs(row["coverage"] - other["coverage"]) / np.sqrt(p * (1 - p) / row["data_sets"])
        worst, n = max(worst, gap, miss), n + 2
        beyond += (gap > 3) + (miss > 3)
    allowed = 0.01 * n
    print(
        f"{n} comparisons of errors and coverage with the committed table: {beyond} beyond 3 standard errors"
    )
    print(f"(largest {worst:.1f}; up to {allowed:.0f} are taken for chance)")
    return 0 if beyond <= allowed else 1


def report(path, out):
    """Print the summary in Markdown and draw the figures."""
    rows = _results.numbers(path)
    table = {tuple(row[k] for k in KEY): row for row in rows}
    _paper_table(rows)
    _grid_table(rows)
    _other_tables(rows)
    _grid_figure(table, out)
    _wrong_figure(rows, out)
    _tradeoff_figure(rows, out)


def _percent(value):
    return f"{100 * value:.2f}"


def _paper_table(rows):
    some = [row for row in rows if row["study"] == "paper"]
    rates = sorted({row["failure_rate"] for row in some})
    print("\nRMSE in points (coverage); 50 labels, 10,000 judged, TPR .94, FPR .05\n")
    print("| method |" + "".join(f" rate {rate:g} |" for rate in rates))
    print("|---|" + "--:|" * len(rates))
    for method in dict.fromkeys(row["method"] for row in some):
        each = [row for row in some if row["method"] == method]
        each.sort(key=lambda row: row["failure_rate"])
        print(
            f"| {method} |" + "".join(f" {_percent(r['rmse'])} ({r['coverage']:.3f}) |" for r in each),
            flush=True,
        )
    ppi = {row["failure_rate"]: row["rmse"] for row in some if row["method"] == "PPI++"}
    for method in dict.fromkeys(row["method"] for row in some if row["method"].startswith("ML")):
        ratios = [row["rmse"] / ppi[row["failure_rate"]] for row in some if row["method"] == method]
        print(f"{method}: {', '.join(f'{ratio:.3f}' for ratio in ratios)} of PPI++'s RMSE")


def _grid_table(rows):
    some = [row for row in rows if row["study"] == "grid"]
    cell = KEY[2:6]
    ppi = {tuple(row[k] for k in cell): row for row in some if row["method"] == "PPI++"}
    print(f"\nRatio of the RMSE to PPI++'s over {len(ppi)} cells: median (least to largest); coverage\n")
    print("| method | all judges | .95/.03 | .90/.05 | .80/.10 | .65/.30 | mean coverage | least |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for method in dict.fromkeys(row["method"] for row in some):
        each = [row for row in some if row["method"] == method]
        ratio = np.array([row["rmse"] / ppi[tuple(row[k] for k in cell)]["rmse"] for row in each])
        judge = np.array([row["tpr"] for row in each])
        parts = [f"{np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})"]
        parts += [f"{np.median(ratio[judge == tpr]):.2f}" for tpr in (0.95, 0.90, 0.80, 0.65)]
        cover = np.array([row["coverage"] for row in each])
        print(f"| {method} | {' | '.join(parts)} | {cover.mean():.3f} | {cover.min():.2f} |")


def _other_tables(rows):
    for study in ("slices", "balanced"):
        some = [row for row in rows if row["study"] == study]
        columns = list(dict.fromkeys((row["setting"], row["failure_rate"]) for row in some))
        print(f"\n{study}: RMSE in points (coverage)\n")
        print("| method |" + "".join(f" {setting or f'rate {rate:g}'} |" for setting, rate in columns))
        print("|---|" + "--:|" * len(columns))
        for method in dict.fromkeys(row["method"] for row in some):
            each = {(r["setting"], r["failure_rate"]): r for r in some if r["method"] == method}
            print(
                f"| {method} |"
                + "".join(f" {_percent(each[c]['rmse'])} ({each[c]['coverage']:.2f}) |" for c in columns)
            )


def _grid_figure(table, out):
    """RMSE against labels for four judges at two failure rates."""
    plt = _results.pyplot()
    judges, rates = ((0.95, 0.03), (0.90, 0.05), (0.80, 0.10), (0.65, 0.30)), (0.05, 0.20)
    labels = (25, 50, 100, 200, 500)
    figure, axes = plt.subplots(2, 4, figsize=(11, 6.2), sharex=True, sharey="row")
    for i, rate in enumerate(rates):
        for j, judge in enumerate(judges):
            panel = axes[i][j]
            for method, (label, color, marker, line) in STYLES.items():
                errors = [100 * table["grid", "", n, rate, *judge, method]["rmse"] for n in labels]
                edge = {"markeredgecolor": "#666666"} if marker not in "x+" else {}
                panel.plot(
                    labels, errors, line, color=color, marker=marker, label=label, markersize=5, **edge
                )
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xticks(labels, [str(n) for n in labels])
            panel.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
            panel.minorticks_off()
            panel.grid(alpha=0.3)
            if i == 0:
                panel.set_title(f"TPR {judge[0]:g}, FPR {judge[1]:g}", fontsize=11)
            else:
                panel.set_xlabel("human labels", fontsize=11)
            if j == 0:
                panel.set_ylabel(f"failure rate {rate:.0%}\nRMSE, % points", fontsize=11)
    _finish(figure, axes[0][0].get_legend_handles_labels(), 5, out / "paper_study_grid")


def _wrong_figure(rows, out):
    """Error and coverage where the bounds are off."""
    plt = _results.pyplot()
    some = [r for r in rows if (r["study"], r["n_labeled"], r["failure_rate"]) == ("wrong", 50, 0.1)]
    kinds = ("TPR too high", "TPR too low", "FPR too high", "FPR too low", "judge too good")
    colors = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#000000")
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.6), sharex=True, sharey="row")
    for j, half in enumerate(("ML, +-0.02", "ML, +-0.05")):
        for i, what in enumerate(("rmse", "coverage")):
            panel = axes[i][j]
            for kind, color, marker in zip(kinds, colors, "o^sDv", strict=True):
                each = [
                    row
                    for row in some
                    if row["setting"].startswith(kind)
                    and row["method"] == half
                    and row["failure_rate"] == 0.1
                ]
                off = [float(row["setting"].split()[-1]) for row in each]
                panel.plot(off, [100 * row[what] for row in each], marker=marker, color=color, label=kind)
            for method, line in (("PPI++", "--"), ("ML, no bounds", ":")):
                level = next(r[what] for r in some if r["method"] == method)
                panel.axhline(100 * level, color="#666666", linestyle=line, label=method)
            panel.grid(alpha=0.3)
            if i == 0:
                panel.set_title(f"bounds ±{half[-3:]}", fontsize=11)
            else:
                panel.set_xlabel("middle of the bounds is off by", fontsize=11)
            if j == 0:
                panel.set_ylabel(("RMSE, % points", "coverage of 95% intervals, %")[i], fontsize=11)
    _finish(figure, axes[0][0].get_legend_handles_labels(), 4, out / "paper_study_wrong")


def _tradeoff_figure(rows, out):
    """Coverage against width in the paper's setting."""
    plt = _results.pyplot()
    styles = {
        "ML, transferred +-0.02, calibrated": ("ML, transferred bounds ±.02", "#D55E00", "o"),
        "ML, transferred +-0.05, calibrated": ("ML, transferred bounds ±.05", "#E69F00", "s"),
        "ML, no bounds": STYLES["ML, no bounds"][:3],
    } | {name: STYLES[name][:3] for name in ("PPI++", "PPI", "human only", "Rogan-Gladen")}
    some = [row for row in rows if row["study"] == "paper"]
    rates = sorted({row["failure_rate"] for row in some})
    figure, axes = plt.subplots(1, len(rates), figsize=(11, 3.9), sharey=True)
    for panel, rate in zip(axes, rates, strict=True):
        for name, (label, color, marker) in styles.items():
            row = next(r for r in some if r["method"] == name and r["failure_rate"] == rate)
            panel.plot(
                100 * row["width"], 100 * row["coverage"], marker, color=color, markersize=9, label=label
            )
        panel.axhline(95, color="#666666", linewidth=1, linestyle="--")
        panel.set_title(f"failure rate {rate:.0%}", fontsize=11)
        panel.set_xlabel("mean width, % points", fontsize=11)
        panel.grid(alpha=0.3)
        panel.set_xlim(left=0)
    axes[0].set_ylabel("coverage of 95% intervals, %", fontsize=11)
    _finish(figure, axes[0].get_legend_handles_labels(), 4, out / "paper_study_intervals", 0.17)


def _finish(figure, legend, columns, path, height=0.11):
    figure.legend(*legend, loc="lower center", ncols=columns, frameon=False, fontsize=10)
    figure.text(0.995, 0.995, SOURCE, ha="right", va="top", fontsize=7, color="#666666")
    figure.tight_layout(rect=(0, height, 1, 0.98))
    figure.savefig(path.with_suffix(".png"), dpi=120)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
