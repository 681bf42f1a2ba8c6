"""How much the judge's rates vary over slices: a posterior over a grid of spreads.

For each pair of spreads (of TPR and of FPR) the four other numbers, the mean rates of the judge and the mean
and concentration of the failure rates over slices, are put at their posterior mode, and integrated by
Laplace's method; the spreads are weighed by what is left. This is the scheme of integrated nested Laplace
approximations (Rue, Martino and Chopin, JRSS B 71, 2009). The distribution of failure rates serves here
alone: without it every spread would look like a spread of failure rates. Estimates and intervals of slices
leave their own failure rate free.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._data import Calibration, Problem
from jaxmle._slices._differences import differences
from jaxmle._slices._marginal import (
    FIXED,
    Rate,
    cut_beta,
    log_gamma,
    log_marginal,
    rate_nodes,
    shapes,
    updated,
)
from jaxmle._slices._projected_newton import eigh, maximize_in_box
from jaxmle._slices._slice import Slices, slices_of_problem
from jaxmle._stats import log_sum_exp
from jaxmle._types import Array, Pair

# Intraclass correlations of a rate of the judge, 0 being one judge for all slices, and their prior: one judge
# in half of all cases.
RHO = np.array([0.0, 0.006, 0.04, 0.25])
_ONE_JUDGE = 0.5
# In the order of a snake, so that neighbours follow each other.
PAIRS = np.array([(a, b) for i, a in enumerate(RHO) for b in RHO[:: -1 if i % 2 else 1]])
PRIOR = np.where(PAIRS.sum(1) == 0, _ONE_JUDGE, (1 - _ONE_JUDGE) / (len(PAIRS) - 1))
_FINE = np.array([1.87**-1, 1.0, 1.87])
_FINER = np.array([(a, b) for i, a in enumerate(_FINE) for b in _FINE[:: -1 if i % 2 else 1]])
_NODES = 16
# Prior of the concentration of failure rates: log-normal.
_LOG_K = (np.log(10.0), 1.5)
# Failures caught, and passes let through, that the prior of the means is worth.
_CAUGHT = 2.0
# Ends of the four numbers at the mode.
_LOW, _HIGH = np.array([-8.0, -8.0, -8.0, -1.0]), np.array([8.0, 8.0, 8.0, 7.0])
# Unlabelled items of a slice beyond which rounding drowns the differences, and the integral over the failure
# rate is rougher than what it tells: they place the flag rate to .0016, far within the least spread of RHO.
ENOUGH = 1e5
# Gain, in nats, that one more step may promise at a mode.
REACHED = 0.01
LEAST_PRECISION = 0.05
# Slices from which the distribution of the judge is learnt: those with the most labels.
LEARNT_FROM = 256
# Pairs that are kept where they hold nearly all of the probability.
_FEW = 12
_NEARLY_ALL = 0.98


class Data(NamedTuple):
    """Slices and their labelled items; arrays of shape ``(S,)``.

    Attributes:
        slices: What bears on the failure rates.
        cells: tp, fn, fp, tn.
        tpr: Bounds of the TPR.
        fpr: Bounds of the FPR.
        hull: Range of the mean TPR and that of the mean FPR, shape ``(2, 2)``.
    """

    slices: Slices
    cells: tuple[Array, Array, Array, Array]
    tpr: Pair
    fpr: Pair
    hull: Array


class JudgePosterior(NamedTuple):
    """Posterior of the judge's distribution at each pair of spreads; leading axis: pairs.

    Attributes:
        rho: The pairs of intraclass correlations, of TPR and FPR, shape ``(P, 2)``.
        weight: Posterior probability of the pair.
        mode: Mode of the four other numbers, shape ``(P, 4)``.
        precision: Precision there, shape ``(P, 4, 4)``.
        gain: What one more Newton step promises.
        spread: Standard deviations of TPR and FPR over slices, within the range of their means, ``(P, 2)``.
    """

    rho: Array
    weight: Array
    mode: Array
    precision: Array
    gain: Array
    spread: Array

    def mean_variance(self) -> tuple[float, float]:
        """Posterior means of the variances of TPR and FPR over slices."""
        tpr, fpr = self.weight @ self.spread**2
        return float(tpr), float(fpr)


def data_of(problem: Problem, calibration: Calibration, hull: Array) -> Data:
    """Lay out the data of slices, shape ``(S,)``."""
    cells = (problem.counts.tp, problem.counts.fn, problem.counts.fp, problem.counts.tn)
    pairs = (problem.bounds.tpr[0], problem.bounds.tpr[1]), (problem.bounds.fpr[0], problem.bounds.fpr[1])
    return Data(slices_of_problem(problem, calibration), cells, *pairs, hull)


def cap_unlabeled(data: Data) -> Data:
    """Data with no more unlabelled items than are of use to learn the judge's distribution."""
    s = data.slices
    share = np.minimum(1.0, ENOUGH / np.maximum(s.flagged + s.passed, 1.0))
    return data._replace(slices=s._replace(flagged=s.flagged * share, passed=s.passed * share))


