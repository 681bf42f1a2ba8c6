"""How each design is put to a solver: one convex program, or the better of two."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import log_likelihood
from jaxmle._model._certificate import pack_bounds
from jaxmle._solvers import _interior_point
from jaxmle._solvers._external import External
from jaxmle._solvers._faces import face_maximum
from jaxmle._solvers._internal import Internal
from jaxmle._solvers._solution import (
    AIM,
    PER_ITEM,
    Solution,
    bound_pairs,
    finish,
    limit_rates,
    param_values,
    tolerance,
)
from jaxmle._solvers._tiles import unfinished_first, weights_per_item


def interior_point(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """Find near-maximizers of flat batches on faces of the box, or else by the interior point.

    For "external" they are those of the half TPR >= FPR, or of the whole box where the failure rate
    is known.
    """
    aim = _interior_aim(counts)
    if calibration == "external":
        return follow_all(External, counts, bounds, aim, ~half_exists(bounds))
    faced, done = face_maximum(counts, bounds, aim)
    found = follow_all(Internal, counts, bounds, aim, done)
    return jax.tree.map(lambda a, b: jnp.where(done, a, b), faced, found)


def follow_all(
    design: type[Internal | External], counts: Counts, bounds: Bounds, aim: Any, done: Any
) -> Params:
    """Run the interior point on a flat batch, to a gap per item of ``aim``, except where ``done``."""

    def follow(tile: Any, enabled: Any, budget: Any) -> tuple[Any, Any]:
        counts, bounds, aim = tile
        program = design(*weights_per_item(counts), *pack_bounds(bounds), *bounds.failure_rate)
        slacks, late = _interior_point.solve(program, aim, enabled, budget)
        return jnp.stack(param_values(program.params(slacks))), late

    budgets = (_interior_point.FEW_STEPS, _interior_point.MAX_STEPS)
    return Params(*unfinished_first(follow, (counts, bounds, aim), done, budgets))


def _interior_aim(counts: Counts) -> Any:
    accept = tolerance(counts, PER_ITEM["interior_point"])
    return jnp.maximum(AIM * accept, 20 * np.finfo(accept.dtype).eps)


def external(
    counts: Counts, bounds: Bounds, find: Callable[[Counts, Bounds, Calibration], Params], per_item: float
) -> Solution:
    """Solve the external design: the better of its two convex halves, TPR >= FPR and TPR <= FPR.

    The second half is the first with failures and passes exchanged. The gap bounds both.
    """
    halves = jax.tree.map(lambda a, b: jnp.stack([a, b]), (counts, bounds), mirror(counts, bounds))
    shape = halves[0].tp.shape
    both_counts, both_bounds = halves
    flat_counts, flat_bounds = jax.tree.map(lambda x: x.reshape(-1), halves)
    params = jax.tree.map(lambda x: x.reshape(shape), find(flat_counts, flat_bounds, "external"))
    both = finish(params, both_counts, both_bounds, "external", per_item)
    exists = half_exists(halves[1])
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
    # A half whose point has probability zero proves nothing: its gap is inf, whatever its value.
    ceiling = jnp.where(
        exists, jnp.where(jnp.isfinite(both.gap), value / total + both.gap, jnp.inf), -jnp.inf
    )
    gap = jnp.maximum(
        jnp.maximum(ceiling[0], ceiling[1]) - best / total, jnp.where(first, both.gap[0], both.gap[1])
    )
    gap = jnp.where(jnp.isnan(gap), jnp.inf, gap)
    # 1 - (1 - x) may round to the other side of a bound.
    chosen = Params(jnp.clip(chosen.failure_rate, *bounds.failure_rate), chosen.tpr, chosen.fpr)
    # Without labels of a group that is not there its rate is free, and takes its value in the limit.
    limit = limit_rates(chosen, counts, bounds)
    chosen = Params(
        chosen.failure_rate,
        jnp.where(counts.tp + counts.fn > 0, chosen.tpr, limit.tpr),
        jnp.where(counts.fp + counts.tn > 0, chosen.fpr, limit.fpr),
    )
    value = log_likelihood(chosen, counts, calibration="external")
    return Solution(chosen, value, gap, gap <= tolerance(counts, per_item))


def mirror(counts: Counts, bounds: Bounds) -> tuple[Counts, Bounds]:
    """Exchange human failures and passes."""
    swapped = (counts.fp, counts.tn, counts.tp, counts.fn, counts.unlabeled_pos, counts.unlabeled_neg)
    lo, hi = bounds.failure_rate
    ends = (1 - hi, 1 - lo, *bounds.fpr, *bounds.tpr)
    return (
        jax.tree.unflatten(jax.tree.structure(counts), swapped),
        jax.tree.unflatten(jax.tree.structure(bounds), ends),
    )


def half_exists(bounds: Bounds) -> Any:
    """Whether a half is to be searched: it has an interior, or it is all there is.

    Axis 0 may be a batch axis or (half, batch). A known failure rate makes the whole set convex,
    and then the first half stands for it; a box with one point belongs to the first half too.
    """
    lo, hi = bounds.failure_rate
    point = (bounds.tpr[1] == bounds.fpr[0]) & (bounds.fpr[1] == bounds.tpr[0])
    return (lo >= hi) | (bounds.tpr[1] > bounds.fpr[0]) | point


def obeys(params: Params, bounds: Bounds) -> Any:
    """Whether the parameters lie within the bounds, shape ``(B,)``."""
    pairs = zip(param_values(params), bound_pairs(bounds), strict=True)
    inside = [(x >= low) & (x <= high) for x, (low, high) in pairs]
    return inside[0] & inside[1] & inside[2]
