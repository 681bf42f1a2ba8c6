"""Roots of many scalar equations at once: Halley's method inside shrinking brackets."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from jaxmle._arrays import namespace, select, tree_map
from jaxmle._solvers._shares import Shares, either
from jaxmle._types import Array

T = TypeVar("T", bound=tuple[Any, ...])
# Value, first and second derivative, and how small the last step but one is.
_Derivatives: TypeAlias = tuple[Array, Array, Array, Array | float]

# Steps after which every other one halves the bracket unless the last one was good, and steps at most.
_PATIENCE, _STEPS = 8, 90
# Times by two that the odds change towards an end that nothing is known of, in the first step; then more.
_REACH = 4
# Share of the last step that a good one is at most: where steps lead to and fro it is not.
_GOOD = 0.25


class _State(NamedTuple):
    at: Shares
    low: Shares
    high: Shares
    moved: Array
    active: Array


def share_root(equation: Callable[..., _Derivatives], arguments: T, start: Array, active: Array) -> Shares:
    """Find where functions of a share in [0, 1] cross zero from above.

    A share x is carried beside its complement y = 1 - x, so that both keep all their digits.

    Args:
        equation: Maps x, y and the arguments to the function, its first two derivatives in x, and how small a
            Newton step is to be against the unknown for the next step to be the last.
        arguments: Trees of arrays, shape ``(..., B)``.
        start: Where to begin, shape ``(B,)``.
        active: Which elements to solve, shape ``(B,)``; the others stay where they start.

    Returns:
        The shares.

    Source:
        Halley's method with a bracket (Press et al., Numerical Recipes, section 9.4). Where a step leaves the
        bracket, or steps do not become short, the bracket is halved, in the logarithm of the odds.
    """
    xp = namespace(arguments, start)
    start = select(active, xp.clip(start, 1e-6, 1 - 1e-6), start)
    zero, one = xp.zeros_like(start), xp.ones_like(start)
    ends = Shares(zero, one), Shares(one, zero)
    state = _State(Shares(start, 1 - start), *ends, xp.full_like(start, np.inf), active)
    if xp is np:
        return _eagerly(equation, arguments, state)
    from jax import lax

    def body(carry: tuple[Array, _State]) -> tuple[Array, _State]:
        n, state = carry
        return n + 1, _step(equation, arguments, state, n)

    n = xp.zeros((), np.int32)
    _, state = lax.while_loop(lambda c: xp.any(c[1].active) & (c[0] < _STEPS), body, (n, state))
    return state.at


def _eagerly(equation: Callable[..., _Derivatives], arguments: T, state: _State) -> Shares:
    """Work on those elements alone that have not arrived; the others stay behind once they are half."""
    x, y = state.at.x.copy(), state.at.y.copy()
    index, left = np.arange(len(x)), state.active
    for n in range(_STEPS):
        n_left = np.count_nonzero(left)
        if not n_left:
            break
        if 2 * n_left < len(left):
            x[index], y[index] = state.at
            # By places: a mask takes ten times as long.
            place = np.flatnonzero(left)
            index = index[place]
            state, arguments = tree_map(partial(np.take, indices=place, axis=-1), (state, arguments))
        with np.errstate(all="ignore"):  # those that have arrived are not looked at, whatever comes of them
            state = _step(equation, arguments, state, n)
        left = state.active
    x[index], y[index] = state.at
    return Shares(x, y)


def _step(equation: Callable[..., _Derivatives], arguments: T, s: _State, n: Array | int) -> _State:
    xp, (x, y) = namespace(s.moved), s.at
    patient = (n < _PATIENCE) | (n % 2 == 1)
    # Smaller shares are nothing, and their squares would be lost.
    tiny = float(np.finfo(x.dtype).tiny) ** 0.25
    value, slope, bend, last = equation(x, y, *arguments)
    up = value > 0
    low, high = either(up, s.at, s.low), either(up, s.high, s.at)
    bottom = 2 * slope * slope - value * bend
    usable = (bottom > 0) & (slope < 0)
    move = 2 * value * slope / select(usable, bottom, 1.0)
    there = Shares(x - move, y + move)
    arrived = usable & (xp.abs(value) <= -last * slope * xp.minimum(x, y)) | (value == 0)
    # Of the pair the smaller one has the digits.
    below = x < y
    bracketed = (below & (there.x > low.x) & (there.x < high.x)) | (
        ~below & (there.y < low.y) & (there.y > high.y)
    )
    good = xp.abs(move) <= _GOOD * s.moved
    inside = usable & bracketed & (good | patient) | arrived
    # The middle of the bracket in the logarithm of the odds; towards an unknown end not too far off.
    here, steps = x / y, xp.asarray(n + 1, x.dtype)
    reach = xp.exp2(xp.minimum(2 * _REACH * steps, 100.0))
    least = select(low.x > 0, low.x / low.y, xp.maximum(here / reach, tiny))
    most = select(high.y > 0, high.x / high.y, xp.minimum(here * reach, 1 / tiny))
    odds = xp.sqrt(least * most)
    middle_y = 1 / (1 + odds)
    at = either(s.active, either(inside, there, Shares(odds * middle_y, middle_y)), s.at)
    narrow = most - least <= 4 * np.finfo(x.dtype).eps * most
    moved = xp.abs(select(below, at.x - x, at.y - y))
    return _State(at, low, high, moved, s.active & ~(arrived | narrow))
