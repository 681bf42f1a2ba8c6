"""One judge for all slices: TPR and FPR common, a failure rate for each slice."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np

from jaxmle._arrays import take
from jaxmle._data import Calibration, Problem
from jaxmle._model import xlogy
from jaxmle._slices._batches import map_slices
from jaxmle._slices._projected_newton import maximize_in_box
from jaxmle._slices._slice import (
    NO_MULTIPLIER,
    Slices,
    best_rate,
    slice_profile,
    slice_value,
    slices_of_problem,
)
from jaxmle._types import Array

# Promised gain below which the climb stops: per item, and in nats where items are very many.
_AIM = (1e-14, 1e-5)
# Where to start, besides the rates of the labels, as shares of the box.
_STARTS = np.array([[0.75, 0.25], [0.25, 0.75], [0.98, 0.02], [0.02, 0.02], [0.98, 0.98]])
# Starts of simulated data sets, whose labels place the judge.
_FEW_STARTS = 3
# Numbers that are worked on at once: so many stay in the caches. No block has fewer slices than the second.
_AT_ONCE, _LEAST = 1 << 14, 32
# Numbers of many data sets that are held at once.
_HELD = 1 << 18


class Joint(NamedTuple):
    """Joint data of all slices, of one data set or, with leading axes, of many.

    Attributes:
        slices: What bears on each failure rate, shape ``(..., S)``.
        cells: tp, fn, fp, tn summed over the slices, shape ``(..., 4)``.
        low: Lower bounds of TPR and FPR, shape ``(..., 2)``.
        high: Upper bounds.
        n_items: Number of items, labelled and not, shape ``(...)``.
    """

    slices: Slices
    cells: Array
    low: Array
    high: Array
    n_items: Array

    def of_sets(self, rows: Array) -> "Joint":
        """Return the data sets at ``rows``; a single one stays as it is and serves all."""
        if len(self.cells) == 1:
            return self
        slices = Slices(*(part[rows] for part in self.slices))
        return Joint(slices, self.cells[rows], self.low[rows], self.high[rows], self.n_items[rows])


class Common(NamedTuple):
    """Maximum of the joint likelihood, of one data set or, with a leading axis, of many.

    Attributes:
        tpr: The judge's TPR in all slices.
        fpr: Its FPR.
        rate: Failure rates, shape ``(S,)``.
        value: Log-likelihood.
        gain: What one more Newton step promises.
        lowest: Least failure rates among the starts that end as high, shape ``(S,)``.
        highest: Largest ones.
        agreeing: How many starts end as high.
    """

    tpr: Array
    fpr: Array
    rate: Array
    value: Array
    gain: Array
    lowest: Array
    highest: Array
    agreeing: Array


def joint_of(problem: Problem, calibration: Calibration) -> Joint:
    """Joint data of slices, shape ``(..., S)``."""
    cells = np.stack([x.sum(-1) for x in problem.counts.values()[:4]], -1)
    low = np.stack([problem.bounds.tpr[0].max(-1), problem.bounds.fpr[0].max(-1)], -1)
    high = np.stack([problem.bounds.tpr[1].min(-1), problem.bounds.fpr[1].min(-1)], -1)
    slices = slices_of_problem(problem, calibration)
    return Joint(slices, cells, low, high, sum(x.sum(-1) for x in problem.counts.values()))


def judge_value(cells: Array, tpr: Array, fpr: Array) -> Array:
    """Log-likelihood of the labelled items in TPR and FPR."""
    tp, fn, fp, tn = np.moveaxis(cells, -1, 0)
    return xlogy(tp, tpr) + xlogy(fn, 1 - tpr) + xlogy(fp, fpr) + xlogy(tn, 1 - fpr)


def total_value(joint: Joint, x: Array, multiplier: Array = NO_MULTIPLIER) -> Array:
    """Joint log-likelihood at the rates ``x = (TPR, FPR)``, maximized over all failure rates.

    ``x`` has shape ``(..., 2)``, and the joint data leading axes that broadcast with its.
    """
    total, tpr, fpr = judge_value(joint.cells, x[..., 0], x[..., 1]), x[..., :1], x[..., 1:]
    for s, m in _parts(joint.slices, x, multiplier):
        total = total + np.sum(slice_value(s, best_rate(s, tpr, fpr, m), tpr, fpr, m), -1)
    return total


def total_derivatives(
    joint: Joint, x: Array, multiplier: Array = NO_MULTIPLIER
) -> tuple[Array, Array, Array]:
    """`total_value`, its gradient, ``(..., 2)``, and its Hessian, ``(..., 2, 2)``."""
    value, tpr, fpr = judge_value(joint.cells, x[..., 0], x[..., 1]), x[..., :1], x[..., 1:]
    hits, misses = joint.cells[..., ::2], joint.cells[..., 1::2]
    # Where an observed verdict is impossible nothing is finite; the climb asks whether it is.
    with np.errstate(all="ignore"):
        up, down = (np.where(n > 0, n / p, 0.0) for n, p in ((hits, x), (misses, 1 - x)))
        gradient = up - down
        own = -(np.where(hits > 0, up / x, 0.0) + np.where(misses > 0, down / (1 - x), 0.0))
        tt, tf, ff = own[..., 0], 0.0, own[..., 1]
        for s, m in _parts(joint.slices, x, multiplier):
            found = slice_profile(s, tpr, fpr, m)
            value = value + np.sum(found.value, -1)
            gradient = gradient + np.stack([np.sum(part, -1) for part in found.gradient], -1)
            tt, tf, ff = (
                old + np.sum(part, -1) for old, part in zip((tt, tf, ff), found.hessian, strict=True)
            )
    hessian = np.stack([np.stack([tt, tf], -1), np.stack([tf, ff], -1)], -2)
    return value, gradient, hessian


def starts_of(joint: Joint) -> Array:
    """Rates to start from, shape ``(..., 6, 2)``: those of the labels, and points of the box.

    Where labels leave a rate open, climbs from the corners end at the two ends of what is as likely.
    """
    hits, misses = joint.cells[..., ::2], joint.cells[..., 1::2]
    rates = (hits + 0.5) / (hits + misses + 1)
    width = joint.high - joint.low
    labels = np.clip(rates, joint.low + 0.02 * width, joint.high - 0.02 * width)
    corners = joint.low[..., None, :] + _STARTS * width[..., None, :]
    return np.concatenate([labels[..., None, :], corners], -2)


def maximize_common(joint: Joint, starts: Array, multiplier: Array = NO_MULTIPLIER) -> Common:
    """Maximize the joint likelihoods of data sets from several starts; how many agree is the evidence.

    Args:
        joint: Joint data, leading axis ``R``, or 1 where it is the same in all data sets.
        starts: Rates to start from, shape ``(R, K, 2)``.
        multiplier: Added to the log-likelihood times the failure rates, scalar or of shape ``(R, S)``.
    """
    n_sets, n_starts = starts.shape[:2]

    def of_climbs(rows: Array) -> tuple[Joint, Array]:
        sets = rows // n_starts
        return joint.of_sets(sets), multiplier[sets] if np.ndim(multiplier) else multiplier

    def value(rows: Array, x: Array) -> Array:
        part, m = of_climbs(rows)
        return total_value(part, x, m)

    def derivatives(rows: Array, x: Array) -> tuple[Array, Array, Array]:
        part, m = of_climbs(rows)
        return total_derivatives(part, x, m)

    climbs = of_climbs(np.arange(n_sets * n_starts))[0]
    aim = np.minimum(_AIM[0] * np.maximum(climbs.n_items, 1.0), _AIM[1])
    found = maximize_in_box(value, derivatives, starts.reshape(-1, 2), climbs.low, climbs.high, tolerance=aim)
    x, values = found.x.reshape(starts.shape), found.value.reshape(n_sets, n_starts)
    values = np.where(np.isfinite(values), values, -np.inf)
    best, each = np.argmax(values, 1), np.arange(n_sets)
    top, peak = values[each, best], x[each, best]
    slack = np.maximum(1e-6, 64 * np.finfo(np.float64).eps * np.abs(top))
    level = values >= (top - slack)[:, None]
    # Climbs to one peak stop where rounding hides it, and are no different maxima.
    hessian = found.hessian.reshape(n_sets, n_starts, 2, 2)[each, best]
    free: Array = (peak > joint.low) & (peak < joint.high)
    same = _on_one_peak(x - peak[:, None], hessian, free, slack)
    ends = np.where(same[..., None], peak[:, None], x)
    rates = _rates(joint, ends, multiplier)
    lowest = np.min(np.where(level[..., None], rates, np.inf), 1)
    highest = np.max(np.where(level[..., None], rates, -np.inf), 1)
    gain = found.gain.reshape(n_sets, n_starts)[each, best]
    tpr, fpr = peak.T
    return Common(tpr, fpr, rates[each, best], top, gain, lowest, highest, np.sum(level, 1))


def fit_common(problem: Problem, calibration: Calibration) -> Common:
    """Fit one judge to the slices of one data set, shape ``(S,)``."""
    joint = joint_of(take(problem, None), calibration)
    found = maximize_common(joint, starts_of(joint))
    return Common(*(part[0] if part.ndim > 1 else part[0].item() for part in found))


def fit_common_many(problem: Problem, calibration: Calibration) -> Common:
    """Fit one judge to each of many data sets, shape ``(R, S)``."""

    def fitted(part: Problem) -> Common:
        joint = joint_of(part, calibration)
        return maximize_common(joint, starts_of(joint)[:, :_FEW_STARTS])

    return map_slices(fitted, problem, max(1, _HELD // problem.counts.tp.shape[1]))


def _rates(joint: Joint, x: Array, multiplier: Array) -> Array:
    """Most likely failure rates given the judge's rates of shape ``(R, K, 2)``, shape ``(R, K, S)``."""
    slices = Slices(*(part[:, None] for part in joint.slices))
    m = multiplier[:, None] if np.ndim(multiplier) else multiplier
    parts = _parts(slices, x, m)
    return np.concatenate([best_rate(s, x[..., :1], x[..., 1:], m) for s, m in parts], -1)


