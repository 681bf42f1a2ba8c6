"""How the maximum moves with counts and bounds: the implicit function theorem at the active bounds."""

import numpy as np

from jaxmle._arrays import namespace, tree_map
from jaxmle._data import Bounds, Calibration, Counts, Params, bound_pairs, bound_sides, param_values
from jaxmle._model._likelihood import hessian_at, score_at
from jaxmle._stats import divide
from jaxmle._types import Array

# Pivot of a unit-diagonal information matrix below which a direction counts as flat.
_FLAT = 1e-14


def maximum_change(
    params: Params,
    counts: Counts,
    bounds: Bounds,
    d_counts: Counts,
    d_bounds: Bounds,
    calibration: Calibration,
) -> Params:
    """Change of the maximum with small changes of counts and bounds; all of shape ``(...)``."""
    xp = namespace(params, counts, bounds)
    # A parameter on a bound moves with it; a known one (low == high) with the mean of both ends.
    at_low, at_high = ([pair[i] for pair in bound_pairs(bound_sides(params, bounds))] for i in (0, 1))
    share = [xp.where(low & high, 0.5, 1.0) for low, high in zip(at_low, at_high, strict=True)]
    moved = [
        s * (xp.where(low, d_low, 0) + xp.where(high, d_high, 0))
        for s, low, high, (d_low, d_high) in zip(share, at_low, at_high, bound_pairs(d_bounds), strict=True)
    ]
    # A cell that is empty at a rate of 0 or 1 gets probability count / |score| once it is counted.
    slope = score_at(params, counts, calibration)
    for i, (rate, pull, hit, miss) in enumerate(
        (
            (params.tpr, slope.tpr, d_counts.tp, d_counts.fn),
            (params.fpr, slope.fpr, d_counts.fp, d_counts.tn),
        ),
        start=1,
    ):
        known = at_low[i] & at_high[i]
        pressed = xp.where(pull == 0, 1, pull)
        moved[i] += xp.where((rate >= 1) & (pull > 0) & ~known, -miss / pressed, 0)
        moved[i] += xp.where((rate <= 0) & (pull < 0) & ~known, -hit / pressed, 0)
    free = xp.stack([~(low | high) for low, high in zip(at_low, at_high, strict=True)], -1)
    # Free parameters keep their score at zero: H_ff dx_f = -(d score / d counts + H_fp dx_p).
    hessian = hessian_at(params, counts, calibration)
    # The score is linear in the counts; impossible cells stay out of it.
    forced = xp.stack(param_values(score_at(params, d_counts, calibration, divide)), -1)
    forced = forced + xp.sum(hessian * xp.stack(moved, -1)[..., None, :], -1)
    response = _solve_free(hessian, -forced, free)
    return Params(*(m + xp.where(free[..., i], response[..., i], 0) for i, m in enumerate(moved)))


def rate_gradient(params: Params, counts: Counts, bounds: Bounds, calibration: Calibration) -> Array:
    """Derivatives of the failure rate in the six counts at the maximum ``params``, shape ``(B, 6)``."""
    xp = namespace(counts)
    # Each count in turn, on an axis in front.
    shape = (6, *counts.tp.shape)
    many = tree_map(lambda x: xp.broadcast_to(x, shape), (params, counts, bounds))
    each = Counts(*xp.broadcast_to(xp.eye(6)[..., None], (6, *shape)))
    still = tree_map(xp.zeros_like, many[2])
    with np.errstate(all="ignore"):
        return xp.moveaxis(maximum_change(*many, each, still, calibration).failure_rate, 0, -1)


def _solve_free(hessian: Array, residual: Array, free: Array) -> Array:
    """Solve the symmetric systems ``hessian x = residual`` over the free parameters.

    Shapes are ``(..., 3, 3)`` and ``(..., 3)``. The matrix is scaled to a unit diagonal, so that "flat" means
    the same for every parameter; a flat direction, in which the data say nothing, gets 0.
    """
    xp = namespace(hessian)
    diagonal = xp.stack([hessian[..., i, i] for i in range(3)], -1)
    curved = free & (diagonal < 0) & xp.isfinite(diagonal)
    scale = xp.where(curved, 1 / xp.sqrt(xp.where(curved, -diagonal, 1)), 0)
    both = curved[..., :, None] & curved[..., None, :]
    unit = xp.where(both, -hessian * scale[..., :, None] * scale[..., None, :], xp.eye(3))
    right = xp.where(curved, -residual * scale, 0)
    # Elimination without exchanges is stable here: the matrix has no negative direction.
    pivots = []
    for k in range(3):
        pivot = unit[..., k, k]
        pivots.append(xp.where(pivot > _FLAT, 1 / xp.where(pivot > _FLAT, pivot, 1), 0))
        below = xp.arange(3) > k
        factor = xp.where(below, unit[..., :, k], 0) * pivots[k][..., None]
        unit, right = (
            unit - factor[..., :, None] * unit[..., k, None, :],
            right - factor * right[..., k, None],
        )
    last = right[..., 2] * pivots[2]
    middle = (right[..., 1] - unit[..., 1, 2] * last) * pivots[1]
    first = (right[..., 0] - unit[..., 0, 1] * middle - unit[..., 0, 2] * last) * pivots[0]
    return xp.stack([first, middle, last], -1) * scale
