"""Documents as files of rows, one a slice."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxmle._tables._connection import connect
from jaxmle._tables._files import explain, quote_name, quote_text
from jaxmle._types import Document

_TYPES = {
    "n_labeled": "DOUBLE",
    "n_unlabeled": "DOUBLE",
    "tp": "DOUBLE",
    "fn": "DOUBLE",
    "fp": "DOUBLE",
    "tn": "DOUBLE",
    "unlabeled_pos": "DOUBLE",
    "unlabeled_neg": "DOUBLE",
    "failure_rate": "DOUBLE",
    "low": "DOUBLE",
    "high": "DOUBLE",
    "set_low": "DOUBLE",
    "set_high": "DOUBLE",
    "identified": "BOOLEAN",
    "tpr": "DOUBLE",
    "fpr": "DOUBLE",
    "judge_rates": "VARCHAR",
    "borrowed": "DOUBLE",
    "judge_only": "DOUBLE",
    "human_only": "DOUBLE",
    "human_only_low": "DOUBLE",
    "human_only_high": "DOUBLE",
    "interval": "VARCHAR",
    "share_at_bound": "DOUBLE",
    "at_bound": "VARCHAR",
    "converged": "BOOLEAN",
    "gap": "DOUBLE",
    "design_effect": "DOUBLE",
    "n_labeled_effective": "DOUBLE",
    "n_unlabeled_effective": "DOUBLE",
    "few_labels": "BOOLEAN",
    "unjudged_n_labeled": "DOUBLE",
    "unjudged_failure_rate": "DOUBLE",
    "warnings": "VARCHAR",
}
_WHOLE = ("n_labeled", "n_unlabeled", "tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")

# What a spreadsheet takes for a formula: CWE-1236. A negative number is none.
FORMULA = re.compile(r"[=+@\t\r\n\uff1d\uff0b\uff20\uff0d]|-(?![0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?$)")


def check_out(path: Path, by: list[str]) -> None:
    """Raise ``ValueError`` unless rows of these slices can be written to a file of that name."""
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise ValueError(f"--out must end in .parquet or .csv; got {str(path)!r}.")
    if not path.parent.is_dir():
        raise ValueError(f"--out: there is no folder {str(path.parent)!r}.")
    taken = [column for column in by if column.casefold() in _TYPES]
    if taken:
        raise ValueError(
            f"--by {taken[0]}: the file has a column of that name for results; rename yours, or use --json."
        )


def column_types(*, weighted: bool = False) -> dict[str, str]:
    """Names of the columns of results and DuckDB's types; counts are whole numbers unless ``weighted``."""
    return {name: "BIGINT" if name in _WHOLE and not weighted else kind for name, kind in _TYPES.items()}


def write_rows(document: Document, path: Path, out: Path, *, raw_csv: bool = False) -> None:
    """Write the slices of `jaxmle estimate`, or the total where there are none, as Parquet or CSV.

    Args:
        document: The document.
        path: File to write; its ending says how.
        out: The file whose place it will take, to be named where it cannot be written.
        raw_csv: Whether texts go into CSV as they are; else those that a spreadsheet would run as formulas
            get an apostrophe in front.

    Raises:
        ValueError: The engine cannot write the file, as where the disk is full.
        OSError: Nor can we.
    """
    by, records = document["settings"]["by"], document["slices"] or [document["total"]]
    weighted = any(
        not float(record["counts"][name]).is_integer() for record in records for name in _WHOLE[2:]
    )
    rows = ([*([record["key"][column] for column in by] or ["all"]), *_row(record)] for record in records)
    stream_rows(rows, by or ["slice"], path, out, weighted=weighted, raw_csv=raw_csv)


def stream_rows(
    rows: Iterable[Sequence[Any]],
    names: Sequence[str],
    path: Path,
    out: Path,
    *,
    weighted: bool = False,
    raw_csv: bool = False,
) -> None:
    """Write rows of results one by one, as `write_rows` does: keys, then the columns of `column_types`."""
    types = column_types(weighted=weighted)
    kinds = ["VARCHAR"] * len(names) + list(types.values())
    names = [*names, *types]
    is_parquet = path.suffix.lower() == ".parquet"
    guard = not (is_parquet or raw_csv)
    if guard:
        names = [str(guarded(name)) for name in names]
    lines = path.with_suffix(".jsonl")
    # Read by place, as names that strangers chose need not go through JSON.
    columns = ", ".join(f"c{place}: {quote_text(kind)}" for place, kind in enumerate(kinds))
    chosen = ", ".join(f"c{place} AS {quote_name(name)}" for place, name in enumerate(names))
    form = "PARQUET" if is_parquet else "CSV, HEADER"
    reader = f"read_json({quote_text(str(lines))}, columns = {{{columns}}}, format = 'newline_delimited')"
    try:
        with lines.open("w", encoding="utf-8") as file:
            for row in rows:
                kept = map(guarded, row) if guard else row
                file.write(json.dumps({f"c{place}": value for place, value in enumerate(kept)}) + "\n")
        connection, engine_error = connect([lines, path])
        try:
            with connection:
                connection.execute(
                    f"COPY (SELECT {chosen} FROM {reader}) TO {quote_text(str(path))} "
                    f"(FORMAT {form}, USE_TMP_FILE false)"
                )
        except engine_error as error:
            why = explain(error).replace(str(path), str(out))
            raise ValueError(f"cannot write {str(out)!r}: {why}.") from error
    finally:
        lines.unlink(missing_ok=True)


def guarded(value: Any) -> Any:
    """A text that spreadsheets show and do not run; other values as they are."""
    return f"'{value}" if is_formula(value) else value


def is_formula(value: Any) -> bool:
    """Whether a spreadsheet would run a value."""
    return isinstance(value, str) and bool(FORMULA.match(value))


def _row(record: Document) -> list[Any]:
    """Values in the order of `_TYPES`."""
    rate, human = record["failure_rate"], record["human_only"]
    low, high = rate["set"] or (rate["estimate"], rate["estimate"])
    effective = record.get("n_effective", {})
    return [
        record["n_labeled"],
        record["n_unlabeled"],
        *record["counts"].values(),
        rate["estimate"],
        rate["low"],
        rate["high"],
        low,
        high,
        record["identified"],
        record["tpr"],
        record["fpr"],
        record.get("judge_rates", "per-slice"),
        record.get("borrowed", 0.0),
        record["judge_only"]["estimate"],
        human["estimate"],
        human["low"],
        human["high"],
        rate["method"],
        rate.get("share_at_bound"),
        ", ".join(record["at_bound"]),
        record["converged"],
        record["gap"],
        record.get("design_effect"),
        effective.get("labeled"),
        effective.get("unlabeled"),
        record["few_labels"],
        record["unjudged"]["n_labeled"],
        record["unjudged"]["failure_rate"],
        "; ".join(record["warnings"]),
    ]
