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

from jaxmle._data import Params
from jaxmle._model._certificate import external_gap, internal_gap


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


class _Base:
    def __init__(self, labeled: Any, unlabeled: Any, low: Any, high: Any, lo: Any, hi: Any) -> None:
        self.labeled, self.unlabeled = labeled, unlabeled
        self.low, self.high, self.lo, self.hi = low, high, lo, hi
        self.dtype = labeled.dtype
        self.width, self.theta_width = high - low, hi - lo
        self.sign = jnp.asarray([1, -1], self.dtype).reshape((2,) + (1,) * jnp.ndim(lo))
        # A theta known to be 0 or 1 leaves a group of no mass, whose rate cannot move.
        mass = jnp.stack([hi, 1 - lo])
        self.rate_free = ((self.width > 0) & (mass > 0)).astype(self.dtype)

    def _set_masks(self, theta_free: Any) -> None:
        self.theta_free = theta_free.astype(self.dtype)
        ones = jnp.ones_like(self.width)
        self.mask = Slacks(
            jnp.stack([self.rate_free, self.rate_free], 1) * ones[:, None],
            jnp.stack([self.theta_free, self.theta_free]),
        )
        free = 2 * (self.rate_free[0] + self.rate_free[1] + self.theta_free)
        self.n_constraints = jnp.maximum(free, 1)

    def _first_rates(self) -> tuple[Any, Any]:
        """Labelled rates, pulled slightly to (.8, .2), and the number of labels in each group."""
        count = self.labeled[:, 0] + self.labeled[:, 1]
        tiny = jnp.finfo(self.dtype).tiny
        pull = 1e-3 * (count[0] + count[1]) + tiny
        prior = 0.5 + 0.3 * self.sign
        return (self.labeled[:, 0] + prior * pull) / (count + pull), count

    def _first_theta(self, rates: Any, flagged: Any, otherwise: Any) -> Any:
        spread = rates[0] - rates[1]
        theta = jnp.where(jnp.abs(spread) > 0.05, (flagged - rates[1]) / jnp.where(spread == 0, 1, spread), -1)
        theta = jnp.where((theta > 0) & (theta < 1), theta, otherwise)
        return jnp.clip(theta, self.lo + 0.05 * self.theta_width, self.hi - 0.05 * self.theta_width)

    def _rates(self, slacks: Any, mass: Any) -> Any:
        """Rates from their slacks, measured from the nearer bound."""
        mass = jnp.maximum(mass, jnp.finfo(self.dtype).tiny)
        near_low = self.low + slacks[:, 0] / mass
        near_high = self.high - slacks[:, 1] / mass
        free = jnp.where(slacks[:, 0] < slacks[:, 1], near_low, near_high)
        fixed = 0.5 * (self.low + self.high)
        return jnp.clip(jnp.where(self.rate_free > 0, free, fixed), self.low, self.high)


