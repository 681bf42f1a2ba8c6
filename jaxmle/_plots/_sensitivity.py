"""What bounds do to the estimate and to the verdict: a curve, or a map."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmle._data import percent
from jaxmle._plots._axes import BLUE, GREY, VERMILLION, axes_or_new
from jaxmle._sensitivity import Sensitivity
from jaxmle._types import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Points without an answer: how they are hatched, and why they have none.
_HATCHES = {
    "contradicted": ("///", "data contradict the bounds"),
    "low > high": ("xxx", "lower bound above upper bound"),
    "impossible": ("...", "data impossible within the bounds"),
}
_NAMES = {
    "failure_rate.low": "Lower bound of the failure rate",
    "failure_rate.high": "Upper bound of the failure rate",
    "tpr.low": "Lower bound of the TPR",
    "tpr.high": "Upper bound of the TPR",
    "fpr.low": "Lower bound of the FPR",
    "fpr.high": "Upper bound of the FPR",
    "tpr": "TPR, taken as known",
    "fpr": "FPR, taken as known",
    "margin": "Bounds on TPR and FPR widened by",
}


def plot_sensitivity(result: Sensitivity, *, ax: "Axes | None" = None) -> "Axes":
    """Draw estimate and interval over one bound, or the upper confidence limit over two.

    With a limit, a line shows where the verdict flips. Points without an answer are hatched, one way where
    the data contradict the bounds, another where the bounds contradict each other; the legend says which.

    Args:
        result: Result of `sensitivity`.
        ax: Where to draw; a new pyplot figure by default.

    Returns:
        The axes: bounds as rates, failure rates in percent.

    Raises:
        ImportError: matplotlib is not installed.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from jaxmle import Bounds, Counts, plot_sensitivity, sensitivity
        >>> counts = Counts(tp=14, fn=3, fp=5, tn=128, unlabeled_pos=200, unlabeled_neg=1300)
        >>> result = sensitivity(counts, Bounds(tpr=(0.80, 0.95)), over="tpr.low", limit=0.16)
        >>> ax = plot_sensitivity(result, ax=Figure().subplots())
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('Lower bound of the TPR', 'Failure rate')
    """
    ax = axes_or_new(ax, 7, 4.5)
    ax.set_xlabel(_NAMES[result.over[0]])
    if len(result.over) == 1:
        _curve(ax, result)
    else:
        _map(ax, result)
        ax.set_ylabel(_NAMES[result.over[1]])
    return ax


def _curve(ax: "Axes", result: Sensitivity) -> None:
    from matplotlib.ticker import PercentFormatter

    x = result.grid[0]
    level = f"{100 * result.confidence:g}%"
    said = result.status != "contradicted"
    low, high, upper, estimate = (
        np.ma.masked_where(~said, values)
        for values in (result.low, result.high, result.upper_limit, result.estimate)
    )
    ax.fill_between(x, low, high, color=BLUE, alpha=0.15, linewidth=0, label=f"{level} interval")
    ax.plot(x, estimate, color=BLUE, linewidth=2, label="estimate")
    ax.plot(x, upper, color=BLUE, linewidth=1.2, linestyle="--", label=f"{level} upper limit")
    if result.limit is not None:
        ax.axhline(result.limit, color=VERMILLION, linewidth=1.5, label=f"limit {percent(result.limit)}")
    for number, tip in enumerate(result.tipping):
        said_once = None if number else "verdict flips"
        ax.axvline(tip, color=VERMILLION, linewidth=1.2, linestyle=":", label=said_once)
    edges = _edges(x)
    for status, look in _hatched(result):
        label = look.pop("label")
        for i in np.flatnonzero(result.status == status):
            ax.axvspan(edges[i], edges[i + 1], label=label, **look)
            label = None
    if result.present_values[0] is not None:
        ax.axvline(result.present_values[0], color=GREY, linewidth=1.2, label="present bound")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    ax.set_ylabel("Failure rate")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _map(ax: "Axes", result: Sensitivity) -> None:
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    x, y = result.grid
    upper = np.ma.masked_where(~_answered(result), result.upper_limit).T
    mesh = ax.pcolormesh(_edges(x), _edges(y), upper, cmap="cividis")
    figure = ax.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(mesh, ax=ax, format=PercentFormatter(1.0))
    bar.set_label(f"{100 * result.confidence:g}% upper limit of the failure rate")
    handles: list[Artist] = []
    for status, look in _hatched(result):
        i, j = np.nonzero(result.status == status)
        (left, right), (low, high) = ((e[k], e[k + 1]) for e, k in ((_edges(x), i), (_edges(y), j)))
        corners = np.stack([left, low, right, low, right, high, left, high], -1).reshape(-1, 4, 2)
        ax.add_collection(PolyCollection(list(corners), **look), autolim=False)
        handles.append(Patch(**look))
    if result.limit is not None and len(result.tipping):
        _line(ax, x, y, upper, result.limit)
        handles += ax.plot([], [], color=VERMILLION, linewidth=2.5, label=_verdict(result))
        bar.ax.axhline(result.limit, color=VERMILLION, linewidth=2.5)
    first, second = result.present_values
    if first is not None and second is not None:
        point: dict[str, Any] = {"color": "white", "markeredgecolor": "black", "markersize": 9}
        handles += ax.plot(first, second, "o", label="present bounds", clip_on=False, **point)
    if handles:
        ax.legend(
            handles=handles, fontsize="small", frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2
        )


def _hatched(result: Sensitivity) -> list[tuple[str, dict[str, Any]]]:
    """The kinds of points without an answer that there are, and how they look."""
    plain = {"facecolor": "none", "edgecolor": "0.7", "linewidth": 0}
    return [
        (status, plain | {"hatch": hatch, "label": why})
        for status, (hatch, why) in _HATCHES.items()
        if np.any(result.status == status)
    ]


def _line(ax: "Axes", x: Array, y: Array, upper: Array, limit: float) -> None:
    """Contour of the limit; a white one beneath it keeps it visible on every colour."""
    if min(upper.shape) < 2:
        return
    for color, width in (("white", 4.5), (VERMILLION, 2.5)):
        ax.contour(x, y, upper, levels=[limit], colors=color, linewidths=width)


def _verdict(result: Sensitivity) -> str:
    return f"here the verdict on the limit of {percent(result.limit or 0)} flips"


def _answered(result: Sensitivity) -> Array:
    return (result.status == "ok") | (result.status == "not identified")


def _edges(values: Array) -> Array:
    """Borders of cells around the values."""
    if len(values) == 1:
        return np.array([values[0] - 0.005, values[0] + 0.005])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([values[:1], middle, values[-1:]])
