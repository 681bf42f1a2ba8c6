"""The result of `jaxmle plan --given`."""

from typing import Any

from jaxmle._data import Counts
from jaxmle._documents._document import sizes_of
from jaxmle._documents._plan import plan_document
from jaxmle._documents._settings import AnalysisSettings, counts_with_total
from jaxmle._planning import Plan, plan_further, posterior_rates
from jaxmle._tables import SliceCounts
from jaxmle._types import Document


def plan_given_document(
    table: SliceCounts, analysis: AnalysisSettings, *, source: str, progress: bool, **goal: Any
) -> Document:
    """Plan further labels of all rows, and of every slice by itself, and describe the plans.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data; ``labels`` says how further items will be chosen.
        source: Where the rows are from.
        progress: Whether to show a bar on standard error where that is a terminal.
        **goal: As of `plan_further`.

    Raises:
        ValueError: As `plan_further`; weights or clusters; bounds by slice.
    """
    if analysis.bounds.shape:
        raise ValueError("--given plans under bounds that are the same for all slices.")
    if table.clusters is not None:
        raise ValueError("--given plans for items that stand for themselves: without weights and clusters.")
    counts = counts_with_total(table, analysis)
    last = len(counts) - 1
    given = goal | {"confidence": analysis.confidence, "labels": analysis.labels, "seed": analysis.seed}

    def planned(one: Counts, *, shown: bool) -> Plan:
        return plan_further(one, analysis.bounds, progress=shown and progress, **given)

    total = counts[last]
    plan = planned(total, shown=True)
    mean, _ = posterior_rates(total, analysis.bounds, analysis.seed)
    document = plan_document(
        plan, analysis.bounds, _settings(analysis, mean, total, source), analysis.bounds_from, analysis.notes
    )
    sizes = [sizes_of(i, one, analysis, None) for i, one in enumerate(counts)]
    document["at_hand"] = {name: sizes[last][name] for name in ("n_labeled", "n_unlabeled", "counts")}
    document["slices"] = [
        {"key": key, **_slice(counts[i], sizes[i], planned)} for i, key in enumerate(table.keys) if key
    ]
    return document


def _settings(analysis: AnalysisSettings, mean: Any, total: Counts, source: str) -> Document:
    return {
        "failure_rate": mean.failure_rate,
        "judge_tpr": mean.tpr,
        "judge_fpr": mean.fpr,
        "n_unlabeled": int(total.n_unlabeled),
        "calibration": "internal",
        "labels": analysis.labels,
        "cost_human": None,
        "cost_judge": None,
        "seed": analysis.seed,
        "given": source,
        "by": analysis.by,
    }


def _slice(counts: Counts, sizes: Document, planned: Any) -> Document:
    """The plan of a slice in short; a reason in place of one where there is nothing to plan from."""
    record = {"n_labeled": sizes["n_labeled"], "n_unlabeled": sizes["n_unlabeled"]}
    nothing: Document = {"reached": False, "n_labels": None, "split": None, "value": None}
    try:
        found = planned(counts, shown=False)
    except ValueError as error:
        return {**record, **nothing, "reason": str(error)}
    best = {"reached": found.reached, "n_labels": found.n_labels, "split": found.split, "value": found.value}
    return {**record, **best, "reason": found.reason or None}
