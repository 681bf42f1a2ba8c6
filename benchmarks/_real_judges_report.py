"""Tables and figure of what `benchmarks.real_judges` computed."""

from collections import defaultdict

import numpy as np

from benchmarks import _results

ELSEWHERE = ("other models", "other questions", "another data set")
STATES = ("hold", "off by up to .05", "off by more")
OTHERS = ("judge only", "human only", "PPI", "PPI++", "Rogan-Gladen")
# TPR and FPR nearer to each other than this: the judge hardly tells failures from passes.
NEAR_CHANCE = 0.2
COLOURS = {"": "#666666", STATES[0]: "#0072B2", STATES[1]: "#E69F00", STATES[2]: "#D55E00"}
MARKERS = {"xstest": ("XSTest", "^"), "openqa": ("NQ301", "o"), "llmbar": ("LLMBar", "s")}


def report(rows):
    """Three tables in Markdown."""
    return "\n".join([*_methods(rows), "", *_transfer(rows), "", *_chance(rows)])


def state(row):
    """Whether the true rates are within the bounds, "" where there are none."""
    if row["off_by"] == "":
        return ""
    return STATES[0] if row["off_by"] == 0 else STATES[1] if row["off_by"] <= 0.05 else STATES[2]


def ratio(row):
    """RMSE against that of PPI++ in the same draws; None where one of them has no error to compare."""
    return (
        row["rmse"] / row["rmse_ppi_plus_plus"] if row["rmse"] != "" and row["rmse_ppi_plus_plus"] else None
    )


def _methods(rows):
    yield (
        "| labels | method | bounds from | margin | bounds | cells | RMSE / PPI++, median | 10% to 90% "
        "| worst | cells below 1 | median abs. bias | coverage, mean | least | width / PPI++ | contradicted |"
    )
    yield "|--:|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    groups = defaultdict(list)
    width = {}
    for row in rows:
        groups[row["labelled"], row["method"], row["bounds"], row["margin"], state(row)].append(row)
        if row["method"] == "PPI++":
            width[_cell(row)] = row["width"]
    places = (*ELSEWHERE, "none")
    order = {name: i for i, name in enumerate((*OTHERS, "ML", *places, "", *STATES))}
    for key, part in sorted(groups.items(), key=lambda one: [order.get(x, x or 0) for x in one[0]]):
        labelled, method, bounds, margin, held = key
        ratios = np.array([x for x in map(ratio, part) if x is not None])
        cover = [row["coverage"] for row in part]
        some = [row for row in part if row["width"] != "" and width[_cell(row)] > 0]
        wide = np.median([row["width"] / width[_cell(row)] for row in some])
        odd = f"{np.mean([row['contradicted'] for row in part]):.0%}" if held else ""
        low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9))
        bias = np.median([abs(row["bias"]) for row in part if row["bias"] != ""])
        yield (
            f"| {labelled} | {method} | {bounds} | {margin} | {held} | {len(part)} | {middle:.2f} "
            f"| {low:.2f} to {high:.2f} | {ratios.max():.2f} | {np.sum(ratios < 1)} of {len(ratios)} "
            f"| {bias:.3f} | {np.mean(cover):.3f} | {min(cover):.3f} | {wide:.2f} | {odd} |"
        )


def _cell(row):
    return tuple(row[name] for name in ("dataset", "part", "judge", "labelled"))


def _transfer(rows):
    yield "True rates inside the bounds, and how far off (median, worst):\n"
    yield "| data set | bounds from | margin | targets | TPR inside | FPR inside | both | off by | worst |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    groups = defaultdict(list)
    for row in rows:
        # The bounds are the same for any number of labels.
        if row["off_by"] != "" and row["labelled"] == 50:
            groups[row["dataset"], row["bounds"], row["margin"]].append(row)
    for (dataset, bounds, margin), part in groups.items():
        inside = []
        for rate in ("tpr", "fpr"):
            known = [row for row in part if row[rate] != ""]
            held = sum(row[f"{rate}_low"] <= row[rate] <= row[f"{rate}_high"] for row in known)
            inside.append(f"{held} of {len(known)}")
        off = np.array([row["off_by"] for row in part])
        yield (
            f"| {dataset} | {bounds} | {margin} | {len(part)} | {inside[0]} | {inside[1]} "
            f"| {np.sum(off == 0)} of {len(off)} | {np.median(off):.3f} | {off.max():.3f} |"
        )


