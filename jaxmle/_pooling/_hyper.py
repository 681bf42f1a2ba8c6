"""How much the judge's rates vary over slices: a posterior over a grid of spreads.

For each pair of spreads (of TPR and of FPR) the four other numbers, the mean rates of the judge and the mean
and concentration of the failure rates over slices, are put at their posterior mode, and integrated by
Laplace's method; the spreads are weighed by what is left. This is the scheme of integrated nested Laplace
approximations (Rue, Martino and Chopin, JRSS B 71, 2009). The distribution of failure rates serves here
alone: without it every spread would look like a spread of failure rates. Estimates and intervals of slices
leave their own failure rate free.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp

from jaxmle._pooling._marginal import FIXED, cut_beta, log_gamma, log_marginal, rate_nodes, shapes, updated
from jaxmle._pooling._slice import Slices
from jaxmle._solvers._box import maximize_in_box
from jaxmle._solvers._symmetric import eigen

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
_STEP = 2e-3
# Unlabelled items of a slice beyond which rounding drowns the differences, and the integral over the failure
# rate is rougher than what it tells: they place the flag rate to .0016, far within the least spread of RHO.
ENOUGH = 1e5
# Gain, in nats, that one more step may promise at a mode.
REACHED = 0.01
LEAST_PRECISION = 0.05
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
        used: False for what only fills up the arrays.
        hull: Range of the mean TPR and that of the mean FPR, shape ``(2, 2)``.
    """

    slices: Slices
    cells: tuple[Any, Any, Any, Any]
    tpr: tuple[Any, Any]
    fpr: tuple[Any, Any]
    used: Any
    hull: Any


class Hyper(NamedTuple):
    """Posterior of the judge's distribution at each pair of spreads; leading axis: pairs.

    Attributes:
        rho: The pairs of intraclass correlations, of TPR and FPR, shape ``(P, 2)``.
        weight: Posterior probability of the pair.
        mode: Mode of the four other numbers, shape ``(P, 4)``.
        precision: Precision there, shape ``(P, 4, 4)``.
        gain: What one more Newton step promises.
        spread: Standard deviations of TPR and FPR over slices, within the range of their means, ``(P, 2)``.
    """

    rho: Any
    weight: Any
    mode: Any
    precision: Any
    gain: Any
    spread: Any


def eased(data: Data) -> Data:
    """Data with no more unlabelled items than are of use to learn the judge's distribution."""
    s = data.slices
    share = jnp.minimum(1.0, ENOUGH / jnp.maximum(s.flagged + s.passed, 1.0))
    return data._replace(slices=s._replace(flagged=s.flagged * share, passed=s.passed * share))


def concentration(rho: Any) -> Any:
    """Concentration of a Beta distribution with intraclass correlation ``rho``."""
    return jnp.where(rho > 0, 1 / jnp.maximum(rho, 1e-9) - 1, FIXED)


def means_of(z: Any, data: Data) -> tuple[Any, Any]:
    """Mean TPR and FPR from their logits within the bounds."""
    found = []
    for value, (low, high) in zip(z[:2], data.hull, strict=True):
        mean = low + (high - low) * jax.nn.sigmoid(value)
        found.append(jnp.clip(mean, 1e-5, 1 - 1e-5))
    return found[0], found[1]


def log_rate_terms(z: Any, rho: Any, data: Data) -> tuple[Any, Any]:
    """Failure rates at the nodes of an integral over them and the logarithms of its terms, ``(S, J)``."""
    tpr, fpr = means_of(z, data)
    tp, fn, fp, tn = data.cells
    of_tpr = updated(shapes(tpr, concentration(rho[0])), tp, fn, *data.tpr)
    of_fpr = updated(shapes(fpr, concentration(rho[1])), fp, tn, *data.fpr)
    rate, weight = rate_nodes(data.slices, of_tpr, of_fpr, _NODES)
    slices, tpr_column, fpr_column = jax.tree.map(lambda x: x[:, None], (data.slices, of_tpr, of_fpr))
    mean, k = jax.nn.sigmoid(z[2]), jnp.exp(z[3])
    a, b = mean * k, (1 - mean) * k
    inner = jnp.clip(rate, 1e-12, 1 - 1e-12)
    norm = log_gamma(a) + log_gamma(b) - log_gamma(k)
    prior = (a - 1) * jnp.log(inner) + (b - 1) * jnp.log1p(-inner) - norm
    return rate, log_marginal(slices, tpr_column, fpr_column, rate) + prior + jnp.log(
        jnp.maximum(weight, 1e-300)
    )


