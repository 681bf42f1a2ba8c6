"""Likelihood-ratio statistics of simulated counts, for many laws at once."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from jaxmle._arrays import leaves, namespace, take, tree_map
from jaxmle._data import Bounds, Calibration, Counts, Problem
from jaxmle._engine import Engine, Progress, chosen_engine, in_tiles, kept_programs, map_batched, program
from jaxmle._model import log_likelihood_at
from jaxmle._simulation import (
    Design,
    Law,
    Tables,
    draw_counts,
    fold_in,
    root_key,
    tables_for,
    uniforms,
)
from jaxmle._solvers import maximize_in_bulk, maximum_between
from jaxmle._types import Array, Pair

T = TypeVar("T")

# Rows that are worked on at once on NumPy.
_EAGER = 1 << 14
# Sizes that are compiled for: rows of the solver's program and laws of the sampler's. The smaller serve one
# data set.
_ROWS = (1 << 12, 1 << 14)
_LAWS = (2, 8, 32, 128)
# Rounds of bounds on a maximum: a tenth of the draws are left after the fewer, 1 in 100 after the more.
_GLANCE, _CLOSE_LOOK = 2, 5
# Processor seconds that JAX takes to compile what a certificate needs.
COMPILE_SECONDS = 8
# Solvers tell ties in the statistic to this tolerance, in nats.
TIE = 1e-4


class HeldRatio(NamedTuple):
    """Likelihood ratios of known failure rates that are compared with something; entries of shape ``(B,)``.

    Attributes:
        best: Maximal log-likelihoods of the larger model.
        held: Counts, and bounds of the smaller model, in which the failure rate is known.
        wanted: Statistics that are asked for.
    """

    best: Array
    held: Problem
    wanted: Array

    def decided_by_bounds(self, calibration: Calibration, engine: Engine, rounds: int = _GLANCE) -> Pair:
        """Whether they are as large as wanted, as bounds on the maxima tell it, and where they do not."""
        if not len(self.best):
            return np.zeros(0, bool), np.zeros(0, bool)
        run = _between(calibration, engine, rounds)
        low, high = map_batched(
            lambda part: run(*Problem.of(part)), self.held.arrays(), _rows(self.held, engine), engine=engine
        )
        is_large = likelihood_ratio(self.best, high) >= self.wanted
        is_small = likelihood_ratio(self.best, low) < self.wanted
        unsure = np.isnan(high) | (is_large == is_small)
        return is_large & ~unsure, unsure

    def as_large(self, calibration: Calibration, engine: Engine) -> Array:
        """Whether they are as large as wanted; only where bounds do not tell the maxima are solved for."""
        found, unsure = self.decided_by_bounds(calibration, engine, _CLOSE_LOOK)
        if unsure.any():
            left = take(self, unsure)
            held, _ = maximal(left.held, calibration, engine)
            found[unsure] = likelihood_ratio(left.best, held) >= left.wanted
        return found


def simulate(
    law: Law,
    wide: Bounds,
    narrow: Bounds,
    ids: Array,
    reduce: Callable[..., T],
    *,
    calibration: Calibration,
    design: Design,
    seed: int,
    stream: int,
    n_draws: int,
    extra: tuple[Array, ...] = (),
    tables: Tables | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> T:
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
        engine: "numpy", "jax", or None for the number of laws and draws to decide.
        progress: Told how many laws are done.

    Returns:
        What ``reduce`` returns, joined over blocks.
    """
    tree = (law, wide, narrow)
    flat = [np.asarray(a, np.float64) for a in leaves(tree)]
    size = len(flat[0])
    engine = chosen_engine(2 * size * n_draws, engine, compile_seconds=COMPILE_SECONDS)
    width = _width(size, n_draws, engine)
    # Compiled, few sizes serve all.
    rows = next((r for r in _ROWS if engine == "jax" and r >= width * n_draws), 0)
    draw = drawing(design, tables or tables_for(law, design), n_draws, engine)

    def call(part: list[Array]) -> T:
        values = iter(part)
        law, wide, narrow = tree_map(lambda _: next(values), tree)
        counts = draw(keys_of(seed, stream, part[len(flat)]), law)
        used = len(part[0]) * n_draws
        pad = max(rows - used, 0)
        padded = tree_map(lambda x: _padded(x, pad), counts)
        wide, narrow = tree_map(lambda x: _padded(np.repeat(x, n_draws), pad), (wide, narrow))
        maximal = _maximal(calibration, engine)
        (best, rate), (held, _) = maximal(padded, wide), maximal(padded, narrow)
        statistic = likelihood_ratio(np.asarray(best), np.asarray(held))
        statistic, theta = (x[:used].reshape(-1, n_draws) for x in (statistic, np.asarray(rate)))
        return reduce(statistic, theta, counts, *part[len(flat) + 1 :])

    return map_batched(call, [*flat, _pairs(ids), *extra], width, engine=engine, progress=progress)