class Internal(_Base):
    """Cells p = (theta TPR, theta (1 - TPR), (1 - theta) FPR, (1 - theta)(1 - FPR))."""

    def __init__(self, labeled: Any, unlabeled: Any, low: Any, high: Any, lo: Any, hi: Any) -> None:
        super().__init__(labeled, unlabeled, low, high, lo, hi)
        self._set_masks(self.theta_width > 0)
        self.slope = jnp.stack([low, 1 - high], 1)
        self.base = jnp.stack([lo, jnp.where(self.theta_free > 0, 1 - hi, 1 - lo)])

    def start(self) -> Slacks:
        rates, count = self._first_rates()
        rates = jnp.clip(rates, self.low + 0.1 * self.width, self.high - 0.1 * self.width)
        labels = count[0] + count[1]
        share = jnp.where(labels > 0, count[0] / jnp.where(labels > 0, labels, 1), 0.5)
        flagged = self.labeled[0, 0] + self.labeled[1, 0] + self.unlabeled[0]
        theta = self._first_theta(rates, flagged, share)
        mass = jnp.stack([theta, 1 - theta])[:, None]
        slacks = jnp.stack([rates - self.low, self.high - rates], 1) * mass
        bounds = jnp.stack([theta - self.lo, self.hi - theta])
        return Slacks(jnp.where(self.mask.rates > 0, slacks, 1), jnp.where(self.mask.theta > 0, bounds, 1))

    def probabilities(self, slacks: Slacks) -> tuple[Any, Any]:
        cells = self.slope * self._mass(slacks)[:, None] + self.mask.rates * slacks.rates
        return cells, cells[0] + cells[1]

    def directions(self, step: Slacks) -> tuple[Any, Any]:
        cells = self.slope * step.theta[:, None] + self.mask.rates * step.rates
        return cells, cells[0] + cells[1]

    def gap(self, cells: Any, totals: Any) -> Any:
        return internal_gap(cells, totals, self.low, self.high, self.lo, self.hi)

    def newton(
        self, curvature: tuple[Any, Any], weight: Slacks, cells: Any, totals: Any
    ) -> Callable[[Slacks], Slacks]:
        # Unknowns: theta and the low slacks x of the rates. Without the judge's totals the matrix
        # is an arrow (the two rates meet only in theta); the totals add kappa v v' with
        # v = (TPR_low - FPR_low, 1, 1). Schur complements of sums of squares are sums of squares
        # (Cauchy-Binet), so nothing cancels even where kappa is 1e9 times the rest.
        h1, h0 = curvature[0][:, 0], curvature[0][:, 1]
        d1, d0 = weight.rates[:, 0], weight.rates[:, 1]
        low, high, width, free, sign = self.low, self.high, self.width, self.rate_free, self.sign
        diagonal = jnp.maximum(h1 + h0 + d1 + d0, jnp.finfo(self.dtype).tiny)
        inverse = free / diagonal
        cross = low * h1 - (1 - low) * h0 - width * d0
        alone = low**2 * h1 + (1 - low) ** 2 * h0
        above = high**2 * h1 + (1 - high) ** 2 * h0
        schur = jnp.where(free > 0, h1 * h0 + d1 * alone + d0 * above + width**2 * d1 * d0, alone * diagonal)
        schur = schur / diagonal
        pivot = jnp.maximum(schur[0] + schur[1] + weight.theta[0] + weight.theta[1], jnp.finfo(self.dtype).tiny)
        kappa = curvature[1][0] + curvature[1][1]
        tilt = totals[0] - totals[1]
        v_theta = low[0] - low[1]

        def arrow(b_theta: Any, b_rates: Any) -> tuple[Any, Any]:
            carried = cross * inverse * b_rates
            theta = self.theta_free * (b_theta - carried[0] + carried[1]) / pivot
            return theta, (b_rates - cross * (sign * theta)) * inverse

        along_theta, along_rates = arrow(v_theta, jnp.ones_like(cross))
        scale = 1 + kappa * (v_theta * along_theta + along_rates[0] + along_rates[1])
        g_theta = low * cells[:, 0] + (1 - low) * cells[:, 1]
        g_rates = cells[:, 0] - cells[:, 1]

        def step(aim: Slacks) -> Slacks:
            b = g_theta + width * aim.rates[:, 1]
            theta, rates = arrow(
                b[0] - b[1] + aim.theta[0] - aim.theta[1], g_rates + aim.rates[:, 0] - aim.rates[:, 1]
            )
            # Sherman-Morrison, with the part of the right-hand side along v kept apart.
            shift = (tilt - kappa * (v_theta * theta + rates[0] + rates[1])) / scale
            theta, rates = theta + shift * along_theta, rates + shift * along_rates
            both = sign * theta
            return Slacks(jnp.stack([rates, width * both - rates], 1), both)

        return step

    def params(self, slacks: Slacks) -> Params:
        mass = self._mass(slacks)
        free = jnp.where(slacks.theta[0] < slacks.theta[1], mass[0], 1 - mass[1])
        theta = jnp.clip(jnp.where(self.theta_free > 0, free, self.lo), self.lo, self.hi)
        rates = self._rates(slacks.rates, mass)
        return Params(theta, rates[0], rates[1])

    def _mass(self, slacks: Slacks) -> Any:
        return self.base + self.theta_free * slacks.theta