def log_posterior_terms(z: Any, rho: Any, data: Data) -> Any:
    """Log-likelihood of each slice, shape ``(S,)``."""
    logs = log_rate_terms(z, rho, data)[1]
    return jnp.where(data.used, logsumexp(logs, axis=1), 0.0)


def log_prior(z: Any, data: Data) -> Any:
    """Means as after two failures caught and two passes let through, and a wide prior of the concentration.

    A judge is likelier better than chance than worse; where labels are very few this decides.
    """
    uniform = jnp.sum(jax.nn.log_sigmoid(z[:3]) + jax.nn.log_sigmoid(-z[:3]))
    tpr, fpr = means_of(z, data)
    judge = _CAUGHT * (jnp.log(tpr) + jnp.log1p(-fpr))
    return uniform + judge - 0.5 * ((z[3] - _LOG_K[0]) / _LOG_K[1]) ** 2


def hyper_of(data: Data) -> Hyper:
    """Posterior of the judge's distribution."""
    data = eased(data)
    tp, fn, fp, tn = (jnp.sum(x) for x in data.cells)

    def logit_in(rate: Any, pair: Any) -> Any:
        low, high = pair
        share = jnp.clip((rate - low) / jnp.maximum(high - low, 1e-12), 0.05, 0.95)
        return jnp.log(share) - jnp.log1p(-share)

    rates = jnp.sum(data.slices.failures), jnp.sum(data.slices.passes)
    share = (rates[0] + 0.5) / (rates[0] + rates[1] + 5)
    start = jnp.stack(
        [
            logit_in((tp + 0.8) / (tp + fn + 1), data.hull[0]),
            logit_in((fp + 0.2) / (fp + tn + 1), data.hull[1]),
            jnp.log(share) - jnp.log1p(-share),
            jnp.asarray(_LOG_K[0]),
        ]
    )

    limit = jnp.array([8.0, 8.0, 8.0, 7.0])

    def spread(rho: Any, z: Any) -> Any:
        pairs = zip(means_of(z, data), concentration(rho), data.hull, strict=True)
        variances = [cut_beta(*shapes(mean, k), *ends).variance for mean, k, ends in pairs]
        return jnp.where(rho > 0, jnp.sqrt(jnp.stack(variances)), 0.0)

    def at(rho: Any, z: Any) -> tuple[Any, Any, Any, Any, Any]:
        def value(z: Any) -> Any:
            return jnp.sum(log_posterior_terms(z, rho, data)) + log_prior(z, data)

        def derivatives(z: Any) -> tuple[Any, Any, Any]:
            return differences(value, z)

        low = -limit.at[3].set(1.0)
        found = maximize_in_box(value, derivatives, z, low, limit, tolerance=1e-3, max_steps=40)
        values, vectors = eigen(-found.hessian)
        values = jnp.maximum(values, LEAST_PRECISION)
        # A mode that was not reached is no mode: it counts for nothing, and nothing starts from it.
        reached = found.gain <= REACHED
        evidence = jnp.where(reached, found.value - 0.5 * jnp.sum(jnp.log(values)), -jnp.inf)
        return evidence, found.x, (vectors * values) @ vectors.T, found.gain, spread(rho, found.x)

    coarse, prior = jnp.asarray(PAIRS), jnp.log(jnp.asarray(PRIOR))
    n = len(PAIRS)

    def step(state: Any, i: Any) -> tuple[Any, Any]:
        z, (best, top, z_top) = state
        # Each pair starts where its neighbour ended. Once the coarse grid is through, a finer one divides
        # its likeliest cell.
        rho = jnp.where(i < n, coarse[i % n], coarse[top] * jnp.asarray(_FINER)[i - n])
        found = evidence, mode, _, gain, _ = at(rho, jnp.where(i == n, z_top, z))
        following = jnp.where(gain <= REACHED, mode, start)
        better = (i < n) & (evidence + prior[i % n] > best)
        leader = (evidence + prior[i % n], i % n, following)
        state = jax.tree.map(lambda new, old: jnp.where(better, new, old), leader, (best, top, z_top))
        return (following, state), (rho, found)

    # One loop for both grids, so that the likelihood is compiled once.
    leader = (jnp.asarray(-jnp.inf), jnp.asarray(0), start)
    (_, (_, top, _)), (rho, found) = jax.lax.scan(step, (start, leader), jnp.arange(n + len(_FINER)))
    evidence, mode, precision, gain, spreads = found
    shared = jnp.full(len(_FINER), prior[top] - np.log(len(_FINER)))
    evidence = jnp.where(jnp.isfinite(evidence).any(), evidence, 0.0)
    weight = jax.nn.softmax(evidence + jnp.concatenate([prior.at[top].set(-jnp.inf), shared]))
    return Hyper(rho, weight, mode, precision, gain, spreads)


