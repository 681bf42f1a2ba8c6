"""A few parameters in a box, many climbs at once: Newton steps cut at the bounds.

For smooth likelihoods of two to five parameters whose gradient and Hessian are cheap but which are no convex
programs. Newton's direction is over the parameters that their bounds leave free (Bertsekas, SIAM J. Control
Optim. 20, 1982), with the absolute eigenvalues of the Hessian where it is not negative definite (Nocedal and
Wright, Numerical Optimization, section 3.4). Where Newton's step gains too little, the best of a fixed list
of steps is taken.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxmle._types import Array, Pair

# Shares of the Newton step to try.
_LENGTHS = np.array([1.0, 0.5, 0.2, 0.05, 0.005])
_LEAST_CURVATURE = np.finfo(np.float64).tiny ** 0.25


class BoxMaximum(NamedTuple):
    """What each climb found in its box.

    Attributes:
        x: The points, shape ``(B, P)``.
        value: The objective there, shape ``(B,)``.
        gain: What one more step promises to first order, the evidence of convergence; >= 0.
        hessian: Second derivatives there, shape ``(B, P, P)``.
    """

    x: Array
    value: Array
    gain: Array
    hessian: Array


def maximize_in_box(
    value: Callable[[Array, Array], Array],
    derivatives: Callable[[Array, Array], tuple[Array, Array, Array]],
    starts: Array,
    low: Array,
    high: Array,
    *,
    tolerance: Array | float,
    max_steps: int = 60,
) -> BoxMaximum:
    """Climb from each start to a local maximum within ``[low, high]``.

    Args:
        value: Maps climbs, as numbers of their starts of shape ``(N,)``, and a point of each, shape
            ``(N, P)``, to the objective, shape ``(N,)``.
        derivatives: Likewise the objective, its gradients and its Hessians.
        starts: First points, shape ``(B, P)``.
        low: Lower ends, shape ``(P,)`` or ``(B, P)``.
        high: Upper ends.
        tolerance: Promised gain below which a climb stops, scalar or of shape ``(B,)``.
        max_steps: Most steps.

    Returns:
        The points and the evidence; whether one is the global maximum only other starts can tell.
    """
    x = np.clip(starts, low, high)
    size, n = x.shape
    low, high = np.broadcast_to(low, x.shape), np.broadcast_to(high, x.shape)
    tolerance = np.broadcast_to(tolerance, size)
    here, gain, hessian = np.empty(size), np.empty(size), np.empty((size, n, n))
    todo = np.arange(size)
    for step in range(max_steps + 1):
        at, ends = x[todo], (low[todo], high[todo])
        here[todo], gradient, hessian[todo] = derivatives(todo, at)
        steps, gain[todo] = _directions(at, gradient, hessian[todo], *ends)
        go = np.isfinite(gain[todo]) & (gain[todo] > tolerance[todo])
        if step == max_steps or not go.any():
            break
        todo, ends = todo[go], (ends[0][go], ends[1][go])
        trial, reached = _next(value, todo, x[todo], here[todo], gradient[go], steps[go], ends)
        up = reached > here[todo]
        todo = todo[up]
        if not todo.size:
            break
        x[todo] = trial[up]
    return BoxMaximum(x, here, gain, hessian)


def _next(
    value: Callable[[Array, Array], Array],
    todo: Array,
    x: Array,
    here: Array,
    gradient: Array,
    steps: Array,
    ends: Pair,
) -> Pair:
    """Where each climb goes, and the objective there."""
    trial = np.clip(x + steps[:, 0], *ends)
    reached = value(todo, trial)
    # Newton's step promises half of slope times step; where it keeps half of that, nothing else is tried.
    promised = 0.5 * np.sum((trial - x) * gradient, -1)
    with np.errstate(invalid="ignore"):
        poor = np.flatnonzero(~(reached - here > 0.5 * np.maximum(promised, 0.0)))
    if poor.size:
        moves = (_LENGTHS[:, None, None] * steps[poor, None]).reshape(len(poor), -1, x.shape[1])
        trials = np.clip(x[poor, None] + moves, ends[0][poor, None], ends[1][poor, None])
        many = trials.shape[1]
        values = value(np.repeat(todo[poor], many), trials.reshape(-1, x.shape[1])).reshape(-1, many)
        values = np.where(np.isfinite(values), values, -np.inf)
        best = np.argmax(values, 1)
        rows = np.arange(len(poor))
        trial[poor], reached[poor] = trials[rows, best], values[rows, best]
    return trial, reached


def _directions(x: Array, gradient: Array, hessian: Array, low: Array, high: Array) -> Pair:
    """Newton and scaled gradient steps over the free parameters, ``(B, 2, P)``, and the gain they promise.

    A Newton step that is cut at a bound may lead nowhere; the gradient, cut likewise, leads up if it can.
    Where derivatives are not finite there are no steps, and the gain is infinite.
    """
    held = ((x <= low) & (gradient < 0)) | ((x >= high) & (gradient > 0)) | (low >= high)
    with np.errstate(all="ignore"):
        slope = np.where(held, 0.0, gradient)
        curvature = np.abs(np.diagonal(hessian, axis1=-2, axis2=-1))
        scale = np.where(held, 0.0, 1 / np.sqrt(np.maximum(curvature, _LEAST_CURVATURE)))
        matrix = hessian * scale[:, :, None] * scale[:, None]
        sound = np.isfinite(matrix).all((1, 2)) & np.isfinite(scale * slope).all(1)
        values, vectors = eigh(matrix)
        # Directions that nothing bears on are left alone rather than followed without end.
        size = np.maximum(np.abs(values), 1e-9)
        along = np.einsum("bji,bj->bi", vectors, scale * slope) / size
        newton = scale * np.einsum("bij,bj->bi", vectors, along)
        steps = np.where(sound[:, None, None], np.stack([newton, scale**2 * slope], 1), 0.0)
        reached = np.clip(x[:, None] + steps, low[:, None], high[:, None]) - x[:, None]
        gain = np.maximum(np.max(np.sum(reached * slope[:, None], -1), 1), 0.0)
    return steps, np.where(sound & np.isfinite(gain), gain, np.inf)


def eigh(matrix: Array) -> Pair:
    """Eigenvalues and vectors of symmetric matrices; those of 0 where a matrix is not finite."""
    sound = np.isfinite(matrix).all((-2, -1), keepdims=True)
    return np.linalg.eigh(np.where(sound, matrix, 0.0))
