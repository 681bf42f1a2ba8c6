"""Traces of MLflow with their assessments, as its `Trace.to_json` and `search_traces` give them."""

import ast
import json
from collections.abc import Iterable, Mapping

from jaxmle._tables._logs._log import LogRow, Object, flat, objects

# What the judges that come with MLflow say: yes is good, whatever they ask.
_RATINGS = {"yes": "pass", "no": "fail"}
# Who assessed a trace that has no assessment: it is an item nevertheless.
NOBODY = "nobody"


def is_mlflow(trace: Object) -> bool:
    """Whether an object is a trace with a list of assessments."""
    info = _info(trace)
    return isinstance(_unfolded(info.get("assessments")), list) and _id(trace) is not None


def mlflow_rows(traces: Iterable[Object]) -> list[LogRow]:
    """A row for each feedback, which `scores_in` knows; tags of the trace and what was expected beside it."""
    rows = []
    for trace in traces:
        info = _info(trace)
        about = {"trace_id": _id(trace), **flat("tags", _unfolded(info.get("tags")))}
        assessments = list(objects(_unfolded(info.get("assessments"))))
        feedback = [one for one in assessments if not isinstance(one.get("expectation"), Mapping)]
        # What a right answer would be is no verdict on the one that was given, though a person says it.
        for one in assessments:
            if one not in feedback and one.get("valid", True):
                about |= flat("expected", {str(_name(one)): _value(one)})
        if not feedback:
            rows.append({**about, "source_type": NOBODY, "valid": True})
        for one in feedback:
            source = one.get("source")
            rows.append(
                {
                    **about,
                    "assessment_name": _name(one),
                    "source_type": source.get("source_type") if isinstance(source, Mapping) else None,
                    "value": _value(one),
                    "valid": one.get("valid", True),
                }
            )
    return rows


def _unfolded(cell: object) -> object:
    """What a cell of a table holds where it was written as text: as JSON, or as Python writes lists."""
    if not isinstance(cell, str):
        return cell
    for read in (json.loads, ast.literal_eval):
        try:
            return read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _info(trace: Object) -> Object:
    info = trace.get("info")
    return info if isinstance(info, Mapping) else trace


def _id(trace: Object) -> object:
    info = _info(trace)
    return info.get("trace_id") or info.get("request_id") or trace.get("trace_id")


def _name(assessment: Object) -> object:
    return assessment.get("assessment_name") or assessment.get("name")


def _value(assessment: Object) -> object:
    """What it says; nothing where the judge failed."""
    for kind in ("feedback", "expectation"):
        said = assessment.get(kind)
        if isinstance(said, Mapping):
            value = said.get("value")
            return (
                None if said.get("error") else _RATINGS.get(value, value) if isinstance(value, str) else value
            )
    return None
