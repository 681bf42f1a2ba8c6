"""p-values of the tests "failure rate >= rate", and the rates at which they reject."""

from statistics import NormalDist

import numpy as np

from jaxmle._engine import Progress
from jaxmle._inference._arguments import quantile_of_t, tail_of_t
from jaxmle._inference._exact import ExactTest, Hypothesis
from jaxmle._inference._fit import Fit
from jaxmle._inference._profile import crossing, profile
from jaxmle._types import Array, Pair

_ROUNDS = 12
_SETTLED = 5e-3
_ROUNDING = 1e-8
_LARGEST = 1 - 1e-9


def p_values(
    tests: Hypothesis,
    exact: ExactTest,
    method: str,
    df: Array,
    progress: Progress | None,
    profiled: tuple[Array, Array, Fit],
) -> Array:
    """p-values of "failure rate >= the tests' own rates"; by Student's t where ``df`` is finite.

    ``profiled`` is what `profile` says of these rates.
    """
    if method == "exact":
        return exact.p_values(tests, progress, profiled)
    statistic = profiled[0]
    against = np.where(tests.estimate < tests.rate, np.sqrt(statistic), 0.0)
    return np.where(against > 0, tail_of_t(against, df), 1.0)


def upper_limits(
    tests: Hypothesis,
    known: Pair,
    exact: ExactTest,
    method: str,
    alpha: float,
    df: Array,
    progress: Progress | None,
) -> Array:
    """Rates at which the p-value comes down to ``alpha``.

    ``known`` holds the p-values and the statistics of the tests' own rates.

    p is nearly the normal tail of the signed root r of the statistic, stretched: with k = z(p) / r at one
    rate, the next is where r = z(alpha) / k. The stretch hardly varies, so few rounds settle it.
    """
    calibration = exact.calibration
    if method == "profile":
        return crossing(tests.branch, quantile_of_t(alpha, df) ** 2, calibration, exact.engine).failure_rate
    low, high = np.asarray(tests.branch.start, float).copy(), np.asarray(tests.branch.stop, float).copy()
    rate, p, statistics = tests.rate.copy(), known[0].copy(), known[1].copy()
    shown = np.zeros(len(p), bool)
    todo = np.arange(len(p))
    for round_ in range(_ROUNDS):
        part = tests.take(todo)._replace(rate=rate[todo])
        if round_:
            profiled = profile(part.branch, part.rate, calibration, exact.engine)
            statistics[todo] = profiled[0]
            p[todo] = exact.p_values(part, progress if round_ == 1 else None, profiled)
        here, p_here, statistic = rate[todo], p[todo], statistics[todo]
        rejected = p_here <= alpha
        shown[todo] |= rejected
        low[todo] = np.where(rejected, low[todo], np.maximum(low[todo], here))
        high[todo] = np.where(rejected, np.minimum(high[todo], here), high[todo])
        # The region's share is a floor under every p-value, where p says nothing of the stretch.
        tail = np.clip((p_here - exact.region_error) / (1 - exact.region_error), 1e-15, 0.5)
        is_informative = (statistic > 0.05) & (p_here < 0.4) & (tail > 1e-12)
        stretch = np.where(is_informative, -_quantile(tail) / np.sqrt(np.maximum(statistic, 0.05)), 0.9)
        aim = -_quantile(np.maximum(alpha - exact.region_error, 1e-300)) / np.clip(stretch, 0.2, 3.0)
        moved = crossing(
            part.branch, np.broadcast_to(aim**2, here.shape).copy(), calibration, exact.engine
        ).failure_rate
        # Step a little beyond the aim, so that the next test lands on the other side and closes the bracket.
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
    # The smallest rate that was tested and rejected.
    return np.where(shown, high, tests.branch.stop)


_quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])
