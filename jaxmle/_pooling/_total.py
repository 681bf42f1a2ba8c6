"""The failure rate of a mix of slices whose judges differ."""

from typing import NamedTuple

import numpy as np

from jaxmle._data import Calibration
from jaxmle._pooling._batches import take
from jaxmle._pooling._differences import slopes
from jaxmle._pooling._judge_posterior import JudgePosterior, data_of, log_rate_terms
from jaxmle._pooling._projected_newton import eigen
from jaxmle._types import Array

# Slices that are held at once.
_BLOCK = 2048


class Mixture(NamedTuple):
    """Posterior mean and variance of a weighted sum of failure rates at each pair of spreads, ``(P,)``."""

    mean: Array
    variance: Array


def mixture_of(
    leaves: list[Array], calibration: Calibration, posterior: JudgePosterior, hull: Array, weights: Array
) -> Mixture:
    """Mean and variance of ``sum(weights * failure_rate)`` at each pair of spreads.

    The slices are independent given the distribution of judges; that it is uncertain makes them err together,
    which is added by the delta method.
    """
    starts = range(0, len(weights), _BLOCK)
    parts = [take((leaves, weights), slice(start, start + _BLOCK)) for start in starts]
    blocks = [(data_of(part, calibration, hull), share) for part, share in parts]

    def moments(z: Array, rho: Array) -> Array:
        """Mean, and variance of the slices alone, at each point; shape ``(2, K)``."""
        total = np.zeros((2, len(z)))
        for data, share in blocks:
            rate, logs = log_rate_terms(z, rho, data)
            mass = np.exp(logs - np.max(logs, -1, keepdims=True))
            mass = mass / np.sum(mass, -1, keepdims=True)
            mean = np.sum(mass * rate, -1)
            variance = np.sum(mass * (rate - mean[..., None]) ** 2, -1)
            total += np.stack([np.sum(mean * share, -1), np.sum(variance * share**2, -1)])
        return total

    found = []
    for rho, mode, precision in zip(posterior.rho, posterior.mode, posterior.precision, strict=True):
        mean, alone = moments(mode[None], rho)[:, 0]

        def mean_at(z: Array, rho: Array = rho) -> Array:
            return moments(z, rho)[0]

        values, vectors = eigen(precision)
        slope = slopes(mean_at, mode) @ vectors
        found.append((mean, alone + np.sum(slope**2 / values)))
    mean, variance = np.array(found).T
    return Mixture(mean, variance)
