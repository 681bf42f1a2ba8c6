"""Judges that are plausible at a given failure rate: the nuisance region of the exact certificate.

At failure rate t a judge is a point (q, x): its flag rate q and x = t TPR, so that q - x = (1 - t) FPR.
Bounds and confidence limits are linear in these two, the region is a convex polygon, and for each q the x
run over an interval.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxmle._data import Bounds, Counts, Params
from jaxmle._simulation import Design
from jaxmle._stats import clopper_pearson, score_limits
from jaxmle._types import Array, Pair

_ROUNDING = 1e-12


class Region(NamedTuple):
    """Lines that bound x from below and above, ``offset + slope * q``, and the range of q.

    Attributes:
        rate: Failure rate t, shape ``(B,)``.
        below: Offsets and slopes, shape ``(L, 2, B)``.
        above: Offsets and slopes, shape ``(L, 2, B)``.
        low: Least flag rate, shape ``(B,)``.
        high: Greatest flag rate, shape ``(B,)``.
        empty: Whether no judge is plausible, shape ``(B,)``.
    """

    rate: Array
    below: Array
    above: Array
    low: Array
    high: Array
    empty: Array

    def take(self, index: Array | slice) -> "Region":
        """Return the regions at ``index``."""
        return Region(
            self.rate[index],
            self.below[..., index],
            self.above[..., index],
            self.low[index],
            self.high[index],
            self.empty[index],
        )

    def at(self, a: Array, b: Array) -> Pair:
        """Point (q, x) at coordinates in the unit square, shape ``(B, G)``."""
        q = self.low[:, None] + a * (self.high - self.low)[:, None]
        least, most = _between(self.below[..., None], self.above[..., None], q)
        return q, least + b * np.maximum(most - least, 0)

    def across_at(self, a: Array) -> Array:
        """Width of the range of x at a share of the range of q, shape ``(B, G)``."""
        q = self.low[:, None] + a * (self.high - self.low)[:, None]
        least, most = _between(self.below[..., None], self.above[..., None], q)
        return np.maximum(most - least, _ROUNDING)


def _between(below: Array, above: Array, q: Array) -> Pair:
    """Least and most x at flag rates."""
    return np.max(below[:, 0] + below[:, 1] * q, 0), np.min(above[:, 0] + above[:, 1] * q, 0)


def judge_at(rate: Array, q: Array, x: Array) -> Params:
    """Parameters of a point (q, x) at failure rate ``rate``, clipped to probabilities."""
    tpr = np.clip(x / np.maximum(rate, 1e-300), 0, 1)
    fpr = np.clip((q - x) / np.maximum(1 - rate, 1e-300), 0, 1)
    return Params(np.broadcast_to(rate, q.shape), tpr, fpr)


def nuisance_region(counts: Counts, bounds: Bounds, rate: Array, design: Design, error: float) -> Region:
    """Judges within the bounds that Clopper-Pearson limits do not exclude.

    Args:
        counts: Counts, shape ``(B,)``.
        bounds: Bounds, shape ``(B,)``.
        rate: Failure rate, in (0, 1), shape ``(B,)``.
        design: How the items were chosen that humans label.
        error: Probability that the region misses the truth, at most.

    Source:
        Berger and Boos, JASA 89 (1994); the three limits share ``error`` (Bonferroni).
    """
    tail = error / 6
    flags, passes = counts.unlabeled_pos, counts.unlabeled_neg
    if design != "external":
        flags, passes = flags + counts.tp + counts.fp, passes + counts.fn + counts.tn
    q_low, q_high = clopper_pearson(flags, passes, tail)
    lower, upper = _lines(counts, bounds, rate, design, tail, clopper_pearson)
    # The room between the lines is concave in q: it ends where two of them cross, or at the limits of q.
    corners = [q_low, q_high]
    for offset, slope in lower:
        for other_offset, other_slope in upper:
            tilt = slope - other_slope
            crossing = (other_offset - offset) / np.where(np.abs(tilt) > 0, tilt, 1)
            corners.append(np.clip(np.where(np.abs(tilt) > 0, crossing, q_low), q_low, q_high))
    q = np.stack(corners)
    least, most = _between(lower[:, :, None], upper[:, :, None], q)
    inside = most - least >= -_ROUNDING
    first = np.min(np.where(inside, q, np.inf), 0)
    last = np.max(np.where(inside, q, -np.inf), 0)
    empty = np.asarray(~inside.any(0))
    return Region(rate, lower, upper, np.where(empty, 0.5, first), np.where(empty, 0.5, last), empty)


def judges_across(
    counts: Counts, bounds: Bounds, likely: Params, places: tuple[float, ...], design: Design, error: float
) -> Params:
    """Judges with the flag rate of ``likely``, entries of shape ``(B,)``, across those that are plausible.

    Score limits of the labels share ``error``. The most likely judge stands for all where they leave none.

    Returns:
        Judges at the shares ``places`` of the way across, shape ``(B, len(places))``.
    """
    rate, tpr, fpr = (x[:, None] for x in (likely.failure_rate, likely.tpr, likely.fpr))
    q = likely.flag_rate[:, None]
    below, above = _lines(counts, bounds, likely.failure_rate, design, error / 4, score_limits)
    least, most = _between(below[..., None], above[..., None], q)
    x = least + np.asarray(places) * (most - least)
    found = judge_at(rate, np.broadcast_to(q, x.shape), x)
    # Labels alone say the same of the failure rate whatever the judge.
    alone = (counts.n_unlabeled <= 0)[:, None] & (design != "external")
    is_some = (most > least) & ~alone
    return Params(found.failure_rate, np.where(is_some, found.tpr, tpr), np.where(is_some, found.fpr, fpr))


def _lines(
    counts: Counts,
    bounds: Bounds,
    rate: Array,
    design: Design,
    tail: float,
    limits: Callable[[Array, Array, float], Pair],
) -> Pair:
    """Lines below and above x, offsets and slopes in q, each of shape ``(L, 2, B)``."""
    c, t = counts, rate
    one, none = np.ones_like(t), np.zeros_like(t)
    (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.tpr, bounds.fpr
    below = [(t * tpr_low, none), (-(1 - t) * fpr_high, one)]
    above = [(t * tpr_high, none), (-(1 - t) * fpr_low, one)]
    if design == "by-verdict":
        # Given the verdict, labels are a random sample: they bound P(failure | verdict).
        precision_low, precision_high = limits(c.tp, c.fp, tail)
        miss_low, miss_high = limits(c.fn, c.tn, tail)
        below += [(none, precision_low), (t - miss_high, miss_high)]
        above += [(none, precision_high), (t - miss_low, miss_low)]
    else:
        low, high = limits(c.tp, c.fn, tail)
        below.append((t * low, none))
        above.append((t * high, none))
        low, high = limits(c.fp, c.tn, tail)
        below.append((-(1 - t) * high, one))
        above.append((-(1 - t) * low, one))
    return np.stack([np.stack(line) for line in below]), np.stack([np.stack(line) for line in above])
