"""The two designs as convex programs, written for the interior point.

Unknowns are expressed by their slacks, so that a small distance to a bound keeps all its digits.
Axes: ``(2, 2, ...)`` is human verdict (failure, pass) by end (low, high) for slacks and by judge
verdict (failure, pass) for cells; ``(2, ...)`` is human verdict, end, or judge verdict. A known
value (low == high) has no slack: its mask is 0 and its entries hold the neutral value 1.

With t = (theta, 1 - theta) and r = (TPR, FPR), for each human verdict g:
    internal: s[g] = t[g] (r[g] - low[g], high[g] - r[g]),  cells t[g] (r[g], 1 - r[g])
    external: s[g] =      (r[g] - low[g], high[g] - r[g]),  cells      (r[g], 1 - r[g])
The slacks of theta are theta - lo, hi - theta (internal) and, with q the flag rate,
q - FPR - lo (TPR - FPR), FPR + hi (TPR - FPR) - q (external, in the half TPR >= FPR).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np

from jaxmle._data import Params


class Slacks(NamedTuple):
    """Distances to the bounds: of the two rates, ``(2, 2, ...)``, and of theta, ``(2, ...)``."""

    rates: Any
    theta: Any


class Program(Protocol):
    """What the interior point needs to know of a program."""

    dtype: Any
    labeled: Any
    unlabeled: Any
    mask: Slacks
    n_constraints: Any

    def start(self) -> Slacks:
        """Return a strictly feasible point."""

    def probabilities(self, slacks: Slacks) -> tuple[Any, Any]:
        """Return the probabilities of labelled cells and of judge verdicts."""

    def directions(self, step: Slacks) -> tuple[Any, Any]:
        """Return the change of those probabilities along a step."""

    def gap(self, cells: Any, totals: Any) -> Any:
        """Return the certificate, from the ratios weight / probability."""

    def newton(
        self, curvature: tuple[Any, Any], weight: Slacks, cells: Any, totals: Any
    ) -> Callable[[Slacks], Slacks]:
        """Factor the Newton matrix; the result maps duals to aim at to a step."""

    def params(self, slacks: Slacks) -> Params:
        """Return failure rate, TPR and FPR."""


class BoxProgram:
    """Bounds, masks and first guesses that both designs share."""

    def __init__(self, labeled: Any, unlabeled: Any, low: Any, high: Any, lo: Any, hi: Any) -> None:
        self.labeled, self.unlabeled = labeled, unlabeled
        self.low, self.high, self.lo, self.hi = low, high, lo, hi
        self.dtype = labeled.dtype
        self.width, self.theta_width = high - low, hi - lo
        self.sign = jnp.asarray([1, -1], self.dtype).reshape((2,) + (1,) * jnp.ndim(lo))
        # A theta known to be 0 or 1 leaves a group of no mass, whose rate cannot move.
        mass = jnp.stack([hi, 1 - lo])
        self.rate_free = ((self.width > 0) & (mass > 0)).astype(self.dtype)

    def set_masks(self, theta_free: Any) -> None:
        """Mark which slacks exist."""
        self.theta_free = theta_free.astype(self.dtype)
        ones = jnp.ones_like(self.width)
        self.mask = Slacks(
            jnp.stack([self.rate_free, self.rate_free], 1) * ones[:, None],
            jnp.stack([self.theta_free, self.theta_free]),
        )
        free = 2 * (self.rate_free[0] + self.rate_free[1] + self.theta_free)
        self.n_constraints = jnp.maximum(free, 1)

    def first_rates(self) -> tuple[Any, Any]:
        """Labelled rates, pulled slightly to (.8, .2), and the number of labels in each group."""
        count = self.labeled[:, 0] + self.labeled[:, 1]
        tiny = np.finfo(self.dtype).tiny
        pull = 1e-3 * (count[0] + count[1]) + tiny
        prior = 0.5 + 0.3 * self.sign
        return (self.labeled[:, 0] + prior * pull) / (count + pull), count

    def first_theta(self, rates: Any, flagged: Any, otherwise: Any) -> Any:
        """Failure rate that explains the flag rate, well inside its bounds."""
        spread = rates[0] - rates[1]
        theta = jnp.where(
            jnp.abs(spread) > 0.05, (flagged - rates[1]) / jnp.where(spread == 0, 1, spread), -1
        )
        theta = jnp.where((theta > 0) & (theta < 1), theta, otherwise)
        return jnp.clip(theta, self.lo + 0.05 * self.theta_width, self.hi - 0.05 * self.theta_width)

    def rates(self, slacks: Any, mass: Any) -> Any:
        """Rates from their slacks, measured from the nearer bound."""
        mass = jnp.maximum(mass, np.finfo(self.dtype).tiny)
        near_low = self.low + slacks[:, 0] / mass
        near_high = self.high - slacks[:, 1] / mass
        free = jnp.where(slacks[:, 0] < slacks[:, 1], near_low, near_high)
        fixed = 0.5 * (self.low + self.high)
        return jnp.clip(jnp.where(self.rate_free > 0, free, fixed), self.low, self.high)
