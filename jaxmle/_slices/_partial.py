"""Slices whose judges differ, but not without limit: each borrows what the others tell of its judge."""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import joined, take
from jaxmle._data import Calibration, Problem
from jaxmle._slices._batches import map_slices
from jaxmle._slices._differences import differences
from jaxmle._slices._ends import outward_ends
from jaxmle._slices._judge_posterior import (
    LEARNT_FROM,
    LEAST_PRECISION,
    Data,
    JudgePosterior,
    cap_unlabeled,
    concentration,
    data_of,
    log_posterior_terms,
    means_of,
    slopes_of_means,
)
from jaxmle._slices._marginal import FIXED, Rate, log_marginal, rate_nodes, shapes, updated
from jaxmle._slices._projected_newton import eigh
from jaxmle._slices._slice import Slices, slices_of_problem
from jaxmle._stats import log_sum_exp
from jaxmle._types import Array, Pair

_GRID = 64
_NARROWED = 30
_GOLDEN = 0.5 * (5**0.5 - 1)
# Slices that are held at once, and numbers that are worked on at once: so many stay in the caches.
_BLOCK, _AT_ONCE = 2048, 1 << 14


class Judges(NamedTuple):
    """What is known of the judge of each slice at each pair of spreads; arrays of shape ``(S, P)``.

    Attributes:
        tpr: TPR after the slice's own labels.
        fpr: FPR.
        covariance: Covariance of the two, from their means being uncertain together.
        borrowed: Share of what is known of the judge that comes from other slices.
        weight: Posterior probability of the pair.
    """

    tpr: Rate
    fpr: Rate
    covariance: Array
    borrowed: Array
    weight: Array


def judges_of(
    problem: Problem,
    calibration: Calibration,
    posterior: JudgePosterior,
    hull: Array,
    *,
    own: bool | None = None,
) -> Judges:
    """Predict the judge of each slice from all the others, and update it by the slice's own labels.

    Where the labelled slices are few and all among those that the posterior was learnt from (``own``, by
    default as their number says), the labels of each are taken out of its own prediction.
    """
    if own is None:
        own = bool(np.count_nonzero(problem.counts.n_labeled) <= LEARNT_FROM)

    def judges(part: Problem) -> Judges:
        data = cap_unlabeled(data_of(part, calibration, hull))  # as in the fit
        pairs = zip(posterior.rho, posterior.mode, posterior.precision, strict=True)
        found = [_judges_at(*pair, data, own) for pair in pairs]
        tpr, fpr, covariance, borrowed = joined(found, lambda columns: np.stack(columns, 1))
        weight = np.broadcast_to(posterior.weight, borrowed.shape)
        return Judges(tpr, fpr, covariance, borrowed, weight)

    return map_slices(judges, problem, _BLOCK)


def _judges_at(
    rho: Array, mode: Array, precision: Array, data: Data, own: bool
) -> tuple[Rate, Rate, Array, Array]:
    """What is known of the judge of each slice at one pair of spreads."""
    slope, curvature = np.zeros((1, len(mode))), np.zeros((1, len(mode), len(mode)))
    if own:
        # What the slice itself tells of the means is taken out again by one Newton step.
        _, slope, curvature = differences(lambda z: log_posterior_terms(z, rho, data), mode)
        # Slices without labels say nothing of the judge.
        is_labeled = np.asarray(sum(data.cells)) > 0
        slope, curvature = slope * is_labeled[:, None], curvature * is_labeled[:, None, None]
    values, vectors = eigh(precision + curvature)
    values = np.maximum(values, LEAST_PRECISION)
    inverse = (vectors / values[:, None]) @ np.swapaxes(vectors, 1, 2)
    z = mode + np.clip(-np.einsum("sij,sj->si", inverse, slope), -1.0, 1.0)
    means, slopes = means_of(z, data), slopes_of_means(z, data)
    spread = slopes[:, :, None] * inverse[:, :2, :2] * slopes[:, None]
    rates = []
    for k, (bounds, cells) in enumerate(((data.tpr, data.cells[:2]), (data.fpr, data.cells[2:]))):
        mean = means[:, k]
        uncertain = np.minimum(spread[:, k, k], 0.3 * mean * (1 - mean))
        a, b = shapes(mean, concentration(rho[k]))
        variance = mean * (1 - mean) / (a + b + 1) + uncertain
        prior = shapes(mean, np.clip(mean * (1 - mean) / variance - 1, 0.0, FIXED))
        lent = (prior[0] + prior[1]) / (prior[0] + prior[1] + cells[0] + cells[1])
        rates.append((updated(prior, *cells, *bounds), variance, lent))
    (tpr, before_tpr, lent_tpr), (fpr, before_fpr, lent_fpr) = rates
    kept = (tpr.variance / before_tpr) * (fpr.variance / before_fpr)
    limit = 0.9 * np.sqrt(tpr.variance * fpr.variance)
    return tpr, fpr, np.clip(spread[:, 0, 1] * kept, -limit, limit), 0.5 * (lent_tpr + lent_fpr)


