"""Do data speak against their bounds, and how far could these be off unnoticed? For documents, in words."""

import warnings

import numpy as np

from jaxmle._documents._fitted import Fitted
from jaxmle._inference import LEVEL, POWER
from jaxmle._types import Document

# Larger p-values are not simulated: what the document holds is an upper limit.
_REMARKABLE = 0.05
# Shares of a width that nobody would miss.
_COST = 1.02
_NAMES = {"failure_rate": "failure rate", "tpr": "TPR", "fpr": "FPR"}


def check_of_bounds(fitted: Fitted) -> Document | None:
    """The check of the bounds on all rows together; None where no bound says anything.

    Returns:
        ``p_value`` of all rows, at most, and whether they are ``contradicted``; ``slices_contradicted``, a
        number; and under ``noticed``, for each rate with a bound, the pair of its values below and above the
        bounds beyond which the test at ``level`` would find the bound wrong with probability ``power``, None
        where no value would do; and under ``widths`` those of the interval with the bounds and without.
    """
    last = fitted.last
    p_value, contradicted = fitted.bounds_check
    pairs = zip(_NAMES, fitted.effective.bounds._values(), strict=True)
    stated = {name: [float(end[last]) for end in pair] for name, pair in pairs}
    stated = {name: pair for name, pair in stated.items() if any(0 < end < 1 for end in pair)}
    if not stated:
        return None
    value, found = fitted.noticed
    noticed = {
        name: [float(value[i, side]) if found[i, side] else None for side in (0, 1)]
        for i, name in enumerate(_NAMES)
        if name in stated
    }
    return {
        "level": LEVEL,
        "power": POWER,
        "p_value": float(p_value[last]),
        "contradicted": bool(contradicted[last]),
        "slices_contradicted": int(np.sum(contradicted[:last])),
        "bounds": stated,
        "noticed": noticed,
        "widths": _widths(fitted),
    }


def _widths(fitted: Fitted) -> list[float]:
    """Widths of the chi-square interval of all rows together, with the bounds and without."""
    confidence = fitted.analysis.confidence
    both = (fitted.effective[fitted.last], fitted.unbounded[fitted.last])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said in the document
        found = [one.interval(confidence=confidence, simulate=False) for one in both]
    return [float(np.sum(one.high - one.low)) for one in found]


def bounds_note(check: Document) -> str:
    """One line: that the data do not contradict the bounds, if so, what would be missed, what they cost."""
    return f"{_noticed_note(check)}{_cost_note(check)}"


def _cost_note(check: Document) -> str:
    own, free = check["widths"]
    if check["contradicted"] or own <= _COST * free:
        return ""
    return (
        f" The bounds cost rather than help here: the interval is {100 * own:.1f} points wide with them, "
        f"{100 * free:.1f} without (chi-square), as they draw the judge's rates to where verdicts tell less."
    )


def _noticed_note(check: Document) -> str:
    p = check["p_value"]
    said = "The data do not contradict the bounds (p > .05). "
    if p <= _REMARKABLE:
        said = (
            f"The data fit the bounds badly (p = {p:.3f}; at {check['level']:g} they would contradict them). "
        )
    if check["contradicted"]:
        said = ""  # a warning says so elsewhere
    odds = f"{10 * check['power']:.0f} times in 10"
    far, never = [], []
    for name, pair in check["noticed"].items():
        given = zip(check["bounds"][name], pair, ("below", "above"), strict=True)
        ends = [(value, side) for bound, value, side in given if 0 < bound < 1]
        words = [f"{side} {100 * value:.1f}%" for value, side in ends if value is not None]
        missed = [side for value, side in ends if value is None]
        if words:
            far.append(f"the {_NAMES[name]} were {' or '.join(words)}")
        if missed:
            article = "an" if name == "fpr" else "a"
            never.append(
                f"{article} {_NAMES[name]} {'outside' if len(missed) == 2 else missed[0]} its bounds"
            )
    if not far:
        return f"{said}That says little: no error of the bounds would be found {odds}, however large."
    rarely = f"; {' and '.join(never)} more seldom, however far off" if never else ""
    return f"{said}An error of the bounds would be found {odds} only if {' or '.join(far)}{rarely}."
