"""Slices whose judge's rates are pooled, and mixes of slices."""

import warnings
from dataclasses import dataclass

import numpy as np

from jaxmle._data import InfeasibleError
from jaxmle._documents._design_effects import DesignEffects
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._slices import Judge, SliceFit, fit_slices, homogeneity_test
from jaxmle._tables import Mix, SliceCounts
from jaxmle._types import Document

FEW_LABELS = "few labels a slice: --judge-rates partial lets slices borrow what they tell of the judge"
_FEW_SLICES = 3
_FEW_LABELS = 20
_AT_BOUND_WITHIN = 1e-9
_METHODS = {"common": "joint profile", "partial": "integrated"}


@dataclass(frozen=True)
class SharedFit:
    """Estimate of a slice that shares its judge with others; attributes as those of `Fit`."""

    failure_rate: float
    tpr: float
    fpr: float
    identified: bool
    failure_rate_set: tuple[float, float]
    converged: bool
    gap: float
    active_bounds: list[str]


@dataclass(frozen=True)
class Pooled:
    """What is known of slices together.

    Attributes:
        result: Their joint estimate.
        fits: Estimate of each slice; empty where judges were taken slice by slice.
        rates: Interval of each slice, likewise.
        mix: Failure rate of the mix of slices, or None.
        pooling: How the judge's rates were taken, or None where nobody asked for pooled ones.
        notes: What there is to say against it.
    """

    result: SliceFit
    fits: list[SharedFit]
    rates: list[Document]
    mix: Document | None
    pooling: Document | None
    notes: list[str]

    def describe(self, document: Document) -> None:
        """Add it to the document of the estimates, whose slices are in the order of the table."""
        if self.pooling:
            document["pooling"] = self.pooling
            for record, borrowed in zip(document["slices"], self.result.borrowed, strict=True):
                record |= {"judge_rates": self.result.judge_rates, "borrowed": float(borrowed)}
        if self.mix:
            document["mix"] = self.mix


def few_labels(table: SliceCounts, analysis: AnalysisSettings) -> bool:
    """Whether slices have so few labels that they had better borrow."""
    labels = np.asarray(table.counts.n_labeled)
    return bool(analysis.by) and len(labels) >= _FEW_SLICES and float(np.median(labels)) < _FEW_LABELS


def pooled_slices(
    table: SliceCounts,
    analysis: AnalysisSettings,
    effects: DesignEffects | None,
    judge: Judge | None,
    mix: Mix | None,
) -> Pooled | None:
    """Estimate slices together, or a mix of them; None where neither was asked for.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        effects: How far items stand for themselves.
        judge: How to take the judge's rates.
        mix: Shares of the slices.

    Returns:
        The estimates.

    Raises:
        ValueError: A common judge was asked for and the bounds of the slices exclude each other.
    """
    asked: Judge = judge or "per-slice"
    if not analysis.by or (asked == "per-slice" and mix is None):
        return None
    size = len(table.keys)
    bounds = analysis.bounds_of(np.arange(size))
    effect = effects.effect[:size] if effects else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # weights and clusters are said elsewhere
        try:
            result = fit_slices(
                table.counts,
                bounds,
                judge_rates=asked,
                calibration=analysis.calibration,
                design_effect=effect,
            )
        except InfeasibleError:
            raise
        except ValueError as error:
            if asked != "common":
                raise
            raise ValueError(
                "--judge-rates common: the bounds of TPR or FPR of some slices exclude those of others, so "
                "they have no judge in common; use --judge-rates partial or per-slice."
            ) from error
        fits, rates = _slices(result, analysis)
        mixed, notes = _mixed(result, analysis, mix)
    pooling = None if asked == "per-slice" else _pooling(table, analysis, effects, result, asked)
    return Pooled(result, fits, rates, mixed, pooling, notes)


def _slices(result: SliceFit, analysis: AnalysisSettings) -> tuple[list[SharedFit], list[Document]]:
    # Slices alone keep the estimates and calibrated intervals that they have without pooling.
    if result.judge_rates == "per-slice":
        return [], []
    found = result.interval(confidence=analysis.confidence)
    lows, highs = result.failure_rate_set
    fits, rates = [], []
    for i in range(len(result)):
        values = {
            "failure_rate": float(result.failure_rate[i]),
            "tpr": float(result.tpr[i]),
            "fpr": float(result.fpr[i]),
        }
        bounds = analysis.bounds_of(i)
        active = [
            f"{name}.{end}"
            for name, value in values.items()
            for end, limit, trivial in zip(("low", "high"), getattr(bounds, name), (0, 1), strict=True)
            if limit != trivial and abs(value - float(limit)) <= _AT_BOUND_WITHIN
        ]
        fits.append(
            SharedFit(
                **values,
                identified=bool(result.identified[i]),
                failure_rate_set=(float(lows[i]), float(highs[i])),
                converged=bool(result.converged[i]),
                gap=float(result.gap[i]),
                active_bounds=active,
            )
        )
        ends = {"low": float(np.asarray(found.low)[i]), "high": float(np.asarray(found.high)[i])}
        rates.append({**ends, "method": _METHODS[result.judge_rates]})
    return fits, rates


def _mixed(result: SliceFit, analysis: AnalysisSettings, mix: Mix | None) -> tuple[Document, list[str]]:
    """Failure rate of the mix, and what there is to say against it."""
    shares = np.asarray(mix.shares if mix else result.sizes)
    notes = list(mix.notes) if mix else []
    name = mix.name if mix else "sizes"
    if not shares.any():
        notes.append("no slice has unlabelled items, so there is no mix by sizes: give one by --mix")
        return {"estimate": None, "low": 0.0, "high": 1.0, "method": "none", "shares": name}, notes
    found = result.total(shares, confidence=analysis.confidence)
    low, high, method = float(found.low), float(found.high), found.method
    open_ended = ~np.asarray(result.identified) & (shares > 0)
    if not found.identified:
        notes.append(
            "the mix is not identified, for the failure rate of some of its slices is not "
            f"({int(open_ended.sum())} of {int((shares > 0).sum())}): there is an interval only"
        )
    estimate = None if found.estimate is None or not found.identified else float(found.estimate)
    return {"estimate": estimate, "low": low, "high": high, "method": method, "shares": name}, notes


def _pooling(
    table: SliceCounts,
    analysis: AnalysisSettings,
    effects: DesignEffects | None,
    result: SliceFit,
    asked: Judge,
) -> Document:
    test, skipped = None, None
    bounds = analysis.bounds_of(np.arange(len(table.keys)))
    pairs = [(np.max(low), np.min(high)) for low, high in (bounds.tpr, bounds.fpr)]
    if np.count_nonzero(np.asarray(table.counts.n_labeled)) < 2:
        skipped = "fewer than two slices have labels"
    elif effects:
        skipped = "it takes items that stand for themselves, without weights or clusters"
    elif analysis.labels == "by-verdict":
        skipped = "it takes labels at random"
    elif any(low > high for low, high in pairs):
        skipped = "the bounds of slices exclude each other"
    else:
        found = homogeneity_test(table.counts, bounds, calibration=analysis.calibration, seed=analysis.seed)
        outlying = [key for key, stands_out in zip(table.keys, found.outlying, strict=True) if stands_out]
        test = {"p_value": float(found.p_value), "outlying": outlying}
    names = ("tpr", "fpr")
    return {
        "asked": asked,
        "used": result.judge_rates,
        "reason": result.reason,
        "one_judge": result.one_judge,
        "spread": dict(zip(names, map(float, result.spread), strict=True)) if result.spread else None,
        "homogeneity": test,
        "homogeneity_skipped": skipped,
    }
