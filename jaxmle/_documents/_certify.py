"""The result of `jaxmle certify`."""

import warnings
from typing import Any, Literal

import numpy as np

from jaxmle._documents._bounds_check import check_of_bounds
from jaxmle._documents._cautions import cautions
from jaxmle._documents._document import document_of, first_of, sizes_of
from jaxmle._documents._fitted import Fitted, fit_table
from jaxmle._documents._looks import look_of, looks_notes
from jaxmle._documents._order import sort_naturally
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._warnings import data_warnings, table_warnings
from jaxmle._documents._words import short_percent
from jaxmle._inference import (
    Adjustment,
    Certificate,
    CertificateMethod,
    Looks,
    anytime_certificates,
    certify_fit,
)
from jaxmle._tables import SliceCounts
from jaxmle._types import Array, Document

# Said where the data contradict the bounds or the design.
NOTHING_CERTIFIED = "so nothing is certified here"


def certify_document(
    table: SliceCounts,
    analysis: AnalysisSettings,
    *,
    limit: float,
    method: CertificateMethod | Literal["anytime"] = "exact",
    adjustment: Adjustment = "none",
    looks: Looks | None = None,
    asked: float | None = None,
    fitted: Fitted | None = None,
    progress: bool = False,
) -> Document:
    """Certify every slice and the total, and describe the verdicts.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        limit: Failure rate to stay under, in (0, 1).
        method: "exact", "profile", or "anytime", as `confidence_sequence`.
        adjustment: "none", "holm" or "benjamini-hochberg", over the slices.
        looks: Which look at the gate it is, of how many.
        asked: The limit as the user put it, where labels may err and ``limit`` is that of the labels.
        fitted: The table's data sets, where they are fitted already.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The document. ``certified`` is the verdict: of all slices where there are any, else of the total.

    Raises:
        ValueError: The bounds leave no feasible point for some slice, or an argument is out of range.
    """
    fitted = fitted or fit_table(table, analysis)
    fits = fitted.fits
    once = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said slice by slice below
        if method == "anytime":
            _check_anytime(analysis, fitted, looks)
            verdicts, once = _at_any_time(fitted, analysis, limit, adjustment)
        else:
            given = {"limit": limit, "method": method, "looks": looks}
            verdicts = _verdicts(fitted, analysis, adjustment, progress, **given)
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
                **({} if once is None else {"upper_limit_once": float(once[i])}),
            }
        )
    passed = all(record["certified"] for record in (records[:-1] if analysis.by else records))
    document = document_of("certify", table, analysis, records)
    sort_naturally(document["slices"])
    document |= cautions(table, analysis, fitted, simulate=False)
    document["bounds_check"] = check_of_bounds(fitted)
    document["settings"] |= {"limit": limit, "method": method, "adjustment": adjustment}
    if looks is not None:
        document["settings"]["looks"] = {
            "look": looks.look,
            "of": looks.of,
            "spending": looks.spending,
            "information": looks.shares.tolist(),
            "level": looks.level(1 - analysis.confidence),
        }
    now = look_of(document["settings"], limit if asked is None else asked)
    document["cautions"] += looks_notes(analysis.label_design, now)
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


def _verdicts(
    fitted: Fitted, analysis: AnalysisSettings, adjustment: Adjustment, progress: bool, **options: Any
) -> list[Certificate]:
    """Verdicts on all slices and, last, the total."""
    options |= {"confidence": analysis.confidence, "labels": analysis.labels, "seed": analysis.seed}

    def certified(index: Array | int, **more: Any) -> Certificate:
        against = fitted.contradicted[index]
        dispersion = fitted.dispersion(index)
        return certify_fit(fitted.fits[index], against=against, **options, **dispersion, **more)

    found = [certified(fitted.last)]
    if analysis.by:
        slices = np.arange(fitted.last)
        found = [*certified(slices, adjustment=adjustment, progress=progress), *found]
    return found


def _at_any_time(
    fitted: Fitted, analysis: AnalysisSettings, limit: float, adjustment: Adjustment
) -> tuple[list[Certificate], Array]:
    """The same at any time, and profile limits that hold at one time."""
    some: dict[str, Any] = {"limit": limit, "confidence": analysis.confidence}

    def certified(index: Array, adjustment: Adjustment) -> list[Certificate]:
        against = fitted.contradicted[index]
        data = fitted.counts[index], fitted.fits.bounds[index]
        return [*anytime_certificates(*data, adjustment=adjustment, against=against, **some)]

    found = certified(np.array([fitted.last]), "none")
    if analysis.by:
        found = [*certified(np.arange(fitted.last), adjustment), *found]
    once = certify_fit(fitted.fits, method="profile", labels=analysis.labels, seed=analysis.seed, **some)
    return found, np.asarray(once.upper_limit)


def _check_anytime(analysis: AnalysisSettings, fitted: Fitted, looks: Looks | None) -> None:
    """Raise ``ValueError`` where bets are not fair, or would be looked at by a plan."""
    if looks is not None:
        raise ValueError("a limit that holds at any time needs no number of looks: leave one of the two out.")
    if analysis.calibration == "external" or analysis.labels == "by-verdict":
        raise ValueError(
            "a limit that holds at any time is of labels drawn at random from the judged items: neither "
            "external ones nor those by verdict."
        )
    if fitted.effects is not None:
        raise ValueError(
            "a limit that holds at any time is of items that stand for themselves: leave weights and "
            "clusters out, or label one item of each cluster."
        )
