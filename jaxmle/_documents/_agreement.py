"""How well judge and human agree on the labelled items, for documents."""

from collections.abc import Iterable
from typing import Any

from jaxmle._data import Counts
from jaxmle._inference import Agreement, RaterAgreement, agreement
from jaxmle._types import Document

# In the order in which they are shown, and what to call them.
AGREEMENT = {
    "tpr": "TPR",
    "fpr": "FPR",
    "precision": "precision",
    "accuracy": "accuracy",
    "kappa": "Cohen's kappa",
    "ac1": "Gwet's AC1",
}
AGREEMENT_NOTE = (
    "TPR and FPR are the judge's; precision, accuracy, kappa and AC1 hang on how many of the labelled items "
    "are failures too, and kappa is low where few are, however good the judge."
)


def agreement_document(counts: Counts, confidence: float, effective: Counts | None = None) -> Document | None:
    """The confusion table of all labelled rows and measures of agreement; None without labels.

    Args:
        counts: Counts of all rows together.
        confidence: Confidence of the intervals, in (0, 1).
        effective: Counts that tell as much as the rows do, where weights or clusters make them tell less.
    """
    if not counts.n_labeled:
        return None
    found = agreement(counts if effective is None else effective, confidence=confidence)
    document: dict[str, Any] = {"confidence": confidence}
    document["confusion"] = {name: float(getattr(counts, name)) for name in ("tp", "fn", "fp", "tn")}
    return document | measures_of(found, AGREEMENT)


def measures_of(found: Agreement | RaterAgreement, names: Iterable[str]) -> Document:
    """Estimates and intervals of some of the measures, None where labels tell nothing of one."""
    ends = ("estimate", "low", "high")
    parts = {name: getattr(found, name) for name in names}
    return {
        name: None if one is None else {end: float(getattr(one, end)) for end in ends}
        for name, one in parts.items()
    }
