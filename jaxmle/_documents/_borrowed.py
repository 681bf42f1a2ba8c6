"""What the total is where the judge's rates are borrowed from references."""

import warnings
from typing import Any

import numpy as np

from jaxmle._data import Bounds, Counts
from jaxmle._documents._fitted import Fitted
from jaxmle._slices import borrow
from jaxmle._types import Document

_RATES = ("tpr", "fpr")
# Below this probability a rate is said to be unlike the references'.
_UNLIKE = 0.5


def borrowed(fitted: Fitted, references: Counts) -> Document:
    """Estimate the total with what references tell of the judge, in place of bounds on its rates.

    Args:
        fitted: The table's data sets, the total last.
        references: Labelled counts of each reference.

    Returns:
        Failure rate with its interval, the judge's rates, and how much was borrowed.
    """
    analysis, effects = fitted.analysis, fitted.effects
    more: dict[str, Any] = {} if effects is None else {"design_effect": float(effects.effect[fitted.last])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the labels, which the estimate beside it says
        found = borrow(
            fitted.counts[fitted.last],
            references,
            Bounds(failure_rate=analysis.bounds_of(fitted.last).failure_rate),
            confidence=analysis.confidence,
            calibration=analysis.calibration,
            **more,
        )
    estimate = found.estimate if found.identified else None
    return {
        "failure_rate": {"estimate": estimate, "low": found.low, "high": found.high},
        "tpr": found.tpr,
        "fpr": found.fpr,
        "exchangeable": dict(zip(_RATES, found.exchangeable, strict=True)),
        "share": found.borrowed,
        "spread": dict(zip(_RATES, found.spread, strict=True)),
        "n_references": found.n_references,
        "n_labeled": float(np.sum(references.n_labeled)),
        "method": found.method,
    }


def unlike_notes(lent: Document, own: Counts) -> list[str]:
    """What to say where the judge is not as in the references, or own labels cannot tell whether it is."""
    notes = []
    odd = [
        f"the {name.upper()} ({1 - share:.0%})"
        for name, share in lent["exchangeable"].items()
        if share < _UNLIKE
    ]
    if odd:
        notes.append(
            f"the judge is probably not as in the references, in {' and '.join(odd)}: little of it is "
            "borrowed, and bounds from these references would be wrong"
        )
    for kind, name, n in (("failure", "TPR", own.tp + own.fn), ("pass", "FPR", own.fp + own.tn)):
        if float(n) <= 0:
            notes.append(
                f"no label of your own is a {kind}: the {name} is that of the references, and nothing here "
                "could show that it is another one"
            )
    return notes
