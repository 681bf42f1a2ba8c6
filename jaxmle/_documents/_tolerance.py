"""By how much may the bounds be off before a verdict turns, and would it be noticed?"""

from jaxmle._documents._document import stated
from jaxmle._documents._fitted import Fitted
from jaxmle._inference import LEVEL, chance_to_notice
from jaxmle._sensitivity import BoundScan
from jaxmle._types import Document

_NAMES = ("failure_rate", "tpr", "fpr")


def tolerance_of(
    fitted: Fitted, scan: BoundScan, margin: float | None, certified: bool | None = None
) -> Document | None:
    """How far the bounds of all rows together may be off, and how likely that is to be noticed.

    Args:
        fitted: The data sets; the last is that of all rows.
        scan: What is asked of it.
        margin: Nearest margin on all bounds of the judge at which the verdict of the scan turns, or None.
        certified: The verdict that is to hold, or None for that of the scan.

    Returns:
        ``margin``, the verdict ``certified``, whether it is that of the scan (``agrees``), and under
        ``noticed`` the probability, by bound, that the test of the bounds at ``level`` finds a rate that lies
        the margin beyond it; None where there is no limit, no bound on the judge, or no verdict since the
        data contradict the bounds.
    """
    bounds = fitted.effective[fitted.last].bounds
    if scan.limit is None or not {"tpr", "fpr"} & stated(bounds).keys():
        return None
    found = scan.verdicts(scan.ends[None])
    if found.status[0] == "contradicted":
        return None
    own = bool(found.certified[0])
    noticed: dict[str, float] = {}
    if margin is not None:
        chance = chance_to_notice(fitted.effective[[fitted.last]], margin, labels=fitted.analysis.labels)[0]
        noticed = {
            f"{name}.{end}": float(chance[i, side])
            for i, name in enumerate(_NAMES)
            for side, end in enumerate(("low", "high"))
            if name != "failure_rate" and 0 < float(getattr(bounds, name)[side]) < 1
        }
    return {
        "margin": margin,
        "certified": own if certified is None else certified,
        "agrees": certified is None or certified == own,
        "noticed": noticed,
        "level": LEVEL,
        "n_labeled": float(fitted.counts[fitted.last].n_labeled),
    }


def tolerance_note(found: Document) -> str:
    """One line of it."""
    if not found["agrees"]:
        return (
            "By the profile likelihood, by which other bounds are tried, the verdict is the other one: so "
            "near the limit any error of the bounds may turn it."
        )
    margin, certified = found["margin"], found["certified"]
    if margin is None:
        if not certified:
            return "Wider bounds on the judge do not certify it either."
        return "However far the bounds on the judge are off, the verdict stays: wider ones certify it too."
    turns = (
        "The verdict holds until the bounds on the judge are off by"
        if certified
        else "It would be certified with bounds on the judge that are wider by"
    )
    turns = f"{turns} {100 * margin:.3g} points"
    if not (chances := sorted(found["noticed"].values())):
        return f"{turns}."
    low, high = (f"{100 * chance:.0f}%" if chance >= 0.005 else "0" for chance in (chances[0], chances[-1]))
    often = high if low == high else f"{low.removesuffix('%')} to {high}"
    which = "" if low == high else ", depending on the bound"
    seen = "hardly ever be noticed" if high == "0" else f"be noticed {often} of the time{which}"
    labels = f"{found['n_labeled']:,.8g} {'label' if found['n_labeled'] == 1 else 'labels'}"
    return f"{turns}; with {labels} a rate so far outside would {seen}."
