"""The result of `jaxmle certify`."""

import warnings
from typing import Any

import numpy as np

from jaxmle._documents._bounds_check import check_of_bounds
from jaxmle._documents._cautions import cautions
from jaxmle._documents._document import document_of, first_of, sizes_of
from jaxmle._documents._fitted import Fitted, fit_table
from jaxmle._documents._order import sort_naturally
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._warnings import data_warnings, table_warnings
from jaxmle._documents._words import short_percent
from jaxmle._inference import Adjustment, Certificate, CertificateMethod, certify_fit
from jaxmle._tables import SliceCounts
from jaxmle._types import Array, Document

# Said where the data contradict the bounds or the design.
NOTHING_CERTIFIED = "so nothing is certified here"


def certify_document(
    table: SliceCounts,
    analysis: AnalysisSettings,
    *,
    limit: float,
    method: CertificateMethod = "exact",
    adjustment: Adjustment = "none",
    fitted: Fitted | None = None,
    progress: bool = False,
) -> Document:
    """Certify every slice and the total, and describe the verdicts.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        limit: Failure rate to stay under, in (0, 1).
        method: "exact" or "profile".
        adjustment: "none", "holm" or "benjamini-hochberg", over the slices.
        fitted: The table's data sets, where they are fitted already.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The document. ``certified`` is the verdict: of all slices where there are any, else of the total.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    given: dict[str, Any] = {
        "limit": limit,
        "confidence": analysis.confidence,
        "method": method,
        "labels": analysis.labels,
        "seed": analysis.seed,
    }
    fitted = fitted or fit_table(table, analysis)
    fits = fitted.fits

    def certified(index: Array | int, **more: Any) -> Certificate:
        against = fitted.contradicted[index]
        return certify_fit(fits[index], against=against, **given, **fitted.dispersion(index), **more)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said slice by slice below
        verdicts = [certified(fitted.last)]
        if analysis.by:
            slices = np.arange(fitted.last)
            verdicts = [*certified(slices, adjustment=adjustment, progress=progress), *verdicts]
    notes = data_warnings(fitted, analysis, fits)
    notes[-1] += table_warnings(table)
    records = []
    rows = zip(fitted.counts, fits, verdicts, notes, strict=True)
    for i, (counts, result, verdict, note) in enumerate(rows):
        note += certificate_notes(limit, verdict, counts.n_labeled)
        records.append(
            {
                **sizes_of(i, counts, analysis, fitted.effects),
                "certified": verdict.certified,
                "p_value": verdict.p_value,
                "upper_limit": verdict.upper_limit,
                "failure_rate": result.failure_rate if result.identified else None,
                "at_bound": result.active_bounds,
                "warnings": note,
            }
        )
    passed = all(record["certified"] for record in (records[:-1] if analysis.by else records))
    document = document_of("certify", table, analysis, records)
    sort_naturally(document["slices"])
    document |= cautions(table, analysis, fitted, simulate=False)
    document["bounds_check"] = check_of_bounds(fitted)
    document["settings"] |= {"limit": limit, "method": method, "adjustment": adjustment}
    return {**first_of(document), "certified": passed, **document}


def certificate_notes(limit: float, verdict: Certificate, n_labeled: Array | float) -> list[str]:
    """What there is to say of one verdict."""
    notes = []
    if verdict.by_bounds:
        notes.append(
            f"the bounds on the failure rate decide about the limit {short_percent(limit)}, not the data"
        )
    if verdict.contradicted or verdict.mismatched:
        notes.append(NOTHING_CERTIFIED)
    if not n_labeled:
        notes.append("the verdict rests on the bounds alone: there is no human label")
    return notes
