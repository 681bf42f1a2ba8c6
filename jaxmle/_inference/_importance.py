"""p-values of failure rates from draws that serve many rates and judges: only their weights differ.

Data sets are drawn from a mixture of laws, some of them where the statistic is often large. The probability
of an event under any law near by is the mean of its weights, density over that of the mixture: no weight
exceeds the number of laws, where the law is one of them.

Source: Owen and Zhou, JASA 95 (2000), for mixtures as proposals.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import joined, take, tree_map
from jaxmle._data import Calibration, Counts, Params, Problem
from jaxmle._engine import Engine, unless_cpu
from jaxmle._inference._simulate import TIE, HeldRatio, drawn, likelihood_ratio, maximal
from jaxmle._simulation import Design, law_of_params
from jaxmle._stats import log_sum_exp
from jaxmle._types import Array, Index

# Fits that are worked on at once.
_BLOCK = {"numpy": 1 << 14, "jax": 1 << 18}
_IMPOSSIBLE = -1e5
# Numbers that a processor keeps at hand.
_AT_HAND = 1 << 16
_LEAST_RISE = 1e-100
# Entries of a table for each number that is drawn from it: more would take longer than the fits.
_ENTRIES = 16


class Draws(NamedTuple):
    """D data sets drawn for each of B, from a mixture of laws.

    Attributes:
        cells: The six counts, shape ``(B, D, 6)``.
        best: Maximal log-likelihoods within the bounds, shape ``(B, D)``.
        estimate: Failure rates there, shape ``(B, D)``.
        log_mixture: Log-density that they were drawn from, but for what the counts alone make of it, shape
            ``(B, D)``.
    """

    cells: Array
    best: Array
    estimate: Array
    log_mixture: Array

    def take(self, index: Index) -> "Draws":
        """Return the draws at ``index``."""
        return Draws(*(x[index] for x in self))


def draws_of_mixture(
    problem: Problem,
    judges: Params,
    ids: Array,
    *,
    calibration: Calibration,
    design: Design,
    seed: int,
    stream: int,
    n_draws: int,
    engine: Engine,
) -> Draws:
    """Draw from laws at ``judges`` of shape ``(B, M)``, ``n_draws`` times from each.

    Counts must be whole; ``ids`` are the random streams of the data sets, shape ``(B,)``.
    """
    size, components = judges.tpr.shape
    index = np.repeat(np.arange(size), components)
    which = np.tile(np.arange(components), size)
    each = problem.take(index)
    law = law_of_params(tree_map(lambda x: x.reshape(-1), judges), each.counts, design, _ENTRIES * n_draws)
    counts = drawn(
        law,
        np.stack([ids[index], which], -1),
        design=design,
        seed=seed,
        stream=stream,
        n_draws=n_draws,
        # Each batch has tables of its own size, so that JAX would compile again and again.
        engine=unless_cpu(engine),
    )
    rows = Problem(
        tree_map(lambda x: x.reshape(-1), counts), tree_map(lambda x: np.repeat(x, n_draws), each.bounds)
    )
    best, estimate = maximal(rows, calibration, engine)
    cells = np.stack(counts.values(), -1).reshape(size, -1, 6)
    log_mixture = log_density_of_mixture(cells, judges, calibration)
    return Draws(cells, best.reshape(size, -1), estimate.reshape(size, -1), log_mixture)


def largest_p_values(
    draws: Draws,
    problem: Problem,
    rate: Array,
    observed: Array,
    judges: Params,
    is_upper: Array,
    *,
    calibration: Calibration,
    engine: Engine,
) -> Array:
    """Probability of a signed likelihood ratio as large as observed, the largest over the judges.

    Args:
        draws: Draws for each of B data sets.
        problem: Bounds that they are fitted within, shape ``(B,)``.
        rate: Failure rates, shape ``(B, G)``.
        observed: Likelihood-ratio statistic of the observed data there, shape ``(B, G)``; ties count.
        judges: Judges at each rate, shape ``(B, G, K)``.
        is_upper: Whether estimates below the rates speak against them, or else those above, shape ``(B,)``.
        calibration: "internal" or "external".
        engine: "numpy" or "jax".

    Returns:
        The p-values, shape ``(B, G)``.
    """
    size, n_draws = draws.best.shape
    n_rates = rate.shape[1]
    blocks = _slices(size, n_draws * n_rates, _BLOCK[engine])
    flat = tree_map(lambda x: x.reshape(size, -1), judges)
    density = log_densities(draws.cells, flat, calibration).reshape(size, n_rates, -1, n_draws)
    # Of draws that do not speak against the rate the statistic is 0.
    hits = np.repeat(observed[..., None] <= TIE, n_draws, -1)
    unsure, unsolved = [], []
    for index in blocks:
        part, at = draws.take(index), rate[index]
        below = part.estimate[:, None] < at[..., None]
        speaks = np.where(is_upper[index, None, None], below, part.estimate[:, None] > at[..., None])
        # A judge that is possible may already explain a draw too well for its statistic to be as large.
        explained = likelihood_ratio(part.best[:, None], density[index].max(2))
        # Of log likelihoods of many items rounding takes more than a tie's width.
        slack = 2 * TIE + 8 * np.finfo(np.float64).eps * np.abs(part.best)[:, None]
        hits[index][speaks] = False
        which, rates, of_draw = np.nonzero(speaks & (explained >= observed[index][..., None] - slack))
        counts = Counts(*np.ascontiguousarray(part.cells[which, of_draw].T))
        bounds = tree_map(lambda x, which=which: x[which], problem.take(index).bounds)
        held = Problem(counts, bounds).at(at[which, rates])
        ratios = HeldRatio(part.best[which, of_draw], held, observed[index][which, rates] - TIE)
        decided, is_unsure = ratios.decided_by_bounds(calibration, engine)
        hits[index][which, rates, of_draw] = decided
        unsure.append((which[is_unsure] + index.start, rates[is_unsure], of_draw[is_unsure]))
        unsolved.append(take(ratios, is_unsure))
    # Together, since a solver works on as many at once as it is given.
    places = tuple(np.concatenate(x) for x in zip(*unsure, strict=True))
    hits[places] = joined(unsolved).as_large(calibration, engine)
    found = []
    for index in _slices(size, n_draws * density.shape[1] * density.shape[2]):
        density[index] -= draws.log_mixture[index, None, None]
        weight = np.exp(np.minimum(density[index], 700))
        found.append(_largest(np.where(hits[index][:, :, None], weight, 0.0)))
    return np.minimum(np.concatenate(found), 1.0)


def _largest(weight: Array) -> Array:
    """Largest mean over draws of ``(B, G, K, D)``, taken back to the first one as far as chance explains it.

    The largest of several estimates is too large by chance.

    Source: the positive-part estimator of James and Stein, 4th Berkeley Symposium (1961), in one dimension.
    """
    mean = weight.mean(-1)
    rise = np.maximum(mean - mean[..., :1], 0)
    variance = np.mean((weight - weight[..., :1, :]) ** 2, -1) / weight.shape[-1]
    is_some = rise > _LEAST_RISE
    noise = np.where(is_some, variance / np.where(is_some, rise, 1) ** 2, 1.0)
    return mean[..., 0] + (rise * np.maximum(1 - noise, 0)).max(-1)


def log_density_of_mixture(cells: Array, judges: Params, calibration: Calibration) -> Array:
    """Log-density of data sets, shape ``(B, D, 6)``, under equal parts of laws at ``judges``, ``(B, K)``."""
    size, n_draws = cells.shape[:2]
    components = judges.tpr.shape[1]
    found = np.empty((size, n_draws))
    for index in _slices(size, n_draws * components):
        found[index] = log_sum_exp(log_densities(cells[index], take(judges, index), calibration), 1)
    return found - np.log(components)


def log_densities(cells: Array, judges: Params, calibration: Calibration) -> Array:
    """Log-density of data sets, shape ``(B, D, 6)``, under each law at ``judges``, ``(B, K)``: ``(B, K, D)``.

    But for what the counts alone make of it.
    """
    return log_rates(judges, calibration).transpose(0, 2, 1) @ cells.transpose(0, 2, 1)


def _slices(size: int, entries: int, most: int = _AT_HAND) -> list[slice]:
    """Parts of a batch, ``entries`` numbers each element, of ``most`` numbers or so."""
    width = max(1, most // entries)
    return [slice(start, start + width) for start in range(0, size, width)]


def log_rates(judges: Params, calibration: Calibration) -> Array:
    """Coefficients of the six counts in the log-likelihood, shape ``(B, 6, G)``."""
    theta, tpr, fpr = judges.failure_rate, judges.tpr, judges.fpr
    q = judges.flag_rate
    one = (1.0, 1.0) if calibration == "external" else (theta, 1 - theta)
    rates = (one[0] * tpr, one[0] * (1 - tpr), one[1] * fpr, one[1] * (1 - fpr), q, 1 - q)
    stacked = np.stack(np.broadcast_arrays(*rates), 1)
    return np.where(stacked > 0, np.log(np.where(stacked > 0, stacked, 1)), _IMPOSSIBLE)
