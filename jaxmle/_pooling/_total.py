"""The failure rate of a mix of slices whose judges differ."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmle._pooling._hyper import Data, Hyper, log_rate_terms, slopes
from jaxmle._solvers._symmetric import eigen


class Mixed(NamedTuple):
    """Posterior mean and variance of a weighted sum of failure rates at each pair of spreads, ``(P,)``."""

    mean: Any
    variance: Any


def mixed_of(hyper: Hyper, data: Data, weights: Any) -> Mixed:
    """Mean and variance of ``sum(weights * failure_rate)`` at each pair of spreads.

    The slices are independent given the distribution of judges; that it is uncertain makes them err together,
    which is added by the delta method.
    """

    def at(pair: tuple[Any, Any, Any]) -> tuple[Any, Any]:
        rho, mode, precision = pair

        def moments(z: Any) -> tuple[Any, Any]:
            rate, logs = log_rate_terms(z, rho, data)
            mass = jax.nn.softmax(logs, axis=1)
            mean = jnp.sum(mass * rate, 1)
            variance = jnp.sum(mass * (rate - mean[:, None]) ** 2, 1)
            return jnp.sum(weights * mean), jnp.sum(weights**2 * variance)

        mean, alone = moments(mode)
        slope = slopes(lambda z: moments(z)[0], mode)
        values, vectors = eigen(precision)
        return mean, alone + jnp.sum((slope @ vectors) ** 2 / values)

    return Mixed(*jax.lax.map(at, (hyper.rho, hyper.mode, hyper.precision)))
