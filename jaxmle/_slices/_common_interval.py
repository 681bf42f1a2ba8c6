"""Profile intervals of slices that share a judge."""

import numpy as np

from jaxmle._arrays import take
from jaxmle._model import ratio
from jaxmle._slices._batches import map_slices
from jaxmle._slices._common import Common
from jaxmle._slices._slice import Slices, best_rate, slice_profile, slice_value
from jaxmle._slices._surface import Surface
from jaxmle._stats import flag_rate
from jaxmle._types import Array, Pair

_STEPS = 40
_CLOSE = 1e-7
_NEWTON = 12
_STILL = 1e-9
_OFF_END = 0.95
_LENGTHS = np.array([1.0, 0.3, 0.05, 0.0])
# Which coordinate a step takes as it is, and which it then moves to its best.
_FIRST, _OTHER = np.array([0, 1, 0, 1]), np.array([1, 0, 1, 0])
# Slices whose ends are sought at once.
_BLOCK = 512


def common_ends(surface: Surface, s: Slices, best: Common, cutoff: float) -> Pair:
    """Lower and upper ends of the profile intervals of all slices."""
    peak = np.arcsin(np.sqrt(np.array([best.tpr, best.fpr])))
    start = (peak - surface.middle) / np.where(surface.half > 0, surface.half, 1.0)
    start = np.clip(start, -1, 1)

    def ends(tree: tuple[Slices, Array]) -> Pair:
        part, rate = tree
        # Both ends of all slices at once.
        twice = take(part, np.tile(np.arange(len(rate)), 2))
        stop = np.concatenate([part.low, part.high])
        found = _ends(surface, twice, np.tile(rate, 2), start, cutoff, stop)
        return found[: len(rate)], found[len(rate) :]

    return map_slices(ends, (s, best.rate), _BLOCK)


def _ends(surface: Surface, s: Slices, estimate: Array, start: Array, cutoff: float, stop: Array) -> Array:
    """Find where joint profile likelihoods of slices cross the cut-off, from their estimates to ``stop``.

    Args:
        surface: Joint log-likelihood of all slices over the judge's rates.
        s: The slices, arrays of shape ``(N,)``.
        estimate: Their most likely failure rates.
        start: Most likely judge, as a point of the surface, shape ``(2,)``.
        cutoff: Cut-off of the likelihood-ratio statistic.
        stop: Bounds on the failure rates on this side.
    """
    size, aim = len(estimate), np.sqrt(cutoff)
    z = np.broadcast_to(start, (size, 2)).copy()
    value, _ = _statistic(surface, s, stop, z)
    at_bound = ~(value > cutoff)
    inner, outer = estimate.copy(), np.array(stop)
    root_inner, root_outer = np.full(size, -aim), np.sqrt(value) - aim
    trial = 0.5 * (inner + outer)
    todo = np.flatnonzero(~at_bound & (estimate != stop))
    for n in range(_STEPS):
        if not todo.size:
            break
        at = trial[todo]
        value, z[todo] = _statistic(surface, take(s, todo), at, z[todo])
        root = np.sqrt(value) - aim
        short = root <= 0
        inner[todo], root_inner[todo] = (
            np.where(short, new, old[todo]) for new, old in ((at, inner), (root, root_inner))
        )
        outer[todo], root_outer[todo] = (
            np.where(short, old[todo], new) for new, old in ((at, outer), (root, root_outer))
        )
        near = (np.abs(root) <= _CLOSE) | (np.abs(outer[todo] - inner[todo]) <= 1e-13)
        todo = todo[~near]
        # Regula falsi, kept off the ends of the bracket, in turn with halving.
        share = np.clip(root_inner[todo] / (root_inner[todo] - root_outer[todo]), 0.02, 0.98)
        share = 0.5 if n % 3 == 2 else share
        trial[todo] = inner[todo] + share * (outer[todo] - inner[todo])
    return np.where(at_bound, stop, trial)


def _statistic(surface: Surface, s: Slices, rate: Array, z: Array) -> Pair:
    """Likelihood-ratio statistic of failure rates, and the likeliest judge with each, sought from ``z``."""
    # On an end of the arcsine scale the derivative is zero whether or not this is the maximum.
    z = np.clip(z, -_OFF_END, _OFF_END)
    todo = np.arange(len(rate))
    for _ in range(_NEWTON):
        part, given, at = take(s, todo), rate[todo], z[todo]
        _, gradient, hessian = _without(surface, part, given, at)
        step = _uphill(at, gradient, hessian)
        steps = np.concatenate(
            [_LENGTHS[:, None] * step[:, None], _along(at, step, gradient, hessian)], axis=1
        )
        trials = np.clip(at[:, None] + np.where(np.isfinite(steps), steps, 0.0), -1, 1)
        values = _value(surface, take(part, (slice(None), None)), given[:, None], trials)
        z[todo] = best = trials[np.arange(len(todo)), np.argmax(values, 1)]
        todo = todo[np.max(np.abs(best - at), 1) > _STILL]
        if not todo.size:
            break
    return np.maximum(-2 * _value(surface, s, rate, z), 0.0), z


