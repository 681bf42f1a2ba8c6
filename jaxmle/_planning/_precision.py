"""How sure an estimate is, and would be with more labels: closed forms, at once."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from jaxmle._data import Counts

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
        rate: The estimate.
        labels: Labels that there are.
        each: Its variance if there were one label, without the part that labels do not take away.
        rest: The part that labels do not take away.
    """

    rate: float
    labels: float
    each: float
    rest: float

    @classmethod
    def of(cls, total: Counts, *, external: bool) -> "Precision | None":
        """From counts with labels; None where a judge at chance leaves the estimate open."""
        tp, fn, fp, tn, pos, neg = (float(value) for value in total.values())
        labels, items = tp + fn + fp + tn, tp + fn + fp + tn + pos + neg
        # Half a label of each kind keeps a rate of zero from seeming certain.
        if not external:
            w, p, q = (tp + fp + pos) / items, (tp + 0.5) / (tp + fp + 1), (fn + 0.5) / (fn + tn + 1)
            each = w * p * (1 - p) + (1 - w) * q * (1 - q)
            return cls(w * p + (1 - w) * q, labels, each, w * (1 - w) * (p - q) ** 2 / items)
        tpr, fpr = (tp + 0.5) / (tp + fn + 1), (fp + 0.5) / (fp + tn + 1)
        if tpr <= fpr or not pos + neg:
            return None
        flags = pos / (pos + neg)
        rate = min(max((flags - fpr) / (tpr - fpr), 0.0), 1.0)
        each = rate**2 * tpr * (1 - tpr) / (tp + fn + 1) + (1 - rate) ** 2 * fpr * (1 - fpr) / (fp + tn + 1)
        gain = (tpr - fpr) ** 2
        return cls(rate, labels, labels * each / gain, flags * (1 - flags) / (pos + neg) / gain)

    def half_width(self, confidence: float) -> float:
        """Half the width of a two-sided interval."""
        return NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(self.each / self.labels + self.rest)

    def labels_to_within(self, half_width: float, confidence: float) -> int | None:
        """Labels in all that give a two-sided interval of this half width; None if no number of them will."""
        room = (half_width / NormalDist().inv_cdf((1 + confidence) / 2)) ** 2 - self.rest
        return math.ceil(self.each / room) if room > 0 else None

    def limit_in_reach(self, confidence: float) -> float | None:
        """Least limit, in whole percent or tenths, that is certified with a probability of .8."""
        reach = self.rate + _distance(confidence) * math.sqrt(self.each / self.labels + self.rest)
        steps = 1000 if reach < 0.02 else 100
        limit = math.ceil(reach * steps) / steps
        return limit if limit < 1 else None

    def labels_for(self, limit: float, confidence: float) -> int | None:
        """Labels in all that certify a limit with a probability of .8; None if no number of them will."""
        room = max(limit - self.rate, 0) ** 2 / _distance(confidence) ** 2 - self.rest
        return max(math.ceil(self.each / room), MIN_LABELS) if room > 0 else None


def _distance(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence) + NormalDist().inv_cdf(_POWER)
