"""Slices for tests of pooling."""

import numpy as np

from benchmarks._samples import cell_rates, flag_rate
from jaxmle import Bounds, Counts
from jaxmle._data import Problem

FIVE = Counts(
    [4, 1, 3, 2, 5],
    [1, 0, 1, 1, 0],
    [2, 1, 1, 0, 2],
    [43, 8, 8, 30, 20],
    [90, 20, 50, 30, 70],
    [900, 180, 150, 400, 330],
)


def problem_of(counts, bounds=None):
    bounds = bounds or Bounds()
    arrays = [*counts.values(), *bounds.failure_rate, *bounds.tpr, *bounds.fpr]
    return Problem.of([np.broadcast_to(np.asarray(x, float), counts.shape) for x in arrays])


def expected(rate, tpr, fpr, n_labels, n_unlabeled):
    """Counts as they are on average; all slices but for the failure rate alike."""
    cells, q = np.moveaxis(cell_rates(rate, tpr, fpr), -1, 0), flag_rate(rate, tpr, fpr)
    return Counts(*(n_labels * cells), n_unlabeled * q, n_unlabeled * (1 - q))
