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

from jaxmle._data import Calibration
from jaxmle._model import divide
from jaxmle._types import Array, Pair

# Classes of slices by their labels for each share of the mix, and the least ratio of labels in two classes.
_CLASSES, _ALIKE = 8, 2.0


class Population(NamedTuple):
    """Slices merged into few.

    Attributes:
        leaves: Twelve arrays of shape ``(G,)``: counts of the effective sizes, then bounds.
        weights: Shares of the merged slices in the mix, shape ``(G,)``.
    """

    leaves: list[Array]
    weights: Array


def merged_alone(
    leaves: list[Array], calibration: Calibration, weights: Array, failure_rate: Array
) -> Population:
    """Merge slices whose judges may differ in any way: each is counted with its share, or stays alone.

    Slices with labels, without any, and wholly labelled ones are merged each by themselves. Labels of the
    external design tell of TPR and FPR alone, whose averages need the failure rates; a slice that lacks
    either kind of label stays alone.
    """
    leaves, weights, rate = [x[weights > 0] for x in leaves], weights[weights > 0], failure_rate[weights > 0]
    labels, kind = _labels(leaves), _kind(leaves)
    if calibration == "internal":
        return _merge(leaves, weights, _numbered(kind), weights, (labels, labels))
    failures, passes = leaves[0] + leaves[1], leaves[2] + leaves[3]
    whole = (failures > 0) & (passes > 0) & (leaves[4] + leaves[5] > 0)
    # The weights need no care, and none may be all of them 0.
    rate = np.clip(rate, 1e-6, 1 - 1e-6)
    group = _numbered(np.where(whole, 0, 1 + np.arange(len(kind))))
    return _merge(leaves, weights, group, weights, (failures, passes), (weights * rate, weights * (1 - rate)))


def merged_by_labels(leaves: list[Array], calibration: Calibration, weights: Array) -> Population:
    """Merge slices with one judge: those that have about as many labels for each share of the mix.

    Within a class labels then weigh nearly the same, and hardly any are lost to weighting. Slices outside the
    mix tell of the judge.
    """
    used = (weights > 0) | (_labels(leaves) > 0)
    leaves, weights = [x[used] for x in leaves], weights[used]
    labels, kind = _labels(leaves), _kind(leaves)
    outside = weights == 0
    if calibration == "external":
        # Labels bear on the judge alone, and are added as they are.
        group = _numbered(np.where(outside, 2, leaves[4] + leaves[5] > 0))
        shares = np.where(outside, 1.0, weights)
        found = _merge(leaves, weights, group, shares, (labels, labels))
        cells = [np.bincount(group, cell) for cell in leaves[:4]]
        return Population([*cells, *found.leaves[4:]], found.weights)
    density = np.log(np.where(labels > 0, labels, 1.0) / np.where(outside, 1.0, weights))
    inside = density[(labels > 0) & ~outside]
    least, most = (inside.min(), inside.max()) if inside.size else (0.0, 0.0)
    step = max(np.log(_ALIKE), (most - least) / _CLASSES)
    level = np.where((labels > 0) & ~outside, np.clip((density - least) // step, 0, _CLASSES - 1), 0)
    group = _numbered(np.where(outside, 4, kind) * _CLASSES + level.astype(np.int64))
    return _merge(leaves, weights, group, np.where(outside, labels, weights), (labels, labels))


def merged_by_kind(
    leaves: list[Array],
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
    labels = _labels(leaves)
    bare = (weights > 0) & ((labels == 0) | (calibration == "external"))
    if not bare.any():
        return merged_alone(leaves, calibration, weights, failure_rate)
    if calibration == "external":
        found = merged_by_labels(leaves, calibration, weights)
        lent_to = found.weights > 0
    else:
        used = (weights > 0) | (labels > 0)
        part, known, shares = [x[used] for x in leaves], labels[used], weights[used]
        outside = shares == 0
        group = _numbered(np.where(outside, 4, _kind(part)))
        found = _merge(part, shares, group, np.where(outside, known, shares), (known, known))
        lent_to = _labels(found.leaves) == 0
    share = weights[bare] / weights[bare].sum()
    rate, own = share @ failure_rate[bare], share @ share
    between = np.zeros(())
    for part_of, one, cells in ((rate, variance[0], leaves[:2]), (1 - rate, variance[1], leaves[2:4])):
        lent = cells[0] + cells[1]
        lent = lent / max(float(lent.sum()), 1.0)
        between = between + part_of**2 * one * (own + lent @ lent)
    flagged, passed = found.leaves[4:6]
    n = flagged + passed
    q = (flagged + 0.5) / (n + 1)
    kept = np.where(lent_to, q * (1 - q) / (q * (1 - q) + n * between), 1.0)
    return Population([*found.leaves[:4], flagged * kept, passed * kept, *found.leaves[6:]], found.weights)


def _labels(leaves: list[Array]) -> Array:
    return cast(Array, sum(leaves[:4]))


def _kind(leaves: list[Array]) -> Array:
    """1 for slices without labels, 2 for wholly labelled ones, 3 for those with both kinds of items."""
    return cast(Array, 2 * (_labels(leaves) > 0) + (leaves[4] + leaves[5] > 0))


def _numbered(group: Array) -> Array:
    return np.unique(group, return_inverse=True)[1]


def _merge(
    leaves: list[Array],
    weights: Array,
    group: Array,
    share: Array,
    labels: Pair,
    of_labels: Pair | None = None,
) -> Population:
    """Weigh counts by the slices' shares in their groups.

    Sizes are effective ones: ``1 / sum(share^2 / size)`` (Kish, Survey Sampling, section 11.7).

    Args:
        leaves: Twelve arrays of shape ``(S,)``.
        weights: Shares of the slices in the mix.
        group: Group of each slice.
        share: Weights of the slices in their groups.
        labels: Labels by which the cells of failures and those of passes are divided.
        of_labels: Weights of failures and of passes, by default ``share``.
    """

    def within(x: Array) -> Array:
        return cast(Array, x / np.bincount(group, x)[group])

    def summed(parts: list[Array], size: Array, shares: Array) -> list[Array]:
        inverse = np.bincount(group, divide(shares**2, size))
        found = [np.bincount(group, divide(shares * part, size)) for part in parts]
        return [_tidy(divide(one, inverse)) for one in found]

    inner = within(share)
    failing, passing = (inner, inner) if of_labels is None else (within(of_labels[0]), within(of_labels[1]))
    cells = summed(leaves[:2], labels[0], failing) + summed(leaves[2:4], labels[1], passing)
    flags = summed(leaves[4:6], leaves[4] + leaves[5], inner)
    size = len(flags[0])
    low, high = (np.full((3, size), end) for end in (np.inf, -np.inf))
    for k in range(3):
        np.minimum.at(low[k], group, leaves[6 + 2 * k])
        np.maximum.at(high[k], group, leaves[7 + 2 * k])
    # A mix has bounds of its own on the failure rate, which rounding must not take beyond those of slices.
    rates = [np.clip(np.bincount(group, inner * end), low[0], high[0]) for end in leaves[6:8]]
    bounds = [*rates, low[1], high[1], low[2], high[2]]
    return Population([*cells, *flags, *bounds], np.bincount(group, weights))


def _tidy(counts: Array) -> Array:
    """Counts that are whole but for rounding are made whole."""
    whole = np.rint(counts)
    return np.where(np.abs(counts - whole) <= 1e-9 * np.maximum(whole, 1.0), whole, counts)
