"""Which tool wrote a file, told by its first bytes, and its rows."""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from jaxmle._tables._compressed import opened
from jaxmle._tables._files import ending_of
from jaxmle._tables._logs._deepeval import OVERALL as DEEPEVAL_OVERALL
from jaxmle._tables._logs._deepeval import deepeval_rows, is_deepeval
from jaxmle._tables._logs._inspect import inspect_rows
from jaxmle._tables._logs._lm_eval import is_lm_eval, lm_eval_rows
from jaxmle._tables._logs._log import LETTERS, Log, LogRow, Object, log_of
from jaxmle._tables._logs._mlflow import is_mlflow, mlflow_rows
from jaxmle._tables._logs._openai import OVERALL as OPENAI_OVERALL
from jaxmle._tables._logs._openai import is_oaieval, is_output_item, oaieval_rows, output_item_rows
from jaxmle._tables._logs._promptfoo import OVERALL as PROMPTFOO_OVERALL
from jaxmle._tables._logs._promptfoo import check_unrated, is_promptfoo, promptfoo_rows
from jaxmle._tables._logs._under_a_key import lists_in, rows_under_a_key
from jaxmle._tables._memory import flattened
from jaxmle._tables._source import VERDICTS, Row

_OVERALL = {
    "promptfoo": PROMPTFOO_OVERALL,
    "DeepEval": DEEPEVAL_OVERALL,
    "OpenAI evals": OPENAI_OVERALL,
    "OpenAI evals (oaieval)": "score.correct",
}
_ENDINGS = (".eval", ".json", ".jsonl", ".ndjson")
# First keys of the documents; only files that begin so are parsed to see.
_DOCUMENT = re.compile(
    r'\ufeff?\s*\{\s*"(version|evalId|results|testFile|testCases|conversationalTestCases|testRunData)"\s*:'
)
_HEAD = 1 << 12
_LONGEST_LINE = 1 << 26

Rows = tuple[str, list[LogRow]]

# Tools told by one of their objects, which stand in lines, in a list or under a key.
_OBJECTS: dict[str, tuple[Callable[[Object], bool], Callable[[Sequence[Object]], list[LogRow]]]] = {
    "promptfoo": (is_promptfoo, promptfoo_rows),
    "MLflow": (is_mlflow, mlflow_rows),
    "OpenAI evals": (is_output_item, output_item_rows),
    "OpenAI evals (oaieval)": (is_oaieval, oaieval_rows),
}


def read_logs(paths: Sequence[Path]) -> Log | None:
    """Read files as logs of one tool, or as JSON documents that hold rows under a key.

    Args:
        paths: The files.

    Returns:
        Their rows together, of no tool where they are any documents; None unless the files are such.

    Raises:
        ValueError: A log can't be read; the files are logs of several tools, or some of them is no log; or
            rows stand under several keys.
    """
    if any(ending_of(path) not in _ENDINGS for path in paths):
        return None
    found = [_rows_of(path) for path in paths]
    tools = {one[0] for one in found if one}
    if not tools:
        return None
    if len(tools) > 1 or None in found:
        named = ", ".join(sorted(tool or "JSON documents" for tool in tools))
        what = named + (" and files that are no logs" if None in found else "")
        raise ValueError(f"the files are of different kinds: {what}; read them one kind at a time.")
    rows = [row for one in found if one for row in one[1]]
    if not rows:
        raise ValueError(f"cannot use {str(paths[0])!r}: the log holds no samples.")
    return _log(tools.pop(), rows)


def log_in_memory(source: object) -> Log | None:
    """Rows of objects of one tool, in a list or a column of a data frame; None unless they are such."""
    if "assessments" in getattr(source, "columns", ()):
        frame = cast(Any, source)
        source = frame.to_dicts() if hasattr(frame, "to_dicts") else frame.to_dict("records")
    if not (isinstance(source, Sequence) and source and isinstance(source[0], Mapping)):
        return None
    found = _of_objects(source)
    return _log(*found) if found else None


def log_in_table(name: str, columns: Sequence[str], query: Callable[[str], list[Row]]) -> Log | None:
    """Rows of a table of traces, as the frame of MLflow's `search_traces` is written to CSV or Parquet.

    Args:
        name: What to call it in a message.
        columns: Names of its columns.
        query: Runs a query over its rows.

    Returns:
        A row for each assessment; None unless it is such a table.

    Raises:
        ValueError: Its lists cannot be read, or it holds verdicts of people in place of the judge's.
    """
    check_unrated(name, columns, query)
    names = [one for one in ("trace_id", "request_id", "tags", "assessments") if one in columns]
    if "assessments" not in names or not {"trace_id", "request_id"} & set(names):
        return None
    rows = query(f"SELECT {', '.join(names)} FROM {VERDICTS}")
    traces = [dict(zip(names, row, strict=True)) for row in rows]
    found = _of_objects([one | {"assessments": one["assessments"] or []} for one in traces])
    if not found and any(str(one["assessments"]).lstrip().startswith("[") for one in traces):
        raise ValueError(
            f"cannot read {name}: its column 'assessments' holds lists neither as JSON nor as Python writes "
            "them: write traces as JSON lines, with frame.to_json(path, orient='records', lines=True)."
        )
    # A column of that name that holds no lists is one like any other.
    return _log(*found) if found else None


