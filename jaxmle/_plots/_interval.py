"""Intervals of several methods, one below the other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._data import percent
from jaxmle._inference import Interval
from jaxmle._plots._axes import BLUE, GREY, axes_or_new, limit_line, literal, rates_on_x

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_interval(
    intervals: Interval | Mapping[str, Interval],
    *,
    limit: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw intervals of the failure rate as horizontal bars.

    Args:
        intervals: One interval, or several by name (scalars, as rates in [0, 1]). The first is drawn in
            colour: put the one to report there.
        limit: Failure rate to stay under, drawn as a line.
        ax: Where to draw; a new pyplot figure by default.

    Returns:
        The axes: failure rate in percent, one row an interval, its numbers beside it.

    Raises:
        ValueError: There is no interval, or one is of a batch.
        TypeError: ``intervals`` is none, and no mapping of names to intervals.
        ImportError: matplotlib is not installed.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from jaxmle import Bounds, Counts, baselines, plot_interval, profile_interval
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100)
        >>> found = {
        ...     "jaxmle": profile_interval(counts, Bounds(tpr=(0.8, 0.9)), simulate=False),
        ...     "human only": baselines.human_only(counts),
        ... }
        >>> ax = plot_interval(found, limit=0.2, ax=Figure().subplots())
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['jaxmle', 'human only']
    """
    if not isinstance(intervals, Interval | Mapping):
        raise TypeError(
            "`intervals` must be an Interval, or a dictionary of names and Intervals; got "
            f"{type(intervals).__name__}{_hint(intervals)}."
        )
    named = {intervals.method: intervals} if isinstance(intervals, Interval) else dict(intervals)
    if not named:
        raise ValueError("`intervals` must hold at least one interval; got none.")
    for name, interval in named.items():
        if not isinstance(interval, Interval):
            raise TypeError(
                f"`intervals` must hold Intervals; {name!r} is {type(interval).__name__}{_hint(interval)}."
            )
        if np.ndim(interval.low):
            raise ValueError(
                f"`intervals` must be of one data set each; {name!r} is a batch of shape "
                f"{np.shape(interval.low)}: use plot_slices."
            )
    ax = axes_or_new(ax, 7, 1.1 + 0.45 * len(named))
    for row, interval in enumerate(named.values()):
        _bar(ax, row, interval, BLUE if row == 0 else GREY)
    ax.set_yticks(range(len(named)), [literal(name) for name in named])
    ax.set_ylim(len(named) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    rates_on_x(ax)
    limit_line(ax, limit)
    return ax


def _hint(value: object) -> str:
    """How to get an interval of a result that has one."""
    inner = getattr(value, "interval", None)
    if inner is None:
        return ""
    return ": give its .interval()" if callable(inner) else ": give its .interval"


def _bar(ax: "Axes", row: int, interval: Interval, color: str) -> None:
    low, high, estimate = interval.low, interval.high, interval.estimate
    ax.plot([float(low), float(high)], [row, row], color=color, linewidth=5, solid_capstyle="butt", zorder=2)
    numbers = f"{percent(low)} to {percent(high)}"
    if estimate is not None:
        ax.plot(estimate, row, "o", color="white", markeredgecolor=color, markeredgewidth=2, zorder=3)
        numbers = f"{percent(estimate)} ({numbers})"
    ax.annotate(
        numbers,
        (1, row),
        xycoords=ax.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=color,
    )
