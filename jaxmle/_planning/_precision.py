"""How sure an estimate is, and would be with more labels: closed forms, at once."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from jaxmle._data import Counts
from jaxmle._model import closed_form, post_stratified_variance, rogan_gladen_variance
from jaxmle._planning._label_formulas import human_labels, human_power
from jaxmle._planning._plan import first_estimate
from jaxmle._stats import divide

# Fewer labels than this say next to nothing, whatever a formula holds of them.
MIN_LABELS = 10
_POWER = 0.8


@dataclass(frozen=True)
class Precision:
    """How sure the estimate without bounds is, and would be with more labels: normal approximations.

    Of labels drawn at random its variance is (w p (1 - p) + (1 - w) q (1 - q)) / labels
    + w (1 - w) (p - q)^2 / items, where w is the share of flagged items, and p and q are the shares of
    failures among flagged and unflagged ones. Labels that tell of the judge alone have that of Rogan-Gladen.

    Attributes:
        rate: The estimate with half a label of each kind beside the labels, which keeps a rate of zero from
            seeming certain: what the formulas go by.
        estimate: The estimate itself, as `fit` finds it without bounds.
        labels: Labels that there are.
        each: Its variance if there were one label, without the part that labels do not take away.
        rest: The part that labels do not take away.
        judge: TPR and FPR in the labels; None where they do not tell, or where no item is left to judge.
        n_unlabeled: Items without a label.
        external: Whether the labels tell of the judge alone.
    """

    rate: float
    estimate: float
    labels: float
    each: float
    rest: float
    judge: tuple[float, float] | None
    n_unlabeled: int
    external: bool

    @classmethod
    def of(cls, total: Counts, *, external: bool) -> "Precision | None":
        """From counts with labels; None where a judge at chance leaves the estimate open."""
        tp, fn, fp, tn, pos, neg = (float(value) for value in total.values())
        labels, items = tp + fn + fp + tn, tp + fn + fp + tn + pos + neg
        judge = (tp / (tp + fn), fp / (fp + tn)) if tp + fn and fp + tn and pos + neg >= 1 else None
        if judge is not None and judge[0] <= judge[1]:
            judge = None
        found = closed_form(total, calibration="external" if external else "internal")
        plain = float(found.params.failure_rate)
        if not external:
            w, p, q = (tp + fp + pos) / items, (tp + 0.5) / (tp + fp + 1), (fn + 0.5) / (fn + tn + 1)
            of_items, flagged, passed = post_stratified_variance(*np.array([w, 1 - w, p, q]))
            each = float(divide(flagged, np.asarray(w)) + divide(passed, np.asarray(1 - w)))
            rest = float(of_items / items)
            rate = w * p + (1 - w) * q
            estimate = plain if tp + fp and fn + tn else rate
            return cls(rate, estimate, labels, each, rest, judge, int(pos + neg), False)
        tpr, fpr = (tp + 0.5) / (tp + fn + 1), (fp + 0.5) / (fp + tn + 1)
        if tpr <= fpr or not pos + neg:
            return None
        flags = pos / (pos + neg)
        # Half a failure, as above.
        rate = min(max((flags - fpr) / (tpr - fpr), 0.5 / (labels + 1)), 1.0)
        of_items, failures, passes = rogan_gladen_variance(*np.array([rate, tpr, fpr, flags]))
        each = float(failures / (tp + fn + 1) + passes / (fp + tn + 1))
        gain = (tpr - fpr) ** 2
        rest = float(of_items / (pos + neg) / gain)
        estimate = plain if bool(found.exists) else rate
        return cls(rate, estimate, labels, labels * each / gain, rest, judge, int(pos + neg), True)

    @property
    def expected(self) -> dict[str, float] | None:
        """What `plan` takes the rates to be, to three digits; None where the judge is not known."""
        if self.judge is None:
            return None
        rates = zip(("failure_rate", "tpr", "fpr"), (self.rate, *self.judge), strict=True)
        return {name: float(f"{rate:.3g}") for name, rate in rates}

    def half_width(self, confidence: float) -> float:
        """Half the width of a two-sided interval."""
        return NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(self.each / self.labels + self.rest)

    def labels_to_within(self, half_width: float, confidence: float) -> int | None:
        """Labels in all that give a two-sided interval of this half width; None if no number of them will."""
        room = (half_width / NormalDist().inv_cdf((1 + confidence) / 2)) ** 2 - self.rest
        return math.ceil(self.each / room) if room > 0 else None

    def limit_in_reach(self, confidence: float) -> float | None:
        """Least limit, in whole percent or tenths, that is certified with a probability of .8."""
        if self.judge is None:  # then humans alone tell
            limits = np.arange(1, 1000) / 1000
            likely = human_power(int(self.labels), self.rate, limits, confidence) >= _POWER
            reach = float(limits[np.argmax(likely)]) if likely.any() else 1.0
        else:
            reach = self.rate + _distance(confidence) * math.sqrt(self.each / self.labels + self.rest)
            # Not even labels without a failure show less.
            reach = max(reach, 1 - (1 - confidence) ** (1 / self.labels))
        steps = 1000 if reach < 0.02 else 100
        limit = math.ceil(reach * steps) / steps
        return limit if limit < 1 else None

    def labels_for(self, limit: float, confidence: float) -> int | None:
        """Labels in all that certify a limit with a probability of .8; None if no number of them will.

        The number that `plan` begins with: for a random sample of independent items, without bounds. Where
        nothing is known of the judge, as without a failure among the labels, that of humans alone.
        """
        expected = self.expected
        rate = self.rate if expected is None else expected["failure_rate"]
        if not 0 < rate < limit:
            return None
        if expected is None:
            found = human_labels(rate, limit, confidence, _POWER)
        else:
            found = first_estimate(
                failure_rate=rate,
                judge_tpr=expected["tpr"],
                judge_fpr=expected["fpr"],
                n_unlabeled=self.n_unlabeled,
                limit=limit,
                power=_POWER,
                confidence=confidence,
                calibration="external" if self.external else "internal",
            )
        return None if found is None else max(found, MIN_LABELS)


def _distance(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence) + NormalDist().inv_cdf(_POWER)
