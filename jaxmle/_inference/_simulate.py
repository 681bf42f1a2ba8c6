"""Likelihood-ratio statistics of simulated counts, for many laws at once."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._inference._blocks import compiler_options, in_blocks
from jaxmle._inference._progress import Progress
from jaxmle._simulation import Design, Law, Tables, draw_counts, tables_for, uniforms
from jaxmle._solvers._bulk import likelihood_ratio

# Sizes that are compiled for: rows of the solver's program and laws of the sampler's. The smaller serve one
# data set.
_ROWS = (1 << 12, 1 << 14)
_LAWS = (2, 8, 32, 128)
# Shortfall in nats that no decision by simulation can notice; ties are wider than it.
ERROR = 1e-6
TIE = 1e-4


def simulate(
    law: Law,
    wide: Bounds,
    narrow: Bounds,
    ids: Any,
    reduce: Callable[..., Any],
    *,
    calibration: Calibration,
    design: Design,
    seed: int,
    stream: int,
    n_draws: int,
    extra: tuple[Any, ...] = (),
    tables: Tables | None = None,
    progress: Progress | None = None,
) -> Any:
    """Draw counts from each law, compute their likelihood ratios, and reduce them block by block.

    Draws depend on ``seed``, ``stream`` and the element of ``ids`` alone: laws with one id share their
    uniforms, and no result depends on what else is in the batch.

    Args:
        law: Sampling laws, entries of shape ``(P,)``.
        wide: Bounds of the larger model, shape ``(P,)``.
        narrow: Bounds of the smaller model, shape ``(P,)``.
        ids: Which random stream each law uses, shape ``(P,)`` or ``(P, 2)``, whole numbers >= 0.
        reduce: Maps the statistic and the larger model's failure rate, each of shape ``(P, D)``, the counts
            of shape ``(P * D,)`` and the extra arrays to a pytree of arrays of leading axis P.
        calibration: "internal" or "external".
        design: How the items were chosen that humans label.
        seed: Seed.
        stream: What the draws are for; different streams are independent.
        n_draws: D.
        extra: More arrays of leading axis P for ``reduce``.
        tables: Tables that serve this law and others, where one compiled sampler is to draw them all.
        progress: Told how many laws are done.

    Returns:
        What ``reduce`` returns, joined over blocks.
    """
    flat, structure = jax.tree.flatten((law, wide, narrow))
    size = len(flat[0])
    most = max(1, _ROWS[-1] // n_draws)
    width = min(next((n for n in _LAWS if n >= size), most), most)
    rows = next((r for r in _ROWS if r >= width * n_draws), width * n_draws)
    draw = drawing(design, tables or tables_for(law, design), n_draws, rows == _ROWS[0])
    ratio = _ratio(calibration)
    used = width * n_draws

    def spread(x: Any) -> Any:
        return np.pad(np.repeat(x, n_draws), (0, rows - used), mode="edge")

    def call(part: list[Any]) -> Any:
        law, wide, narrow = jax.tree.unflatten(structure, part[: len(flat)])
        counts = draw(seed, stream, part[len(flat)], law)
        wide, narrow = jax.tree.map(spread, (wide, narrow))
        padded = jax.tree.map(lambda x: np.pad(x, (0, rows - used), mode="edge"), counts)
        found = ratio(padded, wide, narrow)
        statistic, theta = (np.asarray(x)[:used].reshape(-1, n_draws) for x in found)
        return reduce(statistic, theta, counts, *part[len(flat) + 1 :])

    arrays = [np.asarray(a, np.float64) for a in flat] + [_pairs(ids), *extra]
    return in_blocks(call, arrays, width, progress=progress)


@cache
def drawing(design: Design, tables: Tables, n_draws: int, small: bool) -> Callable[..., Counts]:
    """Jit the sampler: (seed, stream, ids of shape (P, 2), law) to counts of shape (P * n_draws,)."""

    def draw(seed: Any, stream: Any, ids: Any, law: Law) -> Counts:
        # The generator is named, so that a user's default cannot change results.
        root = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), stream)
        keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(root, i[0]), i[1]))(ids)
        counts = draw_counts(uniforms(keys, n_draws), law, design, tables)
        return jax.tree.map(lambda x: x.reshape(-1), counts)

    return jax.jit(draw, compiler_options=compiler_options(small, sampler=True))


@cache
def _ratio(calibration: Calibration) -> Callable[..., tuple[Any, Any]]:
    def ratio(counts: Counts, wide: Bounds, narrow: Bounds) -> tuple[Any, Any]:
        statistic, free, _ = likelihood_ratio(counts, wide, narrow, calibration, ERROR)
        return statistic, free.params.failure_rate

    return jax.jit(ratio, compiler_options=compiler_options(False))


def streams(leaves: list[Any]) -> Any:
    """Random streams told by the data themselves, shape ``(B,)``: equal data get equal answers in any batch.

    Source of the mixing constants: Steele, Lea and Flood, OOPSLA 2014 (SplitMix64).
    """
    mixed = np.full(len(leaves[0]), 0x9E3779B97F4A7C15, np.uint64)
    for leaf in leaves:
        mixed ^= np.ascontiguousarray(leaf + 0.0, np.float64).view(np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _pairs(ids: Any) -> Any:
    """Random streams as pairs of whole numbers."""
    ids = np.asarray(ids, np.uint32)
    return ids if ids.ndim == 2 else np.stack([ids, np.zeros_like(ids)], -1)
