"""The results of `jaxmle estimate` and `jaxmle certify` as JSON-ready dictionaries."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from jaxmle import baselines
from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._data._validation import InfeasibleError
from jaxmle._inference import (
    Adjustment,
    CertificateMethod,
    Fit,
    Interval,
    bootstrap,
    certify,
    fit,
    profile_interval,
)
from jaxmle._report._warnings import data_warnings
from jaxmle._simulation import Labels
from jaxmle.tables import SliceCounts

IntervalName = Literal["profile", "bootstrap"]
_COUNTS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")


@dataclass(frozen=True)
class Claims:
    """What the user says of the data.

    Attributes:
        bounds: Scalar bounds, the same for all slices.
        by: Columns that make the slices; none for a total alone.
        calibration: "internal" or "external".
        labels: "random" or "by_verdict".
        confidence: Confidence, in (0, 1).
        seed: Seed of all simulation.
    """

    bounds: Bounds
    by: list[str]
    calibration: Calibration = "internal"
    labels: Labels = "random"
    confidence: float = 0.95
    seed: int = 0


def estimate_document(
    table: SliceCounts,
    claims: Claims,
    *,
    interval: IntervalName = "profile",
    n_resamples: int = 10_000,
    progress: bool = False,
) -> dict[str, Any]:
    """Estimate every slice and the total, and describe them.

    Args:
        table: Counts by slice.
        claims: What the user says of the data.
        interval: "profile", or "bootstrap" (percentile).
        n_resamples: Bootstrap replicates.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The document: numbers as numbers, never NaN, None where there is none.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    # The total goes last: a slice that the bounds exclude then keeps its number in the error.
    everything = _append(table.counts, table.total) if claims.by else table.counts
    with _naming_slices(table):
        fits = fit(everything, claims.bounds, calibration=claims.calibration)
    notes = data_warnings(everything, claims.bounds, fits, claims.calibration, claims.labels)
    given: dict[str, Any] = {
        "confidence": claims.confidence,
        "calibration": claims.calibration,
        "labels": claims.labels,
        "seed": claims.seed,
        "progress": progress,
    }
    rates: list[dict[str, Any]] = [{} for _ in fits]
    # Without a single estimate there is nothing to bootstrap, but there is still an interval.
    resampled = np.asarray(fits.identified) & (interval == "bootstrap")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said slice by slice below
        if not resampled.all():
            index = np.flatnonzero(~resampled)
            found = profile_interval(everything[index], claims.bounds, **given)
            for i, low, high in zip(index, found.low, found.high, strict=True):
                rates[i] = {"low": float(low), "high": float(high), "method": "profile"}
        if resampled.any():
            index = np.flatnonzero(resampled)
            drawn = bootstrap(everything[index], claims.bounds, n_resamples=n_resamples, **given)
            rows = zip(index, drawn.interval.low, drawn.interval.high, drawn.share_at_bound, strict=True)
            for i, low, high, share in rows:
                rates[i] = {"low": float(low), "high": float(high), "method": "bootstrap"}
                rates[i]["share_at_bound"] = float(share)
                if share > 0.05:
                    notes[i].append(
                        f"{share:.0%} of the bootstrap replicates are at a bound, so the interval is too "
                        "short: use --interval profile"
                    )
    records = [
        _record(counts, result, rate, claims.confidence, note)
        for counts, result, rate, note in zip(everything, fits, rates, notes, strict=True)
    ]
    total = records.pop()
    return {
        "command": "estimate",
        "version": version("jaxmle"),
        "settings": {
            **_settings(claims),
            "interval": interval,
            **({"n_resamples": n_resamples} if interval == "bootstrap" else {}),
        },
        "total": total,
        "slices": [{"key": key, **record} for key, record in zip(table.keys, records, strict=False)],
        "rows": table.n_rows,
        "dropped": table.dropped,
    }


