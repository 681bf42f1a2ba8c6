"""Batches of any size on compiled programs of a few fixed sizes, side by side on a CPU."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from jaxmle._inference._progress import Progress


def in_blocks(
    call: Callable[[list[Any]], Any],
    flat: Sequence[Any],
    width: int,
    *,
    progress: Progress | None = None,
) -> Any:
    """Map ``call`` over blocks of ``width`` elements and join the results.

    Args:
        call: Maps arrays of length ``width`` to a pytree of numpy arrays of that length. It runs in a thread.
        flat: Arrays of one length, >= 1.
        width: Elements a block; the last block is filled up with copies of its last element.
        progress: Told after each block how many elements are done.

    Returns:
        The pytree of joined arrays.
    """
    size = len(flat[0])
    starts = range(0, size, width)

    def block(start: int) -> Any:
        part = [a[start : start + width] for a in flat]
        used = len(part[0])
        if used < width:
            part = [np.concatenate([a, np.repeat(a[-1:], width - used, axis=0)]) for a in part]
        # The flag is local to a thread, so it is set where the work is done.
        with jax.enable_x64(True):
            result = jax.tree.map(lambda x: np.asarray(x)[:used], call(part))
        if progress:
            progress.advance(used)
        return result

    if len(starts) == 1 or jax.default_backend() != "cpu":
        parts = [block(start) for start in starts]
    else:
        # One XLA program uses a second core badly here; two programs side by side use it well.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            parts = list(pool.map(block, starts))
    return parts[0] if len(parts) == 1 else jax.tree.map(lambda *xs: np.concatenate(xs), *parts)


def compiler_options(small: bool, *, sampler: bool = False) -> dict[str, Any] | None:
    """Compile for a short compilation where there is little to do, else for throughput.

    Samplers are compiled for many table sizes, and gain nothing from the slowest passes.
    """
    if jax.default_backend() != "cpu":
        return None
    if small:
        return {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
    return {"xla_backend_optimization_level": 1} if sampler else {"xla_cpu_prefer_vector_width": 512}
