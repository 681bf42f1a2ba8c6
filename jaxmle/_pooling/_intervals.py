"""Intervals of slices that share a judge, and of mixes of them."""

from typing import Literal, NamedTuple, cast

import numpy as np

from jaxmle._data import Calibration, Problem, check_confidence
from jaxmle._data._validation import first_bad, host_number
from jaxmle._inference._arguments import quantile_of_t
from jaxmle._inference._interval import Interval
from jaxmle._inference._profile_interval import profile_interval
from jaxmle._pooling._common import Common, fit_common, joint_of, maximize_common
from jaxmle._pooling._common_interval import common_ends
from jaxmle._pooling._constrained_profile import constrained_end
from jaxmle._pooling._judge_posterior import ENOUGH, judge_posterior, only_one_judge
from jaxmle._pooling._partial import partial_ends
from jaxmle._pooling._problem import PooledProblem, hull_of
from jaxmle._pooling._surface import surface_of
from jaxmle._pooling._total import mixture_of
from jaxmle._types import Array, ArrayLike, Pair

Judge = Literal["per-slice", "common", "partial"]

# Slices up to which the joint likelihood profiles a mix. With more, that many free failure rates pull the
# rates of the judge (Neyman and Scott, Econometrica 16, 1948) by more than the interval of a mix is long.
_FEW_SLICES = 30
# Unlabelled items a slice beyond which no more are of much use: for each label in all, or where bounds tell
# more than labels, over the square of what they leave open of a flag rate.
_PER_LABEL, _PER_WIDTH = 100.0, 1000.0
# Lower end, upper end.
_SIGNS = np.array([-1.0, 1.0])


class Estimate(NamedTuple):
    """What intervals are put around; fields as those of `SliceFit`."""

    problem: PooledProblem
    judge: Judge
    failure_rate: Array
    failure_rate_set: Pair
    identified: Array


def pooled_interval(found: Estimate, *, confidence: float, simultaneous: bool) -> Interval:
    """Interval of each slice; see `SliceFit.interval`."""
    alpha = 1 - check_confidence(confidence)
    problem, size = found.problem, len(found.failure_rate)
    leaves, calibration = problem.leaves, problem.calibration
    kind = f", simultaneous over {size}" if simultaneous else ""
    if found.judge == "per-slice":
        counts, bounds = Problem.of(leaves)
        alone = profile_interval(
            counts, bounds, confidence=confidence, calibration=calibration, simultaneous=simultaneous
        )
        return Interval(found.failure_rate, alone.low, alone.high, float(confidence), alone.method)
    cutoff = _cutoff(leaves, alpha / size if simultaneous else alpha, found.judge)
    if found.judge == "common":
        assert problem.common is not None
        leaves, common = _capped(leaves, calibration, problem.common)
        joint = joint_of(leaves, calibration)
        low, high = common_ends(surface_of(joint, common, cutoff), joint.slices, common, cutoff)
        method = "joint profile likelihood, common judge"
    else:
        assert problem.mixture is not None
        assert problem.judges is not None
        estimate, top = problem.mixture
        low, high = partial_ends(leaves, calibration, problem.judges, estimate, top, cutoff)
        method = "integrated likelihood, partially pooled judge"
    least, most = found.failure_rate_set
    low, high = np.minimum(low, least), np.maximum(high, most)
    return Interval(found.failure_rate, low, high, float(confidence), method + kind)


def total_interval(found: Estimate, weights: Array, *, confidence: float) -> Interval:
    """Interval of a mix; see `SliceFit.total`."""
    alpha = 1 - check_confidence(confidence)
    if found.judge == "per-slice":
        return _separate_total(found, weights, confidence)
    problem = found.problem
    cutoff = _cutoff(problem.leaves, alpha, found.judge)
    few = len(weights) <= _FEW_SLICES or not np.all(found.identified)
    if found.judge == "common" and few:
        assert problem.common is not None
        estimate = float(weights @ problem.common.rate)
        low, high = _profile_ends(problem.leaves, problem.calibration, problem.common, weights, cutoff)
        ends = min(low, estimate), max(high, estimate)
        return Interval(estimate, *ends, float(confidence), "joint profile likelihood, common judge")
    hull, kind = hull_of(problem.leaves), "partially pooled judge"
    posterior = problem.posterior
    if found.judge == "common":
        posterior = only_one_judge(judge_posterior(problem.leaves, problem.calibration, hull))
        kind = "common judge"
    assert posterior is not None
    mixture = mixture_of(problem.leaves, problem.calibration, posterior, hull, weights)
    mean = float(posterior.weight @ mixture.mean)
    variance = float(posterior.weight @ (mixture.variance + (mixture.mean - mean) ** 2))
    inner = np.clip(mean, 1e-9, 1 - 1e-9)
    center, half = np.log(inner / (1 - inner)), np.sqrt(cutoff * variance) / (inner * (1 - inner))
    low, high = (float(1 / (1 + np.exp(-(center + sign * half)))) for sign in (-1, 1))
    return Interval(mean, low, high, float(confidence), f"posterior of the mix, {kind}")


