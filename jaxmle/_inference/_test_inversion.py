"""Tests of "failure rate >= rate" by either method: their p-values, and the rates from which they reject."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jaxmle._arrays import take
from jaxmle._engine import Progress
from jaxmle._inference._calibrated import Calibrated, Sides
from jaxmle._inference._exact import ExactTest, Hypothesis
from jaxmle._inference._fit import Fit
from jaxmle._inference._profile import branches, crossing, profile
from jaxmle._stats import normal_of_student, normal_quantile, quantile_of_t, student_of_normal, tail_of_t
from jaxmle._types import Array, ArrayLike, Index

_ROUNDS = 12
_SETTLED = 5e-3
_ROUNDING = 1e-8
_LARGEST = 1 - 1e-9
# Near the decision more is drawn: so many times as much.
_NEAR = 0.1
_EFFORTS = (4, 16)


def asymptotic_p_values(free: Fit, rate: Array, df: ArrayLike = np.inf) -> Array:
    """p-values of "failure rate >= rate", shape ``(B,)``, by Student's t of the signed root: for haste."""
    lowest, highest = free.bounds.failure_rate
    inside = np.flatnonzero((rate > lowest) & (rate <= highest))
    found = np.where(rate > highest, 0.0, 1.0)
    if inside.size:
        branch = branches(free[inside])[1]
        statistic = profile(branch, rate[inside], free.calibration)[0]
        root = np.where(branch.start < rate[inside], np.sqrt(statistic), 0.0)
        found[inside] = np.where(root > 0, tail_of_t(root, np.broadcast_to(df, rate.shape)[inside]), 1.0)
    return found


class Rejection(Protocol):
    """A test of "failure rate >= rate" for each of B data sets."""

    def p_values(self, index: Index, effort: int, progress: Progress | None) -> Array:
        """p-values of the tests at ``index``, by ``effort`` times the usual number of draws."""

    def limits(self, known: Array, alpha: float, progress: Progress | None) -> Array:
        """Rates at which p comes down to ``alpha``, where the tests' own rates have p-values ``known``."""


def decided_p_values(
    test: Rejection, adjusted: Callable[[Array], Array], alpha: float, size: int, progress: Progress | None
) -> Array:
    """p-values of ``size`` tests; those near the decision by more draws, lest it depend on the seed.

    ``adjusted`` is what is compared with ``alpha``.
    """
    found = test.p_values(np.arange(size), 1, progress)
    for effort in _EFFORTS:
        near = np.flatnonzero(np.abs(adjusted(found) - alpha) <= _NEAR * alpha)
        if near.size:
            found[near] = test.p_values(near, effort, None)
    return found


@dataclass(frozen=True)
class ProfileRejection:
    """By the likelihood ratio with simulated p-values.

    Attributes:
        tests: The data sets.
        rate: Rates to test, shape ``(B,)``.
        estimate: Largest most likely failure rates, shape ``(B,)``.
        df: Degrees of freedom of the design effects, shape ``(B,)``.
        profiled: What `profile` says of the rates.
        how: How p-values are simulated.
    """

    tests: Sides
    rate: Array
    estimate: Array
    df: Array
    profiled: tuple[Array, Array, Fit]
    how: Calibrated

    def p_values(self, index: Index, effort: int, progress: Progress | None) -> Array:
        statistic, _, _ = profiled = take(self.profiled, index)
        rate, found = self.rate[index], np.ones(len(statistic))
        open_ = np.flatnonzero((self.estimate[index] < rate) & (statistic > 0))
        if open_.size:
            some = take(profiled, open_)
            tests = self.tests.take(index).take(open_)
            p = self.how.p_values(tests, rate[open_], some, effort * self.how.n_draws)
            found[open_] = student_of_normal(p, self.df[index][open_])
        if progress:
            progress.advance(len(found))
        return found

    def limits(self, known: Array, alpha: float, progress: Progress | None) -> Array:
        return self.how.ends(self.tests, quantile_of_t(alpha, self.df), progress).failure_rate


