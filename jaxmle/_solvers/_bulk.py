"""Maxima in bulk for simulation: estimates and values to a stated error, without certificates."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import closed_form, log_likelihood
from jaxmle._solvers._active_set import guessed_maximum
from jaxmle._solvers._designs import follow_all, half_exists, mirror, obeys
from jaxmle._solvers._external import External
from jaxmle._solvers._faces import face_maximum
from jaxmle._solvers._internal import Internal
from jaxmle._solvers._solution import bound_pairs, param_values


class Maximum(NamedTuple):
    """Near-maxima of flat batches.

    Attributes:
        params: Failure rate, TPR and FPR within the bounds, shape ``(B,)``.
        log_likelihood: Their log-likelihood, shape ``(B,)``.
        free: Whether the maximum without bounds obeys them, so that none is active, shape ``(B,)``.
    """

    params: Params
    log_likelihood: Any
    free: Any


def bulk_maximum(counts: Counts, bounds: Bounds, calibration: Calibration, error: float) -> Maximum:
    """Maximize by closed form, on faces of the box, by active set, or by interior point, what first suffices.

    Args:
        counts: Counts, shape ``(B,)``.
        bounds: Bounds, shape ``(B,)``.
        calibration: "internal" or "external".
        error: Shortfall of the log-likelihood, in nats over all items, that is tolerated.
    """
    total: Any = sum(jax.tree.leaves(counts))
    aim = jnp.maximum(error / jnp.where(total > 0, total, 1), 20 * np.finfo(total.dtype).eps)
    direct = closed_form(counts, calibration=calibration)
    free = direct.exists & obeys(direct.params, bounds)
    if calibration == "internal":
        faced, on_face = face_maximum(counts, bounds, aim)
        on_face = on_face | free
        known = bounds.failure_rate[0] >= bounds.failure_rate[1]
        guessed, right = guessed_maximum(counts, bounds, aim, on_face | ~known)
        right = right & known & ~on_face
        followed = _inside(follow_all(Internal, counts, bounds, aim, on_face | right), bounds)
        found = jax.tree.map(
            lambda a, b, c: jnp.where(on_face, a, jnp.where(right, b, c)), faced, guessed, followed
        )
    else:
        found = _better_half(counts, bounds, aim, free)
    params = jax.tree.map(lambda a, b: jnp.where(free, a, b), direct.params, found)
    return Maximum(params, log_likelihood(params, counts, calibration=calibration), free)


def likelihood_ratio(
    counts: Counts, wide: Bounds, narrow: Bounds, calibration: Calibration, error: float
) -> tuple[Any, Maximum, Maximum]:
    """Likelihood-ratio statistic of ``narrow`` bounds within ``wide`` ones, shape ``(B,)``, and both maxima.

    Twice the difference of the maximal log-likelihoods, at least 0; both batches are solved as one.
    """
    size = counts.tp.shape[0]
    twice, bounds = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), (counts, wide), (counts, narrow))
    both = bulk_maximum(twice, bounds, calibration, error)
    free, held = jax.tree.map(lambda x: x[:size], both), jax.tree.map(lambda x: x[size:], both)
    statistic = 2 * (free.log_likelihood - held.log_likelihood)
    return jnp.where(statistic > 0, statistic, 0.0), free, held


def _better_half(counts: Counts, bounds: Bounds, aim: Any, done: Any) -> Params:
    """Solve the external design as the better of its halves TPR >= FPR and TPR <= FPR."""
    size = done.shape[0]
    both_counts, both_bounds = jax.tree.map(
        lambda a, b: jnp.concatenate([a, b]), (counts, bounds), mirror(counts, bounds)
    )
    exists = half_exists(both_bounds)
    # Where the failure rate is known the first half stands for the whole box.
    known = bounds.failure_rate[0] >= bounds.failure_rate[1]
    exists = exists & ~jnp.concatenate([jnp.zeros_like(known), known])
    skip = jnp.concatenate([done, done]) | ~exists
    both = _inside(
        follow_all(External, both_counts, both_bounds, jnp.concatenate([aim, aim]), skip), both_bounds
    )
    value = jnp.where(exists, log_likelihood(both, both_counts, calibration="external"), -jnp.inf)
    first = value[:size] >= value[size:]
    theta, tpr, fpr = param_values(both)
    low, high = bounds.failure_rate
    return Params(
        jnp.clip(jnp.where(first, theta[:size], 1 - theta[size:]), low, high),
        jnp.where(first, tpr[:size], fpr[size:]),
        jnp.where(first, fpr[:size], tpr[size:]),
    )


def _inside(params: Params, bounds: Bounds) -> Params:
    pairs = zip(param_values(params), bound_pairs(bounds), strict=True)
    return Params(
        *(jnp.clip(jnp.where(jnp.isfinite(x), x, 0.5 * (lo + hi)), lo, hi) for x, (lo, hi) in pairs)
    )
