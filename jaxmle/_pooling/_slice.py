"""The likelihood of one slice as a function of the judge's rates, its own failure rate being free.

Given the judge's rates the log-likelihood is concave in the failure rate, so its maximum over it, the slice's
profile, is found by Newton's method inside a bracket; gradient and Hessian of the profile follow from the
envelope theorem and the implicit function theorem. All functions broadcast over slices.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmle._data import Calibration, Counts
from jaxmle._model._closed_form import divide
from jaxmle._model._likelihood import ratio, xlogy

_STEPS = 64


class Slices(NamedTuple):
    """What the slices tell about their failure rates; arrays of shape ``(S,)``.

    Attributes:
        failures: Labelled failures that bear on the failure rate (none in the external design).
        passes: Labelled passes that bear on it.
        flagged: Unlabelled items that the judge calls failures.
        passed: Unlabelled items that it calls passes.
        low: Lower bound of the failure rate.
        high: Upper bound.
    """

    failures: Any
    passes: Any
    flagged: Any
    passed: Any
    low: Any
    high: Any


class Profile(NamedTuple):
    """Maximum over the failure rate, and its derivatives in TPR and FPR; arrays of shape ``(S,)``.

    Attributes:
        rate: Most likely failure rate.
        value: Log-likelihood there (without the terms of labelled items in TPR and FPR).
        gradient: Pair of first derivatives.
        hessian: Second derivatives: TPR, both, FPR.
        tilt: Pair of derivatives of the most likely failure rate.
    """

    rate: Any
    value: Any
    gradient: tuple[Any, Any]
    hessian: tuple[Any, Any, Any]
    tilt: tuple[Any, Any]


def slices_of(counts: Counts, failure_rate: tuple[Any, Any], calibration: Calibration) -> Slices:
    """Lay out what bears on the failure rates."""
    internal = 1.0 if calibration == "internal" else 0.0
    return Slices(
        internal * (counts.tp + counts.fn),
        internal * (counts.fp + counts.tn),
        counts.unlabeled_pos,
        counts.unlabeled_neg,
        *failure_rate,
    )


def slice_value(s: Slices, rate: Any, tpr: Any, fpr: Any, push: Any = 0.0) -> Any:
    """Log-likelihood of the slices, plus ``push`` times the failure rate."""
    q = rate * tpr + (1 - rate) * fpr
    not_q = rate * (1 - tpr) + (1 - rate) * (1 - fpr)
    return (
        xlogy(s.failures, rate)
        + xlogy(s.passes, 1 - rate)
        + xlogy(s.flagged, q)
        + xlogy(s.passed, not_q)
        + push * rate
    )


def best_rate(s: Slices, tpr: Any, fpr: Any, push: Any = 0.0) -> Any:
    """Most likely failure rate given the judge's rates; mid-bounds where nothing bears on it."""
    slope = tpr - fpr

    def score(rate: Any) -> tuple[Any, Any]:
        q = rate * tpr + (1 - rate) * fpr
        not_q = rate * (1 - tpr) + (1 - rate) * (1 - fpr)
        up, down = ratio(s.failures, rate), ratio(s.passes, 1 - rate)
        flagged, passed = ratio(s.flagged, q), ratio(s.passed, not_q)
        first = up - down + slope * (flagged - passed) + push
        second = -(ratio(up, rate) + ratio(down, 1 - rate))
        return first, second - slope**2 * (ratio(flagged, q) + ratio(passed, not_q))

    shape = jnp.broadcast_shapes(jnp.shape(s.flagged), jnp.shape(slope), jnp.shape(push))
    dtype = jnp.result_type(s.flagged)
    low, high = (jnp.broadcast_to(x, shape).astype(dtype) for x in (s.low, s.high))
    n_unlabeled = s.flagged + s.passed
    by_flags = (divide(s.flagged, n_unlabeled) - fpr) / jnp.where(slope == 0, 1.0, slope)
    n_labeled = s.failures + s.passes
    weight = n_unlabeled * slope**2
    total = weight + n_labeled
    guess = jnp.where(total > 0, divide(weight * by_flags + s.failures, total), 0.5 * (low + high))
    start = jnp.clip(jnp.broadcast_to(guess, shape), low + 0.02 * (high - low), high - 0.02 * (high - low))

    def step(state: Any) -> Any:
        n, rate, left, right, _ = state
        first, second = score(rate)
        left = jnp.where(first > 0, rate, left)
        right = jnp.where(first < 0, rate, right)
        newton = rate - first / jnp.where(second < 0, second, -1.0)
        # A step past an end of the bracket goes nine tenths of the way there: maxima at a bound are common.
        newton = jnp.where(newton >= right, rate + 0.9 * (right - rate), newton)
        newton = jnp.where(newton <= left, rate + 0.9 * (left - rate), newton)
        new = jnp.where((first == 0) | (low >= high), rate, jnp.where(second < 0, newton, rate))
        moving = (jnp.abs(new - rate) > 4e-16 + 1e-13 * rate) & (right - left > 1e-15)
        return n + 1, new, left, right, moving.any()

    state = (0, start, low, high, jnp.array(True))
    rate = jax.lax.while_loop(lambda state: state[4] & (state[0] < _STEPS), step, state)[1]
    # The bracket closes on a bound without reaching it.
    for end, sign in ((low, -1.0), (high, 1.0)):
        near = jnp.abs(rate - end) <= 1e-9
        rate = jnp.where(near & (sign * score(end)[0] > 0), end, rate)
    return rate


def slice_profile(s: Slices, tpr: Any, fpr: Any, push: Any = 0.0) -> Profile:
    """Maximize over the failure rates, with derivatives in the judge's rates."""
    rate = jax.lax.stop_gradient(best_rate(s, tpr, fpr, push))
    q = rate * tpr + (1 - rate) * fpr
    not_q = rate * (1 - tpr) + (1 - rate) * (1 - fpr)
    slope = tpr - fpr
    lean = ratio(s.flagged, q) - ratio(s.passed, not_q)
    weight = ratio(ratio(s.flagged, q), q) + ratio(ratio(s.passed, not_q), not_q)
    own = ratio(ratio(s.failures, rate), rate) + ratio(ratio(s.passes, 1 - rate), 1 - rate)
    curvature = own + slope**2 * weight
    cross = (lean - slope * rate * weight, -lean - slope * (1 - rate) * weight)
    inside = (rate > s.low) & (rate < s.high) & (curvature > 0)
    tilt = tuple(jnp.where(inside, divide(c, curvature), 0.0) for c in cross)
    hessian = (
        -(rate**2) * weight + cross[0] * tilt[0],
        -rate * (1 - rate) * weight + cross[0] * tilt[1],
        -((1 - rate) ** 2) * weight + cross[1] * tilt[1],
    )
    value = slice_value(s, rate, tpr, fpr, push)
    return Profile(rate, value, (rate * lean, (1 - rate) * lean), hessian, (tilt[0], tilt[1]))
