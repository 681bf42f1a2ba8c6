"""The figure of `python -m benchmarks.scaling`."""

from jaxmle._plots._axes import BLUE, GREEN, GREY, ORANGE, VERMILLION

STYLES = {
    ("fit", "float64"): ("fit, float64 (arrays in, arrays out)", BLUE, "o"),
    ("maximize", "float64"): ("maximize, float64 (compiled)", ORANGE, "s"),
    ("maximize", "float32"): ("maximize, float32 (compiled)", GREEN, "^"),
    ("bootstrap", "float64"): ("bootstrap, float64 (sampling included)", VERMILLION, "D"),
}
LINES = {0: "-", 1: "--", 2: ":"}


def figure(rows, path):
    """Draw fits per second against batch and against slices, as PNG and SVG."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(9.5, 4.4), layout="constrained")
    by_batch, by_slices = canvas.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    devices = list(dict.fromkeys(row["device"] for row in rows))
    for i, device in enumerate(devices):
        for (program, kind), (label, colour, marker) in STYLES.items():
            chosen = [r for r in rows if (r["device"], r["program"], r["type"]) == (device, program, kind)]
            if not chosen:
                continue
            axes, x = (by_slices, "slices") if program == "bootstrap" else (by_batch, "batch")
            axes.plot(
                [float(r[x]) for r in chosen],
                [float(r["fits_per_second"]) for r in chosen],
                color=colour,
                marker=marker,
                markersize=5,
                linestyle=LINES[i % 3],
                label=label if len(devices) == 1 else f"{label}, {device}",
            )
    for axes in (by_batch, by_slices):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.axhline(1e6, color=GREY, linewidth=1, linestyle=":")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize="small", loc="lower right")
    by_batch.annotate("one million a second", (1, 1e6), xytext=(0, 3), textcoords="offset points",
                      color=GREY, fontsize="small")  # fmt: skip
    by_batch.set_xlabel("Data sets in the batch")
    by_batch.set_ylabel("Constrained fits per second")
    by_slices.set_xlabel("Slices, 1,000 bootstrap replicates each")
    canvas.suptitle(f"Constrained fits per second; {', '.join(devices)}", fontsize="medium")
    canvas.supxlabel("python -m benchmarks.scaling", fontsize="x-small", color=GREY)
    canvas.savefig(path.with_suffix(".png"), dpi=120)
    canvas.savefig(path.with_suffix(".svg"), metadata={"Date": None})
