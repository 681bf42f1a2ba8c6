"""One function over both solvers and both designs, differentiable through its optimum."""

import functools
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Params, check_calibration
from jaxmle._model import log_likelihood, score
from jaxmle._solvers import _designs
from jaxmle._solvers._solution import (
    PER_ITEM,
    Solution,
    SolverName,
    bound_pairs,
    bound_sides,
    check_solver,
    finish,
)


def maximize(
    counts: Counts,
    bounds: Bounds,
    *,
    calibration: Calibration = "internal",
    solver: SolverName = "interior_point",
) -> Solution:
    """Maximize the likelihood within bounds; the pure function that `fit` wraps.

    Arrays in, arrays out, no number checked: usable under jit, vmap, and both modes of automatic
    differentiation. Derivatives of the parameters with respect to counts and bounds follow from the
    implicit function theorem at the active bounds found; ``gap`` and ``converged`` have none. The
    numbers are computed in the floating-point type of the input, which should be float64: call it
    under ``jax.enable_x64(True)`` (anything less gives a `UserWarning`).

    Args:
        counts: Counts, shape ``(...)``, >= 0.
        bounds: Bounds with ends broadcastable to shape ``(...)``, within [0, 1], low <= high.
        calibration: "internal" or "external", as in `log_likelihood`.
        solver: "interior_point", or "projected_gradient" of jaxopt.

    Returns:
        The maximum and its certificate. Where the bounds give the data probability zero the
        log-likelihood is -inf, the gap inf, and ``converged`` False.

    Raises:
        ValueError: ``calibration`` or ``solver`` is unknown.
        TypeError: Counts or bounds are complex.

    Source:
        arXiv 2604.03257 for the estimator; see `_interior_point` and `_projected_gradient` for the
        algorithms and `_model._certificate` for the gap.

    Examples:
        >>> import jax
        >>> from jaxmle import Bounds, Counts, maximize
        >>> def failure_rate(tpr_low):
        ...     counts = Counts(4.0, 1.0, 2.0, 43.0, 900.0, 9100.0)
        ...     bounds = Bounds(tpr=(tpr_low, 0.95), fpr=(0.01, 0.10))
        ...     return maximize(counts, bounds).params.failure_rate
        >>> with jax.enable_x64(True):
        ...     slope = jax.grad(failure_rate)(0.80)
        >>> print(f"{slope:.3f}")
        -0.070
    """
    check_calibration(calibration)
    check_solver(solver)
    leaves = jax.tree.leaves((counts, bounds))
    dtype = jnp.result_type(float, *(x for x in leaves if jnp.issubdtype(jnp.result_type(x), jnp.inexact)))
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"counts and bounds must be real; got {dtype}.")
    if np.finfo(dtype).bits < 64:
        warnings.warn(
            f"maximize runs in {dtype}: estimates are rough and derivatives may be lost; "
            "call it under `with jax.enable_x64(True):`.",
            stacklevel=2,
        )
    arrays = jnp.broadcast_arrays(*(jnp.asarray(x, dtype) for x in leaves))
    shape = arrays[0].shape
    structure = jax.tree.structure((counts, bounds))
    flat_counts, flat_bounds = jax.tree.unflatten(structure, [x.reshape(-1) for x in arrays])
    solution = _maximize_jit(flat_counts, flat_bounds, calibration, solver)
    result: Solution = jax.tree.map(lambda x: x.reshape(shape), solution)
    return result


# Pivot of a unit-diagonal information matrix below which a direction counts as flat.
_FLAT = 1e-14


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _maximize(counts: Counts, bounds: Bounds, calibration: Calibration, solver: SolverName) -> Solution:
    find = _designs.interior_point
    if solver == "projected_gradient":
        from jaxmle._solvers import _projected_gradient  # jaxopt takes a second to import, and warns

        find = _projected_gradient.find
    if calibration == "external":
        return _designs.external(counts, bounds, find, PER_ITEM[solver])
    return finish(find(counts, bounds, calibration), counts, bounds, calibration, PER_ITEM[solver])


