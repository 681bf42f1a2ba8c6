"""Batches of any size on compiled programs of a few fixed sizes, side by side on cores and devices."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from queue import Queue
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
    side_by_side: bool = True,
) -> Any:
    """Map ``call`` over blocks of ``width`` elements and join the results.

    Blocks go to whichever of this process's devices is free. No block spans two, so that results do not
    depend on how many there are, and nothing passes between them.

    Args:
        call: Maps arrays of length ``width`` to a pytree of numpy arrays of that length. It runs in a thread.
        flat: Arrays of one length, >= 1.
        width: Elements a block; the last block is filled up with copies of its last element.
        progress: Told after each block how many elements are done.
        side_by_side: Whether blocks are work enough to be worth starting threads for, a millisecond.

    Returns:
        The pytree of joined arrays.
    """
    size = len(flat[0])
    starts = range(0, size, width)

    chosen = jax.config.jax_default_device  # type: ignore[attr-defined]
    used_devices = [chosen] if chosen is not None else jax.local_devices()
    # One XLA program uses a second core badly; two programs side by side use it well.
    n_threads = max(len(used_devices), os.cpu_count() or 1 if jax.default_backend() == "cpu" else 1)
    free: Queue[Any] = Queue()
    for i in range(n_threads):
        free.put(used_devices[i % len(used_devices)])

    def block(start: int) -> Any:
        part = [a[start : start + width] for a in flat]
        used = len(part[0])
        if used < width:
            part = [np.concatenate([a, np.repeat(a[-1:], width - used, axis=0)]) for a in part]
        device = free.get()
        try:
            # Both settings are local to a thread, so they are made where the work is done.
            # A device that is the only one is not named: compiled code is cached under the name.
            place = jax.default_device(device) if len(jax.local_devices()) > 1 else nullcontext()
            with jax.enable_x64(True), place:
                result = jax.tree.map(lambda x: np.asarray(x)[:used], call(part))
        finally:
            free.put(device)
        if progress:
            progress.advance(used)
        return result

    if len(starts) == 1 or n_threads == 1 or not side_by_side:
        parts = [block(start) for start in starts]
    else:
        with ThreadPoolExecutor(n_threads) as pool:
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
