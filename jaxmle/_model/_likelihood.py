"""The log-likelihood of the six counts, its gradient and its expected information."""

import warnings
from collections.abc import Callable

import numpy as np

from jaxmle._arrays import leaves, namespace, tree_map
from jaxmle._data import Calibration, Counts, HasCounts, Params, check_calibration, counts_of
from jaxmle._stats import flag_rate
from jaxmle._types import Array


def log_likelihood(
    params: Params, counts: Counts | HasCounts, *, calibration: Calibration = "internal"
) -> Array:
    """Log-likelihood of the counts, with ``0 log 0 = 0``.

    A pure function of arrays: it can be jitted, vmapped and differentiated, and checks no number. NumPy
    arrays and numbers are computed with in float64, arrays of JAX in their own type.

    Args:
        params: Failure rate, TPR and FPR, each in [0, 1], broadcastable to shape ``(...)``.
        counts: Counts, shape ``(...)``, or what `tables.count` returns.
        calibration: "internal" where calibration items belong to the judged population and were
            chosen at random or by the judge's verdict; "external" where they come from elsewhere
            or were chosen by their true label, and so inform TPR and FPR only.

    Returns:
        Log-likelihood in nats, shape ``(...)``, up to a constant that does not depend on
        ``params``; -inf where the parameters make an observed verdict impossible.

    Raises:
        ValueError: ``calibration`` is unknown, or the table has weights or clusters.
        TypeError: ``counts`` is neither.

    Warns:
        UserWarning: Arrays of JAX are of less than float64, so that sums over many items are rough.

    Source:
        arXiv 2604.03257; for the two designs, Rogan and Gladen, Am. J. Epidemiol. 107 (1978).

    Examples:
        >>> from jaxmle import Counts, Params, log_likelihood
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=90, unlabeled_neg=1110)
        >>> print(f"{log_likelihood(Params(0.1, 0.8, 0.05), counts):.2f}")
        -362.32
    """
    check_calibration(calibration)
    return log_likelihood_at(*in_doubles(params, counts), calibration)


def log_likelihood_at(params: Params, counts: Counts, calibration: Calibration) -> Array:
    """`log_likelihood` of arrays that are what they should be."""
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    flagged = flag_rate(theta, tpr, fpr)
    passed = flag_rate(theta, 1 - tpr, 1 - fpr)
    total = (
        xlogy(counts.tp, tpr)
        + xlogy(counts.fn, 1 - tpr)
        + xlogy(counts.fp, fpr)
        + xlogy(counts.tn, 1 - fpr)
        + xlogy(counts.unlabeled_pos, flagged)
        + xlogy(counts.unlabeled_neg, passed)
    )
    if calibration == "internal":
        total += xlogy(counts.tp + counts.fn, theta) + xlogy(counts.fp + counts.tn, 1 - theta)
    return total


def score(params: Params, counts: Counts | HasCounts, *, calibration: Calibration = "internal") -> Params:
    """Gradient of the log-likelihood in failure rate, TPR and FPR.

    Args:
        params: Failure rate, TPR and FPR, each in [0, 1], broadcastable to shape ``(...)``.
        counts: Counts, shape ``(...)``, or what `tables.count` returns.
        calibration: "internal" or "external", as in `log_likelihood`.

    Returns:
        The three partial derivatives, each of shape ``(...)``; terms with a zero count are 0.

    Raises:
        ValueError: ``calibration`` is unknown, or the table has weights or clusters.
        TypeError: ``counts`` is neither.

    Source:
        Derivatives of the log-likelihood in `log_likelihood`, term by term.

    Examples:
        >>> from jaxmle import Counts, Params, score
        >>> counts = Counts(tp=9, fn=1, fp=9, tn=81, unlabeled_pos=0, unlabeled_neg=0)
        >>> gradient = score(Params(0.1, 0.9, 0.1), counts)
        >>> bool(abs(gradient.failure_rate) < 1e-3)
        True
    """
    check_calibration(calibration)
    return score_at(*in_doubles(params, counts), calibration)


def score_at(
    params: Params,
    counts: Counts,
    calibration: Calibration,
    over: Callable[[Array, Array], Array] | None = None,
) -> Params:
    """`score` of arrays that are what they should be; ``over`` divides a count by its probability."""
    over = over or ratio
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    flagged = flag_rate(theta, tpr, fpr)
    passed = flag_rate(theta, 1 - tpr, 1 - fpr)
    tilt = over(counts.unlabeled_pos, flagged) - over(counts.unlabeled_neg, passed)
    d_theta = (tpr - fpr) * tilt
    if calibration == "internal":
        d_theta += over(counts.tp + counts.fn, theta) - over(counts.fp + counts.tn, 1 - theta)
    d_tpr = over(counts.tp, tpr) - over(counts.fn, 1 - tpr) + theta * tilt
    d_fpr = over(counts.fp, fpr) - over(counts.tn, 1 - fpr) + (1 - theta) * tilt
    return Params(d_theta, d_tpr, d_fpr)


