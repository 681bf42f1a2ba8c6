"""From probabilities beside their complements to single numbers that leave what was seen possible."""

import numpy as np

from jaxmle._arrays import namespace, select, where_needed
from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._solvers._shares import Shares
from jaxmle._stats import flag_rate
from jaxmle._types import Array, Pair

# Probabilities below which there was nothing but what an empty cell counts as.
_ZERO = {64: 1e-18, 32: 1e-8}


def rounded(share: Shares, hits: Array, misses: Array, ends: Pair) -> Array:
    """One number within its bounds for a probability and its complement.

    Near 1 the complement keeps few digits; it is rounded up, as the certificate minds too small ones.
    """
    xp = namespace(share.x)
    x, y = share
    zero, eps = _ZERO[np.finfo(x.dtype).bits], np.finfo(x.dtype).eps
    x = select((x < zero) & (hits <= 0), 0.0, x)
    y = select((y < zero) & (misses <= 0), 0.0, y)
    near_one = 1 - y
    near_one = select(1 - near_one < y, near_one - 0.5 * eps, near_one)
    return xp.clip(select(y < 0.5, near_one, x), *ends)


def possible(point: Params, counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """Leave verdicts that are very few among the others a probability that one number can hold.

    Next to 1, and below what counts as nothing, a rate cannot say how few they are.
    """
    xp = namespace(point.tpr)
    theta = point.failure_rate
    if calibration == "internal":
        theta = _inside(theta, counts.tp + counts.fn, counts.fp + counts.tn, bounds.failure_rate)
    tpr = _inside(point.tpr, counts.tp, counts.fn, bounds.tpr)
    fpr = _inside(point.fpr, counts.fp, counts.tn, bounds.fpr)
    pos, neg = counts.unlabeled_pos, counts.unlabeled_neg
    never = (pos > 0) & (flag_rate(theta, tpr, fpr) <= 0)
    always = (neg > 0) & (flag_rate(theta, 1 - tpr, 1 - fpr) <= 0)

    def moved() -> tuple[Array, Array, Array]:
        eps = float(np.finfo(theta.dtype).eps)
        share = xp.maximum(pos / sum(counts.values()), eps**2)
        # The failure rate matters where only the rate of those who are not there can move.
        low, high = bounds.failure_rate
        to_one = select(never, bounds.tpr[1] > 0, bounds.tpr[0] < 1) & (theta <= 0)
        to_zero = select(never, bounds.fpr[1] > 0, bounds.fpr[0] < 1) & (theta >= 1)
        stuck = select(never, select(theta <= 0, bounds.fpr[1], bounds.tpr[1]) <= 0, False)
        stuck = stuck | select(always, select(theta <= 0, bounds.fpr[0], bounds.tpr[0]) >= 1, False)
        less, more = xp.full_like(theta, 1 - eps), xp.full_like(theta, eps)
        mass = select(stuck & to_one, more, select(stuck & to_zero, less, theta))
        rates = [
            xp.clip(
                select(never, xp.maximum(rate, share), select(always, xp.minimum(rate, less), rate)), *ends
            )
            for rate, ends in ((tpr, bounds.tpr), (fpr, bounds.fpr))
        ]
        return xp.clip(mass, low, high), rates[0], rates[1]

    changed = where_needed(never | always, moved, (theta, tpr, fpr))
    return Params(*(select(never | always, a, b) for a, b in zip(changed, (theta, tpr, fpr), strict=True)))


def _inside(x: Array, hits: Array, misses: Array, ends: Pair) -> Array:
    """A probability that is 0 or 1 by rounding alone, moved off as little as its bounds allow."""
    xp, eps = namespace(x), float(np.finfo(x.dtype).eps)
    one, zero = (x >= 1) & (misses > 0), (x <= 0) & (hits > 0)

    def moved() -> Array:
        return xp.clip(select(one, 1 - 0.5 * eps, select(zero, eps**2, x)), *ends)

    return where_needed(one | zero, moved, x)