def _value(surface: Surface, s: Slices, rate: Array, z: Array) -> Array:
    """Joint log-likelihood, less its maximum, with the slices' failure rates given.

    It is -inf where a judge makes a verdict on the slice impossible, whatever its failure rate.
    """
    tpr, fpr = np.moveaxis(surface.rates(z), -1, 0)
    free = slice_value(s, best_rate(s, tpr, fpr), tpr, fpr)
    with np.errstate(invalid="ignore"):
        value = surface.value(z) - free + slice_value(s, rate, tpr, fpr)
    return np.where(np.isnan(value), -np.inf, value)


def _without(surface: Surface, s: Slices, rate: Array, z: Array) -> tuple[Array, Array, Array]:
    """`_value` with its derivatives in the judge's rates, ``(..., 2)`` and ``(..., 2, 2)``."""
    tpr, fpr = np.moveaxis(surface.rates(z), -1, 0)
    free = slice_profile(s, tpr, fpr)
    q = flag_rate(rate, tpr, fpr)
    not_q = flag_rate(rate, 1 - tpr, 1 - fpr)
    # At a rate that an observed verdict excludes nothing is finite, and no step is taken.
    with np.errstate(all="ignore"):
        up, down = ratio(s.flagged, q), ratio(s.passed, not_q)
        lean, weight = up - down, ratio(up, q) + ratio(down, not_q)
        shares = np.stack(np.broadcast_arrays(rate, 1 - rate), -1)
        gradient = shares * lean[..., None] - np.stack(free.gradient, -1)
        hessian = -shares[..., :, None] * shares[..., None, :] * weight[..., None, None]
        tt, tf, ff = free.hessian
        hessian = hessian - np.stack([np.stack([tt, tf], -1), np.stack([tf, ff], -1)], -2)
        # From rates to the scaled arcsine coordinates.
        phi = surface.middle + surface.half * z
        first, second = np.sin(2 * phi) * surface.half, 2 * np.cos(2 * phi) * surface.half**2
        hessian = hessian * first[..., :, None] * first[..., None, :]
        hessian = hessian + (gradient * second)[..., None] * np.eye(2)
        value, gradient_all, hessian_all = surface.derivatives(z)
        value = value + slice_value(s, rate, tpr, fpr) - free.value
        return value, gradient_all + gradient * first, hessian_all + hessian


def _along(z: Array, step: Array, gradient: Array, hessian: Array) -> Array:
    """Steps that stop at an end in one coordinate, or keep it as it is, and take the other to its best."""
    with np.errstate(all="ignore"):
        shifts = np.concatenate([np.clip(z + step, -1, 1) - z, np.zeros(z.shape)], 1)
        slope = gradient[:, _OTHER] + hessian[:, _OTHER, _FIRST] * shifts
        curvature = np.abs(hessian[:, _OTHER, _OTHER]) + 1e-300
        moved = slope / curvature
        pair = np.stack([shifts, moved], -1)
        return np.where((_FIRST == 0)[:, None], pair, pair[..., ::-1])


def _uphill(z: Array, gradient: Array, hessian: Array) -> Array:
    """Newton step over the coordinates that are not held at an end, made to lead upwards."""
    with np.errstate(all="ignore"):
        held = ((z <= -1) & (gradient < 0)) | ((z >= 1) & (gradient > 0))
        first, second = np.where(held, 0.0, gradient).T
        a, d = -hessian[:, 0, 0], -hessian[:, 1, 1]
        b = np.where(held.any(1), 0.0, -hessian[:, 0, 1])
        least = 0.5 * (a + d) - np.sqrt(0.25 * (a - d) ** 2 + b**2)
        size = np.abs(a) + np.abs(d) + 1e-9
        # Where it is not concave the least curvature changes sign.
        lift = np.where(least > 0, 0.0, -2 * least) + 1e-9 * size
        a, d = a + lift, d + lift
        return np.stack([d * first - b * second, a * second - b * first], -1) / (a * d - b**2)[:, None]
