"""Estimators of the failure rate without bounds, from the six counts alone, in numpy."""

from statistics import NormalDist

import numpy as np

from jaxmle._data import Counts, HasCounts, check_confidence, counts_of, slice_label
from jaxmle._inference._interval import Interval
from jaxmle._model import post_stratified_variance, rogan_gladen_variance
from jaxmle._stats import divide, score_limits
from jaxmle._types import Array


def judge_only(counts: Counts | HasCounts, *, confidence: float = 0.95) -> Interval:
    """Share of failures in the judge's own verdicts, taking the judge at its word.

    Args:
        counts: Counts, shape ``(...)``, or what `tables.count` returns. The unlabelled items are used, or
            the calibration items where there are none.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        Flag rate with Wilson's interval; biased for the failure rate unless the judge is perfect.

    Raises:
        ValueError: ``confidence`` is not in (0, 1), or a data set is empty.
        TypeError: ``counts`` is neither.

    Source:
        Wilson, JASA 22 (1927).

    Examples:
        >>> from jaxmle import Counts, baselines
        >>> print(baselines.judge_only(Counts(70, 8, 14, 108, 4100, 5900)))
        0.4100 [0.4004, 0.4197] (judge only, Wilson)
    """
    c = _floats(counts)
    labeled_only = c.n_unlabeled == 0
    flagged = np.where(labeled_only, c.tp + c.fp, c.unlabeled_pos)
    total = np.where(labeled_only, c.n_labeled, c.n_unlabeled)
    _require(total > 0, "hold at least one judge verdict")
    return _wilson(flagged, total, confidence, "judge only, Wilson")


def human_only(counts: Counts | HasCounts, *, confidence: float = 0.95) -> Interval:
    """Share of failures among the items that a human labelled.

    Args:
        counts: Counts, shape ``(...)``, with at least one labelled item each, or what `tables.count` returns.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        Failure rate of the calibration set with Wilson's interval.

    Raises:
        ValueError: ``confidence`` is not in (0, 1), or a data set has no labelled item.
        TypeError: ``counts`` is neither.

    Source:
        Wilson, JASA 22 (1927).

    Examples:
        >>> from jaxmle import Counts, baselines
        >>> print(baselines.human_only(Counts(70, 8, 14, 108, 4100, 5900)))
        0.3900 [0.3251, 0.4591] (human only, Wilson)
    """
    c = _floats(counts)
    _require(c.n_labeled > 0, "hold at least one human label")
    return _wilson(c.tp + c.fn, c.n_labeled, confidence, "human only, Wilson")


