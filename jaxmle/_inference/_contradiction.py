"""Whether the data contradict the bounds, at a glance."""

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Bounds, Calibration, Counts, Problem
from jaxmle._engine import Engine
from jaxmle._inference._arguments import checked_problem, whole_numbers
from jaxmle._inference._bounds_test import bounds_p_values
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._inference._multiplicity import adjust_p_values
from jaxmle._simulation import Labels
from jaxmle._types import Array, ArrayLike

# 0.999 quantile of the chi-square distribution with three degrees of freedom: the most that three bounds
# that hold can cost.
_SURELY = 16.266
# Below this p-value, shared out over the slices, data and bounds are said to contradict each other.
_SAID_AT = 0.01
# A statistic below it is exceeded one time in twenty even where a single bound can be contradicted: half of
# the chi-square distribution with one degree of freedom.
_UNREMARKABLE = 2.706
# With more slices than these the share of each is less than a simulated p-value can be.
_FEW = 6


def contradicted(free: Fit, engine: Engine | None = None, unbounded: ArrayLike | None = None) -> Array:
    """Whether bounds cost so much likelihood that chance does not explain it, shape ``(B,)``.

    ``unbounded`` holds the maximal log-likelihoods without bounds, where they are known.
    """
    if unbounded is None:
        problem = Problem(free.counts, free.bounds).unbounded()
        unbounded = fit_flat(problem, free.calibration, engine=engine).log_likelihood
    return 2 * (np.asarray(unbounded) - free.log_likelihood) > _SURELY


def contradicts(counts: Counts, bounds: Bounds, *, calibration: Calibration) -> Array:
    """Whether data surely contradict the bounds, shape ``(...)``; `bounds_test` has the p-value."""
    problem, shape = checked_problem(counts, bounds, calibration)
    return contradicted(fit_flat(problem, calibration)).reshape(shape)


def check_bounds(
    bounded: Fit, unbounded: ArrayLike, *, labels: Labels, seed: int, engine: Engine | None = None
) -> tuple[Array, Array]:
    """p-values of `bounds_test` as far as they matter at the 1% level, and what contradicts its bounds.

    The last data set is tested by itself, the others share the 1% (Holm); whatever contradicts its bounds
    beyond all chance is told in any number. p-values that cannot matter are not simulated but bounded from
    above, and so are all of many slices.

    Args:
        bounded: Fits within the bounds, shape ``(B,)``. Counts that are not whole, effective ones, are
            rounded for the simulation.
        unbounded: Maximal log-likelihoods without bounds, shape ``(B,)``.
        labels: "random" or "by_verdict".
        seed: Seed of the simulation.
        engine: "numpy", "jax", or None.
    """
    statistic = np.maximum(2 * (np.asarray(unbounded) - bounded.log_likelihood), 0)
    size = len(statistic)
    simulated = statistic > _UNREMARKABLE
    if size > _FEW + 1:
        simulated[:-1] = False
    tested, own = bounded, statistic
    if simulated.any() and not whole_numbers(bounded.counts):
        rounded = Problem(tree_map(np.round, bounded.counts), bounded.bounds)
        simulated &= rounded.counts.n_labeled + rounded.counts.n_unlabeled > 0
        held, free = (
            fit_flat(problem, bounded.calibration, engine=engine)
            for problem in (rounded, rounded.unbounded())
        )
        tested = held
        own = np.where(simulated, np.maximum(2 * (free.log_likelihood - held.log_likelihood), 0), statistic)
    p_value = bounds_p_values(tested, own, simulated, labels=labels, seed=seed, engine=engine)
    adjusted = p_value.copy()
    adjusted[:-1] = adjust_p_values(p_value[:-1], "holm")
    return p_value, (adjusted <= _SAID_AT) | (statistic > _SURELY)
