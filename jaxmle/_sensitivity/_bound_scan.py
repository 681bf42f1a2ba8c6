"""Estimates, intervals and verdicts of one data set under many bounds, as one batch."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, cast

import numpy as np

from jaxmle._arrays import pytree, tree_map
from jaxmle._data import Problem, host_number, rate_meant
from jaxmle._inference import Fit, asymptotic_p_values, contradicted, fit_flat
from jaxmle._results import Result
from jaxmle._simulation import Labels
from jaxmle._types import Array, Index

OK, CROSSED, IMPOSSIBLE, CONTRADICTED, UNIDENTIFIED = (
    "ok",
    "low > high",
    "impossible",
    "contradicted",
    "not identified",
)


@pytree
@dataclass(frozen=True, eq=False)
class ScanResult(Result):
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

    estimate: Array
    low: Array
    high: Array
    upper_limit: Array
    certified: Array
    status: Array

    def parts(self, index: Index) -> dict[str, Array | None]:
        """Elements at ``index`` of each field."""
        found = {one.name: getattr(self, one.name) for one in fields(ScanResult)}
        return {name: None if value is None else value[index] for name, value in found.items()}


# No rows: what `tree_map` passes over.
_NOTHING = cast(Array, ())


class Verdicts(NamedTuple):
    """Verdict and status under some bounds, as in `ScanResult`."""

    certified: Array
    status: Array


class _Rows(NamedTuple):
    """Bounds that have been looked at, each once, and what was found there; leading axis ``N``."""

    ends: Array
    verdicts: Verdicts
    numbers: Array = _NOTHING
    masks: Array = _NOTHING


@dataclass(frozen=True, eq=False)
class BoundScan:
    """One data set, and what is asked of it.

    Attributes:
        present: The fit at the present bounds, under which the data are possible, of counts that are divided
            by their design effect, shape ``(1,)``.
        unbounded: The log-likelihood without bounds, shape ``(1,)``.
        limit: Failure rate to stay under, or None.
        confidence: Of interval, limit and verdict.
        labels: How items were chosen for labelling.
        mismatched: Whether the labelled items are not the random sample they are declared to be.
        df: Degrees of freedom, or None.
    """

    present: Fit
    unbounded: Array
    limit: float | None
    confidence: float
    labels: Labels
    mismatched: bool
    df: float | None
    _judged: list[_Rows] = field(default_factory=list)
    _answered: list[_Rows] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.limit is None:
            return
        value = host_number("limit", self.limit)
        if np.ndim(value) or not 0 < value < 1:
            raise ValueError(
                f"`limit` must be one number strictly between 0 and 1; got {self.limit!r}{rate_meant(value)}."
            )
        object.__setattr__(self, "limit", float(value))

    @property
    def ends(self) -> Array:
        """The six ends of the present bounds."""
        return np.concatenate(self._problem.arrays()[6:])

    @property
    def _problem(self) -> Problem:
        return Problem(self.present.counts, self.present.bounds)

    def results(self, ends: Array) -> ScanResult:
        """Estimates, intervals and verdicts under bounds of shape ``(N, 6)``; none are looked at twice."""
        found = self._at(ends, self._answered, self._answers)
        estimate, low, high, upper = (
            np.ma.MaskedArray(row, mask=mask)
            for row, mask in zip(found.numbers.T, found.masks.T, strict=True)
        )
        certified, status = found.verdicts
        verdict = cast(Array, None) if self.limit is None else certified
        return ScanResult(estimate, low, high, upper, verdict, status)

    def verdicts(self, ends: Array) -> Verdicts:
        """Verdicts on the limit under bounds of shape ``(N, 6)``; none are looked at twice."""
        return self._at(ends, self._judged, self._verdicts).verdicts

    def _at(self, ends: Array, seen: list[_Rows], look: Callable[[Array], _Rows]) -> _Rows:
        """Rows of the bounds, those that have not been seen looked at."""
        size = sum(len(rows.ends) for rows in seen)
        stacked = np.concatenate([*(rows.ends for rows in seen), ends])
        _, first, place = np.unique(stacked, axis=0, return_index=True, return_inverse=True)
        new = np.sort(first[first >= size])
        if new.size:
            seen.append(look(stacked[new]))
        position = np.arange(len(stacked))
        position[new] = size + np.arange(new.size)
        chosen = position[first[place.reshape(-1)[size:]]]
        return tree_map(lambda *parts: np.concatenate(parts)[chosen], *seen)

    def _answers(self, ends: Array) -> _Rows:
        free, there, status = self._fits(ends)
        numbers, certified = np.zeros((len(ends), 4)), np.zeros(len(ends), bool)
        given = self._given()
        if there.size:
            against = status[there] == CONTRADICTED
            with warnings.catch_warnings():
                # Said once of the present bounds; of the others the status tells.
                warnings.simplefilter("ignore", UserWarning)
                interval = free.interval(simulate=False, **given)
                upper = np.asarray(free.interval(side="upper", simulate=False, **given).high)
            if self.limit is not None:
                certified[there] = self._certified(free, against)
                # They agree but for rounding.
                upper = np.where(certified[there], np.minimum(upper, self.limit), upper)
                if self.mismatched:
                    upper = free.bounds.failure_rate[1]
            parts = (interval.estimate, interval.low, interval.high, upper)
            numbers[there] = np.stack([np.asarray(part) for part in parts], -1)
        nothing = (status == CROSSED) | (status == IMPOSSIBLE)
        no_limit = nothing | (status == CONTRADICTED)
        masks = np.stack([nothing | (status == UNIDENTIFIED), nothing, nothing, no_limit], -1)
        return _Rows(ends, Verdicts(certified, status), numbers, masks)

    def _verdicts(self, ends: Array) -> _Rows:
        free, there, status = self._fits(ends)
        certified = np.zeros(len(ends), bool)
        if there.size and not self.mismatched:
            certified[there] = self._certified(free, status[there] == CONTRADICTED)
        return _Rows(ends, Verdicts(certified, status))

    def _certified(self, free: Fit, against: Array) -> Array:
        """Verdicts on the limit by the asymptotic distribution: a scan asks for thousands."""
        rate = np.full(len(against), self.limit)
        p = asymptotic_p_values(free, rate, np.inf if self.df is None else self.df)
        return (p <= 1 - self.confidence) & ~against & (not self.mismatched)

    def _given(self) -> dict[str, Any]:
        given: dict[str, Any] = {"confidence": self.confidence, "labels": self.labels}
        if self.df is not None:
            given |= {"design_effect": 1.0, "df": self.df}
        return given

    def _fits(self, ends: Array) -> tuple[Fit, Array, Array]:
        """Fits under the bounds that allow one, their places, and the status under each of the bounds."""
        crossed = (ends[:, 0::2] > ends[:, 1::2]).any(1)
        here = (ends == self.ends).all(1)
        others = np.flatnonzero(~here & ~crossed)
        counts = self._problem.take(np.zeros(len(others), int)).arrays()[:6]
        parts = [self.present[: int(here.sum())]]
        if others.size:
            problem = Problem.of([*counts, *np.ascontiguousarray(ends[others].T)])
            parts.append(fit_flat(problem, self.present.calibration))
        free = tree_map(lambda *rows: np.concatenate(rows), *parts)
        there = np.concatenate([np.flatnonzero(here), others])
        status = np.full(len(ends), OK, dtype=object)
        status[crossed] = CROSSED
        possible = np.isfinite(free.log_likelihood)
        for flags, name in (
            (~free.identified, UNIDENTIFIED),
            (contradicted(free, unbounded=self.unbounded), CONTRADICTED),
            (~possible, IMPOSSIBLE),
        ):
            status[there[flags]] = name
        return free[possible], there[possible], status
