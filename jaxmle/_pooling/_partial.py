"""Slices whose judges differ, but not without limit: each borrows what the others tell of its judge."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from jaxmle._pooling._hyper import (
    LEAST_PRECISION,
    Data,
    Hyper,
    concentration,
    differences,
    eased,
    log_posterior_terms,
    means_of,
)
from jaxmle._pooling._marginal import FIXED, Rate, log_marginal, rate_nodes, shapes, updated
from jaxmle._solvers._symmetric import eigen

_GRID = 64
_STEPS = 50


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
    covariance: Any
    borrowed: Any
    weight: Any


def judges_of(hyper: Hyper, data: Data, *, own: bool) -> Judges:
    """Predict the judge of each slice from all the others, and update it by the slice's own labels.

    ``own`` says whether the slices are few and among those that the posterior was learnt from; what each of
    them told is then taken out of its own prediction.
    """
    data = eased(data)  # what they told was learnt so

    def at(pair: tuple[Any, Any, Any]) -> tuple[Rate, Rate, Any, Any]:
        rho, mode, precision = pair
        size = len(data.used)
        if own:
            # What the slice itself tells of the means is taken out again by one Newton step.
            _, slope, curvature = differences(lambda z: log_posterior_terms(z, rho, data), mode)
        else:
            slope, curvature = jnp.zeros((size, len(mode))), jnp.zeros((size, len(mode), len(mode)))
        values, vectors = eigen(precision + curvature)
        values = jnp.maximum(values, LEAST_PRECISION)
        inverse = jnp.einsum("sij,sj,skj->sik", vectors, 1 / values, vectors)
        shift = -jnp.einsum("sij,sj->si", inverse, slope)
        z = mode + jnp.clip(shift, -1.0, 1.0)
        jacobian = jax.vmap(jax.jacfwd(lambda z: jnp.stack(means_of(z, data))))(z)
        spread = jnp.einsum("sai,sij,sbj->sab", jacobian, inverse, jacobian)
        means = jax.vmap(lambda z: jnp.stack(means_of(z, data)))(z)
        rates = []
        for k, (bounds, cells) in enumerate(((data.tpr, data.cells[:2]), (data.fpr, data.cells[2:]))):
            mean = means[:, k]
            uncertain = jnp.minimum(spread[:, k, k], 0.3 * mean * (1 - mean))
            a, b = shapes(mean, concentration(rho[k]))
            total = a + b
            variance = mean * (1 - mean) / (total + 1) + uncertain
            prior = shapes(mean, jnp.clip(mean * (1 - mean) / variance - 1, 0.0, FIXED))
            lent = (prior[0] + prior[1]) / (prior[0] + prior[1] + cells[0] + cells[1])
            rates.append((updated(prior, *cells, *bounds), variance, lent))
        (tpr, before_tpr, lent_tpr), (fpr, before_fpr, lent_fpr) = rates
        kept = (tpr.variance / before_tpr) * (fpr.variance / before_fpr)
        limit = 0.9 * jnp.sqrt(tpr.variance * fpr.variance)
        return tpr, fpr, jnp.clip(spread[:, 0, 1] * kept, -limit, limit), 0.5 * (lent_tpr + lent_fpr)

    found = jax.lax.map(at, (hyper.rho, hyper.mode, hyper.precision))
    tpr, fpr, covariance, borrowed = jax.tree.map(lambda x: x.T, found)
    weight = jnp.broadcast_to(hyper.weight, covariance.shape)
    return Judges(tpr, fpr, covariance, borrowed, weight)


def log_mixture(judges: Judges, data: Data, rate: Any) -> Any:
    """Log-likelihood of failure rates of shape ``(S, J)``, averaged over the spreads."""

    def at(judge: Judges) -> Any:
        slices, tpr, fpr = jax.tree.map(lambda x: x[:, None], (data.slices, judge.tpr, judge.fpr))
        weight = jnp.log(jnp.maximum(judge.weight, 1e-30))
        return log_marginal(slices, tpr, fpr, rate, judge.covariance[:, None]) + weight[:, None]

    parts = jax.lax.map(at, jax.tree.map(lambda x: x.T, judges))
    return logsumexp(parts, axis=0)


def estimate_of(judges: Judges, data: Data) -> tuple[Any, Any]:
    """Most likely failure rate of each slice and its log-likelihood."""
    tpr, fpr = jax.tree.map(lambda x: jnp.sum(judges.weight * x, 1), (judges.tpr, judges.fpr))
    nodes, _ = rate_nodes(data.slices, tpr, fpr, _GRID)
    nodes = jnp.concatenate([data.slices.low[:, None], nodes, data.slices.high[:, None]], 1)
    values = log_mixture(judges, data, nodes)
    best = jnp.argmax(values, 1)[:, None]
    left = jnp.take_along_axis(nodes, jnp.maximum(best - 1, 0), 1)[:, 0]
    right = jnp.take_along_axis(nodes, jnp.minimum(best + 1, nodes.shape[1] - 1), 1)[:, 0]
    golden = 0.5 * (5**0.5 - 1)

    def step(_: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        left, right = state
        first, second = right - golden * (right - left), left + golden * (right - left)
        pair = log_mixture(judges, data, jnp.stack([first, second], 1))
        up = pair[:, 0] < pair[:, 1]
        return jnp.where(up, first, left), jnp.where(up, right, second)

    left, right = jax.lax.fori_loop(0, 30, step, (left, right))
    ends = jnp.stack([jnp.take_along_axis(nodes, best, 1)[:, 0], 0.5 * (left + right)], 1)
    both = log_mixture(judges, data, ends)
    pick = jnp.argmax(both, 1)[:, None]
    return jnp.take_along_axis(ends, pick, 1)[:, 0], jnp.take_along_axis(both, pick, 1)[:, 0]


def ends_of(judges: Judges, data: Data, estimate: Any, top: Any, cutoff: Any) -> tuple[Any, Any]:
    """Failure rates at which the log-likelihood has fallen by half the cut-off, below and above."""
    found = []
    for stop in (data.slices.low, data.slices.high):
        reached = log_mixture(judges, data, stop[:, None])[:, 0] >= top - 0.5 * cutoff

        def step(_: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
            inner, outer = state
            middle = 0.5 * (inner + outer)
            inside = log_mixture(judges, data, middle[:, None])[:, 0] >= top - 0.5 * cutoff
            return jnp.where(inside, middle, inner), jnp.where(inside, outer, middle)

        inner, _ = jax.lax.fori_loop(0, 40, step, (estimate, stop))
        found.append(jnp.where(reached, stop, inner))
    return found[0], found[1]
