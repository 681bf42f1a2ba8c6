"""The result of `jaxmle bounds`."""

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from jaxmle._data import Counts, JudgeCalibration, limits_without_each, predictive
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._warnings import table_warnings
from jaxmle._slices import homogeneity_test
from jaxmle._stats import clopper_pearson
from jaxmle._tables import SliceCounts, few, shown_key
from jaxmle._types import Array, Document

_RATES = ("tpr", "fpr")
# Trials of a rate from which on leaving its part out says something.
_TRIALS = 5
_DIGITS = 4


def learn_calibration(table: SliceCounts, analysis: AnalysisSettings, **options: Any) -> JudgeCalibration:
    """Learn bounds of the judge's rates in a new data set from the parts of a file.

    Args:
        table: Counts of each part; only labelled rows count.
        analysis: What the user says of them; ``confidence`` is that of both rates together.
        **options: As for `JudgeCalibration.learn`.

    Raises:
        ValueError: No part has a row with both verdicts.
    """
    labeled = _labeled(table)
    if not labeled.size:
        raise ValueError("no row has both a human and a judge verdict, and bounds are learnt from both.")
    names = [
        ", ".join("(none)" if value is None else value for value in table.keys[place].values()) or "all"
        for place in labeled
    ]
    return JudgeCalibration.learn(
        table.counts[labeled], names=names, confidence=analysis.confidence, **options
    )


def bounds_document(
    table: SliceCounts, analysis: AnalysisSettings, calibration: JudgeCalibration
) -> Document:
    """Describe bounds that were learnt from the parts of a file, and how the judge's rates differ there.

    Args:
        table: Counts of each part; only labelled rows count.
        analysis: What the user says of them.
        calibration: What was learnt of them, by `learn_calibration`.

    Returns:
        The document: the parts with their rates, the bounds, how far parts differ, and how many parts lie
        within the bounds that the others give.
    """
    labeled = _labeled(table)
    counts, bounds = table.counts[labeled], calibration.bounds
    cells = {"tpr": (counts.tp, counts.fn), "fpr": (counts.fp, counts.tn)}
    tail = (1 - analysis.confidence) / 4
    rates = {name: _rates(hits, misses, tail) for name, (hits, misses) in cells.items()}
    parts = [
        {
            **({"key": table.keys[place]} if analysis.by else {}),
            "n_labeled": float(counts.n_labeled[i]),
            **{name: rates[name][i] for name in _RATES},
        }
        for i, place in enumerate(labeled)
    ]
    ends = {name: [float(end) for end in getattr(bounds, name)] for name in _RATES}
    silent = [shown_key(key) for i, key in enumerate(table.keys) if i not in set(labeled.tolist())]
    notes = [f"no item with both verdicts, so left out: {few(silent)}"] if silent and analysis.by else []
    if len(parts) == 1 and not calibration.same_population:
        notes.append(
            "one part says nothing of how parts differ: bounds rest on how far published judges differ "
            "between data sets; --by tells models, kinds of questions or months apart"
        )
    return {
        "command": "bounds",
        "failure": table.failures,
        "version": version("jaxmle"),
        "settings": {
            "by": analysis.by,
            "confidence": analysis.confidence,
            "same_population": calibration.same_population,
        },
        "bounds": ends,
        "options": " ".join(f"--{name} {_range(ends[name])}" for name in _RATES),
        "spread": {name: _spread(*map(_floats, cells[name])) for name in _RATES},
        "homogeneity": _homogeneity(counts, analysis.seed),
        "left_out": {name: _left_out(rates[name]) for name in _RATES},
        "parts": parts,
        "rows": table.n_rows,
        "log": table.log,
        "labels": table.labels,
        "dropped": table.dropped,
        "warnings": notes + table_warnings(replace(table, repeated=None)),
    }


def _labeled(table: SliceCounts) -> Array:
    """Places of the parts with labels."""
    return np.flatnonzero(np.asarray(table.counts.n_labeled) > 0)


def rounded_outwards(ends: list[float]) -> tuple[float, float]:
    """Ends that are safe to paste: no narrower than they are."""
    scale = 10**_DIGITS
    return float(np.floor(ends[0] * scale) / scale), float(np.ceil(ends[1] * scale) / scale)


def _spread(hits: Array, misses: Array) -> float | None:
    """Standard deviation of a rate from part to part; None where fewer than two parts tell of the rate."""
    several = np.count_nonzero(hits + misses) > 1
    return float(predictive(hits, misses).between) if several else None


def _rates(hits: Array, misses: Array, tail: float) -> list[Document]:
    """A rate in each part, with exact limits, and whether the other parts predict it."""
    hits, misses = _floats(hits), _floats(misses)
    low, high = clopper_pearson(hits, misses, tail)
    trials = hits + misses
    least, most = limits_without_each(hits, misses, tail) if len(hits) > 1 else (low, high)
    own_low, own_high = clopper_pearson(hits, misses, 0.25)
    inside = (own_low <= most) & (own_high >= least)
    # Without a trial in any other part there is nothing that could predict it.
    tried = (trials >= _TRIALS) & (trials.sum() > trials)
    return [
        {
            "estimate": float(hits[i] / trials[i]) if trials[i] else None,
            "low": float(low[i]),
            "high": float(high[i]),
            "n_items": float(trials[i]),
            "as_predicted": bool(inside[i]) if tried[i] else None,
        }
        for i in range(len(hits))
    ]


def _left_out(rates: list[Document]) -> dict[str, int]:
    tried = [one["as_predicted"] for one in rates if one["as_predicted"] is not None]
    return {"inside": sum(tried), "of": len(tried)}


def _homogeneity(counts: Counts, seed: int) -> Document | None:
    """Test of one judge for all parts, where there are several."""
    if len(counts) < 2 or not all(np.all(value == np.round(value)) for value in counts.values()):
        return None
    labeled = counts.with_unlabeled(np.zeros(len(counts)))
    return {"p_value": float(homogeneity_test(labeled, seed=seed).p_value)}


def _range(ends: list[float]) -> str:
    low, high = rounded_outwards(ends)
    return f"{low:g}:{high:g}"


def _floats(values: Array) -> Array:
    return np.asarray(values, float)
