"""The likelihood of a slice's failure rate when its judge is drawn from a distribution of judges.

TPR and FPR of a slice are drawn from Beta distributions cut off at their bounds. Labelled items turn them
into Beta distributions again, cut off at the same bounds. Given the failure rate theta, the flag rate is
theta TPR + (1 - theta) FPR: an average of two independent rates, whose law is taken to be the Beta
distribution with the same mean and variance (it is one at theta = 0 and theta = 1, and in the limit of one
judge for all). The flagged items are then beta-binomial, and everything is in closed form but for the moments
of cut-off Betas.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._model._likelihood import xlogy
from jaxmle._pooling._slice import Slices

# Concentration of a rate that does not vary: its standard deviation is then below 5e-5.
FIXED = 1e8
# Shapes below this put nearly all their mass on 0 or 1; quadrature is not made for them.
LEAST_SHAPE = 0.25
_NODES = 16
_REACH = 6.0


class Rate(NamedTuple):
    """A rate of the judge in each slice: logarithm of the mass, mean and variance."""

    log_mass: Any
    mean: Any
    variance: Any


def shapes(mean: Any, concentration: Any) -> tuple[Any, Any]:
    """Shapes of the Beta distribution, its concentration raised where a shape would be too small."""
    least = LEAST_SHAPE / jnp.minimum(mean, 1 - mean)
    k = jnp.clip(jnp.maximum(concentration, least), 0.0, FIXED)
    return mean * k, (1 - mean) * k


def cut_beta(a: Any, b: Any, low: Any, high: Any) -> Rate:
    """Mass (up to a constant), mean and variance of t^(a-1) (1-t)^(b-1) on ``[low, high]``, by quadrature.

    The nodes lie in arcsine coordinates, dense at both ends, within six standard deviations of the mean.
    """
    mean = a / (a + b)
    reach = _REACH * jnp.sqrt(mean * (1 - mean) / (a + b + 1))
    middle = jnp.clip(mean, low, high)
    left = jnp.arcsin(jnp.sqrt(jnp.clip(middle - reach, low, high)))
    right = jnp.arcsin(jnp.sqrt(jnp.clip(middle + reach, low, high)))
    u = (np.arange(_NODES) + 0.5) / _NODES
    share, weight = u**3 * (10 - 15 * u + 6 * u**2), 30 * u**2 * (1 - u) ** 2 / _NODES
    # Where the nodes lie is no part of the integral, so it has no derivative.
    left, width = jax.lax.stop_gradient((left, jnp.maximum(right - left, 1e-9)))
    phi = left[..., None] + width[..., None] * share
    sine, cosine = jnp.sin(phi), jnp.maximum(jnp.cos(phi), 1e-12)
    log_density = (2 * a[..., None] - 1) * jnp.log(jnp.maximum(sine, 1e-12)) + (
        2 * b[..., None] - 1
    ) * jnp.log(cosine)
    most = jax.lax.stop_gradient(jnp.max(log_density, -1))
    mass = jnp.exp(log_density - most[..., None]) * weight
    total = jnp.sum(mass, -1)
    rate = sine**2
    found = jnp.sum(mass * rate, -1) / total
    variance = jnp.sum(mass * (rate - found[..., None]) ** 2, -1) / total
    return Rate(jnp.log(total) + most + jnp.log(width), found, variance)


def updated(prior: tuple[Any, Any], hits: Any, misses: Any, low: Any, high: Any) -> Rate:
    """A rate after labelled items, its mass being their probability."""
    a, b = (jnp.broadcast_to(x, jnp.shape(hits)) for x in prior)
    before = cut_beta(a, b, low, high)
    after = cut_beta(a + hits, b + misses, low, high)
    return Rate(after.log_mass - before.log_mass, after.mean, after.variance)


def log_marginal(s: Slices, tpr: Rate, fpr: Rate, rate: Any, covariance: Any = 0.0) -> Any:
    """Log-likelihood of failure rates, the judge's rates integrated out; broadcasts."""
    # A mean of exactly 0 or 1 has no Beta distribution.
    mean = jnp.clip(rate * tpr.mean + (1 - rate) * fpr.mean, 1e-15, 1 - 1e-15)
    spread = rate**2 * tpr.variance + (1 - rate) ** 2 * fpr.variance + 2 * rate * (1 - rate) * covariance
    k = mean * (1 - mean) / jnp.maximum(spread, 1e-300) - 1
    k = jnp.clip(k, 0.5, FIXED)
    a, b = mean * k, (1 - mean) * k
    flags = _log_beta_binomial(a, b, s.flagged, s.passed)
    labels = xlogy(s.failures, rate) + xlogy(s.passes, 1 - rate)
    return flags + labels + tpr.log_mass + fpr.log_mass


