"""The likelihood of one slice as a function of the judge's rates, its own failure rate being free.

Given the judge's rates the log-likelihood is concave in the failure rate, so its maximum over it, the slice's
profile, is found by Newton's method inside a bracket; gradient and Hessian of the profile follow from the
envelope theorem and the implicit function theorem. All functions broadcast over slices.
"""

from typing import NamedTuple, cast

import numpy as np

from jaxmle._data import Calibration, Counts, Problem
from jaxmle._model import ratio, xlogy
from jaxmle._stats import divide, flag_rate
from jaxmle._types import Array, Pair

# Plain zero, which broadcasts.
NO_MULTIPLIER = cast(Array, 0.0)

_STEPS = 64
# Instead of a probability of 0, so that no count divided by it is more than a number.
_NONE = 1e-280
# Share of what still moves below which the rest is left behind.
_MOSTLY_STILL = 0.7


class Slices(NamedTuple):
    """What the slices tell about their failure rates; arrays of shape ``(..., S)``.

    Attributes:
        failures: Labelled failures that bear on the failure rate (none in the external design).
        passes: Labelled passes that bear on it.
        flagged: Unlabelled items that the judge calls failures.
        passed: Unlabelled items that it calls passes.
        low: Lower bound of the failure rate.
        high: Upper bound.
    """

    failures: Array
    passes: Array
    flagged: Array
    passed: Array
    low: Array
    high: Array


class Profile(NamedTuple):
    """Maximum over the failure rate, and its derivatives in TPR and FPR; arrays of shape ``(..., S)``.

    Attributes:
        rate: Most likely failure rate.
        value: Log-likelihood there (without the terms of labelled items in TPR and FPR).
        gradient: Pair of first derivatives.
        hessian: Second derivatives: TPR, both, FPR.
        tilt: Pair of derivatives of the most likely failure rate.
        ease: Its derivative in the multiplier.
    """

    rate: Array
    value: Array
    gradient: Pair
    hessian: tuple[Array, Array, Array]
    tilt: Pair
    ease: Array


def slices_of(counts: Counts, failure_rate: Pair, calibration: Calibration) -> Slices:
    """Lay out what bears on the failure rates."""
    internal = 1.0 if calibration == "internal" else 0.0
    return Slices(
        internal * (counts.tp + counts.fn),
        internal * (counts.fp + counts.tn),
        counts.unlabeled_pos,
        counts.unlabeled_neg,
        *failure_rate,
    )


def slices_of_problem(problem: Problem, calibration: Calibration) -> Slices:
    """What bears on the failure rates of slices."""
    return slices_of(problem.counts, problem.bounds.failure_rate, calibration)


def slice_value(s: Slices, rate: Array, tpr: Array, fpr: Array, multiplier: Array = NO_MULTIPLIER) -> Array:
    """Log-likelihood of the slices, plus ``multiplier`` times the failure rate."""
    q = flag_rate(rate, tpr, fpr)
    not_q = flag_rate(rate, 1 - tpr, 1 - fpr)
    return (
        xlogy(s.failures, rate)
        + xlogy(s.passes, 1 - rate)
        + xlogy(s.flagged, q)
        + xlogy(s.passed, not_q)
        + multiplier * rate
    )


def best_rate(s: Slices, tpr: Array, fpr: Array, multiplier: Array = NO_MULTIPLIER) -> Array:
    """Most likely failure rate given the judge's rates; mid-bounds where nothing bears on it."""
    given = np.broadcast_arrays(*s, tpr, fpr, multiplier)
    known = [np.ravel(x) for x in given]
    low, high = known[4], known[5]
    # Divisions by nothing are meant: what they give is never taken.
    with np.errstate(all="ignore"):
        # A maximum at a bound is known by the slope there, and is what Newton's method is slowest to reach.
        at_low, at_high = (_score(end, *known) for end in (low, high))
        # Where nothing but the multiplier bears on the rate, it falls or rises along a straight line.
        falls, rises = (at_low[0] < 0) & (at_low[1] <= 0), (at_high[0] > 0) & (at_high[1] <= 0)
        rate = np.where(falls | (low >= high), low, high)
        inside = np.flatnonzero(~(falls | rises) & (low < high))
        if inside.size:
            part = known if inside.size == len(rate) else [x[inside] for x in known]
            rate[inside] = _climbed(_start(*part[:8]), part)
    return rate.reshape(given[0].shape)


