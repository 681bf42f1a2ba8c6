"""Failure rates of slices that share a judge, for users."""

from typing import Any, cast, get_args

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Problem
from jaxmle._inference import checked_problem, effective, fit_flat
from jaxmle._slices._common import Common, fit_common
from jaxmle._slices._intervals import Judge
from jaxmle._slices._joint_problem import PooledProblem, bounds_clash, hull_of
from jaxmle._slices._judge_posterior import (
    REACHED,
    JudgePosterior,
    judge_posterior,
    leading,
    weight_of_differing,
)
from jaxmle._slices._partial import estimates_of, judges_of
from jaxmle._slices._slice_fit import SliceFit
from jaxmle._stats import binomial_tail
from jaxmle._types import Array, ArrayLike

# One judge is taken for granted from this probability on, and judges for unrelated where slices lend less.
_AGREED = 0.99
_ALONE = 0.05
# Odds on one judge in the average of the two estimates, over those that the data give it.
_ODDS = 3.0
# Pairs of spreads less probable than this say nothing about convergence.
_COUNTS = 1e-3
_STARTS = 6
# Gain that one more step may promise: per item, and in nats where items are very many.
_CONVERGED = (1e-9, 1e-4)
_IDENTIFIED_WITHIN = 1e-6


def fit_slices(
    counts: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    judge_rates: Judge = "partial",
    calibration: Calibration = "internal",
    design_effect: ArrayLike | None = None,
) -> SliceFit:
    """Estimate the failure rates of slices that were judged by the same judge.

    Args:
        counts: Counts of the slices, shape ``(S,)``, or what `tables.count` returns with ``by``.
        bounds: Bounds, scalar or of shape ``(S,)``; those of TPR and FPR apply to the judge of each slice.
        judge_rates: "per-slice" fits each slice alone; "common" takes one TPR and one FPR for all; "partial"
            (default) lets them vary over slices as far as the data say, and falls to one of the others where
            the data are for it. `SliceFit.judge_rates` says what was done and `SliceFit.reason` why.
        calibration: "internal" or "external", as in `fit`.
        design_effect: Design effect of weights or clusters, > 0, scalar or shape ``(S,)``: counts are divided
            by it.

    Returns:
        The estimates, and the evidence that they are maxima.

    Raises:
        ValueError: ``judge_rates`` or ``calibration`` is unknown; counts are not of shape ``(S,)``; a slice
            is empty or impossible within the bounds; for "common", bounds of the slices exclude each other;
            ``design_effect`` is not > 0 and finite, or of another shape.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Source:
        Common judge: joint likelihood of all slices, maximized over the failure rates slice by slice and over
        TPR and FPR by projected Newton steps from several starts. Partial pooling: beta-binomial judges,
        integrated over their distribution by nested Laplace approximations (Rue, Martino and Chopin, JRSS B
        71, 2009); the estimate is an average of that and the common one (Bayesian model averaging).

    Examples:
        >>> from jaxmle import Counts, fit_slices
        >>> counts = Counts([4, 1, 0], [1, 0, 1], [2, 1, 1], [43, 8, 8], [90, 20, 50], [900, 180, 150])
        >>> result = fit_slices(counts, judge_rates="common")
        >>> print(result.failure_rate.round(2), result.tpr.round(2)[0], result.n_agreeing > 1)
        [0.07 0.08 0.28] 0.74 True
    """
    if judge_rates not in get_args(Judge):
        known = ", ".join(map(repr, get_args(Judge)))
        raise ValueError(f"`judge_rates` must be one of {known}; got {judge_rates!r}.")
    problem, shape = checked_problem(counts, bounds, calibration)
    if len(shape) != 1:
        raise ValueError(f"`counts` must have shape (S,), one element a slice; got {shape}.")
    problem = effective(problem, shape, design_effect, None)[0]
    labels = problem.counts.n_labeled
    if len(labels) == 1:
        return _per_slice(problem, calibration, "there is one slice")
    if judge_rates == "per-slice":
        return _per_slice(problem, calibration, "as asked")
    if judge_rates == "partial" and not labels.any():
        return _per_slice(problem, calibration, "no slice has a label from which to learn of the judge")
    clash = bounds_clash(problem)
    if judge_rates == "common":
        if clash:
            raise ValueError(
                "`bounds` of TPR or FPR of some slices exclude those of others, so they have no judge in "
                'common; use judge_rates="partial" or "per-slice".'
            )
        return _common(problem, calibration, "as asked")
    return _partial(problem, calibration, clash)


