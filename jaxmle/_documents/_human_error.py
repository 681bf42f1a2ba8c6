"""Human labels that err, in documents: what estimate, interval and verdict become."""

from math import comb
from typing import Literal, NamedTuple

import numpy as np

from jaxmle._data import Counts
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._words import names_text
from jaxmle._sensitivity import error_ranges, labeled_limit, leave_none, rater_error, true_rate
from jaxmle._tables import Raters, SliceCounts
from jaxmle._types import Document

Range = tuple[float, float]


class HumanErrors(NamedTuple):
    """Ranges of the rates at which humans err: failures that they miss, passes that they call failures.

    Attributes:
        missed: Share of the failures that labels call passes.
        false_alarms: Share of the passes that labels call failures.
        agreement: What two raters' agreement says, where the ranges are from it.
    """

    missed: Range
    false_alarms: Range
    agreement: Document | None = None

    @classmethod
    def of(
        cls, given: tuple[Range, Range] | Literal["agreement"], table: SliceCounts, analysis: AnalysisSettings
    ) -> "HumanErrors":
        """Check what was said of labels that err, or learn it from two raters.

        Args:
            given: Ranges of failures that humans miss and of passes that they call failures; or "agreement".
            table: Counts by slice, which knows of the raters.
            analysis: What the user says of the data.

        Raises:
            ValueError: The ranges leave nothing, or the labels are from elsewhere; or no two raters are
                there who labelled the same items, or these have weights or clusters.
        """
        if analysis.calibration == "external":
            raise ValueError(
                "human error can be allowed for where the labels are of the judged items: not with external "
                "ones, since what they tell of the judge depends on the failure rate where they come from."
            )
        if given != "agreement":
            return cls(*error_ranges(*given))
        if table.clusters is not None or table.squares is not None:
            raise ValueError(
                "--human-error agreement counts items that stand alone, each once: with --weight or "
                "--cluster say the ranges, as in --human-error 0:0.1."
            )
        return cls._of_raters(None if table.panel is None else table.panel.raters, analysis.confidence)

    @classmethod
    def _of_raters(cls, raters: Raters | None, confidence: float) -> "HumanErrors":
        if raters is None:
            raise ValueError(
                "--human-error agreement is of several raters: name their columns with --human, their files "
                "with --human-file, or label the queue once more with --rater."
            )
        two = len(raters.names) == 2
        if not raters.n_several:
            who = "both" if two else "two of"
            raise ValueError(
                f"--human-error agreement: no item was labelled by {who} {names_text(raters.names)}."
            )
        if raters.n_undecided:
            raise ValueError(
                f"--human-error agreement goes with --human-combine any{'' if two else ', majority'} or all: "
                "by a number some items have no label for what was said of them."
            )
        cells = np.array(raters.pairs).T
        pairs = Counts(*cells, *np.zeros((2, cells.shape[1])))
        found = rater_error(pairs, confidence=confidence)
        given: dict[int, int] = {}
        for failures, passes, rows in raters.patterns:
            given[failures + passes] = given.get(failures + passes, 0) + rows
        shares = {n: rows / raters.n_labeled for n, rows in given.items()}
        missed, alarms = _combined(found.missed[1], found.false_alarms[1], raters.rule, shares)
        if missed + alarms >= 1:
            raise ValueError(
                f"--human-error agreement: {names_text(raters.names)} differ on {found.disagreement:.1%} "
                f"{'' if two else 'of the pairs of labels '}of {raters.n_several:,} items, so that labels "
                f"may be wrong on up to {missed:.1%} of the failures and {alarms:.1%} of the passes, and "
                "tell nothing then: let them label more of the same items, or settle where they differ."
            )
        equal = None if found.rate is None else _combined(found.rate, found.rate, raters.rule, shares)
        return cls(
            (0.0, missed),
            (0.0, alarms),
            {
                "raters": raters.names,
                "rule": raters.rule,
                "n_both": found.n_both if two else raters.n_several,
                "disagreement": found.disagreement,
                "rate": found.rate,
                "low": found.low,
                "high": found.high,
                "labels_if_equal": None if equal is None else list(equal),
                "p_value": found.p_value,
            },
        )

    @property
    def settings(self) -> Document:
        """The ranges, for a document."""
        ranges: Document = {"missed": list(self.missed), "false_alarms": list(self.false_alarms)}
        return ranges if self.agreement is None else {**ranges, "agreement": self.agreement}

    def limit(self, limit: float) -> float:
        """Limit that the share of failures among labels must stay below."""
        return labeled_limit(limit, self.missed, self.false_alarms)

    def highest(self, rate: float) -> float:
        """Largest true rate where the labels' rate is at most this."""
        return float(true_rate(rate, self.missed[1], self.false_alarms[0]))

    def lowest(self, rate: float) -> float:
        """Smallest true rate where the labels' rate is at least this."""
        return float(true_rate(rate, self.missed[0], self.false_alarms[1]))

    def add_to(self, document: Document) -> None:
        """Add to a document of `jaxmle estimate` what its rates become."""
        document["settings"]["human_error"] = self.settings
        if mix := document.get("mix"):
            mix["human_error"] = self._allowed(mix)
        for record in [*document["slices"], document["total"]]:
            rate = record["failure_rate"]
            _put_first(record, self._allowed(rate))
            if leave_none(rate["low"], rate["high"], self.missed, self.false_alarms):
                record["warnings"].append(
                    "human error: no failure rate agrees with these labels; fewer of them are failures than "
                    "the false alarms alone would be, or more than the misses leave"
                )

    def _allowed(self, rate: Document) -> Document:
        """What a rate and its interval become; those of a mix too, since labels err alike in all slices."""
        estimate = rate["estimate"]
        return {
            "estimates": None if estimate is None else [self.lowest(estimate), self.highest(estimate)],
            "low": self.lowest(rate["low"]),
            "high": self.highest(rate["high"]),
        }

    def add_verdicts_to(self, document: Document, limit: float) -> None:
        """Turn a document of `jaxmle certify` at `limit` of labels into one at the limit that was asked."""
        document["settings"] |= {"limit": limit, "human_error": self.settings}
        document["settings"]["labeled_limit"] = self.limit(limit)
        for record in [*document["slices"], document["total"]]:
            upper, rate = record["upper_limit"], record["failure_rate"]
            allowed = {
                "estimates": None if rate is None else [self.lowest(rate), self.highest(rate)],
                "labeled_upper_limit": upper,
                "certified_if_right": bool(np.less_equal(upper, limit)),
            }
            _put_first(record, allowed)
            record["upper_limit"] = self.highest(upper)
            if "upper_limit_once" in record:
                record["upper_limit_once"] = self.highest(record["upper_limit_once"])
            if leave_none(0.0, upper, self.missed, self.false_alarms):
                record |= {"certified": False, "p_value": 1.0, "upper_limit": 1.0}
                record["warnings"].append(
                    "human error: fewer items are failures by their labels than the false alarms alone would "
                    "be, so nothing is certified here"
                )
        judged = document["slices"] or [document["total"]]
        document["certified"] = all(record["certified"] for record in judged)