def _parts(slices: Slices, x: Array, multiplier: Array) -> Iterator[tuple[Slices, Array]]:
    """The slices, few enough at once for the caches, and their multipliers."""
    size = slices.flagged.shape[-1]
    width = max(_LEAST, _AT_ONCE // max(1, x.size // 2))
    if width >= size:
        yield slices, multiplier
        return
    for start in range(0, size, width):
        part = slice(start, start + width)
        yield (
            Slices(*(one[..., part] for one in slices)),
            multiplier[..., part] if np.ndim(multiplier) else multiplier,
        )


def _on_one_peak(move: Array, hessian: Array, free: Array, slack: Array) -> Array:
    """Whether points lie where a curved peak has fallen by no more than ``slack`` can hide.

    What labels tell of a rate curves it by 4 a label at least; what nothing tells of is flat up to rounding.
    """
    curvature = np.where(free[:, :, None] & free[:, None], -hessian, np.eye(2))
    sound = cast(Array, np.isfinite(curvature).all((1, 2)))
    curvature = np.where(sound[:, None, None], curvature, 0.0)
    lost = 0.5 * np.einsum("rsi,rij,rsj->rs", move, curvature, move)
    held = np.all(free[:, None] | (np.abs(move) <= 1e-9), axis=-1)
    curved = np.linalg.eigvalsh(curvature)[:, 0] > 0.5
    return held & curved[:, None] & (lost <= 4 * slack[:, None])
