"""The joint log-likelihood over the judge's rates, as a polynomial near its maximum.

For the interval of one slice the likelihood of all others is needed at many rates of the judge, and for every
slice at other ones. Summing over slices each time would cost the square of their number, so the sum is taken
once on a grid and fitted. The fit serves where the likelihood is high enough to be inside an interval: a
point within a cut-off c of the maximum in one slice's profile is within c of it in this one.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._slices._common import Common, Joint, total_derivatives, total_value
from jaxmle._types import Array, Pair

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

    coefficients: Array
    middle: Array
    half: Array
    top: Array
    error: Array

    def value(self, z: Array) -> Array:
        """Log-likelihood less its maximum, at points of [-1, 1]^2, shape ``(..., 2)``."""
        values = _polynomials(z, 0)[0]
        return np.sum((values[..., 0, :] @ self.coefficients) * values[..., 1, :], -1)

    def derivatives(self, z: Array) -> tuple[Array, Array, Array]:
        """Value, gradient, ``(..., 2)``, and Hessian, ``(..., 2, 2)``."""
        orders = _polynomials(z, 2)
        x = [order[..., 0, :] @ self.coefficients for order in orders]
        y = [order[..., 1, :] for order in orders]

        def mixed(i: int, j: int) -> Array:
            return np.sum(x[i] * y[j], -1)

        cross = mixed(1, 1)
        hessian = np.stack([np.stack([mixed(2, 0), cross], -1), np.stack([cross, mixed(0, 2)], -1)], -2)
        return mixed(0, 0), np.stack([mixed(1, 0), mixed(0, 1)], -1), hessian

    def rates(self, z: Array) -> Array:
        """TPR and FPR of points."""
        return np.sin(self.middle + self.half * z) ** 2


def surface_of(joint: Joint, best: Common, cutoff: float) -> Surface:
    """Fit the joint log-likelihood where it is within ``cutoff / 2`` of its maximum."""
    peak = np.array([best.tpr, best.fpr])
    limits = np.arcsin(np.sqrt(np.stack([joint.low, joint.high])))
    low, high = _first_guess(joint, peak, limits, cutoff)
    top, level = best.value, -0.5 * cutoff
    nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    for _ in range(_ROUNDS):
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        # The peak is one of the points, so that a narrow region is not missed between nodes.
        offset = np.arcsin(np.sqrt(peak)) - middle
        z = [np.sort(np.append(nodes, _inside(offset[k], half[k]))) for k in (0, 1)]
        phi = np.stack(np.meshgrid(*(middle[k] + half[k] * z[k] for k in (0, 1)), indexing="ij"), -1)
        values = total_value(joint, np.sin(phi) ** 2) - top
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


def _inside(offset: Array, half: Array) -> Array | float:
    return np.clip(offset / half, -1, 1) if half > 0 else 0.0


def _first_guess(joint: Joint, peak: Array, limits: Array, cutoff: float) -> Pair:
    """Rates within reach if the log-likelihood were quadratic, in arcsine coordinates."""
    hessian = total_derivatives(joint, peak)[2]
    precision = np.abs(np.diagonal(hessian))
    at = np.arcsin(np.sqrt(peak))
    slope = np.maximum(np.sin(2 * at), 0.05)  # d rate / d coordinate
    with np.errstate(all="ignore"):
        spread = 1.5 * np.sqrt(cutoff) / np.sqrt(precision) / slope
    spread = np.where(np.isfinite(spread), spread, np.pi)
    return np.maximum(at - spread, limits[0]), np.minimum(at + spread, limits[1])


def _fitted(z: list[Array], values: Array, middle: Array, half: Array, top: Array, cutoff: float) -> Surface:
    """Least squares over the grid, with weights that fade where the likelihood is low."""
    x, y = (np.polynomial.chebyshev.chebvander(one, _DEGREE) for one in z)
    order = np.add.outer(np.arange(_DEGREE + 1), np.arange(_DEGREE + 1))
    wanted = order <= _DEGREE
    design = np.einsum("ai,bj->abij", x, y)[:, :, wanted].reshape(-1, wanted.sum())
    flat = values.reshape(-1)
    weight = np.where(np.isfinite(flat), 1 / (1 + np.maximum(-flat / cutoff, 0)) ** 3, 0.0)
    used = weight > 0
    solution = _least_squares(design[used] * weight[used, None], flat[used] * weight[used])
    coefficients = np.zeros(order.shape)
    coefficients[wanted] = solution
    near = used & (flat >= -0.5 * cutoff)
    error = np.max(np.abs(design[near] @ solution - flat[near]))
    return Surface(coefficients, middle, half, top, error)


def _least_squares(design: Array, wanted: Array) -> Array:
    """Coefficients of the columns by modified Gram-Schmidt; 0 for columns that the ones before them span.

    It is as accurate as LAPACK's (Bjorck, BIT 7, 1967), whose threads wait for each other for a hundred times
    as long where cores are busy.
    """
    n = design.shape[1]
    rest, triangle = np.column_stack([design, wanted]), np.zeros((n, n + 1))
    least = 1e-12 * np.sqrt(np.max(np.sum(design * design, 0)))
    for k in range(n):
        size = np.sqrt(np.sum(rest[:, k] ** 2))
        if size <= least:
            continue
        one = rest[:, k] / size
        triangle[k, k:] = np.sum(one[:, None] * rest[:, k:], 0)
        rest[:, k:] -= one[:, None] * triangle[k, k:]
    found = np.zeros(n)
    for k in range(n - 1, -1, -1):
        if triangle[k, k] > 0:
            found[k] = (triangle[k, n] - np.sum(triangle[k, k + 1 : n] * found[k + 1 :])) / triangle[k, k]
    return found


def _polynomials(x: Array, most: int) -> list[Array]:
    """Chebyshev polynomials of points, a new last axis, and their derivatives up to the order ``most``."""
    zero, one = np.zeros_like(x), np.ones_like(x)
    orders = [[one, x], [zero, one], [zero, zero]][: most + 1]
    for _ in range(_DEGREE - 1):
        for k in range(most, -1, -1):
            more = 2 * k * orders[k - 1][-1] if k else 0.0
            orders[k].append(2 * x * orders[k][-1] + more - orders[k][-2])
    return [np.stack(order, -1) for order in orders]