class External(_Base):
    """Cells (TPR, 1 - TPR, FPR, 1 - FPR) and the flag rate q, in the half TPR >= FPR."""

    def __init__(self, labeled: Any, unlabeled: Any, low: Any, high: Any, lo: Any, hi: Any) -> None:
        super().__init__(labeled, unlabeled, low, high, lo, hi)
        self.rate_free = (self.width > 0).astype(self.dtype)
        self._set_masks((self.theta_width > 0) & (high[0] > low[1]))
        self.at_low = jnp.stack([lo, 1 - lo])
        self.at_high = jnp.stack([hi, 1 - hi])

    def start(self) -> Slacks:
        low, high = self.low, self.high
        rates, _ = self._first_rates()
        rates = jnp.clip(rates, low + 0.1 * self.width, high - 0.1 * self.width)
        # A pair that is not in TPR > FPR gives way to one that is.
        apart = jnp.stack(
            [
                0.75 * high[0] + 0.25 * jnp.maximum(low[0], low[1]),
                0.75 * low[1] + 0.25 * jnp.minimum(high[0], high[1]),
            ]
        )
        rates = jnp.where((rates[0] > rates[1] + 1e-3) | (self.theta_free == 0), rates, apart)
        total = self.unlabeled[0] + self.unlabeled[1]
        flagged = self.unlabeled[0] / jnp.where(total > 0, total, 1)
        theta = self._first_theta(rates, flagged, 0.5)
        spread = rates[0] - rates[1]
        slacks = jnp.stack([rates - low, high - rates], 1)
        bounds = jnp.stack([theta - self.lo, self.hi - theta]) * spread
        return Slacks(jnp.where(self.mask.rates > 0, slacks, 1), jnp.where(self.mask.theta > 0, bounds, 1))

    def probabilities(self, slacks: Slacks) -> tuple[Any, Any]:
        cells = jnp.stack([self.low, 1 - self.high], 1) + self.mask.rates * slacks.rates
        extra = self.theta_free * slacks.theta
        upper = jnp.where(self.theta_free > 0, self.at_high, self.at_low)
        flagged = self.at_low[0] * cells[0, 0] + self.at_low[1] * cells[1, 0] + extra[0]
        passed = upper[0] * cells[0, 1] + upper[1] * cells[1, 1] + extra[1]
        return cells, jnp.stack([flagged, passed])

    def directions(self, step: Slacks) -> tuple[Any, Any]:
        cells = self.mask.rates * step.rates
        rates = cells[:, 0]
        flagged = self.at_low[0] * rates[0] + self.at_low[1] * rates[1] + self.theta_free * step.theta[0]
        return cells, jnp.stack([flagged, -flagged])

    def gap(self, cells: Any, totals: Any) -> Any:
        return external_gap(cells, totals, self.low, self.high, self.lo, self.hi)

    def newton(
        self, curvature: tuple[Any, Any], weight: Slacks, cells: Any, totals: Any
    ) -> Callable[[Slacks], Slacks]:
        # Unknowns: TPR, FPR and e = q - FPR - lo (TPR - FPR). Eliminating e from the three squares
        # that hold it (the totals, and the two slacks of theta) leaves, again by Cauchy-Binet,
        # a 2x2 matrix: a diagonal and three squares with positive weights.
        tiny = jnp.finfo(self.dtype).tiny
        at_low, at_high, free, sign = self.at_low, self.at_high, self.rate_free, self.sign
        spread = self.theta_free * self.theta_width
        kappa, tilt = curvature[1][0] + curvature[1][1], totals[0] - totals[1]
        d1, d0 = weight.theta[0], weight.theta[1]
        pivot = jnp.maximum(kappa + d1 + d0, tiny)
        moving = self.theta_free > 0
        alpha = jnp.where(moving, kappa * d1 / pivot, kappa)
        beta = jnp.where(moving, kappa * d0 / pivot, 0)
        gamma = jnp.where(moving, d1 * d0 / pivot, 0) * spread**2
        own = jnp.sum(curvature[0] + weight.rates, 1)
        shared = alpha * at_low**2 + beta * at_high**2 + gamma
        diagonal = jnp.where(free > 0, own + shared, 1)
        off = free[0] * free[1] * (alpha * at_low[0] * at_low[1] + beta * at_high[0] * at_high[1] - gamma)
        coupled = (
            own[0] * own[1]
            + own[0] * shared[1]
            + own[1] * shared[0]
            + alpha * beta * spread**2
            + (alpha + beta) * gamma
        )
        both = free[0] * free[1] > 0
        determinant = jnp.maximum(jnp.where(both, coupled, diagonal[0] * diagonal[1]), tiny)
        g_rates = cells[:, 0] - cells[:, 1]

        def step(aim: Slacks) -> Slacks:
            eliminated = (
                tilt * (at_low * d1 + at_high * d0)
                - aim.theta[0] * (kappa * at_low - sign * spread * d0)
                + aim.theta[1] * (kappa * at_high + sign * spread * d1)
            ) / pivot
            b = g_rates + aim.rates[:, 0] - aim.rates[:, 1] + jnp.where(moving, eliminated, tilt * at_low)
            b = free * b
            rates = free * (diagonal[::-1] * b - off * b[::-1]) / determinant
            push = (kappa * at_low - sign * spread * d0) * rates
            excess = self.theta_free * (tilt + aim.theta[0] - aim.theta[1] - push[0] - push[1]) / pivot
            room = spread * (rates[0] - rates[1]) - excess
            return Slacks(jnp.stack([rates, -rates], 1), jnp.stack([excess, self.theta_free * room]))

        return step

    def params(self, slacks: Slacks) -> Params:
        rates = self._rates(slacks.rates, jnp.ones_like(self.low))
        extra, total = slacks.theta[0], slacks.theta[0] + slacks.theta[1]
        share = extra / jnp.maximum(total, jnp.finfo(self.dtype).tiny)
        near_low = self.lo + self.theta_width * share
        near_high = self.hi - self.theta_width * (1 - share)
        free = jnp.where(share < 0.5, near_low, near_high)
        fixed = 0.5 * (self.lo + self.hi)
        theta = jnp.clip(jnp.where(self.theta_free > 0, free, fixed), self.lo, self.hi)
        return Params(theta, rates[0], rates[1])
