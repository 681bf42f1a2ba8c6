"""Batches in tiles, and counts per item."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxmle._data import Counts
from jaxmle._model._certificate import pack_counts

# A while-loop over a batch runs until its slowest element; on a CPU small tiles that stay in cache
# waste least. An accelerator wants everything at once.
_CPU_TILE = 512


def in_tiles(function: Any, arguments: Any) -> Any:
    """Apply an elementwise function over a flat batch, in tiles on a CPU."""
    size = jax.tree.leaves(arguments)[0].shape[0]
    if jax.default_backend() != "cpu" or size <= _CPU_TILE:
        return function(arguments)
    n_tiles = -(-size // _CPU_TILE)
    pad = n_tiles * _CPU_TILE - size
    tiled = jax.tree.map(
        lambda x: jnp.concatenate([x, jnp.broadcast_to(x[-1], (pad,))]).reshape(n_tiles, _CPU_TILE), arguments
    )
    return jax.tree.map(lambda x: x.reshape(-1)[:size], lax.map(function, tiled))


def weights_per_item(counts: Counts) -> tuple[Any, Any]:
    """Labelled cells and unlabelled totals as shares of all items."""
    cells, totals = pack_counts(counts)
    total = jnp.sum(cells, (0, 1)) + jnp.sum(totals, 0)
    total = jnp.where(total > 0, total, 1)
    return cells / total, totals / total
