"""Derivatives by central differences.

Cheaper than derivatives of quadratures, and exact enough for steps and for Laplace's method.
"""

from collections.abc import Callable

import numpy as np

from jaxmle._types import Array

_STEP = 2e-3


def _stencil(z: Array) -> Array:
    """Points around ``z`` that central differences compare: itself, then pairs of both signs, ``(K, n)``."""
    one = np.eye(len(z))
    moves = [*one, *(one[i] + one[j] for i, j in _pairs(len(z)))]
    steps = [np.zeros(len(z)), *(sign * move for move in moves for sign in (1, -1))]
    return z + _STEP * np.array(steps)


def differences(function: Callable[[Array], Array], z: Array) -> tuple[Array, Array, Array]:
    """Value, gradient and Hessian of a function of a few numbers by central differences.

    The function maps points of shape ``(K, n)`` to arrays with the leading axis ``K``; the derivatives come
    on trailing axes.
    """
    n = len(z)
    values = function(_stencil(z))
    here, plus, minus = values[0], values[1 : 2 * n + 1 : 2], values[2 : 2 * n + 1 : 2]
    gradient = np.moveaxis(plus - minus, 0, -1) / (2 * _STEP)
    hessian = np.empty((*here.shape, n, n))
    for j in range(n):
        hessian[..., j, j] = (plus[j] + minus[j] - 2 * here) / _STEP**2
    for k, (i, j) in enumerate(_pairs(n)):
        both = values[2 * n + 1 + 2 * k] + values[2 * n + 2 + 2 * k]
        cross = (both - plus[i] - minus[i] - plus[j] - minus[j] + 2 * here) / (2 * _STEP**2)
        hessian[..., i, j] = hessian[..., j, i] = cross
    return here, gradient, hessian


def _pairs(n: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(i)]
