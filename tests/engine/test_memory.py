"""Blocks are as large as memory allows, and no estimate depends on them."""

from functools import partial
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from jaxmle import Bounds, Counts, fit
from jaxmle._arrays import tree_map
from jaxmle._data import Problem
from jaxmle._engine import map_batched, rows_a_block, side_by_side
from jaxmle._engine._memory import BYTES_A_ROW
from jaxmle._inference import _fit

SIZES = (1 << 15, 1 << 18, 1 << 20)
BOX = Bounds(tpr=(0.6, 0.9), fpr=(0.05, 0.3))


def devices(*free):
    """Devices that have so many bytes left of 64 GiB."""
    total = 1 << 36
    return [
        SimpleNamespace(memory_stats=lambda n=n: {"bytes_limit": total, "bytes_in_use": total - n})
        for n in free
    ]


@pytest.mark.parametrize(
    ("free", "size", "expected"),
    [
        ((1 << 36,), 10**8, 1 << 20),  # a row is 2 KiB, and a sixteenth of what is free goes to a block
        ((1 << 36, 1 << 33), 10**8, 1 << 18),  # the fullest device counts
        ((1 << 28,), 10**8, 1 << 15),  # the least is taken whatever there is
        ((1 << 36,), 600_000, 1 << 20),
        ((1 << 36,), 500_000, 1 << 18),  # no block is mostly filling
        ((1 << 36,), 3, 1 << 15),
    ],
)
def test_a_block_takes_a_share_of_the_memory_that_is_free(monkeypatch, free, size, expected):
    monkeypatch.setattr(jax, "local_devices", lambda: devices(*free))
    assert rows_a_block(size, SIZES) == expected


def test_where_devices_do_not_say_a_block_has_a_fixed_budget(monkeypatch):
    monkeypatch.setattr(jax, "local_devices", lambda: [SimpleNamespace(memory_stats=lambda: None)])
    assert rows_a_block(10**8, (1 << 15, 1 << 17, 1 << 20)) == 1 << 17


def test_parts_side_by_side_take_their_blocks_in_turn():
    x = np.arange(1000.0)

    def part(start):
        return map_batched(lambda some: some[0] ** 2, [x[start : start + 250]], 100, engine="jax")

    np.testing.assert_array_equal(np.concatenate(side_by_side(part, range(0, 1000, 250))), x**2)


def problem(size):
    rng = np.random.default_rng(0)
    counts = Counts(*rng.integers(0, 60, (6, size)) + 1.0)
    return tree_map(lambda x: np.broadcast_to(np.asarray(x, float), (size,)), Problem(counts, BOX))


@pytest.mark.slow
@pytest.mark.parametrize("calibration", ["internal", "external"])
def test_a_row_of_the_programs_holds_no_more_than_is_reckoned_with(monkeypatch, calibration):
    monkeypatch.setattr(jax, "default_backend", lambda: "cuda")  # whole blocks, as on accelerators
    size = 2048
    some = problem(size)
    estimate = partial(_fit._estimate, calibration=calibration, solver="flag_rate", engine="jax")
    with jax.enable_x64(True):
        held = jax.jit(estimate).lower(some.arrays()).compile().memory_analysis()
    parts = held.temp_size_in_bytes, held.argument_size_in_bytes, held.output_size_in_bytes
    assert BYTES_A_ROW / 4 < sum(parts) / size <= BYTES_A_ROW


@pytest.mark.slow
def test_no_estimate_depends_on_the_size_of_a_block(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "cuda")
    some = problem(3000)
    found = []
    for rows in (512, 4096):
        monkeypatch.setattr(_fit, "_ACCELERATOR", (rows,))
        found.append(fit(some.counts, BOX, engine="jax"))
    one, other = found
    for name in ("failure_rate", "tpr", "fpr", "log_likelihood", "converged", "identified"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    assert one.active_bounds == other.active_bounds
    # The gap of a solution is rounding error itself, and another shape may round another way.
    np.testing.assert_allclose(one.gap, other.gap, rtol=0, atol=1e-15)
