"""The judge's rates in each reference, and the bounds that they give."""

from typing import TYPE_CHECKING

import numpy as np

from jaxmle._data import JudgeCalibration
from jaxmle._inference import check_whole
from jaxmle._plots._axes import BLUE, ORANGE, axes_or_new, literal, rates_on_x
from jaxmle._stats import clopper_pearson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RATES = (("TPR", BLUE, "o", ("tp", "fn")), ("FPR", ORANGE, "s", ("fp", "tn")))
_APART = 0.16
_MOST = 60


def bounds_height(size: int) -> float:
    """Inches that so many references need."""
    return 1.2 + 0.3 * min(max(size, 4), _MOST)


def plot_bounds(calibration: JudgeCalibration, *, most: int = _MOST, ax: "Axes | None" = None) -> "Axes":
    """Draw the judge's TPR and FPR in each reference, with exact limits, and the bounds as bands.

    Args:
        calibration: From `JudgeCalibration.learn` or `JudgeCalibration.load`.
        most: Rows drawn at most, >= 1; of more references those with the most labels, and the axes say so.
        ax: Where to draw; a new pyplot figure by default, as high as the rows need.

    Returns:
        The axes: rates in percent, one row a reference; a rate without a trial is left out.

    Raises:
        ValueError: ``most`` is out of range.
        ImportError: matplotlib is not installed.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from jaxmle import Counts, JudgeCalibration, plot_bounds
        >>> models = Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0])
        >>> learnt = JudgeCalibration.learn(models, names=["a", "b"], date="2026-03-31")
        >>> ax = plot_bounds(learnt, ax=Figure().subplots())
        >>> len(ax.get_yticklabels())
        2
    """
    check_whole("most", most, 1)
    counts, size = calibration.counts, len(calibration.names)
    kept = np.sort(np.argsort(-np.asarray(counts.n_labeled), kind="stable")[:most])
    ax = axes_or_new(ax, 7, bounds_height(len(kept)))
    tail = (1 - calibration.confidence) / 4
    for i, (name, color, marker, cells) in enumerate(_RATES):
        hits, misses = (np.asarray(getattr(counts, cell), float)[kept] for cell in cells)
        tried = np.flatnonzero(hits + misses > 0)
        low, high = clopper_pearson(hits[tried], misses[tried], tail)
        y = tried + _APART * (2 * i - 1)
        share = hits[tried] / (hits + misses)[tried]
        ax.axvspan(*getattr(calibration.bounds, name.lower()), color=color, alpha=0.15, linewidth=0, zorder=0)
        ax.hlines(y, low, high, color=color, linewidth=1.8)
        ax.plot(share, y, marker, color=color, markersize=5, linestyle="none", label=name)
    labels = [literal(calibration.names[i]) for i in kept]
    ax.set_yticks(range(len(kept)), labels, fontsize="small" if len(kept) > 15 else "medium")
    ax.set_ylim(len(kept) - 0.4, -0.6)
    ax.set_xlim(-0.02, 1.02)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="0.9", zorder=0)
    ax.set_axisbelow(True)
    level = f"{100 * calibration.confidence:g}%"
    which = f"{len(kept):,} references of {size:,} with the most labels; " if len(kept) < size else ""
    rates_on_x(ax, f"Judge's rate ({which}bands: {level} bounds of a new data set)")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return ax
