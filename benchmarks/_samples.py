"""Counts drawn from known rates, for studies and tests; apart from the package's own sampler."""

import numpy as np

from jaxmle import Counts


def cell_rates(rate, tpr, fpr):
    """Probabilities of (tp, fn, fp, tn) on a last axis."""
    cells = (rate * tpr, rate * (1 - tpr), (1 - rate) * fpr, (1 - rate) * (1 - fpr))
    return np.stack(np.broadcast_arrays(*cells), -1)


def flag_rate(rate, tpr, fpr):
    """Probability that the judge says failure."""
    return rate * tpr + (1 - rate) * fpr


def drawn_counts(rng, rate, tpr, fpr, n_labeled, n_judged, size=None):
    """Counts of random samples, labelled and judged alone; ``size`` is the shape of numpy's generators."""
    cells = cell_rates(rate, tpr, fpr)
    labeled = rng.multinomial(n_labeled, cells / cells.sum(-1, keepdims=True), size)
    flagged = rng.binomial(n_judged, flag_rate(rate, tpr, fpr), size)
    return Counts(*np.moveaxis(labeled, -1, 0), flagged, n_judged - flagged)


def counts_label_by_label(rng, rate, tpr, fpr, n_labeled, n_judged, size):
    """Counts after each label of ``size`` random samples, shape ``(n_labeled, size)``."""
    cell = rng.choice(4, (n_labeled, size), p=cell_rates(rate, tpr, fpr))
    tp, fn, fp, tn = np.cumsum(cell[..., None] == np.arange(4), 0).transpose(2, 0, 1)
    flagged = rng.binomial(n_judged, flag_rate(rate, tpr, fpr), size) + tp[-1] + fp[-1]
    return Counts(tp, fn, fp, tn, flagged - tp - fp, n_judged + n_labeled - flagged - fn - tn)


def better_than_chance(counts):
    """Where the labels show a TPR above the FPR, as Rogan and Gladen's estimate needs it."""
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    return (failures > 0) & (passes > 0) & (counts.tp * passes > counts.fp * failures)
