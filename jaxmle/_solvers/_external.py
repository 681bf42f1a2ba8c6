"""The external design as a convex program in TPR, FPR and the flag rate, where TPR >= FPR."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmle._data import Params
from jaxmle._model._certificate import external_gap
from jaxmle._solvers._programs import BoxProgram, Slacks


class External(BoxProgram):
    """Cells (TPR, 1 - TPR, FPR, 1 - FPR) and the flag rate q, in the half TPR >= FPR."""

    def __init__(self, labeled: Any, unlabeled: Any, low: Any, high: Any, lo: Any, hi: Any) -> None:
        super().__init__(labeled, unlabeled, low, high, lo, hi)
        self.rate_free = (self.width > 0).astype(self.dtype)
        self.set_masks((self.theta_width > 0) & (high[0] > low[1]))
        self.at_low = jnp.stack([lo, 1 - lo])
        self.at_high = jnp.stack([hi, 1 - hi])

    def start(self) -> Slacks:
        low, high = self.low, self.high
        rates, _ = self.first_rates()
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
        theta = self.first_theta(rates, flagged, 0.5)
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
        tiny = np.finfo(self.dtype).tiny
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
        rates = self.rates(slacks.rates, jnp.ones_like(self.low))
        extra, total = slacks.theta[0], slacks.theta[0] + slacks.theta[1]
        share = extra / jnp.maximum(total, np.finfo(self.dtype).tiny)
        near_low = self.lo + self.theta_width * share
        near_high = self.hi - self.theta_width * (1 - share)
        free = jnp.where(share < 0.5, near_low, near_high)
        fixed = 0.5 * (self.lo + self.hi)
        theta = jnp.clip(jnp.where(self.theta_free > 0, free, fixed), self.lo, self.hi)
        return Params(theta, rates[0], rates[1])
