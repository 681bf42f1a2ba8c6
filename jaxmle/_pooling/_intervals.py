"""Intervals of slices that share a judge, and of mixes of them."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmle._data import check_confidence
from jaxmle._data._validation import first_bad, host_number
from jaxmle._inference._arguments import quantile_of_t, split
from jaxmle._inference._interval import Interval
from jaxmle._inference._profile_interval import profile_interval
from jaxmle._pooling import _programs as programs
from jaxmle._pooling._hyper import ENOUGH, only_one_judge
from jaxmle._pooling._push import pushed_end
from jaxmle._pooling._surface import surface_of

if TYPE_CHECKING:
    from jaxmle._pooling._slice_fit import Problem, SliceFit

# Slices up to which the joint likelihood profiles a mix. With more, that many free failure rates pull the
# rates of the judge (Neyman and Scott, Econometrica 16, 1948) by more than the interval of a mix is long.
_FEW_SLICES = 30
# Unlabelled items a slice beyond which no more are of much use: for each label in all, or where bounds tell
# more than labels, over the square of what they leave open of a flag rate.
_PER_LABEL, _PER_WIDTH = 100.0, 1000.0


def pooled_interval(result: "SliceFit", *, confidence: float, simultaneous: bool) -> Interval:
    """Interval of each slice; see `SliceFit.interval`."""
    alpha = 1 - check_confidence(confidence)
    problem, size = result._problem, len(result)
    kind = f", simultaneous over {size}" if simultaneous else ""
    if result.judge == "per-slice":
        counts, bounds = split(problem.leaves)
        found = profile_interval(
            counts, bounds, confidence=confidence, calibration=problem.calibration, simultaneous=simultaneous
        )
        return Interval(result.failure_rate, found.low, found.high, float(confidence), found.method)
    cutoff = _cutoff(problem.leaves, alpha / size if simultaneous else alpha, result.judge)
    if result.judge == "common":
        low, high = _common_ends(problem, cutoff)
        method = "joint profile likelihood, common judge"
    else:
        low, high = programs.partial_ends(
            problem.leaves,
            problem.calibration,
            problem.judges,
            problem.mixture[0],
            problem.mixture[1],
            cutoff,
        )
        method = "integrated likelihood, partially pooled judge"
    rate, (least, most) = result.failure_rate, result.failure_rate_set
    low, high = np.minimum(low, least), np.maximum(high, most)
    return Interval(rate, low, high, float(confidence), method + kind)


def total_interval(result: "SliceFit", weights: Any, *, confidence: float) -> Interval:
    """Interval of a mix; see `SliceFit.total`."""
    alpha = 1 - check_confidence(confidence)
    problem = result._problem
    if result.judge == "per-slice":
        each = pooled_interval(result, confidence=confidence, simultaneous=False)
        estimate = float(weights @ each.estimate)
        if (~np.asarray(result.identified) & (weights > 0)).any():
            # What nobody knows does not average out: ends are added as they are.
            ends = float(weights @ each.low), float(weights @ each.high)
            return Interval(estimate, *ends, float(confidence), "slices alone, ends added")
        below = np.sqrt(np.sum((weights * (each.estimate - each.low)) ** 2))
        above = np.sqrt(np.sum((weights * (each.high - each.estimate)) ** 2))
        ends = float(max(estimate - below, 0.0)), float(min(estimate + above, 1.0))
        return Interval(estimate, *ends, float(confidence), "slices alone, recovered variances")
    hull = programs.hull_of(problem.leaves)
    if result.judge == "common" and (len(result) <= _FEW_SLICES or not np.all(result.identified)):
        estimate = float(weights @ problem.common.rate)
        cutoff = _cutoff(problem.leaves, alpha, result.judge)
        low, high = (_pushed(problem, weights, cutoff, sign) for sign in (-1.0, 1.0))
        return Interval(
            estimate,
            min(low, estimate),
            max(high, estimate),
            float(confidence),
            "joint profile likelihood, common judge",
        )
    hyper, kind = problem.hyper, "partially pooled judge"
    if result.judge == "common":
        hyper, kind = (
            only_one_judge(programs.hyper(problem.leaves, problem.calibration, hull)),
            "common judge",
        )
    found = programs.mixed(problem.leaves, problem.calibration, hyper, hull, weights)
    share = hyper.weight
    mean = float(share @ found.mean)
    variance = float(share @ (found.variance + (found.mean - mean) ** 2))
    inner = np.clip(mean, 1e-9, 1 - 1e-9)
    center, half = (
        np.log(inner / (1 - inner)),
        np.sqrt(_cutoff(problem.leaves, alpha, result.judge) * variance) / (inner * (1 - inner)),
    )
    low, high = (1 / (1 + np.exp(-(center + sign * half))) for sign in (-1, 1))
    return Interval(mean, float(low), float(high), float(confidence), f"posterior of the mix, {kind}")


def _cutoff(leaves: list[Any], alpha: float, judge: str) -> float:
    """Quantile of F(1, labels less the judge's rates that they tell of), or normal where they tell of none.

    Labels tell of a rate unless its bounds are narrower than a quarter of its standard error by labels alone.
    """
    tp, fn, fp, tn = (leaf.sum() for leaf in leaves[:4])
    labels, n_fitted = tp + fn + fp + tn, 0
    widths = _room(leaves) if judge == "common" else np.diff(programs.hull_of(leaves))[:, 0]
    for room, hits, size in zip(widths, (tp, fp), (tp + fn, fp + tn), strict=True):
        rate = (hits + 0.5) / (size + 1)
        n_fitted += int(room > 0.25 * np.sqrt(rate * (1 - rate) / (size + 1)))
    # Without labels nothing of the judge is estimated.
    df = max(labels - n_fitted, 3.0) if n_fitted and labels else np.inf
    return float(quantile_of_t(alpha / 2, df) ** 2)


def _room(leaves: list[Any]) -> Any:
    """Widths of the bounds on TPR and FPR that hold for all slices, shape ``(2,)``."""
    return np.array([np.min(leaves[k + 1]) - np.max(leaves[k]) for k in (8, 10)])


def _common_ends(problem: "Problem", cutoff: float) -> tuple[Any, Any]:
    problem = _eased(problem)
    joint = programs.joint(problem.leaves, problem.calibration)
    surface = surface_of(joint, problem.common, cutoff)
    low, high = programs.common_ends(problem.leaves, problem.calibration, surface, problem.common, cutoff)
    return low.rate, high.rate


def _eased(problem: "Problem") -> "Problem":
    """The problem with no more unlabelled items a slice than are of use.

    Flag rates known far better than the judge make walls in the likelihood of a slice, on which the search
    for its ends may stall. Intervals grow by a few hundredths at most.
    """
    leaves = problem.leaves
    enough = max(ENOUGH, _PER_LABEL * sum(leaf.sum() for leaf in leaves[:4]))
    tpr, fpr = _room(leaves)
    rate = problem.common.rate
    with np.errstate(divide="ignore"):
        enough = max(enough, np.max(_PER_WIDTH / (rate * tpr + (1 - rate) * fpr) ** 2))
    share = np.minimum(1.0, enough / np.maximum(leaves[4] + leaves[5], 1.0))
    if (share == 1).all():
        return problem
    leaves = [*leaves[:4], leaves[4] * share, leaves[5] * share, *leaves[6:]]
    return replace(problem, leaves=leaves, common=programs.common(leaves, problem.calibration))


def _pushed(problem: "Problem", weights: Any, cutoff: float, sign: float) -> float:
    """End of the profile interval of the mix."""
    best, items = problem.common, sum(problem.leaves[:6])
    start = np.array([best.tpr, best.fpr])

    def pushed(_: Any, push: Any) -> tuple[Any, Any]:
        found = programs.common_pushed(problem.leaves, problem.calibration, sign * push[0] * weights, start)
        rate = weights @ found.rate
        return np.array([rate]), np.array([2 * (best.value - (found.value - sign * push[0] * rate))])

    # At the end of its range a rate may be held by as many nats a unit as there are items, and more.
    most = 1e3 * max(1e6, np.max(items[weights > 0] / weights[weights > 0]))
    return float(pushed_end(pushed, np.array([cutoff]), most).value[0])


def shares_of(result: "SliceFit", mix: Any) -> Any:
    """Shares of the slices in a mix, summing to 1."""
    size = len(result)
    if mix is None:
        weights = result.sizes
    else:
        weights = np.asarray(host_number("mix", mix), np.float64)
        if weights.shape != (size,):
            raise ValueError(f"`mix` must have shape ({size},), a share for each slice; got {weights.shape}.")
        first_bad("mix", weights, weights < 0, ">= 0")
    if not weights.sum() > 0:
        raise ValueError("`mix` must have a share that is positive; got none.")
    return weights / weights.sum()
