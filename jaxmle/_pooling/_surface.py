"""The joint log-likelihood over the judge's rates, as a polynomial near its maximum.

For the interval of one slice the likelihood of all others is needed at many rates of the judge, and for every
slice at other ones. Summing over slices each time would cost the square of their number, so the sum is taken
once on a grid and fitted. The fit serves where the likelihood is high enough to be inside an interval: a
point within a cut-off c of the maximum in one slice's profile is within c of it in this one.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._pooling._common import Common, Joint, total_derivatives, total_value

_DEGREE = 10
_NODES = 17
_ROUNDS = 12
_GROW = 1.6


class Surface(NamedTuple):
    """Polynomial in the arcsine coordinates of TPR and FPR, scaled to [-1, 1].

    Attributes:
        coefficients: Of the Chebyshev polynomials, shape ``(D + 1, D + 1)``.
        middle: Middle of the region in arcsine coordinates, shape ``(2,)``.
        half: Half its widths.
        top: Maximum of the joint log-likelihood, to which the polynomial is relative.
        error: Largest error at grid points within the cut-off.
    """

    coefficients: Any
    middle: Any
    half: Any
    top: Any
    error: Any

    def value(self, z: Any) -> Any:
        """Log-likelihood less its maximum, at a point of [-1, 1]^2."""
        return _polynomials(z[0])[0] @ self.coefficients @ _polynomials(z[1])[0]

    def derivatives(self, z: Any) -> tuple[Any, Any, Any]:
        """Value, gradient and Hessian."""
        x, y = _polynomials(z[0]), _polynomials(z[1])
        mixed = jnp.stack(x) @ self.coefficients @ jnp.stack(y).T
        hessian = jnp.stack([jnp.stack([mixed[2, 0], mixed[1, 1]]), jnp.stack([mixed[1, 1], mixed[0, 2]])])
        return mixed[0, 0], jnp.stack([mixed[1, 0], mixed[0, 1]]), hessian

    def rates(self, z: Any) -> Any:
        """TPR and FPR of a point."""
        return jnp.sin(self.middle + self.half * z) ** 2


def surface_of(joint: Joint, best: Common, cutoff: float) -> Surface:
    """Fit the joint log-likelihood where it is within ``cutoff / 2`` of its maximum (host side)."""
    with jax.enable_x64(True):
        peak = np.array([float(best.tpr), float(best.fpr)])
        limits = np.arcsin(np.sqrt(np.stack([np.asarray(joint.low), np.asarray(joint.high)])))
        low, high = _first_guess(joint, peak, limits, cutoff)
        top, level = float(best.value), -0.5 * cutoff
        nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        for _ in range(_ROUNDS):
            middle, half = 0.5 * (low + high), 0.5 * (high - low)
            # The peak is one of the points, so that a narrow region is not missed between nodes.
            offset = np.arcsin(np.sqrt(peak)) - middle
            z = [np.sort(np.append(nodes, _inside(offset[k], half[k]))) for k in (0, 1)]
            phi = np.stack(np.meshgrid(*(middle[k] + half[k] * z[k] for k in (0, 1)), indexing="ij"), -1)
            values = np.asarray(_grid()(joint, np.sin(phi.reshape(-1, 2)) ** 2)).reshape(phi.shape[:2]) - top
            inside = values >= level
            new_low, new_high = low.copy(), high.copy()
            for k in (0, 1):
                rows = np.flatnonzero(inside.any(1 - k))
                at = middle[k] + half[k] * z[k]
                first, last = rows[0], rows[-1]
                reach = high[k] - low[k]
                new_low[k] = low[k] - (_GROW - 1) * reach if first == 0 else at[max(first - 2, 0)]
                end = len(at) - 1
                new_high[k] = high[k] + (_GROW - 1) * reach if last == end else at[min(last + 2, end)]
            new_low, new_high = np.maximum(new_low, limits[0]), np.minimum(new_high, limits[1])
            widened = (new_low < low - 1e-12) | (new_high > high + 1e-12)
            shrunk = (new_high - new_low) < 0.7 * (high - low)
            if not (widened | shrunk).any():
                break
            low, high = np.where(widened | shrunk, new_low, low), np.where(widened | shrunk, new_high, high)
        return _fitted(z, values, middle, half, top, cutoff)


def _inside(offset: Any, half: Any) -> Any:
    return np.clip(offset / half, -1, 1) if half > 0 else 0.0


def _first_guess(joint: Joint, peak: Any, limits: Any, cutoff: float) -> tuple[Any, Any]:
    """Rates within reach if the log-likelihood were quadratic, in arcsine coordinates."""
    hessian = np.asarray(_derivatives()(joint, peak)[2])
    precision = np.abs(np.diagonal(hessian))
    at = np.arcsin(np.sqrt(peak))
    slope = np.maximum(np.sin(2 * at), 0.05)  # d rate / d coordinate
    with np.errstate(all="ignore"):
        spread = 1.5 * np.sqrt(cutoff) / np.sqrt(precision) / slope
    spread = np.where(np.isfinite(spread), spread, np.pi)
    return np.maximum(at - spread, limits[0]), np.minimum(at + spread, limits[1])


def _fitted(z: Any, values: Any, middle: Any, half: Any, top: float, cutoff: float) -> Surface:
    """Least squares over the grid, with weights that fade where the likelihood is low."""
    x, y = (np.polynomial.chebyshev.chebvander(one, _DEGREE) for one in z)
    order = np.add.outer(np.arange(_DEGREE + 1), np.arange(_DEGREE + 1))
    wanted = order <= _DEGREE
    design = np.einsum("ai,bj->abij", x, y)[:, :, wanted].reshape(-1, wanted.sum())
    flat = values.reshape(-1)
    weight = np.where(np.isfinite(flat), 1 / (1 + np.maximum(-flat / cutoff, 0)) ** 3, 0.0)
    used = weight > 0
    solution = np.linalg.lstsq(design[used] * weight[used, None], flat[used] * weight[used], rcond=1e-12)[0]
    coefficients = np.zeros(order.shape)
    coefficients[wanted] = solution
    near = used & (flat >= -0.5 * cutoff)
    error = np.max(np.abs(design[near] @ solution - flat[near]))
    return Surface(coefficients, middle, half, top, error)


@cache
def _grid() -> Callable[[Joint, Any], Any]:
    """Joint log-likelihood at many rates, a few at a time."""
    return jax.jit(lambda joint, points: jax.lax.map(lambda x: total_value(joint, x), points, batch_size=17))


@cache
def _derivatives() -> Callable[[Joint, Any], Any]:
    return jax.jit(total_derivatives)


def _polynomials(x: Any) -> tuple[Any, Any, Any]:
    """Chebyshev polynomials of one point, and their first and second derivatives."""
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    value, first, second = [one, x], [zero, one], [zero, zero]
    for _ in range(_DEGREE - 1):
        second.append(2 * x * second[-1] + 4 * first[-1] - second[-2])
        first.append(2 * x * first[-1] + 2 * value[-1] - first[-2])
        value.append(2 * x * value[-1] - value[-2])
    return jnp.stack(value), jnp.stack(first), jnp.stack(second)