@_maximize.defjvp
def _maximize_jvp(
    calibration: Calibration, solver: SolverName, primals: Any, tangents: Any
) -> tuple[Solution, Solution]:
    counts, bounds = primals
    d_counts, d_bounds = tangents
    solution = _maximize(counts, bounds, calibration, solver)
    params = solution.params

    # A parameter on a bound moves with it; a known one (low == high) with the mean of both ends.
    at_low, at_high = ([pair[i] for pair in bound_pairs(bound_sides(params, bounds))] for i in (0, 1))
    ends = bound_pairs(d_bounds)
    share = [jnp.where(low & high, 0.5, 1.0) for low, high in zip(at_low, at_high, strict=True)]
    pushed = [
        s * (jnp.where(low, d_low, 0) + jnp.where(high, d_high, 0))
        for s, low, high, (d_low, d_high) in zip(share, at_low, at_high, ends, strict=True)
    ]
    # A cell that is empty at a rate of 0 or 1 gets probability count / |score| once it is counted.
    slope = score(params, counts, calibration=calibration)
    for i, (rate, push, hit, miss) in enumerate(
        (
            (params.tpr, slope.tpr, d_counts.tp, d_counts.fn),
            (params.fpr, slope.fpr, d_counts.fp, d_counts.tn),
        ),
        start=1,
    ):
        known = at_low[i] & at_high[i]
        pressed = jnp.where(push == 0, 1, push)
        pushed[i] += jnp.where((rate >= 1) & (push > 0) & ~known, -miss / pressed, 0)
        pushed[i] += jnp.where((rate <= 0) & (push < 0) & ~known, -hit / pressed, 0)
    free = [~(low | high) for low, high in zip(at_low, at_high, strict=True)]

    def gradient(p: Params, c: Counts) -> Params:
        return score(p, c, calibration=calibration)

    # Free parameters keep their score at zero: H_ff dx_f = -(d score / d counts + H_fp dx_p).
    _, moved = jax.jvp(gradient, (params, counts), (Params(*pushed), d_counts))
    zero, one = jnp.zeros_like(params.tpr), jnp.ones_like(params.tpr)
    units = (Params(one, zero, zero), Params(zero, one, zero), Params(zero, zero, one))
    columns = [jax.jvp(lambda p: gradient(p, counts), (params,), (unit,))[1] for unit in units]
    hessian = jnp.stack([_stacked(column) for column in columns], -1)
    response = _solve_free(hessian, -_stacked(moved), jnp.stack(free, -1))
    d_params = Params(
        *(p + jnp.where(f, response[..., i], 0) for i, (p, f) in enumerate(zip(pushed, free, strict=True)))
    )
    d_value = jax.jvp(
        lambda p, c: log_likelihood(p, c, calibration=calibration), (params, counts), (d_params, d_counts)
    )[1]
    no_tangent = jax.custom_derivatives.zero_from_primal(solution.converged, symbolic_zeros=False)
    return solution, Solution(d_params, d_value, jnp.zeros_like(solution.gap), no_tangent)


# Called eagerly, a while-loop would be compiled anew each time.
_maximize_jit = jax.jit(_maximize, static_argnums=(2, 3))


def _solve_free(hessian: Any, residual: Any, free: Any) -> Any:
    """Solve the symmetric systems ``hessian x = residual`` over the free parameters.

    Shapes are ``(..., 3, 3)`` and ``(..., 3)``. The matrix is scaled to a unit diagonal, so that "flat" means
    the same for every parameter; a flat direction, in which the data say nothing, gets 0.
    """
    diagonal = jnp.diagonal(hessian, axis1=-2, axis2=-1)
    curved = free & (diagonal < 0) & jnp.isfinite(diagonal)
    scale = jnp.where(curved, 1 / jnp.sqrt(jnp.where(curved, -diagonal, 1)), 0)
    both = curved[..., :, None] & curved[..., None, :]
    unit = jnp.where(both, -hessian * scale[..., :, None] * scale[..., None, :], jnp.eye(3))
    right = jnp.where(curved, -residual * scale, 0)
    # Elimination without exchanges is stable here: the matrix has no negative direction.
    pivots = []
    for k in range(3):
        pivot = unit[..., k, k]
        pivots.append(jnp.where(pivot > _FLAT, 1 / jnp.where(pivot > _FLAT, pivot, 1), 0))
        below = jnp.arange(3) > k
        factor = jnp.where(below, unit[..., :, k], 0) * pivots[k][..., None]
        unit, right = (
            unit - factor[..., :, None] * unit[..., k, None, :],
            right - factor * right[..., k, None],
        )
    last = right[..., 2] * pivots[2]
    middle = (right[..., 1] - unit[..., 1, 2] * last) * pivots[1]
    first = (right[..., 0] - unit[..., 0, 1] * middle - unit[..., 0, 2] * last) * pivots[0]
    return jnp.stack([first, middle, last], -1) * scale


def _stacked(params: Params) -> Any:
    return jnp.stack([params.failure_rate, params.tpr, params.fpr], -1)
