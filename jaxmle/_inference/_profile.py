"""The profile likelihood of the failure rate, and where it crosses a level."""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import joined
from jaxmle._data import Calibration, Problem
from jaxmle._engine import Engine
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._types import Array, Index

# A root is found when the statistic is this near its target, or the rate cannot be told apart any more.
_CLOSE = 1e-11
_ITERATIONS = 120


class ProfileBranch(NamedTuple):
    """Rates on one side of the estimate, from the maximizers outwards; arrays of shape ``(B,)``.

    Attributes:
        problem: Counts and bounds.
        best: Maximal log-likelihood.
        start: Outermost maximizer on this side.
        stop: Bound on the failure rate on this side.
    """

    problem: Problem
    best: Array
    start: Array
    stop: Array

    def take(self, index: Index) -> "ProfileBranch":
        """Return the elements at ``index``."""
        return ProfileBranch(self.problem.take(index), self.best[index], self.start[index], self.stop[index])


class ProfileRoot(NamedTuple):
    """Where the statistic reaches its target; arrays of shape ``(B,)``.

    Attributes:
        failure_rate: The rate, or the bound where the target is not reached up to it.
        tpr: Most likely TPR there.
        fpr: Most likely FPR there.
        statistic: Likelihood-ratio statistic there.
        at_bound: Whether the bound was met first.
        converged: Whether the maximum there is certified and the target is met.
    """

    failure_rate: Array
    tpr: Array
    fpr: Array
    statistic: Array
    at_bound: Array
    converged: Array


def branches(free: Fit) -> tuple[ProfileBranch, ProfileBranch]:
    """Split the failure rates into those below and those above the maximizers."""
    problem, (low, high) = Problem(free.counts, free.bounds), map(np.asarray, free.failure_rate_set)
    best, (lowest, highest) = np.asarray(free.log_likelihood), free.bounds.failure_rate
    return ProfileBranch(problem, best, low, lowest), ProfileBranch(problem, best, high, highest)


def both_branches(first: ProfileBranch, second: ProfileBranch) -> ProfileBranch:
    """Put two branches into one batch."""
    return joined((first, second))


def profile(
    branch: ProfileBranch,
    rate: Array,
    calibration: Calibration,
    engine: Engine | None = None,
    program_size: int = 0,
) -> tuple[Array, Array, Fit]:
    """Likelihood-ratio statistic of a failure rate, its derivative, and the fit with the rate known."""
    held = fit_flat(branch.problem.at(rate), calibration, engine=engine, program_size=program_size)
    statistic = np.maximum(2 * (branch.best - held.log_likelihood), 0)
    # Of a known parameter both bounds are active; one of the two prices is the score.
    slope = -2 * (held.shadow_price.failure_rate[0] + held.shadow_price.failure_rate[1])
    return statistic, slope, held


class BranchEnd(NamedTuple):
    """The profile where a branch stops; arrays of shape ``(B,)``, as in `ProfileRoot`."""

    statistic: Array
    tpr: Array
    fpr: Array
    converged: Array

    def take(self, index: Index) -> "BranchEnd":
        """Return the elements at ``index``."""
        return BranchEnd(*(x[index] for x in self))


def branch_end(branch: ProfileBranch, calibration: Calibration, engine: Engine | None = None) -> BranchEnd:
    """Fit at the bounds on the failure rate, but for those that the labels rule out."""
    counts, size = branch.problem.counts, len(branch.stop)
    impossible = np.zeros(size, bool)
    if calibration == "internal":
        impossible = (branch.stop <= 0) & (counts.tp + counts.fn > 0)
        impossible |= (branch.stop >= 1) & (counts.fp + counts.tn > 0)
    found = BranchEnd(np.full(size, np.inf), np.zeros(size), np.zeros(size), np.zeros(size, bool))
    todo = np.flatnonzero(~impossible)
    if todo.size:
        statistic, _, held = profile(
            branch.take(todo), branch.stop[todo], calibration, engine, program_size=size
        )
        for kept, new in zip(found, (statistic, held.tpr, held.fpr, held.converged), strict=True):
            kept[todo] = new
    return found


def crossing(
    branch: ProfileBranch,
    target: Array,
    calibration: Calibration,
    engine: Engine | None = None,
    near: Array | None = None,
    end: BranchEnd | None = None,
) -> ProfileRoot:
    """Find the failure rate at which the likelihood-ratio statistic reaches ``target``, >= 0, shape ``(B,)``.

    The statistic grows from ``start`` to ``stop``, so there is one such rate or none. Its square root is
    nearly linear: Newton's method on it, inside a bracket. It begins at the rates ``near``, if any; ``end``
    is what `branch_end` returns, where that is known.
    """
    size = len(target)
    reach = np.abs(branch.stop - branch.start)
    sign = np.sign(branch.stop - branch.start)
    end = branch_end(branch, calibration, engine) if end is None else end
    at_bound = ~(end.statistic > target)
    result = [x.copy() for x in (branch.stop, end.tpr, end.fpr, end.statistic, end.converged)]
    todo = np.flatnonzero(~at_bound)
    low, high = np.zeros(size), reach.copy()
    labels = branch.problem.counts.n_labeled
    spread = np.sqrt((branch.start * (1 - branch.start) + 1 / (labels + 2)) / (labels + 2))
    x = np.minimum(0.5 * reach, np.sqrt(target) * spread)
    if near is not None:
        begun = np.abs(near - branch.start)
        x = np.where((begun > 0) & (begun < reach), begun, x)
    for _ in range(_ITERATIONS):
        if not todo.size:
            break
        part = branch.take(todo)
        rate = part.start + sign[todo] * x[todo]
        value, slope, held = profile(part, rate, calibration, engine, program_size=size)
        wanted = target[todo]
        short = value <= wanted
        low[todo] = np.where(short, x[todo], low[todo])
        high[todo] = np.where(short, high[todo], x[todo])
        for kept, new in zip(result, (rate, held.tpr, held.fpr, value, held.converged), strict=True):
            kept[todo] = new
        noise = 4 * np.finfo(float).eps * np.abs(part.best)
        narrow = high[todo] - low[todo] <= 2 * np.finfo(float).eps * np.maximum(np.abs(rate), 1e-300)
        finished = (np.abs(value - wanted) <= np.maximum(_CLOSE, noise)) | narrow
        # d sqrt(statistic) / dx = slope / (2 sqrt(statistic)), along the branch.
        climb = sign[todo] * slope
        with np.errstate(all="ignore"):
            newton = x[todo] + 2 * np.sqrt(value) * (np.sqrt(wanted) - np.sqrt(value)) / climb
        usable = np.isfinite(newton) & (newton > low[todo]) & (newton < high[todo])
        x[todo] = np.where(usable, newton, 0.5 * (low[todo] + high[todo]))
        todo = todo[~finished]
    missed = np.zeros(size, bool)
    missed[todo] = True
    rate, tpr, fpr, statistic, certified = result
    return ProfileRoot(rate, tpr, fpr, statistic, at_bound, certified & ~missed)
