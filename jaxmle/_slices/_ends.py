"""Ends of intervals: where the root of a likelihood-ratio statistic grows to that of the cut-off."""

from collections.abc import Callable

import numpy as np

from jaxmle._types import Array

# Steps to an end: most of them, and those that halve before false position starts.
_STEPS, _HALVINGS = 40, 5
# A bracket this narrow is an end.
_NARROW = 1e-13


def outward_ends(
    root: Callable[[Array, Array], Array],
    estimate: Array,
    stop: Array,
    cutoff: float,
    *,
    close: float = 1e-9,
    halvings: int = _HALVINGS,
) -> Array:
    """Values between the estimates and ``stop`` at which the cut-off is lost, or ``stop``.

    Args:
        root: Maps places in the batch and a value of each to the root of the statistic less that of the
            cut-off: nearly a straight line.
        estimate: Where the statistic is 0, shape ``(B,)``.
        stop: How far the ends may lie, shape ``(B,)``.
        cutoff: Cut-off of the statistic.
        close: How near the root comes to 0 at an end.
        halvings: Steps that halve the bracket before false position starts.

    Source:
        The Illinois variant of false position: Dowell and Jarratt, BIT 11 (1971).
    """
    inner, outer = estimate.copy(), stop.copy()
    at_inner, at_outer = np.full(len(stop), -np.sqrt(cutoff)), root(np.arange(len(stop)), stop)
    end = np.where(at_outer <= 0, stop, estimate)
    todo = np.flatnonzero((at_outer > 0) & (stop != estimate))
    was_inside = was_outside = np.zeros(len(todo), bool)
    for n in range(_STEPS):
        if not todo.size:
            break
        left, right, low, high = inner[todo], outer[todo], at_inner[todo], at_outer[todo]
        share = low / (low - high)
        share = 0.5 if n < halvings or n % 4 == 3 else np.where(np.isfinite(share), share, 0.5)
        value = left + share * (right - left)
        found = root(todo, value)
        inside = found <= 0
        inner[todo], outer[todo] = np.where(inside, value, left), np.where(inside, right, value)
        # An end of the bracket that stays twice counts half (Illinois), else false position would creep.
        at_inner[todo] = np.where(inside, found, np.where(was_outside, 0.5 * low, low))
        at_outer[todo] = np.where(inside, np.where(was_inside, 0.5 * high, high), found)
        near = np.abs(found) <= close
        end[todo] = np.where(near, value, inner[todo])
        more = ~near & (np.abs(outer[todo] - inner[todo]) > _NARROW)
        todo, was_inside, was_outside = todo[more], inside[more], ~inside[more]
    return end
