"""Sums over items that belong together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data._counts import Counts
from jaxmle._results import Result
from jaxmle._types import Array, ArrayLike, Index

# Sums of weights that differ by no more, relatively, are the same.
_ROUNDING = 1e-9


@pytree
@dataclass(frozen=True, eq=False)
class Clusters(Result):
    """Counts of each cluster: items that share a prompt, a conversation or an epoch.

    Args:
        counts: Counts of the items of each cluster within its slice, shape ``(n_clusters,)``; sums of weights
            where items carry weights.
        index: Slice of each cluster, shape ``(n_clusters,)``, 0 to ``n_slices - 1``.
        n_slices: Number of slices.

    Raises:
        ValueError: ``counts`` is not one-dimensional, or ``index`` does not fit.
        TypeError: ``counts`` is not a `Counts`.

    Examples:
        >>> from jaxmle import Clusters, Counts
        >>> pairs = Clusters(Counts([2, 0], [0, 0], [0, 0], [0, 2], [0, 1], [0, 0]), [0, 0], 1)
        >>> pairs.totals
        Counts(tp=[2], fn=[0], fp=[0], tn=[2], unlabeled_pos=[1], unlabeled_neg=[0])
    """

    counts: Counts
    index: Array
    n_slices: int = field(metadata={"static": True})

    def __post_init__(self) -> None:
        if not isinstance(self.counts, Counts):
            raise TypeError(f"`counts` must be a Counts; got {type(self.counts).__name__}.")
        if len(self.counts.shape) != 1:
            raise ValueError(f"`counts` must be one-dimensional; got shape {self.counts.shape}.")
        index = np.asarray(self.index)
        if index.shape != self.counts.shape or index.dtype.kind not in "iu":
            raise ValueError(
                f"`index` must hold a whole number for each of the {len(self.counts)} clusters; "
                f"got shape {index.shape}."
            )
        if index.size and not 0 <= index.min() <= index.max() < self.n_slices:
            raise ValueError(f"`index` must lie in 0 to {self.n_slices - 1}.")
        object.__setattr__(self, "index", index)

    @property
    def size(self) -> Array:
        """Number of clusters in each slice, shape ``(n_slices,)``."""
        return np.bincount(self.index, minlength=self.n_slices)

    @property
    def n_labeled(self) -> Array:
        """Number of clusters in each slice that hold a label, shape ``(n_slices,)``."""
        return np.bincount(self.index[self.counts.n_labeled > 0], minlength=self.n_slices)

    @property
    def are_items(self) -> Array:
        """Whether no two items of a slice share a cluster, shape ``(n_slices,)``.

        An item alone is a 1 in one cell; sums of weights, however small, may be of several.
        """
        cells = self.cells
        is_item = (cells.sum(1) <= 1) & np.all((cells == 0) | (cells == 1), axis=1)
        return np.bincount(self.index[~is_item], minlength=self.n_slices) == 0

    @property
    def cells(self) -> Array:
        """The six sums of each cluster, shape ``(n_clusters, 6)``."""
        return np.stack([np.asarray(value, dtype=np.float64) for value in self.counts.values()], axis=-1)

    @property
    def totals(self) -> Counts:
        """Counts of each slice, shape ``(n_slices,)``."""
        sums = np.zeros((self.n_slices, 6), dtype=np.result_type(*self.counts.values()))
        np.add.at(sums, self.index, np.stack(self.counts.values(), axis=-1))
        return Counts(*sums.T)

    def __len__(self) -> int:
        return self.n_slices

    def __getitem__(self, index: Index) -> Self:
        """Clusters of some slices."""
        return self.of_slices(np.atleast_1d(np.arange(self.n_slices)[index]))

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __str__(self) -> str:
        return f"{len(self.counts):,} clusters in {self.n_slices:,} slice{'s' if self.n_slices != 1 else ''}"

    def of_slices(self, index: ArrayLike) -> Self:
        """Return the clusters of some slices, which are numbered anew in that order.

        Args:
            index: Places of the slices, whole numbers of shape ``(K,)``, 0 to ``n_slices - 1``, each once.

        Raises:
            IndexError: There is no such slice.
            ValueError: A slice is named twice.

        Examples:
            >>> from jaxmle import Clusters, Counts
            >>> both = Clusters(Counts([2, 0], [0, 0], [0, 0], [0, 2], [0, 1], [0, 0]), [0, 1], 2)
            >>> both.of_slices([1]).totals
            Counts(tp=[0], fn=[0], fp=[0], tn=[2], unlabeled_pos=[1], unlabeled_neg=[0])
        """
        index = np.asarray(index)
        place = np.full(self.n_slices, -1)
        place[index] = np.arange(len(index))
        if np.count_nonzero(place >= 0) < len(index):
            raise ValueError(f"`index` must name each slice once; got {index.tolist()}.")
        kept = np.flatnonzero(place[self.index] >= 0)
        return type(self)(self.counts[kept], place[self.index[kept]], len(index))


def check_sums(name: str, counts: Counts, clusters: object, *, n_cells: int = 6) -> None:
    """Raise unless clusters are those of counts of shape ``()`` or ``(n_slices,)``, and add up to them.

    Args:
        name: Name of the counts in messages.
        counts: The counts.
        clusters: What was given as clusters.
        n_cells: How many of the six counts must agree, the first ones.
    """
    clusters = need_clusters(clusters)
    size = clusters.n_slices
    if counts.shape not in ((), (size,)) or np.size(counts.tp) != size:
        raise ValueError(
            f"`clusters` must be of the slices of `{name}`, shape {counts.shape}; got {size} slices."
        )
    totals, cells = (
        np.stack([np.ravel(x) for x in own.values()[:n_cells]]) for own in (clusters.totals, counts)
    )
    if np.any(differing(totals, cells)):
        raise ValueError(f"`clusters` must add up to `{name}`: make both from the same rows.")


def need_clusters(value: object) -> Clusters:
    """Return the clusters that it is, or raise ``TypeError`` and say where those of a table are."""
    if isinstance(value, Clusters):
        return value
    hint = ": give its .clusters" if isinstance(getattr(value, "clusters", None), Clusters) else ""
    raise TypeError(f"`clusters` must be a Clusters; got {type(value).__name__}{hint}.")


def differing(sums: Array, counts: Array) -> Array:
    """Where sums are others than the counts that they are said to add up to, beyond rounding."""
    return np.abs(sums - counts) > _ROUNDING * np.maximum(counts, 1)
