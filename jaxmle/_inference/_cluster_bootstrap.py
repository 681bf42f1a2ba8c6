"""The cluster bootstrap: replicates as one matrix product of cluster weights and cluster counts."""

from collections.abc import Callable, Sequence

import numpy as np

from jaxmle._arrays import namespace, rebuilt
from jaxmle._data import Clusters, Counts, Problem, check_sums, need_clusters, slice_label
from jaxmle._engine import Engine, Progress, kept_programs, map_batched, program
from jaxmle._inference._simulate import keys_of, streams
from jaxmle._simulation import fold_in, uniforms
from jaxmle._types import Array, Pair

# Entries of the weight matrix held at once; told by the number of clusters alone, so that no result depends
# on what else is in the batch.
_ENTRIES = 1 << 22
_SMALLEST = 8


def check_clusters(
    clusters: Clusters, problem: Problem, shape: tuple[int, ...], method: str, parametric: bool
) -> None:
    """Raise unless the clusters add up to the counts, and the method is one for clusters."""
    need_clusters(clusters)
    if method == "bca" or parametric:
        raise ValueError('`clusters` go with method "percentile" or "basic", and not with `parametric`.')
    if len(shape) > 1:
        raise ValueError(f"`counts` must have shape () or (n_slices,) with `clusters`; got {shape}.")
    check_sums("counts", problem.counts, clusters)
    if np.any(clusters.size < 2):
        where = slice_label((clusters.size < 2).reshape(shape))
        raise ValueError(f"`clusters` must be two or more{where}: one tells nothing of how they differ.")


def cluster_replicates(
    clusters: Clusters,
    index: Array,
    problem: Problem,
    *,
    chunk: int,
    n_resamples: int,
    seed: int,
    stream: int,
    width: int,
    solve: Callable[..., Pair],
    engine: Engine,
    progress: Progress | None,
) -> Pair:
    """Resample the clusters of each slice with replacement, and fit every replicate.

    Args:
        clusters: Counts of the clusters.
        index: Slices to resample, shape ``(S,)``.
        problem: Counts and bounds of all slices.
        chunk: Replicates with a random stream of their own.
        n_resamples: Replicates of each slice.
        seed: Seed.
        stream: Number that tells these draws from others with the seed.
        width: Chunks solved at once.
        solve: Maps counts of shape ``(width * chunk,)`` and six bounds of shape ``(width,)`` to failure rates
            and to whether no bound holds them.
        engine: "numpy" or "jax".
        progress: Told how many chunks are done.

    Returns:
        Failure rates of shape ``(S, n_resamples)``, and whether each is free of bounds.
    """
    place = np.full(clusters.n_slices, -1)
    place[index] = np.arange(len(index))
    used = place[clusters.index] >= 0
    clusters = Clusters(clusters.counts[used], place[clusters.index[used]], len(index))
    problem = problem.take(index)
    n_slices, chunks = clusters.n_slices, -(-n_resamples // chunk)
    size, cells = clusters.size, clusters.cells
    own = streams(problem)
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
        draw = _drawing(int(pad), chunk, engine)

        def chunk_keys(ids: Array, parts: int = -(-chunk // part_of(int(pad), chunk))) -> Pair:
            """Keys of the parts of each chunk, shape ``(P, parts)``."""
            first, second = keys_of(seed, stream, ids)
            return fold_in((first[:, None], second[:, None]), np.arange(parts)[None])

        def call(part: list[Array], draw: Callable[..., Counts] = draw, matrix: Array = matrix) -> Pair:
            ids, which, n_clusters, *ends = part
            found, held = solve(draw(chunk_keys(ids), n_clusters, matrix[which]), ends)
            return np.asarray(found).reshape(-1, chunk), np.asarray(held).reshape(-1, chunk)

        rows = np.repeat(alike, chunks)
        ids = np.stack([np.repeat(own[alike], chunks), np.tile(np.arange(chunks), len(alike))], -1)
        flat = [
            ids.astype(np.uint32),
            row[rows],
            size[rows],
            *(end[rows] for end in problem.arrays()[6:]),
        ]
        found, held = map_batched(call, flat, width, engine=engine, progress=progress)
        values[alike] = found.reshape(len(alike), -1)
        free[alike] = held.reshape(len(alike), -1)
    return values[:, :n_resamples], free[:, :n_resamples]


def part_of(pad: int, chunk: int) -> int:
    """Replicates of a slice of up to ``pad`` clusters that are drawn with one key."""
    return max(1, min(chunk, _ENTRIES // pad))


@kept_programs
def _drawing(pad: int, chunk: int, engine: Engine) -> Callable[..., Counts]:
    """Program that draws the counts of chunks of replicates, for slices of up to ``pad`` clusters."""
    part = part_of(pad, chunk)

    def taken(keys: Pair, n_clusters: Array) -> Array:
        """How often each cluster of a slice is taken in ``part`` replicates, shape ``(part, pad)``."""
        xp = namespace(keys, n_clusters)
        draws = uniforms(keys, (part, pad))[0]
        chosen = xp.minimum(xp.floor(draws * n_clusters), n_clusters - 1).astype(np.int32)
        # Of the draws no more are used than there are clusters.
        once = (xp.arange(pad, dtype=np.float64) < n_clusters).astype(np.float64)
        place = xp.arange(part, dtype=np.int32)[:, None] * pad + chosen
        weights = xp.broadcast_to(once[None], place.shape).reshape(-1)
        if xp is np:
            return np.bincount(place.reshape(-1), weights, part * pad).reshape(part, pad)
        return xp.zeros(part * pad).at[place.reshape(-1)].add(weights).reshape(part, pad)

    def of_slice(given: Sequence[Array]) -> Array:
        """Counts of a chunk of replicates of one slice, shape ``(chunk, 6)``."""
        first, second, n_clusters, cells = given
        sums = [
            taken((first[i : i + 1], second[i : i + 1]), n_clusters) @ cells for i in range(first.shape[0])
        ]
        return namespace(given).concatenate(sums)[:chunk]

    def draw(keys: Pair, n_clusters: Array, matrix: Array) -> Counts:
        given = (*keys, n_clusters.astype(np.float64), matrix)
        if namespace(given) is np:
            sums = np.stack([of_slice([x[i] for x in given]) for i in range(len(matrix))])
        else:
            import jax

            sums = jax.lax.map(of_slice, given)
        columns = sums.reshape(-1, 6).T
        names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
        return rebuilt(_NONE, {name: columns[i] for i, name in enumerate(names)})

    return program(draw, engine, "sampler")


_NONE = Counts(0, 0, 0, 0, 0, 0)
