"""How well judge and human agree on the labelled items."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Unpack

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Counts, HasCounts, check_confidence
from jaxmle._inference._arguments import given_counts
from jaxmle._inference._interval import Interval
from jaxmle._results import Result
from jaxmle._stats import quantile_of_t, score_limits
from jaxmle._types import Array

if TYPE_CHECKING:
    from jaxmle._tables import Columns, Rows


@pytree
@dataclass(frozen=True)
class Agreement(Result):
    """Agreement of judge and human on labelled items; None where the items leave a measure undefined.

    Attributes:
        tpr: Share of failures that the judge flags.
        fpr: Share of passes that the judge flags.
        precision: Share of failures among the items that the judge flags.
        accuracy: Share of items of which both say the same.
        kappa: Cohen's kappa: agreement beyond that of two independent raters with these shares of failures,
            as a share of the most there could be. Low where failures are rare, however good the judge.
        ac1: Gwet's AC1: the same, chance being agreement on items that both rate at random.
    """

    tpr: Interval | None
    fpr: Interval | None
    precision: Interval | None
    accuracy: Interval | None
    kappa: Interval | None
    ac1: Interval | None

    def __str__(self) -> str:
        names = ("TPR", "FPR", "precision", "accuracy", "kappa", "AC1")
        named = zip(names, (getattr(self, one.name) for one in fields(self)), strict=True)
        shown = ", ".join(f"{name} {one.estimate:.3f}" for name, one in named if one is not None)
        return shown or "no labels to agree on"


def agreement(
    counts: "Counts | HasCounts | Rows", *, confidence: float = 0.95, **columns: "Unpack[Columns]"
) -> Agreement:
    """Measure how well judge and human agree on the labelled items.

    All but TPR and FPR depend on how many of the labelled items are failures: they speak of all judged
    items only where the labelled ones are a random sample of these.

    Args:
        counts: Scalar counts, what `tables.count` returns, or rows that it takes; items without a label are
            not used.
        confidence: Nominal coverage of each interval, in (0, 1).
        **columns: Of rows: arguments of `tables.count`, as in `fit`.

    Returns:
        The measures and their intervals; None for one that no item bears on, and for kappa where human or
        judge says the same of all items: it is then 0 whatever the other says.

    Raises:
        ValueError: ``counts`` hold several data sets, or ``confidence`` is not in (0, 1).
        TypeError: ``counts`` is nothing that can be counted.

    Source:
        Shares: score intervals, Wilson, JASA 22 (1927). Kappa: Cohen, Educ. Psychol. Meas. 20 (1960); its
        standard error: Fleiss, Cohen and Everitt, Psychol. Bull. 72 (1969), equation 13, normal interval.
        AC1 and its standard error: Gwet, Br. J. Math. Stat. Psychol. 61 (2008), for two raters; interval by
        Student's t of n - 1 degrees of freedom. Where the two never differ both standard errors are 0, and
        the lower ends come from the score interval of the share of agreement, chance agreement being held.

    Examples:
        >>> from jaxmle import Counts, agreement
        >>> result = agreement(Counts(tp=40, fn=9, fp=6, tn=45, unlabeled_pos=0, unlabeled_neg=0))
        >>> print(result.kappa)
        0.6995 [0.5596, 0.8394] (Fleiss, Cohen, Everitt)
        >>> print(result.ac1)
        0.7007 [0.5585, 0.8430] (Gwet)
    """
    c = given_counts("agreement", counts, columns)
    if c.shape:
        raise ValueError(f"`counts` must be of one data set; got shape {c.shape}.")
    alpha = 1 - check_confidence(confidence)
    tp, fn, fp, tn = (float(value) for value in c.values()[:4])

    def share(hits: float, misses: float) -> Interval | None:
        if hits + misses <= 0:
            return None
        low, high = score_limits(np.array(hits), np.array(misses), alpha / 2)
        return Interval(hits / (hits + misses), float(low), float(high), confidence, "Wilson")

    n = tp + fn + fp + tn
    kappa = ac1 = None
    accuracy = share(tp + tn, fn + fp)
    if accuracy is not None:
        cells = np.array([[tp, fn], [fp, tn]]) / n
        least = float(accuracy.low) if fn + fp == 0 else None
        kappa = _kappa(cells, n, alpha, confidence, least)
        kinds = [(2, 0, tp), (1, 1, fn + fp), (0, 2, tn)]
        ac1 = rater_agreement(kinds, confidence=confidence).ac1
    return Agreement(
        tpr=share(tp, fn),
        fpr=share(fp, tn),
        precision=share(tp, fp),
        accuracy=accuracy,
        kappa=kappa,
        ac1=ac1,
    )


def _kappa(cells: Array, n: float, alpha: float, confidence: float, least: float | None) -> Interval | None:
    """Cohen's kappa of a table of shares, rows the human's; ``least`` agreement where they never differ."""
    human, judge = cells.sum(1), cells.sum(0)
    agreed, chance = float(np.trace(cells)), float(human @ judge)
    if min(*human, *judge) <= 0 or n <= 1:
        return None
    kappa = (agreed - chance) / (1 - chance)
    method = "Fleiss, Cohen, Everitt"
    if least is not None:
        return Interval(kappa, max((least - chance) / (1 - chance), -1.0), 1.0, confidence, method)
    # Sums over cells of the derivative of kappa, squared, less the square of its mean.
    both = human[None, :] + judge[:, None]
    diagonal = np.diag(cells)
    own = float(diagonal @ (1 - (human + judge) * (1 - kappa)) ** 2)
    apart = float((cells * both**2).sum() - diagonal @ np.diag(both) ** 2)
    variance = own + (1 - kappa) ** 2 * apart - (kappa - chance * (1 - kappa)) ** 2
    error = math.sqrt(max(variance, 0.0) / n) / (1 - chance)
    half = float(quantile_of_t(np.array(alpha / 2), np.array(np.inf))) * error
    return Interval(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0), confidence, method)


@dataclass(frozen=True)
class RaterAgreement:
    """Agreement of several raters on the items that two or more of them labelled; None without such items.

    Attributes:
        share: Share of the pairs of labels of an item that agree, the mean over items.
        kappa: Fleiss' kappa; None where all labels are the same. Low where failures are rare.
        ac1: Gwet's AC1.
    """

    share: float | None
    kappa: Interval | None
    ac1: Interval | None


def rater_agreement(
    patterns: Sequence[tuple[int, int, float]], *, confidence: float = 0.95
) -> RaterAgreement:
    """Measure how well several raters agree, whoever labelled which items.

    Args:
        patterns: How many called an item a failure, how many a pass, and how many items that is so of.
        confidence: Nominal coverage of each interval, in (0, 1).

    Source:
        Fleiss, Psychol. Bull. 76 (1971), and Gwet, Br. J. Math. Stat. Psychol. 61 (2008), both with Gwet's
        variance: Gwet, Handbook of Inter-Rater Reliability (2014), 5.3, for items with fewer labels, of which
        those with one are left out here; interval by Student's t of n - 1 degrees of freedom. Where nobody
        differs the variance is 0, and the lower ends come from the score interval of the share of agreement.
    """
    table = np.array([one for one in patterns if one[0] + one[1] > 1 and one[2]], np.float64).reshape(-1, 3)
    failures, passes, items = table.T
    if not items.sum():
        return RaterAgreement(None, None, None)
    raters = failures + passes
    agreed = (failures * (failures - 1) + passes * (passes - 1)) / (raters * (raters - 1))
    parts = (agreed, failures / raters, items / items.sum(), float(items.sum()), confidence)
    kappa = _beyond_chance(*parts, fleiss=True)
    return RaterAgreement(float(agreed @ parts[2]), kappa, _beyond_chance(*parts, fleiss=False))


def _beyond_chance(
    agreed: Array,
    failing: Array,
    weight: Array,
    n: float,
    confidence: float,
    *,
    fleiss: bool,
) -> Interval | None:
    """Agreement beyond chance, of items of several kinds.

    Args:
        agreed: Share of the pairs of labels that agree, by kind of item.
        failing: Share of the labels that are failures, likewise.
        weight: Share of the items that are of the kind.
        n: Items.
        confidence: Nominal coverage of the interval.
        fleiss: Whether chance is two labels drawn from all of them (Fleiss); else Gwet's.
    """
    share, tail = float(failing @ weight), (1 - confidence) / 2
    gwet = 2 * share * (1 - share)
    chance = 1 - gwet if fleiss else gwet
    by_item = failing * (1 - share) + (1 - failing) * share
    by_item = 1 - by_item if fleiss else by_item
    if chance >= 1:
        return None
    found = (float(agreed @ weight) - chance) / (1 - chance)
    method = "Fleiss, Gwet's variance" if fleiss else "Gwet"
    if np.all(agreed == 1):
        low, _ = score_limits(np.array(n), np.array(0.0), tail)
        return Interval(found, max((float(low) - chance) / (1 - chance), -1.0), 1.0, confidence, method)
    if n <= 1:
        return None
    # What each item adds: agreement, and chance agreement by the share of its labels that are failures.
    parts = (agreed - chance) / (1 - chance) - 2 * (1 - found) * (by_item - chance) / (1 - chance)
    error = math.sqrt(float((weight * (parts - found) ** 2).sum()) / (n - 1))
    half = float(quantile_of_t(np.array(tail), np.array(n - 1.0))) * error
    return Interval(found, max(found - half, -1.0), min(found + half, 1.0), confidence, method)
