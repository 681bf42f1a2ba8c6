"""The profile likelihood of the failure rate."""

from typing import TYPE_CHECKING

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, HasCounts, percent
from jaxmle._inference import Fit, ProfileInterval, branches, checked_problem, fit_flat, profile
from jaxmle._plots._axes import BLUE, GREY, axes_or_new, limit_line, rates_on_x
from jaxmle._types import Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 201
_BEYOND = 0.4


def plot_profile(
    counts: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    interval: ProfileInterval | None = None,
    calibration: Calibration = "internal",
    limit: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how much log-likelihood each failure rate loses, the cut-off, and the interval that it leaves.

    Args:
        counts: Counts of one data set, divided by the design effect where the interval has one; or what
            `tables.count` returns.
        bounds: Bounds; none by default.
        interval: Its `profile_interval`, two-sided or one-sided; by default the two-sided one of 95% with a
            simulated cut-off (chi-square where counts are not whole numbers).
        calibration: "internal" or "external", as in `fit`.
        limit: Failure rate to stay under, drawn as a line.
        ax: Where to draw; a new pyplot figure by default.

    Returns:
        The axes: log-likelihood relative to its maximum, in nats, over the failure rate in percent.

    Raises:
        ValueError: ``counts``, ``bounds`` or ``interval`` are of a batch, or the data are impossible within
            the bounds.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.
        ImportError: matplotlib is not installed.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from jaxmle import Bounds, Counts, plot_profile
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100)
        >>> ax = plot_profile(counts, Bounds(tpr=(0.8, 0.9)), ax=Figure().subplots())
        >>> ax.get_xlabel()
        'Failure rate'
    """
    problem, shape = checked_problem(counts, bounds, calibration)
    if shape:
        raise ValueError(f"`counts` and `bounds` must be of one data set; got a batch of shape {shape}.")
    if interval is not None and np.ndim(interval.low):
        raise ValueError(f"`interval` must be one interval; got a batch of shape {np.shape(interval.low)}.")
    free = fit_flat(problem, calibration)
    return draw_profile(free, free[0].interval() if interval is None else interval, limit, ax)


def draw_profile(free: Fit, interval: ProfileInterval, limit: float | None, ax: "Axes | None") -> "Axes":
    """`plot_profile` of a data set that is fitted already, shape ``(1,)``."""
    rates, lost = _curve(free, interval, limit)
    cutoff = [float(value) / 2 for value in interval.cutoff]
    floor = -max(2.2 * max(cutoff), 1.0)
    ax = axes_or_new(ax, 7, 4)
    ax.axvspan(float(interval.low), float(interval.high), color=BLUE, alpha=0.12, linewidth=0)
    ax.plot(rates, -lost, color=BLUE, linewidth=2)
    ax.set_xlim(rates[0], rates[-1])
    _cutoffs(ax, interval, cutoff)
    if interval.identified and interval.estimate is not None:
        ax.axvline(float(interval.estimate), color=BLUE, linewidth=1, linestyle=":")
    ax.set_ylim(floor, -0.06 * floor)
    ax.set_ylabel("Log-likelihood, relative to its maximum (nats)")
    level = "" if interval.confidence is None else f"{100 * interval.confidence:g}% "
    shown = {
        "two-sided": f"interval {percent(interval.low)} to {percent(interval.high)}",
        "upper": f"upper limit {percent(interval.high)}",
        "lower": f"lower limit {percent(interval.low)}",
    }
    ax.set_title(
        f"{level}{shown[interval.side]}",
        fontsize="medium",
        loc="left",
        pad=20 if limit is not None else None,
    )
    rates_on_x(ax)
    limit_line(ax, limit)
    return ax


def _curve(free: Fit, interval: ProfileInterval, limit: float | None) -> Pair:
    """Failure rates in and around the interval, and the log-likelihood that each loses."""
    low, high = float(interval.low), float(interval.high)
    ends = [low, high, *([] if limit is None else [limit])]
    room = _BEYOND * max(high - low, 1e-6)
    lowest, highest = free.bounds.failure_rate
    first, last = max(min(ends) - room, float(lowest[0])), min(max(ends) + room, float(highest[0]))
    # The maximizers themselves are on the curve, so that it touches zero.
    best = np.clip(np.concatenate([np.asarray(end) for end in free.failure_rate_set]), first, last)
    rates = np.unique(np.concatenate([np.linspace(first, last, _POINTS), best]))
    branch = branches(free)[1].take(np.zeros(len(rates), int))
    statistic, _, _ = profile(branch, rates, free.calibration)
    possible = np.isfinite(statistic)
    return rates[possible], statistic[possible] / 2


def _cutoffs(ax: "Axes", interval: ProfileInterval, cutoff: list[float]) -> None:
    """A line for the cut-off of each end, at the height where that end stands."""
    ends = float(interval.low), float(interval.high)
    middle = 0.5 * (ends[0] + ends[1])
    shown_ends = {"two-sided": (0, 1), "upper": (1,), "lower": (0,)}[interval.side]
    for i in shown_ends:
        # Axes are in rates: a side goes from the middle to the edge of the plot.
        edge, end = ax.get_xlim()[i], ends[i]
        ax.plot([middle, edge], [-cutoff[i]] * 2, color=GREY, linestyle="--", linewidth=1.2)
        if not interval.at_bound[i]:
            ax.plot(end, -cutoff[i], "o", color=BLUE, markersize=6)
    ax.annotate(
        "cut-off",
        (ax.get_xlim()[shown_ends[-1]], -cutoff[shown_ends[-1]]),
        xytext=(-4 if shown_ends[-1] else 4, 4),
        textcoords="offset points",
        ha="right" if shown_ends[-1] else "left",
        color=GREY,
        fontsize="small",
    )
