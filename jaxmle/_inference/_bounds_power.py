"""How far may bounds be off before data like these say so?"""

import numpy as np

from jaxmle._data import Counts, Params, Problem
from jaxmle._engine import Engine
from jaxmle._inference._bounds_test import bound_ends, n_bounded
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._model import log_likelihood_at
from jaxmle._simulation import Design, Labels, design_of
from jaxmle._stats import divide, flag_rate
from jaxmle._types import Array

# Level and power that the answer is for.
LEVEL, POWER = 0.01, 0.8
# Statistic of expected counts at which `bounds_test` at the 1% level has a power of .8, by the number of
# rates with bounds: the square of (root of the critical value at a corner of so many bounds) + .842.
_NEEDED = np.array([np.inf, 10.3, 12.8, 14.8])
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
    size = len(ends)
    needed = _NEEDED[n_bounded(bounded.bounds)]
    far = np.broadcast_to(np.array([0.0, 1.0]), ends.shape)
    owner, rate, side = np.nonzero(is_bound)
    design = design_of(bounded.calibration, labels)
    fitted = np.stack([bounded.failure_rate, bounded.tpr, bounded.fpr], -1).reshape(size, 3)
    bound, end = ends[owner, rate, side], far[owner, rate, side]
    problem = Problem(bounded.counts, bounded.bounds)

    def is_noticed(row: Array, value: Array) -> Array:
        own = owner[row]
        at, part = fitted[own], problem.take(own)
        at[np.arange(len(row)), rate[row]] = value
        params = Params(*at.T)
        expected = Problem(_expected(params, part.counts, design), part.bounds)
        held = fit_flat(expected, bounded.calibration, engine=engine).log_likelihood
        statistic = 2 * (log_likelihood_at(params, expected.counts, bounded.calibration) - held)
        return np.asarray(statistic >= needed[own])

    rows = np.arange(len(owner))
    way = bound[:, None] + _PARTS * (end - bound)[:, None]
    enough = is_noticed(np.repeat(rows, len(_PARTS)), way.reshape(-1)).reshape(way.shape)
    found, first = enough.any(1), np.argmax(enough, 1)
    near = np.where(first > 0, way[rows, np.maximum(first - 1, 0)], bound)
    beyond = way[rows, first]
    for _ in range(_HALVINGS):
        middle = 0.5 * (near + beyond)
        enough = is_noticed(rows, middle)
        near, beyond = np.where(enough, near, middle), np.where(enough, middle, beyond)
    value, noticed = far.copy(), np.zeros(ends.shape, bool)
    value[owner, rate, side] = np.where(found, beyond, end)
    noticed[owner, rate, side] = found
    return value, noticed


def _expected(params: Params, counts: Counts, design: Design) -> Counts:
    """Counts to be expected at ``params``, of the sizes of ``counts``."""
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    q = flag_rate(theta, tpr, fpr)
    n, judged = counts.n_labeled, counts.n_unlabeled
    if design == "by-verdict":
        flagged, passed = counts.tp + counts.fp, counts.fn + counts.tn
        precision, miss = divide(theta * tpr, q), divide(theta * (1 - tpr), 1 - q)
        rest = np.clip(q * (n + judged) - flagged, 0, judged)
        cells = (flagged * precision, passed * miss, flagged * (1 - precision), passed * (1 - miss))
        return Counts(*cells, rest, judged - rest)
    if design == "external":
        failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    else:
        failures, passes = n * theta, n * (1 - theta)
    cells = (failures * tpr, failures * (1 - tpr), passes * fpr, passes * (1 - fpr))
    return Counts(*cells, judged * q, judged * (1 - q))
