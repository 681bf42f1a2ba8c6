"""Names for the types that signatures speak of.

The core computes on arrays of NumPy and of JAX alike. Type checkers know no type that stands for both and
for what arithmetic makes of them, so arrays are written as those of NumPy here; under `jax.jit` and
`jax.grad` the same functions hold tracers.
"""

from collections.abc import Sequence
from types import EllipsisType, ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike as ArrayLike
from numpy.typing import NDArray

# An array of NumPy or JAX, of any shape and number type; docstrings tell both.
Array: TypeAlias = NDArray[Any]
# Two arrays, such as a lower and an upper end.
Pair: TypeAlias = tuple[Array, Array]
# Three of them, such as the parameters of the model.
Triple: TypeAlias = tuple[Array, Array, Array]
# A result for users: a plain number for one data set, an array for a batch.
Numbers: TypeAlias = float | Array
# The same of a yes or no.
Flags: TypeAlias = bool | Array
# Verdicts item by item, some of which may be missing: None, NaN or -1.
Verdicts: TypeAlias = Sequence[object] | ArrayLike
# What picks elements of an array.
Index: TypeAlias = (
    int
    | np.integer[Any]
    | slice
    | EllipsisType
    | Array
    | Sequence[int]
    | tuple[int | slice | EllipsisType | Array | None, ...]
    | None
)
# An object of JSON as a command makes it, with objects and lists inside.
Document: TypeAlias = dict[str, Any]
# `numpy` or `jax.numpy`.
Namespace: TypeAlias = ModuleType
