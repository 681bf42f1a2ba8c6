"""Forest plot: the intervals of many slices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._inference import Interval, check_whole
from jaxmle._plots._axes import BLUE, GREEN, ORANGE, VERMILLION, axes_or_new, limit_line, literal, rates_on_x
from jaxmle._types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_slices(
    intervals: Interval,
    names: Sequence[object] | None = None,
    *,
    total: Interval | None = None,
    limit: float | None = None,
    most: int = 60,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the failure rates of slices with their intervals, one row a slice.

    With a limit, colour and marker tell slices whose interval lies under it (circle) from those it cuts
    through (square) and those above it (triangle).

    Args:
        intervals: Intervals, shape ``(S,)``, in the order in which they are drawn, top to bottom.
        names: Name of each slice; numbers by default.
        total: Interval of all slices together, drawn as a last row and a band.
        limit: Failure rate to stay under, drawn as a line.
        most: Rows drawn at most, >= 1. Of more slices those with the highest estimates are drawn, in the
            order given, and the axes say so.
        ax: Where to draw; a new pyplot figure by default, as high as the rows need.

    Returns:
        The axes: failure rate in percent, one row a slice.

    Raises:
        ValueError: ``intervals`` is not of shape ``(S,)``, ``names`` has another length, ``total`` is a
            batch, or ``most`` is out of range.
        ImportError: matplotlib is not installed.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from jaxmle import Counts, plot_slices, profile_interval
        >>> counts = Counts([4, 1], [1, 0], [2, 1], [43, 28], [90, 20], [900, 180])
        >>> intervals = profile_interval(counts, simulate=False)
        >>> ax = plot_slices(intervals, ["privacy", "$ and %"], ax=Figure().subplots())
        >>> len(ax.get_yticklabels())
        2
    """
    check_whole("most", most, 1)
    if np.ndim(intervals.low) != 1 or not np.size(intervals.low):
        raise ValueError(f"`intervals` must be of shape (S,); got {np.shape(intervals.low)}.")
    size = np.size(intervals.low)
    shown_names = list(range(size) if names is None else names)
    if len(shown_names) != size:
        raise ValueError(f"`names` must name each of the {size} slices; got {len(shown_names)} names.")
    if total is not None and np.ndim(total.low):
        raise ValueError(f"`total` must be one interval; got a batch of shape {np.shape(total.low)}.")
    low, high = np.asarray(intervals.low, float), np.asarray(intervals.high, float)
    middle = None if intervals.estimate is None else np.asarray(intervals.estimate, float)
    rank = high if middle is None else middle
    kept = np.sort(np.argsort(-rank, kind="stable")[:most])
    rows = len(kept) + (total is not None)
    ax = axes_or_new(ax, 7, 1.2 + 0.21 * max(rows, 4))
    y = np.arange(len(kept))
    estimate = None if middle is None else middle[kept]
    _rows(ax, y, low[kept], high[kept], estimate, limit)
    labels = [literal(shown_names[i]) for i in kept]
    if total is not None:
        ends = [float(total.low), float(total.high)]
        ax.axvspan(*ends, color="black", alpha=0.08, linewidth=0, zorder=0)
        at = len(kept)
        ax.plot(ends, [at, at], color="black", linewidth=2.5)
        if total.estimate is not None:
            ax.plot(total.estimate, at, "D", color="black", markersize=6)
        labels.append("all")
    ax.set_yticks(range(rows), labels, fontsize="small" if rows > 15 else "medium")
    ax.set_ylim(rows - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.9", zorder=0)
    ax.set_axisbelow(True)
    left_out = size - len(kept)
    what = f" (the {len(kept):,} highest of {size:,} slices)" if left_out else ""
    rates_on_x(ax, f"Failure rate{what}")
    limit_line(ax, limit)
    return ax


def _rows(ax: "Axes", y: Array, low: Array, high: Array, estimate: Array | None, limit: float | None) -> None:
    """Bars and markers, in the colours of their verdicts where there is a limit."""
    groups = [(np.ones(len(y), bool), BLUE, "o")]
    if limit is not None:
        under, above = high < limit, low >= limit
        groups = [(under, GREEN, "o"), (~under & ~above, ORANGE, "s"), (above, VERMILLION, "^")]
    for which, color, marker in groups:
        if not which.any():
            continue
        ax.hlines(y[which], low[which], high[which], color=color, linewidth=1.8)
        if estimate is not None:
            ax.plot(estimate[which], y[which], marker, color=color, markersize=5, linestyle="none")
