"""One function over both solvers and both designs, differentiable through its optimum."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import closed_form, duality_gap, log_likelihood, score
from jaxmle._model._certificate import pack_bounds, pack_counts
from jaxmle._solvers import _interior_point, _programs
from jaxmle._solvers._solution import AIM, Solution, SolverName, bound_sides, finish, tolerance

# A while-loop over a batch runs until its slowest element; on a CPU small tiles that stay in cache
# waste least. An accelerator wants everything at once.
_CPU_TILE = 512
_PER_ITEM = {"interior_point": 1e-10, "projected_gradient": 1e-8}


def maximize(
    counts: Counts,
    bounds: Bounds,
    *,
    calibration: Calibration = "internal",
    solver: SolverName = "interior_point",
) -> Solution:
    """Maximize the likelihood within bounds; the pure function that `fit` wraps.

    Arrays in, arrays out, nothing checked: usable under jit, vmap, and both modes of automatic
    differentiation. Derivatives of the parameters with respect to counts and bounds follow from the
    implicit function theorem at the active bounds found; ``gap`` and ``converged`` have none. The
    numbers are computed in the floating-point type of the input, which should be float64.

    Args:
        counts: Counts, shape ``(...)``, >= 0.
        bounds: Bounds with ends broadcastable to shape ``(...)``, within [0, 1], low <= high.
        calibration: "internal" or "external", as in `log_likelihood`.
        solver: "interior_point", or "projected_gradient" of jaxopt.

    Returns:
        The maximum and its certificate. Where the bounds give the data probability zero the
        log-likelihood is -inf, the gap inf, and ``converged`` False.

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
        -0.094
    """
    leaves = jax.tree.leaves((counts, bounds))
    dtype = jnp.result_type(float, *(x for x in leaves if jnp.issubdtype(jnp.result_type(x), jnp.inexact)))
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"counts and bounds must be real; got {dtype}.")
    arrays = jnp.broadcast_arrays(*(jnp.asarray(x, dtype) for x in leaves))
    shape = arrays[0].shape
    structure = jax.tree.structure((counts, bounds))
    flat_counts, flat_bounds = jax.tree.unflatten(structure, [x.reshape(-1) for x in arrays])
    solution = _maximize(flat_counts, flat_bounds, calibration, solver)
    result: Solution = jax.tree.map(lambda x: x.reshape(shape), solution)
    return result


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _maximize(counts: Counts, bounds: Bounds, calibration: Calibration, solver: SolverName) -> Solution:
    if solver == "projected_gradient":
        from jaxmle._solvers import _projected_gradient  # jaxopt takes a second to import, and warns

        find = _projected_gradient.find
        if calibration == "external":
            return _external(counts, bounds, find, _PER_ITEM[solver])
        return finish(find(counts, bounds, calibration), counts, bounds, calibration, _PER_ITEM[solver])

    def tile(pair: tuple[Counts, Bounds]) -> Solution:
        if calibration == "external":
            return _external(*pair, _interior_external, _PER_ITEM[solver])
        return finish(_interior_internal(*pair), *pair, calibration, _PER_ITEM[solver])

    return _in_tiles(tile, (counts, bounds))


@_maximize.defjvp
def _maximize_jvp(
    calibration: Calibration, solver: SolverName, primals: Any, tangents: Any
) -> tuple[Solution, Solution]:
    counts, bounds = primals
    d_counts, d_bounds = tangents
    solution = _maximize(counts, bounds, calibration, solver)
    params = solution.params

    # A parameter on a bound moves with it; a known one (low == high) with the mean of both ends.
    at_low, at_high = ([pair[i] for pair in _pairs(bound_sides(params, bounds))] for i in (0, 1))
    ends = _pairs(d_bounds)
    share = [jnp.where(low & high, 0.5, 1.0) for low, high in zip(at_low, at_high, strict=True)]
    pushed = [
        s * (jnp.where(low, d_low, 0) + jnp.where(high, d_high, 0))
        for s, low, high, (d_low, d_high) in zip(share, at_low, at_high, ends, strict=True)
    ]
    free = [~(low | high) for low, high in zip(at_low, at_high, strict=True)]

    def gradient(p: Params, c: Counts) -> Params:
        return score(p, c, calibration=calibration)

    # Free parameters keep their score at zero: H_ff dx_f = -(d score / d counts + H_fp dx_p).
    _, moved = jax.jvp(gradient, (params, counts), (Params(*pushed), d_counts))
    columns = []
    for k in range(3):
        unit = [jnp.ones_like(params.tpr) if i == k else jnp.zeros_like(params.tpr) for i in range(3)]
        columns.append(jax.jvp(lambda p: gradient(p, counts), (params,), (Params(*unit),))[1])
    hessian = [[getattr(column, name) for column in columns] for name in ("failure_rate", "tpr", "fpr")]
    residual = [-x for x in (moved.failure_rate, moved.tpr, moved.fpr)]
    response = _solve_free(hessian, residual, free)
    d_params = Params(*(p + jnp.where(f, r, 0) for p, f, r in zip(pushed, free, response, strict=True)))
    d_value = jax.jvp(
        lambda p, c: log_likelihood(p, c, calibration=calibration), (params, counts), (d_params, d_counts)
    )[1]
    no_tangent = jax.custom_derivatives.zero_from_primal(solution.converged, symbolic_zeros=False)
    return solution, Solution(d_params, d_value, jnp.zeros_like(solution.gap), no_tangent)


def _solve_free(hessian: list[list[Any]], residual: list[Any], free: list[Any]) -> list[Any]:
    """Solve the symmetric 3x3 system over the free parameters; a flat direction gives 0.

    The matrix is scaled to a unit diagonal, so that "flat" means the same for every parameter.
    """
    scale = []
    for i in range(3):
        curved = free[i] & (hessian[i][i] < 0) & jnp.isfinite(hessian[i][i])
        scale.append(jnp.where(curved, 1 / jnp.sqrt(jnp.where(curved, -hessian[i][i], 1)), 0))
    a = [
        [
            jnp.where((scale[i] > 0) & (scale[j] > 0), -hessian[i][j] * scale[i] * scale[j], 0.0)
            + (jnp.where(scale[i] > 0, 0.0, 1.0) if i == j else 0.0)
            for j in range(3)
        ]
        for i in range(3)
    ]
    b = [jnp.where(s > 0, -r * s, 0) for s, r in zip(scale, residual, strict=True)]
    pivots: list[Any] = []
    for k in range(3):
        ok = a[k][k] > 1e-9
        inverse = jnp.where(ok, 1 / jnp.where(ok, a[k][k], 1), 0)
        pivots.append(inverse)
        for i in range(k + 1, 3):
            factor = a[i][k] * inverse
            a[i] = [a[i][j] - factor * a[k][j] for j in range(3)]
            b[i] = b[i] - factor * b[k]
    x: list[Any] = [0.0, 0.0, 0.0]
    for k in (2, 1, 0):
        rest = b[k]
        for j in range(k + 1, 3):
            rest = rest - a[k][j] * x[j]
        x[k] = rest * pivots[k]
    return [xi * s for xi, s in zip(x, scale, strict=True)]


def _interior_internal(counts: Counts, bounds: Bounds) -> Params:
    """Interior point, except where the unconstrained maximum already obeys the bounds."""
    direct = closed_form(counts).params
    gap = duality_gap(direct, counts, bounds, calibration="internal")
    aim = _interior_aim(counts)
    done = _obeys(direct, bounds) & (gap <= aim)
    program = _programs.Internal(*_per_item(counts), *pack_bounds(bounds), *bounds.failure_rate)
    slacks, _ = _interior_point.solve(program, aim, ~done)
    return jax.tree.map(lambda a, b: jnp.where(done, a, b), direct, program.params(slacks))


def _interior_external(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    program = _programs.External(*_per_item(counts), *pack_bounds(bounds), *bounds.failure_rate)
    slacks, _ = _interior_point.solve(program, _interior_aim(counts), _half_exists(bounds))
    return program.params(slacks)


def _interior_aim(counts: Counts) -> Any:
    accept = tolerance(counts, _PER_ITEM["interior_point"])
    return jnp.maximum(AIM * accept, 20 * jnp.finfo(accept.dtype).eps)


def _external(counts: Counts, bounds: Bounds, find: Any, per_item: float) -> Solution:
    """Solve the external design: the better of its two convex halves, TPR >= FPR and TPR <= FPR.

    The second half is the first with failures and passes exchanged. The gap bounds both.
    """
    halves = jax.tree.map(lambda a, b: jnp.stack([a, b]), (counts, bounds), _mirror(counts, bounds))
    shape = halves[0].tp.shape
    flat = jax.tree.map(lambda x: x.reshape(-1), halves)
    params = jax.tree.map(lambda x: x.reshape(shape), find(*flat, "external"))
    both = finish(params, *halves, "external", per_item)
    exists = _half_exists(halves[1])
    value = jnp.where(exists, both.log_likelihood, -jnp.inf)
    first = value[0] >= value[1]
    p = both.params
    chosen = Params(
        jnp.where(first, p.failure_rate[0], 1 - p.failure_rate[1]),
        jnp.where(first, p.tpr[0], p.fpr[1]),
        jnp.where(first, p.fpr[0], p.tpr[1]),
    )
    total = sum(jax.tree.leaves(counts))
    best = jnp.maximum(value[0], value[1])
    ceiling = jnp.where(exists, value / total + both.gap, -jnp.inf)
    gap = jnp.maximum(jnp.maximum(ceiling[0], ceiling[1]) - best / total, jnp.where(first, *both.gap))
    gap = jnp.where(jnp.isnan(gap), jnp.inf, gap)
    # 1 - (1 - x) may round to the other side of a bound.
    chosen = Params(jnp.clip(chosen.failure_rate, *bounds.failure_rate), chosen.tpr, chosen.fpr)
    value = log_likelihood(chosen, counts, calibration="external")
    return Solution(chosen, value, gap, gap <= tolerance(counts, per_item))


def _mirror(counts: Counts, bounds: Bounds) -> tuple[Counts, Bounds]:
    """Exchange human failures and passes."""
    swapped = (counts.fp, counts.tn, counts.tp, counts.fn, counts.unlabeled_pos, counts.unlabeled_neg)
    lo, hi = bounds.failure_rate
    ends = (1 - hi, 1 - lo, *bounds.fpr, *bounds.tpr)
    return (
        jax.tree.unflatten(jax.tree.structure(counts), swapped),
        jax.tree.unflatten(jax.tree.structure(bounds), ends),
    )


def _half_exists(bounds: Bounds) -> Any:
    """Whether a half is to be searched: it has an interior, or it is all there is.

    Axis 0 may be a batch axis or (half, batch). A known failure rate makes the whole set convex,
    and then the first half stands for it; a box with one point belongs to the first half too.
    """
    lo, hi = bounds.failure_rate
    point = (bounds.tpr[1] == bounds.fpr[0]) & (bounds.fpr[1] == bounds.tpr[0])
    return (lo >= hi) | (bounds.tpr[1] > bounds.fpr[0]) | point


def _obeys(params: Params, bounds: Bounds) -> Any:
    values = (params.failure_rate, params.tpr, params.fpr)
    inside = [(x >= low) & (x <= high) for x, (low, high) in zip(values, _pairs(bounds), strict=True)]
    return inside[0] & inside[1] & inside[2]


def _per_item(counts: Counts) -> tuple[Any, Any]:
    cells, totals = pack_counts(counts)
    total = jnp.sum(cells, (0, 1)) + jnp.sum(totals, 0)
    total = jnp.where(total > 0, total, 1)
    return cells / total, totals / total


def _in_tiles(function: Any, arguments: Any) -> Any:
    """Apply an elementwise function over a flat batch, in tiles on a CPU."""
    size = jax.tree.leaves(arguments)[0].shape[0]
    if jax.default_backend() != "cpu" or size <= _CPU_TILE:
        return function(arguments)
    n_tiles = -(-size // _CPU_TILE)
    pad = n_tiles * _CPU_TILE - size
    tiled = jax.tree.map(
        lambda x: jnp.concatenate([x, jnp.broadcast_to(x[-1], (pad,))]).reshape(n_tiles, _CPU_TILE), arguments
    )
    return jax.tree.map(lambda x: x.reshape(-1)[:size], lax.map(function, tiled))


def _pairs(bounds: Bounds) -> tuple[Any, Any, Any]:
    return bounds.failure_rate, bounds.tpr, bounds.fpr