def rogan_gladen(counts: Counts | HasCounts, *, confidence: float = 0.95) -> Interval:
    """Flag rate of the unlabelled items corrected for the judge's estimated error rates.

    Args:
        counts: Counts, shape ``(...)``, each with human failures, human passes and unlabelled
            items, and with estimated TPR > FPR; or what `tables.count` returns.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        (q - FPR) / (TPR - FPR) clipped to [0, 1], with the interval of Lee et al. for a calibration
        set of fixed composition. Where both its ends are clipped to the same value, so that it
        would have no width, the delta-method interval (q from all items) is joined to it.

    Raises:
        ValueError: ``confidence`` is not in (0, 1); a data set has no human failure, no human
            pass or no unlabelled item; or the judge does no better than chance in it.
        TypeError: ``counts`` is neither.

    Source:
        Rogan and Gladen, Am. J. Epidemiol. 107 (1978); interval: Lee et al., arXiv 2511.21140.

    Examples:
        >>> from jaxmle import Counts, baselines
        >>> print(baselines.rogan_gladen(Counts(70, 8, 14, 108, 4100, 5900)))
        0.3772 [0.3175, 0.4357] (Rogan-Gladen, adjusted)
    """
    c, z = _floats(counts), _quantile(confidence)
    failures, passes, unlabeled = c.tp + c.fn, c.fp + c.tn, c.n_unlabeled
    _require(failures > 0, "hold at least one human failure")
    _require(passes > 0, "hold at least one human pass")
    _require(unlabeled > 0, "hold at least one unlabelled item")
    tpr, fpr, q = c.tp / failures, c.fp / passes, c.unlabeled_pos / unlabeled
    _require(tpr > fpr, "have TPR > FPR for Rogan-Gladen: a judge at chance carries no information")
    estimate = (q - fpr) / (tpr - fpr)

    # Pseudo-counts keep the variance positive at empty cells.
    n, m1, m0 = unlabeled + z**2, failures + 2, passes + 2
    q_a, tpr_a, fpr_a = (c.unlabeled_pos + z**2 / 2) / n, (c.tp + 1) / m1, (c.fp + 1) / m0
    youden = tpr_a - fpr_a
    # With pseudo-counts a judge just above chance can fall to it; then nothing is known.
    known = youden > 0
    youden = np.where(known, youden, 1.0)
    theta = (q_a - fpr_a) / youden
    center = theta + 2 * z**2 * (theta * tpr_a * (1 - tpr_a) / m1 - (1 - theta) * fpr_a * (1 - fpr_a) / m0)
    of_items, of_failures, of_passes = rogan_gladen_variance(theta, tpr_a, fpr_a, q_a)
    half = z * np.sqrt(of_items / n + of_failures / m1 + of_passes / m0) / youden
    low = np.where(known, np.clip(center - half, 0, 1), 0.0)
    high = np.where(known, np.clip(center + half, 0, 1), 1.0)

    q_all = (c.tp + c.fp + c.unlabeled_pos) / (c.n_labeled + unlabeled)
    delta = (q_all - fpr) / (tpr - fpr)
    of_items, of_failures, of_passes = rogan_gladen_variance(delta, tpr, fpr, q_all)
    variance = of_items / (c.n_labeled + unlabeled) + of_failures / failures + of_passes / passes
    reach = z * np.sqrt(variance) / (tpr - fpr)
    flat = high <= low
    low = np.where(flat, np.minimum(low, np.clip(delta - reach, 0, 1)), low)
    high = np.where(flat, np.maximum(high, np.clip(delta + reach, 0, 1)), high)
    point = np.clip(estimate, 0, 1)
    return _interval(
        point, np.minimum(low, point), np.maximum(high, point), confidence, "Rogan-Gladen, adjusted"
    )


def ppi(counts: Counts | HasCounts, *, confidence: float = 0.95) -> Interval:
    """Prediction-powered inference: flag rate of the unlabelled items plus the mean judge error.

    Args:
        counts: Counts, shape ``(...)``, each with labelled and unlabelled items, or what `tables.count`
            returns.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        The estimate and its Wald interval, in the form of the ppi-python package: variances
        divide by n, and neither estimate nor ends are confined to [0, 1].
        With labels all of one kind it can have no width, which is no certainty.

    Raises:
        ValueError: ``confidence`` is not in (0, 1), or a data set has no labelled or no unlabelled
            item.
        TypeError: ``counts`` is neither.

    Source:
        Angelopoulos et al., Science 382 (2023).

    Examples:
        >>> from jaxmle import Counts, baselines
        >>> print(baselines.ppi(Counts(70, 8, 14, 108, 4100, 5900)))
        0.3800 [0.3332, 0.4268] (PPI)
    """
    return _ppi(counts, confidence, tuned=False)


def ppi_plus_plus(counts: Counts | HasCounts, *, confidence: float = 0.95) -> Interval:
    """Prediction-powered inference with the judge's weight tuned on the data.

    Args:
        counts: Counts, shape ``(...)``, each with labelled and unlabelled items, or what `tables.count`
            returns.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        The estimate and its Wald interval, in the form of the ppi-python package: the weight is
        clipped to [0, 1], variances of the interval divide by n, and neither estimate nor ends are
        confined to [0, 1].
        With labels all of one kind it can have no width, which is no certainty.

    Raises:
        ValueError: ``confidence`` is not in (0, 1), or a data set has no labelled or no unlabelled
            item.
        TypeError: ``counts`` is neither.

    Source:
        Angelopoulos, Duchi and Zrnic, arXiv 2311.01453.

    Examples:
        >>> from jaxmle import Counts, baselines
        >>> print(baselines.ppi_plus_plus(Counts(70, 8, 14, 108, 4100, 5900)))
        0.3825 [0.3390, 0.4259] (PPI++)
    """
    return _ppi(counts, confidence, tuned=True)


