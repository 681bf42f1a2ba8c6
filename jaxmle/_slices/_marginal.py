"""The likelihood of a slice's failure rate when its judge is drawn from a distribution of judges.

TPR and FPR of a slice are drawn from Beta distributions cut off at their bounds. Labelled items turn them
into Beta distributions again, cut off at the same bounds. Given the failure rate theta, the flag rate is
theta TPR + (1 - theta) FPR: an average of two independent rates, whose law is taken to be the Beta
distribution with the same mean and variance (it is one at theta = 0 and theta = 1, and in the limit of one
judge for all). The flagged items are then beta-binomial, and everything is in closed form but for the moments
of cut-off Betas.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._model import xlogy
from jaxmle._slices._slice import Slices
from jaxmle._types import Array, Pair

# Concentration of a rate that does not vary: its standard deviation is then below 5e-5.
FIXED = 1e8
# Shapes below this put nearly all their mass on 0 or 1; quadrature is not made for them.
LEAST_SHAPE = 0.25
_NODES = 16
_REACH = 6.0
_OFF_ENDS = (1e-3, 0.5 * np.pi - 1e-3)
_MIDS = (np.arange(_NODES) + 0.5) / _NODES
# Nodes of a quadrature over [0, 1], dense at both ends, and their weights.
_SHARE = _MIDS**3 * (10 - 15 * _MIDS + 6 * _MIDS**2)
_WEIGHT = 30 * _MIDS**2 * (1 - _MIDS) ** 2 / _NODES


class Rate(NamedTuple):
    """A rate of the judge in each slice: logarithm of the mass, mean and variance."""

    log_mass: Array
    mean: Array
    variance: Array


def shapes(mean: Array, concentration: Array) -> Pair:
    """Shapes of the Beta distribution, its concentration raised where a shape would be too small."""
    least = LEAST_SHAPE / np.minimum(mean, 1 - mean)
    k = np.clip(np.maximum(concentration, least), 0.0, FIXED)
    return mean * k, (1 - mean) * k


def cut_beta(a: Array, b: Array, low: Array, high: Array) -> Rate:
    """Mass (up to a constant), mean and variance of t^(a-1) (1-t)^(b-1) on ``[low, high]``, by quadrature."""
    reference = _reference(a, b, low, high)
    found = _cut_beta(a, b, low, high, reference)
    constant = (2 * a - 1) * np.log(np.sin(reference)) + (2 * b - 1) * np.log(np.cos(reference))
    return found._replace(log_mass=found.log_mass + constant)


def updated(prior: Pair, hits: Array, misses: Array, low: Array, high: Array) -> Rate:
    """A rate after labelled items, its mass being their probability."""
    a, b = prior
    # Slices often have the same bounds and the same prior; then this is the same for all of them.
    ends = _one(low), _one(high)
    reference = _reference(a, b, *ends)
    before = _cut_beta(a, b, *ends, reference)
    after = _cut_beta(a + hits, b + misses, low, high, reference)
    more = 2 * (hits * np.log(np.sin(reference)) + misses * np.log(np.cos(reference)))
    return after._replace(log_mass=after.log_mass - before.log_mass + more)


def _cut_beta(a: Array, b: Array, low: Array, high: Array, reference: Array) -> Rate:
    """`cut_beta`, the mass being relative to the density at a reference, where it is cut off or not.

    The nodes lie in arcsine coordinates, dense at both ends, within six standard deviations of the mean. With
    shapes of 1e8 the logarithm of the density is a difference of numbers so large that their rounding would
    show in the derivatives; that of its ratio to the density near by is none.
    """
    mean = a / (a + b)
    reach = _REACH * np.sqrt(mean * (1 - mean) / (a + b + 1))
    middle = np.clip(mean, low, high)
    left = np.arcsin(np.sqrt(np.clip(middle - reach, low, high)))
    right = np.arcsin(np.sqrt(np.clip(middle + reach, low, high)))
    width = np.maximum(right - left, 1e-9)
    reference = np.asarray(reference)[..., None]
    sine, cosine = np.sin(reference), np.cos(reference)
    along = np.sin(left[..., None] + width[..., None] * _SHARE - reference)
    fallen = along * along / (1 + np.sqrt(1 - along * along))
    # Ratios of the sine and the cosine at the nodes to those at the reference, less 1.
    up = np.maximum(along * (cosine / sine) - fallen, 1e-12 / sine - 1)
    down = np.maximum(-along * (sine / cosine) - fallen, 1e-12 / cosine - 1)
    log_density = (2 * np.asarray(a) - 1)[..., None] * np.log1p(up)
    log_density = log_density + (2 * np.asarray(b) - 1)[..., None] * np.log1p(down)
    most = np.max(log_density, -1)
    mass = np.exp(log_density - most[..., None]) * _WEIGHT
    total = np.sum(mass, -1)
    rate = (sine * (1 + up)) ** 2
    found = np.sum(mass * rate, -1) / total
    variance = np.sum(mass * (rate - found[..., None]) ** 2, -1) / total
    return Rate(np.log(total) + most + np.log(width), found, variance)


def _reference(a: Array, b: Array, low: Array, high: Array) -> Array:
    """The mean in arcsine coordinates, off their ends."""
    return np.clip(np.arcsin(np.sqrt(np.clip(a / (a + b), low, high))), *_OFF_ENDS)


def _one(values: Array) -> Array:
    """The first of equal values, else all of them."""
    return values[..., :1] if np.ndim(values) and (values == values[..., :1]).all() else values


def log_marginal(s: Slices, tpr: Rate, fpr: Rate, rate: Array, covariance: Array | float = 0.0) -> Array:
    """Log-likelihood of failure rates, the judge's rates integrated out; broadcasts."""
    others = 1 - rate
    # A mean of exactly 0 or 1 has no Beta distribution.
    mean = np.clip(rate * tpr.mean + others * fpr.mean, 1e-15, 1 - 1e-15)
    spread = rate * rate * tpr.variance + others * others * fpr.variance + 2 * rate * others * covariance
    k = np.clip(mean * (1 - mean) / np.maximum(spread, 1e-300) - 1, 0.5, FIXED)
    flags = _log_beta_binomial(mean * k, (1 - mean) * k, s.flagged, s.passed)
    labels = xlogy(s.failures, rate) + xlogy(s.passes, others)
    return flags + (labels + (tpr.log_mass + fpr.log_mass))


