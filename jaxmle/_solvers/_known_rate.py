"""What the maximum at a known failure rate lies between, without solving for it.

The flags' part of the log-likelihood is concave in the flag rate, so its tangent at any flag rate lies above
it. With the tangent in its place TPR and FPR part, and each has its maximum in closed form: the sum is an
upper bound on the maximum, the log-likelihood at these rates a lower one. They differ by what tangent and
function differ there, which is of second order in how far the flag rate was off.

Source: Lagrangian duality for a sum of concave functions (Boyd and Vandenberghe, Convex Optimization, 5.1).
"""

import numpy as np

from jaxmle._arrays import namespace, select
from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import log_likelihood_at, ratio
from jaxmle._solvers._flag_rate import tilted
from jaxmle._stats import divide
from jaxmle._types import Array, Pair

# Rounding errors of a sum of logarithms, in units of its last digit.
_ROUNDING = 8


def maximum_between(
    counts: Counts, bounds: Bounds, rate: Array, calibration: Calibration, rounds: int
) -> Pair:
    """Lower and upper bounds on the maximal log-likelihood at failure rates ``rate``; all of shape ``(B,)``.

    With more ``rounds`` of Newton's method they come closer. The upper one is not a number, or both say
    nothing, where a bound makes flags or passes impossible.
    """
    xp = namespace(counts, rate)
    h, m = xp.stack([counts.tp, counts.fp]), xp.stack([counts.fn, counts.tn])
    mass = xp.stack([rate, 1 - rate])
    low, high = (xp.stack(pair) for pair in zip(bounds.tpr, bounds.fpr, strict=True))
    pos, neg = counts.unlabeled_pos, counts.unlabeled_neg
    items = pos + neg
    # Labels alone first, half an item added to either cell; then both give way by their variances.
    n = h + m + 1
    own = xp.clip((h + 0.5) / n, low, high)
    q = xp.sum(mass * own, 0)
    give = xp.sum(select((own > low) & (own < high), mass**2 * own * (1 - own) / n, 0.0), 0)
    q = q + (divide(pos, items) - q) * divide(give, give + q * (1 - q) / select(items > 0, items, 1.0))
    rates, after, tilt = own, q, q
    # Flag rates between which the best one lies, and by how much the rates answer to them with more flags.
    below, above = xp.sum(mass * low, 0), xp.sum(mass * high, 0)
    more, less = above - below, below - above
    for round_ in range(rounds):
        if round_:
            left = after - q
            below, more = select(left > 0, q, below), select(left > 0, left, more)
            above, less = select(left > 0, above, q), select(left > 0, less, left)
            bent = give * (ratio(pos, q**2) + ratio(neg, (1 - q) ** 2))
            newton = q + left / (1 + bent)
            # Where a rate comes to its bound on the way Newton's method leaps to and fro.
            straight = below + (above - below) * divide(more, more - less)
            q = select((newton > below) & (newton < above), newton, straight)
        tilt = pos * (1 - q) - neg * q
        free = tilted(h, m, mass * tilt[None], xp.broadcast_to(q * (1 - q), h.shape))
        rates, other = xp.clip(free.x, low, high), xp.clip(free.y, 1 - high, 1 - low)
        after = xp.sum(mass * rates, 0)
        stiff = h * other**2 + m * rates**2
        held = (free.x <= low) | (free.x >= high)
        give = xp.sum(select(held, 0.0, divide((mass * rates * other) ** 2, stiff)), 0)
    lower = log_likelihood_at(Params(rate, rates[0], rates[1]), counts, calibration)
    passed = 1 - after
    gap = divide(tilt * (after - q), q * (1 - q)) - _rise(pos, q, after) - _rise(neg, 1 - q, passed)
    # Sums over many items are rounded.
    return lower, lower + xp.maximum(gap, 0.0) + _ROUNDING * np.finfo(lower.dtype).eps * xp.abs(lower)


def _rise(count: Array, start: Array, stop: Array) -> Array:
    """``count * log(stop / start)``, 0 where nothing is counted."""
    xp = namespace(count)
    return select(count > 0, count * xp.log(select(count > 0, stop / start, 1.0)), 0.0)
