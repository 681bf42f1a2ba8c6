"""Elementary formulas of statistics, each once: limits, tails and quantiles, safe ratios, the flag rate."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from jaxmle._arrays import namespace, select
from jaxmle._types import Array, ArrayLike, Pair

_CENTRAL = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def clopper_pearson(hits: Array, misses: Array, tail: Array | float) -> Pair:
    """Exact limits of a probability, each missed with probability ``tail`` at most; (0, 1) without trials."""
    from scipy.special import betaincinv  # a third of a second to import, and seldom needed

    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1e-300), misses + 1, tail), 0.0)
    high = np.where(misses > 0, betaincinv(hits + 1, np.maximum(misses, 1e-300), 1 - tail), 1.0)
    return low, high


def score_limits(hits: Array, misses: Array, tail: Array | float) -> Pair:
    """Score limits of a probability, each missed with probability ``tail`` or nearly; (0, 1) without trials.

    Source: Wilson, JASA 22 (1927).
    """
    z = -NormalDist().inv_cdf(float(tail))
    total = hits + misses
    rate = hits / np.where(total > 0, total, 1)
    center = (hits + z**2 / 2) / (total + z**2)
    half = z / (total + z**2) * np.sqrt(rate * (1 - rate) * total + z**2 / 4)
    # At 0 and at n an end is exactly the rate, whatever rounding says.
    low = np.where(hits <= 0, 0.0, np.clip(center - half, 0, rate))
    high = np.where(misses <= 0, 1.0, np.clip(center + half, rate, 1))
    return low, high


def divide(numerator: Array, denominator: Array) -> Array:
    """``numerator / denominator``, 0 where the denominator is 0."""
    denominator = namespace(numerator, denominator).asarray(denominator)
    safe = denominator != 0
    return select(safe, numerator / select(safe, denominator, 1), 0.0)


def halved(falls_short: Callable[[Array], Array], low: Array, high: Array, times: int) -> Pair:
    """Brackets of where a condition ends that holds at ``low`` and not at ``high``, by halving so often.

    Where it holds everywhere the bracket closes at ``high``, where it holds nowhere at ``low``.
    """
    for _ in range(times):
        middle = 0.5 * (low + high)
        short = falls_short(middle)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return low, high


def quantile_of_t(tail: ArrayLike, df: ArrayLike) -> Array:
    """Point that Student's t exceeds with probability ``tail``; normal where ``df`` is infinite."""
    tail, df = np.broadcast_arrays(np.maximum(np.asarray(tail, np.float64), 1e-300), df)
    found = np.array([-NormalDist().inv_cdf(float(t)) for t in tail.reshape(-1)]).reshape(tail.shape)
    finite = np.isfinite(df)
    if finite.any():
        from scipy.special import stdtrit  # a third of a second to import, and seldom needed

        found = np.where(finite, -stdtrit(np.where(finite, df, 1.0), tail), found)
    return found


def tail_of_t(root: Array, df: Array) -> Array:
    """Probability that Student's t exceeds ``root``; normal where ``df`` is infinite."""
    tail = np.vectorize(NormalDist().cdf, otypes=[float])(-root)
    finite = np.isfinite(df)
    if finite.any():
        from scipy.special import stdtr  # a third of a second to import, and seldom needed

        tail = np.where(finite, stdtr(np.where(finite, df, 1.0), -root), tail)
    return tail


def normal_of_student(tail: Array, df: Array) -> Array:
    """Tail of the normal distribution beyond the point that Student's t exceeds with this probability."""
    root = quantile_of_t(np.minimum(tail, 1 - 1e-16), df)
    return np.where(np.isfinite(df), tail_of_t(root, np.full(np.shape(df), np.inf)), tail)


def student_of_normal(tail: Array, df: Array) -> Array:
    """Tail of Student's t beyond the point that the normal distribution exceeds with this probability."""
    root = -normal_quantile(np.clip(tail, 1e-300, 1 - 1e-16))
    return np.where(np.isfinite(df), tail_of_t(root, df), tail)


def binomial_tail(hits: Array, misses: Array, rate: Array) -> Array:
    """Probability of no more than ``hits`` among ``hits + misses`` at a rate."""
    from scipy.special import betainc  # a third of a second to import, and seldom needed

    return np.where(misses > 0, betainc(np.maximum(misses, 1e-300), hits + 1, 1 - rate), 1.0)


def flag_rate(failure_rate: Array, tpr: Array, fpr: Array) -> Array:
    """Probability that the judge says failure; of the complements ``1 - tpr, 1 - fpr`` that it says pass."""
    return failure_rate * tpr + (1 - failure_rate) * fpr


def failure_rates_by_verdict(failure_rate: Array, tpr: Array, fpr: Array) -> Pair:
    """Probability that a flagged item fails, and that a passed one does; 0 for a verdict that never comes.

    Source: Bayes' theorem.
    """
    flagged, passed = flag_rate(failure_rate, tpr, fpr), flag_rate(failure_rate, 1 - tpr, 1 - fpr)
    return divide(failure_rate * tpr, flagged), divide(failure_rate * (1 - tpr), passed)


def cell_rates(failure_rate: Array, tpr: Array, fpr: Array) -> tuple[Array, Array, Array, Array]:
    """Probabilities that an item is a tp, fn, fp or tn."""
    other = 1 - failure_rate
    return failure_rate * tpr, failure_rate * (1 - tpr), other * fpr, other * (1 - fpr)


def log_sum_exp(x: Array, axis: int) -> Array:
    """Logarithm of a sum of exponentials; -inf where all are 0."""
    top = np.max(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.squeeze(top, axis) + np.log(np.sum(np.exp(x - top), axis))


def normal_quantile(p: Array) -> Array:
    """Quantile of the standard normal distribution, to sixteen digits; ``p`` in (0, 1).

    Source: Wichura, Algorithm AS 241, Applied Statistics 37 (1988), routine PPND16.
    """
    xp = namespace(p)
    q = p - 0.5

    def ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
        top, bottom = (xp.zeros_like(x) for _ in range(2))
        for a, b in zip(*coefficients, strict=True):
            top, bottom = top * x + a, bottom * x + b
        return top / bottom

    r = xp.sqrt(-xp.log(xp.minimum(p, 1 - p)))
    outer = xp.where(r <= 5, ratio(_MIDDLE, r - 1.6), ratio(_TAIL, r - 5))
    central = q * ratio(_CENTRAL, 0.180625 - q * q)
    return xp.where(xp.abs(q) <= 0.425, central, xp.where(q < 0, -outer, outer))
