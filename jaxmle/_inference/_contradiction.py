"""Whether the data contradict the bounds, at a glance."""

from typing import Any

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._inference._arguments import checked_arrays
from jaxmle._inference._fit import fit_flat

# 0.999 quantile of the chi-square distribution with three degrees of freedom: the most that three bounds
# that hold can cost.
_SURELY = 16.266


def contradicted(leaves: list[Any], log_likelihood: Any, calibration: Calibration) -> Any:
    """Whether bounds cost so much likelihood that chance does not explain it, shape ``(B,)``."""
    ends = [np.zeros_like(leaves[0]), np.ones_like(leaves[0])] * 3
    unbounded = fit_flat([*leaves[:6], *ends], calibration)
    return 2 * (unbounded.log_likelihood - log_likelihood) > _SURELY


def contradicts(counts: Counts, bounds: Bounds, *, calibration: Calibration) -> Any:
    """Whether data surely contradict the bounds, shape ``(...)``; `bounds_test` has the p-value."""
    leaves, shape = checked_arrays(counts, bounds, calibration)
    return contradicted(leaves, fit_flat(leaves, calibration).log_likelihood, calibration).reshape(shape)
