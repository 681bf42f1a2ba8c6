"""The internal design as a convex program in the cell probabilities."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmle._data import Params
from jaxmle._model._certificate import internal_gap
from jaxmle._solvers._programs import BoxProgram, Slacks


class Internal(BoxProgram):
    """Cells p = (theta TPR, theta (1 - TPR), (1 - theta) FPR, (1 - theta)(1 - FPR))."""

    def __init__(self, labeled: Any, unlabeled: Any, low: Any, high: Any, lo: Any, hi: Any) -> None:
        super().__init__(labeled, unlabeled, low, high, lo, hi)
        self.set_masks(self.theta_width > 0)
        self.slope = jnp.stack([low, 1 - high], 1)
        self.base = jnp.stack([lo, jnp.where(self.theta_free > 0, 1 - hi, 1 - lo)])

    def start(self) -> Slacks:
        rates, count = self.first_rates()
        rates = jnp.clip(rates, self.low + 0.1 * self.width, self.high - 0.1 * self.width)
        labels = count[0] + count[1]
        share = jnp.where(labels > 0, count[0] / jnp.where(labels > 0, labels, 1), 0.5)
        flagged = self.labeled[0, 0] + self.labeled[1, 0] + self.unlabeled[0]
        theta = self.first_theta(rates, flagged, share)
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
        diagonal = jnp.maximum(h1 + h0 + d1 + d0, np.finfo(self.dtype).tiny)
        inverse = free / diagonal
        cross = low * h1 - (1 - low) * h0 - width * d0
        alone = low**2 * h1 + (1 - low) ** 2 * h0
        above = high**2 * h1 + (1 - high) ** 2 * h0
        schur = jnp.where(free > 0, h1 * h0 + d1 * alone + d0 * above + width**2 * d1 * d0, alone * diagonal)
        schur = schur / diagonal
        pivot = jnp.maximum(
            schur[0] + schur[1] + weight.theta[0] + weight.theta[1], np.finfo(self.dtype).tiny
        )
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
        rates = self.rates(slacks.rates, mass)
        return Params(theta, rates[0], rates[1])

    def _mass(self, slacks: Slacks) -> Any:
        return self.base + self.theta_free * slacks.theta
