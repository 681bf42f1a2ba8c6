"""Roots of many scalar equations at once: Halley's method inside shrinking brackets."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from jaxmle._arrays import namespace, select, take
from jaxmle._types import Array, Pair

T = TypeVar("T", bound=tuple[Any, ...])
# Value, first and second derivative, and how small the last step but one is.
_Derivatives: TypeAlias = tuple[Array, Array, Array, Array | float]

# Steps after which every other one halves the bracket unless the last one was good, and steps at most.
_PATIENCE, _STEPS = 8, 90
# Times by two that the odds change towards an end that nothing is known of, in the first step; then more.
_REACH = 4
# Shares of the value that a good step leaves, on the same side of the root and on the other one.
_GOOD, _ACROSS = 0.25, 0.01


class _State(NamedTuple):
    x: Array
    y: Array
    low: Array
    low_y: Array
    high: Array
    high_y: Array
    before: Array
    active: Array


def share_root(equation: Callable[..., _Derivatives], arguments: T, start: Array, active: Array) -> Pair:
    """Find where functions of a share in [0, 1] cross zero from above.

    A share x is carried beside its complement y = 1 - x, so that both keep all their digits.

    Args:
        equation: Maps x, y and the arguments to the function, its first two derivatives in x, and how small a
            Newton step is to be against the unknown for the next step to be the last.
        arguments: Arrays of shape ``(B,)``.
        start: Where to begin, shape ``(B,)``.
        active: Which elements to solve, shape ``(B,)``; the others stay where they start.

    Returns:
        The pair x, y.

    Source:
        Halley's method with a bracket (Press et al., Numerical Recipes, section 9.4). Where a step leaves the
        bracket or progress is slow the bracket is halved, in the logarithm of the odds.
    """
    xp = namespace(arguments, start)
    start = select(active, xp.clip(start, 1e-6, 1 - 1e-6), start)
    zero, one = xp.zeros_like(start), xp.ones_like(start)
    state = _State(start, 1 - start, zero, one, one, zero, xp.full_like(start, np.inf), active)
    if xp is np:
        return _eagerly(equation, arguments, state)
    from jax import lax

    def body(carry: tuple[Array, _State]) -> tuple[Array, _State]:
        n, state = carry
        return n + 1, _step(equation, arguments, state, n)

    n = xp.zeros((), np.int32)
    _, state = lax.while_loop(lambda c: xp.any(c[1].active) & (c[0] < _STEPS), body, (n, state))
    return state.x, state.y


def _eagerly(equation: Callable[..., _Derivatives], arguments: T, state: _State) -> Pair:
    """Work on those elements alone that have not arrived; the others stay behind once they are half."""
    x, y = state.x.copy(), state.y.copy()
    index, left = np.arange(len(x)), state.active
    for n in range(_STEPS):
        n_left = np.count_nonzero(left)
        if not n_left:
            break
        if 2 * n_left < len(left):
            x[index], y[index] = state.x, state.y
            # By places: a mask takes ten times as long.
            place = np.flatnonzero(left)
            index = index[place]
            state, arguments = take((state, arguments), place)
        with np.errstate(all="ignore"):  # those that have arrived are not looked at, whatever comes of them
            state = _step(equation, arguments, state, n)
        left = state.active
    x[index], y[index] = state.x, state.y
    return x, y


def _step(equation: Callable[..., _Derivatives], arguments: T, s: _State, n: Array | int) -> _State:
    xp = namespace(s.x)
    patient = (n < _PATIENCE) | (n % 2 == 1)
    # Smaller shares are nothing, and their squares would be lost.
    tiny = float(np.finfo(s.x.dtype).tiny) ** 0.25
    value, slope, bend, last = equation(s.x, s.y, *arguments)
    up = value > 0
    low, low_y = select(up, s.x, s.low), select(up, s.y, s.low_y)
    high, high_y = select(up, s.high, s.x), select(up, s.high_y, s.y)
    bottom = 2 * slope * slope - value * bend
    usable = (bottom > 0) & (slope < 0)
    move = 2 * value * slope / select(usable, bottom, 1.0)
    x, y = s.x - move, s.y + move
    arrived = usable & (xp.abs(value) <= -last * slope * xp.minimum(s.x, s.y)) | (value == 0)
    # Of the pair the smaller one has the digits.
    below = s.x < s.y
    bracketed = (below & (x > low) & (x < high)) | (~below & (y < low_y) & (y > high_y))
    left = value / s.before
    # In the long run steps across the root may lead to and fro.
    good = ((left >= 0) | ((left >= -_ACROSS) & (n < 2 * _PATIENCE))) & (left <= _GOOD)
    inside = usable & bracketed & (good | patient) | arrived
    # The middle of the bracket in the logarithm of the odds; towards an unknown end not too far off.
    here, steps = s.x / s.y, xp.asarray(n + 1, s.x.dtype)
    reach = xp.exp2(xp.minimum(2 * _REACH * steps, 100.0))
    least = select(low > 0, low / low_y, xp.maximum(here / reach, tiny))
    most = select(high_y > 0, high / high_y, xp.minimum(here * reach, 1 / tiny))
    odds = xp.sqrt(least * most)
    middle_y = 1 / (1 + odds)
    x, y = select(inside, x, odds * middle_y), select(inside, y, middle_y)
    narrow = most - least <= 4 * np.finfo(s.x.dtype).eps * most
    return _State(
        select(s.active, x, s.x),
        select(s.active, y, s.y),
        low,
        low_y,
        high,
        high_y,
        value,
        s.active & ~(arrived | narrow),
    )
