"""The profile likelihood of the difference of two failure rates whose judges have nothing in common.

Given the difference the two likelihoods share no parameter but one failure rate, so everything follows from
the two profile likelihoods: the largest difference that loses no more than a cut-off is the largest gap
between an upper end of one interval and a lower end of the other over all ways to split the cut-off.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._data import Calibration
from jaxmle._inference import Fit, ProfileBranch, branch_end, branches, crossing, profile
from jaxmle._types import Array, Pair

_POINTS = 9
_SPLITS = 3
_ZOOMS = 6


class Arms(NamedTuple):
    """Two data sets side by side; arrays of shape ``(B,)``.

    Attributes:
        below: Failure rates below the maximizers, of the first and of the second.
        above: Failure rates above them.
    """

    below: tuple[ProfileBranch, ProfileBranch]
    above: tuple[ProfileBranch, ProfileBranch]


class End(NamedTuple):
    """One end of an interval of the difference; arrays of shape ``(B,)``.

    Attributes:
        difference: The difference.
        at_bound: Whether bounds on both failure rates were met first.
        converged: Whether the fits there are certified.
    """

    difference: Array
    at_bound: Array
    converged: Array


def arms_of(free: tuple[Fit, Fit]) -> Arms:
    """Lay out two data sets that are fitted."""
    (below_a, above_a), (below_b, above_b) = (branches(one) for one in free)
    return Arms((below_a, below_b), (above_a, above_b))


def end_of(arms: Arms, cutoff: Array, calibration: Calibration, *, upper: bool) -> End:
    """Find the extreme difference whose likelihood-ratio statistic is at most ``cutoff``, shape ``(B,)``."""
    size = len(cutoff)
    first, second = (arms.above[0], arms.below[1]) if upper else (arms.below[0], arms.above[1])
    sign = 1.0 if upper else -1.0
    rows = np.repeat(np.arange(size), _POINTS)
    stops = [branch_end(branch, calibration).take(rows) for branch in (first, second)]
    first, second = first.take(rows), second.take(rows)
    low, high = np.zeros(size), np.full(size, 0.5 * np.pi)
    for _ in range(_SPLITS):
        # The statistic is nearly quadratic, so an angle splits its root evenly.
        angle = np.linspace(low, high, _POINTS, axis=1)
        parts = [(cutoff[:, None] * np.square(turn)).reshape(-1) for turn in (np.sin(angle), np.cos(angle))]
        one, other = (
            crossing(branch, part, calibration, end=stop)
            for branch, part, stop in zip((first, second), parts, stops, strict=True)
        )
        gap = (one.failure_rate - other.failure_rate).reshape(size, _POINTS)
        best = np.argmax(sign * gap, 1)
        step = (high - low) / (_POINTS - 1)
        at = low + best * step
        low, high = np.maximum(at - step, 0), np.minimum(at + step, 0.5 * np.pi)
    chosen = np.arange(size) * _POINTS + best
    return End(
        gap.reshape(-1)[chosen],
        (one.at_bound & other.at_bound)[chosen],
        (one.converged & other.converged)[chosen],
    )


def statistic_of(arms: Arms, difference: Array, calibration: Calibration) -> Array:
    """Likelihood-ratio statistic of a difference, shape ``(B,)``.

    The statistic is infinite where bounds on the failure rates exclude the difference.
    """
    size = len(difference)
    (below_a, below_b), (above_a, above_b) = arms
    least = np.maximum(below_b.stop, below_a.stop - difference)
    most = np.minimum(above_b.stop, above_a.stop - difference)
    possible = least <= most
    most = np.maximum(most, least)
    # Outside both sets of maximizers both likelihoods fall.
    low = np.clip(np.minimum(below_b.start, below_a.start - difference), least, most)
    high = np.clip(np.maximum(above_b.start, above_a.start - difference), least, most)
    rows = np.repeat(np.arange(size), _POINTS)
    first, second = below_a.take(rows), below_b.take(rows)
    for _ in range(_ZOOMS):
        rate = np.linspace(low, high, _POINTS, axis=1)
        flat = rate.reshape(-1)
        shifted = np.clip(flat + np.repeat(difference, _POINTS), 0, 1)
        lost = profile(first, shifted, calibration)[0] + profile(second, flat, calibration)[0]
        lost = lost.reshape(size, _POINTS)
        best = np.argmin(lost, 1)
        step = (high - low) / (_POINTS - 1)
        at = low + best * step
        low, high = np.maximum(at - step, low), np.minimum(at + step, high)
    found = np.take_along_axis(lost, best[:, None], 1)[:, 0]
    return np.where(possible, found, np.inf)


class SeparateJudges:
    """Two sets, each with a judge of its own: what a comparison asks of a likelihood.

    Attributes:
        n_rates: How many rates of judges are estimated.
        params: Failure rate, TPR and FPR of each set, shape ``(B, 2, 3)``.
        identified: Whether both failure rates are determined, shape ``(B,)``.
        converged: Whether the fits are certified, shape ``(B,)``.
    """

    n_rates = 4

    def __init__(self, free: tuple[Fit, Fit], calibration: Calibration) -> None:
        self.arms, self.calibration = arms_of(free), calibration
        self.params = np.stack([np.stack([f.failure_rate, f.tpr, f.fpr], -1) for f in free], 1)
        self.identified = free[0].identified & free[1].identified
        self.converged = free[0].converged & free[1].converged

    def statistic(self) -> Pair:
        """Likelihood-ratio statistic of no difference, and whether its search ended; here it always does."""
        size = len(self.params)
        return statistic_of(self.arms, np.zeros(size), self.calibration), np.ones(size, bool)

    def end(self, cutoff: Array, *, upper: bool) -> End:
        """One end of the interval."""
        return end_of(self.arms, cutoff, self.calibration, upper=upper)
