"""The result of `jaxmle sensitivity`."""

import warnings
from collections.abc import Sequence

import numpy as np

from jaxmle._documents._document import document_of, sizes_of
from jaxmle._documents._fitted import Fitted, fit_table
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._tolerance import tolerance_note, tolerance_of
from jaxmle._documents._warnings import data_warnings, table_warnings
from jaxmle._documents._words import percent, short_percent
from jaxmle._inference import warn_of_design
from jaxmle._sensitivity import MARGIN, BoundScan, Effect, Sensitivity, check_over, scanned
from jaxmle._tables import SliceCounts
from jaxmle._types import Array, Document

_NUMBERS = ("estimate", "low", "high", "upper_limit")
_WIDENING = (
    "A wider bound can certify because the data press against it: the judge's rates that fit them best lie "
    "beyond it, and with those the failure rate is lower. Take bounds from labelled data, not from verdicts."
)


def sensitivity_document(
    table: SliceCounts,
    analysis: AnalysisSettings,
    *,
    over: list[str] | None,
    grid: Sequence[Array] | None = None,
    limit: float | None = None,
) -> tuple[Document, Sensitivity]:
    """Move the bounds and describe what becomes of estimate and verdict.

    Args:
        table: Counts of all rows, without slices.
        analysis: What the user says of the data; scalar bounds.
        over: One or two names of bounds, as in `sensitivity`, or None.
        grid: Their values, a row each, or None.
        limit: Failure rate to stay under, or None.

    Returns:
        The document, and the result that it describes.

    Raises:
        ValueError: The bounds leave no feasible point, or an argument is out of range.
    """
    check_over(over, grid)
    if analysis.confidence < 0.5:
        raise ValueError(f"`confidence` must be at least 0.5; got {analysis.confidence!r}.")
    fitted = fit_table(table, analysis)
    scan = bound_scan(fitted, analysis, limit, analysis.confidence)
    result = scanned(scan, over, grid[0] if grid is not None and len(grid) == 1 else grid)
    notes = data_warnings(fitted, analysis, fitted.fits)[0] + table_warnings(table)
    active = fitted.fits[0].active_bounds
    present = result.present
    record = {
        **sizes_of(0, fitted.counts[0], analysis, fitted.effects),
        **{name: getattr(present, name) for name in _NUMBERS},
        "certified": present.certified,
        "status": present.status,
        "at_bound": active,
        "warnings": notes,
    }
    document = document_of("sensitivity", table, analysis, [record])
    del document["slices"]
    document["settings"] |= {"limit": limit, "over": list(result.over), "method": "profile"}
    document["effects"] = [
        {
            "bound": one.bound,
            "value": one.value,
            "active": one.bound in active,
            "d_estimate": one.d_estimate,
            "d_upper_limit": one.d_upper_limit,
            "tipping": one.tipping,
        }
        for one in result.effects
    ]
    margin = next(one.tipping for one in result.effects if one.bound == MARGIN)
    document["tolerance"] = tolerance = tolerance_of(fitted, scan, margin)
    document["tipping_in_words"] = _in_words(result)
    if tolerance:
        document["tipping_in_words"].insert(0, tolerance_note(tolerance))
    document["tipping"] = result.tipping.tolist()
    document["grid"] = {name: row.tolist() for name, row in zip(result.over, result.grid, strict=True)}
    document["answers"] = {name: getattr(result, name).tolist() for name in (*_NUMBERS, "status")}
    document["answers"]["certified"] = None if limit is None else result.certified.tolist()
    return document, result


def bound_scan(
    fitted: Fitted, analysis: AnalysisSettings, limit: float | None, confidence: float
) -> BoundScan:
    """What is asked of all rows together under other bounds."""
    last, effects = [fitted.last], fitted.effects
    present = fitted.effective[last]
    weighted = effects is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said in words elsewhere
        mismatched = warn_of_design(present.counts, analysis.calibration, analysis.labels, effective=weighted)
    return BoundScan(
        present=present,
        unbounded=np.asarray(fitted.unbounded.log_likelihood)[last],
        limit=limit,
        confidence=confidence,
        labels=analysis.labels,
        mismatched=bool(mismatched),
        df=None if effects is None or effects.df is None else float(effects.df[fitted.last]),
    )


def _in_words(result: Sensitivity) -> list[str]:
    """What it takes for each bound to turn the verdict, and what the last word is."""
    if result.limit is None:
        return ["Give --limit to see where a verdict flips."]
    if result.present.status == "contradicted":
        return ["The data contradict the present bounds, so nothing is certified there."]
    movable = [one for one in result.effects if one.tipping is not None and "failure_rate" not in one.bound]
    lines = [_sentence(one, bool(result.present.certified)) for one in movable]
    if not lines:
        lines = ["No bound on the judge's rates, moved by itself, turns this verdict."]
    if not result.present.certified and any(_widens(one) for one in movable):
        lines.append(_WIDENING)
    lines.append("By the profile likelihood; `jaxmle certify` has the exact verdict at bounds you settle on.")
    return lines


def _widens(one: Effect) -> bool:
    """Whether it takes a wider bound to turn the verdict."""
    assert one.tipping is not None
    return one.bound == MARGIN or (one.tipping > one.value) == one.bound.endswith(".high")


def _sentence(one: Effect, certified: bool) -> str:
    assert one.tipping is not None
    if one.bound == MARGIN:
        change = f"all bounds on TPR and FPR being widened by {percent(one.tipping)}"
    else:
        way = "falling" if one.tipping < one.value else "rising"
        change = f"{one.bound} {way} from {short_percent(one.value)} to {percent(one.tipping)}"
    return f"What would turn it: {change}." if certified else f"What would certify it: {change}."
