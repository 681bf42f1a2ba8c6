"""Pure functions of arrays as programs of an engine."""

from collections.abc import Callable, Hashable
from functools import cache, wraps
from typing import Literal, TypeVar, cast

import numpy as np

from jaxmle._arrays import leaves, namespace, tree_map
from jaxmle._engine._choice import Engine

A = TypeVar("A")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

# How much work is expected of a compiled program, and so how long to spend on compiling it.
Effort = Literal["little", "much", "sampler"]

# A while-loop over a batch runs until its slowest element; on a CPU tiles that stay in cache waste least.
_TILE = 1024


def program(function: Callable[..., T], engine: Engine, effort: Effort = "much") -> Callable[..., T]:
    """Make ``function`` ready to run: as it is on NumPy arrays, or compiled by JAX.

    Args:
        function: A pure function over an array namespace.
        engine: "numpy" or "jax".
        effort: "little" for a short compilation where there is little to do, "much" for throughput, "sampler"
            for programs that are compiled for many sizes and gain nothing from the slowest passes.

    Returns:
        A function of the same arguments. Its results are NumPy arrays or, on JAX, arrays of the device.
    """
    if engine == "jax":
        import jax

        return jax.jit(function, compiler_options=_compiler_options(effort))

    @wraps(function)
    def eager(*args: object) -> T:
        # What overflows or is undefined is dealt with by the function, as under JAX, which does not warn.
        with np.errstate(all="ignore"):
            return function(*args)

    return eager


def kept_programs(make: F) -> F:
    """Decorator: make each program once, for each backend of JAX where JAX is the engine asked for.

    Options of the compiler and tiles are those of the backend, which may change while a process lives.
    """

    @cache
    def made(_: str, *args: Hashable) -> object:
        return make(*args)

    @wraps(make)
    def kept(*args: Hashable) -> object:
        if "jax" not in args:
            return made("", *args)
        import jax

        return made(jax.default_backend(), *args)

    return cast(F, kept)


def in_tiles(function: Callable[[A], T], arguments: A) -> T:
    """Apply an elementwise function over a flat batch of JAX arrays, in tiles on a CPU."""
    import jax

    xp = namespace(arguments)
    size = next(leaves(arguments)).shape[0]
    if jax.default_backend() != "cpu" or size <= _TILE:
        return function(arguments)
    n_tiles = -(-size // _TILE)
    pad = n_tiles * _TILE - size
    tiled = tree_map(
        lambda x: xp.concatenate([x, xp.broadcast_to(x[-1], (pad,))]).reshape(n_tiles, _TILE), arguments
    )
    return tree_map(lambda x: x.reshape(-1)[:size], jax.lax.map(function, tiled))


def _compiler_options(effort: Effort) -> dict[str, int | bool] | None:
    import jax

    if jax.default_backend() != "cpu":
        return None
    return {
        "little": {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False},
        "sampler": {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": False},
        "much": {"xla_cpu_prefer_vector_width": 512, "xla_cpu_use_fusion_emitters": False},
    }[effort]