def drawn(
    law: Law,
    ids: Array,
    *,
    design: Design,
    seed: int,
    stream: int,
    n_draws: int,
    engine: Engine,
    tables: Tables | None = None,
) -> Counts:
    """Draw counts from each law, entries of shape ``(P,)``; arguments as in `simulate`.

    Returns:
        Counts of shape ``(P, n_draws)``.
    """
    flat = [np.asarray(a, np.float64) for a in leaves(law)]
    width = _width(len(flat[0]), n_draws, engine)
    draw = drawing(design, tables or tables_for(law, design), n_draws, engine)

    def call(part: list[Array]) -> Counts:
        values = iter(part)
        counts = draw(keys_of(seed, stream, part[-1]), tree_map(lambda _: next(values), law))
        return tree_map(lambda x: np.asarray(x).reshape(-1, n_draws), counts)

    return map_batched(call, [*flat, _pairs(ids)], width, engine=engine)


def maximal(problem: Problem, calibration: Calibration, engine: Engine) -> Pair:
    """Maximal log-likelihoods and the failure rates there, shape ``(B,)``; nothing is certified."""
    run = _maximal(calibration, engine)
    return map_batched(
        lambda part: run(*Problem.of(part)), problem.arrays(), _rows(problem, engine), engine=engine
    )


def likelihood_ratio(best: Array, held: Array) -> Array:
    """Twice what is lost of the log-likelihood, at least 0."""
    # A draw that cannot be under the smaller model is lost altogether.
    return np.maximum(np.nan_to_num(2 * (best - held), nan=0.0, posinf=np.inf), 0.0)


def _rows(problem: Problem, engine: Engine) -> int:
    """Rows that are worked on at once."""
    if engine == "numpy":
        return _EAGER
    return next((n for n in _ROWS if n >= problem.size), _ROWS[-1])


def _width(size: int, n_draws: int, engine: Engine) -> int:
    """Laws that are drawn from at once."""
    if engine == "numpy":
        return max(1, _EAGER // n_draws)
    most = max(1, _ROWS[-1] // n_draws)
    return min(next((n for n in _LAWS if n >= size), most), most)


def _padded(x: Array, pad: int) -> Array:
    return np.pad(x, (0, pad), mode="edge") if pad else x


def keys_of(seed: int, stream: int, ids: Array) -> Pair:
    """Random keys of pairs of whole numbers, shape ``(P, 2)``, told by seed and purpose of the draws."""
    root = fold_in(root_key(int(seed)), stream)
    return fold_in(fold_in(root, ids[:, 0]), ids[:, 1])


@kept_programs
def drawing(design: Design, tables: Tables, n_draws: int, engine: Engine) -> Callable[..., Counts]:
    """The sampler: (keys of shape (P,), law) to counts of shape (P * n_draws,)."""

    def draw(keys: Pair, law: Law) -> Counts:
        counts = draw_counts(uniforms(keys, (4, n_draws)), law, design, tables)
        return tree_map(lambda x: x.reshape(-1), counts)

    return program(draw, engine, "sampler")


@kept_programs
def _maximal(calibration: Calibration, engine: Engine) -> Callable[[Counts, Bounds], Pair]:
    """The program: (counts, bounds) to the maximal log-likelihood and its failure rate, shape ``(B,)``."""

    def solve(both: tuple[Counts, Bounds]) -> Pair:
        params = maximize_in_bulk(*both, calibration)
        return log_likelihood_at(params, both[0], calibration), params.failure_rate

    def run(counts: Counts, bounds: Bounds) -> Pair:
        both = counts, bounds
        return solve(both) if namespace(both) is np else in_tiles(solve, both)

    return program(run, engine)


@kept_programs
def _between(calibration: Calibration, engine: Engine, rounds: int) -> Callable[[Counts, Bounds], Pair]:
    """The program: (counts, bounds at a known failure rate) to bounds on the maximal log-likelihood."""

    def run(counts: Counts, bounds: Bounds) -> Pair:
        return maximum_between(counts, bounds, bounds.failure_rate[0], calibration, rounds)

    return program(run, engine)


def streams(problem: Problem) -> Array:
    """Random streams told by the data themselves, shape ``(B,)``: equal data get equal answers in any batch.

    Source of the mixing constants: Steele, Lea and Flood, OOPSLA 2014 (SplitMix64).
    """
    mixed = np.full(problem.size, 0x9E3779B97F4A7C15, np.uint64)
    for leaf in problem.arrays():
        mixed ^= np.ascontiguousarray(leaf + 0.0, np.float64).view(np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _pairs(ids: Array) -> Array:
    """Random streams as pairs of whole numbers."""
    ids = np.asarray(ids, np.uint32)
    return ids if ids.ndim == 2 else np.stack([ids, np.zeros_like(ids)], -1)
