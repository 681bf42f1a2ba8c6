"""What the logs of all tools become."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

# An object of JSON, and a row made of one.
Object: TypeAlias = Mapping[str, Any]
LogRow: TypeAlias = dict[str, object]

# What Inspect writes for right and wrong. In jaxmle's columns 1 is a failure; to tools it is a pass.
LETTERS = {"C": 1.0, "I": 0.0, "N": 0.0, "P": 0.5}
_PARTIAL = "Here C is 1, P 0.5 and I 0: a threshold of '<1' makes partial credit a failure, '<0.5' a pass."


@dataclass(frozen=True)
class Log:
    """Rows of one or several logs of one tool.

    Attributes:
        tool: Name of the tool.
        rows: A row an item that was judged; columns `score.NAME` hold "pass", "fail", or a graded score.
        judge: Column of the judge, where there is but one or the tool has an overall verdict.
        hint: What to know of the scores, a sentence, if anything.
    """

    tool: str
    rows: list[LogRow]
    judge: str | None
    hint: str | None = None


def log_of(
    tool: str, rows: list[LogRow], *, overall: str | None = None, letters: Mapping[str, float] | None = None
) -> Log:
    """Put scores in words, column by column.

    Args:
        tool: Name of the tool.
        rows: Rows with scores as the tool wrote them: booleans, numbers, or letters.
        overall: Column of the tool's overall verdict, if it has one.
        letters: Scores that the tool writes as letters.

    Returns:
        The log; a column with scores other than 0 and 1 keeps its numbers, none of which reads as a verdict.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row if name.startswith("score.")))
    letters = letters or {}
    partial = "P" in letters and any(row.get(column) == "P" for column in columns for row in rows)
    for column in columns:
        scores = [_number(row.get(column), letters) for row in rows]
        graded = any(isinstance(score, float) and score not in (0.0, 1.0) for score in scores)
        for row, score in zip(rows, scores, strict=True):
            if not isinstance(score, float):
                row[column] = score
            elif graded:
                # With decimals, so that a score of 1 is not taken for the verdict 1.
                row[column] = f"{score:#.12g}"
            else:
                row[column] = "pass" if score else "fail"
    judge = overall if overall in columns else columns[0] if len(columns) == 1 else None
    return Log(tool, rows, judge, _PARTIAL if partial else None)


def flat(prefix: str, values: object) -> LogRow:
    """Columns from the plain values of an object."""
    if not isinstance(values, Mapping):
        return {}
    plain = (str, int, float, bool)
    return {f"{prefix}.{name}": value for name, value in values.items() if isinstance(value, plain)}


def mapping(value: object) -> Object:
    """A value where it is an object; an empty one in place of whatever else a file may hold there."""
    return value if isinstance(value, Mapping) else {}


def objects(values: object) -> Iterable[Object]:
    """The objects in a list."""
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []


def _number(score: object, letters: Mapping[str, float]) -> object:
    """A score as a number where it is one, else as it is."""
    if isinstance(score, str):
        return letters.get(score, score)
    if isinstance(score, bool | int | float):
        try:
            return float(score) if score == score else None
        except OverflowError:  # a whole number of hundreds of digits
            return str(score)
    return None