def concentration(rho: Array) -> Array:
    """Concentration of a Beta distribution with intraclass correlation ``rho``."""
    return np.where(rho > 0, 1 / np.maximum(rho, 1e-9) - 1, FIXED)


def means_of(z: Array, data: Data) -> Array:
    """Mean TPR and FPR from their logits within the bounds, shape ``(..., 2)``."""
    low, high = data.hull.T
    return np.clip(low + (high - low) * _sigmoid(z[..., :2]), 1e-5, 1 - 1e-5)


def slopes_of_means(z: Array, data: Data) -> Array:
    """Derivative of each mean in its own logit, shape ``(..., 2)``; the other derivatives are 0."""
    low, high = data.hull.T
    share = _sigmoid(z[..., :2])
    mean = low + (high - low) * share
    return np.where((mean > 1e-5) & (mean < 1 - 1e-5), (high - low) * share * (1 - share), 0.0)


def log_rate_terms(z: Array, rho: Array, data: Data) -> Pair:
    """Failure rates at the nodes of an integral over them and the logarithms of its terms, ``(K, S, J)``.

    ``z`` has shape ``(K, 4)``. Differences move one or two of the four numbers at a time, so what depends on
    some of them only is computed once for equal ones.
    """
    means = means_of(z, data)
    (tpr, of_tpr), (fpr, of_fpr) = (
        _updated_means(means[:, k], rho[k], cells, bounds)
        for k, (cells, bounds) in enumerate(((data.cells[:2], data.tpr), (data.cells[2:], data.fpr)))
    )
    # One integral for each pair of means.
    pairs, place = np.unique(of_tpr * len(z) + of_fpr, return_inverse=True)
    tpr = Rate(*(part[pairs // len(z)] for part in tpr))
    fpr = Rate(*(part[pairs % len(z)] for part in fpr))
    rate, weight = rate_nodes(data.slices, tpr, fpr, _NODES)
    s = Slices(*(x[..., None] for x in data.slices))
    tpr, fpr = (Rate(*(x[..., None] for x in one)) for one in (tpr, fpr))
    terms = log_marginal(s, tpr, fpr, rate) + np.log(np.maximum(weight, 1e-300))
    inner = np.clip(rate, 1e-12, 1 - 1e-12)
    failing, passing = np.log(inner), np.log1p(-inner)
    mean, k = _sigmoid(z[:, 2]), np.exp(z[:, 3])
    a, b = mean * k, (1 - mean) * k
    norm = log_gamma(a) + log_gamma(b) - log_gamma(k)
    a, b, norm = (x[:, None, None] for x in (a - 1, b - 1, norm))
    return rate[place], terms[place] + (a * failing[place] + b * passing[place] - norm)


def _updated_means(mean: Array, rho: Array, cells: Pair, bounds: Pair) -> tuple[Rate, Array]:
    """A rate of the judge for each different mean, and which of them each mean is."""
    different, place = np.unique(mean, return_inverse=True)
    a, b = shapes(different[:, None], concentration(rho))
    return updated((a, b), *cells, *bounds), place


def log_posterior_terms(z: Array, rho: Array, data: Data) -> Array:
    """Log-likelihood of each slice, shape ``(K, S)``."""
    return log_sum_exp(log_rate_terms(z, rho, data)[1], axis=-1)


def log_prior(z: Array, data: Data) -> Array:
    """Means as after two failures caught and two passes let through, and a wide prior of the concentration.

    A judge is likelier better than chance than worse; where labels are very few this decides.
    """
    size = np.abs(z[..., :3])
    uniform = -np.sum(size + 2 * np.log1p(np.exp(-size)), -1)
    means = means_of(z, data)
    judge = _CAUGHT * (np.log(means[..., 0]) + np.log1p(-means[..., 1]))
    return uniform + judge - 0.5 * ((z[..., 3] - _LOG_K[0]) / _LOG_K[1]) ** 2


def judge_posterior(problem: Problem, calibration: Calibration, hull: Array) -> JudgePosterior:
    """Posterior of how the judge's rates vary over slices, from those with the most labels.

    Slices without labels tell of the judge through the distribution of failure rates alone, and labels are
    often sent where failures are thought to be: they are left out, for their failure rates may be others.
    """
    labels = np.asarray(problem.counts.n_labeled)
    n_chosen = min(LEARNT_FROM, np.count_nonzero(labels) or len(labels))
    chosen = np.sort(np.argsort(-labels, kind="stable")[:n_chosen])
    data = cap_unlabeled(data_of(problem.take(chosen), calibration, hull))
    start = z = _start(data)
    log_priors, n = np.log(PRIOR), len(PAIRS)
    best, top, z_top = -np.inf, 0, start
    found = []
    # Each pair starts where its neighbour ended. Once the coarse grid is through, a finer one divides its
    # likeliest cell.
    for i in range(n + len(_FINER)):
        if i == n:
            z = z_top
        rho = PAIRS[i] if i < n else PAIRS[top] * _FINER[i - n]
        one = _at(rho, z, data)
        evidence, mode, _, gain, _ = one
        z = mode if gain <= REACHED else start
        if i < n and evidence + log_priors[i] > best:
            best, top, z_top = evidence + log_priors[i], i, z
        found.append((rho, *one))
    rho, evidence, mode, precision, gain, spread = (np.array(part) for part in zip(*found, strict=True))
    if not np.isfinite(evidence).any():
        evidence = np.zeros(len(evidence))
    shared = np.full(len(_FINER), log_priors[top] - np.log(len(_FINER)))
    log_priors[top] = -np.inf
    weight = evidence + np.concatenate([log_priors, shared])
    weight = np.exp(weight - weight.max())
    return JudgePosterior(rho, weight / weight.sum(), mode, precision, gain, spread)


def _start(data: Data) -> Array:
    """The four numbers as labels tell of them."""
    tp, fn, fp, tn = (np.sum(x) for x in data.cells)
    failures, passes = np.sum(data.slices.failures), np.sum(data.slices.passes)
    rates = np.array([(tp + 0.8) / (tp + fn + 1), (fp + 0.2) / (fp + tn + 1)])
    low, high = data.hull.T
    share = np.clip((rates - low) / np.maximum(high - low, 1e-12), 0.05, 0.95)
    share = np.append(share, (failures + 0.5) / (failures + passes + 5))
    return np.append(np.log(share) - np.log1p(-share), _LOG_K[0])


def _at(rho: Array, start: Array, data: Data) -> tuple[Array | float, Array, Array, Array, Array]:
    """Evidence of a pair of spreads, mode, precision, gain and standard deviations."""

    def value(_: Array | None, z: Array) -> Array:
        return np.sum(log_posterior_terms(z, rho, data), -1) + log_prior(z, data)

    def derivatives(_: Array, z: Array) -> tuple[Array, Array, Array]:
        here, gradient, hessian = differences(lambda z: value(None, z), z[0])
        return here[None], gradient[None], hessian[None]

    found = maximize_in_box(value, derivatives, start[None], _LOW, _HIGH, tolerance=1e-3, max_steps=40)
    mode, gain = found.x[0], found.gain[0]
    values, vectors = eigh(-found.hessian[0])
    values = np.maximum(values, LEAST_PRECISION)
    # A mode that was not reached is no mode: it counts for nothing, and nothing starts from it.
    evidence = found.value[0] - 0.5 * np.sum(np.log(values)) if gain <= REACHED else -np.inf
    means, ends = means_of(mode, data), data.hull.T
    variance = cut_beta(*shapes(means, concentration(rho)), *ends).variance
    spread = np.where(rho > 0, np.sqrt(variance), 0.0)
    return evidence, mode, (vectors * values) @ vectors.T, gain, spread


def leading(found: JudgePosterior) -> JudgePosterior:
    """Join equal pairs and leave out those of next to no probability."""
    _, first, which = np.unique(found.rho, axis=0, return_index=True, return_inverse=True)
    weight = np.bincount(which.ravel(), found.weight)
    order = np.argsort(-weight, kind="stable")
    kept = order[:_FEW] if weight[order[:_FEW]].sum() >= _NEARLY_ALL else order
    part = JudgePosterior(*(x[first[kept]] for x in found))
    return part._replace(weight=weight[kept] / weight[kept].sum())


def weight_of_differing(found: JudgePosterior) -> Array | None:
    """Weights of the pairs by which judges differ, shape ``(P,)``, their sum 1; None where none does."""
    apart = np.where(found.rho.sum(1) == 0, 0.0, found.weight)
    return apart / apart.sum() if apart.any() else None


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))