def _per_slice(problem: Problem, calibration: Calibration, reason: str, **more: Any) -> SliceFit:
    found = fit_flat(problem, calibration)
    lowest, highest = found.failure_rate_set
    known: dict[str, Any] = {"n_starts": 0, "n_agreeing": 0, "one_judge": None, "spread": None} | more
    return SliceFit(
        failure_rate=np.asarray(found.failure_rate),
        tpr=np.asarray(found.tpr),
        fpr=np.asarray(found.fpr),
        judge_rates="per-slice",
        reason=reason,
        log_likelihood=float(np.sum(found.log_likelihood)),
        converged=np.asarray(found.converged),
        gap=np.asarray(found.gap),
        identified=np.asarray(found.identified),
        failure_rate_set=(np.asarray(lowest), np.asarray(highest)),
        borrowed=np.zeros(problem.size),
        bounds_p_value=bounds_p_value(problem),
        _problem=PooledProblem(problem, calibration),
        **known,
    )


def _common(problem: Problem, calibration: Calibration, reason: str, **more: Any) -> SliceFit:
    best = fit_common(problem, calibration)
    size, n_items = problem.size, sum(x.sum() for x in problem.counts.values())
    gap = np.full(size, best.gain / n_items)
    known: dict[str, Any] = {"one_judge": None, "spread": None} | more
    return SliceFit(
        failure_rate=best.rate,
        tpr=np.full(size, best.tpr),
        fpr=np.full(size, best.fpr),
        judge_rates="common",
        reason=reason,
        log_likelihood=cast(float, best.value),
        converged=np.full(size, _reached(best, n_items)),
        gap=gap,
        n_starts=_STARTS,
        n_agreeing=cast(int, best.agreeing),
        identified=best.highest - best.lowest <= _IDENTIFIED_WITHIN,
        failure_rate_set=(best.lowest, best.highest),
        borrowed=_lent(problem),
        bounds_p_value=bounds_p_value(problem),
        _problem=PooledProblem(problem, calibration, common=best),
        **known,
    )


def _reached(best: Common, n_items: float) -> bool:
    return bool(best.gain <= min(_CONVERGED[0] * n_items, _CONVERGED[1]))


def _lent(problem: Problem) -> Array:
    """Share of the labels that other slices hold, averaged over failures and passes."""
    shares = []
    for first, second in (problem.counts.values()[:2], problem.counts.values()[2:4]):
        own = first + second
        shares.append(1 - own / max(own.sum(), 1e-300) if own.any() else np.ones(len(own)))
    return 0.5 * (shares[0] + shares[1])


