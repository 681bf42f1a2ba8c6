"""A known failure rate: a guess at which bounds are active, and Newton's method with them held.

In the internal design the rates that labels and the flag rate suggest tell which bounds of TPR and FPR the
maximum leans on. With those rates known the rest is a smooth concave program, solved by a few damped Newton
steps at a quarter of the cost of the interior point. The duality gap within the true bounds accepts or
rejects the result.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxmle._data import Bounds, Counts, Params
from jaxmle._model import closed_form, duality_gap
from jaxmle._model._certificate import pack_bounds
from jaxmle._solvers._internal import Internal
from jaxmle._solvers._programs import Slacks
from jaxmle._solvers._solution import bound_pairs, param_values
from jaxmle._solvers._tiles import in_tiles, weights_per_item

_STEPS = 4
# Starts keep this share of the width away from a bound, and steps this share of the way to probability zero.
_AWAY = 1e-3
_TO_ZERO = 0.9
_TINY = 1e-300


def guessed_maximum(counts: Counts, bounds: Bounds, aim: Any, known: Any) -> tuple[Params, Any]:
    """Maximize flat batches of the internal design; only what is marked as done has a meaning.

    Args:
        counts: Counts, shape ``(B,)``.
        bounds: Bounds, shape ``(B,)``; where those of the failure rate differ the element is to be ``known``.
        aim: Gap per item to reach, shape ``(B,)``.
        known: Elements that need no work, shape ``(B,)``; their results mean nothing.

    Returns:
        Parameters within the bounds, and whether their gap is at most ``aim``, shape ``(B,)``.
    """

    def tile(arguments: Any) -> tuple[Params, Any]:
        counts, bounds, aim, known = arguments
        nothing = Params(aim, aim, aim), known
        return lax.cond(jnp.all(known), lambda _: nothing, _guessed, (counts, bounds, aim))

    return in_tiles(tile, (counts, bounds, aim, known))


def _guessed(arguments: Any) -> tuple[Params, Any]:
    counts, bounds, aim = arguments
    labeled, unlabeled = weights_per_item(counts)
    low, high = pack_bounds(bounds)
    lo, hi = bounds.failure_rate
    flagged = labeled[0, 0] + labeled[1, 0] + unlabeled[0]
    rates = _suggested_rates(counts, bounds, low, high, flagged)
    held = (rates <= low) | (rates >= high)
    fixed = jnp.clip(rates, low, high)
    program = Internal(labeled, unlabeled, jnp.where(held, fixed, low), jnp.where(held, fixed, high), lo, hi)
    slacks = _start(program, jnp.where(held, fixed, _off(rates, low, high)))
    nothing = jax.tree.map(jnp.zeros_like, slacks)
    for _ in range(_STEPS):
        cells, totals = (jnp.maximum(x, _TINY) for x in program.probabilities(slacks))
        ratios = program.labeled / cells, program.unlabeled / totals
        newton = program.newton((ratios[0] / cells, ratios[1] / totals), nothing, *ratios)
        step = newton(nothing)
        d_cells, d_totals = program.directions(step)
        falls = jnp.where(program.labeled > 0, -d_cells / cells, 0)
        fall = jnp.maximum(jnp.max(falls, (0, 1)), jnp.max(-d_totals / totals, 0))
        length = jnp.minimum(1, _TO_ZERO / jnp.maximum(fall, _TINY))
        slacks = Slacks(*(s + length * d for s, d in zip(slacks, step, strict=True)))
    found = program.params(slacks)
    pairs = zip(param_values(found), bound_pairs(bounds), strict=True)
    params = Params(*(jnp.clip(jnp.where(jnp.isfinite(x), x, a), a, b) for x, (a, b) in pairs))
    return params, duality_gap(params, counts, bounds, calibration="internal") <= aim


def _suggested_rates(counts: Counts, bounds: Bounds, low: Any, high: Any, flagged: Any) -> Any:
    """TPR and FPR without bounds, moved to agree with the flag rate."""
    direct = closed_form(counts).params
    lo, _ = bounds.failure_rate
    rates = jnp.stack([direct.tpr, direct.fpr])
    mass = jnp.stack([lo, 1 - lo])
    inner = jnp.clip(rates, low, high)
    # Weighted by the variance of each rate: the likelier of all moves that explain the flags.
    give = jnp.where((rates > low) & (rates < high), inner * (1 - inner), 0)
    missing = flagged - mass[0] * inner[0] - mass[1] * inner[1]
    shift = missing / jnp.maximum(mass[0] * give[0] + mass[1] * give[1], 1e-12)
    return jnp.clip(inner + shift * give, 1e-4, 1 - 1e-4)


def _start(program: Internal, rates: Any) -> Slacks:
    mass = jnp.stack([program.lo, 1 - program.lo])[:, None]
    slacks = jnp.stack([rates - program.low, program.high - rates], 1) * mass
    # Elements whose failure rate is free are computed along and thrown away.
    return Slacks(jnp.where(program.mask.rates > 0, slacks, 1), jnp.ones_like(program.mask.theta))


def _off(x: Any, low: Any, high: Any) -> Any:
    """Clip into the bounds, at a small distance from them."""
    room = _AWAY * (high - low)
    return jnp.clip(x, low + room, high - room)
