"""Results that promptfoo writes with --output, as JSON or JSON lines."""

from collections.abc import Iterable, Mapping

from jaxmle._tables._logs._log import LogRow, Object, flat, mapping, objects

OVERALL = "score.pass"
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
        scores = {OVERALL: result.get("success")}
        scores |= {f"score.{name}": value for name, value in mapping(result.get("namedScores")).items()}
        for part in objects(grading.get("componentResults")):
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
                **(dict.fromkeys(scores) if failed else scores),
            }
        )
    return rows
