"""Profile intervals of slices that share a judge."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmle._model._likelihood import ratio
from jaxmle._pooling._slice import Slices, best_rate, slice_profile, slice_value
from jaxmle._pooling._surface import Surface

_STEPS = 40
_CLOSE = 1e-7
_NEWTON = 12
_STILL = 1e-9
_OFF_END = 0.95
_LENGTHS = (1.0, 0.3, 0.05, 0.0)


class End(NamedTuple):
    """One end of an interval.

    Attributes:
        rate: Failure rate.
        at_bound: Whether the bound on the failure rate was met first.
        converged: Whether the statistic is at the cut-off there.
    """

    rate: Any
    at_bound: Any
    converged: Any


def end_of(surface: Surface, s: Slices, estimate: Any, start: Any, cutoff: Any, stop: Any) -> End:
    """Find where the joint profile likelihood of a slice crosses the cut-off, from its estimate to ``stop``.

    Args:
        surface: Joint log-likelihood of all slices over the judge's rates.
        s: The slice; scalars.
        estimate: Its most likely failure rate.
        start: Most likely judge, as a point of the surface, shape ``(2,)``.
        cutoff: Cut-off of the likelihood-ratio statistic.
        stop: Bound on the failure rate on this side.
    """

    def statistic(rate: Any, z: Any) -> tuple[Any, Any]:
        def newton(state: Any) -> Any:
            n, z, _ = state
            _, gradient, hessian = _without(surface, s, rate, z)
            step = _uphill(z, gradient, hessian)
            steps = jnp.concatenate(
                [jnp.asarray(_LENGTHS)[:, None] * step, _along(z, step, gradient, hessian)]
            )
            trials = jnp.clip(z + jnp.where(jnp.isfinite(steps), steps, 0.0), -1, 1)
            values = jax.vmap(lambda z: _value(surface, s, rate, z))(trials)
            best = trials[jnp.argmax(jnp.where(jnp.isnan(values), -jnp.inf, values))]
            return n + 1, best, jnp.max(jnp.abs(best - z)) > _STILL

        # On an end of the arcsine scale the derivative is zero whether or not this is the maximum.
        first = (0, jnp.clip(z, -_OFF_END, _OFF_END), True)
        _, z, _ = jax.lax.while_loop(lambda state: (state[0] < _NEWTON) & state[2], newton, first)
        return jnp.maximum(-2 * _value(surface, s, rate, z), 0.0), z

    def step(state: Any) -> Any:
        n, inner, outer, root_inner, root_outer, trial, z, _ = state
        value, z = statistic(trial, z)
        root = jnp.sqrt(value) - jnp.sqrt(cutoff)
        short = root <= 0
        inner, root_inner = jnp.where(short, trial, inner), jnp.where(short, root, root_inner)
        outer, root_outer = jnp.where(short, outer, trial), jnp.where(short, root_outer, root)
        share = root_inner / (root_inner - root_outer)
        # Regula falsi, kept off the ends of the bracket, in turn with halving.
        share = jnp.where(n % 3 == 2, 0.5, jnp.clip(share, 0.02, 0.98))
        trial = inner + share * (outer - inner)
        done = (jnp.abs(root) <= _CLOSE) | (jnp.abs(outer - inner) <= 1e-13)
        return n + 1, inner, outer, root_inner, root_outer, jnp.where(done, state[5], trial), z, done

    value, _ = statistic(stop, start)
    at_bound = ~(value > cutoff)
    root = jnp.sqrt(value) - jnp.sqrt(cutoff)
    first = 0.5 * (estimate + stop)
    state = (0, estimate, stop, -jnp.sqrt(cutoff), root, first, start, at_bound | (estimate == stop))
    state = jax.lax.while_loop(lambda state: ~state[7] & (state[0] < _STEPS), step, state)
    rate = jnp.where(at_bound, stop, state[5])
    return End(rate, at_bound, state[7] | (jnp.abs(state[2] - state[1]) <= 1e-6))


def _value(surface: Surface, s: Slices, rate: Any, z: Any) -> Any:
    """Joint log-likelihood, less its maximum, with the slice's failure rate given."""
    tpr, fpr = surface.rates(z)
    free = slice_value(s, best_rate(s, tpr, fpr), tpr, fpr)
    return surface.value(z) - free + slice_value(s, rate, tpr, fpr)


def _without(surface: Surface, s: Slices, rate: Any, z: Any) -> tuple[Any, Any, Any]:
    """`_value` with its derivatives in the judge's rates."""
    tpr, fpr = surface.rates(z)
    free = slice_profile(s, tpr, fpr)
    q = rate * tpr + (1 - rate) * fpr
    not_q = rate * (1 - tpr) + (1 - rate) * (1 - fpr)
    up, down = ratio(s.flagged, q), ratio(s.passed, not_q)
    lean, weight = up - down, ratio(up, q) + ratio(down, not_q)
    shares = jnp.stack([rate, 1 - rate])
    gradient = shares * lean - jnp.stack(free.gradient)
    tt, tf, ff = free.hessian
    hessian = -jnp.outer(shares, shares) * weight - jnp.stack([jnp.stack([tt, tf]), jnp.stack([tf, ff])])
    # From rates to the scaled arcsine coordinates.
    phi = surface.middle + surface.half * z
    first, second = jnp.sin(2 * phi) * surface.half, 2 * jnp.cos(2 * phi) * surface.half**2
    hessian = hessian * jnp.outer(first, first) + jnp.diag(gradient * second)
    value, gradient_all, hessian_all = surface.derivatives(z)
    value += slice_value(s, rate, tpr, fpr) - free.value
    return value, gradient_all + gradient * first, hessian_all + hessian


def _along(z: Any, step: Any, gradient: Any, hessian: Any) -> Any:
    """Steps that stop at an end in one coordinate, or keep it as it is, and take the other to its best."""
    shifts = jnp.concatenate([jnp.clip(z + step, -1, 1) - z, jnp.zeros(2)])
    first, other = jnp.array([0, 1, 0, 1]), jnp.array([1, 0, 1, 0])
    slope = gradient[other] + hessian[other, first] * shifts
    curvature = jnp.abs(jnp.diagonal(hessian)[other]) + 1e-300
    moved = slope / curvature
    return jnp.where((first == 0)[:, None], jnp.stack([shifts, moved], -1), jnp.stack([moved, shifts], -1))


def _uphill(z: Any, gradient: Any, hessian: Any) -> Any:
    """Newton step over the coordinates that are not held at an end, made to lead upwards."""
    held = ((z <= -1) & (gradient < 0)) | ((z >= 1) & (gradient > 0))
    g = jnp.where(held, 0.0, gradient)
    a, d = -hessian[0, 0], -hessian[1, 1]
    b = jnp.where(held.any(), 0.0, -hessian[0, 1])
    least = 0.5 * (a + d) - jnp.sqrt(0.25 * (a - d) ** 2 + b**2)
    size = jnp.abs(a) + jnp.abs(d) + 1e-9
    # Where it is not concave the least curvature changes sign.
    lift = jnp.where(least > 0, 0.0, -2 * least) + 1e-9 * size
    a, d = a + lift, d + lift
    return jnp.stack([d * g[0] - b * g[1], a * g[1] - b * g[0]]) / (a * d - b**2)