def certify_document(
    table: SliceCounts,
    claims: Claims,
    *,
    limit: float,
    method: CertificateMethod = "exact",
    adjustment: Adjustment = "none",
    progress: bool = False,
) -> dict[str, Any]:
    """Certify every slice and the total, and describe the verdicts.

    Args:
        table: Counts by slice.
        claims: What the user says of the data.
        limit: Failure rate to stay under, in (0, 1).
        method: "exact" or "profile".
        adjustment: "none", "holm" or "benjamini-hochberg", over the slices.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The document. ``certified`` is the verdict: of all slices where there are any, else of the total.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    everything = _append(table.counts, table.total) if claims.by else table.counts
    given: dict[str, Any] = {
        "limit": limit,
        "confidence": claims.confidence,
        "method": method,
        "calibration": claims.calibration,
        "labels": claims.labels,
        "seed": claims.seed,
    }
    with _naming_slices(table), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said slice by slice below
        fits = fit(everything, claims.bounds, calibration=claims.calibration)
        total = certify(everything[len(fits) - 1], claims.bounds, **given)
        slices = []
        if claims.by and len(table.counts):
            slices = list(
                certify(table.counts, claims.bounds, adjustment=adjustment, progress=progress, **given)
            )
    notes = data_warnings(everything, claims.bounds, fits, claims.calibration, claims.labels)
    records = []
    for counts, result, verdict, note in zip(everything, fits, [*slices, total], notes, strict=True):
        if verdict.by_bounds:
            note.append(f"the bounds on the failure rate decide about the limit {limit:g}, not the data")
        if verdict.contradicted or verdict.mismatched:
            note.append("so nothing is certified here")
        if not counts.n_labeled:
            note.append("the verdict rests on the bounds alone: there is no human label")
        records.append(
            {
                **_sizes(counts),
                "certified": verdict.certified,
                "p_value": verdict.p_value,
                "upper_limit": verdict.upper_limit,
                "failure_rate": result.failure_rate if result.identified else None,
                "at_bound": result.active_bounds,
                "warnings": note,
            }
        )
    whole = records.pop()
    return {
        "command": "certify",
        "version": version("jaxmle"),
        "settings": {
            **_settings(claims),
            "limit": limit,
            "method": method,
            "adjustment": adjustment,
        },
        "certified": all(record["certified"] for record in records or [whole]),
        "total": whole,
        "slices": [{"key": key, **record} for key, record in zip(table.keys, records, strict=False)],
        "rows": table.n_rows,
        "dropped": table.dropped,
    }


@contextmanager
def _naming_slices(table: SliceCounts) -> Iterator[None]:
    """Say which slice the bounds exclude by its values rather than its number."""
    try:
        yield
    except InfeasibleError as error:
        key = table.keys[error.index[0]] if error.index else {}
        where = ", ".join(f"{column} = {value!r}" for column, value in key.items())
        raise ValueError(
            f"the bounds leave no feasible point{where and f' where {where}'}: {error.reason}"
        ) from error


def _settings(claims: Claims) -> dict[str, Any]:
    return {
        "calibration": claims.calibration,
        "labels": claims.labels,
        "bounds": _stated(claims.bounds),
        "confidence": claims.confidence,
        "seed": claims.seed,
        "by": claims.by,
    }


def _sizes(counts: Counts) -> dict[str, Any]:
    return {
        "n_labeled": counts.n_labeled.item(),
        "n_unlabeled": counts.n_unlabeled.item(),
        "counts": {name: value.item() for name, value in zip(_COUNTS, counts.values(), strict=True)},
    }


def _record(
    counts: Counts, result: Fit, rate: dict[str, Any], confidence: float, notes: list[str]
) -> dict[str, Any]:
    # Without failures nothing bears on the TPR, and without passes nothing on the FPR.
    seen = (counts.tp + counts.fn > 0, counts.fp + counts.tn > 0)
    human = baselines.human_only(counts, confidence=confidence) if counts.n_labeled > 0 else None
    estimate = result.failure_rate if result.identified else None
    return {
        **_sizes(counts),
        "failure_rate": {
            "estimate": estimate,
            **rate,
            "set": None if result.identified else list(result.failure_rate_set),
        },
        "tpr": result.tpr if result.identified and (seen[0] or result.failure_rate > 0) else None,
        "fpr": result.fpr if result.identified and (seen[1] or result.failure_rate < 1) else None,
        "judge_only": _interval(baselines.judge_only(counts, confidence=confidence)),
        "human_only": _interval(human) if human else {"estimate": None, "low": None, "high": None},
        "at_bound": result.active_bounds,
        "identified": result.identified,
        "converged": result.converged,
        "gap": result.gap,
        "warnings": notes,
    }


def _interval(interval: Interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _stated(bounds: Bounds) -> dict[str, list[float]]:
    pairs = {"failure_rate": bounds.failure_rate, "tpr": bounds.tpr, "fpr": bounds.fpr}
    return {
        name: [float(end) for end in pair]
        for name, pair in pairs.items()
        if tuple(map(float, pair)) != (0.0, 1.0)
    }


def _append(counts: Counts, total: Counts) -> Counts:
    return Counts(*(np.append(x, y) for x, y in zip(counts.values(), total.values(), strict=True)))
