"""Whether the data contradict the bounds, at a glance."""

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Problem
from jaxmle._engine import Engine
from jaxmle._inference._arguments import checked_problem
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._types import Array, ArrayLike

# 0.999 quantile of the chi-square distribution with three degrees of freedom: the most that three bounds
# that hold can cost.
_SURELY = 16.266


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
