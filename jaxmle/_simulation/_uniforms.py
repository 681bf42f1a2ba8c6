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
