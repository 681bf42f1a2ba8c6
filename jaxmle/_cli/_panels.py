"""The groups of `--help`: which one an option belongs to, and in which order they come."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import typer

from jaxmle._cli._completion import completion_of

PANELS = {
    "What is asked": (
        "n_labels", "by_verdict", "n_flagged", "plan.failure_rate", "judge_tpr", "judge_fpr", "n_unlabeled",
        "given", "draw.plan", "target_width", "limit", "power", "method", "adjustment", "look", "of",
        "spending", "information", "anytime", "target", "human_error", "over", "grid", "points", "n_labeled",
        "cost_human", "cost_judge", "floor", "rater", "columns", "show_verdict", "source", "label_column",
        "status",
    ),
    "Verdicts": (
        "judge", "human", "counts", "failure", "judge_failure", "human_failure", "passes", "judge_threshold",
        "human_threshold", "combine", "human_combine", "missing", "where", "on_invalid", "human_file",
        "human_where", "design", "id", "weight", "cluster", "calibration", "labels", "judge_b", "human_b",
        "counts_b", "where_b",
    ),
    "Slices": ("by", "judge_rates", "mix", "order", "min_labels"),
    "Bounds": (
        *("tpr", "fpr", "tpr_b", "fpr_b", "failure_rate", "reference", "reference_by", "same_population"),
        *("borrow", "borrow_by", "bounds", "judge_name", "rubric", "max_age", "date"),
    ),
    "Interval": ("interval", "confidence", "n_resamples", "seed"),
    "Output": (
        "out", "engine", "resume", "raw_csv", "take", "html", "markdown", "card", "card_title",
        "png", "junit", "annotations", "write", "save", "as_json", "no_cache",
    ),
}  # fmt: skip
_PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}
_RANK = {name: rank for rank, name in enumerate(_PANEL_OF)}


def _spelling(command: Callable[..., Any], name: str) -> str:
    """How an option stands in the table: a command may have one of its own."""
    own = f"{command.__name__}.{name}"
    return own if own in _PANEL_OF else name


def flowing(command: Callable[..., Any]) -> str:
    """The text of a command, whose paragraphs are as wide as the terminal and not as the source."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


def in_panels(command: Callable[..., Any]) -> Callable[..., Any]:
    """Put the options of a command into their groups; those of a new name stay in one of their own."""
    types = get_type_hints(command, include_extras=True)
    for name, annotated in types.items():
        for option in getattr(annotated, "__metadata__", ()):
            if isinstance(option, typer.models.OptionInfo):
                option.rich_help_panel = _PANEL_OF.get(_spelling(command, name))
                if annotated.__origin__ is bool:
                    option.metavar = ""  # a flag takes no value
                else:
                    option.autocompletion = completion_of(name, option.metavar)
    signature = inspect.signature(command)
    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[one.name])
        for one in sorted(
            signature.parameters.values(),
            key=lambda one: _RANK.get(_spelling(command, one.name), len(_RANK)),
        )
    ]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return command
