"""Primal-dual interior point for millions of three-parameter programs at once.

Both designs maximize sum_k w_k log x_k(v) subject to six linear slacks s_i(v) >= 0 (see
`_programs`). Newton's method runs on the perturbed optimality conditions

    gradient + sum_i lambda_i grad s_i = 0,   s_i lambda_i = mu,   x_k y_k = w_k,

with the ratios y_k = w_k / x_k kept as unknowns of their own: where an x_k starts far from its
optimum, Newton on log x_k overshoots and crawls back, Newton on the pair does not. Predictor and
corrector follow Mehrotra, SIAM J. Optim. 2 (1992). Duals are held near the central path, after
Waechter and Biegler, Math. Program. 106 (2006), eq. 16. There is no line search and no logarithm:
progress is judged by the certificate of `_model._certificate` alone.

All work is elementwise along trailing batch axes; an element stops moving once it is certified.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxmle._solvers._programs import Program, Slacks

# Mehrotra's heuristics can cycle, or let mu run ahead of the residual. Late steps leave the
# second-order term out; whoever has not arrived by then starts anew and cautiously.
_STEPS = 30
_PLAIN_AFTER = 15
MAX_STEPS = 90
# Enough for all but a few in a hundred.
FEW_STEPS = 6
_DUAL_RANGE = 100.0
_RATIO_RANGE = 100.0
_TO_BOUNDARY = 0.99


class _State(NamedTuple):
    slacks: Slacks
    duals: Slacks
    cells: Any  # y_k of the labelled cells, shape (2, 2, ...)
    totals: Any  # y_k of the judge's totals, shape (2, ...)
    active: Any
    cautious: Any
    step: Any


def solve(program: Program, tolerance: Any, enabled: Any, budget: Any) -> tuple[Slacks, Any]:
    """Follow the central path until the gap per unit of weight is at most ``tolerance``.

    Args:
        program: The convex programs, of one batch shape ``(...)``.
        tolerance: Gap at which an element stops, shape ``(...)``.
        enabled: Elements to solve at all, shape ``(...)``, boolean.
        budget: Steps to take at most, a scalar; `MAX_STEPS` leaves time for a second, cautious start.

    Returns:
        The slacks of the last iterates, and which elements had not arrived.
    """
    dtype = program.dtype
    tiny = np.finfo(dtype).tiny
    # Far below the tolerance the complementarity products would only underflow.
    floor = jnp.asarray(4 * np.finfo(dtype).eps, dtype)
    mask = program.mask

    def positive(x: Any) -> Any:
        return jnp.maximum(x, tiny)

    def ratios(slacks: Slacks) -> tuple[Any, Any, Any, Any]:
        cells, totals = program.probabilities(slacks)
        cells, totals = positive(cells), positive(totals)
        return cells, totals, program.labeled / cells, program.unlabeled / totals

    def body(state: _State) -> _State:
        s, lam = state.slacks, state.duals
        x_cells, x_totals, cells, totals = ratios(s)
        gap = program.gap(cells, totals)
        active = state.active & (gap > tolerance)
        curvature = (
            jnp.clip(state.cells, cells / _RATIO_RANGE, cells * _RATIO_RANGE) / x_cells,
            jnp.clip(state.totals, totals / _RATIO_RANGE, totals * _RATIO_RANGE) / x_totals,
        )
        weight = Slacks(lam.rates / s.rates, lam.theta / s.theta)
        newton = program.newton(curvature, weight, cells, totals)

        # Predictor: aim at mu = 0 and see how far one can go.
        mu = positive(_sum(s.rates * lam.rates, s.theta * lam.theta) / program.n_constraints)
        step = newton(Slacks(jnp.zeros_like(s.rates), jnp.zeros_like(s.theta)))
        rel = Slacks(step.rates / s.rates, step.theta / s.theta)
        primal = 1 / jnp.maximum(1, _max(-rel.rates, -rel.theta))
        dual = 1 / jnp.maximum(1, _max(mask.rates * (1 + rel.rates), mask.theta * (1 + rel.theta)))
        reached = (
            _sum(
                s.rates * lam.rates * (1 + primal * rel.rates) * (1 - dual * (1 + rel.rates)),
                s.theta * lam.theta * (1 + primal * rel.theta) * (1 - dual * (1 + rel.theta)),
            )
            / program.n_constraints
        )
        centering = jnp.clip((reached / mu) ** 3, 1e-6, 1.0)
        plain = state.cautious | (state.step >= _PLAIN_AFTER)
        centering = jnp.where(plain, jnp.maximum(centering, 0.2), centering)
        target = jnp.maximum(jnp.where(state.cautious, 0.3, centering) * mu, floor)
        second_order = jnp.where(plain, 0.0, primal * dual)

        # Corrector: the same matrix, with the second-order term of the predictor.
        aim = Slacks(
            *(
                m * (target / si + second_order * r * li * (1 + r))
                for m, si, li, r in zip(mask, s, lam, rel, strict=True)
            )
        )
        step = newton(aim)
        d_lam = Slacks(*(a - li - w * d for a, li, w, d in zip(aim, lam, weight, step, strict=True)))
        tau = jnp.maximum(_TO_BOUNDARY, 1 - mu)
        primal = tau / jnp.maximum(tau, _max(-step.rates / s.rates, -step.theta / s.theta))
        dual = tau / jnp.maximum(tau, _max(*(-d / positive(li) for d, li in zip(d_lam, lam, strict=True))))
        primal, dual = jnp.where(active, primal, 0), jnp.where(active, dual, 0)
        new = Slacks(*(si + primal * d for si, d in zip(s, step, strict=True)))
        least, most = target / _DUAL_RANGE, _DUAL_RANGE * jnp.maximum(target, mu)
        new_lam = Slacks(
            *(
                jnp.where(active, m * jnp.clip(li + dual * d, least / si, most / si), li)
                for m, si, li, d in zip(mask, new, lam, d_lam, strict=True)
            )
        )
        d_cells, d_totals = program.directions(step)
        return _State(
            new,
            new_lam,
            state.cells + dual * (cells - state.cells - curvature[0] * d_cells),
            state.totals + dual * (totals - state.totals - curvature[1] * d_totals),
            active,
            state.cautious,
            state.step + 1,
        )

    start = program.start()
    _, _, cells, totals = ratios(start)

    def duals(mu: Any) -> Slacks:
        return Slacks(*(m * mu / si for m, si in zip(mask, start, strict=True)))

    def attempt(state: _State) -> _State:
        limit = jnp.minimum(jnp.where(state.cautious, MAX_STEPS, _STEPS), budget)
        done = lax.while_loop(lambda st: jnp.any(st.active) & (st.step < limit), body, state)
        again = _State(start, duals(0.1), cells, totals, done.active, jnp.asarray(True), done.step)
        slacks, lam, y_cells, y_totals = jax.tree.map(
            lambda new, old: jnp.where(done.active & ~state.cautious, new, old), again[:4], done[:4]
        )
        return _State(slacks, lam, y_cells, y_totals, done.active, jnp.asarray(True), done.step)

    mu = jnp.clip(0.1 * program.gap(cells, totals) / program.n_constraints, 1e-8, 0.1)
    first = _State(start, duals(mu), cells, totals, enabled, jnp.asarray(False), jnp.zeros((), jnp.int32))
    last = lax.while_loop(lambda st: jnp.any(st.active) & (st.step < budget), attempt, first)
    return last.slacks, last.active


def _max(rates: Any, theta: Any) -> Any:
    pairs = jnp.maximum(jnp.maximum(rates[0, 0], rates[0, 1]), jnp.maximum(rates[1, 0], rates[1, 1]))
    return jnp.maximum(pairs, jnp.maximum(theta[0], theta[1]))


def _sum(rates: Any, theta: Any) -> Any:
    return rates[0, 0] + rates[0, 1] + rates[1, 0] + rates[1, 1] + theta[0] + theta[1]
