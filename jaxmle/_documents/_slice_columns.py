"""What `estimate` and `certify` say of slices, as columns: for more slices than one document holds.

Items stand for themselves here, and each slice has a judge of its own. Whatever a slice is told depends on
its counts and on `Among` alone, so that slices may be dealt to any number of processes.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jaxmle._arrays import take
from jaxmle._data import Bounds, Counts
from jaxmle._documents._certify import certificate_notes
from jaxmle._documents._fitted import Fitted
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._slice_intervals import IntervalName, IntervalWork, add_interval_notes
from jaxmle._documents._warnings import slice_notes
from jaxmle._engine import Engine
from jaxmle._inference import (
    CertificateMethod,
    Fit,
    Target,
    certify_fit,
    check_part,
    contradicting_p_value,
    fit,
    human_only,
    judge_only,
)
from jaxmle._types import Array

ColumnArrays = dict[str, Array]

_SIDES = tuple(f"{name}.{end}" for name in ("failure_rate", "tpr", "fpr") for end in ("low", "high"))


@dataclass(frozen=True)
class Among:
    """What the other slices have to do with one: many are asked, so that some look odd by chance.

    Attributes:
        n_slices: How many there are.
        contradicting: Largest p-value that contradicts its bounds, -1 where none does.
    """

    n_slices: int
    contradicting: float = -1.0

    @classmethod
    def of(cls, p_values: Array, n_slices: int) -> "Among":
        """Judge by all p-values that are small."""
        return cls(n_slices, contradicting_p_value(p_values, n_slices))


def can_be_wrong(bounds: Bounds) -> bool:
    """Whether bounds say anything that data could contradict."""
    pairs = (bounds.failure_rate, bounds.tpr, bounds.fpr)
    return any(np.any((np.asarray(end) > 0) & (np.asarray(end) < 1)) for pair in pairs for end in pair)


@dataclass(frozen=True)
class PartOfSlices:
    """Some of the slices, fitted.

    Attributes:
        fitted: The slices and their fits.
        among: What the others have to do with them.
        engine: "numpy" or "jax".
    """

    fitted: Fitted
    among: Among
    engine: Engine | None

    @classmethod
    def of(
        cls, counts: Counts, analysis: AnalysisSettings, among: Among, engine: Engine | None
    ) -> "PartOfSlices":
        """Fit the slices.

        Raises:
            InfeasibleError: The bounds leave no feasible point for some slice.
        """
        fits = fit(counts, analysis.bounds, calibration=analysis.calibration, engine=engine)
        return cls(Fitted(counts, fits, None, analysis), among, engine)

    @cached_property
    def bounds_check(self) -> tuple[Array, Array]:
        """p-values against the bounds, and which of them surely contradict them."""
        fitted, analysis = self.fitted, self.fitted.analysis
        return check_part(
            fitted.fits,
            np.asarray(fitted.unbounded.log_likelihood),
            n_slices=self.among.n_slices,
            labels=analysis.labels,
            seed=analysis.seed,
            engine=self.engine,
        )

    def estimates(self, *, interval: IntervalName, n_resamples: int, target: Target) -> ColumnArrays:
        """The columns of ``jaxmle estimate --out``."""
        fitted, counts = self.fitted, self.fitted.counts
        work = IntervalWork(fitted, interval, n_resamples, target, engine=self.engine)
        found = work.found(np.arange(len(counts)))
        fits, level = fitted.fits, fitted.analysis.confidence
        identified, low, high = map(np.asarray, (fits.identified, *fits.failure_rate_set))
        own = np.where(np.isnan(found.estimate), fits.failure_rate, found.estimate)
        # Without failures nothing bears on the TPR, and without passes nothing on the FPR.
        with_tpr = (counts.tp + counts.fn > 0) | (np.asarray(fits.failure_rate) > 0)
        with_fpr = (counts.fp + counts.tn > 0) | (np.asarray(fits.failure_rate) < 1)
        labeled = counts.n_labeled > 0
        human = np.full((3, len(counts)), np.nan)
        # Of labels chosen by the judge's verdict the share of failures is that of the choice.
        if labeled.any() and self.fitted.analysis.labels != "by-verdict":
            humans = human_only(take(counts, labeled), confidence=level)
            human[:, labeled] = humans.estimate, humans.low, humans.high
        notes = self._notes()
        add_interval_notes(notes, counts, interval, found.share_at_bound)
        return {
            **self._sizes(),
            "failure_rate": np.where(identified, own, np.nan),
            "low": found.low,
            "high": found.high,
            "set_low": np.where(identified, own, low),
            "set_high": np.where(identified, own, high),
            "identified": identified,
            "tpr": np.where(identified & with_tpr, fits.tpr, np.nan),
            "fpr": np.where(identified & with_fpr, fits.fpr, np.nan),
            "judge_rates": np.full(len(counts), "per-slice", object),
            "borrowed": np.zeros(len(counts)),
            "judge_only": np.asarray(judge_only(counts, confidence=level).estimate),
            "human_only": human[0],
            "human_only_low": human[1],
            "human_only_high": human[2],
            "interval": found.method,
            "share_at_bound": found.share_at_bound,
            "at_bound": active_bounds(fits),
            "converged": np.asarray(fits.converged),
            "gap": np.asarray(fits.gap),
            "design_effect": np.full(len(counts), np.nan),
            "n_labeled_effective": np.full(len(counts), np.nan),
            "n_unlabeled_effective": np.full(len(counts), np.nan),
            "few_labels": self._few_labels,
            "warnings": _joined(notes),
        }

    def certificates(self, *, limit: float, method: CertificateMethod) -> ColumnArrays:
        """Verdicts of ``jaxmle certify --by``, without an adjustment."""
        fitted, counts = self.fitted, self.fitted.counts
        analysis, fits = fitted.analysis, fitted.fits
        given: dict[str, Any] = {"confidence": analysis.confidence, "labels": analysis.labels}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # said slice by slice
            verdicts = certify_fit(
                fits,
                limit=limit,
                method=method,
                seed=analysis.seed,
                engine=self.engine,
                against=self._contradicted()[1],
                among=self.among.n_slices,
                **given,
            )
        notes = self._notes()
        odd = np.logical_or(verdicts.by_bounds, counts.n_labeled == 0)
        for i in np.flatnonzero(odd | verdicts.contradicted | verdicts.mismatched):
            notes[i] += certificate_notes(limit, verdicts[int(i)], counts.n_labeled[i])
        return {
            **self._sizes(),
            "certified": np.asarray(verdicts.certified),
            "p_value": np.asarray(verdicts.p_value),
            "upper_limit": np.asarray(verdicts.upper_limit),
            "failure_rate": np.where(fits.identified, fits.failure_rate, np.nan),
            "at_bound": active_bounds(fits),
            "few_labels": self._few_labels,
            "warnings": _joined(notes),
        }

    def replicates(self, *, n_resamples: int) -> ColumnArrays:
        """What the bootstrap says of slices whose failure rate is identified; NaN of others."""
        fitted, counts = self.fitted, self.fitted.counts
        fits, identified = fitted.fits, np.asarray(fitted.fits.identified)
        work = IntervalWork(fitted, "bootstrap", n_resamples, "population", engine=self.engine)
        low, high, error, share = np.full((4, len(counts)), np.nan)
        if identified.any():
            found = work.found(np.flatnonzero(identified))
            low[identified], high[identified] = found.low, found.high
            error[identified], share[identified] = found.standard_error, found.share_at_bound
        notes = self._notes()
        add_interval_notes(notes, counts, "bootstrap", share)
        return {
            **self._sizes(),
            "failure_rate": np.where(identified, fits.failure_rate, np.nan),
            "low": low,
            "high": high,
            "standard_error": error,
            "share_at_bound": share,
            "identified": identified,
            "few_labels": self._few_labels,
            "warnings": _joined(notes),
        }

    @property
    def _few_labels(self) -> Array:
        return np.asarray(self.fitted.counts.n_labeled < self.fitted.analysis.min_labels)

    def _sizes(self) -> ColumnArrays:
        counts = self.fitted.counts
        names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
        sizes = {"n_labeled": counts.n_labeled, "n_unlabeled": counts.n_unlabeled}
        sizes |= dict(zip(names, counts.values(), strict=True))
        return {name: np.asarray(value).astype(np.int64) for name, value in sizes.items()}

    def _contradicted(self) -> tuple[Array, Array]:
        p_values, surely = self.bounds_check
        return p_values, surely | (p_values <= self.among.contradicting)

    def _notes(self) -> list[list[str]]:
        fitted = self.fitted
        # The total, where there are slices, is asked too.
        among = self.among.n_slices + bool(fitted.analysis.by)
        return slice_notes(fitted.counts, fitted.fits, fitted.analysis, *self._contradicted(), among=among)


def with_unjudged(found: ColumnArrays, unjudged: Array) -> ColumnArrays:
    """Columns with what humans say of rows without a judge verdict, shape ``(B, 2)``, before the warnings."""
    labeled = unjudged.sum(1).astype(np.float64)
    share = np.divide(unjudged[:, 0], labeled, out=np.full(len(labeled), np.nan), where=labeled > 0)
    said = found.pop("warnings")
    return {**found, "unjudged_n_labeled": labeled, "unjudged_failure_rate": share, "warnings": said}


def active_bounds(fits: Fit) -> Array:
    """Names of the active bounds of each fit, joined to a text, shape ``(B,)``."""
    flags = []
    for name in ("failure_rate", "tpr", "fpr"):
        value, (low, high) = getattr(fits, name), getattr(fits.at_bound, name)
        flags += [np.logical_and(low, np.greater(value, 0)), np.logical_and(high, np.less(value, 1))]
    code = np.stack(flags, -1) @ (1 << np.arange(len(_SIDES)))
    texts = [
        ", ".join(side for i, side in enumerate(_SIDES) if number >> i & 1)
        for number in range(1 << len(_SIDES))
    ]
    return np.array(texts, object)[code]


def _joined(notes: Sequence[list[str]]) -> Array:
    found = np.empty(len(notes), object)
    found[:] = ["; ".join(note) for note in notes]
    return found
