"""The result of `jaxmle estimate` as one JSON-ready dictionary."""

from importlib.metadata import version
from typing import Any

import numpy as np

from jaxmle import baselines
from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._data._validation import InfeasibleError
from jaxmle._inference import Fit, Interval, fit
from jaxmle.tables import SliceCounts

_COUNTS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")


def estimate_document(
    table: SliceCounts,
    bounds: Bounds,
    *,
    by: list[str],
    calibration: Calibration = "internal",
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Estimate every slice and the total, and describe them.

    Args:
        table: Counts by slice.
        bounds: Scalar bounds, the same for all slices.
        by: Columns that make the slices; none for a total alone.
        calibration: "internal" or "external".
        confidence: Confidence of the baselines' intervals, in (0, 1).

    Returns:
        The document: numbers as numbers, never NaN, None where there is none.

    Raises:
        ValueError: The bounds leave no feasible point for some slice.
    """
    # The total goes last: a slice that the bounds exclude then keeps its number in the error.
    everything = _append(table.counts, table.total) if by else table.counts
    try:
        fits = fit(everything, bounds, calibration=calibration)
    except InfeasibleError as error:
        key = table.keys[error.index[0]]
        where = ", ".join(f"{column} = {value!r}" for column, value in key.items())
        raise ValueError(
            f"the bounds leave no feasible point{where and f' where {where}'}: {error.reason}"
        ) from error
    records = [
        _record(counts, result, calibration, confidence)
        for counts, result in zip(everything, fits, strict=True)
    ]
    total = records.pop()
    return {
        "command": "estimate",
        "version": version("jaxmle"),
        "settings": {
            "calibration": calibration,
            "bounds": _stated(bounds),
            "confidence": confidence,
            "by": by,
        },
        "total": total,
        "slices": [{"key": key, **record} for key, record in zip(table.keys, records, strict=False)],
        "rows": table.n_rows,
        "dropped": table.dropped,
    }


def _record(counts: Counts, result: Fit, calibration: Calibration, confidence: float) -> dict[str, Any]:
    low, high = result.failure_rate_set
    rate: dict[str, Any] = {
        "estimate": result.failure_rate if result.identified else None,
        "low": None if result.identified else low,
        "high": None if result.identified else high,
        "method": "maximum likelihood" if result.identified else "set of maximizers",
    }
    labeled = counts.n_labeled > 0
    # Without failures nothing bears on the TPR, and without passes nothing on the FPR.
    seen = (counts.tp + counts.fn > 0, counts.fp + counts.tn > 0)
    human = baselines.human_only(counts, confidence=confidence) if labeled else None
    return {
        "n_labeled": counts.n_labeled.item(),
        "n_unlabeled": counts.n_unlabeled.item(),
        "counts": {name: value.item() for name, value in zip(_COUNTS, counts.values(), strict=True)},
        "failure_rate": rate,
        "tpr": result.tpr if result.identified and (seen[0] or result.failure_rate > 0) else None,
        "fpr": result.fpr if result.identified and (seen[1] or result.failure_rate < 1) else None,
        "judge_only": _interval(baselines.judge_only(counts, confidence=confidence)),
        "human_only": _interval(human) if human else {"estimate": None, "low": None, "high": None},
        "at_bound": result.active_bounds,
        "identified": result.identified,
        "converged": result.converged,
        "gap": result.gap,
        "warnings": _warnings(counts, result, calibration),
    }


def _warnings(counts: Counts, result: Fit, calibration: Calibration) -> list[str]:
    found = []
    if not result.identified:
        low, high = result.failure_rate_set
        reason = "no human labels" if not counts.n_labeled else "these labels and bounds"
        found.append(
            f"not identified: with {reason} every failure rate from {100 * low:.2f}% to {100 * high:.2f}% "
            "is equally likely; label more items or tighten the bounds"
        )
    if not result.converged:
        found.append(f"not converged: the gap per item is {result.gap:.1e}")
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    if failures and passes and counts.tp * passes < counts.fp * failures:
        found.append("in the labelled items the judge flags passes more often than failures")
    if calibration == "internal" and not counts.n_unlabeled and counts.n_labeled:
        found.append("every item is labelled: the judge adds nothing")
    return found


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
