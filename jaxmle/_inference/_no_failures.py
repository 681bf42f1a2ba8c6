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
from jaxmle._stats import failure_rates_by_verdict
from jaxmle._types import Array

# Rates that are as near to a bound as this have met it.
_AT_BOUND = 1e-9


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

    def across(x: Array) -> Array:
        return np.asarray(x).reshape(-1, *(1,) * (rate.ndim - 1))

    counts, upper = problem.counts, across(is_upper)
    n_flagged, n_passed = across(counts.tp + counts.fp), across(counts.fn + counts.tn)
    rare = np.where(upper, across(counts.tp + counts.fn), across(counts.fp + counts.tn))
    is_held = np.zeros(rate.shape, bool)
    for value, bound in ((tpr, problem.bounds.tpr), (fpr, problem.bounds.fpr)):
        low, high = map(across, bound)
        is_held |= (low > 0) & (value <= low + _AT_BOUND) | (high < 1) & (value >= high - _AT_BOUND)
    if design == "by-verdict":
        # Given the verdicts, labels are samples of the flagged and of the passed items.
        precision, miss_rate = failure_rates_by_verdict(rate, tpr, fpr)
        shares = np.where(upper, 1 - precision, precision), np.where(upper, 1 - miss_rate, miss_rate)
        chance = np.clip(shares[0], 0, 1) ** n_flagged * np.clip(shares[1], 0, 1) ** n_passed
    else:
        chance = np.where(upper, 1 - rate, rate) ** (n_flagged + n_passed)
    return np.where((rare > 0) | (n_flagged + n_passed <= 0) | is_held, 0.0, chance)
