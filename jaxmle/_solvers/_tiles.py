"""Batches in tiles, and counts per item."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxmle._data import Counts
from jaxmle._model._certificate import pack_counts

# A while-loop over a batch runs until its slowest element; on a CPU small tiles that stay in cache
# waste least.
_CPU_TILE = 128
# An accelerator wants everything at once, but for the few that are left over.
_ACCELERATOR_TILE = 1 << 14


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


def unfinished_first(follow: Any, arguments: Any, done: Any, budgets: tuple[int, int]) -> Any:
    """Run an iteration over a flat batch in two passes over what is not done yet.

    A few elements need three times the steps of the rest. The first pass takes few steps with all,
    the second enough of them with those that are left, gathered into tiles of their own.

    Args:
        follow: Maps arguments, which elements to work on and a budget of steps to an array of shape
            ``(k, B)`` and which elements had not arrived.
        arguments: Arrays of shape ``(B,)``.
        done: Elements that need no work, shape ``(B,)``; their results mean nothing.
        budgets: Steps for each pass.

    Returns:
        The result, an array of shape ``(k, B)``.
    """
    size = done.shape[0]
    width = _CPU_TILE if jax.default_backend() == "cpu" else _ACCELERATOR_TILE
    if size <= width:
        return follow(arguments, ~done, budgets[1])[0]
    pad = -size % width
    arguments = jax.tree.map(lambda x: jnp.pad(x, (0, pad), mode="edge"), arguments)
    done = jnp.pad(done, (0, pad), constant_values=True)

    def one_pass(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        number, result, done = state
        order = _unfinished_in_front(done)
        budget = jnp.where(number == 0, budgets[0], budgets[1])

        def tile(i: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
            result, done = carry
            index = lax.dynamic_slice(order, (i * width,), (width,))
            wanted = ~done[index]
            found, late = follow(jax.tree.map(lambda x: x[index], arguments), wanted, budget)
            result = result.at[:, index].set(jnp.where(wanted, found, result[:, index]), unique_indices=True)
            return result, done.at[index].set(~(wanted & late), unique_indices=True)

        tiles = (jnp.sum(~done) + width - 1) // width
        result, done = lax.fori_loop(0, tiles, tile, (result, done))
        return number + 1, result, done

    head = jax.tree.map(lambda x: x[:width], arguments)
    shape = jax.eval_shape(follow, head, done[:width], budgets[1])[0]
    empty = jnp.zeros((*shape.shape[:-1], size + pad), shape.dtype)
    _, result, _ = lax.while_loop(
        lambda state: (state[0] < 2) & ~jnp.all(state[2]), one_pass, (jnp.zeros((), jnp.int32), empty, done)
    )
    return result[:, :size]


def _unfinished_in_front(done: Any) -> Any:
    """Indices of what is not done, then of what is; sorting would cost as much as all the solving."""
    left = jnp.cumsum(~done)
    index = jnp.arange(done.shape[0])
    place = jnp.where(done, left[-1] + index - left, left - 1)
    return jnp.zeros_like(index).at[place].set(index, unique_indices=True)


def weights_per_item(counts: Counts) -> tuple[Any, Any]:
    """Labelled cells and unlabelled totals as shares of all items."""
    cells, totals = pack_counts(counts)
    total = jnp.sum(cells, (0, 1)) + jnp.sum(totals, 0)
    total = jnp.where(total > 0, total, 1)
    return cells / total, totals / total
