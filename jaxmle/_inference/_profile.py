"""The profile likelihood of the failure rate, and where it crosses a level."""

from typing import Any, NamedTuple

import numpy as np

from jaxmle._data import Calibration
from jaxmle._inference._fit import Fit, fit_flat

# A root is found when the statistic is this near its target, or the rate cannot be told apart any more.
_CLOSE = 1e-11
_ITERATIONS = 120


class Side(NamedTuple):
    """Rates on one side of the estimate, from the maximizers outwards; arrays of shape ``(B,)``.

    Attributes:
        leaves: Twelve arrays: counts, then bounds.
        best: Maximal log-likelihood.
        start: Outermost maximizer on this side.
        stop: Bound on the failure rate on this side.
    """

    leaves: list[Any]
    best: Any
    start: Any
    stop: Any

    def take(self, index: Any) -> "Side":
        """Return the elements at ``index``."""
        return Side([a[index] for a in self.leaves], self.best[index], self.start[index], self.stop[index])


class Crossing(NamedTuple):
    """Where the statistic reaches its target; arrays of shape ``(B,)``.

    Attributes:
        failure_rate: The rate, or the bound where the target is not reached up to it.
        tpr: Most likely TPR there.
        fpr: Most likely FPR there.
        statistic: Likelihood-ratio statistic there.
        at_bound: Whether the bound was met first.
        converged: Whether the maximum there is certified and the target is met.
    """

    failure_rate: Any
    tpr: Any
    fpr: Any
    statistic: Any
    at_bound: Any
    converged: Any


def sides(leaves: list[Any], free: Fit) -> tuple[Side, Side]:
    """Split the failure rates into those below and those above the maximizers."""
    low, high = free.failure_rate_set
    best = free.log_likelihood
    return Side(leaves, best, low, leaves[6]), Side(leaves, best, high, leaves[7])


def joined(first: Side, second: Side) -> Side:
    """Put two sides into one batch."""
    leaves = [np.concatenate(pair) for pair in zip(first.leaves, second.leaves, strict=True)]
    return Side(leaves, *(np.concatenate(pair) for pair in zip(first[1:], second[1:], strict=True)))


def profile(side: Side, rate: Any, calibration: Calibration, like: int = 0) -> tuple[Any, Any, Fit]:
    """Likelihood-ratio statistic of a failure rate, its derivative, and the fit with the rate known."""
    held = fit_flat([*side.leaves[:6], rate, rate, *side.leaves[8:]], calibration, like=like)
    statistic = np.maximum(2 * (side.best - held.log_likelihood), 0)
    # Of a known parameter both bounds are active; one of the two prices is the score.
    slope = -2 * (held.shadow_price.failure_rate[0] + held.shadow_price.failure_rate[1])
    return statistic, slope, held


def crossing(side: Side, target: Any, calibration: Calibration) -> Crossing:
    """Find the failure rate at which the likelihood-ratio statistic reaches ``target``, >= 0, shape ``(B,)``.

    The statistic grows from ``start`` to ``stop``, so there is one such rate or none. Its square root is
    nearly linear: Newton's method on it, inside a bracket.
    """
    size = len(target)
    reach = np.abs(side.stop - side.start)
    sign = np.sign(side.stop - side.start)
    statistic, _, held = profile(side, side.stop, calibration)
    at_bound = ~(statistic > target)
    result = [side.stop.copy(), held.tpr.copy(), held.fpr.copy(), statistic.copy(), held.converged.copy()]
    todo = np.flatnonzero(~at_bound)
    low, high = np.zeros(size), reach.copy()
    labels = side.leaves[0] + side.leaves[1] + side.leaves[2] + side.leaves[3]
    spread = np.sqrt((side.start * (1 - side.start) + 1 / (labels + 2)) / (labels + 2))
    x = np.minimum(0.5 * reach, np.sqrt(target) * spread)
    for _ in range(_ITERATIONS):
        if not todo.size:
            break
        part = side.take(todo)
        rate = part.start + sign[todo] * x[todo]
        value, slope, held = profile(part, rate, calibration, like=size)
        wanted = target[todo]
        short = value <= wanted
        low[todo] = np.where(short, x[todo], low[todo])
        high[todo] = np.where(short, high[todo], x[todo])
        for kept, new in zip(result, (rate, held.tpr, held.fpr, value, held.converged), strict=True):
            kept[todo] = new
        noise = 4 * np.finfo(float).eps * np.abs(part.best)
        narrow = high[todo] - low[todo] <= 2 * np.finfo(float).eps * np.maximum(np.abs(rate), 1e-300)
        finished = (np.abs(value - wanted) <= np.maximum(_CLOSE, noise)) | narrow
        # d sqrt(statistic) / dx = slope / (2 sqrt(statistic)), along the side's direction.
        climb = sign[todo] * slope
        with np.errstate(all="ignore"):
            newton = x[todo] + 2 * np.sqrt(value) * (np.sqrt(wanted) - np.sqrt(value)) / climb
        usable = np.isfinite(newton) & (newton > low[todo]) & (newton < high[todo])
        x[todo] = np.where(usable, newton, 0.5 * (low[todo] + high[todo]))
        todo = todo[~finished]
    missed = np.zeros(size, bool)
    missed[todo] = True
    rate, tpr, fpr, statistic, certified = result
    return Crossing(rate, tpr, fpr, statistic, at_bound, certified & ~missed)
