"""What was learnt of a judge, kept in a file until it is needed: bounds, and what they hold for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from importlib.metadata import version
from pathlib import Path
from typing import Self, cast

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data._bounds import Bounds, bounds_of_parts
from jaxmle._data._calibration_file import (
    CELLS,
    METHODS,
    checked_date,
    read_content,
    sealed,
    text_of,
)
from jaxmle._data._counts import Counts, HasCounts, counts_of
from jaxmle._data._references import PRIOR_SPREAD
from jaxmle._data._sealed_json import write_text
from jaxmle._data._text import printable
from jaxmle._data._validation import check_confidence
from jaxmle._results import Result
from jaxmle._types import Document

_RATES = ("tpr", "fpr")
# Other platforms and releases of SciPy may end the search for a limit one halving away, 6e-8.
_ROUNDING = 1e-6


@pytree
@dataclass(frozen=True, eq=False)
class JudgeCalibration(Result):
    """Bounds on a judge's rates, with all that tells later whether they apply: made by `learn` or `load`.

    Attributes:
        bounds: Bounds on TPR and FPR in a new data set.
        counts: Labelled counts of the references that they were learnt from, shape ``(K,)``.
        names: Names of these.
        confidence: Probability that both rates lie within the bounds.
        same_population: Whether bounds allow for sampling alone, as in `Bounds.from_reference`.
        prior_spread: Scale of the half-normal prior of the standard deviation between references; None with
            `same_population`.
        date: Day on which they were learnt, such as "2026-03-31".
        judge: Name of the judge, or None.
        judge_version: Its version, or None.
        rubric_sha256: SHA-256 of the prompt or rubric that the judge was given, or None.
        jaxmle_version: Version that learnt them.
    """

    bounds: Bounds
    counts: Counts
    names: tuple[str, ...] = field(metadata={"static": True})
    confidence: float = field(metadata={"static": True})
    prior_spread: float | None = field(metadata={"static": True})
    date: str = field(metadata={"static": True})
    judge: str | None = field(default=None, metadata={"static": True})
    judge_version: str | None = field(default=None, metadata={"static": True})
    rubric_sha256: str | None = field(default=None, metadata={"static": True})
    jaxmle_version: str = field(default_factory=lambda: version("jaxmle"), metadata={"static": True})

    @classmethod
    def learn(
        cls,
        counts: Counts | HasCounts,
        *,
        names: Sequence[str] | None = None,
        confidence: float = 0.95,
        same_population: bool = False,
        judge: str | None = None,
        judge_version: str | None = None,
        rubric: str | bytes | None = None,
        date: str | None = None,
    ) -> Self:
        """Learn bounds from labelled references.

        Args:
            counts: Labelled counts of each reference, shape ``(K,)``, or what `tables.count` returns with
                ``by``; unlabelled counts are left out.
            names: Name of each reference; numbers by default.
            confidence: Probability, in (0, 1), that both rates of the new data set lie within the bounds.
            same_population: As in `Bounds.from_reference`; for a single reference.
            judge: Name of the judge.
            judge_version: Its version.
            rubric: Prompt or rubric of the judge, of which the SHA-256 is kept.
            date: Day, as in "2026-03-31"; today by default.

        Returns:
            Bounds on TPR and FPR, and what they were learnt from.

        Raises:
            ValueError: ``counts`` is not of shape ``(K,)``, or of several references of the same population;
                ``names`` has another length; ``confidence`` or ``date`` is out of range; or a version comes
                without a judge.
            TypeError: ``counts`` is neither.

        Source:
            Those of `Bounds.from_references` and `Bounds.from_reference`.

        Examples:
            >>> from jaxmle import Counts, JudgeCalibration
            >>> none = [0, 0, 0]
            >>> models = Counts([45, 80, 30], [5, 20, 10], [5, 3, 8], [95, 97, 92], none, none)
            >>> print(JudgeCalibration.learn(models, judge="gpt-4o", date="2026-03-31"))
            gpt-4o, learnt from 3 parts on 2026-03-31: TPR in [0.5530, 0.9679], FPR in [0.0017, 0.2898]
        """
        counts = counts_of("counts", counts)
        if len(counts.shape) != 1 or not counts.shape[0]:
            raise ValueError(f"`counts` must be of references, shape (K,), K >= 1; got shape {counts.shape}.")
        size = counts.shape[0]
        shown = tuple(map(str, range(1, size + 1) if names is None else names))
        if len(shown) != size:
            raise ValueError(f"`names` must name each of the {size} references; got {len(shown)} names.")
        if same_population and size > 1:
            raise ValueError(
                f"`same_population` is of one reference; got {size}: add up those of one population."
            )
        for name, value in (("judge", judge), ("judge_version", judge_version)):
            if value is not None and not value.strip():
                raise ValueError(f"`{name}` must have a name; got {value!r}.")
        if judge_version is not None and judge is None:
            raise ValueError("`judge_version` goes with `judge`: name the judge too.")
        prior_spread = None if same_population else PRIOR_SPREAD
        return cls(
            bounds=bounds_of_parts(counts, confidence=confidence, prior_spread=prior_spread),
            counts=counts.with_unlabeled(np.zeros(size)),
            names=shown,
            confidence=check_confidence(confidence),
            prior_spread=prior_spread,
            date=Date.today().isoformat() if date is None else checked_date("date", date),
            judge=judge,
            judge_version=judge_version,
            rubric_sha256=_sha256(rubric),
        )

    def __str__(self) -> str:
        (a, b), (c, d) = self.bounds.tpr, self.bounds.fpr
        ends = f"TPR in [{a:.4f}, {b:.4f}], FPR in [{c:.4f}, {d:.4f}]"
        return f"{self.origin}: {ends}"

    @property
    def same_population(self) -> bool:
        """Whether bounds allow for sampling alone, as in `Bounds.from_reference`."""
        return self.prior_spread is None

    @property
    def origin(self) -> str:
        """Where the bounds come from, in words."""
        parts = f"{len(self.names)} {'part' if len(self.names) == 1 else 'parts'}"
        which = "" if self.judge_version is None else f" {self.judge_version}"
        of = "a judge without a name" if self.judge is None else f"{self.judge}{which}"
        return f"{printable(of, 80)}, learnt from {parts} on {self.date}"

    @property
    def sha256(self) -> str:
        """SHA-256 of all that a file of it says."""
        return cast(str, self._content()["sha256"])

    def check(
        self,
        *,
        judge: str | None = None,
        judge_version: str | None = None,
        rubric: str | bytes | None = None,
    ) -> None:
        """Raise unless it is of this judge, version and rubric.

        Args:
            judge: Name of the judge; None is not looked at.
            judge_version: Its version, likewise.
            rubric: Its prompt or rubric, likewise.

        Raises:
            ValueError: It is of another judge, version or rubric, or does not say of which.

        Examples:
            >>> from jaxmle import Counts, JudgeCalibration
            >>> models = Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0])
            >>> learnt = JudgeCalibration.learn(models, judge="gpt-4o", date="2026-03-31")
            >>> learnt.check(judge="gpt-4o")
            >>> learnt.check(judge="gpt-5")
            Traceback (most recent call last):
            ...
            ValueError: the calibration is of judge 'gpt-4o', not 'gpt-5'.
        """
        asked = {
            "judge": (self.judge, judge),
            "version": (self.judge_version, judge_version),
            "rubric": (self.rubric_sha256, _sha256(rubric)),
        }
        for name, (own, other) in asked.items():
            if other is None or own == other:
                continue
            if own is None:
                raise ValueError(f"the calibration does not say of which {name} it is, so it is not used.")
            if name == "rubric":
                raise ValueError("the calibration is of another rubric or prompt: their SHA-256 differ.")
            raise ValueError(
                f"the calibration is of {name} {printable(own, 200)!r}, not {printable(other, 200)!r}."
            )

    def age(self, date: str | None = None) -> int:
        """Return the days from when it was learnt to a day; negative if that comes before.

        Args:
            date: The day, as in "2026-03-31"; today by default.

        Raises:
            ValueError: ``date`` is no day.

        Examples:
            >>> from jaxmle import Counts, JudgeCalibration
            >>> models = Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0])
            >>> JudgeCalibration.learn(models, date="2026-03-31").age("2026-04-02")
            2
        """
        now = Date.today() if date is None else Date.fromisoformat(checked_date("date", date))
        return (now - Date.fromisoformat(self.date)).days

    def save(self, path: str | Path) -> None:
        """Write it to a file of JSON, whose fields and schema are in the reference of the documentation.

        Args:
            path: The file, such as "judge.json"; one that is there is replaced as a whole.

        Raises:
            OSError: The file cannot be written.
            ValueError: It would be larger than `load` reads, or its bounds are not those that `learn` has
                from its counts.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from jaxmle import Counts, JudgeCalibration
            >>> models = Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0])
            >>> learnt = JudgeCalibration.learn(models, judge="gpt-4o", date="2026-03-31")
            >>> with TemporaryDirectory() as folder:
            ...     learnt.save(f"{folder}/judge.json")
            ...     print(JudgeCalibration.load(f"{folder}/judge.json").judge)
            gpt-4o
        """
        text = text_of(self._content())
        if not self._is_consistent():
            raise ValueError("`bounds` are not those of `counts`: make a calibration with `learn`.")
        write_text(Path(path), text)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return what `save` wrote.

        Args:
            path: The file.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is no such file, damaged, changed by hand, or of a newer version; or its bounds are
                not those that its parts, confidence and method give, whatever its hashes say.

        Examples:
            >>> from tempfile import TemporaryDirectory
            >>> from jaxmle import Counts, JudgeCalibration
            >>> models = Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0])
            >>> with TemporaryDirectory() as folder:
            ...     JudgeCalibration.learn(models, date="2026-03-31").save(f"{folder}/judge.json")
            ...     JudgeCalibration.load(f"{folder}/judge.json").names
            ('1', '2')
        """
        content = read_content(Path(path))
        judge = content["judge"] or {"name": None, "version": None}
        parts = content["parts"]
        none = np.zeros(len(parts))
        tp, fn, fp, tn = (np.array([part[cell] for part in parts]) for cell in CELLS)
        found = cls(
            bounds=Bounds(**{name: tuple(content["bounds"][name]) for name in _RATES}),
            counts=Counts(tp, fn, fp, tn, none, none),
            names=tuple(part["name"] for part in parts),
            confidence=content["confidence"],
            prior_spread=content["method"]["prior_spread"],
            date=content["date"],
            judge=judge["name"],
            judge_version=judge["version"],
            rubric_sha256=content["rubric_sha256"],
            jaxmle_version=content["jaxmle_version"],
        )
        if not found._is_consistent():
            raise ValueError(
                f"{str(path)!r} was not written by jaxmle: its bounds are not those of the counts of its "
                "parts."
            )
        return found

    def _is_consistent(self) -> bool:
        """Whether the bounds are those of the counts; a change of how they are learnt needs a new schema."""
        own = bounds_of_parts(self.counts, confidence=self.confidence, prior_spread=self.prior_spread)
        return all(
            np.allclose(getattr(own, name), getattr(self.bounds, name), rtol=0, atol=_ROUNDING)
            for name in _RATES
        )

    def _content(self) -> Document:
        """What the file says, the hashes of it included."""
        cells = [np.asarray(getattr(self.counts, name), float).tolist() for name in CELLS]
        return sealed(
            {
                "jaxmle_version": self.jaxmle_version,
                "date": self.date,
                "judge": None if self.judge is None else {"name": self.judge, "version": self.judge_version},
                "rubric_sha256": self.rubric_sha256,
                "confidence": self.confidence,
                "method": {
                    "name": METHODS[self.same_population],
                    "prior_spread": self.prior_spread,
                },
                "bounds": {name: [float(end) for end in getattr(self.bounds, name)] for name in _RATES},
                "parts": [
                    {"name": name, **dict(zip(CELLS, row, strict=True))}
                    for name, row in zip(self.names, zip(*cells, strict=True), strict=True)
                ],
            }
        )


def _sha256(rubric: str | bytes | None) -> str | None:
    data = rubric.encode("utf-8", "surrogateescape") if isinstance(rubric, str) else rubric
    return None if data is None else hashlib.sha256(data).hexdigest()