def _partial(problem: Problem, calibration: Calibration, clash: bool) -> SliceFit:
    size, hull = problem.size, hull_of(problem)
    posterior = judge_posterior(problem, calibration, hull)
    one_judge = float(posterior.weight[posterior.rho.sum(1) == 0].sum())
    findings: dict[str, Any] = {"one_judge": one_judge, "spread": _spread(posterior)}
    if one_judge >= _AGREED and not clash:
        return _common(problem, calibration, f"one judge has a probability of {one_judge:.2f}", **findings)
    gain = float(np.max(posterior.gain[posterior.weight > _COUNTS]))
    posterior = leading(posterior)
    known = judges_of(problem, calibration, posterior, hull)
    tpr, fpr, borrowed = (
        np.sum(known.weight * part, 1) for part in (known.tpr.mean, known.fpr.mean, known.borrowed)
    )
    if borrowed.max() < _ALONE:
        reason = f"no slice would borrow more than {borrowed.max():.0%} of what it knows of its judge"
        return _per_slice(problem, calibration, reason, **findings)

    best = None if clash else fit_common(problem, calibration)
    if best is not None and (best.highest - best.lowest > _IDENTIFIED_WITHIN).any():
        # Only the prior of the judge would choose among equally likely failure rates.
        return _common(
            problem, calibration, "labels and bounds do not determine the judge's rates", **findings
        )

    # The estimate averages the common judge and judges that differ; a spread of 0 has its own, exact fit.
    # Intervals never take one judge for granted: a small spread that was missed would make them too short.
    apart = weight_of_differing(posterior)
    if apart is not None:
        known = known._replace(weight=np.broadcast_to(apart, known.weight.shape))
    mixture = differing, tops = estimates_of(problem, calibration, known)
    share = 0.0 if best is None else _ODDS * one_judge / (_ODDS * one_judge + 1 - one_judge)
    rate = differing if best is None else share * best.rate + (1 - share) * differing
    n_items = sum(x.sum() for x in problem.counts.values())
    reached = gain <= REACHED and (best is None or _reached(best, n_items))
    return SliceFit(
        failure_rate=rate,
        tpr=tpr,
        fpr=fpr,
        judge_rates="partial",
        reason=f"one judge has a probability of {one_judge:.2f}",
        log_likelihood=float(np.sum(tops)),
        converged=np.full(size, reached),
        gap=np.full(size, gain / n_items),
        n_starts=0 if best is None else _STARTS,
        n_agreeing=0 if best is None else cast(int, best.agreeing),
        identified=np.ones(size, bool),
        failure_rate_set=(rate, rate),
        borrowed=borrowed,
        bounds_p_value=bounds_p_value(problem),
        _problem=PooledProblem(problem, calibration, best, posterior, known, mixture),
        **findings,
    )


def _spread(posterior: JudgePosterior) -> tuple[float, float]:
    """Posterior mean of the standard deviations of TPR and FPR over slices."""
    found = posterior.weight @ posterior.spread
    return float(found[0]), float(found[1])


def bounds_p_value(problem: Problem) -> float:
    """p-value of all slices' labels against the bounds of TPR and FPR, by binomial tails; 1 without bounds.

    The labelled failures that the judge caught are binomial in each slice. Summed over slices whose rates lie
    below their bounds, they are no more spread than a binomial with the mean of the bounds (Hoeffding, Ann.
    Math. Stat. 27, 1956, theorem 5), so no common judge is assumed. Four tails are asked, so the smallest
    counts four times.
    """
    tails = []
    tp, fn, fp, tn, *_ = problem.counts.values()
    for hits, misses, (low, high) in ((tp, fn, problem.bounds.tpr), (fp, tn, problem.bounds.fpr)):
        n = hits + misses
        if not n.sum() > 0:
            continue
        least, most = float(low @ n / n.sum()), float(high @ n / n.sum())
        # Too few hits for the lower bounds are too many misses for what they allow.
        tails += [_tail(hits.sum(), misses.sum(), most), _tail(misses.sum(), hits.sum(), 1 - least)]
    return min(1.0, 4 * min(tails, default=1.0))


def _tail(hits: Array, misses: Array, share: float) -> float:
    """Probability of as many hits or more, at most; for weighted counts too."""
    expected = share * (hits + misses)
    if hits <= 0 or share >= 1:
        return 1.0
    if hits < expected + 1:
        return min(1.0, float(expected / hits))  # Markov: Hoeffding's inequality starts one item higher
    return float(binomial_tail(misses, hits, np.asarray(1 - share)))
