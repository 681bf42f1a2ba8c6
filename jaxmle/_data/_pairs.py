"""Two sets of verdicts on the same items."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Self

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data._clusters import Clusters
from jaxmle._data._counts import Counts
from jaxmle._data._labels import coded_verdicts
from jaxmle._data._validation import first_bad, host_number
from jaxmle._results import Result, first_few
from jaxmle._types import Array, ArrayLike, Index, Verdicts

_CELLS = 12


def check_aligned(a: Clusters, b: Clusters) -> None:
    """Raise unless element i of both is one item, or one cluster, of one slice."""
    if a.n_slices != b.n_slices or not np.array_equal(a.index, b.index):
        raise ValueError("`a` and `b` must hold the same items in the same slices, in one order.")


@pytree
@dataclass(frozen=True, eq=False)
class Pairs(Result):
    """How the verdicts of two sets go together, item by item.

    An item is whatever both sets name alike: a prompt that two models answered. It may have several rows in
    a set, or none.

    Args:
        products: Sums over items of the products of their twelve counts, six of the first set and then six of
            the second, shape ``(..., 12, 12)``.
        sums: Sums over items of the twelve counts, shape ``(..., 12)``: the counts of the two sets.
        n_labeled: Number of items with a human label in either set, shape ``(...)``.
        n_matched: Number of items that both sets hold, shape ``(...)``.

    Raises:
        ValueError: Shapes do not match, or a number is negative or not finite.

    Examples:
        >>> from jaxmle import Pairs
        >>> pairs = Pairs.from_labels(
        ...     judge_a=[1, 0, 1], human_a=[1, 0, None], judge_b=[1, 0, 1], human_b=[1, 1, None]
        ... )
        >>> pairs.n_matched.item(), pairs.n_labeled.item()
        (3, 2)
    """

    products: Array
    sums: Array
    n_labeled: Array
    n_matched: Array

    if TYPE_CHECKING:  # what may be passed; the fields hold arrays

        def __init__(
            self, products: ArrayLike, sums: ArrayLike, n_labeled: ArrayLike, n_matched: ArrayLike
        ) -> None: ...

    def __post_init__(self) -> None:
        products = np.asarray(host_number("products", self.products), np.float64)
        if products.shape[-2:] != (_CELLS, _CELLS):
            raise ValueError(f"`products` must have shape (..., {_CELLS}, {_CELLS}); got {products.shape}.")
        first_bad("products", products, products < 0, ">= 0")
        object.__setattr__(self, "products", products)
        sums = np.asarray(host_number("sums", self.sums), np.float64)
        if sums.shape != products.shape[:-1]:
            raise ValueError(f"`sums` must have shape {products.shape[:-1]}; got {sums.shape}.")
        first_bad("sums", sums, sums < 0, ">= 0")
        object.__setattr__(self, "sums", sums)
        for name in ("n_labeled", "n_matched"):
            number = np.asarray(host_number(name, getattr(self, name)))
            first_bad(name, number, number < 0, ">= 0")
            if number.shape != products.shape[:-2]:
                raise ValueError(f"`{name}` must have shape {products.shape[:-2]}; got {number.shape}.")
            object.__setattr__(self, name, number)

    def __getitem__(self, index: Index) -> Self:
        return type(self)(*(getattr(self, one.name)[index] for one in fields(self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar Pairs has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __str__(self) -> str:
        def form(matched: float, labeled: float) -> str:
            return f"{matched:,} items in both, {labeled:,} labelled"

        return first_few(form, self.n_matched, self.n_labeled)

    def _table_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch shape."""
        return tuple(self.products.shape[:-2])

    @classmethod
    def from_clusters(cls, a: Clusters, b: Clusters) -> Self:
        """Pair the sums of items: element i of both is one item, which lies in one slice.

        Args:
            a: Counts of each item in the first set, zero where it has none, shape ``(n_items,)``.
            b: The same of the second set, the items in the same order and slices.

        Returns:
            The pairs of each slice, shape ``(n_slices,)``.

        Raises:
            ValueError: Number, order or slices of the items differ.

        Examples:
            >>> from jaxmle import Clusters, Counts, Pairs
            >>> one = Clusters(Counts([1, 0], [0, 0], [0, 0], [0, 1], [0, 0], [0, 0]), [0, 0], 1)
            >>> Pairs.from_clusters(one, one).n_labeled
            array([2])
        """
        check_aligned(a, b)
        size, index, both = a.n_slices, a.index, np.concatenate([a.cells, b.cells], -1)
        products = np.zeros((size, _CELLS, _CELLS))
        for i, j in combinations_with_replacement(range(_CELLS), 2):
            sums = np.bincount(index, weights=both[:, i] * both[:, j], minlength=size)
            products[:, i, j] = products[:, j, i] = sums
        totals = np.concatenate([np.stack(own.totals.values(), -1) for own in (a, b)], -1)
        labeled = (a.counts.n_labeled > 0) | (b.counts.n_labeled > 0)
        matched = both[:, :6].any(1) & both[:, 6:].any(1)
        return cls(
            products, totals, *(np.bincount(index[flags], minlength=size) for flags in (labeled, matched))
        )

    @classmethod
    def from_labels(
        cls, *, judge_a: Verdicts, human_a: Verdicts, judge_b: Verdicts, human_b: Verdicts
    ) -> Self:
        """Pair verdicts given item by item, as in `Counts.from_labels`.

        Args:
            judge_a: Judge verdicts on the first set, shape ``(n_items,)``.
            human_a: Human verdicts on the first set, shape ``(n_items,)``; NaN, None or -1 where unlabelled.
            judge_b: Judge verdicts on the second set; element i is the same item as element i of the first.
            human_b: Human verdicts on the second set.

        Returns:
            The pairs, shape ``()``.

        Raises:
            ValueError: The lengths differ, or a verdict is none.

        Examples:
            >>> from jaxmle import Pairs
            >>> Pairs.from_labels(judge_a=[1, 0], human_a=[1, 0], judge_b=[1, 0], human_b=[0, 0]).shape
            ()
        """
        arms = []
        for human, judge in ((human_a, judge_a), (human_b, judge_b)):
            truth = coded_verdicts("human", human, missing_allowed=True)
            test = coded_verdicts("judge", judge, missing_allowed=False)
            if truth.shape != test.shape:
                raise ValueError(f"Verdicts must have one length; got {truth.size} and {test.size}.")
            cell = np.where(truth < 0, 2, 1 - truth) * 2 + (1 - test)
            arms.append(Counts(*np.eye(6, dtype=np.int64)[cell].T))
        if arms[0].shape != arms[1].shape:
            raise ValueError(f"Both sets must hold the same items; got {arms[0].shape} and {arms[1].shape}.")
        index = np.zeros(len(arms[0]), np.int64)
        found = cls.from_clusters(*(Clusters(arm, index, 1) for arm in arms))
        return found[0]