def _start(
    failures: Array,
    passes: Array,
    flagged: Array,
    passed: Array,
    low: Array,
    high: Array,
    tpr: Array,
    fpr: Array,
) -> Array:
    slope = tpr - fpr
    n_unlabeled = flagged + passed
    by_flags = (divide(flagged, n_unlabeled) - fpr) / np.where(slope == 0, 1.0, slope)
    weight = n_unlabeled * slope**2
    total = weight + failures + passes
    guess = np.where(total > 0, divide(weight * by_flags + failures, total), 0.5 * (low + high))
    return np.clip(guess, low + 0.02 * (high - low), high - 0.02 * (high - low))


def _climbed(start: Array, known: list[Array]) -> Array:
    """Newton's method in a bracket; rates that stand still are left behind while others move."""
    found, todo = start, None
    rate, left, right = start, known[4], known[5]
    for _ in range(_STEPS):
        first, second = _score(rate, *known)
        left = np.where(first > 0, rate, left)
        right = np.where(first < 0, rate, right)
        concave = second < 0
        newton = rate - first / np.where(concave, second, -1.0)
        # A step past an end of the bracket goes nine tenths of the way there: maxima near a bound are common.
        newton = np.where(newton >= right, rate + 0.9 * (right - rate), newton)
        newton = np.where(newton <= left, rate + 0.9 * (left - rate), newton)
        new = np.where((first != 0) & concave, newton, rate)
        moving = (np.abs(new - rate) > 4e-16 + 1e-13 * rate) & (right - left > 1e-15)
        rate = new
        n_moving = np.count_nonzero(moving)
        if not n_moving:
            break
        if n_moving <= _MOSTLY_STILL * len(rate):
            if todo is None:
                found, todo = rate, np.flatnonzero(moving)
            else:
                found[todo] = rate
                todo = todo[moving]
            rate, left, right = rate[moving], left[moving], right[moving]
            known = [x[moving] for x in known]
    if todo is None:
        return rate
    found[todo] = rate
    return found


def _score(
    rate: Array,
    failures: Array,
    passes: Array,
    flagged: Array,
    passed: Array,
    low: Array,
    high: Array,
    tpr: Array,
    fpr: Array,
    multiplier: Array,
) -> Pair:
    """First and second derivative in the failure rate."""
    slope, others = tpr - fpr, 1 - rate
    q = np.maximum(rate * tpr + others * fpr, _NONE)
    not_q = np.maximum(rate * (1 - tpr) + others * (1 - fpr), _NONE)
    rate, others = np.maximum(rate, _NONE), np.maximum(others, _NONE)
    up, down = failures / rate, passes / others
    flags, passing = flagged / q, passed / not_q
    first = up - down + slope * (flags - passing) + multiplier
    return first, -(up / rate + down / others) - slope**2 * (flags / q + passing / not_q)


def slice_profile(s: Slices, tpr: Array, fpr: Array, multiplier: Array = NO_MULTIPLIER) -> Profile:
    """Maximize over the failure rates, with derivatives in the judge's rates."""
    rate = best_rate(s, tpr, fpr, multiplier)
    q = flag_rate(rate, tpr, fpr)
    not_q = flag_rate(rate, 1 - tpr, 1 - fpr)
    slope = tpr - fpr
    # Where an observed verdict is impossible nothing is finite; the climb asks whether it is.
    with np.errstate(all="ignore"):
        flags, passing = ratio(s.flagged, q), ratio(s.passed, not_q)
        lean, weight = flags - passing, ratio(flags, q) + ratio(passing, not_q)
        own = ratio(ratio(s.failures, rate), rate) + ratio(ratio(s.passes, 1 - rate), 1 - rate)
        curvature = own + slope**2 * weight
        cross = (lean - slope * rate * weight, -lean - slope * (1 - rate) * weight)
        inside = (rate > s.low) & (rate < s.high) & (curvature > 0)
        ease = np.where(inside, divide(np.ones_like(curvature), curvature), 0.0)
        tilt = (
            np.where(inside, divide(cross[0], curvature), 0.0),
            np.where(inside, divide(cross[1], curvature), 0.0),
        )
        hessian = (
            -(rate**2) * weight + cross[0] * tilt[0],
            -rate * (1 - rate) * weight + cross[0] * tilt[1],
            -((1 - rate) ** 2) * weight + cross[1] * tilt[1],
        )
        gradient = (rate * lean, (1 - rate) * lean)
    return Profile(rate, slice_value(s, rate, tpr, fpr, multiplier), gradient, hessian, tilt, ease)
