"""Uniforms and normal quantiles in either array namespace: the same bits on NumPy and on JAX.

The generator is Threefry-2x32 with 20 rounds, as JAX has it. Keys are made here on the host; the uniforms
that belong to them are drawn by NumPy below or by `jax.random.uniform`, and are equal.

Source: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011.
"""

from typing import cast

import numpy as np

from jaxmle._arrays import namespace
from jaxmle._types import Array, ArrayLike, Pair

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def _threefry(key: Pair, x: Array, y: Array) -> Pair:
    """Encrypt pairs of 32-bit words; arrays of uint32 that broadcast."""
    first, second = key
    keys = (first, second, first ^ second ^ np.uint32(_PARITY))
    x, y = x + keys[0], y + keys[1]
    for group in range(5):
        for turn in _ROTATIONS[group % 2]:
            x = x + y
            y = ((y << np.uint32(turn)) | (y >> np.uint32(32 - turn))) ^ x
        x, y = x + keys[(group + 1) % 3], y + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x, y


def root_key(seed: int) -> Pair:
    """Key of a seed below 2**64, shape ``(1,)``."""
    return np.array([seed >> 32], np.uint32), np.array([seed & 0xFFFFFFFF], np.uint32)


def fold_in(key: Pair, number: ArrayLike) -> Pair:
    """Keys told by a key and whole numbers below 2**32, as `jax.random.fold_in` makes them; broadcasts."""
    number = np.atleast_1d(np.asarray(number)).astype(np.uint32)
    return _threefry(key, np.zeros_like(number), number)


def uniforms(keys: Pair, shape: tuple[int, ...]) -> Array:
    """Uniforms in [0, 1) for keys of shape ``(P,)``: float64 of shape ``(P, *shape)``."""
    xp = namespace(keys)
    if xp is not np:
        import jax

        # The generator and its way of counting are named, so that a user's defaults cannot change results.
        wrapped = jax.random.wrap_key_data(xp.stack(keys, -1), impl="threefry2x32")
        with jax.threefry_partitionable(True):
            drawn = jax.vmap(lambda key: jax.random.uniform(key, shape, dtype=np.float64))(wrapped)
        return cast(Array, drawn)
    count = np.arange(int(np.prod(shape)), dtype=np.uint32)[None]
    high, low = _threefry((keys[0][:, None], keys[1][:, None]), np.zeros_like(count), count)
    # The leading 52 of 64 bits.
    whole = high.astype(np.float64) * 2.0**20 + (low >> np.uint32(12)).astype(np.float64)
    return (whole * 2.0**-52).reshape(-1, *shape)


_CENTRAL = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def normal_quantile(p: Array) -> Array:
    """Quantile of the standard normal distribution, to sixteen digits; ``p`` in (0, 1).

    Source: Wichura, Algorithm AS 241, Applied Statistics 37 (1988), routine PPND16.
    """
    xp = namespace(p)
    q = p - 0.5

    def ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
        top, bottom = (xp.zeros_like(x) for _ in range(2))
        for a, b in zip(*coefficients, strict=True):
            top, bottom = top * x + a, bottom * x + b
        return top / bottom

    r = xp.sqrt(-xp.log(xp.minimum(p, 1 - p)))
    outer = xp.where(r <= 5, ratio(_MIDDLE, r - 1.6), ratio(_TAIL, r - 5))
    central = q * ratio(_CENTRAL, 0.180625 - q * q)
    return xp.where(xp.abs(q) <= 0.425, central, xp.where(q < 0, -outer, outer))
