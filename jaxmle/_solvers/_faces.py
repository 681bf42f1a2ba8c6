"""The internal design on the faces of the box where bounds of TPR and FPR hold: one scalar equation each.

Without bounds the maximum is a formula. With one rate held it is the same formula with the labels of that
group moved between the verdicts until their rate is the one held, which is a cubic equation; with both rates
held the failure rate solves another cubic. Each changes its sign between known ends, so it has a root there.
The second has one inside, as the log-likelihood is concave in the failure rate; of the first that is not
shown, and where a cell is zero an end may be a root of either too. So the root found need not be the maximum,
and which face has the maximum is only guessed, from the rates that the data suggest without bounds: the
duality gap within the true bounds accepts or rejects the result.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxmle._data import Bounds, Counts, Params
from jaxmle._model import closed_form, duality_gap
from jaxmle._model._closed_form import divide
from jaxmle._solvers._solution import bound_pairs, param_values
from jaxmle._solvers._tiles import in_tiles

# Halley's method converges cubically, from starts that are right to a few percent.
_STEPS = 3


def face_maximum(counts: Counts, bounds: Bounds, aim: Any) -> tuple[Params, Any]:
    """Maximize flat batches of the internal design where bounds of the failure rate are not active.

    Args:
        counts: Counts, shape ``(B,)``.
        bounds: Bounds, shape ``(B,)``.
        aim: Gap per item to reach, shape ``(B,)``.

    Returns:
        Parameters within the bounds, and whether they are the maximum, shape ``(B,)``: their gap is at most
        ``aim`` and labels tell of both rates.
    """
    return in_tiles(lambda arguments: _on_faces(*arguments), (counts, bounds, aim))


def _on_faces(counts: Counts, bounds: Bounds, aim: Any) -> tuple[Params, Any]:
    c = counts
    failures, passes = c.tp + c.fn, c.fp + c.tn
    (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.tpr, bounds.fpr
    direct = closed_form(c).params
    flag_rate = divide(c.tp + c.fp + c.unlabeled_pos, failures + passes + c.unlabeled_pos + c.unlabeled_neg)
    # A group without labels has the rate that explains most flags, or fewest.
    free_tpr = jnp.where(failures > 0, direct.tpr, (flag_rate > fpr_low).astype(flag_rate.dtype))
    free_fpr = jnp.where(passes > 0, direct.fpr, (flag_rate > tpr_low).astype(flag_rate.dtype))
    tpr, fpr = jnp.clip(free_tpr, tpr_low, tpr_high), jnp.clip(free_fpr, fpr_low, fpr_high)
    tpr_out, fpr_out = (
        (x <= lo) | (x >= hi) for x, lo, hi in ((free_tpr, tpr_low, tpr_high), (free_fpr, fpr_low, fpr_high))
    )

    # Where both rates lie outside, the one that its own labels hold there more firmly comes first.
    far_tpr = (free_tpr - tpr) ** 2 * failures * fpr * (1 - fpr)
    far_fpr = (free_fpr - fpr) ** 2 * passes * tpr * (1 - tpr)
    hold_tpr = tpr_out & (~fpr_out | (far_tpr >= far_fpr) | (failures <= 0))

    def by_held(x: Any, y: Any) -> Any:
        return jnp.where(hold_tpr, x, y)

    held_labels = by_held(failures, passes)
    flagged = _one_held(
        held_labels,
        by_held(c.fp, c.tp),
        by_held(c.tn, c.fn),
        c.unlabeled_pos,
        c.unlabeled_neg,
        by_held(tpr, fpr),
    )
    passed = held_labels - flagged
    moved = Counts(
        by_held(flagged, c.tp),
        by_held(passed, c.fn),
        by_held(c.fp, flagged),
        by_held(c.tn, passed),
        c.unlabeled_pos,
        c.unlabeled_neg,
    )
    one = closed_form(moved).params
    low, high = by_held(fpr_low, tpr_low), by_held(fpr_high, tpr_high)
    other = by_held(one.fpr, one.tpr)
    inside = (other > low) & (other < high)
    other = jnp.clip(other, low, high)
    tpr, fpr = by_held(tpr, other), by_held(other, fpr)
    both = _both_held(failures, passes, c.unlabeled_pos, c.unlabeled_neg, tpr, fpr)

    free = ~(tpr_out | fpr_out)
    found = Params(
        jnp.where(free, direct.failure_rate, jnp.where(inside, one.failure_rate, both)),
        jnp.where(free, direct.tpr, tpr),
        jnp.where(free, direct.fpr, fpr),
    )
    pairs = zip(param_values(found), bound_pairs(bounds), strict=True)
    params = Params(*(jnp.clip(jnp.where(jnp.isfinite(x), x, lo), lo, hi) for x, (lo, hi) in pairs))
    # Where a group has no labels, several failure rates may be as likely; a face would take an end of them.
    told = ((failures > 0) | (tpr_low >= tpr_high)) & ((passes > 0) | (fpr_low >= fpr_high))
    return params, told & (duality_gap(params, counts, bounds, calibration="internal") <= aim)


def _one_held(labels: Any, flagged: Any, passed: Any, pos: Any, neg: Any, rate: Any) -> Any:
    """How many labels of the group with a held rate count as flagged at the maximum.

    With y of its n labels flagged and z = n - y passed, stationarity in the flag rate q reads
    rate : 1 - rate = q y / (flagged + y) : (1 - q) z / (passed + z), where q is the share of all flags,
    y and the unlabelled ones included.

    Args:
        labels: Labels of the group whose rate is held, n.
        flagged: Flagged labels of the other group.
        passed: Passed labels of the other group.
        pos: Unlabelled items flagged.
        neg: Unlabelled items passed.
        rate: The rate held.
    """
    all_flagged, all_passed, miss = flagged + pos, passed + neg, 1 - rate

    def equation(y: Any) -> tuple[Any, Any, Any]:
        z = labels - y
        a, b, many_a, many_b = flagged + y, passed + z, all_flagged + y, all_passed + z
        left, right = z * many_b, y * many_a
        d_left, d_right = -(many_b + z), many_a + y
        return (
            rate * left * a - miss * right * b,
            rate * (d_left * a + left) - miss * (d_right * b - right),
            2 * (rate * (a + d_left) - miss * (b - d_right)),
        )

    # With the flag rate taken as known the equation is a quadratic one.
    flags, rest = all_flagged + rate * labels, all_passed + miss * labels
    two = rate * rest - miss * flags
    half = 0.5 * (miss * flags * (passed + labels) + rate * rest * (flagged - labels))
    none = rate * rest * labels * flagged
    root = jnp.sqrt(jnp.maximum(half * half + two * none, 0))
    start = divide(jnp.where(half >= 0, none, root - half), jnp.where(half >= 0, half + root, two))
    start = jnp.where((start > 0) & (start < labels), start, rate * labels)
    return _root(equation, start, jnp.zeros_like(labels), labels)


def _both_held(failures: Any, passes: Any, pos: Any, neg: Any, tpr: Any, fpr: Any) -> Any:
    """Failure rate at given TPR and FPR: the root of the score times theta (1 - theta) q (1 - q)."""
    spread = tpr - fpr

    def equation(x: Any) -> tuple[Any, Any, Any]:
        q = fpr + spread * x
        p = 1 - q
        inner, outer = x * (1 - x), q * p
        labels, flags = failures * (1 - x) - passes * x, pos * p - neg * q
        d_inner, d_outer = 1 - 2 * x, spread * (p - q)
        d_labels, d_flags = -(failures + passes), -spread * (pos + neg)
        return (
            labels * outer + spread * inner * flags,
            d_labels * outer + labels * d_outer + spread * (d_inner * flags + inner * d_flags),
            2 * (d_labels * d_outer - labels * spread**2 + spread * (d_inner * d_flags - flags)),
        )

    # What labels say and what flags say, each by its precision.
    by_labels, flag_rate = divide(failures, failures + passes), divide(pos, pos + neg)
    by_flags = jnp.clip(divide(flag_rate - fpr, spread), 0, 1)
    of_labels = (failures + passes) * flag_rate * (1 - flag_rate)
    of_flags = (pos + neg) * spread**2 * jnp.maximum(by_flags * (1 - by_flags), 1e-4)
    start = divide(of_labels * by_labels + of_flags * by_flags, of_labels + of_flags)
    return _root(equation, start, jnp.zeros_like(start), jnp.ones_like(start))


def _root(equation: Callable[[Any], tuple[Any, Any, Any]], start: Any, low: Any, high: Any) -> Any:
    """Root of a function that falls from >= 0 to <= 0, by Halley's method between shrinking ends.

    Args:
        equation: Maps a point to the function and its first two derivatives.
        start: Where to begin.
        low: Where the function is >= 0.
        high: Where it is <= 0.
    """

    def step(_: Any, state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        x, low, high = state
        value, slope, bend = equation(x)
        low, high = jnp.where(value > 0, x, low), jnp.where(value > 0, high, x)
        new = x - divide(2 * value * slope, 2 * slope**2 - value * bend)
        return jnp.where((new >= low) & (new <= high), new, 0.5 * (low + high)), low, high

    # As a loop on CPUs, where XLA fuses the steps written out into code that does not vectorize.
    unroll = jax.default_backend() != "cpu"
    root, _, _ = lax.fori_loop(0, _STEPS, step, (start, low, high), unroll=unroll)
    return root
