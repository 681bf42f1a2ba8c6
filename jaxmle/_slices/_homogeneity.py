"""Do slices have one judge?"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import leaves, pytree, take, tree_map
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Problem
from jaxmle._inference import (
    adjust_p_values,
    check_seed,
    check_whole,
    checked_problem,
    fit_flat,
    whole_numbers,
)
from jaxmle._results import Batch, Result
from jaxmle._slices._common import Common, fit_common, fit_common_many
from jaxmle._slices._joint_problem import bounds_clash
from jaxmle._stats import flag_rate
from jaxmle._types import Array, Flags, Index, Numbers

_LEVEL = 0.05
# Data sets of all slices are held at once.
_MOST_RESAMPLES = 100_000
# Losses that are this near, in nats, are equal: the fits tell no more.
_TIE = 1e-6
# Slices that lose hardly anything by chance are compared on the scale of the others.
_LEAST_MEAN = 0.1


@pytree
@dataclass(frozen=True, eq=False)
class SliceHomogeneity(Batch):
    """Whether a slice shares the judge of the others; of several slices arrays, shape ``(S,)``.

    Attributes:
        statistic: What the slice loses by the common TPR and FPR.
        p_value: Its p-value, not adjusted for the number of slices.
        outlying: Whether it breaks the hypothesis.
    """

    statistic: Numbers
    p_value: Numbers
    outlying: Flags


@pytree
@dataclass(frozen=True, eq=False)
class Homogeneity(Result):
    """Test of one judge for all slices.

    Attributes:
        statistic: Twice the log-likelihood that one TPR and one FPR lose against a pair for each slice.
        p_value: Share of simulated data sets with one judge that lose as much, in (0, 1].
        slice_statistics: What each slice loses, shape ``(S,)``.
        slice_p_values: p-value of each slice, shape ``(S,)``, not adjusted for their number.
        outlying: Slices that break the hypothesis: a p-value of at most .05 after Holm's adjustment.
        n_resamples: Data sets simulated.
    """

    statistic: float
    p_value: float
    slice_statistics: Array
    slice_p_values: Array
    outlying: Array
    n_resamples: int = field(metadata={"static": True})

    def __len__(self) -> int:
        return len(self.slice_p_values)

    def __getitem__(self, index: Index) -> SliceHomogeneity:
        """What the test says of some slices."""
        return SliceHomogeneity(self.slice_statistics, self.slice_p_values, self.outlying)[index]

    def __iter__(self) -> Iterator[SliceHomogeneity]:
        return (self[i] for i in range(len(self)))

    def _table_shape(self) -> tuple[int, ...]:
        return np.shape(self.slice_p_values)

    def __str__(self) -> str:
        outlying = int(self.outlying.sum())
        return (
            f"one judge for {len(self.outlying)} slices: p = {self.p_value:.3g}; {outlying} slices stand out"
        )


def homogeneity_test(
    counts: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    calibration: Calibration = "internal",
    n_resamples: int = 199,
    seed: int = 0,
) -> Homogeneity:
    """Test whether all slices have one judge, by the likelihood ratio and simulation.

    With few labels a slice the ratio is far from chi-square, so its law is simulated: data sets of the same
    sizes with the most likely common judge, each fitted both ways.

    Args:
        counts: Counts of the slices, shape ``(S,)``, S >= 2, whole numbers, or what `tables.count` returns
            with ``by``.
        bounds: Bounds, scalar or of shape ``(S,)``; those of TPR and FPR apply to the judge of each slice.
        calibration: "internal" (labels at random) or "external", as in `fit`.
        n_resamples: Data sets to simulate, 19 to 100,000.
        seed: Seed of the simulation.

    Returns:
        The test, and which slices stand out. A slice's p-value compares its loss, as a multiple of its mean
        in the simulated data sets, with those of all slices there.

    Raises:
        ValueError: There are fewer than two slices; counts are not whole numbers; the bounds of some slices
            exclude those of others; or an argument is out of range.

    Source:
        Parametric bootstrap of a likelihood ratio: Davison and Hinkley, Bootstrap Methods, section 4.2.

    Examples:
        >>> from jaxmle import Counts, homogeneity_test
        >>> same = Counts([9, 9, 9], [1, 1, 1], [2, 2, 2], [38, 38, 38], [50] * 3, [150] * 3)
        >>> homogeneity_test(same, n_resamples=19).p_value > 0.5
        True
    """
    check_seed(seed)
    check_whole("n_resamples", n_resamples, 19, _MOST_RESAMPLES)
    problem, shape = checked_problem(counts, bounds, calibration)
    if len(shape) != 1 or shape[0] < 2:
        raise ValueError(f"`counts` must have shape (S,) with S >= 2 slices; got {shape}.")
    if not whole_numbers(problem.counts):
        raise ValueError("`counts` must be whole numbers: weighted items cannot be drawn anew.")
    if bounds_clash(problem):
        raise ValueError(
            "`bounds` of TPR or FPR of some slices exclude those of others: they have no judge in common."
        )
    best = fit_common(problem, calibration)
    observed = _losses(take(problem, None), _batch(best), calibration)[0]
    drawn = _drawn(problem, best, calibration, n_resamples, np.random.default_rng(seed))
    simulated = _losses(drawn, fit_common_many(drawn, calibration), calibration)
    statistic, sums = float(observed.sum()), simulated.sum(1)
    p_value = (1 + int(np.sum(sums >= statistic - _TIE))) / (n_resamples + 1)
    each = _tails(observed, simulated)
    outlying = adjust_p_values(each, "holm") <= _LEVEL
    return Homogeneity(statistic, p_value, observed, each, outlying, n_resamples)


def _drawn(
    problem: Problem, best: Common, calibration: Calibration, n: int, rng: np.random.Generator
) -> Problem:
    """Data of the same sizes and bounds under one judge, shape ``(n, S)``."""
    tp, fn, fp, tn, up, un = problem.counts.values()
    rate, tpr, fpr = np.clip(best.rate, 0, 1), best.tpr, best.fpr
    size = (n, len(rate))

    def binomial(trials: Array, share: Array) -> Array:
        trials, share = np.broadcast_arrays(trials.astype(np.int64), np.clip(share, 0, 1))
        return rng.binomial(np.broadcast_to(trials, size), np.broadcast_to(share, size)).astype(np.float64)

    failures = tp + fn if calibration == "external" else binomial(tp + fn + fp + tn, rate)
    failures = np.broadcast_to(failures, size)
    passes = tp + fn + fp + tn - failures
    caught, flagged = binomial(failures, np.asarray(tpr)), binomial(passes, np.asarray(fpr))
    unlabeled = binomial(up + un, flag_rate(rate, tpr, fpr))
    counts = [caught, failures - caught, flagged, passes - flagged, unlabeled, up + un - unlabeled]
    return Problem.of([*counts, *(np.broadcast_to(end, size) for end in leaves(problem.bounds))])


def _losses(problem: Problem, best: Common, calibration: Calibration) -> Array:
    """Twice the log-likelihood that each slice loses by the common judge, shape ``(R, S)``."""
    shape = problem.counts.tp.shape
    found = fit_flat(tree_map(lambda x: x.reshape(-1), problem), calibration)
    alone = np.asarray(found.log_likelihood).reshape(shape)
    rate, tpr, fpr = best.rate, np.asarray(best.tpr)[:, None], np.asarray(best.fpr)[:, None]
    tp, fn, fp, tn, up, un = problem.counts.values()
    q = flag_rate(rate, tpr, fpr)
    cells = [(tp, tpr), (fn, 1 - tpr), (fp, fpr), (tn, 1 - fpr), (up, q), (un, 1 - q)]
    if calibration == "internal":
        cells += [(tp + fn, rate), (fp + tn, 1 - rate)]
    together = np.zeros(shape)
    for count, share in cells:
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(share, 1e-300))
        together += np.where(count > 0, count * logs, 0.0)
    return np.maximum(2 * (alone - together), 0.0)


def _tails(observed: Array, simulated: Array) -> Array:
    """p-value of each slice: how often losses of any slice, as multiples of their mean, are as large."""
    # Rounding of a loss that is none would be compared with that of others.
    observed, simulated = (np.where(loss < _TIE, 0.0, loss) for loss in (observed, simulated))
    mean = np.maximum(simulated.mean(0), _LEAST_MEAN * simulated.mean() + 1e-9)
    pool = np.sort((simulated / mean).reshape(-1))
    beyond = len(pool) - np.searchsorted(pool, observed / mean - 1e-9)
    return (1 + beyond) / (1 + len(pool))


def _batch(best: Common) -> Common:
    return best._replace(rate=best.rate[None], tpr=np.array([best.tpr]), fpr=np.array([best.fpr]))