def _put_first(record: Document, allowed: Document) -> None:
    """Add to a record what holds where labels err, before the rate that takes them for right."""
    items = list(record.items())
    place = list(record).index("failure_rate")
    record.clear()
    record.update([*items[:place], ("human_error", allowed), *items[place:]])


def _combined(missed: float, false_alarms: float, rule: str | None, shares: dict[int, float]) -> Range:
    """Rates of error of the label that a rule makes, from those of each person, who err independently.

    Args:
        missed: Share of the failures that each calls a pass.
        false_alarms: Share of the passes that each calls a failure.
        rule: "any", "all", "majority" or a number; without one all agree, and rates of one person are no
            smaller. They are no smaller either than those of a majority of an even number without ties.
        shares: By number of people, the share of the labels that so many gave.
    """

    def at_least(rate: float, n: int, k: int) -> float:
        """Chance that k of n people or more do what each does at a rate."""
        return sum(comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k, n + 1))

    misses = alarms = 0.0
    for n, share in shares.items():
        k = {"any": 1, "all": n}.get(rule or "", (n + 1) // 2)
        k = min(int(rule), n) if rule and rule.isdecimal() else k
        alone = n == 1 or rule is None or (rule == "majority" and n % 2 == 0)
        misses += share * (missed if alone else at_least(missed, n, n - k + 1))
        alarms += share * (false_alarms if alone else at_least(false_alarms, n, k))
    return misses, alarms
