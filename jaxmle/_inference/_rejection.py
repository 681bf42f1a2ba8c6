"""p-values of the tests "failure rate >= rate", and the rates at which they reject."""

from statistics import NormalDist
from typing import Any

import numpy as np

from jaxmle._inference._arguments import quantile_of_t, tail_of_t
from jaxmle._inference._exact import ExactTest, Hypothesis
from jaxmle._inference._profile import crossing, profile
from jaxmle._inference._progress import Progress

_ROUNDS = 12
_SETTLED = 5e-3
_ROUNDING = 1e-8
_LARGEST = 1 - 1e-9


def p_values(tests: Hypothesis, exact: ExactTest, method: str, df: Any, progress: Progress | None) -> Any:
    """p-values of "failure rate >= the tests' own rates"; by Student's t where ``df`` is finite."""
    if method == "exact":
        return exact.p_values(tests, progress)
    statistic, _, _ = profile(tests.side, tests.rate, exact.calibration)
    against = np.where(tests.estimate < tests.rate, np.sqrt(statistic), 0.0)
    return np.where(against > 0, tail_of_t(against, df), 1.0)


def upper_limits(
    tests: Hypothesis,
    p_value: Any,
    exact: ExactTest,
    method: str,
    alpha: float,
    df: Any,
    progress: Progress | None,
) -> Any:
    """Rates at which the p-value comes down to ``alpha``; ``p_value`` holds those of the tests' own rates.

    p is nearly the normal tail of the signed root r of the statistic, stretched: with k = z(p) / r at one
    rate, the next is where r = z(alpha) / k. The stretch hardly varies, so few rounds settle it.
    """
    calibration = exact.calibration
    if method == "profile":
        return crossing(tests.side, quantile_of_t(alpha, df) ** 2, calibration).failure_rate
    low, high = np.asarray(tests.side.start, float).copy(), np.asarray(tests.side.stop, float).copy()
    shown = np.zeros(len(p_value), bool)
    rate, p = tests.rate.copy(), p_value.copy()
    todo = np.arange(len(p))
    for round_ in range(_ROUNDS):
        part = tests.take(todo)._replace(rate=rate[todo])
        if round_:
            p[todo] = exact.p_values(part, progress if round_ == 1 else None)
        here, known = rate[todo], p[todo]
        rejected = known <= alpha
        shown[todo] |= rejected
        low[todo] = np.where(rejected, low[todo], np.maximum(low[todo], here))
        high[todo] = np.where(rejected, np.minimum(high[todo], here), high[todo])
        statistic, _, _ = profile(part.side, here, calibration)
        # The region's share is a floor under every p-value, where p says nothing of the stretch.
        tail = np.clip((known - exact.region_error) / (1 - exact.region_error), 1e-15, 0.5)
        told = (statistic > 0.05) & (known < 0.4) & (tail > 1e-12)
        stretch = np.where(told, -_quantile(tail) / np.sqrt(np.maximum(statistic, 0.05)), 0.9)
        aim = -_quantile(np.maximum(alpha - exact.region_error, 1e-300)) / np.clip(stretch, 0.2, 3.0)
        moved = crossing(part.side, np.broadcast_to(aim**2, here.shape).copy(), calibration).failure_rate
        # Step a little beyond the aim, so that the next test lands on the other side and closes the bracket.
        moved = np.where(
            rejected, np.minimum(moved, here) * (1 - _SETTLED), np.maximum(moved, here) * (1 + _SETTLED)
        )
        outside = (moved <= low[todo]) | (moved >= high[todo])
        moved = np.where(outside, 0.5 * (low[todo] + high[todo]), moved)
        at_end = (here >= np.minimum(part.side.stop, _LARGEST) - _ROUNDING) & ~rejected
        closed = shown[todo] & (high[todo] - low[todo] <= 3 * _SETTLED * high[todo])
        rate[todo] = np.minimum(moved, _LARGEST)
        todo = todo[~(at_end | closed)]
        if not todo.size:
            break
    # The smallest rate that was tested and rejected.
    return np.where(shown, high, tests.side.stop)


_quantile = np.vectorize(NormalDist().inv_cdf, otypes=[float])
