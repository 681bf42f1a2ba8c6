"""Slices merged into a few populations, for totals.

Many free failure rates pull the rates of the judge (Neyman and Scott, Econometrica 16, 1948), and the bias of
estimates that bounds cut off adds up over slices while the interval of their total shrinks. A total needs
none of these failure rates: labels weighted by ``share / labels`` and flags weighted by ``share / judged``
are, summed over slices, what a stratified sample of the whole mix would be (Cochran, Sampling Techniques,
chapter 5). Its failure rate is the total, and its judge's rates are averages of those of the slices over
failures and over passes, so they keep the bounds that all slices keep.
"""

from typing import NamedTuple, cast

import numpy as np

from jaxmle._data import Calibration, Problem
from jaxmle._stats import divide
from jaxmle._types import Array, Pair

# Classes of slices by their labels for each share of the mix, and the least ratio of labels in two classes.
_CLASSES, _ALIKE = 8, 2.0


class Population(NamedTuple):
    """Slices merged into few.

    Attributes:
        problem: Counts of the effective sizes, and bounds, shape ``(G,)``.
        weights: Shares of the merged slices in the mix, shape ``(G,)``.
    """

    problem: Problem
    weights: Array


def merged_alone(
    problem: Problem, calibration: Calibration, weights: Array, failure_rate: Array
) -> Population:
    """Merge slices whose judges may differ in any way: each is counted with its share, or stays alone.

    Slices with labels, without any, and wholly labelled ones are merged each by themselves. Labels of the
    external design tell of TPR and FPR alone, whose averages need the failure rates; a slice that lacks
    either kind of label stays alone.
    """
    problem, weights, rate = problem.take(weights > 0), weights[weights > 0], failure_rate[weights > 0]
    labels, kind = problem.counts.n_labeled, _kind(problem)
    if calibration == "internal":
        return _merge(problem, weights, _numbered(kind), weights, (labels, labels))
    failures, passes = problem.counts.tp + problem.counts.fn, problem.counts.fp + problem.counts.tn
    whole = (failures > 0) & (passes > 0) & (problem.counts.n_unlabeled > 0)
    # The weights need no care, and none may be all of them 0.
    rate = np.clip(rate, 1e-6, 1 - 1e-6)
    group = _numbered(np.where(whole, 0, 1 + np.arange(len(kind))))
    return _merge(
        problem, weights, group, weights, (failures, passes), (weights * rate, weights * (1 - rate))
    )


