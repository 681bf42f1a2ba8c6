"""The profile likelihood of the difference of two failure rates under one judge.

TPR and FPR are common, so the likelihoods do not separate. A multiplier of the difference, added to the joint
log-likelihood, traces the profile: the larger it is, the larger the difference and the more that costs. The
maximum over the multiplier bounds the likelihood of a difference from above, with equality where the profile
is concave.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import joined, take
from jaxmle._comparison._constrained_profile import constrained_end
from jaxmle._comparison._separate_judges import End
from jaxmle._data import Calibration, Problem
from jaxmle._inference import Fit
from jaxmle._slices import Common, Joint, joint_of, maximize_common, starts_of
from jaxmle._types import Array, Index, Pair

_STEPS = 40
_MOST = 1e12
_IDENTIFIED_WITHIN = 1e-6
_SIGNS = np.array([1.0, -1.0])
# Pairs that are fitted at once.
_WIDTH = 1 << 12


class JointFit(NamedTuple):
    """Two sets with one judge, and the maximum of their joint likelihood; leading axis ``B``.

    Attributes:
        data: What the joint likelihood is of.
        best: The maximum.
        start: The judge's rates there, shape ``(B, 2)``.
    """

    data: Joint
    best: Common
    start: Array

    def take(self, index: Index) -> "JointFit":
        """Return the elements at ``index``."""
        found: JointFit = take(self, index)
        return found


def joint_fit(problems: tuple[Problem, Problem], calibration: Calibration) -> JointFit:
    """Fit one judge to each pair of sets."""
    data = joint_of(joined(problems, lambda pair: np.stack(pair, -1)), calibration)
    best = _maximum(data, starts_of(data), np.zeros((len(data.cells), 2)))
    return JointFit(data, best, np.stack([best.tpr, best.fpr], -1))


def joint_end(joint: JointFit, cutoff: Array, *, upper: bool) -> End:
    """Find the extreme difference whose likelihood-ratio statistic is at most ``cutoff``, shape ``(B,)``."""
    sign = 1.0 if upper else -1.0

    def moved(index: Index, multiplier: Array) -> Pair:
        part = joint.take(index)
        found = _with_multiplier(part, sign * multiplier)
        gap = _gap(found)
        return gap, 2 * (part.best.value - (found.value - sign * multiplier * gap))

    return End(*constrained_end(moved, cutoff, _MOST))


def joint_statistic(joint: JointFit) -> Pair:
    """Likelihood-ratio statistic of no difference, never above the true one, and whether its search ended."""
    size = len(joint.start)
    aim = -np.sign(_gap(joint.best))
    low, high, at_low, at_high = np.zeros(size), np.full(size, np.inf), _gap(joint.best), np.zeros(size)
    force, statistic = np.ones(size), np.zeros(size)
    todo = np.flatnonzero(aim != 0)
    finished = aim == 0
    for step in range(_STEPS):
        if not todo.size:
            break
        part, multiplier = joint.take(todo), force[todo]
        found = _with_multiplier(part, aim[todo] * multiplier)
        gap = _gap(found)
        statistic[todo] = np.maximum(statistic[todo], 2 * (part.best.value - found.value))
        short = aim[todo] * gap < 0
        low[todo] = np.where(short, multiplier, low[todo])
        high[todo] = np.where(short, high[todo], multiplier)
        at_low[todo], at_high[todo] = np.where(short, gap, at_low[todo]), np.where(short, at_high[todo], gap)
        with np.errstate(all="ignore"):
            share: Array | float = at_low[todo] / (at_low[todo] - at_high[todo])
            # Halving now and then, as false position stalls where the difference bends.
            share = np.clip(share, 0.02, 0.98) if step % 3 < 2 else 0.5
            cut = low[todo] + share * (high[todo] - low[todo])
        bounded = np.isfinite(high[todo])
        force[todo] = np.where(bounded, np.where(np.isfinite(cut), cut, multiplier), 4 * multiplier)
        done = (np.abs(gap) <= 1e-9) | (bounded & (high[todo] - low[todo] <= 1e-6 * high[todo]))
        done |= multiplier >= _MOST
        finished[todo] = done
        todo = todo[~done]
    return statistic, finished


class CommonJudge:
    """Two sets with one judge; attributes and methods as `SeparateJudges` has them."""

    n_rates = 2

    def __init__(self, free: tuple[Fit, Fit], calibration: Calibration) -> None:
        first, second = free
        for name in ("tpr", "fpr"):
            ends = zip(getattr(first.bounds, name), getattr(second.bounds, name), strict=True)
            low, high = (pick(*pair) for pick, pair in zip((np.maximum, np.minimum), ends, strict=True))
            if (low > high).any():
                raise ValueError(
                    f"`bounds_a` and `bounds_b` of {name} exclude each other, so the sets have no judge in "
                    'common; use judge_rates="separate".'
                )
        self.joint = joint_fit(
            (Problem(first.counts, first.bounds), Problem(second.counts, second.bounds)), calibration
        )
        best = self.joint.best
        judge = np.broadcast_to(self.joint.start[:, None], (len(best.value), 2, 2))
        self.params = np.concatenate([best.rate[..., None], judge], -1)
        self.identified = (best.highest - best.lowest <= _IDENTIFIED_WITHIN).all(-1)
        self.converged = best.agreeing > 0

    def statistic(self) -> Pair:
        """Likelihood-ratio statistic of no difference, and whether its search ended."""
        return joint_statistic(self.joint)

    def end(self, cutoff: Array, *, upper: bool) -> End:
        """One end of the interval."""
        return joint_end(self.joint, cutoff, upper=upper)


def _gap(found: Common) -> Array:
    return found.rate @ _SIGNS


def _with_multiplier(joint: JointFit, multiplier: Array) -> Common:
    return _maximum(joint.data, joint.start[:, None], multiplier[:, None] * _SIGNS)


def _maximum(data: Joint, starts: Array, multiplier: Array) -> Common:
    """Maxima of the joint likelihoods, a few thousand at once to bound memory."""
    blocks = [slice(at, at + _WIDTH) for at in range(0, len(starts), _WIDTH)]
    found = [maximize_common(take(data, rows), starts[rows], multiplier[rows]) for rows in blocks]
    return found[0] if len(found) == 1 else joined(found)
