"""Human labels that err, in documents: what estimate, interval and verdict become."""

from typing import NamedTuple

import numpy as np

from jaxmle._documents._settings import AnalysisSettings
from jaxmle._sensitivity import error_ranges, labeled_limit, leave_none, true_rate
from jaxmle._types import Document

Range = tuple[float, float]


class HumanErrors(NamedTuple):
    """Ranges of the rates at which humans err: failures that they miss, passes that they call failures."""

    missed: Range
    false_alarms: Range

    @classmethod
    def of(cls, missed: Range, false_alarms: Range, analysis: AnalysisSettings) -> "HumanErrors":
        """Check the ranges against each other and the design.

        Raises:
            ValueError: They leave nothing, or the labels are from elsewhere.
        """
        if analysis.calibration == "external":
            raise ValueError(
                "human error can be allowed for where the labels are of the judged items: not with external "
                "ones, since what they tell of the judge depends on the failure rate where they come from."
            )
        return cls(*error_ranges(missed, false_alarms))

    @property
    def settings(self) -> Document:
        """The ranges, for a document."""
        return {"missed": list(self.missed), "false_alarms": list(self.false_alarms)}

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
        for record in [*document["slices"], document["total"]]:
            rate = record["failure_rate"]
            estimate = rate["estimate"]
            record["human_error"] = {
                "estimates": None if estimate is None else [self.lowest(estimate), self.highest(estimate)],
                "low": self.lowest(rate["low"]),
                "high": self.highest(rate["high"]),
            }
            if leave_none(rate["low"], rate["high"], *self):
                record["warnings"].append(
                    "human error: no failure rate agrees with these labels; fewer of them are failures than "
                    "the false alarms alone would be, or more than the misses leave"
                )

    def add_verdicts_to(self, document: Document, limit: float) -> None:
        """Turn a document of `jaxmle certify` at `limit` of labels into one at the limit that was asked."""
        document["settings"] |= {"limit": limit, "human_error": self.settings}
        document["settings"]["labeled_limit"] = self.limit(limit)
        for record in [*document["slices"], document["total"]]:
            upper, rate = record["upper_limit"], record["failure_rate"]
            record["human_error"] = {
                "estimates": None if rate is None else [self.lowest(rate), self.highest(rate)],
                "labeled_upper_limit": upper,
                "certified_if_right": bool(np.less_equal(upper, limit)),
            }
            record["upper_limit"] = self.highest(upper)
            if leave_none(0.0, upper, *self):
                record |= {"certified": False, "p_value": 1.0, "upper_limit": 1.0}
                record["warnings"].append(
                    "human error: fewer items are failures by their labels than the false alarms alone would "
                    "be, so nothing is certified here"
                )
        judged = document["slices"] or [document["total"]]
        document["certified"] = all(record["certified"] for record in judged)
