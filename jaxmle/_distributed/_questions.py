"""What is asked of slices, in a form that goes to other processes."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from jaxmle._data import Bounds, Counts, check_calibration, check_confidence, need_bounds
from jaxmle._documents import (
    Among,
    AnalysisSettings,
    ColumnArrays,
    IntervalName,
    PartOfSlices,
    naming_slices,
    with_unjudged,
)
from jaxmle._engine import Engine, check_engine, side_by_side
from jaxmle._inference import (
    MOST_REPLICATES,
    CertificateMethod,
    Target,
    check_labels,
    check_seed,
    check_whole,
)
from jaxmle._tables import COUNTS, UNJUDGED, column_types
from jaxmle._types import Array

Name = Literal["estimate", "certify", "bootstrap"]

# Slices that are worked on at once, to bound memory.
_BLOCK = 8192
# ColumnArrays of results that `estimate` does not have, and those of each of the others.
_MORE = {"certified": "BOOLEAN", "p_value": "DOUBLE", "upper_limit": "DOUBLE", "standard_error": "DOUBLE"}
_OWN = {
    "certify": ("certified", "p_value", "upper_limit", "failure_rate", "at_bound"),
    "bootstrap": ("failure_rate", "low", "high", "standard_error", "share_at_bound", "identified"),
}


@dataclass(frozen=True)
class Question:
    """What is asked of slices.

    Attributes:
        name: "estimate", "certify" or "bootstrap".
        analysis: What the user says of the data.
        engine: "numpy" or "jax".
        interval: "profile", "chi-square" or "bootstrap": of "estimate".
        target: "population" or "items": of "estimate".
        n_resamples: Bootstrap replicates: of "estimate" and "bootstrap".
        limit: Failure rate to stay under: of "certify".
        method: "exact" or "profile": of "certify".
    """

    name: Name
    analysis: AnalysisSettings
    engine: Engine = "numpy"
    interval: IntervalName = "profile"
    target: Target = "population"
    n_resamples: int = 10_000
    limit: float | None = None
    method: CertificateMethod = "exact"

    def __post_init__(self) -> None:
        _check_choice("question", self.name, Name)
        _check_choice("interval", self.interval, IntervalName)
        _check_choice("target", self.target, Target)
        _check_choice("method", self.method, CertificateMethod)
        check_engine(self.engine)
        check_whole("n_resamples", self.n_resamples, 2, MOST_REPLICATES)
        analysis = self.analysis
        need_bounds(analysis.bounds)
        if analysis.bounds.shape:
            raise ValueError(f"`bounds` must be the same for all slices; got shape {analysis.bounds.shape}.")
        check_calibration(analysis.calibration)
        check_labels(analysis.labels, analysis.calibration)
        check_confidence(analysis.confidence)
        check_seed(analysis.seed)
        if (self.limit is None) == (self.name == "certify"):
            raise ValueError(f'`limit` goes with "certify"; got {self.limit!r} with {self.name!r}.')
        if self.limit is not None and not 0 < self.limit < 1:
            raise ValueError(f"`limit` must lie in (0, 1); got {self.limit!r}.")
        if self.target == "items" and self.interval != "profile":
            raise ValueError('`target` must be "population" unless `interval` is "profile"; got "items".')

    def part(self, counts: Counts, among: Among) -> PartOfSlices:
        """Some of the slices, fitted."""
        return PartOfSlices.of(counts, self.analysis, among, self.engine)

    def answers(self, counts: Counts, unjudged: Array, keys: Sequence[Array], among: Among) -> ColumnArrays:
        """ColumnArrays of results.

        Args:
            counts: Counts, shape ``(B,)``.
            unjudged: Human failures and passes among the rows without a judge verdict, shape ``(B, 2)``.
            keys: Values of each key column.
            among: What the other slices have to do with these.
        """

        def of_part(start: int) -> ColumnArrays:
            some = slice(start, start + _BLOCK)
            return self._answers(counts[some], unjudged[some], [key[some] for key in keys], among)

        starts = range(0, len(counts), _BLOCK)
        in_turn = self.engine == "jax"
        with warnings.catch_warnings():
            # What is left out slice by slice within: settings of warnings are those of all threads.
            warnings.simplefilter("ignore", UserWarning)
            parts = [of_part(start) for start in starts] if in_turn else side_by_side(of_part, starts)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _answers(self, counts: Counts, unjudged: Array, keys: Sequence[Array], among: Among) -> ColumnArrays:
        with naming_slices(
            lambda i: {name: str(key[i]) for name, key in zip(self.analysis.by, keys, strict=True)}
        ):
            part = self.part(counts, among)
        if self.name == "estimate":
            found = part.estimates(interval=self.interval, n_resamples=self.n_resamples, target=self.target)
        elif self.name == "certify":
            assert self.limit is not None
            found = part.certificates(limit=self.limit, method=self.method)
        else:
            found = part.replicates(n_resamples=self.n_resamples)
        return with_unjudged(found, unjudged)

    def types(self) -> dict[str, str]:
        """Names and types of the columns of results: "BIGINT", "DOUBLE", "BOOLEAN" or "VARCHAR"."""
        known = column_types()
        if self.name == "estimate":
            return known
        sizes = [*known][:8]
        of_data = ["few_labels", "unjudged_n_labeled", "unjudged_failure_rate", "warnings"]
        return {name: known.get(name) or _MORE[name] for name in (*sizes, *_OWN[self.name], *of_data)}

    def check_keys(self) -> None:
        """Raise ``ValueError`` where a column that makes the slices has the name of one of results."""
        taken = {name.casefold() for name in (*self.types(), *COUNTS, *UNJUDGED)}
        for column in self.analysis.by:
            if column.casefold() in taken:
                raise ValueError(f"`by`: results have a column {column!r} too; rename yours.")


def question_of(name: Name, by: Sequence[str], bounds: Bounds | None, **options: Any) -> Question:
    """Sort options into what is asked and what the user says of the data.

    Raises:
        TypeError: There is no such option.
        ValueError: One is out of range.
    """
    own = {one.name for one in fields(Question)} & set(options)
    of_data = {one.name for one in fields(AnalysisSettings)} - {"notes", "bounds_from"}
    unknown = sorted(set(options) - own - of_data)
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}.")
    analysis = AnalysisSettings(
        bounds=Bounds() if bounds is None else bounds,
        by=list(by),
        **{key: value for key, value in options.items() if key not in own},
    )
    return Question(name, analysis, **{key: options[key] for key in own})


def _check_choice(argument: str, value: object, choices: Any) -> None:
    if value not in get_args(choices):
        known = ", ".join(map(repr, get_args(choices)))
        raise ValueError(f"`{argument}` must be one of {known}; got {value!r}.")
