"""Were the labelled items drawn from the judged population? The judge's flags tell."""

import math
from dataclasses import dataclass

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Calibration, Counts
from jaxmle._inference._arguments import plain, warn_user, whole_numbers
from jaxmle._simulation import Labels
from jaxmle._types import Array, Numbers

# Below this p-value, shared out over the slices, a mismatch is said.
_SAID_BELOW = 1e-3


@pytree
@dataclass(frozen=True, eq=False)
class DesignCheck:
    """Comparison of the judge's flag rates on labelled and unlabelled items.

    Attributes:
        p_value: Two-sided p-value of equal flag rates, shape ``(...)``; 1 where one of the groups is empty.
        flag_rate_labeled: Share of labelled items that the judge flags; 0 where there are none.
        flag_rate_unlabeled: Share of unlabelled items that the judge flags; 0 where there are none.
    """

    p_value: Numbers
    flag_rate_labeled: Numbers
    flag_rate_unlabeled: Numbers


def design_check(counts: Counts) -> DesignCheck:
    """Test whether the judge flags labelled and unlabelled items at the same rate.

    It does where labelled items are a random sample of the judged ones. A calibration set put together by
    true label (50 failures, 50 passes) fails the test and must be declared ``calibration="external"``; one
    chosen by the judge's verdict fails it too, and needs ``labels="by_verdict"``.

    Args:
        counts: Counts, any batch shape ``(...)``, of unweighted items.

    Returns:
        The two flag rates and a p-value.

    Raises:
        TypeError: ``counts`` is not a `Counts`.

    Source:
        Score test of two proportions with the pooled variance over the N - 1 form: Campbell, Statist. Med.
        26 (2007).

    Examples:
        >>> from jaxmle import Counts, design_check
        >>> balanced = Counts(tp=45, fn=5, fp=5, tn=45, unlabeled_pos=1800, unlabeled_neg=8200)
        >>> result = design_check(balanced)
        >>> print(result.flag_rate_labeled, result.flag_rate_unlabeled, result.p_value < 1e-9)
        0.5 0.18 True
    """
    if not isinstance(counts, Counts):
        raise TypeError(f"`counts` must be a Counts; got {type(counts).__name__}.")
    c = Counts(*(np.asarray(x, np.float64) for x in counts.values()))
    n, unlabeled = c.n_labeled, c.n_unlabeled
    total = n + unlabeled
    labeled_rate = (c.tp + c.fp) / np.where(n > 0, n, 1)
    unlabeled_rate = c.unlabeled_pos / np.where(unlabeled > 0, unlabeled, 1)
    pooled = (c.tp + c.fp + c.unlabeled_pos) / np.where(total > 0, total, 1)
    possible = (n > 0) & (unlabeled > 0) & (pooled > 0) & (pooled < 1) & (total > 1)
    variance = np.where(possible, pooled * (1 - pooled) * total**2, 1)
    z2 = (labeled_rate - unlabeled_rate) ** 2 * n * unlabeled * np.maximum(total - 1, 0) / variance
    p_value = np.where(possible, np.vectorize(math.erfc)(np.sqrt(z2 / 2)), 1.0)
    return DesignCheck(plain(p_value), plain(labeled_rate), plain(unlabeled_rate))


def mismatched(check: DesignCheck) -> Array:
    """Which slices show a mismatch too large for chance, many slices considered."""
    return np.asarray(check.p_value) < _SAID_BELOW / max(np.size(check.p_value), 1)


def warn_of_design(
    counts: Counts, calibration: Calibration, labels: Labels, *, effective: bool = False
) -> Array:
    """Warn where labels declared random and internal cannot be, and say where, shape ``(B,)``."""
    # Sums of weights are no sample sizes, unless they have been made effective ones.
    sizes = effective or whole_numbers(counts)
    if calibration != "internal" or labels != "random" or not sizes:
        return np.zeros(len(counts), bool)
    check = design_check(counts)
    wrong = mismatched(check)
    bad = np.flatnonzero(wrong)
    if bad.size:
        where = (
            f" (slice {bad[0]}{f' and {bad.size - 1} more' if bad.size > 1 else ''})"
            if len(counts) > 1
            else ""
        )
        labeled, others = np.asarray(check.flag_rate_labeled), np.asarray(check.flag_rate_unlabeled)
        warn_user(
            f"the judge flags {labeled[bad[0]]:.1%} of the labelled items and "
            f"{others[bad[0]]:.1%} of the others{where}: the labelled ones are no random "
            "sample. If they were chosen by their true label, or come from elsewhere, use "
            'calibration="external"; if the judge\'s verdict decided which, use labels="by_verdict".',
        )
    return wrong