@dataclass(frozen=True)
class ExactRejection:
    """By the exact test.

    Attributes:
        tests: The tests.
        df: Degrees of freedom of the design effects, shape ``(B,)``; p-values are those of Student's t beyond
            the points where normal ones are these of the exact test.
        profiled: What `profile` says of their rates.
        exact: How p-values are made.
    """

    tests: Hypothesis
    df: Array
    profiled: tuple[Array, Array, Fit]
    exact: ExactTest

    def p_values(self, index: Index, effort: int, progress: Progress | None) -> Array:
        profiled = take(self.profiled, index)
        found = self.exact.p_values(self.tests.take(index), progress, profiled, effort)
        return student_of_normal(found, self.df[index])

    def limits(self, known: Array, alpha: float, progress: Progress | None) -> Array:
        """As in `Rejection`: the smallest rates that were tested and rejected.

        p is nearly the normal tail of the signed root r of the statistic, stretched: with k = z(p) / r at one
        rate, the next is where r = z(alpha) / k. Between two rates on either side z(p) is taken for a line.
        """
        tests, exact = self.tests, self.exact
        calibration = exact.calibration
        low, high = (np.asarray(x, float).copy() for x in (tests.branch.start, tests.branch.stop))
        rate, statistics = tests.rate.copy(), self.profiled[0].copy()
        p, level = (normal_of_student(x, self.df) for x in (known, np.full(len(known), alpha)))
        # The region's share is a floor under every p-value, where p says nothing of z.
        floor = exact.region_error
        wanted = -normal_quantile(np.maximum(level - floor, 1e-300))
        z_low, z_high = (np.full(len(p), np.nan) for _ in range(2))
        shown = np.zeros(len(p), bool)
        todo = np.arange(len(p))
        for round_ in range(_ROUNDS):
            part = tests.take(todo)._replace(rate=rate[todo])
            if round_:
                profiled = profile(part.branch, part.rate, calibration, exact.engine)
                statistics[todo] = profiled[0]
                p[todo] = exact.p_values(part, progress if round_ == 1 else None, profiled)
            here, p_here, statistic = rate[todo], p[todo], statistics[todo]
            tail = np.clip((p_here - floor) / (1 - floor), 1e-15, 0.5)
            is_informative = (statistic > 0.05) & (p_here < 0.4) & (tail > 1e-12)
            z = -normal_quantile(tail)
            rejected = p_here <= level[todo]
            shown[todo] |= rejected
            z = np.where(is_informative, z, np.nan)
            for ends, z_ends, is_end, inner in (
                (low, z_low, ~rejected, np.maximum),
                (high, z_high, rejected, np.minimum),
            ):
                at = todo[is_end]
                ends[at], z_ends[at] = inner(ends[at], here[is_end]), z[is_end]
            stretch = np.where(is_informative, z / np.sqrt(np.maximum(statistic, 0.05)), 0.9)
            aim = wanted[todo] / np.clip(stretch, 0.2, 3.0)
            moved = crossing(part.branch, aim**2, calibration, exact.engine).failure_rate
            share = (wanted - z_low)[todo] / np.maximum(z_high - z_low, 1e-9)[todo]
            line = low[todo] + share * (high - low)[todo]
            moved = np.where(np.isnan(line), moved, line)
            # A little beyond the aim, so that the next test lands on the other side and closes the bracket.
            moved = np.where(
                rejected, np.minimum(moved, here) * (1 - _SETTLED), np.maximum(moved, here) * (1 + _SETTLED)
            )
            outside = (moved <= low[todo]) | (moved >= high[todo])
            moved = np.where(outside, 0.5 * (low[todo] + high[todo]), moved)
            at_end = (here >= np.minimum(part.branch.stop, _LARGEST) - _ROUNDING) & ~rejected
            closed = shown[todo] & (high[todo] - low[todo] <= 3 * _SETTLED * high[todo])
            rate[todo] = np.minimum(moved, _LARGEST)
            todo = todo[~(at_end | closed)]
            if not todo.size:
                break
        return np.where(shown, high, tests.branch.stop)


@dataclass(frozen=True)
class SlowerRejection:
    """The less sure of two tests.

    Rounding effective counts to whole data sets may round failures away: what the counts tell as they are
    then keeps the exact test from being too sure.

    Attributes:
        first: The exact test.
        second: The other.
        is_effective: Data sets whose counts are effective ones, shape ``(B,)``; others have the first alone.
    """

    first: Rejection
    second: Rejection
    is_effective: Array

    def p_values(self, index: Index, effort: int, progress: Progress | None) -> Array:
        both = [test.p_values(index, effort, progress) for test in (self.first, self.second)]
        return np.where(self.is_effective[index], np.maximum(*both), both[0])

    def limits(self, known: Array, alpha: float, progress: Progress | None) -> Array:
        both = [test.limits(known, alpha, progress) for test in (self.first, self.second)]
        return np.where(self.is_effective, np.maximum(*both), both[0])
