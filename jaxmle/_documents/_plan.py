"""The result of `jaxmle plan`."""

from dataclasses import asdict
from importlib.metadata import version

from jaxmle._data import Bounds
from jaxmle._documents._document import stated
from jaxmle._planning import Plan
from jaxmle._types import Document


def plan_document(plan: Plan, bounds: Bounds, settings: Document) -> Document:
    """Describe a plan; ``settings`` are the options it was made with."""
    labels, value, error = plan.curve
    return {
        "command": "plan",
        "version": version("jaxmle"),
        "settings": {**settings, "bounds": stated(bounds), "confidence": plan.confidence},
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
        "options": [asdict(one) for one in plan.options],
        "curve": [
            {"n_labels": int(n), "value": float(v), "standard_error": float(e)}
            for n, v, e in zip(labels, value, error, strict=True)
        ],
    }
