"""The result of `jaxmle plan`."""

from dataclasses import asdict
from importlib.metadata import version

from jaxmle._data import Bounds
from jaxmle._documents._document import stated
from jaxmle._documents._quoting import shell_line
from jaxmle._planning import Plan
from jaxmle._types import Document


def plan_document(
    plan: Plan, bounds: Bounds, settings: Document, origin: Document | None, notes: list[str]
) -> Document:
    """Describe a plan.

    Args:
        plan: The plan.
        bounds: The bounds that the analysis will use.
        settings: The options it was made with.
        origin: The calibration file that the bounds are of, as in `calibration_origin`, or None.
        notes: What there is to say against it.
    """
    labels, value, error = plan.curve
    return {
        "command": "plan",
        "version": version("jaxmle"),
        "settings": {
            **settings,
            "bounds": stated(bounds),
            **({} if origin is None else {"bounds_from": origin}),
            "confidence": plan.confidence,
        },
        "reached": plan.reached,
        "n_labels": plan.n_labels,
        "split": plan.split,
        "n_judged": plan.n_judged,
        "goal": plan.goal,
        "target": plan.target,
        "limit": plan.limit,
        "value": plan.value,
        "standard_error": plan.standard_error,
        "method": plan.method,
        "cost": plan.cost,
        "reason": plan.reason or None,
        "warnings": notes,
        "options": [asdict(one) for one in plan.options],
        "curve": [
            {"n_labels": int(n), "value": float(v), "standard_error": float(e)}
            for n, v, e in zip(labels, value, error, strict=True)
        ],
    }


def drawn_with(document: Document) -> str | None:
    """Options of `jaxmle draw` for a plan of what is expected; None where there is nothing to draw.

    Raises:
        KeyError: The document is no plan; as `TypeError` and `AttributeError` where it is of another kind.
    """
    n_labels, split = document["n_labels"], document["split"]
    if not n_labels or document["settings"]["calibration"] == "external":
        return None
    words = ["--labels", f"{n_labels:d}"]
    if split:
        words += ["--by-verdict", "--flagged", f"{split['flagged']:d}"]
    return shell_line(*words)
