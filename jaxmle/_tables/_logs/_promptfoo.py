"""Results that promptfoo writes with --output, as JSON or JSON lines."""

from collections.abc import Iterable, Mapping

from jaxmle._tables._logs._log import LogRow, Object, flat, mapping, objects

OVERALL = "score.pass"
# Where the verdict of a person who rated outputs in promptfoo's viewer goes.
_LABEL = "score.human"
_HUMAN = "human"
# What promptfoo gives as the reason where no assertion was tried.
_ERROR = 2


def is_promptfoo(line: Object) -> bool:
    """Whether an object is one result."""
    return {"success", "vars", "provider"} <= line.keys() and ("gradingResult" in line or "testCase" in line)


def promptfoo_rows(results: Iterable[Object]) -> list[LogRow]:
    """A row for each result: overall verdict, named scores, and scores by type of assertion."""
    rows = []
    for result in results:
        provider, prompt = result.get("provider"), result.get("prompt")
        grading = mapping(result.get("gradingResult"))
        failed = result.get("failureReason") == _ERROR or (result.get("error") and not grading)
        parts = list(objects(grading.get("componentResults")))
        scores = {OVERALL: _own_verdict(result, parts)}
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
