"""What is said before any number: likely mistakes in what the labels are, and the rate without them."""

import warnings

from jaxmle._data import Counts
from jaxmle._documents._draw import skipped_note
from jaxmle._documents._fitted import Fitted
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._warnings import copy_note, design_note, strangers_note
from jaxmle._inference import design_check, fit, mismatched
from jaxmle._tables import SliceCounts
from jaxmle._types import Document

# Sets put together by true label are rarely off by more.
_BALANCED = 0.05


def is_balanced(total: Counts) -> bool:
    """Whether the labels look as if they had been chosen by what they say."""
    failures, labeled = total.tp + total.fn, total.n_labeled
    even = labeled and abs(failures / labeled - 0.5) <= _BALANCED
    return bool(even and mismatched(design_check(total)).any())


def balanced_note(total: Counts) -> str:
    """What to say of labels that were likely balanced by true label."""
    failures = total.tp + total.fn
    return (
        f"{failures:,.8g} of the {total.n_labeled:,.8g} labels are failures, as in a set that was balanced "
        "by true label: their rate is not that of the rest, which --calibration external allows for"
    )


def cautions(table: SliceCounts, analysis: AnalysisSettings, fitted: Fitted, *, simulate: bool) -> Document:
    """What a document says before its numbers.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        fitted: The table's data sets.
        simulate: Whether the interval beside is calibrated.

    Returns:
        Under ``cautions`` sentences, and under ``if_external`` the failure rate and its interval where labels
        that cannot be a random sample tell of the judge alone; None where the labels may well be one.
    """
    said = [note for note in (copy_note(table), strangers_note(table)) if note]
    other = None
    skipped = skipped_note(
        analysis.label_design,
        fitted.counts[fitted.last],
        analysis.bounds_of(fitted.last),
        is_plain=table.all_clusters is None and table.all_squares is None,
    )
    if skipped:
        said.append(skipped)
    total = fitted.effective.counts[fitted.last]
    check = design_check(total)
    if analysis.calibration == "internal" and analysis.labels == "random" and mismatched(check).any():
        if is_balanced(total):
            said.append(balanced_note(total))
        said.append(design_note(float(check.flag_rate_labeled), float(check.flag_rate_unlabeled)))
        other = _if_external(fitted, analysis, simulate)
    return {"cautions": said, "if_external": other}


def _if_external(fitted: Fitted, analysis: AnalysisSettings, simulate: bool) -> Document | None:
    """Failure rate of all rows together with ``calibration="external"``, where there is one."""
    last = fitted.last
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # said in the document
            found = fit(fitted.counts[last], analysis.bounds_of(last), calibration="external")
            interval = found.interval(
                confidence=analysis.confidence,
                simulate=None if simulate else False,
                seed=analysis.seed,
                **fitted.dispersion(last),
            )
    except ValueError:
        return None  # the bounds exclude it
    return {
        "estimate": float(found.failure_rate) if found.identified else None,
        "low": float(interval.low),
        "high": float(interval.high),
    }
