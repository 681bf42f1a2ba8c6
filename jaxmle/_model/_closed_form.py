"""Unconstrained maxima of the likelihood in closed form, with standard errors."""

from dataclasses import dataclass

from jaxmle._arrays import namespace, pytree
from jaxmle._data import Calibration, Counts, HasCounts, Params, check_calibration
from jaxmle._model._likelihood import in_doubles
from jaxmle._results import Batch
from jaxmle._stats import divide
from jaxmle._types import Array, Triple


@pytree
@dataclass(frozen=True, eq=False)
class ClosedForm(Batch):
    """Unconstrained maximum of the likelihood.

    Attributes:
        params: Failure rate, TPR and FPR, shape ``(...)``.
        standard_error: Standard error of the failure rate, shape ``(...)``.
        exists: Whether the formula applies: every ratio in it is defined and the three parameters
            are probabilities. Where it is False the other numbers mean nothing.
    """

    params: Params
    standard_error: Array
    exists: Array


def closed_form(counts: Counts | HasCounts, *, calibration: Calibration = "internal") -> ClosedForm:
    """Maximize the likelihood without bounds, by formula.

    A pure function of arrays: it can be jitted and vmapped, and checks no number.

    Args:
        counts: Counts, shape ``(...)``, or what `tables.count` returns.
        calibration: "internal" or "external", as in `log_likelihood`.

    Returns:
        Parameters and the standard error of the failure rate, and whether they exist.

    Raises:
        ValueError: ``calibration`` is unknown, or the table has weights or clusters.
        TypeError: ``counts`` is neither.

    Source:
        internal: post-stratification of the failure rate by verdict,
        theta = q PPV + (1 - q) P(y=1 | j=0), with q from all items; external: Rogan and Gladen,
        Am. J. Epidemiol. 107 (1978), theta = (q - FPR) / (TPR - FPR), with q from the unlabelled
        items. Variances by the delta method, which here equals the inverse observed information.

    Examples:
        >>> import numpy as np
        >>> from jaxmle import Counts, closed_form
        >>> a = Counts(tp=70., fn=8., fp=14., tn=108., unlabeled_pos=4100., unlabeled_neg=5900.)
        >>> result = closed_form(a)
        >>> print(f"{result.params.failure_rate:.4f} {result.standard_error:.4f}")
        0.3825 0.0220
    """
    check_calibration(calibration)
    _, counts = in_doubles(Params(0.0, 0.0, 0.0), counts)
    return closed_form_of(counts, calibration)


def closed_form_of(counts: Counts, calibration: Calibration) -> ClosedForm:
    """`closed_form` of arrays that are what they should be."""
    return (_post_stratified if calibration == "internal" else _rogan_gladen)(counts)


def post_stratified_variance(q: Array, not_q: Array, precision: Array, miss: Array) -> Triple:
    """Variance of a post-stratified failure rate: of one judged item, one flagged label and one passed label.

    The variance is the sum of the three, each divided by how many there are.

    Args:
        q: Probability that the judge flags an item.
        not_q: Its complement.
        precision: Probability that a flagged item fails.
        miss: Probability that a passed item fails.

    Source:
        Delta method; Cochran, Sampling Techniques (1977), section 5A.9, for strata whose sizes are estimated.
    """
    of_items = (precision - miss) ** 2 * q * not_q
    return of_items, q**2 * precision * (1 - precision), not_q**2 * miss * (1 - miss)


def rogan_gladen_variance(theta: Array, tpr: Array, fpr: Array, q: Array) -> Triple:
    """The same of Rogan and Gladen's estimate, times (TPR - FPR)^2: of one judged item, failure and pass.

    Source:
        Rogan and Gladen, Am. J. Epidemiol. 107 (1978), by the delta method.
    """
    return q * (1 - q), theta**2 * tpr * (1 - tpr), (1 - theta) ** 2 * fpr * (1 - fpr)


def _post_stratified(counts: Counts) -> ClosedForm:
    tp, fn, fp, tn = counts.tp, counts.fn, counts.fp, counts.tn
    flagged, passed = tp + fp, fn + tn
    total = flagged + passed + counts.unlabeled_pos + counts.unlabeled_neg
    q = divide(flagged + counts.unlabeled_pos, total)
    not_q = divide(passed + counts.unlabeled_neg, total)
    precision, miss = divide(tp, flagged), divide(fn, passed)
    theta = q * precision + not_q * miss
    passes = q * divide(fp, flagged) + not_q * divide(tn, passed)
    parts = post_stratified_variance(q, not_q, precision, miss)
    variance = sum(divide(part, size) for part, size in zip(parts, (total, flagged, passed), strict=True))
    params = Params(theta, divide(q * precision, theta), divide(q * divide(fp, flagged), passes))
    exists = (flagged > 0) & (passed > 0) & (theta > 0) & (passes > 0)
    return ClosedForm(params, namespace(variance).sqrt(variance), exists)


def _rogan_gladen(counts: Counts) -> ClosedForm:
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    unlabeled = counts.unlabeled_pos + counts.unlabeled_neg
    tpr, fpr = divide(counts.tp, failures), divide(counts.fp, passes)
    q = divide(counts.unlabeled_pos, unlabeled)
    theta = divide(q - fpr, tpr - fpr)
    parts = rogan_gladen_variance(theta, tpr, fpr, q)
    variance = sum(
        divide(part, size) for part, size in zip(parts, (unlabeled, failures, passes), strict=True)
    )
    exists = (failures > 0) & (passes > 0) & (unlabeled > 0) & (tpr != fpr) & (theta >= 0) & (theta <= 1)
    xp = namespace(variance)
    return ClosedForm(Params(theta, tpr, fpr), divide(xp.sqrt(variance), xp.abs(tpr - fpr)), exists)
