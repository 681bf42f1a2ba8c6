"""Probabilities beside their complements, so that the smaller of the two keeps its digits."""

from typing import NamedTuple

from jaxmle._arrays import namespace, select
from jaxmle._types import Array


class Shares(NamedTuple):
    """A probability beside its complement."""

    x: Array
    y: Array


def either(condition: Array, a: Shares, b: Shares) -> Shares:
    """The shares a where the condition holds, else b."""
    return Shares(select(condition, a.x, b.x), select(condition, a.y, b.y))


def minus(a: Shares, b: Shares) -> Array:
    """The difference a - b, from the smaller of the probabilities and their complements."""
    return select(a.x < 0.5, a.x - b.x, b.y - a.y)


def on_the_way(start: Shares, stop: Shares, made: Shares) -> Shares:
    """The probability after this share of the way."""
    return Shares(start.x * made.y + stop.x * made.x, start.y * made.y + stop.y * made.x)


def way_made(behind: Array, ahead: Array) -> Shares:
    """Share of the way made, from what is behind and what is ahead; none where both are none."""
    xp = namespace(behind)
    behind, ahead = xp.maximum(behind, 0), xp.maximum(ahead, 0)
    whole = behind + ahead
    share = behind / select(whole > 0, whole, 1)
    return Shares(share, select(whole > 0, ahead / select(whole > 0, whole, 1), 1))


def clipped(rates: Shares, low: Shares, high: Shares) -> Shares:
    """Rates within their bounds."""
    xp = namespace(rates.x)
    return Shares(
        xp.minimum(xp.maximum(rates.x, low.x), high.x), xp.minimum(xp.maximum(rates.y, high.y), low.y)
    )
