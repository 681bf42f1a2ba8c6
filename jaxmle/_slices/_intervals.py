"""Intervals of slices that share a judge, and of mixes of them."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np

from jaxmle._arrays import pytree, take
from jaxmle._data import Calibration, Problem, check_confidence, first_bad, host_number
from jaxmle._inference import Interval, IntervalAdjustment, is_joint, profile_interval
from jaxmle._slices._common import Common, fit_common, joint_of
from jaxmle._slices._common_interval import common_ends
from jaxmle._slices._held_mix import mix_ends
from jaxmle._slices._joint_problem import PooledProblem, hull_of, with_judge_within
from jaxmle._slices._judge_posterior import ENOUGH
from jaxmle._slices._partial import partial_ends
from jaxmle._slices._surface import surface_of
from jaxmle._slices._total import merged_alone, merged_by_kind, merged_by_labels
from jaxmle._stats import flag_rate, quantile_of_t
from jaxmle._types import Array, ArrayLike, Pair

Judge = Literal["per-slice", "common", "partial"]

# Slices up to which the joint likelihood of a mix leaves each its own failure rate. With more, that many pull
# the rates of the judge (Neyman and Scott, Econometrica 16, 1948) by too much of what a mix is known to.
_FEW_SLICES = 30
# An estimate is at a bound if it is this near, and a mix is identified if what is as likely is this near.
_AT_END, _IDENTIFIED_WITHIN = 1e-9, 1e-6
# Unlabelled items a slice beyond which no more are of much use: for each label in all, or where bounds tell
# more than labels, over the square of what they leave open of a flag rate.
_PER_LABEL, _PER_WIDTH = 100.0, 1000.0


@pytree
@dataclass(frozen=True, eq=False)
class MixInterval(Interval):
    """Interval of a mix of slices, with its status.

    Attributes:
        identified: Whether data and bounds determine the failure rate of the mix. Where they do not,
            ``estimate`` is only one point of a set that lies inside the interval.
    """

    identified: bool


class Estimate(NamedTuple):
    """What intervals are put around; fields as those of `SliceFit`."""

    problem: PooledProblem
    judge: Judge
    failure_rate: Array
    tpr: Array
    fpr: Array
    failure_rate_set: Pair
    identified: Array


def pooled_interval(found: Estimate, *, confidence: float, adjustment: IntervalAdjustment) -> Interval:
    """Interval of each slice; see `SliceFit.interval`."""
    alpha = 1 - check_confidence(confidence)
    pooled, size = found.problem, len(found.failure_rate)
    problem, calibration = pooled.problem, pooled.calibration
    at_once = is_joint(adjustment)
    kind = f", Bonferroni over {size}" if at_once else ""
    if found.judge == "per-slice":
        alone = profile_interval(
            *problem, confidence=confidence, calibration=calibration, adjustment=adjustment
        )
        return Interval(found.failure_rate, alone.low, alone.high, float(confidence), alone.method)
    cutoff = _critical_value(problem, alpha / size if at_once else alpha, found.judge)
    if found.judge == "common":
        assert pooled.common is not None
        problem, common = _capped(problem, calibration, pooled.common)
        joint = joint_of(problem, calibration)
        low, high = common_ends(surface_of(joint, common, cutoff), joint.slices, common, cutoff)
        method = "joint profile likelihood, common judge"
    else:
        assert pooled.mixture is not None
        assert pooled.judges is not None
        estimate, top = pooled.mixture
        low, high = partial_ends(problem, calibration, pooled.judges, estimate, top, cutoff)
        method = "integrated likelihood, partially pooled judge"
    least, most = found.failure_rate_set
    low, high = np.minimum(low, least), np.maximum(high, most)
    return Interval(found.failure_rate, low, high, float(confidence), method + kind)


def total_interval(found: Estimate, weights: Array, *, confidence: float) -> MixInterval:
    """Interval of a mix; see `SliceFit.total`."""
    alpha = 1 - check_confidence(confidence)
    pooled = found.problem
    problem, calibration = pooled.problem, pooled.calibration
    if found.judge == "per-slice":
        whole = found.identified & ~_at_an_end(problem, found)
        if whole[weights > 0].all() or np.count_nonzero(weights) == 1:
            return _separate_total(problem, calibration, weights, confidence, "slices alone")
        problem, weights = merged_alone(problem, calibration, weights, found.failure_rate)
        return _separate_total(problem, calibration, weights, confidence, "slices merged")
    if found.judge == "common" and len(weights) <= _FEW_SLICES:
        assert pooled.common is not None
        best, kind = pooled.common, "common judge"
    else:
        if found.judge == "common":
            problem = with_judge_within(problem, _meeting(problem))
            problem, weights = merged_by_labels(problem, calibration, weights)
            kind = "common judge, slices merged"
        else:
            assert pooled.posterior is not None
            problem = with_judge_within(problem, hull_of(problem))
            variance = pooled.posterior.mean_variance()
            problem, weights = merged_by_kind(problem, calibration, weights, variance, found.failure_rate)
            kind = "partially pooled judge, slices merged"
        if len(weights) == 1:
            return _separate_total(problem, calibration, weights, confidence, "slices merged")
        best = fit_common(problem, calibration)
    joint = joint_of(take(problem, None), calibration)
    ends = mix_ends(joint, best, weights, _critical_value(problem, alpha, found.judge))
    # What the starts found to be as likely is inside.
    low = min(float(ends[0]), float(weights @ best.lowest))
    high = max(float(ends[1]), float(weights @ best.highest))
    method = f"profile likelihood of the mix, {kind}"
    s = joint.slices
    silent = (s.failures + s.passes + s.flagged + s.passed == 0)[0] & (s.low < s.high)[0]
    open_ = weights @ np.where(silent, 1.0, best.highest - best.lowest)
    identified = bool(open_ <= _IDENTIFIED_WITHIN)
    return MixInterval(float(weights @ best.rate), low, high, float(confidence), method, identified)


def _at_an_end(problem: Problem, found: Estimate) -> Array:
    """Whether an estimate lies at an end of what is possible, as it does where it was cut off."""
    values = (found.failure_rate, found.tpr, found.fpr)
    pairs = (problem.bounds.failure_rate, problem.bounds.tpr, problem.bounds.fpr)
    cut = [
        (low < high) & ((x <= low + _AT_END) | (x >= high - _AT_END))
        for x, (low, high) in zip(values, pairs, strict=True)
    ]
    return cast(Array, np.any(cut, 0))


def _separate_total(
    problem: Problem, calibration: Calibration, weights: Array, confidence: float, kind: str
) -> MixInterval:
    """The total of slices, or of populations that they were merged into, each fitted alone."""
    each = profile_interval(*problem, confidence=confidence, calibration=calibration)
    assert each.estimate is not None
    estimate = float(weights @ each.estimate)
    if len(weights) == 1:
        low, high = np.asarray(each.low).item(), np.asarray(each.high).item()
        identified = bool(np.all(each.identified))
        return MixInterval(estimate, low, high, float(confidence), f"{each.method}, {kind}", identified)
    if (~each.identified & (weights > 0)).any():
        # What nobody knows does not average out: ends are added as they are.
        ends = float(weights @ each.low), min(float(weights @ each.high), 1.0)
        return MixInterval(estimate, *ends, float(confidence), f"{kind}, ends added", False)
    below = np.sqrt(np.sum((weights * (each.estimate - each.low)) ** 2))
    above = np.sqrt(np.sum((weights * (each.high - each.estimate)) ** 2))
    ends = float(max(estimate - below, 0.0)), float(min(estimate + above, 1.0))
    return MixInterval(estimate, *ends, float(confidence), f"{kind}, recovered variances", True)


def _critical_value(problem: Problem, alpha: float, judge: str) -> float:
    """Quantile of F(1, labels less the judge's rates that they tell of), or normal where they tell of none.

    Labels tell of a rate unless its bounds are narrower than a quarter of its standard error by labels alone.
    """
    tp, fn, fp, tn = (x.sum() for x in problem.counts.values()[:4])
    labels, n_fitted = tp + fn + fp + tn, 0
    widths = _room(problem) if judge == "common" else np.diff(hull_of(problem))[:, 0]
    for room, hits, size in zip(widths, (tp, fp), (tp + fn, fp + tn), strict=True):
        rate = (hits + 0.5) / (size + 1)
        n_fitted += int(room > 0.25 * np.sqrt(rate * (1 - rate) / (size + 1)))
    # Without labels nothing of the judge is estimated.
    df = max(labels - n_fitted, 3.0) if n_fitted and labels else np.inf
    return float(quantile_of_t(alpha / 2, df) ** 2)


def _meeting(problem: Problem) -> Array:
    """The bounds on TPR and FPR that hold for all slices, shape ``(2, 2)``."""
    return np.array([[np.max(low), np.min(high)] for low, high in (problem.bounds.tpr, problem.bounds.fpr)])


def _room(problem: Problem) -> Array:
    """Their widths, shape ``(2,)``."""
    return np.diff(_meeting(problem))[:, 0]


def _capped(problem: Problem, calibration: Calibration, common: Common) -> tuple[Problem, Common]:
    """The data with no more unlabelled items a slice than are of use, and their common fit.

    Flag rates known far better than the judge make walls in the likelihood of a slice, on which the search
    for its ends may stall. Intervals grow by a few hundredths at most.
    """
    enough = max(ENOUGH, _PER_LABEL * sum(x.sum() for x in problem.counts.values()[:4]))
    tpr, fpr = _room(problem)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = _PER_WIDTH / (flag_rate(common.rate, tpr, fpr)) ** 2
    enough = max(enough, np.max(wanted))
    share = np.minimum(1.0, enough / np.maximum(problem.counts.n_unlabeled, 1.0))
    if (share == 1).all():
        return problem, common
    problem = Problem(problem.counts.with_unlabeled(share), problem.bounds)
    return problem, fit_common(problem, calibration)


def shares_of(sizes: Array, mix: ArrayLike | None) -> Array:
    """Shares of the slices in a mix, summing to 1; by default those of their sizes."""
    if mix is None:
        weights = sizes
    else:
        weights = np.asarray(host_number("mix", mix), np.float64)
        if weights.shape != sizes.shape:
            raise ValueError(
                f"`mix` must have shape ({len(sizes)},), a share for each slice; got {weights.shape}."
            )
        first_bad("mix", weights, weights < 0, ">= 0")
    if not weights.sum() > 0:
        raise ValueError("`mix` must have a share that is positive; got none.")
    return weights / weights.sum()
