"""The result of `jaxmle drift`."""

from dataclasses import replace
from importlib.metadata import version

import numpy as np

from jaxmle._documents._document import sizes_of
from jaxmle._documents._order import sort_naturally
from jaxmle._documents._panel import panel_document
from jaxmle._documents._quoting import shell_line
from jaxmle._documents._settings import AnalysisSettings, counts_with_total
from jaxmle._documents._warnings import few_clusters_notes, table_warnings
from jaxmle._drift import Drift, drift
from jaxmle._inference import adjust_p_values
from jaxmle._tables import SliceCounts, few, shown_key
from jaxmle._types import Document

_RATES = ("tpr", "fpr")


def drift_document(table: SliceCounts, analysis: AnalysisSettings) -> Document:
    """Hold a judge against its bounds in every slice and in all, and describe the verdicts.

    Args:
        table: Counts of the anchor set by slice.
        analysis: What the user says of the judge.

    Returns:
        The document. ``verdict`` is that of the total and of all slices where there are any: "outside" if
        one of them is, by p-values that Holm adjusts over slices and total.

    Raises:
        ValueError: No row has both verdicts, or there are no bounds.
    """
    counts = counts_with_total(table, analysis)
    last = len(counts) - 1
    informative = np.flatnonzero(np.asarray(counts.n_labeled) > 0)
    if not informative.size:
        raise ValueError("no row has both a human and a judge verdict, and an anchor set needs both.")
    clusters = table.all_clusters
    result = drift(
        counts[informative],
        analysis.bounds_of(informative),
        clusters=None if clusters is None else clusters.of_slices(informative),
        confidence=analysis.confidence,
    )
    # What is said of the total counts as much as what is said of a slice, so it is one of the tests; but a
    # single slice and the total are the same rows.
    several = bool(analysis.by) and len(informative) > 2
    adjusted = adjust_p_values(result.p_value, "holm") if several else np.array(result.p_value)
    outside = adjusted <= 1 - analysis.confidence
    records = []
    for i, place in enumerate(informative):
        verdict = "outside" if outside[i] else ("inside" if np.asarray(result.inside)[i] else "undecided")
        sizes = sizes_of(int(place), counts[int(place)], analysis, None)
        cells = {name: sizes["counts"][name] for name in ("tp", "fn", "fp", "tn")}
        key = {"key": table.keys[place]} if analysis.by and place < last else {}
        rates = {name: _rate(result, name, i) for name in _RATES}
        own = {"n_labeled": sizes["n_labeled"], "counts": cells}
        records.append({**key, **own, "verdict": verdict, "p_value": float(adjusted[i]), **rates})
    *slices, total = records
    sort_naturally(slices)
    said = [record["verdict"] for record in records]
    silent = (
        [shown_key(table.keys[i]) for i in range(last) if i not in set(informative.tolist())]
        if analysis.by
        else []
    )
    notes = [f"no item with both verdicts, so left out: {few(silent)}"] if silent else []
    unlabeled = int(np.sum(table.counts.n_unlabeled))
    if unlabeled:
        notes.append(
            f"{unlabeled:,} items without a human verdict tell nothing of the judge and are not used"
        )
    if table.repeated:
        notes.append(
            f"{table.repeated!r} repeats, and the limits take rows that share it for independent: --cluster "
            f"{shell_line(table.repeated)} widens them as they require"
        )
    if clusters is not None:
        for name, rate in zip(_RATES, (result.tpr, result.fpr), strict=True):
            n_clusters = float(np.asarray(rate.n_clusters)[-1])
            # As many as items: each label is a cluster of its own.
            if np.asarray(rate.n_items)[-1] > n_clusters * (1 + 1e-9):
                notes += [f"{name.upper()}: {note}" for note in few_clusters_notes(n_clusters)]
    return {
        "command": "drift",
        "failure": table.failures,
        "verdict": next((word for word in ("outside", "undecided") if word in said), "inside"),
        "version": version("jaxmle"),
        "settings": {
            "confidence": analysis.confidence,
            "by": analysis.by,
            **({} if analysis.bounds_from is None else {"bounds_from": analysis.bounds_from}),
        },
        "total": total,
        "slices": slices,
        "rows": table.n_rows,
        "log": table.log,
        "labels": table.labels,
        "dropped": table.dropped,
        **({} if table.panel is None else {"panel": panel_document(table.panel, analysis)}),
        "warnings": notes + table_warnings(replace(table, repeated=None)) + analysis.notes,
    }


def _rate(result: Drift, name: str, i: int) -> Document:
    rate, pair = getattr(result, name), getattr(result.bounds, name)
    least, most = (end[i] for end in rate.detectable)
    low, high = (float(np.broadcast_to(end, np.shape(result.outside))[i]) for end in pair)
    return {
        "estimate": rate.estimate[i],
        "low": float(rate.low[i]),
        "high": float(rate.high[i]),
        "p_value": float(rate.p_value[i]),
        "n_items": int(rate.n_items[i]),
        "n_effective": float(rate.n_effective[i]),
        "bounds": [low, high],
        # Where the bound is an end of [0, 1] there is nothing beyond it.
        "detectable": [least if low > 0 else None, most if high < 1 else None],
    }
