"""Eigenvalues of symmetric matrices of a few rows, by elementwise arithmetic.

LAPACK's routines, called for batches from programs that run side by side, wait for each other's threads and
can hang for good (seen with jaxlib 0.10 on two cores); on GPUs they are made for large matrices.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_SWEEPS = 7


def eigen(matrix: Any) -> tuple[Any, Any]:
    """Eigenvalues ``(..., P)``, in no order, and eigenvectors ``(..., P, P)`` as columns.

    Source: cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, section 8.5), which converge
    quadratically.
    """
    n = matrix.shape[-1]
    rows = [[matrix[..., i, j] for j in range(n)] for i in range(n)]
    one, zero = jnp.ones_like(rows[0][0]), jnp.zeros_like(rows[0][0])
    vectors = [[one if i == j else zero for j in range(n)] for i in range(n)]

    def sweep(_: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        a, v = ([list(row) for row in part] for part in state)
        for p in range(n):
            for q in range(p + 1, n):
                _rotate(a, v, p, q)
        return a, v

    # Of two rows a single rotation is exact.
    a, v = sweep(0, (rows, vectors)) if n == 2 else jax.lax.fori_loop(0, _SWEEPS, sweep, (rows, vectors))
    values = jnp.stack([a[i][i] for i in range(n)], -1)
    return values, jnp.stack([jnp.stack(row, -1) for row in v], -2)


def _rotate(a: list[list[Any]], v: list[list[Any]], p: int, q: int) -> None:
    """Rotate rows and columns p and q so that their common entry vanishes."""
    off, gap = a[p][q], a[q][q] - a[p][p]
    tiny = np.finfo(off.dtype).tiny
    # Tangent of the smaller of the two angles.
    t = 2 * off / (gap + jnp.where(gap < 0, -1.0, 1.0) * jnp.sqrt(gap**2 + 4 * off**2 + tiny))
    c = 1 / jnp.sqrt(1 + t**2)
    s = t * c
    a[p][p], a[q][q] = a[p][p] - t * off, a[q][q] + t * off
    a[p][q] = a[q][p] = jnp.zeros_like(off)
    for k in range(len(a)):
        if k not in (p, q):
            first, second = c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]
            a[k][p] = a[p][k] = first
            a[k][q] = a[q][k] = second
        v[k][p], v[k][q] = c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]
