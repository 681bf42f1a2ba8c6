"""Samples that lm-evaluation-harness logs with --log_samples: a line for each document and filter."""

import re
from collections.abc import Iterable
from pathlib import Path

from jaxmle._tables._logs._log import LogRow, Object, flat

_NAME = re.compile(r"samples_(.+)_\d{4}-\d\d-\d\dT")


def is_lm_eval(line: Object) -> bool:
    """Whether a line is such a sample."""
    return {"doc_id", "doc", "filtered_resps"} <= line.keys()


def lm_eval_rows(path: Path, lines: Iterable[Object]) -> list[LogRow]:
    """A row for each document; with several filters, metrics are named as in "exact_match,strict-match"."""
    lines = list(lines)
    named = _NAME.match(path.name)
    several = len({str(line.get("filter")) for line in lines}) > 1
    rows: dict[str, LogRow] = {}
    for line in lines:
        row = rows.setdefault(
            str(line.get("doc_id")),
            {
                "doc_id": str(line.get("doc_id")),
                "task": named[1] if named else None,
                **flat("doc", line.get("doc")),
            },
        )
        suffix = f",{line.get('filter')}" if several else ""
        metrics = line.get("metrics")
        metrics = [name for name in metrics if isinstance(name, str)] if isinstance(metrics, list) else []
        row |= {f"score.{name}{suffix}": line.get(name) for name in metrics}
    return list(rows.values())
