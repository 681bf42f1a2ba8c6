"""How many rows of a compiled program fit into memory at once."""

from collections.abc import Sequence

# One in so many bytes that are free may go to a block: others are under way, and the caller has data too.
_SHARE = 16
# Bytes for a block where a device does not say what it has, as CPUs do not.
_BUDGET = 1 << 28
# What the largest of the compiled programs, `fit`, holds for each row with arguments and results, by XLA's
# `memory_analysis`: 900 bytes with internal labels and 1,820 with external ones.
BYTES_A_ROW = 2048


def rows_a_block(size: int, sizes: Sequence[int]) -> int:
    """Rows that are worked on at once, of the sizes that programs are compiled for.

    Args:
        size: Rows that there are, >= 1.
        sizes: Numbers of rows, ascending; the least is taken to fit.

    Returns:
        The largest size that fits into memory and is not more than twice ``size``, else the least.
    """
    budget = _free_bytes()
    usable = [rows for rows in sizes[1:] if rows * BYTES_A_ROW <= budget and rows <= 2 * size]
    return max(usable, default=sizes[0])


def _free_bytes() -> int:
    """Bytes for a block on the fullest of this process's devices."""
    import jax

    stats = [device.memory_stats() or {} for device in jax.local_devices()]
    free = [one["bytes_limit"] - one.get("bytes_in_use", 0) for one in stats if "bytes_limit" in one]
    return min(free) // _SHARE if free else _BUDGET
