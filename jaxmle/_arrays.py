"""NumPy or JAX: the array namespace of a computation, and trees of arrays without importing JAX.

The core is written once over a namespace, which NumPy and `jax.numpy` both are. Nothing here imports JAX:
who holds one of its arrays has imported it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar, cast

import numpy as np

from jaxmle._types import Array, Index

T = TypeVar("T")


def pytree(cls: type[T]) -> type[T]:
    """Class decorator: register a frozen dataclass as a JAX pytree, now or when JAX is imported.

    Fields with ``metadata={"static": True}`` are no leaves.
    """

    def register(jax: ModuleType) -> None:
        jax.tree_util.register_dataclass(cls)

    when_jax_loads(register)
    return cls


def unchecked_pytree(cls: type[T]) -> type[T]:
    """Class decorator: as `pytree`, for a class whose leaves are not to be checked again when it is rebuilt.

    They may be tracers or sentinels, at which ``__post_init__`` cannot look.
    """

    def register(jax: ModuleType) -> None:
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        keys = [jax.tree_util.GetAttrKey(name) for name in names]
        empty = object.__new__(cls)

        def values(tree: T) -> tuple[object, ...]:
            return tuple(getattr(tree, name) for name in names)

        jax.tree_util.register_pytree_with_keys(
            cls,
            lambda tree: (tuple(zip(keys, values(tree), strict=True)), None),
            lambda _, parts: rebuilt(empty, dict(zip(names, parts, strict=True))),
            lambda tree: (values(tree), None),
        )

    when_jax_loads(register)
    return cls


def when_jax_loads(action: Callable[[ModuleType], None]) -> None:
    """Call ``action`` with the module `jax`: at once where it is loaded, else when it is."""
    if sys.modules.get("jax") is not None:
        import_module("jax")  # waits where another thread is importing it
    jax = loaded_jax()
    if jax is not None:
        action(jax)
        return
    _finder.actions.append(action)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


class _JaxFinder(MetaPathFinder):
    """Lets the others find JAX, and acts once it has been loaded."""

    def __init__(self) -> None:
        self.actions: list[Callable[[ModuleType], None]] = []

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "jax" or not self.actions:
            return None
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others if hasattr(finder, "find_spec"))
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_act(module: ModuleType) -> None:
            load(module)
            actions, self.actions = self.actions, []
            for action in actions:
                action(module)

        spec.loader.exec_module = load_and_act  # type: ignore[method-assign]
        return spec


_finder = _JaxFinder()


def loaded_jax() -> Any:
    """The module `jax` where somebody has imported it, else None."""
    jax = sys.modules.get("jax")
    return jax if jax is not None and hasattr(jax, "Array") else None


# A tuple: `isinstance` is quicker with it than with a union.
_NOT_JAX = (np.ndarray, np.generic, float, int, tuple, list)


def is_jax(value: object) -> bool:
    """Whether the value is an array of JAX or a tracer."""
    if isinstance(value, _NOT_JAX) or value is None:
        return False
    jax = loaded_jax()
    return jax is not None and isinstance(value, jax.Array)


def is_traced(*values: object) -> bool:
    """Whether any of the values is a JAX tracer, whose numbers cannot be looked at."""
    return any(is_jax(value) and isinstance(value, loaded_jax().core.Tracer) for value in values)


def namespace(*trees: object) -> ModuleType:
    """`jax.numpy` where any array of the trees is one of JAX, else `numpy`."""
    if "jax" not in sys.modules:
        return np
    for tree in trees:
        for leaf in leaves(tree):
            if is_jax(leaf):
                return sys.modules["jax.numpy"]
    return np


def select(condition: Array, a: Array | float, b: Array | float) -> Array:
    """`where` that leaves a single operation in a program of JAX; a or b may be a number, not both."""
    if not is_jax(condition):
        return np.where(condition, a, b)
    from jax import lax

    shape = np.broadcast_shapes(*(np.shape(x) for x in (condition, a, b)))
    dtype = next(x.dtype for x in (a, b) if hasattr(x, "dtype"))
    full = [lax.full(shape, x, dtype) if np.ndim(x) == 0 and not hasattr(x, "dtype") else x for x in (a, b)]
    xp = sys.modules["jax.numpy"]
    known: list[Any] = [condition, *full]
    condition, a, b = (x if x.shape == shape else xp.broadcast_to(x, shape) for x in known)
    return cast(Array, lax.select(condition, a, b))


def where_needed(needed: Array, compute: Callable[[], T], otherwise: T) -> T:
    """``compute()`` where any element needs it; where none does ``otherwise``, of the same structure."""
    if not is_jax(needed):
        return compute() if needed.any() else otherwise
    from jax import lax

    return cast(T, lax.cond(needed.any(), compute, lambda: otherwise))


def leaves(tree: object) -> Iterator[Any]:
    """Arrays and numbers of a tree of dataclasses, named tuples, tuples and lists; None holds none."""
    if tree is None:
        return
    if isinstance(tree, tuple | list):
        for part in tree:
            yield from leaves(part)
    elif is_dataclass(tree):
        for field in fields(tree):
            if not field.metadata.get("static"):
                yield from leaves(getattr(tree, field.name))
    else:
        yield tree


def tree_map(function: Callable[..., Any], tree: T, *others: object) -> T:
    """Apply ``function`` to the leaves of trees of one structure; static fields are those of the first."""
    if tree is None:
        return tree
    if isinstance(tree, tuple | list):
        parts = [tree_map(function, *rows) for rows in zip(tree, *others, strict=True)]
        made: Any = type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
        return made
    if is_dataclass(tree):
        changed = {
            field.name: tree_map(function, *(getattr(x, field.name) for x in (tree, *others)))
            for field in fields(tree)
            if not field.metadata.get("static")
        }
        return rebuilt(tree, changed)
    return function(tree, *others)


def take(tree: T, index: Index) -> T:
    """Index all arrays of a tree."""
    return tree_map(lambda x: x[index], tree)


def joined(trees: Sequence[T], join: Callable[[Sequence[Any]], Any] = np.concatenate) -> T:
    """Join the arrays that have one place in trees of one structure."""
    return tree_map(lambda *parts: join(parts), *trees)


def rebuilt(value: T, changed: Mapping[str, object]) -> T:
    """A copy of a frozen dataclass with other leaves, its checks left out: leaves may be tracers."""
    new = object.__new__(type(value))
    for field in fields(value):  # type: ignore[arg-type]
        name = field.name
        object.__setattr__(new, name, changed[name] if name in changed else getattr(value, name))
    return new
