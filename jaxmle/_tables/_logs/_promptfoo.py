"""Results that promptfoo writes with --output, as JSON or JSON lines."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from jaxmle._tables._files import quote_name, quote_text
from jaxmle._tables._logs._log import LogRow, Object, flat, mapping, objects
from jaxmle._tables._source import VERDICTS, Row

OVERALL = "score.pass"
# Where the verdict of a person who rated outputs in promptfoo's viewer goes.
_LABEL = "score.human"
_HUMAN = "human"
# What its tables hold, one for one prompt, and how the reason of a person's verdict begins.
_REASON = "Grader Reason"
_TABLE = frozenset(("Status", "Score", _REASON, "Comment"))
_RATED = "Manual result"
# What promptfoo gives as the reason where no assertion was tried.
_ERROR = 2


def is_promptfoo(line: Object) -> bool:
    """Whether an object is one result."""
    return {"success", "vars", "provider"} <= line.keys() and ("gradingResult" in line or "testCase" in line)


def check_unrated(name: str, columns: Sequence[str], query: Callable[[str], list[Row]]) -> None:
    """Stop at promptfoo's table of results where people rated some: their verdicts replaced the judge's.

    Args:
        name: What to call it in a message.
        columns: Names of its columns.
        query: Runs a query over its rows.

    Raises:
        ValueError: It is such a table.
    """
    if not set(columns) >= _TABLE:
        return
    reason = quote_name(_REASON)
    if query(f"SELECT 1 FROM {VERDICTS} WHERE starts_with({reason}, {quote_text(_RATED)}) LIMIT 1"):
        raise ValueError(
            f"cannot use {name}: it is a table of promptfoo's in which verdicts of people replaced those of "
            "the judge; export it as JSON, with promptfoo export eval ID -o results.json."
        )


def promptfoo_rows(results: Iterable[Object]) -> list[LogRow]:
    """A row for each result: overall verdict, named scores, and scores by type of assertion."""
    rows = []
    for result in results:
        provider, prompt = result.get("provider"), result.get("prompt")
        grading = mapping(result.get("gradingResult"))
        failed = result.get("failureReason") == _ERROR or (result.get("error") and not grading)
        parts = list(objects(grading.get("componentResults")))
        scores = {OVERALL: _own_verdict(result, _without_members(parts))}
        scores |= {f"score.{name}": value for name, value in mapping(result.get("namedScores")).items()}
        for part in parts:
            assertion = mapping(part.get("assertion"))
            if "metric" not in assertion and "type" in assertion:
                # One of several assertions of a type fails them all.
                name = f"score.{assertion['type']}"
                scores[name] = bool(part.get("pass")) and bool(scores.get(name, True))
        rows.append(
            {
                "id": str(result.get("testIdx", "")) or None,
                "prompt": prompt.get("label") if isinstance(prompt, Mapping) else None,
                "provider": provider.get("id") if isinstance(provider, Mapping) else provider,
                **flat("vars", result.get("vars")),
                **flat("metadata", result.get("metadata") or mapping(result.get("testCase")).get("metadata")),
                **(_without_verdicts(scores) if failed else scores),
            }
        )
    return rows


def _without_members(parts: list[Object]) -> list[Object]:
    """The assertions and sets of assertions; promptfoo lists the members of a set once more behind it."""
    found, skipped = [], 0
    for part in parts:
        if skipped:
            skipped -= 1
            continue
        found.append(part)
        skipped = len(list(objects(part.get("componentResults"))))
    return found


def _own_verdict(result: Object, parts: list[Object]) -> object:
    """The overall verdict of the assertions.

    Where a person rated the output promptfoo overwrites it by theirs, so it is made again from the
    assertions as promptfoo makes it: all pass, or the weighted mean of their scores reaches the threshold.
    """
    own = [part for part in parts if _assertion(part).get("type") != _HUMAN]
    if len(own) == len(parts):
        return result.get("success")
    threshold = _object(result.get("testCase")).get("threshold")
    if not own:
        return None  # there was nothing but the person's verdict
    if not isinstance(threshold, int | float):
        return all(bool(part.get("pass")) for part in own)
    weights = [_number(_assertion(part).get("weight"), 1.0) for part in own]
    scores = [_number(part.get("score"), float(bool(part.get("pass")))) for part in own]
    mean = sum(w * s for w, s in zip(weights, scores, strict=True)) / (sum(weights) or 1.0)
    return mean >= threshold


def _without_verdicts(scores: dict[str, object]) -> dict[str, object]:
    """No verdict but the person's, where promptfoo met an error."""
    return {name: score if name == _LABEL else None for name, score in scores.items()}


def _assertion(part: Object) -> Object:
    return _object(part.get("assertion"))


def _object(value: object) -> Object:
    return value if isinstance(value, Mapping) else {}


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
