"""OpenAI evals: output items of a run, and the files of events that `oaieval` writes."""

from collections.abc import Iterable

from jaxmle._tables._logs._log import LogRow, Object, flat, objects

OVERALL = "score.pass"


def is_output_item(item: Object) -> bool:
    """Whether an object is an output item of a run of the API."""
    return item.get("object") == "eval.run.output_item" and isinstance(item.get("results"), list)


def output_item_rows(items: Iterable[Object]) -> list[LogRow]:
    """A row for each item: overall verdict; verdict (`score.`) and score (`value.`) of each grader."""
    rows = []
    for item in items:
        row: LogRow = {"id": str(item.get("datasource_item_id", item.get("id")))}
        row |= flat("item", item.get("datasource_item"))
        # Any other status is of an item that was not graded.
        row[OVERALL] = {"pass": True, "passed": True, "fail": False, "failed": False}.get(
            str(item.get("status"))
        )
        for result in objects(item.get("results")):
            row[f"score.{result.get('name')}"] = result.get("passed")
            row[f"value.{result.get('name')}"] = result.get("score")
        rows.append(row)
    return rows


def is_oaieval(line: Object) -> bool:
    """Whether an object is the first line of a file of events."""
    spec = line.get("spec")
    return isinstance(spec, dict) and {"run_id", "eval_name"} <= spec.keys()


def oaieval_rows(lines: Iterable[Object]) -> list[LogRow]:
    """A row for each sample: whether it matched, and what else was measured."""
    rows: dict[str, LogRow] = {}
    for line in lines:
        data = line.get("data")
        if line.get("type") not in ("match", "metrics") or not isinstance(data, dict):
            continue
        sample = str(line.get("sample_id"))
        row = rows.setdefault(sample, {"sample_id": sample})
        for name, value in flat("score", data).items():
            if line.get("type") == "match" and name != "score.correct":
                continue  # texts that were compared
            # One of several matches that are wrong is enough.
            both = isinstance(value, bool) and isinstance(row.get(name), bool)
            row[name] = (value and row[name]) if both else value
    return list(rows.values())
