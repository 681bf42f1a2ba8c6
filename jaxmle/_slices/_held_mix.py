"""The profile likelihood of a mix of slices with one judge, the mix being held.

For given rates of the judge the log-likelihood is concave in the failure rates, so their maximum with the sum
``weights @ rate`` held is found by one multiplier. Outside is a search over the judge's two rates. A
multiplier of the joint likelihood would not do: its profile is not concave, for a judge that tells failures
from passes less well makes all failure rates larger, and a multiplier leaps over what lies between.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from jaxmle._slices._common import Common, Joint, total_derivatives, total_value
from jaxmle._slices._ends import outward_ends
from jaxmle._slices._projected_newton import eigh, maximize_in_box
from jaxmle._slices._slice import slice_profile
from jaxmle._types import Array, Pair

_STEPS = 80
# How near the mix comes to what it is held at, in its standard errors given the judge, or at all.
_HELD, _AT_ALL = 1e-5, 1e-12
# Width of a bracket of multipliers that is narrow enough: what nothing tells of jumps at a multiplier of 0.
_NATS = 1e-8
# How near to an end of its range it is held at most.
_OFF_END = 1e-9
# Promised gain, in nats, below which the search for the judge stops, and how near the root of the statistic
# comes to that of the cut-off.
_AIM, _CLOSE = 1e-6, 1e-3


_Value: TypeAlias = Callable[[Array, Array], Array]
_Derivatives: TypeAlias = Callable[[Array, Array], tuple[Array, Array, Array]]


class _Mix(NamedTuple):
    """Slices of one data set, arrays of shape ``(1, S)``, and their shares, ``(S,)``."""

    joint: Joint
    weights: Array


def mix_ends(joint: Joint, best: Common, weights: Array, cutoff: float) -> Pair:
    """Ends of the profile interval of ``weights @ rate``.

    Args:
        joint: One data set, leading axis 1.
        best: Its maximum.
        weights: Shares of the slices, shape ``(S,)``.
        cutoff: Cut-off of the likelihood-ratio statistic.
    """
    mix = _Mix(joint, weights)
    estimate = np.full(2, weights @ best.rate)
    stop = np.array([joint.slices.low[0] @ weights, joint.slices.high[0] @ weights])
    room = _OFF_END * (stop[1] - stop[0])
    stop = np.array([min(stop[0] + room, estimate[0]), max(stop[1] - room, estimate[1])])
    peak = np.array([best.tpr, best.fpr])
    last = np.tile(peak, (2, 1))

    def root(rows: Array, total: Array) -> Array:
        # From the judge that is likeliest at all, and from where the search ended nearby.
        starts = np.concatenate([np.tile(peak, (len(rows), 1)), last[rows]])
        value, derivatives = _objective(mix, np.tile(total, 2))
        found = maximize_in_box(value, derivatives, starts, joint.low, joint.high, tolerance=_AIM)
        values = np.where(np.isfinite(found.value), found.value, -np.inf).reshape(2, -1)
        pick = np.argmax(values, 0)
        each = np.arange(len(rows))
        last[rows] = found.x.reshape(2, -1, 2)[pick, each]
        return np.sqrt(np.maximum(2 * (best.value - values[pick, each]), 0.0)) - np.sqrt(cutoff)

    # Most ends lie well within twice as far as they would if the log-likelihood were quadratic.
    reach = 2 * np.sqrt(cutoff) * _standard_error(mix, peak[None])
    near = np.clip(estimate + np.array([-reach, reach]), stop[0], stop[1])
    ends = outward_ends(root, estimate, near, cutoff, close=_CLOSE, halvings=0)
    farther = np.flatnonzero((ends == near) & (near != stop))
    if farther.size:
        ends[farther] = outward_ends(
            lambda rows, total: root(farther[rows], total),
            estimate[farther],
            stop[farther],
            cutoff,
            close=_CLOSE,
        )
    low, high = ends
    return low, high


def _standard_error(mix: _Mix, peak: Array) -> float:
    """Of the mix, by the curvature at the maximum; 0 where that says nothing."""
    joint, weights = mix
    found = slice_profile(joint.slices, peak[:, :1], peak[:, 1:])
    free = (peak[0] > joint.low[0]) & (peak[0] < joint.high[0])
    curvature = np.where(free[:, None] & free, -total_derivatives(joint, peak)[2][0], np.eye(2))
    tilt = np.where(free, [part[0] @ weights for part in found.tilt], 0.0)
    values, vectors = eigh(curvature)
    with np.errstate(all="ignore"):
        variance = found.ease[0] @ weights**2 + np.sum((tilt @ vectors) ** 2 / values)
    return float(np.sqrt(variance)) if np.all(values > 0) and np.isfinite(variance) else 0.0


def _objective(mix: _Mix, total: Array) -> tuple[_Value, _Derivatives]:
    """Log-likelihood over the judge's rates with the mix held at each ``total``, and its derivatives."""
    joint, weights = mix
    # Where the search for a multiplier starts: at the last one of the climb.
    known = np.zeros(len(total))

    def value(rows: Array, x: Array) -> Array:
        held = total[rows]
        known[rows] = m = _multiplier(mix, x, held, known[rows])
        return total_value(joint, x, m[:, None] * weights) - m * held

    def derivatives(rows: Array, x: Array) -> tuple[Array, Array, Array]:
        held = total[rows]
        known[rows] = m = _multiplier(mix, x, held, known[rows])
        here, gradient, hessian = total_derivatives(joint, x, m[:, None] * weights)
        found = slice_profile(joint.slices, x[:, :1], x[:, 1:], m[:, None] * weights)
        # The multiplier moves with the judge, so that the mix stays (implicit function theorem).
        tilt = np.stack([part @ weights for part in found.tilt], -1)
        ease = found.ease @ weights**2
        with np.errstate(all="ignore"):
            moved = tilt[:, :, None] * tilt[:, None] / ease[:, None, None]
        hessian = hessian - np.where(np.isfinite(moved), moved, 0.0)
        return here - m * held, gradient, hessian

    return value, derivatives


