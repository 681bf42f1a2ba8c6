"""The groups of `--help`: which one an option belongs to, and in which order they come."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import typer

PANELS = {
    "What is asked": (
        "plan.failure_rate", "limit", "adjustment", "method", "look", "of", "spending", "information",
        "anytime", "human_error", "power", "target", "over", "grid", "points",
        "given", "judge_tpr", "judge_fpr", "n_unlabeled", "target_width", "n_labeled", "cost_human",
        "cost_judge", "n_labels", "draw.plan", "by_verdict", "n_flagged", "floor", "columns", "show_verdict",
        "rater", "source", "label_column", "status",
    ),
    "Verdicts": (
        "judge", "human", "counts", "failure", "judge_failure", "human_failure", "passes", "judge_threshold",
        "human_threshold", "combine", "human_combine", "missing", "where", "on_invalid", "human_file",
        "human_where", "design", "id", "weight", "cluster", "calibration", "labels", "judge_b", "human_b",
        "counts_b", "where_b",
    ),
    "Slices": ("by", "judge_rates", "mix", "order", "min_labels"),
    "Bounds": (
        *("tpr", "fpr", "failure_rate", "bounds", "reference", "reference_by", "same_population"),
        *("borrow", "borrow_by", "tpr_b", "fpr_b", "judge_name", "rubric", "max_age", "date"),
    ),
    "Interval": ("interval", "confidence", "n_resamples", "seed"),
    "Output": (
        "as_json", "out", "engine", "resume", "raw_csv", "take", "html", "markdown", "card", "card_title",
        "png", "junit", "annotations", "write", "save", "no_cache",
    ),
}  # fmt: skip
_PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}
_ORDER = [*PANELS, None]


def _panel(command: Callable[..., Any], name: str) -> str | None:
    return _PANEL_OF.get(f"{command.__name__}.{name}", _PANEL_OF.get(name))


def in_panels(command: Callable[..., Any]) -> Callable[..., Any]:
    """Put the options of a command into their groups; those of a new name stay in one of their own."""
    types = get_type_hints(command, include_extras=True)
    for name, annotated in types.items():
        for option in getattr(annotated, "__metadata__", ()):
            if isinstance(option, typer.models.OptionInfo):
                option.rich_help_panel = _panel(command, name)
                if annotated.__origin__ is bool:
                    option.metavar = ""  # a flag takes no value
    signature = inspect.signature(command)
    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[one.name])
        for one in sorted(
            signature.parameters.values(), key=lambda one: _ORDER.index(_panel(command, one.name))
        )
    ]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return command
