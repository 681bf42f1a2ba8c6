"""Slices worked on in blocks, so that memory stays bounded."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from jaxmle._arrays import leaves, take, tree_map

A = TypeVar("A")
T = TypeVar("T")


def map_slices(call: Callable[[A], T], tree: A, width: int) -> T:
    """Map ``call`` over blocks of ``width`` slices and join what it returns along the first axis.

    Args:
        call: Maps a tree of arrays to another.
        tree: Arrays whose first axis are the slices.
        width: Slices a block.
    """
    size = len(next(leaves(tree)))
    if size <= width:
        return call(tree)
    parts = [call(take(tree, slice(start, start + width))) for start in range(0, size, width)]
    return tree_map(lambda *arrays: np.concatenate(arrays), *parts)
