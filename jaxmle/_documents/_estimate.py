"""The result of `jaxmle estimate`."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from jaxmle import baselines
from jaxmle._data import Counts
from jaxmle._documents._bounds_check import check_of_bounds
from jaxmle._documents._cautions import cautions
from jaxmle._documents._design_effects import DesignEffects
from jaxmle._documents._document import document_of, first_of, sizes_of
from jaxmle._documents._fitted import Fitted, fit_table
from jaxmle._documents._order import sort_naturally
from jaxmle._documents._pooled import FEW_LABELS, SharedFit, few_labels, pooled_slices
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._slice_intervals import IntervalName, IntervalWork, add_interval_notes
from jaxmle._documents._warnings import SlicesElsewhere, data_warnings, table_warnings
from jaxmle._engine import progress_bar
from jaxmle._inference import Fit, Interval, ProfileInterval, Target
from jaxmle._slices import Judge
from jaxmle._tables import Mix, SliceCounts
from jaxmle._types import Document, Flags, Numbers

Order = Literal["key", "estimate", "width"]
Keep = Callable[[int, Callable[[], list[Document]]], list[Document]]

# Data sets whose intervals are computed, and kept, at once.
_PART = 256


def estimate_document(
    table: SliceCounts,
    analysis: AnalysisSettings,
    *,
    interval: IntervalName = "profile",
    n_resamples: int = 10_000,
    order: Order = "key",
    target: Target = "population",
    judge_rates: Judge | None = None,
    mix: Mix | None = None,
    references: Counts | None = None,
    keep: Keep | None = None,
    fitted: Fitted | None = None,
    total: ProfileInterval | None = None,
    elsewhere: SlicesElsewhere | None = None,
    progress: bool = False,
) -> Document:
    """Estimate every slice and the total, and describe them.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        interval: "profile"; "chi-square" for the same with asymptotic cut-offs; or "bootstrap" (percentile).
        n_resamples: Bootstrap replicates.
        order: Order of the slices: by "key", by "estimate" or by "width" of the interval, largest first.
        target: What the rates are of: the "population", or exactly the judged "items".
        judge_rates: Whether slices have judges of their own ("per-slice", also None), one ("common") or
            similar ones ("partial").
        mix: Shares of the slices in a mix that is estimated too; with "common" and "partial" their sizes by
            default.
        references: Labelled counts of each reference from which the total borrows what is known of the judge.
        keep: Maps the number of a part of the intervals, and what computes it, to that part; by default
            computes it.
        fitted: The table's data sets, where they are fitted already.
        total: Interval of the total, where it is known.
        elsewhere: Of which slices this table is the total, where they are described elsewhere.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The document: numbers as numbers, never NaN, None where there is none.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    if interval == "bootstrap" and table.all_squares is not None:
        raise ValueError(
            "--interval bootstrap with weights resamples clusters: name the column that tells items apart, "
            "or those that belong together, with --cluster."
        )
    fitted = fitted or fit_table(table, analysis)
    effects = fitted.effects
    results: list[Fit | SharedFit] = list(fitted.fits)
    pooled = pooled_slices(table, analysis, effects, judge_rates, mix)
    if pooled:
        results[: len(pooled.fits)] = pooled.fits
    apart = elsewhere or SlicesElsewhere()
    notes = data_warnings(fitted, analysis, results, apart=apart)
    notes[-1] += table_warnings(table)
    if pooled:
        notes[-1] += pooled.notes
    elif judge_rates is None and (apart.few_labels or few_labels(table, analysis)):
        notes[-1].append(FEW_LABELS)
    lent = None
    if references is not None:
        from jaxmle._documents._borrowed import borrowed, unlike_notes

        lent = borrowed(fitted, references)
        notes[-1] += unlike_notes(lent, fitted.counts[fitted.last])
    work = IntervalWork(
        fitted, interval, n_resamples, target, total=total, clusters=table.all_clusters, n_units=table.n_units
    )
    rates = list(pooled.rates) if pooled else []
    first, size = len(rates), len(fitted.counts)
    with progress_bar(progress and size - first > _PART, size - first, "Slices") as bar:
        for number, start in enumerate(range(first, size, _PART)):
            index = np.arange(start, min(start + _PART, size))
            compute = partial(work.rates, index, progress=progress and size <= _PART)
            rates += keep(number, compute) if keep else compute()
            if bar:
                bar.advance(len(index))
    add_interval_notes(
        notes, fitted.counts, interval, np.array([rate.get("share_at_bound", 0) for rate in rates])
    )
    records = [
        _record(i, counts, result, rate, analysis, effects, note)
        for i, (counts, result, rate, note) in enumerate(
            zip(fitted.counts, results, rates, notes, strict=True)
        )
    ]
    document = document_of("estimate", table, analysis, records)
    document |= cautions(table, analysis, fitted, simulate=interval != "chi-square")
    document["bounds_check"] = check_of_bounds(fitted)
    document["settings"] |= {"interval": interval, "order": order}
    if target != "population":
        document["settings"]["target"] = target
    if analysis.by:
        document["settings"]["judge_rates"] = judge_rates or "per-slice"
    if pooled:
        pooled.describe(document)
    if lent:
        document["borrowed"] = lent
    if interval == "bootstrap":
        document["settings"]["n_resamples"] = n_resamples
    if order == "key":
        sort_naturally(document["slices"])
    else:
        document["slices"].sort(key=lambda record: _size(record, order), reverse=True)
    return {**first_of(document), **document}


def _record(
    i: int,
    counts: Counts,
    result: Fit | SharedFit,
    rate: Document,
    analysis: AnalysisSettings,
    effects: DesignEffects | None,
    notes: list[str],
) -> Document:
    # Without failures nothing bears on the TPR, and without passes nothing on the FPR.
    seen: tuple[Flags, Flags] = (counts.tp + counts.fn > 0, counts.fp + counts.tn > 0)
    if isinstance(result, SharedFit):
        seen = (True, True)  # other slices bear on them
    level = analysis.confidence
    for_humans, for_judge = (
        (effects.for_humans(i, counts), effects.for_judge(i, counts)) if effects else (counts, counts)
    )
    # Of labels chosen by the judge's verdict the share of failures is that of the choice.
    known = counts.n_labeled > 0 and analysis.labels != "by-verdict"
    human = baselines.human_only(for_humans, confidence=level) if known else None
    return {
        **sizes_of(i, counts, analysis, effects),
        "failure_rate": {
            "estimate": result.failure_rate if result.identified else None,
            **rate,
            "set": None if result.identified else list(result.failure_rate_set),
        },
        "tpr": result.tpr if result.identified and (seen[0] or result.failure_rate > 0) else None,
        "fpr": result.fpr if result.identified and (seen[1] or result.failure_rate < 1) else None,
        "judge_only": _interval(baselines.judge_only(for_judge, confidence=level)),
        "human_only": _interval(human)
        if human is not None
        else {"estimate": None, "low": None, "high": None},
        "at_bound": result.active_bounds,
        "identified": result.identified,
        "converged": result.converged,
        "gap": result.gap,
        "warnings": notes,
    }


def _interval(interval: Interval) -> dict[str, Numbers | None]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _size(record: Document, order: str) -> float:
    rate = record["failure_rate"]
    if order == "width":
        return float(rate["high"] - rate["low"])
    return -1.0 if rate["estimate"] is None else float(rate["estimate"])
