"""Judges that are plausible at a given failure rate: the nuisance region of the exact certificate.

At failure rate t a judge is a point (q, x): its flag rate q and x = t TPR, so that q - x = (1 - t) FPR.
Bounds and confidence limits are linear in these two, the region is a convex polygon, and for each q the x
run over an interval.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._data import Bounds, Counts, Params
from jaxmle._data._bounds import clopper_pearson
from jaxmle._simulation import Design
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
        least = np.max(self.below[:, 0, :, None] + self.below[:, 1, :, None] * q, 0)
        most = np.min(self.above[:, 0, :, None] + self.above[:, 1, :, None] * q, 0)
        return q, least + b * np.maximum(most - least, 0)


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
    c, t = counts, rate
    tail = error / 6
    one, none = np.ones_like(t), np.zeros_like(t)
    flags, passes = c.unlabeled_pos, c.unlabeled_neg
    if design != "external":
        flags, passes = flags + c.tp + c.fp, passes + c.fn + c.tn
    q_low, q_high = clopper_pearson(flags, passes, tail)
    (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.tpr, bounds.fpr
    below = [(t * tpr_low, none), (-(1 - t) * fpr_high, one)]
    above = [(t * tpr_high, none), (-(1 - t) * fpr_low, one)]
    if design == "by_verdict":
        # Given the verdict, labels are a random sample: they bound P(failure | verdict).
        precision_low, precision_high = clopper_pearson(c.tp, c.fp, tail)
        miss_low, miss_high = clopper_pearson(c.fn, c.tn, tail)
        below += [(none, precision_low), (t - miss_high, miss_high)]
        above += [(none, precision_high), (t - miss_low, miss_low)]
    else:
        low, high = clopper_pearson(c.tp, c.fn, tail)
        below.append((t * low, none))
        above.append((t * high, none))
        low, high = clopper_pearson(c.fp, c.tn, tail)
        below.append((-(1 - t) * high, one))
        above.append((-(1 - t) * low, one))
    lower, upper = np.stack([np.stack(line) for line in below]), np.stack([np.stack(line) for line in above])
    # The room between the lines is concave in q: it ends where two of them cross, or at the limits of q.
    corners = [q_low, q_high]
    for offset, slope in lower:
        for other_offset, other_slope in upper:
            tilt = slope - other_slope
            crossing = (other_offset - offset) / np.where(np.abs(tilt) > 0, tilt, 1)
            corners.append(np.clip(np.where(np.abs(tilt) > 0, crossing, q_low), q_low, q_high))
    q = np.stack(corners)
    least = np.max(lower[:, 0, None] + lower[:, 1, None] * q, 0)
    most = np.min(upper[:, 0, None] + upper[:, 1, None] * q, 0)
    inside = most - least >= -_ROUNDING
    first = np.min(np.where(inside, q, np.inf), 0)
    last = np.max(np.where(inside, q, -np.inf), 0)
    empty = ~inside.any(0)
    return Region(t, lower, upper, np.where(empty, 0.5, first), np.where(empty, 0.5, last), empty)