def _separate_total(found: Estimate, weights: Array, confidence: float) -> Interval:
    each = pooled_interval(found, confidence=confidence, simultaneous=False)
    assert each.estimate is not None
    estimate = float(weights @ each.estimate)
    if (~found.identified & (weights > 0)).any():
        # What nobody knows does not average out: ends are added as they are.
        ends = float(weights @ each.low), float(weights @ each.high)
        return Interval(estimate, *ends, float(confidence), "slices alone, ends added")
    below = np.sqrt(np.sum((weights * (each.estimate - each.low)) ** 2))
    above = np.sqrt(np.sum((weights * (each.high - each.estimate)) ** 2))
    ends = float(max(estimate - below, 0.0)), float(min(estimate + above, 1.0))
    return Interval(estimate, *ends, float(confidence), "slices alone, recovered variances")


def _cutoff(leaves: list[Array], alpha: float, judge: str) -> float:
    """Quantile of F(1, labels less the judge's rates that they tell of), or normal where they tell of none.

    Labels tell of a rate unless its bounds are narrower than a quarter of its standard error by labels alone.
    """
    tp, fn, fp, tn = (leaf.sum() for leaf in leaves[:4])
    labels, n_fitted = tp + fn + fp + tn, 0
    widths = _room(leaves) if judge == "common" else np.diff(hull_of(leaves))[:, 0]
    for room, hits, size in zip(widths, (tp, fp), (tp + fn, fp + tn), strict=True):
        rate = (hits + 0.5) / (size + 1)
        n_fitted += int(room > 0.25 * np.sqrt(rate * (1 - rate) / (size + 1)))
    # Without labels nothing of the judge is estimated.
    df = max(labels - n_fitted, 3.0) if n_fitted and labels else np.inf
    return float(quantile_of_t(alpha / 2, df) ** 2)


def _room(leaves: list[Array]) -> Array:
    """Widths of the bounds on TPR and FPR that hold for all slices, shape ``(2,)``."""
    return np.array([np.min(leaves[k + 1]) - np.max(leaves[k]) for k in (8, 10)])


def _capped(leaves: list[Array], calibration: Calibration, common: Common) -> tuple[list[Array], Common]:
    """The data with no more unlabelled items a slice than are of use, and their common fit.

    Flag rates known far better than the judge make walls in the likelihood of a slice, on which the search
    for its ends may stall. Intervals grow by a few hundredths at most.
    """
    enough = max(ENOUGH, _PER_LABEL * sum(leaf.sum() for leaf in leaves[:4]))
    tpr, fpr = _room(leaves)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = _PER_WIDTH / (common.rate * tpr + (1 - common.rate) * fpr) ** 2
    enough = max(enough, np.max(wanted))
    share = np.minimum(1.0, enough / np.maximum(leaves[4] + leaves[5], 1.0))
    if (share == 1).all():
        return leaves, common
    leaves = [*leaves[:4], leaves[4] * share, leaves[5] * share, *leaves[6:]]
    return leaves, fit_common(leaves, calibration)


def _profile_ends(
    leaves: list[Array], calibration: Calibration, best: Common, weights: Array, cutoff: float
) -> list[float]:
    """Ends of the profile interval of the mix, both sought at once."""
    joint, items = joint_of([leaf[None] for leaf in leaves], calibration), cast(Array, sum(leaves[:6]))

    def maximized(index: Array, size: Array) -> Pair:
        multiplier = _SIGNS[index] * size
        starts = np.broadcast_to([best.tpr, best.fpr], (len(index), 1, 2))
        found = maximize_common(joint, starts, multiplier[:, None] * weights)
        rate = found.rate @ weights
        return rate, 2 * (best.value - (found.value - multiplier * rate))

    # At the end of its range a rate may be held by as many nats a unit as there are items, and more.
    most = 1e3 * max(1e6, np.max(items[weights > 0] / weights[weights > 0]))
    return constrained_end(maximized, np.full(2, cutoff), most).value.tolist()


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