def _chance(rows):
    yield f"Judges with TPR - FPR below {NEAR_CHANCE}, below 0 among them:\n"
    yield "| labels | method | bounds from | margin | cells | RMSE / PPI++ | worst | coverage, mean | least |"
    yield "|--:|---|---|--:|--:|--:|--:|--:|--:|"
    groups = defaultdict(list)
    for row in rows:
        if row["tpr"] != "" and row["tpr"] - row["fpr"] < NEAR_CHANCE and ratio(row) is not None:
            groups[row["labelled"], row["method"], row["bounds"], row["margin"]].append(row)
    for (labelled, method, bounds, margin), part in sorted(groups.items(), key=lambda one: one[0][0]):
        ratios = [ratio(row) for row in part]
        cover = [row["coverage"] for row in part]
        yield (
            f"| {labelled} | {method} | {bounds} | {margin} | {len(part)} | {np.median(ratios):.2f} "
            f"| {max(ratios):.2f} | {np.mean(cover):.3f} | {min(cover):.3f} |"
        )


def figure(rows, path):
    """A dot a cell: RMSE relative to PPI++, by where the bounds come from and whether they hold."""
    plt = _results.pyplot("real_judges")
    names = [("none", method, "") for method in OTHERS if method != "PPI++"] + [("none", "ML", "")]
    names += [(bounds, "ML", held) for bounds in ELSEWHERE for held in STATES]
    sizes = sorted({row["labelled"] for row in rows})
    canvas, axes = plt.subplots(1, len(sizes), figsize=(9, 7.2), sharey=True, sharex=True)
    rng = np.random.default_rng(0)
    for axis, labelled in zip(axes, sizes, strict=True):
        axis.axvline(1, color="black", linewidth=0.8)
        for i, (bounds, method, held) in enumerate(names):
            part = [
                row
                for row in rows
                if (row["labelled"], row["bounds"], row["method"], state(row))
                == (labelled, bounds, method, held)
                and row["margin"] in ("", 0.0)
                and ratio(row) is not None
            ]
            if not part:
                axis.text(1.05, i, "no such case", va="center", fontsize=8, color="#666666")
                continue
            ratios = np.array([ratio(row) for row in part])
            height = i + rng.uniform(-0.25, 0.25, len(part))
            for prefix, (_, marker) in MARKERS.items():
                some = np.array([row["dataset"].startswith(prefix) for row in part])
                axis.scatter(ratios[some], height[some], 14, COLOURS[held], marker, alpha=0.6, linewidths=0)
            axis.plot(2 * [np.median(ratios)], [i - 0.38, i + 0.38], color="black", linewidth=2.2)
            axis.text(35, i, f"{len(part)}", ha="right", va="center", fontsize=8)
        axis.set_xscale("log")
        axis.set_xlim(0.17, 38)
        axis.set_xticks([0.25, 0.5, 1, 2, 5, 10, 20], ["¼", "½", "1", "2", "5", "10", "20"])
        axis.minorticks_off()
        axis.grid(axis="x", alpha=0.3)
        axis.set_title(f"{labelled} human labels", fontsize=11)
        axis.text(35, -0.62, "cells", ha="right", va="bottom", fontsize=8)
        axis.set_xlabel("RMSE ÷ RMSE of PPI++ (left of 1 is better)", fontsize=10)
        for edge in np.arange(len(OTHERS), len(names), len(STATES)):
            axis.axhline(edge - 0.5, color="#999999", linewidth=0.6)
    words = {"": "", STATES[0]: "bounds hold", STATES[1]: STATES[1], STATES[2]: "off by more than .05"}
    shown = [
        ("ML, no bounds" if method == "ML" else method) if bounds == "none" else words[held]
        for bounds, method, held in names
    ]
    axes[0].set_yticks(range(len(names)), shown, fontsize=10)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    for i, bounds in enumerate(ELSEWHERE):
        middle = len(OTHERS) + len(STATES) * i + 1
        axes[0].text(
            -0.56, middle, f"ML, bounds from\n{bounds}", transform=axes[0].get_yaxis_transform(),
            rotation=90, ha="center", va="center", fontsize=9,
        )  # fmt: skip
    dots = [
        plt.Line2D([], [], color="#666666", marker=marker, linestyle="", label=label)
        for label, marker in MARKERS.values()
    ]
    dots.append(plt.Line2D([], [], color="black", linewidth=2.2, label="median"))
    canvas.legend(handles=dots, loc="lower center", ncols=4, fontsize=10, frameon=False)
    canvas.tight_layout(rect=(0, 0.04, 1, 1))
    canvas.savefig(path.with_suffix(".png"), dpi=120)
    canvas.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    plt.close(canvas)