def leading(found: Hyper) -> Hyper:
    """Join equal pairs and leave out those of next to no probability (host side); few sizes are returned."""
    _, first, which = np.unique(found.rho, axis=0, return_index=True, return_inverse=True)
    weight = np.bincount(which.ravel(), found.weight)
    order = np.argsort(-weight, kind="stable")
    kept = order[:_FEW] if weight[order[:_FEW]].sum() >= _NEARLY_ALL else order
    part = Hyper(*(leaf[first[kept]] for leaf in found))._replace(weight=weight[kept] / weight[kept].sum())
    size = _FEW if len(kept) <= _FEW else len(found.weight)
    filled = Hyper(*(np.concatenate([leaf, np.repeat(leaf[-1:], size - len(leaf), axis=0)]) for leaf in part))
    return filled._replace(weight=np.pad(part.weight, (0, size - len(kept))))


def only_one_judge(found: Hyper) -> Hyper:
    """The posterior with one judge for all slices taken for granted (host side)."""
    first = np.flatnonzero(found.rho.sum(1) == 0)[:1]
    return Hyper(*(leaf[first] for leaf in found))._replace(weight=np.ones(1))


def slopes(function: Callable[[Any], Any], z: Any) -> Any:
    """Gradient of a scalar function by central differences."""
    steps = _STEP * jnp.eye(len(z))
    ahead, behind = jax.vmap(function)(jnp.concatenate([z + steps, z - steps])).reshape(2, -1)
    return (ahead - behind) / (2 * _STEP)


def differences(function: Callable[[Any], Any], z: Any) -> tuple[Any, Any, Any]:
    """Value, gradient and Hessian of a function of four numbers by central differences.

    Of functions of any shape the derivatives come on trailing axes. Cheaper to compile than derivatives of
    quadratures inside a loop, and exact enough for steps and for Laplace's method.
    """
    n = len(z)
    steps = [np.zeros(n)]
    steps += [sign * row for row in np.eye(n) for sign in (1, -1)]
    pairs = [(i, j) for i in range(n) for j in range(i)]
    steps += [sign * (np.eye(n)[i] + np.eye(n)[j]) for i, j in pairs for sign in (1, -1)]
    values = jax.vmap(function)(z + _STEP * jnp.asarray(np.array(steps)))
    here, plus, minus = values[0], values[1 : 2 * n + 1 : 2], values[2 : 2 * n + 1 : 2]
    gradient = [(plus[i] - minus[i]) / (2 * _STEP) for i in range(n)]
    hessian = [[here] * n for _ in range(n)]
    for i in range(n):
        hessian[i][i] = (plus[i] + minus[i] - 2 * here) / _STEP**2
    for k, (i, j) in enumerate(pairs):
        both = values[2 * n + 1 + 2 * k] + values[2 * n + 2 + 2 * k]
        cross = (both - plus[i] - minus[i] - plus[j] - minus[j] + 2 * here) / (2 * _STEP**2)
        hessian[i][j] = hessian[j][i] = cross
    return here, jnp.stack(gradient, -1), jnp.stack([jnp.stack(row, -1) for row in hessian], -1)
