"""Labels needed by formula: without bounds in large samples, and by humans alone."""

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING, cast

import numpy as np

from jaxmle._data import Params
from jaxmle._model import post_stratified_variance, rogan_gladen_variance
from jaxmle._planning._label_draws import Setting
from jaxmle._types import Array, ArrayLike

if TYPE_CHECKING:
    from jaxmle._planning._label_goals import Goal

_LARGEST = 10_000_000


def variance_terms(setting: Setting, share: float | None = None) -> tuple[float, float]:
    """Parts (a, b) of the large-sample variance a + b / n of the estimate without bounds.

    a is what the judged items leave uncertain, b what one label does; inf where the judge is at chance and
    the labelled items come from elsewhere.

    Source:
        Inverse Fisher information, see `information`; for random labels Var = (PPV - r)^2 q (1 - q) / N +
        (q PPV (1 - PPV) + (1 - q) r (1 - r)) / n, r = P(failure | passed).
    """
    fixed, first, other = _spreads(setting)
    part = setting.share if share is None else share
    if setting.calibration == "external":
        youden = cast(float, (setting.truth.tpr - setting.truth.fpr) ** 2)
        if not youden:
            return np.inf, np.inf
        fixed, first, other = fixed / youden, first / youden, other / youden
    if not setting.divided:
        part = setting.flag_rate
    return fixed / setting.n_judged, _over(first, part) + _over(other, 1 - part)


def best_share(setting: Setting) -> float:
    """Share of the labels that goes to flagged items, or to failures, without bounds in large samples.

    Source:
        Neyman, J. R. Stat. Soc. 97 (1934).
    """
    first, other = (np.sqrt(x) for x in _spreads(setting)[1:])
    return float(np.clip(first / (first + other), 0.05, 0.95)) if first + other > 0 else 0.5


def labels_by_formula(setting: Setting, goal: "Goal") -> int | None:
    """Labels for a width, or for the power to certify a limit, without bounds in large samples."""
    z = NormalDist().inv_cdf
    theta = setting.truth.failure_rate
    if goal.limit is None:
        fixed, each = variance_terms(setting)
        room = (goal.target / (2 * z(0.5 + goal.confidence / 2))) ** 2 - fixed
        needed = each / room if room > 0 else np.inf
    else:
        here = variance_terms(setting)
        there = variance_terms(
            setting._replace(truth=Params(goal.limit, setting.truth.tpr, setting.truth.fpr))
        )

        def reach(n: int) -> float:
            at_limit, at_truth = (np.sqrt(fixed + each / n) for fixed, each in (there, here))
            return cast(float, goal.limit - theta - z(goal.confidence) * at_limit - z(goal.target) * at_truth)

        needed = _first(lambda n: reach(n) >= 0) or np.inf
        if setting.calibration == "internal" and not setting.divided:
            # As many without a single failure among them: fewer show nothing below the limit.
            needed = max(needed, np.log(1 - goal.confidence) / np.log1p(-goal.limit))
    return int(np.ceil(needed)) if needed <= setting.most else None


def labels_at_once(setting: Setting, goal: "Goal") -> int | None:
    """The same before anything is simulated; labels of two kinds are divided as is best in large samples."""
    share = best_share(setting) if setting.divided else setting.share
    return labels_by_formula(setting._replace(share=share), goal)


def human_width(n: int, theta: float, confidence: float) -> float:
    """Mean width of Wilson's interval of n labels."""
    reach = 12 * np.sqrt(n * theta * (1 - theta)) + 30
    k = np.arange(max(0, int(n * theta - reach)), min(n, int(n * theta + reach)) + 1)
    # Each binomial probability from the one before it, up to a factor that the mean does not depend on.
    log_mass = np.cumsum(np.log((n - k[:-1]) / k[1:]) + np.log(theta) - np.log1p(-theta))
    mass = np.exp(np.concatenate([[0.0], log_mass]) - np.max(log_mass, initial=0.0))
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    return float(np.sum(2 * half * mass) / np.sum(mass))


def human_power(n: ArrayLike, theta: float, limit: ArrayLike, confidence: float) -> Array:
    """Probability that the exact binomial test of n labels finds the failure rate below the limit.

    Source:
        Clopper and Pearson, Biometrika 26 (1934).
    """
    from scipy.special import bdtr, bdtrik

    n, limit = np.asarray(n, np.int64), np.asarray(limit, np.float64)
    most = np.floor(np.nan_to_num(bdtrik(1 - confidence, n.astype(np.float64), limit), nan=-1.0)) + 1
    for _ in range(2):  # the inverse may be off by rounding
        most = np.where((most >= 0) & (bdtr(np.maximum(most, 0), n, limit) > 1 - confidence), most - 1, most)
    return np.where(most >= 0, bdtr(np.maximum(most, 0), n, theta), 0.0)


def labels_by_humans_alone(setting: Setting, goal: "Goal") -> int | None:
    """Labels of a random sample that reach the goal without any judge.

    The power of the binomial test goes up and down with the number of labels; from the number returned on it
    stays at the target.
    """
    theta = float(setting.truth.failure_rate)
    if goal.limit is None:
        return _first(lambda n: human_width(n, theta, goal.confidence) <= goal.target)
    return human_labels(theta, goal.limit, goal.confidence, goal.target)


def human_labels(theta: float, limit: float, confidence: float, power: float) -> int | None:
    """Labels from which on the exact binomial test finds a failure rate of theta below the limit."""
    return _first(lambda n: bool(np.all(human_power(_after(n), theta, limit, confidence) >= power)))


def _after(n: int) -> Array:
    """Numbers of labels from n on, as far as the power can fall back."""
    return np.arange(n, n + max(50, n // 4))


def _spreads(setting: Setting) -> tuple[float, float, float]:
    """Variance of one judged item, and of a label of either kind; external: times (TPR - FPR)^2."""
    q = np.asarray(setting.flag_rate)
    if setting.calibration == "external":
        parts = rogan_gladen_variance(*setting.rates, q)
    else:
        rates = np.array([setting.precision, setting.miss_rate])
        parts = post_stratified_variance(q, 1 - q, rates[0], rates[1])
    of_items, first, other = (float(part) for part in parts)
    return of_items, first, other


def _over(part: float, whole: float) -> float:
    if part <= 0:
        return 0.0
    return part / whole if whole > 0 else np.inf


def _first(reached: Callable[[int], bool]) -> int | None:
    """Smallest number from which on ``reached`` holds, by doubling and halving."""
    high = 1
    while not reached(high):
        high *= 2
        if high > _LARGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
