"""The cluster bootstrap: replicates as one matrix product of cluster weights and cluster counts."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Clusters
from jaxmle._data._validation import slice_label
from jaxmle._inference._blocks import in_blocks
from jaxmle._inference._progress import Progress
from jaxmle._inference._simulate import streams

# Entries of the weight matrix held at once; told by the number of clusters alone, so that no result depends
# on what else is in the batch.
_ENTRIES = 1 << 22
_SMALLEST = 8


def check_clusters(
    clusters: Clusters, leaves: list[Any], shape: tuple[int, ...], method: str, parametric: bool
) -> None:
    """Raise unless the clusters add up to the counts, and the method is one for clusters."""
    if not isinstance(clusters, Clusters):
        raise TypeError(f"`clusters` must be a Clusters; got {type(clusters).__name__}.")
    if method == "bca" or parametric:
        raise ValueError('`clusters` go with method "percentile" or "basic", and not with `parametric`.')
    sums = clusters.totals.values()
    size = len(leaves[0])
    if len(shape) > 1:
        raise ValueError(f"`counts` must have shape () or (n_slices,) with `clusters`; got {shape}.")
    if clusters.n_slices != size:
        raise ValueError(f"`clusters` must be of {size} slices; got {clusters.n_slices}.")
    if not np.allclose(np.stack(sums), np.stack(leaves[:6]), rtol=1e-9, atol=1e-9):
        raise ValueError("`clusters` must add up to `counts`.")
    if np.any(clusters.size < 2):
        where = slice_label((clusters.size < 2).reshape(shape))
        raise ValueError(f"`clusters` must be two or more{where}: one tells nothing of how they differ.")


def cluster_replicates(
    clusters: Clusters,
    index: Any,
    leaves: list[Any],
    *,
    chunk: int,
    n_resamples: int,
    seed: int,
    stream: int,
    width: int,
    solve: Callable[..., tuple[Any, Any]],
    progress: Progress | None,
) -> tuple[Any, Any]:
    """Resample the clusters of each slice with replacement, and fit every replicate.

    Args:
        clusters: Counts of the clusters.
        index: Slices to resample, shape ``(S,)``.
        leaves: Counts and bounds of all slices, twelve arrays.
        chunk: Replicates with a random stream of their own.
        n_resamples: Replicates of each slice.
        seed: Seed.
        stream: Number that tells these draws from others with the seed.
        width: Chunks solved at once.
        solve: Maps counts of shape ``(width * chunk,)`` and six bounds of shape ``(width,)`` to failure rates
            and to whether no bound holds them.
        progress: Told how many chunks are done.

    Returns:
        Failure rates of shape ``(S, n_resamples)``, and whether each is free of bounds.
    """
    place = np.full(clusters.n_slices, -1)
    place[index] = np.arange(len(index))
    used = place[clusters.index] >= 0
    clusters = Clusters(clusters.counts[used], place[clusters.index[used]], len(index))
    leaves = [leaf[index] for leaf in leaves]
    n_slices, chunks = clusters.n_slices, -(-n_resamples // chunk)
    size, cells = clusters.size, clusters.cells
    own = streams([np.asarray(leaf) for leaf in leaves])
    # Slices whose padded number of clusters is the same share a program.
    padded = np.maximum(_SMALLEST, 2 ** np.ceil(np.log2(np.maximum(size, 1))).astype(int))
    order = np.argsort(clusters.index, kind="stable")
    first = np.concatenate([[0], np.cumsum(size)])
    place = np.arange(len(order)) - first[clusters.index[order]]
    values = np.empty((n_slices, chunks * chunk))
    free = np.empty((n_slices, chunks * chunk), bool)
    for pad in np.unique(padded):
        alike = np.flatnonzero(padded == pad)
        row = np.full(n_slices, -1)
        row[alike] = np.arange(len(alike))
        used = row[clusters.index[order]] >= 0
        matrix = np.zeros((len(alike), pad, cells.shape[1]))
        matrix[row[clusters.index[order][used]], place[used]] = cells[order[used]]
        draw = _drawing(int(pad), chunk)

        def call(part: list[Any], draw: Any = draw, matrix: Any = matrix) -> Any:
            ids, which, n_clusters, *ends = part
            sums = draw(
                jax.random.key(seed, impl="threefry2x32"), stream, ids, n_clusters, jnp.asarray(matrix[which])
            )
            found, held = solve(sums, ends)
            return np.asarray(found).reshape(-1, chunk), np.asarray(held).reshape(-1, chunk)

        rows = np.repeat(alike, chunks)
        ids = np.stack([np.repeat(own[alike], chunks), np.tile(np.arange(chunks), len(alike))], -1)
        flat = [
            ids.astype(np.uint32),
            row[rows],
            size[rows],
            *(np.asarray(leaf)[rows] for leaf in leaves[6:]),
        ]
        found, held = in_blocks(call, flat, width, progress=progress)
        values[alike] = found.reshape(len(alike), -1)
        free[alike] = held.reshape(len(alike), -1)
    return values[:, :n_resamples], free[:, :n_resamples]


@cache
def _drawing(pad: int, chunk: int) -> Callable[..., Any]:
    """Program that draws the counts of chunks of replicates, for slices of up to ``pad`` clusters."""
    part = max(1, min(chunk, _ENTRIES // pad))

    def one(key: Any, n_clusters: Any, matrix: Any) -> Any:
        """Counts of ``part`` replicates of a slice, shape ``(part, 6)``."""
        draws = jax.random.uniform(key, (part, pad))
        taken = jnp.minimum(jnp.floor(draws * n_clusters), n_clusters - 1).astype(jnp.int32)
        # Of the draws no more are used than there are clusters.
        once = jnp.where(jnp.arange(pad) < n_clusters, 1.0, 0.0)
        weights = jnp.zeros((part, pad)).at[jnp.arange(part)[:, None], taken].add(once)
        return weights @ matrix

    def draw(key: Any, stream: Any, ids: Any, n_clusters: Any, matrix: Any) -> list[Any]:
        def of_slice(given: Any) -> Any:
            name, size, cells = given
            own = key
            for number in (stream, name[0], name[1]):
                own = jax.random.fold_in(own, number)
            keys = jax.random.split(own, -(-chunk // part))
            return jax.lax.map(lambda k: one(k, size, cells), keys).reshape(-1, 6)[:chunk]

        sums = jax.lax.map(of_slice, (ids, n_clusters.astype(jnp.float64), matrix))
        return list(sums.reshape(-1, 6).T)

    return jax.jit(draw)
