"""An upper limit that holds at every number of labels at once: bets against every failure rate.

A bettor against "failure rate >= m" multiplies the stake, with each label and verdict (y, j) of an item drawn
at random, by Q(y, j) / P(y, j): Q is where the bettor thinks the truth lies, P the closest law to Q that the
hypothesis allows. No law of the hypothesis lets the stake grow on average, so it reaches 1 / alpha at any
time with probability alpha at most, and the rates against which it never did are a confidence sequence. The
stake is spread over many Q and never moved, so that it depends on the counts alone.

The flag rate makes the judge's verdict a control variate; it is known from all verdicts within exact limits,
which miss it with a tenth of the error. A tenth of the stake is bet on labels alone, with or without a judge:
Q / P is then 1 - lambda (y - m), the bet of Waudby-Smith and Ramdas.

Sources: Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86 (2024); Ville (1939); `_bets` for Q and P.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Unpack

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Bounds, Counts, HasCounts, check_confidence
from jaxmle._inference._arguments import (
    checked_problem,
    given_counts,
    limits_of,
    shaped,
    warn_user,
    whole_numbers,
)
from jaxmle._inference._bets import FLAG_SHARE, MOST, Bets
from jaxmle._inference._bounds_test import contradicted
from jaxmle._inference._certificate import Certificate
from jaxmle._inference._design_check import warn_of_design
from jaxmle._inference._fit import fit_flat
from jaxmle._inference._multiplicity import Adjustment, adjust_p_values, agreeing_limits, level_for_limits
from jaxmle._results import Batch, first_few
from jaxmle._types import Array, ArrayLike, Flags, Numbers

if TYPE_CHECKING:
    from jaxmle._tables import Columns, Rows


@pytree
@dataclass(frozen=True, eq=False)
class ConfidenceSequence(Batch):
    """Upper limits of the failure rate that hold at all numbers of labels at once.

    Attributes:
        upper_limit: Upper limit, shape ``(...)``.
        certified: Whether the failure rate is below the limit, shape ``(...)``.
        e_value: What a stake of 1 against "failure rate >= limit" has become, shape ``(...)``, the least of
            those against the limit and higher rates; it certifies from 1 / (0.9 alpha) on, alpha being
            1 - confidence: a tenth of the error goes to the flag rate.
        limit: The limit, shape ``(...)``.
        contradicted: Whether the data contradict the bounds, as in `certify`; then nothing is certified and
            the upper limit is the bound.
        mismatched: Whether the judge flags labelled and unlabelled items too differently for the labelled
            ones to be the random sample they are declared to be; then the same.
        confidence: Confidence, such as 0.95.
    """

    upper_limit: Numbers
    certified: Flags
    e_value: Numbers
    limit: Numbers
    contradicted: Flags
    mismatched: Flags
    confidence: float = field(metadata={"static": True})

    def __str__(self) -> str:
        level = f"{100 * self.confidence:g}% confidence at any time"
        if np.ndim(self.certified):
            passed = f"{int(np.sum(self.certified)):,} of {np.size(self.certified):,} certified"
            return f"{passed}; upper limits {first_few('{:.4f}'.format, self.upper_limit)} at {level}"
        verdict = "certified" if self.certified else "not certified"
        return (
            f"{verdict}: failure rate < {self.limit:g} at {level} "
            f"(e = {self.e_value:.3g}, upper limit {self.upper_limit:.4f})"
        )


def confidence_sequence(
    counts: "Counts | HasCounts | Rows",
    bounds: Bounds | None = None,
    *,
    limit: ArrayLike = 0.05,
    confidence: float = 0.95,
    running: bool = False,
    **columns: "Unpack[Columns]",
) -> ConfidenceSequence:
    """Upper limit of the failure rate that holds however often one looks, and whenever one stops.

    Labels are a random sample of the judged items, in the order in which they come; whether to label more
    may depend on all that was seen, not so which item. The judge's verdicts must all be there at the first
    look: limits of the flag rate hold for one number of them. The limits at all times hold together with the
    confidence. For the same labels they are wider than those of `certify`, which hold at one time.

    Args:
        counts: Counts as they stand, any batch shape ``(...)``, or rows as in `fit`; whole numbers. With
            ``running`` the first axis is time.
        bounds: Bounds, scalar or broadcastable with the counts; none by default. That of the failure rate
            plays no part but for its upper end, which the limit never exceeds.
        limit: The failure rate to stay under, in (0, 1).
        confidence: 1 - the probability that any limit of the sequence lies below the failure rate, in
            [0.5, 1).
        running: Whether the counts are those of one gate after more and more labels: limits then never rise,
            and what was certified once stays so.
        **columns: Of rows: arguments of `tables.count`, as in `fit`.

    Returns:
        Upper limits, verdicts and stakes, shape ``(...)``.

    Raises:
        ValueError: An argument is out of range; counts are not whole numbers; shapes do not match; a data set
            is empty or impossible within the bounds; ``running`` counts have no first axis, or lose labels.
        TypeError: ``counts`` is nothing that can be counted, or ``bounds`` not a `Bounds`.

    Warns:
        UserWarning: Labelled items are no random sample, or the data contradict the bounds.

    Source:
        Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86 (2024); see `_confidence_sequence`.

    Examples:
        >>> from jaxmle import Bounds, Counts, confidence_sequence
        >>> counts = Counts(tp=4, fn=0, fp=4, tn=192, unlabeled_pos=380, unlabeled_neg=9620)
        >>> bounds = Bounds(tpr=(0.87, 0.93), fpr=(0.01, 0.04))
        >>> result = confidence_sequence(counts, bounds, limit=0.06)
        >>> result.certified, bool(result.e_value > 20)
        (True, True)
    """
    if 1 - check_confidence(confidence) > 0.5:
        raise ValueError(f"`confidence` must be at least 0.5; got {confidence!r}.")
    problem, shape = checked_problem(given_counts("confidence_sequence", counts, columns), bounds, "internal")
    rate = limits_of(limit, shape)
    if not whole_numbers(problem.counts):
        raise ValueError("`counts` must be whole numbers: each label is one bet, and weights have no order.")
    if running:
        _check_running(problem.counts, shape, rate)
    biased = warn_of_design(problem.counts, "internal", "random", effective=False)
    times = shape[0] if running else 1
    bets = Bets.of(problem, 1 - float(confidence), times)
    highest = problem.bounds.failure_rate[1].reshape(times, -1)
    at = rate.reshape(times, -1)
    upper, stakes = bets.limits(at[0])
    against = bets.contradicted | contradicted(fit_flat(problem, "internal")).reshape(times, -1)
    if against.any():
        warn_user("the data contradict the bounds: nothing is certified there; see bounds_test.")
    silent = against | biased.reshape(times, -1)
    upper = np.where(silent, highest, np.minimum(upper, highest))
    stakes = np.where(silent, -np.inf, stakes)
    upper, stakes = np.minimum.accumulate(upper, 0), np.maximum.accumulate(stakes, 0)
    certified = (stakes >= bets.wanted) | (~silent & (at > highest))
    found = ConfidenceSequence(
        upper_limit=upper,
        certified=certified,
        e_value=np.exp(np.clip(stakes, -MOST, MOST)),
        limit=rate,
        contradicted=against,
        mismatched=biased,
        confidence=float(confidence),
    )
    return shaped(found, shape)


def anytime_certificates(
    counts: Counts,
    bounds: Bounds,
    *,
    limit: float,
    confidence: float,
    adjustment: Adjustment,
    against: Array | None = None,
) -> Certificate:
    """`confidence_sequence` of data sets as certificates, shape ``(B,)``: p-values are those of any time.

    Under "holm" each data set has its share of the error of the flag rate, and upper limits hold jointly.
    ``against`` tells which contradict their bounds besides, shape ``(B,)``.

    Raises:
        ValueError: ``adjustment`` is "benjamini-hochberg".

    Source: Ramdas et al., Stat. Sci. 38 (2023): 1 / e, the least so far, is a p-value at any time; the error
    of the flag rate is added to it.
    """
    if adjustment == "benjamini-hochberg":
        raise ValueError(
            'limits that hold at any time go with `adjustment` "none" or "holm": of slices where one stops '
            "together others promise nothing."
        )
    alpha = 1 - confidence
    share = level_for_limits(alpha, adjustment, np.zeros(counts.shape, bool))
    found = confidence_sequence(counts, bounds, limit=limit, confidence=1 - share)
    contradicts = np.asarray(found.contradicted) | (False if against is None else against)
    silent = contradicts | found.mismatched
    highest, rate = np.asarray(bounds.failure_rate[1]), np.asarray(found.limit)
    by_bounds = np.asarray((rate > highest) | (rate <= bounds.failure_rate[0]))
    p_value = np.minimum(1 / np.maximum(np.asarray(found.e_value), 1e-300) + FLAG_SHARE * share, 1.0)
    p_value = np.where(silent, 1.0, np.where(rate > highest, 0.0, p_value))
    adjusted = adjust_p_values(p_value, adjustment)
    certified = adjusted <= alpha * (1 + 1e-12)
    upper = np.asarray(found.upper_limit)
    return Certificate(
        certified=certified,
        p_value=adjusted,
        upper_limit=agreeing_limits(upper, rate, certified, silent, by_bounds, highest, adjustment == "holm"),
        by_bounds=by_bounds,
        contradicted=contradicts,
        mismatched=np.asarray(found.mismatched),
        limit=rate,
        confidence=confidence,
        method="anytime",
        adjustment=adjustment,
        level=alpha,
    )


def _check_running(counts: Counts, shape: tuple[int, ...], rate: Array) -> None:
    """Raise ``ValueError`` unless the first axis is time."""
    if not shape:
        raise ValueError("`running` counts must have a first axis, which is time; got those of one time.")
    cells = {name: getattr(counts, name).reshape(shape) for name in ("tp", "fn", "fp", "tn")}
    for name, values in cells.items():
        if np.any(np.diff(values, axis=0) < 0):
            raise ValueError(f"`running` counts must never lose labels; `{name}` falls.")
    flags = cells["tp"] + cells["fp"] + counts.unlabeled_pos.reshape(shape)
    passes = cells["fn"] + cells["tn"] + counts.unlabeled_neg.reshape(shape)
    if np.any(flags != flags[:1]) or np.any(passes != passes[:1]):
        raise ValueError(
            "`running` counts must hold the same verdicts of the judge at all times: each new label takes an "
            "item from the unlabelled ones."
        )
    if np.any(rate.reshape(shape) != rate.reshape(shape)[:1]):
        raise ValueError("`limit` must be the same at all times.")
