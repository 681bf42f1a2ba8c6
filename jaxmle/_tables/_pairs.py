"""Items that two sources of verdicts have in common."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._tables._slice_counts import SliceCounts, shown_key
from jaxmle._tables._slice_rows import few
from jaxmle._tables._source import VERDICTS
from jaxmle._tables._table import Table
from jaxmle._types import Array, Pair

if TYPE_CHECKING:
    from jaxmle._data import Clusters, Pairs

ROW = "row number"


def number_rows(table: Table) -> None:
    """Add a column `ROW` to a table, in place."""
    table.query(f"ALTER VIEW {VERDICTS} RENAME TO unnumbered")
    table.query(f'CREATE VIEW {VERDICTS} AS SELECT *, row_number() OVER () AS "{ROW}" FROM unnumbered')
    table.columns = [*table.columns, ROW]
    table._attached[ROW] = table


def names_of(table: Table) -> Array:
    """Sorted names of the clusters that were counted last in a table, an array of objects."""
    rows = table.query("SELECT DISTINCT c FROM staged WHERE c IS NOT NULL ORDER BY c")
    return np.array([row[0] for row in rows], dtype=object)


def shared_slices(a: SliceCounts, b: SliceCounts) -> tuple[Array, Array, list[str]]:
    """Places of the slices that two tables have in common, in the order of the first; the others in words.

    Raises:
        ValueError: There is none.
    """
    places = {tuple(key.items()): i for i, key in enumerate(b.keys)}
    keys = [tuple(key.items()) for key in a.keys]
    first = [i for i, key in enumerate(keys) if key in places]
    if not first:
        raise ValueError(
            f"the two have no slice in common: {few([shown_key(key) for key in a.keys])} in the first, "
            f"{few([shown_key(key) for key in b.keys])} in the second."
        )
    second = [places[keys[i]] for i in first]
    alone = [key for i, key in enumerate(a.keys) if i not in set(first)]
    alone += [key for i, key in enumerate(b.keys) if i not in set(second)]
    return np.array(first), np.array(second), [shown_key(key) for key in alone]


def aligned_clusters(a: SliceCounts, b: SliceCounts, names: Pair) -> "tuple[Clusters, Clusters]":
    """Clusters of two tables, brought together by name: element i of both is one cluster.

    Args:
        a: Counts of the first source, with clusters.
        b: Counts of the second, of the same slices.
        names: Names that the clusters' numbers stand for, of the first and of the second.

    Returns:
        Clusters of every slice and, last, of all slices together; of all alone where there are no slices.
    """
    from jaxmle._data import Clusters, Counts

    every, place = np.unique(np.concatenate(names), return_inverse=True)
    numbers = (place[: len(names[0])][a.cluster_numbers], place[len(names[0]) :][b.cluster_numbers])
    both = [table.clusters for table in (a, b) if table.clusters is not None]
    # Where there are slices a cluster is one of its slice and, once more, one of all of them.
    last = both[0].n_slices if a.keys[0] else 0
    codes = [last * len(every) + own for own in numbers]
    if last:
        codes = [
            np.concatenate([arm.index * len(every) + own, code])
            for arm, own, code in zip(both, numbers, codes, strict=True)
        ]
    kinds, at = np.unique(np.concatenate(codes), return_inverse=True)
    sums = np.zeros((2, len(kinds), 6), np.result_type(*(arm.counts.tp for arm in both)))
    for arm, part in enumerate((at[: len(codes[0])], at[len(codes[0]) :])):
        np.add.at(sums[arm], part, np.tile(np.stack(both[arm].counts.values(), -1), (1 + bool(last), 1)))
    first, second = (Clusters(Counts(*own.T), kinds // len(every), last + 1) for own in sums)
    return first, second


def pairs_of(both: "tuple[Clusters, Clusters]", names: Pair, id: str) -> "Pairs":
    """Pairs of two tables' items, in every slice and, last, in all of them together.

    Args:
        both: Clusters of the two, as `aligned_clusters` gives them.
        names: Names of the items of the first and of the second.
        id: Column of the names.

    Raises:
        ValueError: No name is in both.
    """
    from jaxmle._data import Pairs

    pairs = Pairs.from_clusters(*both)
    if not pairs.n_matched[-1]:
        raise ValueError(
            f"no {id} is in both, such as {names[0][0]!r} in the first and {names[1][0]!r} in the second; "
            "leave --id out if the two have different items."
        )
    return pairs


def with_clusters(table: SliceCounts, clusters: "Clusters") -> SliceCounts:
    """The table with clusters of every slice and, last, of all."""
    last = clusters.n_slices - 1
    slices = np.arange(last) if last else np.array([0])
    return replace(
        table, clusters=clusters.of_slices(slices), total_clusters=clusters.of_slices(np.array([last]))
    )
