"""From the rows that the aggregation returns to arrays by slice."""

import re
from dataclasses import dataclass

import numpy as np

from jaxmle._tables._aggregate import KINDS, N_CELLS, N_KINDS, NO_JUDGE, Roles
from jaxmle._tables._slice_counts import SliceCounts, shown_key
from jaxmle._tables._source import Row, Source
from jaxmle._types import Array

# The largest count that is kept.
_MOST = 2.0**53
_WHOLE = re.compile(r"-?[0-9]{1,40}")


@dataclass(frozen=True)
class Sums:
    """The rows of `counted` as arrays: a row a slice, or one for each cluster in it, and a column a kind.

    Attributes:
        keys: Values of the key columns, a tuple a slice.
        index: Slice of each row.
        group: Cluster of each row, 0 where there are none.
        rows: Rows of the source, shape ``(rows, N_KINDS)``.
        weights: Sums of their weights.
        squares: Sums of their squared weights.
    """

    keys: list[Row]
    index: Array
    group: Array
    rows: Array
    weights: Array
    squares: Array

    @classmethod
    def of(cls, found: list[Row], roles: Roles) -> "Sums":
        """Lay out the result of the query."""
        n_keys = len(roles.by)
        columns = list(zip(*found, strict=True))
        slices = np.asarray(columns[0], dtype=np.int64)
        groups, kinds = (np.asarray(columns[1 + n_keys + i], dtype=np.int64) for i in range(2))
        _, first = np.unique(slices, return_index=True)
        keys = [tuple(found[i][1 : 1 + n_keys]) for i in first]
        units, place = np.unique(np.stack([slices, groups]), axis=1, return_inverse=True)
        arrays = []
        for i, kind in ((3, np.int64), (4, np.float64), (5, np.float64)):
            array = np.zeros((units.shape[1], N_KINDS), dtype=kind)
            array[place.reshape(-1), kinds] = np.asarray(columns[n_keys + i], dtype=kind)
            arrays.append(array)
        return cls(keys, units[0], units[1], *arrays)

    @classmethod
    def of_slices(cls, found: list[Row], roles: Roles) -> "Sums":
        """Lay out the result of `six_numbers`."""
        n_keys, size = len(roles.by), len(found)
        columns = list(zip(*found, strict=True))
        rows = np.zeros((size, N_KINDS), dtype=np.int64)
        for kind, column in zip(KINDS, columns[n_keys:], strict=True):
            rows[:, kind] = column
        nothing = np.broadcast_to(0.0, rows.shape)
        keys: list[Row] = list(zip(*columns[:n_keys], strict=True)) if n_keys else [()] * size
        return cls(keys, np.arange(size), np.zeros(size, dtype=np.int64), rows, nothing, nothing)

    def counts(self, source: Source, roles: Roles, dropped: dict[str, int]) -> SliceCounts:
        """Counts by slice, ordered by key, without the slices that hold no judge verdict."""
        from jaxmle._data import Counts  # brings JAX, which a misspelt name need not wait for

        n_slices, cells = len(self.keys), N_CELLS
        by_slice = np.zeros((n_slices, N_KINDS), dtype=np.int64)
        np.add.at(by_slice, self.index, self.rows)
        n_items = by_slice[:, :cells].sum(1)
        if not n_items.any():
            raise ValueError(f"column {roles.judge!r} of {source.name} holds no judge verdicts.")
        numbers = [_all_whole(column) for column in zip(*self.keys, strict=True)]
        rows = np.asarray(
            sorted(np.flatnonzero(n_items), key=lambda i: _sortable(self.keys[i], numbers)), dtype=np.int64
        )
        values = self.weights if roles.weight else self.rows
        sums = np.zeros((n_slices, cells), dtype=values.dtype)
        np.add.at(sums, self.index, values[:, :cells])
        keys = [dict(zip(roles.by, key, strict=True)) for key in self.keys]
        if (weightless := rows[sums[rows].sum(1) <= 0]).size:
            key = keys[weightless[0]]
            where = f" where {shown_key(key)}" if key else ""
            raise ValueError(f"column {roles.weight!r} of {source.name} holds only weights of zero{where}.")
        if not sums.sum() <= _MOST:
            raise ValueError(
                f"the weights in column {roles.weight!r} of {source.name} add up to {sums.sum():.3g}, "
                "above 2**53; divide them all by a constant, which changes no estimate."
            )
        squares = clusters = whole = numbered = None
        if roles.cluster:
            from jaxmle._data import Clusters

            used = np.flatnonzero(self.rows[:, :cells].any(1))
            place = np.zeros(n_slices, dtype=np.int64)
            place[rows] = np.arange(len(rows))
            inside = values[used, :cells]
            clusters = Clusters(Counts(*inside.T), place[self.index[used]], len(rows))
            numbered = self.group[used]
            # A cluster may reach over slices; for the total it is one.
            names, place = np.unique(self.group[used], return_inverse=True)
            over = np.zeros((len(names), cells), dtype=values.dtype)
            np.add.at(over, place, inside)
            whole = Clusters(Counts(*over.T), np.zeros(len(names), dtype=np.int64), 1)
        elif roles.weight:
            squares = np.zeros((n_slices, cells))
            np.add.at(squares, self.index, self.squares[:, :cells])
        no_judge = [NO_JUDGE[human] for human in (1, 0, None)]
        if n_missing := int(by_slice[:, no_judge].sum()):
            dropped = {"no judge verdict": n_missing, **dropped}
        return SliceCounts(
            counts=Counts(*sums[rows].T),
            keys=[keys[i] for i in rows],
            dropped=dropped,
            n_rows=int(by_slice.sum()),
            unjudged=by_slice[rows][:, no_judge[:2]],
            total_unjudged=by_slice[:, no_judge[:2]].sum(0),
            left_out=[keys[i] for i in np.flatnonzero(n_items == 0)],
            labels=source.labels,
            clusters=clusters,
            total_clusters=whole,
            cluster_numbers=numbered,
            squares=None if squares is None else squares[rows],
            n_items=n_items[rows],
        )


def _sortable(key: tuple[str | None, ...], numbers: list[bool]) -> tuple[tuple[bool, int, str], ...]:
    """Order by code points, whatever the engine's collation, or by number; what is missing last."""
    return tuple(
        (value is None, int(value) if whole and value is not None else 0, value or "")
        for value, whole in zip(key, numbers, strict=True)
    )


def _all_whole(values: tuple[str | None, ...]) -> bool:
    """Whether all values that there are are whole numbers."""
    return all(value is None or _WHOLE.fullmatch(value) for value in values)
