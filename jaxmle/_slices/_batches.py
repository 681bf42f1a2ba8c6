"""Trees of arrays, cut along the axis of the slices and joined again."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from jaxmle._types import Array, Index

A = TypeVar("A")
T = TypeVar("T")


def map_batched(call: Callable[[A], T], tree: A, width: int) -> T:
    """Map ``call`` over blocks of ``width`` slices, so that memory stays bounded, and join what it returns.

    Args:
        call: Maps a tree of arrays to another; trees are named tuples, tuples and lists.
        tree: Arrays whose first axis are the slices.
        width: Slices a block.
    """
    size = _size(tree)
    if size <= width:
        return call(tree)
    return joined([call(take(tree, slice(start, start + width))) for start in range(0, size, width)])


def take(tree: T, index: Index) -> T:
    """Index all arrays of a tree."""
    if isinstance(tree, tuple | list):
        return _like(tree, [take(part, index) for part in tree])
    return cast(Any, tree)[index]


def joined(trees: list[T], join: Callable[[list[Any]], Array] = np.concatenate) -> T:
    """Join the arrays that have one place in trees of one structure."""
    if isinstance(trees[0], tuple | list):
        return _like(trees[0], [joined(list(parts), join) for parts in zip(*trees, strict=True)])
    return cast(T, join(trees))


def _like(tree: Any, parts: list[Any]) -> Any:
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def _size(tree: Any) -> int:
    return _size(tree[0]) if isinstance(tree, tuple | list) else len(tree)