def merged_by_labels(problem: Problem, calibration: Calibration, weights: Array) -> Population:
    """Merge slices with one judge: those that have about as many labels for each share of the mix.

    Within a class labels then weigh nearly the same, and hardly any are lost to weighting. Slices outside the
    mix tell of the judge.
    """
    used = (weights > 0) | (problem.counts.n_labeled > 0)
    problem, weights = problem.take(used), weights[used]
    labels, kind = problem.counts.n_labeled, _kind(problem)
    outside = weights == 0
    if calibration == "external":
        # Labels bear on the judge alone, and are added as they are.
        group = _numbered(np.where(outside, 2, problem.counts.n_unlabeled > 0))
        shares = np.where(outside, 1.0, weights)
        found = _merge(problem, weights, group, shares, (labels, labels))
        cells = [np.bincount(group, cell) for cell in problem.counts.values()[:4]]
        return Population(Problem.of([*cells, *found.problem.arrays()[4:]]), found.weights)
    density = np.log(np.where(labels > 0, labels, 1.0) / np.where(outside, 1.0, weights))
    inside = density[(labels > 0) & ~outside]
    least, most = (inside.min(), inside.max()) if inside.size else (0.0, 0.0)
    step = max(np.log(_ALIKE), (most - least) / _CLASSES)
    level = np.where((labels > 0) & ~outside, np.clip((density - least) // step, 0, _CLASSES - 1), 0)
    group = _numbered(np.where(outside, 4, kind) * _CLASSES + level.astype(np.int64))
    return _merge(problem, weights, group, np.where(outside, labels, weights), (labels, labels))


def merged_by_kind(
    problem: Problem,
    calibration: Calibration,
    weights: Array,
    variance: tuple[float, float],
    failure_rate: Array,
) -> Population:
    """Merge slices whose judges differ by the stated variances of TPR and FPR.

    Labelled slices of the mix count with their shares, so that their judges may differ in any way. Those
    without labels have other judges than those with: what their average flag rate varies by for that reason
    is taken out of the number of their judged items.
    """
    labels = problem.counts.n_labeled
    bare = (weights > 0) & ((labels == 0) | (calibration == "external"))
    if not bare.any():
        return merged_alone(problem, calibration, weights, failure_rate)
    if calibration == "external":
        found = merged_by_labels(problem, calibration, weights)
        lent_to = found.weights > 0
    else:
        used = (weights > 0) | (labels > 0)
        part, known, shares = problem.take(used), labels[used], weights[used]
        outside = shares == 0
        group = _numbered(np.where(outside, 4, _kind(part)))
        found = _merge(part, shares, group, np.where(outside, known, shares), (known, known))
        lent_to = found.problem.counts.n_labeled == 0
    share = weights[bare] / weights[bare].sum()
    rate, own = share @ failure_rate[bare], share @ share
    between, counts = np.zeros(()), problem.counts
    for part_of, one, cells in (
        (rate, variance[0], (counts.tp, counts.fn)),
        (1 - rate, variance[1], (counts.fp, counts.tn)),
    ):
        lent = cells[0] + cells[1]
        lent = lent / max(float(lent.sum()), 1.0)
        between = between + part_of**2 * one * (own + lent @ lent)
    flagged, passed = found.problem.counts.unlabeled_pos, found.problem.counts.unlabeled_neg
    n = flagged + passed
    q = (flagged + 0.5) / (n + 1)
    kept = np.where(lent_to, q * (1 - q) / (q * (1 - q) + n * between), 1.0)
    return Population(Problem(found.problem.counts.with_unlabeled(kept), found.problem.bounds), found.weights)


def _kind(problem: Problem) -> Array:
    """1 for slices without labels, 2 for wholly labelled ones, 3 for those with both kinds of items."""
    return cast(Array, 2 * (problem.counts.n_labeled > 0) + (problem.counts.n_unlabeled > 0))


def _numbered(group: Array) -> Array:
    return np.unique(group, return_inverse=True)[1]


def _merge(
    problem: Problem,
    weights: Array,
    group: Array,
    share: Array,
    labels: Pair,
    of_labels: Pair | None = None,
) -> Population:
    """Weigh counts by the slices' shares in their groups.

    Sizes are effective ones: ``1 / sum(share^2 / size)`` (Kish, Survey Sampling, section 11.7).

    Args:
        problem: Counts and bounds of the slices, shape ``(S,)``.
        weights: Shares of the slices in the mix.
        group: Group of each slice.
        share: Weights of the slices in their groups.
        labels: Labels by which the cells of failures and those of passes are divided.
        of_labels: Weights of failures and of passes, by default ``share``.
    """

    def within(x: Array) -> Array:
        return cast(Array, x / np.bincount(group, x)[group])

    def summed(parts: Pair, size: Array, shares: Array) -> list[Array]:
        inverse = np.bincount(group, divide(shares**2, size))
        found = [np.bincount(group, divide(shares * part, size)) for part in parts]
        return [_tidy(divide(one, inverse)) for one in found]

    counts, inner = problem.counts, within(share)
    failing, passing = (inner, inner) if of_labels is None else (within(of_labels[0]), within(of_labels[1]))
    cells = summed((counts.tp, counts.fn), labels[0], failing) + summed(
        (counts.fp, counts.tn), labels[1], passing
    )
    flags = summed((counts.unlabeled_pos, counts.unlabeled_neg), problem.counts.n_unlabeled, inner)
    size = len(flags[0])
    low, high = (np.full((3, size), end) for end in (np.inf, -np.inf))
    own = problem.bounds
    for k, (least, most) in enumerate((own.failure_rate, own.tpr, own.fpr)):
        np.minimum.at(low[k], group, least)
        np.maximum.at(high[k], group, most)
    # A mix has bounds of its own on the failure rate, which rounding must not take beyond those of slices.
    rates = [np.clip(np.bincount(group, inner * end), low[0], high[0]) for end in own.failure_rate]
    bounds = [*rates, low[1], high[1], low[2], high[2]]
    return Population(Problem.of([*cells, *flags, *bounds]), np.bincount(group, weights))


def _tidy(counts: Array) -> Array:
    """Counts that are whole but for rounding are made whole."""
    whole = np.rint(counts)
    return np.where(np.abs(counts - whole) <= 1e-9 * np.maximum(whole, 1.0), whole, counts)
