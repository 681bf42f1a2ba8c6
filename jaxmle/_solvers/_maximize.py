"""One function over both solvers and both designs, differentiable through its optimum."""

import functools
import warnings
from collections.abc import Callable
from typing import cast

import numpy as np

from jaxmle._arrays import leaves, tree_map
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Params, check_calibration, counts_of
from jaxmle._engine import check_threads, in_tiles
from jaxmle._model import log_likelihood_at, maximum_change
from jaxmle._solvers import _flag_rate
from jaxmle._solvers._solution import (
    PER_ITEM,
    Solution,
    SolverName,
    better,
    check_solver,
    judged,
    two_points,
)
from jaxmle._types import Array


def maximum(counts: Counts, bounds: Bounds, calibration: Calibration, solver: SolverName) -> Solution:
    """Maximize flat batches, on NumPy or JAX arrays; `maximize` without derivatives."""
    find: Callable[[Counts, Bounds, Calibration], Params] = _flag_rate.find
    if solver == "projected_gradient":
        from jaxmle._solvers import _projected_gradient  # jaxopt takes a second to import, and warns

        find = _projected_gradient.find
    points = find(counts, bounds, calibration)
    return judged(points, counts, bounds, calibration, PER_ITEM[solver])


def maximize_in_bulk(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """Maximize flat batches for simulation, without certificates."""
    points = _flag_rate.find(counts, bounds, calibration)
    if calibration == "internal":
        return points
    pair = two_points(points)
    return better(pair, [log_likelihood_at(point, counts, calibration) for point in pair])[0]


def maximize(
    counts: Counts | HasCounts,
    bounds: Bounds,
    *,
    calibration: Calibration = "internal",
    solver: SolverName = "flag_rate",
) -> Solution:
    """Maximize the likelihood within bounds; the pure function that `fit` wraps.

    Arrays in, arrays out, no number checked: usable under jit, vmap, and both modes of automatic
    differentiation. Derivatives of the parameters with respect to counts and bounds follow from the
    implicit function theorem at the active bounds found; ``gap`` and ``converged`` have none. The
    numbers are computed in the floating-point type of the input, which should be float64: call it
    under ``jax.enable_x64(True)`` (anything less gives a `UserWarning`).

    Args:
        counts: Counts, shape ``(...)``, >= 0, or what `tables.count` returns.
        bounds: Bounds with ends broadcastable to shape ``(...)``, within [0, 1], low <= high.
        calibration: "internal" or "external", as in `log_likelihood`.
        solver: "flag_rate" (one scalar equation), or "projected_gradient" of jaxopt.

    Returns:
        The maximum and its certificate. Where the bounds give the data probability zero the
        log-likelihood is -inf, the gap inf, and ``converged`` False.

    Raises:
        ValueError: ``calibration`` or ``solver`` is unknown.
        TypeError: ``counts`` is nothing that was counted; counts or bounds are complex.

    Source:
        arXiv 2604.03257 for the estimator; see `_flag_rate` and `_projected_gradient` for the
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
    import jax.numpy as jnp

    check_calibration(calibration)
    check_solver(solver)
    check_threads()
    counts = counts_of("counts", counts)
    given = list(leaves((counts, bounds)))
    dtype = jnp.result_type(float, *(x for x in given if jnp.issubdtype(jnp.result_type(x), jnp.inexact)))
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"counts and bounds must be real; got {dtype}.")
    if jnp.dtype(dtype).itemsize < 4:
        dtype = np.dtype(np.float32)
    if np.finfo(dtype).bits < 64:
        warnings.warn(
            f"maximize runs in {dtype}: estimates are rough and derivatives may be lost; "
            "call it under `with jax.enable_x64(True):`.",
            stacklevel=2,
        )
    shape = jnp.broadcast_shapes(*(jnp.shape(x) for x in given))
    flat = tree_map(lambda x: jnp.broadcast_to(jnp.asarray(x, dtype), shape).reshape(-1), (counts, bounds))
    solution = _differentiable()(*flat, calibration, solver)
    return tree_map(lambda x: x.reshape(shape), solution)


@functools.cache
def _differentiable() -> Callable[..., Solution]:
    """`maximum` compiled, with derivatives; made on first use, as JAX is imported for it."""
    import jax

    @functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
    def solve(counts: Counts, bounds: Bounds, calibration: Calibration, solver: SolverName) -> Solution:
        return in_tiles(lambda flat: maximum(flat[0], flat[1], calibration, solver), (counts, bounds))

    @solve.defjvp
    def _(
        calibration: Calibration,
        solver: SolverName,
        primals: tuple[Counts, Bounds],
        tangents: tuple[Counts, Bounds],
    ) -> tuple[Solution, Solution]:
        solution = solve(*primals, calibration, solver)
        (counts, bounds), (d_counts, d_bounds) = primals, tangents
        return solution, _tangent(solution, counts, bounds, d_counts, d_bounds, calibration)

    # Called eagerly, a while-loop would be compiled anew each time.
    return jax.jit(solve, static_argnums=(2, 3))


def _tangent(
    solution: Solution,
    counts: Counts,
    bounds: Bounds,
    d_counts: Counts,
    d_bounds: Bounds,
    calibration: Calibration,
) -> Solution:
    """Change of the solution with counts and bounds, at the active bounds found."""
    import jax
    import jax.numpy as jnp

    params = solution.params
    d_params = maximum_change(params, counts, bounds, d_counts, d_bounds, calibration)
    d_value = jax.jvp(
        lambda p, c: log_likelihood_at(p, c, calibration), (params, counts), (d_params, d_counts)
    )[1]
    no_tangent = jax.custom_derivatives.zero_from_primal(solution.converged, symbolic_zeros=False)
    return Solution(d_params, d_value, cast(Array, jnp.zeros_like(solution.gap)), no_tangent)
