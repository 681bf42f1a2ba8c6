"""Which tool wrote a file, told by its first bytes, and its rows."""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO, cast

from jaxmle._tables._compressed import opened
from jaxmle._tables._files import ending_of
from jaxmle._tables._logs._deepeval import OVERALL as DEEPEVAL_OVERALL
from jaxmle._tables._logs._deepeval import deepeval_rows, is_deepeval
from jaxmle._tables._logs._inspect import inspect_rows
from jaxmle._tables._logs._lm_eval import is_lm_eval, lm_eval_rows
from jaxmle._tables._logs._log import Log, LogRow, Object, log_of
from jaxmle._tables._logs._promptfoo import OVERALL as PROMPTFOO_OVERALL
from jaxmle._tables._logs._promptfoo import is_promptfoo, promptfoo_rows

_OVERALL = {"promptfoo": PROMPTFOO_OVERALL, "DeepEval": DEEPEVAL_OVERALL}
_ENDINGS = (".eval", ".json", ".jsonl", ".ndjson")
# First keys of the documents; only files that begin so are parsed to see.
_DOCUMENT = re.compile(
    r'\ufeff?\s*\{\s*"(version|evalId|results|testFile|testCases|conversationalTestCases|testRunData)"\s*:'
)
_HEAD = 1 << 12
_LONGEST_LINE = 1 << 26

Rows = tuple[str, list[LogRow]]


def read_logs(paths: Sequence[Path]) -> Log | None:
    """Read files as logs of one tool.

    Args:
        paths: The files.

    Returns:
        Their rows together; None unless the files are logs of a tool that is known.

    Raises:
        ValueError: A log can't be read; or the files are logs of several tools, or some of them is no log.
    """
    if any(ending_of(path) not in _ENDINGS for path in paths):
        return None
    found = [_rows_of(path) for path in paths]
    tools = {one[0] for one in found if one}
    if not tools:
        return None
    if len(tools) > 1 or None in found:
        what = ", ".join(sorted(tools)) + (" and files that are no logs" if None in found else "")
        raise ValueError(f"the files are of different kinds: {what}; read them one kind at a time.")
    rows = [row for one in found if one for row in one[1]]
    if not rows:
        raise ValueError(f"cannot use {str(paths[0])!r}: the log holds no samples.")
    return log_of(tools.pop(), rows, overall=_OVERALL.get(found[0][0] if found[0] else ""))


def _rows_of(path: Path) -> Rows | None:
    if not path.is_file():
        return None
    try:
        if ending_of(path) == ".eval":
            return "Inspect AI", inspect_rows(path)
        with _opened(path) as file:
            head = file.read(_HEAD)
        if _DOCUMENT.match(head) and (found := _document(path)):
            return found
        return _lines(path, head)
    except (OSError, EOFError, UnicodeDecodeError):
        return None  # what reads tables says what is wrong


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
    results = document.get("results")
    results = results.get("results") if isinstance(results, Mapping) else results
    if isinstance(results, list) and results and all(_is(is_promptfoo, one) for one in results):
        return "promptfoo", promptfoo_rows(results)
    return None


def _lines(path: Path, head: str) -> Rows | None:
    """Rows of a file of JSON lines."""
    if not head.lstrip("\ufeff").startswith("{"):
        return None
    with _opened(path) as file:
        first = _object(file.readline(_LONGEST_LINE))
        tool = "lm-evaluation-harness" if _is(is_lm_eval, first) else "promptfoo"
        if tool == "promptfoo" and not _is(is_promptfoo, first):
            return None
        lines = [cast(Object, first)]
        for number, text in enumerate(file, start=2):
            if not text.strip():
                continue
            line = _object(text)
            if line is None:
                raise ValueError(f"cannot read {str(path)!r}: line {number} is no JSON object.")
            lines.append(line)
    return tool, promptfoo_rows(lines) if tool == "promptfoo" else lm_eval_rows(path, lines)


def _object(text: str) -> Object | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _is(test: Callable[[Object], bool], value: object) -> bool:
    return isinstance(value, Mapping) and test(value)


def _opened(path: Path) -> TextIO:
    return io.TextIOWrapper(opened(path), encoding="utf-8-sig")
