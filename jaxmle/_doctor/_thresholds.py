"""Thresholds of a graded judge: what each makes of it, and the one to take."""

from collections.abc import Mapping
from typing import Any

from jaxmle._data import Counts, says_bad
from jaxmle._planning import Precision
from jaxmle._tables import Roles, Source, counts_below
from jaxmle._types import Document


def thresholds_of(
    source: Source, roles: Roles, meaning: Mapping[str, Any], confidence: float
) -> list[Document]:
    """TPR, FPR and expected width of the interval at each threshold, the proposed one marked.

    The side of the threshold that means failure is the one that human failures are more often on. Any
    threshold gives a right estimate; the one with the narrowest interval is proposed.
    """
    found: list[Document] = []
    for cut, counts in counts_below(source, roles, meaning):
        below = not says_bad(roles.judge)
        failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
        if failures and passes and counts.tp * passes != counts.fp * failures:
            below = bool(counts.tp * passes > counts.fp * failures)
        c = counts if below else _turned(counts)
        precision = Precision.of(c, external=False) if failures + passes else None
        found.append(
            {
                "threshold": f"{'<' if below else '>='}{cut:g}",
                "tpr": c.tp / failures if failures else None,
                "fpr": c.fp / passes if passes else None,
                "width": None if precision is None else 2 * precision.half_width(confidence),
                "proposed": False,
            }
        )
    sharp = [one for one in found if one["width"] is not None]
    if sharp:
        min(sharp, key=lambda one: float(one["width"]))["proposed"] = True
    elif found:
        found[len(found) // 2]["proposed"] = True
    return found


def _turned(c: Counts) -> Counts:
    """Counts of the judge that says the opposite."""
    return Counts(c.fn, c.tp, c.tn, c.fp, c.unlabeled_neg, c.unlabeled_pos)
