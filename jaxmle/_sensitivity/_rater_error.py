"""How often humans err, from how often two of them disagree.

Two people who err independently, and equally often, miss a share a of the true failures each and call a share
b of the true passes failures. Were both shares the same, e, they would disagree on d = 2 e (1 - e) of the
items. Where they differ, disagreement leaves a set open, and its corners are plain: with b = 0 whatever one
of them calls a failure is one, so that a is the share of it that the other passes, and likewise with a = 0.
"""

from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Counts, HasCounts, check_confidence, counts_of
from jaxmle._results import Result
from jaxmle._stats import binomial_tail, clopper_pearson


@pytree
@dataclass(frozen=True)
class RaterError(Result):
    """How often each of two or more people errs, by their disagreement.

    Attributes:
        n_both: Items that both labelled; of several people the mean over pairs of them.
        disagreement: Share of these on which they differ.
        rate: Share of items that each gets wrong, if failures and passes are as easily got wrong; None where
            they differ on more than half, which no such rate explains.
        low: Lower limit of ``rate``.
        high: Upper limit of it; 0.5 where nothing is known.
        missed: Range of the share of true failures that each calls a pass, whatever the other kind of error
            is: from 0 to the upper limit of the most that the disagreement leaves open.
        false_alarms: Range of the share of true passes that each calls a failure, likewise.
        most_missed: The most itself, without what is uncertain about it.
        most_false_alarms: The most false alarms, likewise.
        p_value: Of the test that both find as many failures, as equally good ones do; of several the
            smallest over the pairs, times their number (Bonferroni).
        confidence: Confidence of ``low`` and ``high`` together; each upper limit of a range fails with half
            of what is left.
    """

    n_both: int
    disagreement: float
    rate: float | None
    low: float
    high: float
    missed: tuple[float, float]
    false_alarms: tuple[float, float]
    most_missed: float
    most_false_alarms: float
    p_value: float
    confidence: float = field(metadata={"static": True})

    def __str__(self) -> str:
        equal = "no common rate" if self.rate is None else f"each errs on {self.rate:.4f} of the items"
        return (
            f"{equal} [{self.low:.4f}, {self.high:.4f}]; up to {self.missed[1]:.4f} of the failures missed, "
            f"up to {self.false_alarms[1]:.4f} of the passes false alarms"
        )


def rater_error(counts: Counts | HasCounts, *, confidence: float = 0.95) -> RaterError:
    """Rates of error of two or more people from their labels of the same items.

    Assumed: they err independently of each other, given what is true, and equally often. People who find the
    same items hard err together, disagree less for it, and are worse than this says.

    Args:
        counts: Counts of the items that both labelled, whole numbers: one of them as the human and the other
            as the judge, in whichever order. Of several people those of each pair, shape ``(P,)``: they
            stand for one pair with their mean counts, which is no surer than they are, as pairs that share a
            person tell less than as many that do not.
        confidence: Confidence of the limits, in (0, 1).

    Returns:
        The rate if failures and passes are as easily got wrong, and ranges that do not take that for granted,
        for `human_error`.

    Raises:
        ValueError: Counts are of more axes, no whole numbers, or none; or the confidence is out of range.
        TypeError: ``counts`` is nothing that was counted.

    Source:
        d = 2 e (1 - e): Dawid and Skene, Applied Statistics 28 (1979), with two raters of one error rate.
        Corners: one less the proportions of specific agreement (Fleiss, Statistical Methods for Rates and
        Proportions, 1981, 13.1). Limits: Clopper and Pearson, Biometrika 26 (1934), of the share of
        disagreements among all items, and among those that either calls a failure, or a pass. Test: McNemar,
        Psychometrika 12 (1947), exact.

    Examples:
        >>> from jaxmle import Counts, rater_error
        >>> found = rater_error(Counts(tp=40, fn=6, fp=4, tn=150, unlabeled_pos=0, unlabeled_neg=0))
        >>> round(found.disagreement, 3), round(found.rate, 3), round(found.most_missed, 3)
        (0.05, 0.026, 0.111)
    """
    found = counts_of("counts", counts)
    tail = (1 - check_confidence(confidence)) / 2
    cells = np.array([np.asarray(value, np.float64) for value in found.values()][:4])
    if cells.ndim > 2 or not np.array_equal(cells, np.round(cells)) or not cells.sum():
        raise ValueError(
            "`counts` must be of a pair, or of several: whole numbers of items that both labelled."
        )
    pairs = cells.reshape(4, -1)
    failed, first_alone, second_alone, passed = map(float, pairs.mean(1))
    differ, n = first_alone + second_alone, failed + first_alone + second_alone + passed
    p_values = [_sign_test(float(one), float(other)) for one, other in zip(*pairs[1:3], strict=True)]
    # Of the items that either calls a failure (or a pass) a share s is one that they differ on: the most that
    # each of them misses (or calls a failure) is s / (2 - s), which rises with s.
    agreed = np.array([n - differ, failed, passed])
    low, high = clopper_pearson(np.full(3, differ), agreed, tail)
    shares = differ / np.maximum(differ + agreed, 1)
    most, limit = shares / (2 - shares), high / (2 - high)
    return RaterError(
        n_both=round(n),
        disagreement=differ / n,
        rate=_equal_rate(shares[0]) if shares[0] <= 0.5 else None,
        low=_equal_rate(low[0]),
        high=_equal_rate(high[0]),
        missed=(0.0, float(limit[1])),
        false_alarms=(0.0, float(limit[2])),
        most_missed=float(most[1]),
        most_false_alarms=float(most[2]),
        p_value=min(1.0, len(p_values) * min(p_values)),
        confidence=float(confidence),
    )


def _equal_rate(disagreement: float) -> float:
    """The smaller root e of d = 2 e (1 - e), and 1/2 where there is none."""
    return float((1 - np.sqrt(max(1 - 2 * disagreement, 0.0))) / 2)


def _sign_test(first: float, second: float) -> float:
    """Whether one of two alternatives comes more often: twice the smaller tail of half and half."""
    fewer, more = np.array([min(first, second)]), np.array([max(first, second)])
    return min(1.0, 2 * float(binomial_tail(fewer, more, np.array([0.5]))[0]))
