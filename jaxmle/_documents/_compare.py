"""The result of `jaxmle compare`."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jaxmle._comparison import Difference, JudgeRates, compare
from jaxmle._data import Clusters, Counts, Pairs
from jaxmle._documents._bounds_check import check_of_bounds
from jaxmle._documents._document import document_of, settings_of, sizes_of
from jaxmle._documents._fitted import fit_table
from jaxmle._documents._order import sort_naturally
from jaxmle._documents._panel import panel_document
from jaxmle._documents._quoting import shell_line
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._warnings import data_warnings, table_warnings
from jaxmle._inference import Adjustment
from jaxmle._tables import SliceCounts, few
from jaxmle._types import Array, Document

_NAMES = ("first", "second")


@dataclass(frozen=True)
class Arm:
    """One of the two sets.

    Attributes:
        label: What to call it: its file, columns or condition.
        table: Counts by slice.
        analysis: What the user says of it.
    """

    label: str
    table: SliceCounts
    analysis: AnalysisSettings


def compare_document(
    arms: tuple[Arm, Arm],
    *,
    judge_rates: JudgeRates = "separate",
    pairs: Pairs | None = None,
    clusters: tuple[Clusters, Clusters] | None = None,
    adjustment: Adjustment = "none",
    alone: list[str] | None = None,
) -> Document:
    """Compare the failure rates of two sets in every slice and in all, and describe the differences.

    Args:
        arms: The two sets, of the same slices.
        judge_rates: "separate" or "common".
        pairs: Items in both sets, for every slice and last the total; or None.
        clusters: Clusters of both sets, likewise, which are the tables' too; or None.
        adjustment: "none", "holm" or "benjamini-hochberg", over the slices.
        alone: Slices that only one of the sets has.

    Returns:
        The document. ``different`` is the verdict: of any slice where there are some, else of the total.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    first, second = arms
    fitted = [fit_table(arm.table, arm.analysis, is_independent=clusters is None) for arm in arms]
    counts_of_arms = [one.counts for one in fitted]
    analysis = first.analysis
    last = len(counts_of_arms[0]) - 1
    given: dict[str, Any] = {
        "judge_rates": judge_rates,
        "confidence": analysis.confidence,
        "calibration": analysis.calibration,
        "labels": analysis.labels,
        "seed": analysis.seed,
    }

    def differences(index: Array, adjustment: Adjustment) -> Difference:
        a, b = (counts[index] for counts in counts_of_arms)
        bounds = [arm.analysis.bounds_of(index) for arm in arms]
        some = None if pairs is None else pairs[index]
        both = None if clusters is None else (clusters[0].of_slices(index), clusters[1].of_slices(index))
        return compare(a, b, *bounds, pairs=some, clusters=both, adjustment=adjustment, **given)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said slice by slice below
        found = [differences(np.array([last]), "none")[0]]
        if analysis.by:
            # The total is no slice: it is not among the tests that are adjusted for.
            found = [*differences(np.arange(last), adjustment), *found]
    notes = [data_warnings(one, arm.analysis, one.fits) for one, arm in zip(fitted, arms, strict=True)]
    records = [
        _record(
            i,
            one,
            arms,
            counts_of_arms,
            [own[i] for own in notes],
            pairs,
            [bool(np.asarray(own.fits.identified)[i]) for own in fitted],
        )
        for i, one in enumerate(found)
    ]
    records[-1]["warnings"] += _of_tables(arms, alone or [])
    different = any(record["different"] for record in (records[:-1] if analysis.by else records))
    document = document_of("compare", first.table, analysis, records)
    sort_naturally(document["slices"])
    for key in ("failure", "rows", "log", "labels", "dropped", "panel"):
        document.pop(key, None)
    for record in (*document["slices"], document["total"]):
        record.pop("unjudged", None)
    document["settings"] |= {
        "judge_rates": judge_rates,
        "adjustment": adjustment,
        "paired": pairs is not None,
    }
    document["settings"]["clustered"] = clusters is not None
    document["settings"]["bounds_b"] = settings_of(second.analysis)["bounds"]
    arms_said = {
        name: {
            "name": arm.label,
            "failure": arm.table.failures,
            "rows": arm.table.n_rows,
            "dropped": arm.table.dropped,
            "log": arm.table.log,
            **({} if arm.table.panel is None else {"panel": panel_document(arm.table.panel, arm.analysis)}),
            "bounds_check": check_of_bounds(one),
        }
        for name, arm, one in zip(_NAMES, arms, fitted, strict=True)
    }
    return {"command": "compare", **arms_said, "different": different, **document}


def _record(
    i: int,
    one: Difference,
    arms: tuple[Arm, Arm],
    counts_of_arms: list[Counts],
    notes: list[list[str]],
    pairs: Pairs | None,
    known: list[bool],
) -> Document:
    said = [
        f"{name}: {note}"
        for name, own in zip(_NAMES, notes, strict=True)
        for note in own
        if not (one.identified and note.startswith("not identified"))  # by what a common judge does elsewhere
    ]
    if one.contradicted or one.mismatched:
        said.append("so no difference is claimed here")
    if not one.converged:
        said.append("not converged: the ends of the interval are not certified")
    record: Document = {"different": bool(one.different), "p_value": one.p_value}
    record["difference"] = {
        "estimate": one.estimate if one.identified else None,
        "low": one.low,
        "high": one.high,
        "method": one.method,
    }
    if pairs is not None:
        record["paired"] = {
            "n_matched": int(pairs.n_matched[i]),
            "n_labeled": int(pairs.n_labeled[i]),
            "effect": one.effect,
        }
    elif one.method.endswith("clusters"):
        record["design_effect"] = one.effect
    rates = zip(one.failure_rates, known, strict=True)
    for name, arm, counts, (rate, own) in zip(_NAMES, arms, counts_of_arms, rates, strict=True):
        record[name] = sizes_of(i, counts[i], arm.analysis, None)
        # One set may be known where the other is not, and so the difference is not.
        record[name]["failure_rate"] = rate if one.identified or own else None
    return record | {"warnings": said}


def _of_tables(arms: tuple[Arm, Arm], alone: list[str]) -> list[str]:
    """What there is to say of the rows."""
    notes = [f"only one of the two has such rows, so they are left out: {few(alone)}"] if alone else []
    for name, arm in zip(_NAMES, arms, strict=True):
        table = arm.table
        if table.repeated:
            notes.append(
                f"{name}: {table.repeated!r} repeats, so rows that share it may not be independent: "
                f"--cluster {shell_line(table.repeated)} takes them together, with those of the other set"
            )
        notes += [f"{name}: {note}" for note in table_warnings(replace(table, repeated=None))]
    return notes
