"""Many tests at once."""

from typing import Literal, get_args

import numpy as np

from jaxmle._data import first_bad, host_number
from jaxmle._types import Array, ArrayLike

Adjustment = Literal["none", "holm", "benjamini-hochberg"]
IntervalAdjustment = Literal["none", "bonferroni"]


def is_joint(adjustment: IntervalAdjustment) -> bool:
    """Whether intervals are to cover all at once."""
    if adjustment not in get_args(IntervalAdjustment):
        raise ValueError(
            f'`adjustment` of intervals must be "none" or "bonferroni"; got {adjustment!r}. "holm" and '
            '"benjamini-hochberg" adjust p-values.'
        )
    return adjustment == "bonferroni"


def adjust_p_values(p_values: ArrayLike, adjustment: Adjustment) -> Array:
    """Adjust p-values for testing many hypotheses at once.

    Args:
        p_values: p-values, in [0, 1], any shape; all of them are one family.
        adjustment: "holm" for the probability of any false rejection, "benjamini-hochberg" for the expected
            share of false ones among the rejections of independent tests, "none" to leave them.

    Returns:
        Adjusted p-values of the same shape: rejecting those at most alpha keeps the error rate alpha.

    Raises:
        ValueError: ``adjustment`` is unknown, or a p-value is not in [0, 1].

    Source:
        Holm, Scand. J. Stat. 6 (1979); Benjamini and Hochberg, JRSS B 57 (1995).

    Examples:
        >>> from jaxmle import adjust_p_values
        >>> print(adjust_p_values([0.01, 0.04, 0.03], "holm"))
        [0.03 0.06 0.06]
        >>> print(adjust_p_values([0.01, 0.04, 0.03], "benjamini-hochberg"))
        [0.03 0.04 0.04]
    """
    if adjustment not in get_args(Adjustment):
        choices = ", ".join(map(repr, get_args(Adjustment)))
        raise ValueError(f"`adjustment` must be one of {choices}; got {adjustment!r}.")
    p = np.asarray(host_number("p_values", p_values), np.float64)
    first_bad("p_values", p, (p < 0) | (p > 1), "in [0, 1]")
    if adjustment == "none" or p.size < 2:
        return p
    flat = p.reshape(-1)
    order = np.argsort(flat, kind="stable")
    rank = np.arange(flat.size)
    if adjustment == "holm":
        stepped = np.maximum.accumulate((flat.size - rank) * flat[order])
    else:
        stepped = np.minimum.accumulate((flat.size / (rank + 1) * flat[order])[::-1])[::-1]
    adjusted = np.empty_like(flat)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted.reshape(p.shape)


def level_for_limits(alpha: float, adjustment: Adjustment, certified: Array) -> float:
    """Error of each slice's upper limit so that all of them hold as the adjustment promises.

    "holm": Bonferroni. "benjamini-hochberg": the false-coverage rate of the certified slices is at most alpha
    (Benjamini and Yekutieli, JASA 100, 2005).
    """
    size = certified.size
    if adjustment == "none":
        return alpha
    return alpha / size if adjustment == "holm" else alpha * max(int(certified.sum()), 1) / size


def agreeing_limits(
    upper: Array, rate: Array, certified: Array, silent: Array, by_bounds: Array, highest: Array, holm: bool
) -> Array:
    """Upper limits that agree with the verdicts on ``rate``; all of shape ``(B,)``.

    Args:
        upper: Upper limits by themselves.
        rate: The limits that are asked about.
        certified: The verdicts.
        silent: Where the data support no claim.
        by_bounds: Where the bounds on the failure rate decide alone.
        highest: Upper bounds on the failure rate.
        holm: Whether the limits are to hold jointly with Holm's verdicts.
    """
    upper = np.where(silent, highest, upper)
    # Rejecting the limit and every rate above it is one statement: the two answers agree.
    upper = np.where(certified, np.minimum(upper, rate), upper)
    upper = np.where(certified | silent | by_bounds, upper, np.maximum(upper, rate))
    # No more is said of the certified than that, where not all are.
    return np.where(certified, rate, upper) if holm and not certified.all() else upper
