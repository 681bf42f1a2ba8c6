"""Batches of any size in blocks: in turn on NumPy, side by side on the cores and devices of JAX."""

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._engine._choice import Engine
from jaxmle._engine._progress import Progress
from jaxmle._types import Array

A = TypeVar("A")
T = TypeVar("T")

# More parts at once would take more memory than they save time.
_MOST_THREADS = 8
# Which of the parts that are worked on side by side this thread is at, if any.
_worker: ContextVar[int | None] = ContextVar("_worker", default=None)


def map_batched(
    call: Callable[[list[Array]], T],
    flat: Sequence[Array],
    width: int,
    *,
    engine: Engine,
    progress: Progress | None = None,
    side_by_side: bool = True,
) -> T:
    """Map ``call`` over blocks of ``width`` elements and join the results.

    Args:
        call: Maps arrays of one length to a pytree of arrays of that length. Under JAX it runs in a thread,
            and all blocks have length ``width``.
        flat: Arrays of one length, >= 1.
        width: Elements a block, at most.
        engine: "numpy" or "jax".
        progress: Told after each block how many elements are done.
        side_by_side: Whether blocks are work enough to be worth starting threads for, a millisecond.

    Returns:
        The pytree of joined NumPy arrays.
    """
    starts = range(0, len(flat[0]), width)
    if engine == "numpy":
        parts = []
        for start in starts:
            parts.append(call([a[start : start + width] for a in flat]))
            if progress:
                progress.advance(min(width, len(flat[0]) - start))
    else:
        parts = _on_devices(call, flat, width, progress, side_by_side)
    return parts[0] if len(parts) == 1 else tree_map(lambda *xs: np.concatenate(xs), *parts)


def side_by_side(call: Callable[[A], T], parts: Sequence[A]) -> list[T]:
    """Map ``call`` over parts, each the work of a second or so, in as many threads as there are cores.

    NumPy and XLA let other threads go on while they compute. Blocks within a part are then taken in turn.
    """
    n_threads = min(len(parts), _cores(), _MOST_THREADS)
    if n_threads <= 1 or _worker.get() is not None:
        return [call(part) for part in parts]
    from concurrent.futures import ThreadPoolExecutor
    from itertools import count

    numbers = count()
    with ThreadPoolExecutor(n_threads, initializer=lambda: _worker.set(next(numbers))) as pool:
        return list(pool.map(call, parts))


def _cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _on_devices(
    call: Callable[[list[Array]], T],
    flat: Sequence[Array],
    width: int,
    progress: Progress | None,
    side_by_side: bool,
) -> list[T]:
    """Blocks go to whichever of this process's devices is free.

    No block spans two, so that results do not depend on how many there are, and nothing passes between them.
    The last block is filled up with copies of its last element.
    """
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import nullcontext
    from queue import Queue

    import jax

    chosen = jax.config.jax_default_device  # type: ignore[attr-defined]
    used_devices = [chosen] if chosen is not None else jax.local_devices()
    # One XLA program uses a second core badly; two programs side by side use it well.
    n_threads = max(len(used_devices), _cores() if jax.default_backend() == "cpu" else 1)
    free: Queue[Any] = Queue()
    for i in range(n_threads):
        free.put(used_devices[i % len(used_devices)])

    def block(start: int) -> T:
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
                result = tree_map(lambda x: np.asarray(x)[:used], call(part))
        finally:
            free.put(device)
        if progress:
            progress.advance(used)
        return result

    starts = range(0, len(flat[0]), width)
    worker = _worker.get()
    if worker is not None:
        # This thread's own device, if there are several.
        free = Queue()
        free.put(used_devices[worker % len(used_devices)])
    if len(starts) == 1 or n_threads == 1 or not side_by_side or worker is not None:
        return [block(start) for start in starts]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(block, starts))
