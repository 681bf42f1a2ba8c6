"""Counts by slice, and what was left out."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._results import Result
from jaxmle._tables._panel import Panel
from jaxmle._types import Array, Document, Index

if TYPE_CHECKING:
    from jaxmle._data import Clusters, Counts

# What is no array.
_STATIC = {"static": True}


@pytree
@dataclass(frozen=True, repr=False)
class SliceCounts(Result):
    """Counts by slice, and what was left out.

    An element, and what iteration gives, is a table of one slice; what was read and left out, ``n_rows``,
    ``dropped``, ``left_out``, ``failures`` and ``panel``, remains that of the whole table.

    Attributes:
        counts: Counts of shape ``(n_slices,)``; one slice where no columns were given. Sums of weights where
            there is a weight column.
        keys: One row per slice, in the order of ``counts``: column name to value (text or None).
        dropped: Rows left out, by reason.
        n_rows: Rows read, and met by the condition where there is one.
        unjudged: Human failures and passes among the rows without a judge verdict, shape ``(n_slices, 2)``:
            where they differ from the rest, it matters that the judge gave none.
        total_unjudged: The same over all rows, of slices that are left out too.
        left_out: Keys of the slices in which no row could be counted, mostly for want of a judge verdict.
        labels: Labels ``read`` from a file of their own, how many met no row that was asked for,
            ``unmatched``, how many no row at all, ``unknown``, and a ``hint`` at why; None without one.
        clusters: Sums of each cluster within its slice, where there is a cluster column.
        total_clusters: Sums of each cluster over all slices, likewise.
        cluster_numbers: Place of each of ``clusters`` in the sorted names of all clusters, likewise.
        squares: Sums of squared weights in each of the six cells, shape ``(n_slices, 6)``, where there is a
            weight column and no cluster column.
        weighted_total: Counts of all slices together where labels were drawn among them unevenly: sums of
            weights. None where the slices add up.
        weighted_squares: Sums of its squared weights in each of the six cells, likewise.
        n_items: Items counted, shape ``(n_slices,)``; sums of weights do not tell.
        repeated: Name of an id column that repeats though no cluster column was given, or None.
        log: Tool whose logs were read, and the judge's column in them; None for other sources.
        failures: For "judge" and "human": the ``column``, the ``words`` that are failures in it, how many of
            the rows that were counted hold one, ``n``, and ``of`` how many with a verdict there.
        panel: Judges and raters one by one, where there are several, or where missing verdicts count.
    """

    counts: "Counts"
    keys: list[dict[str, str | None]] = field(metadata=_STATIC)
    dropped: dict[str, int] = field(metadata=_STATIC)
    n_rows: int = field(metadata=_STATIC)
    unjudged: Array = field(default_factory=lambda: np.zeros((1, 2), dtype=np.int64))
    total_unjudged: Array = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    left_out: list[dict[str, str | None]] = field(default_factory=list, metadata=_STATIC)
    labels: Document | None = field(default=None, metadata=_STATIC)
    clusters: "Clusters | None" = None
    total_clusters: "Clusters | None" = None
    cluster_numbers: Array | None = None
    squares: Array | None = None
    weighted_total: "Counts | None" = None
    weighted_squares: Array | None = None
    n_items: Array | None = None
    repeated: str | None = field(default=None, metadata=_STATIC)
    log: dict[str, str] | None = field(default=None, metadata=_STATIC)
    failures: dict[str, Document] | None = field(default=None, metadata=_STATIC)
    panel: Panel | None = field(default=None, metadata=_STATIC)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: Index) -> Self:
        """Some of the slices, in this order.

        Raises:
            ValueError: Labels were drawn unevenly among the slices, and these are some of them.
        """
        places = np.atleast_1d(np.arange(len(self))[index])
        if np.array_equal(places, np.arange(len(self))):
            return self
        if self.weighted_total is not None and len(places) > 1:
            raise ValueError(
                "labels were drawn unevenly among the slices, so only all of them have a total: take one by "
                "one, or count with `where`."
            )
        clusters, numbers, total = self.clusters, self.cluster_numbers, self.total_clusters
        if clusters is not None and numbers is not None:
            numbers = numbers[np.isin(clusters.index, places)]
            clusters = clusters.of_slices(places)
            total = _together(clusters, numbers)
        return replace(
            self,
            counts=self.counts[places],
            keys=[self.keys[place] for place in places],
            unjudged=self.unjudged[places],
            total_unjudged=self.unjudged[places].sum(0),
            clusters=clusters,
            cluster_numbers=numbers,
            total_clusters=total,
            squares=None if self.squares is None else self.squares[places],
            weighted_total=None,
            weighted_squares=None,
            n_items=None if self.n_items is None else self.n_items[places],
        )

    def __iter__(self) -> Iterator[Self]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        total, n = self.total, len(self)
        by = f"{n:,} slice{'s' if n != 1 else ''} by {', '.join(self.keys[0])}: " if self.keys[0] else ""
        dropped = f", {sum(self.dropped.values()):,} rows left out" if self.dropped else ""
        said = f"{total.n_labeled:,.10g} labelled, {total.n_unlabeled:,.10g} unlabelled"
        return f"SliceCounts({by}{said}{dropped})"

    def __str__(self) -> str:
        return repr(self)

    def _columns(self) -> dict[str, list[Any]]:
        """One row a slice: its key, its six counts, its items."""
        columns: dict[str, list[Any]] = {name: [key[name] for key in self.keys] for name in self.keys[0]}
        columns |= {
            f"counts_{one.name}": getattr(self.counts, one.name).tolist() for one in fields(self.counts)
        }
        if self.n_items is not None:
            columns["n_items"] = self.n_items.tolist()
        return columns

    @classmethod
    def of_counts(cls, counts: "Counts") -> Self:
        """Return a table of what was counted elsewhere, without slices.

        Args:
            counts: Scalar counts, whole numbers.

        Examples:
            >>> from jaxmle import Counts, tables
            >>> tables.SliceCounts.of_counts(Counts(4, 1, 2, 43, 900, 9100))
            SliceCounts(50 labelled, 10,000 unlabelled)
        """
        whole = type(counts)(*(np.atleast_1d(np.asarray(value)) for value in counts.values()))
        items = (whole.n_labeled + whole.n_unlabeled).astype(np.int64)
        return cls(whole, [{}] * len(whole), {}, int(items.sum()), n_items=items)

    def as_counts(self) -> "Counts":
        """Return counts for functions that take `Counts`: scalar without slices, else an element a slice.

        Raises:
            ValueError: The rows had weights or clusters, which counts alone do not tell.

        Examples:
            >>> from jaxmle import tables
            >>> rows = [{"judge": 1, "human": 1}, {"judge": 0, "human": None}]
            >>> tables.count(rows, judge="judge", human="human").as_counts()
            Counts(tp=1, fn=0, fp=0, tn=0, unlabeled_pos=0, unlabeled_neg=1)
        """
        if self.clusters is not None or self.squares is not None:
            what = "clusters" if self.clusters is not None else "weights"
            raise ValueError(
                f"the table has {what}, and an interval of its counts alone would be too short: pass "
                "`counts` of `tables.count` with a `design_effect` (jaxmle.design_effect)."
            )
        return self.counts if self.keys[0] else self.total

    @property
    def total(self) -> "Counts":
        """Counts of all slices together."""
        if self.weighted_total is not None:
            return self.weighted_total
        from jaxmle._data import Counts

        return Counts(*(value.sum().item() for value in self.counts.values()))

    @property
    def all_clusters(self) -> "Clusters | None":
        """Clusters of every slice and, last, of all slices together; None without a cluster column."""
        if self.clusters is None or self.total_clusters is None:
            return None
        from jaxmle._data import Clusters, Counts

        last, (own, whole) = self.clusters.n_slices, (self.clusters, self.total_clusters)
        values = zip(own.counts.values(), whole.counts.values(), strict=True)
        index = np.concatenate([own.index, np.full(len(whole.index), last)])
        return Clusters(Counts(*map(np.concatenate, values)), index, last + 1)

    @property
    def all_squares(self) -> Array | None:
        """Sums of squared weights by cell, the total last; None where ``squares`` are."""
        if self.weighted_squares is not None:  # of the slices each item counts once
            each = np.stack([np.asarray(value, float) for value in self.counts.values()], -1)
            return np.concatenate([each, self.weighted_squares[None]])
        return None if self.squares is None else np.concatenate([self.squares, self.squares.sum(0)[None]])

    @property
    def n_units(self) -> Array:
        """Number of clusters, or of items where there are no clusters, the total last."""
        if self.clusters is not None and self.total_clusters is not None:
            return np.concatenate([self.clusters.size, self.total_clusters.size])
        items = cast(Array, self.n_items)
        return np.append(items, items.sum())


def _together(clusters: "Clusters", numbers: Array) -> "Clusters":
    """Clusters of all slices as one: those of the same number are one cluster."""
    from jaxmle._data import Clusters, Counts

    names, place = np.unique(numbers, return_inverse=True)
    sums = (np.bincount(place, value, len(names)) for value in clusters.counts.values())
    return Clusters(Counts(*sums), np.zeros(len(names), np.int64), 1)


def shown_key(key: dict[str, str | None]) -> str:
    """A slice in words, such as "model = 'a', topic = 'b'"."""
    return ", ".join(
        f"{column if column.isprintable() else repr(column)} = {value!r}" for column, value in key.items()
    )