def hessian_at(params: Params, counts: Counts, calibration: Calibration) -> Array:
    """Second derivatives of the log-likelihood, shape ``(..., 3, 3)``: failure_rate, tpr, fpr."""
    xp = namespace(params, counts)
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    flagged = flag_rate(theta, tpr, fpr)
    passed = flag_rate(theta, 1 - tpr, 1 - fpr)

    def bend(count: Array, probability: Array) -> Array:
        return ratio(ratio(count, probability), probability)

    tilt = ratio(counts.unlabeled_pos, flagged) - ratio(counts.unlabeled_neg, passed)
    weight = bend(counts.unlabeled_pos, flagged) + bend(counts.unlabeled_neg, passed)
    own = [
        bend(counts.tp + counts.fn, theta) + bend(counts.fp + counts.tn, 1 - theta),
        bend(counts.tp, tpr) + bend(counts.fn, 1 - tpr),
        bend(counts.fp, fpr) + bend(counts.tn, 1 - fpr),
    ]
    if calibration == "external":
        own[0] = xp.zeros_like(own[0])
    slope = (tpr - fpr, theta, 1 - theta)
    turn = ((0, tilt, -tilt), (tilt, 0, 0), (-tilt, 0, 0))
    rows = [
        xp.stack([turn[i][j] - weight * a * b - (own[i] if i == j else 0.0) for j, b in enumerate(slope)], -1)
        for i, a in enumerate(slope)
    ]
    return xp.stack(rows, -2)


def information(
    params: Params, counts: Counts | HasCounts, *, calibration: Calibration = "internal"
) -> Array:
    """Expected (Fisher) information about failure rate, TPR and FPR.

    Args:
        params: Failure rate, TPR and FPR, strictly inside (0, 1), broadcastable to ``(...)``.
        counts: Counts, shape ``(...)``; only the design enters: the numbers of labelled and
            unlabelled items, and for "external" the numbers of human failures and passes.
        calibration: "internal" or "external", as in `log_likelihood`.

    Returns:
        Symmetric matrices, shape ``(..., 3, 3)``, in the order failure_rate, tpr, fpr.

    Raises:
        ValueError: ``calibration`` is unknown, or the table has weights or clusters.
        TypeError: ``counts`` is neither.

    Source:
        Multinomial information of the labelled cells plus the binomial information N / (q (1 - q))
        of the flag rate q = theta TPR + (1 - theta) FPR along its gradient.

    Examples:
        >>> from jaxmle import Counts, Params, information
        >>> counts = Counts(tp=9, fn=1, fp=9, tn=81, unlabeled_pos=0, unlabeled_neg=0)
        >>> print(f"{information(Params(0.1, 0.9, 0.1), counts)[0, 0]:.1f}")
        1111.1
    """
    check_calibration(calibration)
    params, counts = in_doubles(params, counts)
    xp = namespace(params, counts)
    theta, tpr, fpr = (xp.asarray(x) for x in (params.failure_rate, params.tpr, params.fpr))
    flagged = flag_rate(theta, tpr, fpr)
    unlabeled = counts.unlabeled_pos + counts.unlabeled_neg
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    zero = xp.zeros_like(flagged * unlabeled)
    about_theta = zero
    if calibration == "internal":
        labeled = failures + passes
        failures, passes = labeled * theta, labeled * (1 - theta)
        about_theta = labeled / (theta * (1 - theta))
    diagonal = (about_theta, failures / (tpr * (1 - tpr)), passes / (fpr * (1 - fpr)))
    slope = (tpr - fpr, theta, 1 - theta)
    weight = unlabeled / (flagged * (1 - flagged))
    rows = [
        xp.stack([zero + weight * a * b + (diagonal[i] if i == j else 0.0) for j, b in enumerate(slope)], -1)
        for i, a in enumerate(slope)
    ]
    return xp.stack(rows, -2)


def in_doubles(params: Params, counts: Counts | HasCounts) -> tuple[Params, Counts]:
    """NumPy arrays and numbers as float64; a warning where arrays of JAX are less."""
    counts = counts_of("counts", counts)
    xp = namespace(params, counts)
    if xp is np:
        return tree_map(lambda x: np.asarray(x, np.float64)[()], (params, counts))
    inexact = [x for x in leaves((params, counts)) if np.issubdtype(xp.result_type(x), np.floating)]
    dtype = xp.result_type(float, *inexact)
    if np.finfo(dtype).bits < 64:
        warnings.warn(
            f"computed in {dtype}: sums over many items are rough; call it under `jax.enable_x64(True)`.",
            stacklevel=3,
        )
    return params, counts


def xlogy(count: Array, probability: Array) -> Array:
    """``count * log(probability)`` with ``0 log 0 = 0``, its derivative in the count included."""
    xp = namespace(count, probability)
    possible = xp.asarray(probability) > 0
    certain = xp.where(xp.asarray(count) > 0, -xp.inf, 0)
    return xp.where(possible, count * xp.log(xp.where(possible, probability, 1)), certain)


def ratio(count: Array, probability: Array) -> Array:
    """``count / probability`` with ``0 / 0 = 0``, its derivative in the count included."""
    xp = namespace(count, probability)
    possible = xp.asarray(probability) > 0
    certain = xp.where(xp.asarray(count) > 0, xp.inf, 0)
    return xp.where(possible, count / xp.where(possible, probability, 1), certain)
