"""Labels without a failure: what they alone leave plausible, where no bound on the judge says more.

With no failure among the labels, and nothing known of how many the judge finds, the unlabelled verdicts say
nothing of the failure rate. The likelihood ratio still differs between such data sets: it is largest where
exactly the same share of labelled and of unlabelled items is flagged, since no judge at a rate above 0 fits
other shares worse. A p-value that ranks data sets by it is valid over samples but takes this coincidence for
evidence: from 50 labels, 2 of them flagged, it excludes rates above .3% where 4.0% of the others are flagged,
and above 5.3% where 6.0% are. So data sets of this kind count as equally extreme.

Source: Cox, Ann. Math. Statist. 29 (1958), for judging data by samples that could have told as much.
"""

import numpy as np

from jaxmle._data import Params, Problem
from jaxmle._simulation import Design
from jaxmle._stats import binomial_tail, failure_rates_by_verdict
from jaxmle._types import Array

# Rates that are as near to a bound as this have met it.
_AT_BOUND = 1e-9


def weighed(found: Array, problem: Problem, judge: Params, is_upper: Array, design: Design) -> Array:
    """p-values of such data, ``found`` being those by the likelihood ratio, shape ``(B, ...)``.

    None is below the probability of no failure. Where verdicts tell nothing at all, as there are none beside
    the labels or all are alike, and nothing bounds the judge, a random sample has the exact binomial p-value.
    """
    found = np.maximum(found, least_p_value(problem, judge, is_upper, design))
    bounds, counts = problem.bounds, problem.counts
    if design != "random":
        return found
    flags = counts.tp + counts.fp + counts.unlabeled_pos
    alike = (flags <= 0) | (flags >= counts.n_labeled + counts.n_unlabeled)
    alone = (counts.n_labeled > 0) & (alike | (counts.n_unlabeled <= 0))
    for low, high in (bounds.tpr, bounds.fpr):
        alone &= (low <= 0) & (high >= 1)
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    rare, others = np.where(is_upper, failures, passes), np.where(is_upper, passes, failures)
    # Without scipy, which takes a third of a second to import, where all labels are of one class.
    mixed = (rare > 0) & (others > 0)
    for some, tail in ((~mixed, _of_one_class), (mixed, binomial_tail)):
        at = np.flatnonzero(alone & some)
        if at.size:
            rate, upper = judge.failure_rate[at], _across(is_upper[at], found)
            shares = np.where(upper, rate, 1 - rate)
            found[at] = tail(_across(rare[at], found), _across(others[at], found), shares)
    return found


def _of_one_class(hits: Array, misses: Array, rate: Array) -> Array:
    """`binomial_tail` where there are no hits, or nothing else."""
    return np.where(misses > 0, (1 - rate) ** misses, 1.0)


def _across(x: Array, like: Array) -> Array:
    return np.asarray(x).reshape(-1, *(1,) * (like.ndim - 1))


def least_p_value(problem: Problem, judge: Params, is_upper: Array, design: Design) -> Array:
    """Probability that the labels hold no failure (or, of rates below the estimate, nothing else).

    Args:
        problem: Counts and bounds, shape ``(B,)``.
        judge: The most likely judges at the rates tested, shape ``(B, ...)``.
        is_upper: Whether rates above the estimate are tested, shape ``(B,)``.
        design: How the items were chosen that humans label.

    Returns:
        The probability, shape ``(B, ...)``: 0 where a failure is among the labels, a bound on the judge
        holds it, or the labels are no sample of these items.
    """
    rate, tpr, fpr = judge.failure_rate, judge.tpr, judge.fpr
    if design == "external":
        return np.zeros(rate.shape)
    counts, upper = problem.counts, _across(is_upper, rate)
    n_flagged, n_passed = (_across(x, rate) for x in (counts.tp + counts.fp, counts.fn + counts.tn))
    rare = _across(np.where(is_upper, counts.tp + counts.fn, counts.fp + counts.tn), rate)
    is_held = np.zeros(rate.shape, bool)
    for value, bound in ((tpr, problem.bounds.tpr), (fpr, problem.bounds.fpr)):
        low, high = (_across(x, rate) for x in bound)
        is_held |= (low > 0) & (value <= low + _AT_BOUND) | (high < 1) & (value >= high - _AT_BOUND)
    if design == "by-verdict":
        # Given the verdicts, labels are samples of the flagged and of the passed items.
        precision, miss_rate = failure_rates_by_verdict(rate, tpr, fpr)
        shares = np.where(upper, 1 - precision, precision), np.where(upper, 1 - miss_rate, miss_rate)
        chance = np.clip(shares[0], 0, 1) ** n_flagged * np.clip(shares[1], 0, 1) ** n_passed
    else:
        chance = np.where(upper, 1 - rate, rate) ** (n_flagged + n_passed)
    return np.where((rare > 0) | (n_flagged + n_passed <= 0) | is_held, 0.0, chance)
