"""How far may bounds be off before data like these say so?"""

from statistics import NormalDist

import numpy as np

from jaxmle._data import Counts, Params, Problem
from jaxmle._engine import Engine
from jaxmle._inference._bounds_test import bound_ends, n_bounded
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._model import log_likelihood_at
from jaxmle._simulation import Design, Labels, design_of
from jaxmle._stats import failure_rates_by_verdict, flag_rate, halved, tail_of_t
from jaxmle._types import Array

# Level and power that the answer is for.
LEVEL, POWER = 0.01, 0.8
# Statistic of expected counts at which `bounds_test` at the 1% level has a power of .8, by the number of
# rates with bounds: the square of (root of the critical value at a corner of so many bounds) + .842, the
# normal quantile of .8.
_NEEDED = np.array([np.inf, 10.3, 12.8, 14.8])
_QUANTILE = NormalDist().inv_cdf(POWER)
# Parts of the way from a bound to the end of [0, 1] that are looked at, then halved: on a long way the other
# rates may come to explain the data again.
_PARTS = np.linspace(0, 1, 17)[1:] ** 2
_HALVINGS = 6


def noticed_beyond(bounded: Fit, *, labels: Labels, engine: Engine | None = None) -> tuple[Array, Array]:
    """Where a rate would have to lie for `bounds_test` to find its bound wrong with a probability of .8.

    The other rates are those of the fit. The test is at the 1% level.

    Args:
        bounded: Fits within the bounds, shape ``(B,)``.
        labels: "random" or "by-verdict".
        engine: "numpy", "jax", or None, as in `fit`.

    Returns:
        For failure rate, TPR and FPR, and for the lower and the upper bound: the rate nearest to it, beyond
        it, that would be noticed so often, and whether there is one, shape ``(B, 3, 2)``. Where there is
        none, or no bound, the rate is that end of [0, 1].

    Source:
        Power from the statistic of expected counts, which is the noncentrality: Cowan, Cranmer, Gross and
        Vitells, Eur. Phys. J. C 71 (2011), section 3.2; Wald, Trans. Am. Math. Soc. 54 (1943).
    """
    ends, is_bound = bound_ends(bounded.bounds)
    needed = _NEEDED[n_bounded(bounded.bounds)]
    far = np.broadcast_to(np.array([0.0, 1.0]), ends.shape)
    owner, rate, side = np.nonzero(is_bound)
    bound, end = ends[owner, rate, side], far[owner, rate, side]

    def is_noticed(row: Array, value: Array) -> Array:
        own = owner[row]
        return np.asarray(_statistic(bounded, own, rate[row], value, labels, engine) >= needed[own])

    rows = np.arange(len(owner))
    way = bound[:, None] + _PARTS * (end - bound)[:, None]
    enough = is_noticed(np.repeat(rows, len(_PARTS)), way.reshape(-1)).reshape(way.shape)
    found, first = enough.any(1), np.argmax(enough, 1)
    near = np.where(first > 0, way[rows, np.maximum(first - 1, 0)], bound)
    beyond = way[rows, first]
    beyond = halved(lambda value: ~is_noticed(rows, value), near, beyond, _HALVINGS)[1]
    value, noticed = far.copy(), np.zeros(ends.shape, bool)
    value[owner, rate, side] = np.where(found, beyond, end)
    noticed[owner, rate, side] = found
    return value, noticed


def chance_to_notice(bounded: Fit, off: float, *, labels: Labels, engine: Engine | None = None) -> Array:
    """Probability that `bounds_test` at the 1% level finds a rate that lies so far beyond one of its bounds.

    Args:
        bounded: Fits within the bounds, shape ``(B,)``.
        off: Distance from the bound; a rate beyond 0 or 1 is taken as 0 or 1.
        labels: "random" or "by-verdict".
        engine: "numpy", "jax", or None, as in `fit`.

    Returns:
        For failure rate, TPR and FPR, and for the lower and the upper bound, shape ``(B, 3, 2)``; 0 where
        there is no bound. The other rates are those of the fit.

    Source:
        As in `noticed_beyond`.
    """
    ends, is_bound = bound_ends(bounded.bounds)
    owner, rate, side = np.nonzero(is_bound)
    value = np.clip(ends[owner, rate, side] + off * (2 * side - 1), 0, 1)
    statistic = _statistic(bounded, owner, rate, value, labels, engine)
    root = np.sqrt(_NEEDED[n_bounded(bounded.bounds)])[owner] - _QUANTILE
    found = np.zeros(ends.shape)
    beyond = root - np.sqrt(np.maximum(statistic, 0))
    found[owner, rate, side] = tail_of_t(beyond, np.full(len(owner), np.inf))
    return found


def _statistic(
    bounded: Fit, owner: Array, rate: Array, value: Array, labels: Labels, engine: Engine | None
) -> Array:
    """What the bounds cost, twice the log-likelihood, of the counts to be expected at other rates.

    Args:
        bounded: Fits within the bounds, shape ``(B,)``.
        owner: The fits that are asked about, shape ``(N,)``.
        rate: Which rate is another one: 0 failure rate, 1 TPR, 2 FPR.
        value: What it is.
        labels: "random" or "by-verdict".
        engine: "numpy", "jax", or None, as in `fit`.
    """
    fitted = np.stack([bounded.failure_rate, bounded.tpr, bounded.fpr], -1).reshape(-1, 3)
    at, part = fitted[owner], Problem(bounded.counts, bounded.bounds).take(owner)
    at[np.arange(len(owner)), rate] = value
    params = Params(*at.T)
    design = design_of(bounded.calibration, labels)
    expected = Problem(_expected(params, part.counts, design), part.bounds)
    held = fit_flat(expected, bounded.calibration, engine=engine).log_likelihood
    return np.asarray(2 * (log_likelihood_at(params, expected.counts, bounded.calibration) - held))


def _expected(params: Params, counts: Counts, design: Design) -> Counts:
    """Counts to be expected at ``params``, of the sizes of ``counts``."""
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    q = flag_rate(theta, tpr, fpr)
    n, judged = counts.n_labeled, counts.n_unlabeled
    if design == "by-verdict":
        flagged, passed = counts.tp + counts.fp, counts.fn + counts.tn
        precision, miss = failure_rates_by_verdict(theta, tpr, fpr)
        rest = np.clip(q * (n + judged) - flagged, 0, judged)
        cells = (flagged * precision, passed * miss, flagged * (1 - precision), passed * (1 - miss))
        return Counts(*cells, rest, judged - rest)
    if design == "external":
        failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    else:
        failures, passes = n * theta, n * (1 - theta)
    cells = (failures * tpr, failures * (1 - tpr), passes * fpr, passes * (1 - fpr))
    return Counts(*cells, judged * q, judged * (1 - q))
