"""Projected gradient of jaxopt, with steps scaled by the information matrix.

Goldstein, Bull. AMS 70 (1964), and Levitin and Polyak, USSR Comput. Math. 6 (1966): step along the
gradient, project onto the feasible set, repeat. jaxopt's `ProjectedGradient` is the loop, optax's
`projection_box` the projection. The plain gradient is of little use here. Where judged items
outnumber labels, the likelihood in (theta, TPR, FPR) is a narrow ridge along a constant flag rate
q = FPR + theta (TPR - FPR): scaling each axis by its standard error does not straighten it, and in
the coordinates (q, TPR, FPR), which would, a bound on theta is no longer a box. So jaxopt is given
the gradient in the metric of the observed information, over the parameters that their bounds leave
free: the two-metric projection of Bertsekas, SIAM J. Control Optim. 20 (1982).

jaxopt's own line search is not used. Under vmap its inner loop can fail to end, because the
condition of a batched while-loop is computed twice and the copies may round apart. Instead the
objective compares a fixed list of trial steps and hands out the difference to the best of them as
"the gradient" for a step of length one. It is zero where the duality gap is small enough, which is
what ends the loop: nothing else that jaxopt reports about convergence is used.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy
import numpy as np
from optax.projections import projection_box

from jaxmle._arrays import rebuilt, take, tree_map
from jaxmle._data import Bounds, Calibration, Counts, Params, param_values
from jaxmle._engine import in_tiles
from jaxmle._model import closed_form_of, duality_gap, log_likelihood_at, ratio, score_at
from jaxmle._solvers._solution import PER_ITEM, limit_rates, tolerance
from jaxmle._stats import divide, flag_rate
from jaxmle._types import Array, Namespace, Pair, Triple

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # "JAXopt is no longer maintained"
    from jaxopt import ProjectedGradient

# To type checkers any module, as the core's other namespaces are: what it makes is an `Array`.
jnp: Namespace = jax.numpy

_MAX_STEPS = 60
# Shares of a step to try, of the whole step and of what stays within the bounds.
_LENGTHS = (1.0, 0.4, 0.1, 0.01)
_INSIDE = (1.0, 0.3)
# Share of the gap at which a fit is accepted that the iteration aims at.
_AIM = 1e-3
# Keeps directions that the data say nothing about from dividing by zero.
_RIDGE = 1e-9


def find(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """Find a feasible near-maximizer of every element; the duality gap decides whether it is one.

    Args:
        counts: Counts, shape ``(B,)``.
        bounds: Bounds, shape ``(B,)``.
        calibration: "internal" or "external".

    Returns:
        Parameters within the bounds, shape ``(B,)``; for "external" shape ``(2, B)``, a point for each of the
        convex halves TPR >= FPR and TPR <= FPR.
    """
    if calibration == "internal":
        return _climbed(counts, bounds, calibration)
    # The second half is the first with failures and passes exchanged. A half that the bounds exclude, or that
    # a known failure rate makes one with the other, has the other's point.
    mirrored = _mirror(counts, bounds)
    first, other = (_climbed(*problem, calibration) for problem in ((counts, bounds), mirrored))
    second = Params(jnp.clip(1 - other.failure_rate, *bounds.failure_rate), other.fpr, other.tpr)
    has_first, has_second = _has_half(bounds), _has_half(mirrored[1])
    has_second &= bounds.failure_rate[0] < bounds.failure_rate[1]
    has_first |= ~has_second
    found = tree_map(
        lambda a, b: jnp.stack([jnp.where(has_first, a, b), jnp.where(has_second, b, a)]), first, second
    )
    counts, bounds = take((counts, bounds), None)
    return limit_rates(found, counts, bounds, unlabeled_only=True)


def _mirror(counts: Counts, bounds: Bounds) -> tuple[Counts, Bounds]:
    """Exchange human failures and passes."""
    c, (lo, hi) = counts, bounds.failure_rate
    swapped = {"tp": c.fp, "fn": c.tn, "fp": c.tp, "tn": c.fn}
    ends = {"failure_rate": (1 - hi, 1 - lo), "tpr": bounds.fpr, "fpr": bounds.tpr}
    return rebuilt(counts, swapped), rebuilt(bounds, ends)


def _has_half(bounds: Bounds) -> Array:
    """Whether bounds have points with TPR > FPR, or are convex as they are, or are one point."""
    lo, hi = bounds.failure_rate
    point = (bounds.tpr[1] == bounds.fpr[0]) & (bounds.fpr[1] == bounds.tpr[0])
    return (lo >= hi) | (bounds.tpr[1] > bounds.fpr[0]) | point


def _climbed(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """Near-maximizers; for "external" of the half TPR >= FPR, of all where the failure rate is known."""
    total = sum(counts.values())
    shares = tree_map(lambda x: x / jnp.where(total > 0, total, 1), counts)
    accept = tolerance(counts, PER_ITEM["projected_gradient"])
    aim = jnp.maximum(_AIM * accept, 20 * np.finfo(accept.dtype).eps)
    start, solved = _start(shares, bounds, aim, calibration)
    # Whoever starts at the optimum ends after one step. Kept in tiles of their own they cost little.
    order = jnp.argsort(solved)
    arguments = take((start, shares, bounds, aim), order)
    found = in_tiles(
        lambda tile: jax.vmap(functools.partial(_run, calibration=calibration))(*tile), arguments
    )
    result = tree_map(lambda x: x[jnp.argsort(order)], found)
    return limit_rates(result, counts, bounds) if calibration == "internal" else result


def _start(counts: Counts, bounds: Bounds, aim: Array, calibration: Calibration) -> tuple[Params, Array]:
    """Best of the starts that need no iteration, and whether it is already the optimum."""
    inner = _inner(counts, bounds, calibration)
    free = projection_box(closed_form_of(counts, calibration).params, *_box(bounds))
    lo, hi = bounds.failure_rate
    # Where TPR = FPR theta drops out of the likelihood, which is then that of one pooled rate.
    flagged = counts.tp + counts.fp + counts.unlabeled_pos
    pooled = jnp.clip(
        flagged, jnp.maximum(bounds.tpr[0], bounds.fpr[0]), jnp.minimum(bounds.tpr[1], bounds.fpr[1])
    )
    level = Params(0.5 * (lo + hi), jnp.clip(pooled, *bounds.tpr), jnp.clip(pooled, *bounds.fpr))
    starts = tree_map(lambda *x: jnp.stack(x), inner, free, level)
    gaps = jax.vmap(lambda p: duality_gap(p, counts, bounds, calibration=calibration))(starts)
    if calibration == "external":
        # From TPR = FPR no gradient leads away: a point to end at, not to start from.
        ends = (starts.tpr == starts.fpr) & (gaps <= aim[None])
        gaps = jnp.where(_in_half(starts, take(bounds, None)) | ends, gaps, jnp.inf)
    best, gap = inner, gaps[0]
    for k in (1, 2):
        nearer = gaps[k] < gap
        best = tree_map(lambda x, y, k=k, nearer=nearer: jnp.where(nearer, x[k], y), starts, best)
        gap = jnp.where(nearer, gaps[k], gap)
    return best, gap <= aim


def _inner(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """A point inside the bounds: rates near those of the labels, a failure rate that explains the flags."""

    def inside(x: Array, pair: Pair, share: float) -> Array:
        low, high = pair
        return jnp.clip(x, low + share * (high - low), high - share * (high - low))

    c = counts
    tpr = inside(divide(c.tp + 8e-4, c.tp + c.fn + 1e-3), bounds.tpr, 0.1)
    fpr = inside(divide(c.fp + 2e-4, c.fp + c.tn + 1e-3), bounds.fpr, 0.1)
    labels, flags, items = c.n_labeled, c.unlabeled_pos, c.n_unlabeled
    otherwise: Array | float = 0.5
    if calibration == "internal":
        flags, items = flags + c.tp + c.fp, items + labels
        otherwise = jnp.where(labels > 0, divide(c.tp + c.fn, labels), 0.5)
    else:
        # A pair that is not in TPR > FPR gives way to one that is.
        (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.tpr, bounds.fpr
        lo, hi = bounds.failure_rate
        keep = (tpr > fpr + 1e-3) | (lo >= hi)
        tpr = jnp.where(keep, tpr, 0.75 * tpr_high + 0.25 * jnp.maximum(tpr_low, fpr_low))
        fpr = jnp.where(keep, fpr, 0.75 * fpr_low + 0.25 * jnp.minimum(tpr_high, fpr_high))
    spread = tpr - fpr
    theta = jnp.where(jnp.abs(spread) > 0.05, divide(divide(flags, items) - fpr, spread), -1)
    theta = jnp.where((theta > 0) & (theta < 1), theta, otherwise)
    return Params(inside(theta, bounds.failure_rate, 0.05), tpr, fpr)


def _run(start: Params, counts: Counts, bounds: Bounds, aim: Array, calibration: Calibration) -> Params:
    """Run the loop of jaxopt on one element."""
    solver = ProjectedGradient(
        fun=functools.partial(_value_and_step, calibration=calibration),
        projection=lambda params, box: projection_box(params, *box),
        value_and_grad=True,
        stepsize=1.0,
        maxiter=_MAX_STEPS,
        tol=0.0,
        acceleration=False,
        implicit_diff=True,  # otherwise jaxopt unrolls all steps
    )
    result: Params = solver.run(start, _box(bounds), counts, bounds, aim).params
    return result


def _value_and_step(
    params: Params, counts: Counts, bounds: Bounds, aim: Array, calibration: Calibration
) -> tuple[Array, Params]:
    """Negative log-likelihood per item, and the way back from the best trial step."""

    def value(p: Params) -> Any:
        result = log_likelihood_at(p, counts, calibration)
        return result if calibration == "internal" else jnp.where(_in_half(p, bounds), result, -jnp.inf)

    here = limit_rates(params, counts, bounds) if calibration == "internal" else params
    lower, upper = (param_values(ends) for ends in _box(bounds))
    step = _scaled_gradient(here, counts, lower, upper, calibration)
    half = (calibration == "external") & (bounds.failure_rate[0] < bounds.failure_rate[1])
    # What jaxopt will arrive at, rounding included: a tiny probability must not become 0 unseen.
    trials = tree_map(lambda x, y: x - (x - y), params, _trials(param_values(here), step, lower, upper, half))
    now, values = value(here), value(trials)
    # A full step that changes the value by rounding alone still brings the gradient to zero.
    values = values.at[0].add(8 * np.finfo(values.dtype).eps * (1 + jnp.abs(now)))
    gap = duality_gap(params, counts, bounds, calibration=calibration)
    best, best_value = here, jnp.where(gap <= aim, jnp.inf, now)
    for k in range(values.shape[0]):
        higher = values[k] > best_value
        best = tree_map(lambda x, y, k=k, higher=higher: jnp.where(higher, x[k], y), trials, best)
        best_value = jnp.where(higher, values[k], best_value)
    return -now, tree_map(lambda x, y: jnp.where(gap <= aim, 0, x - y), params, best)


def _scaled_gradient(
    params: Params, counts: Counts, lower: Triple, upper: Triple, calibration: Calibration
) -> Triple:
    """Solve information * step = gradient over the parameters that can move that way."""
    gradient = param_values(score_at(params, counts, calibration))
    solve = _information_solver(params, counts, calibration)
    free = _unblocked(gradient, param_values(params), lower, upper)
    # Correlated parameters can be sent across a bound that their own gradient points away from.
    for _ in range(2):
        moving = _unblocked(solve(gradient, free), param_values(params), lower, upper)
        free = [a & b for a, b in zip(free, moving, strict=True)]
    return solve(gradient, free)


def _unblocked(direction: Triple, x: Triple, lower: Triple, upper: Triple) -> list[Array]:
    return [
        ((a > low) | (d > 0)) & ((a < high) | (d < 0))
        for d, a, low, high in zip(direction, x, lower, upper, strict=True)
    ]


def _trials(x: Triple, step: Triple, lower: Triple, upper: Triple, apart: Array) -> Params:
    """Feasible points along the step, clipped and then also moved back to the flag rate aimed at."""
    dtype = x[0].dtype
    tiny = np.finfo(dtype).tiny
    overshoot = [
        jnp.abs(d) / jnp.maximum(jnp.where(d > 0, high - a, a - low), tiny)
        for a, d, low, high in zip(x, step, lower, upper, strict=True)
    ]
    # Slightly more than what fits, so that clipping puts the first parameter exactly on its bound.
    fits = (1 + 4 * np.finfo(dtype).eps) / jnp.maximum(functools.reduce(jnp.maximum, overshoot), 1)
    lengths = jnp.concatenate([jnp.asarray(_LENGTHS, dtype), fits * jnp.asarray(_INSIDE, dtype)])
    theta, tpr, fpr = (
        jnp.clip(a + lengths * d, low, high) for a, d, low, high in zip(x, step, lower, upper, strict=True)
    )
    fpr = jnp.where(apart, jnp.maximum(jnp.minimum(fpr, tpr - 0.1 * (x[1] - x[2])), lower[2]), fpr)
    slope = (x[1] - x[2]) * step[0] + x[0] * step[1] + (1 - x[0]) * step[2]
    q = x[2] + x[0] * (x[1] - x[2]) + lengths * slope
    unclipped = jnp.where(tpr == fpr, theta, (q - fpr) / jnp.where(tpr == fpr, 1, tpr - fpr))
    follows = jnp.clip(unclipped, lower[0], upper[0])
    # Where theta cannot follow, first one rate and then the other does.
    short = follows != unclipped
    fpr_follows = jnp.clip((q - follows * tpr) / jnp.maximum(1 - follows, tiny), lower[2], upper[2])
    fpr_follows = jnp.where(short, fpr_follows, fpr)
    tpr_follows = jnp.clip((q - (1 - follows) * fpr_follows) / jnp.maximum(follows, tiny), lower[1], upper[1])
    tpr_follows = jnp.where(short, tpr_follows, tpr)
    pairs = ((theta, follows), (tpr, tpr_follows), (fpr, fpr_follows))
    return Params(*(jnp.concatenate(pair) for pair in pairs))


def _information_solver(
    params: Params, counts: Counts, calibration: Calibration
) -> Callable[[Triple, list[Array]], Triple]:
    """Factor the observed information per item; the result maps a gradient to a step.

    The matrix is diag(d) + kappa g g' - tilt (E[theta, TPR] - E[theta, FPR]), with g the gradient
    of the flag rate and E the symmetric units. The rates are eliminated first, by the formula of
    Sherman and Morrison. Where what is left for theta is not clearly positive, tilt is left out:
    without it the matrix is positive definite.
    """
    theta, tpr, fpr = param_values(params)
    q, not_q = flag_rate(theta, tpr, fpr), flag_rate(theta, 1 - tpr, 1 - fpr)
    per_flag, per_pass = ratio(counts.unlabeled_pos, q), ratio(counts.unlabeled_neg, not_q)
    tilt, kappa = per_flag - per_pass, ratio(per_flag, q) + ratio(per_pass, not_q)
    g_theta, g_tpr, g_fpr = tpr - fpr, theta, 1 - theta

    def damped(successes: Array, misses: Array, rate: Array, g: Array) -> Array:
        own = ratio(ratio(successes, rate), rate) + ratio(ratio(misses, 1 - rate), 1 - rate)
        return own + _RIDGE * (own + kappa * g**2 + _RIDGE)

    d_tpr, d_fpr = damped(counts.tp, counts.fn, tpr, g_tpr), damped(counts.fp, counts.tn, fpr, g_fpr)
    labels: Pair
    labels = (counts.tp + counts.fn, counts.fp + counts.tn) if calibration == "internal" else (0 * q, 0 * q)
    d_theta = damped(*labels, theta, g_theta)

    def solve(gradient: Triple, free: list[Array]) -> Triple:
        s_tpr, s_fpr = jnp.where(free[1], 1 / d_tpr, 0), jnp.where(free[2], 1 / d_fpr, 0)
        scale = 1 + kappa * (g_tpr**2 * s_tpr + g_fpr**2 * s_fpr)

        def rates(b_tpr: Array, b_fpr: Array) -> Pair:
            shift = kappa * (g_tpr * s_tpr * b_tpr + g_fpr * s_fpr * b_fpr) / scale
            return s_tpr * (b_tpr - shift * g_tpr), s_fpr * (b_fpr - shift * g_fpr)

        convex = d_theta + kappa * g_theta**2 / scale
        mixed = 2 * kappa * g_theta * tilt * (s_fpr * g_fpr - s_tpr * g_tpr)
        pivot = convex - (mixed + tilt**2 * (s_tpr + s_fpr + kappa * s_tpr * s_fpr)) / scale
        bend = jnp.where(pivot > 0.1 * convex, tilt, 0)
        pivot = jnp.where(pivot > 0.1 * convex, pivot, convex)
        alone = rates(gradient[1], gradient[2])
        turn = rates(-bend, bend)
        carried = [
            s * kappa * g_theta * g / scale + t
            for s, g, t in zip((s_tpr, s_fpr), (g_tpr, g_fpr), turn, strict=True)
        ]
        reduced = gradient[0] - carried[0] * gradient[1] - carried[1] * gradient[2]
        d = jnp.where(free[0], reduced / pivot, 0)
        return d, alone[0] - carried[0] * d, alone[1] - carried[1] * d

    return solve


def _in_half(params: Params, bounds: Bounds) -> Array:
    lo, hi = bounds.failure_rate
    return (lo >= hi) | (params.tpr > params.fpr)


def _box(bounds: Bounds) -> tuple[Params, Params]:
    low, high = (Params(bounds.failure_rate[i], bounds.tpr[i], bounds.fpr[i]) for i in (0, 1))
    return low, high
