"""The verdict of a certificate."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._inference._multiplicity import Adjustment, adjust_p_values, agreeing_limits, level_for_limits
from jaxmle._results import Batch, first_few
from jaxmle._types import Array, Flags, Numbers


@pytree
@dataclass(frozen=True, eq=False)
class Certificate(Batch):
    """Verdict on "the failure rate is below the limit".

    Attributes:
        certified: Whether it is, at the confidence, shape ``(...)``.
        p_value: p-value of "failure rate >= limit", adjusted as ``adjustment`` says, shape ``(...)``; with
            several looks that of a data set that earlier ones did not certify.
        upper_limit: Upper confidence limit of the failure rate, from the same test, shape ``(...)``.
        by_bounds: Whether the bounds on the failure rate decide alone: the limit lies outside them.
        contradicted: Whether the data contradict the bounds, or own labels the reference; then nothing is
            certified, the p-value is 1 and the upper limit the bound.
        mismatched: Whether the judge flags labelled and unlabelled items too differently for the labelled
            ones to be the random sample they are declared to be; then nothing is certified either.
        limit: The limit, as given, shape ``(...)``.
        confidence: Confidence, such as 0.95.
        method: "exact" or "profile".
        adjustment: "none", "holm" or "benjamini-hochberg".
        level: What the p-value is compared with: 1 - confidence, or this look's share of it.
    """

    certified: Flags
    p_value: Numbers
    upper_limit: Numbers
    by_bounds: Flags
    contradicted: Flags
    mismatched: Flags
    limit: Numbers
    confidence: float = field(metadata={"static": True})
    method: str = field(metadata={"static": True})
    adjustment: str = field(metadata={"static": True})
    level: float = field(metadata={"static": True})

    def __str__(self) -> str:
        if np.ndim(self.certified):
            limits = first_few("{:.4f}".format, self.upper_limit)
            passed = f"{int(np.sum(self.certified)):,} of {np.size(self.certified):,} certified"
            return f"{passed} ({self.method}); upper limits {limits}"
        verdict = "certified" if self.certified else "not certified"
        known = "the bounds or the reference" if self.method.endswith("reference") else "the bounds"
        why = f"; the data contradict {known}" if self.contradicted else ""
        why += "; the labelled items are no random sample" if self.mismatched else ""
        spent = "" if abs(self.level - (1 - self.confidence)) < 1e-12 else f" against {self.level:.3g}"
        return (
            f"{verdict}: failure rate < {self.limit:g} at {100 * self.confidence:g}% confidence "
            f"(p = {self.p_value:.3g}{spent}, upper limit {self.upper_limit:.4f}, {self.method}){why}"
        )


def certificate_of(
    p_value: Array,
    limits: Callable[[Array, float], Array],
    *,
    rate: Array,
    highest: Array,
    by_bounds: Array,
    contradicted: Array,
    mismatched: Array,
    confidence: float,
    method: str,
    adjustment: Adjustment,
    level: float,
) -> Certificate:
    """The verdicts on ``rate`` by p-values that stand for themselves, and upper limits that agree with them.

    ``limits`` takes these p-values and the level of each limit; ``highest`` is the upper end of the bounds.
    """
    # Data that contradict the bounds or the design support no claim, whatever their statistic.
    silent = contradicted | mismatched
    p_value = np.where(silent, 1.0, p_value)
    adjusted = adjust_p_values(p_value, adjustment)
    certified = adjusted <= level
    upper = limits(p_value, level_for_limits(level, adjustment, certified))
    return Certificate(
        certified=certified,
        p_value=adjusted,
        upper_limit=agreeing_limits(upper, rate, certified, silent, by_bounds, highest, adjustment == "holm"),
        by_bounds=by_bounds,
        contradicted=contradicted,
        mismatched=mismatched,
        limit=rate,
        confidence=float(confidence),
        method=method,
        adjustment=adjustment,
        level=level,
    )
