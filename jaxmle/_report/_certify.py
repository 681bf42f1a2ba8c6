"""The result of `jaxmle certify`."""

import warnings
from typing import Any

import numpy as np

from jaxmle._inference import Adjustment, CertificateMethod, certify, fit
from jaxmle._report._claims import Claims, spread_of, with_total
from jaxmle._report._document import document_of, naming_slices, sizes_of
from jaxmle._report._warnings import data_warnings, table_warnings
from jaxmle.tables import SliceCounts


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
    everything = with_total(table, claims)
    given: dict[str, Any] = {
        "limit": limit,
        "confidence": claims.confidence,
        "method": method,
        "calibration": claims.calibration,
        "labels": claims.labels,
        "seed": claims.seed,
    }
    last = len(everything) - 1
    slices = np.arange(last)
    with naming_slices(table), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said slice by slice below
        fits = fit(everything, claims.bounds, calibration=claims.calibration)
        spread = spread_of(table, claims, everything)
        whole = spread.take(last) if spread else {}
        verdicts = [certify(everything[last], claims.bounds_of(last), **given, **whole)]
        if claims.by:
            given |= {
                "adjustment": adjustment,
                "progress": progress,
                **(spread.take(slices) if spread else {}),
            }
            verdicts = [*certify(table.counts, claims.bounds_of(slices), **given), *verdicts]
    notes = data_warnings(everything, claims, fits, spread)
    notes[-1] += table_warnings(table)
    records = []
    for i, (counts, result, verdict, note) in enumerate(zip(everything, fits, verdicts, notes, strict=True)):
        if verdict.by_bounds:
            note.append(f"the bounds on the failure rate decide about the limit {limit:g}, not the data")
        if verdict.contradicted or verdict.mismatched:
            note.append("so nothing is certified here")
        if not counts.n_labeled:
            note.append("the verdict rests on the bounds alone: there is no human label")
        records.append(
            {
                **sizes_of(i, counts, claims, spread),
                "certified": verdict.certified,
                "p_value": verdict.p_value,
                "upper_limit": verdict.upper_limit,
                "failure_rate": result.failure_rate if result.identified else None,
                "at_bound": result.active_bounds,
                "warnings": note,
            }
        )
    passed = all(record["certified"] for record in (records[:-1] if claims.by else records))
    document = document_of("certify", table, claims, records)
    document["settings"] |= {"limit": limit, "method": method, "adjustment": adjustment}
    return {"command": "certify", "certified": passed, **document}
