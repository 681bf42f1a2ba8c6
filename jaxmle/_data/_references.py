"""What rates that were seen in several data sets say of the next one."""

from typing import NamedTuple

import numpy as np

from jaxmle._stats import divide, halved
from jaxmle._types import Array, Pair

# Scale of the half-normal prior of the standard deviation of a rate between data sets: the median of what
# published families show, .02 between answering models to .2 between kinds of pairs
# (python -m benchmarks.references has what it does with one, two and three references).
PRIOR_SPREAD = 0.08
_MEANS = 48
_SPREADS = 32
_HALVINGS = 24


class Predictive(NamedTuple):
    """Law of the rate of a new data set: a mixture of Beta distributions over the last axis.

    Attributes:
        weight: Posterior weights, shape ``(..., G)``.
        mean: Means over data sets, shape ``(G,)``.
        spread: Standard deviations between data sets, shape ``(G,)``.
    """

    weight: Array
    mean: Array
    spread: Array

    @property
    def between(self) -> Array:
        """Posterior mean of the standard deviation between data sets, shape ``(...)``."""
        return self.weight @ self.spread

    def limits(self, tail: float) -> Pair:
        """Rates that a new one falls short of, or exceeds, with probability ``tail``, shape ``(...)``."""
        return self._quantile(tail), self._quantile(1 - tail)

    def _quantile(self, share: float) -> Array:
        from scipy.special import betainc  # a third of a second to import, and seldom needed

        a, b = _shapes(self.mean, self.spread)
        low = np.zeros(self.weight.shape[:-1])
        high = np.ones_like(low)

        def below(rate: Array) -> Array:
            return np.asarray(np.sum(self.weight * betainc(a, b, rate[..., None]), -1) < share)

        low, high = halved(below, low, high, _HALVINGS)
        return 0.5 * (low + high)


def predictive(hits: Array, misses: Array, prior_spread: float = PRIOR_SPREAD) -> Predictive:
    """Law of the rate of a new data set from the hits and misses of others.

    Rates of data sets are Beta distributed; mean and standard deviation are integrated over a grid, the mean
    with a uniform prior, the standard deviation with a half-normal one.

    Args:
        hits: Successes in each data set, shape ``(..., K)``.
        misses: The other trials.
        prior_spread: Scale of that half-normal prior, positive.

    Source:
        Beta-binomial random effects: Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 5.3;
        prediction of a new group: Higgins, Thompson and Spiegelhalter, JRSS A 172 (2009).
    """
    from scipy.special import betaln  # a third of a second to import, and seldom needed

    share = (np.arange(_MEANS) + 0.5) / _MEANS
    # Means are dense near 0 and 1, spreads near 0.
    mean = np.sin(0.5 * np.pi * share) ** 2
    spread = 0.45 * (np.arange(_SPREADS) + 0.5) ** 2 / _SPREADS**2
    m, s = (grid.reshape(-1) for grid in np.meshgrid(mean, spread, indexing="ij"))
    # Rates that are 0 in some data sets and 1 in others are left out.
    possible = s**2 <= 0.5 * m * (1 - m)
    m, s = m[possible], s[possible]
    # Widths of the cells of the grid.
    prior = np.sqrt(m * (1 - m)) * np.sqrt(s) * np.exp(-0.5 * (s / prior_spread) ** 2)
    a, b = _shapes(m, s)
    value = np.log(prior) + np.zeros((*hits.shape[:-1], 1))
    start = betaln(a, b)
    for k in range(hits.shape[-1]):
        value = value + betaln(hits[..., k, None] + a, misses[..., k, None] + b) - start
    weight = np.exp(value - value.max(-1, keepdims=True))
    return Predictive(divide(weight, weight.sum(-1, keepdims=True)), m, s)


def _shapes(mean: Array, spread: Array) -> Pair:
    """Parameters of the Beta distribution of this mean and standard deviation."""
    total = mean * (1 - mean) / spread**2 - 1
    return mean * total, (1 - mean) * total


def limits_without_each(hits: Array, misses: Array, tail: float) -> Pair:
    """Predictive limits of each data set from all the others, shape ``(K,)``."""
    size = len(hits)
    others = np.array([[k for k in range(size) if k != left_out] for left_out in range(size)])
    return predictive(hits[others], misses[others]).limits(tail)