def post_stratified(counts: Counts | HasCounts, *, confidence: float = 0.95) -> Interval:
    """Unconstrained joint maximum likelihood: labels post-stratified by the judge's verdict.

    Args:
        counts: Counts, shape ``(...)``, or what `tables.count` returns; every verdict that occurs needs a
            label.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        The estimate and its Wald interval, clipped to [0, 1]. With labels all of one kind it has
        no width, which is no certainty: look at `human_only` beside it.

    Raises:
        ValueError: ``confidence`` is not in (0, 1), or no item with some verdict is labelled.
        TypeError: ``counts`` is neither.

    Source:
        Closed form of `closed_form` with calibration "internal".

    Examples:
        >>> from jaxmle import Counts, baselines
        >>> print(baselines.post_stratified(Counts(70, 8, 14, 108, 4100, 5900)))
        0.3825 [0.3394, 0.4257] (post-stratified)
    """
    c, z = _floats(counts), _quantile(confidence)
    total = c.n_labeled + c.n_unlabeled
    _require(total > 0, "hold at least one verdict")
    flagged, passed = c.tp + c.fp, c.fn + c.tn
    _require((flagged > 0) | (c.unlabeled_pos == 0), "hold a label of an item that the judge flags")
    _require((passed > 0) | (c.unlabeled_neg == 0), "hold a label of an item that the judge passes")
    q = (flagged + c.unlabeled_pos) / total
    precision, miss = divide(c.tp, flagged), divide(c.fn, passed)
    estimate = q * precision + (1 - q) * miss
    of_items, of_flagged, of_passed = post_stratified_variance(q, 1 - q, precision, miss)
    variance = of_items / total + divide(of_flagged, flagged) + divide(of_passed, passed)
    half = z * np.sqrt(variance)
    low, high = np.clip(estimate - half, 0, 1), np.clip(estimate + half, 0, 1)
    return _interval(estimate, low, high, confidence, "post-stratified")


def _ppi(counts: Counts | HasCounts, confidence: float, *, tuned: bool) -> Interval:
    c, z = _floats(counts), _quantile(confidence)
    n, unlabeled = c.n_labeled, c.n_unlabeled
    _require(n > 0, "hold at least one human label")
    _require(unlabeled > 0, "hold at least one unlabelled item")
    human, judge = (c.tp + c.fn) / n, (c.tp + c.fp) / n
    judge_unlabeled = c.unlabeled_pos / unlabeled
    covariance = c.tp / n - human * judge
    weight: Array | float = 1.0
    if tuned:
        everything = n + unlabeled
        pooled = (c.tp + c.fp + c.unlabeled_pos) / everything
        spread = pooled * (1 - pooled) * everything / np.maximum(everything - 1, 1)
        weight = np.clip(divide(covariance, (1 + n / unlabeled) * spread), 0, 1)
    estimate = weight * judge_unlabeled + human - weight * judge
    residual = human * (1 - human) - 2 * weight * covariance + weight**2 * judge * (1 - judge)
    variance = residual / n + weight**2 * judge_unlabeled * (1 - judge_unlabeled) / unlabeled
    half = z * np.sqrt(np.maximum(variance, 0))
    return _interval(estimate, estimate - half, estimate + half, confidence, "PPI++" if tuned else "PPI")


def _wilson(hits: Array, total: Array, confidence: float, method: str) -> Interval:
    low, high = score_limits(hits, total - hits, (1 - check_confidence(confidence)) / 2)
    rate = hits / total
    return _interval(rate, low, high, confidence, method)


def _interval(estimate: Array, low: Array, high: Array, confidence: float, method: str) -> Interval:
    estimate, low, high = (
        value.item() if np.ndim(value) == 0 else value for value in map(np.asarray, (estimate, low, high))
    )
    return Interval(estimate, low, high, confidence, method)


def _floats(counts: Counts | HasCounts) -> Counts:
    return Counts(*(np.asarray(x, dtype=np.float64) for x in counts_of("counts", counts).values()))


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + check_confidence(confidence) / 2)


def _require(condition: Array, what: str) -> None:
    bad = ~np.asarray(condition)
    if bad.any():
        raise ValueError(f"`counts` must {what}{slice_label(bad)}.")