def _log(tool: str, rows: list[LogRow]) -> Log:
    letters = LETTERS if tool == "Inspect AI" else None
    return log_of(tool, rows, overall=_OVERALL.get(tool), letters=letters)


def _rows_of(path: Path) -> Rows | None:
    if not path.is_file():
        return None
    try:
        if ending_of(path) == ".eval":
            return "Inspect AI", inspect_rows(path)
        with _opened(path) as file:
            head = file.read(_HEAD).lstrip("\ufeff \t\r\n")
        if _DOCUMENT.match(head) and (found := _document(path)):
            return found
        if head.startswith("["):
            return _list(path)
        if head.startswith("{"):
            return _lines(path) or (_document(path) if _is_document(path) else None)
    except (OSError, EOFError, UnicodeDecodeError):
        pass  # what reads tables says what is wrong
    return None


def _document(path: Path) -> Rows | None:
    """Rows of a file that is one JSON object."""
    try:
        with _opened(path) as file:
            document = json.load(file)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping):
        return None
    if {"version", "status", "eval"} <= document.keys():
        return "Inspect AI", inspect_rows(path)
    run = document.get("testRunData", document)
    if isinstance(run, Mapping) and is_deepeval(run):
        return "DeepEval", deepeval_rows(run)
    if is_mlflow(document):
        return "MLflow", mlflow_rows([document])
    levels = lists_in(document)
    of_a_tool = filter(None, (_of_objects(rows) for level in levels for rows in level.values()))
    if found := next(of_a_tool, None):
        return found
    if ending_of(path) != ".json":  # in lines an object is a row, whatever it holds
        return None
    rows = rows_under_a_key(levels, str(path))
    return None if rows is None else ("", [flattened(row) for row in rows])


def _list(path: Path) -> Rows | None:
    """Rows of a file that is a list of objects which a tool wrote."""
    with _opened(path) as file:
        if not _is_of_a_tool(_first_in_list(file)):
            return None
        file.seek(0)
        try:
            return _of_objects(json.load(file))
        except (ValueError, RecursionError):
            return None


def _lines(path: Path) -> Rows | None:
    """Rows of a file of JSON lines."""
    with _opened(path) as file:
        first = _object(file.readline(_LONGEST_LINE))
        is_harness = first is not None and is_lm_eval(first)
        if first is None or not (is_harness or _is_of_a_tool(first)):
            return None
        lines = [first]
        for number, text in enumerate(file, start=2):
            if not text.strip():
                continue
            line = _object(text)
            if line is None:
                raise ValueError(f"cannot read {str(path)!r}: line {number} is no JSON object.")
            lines.append(line)
    return ("lm-evaluation-harness", lm_eval_rows(path, lines)) if is_harness else _of_objects(lines)


def _of_objects(found: Sequence[object]) -> Rows | None:
    """Rows of objects that the first of them tells the tool of."""
    if not found or not _is_of_a_tool(found[0]):
        return None
    objects = [one for one in found if isinstance(one, Mapping)]
    tool = next(tool for tool, (is_one, _) in _OBJECTS.items() if is_one(objects[0]))
    return tool, _OBJECTS[tool][1](objects)


def _is_of_a_tool(value: object) -> bool:
    return isinstance(value, Mapping) and any(is_one(value) for is_one, _ in _OBJECTS.values())


def _is_document(path: Path) -> bool:
    """Whether a file does not begin with a JSON line that others follow."""
    with _opened(path) as file:
        first, second = file.readline(_LONGEST_LINE), file.readline(_HEAD)
    return not second.strip() or _object(first) is None


def _first_in_list(file: TextIO) -> object:
    """First object of a list, as far as it is needed read; None if there is none or it is very long."""
    text, size, decoder = "", _HEAD, json.JSONDecoder()
    while size <= _LONGEST_LINE:
        block = file.read(size)
        text, size = (text + block).lstrip("\ufeff \t\r\n"), size * 4
        try:
            return decoder.raw_decode(text[1:].lstrip())[0]
        except (ValueError, RecursionError):
            if not block:
                return None
    return None


def _object(text: str) -> Object | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _opened(path: Path) -> TextIO:
    return io.TextIOWrapper(opened(path), encoding="utf-8-sig")
