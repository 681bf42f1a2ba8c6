"""The profile likelihood of the difference of two failure rates under one judge.

TPR and FPR are common, so the likelihoods do not separate. A push, the multiplier of the difference added to
the joint log-likelihood, traces the profile: the larger the push, the larger the difference and the more it
costs. Its own maximum over the multiplier bounds the likelihood of a difference from above, with equality
where the profile is concave.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmle._data import Calibration
from jaxmle._decisions._separate import End
from jaxmle._inference._blocks import compiler_options, in_blocks
from jaxmle._inference._fit import Fit
from jaxmle._pooling._common import Common, joint_of, maximize_common, starts_of
from jaxmle._pooling._push import pushed_end

_WIDTH = 16
_STEPS = 40
_MOST = 1e12
_IDENTIFIED_WITHIN = 1e-6
_SIGNS = np.array([1.0, -1.0])


class Joint(NamedTuple):
    """Two sets with one judge, and the maximum of their joint likelihood; leading axis ``B``.

    Attributes:
        leaves: Twelve arrays of shape ``(B, 2)``.
        best: The maximum.
        start: The judge's rates there, shape ``(B, 2)``.
    """

    leaves: list[Any]
    best: Common
    start: Any

    def take(self, index: Any) -> "Joint":
        """Return the elements at ``index``."""
        return Joint(
            [leaf[index] for leaf in self.leaves],
            Common(*(part[index] for part in self.best)),
            self.start[index],
        )


def joint_fit(leaves: tuple[list[Any], list[Any]], calibration: Calibration) -> Joint:
    """Fit one judge to each pair of sets."""
    both = [np.stack(pair, -1) for pair in zip(*leaves, strict=True)]
    none, start = np.zeros((len(both[0]), 2)), np.zeros((len(both[0]), 2))
    found = _run(_free(calibration), [*both, none, start])
    return Joint(both, found, np.stack([found.tpr, found.fpr], -1))


def joint_end(joint: Joint, cutoff: Any, calibration: Calibration, *, upper: bool) -> End:
    """Find the extreme difference whose likelihood-ratio statistic is at most ``cutoff``, shape ``(B,)``."""
    sign = 1.0 if upper else -1.0

    def pushed(index: Any, push: Any) -> tuple[Any, Any]:
        part = joint.take(index)
        found = _pushed(part, sign * push, calibration)
        gap = _gap(found)
        return gap, 2 * (part.best.value - (found.value - sign * push * gap))

    return End(*pushed_end(pushed, cutoff, _MOST))


def joint_statistic(joint: Joint, calibration: Calibration) -> tuple[Any, Any]:
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
        part, push = joint.take(todo), force[todo]
        found = _pushed(part, aim[todo] * push, calibration)
        gap = _gap(found)
        statistic[todo] = np.maximum(statistic[todo], 2 * (part.best.value - found.value))
        short = aim[todo] * gap < 0
        low[todo], high[todo] = np.where(short, push, low[todo]), np.where(short, high[todo], push)
        at_low[todo], at_high[todo] = np.where(short, gap, at_low[todo]), np.where(short, at_high[todo], gap)
        with np.errstate(all="ignore"):
            share = at_low[todo] / (at_low[todo] - at_high[todo])
            # Halving now and then, as false position stalls where the difference bends.
            share = np.clip(share, 0.02, 0.98) if step % 3 < 2 else 0.5
            cut = low[todo] + share * (high[todo] - low[todo])
        bounded = np.isfinite(high[todo])
        force[todo] = np.where(bounded, np.where(np.isfinite(cut), cut, push), 4 * push)
        done = (np.abs(gap) <= 1e-9) | (bounded & (high[todo] - low[todo] <= 1e-6 * high[todo]))
        done |= push >= _MOST
        finished[todo] = done
        todo = todo[~done]
    return statistic, finished


class CommonJudge:
    """Two sets with one judge; attributes and methods as `SeparateJudges` has them."""

    n_rates = 2

    def __init__(
        self, leaves: tuple[list[Any], list[Any]], free: tuple[Fit, Fit], calibration: Calibration
    ) -> None:
        for name, at in (("tpr", 8), ("fpr", 10)):
            low, high = (
                pick(leaves[0][k], leaves[1][k]) for pick, k in ((np.maximum, at), (np.minimum, at + 1))
            )
            if (low > high).any():
                raise ValueError(
                    f"`bounds_a` and `bounds_b` of {name} exclude each other, so the sets have no judge in "
                    'common; use judge="separate".'
                )
        self.joint, self.calibration = joint_fit(leaves, calibration), calibration
        best = self.joint.best
        judge = np.broadcast_to(self.joint.start[:, None], (len(best.value), 2, 2))
        self.params = np.concatenate([best.rate[..., None], judge], -1)
        self.identified = (best.highest - best.lowest <= _IDENTIFIED_WITHIN).all(-1)
        self.converged = best.agreeing > 0

    def statistic(self) -> tuple[Any, Any]:
        """Likelihood-ratio statistic of no difference, and whether its search ended."""
        return joint_statistic(self.joint, self.calibration)

    def end(self, cutoff: Any, *, upper: bool) -> End:
        """One end of the interval."""
        return joint_end(self.joint, cutoff, self.calibration, upper=upper)


def _gap(found: Common) -> Any:
    return found.rate @ _SIGNS


def _pushed(joint: Joint, push: Any, calibration: Calibration) -> Common:
    return _run(_climb(calibration), [*joint.leaves, push[:, None] * _SIGNS, joint.start])


def _run(program: Callable[[list[Any]], Common], arrays: list[Any]) -> Common:
    return in_blocks(program, arrays, _WIDTH)


@cache
def _climb(calibration: Calibration) -> Callable[[list[Any]], Common]:
    def one(leaves: list[Any]) -> Common:
        return maximize_common(joint_of(leaves[:12], calibration), leaves[13][None], leaves[12])

    return jax.jit(jax.vmap(one), compiler_options=compiler_options(True))


@cache
def _free(calibration: Calibration) -> Callable[[list[Any]], Common]:
    def one(leaves: list[Any]) -> Common:
        joint = joint_of(leaves[:12], calibration)
        return maximize_common(joint, starts_of(joint))

    return jax.jit(jax.vmap(one), compiler_options=compiler_options(True))
