"""The figures of a page, with words that do without them."""

from typing import TYPE_CHECKING

import numpy as np

from jaxmle._data import printable
from jaxmle._documents import Evidence, percent, record_name, span_text
from jaxmle._inference import Interval
from jaxmle._page._blocks import Figure
from jaxmle._page._svg import inline_svg
from jaxmle._plots import BLUE, GREY, axes_for_file, draw_profile, plot_interval, plot_slices, rates_on_x
from jaxmle._types import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches. Narrow, so that texts keep their size on a phone.
_WIDTH = 5.0
MOST_SLICES = 60
_LONGEST = 24


def interval_figure(named: dict[str, Document], limit: float | None, level: float, draw: bool) -> Figure:
    """Intervals of several methods."""
    intervals = {name: _interval(one, level) for name, one in named.items()}
    said = "; ".join(f"{name}: {_said(one)}" for name, one in named.items())
    against = "" if limit is None else f" The dashed line is the limit, {percent(limit)}."
    description = f"{said}.{against}"
    title = f"Failure rate by method, with {100 * level:g}% intervals"
    svg = ""
    if draw:
        ax = axes_for_file(_WIDTH, 1.0 + 0.4 * len(named))
        svg = inline_svg(plot_interval(intervals, limit=limit, ax=ax), "methods", title, description)
    return Figure("methods", title, description, svg)


def slices_figure(document: Document, limit: float | None, draw: bool) -> Figure:
    """Forest plot of the slices."""
    slices, level = document["slices"], document["settings"]["confidence"]
    rates = [record["failure_rate"] for record in slices]
    columns = {name: [rate[name] for rate in rates] for name in ("low", "high")}
    middle = [float("nan") if rate["estimate"] is None else rate["estimate"] for rate in rates]
    names = [printable(record_name(record), _LONGEST) for record in slices]
    which = f"All {len(slices):,} slices"
    if len(slices) > MOST_SLICES:
        which = f"The {MOST_SLICES} slices with the highest estimates, of {len(slices):,}"
    description = (
        f"{which}: a row each, with a mark at the estimate and a line for the {100 * level:g}% interval; "
        "last, all rows together. The table below holds every slice."
    )
    if limit is not None:
        description += (
            f" The dashed line is the limit, {percent(limit)}: a circle marks an interval under it, a square "
            "one that it cuts, a triangle one above it. The verdicts in the table are those of certify."
        )
    if document["settings"].get("human_error"):
        description += " Labels are taken for right here."
    title = "Failure rate by slice"
    svg = ""
    if draw:
        rows = min(len(slices), MOST_SLICES) + 1
        ends = np.asarray(columns["low"]), np.asarray(columns["high"])
        ax = plot_slices(
            Interval(np.asarray(middle), *ends, level, "slices"),
            names,
            total=_interval(document["total"]["failure_rate"], level),
            limit=limit,
            most=MOST_SLICES,
            ax=axes_for_file(_WIDTH, 1.2 + 0.21 * max(rows, 4)),
        )
        svg = inline_svg(ax, "slices", title, description)
    return Figure("forest", title, description, svg)


def judge_figure(rates: Document, bounds: Document, in_labels: Document, draw: bool) -> Figure:
    """The judge's rates within their bounds."""
    said = []
    for name in ("tpr", "fpr"):
        low, high = bounds.get(name, (0.0, 1.0))
        known = "known to be" if low == high else "within"
        where = f"{known} {span_text(low, high)}" if name in bounds else "without bounds"
        estimate = "not determined" if rates[name] is None else percent(rates[name])
        alone = in_labels[name]
        labels = f"the labels alone say {_said(alone)}" if alone else "no label tells of it"
        said.append(f"{name.upper()}: {estimate}, {where}; {labels}")
    description = f"{'. '.join(said)}. Diamond and band: estimate and bounds. Grey: the labels alone."
    title = "The judge's rates within their bounds"
    svg = ""
    if draw:
        ax = _judge(axes_for_file(_WIDTH, 1.9), rates, bounds, in_labels)
        svg = inline_svg(ax, "rates", title, description)
    return Figure("rates", title, description, svg)


def profile_figure(evidence: Evidence, limit: float | None, draw: bool) -> Figure:
    """The profile likelihood with its cut-off."""
    low, high = evidence.interval.low, evidence.interval.high
    cut = " and ".join(f"{value / 2:.2f}" for value in evidence.interval.cutoff)
    description = (
        "How much log-likelihood each failure rate loses against the most likely one. Rates that lose less "
        f"than the cut-off ({cut} nats at the lower and upper end) are in the interval, {percent(low)} to "
        f"{percent(high)}."
    )
    title = "Profile likelihood of the failure rate"
    svg = ""
    if draw:
        ax = draw_profile(evidence.fit, evidence.interval, limit, axes_for_file(_WIDTH, 3.4))
        svg = inline_svg(ax, "profile", title, description)
    return Figure("curve", title, description, svg)


def _judge(ax: "Axes", rates: Document, bounds: Document, in_labels: Document) -> "Axes":
    for row, name in enumerate(("tpr", "fpr")):
        low, high = bounds.get(name, (0.0, 1.0))
        ax.plot([low, high], [row, row], color=BLUE, alpha=0.3, linewidth=14, solid_capstyle="butt")
        if alone := in_labels[name]:
            below = row + 0.32
            ax.plot([alone["low"], alone["high"]], [below, below], color=GREY, linewidth=2)
            ax.plot(alone["estimate"], below, "o", color=GREY, markersize=5)
        if rates[name] is not None:
            ax.plot(rates[name], row, "D", color=BLUE, markersize=8)
    ax.set_yticks([0, 1], ["TPR", "FPR"])
    ax.set_ylim(1.7, -0.5)
    ax.set_xlim(-0.03, 1.03)
    ax.tick_params(axis="y", length=0)
    rates_on_x(ax, "Share of failures (TPR) and passes (FPR) that are flagged")
    return ax


def _interval(one: Document, level: float) -> Interval:
    return Interval(one["estimate"], one["low"], one["high"], level, "interval")


def _said(one: Document) -> str:
    ends = f"{percent(one['low'])} to {percent(one['high'])}"
    return ends if one["estimate"] is None else f"{percent(one['estimate'])} ({ends})"