def _multiplier(mix: _Mix, x: Array, total: Array, start: Array) -> Array:
    """Multipliers at which the mix is ``total``: Newton's method in a bracket that grows until it closes."""
    s, weights = mix.joint.slices, mix.weights
    size = len(x)
    m, low, high = start.copy(), np.full(size, -np.inf), np.full(size, np.inf)
    todo = np.arange(size)
    for _ in range(_STEPS):
        at, (tpr, fpr) = m[todo], x[todo].T
        found = slice_profile(s, tpr[:, None], fpr[:, None], at[:, None] * weights)
        gap = total[todo] - found.rate @ weights
        low[todo], high[todo] = np.where(gap > 0, at, low[todo]), np.where(gap < 0, at, high[todo])
        left, right = low[todo], high[todo]
        ease = found.ease @ weights**2
        more = ~(np.abs(gap) <= np.maximum(_HELD * np.sqrt(ease), _AT_ALL))
        with np.errstate(all="ignore"):
            trial = at + gap / ease
            middle = np.where(left * right > 0, np.sign(left) * np.sqrt(left * right), 0.5 * (left + right))
        outward = at + np.sign(gap) * np.maximum(9 * np.abs(at), 1.0)
        middle = np.where(np.isfinite(middle), middle, outward)
        inside = np.isfinite(trial) & (trial > left) & (trial < right)
        new = np.where(inside, trial, middle)
        # A mix lies in [0, 1], so that a multiplier known this well costs no more nats.
        more &= (np.abs(new - at) > 1e-14 * np.abs(at)) & (high[todo] - low[todo] > _NATS)
        m[todo] = np.where(more, new, at)
        todo = todo[more]
        if not todo.size:
            break
    return m
