"""Ends of a profile interval of a linear functional, by multipliers.

A multiplier of the functional is added to the log-likelihood (Lagrange): the larger it is, the further the
functional moves and the more that costs. The multiplier that costs the cut-off ends the interval.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxmle._types import Array, Pair

_STEPS = 40
_CLOSE = 1e-4
_JUMP = 1e-3


class ConstrainedEnd(NamedTuple):
    """One end of each interval; arrays of shape ``(B,)``.

    Attributes:
        value: The functional.
        at_bound: Whether the functional ends there, so that no multiplier costs the cut-off.
        converged: Whether the end was reached.
    """

    value: Array
    at_bound: Array
    converged: Array


def constrained_end(
    maximized: Callable[[Array, Array], Pair], cutoff: Array, most: Array | float
) -> ConstrainedEnd:
    """Enlarge multipliers until the cut-off is lost, then narrow them.

    Args:
        maximized: Maps places in the batch and their multipliers, > 0, to the functional at the maximum and
            the likelihood-ratio statistic there.
        cutoff: Statistic at the end, shape ``(B,)``.
        most: Multiplier beyond which no larger one moves the functional, shape ``(B,)`` or scalar.

    Returns:
        The ends; where the profile is not concave, those that converged are never nearer than the true ones.
    """
    size = len(cutoff)
    most = np.broadcast_to(most, size)
    low, high = np.zeros(size), np.full(size, np.inf)
    force = np.ones(size)
    end, outside = np.full(size, np.nan), np.full(size, np.nan)
    converged, at_bound = np.zeros(size, bool), np.zeros(size, bool)
    todo = np.arange(size)
    for step in range(_STEPS):
        multiplier, target = force[todo], cutoff[todo]
        value, lost = maximized(todo, multiplier)
        lost = np.maximum(lost, 0)
        beyond = lost >= target
        low[todo], high[todo] = (
            np.where(beyond, low[todo], multiplier),
            np.where(beyond, multiplier, high[todo]),
        )
        near = np.abs(np.sqrt(lost) - np.sqrt(target)) <= _CLOSE
        outside[todo] = np.where(beyond, value, outside[todo])
        # Where the profile is not concave a multiplier jumps over values: the far side of the jump is safe.
        closed = high[todo] - low[todo] <= _JUMP * multiplier
        # No multiplier reaches the cut-off where the functional is at the end of what bounds allow.
        stuck = ~beyond & (multiplier >= most[todo])
        end[todo] = np.where(near | stuck | np.isnan(outside[todo]), value, outside[todo])
        at_bound[todo], converged[todo] = stuck, near | closed | stuck
        with np.errstate(all="ignore"):
            guess = multiplier * np.sqrt(target / lost)
        bounded = np.isfinite(high[todo])
        outer = np.where(bounded, high[todo], 10 * multiplier)
        middle = np.where(low[todo] > 0, np.sqrt(low[todo] * outer), 0.1 * outer)
        # At a wall that costs nearly the cut-off a guess hardly grows, so every other one grows tenfold.
        guessed = np.where(bounded, step % 3 < 2, step % 2 == 0)
        usable = (guess > low[todo]) & (guess < outer) & guessed
        force[todo] = np.where(usable, guess, np.where(bounded, middle, outer))
        todo = todo[~(near | closed | stuck)]
        if not todo.size:
            break
    return ConstrainedEnd(end, at_bound, converged)
