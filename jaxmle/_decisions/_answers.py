"""Estimates, intervals and verdicts of one data set under many bounds, as one batch."""

import warnings
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._inference import certify, profile_interval
from jaxmle._inference._contradiction import contradicted
from jaxmle._inference._fit import fit_flat
from jaxmle._simulation import Labels

OK, CROSSED, IMPOSSIBLE, CONTRADICTED, UNIDENTIFIED = (
    "ok",
    "low > high",
    "impossible",
    "contradicted",
    "not identified",
)

_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Answers:
    """What the data say under some bounds.

    Numbers are masked arrays, masked where there is none; those at the present bounds plain, or None.

    Attributes:
        estimate: Failure rate; none where it is not identified.
        low: Lower end of the two-sided profile interval.
        high: Its upper end.
        upper_limit: One-sided upper confidence limit; none where the data contradict the bounds.
        certified: Whether the failure rate is certified to be below the limit; None without a limit.
        status: "ok"; "low > high"; "impossible" where the bounds give the data probability zero;
            "contradicted" where they fit so badly that nothing is certified; or "not identified".
    """

    estimate: Any
    low: Any
    high: Any
    upper_limit: Any
    certified: Any
    status: Any

    def parts(self, index: Any) -> dict[str, Any]:
        """Elements at ``index`` of each field."""
        found = {one.name: getattr(self, one.name) for one in fields(Answers)}
        return {name: None if value is None else value[index] for name, value in found.items()}


@dataclass(frozen=True)
class Question:
    """One data set, and what is asked of it.

    Attributes:
        counts: Six counts.
        present: The six ends of the present bounds, under which the data are possible.
        limit: Failure rate to stay under, or None.
        confidence: Of interval, limit and verdict.
        calibration: Design.
        labels: How items were chosen for labelling.
        wider: Arguments ``design_effect`` and ``df``, or none.
    """

    counts: tuple[float, ...]
    present: Any
    limit: float | None
    confidence: float
    calibration: Calibration
    labels: Labels
    wider: dict[str, Any]

    def answers(self, ends: Any) -> Answers:
        """Answer under bounds of shape ``(N, 6)``."""
        size = len(ends)
        # Blocks of one size, whatever is asked, meet programs that are compiled for them.
        padded = np.concatenate([ends, np.tile(self.present, (-size % _BLOCK, 1))])
        blocks = [self._block(block) for block in np.split(padded, len(padded) // _BLOCK)]
        numbers, masks, certified, status = (
            np.concatenate(parts, -1)[..., :size] for parts in zip(*blocks, strict=True)
        )
        estimate, low, high, upper = (
            np.ma.MaskedArray(row, mask=mask) for row, mask in zip(numbers, masks, strict=True)
        )
        return Answers(estimate, low, high, upper, None if self.limit is None else certified, status)

    def _block(self, ends: Any) -> tuple[Any, Any, Any, Any]:
        """Four numbers, where there is none, verdict and status under each of the bounds."""
        size = len(ends)
        status = np.full(size, OK, dtype=object)
        status[(ends[:, 0::2] > ends[:, 1::2]).any(1)] = CROSSED
        ends = np.where((status == OK)[:, None], ends, self.present)
        counts = [np.full(size, value) for value in self.counts]
        leaves = self._leaves(counts, ends)
        free = fit_flat(leaves, self.calibration)
        impossible = ~np.isfinite(free.log_likelihood)
        against = contradicted(leaves, free.log_likelihood, self.calibration)
        for flags, name in (
            (~free.identified, UNIDENTIFIED),
            (against, CONTRADICTED),
            (impossible, IMPOSSIBLE),
        ):
            status[(status != CROSSED) & flags] = name
        nothing = (status == CROSSED) | (status == IMPOSSIBLE)
        # The present bounds, which are possible, stand in for those without an answer.
        ends = np.where(nothing[:, None], self.present, ends)
        bounds = Bounds(*((ends[:, i], ends[:, i + 1]) for i in (0, 2, 4)))
        *numbers, certified = self._ask(Counts(*counts), bounds)
        masks = [
            nothing | (status == UNIDENTIFIED),
            nothing,
            nothing,
            nothing | (status == CONTRADICTED),
        ]
        return np.stack(numbers), np.stack(masks), certified & ~nothing, status

    def _leaves(self, counts: list[Any], ends: Any) -> list[Any]:
        effect = self.wider.get("design_effect") or 1.0
        return [x / effect for x in counts] + list(np.ascontiguousarray(ends.T))

    def _ask(self, counts: Counts, bounds: Bounds) -> tuple[Any, ...]:
        given: dict[str, Any] = {
            "confidence": self.confidence,
            "calibration": self.calibration,
            "labels": self.labels,
            **self.wider,
        }
        with warnings.catch_warnings():
            # Said once of the present bounds; of the others the status tells.
            warnings.simplefilter("ignore", UserWarning)
            interval = profile_interval(counts, bounds, calibrate=False, **given)
            if self.limit is None:
                above = profile_interval(counts, bounds, side="upper", calibrate=False, **given)
                upper, certified = above.high, np.zeros(len(above.high), bool)
            else:
                verdict = certify(counts, bounds, limit=self.limit, method="profile", **given)
                upper, certified = verdict.upper_limit, verdict.certified
        return interval.estimate, interval.low, interval.high, upper, certified