def rate_nodes(s: Slices, tpr: Rate, fpr: Rate, n: int) -> tuple[Any, Any]:
    """Failure rates, dense where they are likely, and the weights of an integral over them; ``(S, n)``."""
    slope = tpr.mean - fpr.mean
    slope = jnp.where(jnp.abs(slope) < 0.05, 0.05, slope)
    n_flags, n_labels = s.flagged + s.passed, s.failures + s.passes
    q = (s.flagged + 0.5) / (n_flags + 1)
    by_flags = jnp.clip((q - fpr.mean) / slope, 0.0, 1.0)
    noise = q * (1 - q) / (n_flags + 1) + by_flags**2 * tpr.variance + (1 - by_flags) ** 2 * fpr.variance
    by_labels = (s.failures + 0.5) / (n_labels + 1)
    sure = (slope**2 / noise, (n_labels + 1) / (by_labels * (1 - by_labels)))
    center = (sure[0] * by_flags + sure[1] * by_labels) / (sure[0] + sure[1])
    spread = 1 / jnp.sqrt(sure[0] + sure[1])
    center = jax.lax.stop_gradient(center)
    phi = jnp.arcsin(jnp.sqrt(jnp.clip(center, s.low, s.high)))
    ends = [jnp.arcsin(jnp.sqrt(x)) for x in (s.low, s.high)]
    scale = jnp.maximum(spread / jnp.maximum(jnp.sin(2 * phi), 2 * jnp.sqrt(spread)), 1e-6)
    start, stop = (jnp.arcsinh((end - phi) / scale) for end in ends)
    step = (stop - start) / n
    u = start[:, None] + step[:, None] * (np.arange(n) + 0.5)
    at = jnp.clip(phi[:, None] + scale[:, None] * jnp.sinh(u), ends[0][:, None], ends[1][:, None])
    weight = step[:, None] * scale[:, None] * jnp.cosh(u) * jnp.sin(2 * at)
    return jax.lax.stop_gradient((jnp.sin(at) ** 2, weight))


def log_gamma(x: Any) -> Any:
    """Logarithm of the gamma function for x > 0, by Stirling's series eight steps up."""
    product, stirling = _steps_up(x)
    return stirling - jnp.log(product)


def _steps_up(x: Any) -> tuple[Any, Any]:
    """Product of x, x + 1, ..., x + 7, and the logarithm of the gamma function at x + 8."""
    product = x
    for i in range(1, 8):
        product = product * (x + i)
    y = x + 8
    inverse = 1 / y
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    return product, (y - 0.5) * jnp.log(y) - y + 0.5 * np.log(2 * np.pi) + series


def _log_beta_binomial(a: Any, b: Any, hits: Any, misses: Any) -> Any:
    """Logarithm of B(a + hits, b + misses) / B(a, b), one logarithm of all ratios of products."""
    ratio, total = jnp.ones(()), jnp.zeros(())
    for x, n, sign in ((a, hits, 1), (b, misses, 1), (a + b, hits + misses, -1)):
        (above, log_above), (below, log_below) = _steps_up(x + n), _steps_up(x)
        ratio = ratio * (below / above if sign > 0 else above / below)
        total = total + sign * (log_above - log_below)
    return total + jnp.log(ratio)