def rate_nodes(s: Slices, tpr: Rate, fpr: Rate, n: int) -> Pair:
    """Failure rates, dense where they are likely, and the weights of an integral over them, ``(..., n)``."""
    slope = tpr.mean - fpr.mean
    slope = np.where(np.abs(slope) < 0.05, 0.05, slope)
    n_flags, n_labels = s.flagged + s.passed, s.failures + s.passes
    q = (s.flagged + 0.5) / (n_flags + 1)
    by_flags = np.clip((q - fpr.mean) / slope, 0.0, 1.0)
    noise = q * (1 - q) / (n_flags + 1) + by_flags**2 * tpr.variance + (1 - by_flags) ** 2 * fpr.variance
    by_labels = (s.failures + 0.5) / (n_labels + 1)
    sure = (slope**2 / noise, (n_labels + 1) / (by_labels * (1 - by_labels)))
    center = (sure[0] * by_flags + sure[1] * by_labels) / (sure[0] + sure[1])
    spread = 1 / np.sqrt(sure[0] + sure[1])
    phi = np.arcsin(np.sqrt(np.clip(center, s.low, s.high)))
    ends = [np.arcsin(np.sqrt(x)) for x in (s.low, s.high)]
    scale = np.maximum(spread / np.maximum(np.sin(2 * phi), 2 * np.sqrt(spread)), 1e-6)
    start, stop = (np.arcsinh((end - phi) / scale) for end in ends)
    step = ((stop - start) / n)[..., None]
    u = start[..., None] + step * (np.arange(n) + 0.5)
    phi, scale = phi[..., None], scale[..., None]
    at = np.clip(phi + scale * np.sinh(u), ends[0][..., None], ends[1][..., None])
    weight = step * scale * np.cosh(u) * np.sin(2 * at)
    return np.sin(at) ** 2, weight


def log_gamma(x: Array) -> Array:
    """Logarithm of the gamma function for x > 0, by Stirling's series eight steps up."""
    y = x + 8
    stirling = (y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + _series(y)
    return stirling - np.log(_product(x))


def _product(x: Array) -> Array:
    """Product of x, x + 1, ..., x + 7."""
    outer = x * (x + 7)
    return outer * (outer + 6) * (outer + 10) * (outer + 12)


def _series(y: Array) -> Array:
    """What Stirling's formula leaves out."""
    inverse = 1 / y
    square = inverse * inverse
    return inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))


def _log_beta_binomial(a: Array, b: Array, hits: Array, misses: Array) -> Array:
    """Logarithm of B(a + hits, b + misses) / B(a, b), of terms that stay small where shapes are large.

    Stirling's formula eight steps up, its terms being joined to logarithms of ratios: those of single shapes
    would lose all that 1e8 items tell.
    """
    k, n = a + b, hits + misses
    (a_high, b_high, k_high), (a_up, b_up, k_up) = (a + hits, b + misses, k + n), (a + 8, b + 8, k + 8)
    all_up = k_up + n
    pairs = (a, a_high), (b, b_high), (k_high, k)
    first, second, third = (_product(below) / _product(above) for below, above in pairs)
    total = hits * np.log((a_up + hits) / all_up) + misses * np.log((b_up + misses) / all_up)
    total = total + np.log(first * second * third)
    for x, up, more, sign in ((a, a_up, hits, 1), (b, b_up, misses, 1), (k, k_up, n, -1)):
        total = total + sign * ((x + 7.5) * np.log1p(more / up) + _series(up + more) - _series(up))
    return total
