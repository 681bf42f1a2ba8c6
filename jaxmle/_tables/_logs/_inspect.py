"""Logs of Inspect AI, by its own reader."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from jaxmle._tables._logs._log import LogRow, Object, flat


def inspect_rows(path: Path) -> list[LogRow]:
    """A row for each sample and epoch; scores of several values have a column each.

    Raises:
        ValueError: inspect-ai is not installed, or can't read the file.
    """
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise ValueError(
            f"cannot read {str(path)!r}: it is a log of Inspect AI; pip install '.[inspect]' reads it."
        ) from None
    if path.suffix.lower() == ".eval" and not zipfile.is_zipfile(path):
        raise ValueError(
            f"cannot read {str(path)!r}: it is no .eval file of Inspect AI, or one that ends early."
        )
    try:
        log = read_eval_log(str(path))
    except Exception as error:  # whatever its reader meets in a broken file
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"cannot read {str(path)!r} as a log of Inspect AI: {first}.") from error
    about = {"task": log.eval.task, "model": str(log.eval.model)}
    return [
        {
            "id": str(sample.id),
            "epoch": sample.epoch,
            **about,
            **flat("metadata", sample.metadata),
            **_scores(sample.scores or {}),
        }
        for sample in log.samples or []
    ]


def _scores(scores: Object) -> LogRow:
    """Scores as the scorers gave them (`score.`), and what one became that somebody edited (`edited.`)."""
    found: LogRow = {}
    for name, score in scores.items():
        first, *edits = getattr(score, "history", None) or [score]
        found |= _values(f"score.{name}", first.value)
        if edits:
            found |= _values(f"edited.{name}", score.value)
    return found


def _values(name: str, value: object) -> LogRow:
    """A score in a column of its name; one of several values has a column for each."""
    if isinstance(value, Mapping):
        return {f"{name}.{part}": one for part, one in value.items()}
    return {name: value}
