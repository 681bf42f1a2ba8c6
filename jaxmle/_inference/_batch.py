"""Results of one data set or a batch of them."""

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np

from jaxmle._arrays import leaves, tree_map
from jaxmle._inference._arguments import plain
from jaxmle._types import ArrayLike, Index

_SHOWN = 3


def first_few(form: Callable[..., str], *values: ArrayLike) -> str:
    """The first results of a batch in words: ``form`` of the values of each, "..." for the others."""
    rows = zip(*(np.ravel(one)[:_SHOWN] for one in values), strict=True)
    more = ", ..." if np.size(values[0]) > _SHOWN else ""
    return ", ".join(form(*row) for row in rows) + more


class Batch:
    """A pytree whose leaves have the batch axes in front, the first leaf no others: indexed like an array."""

    def __getitem__(self, index: Index) -> Self:
        return tree_map(lambda x: plain(np.asarray(x)[index]), self)

    def __len__(self) -> int:
        shape = np.shape(next(leaves(self)))
        if not shape:
            raise TypeError(f"a scalar {type(self).__name__} has no length")
        return shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))