def log_mixture(judges: Judges, s: Slices, rate: Array) -> Array:
    """Log-likelihood of failure rates of shape ``(S, J)``, averaged over the spreads."""

    def averaged(tree: tuple[Judges, Slices, Array]) -> Array:
        known, part, at = tree
        tpr, fpr = (Rate(*(x[:, :, None] for x in one)) for one in (known.tpr, known.fpr))
        part = Slices(*(x[:, None, None] for x in part))
        values = log_marginal(part, tpr, fpr, at[:, None], known.covariance[:, :, None])
        return log_sum_exp(values + np.log(np.maximum(known.weight, 1e-30))[:, :, None], axis=1)

    width = max(1, _AT_ONCE // (rate.shape[1] * judges.weight.shape[1]))
    return map_slices(averaged, (judges, s, rate), width)


def estimates_of(problem: Problem, calibration: Calibration, judges: Judges) -> Pair:
    """Most likely failure rate of each slice and its log-likelihood."""
    return map_slices(
        lambda tree: _estimates(*tree), (judges, slices_of_problem(problem, calibration)), _BLOCK
    )


def _estimates(judges: Judges, s: Slices) -> Pair:
    tpr, fpr = (Rate(*(np.sum(judges.weight * x, 1) for x in one)) for one in (judges.tpr, judges.fpr))
    nodes, _ = rate_nodes(s, tpr, fpr, _GRID)
    nodes = np.concatenate([s.low[:, None], nodes, s.high[:, None]], 1)
    best, rows = np.argmax(log_mixture(judges, s, nodes), 1), np.arange(len(nodes))
    left, right = nodes[rows, np.maximum(best - 1, 0)], nodes[rows, np.minimum(best + 1, nodes.shape[1] - 1)]
    # Golden section: of the two points inside, one is kept.
    first, second = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
    below, above = log_mixture(judges, s, np.stack([first, second], 1)).T
    for _ in range(_NARROWED):
        up = below < above
        left, right = np.where(up, first, left), np.where(up, right, second)
        new = np.where(up, left + _GOLDEN * (right - left), right - _GOLDEN * (right - left))
        value = log_mixture(judges, s, new[:, None])[:, 0]
        first, second = np.where(up, second, new), np.where(up, new, first)
        below, above = np.where(up, above, value), np.where(up, value, below)
    ends = np.stack([nodes[rows, best], 0.5 * (left + right)], 1)
    both = log_mixture(judges, s, ends)
    pick = np.argmax(both, 1)
    return ends[rows, pick], both[rows, pick]


def partial_ends(
    problem: Problem, calibration: Calibration, judges: Judges, estimate: Array, top: Array, cutoff: float
) -> Pair:
    """Failure rates at which the log-likelihood has fallen by half the cut-off, below and above."""

    def ends(tree: tuple[Judges, Slices, Array, Array]) -> Pair:
        s, size = tree[1], len(tree[2])
        # Both ends of all slices at once.
        known, twice, start, level = take(tree, np.tile(np.arange(size), 2))
        found = _ends(known, twice, start, level, cutoff, np.concatenate([s.low, s.high]))
        return found[:size], found[size:]

    return map_slices(ends, (judges, slices_of_problem(problem, calibration), estimate, top), _BLOCK)


def _ends(judges: Judges, s: Slices, estimate: Array, top: Array, cutoff: float, stop: Array) -> Array:
    """Failure rates between the estimates and ``stop`` at which the cut-off is lost, or ``stop``."""

    def root(rows: Array, rate: Array) -> Array:
        """Root of the statistic less that of the cut-off: nearly a straight line."""
        known, part = take((judges, s), rows)
        value = log_mixture(known, part, rate[:, None])[:, 0]
        return np.sqrt(np.maximum(2 * (top[rows] - value), 0.0)) - np.sqrt(cutoff)

    return outward_ends(root, estimate, stop, cutoff)
