"""Conditions on rows (`--where`): one expression over the columns, and nothing else."""

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from jaxmle._data import printable
from jaxmle._tables._connection import connect
from jaxmle._tables._source import VERDICTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LONGEST = 200
# What an expression may be made of, as DuckDB's parser calls it.
_PARTS = frozenset(
    {"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "FUNCTION", "CAST", "BETWEEN", "CASE"}
    | {"COLLATE", "LAMBDA", "TYPE"}
)
_REFUSED = {
    "SUBQUERY": "a subquery",
    "PARAMETER": "a parameter",
    "WINDOW": "a window function",
    "STAR": "*",
    "POSITIONAL_REFERENCE": "a column by its place",
}
# Macros whose bodies are expressions too.
_MACROS = frozenset({"nullif", "if", "split_part", "fdiv", "date_add", "days_in_month", "json"})
_MACRO_KINDS = ("list_", "array_", "map_contains_")
# Functions of no row: of the engine, of queries, of its internals. Those of the second line are consistent to
# older DuckDB.
_NOT_OF_ROWS = (
    *("__", "json_serialize", "json_deserialize", "version", "finalize", "combine"),
    *("current_", "getvariable", "vector_type"),
)


def check_expression(where: str) -> list[str]:
    """See that a condition is a single expression over columns, by DuckDB's own parser.

    What other engines make of it is for them; what they get has no statement, no subquery and no function
    that is not known to depend on its arguments alone.

    Returns:
        The columns that it names.

    Raises:
        ValueError: It is empty, is no expression or more than one; or it holds a subquery, or a function that
            reads files, settings, clocks or random numbers.
    """
    if not where.strip():
        raise ValueError(
            "`where` (--where) must be a condition; got an empty one. Leave it out for all rows."
        )
    asked = _parsed(f"({where}\n)")
    condition = asked.pop("where_clause", None)
    plain = _parsed("(TRUE\n)")
    plain.pop("where_clause", None)
    if condition is None or _without_places(asked) != _without_places(plain):
        raise ValueError(f"{_refusal(where)}: it ends before the text does.")
    columns, arguments = [], set()
    for part in _parts_of(condition):
        kind = part["class"]
        if kind not in _PARTS:
            raise ValueError(f"{_refusal(where)}: it holds {_REFUSED.get(kind, kind.lower())}.")
        if kind == "FUNCTION":
            name = str(part["function_name"])
            if name.lower() not in _functions():
                raise ValueError(
                    f"{_refusal(where)}: {printable(name, _LONGEST)} is no function of DuckDB whose value "
                    "depends on its arguments alone."
                )
        elif kind == "COLUMN_REF":
            columns.append(_column(part["column_names"]))
        elif kind == "LAMBDA":
            arguments |= {_column(one["column_names"]) for one in _parts_of(part.get("lhs")) if _names(one)}
    return [name for name in dict.fromkeys(columns) if name not in arguments]


def _refusal(where: str) -> str:
    return f"`where` (--where) must be one expression over the columns; got {printable(where, _LONGEST)!r}"


def _parsed(condition: str) -> dict[str, Any]:
    """The only statement of a query with this condition, as DuckDB's parser sees it."""
    with _engine().cursor() as connection:
        query = f"SELECT 1 FROM {VERDICTS} WHERE {condition}"
        try:
            ((text,),) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
            found = json.loads(text)
        except Exception as error:  # nested too deeply, or no text
            raise ValueError(
                f"`where` (--where) is no condition on these rows: {type(error).__name__}."
            ) from error
    if found["error"]:
        if found.get("error_type") == "not implemented":
            raise ValueError(f"{_refusal(condition[1:-2])}: it ends before the text does.")
        reason = printable(next(iter(str(found.get("error_message")).splitlines()), ""), _LONGEST).rstrip(".")
        quotes = " Text stands in single quotes: topic = 'two words'." if "'" not in condition else ""
        if condition.count("'") % 2:
            quotes = " A single quote within text is written twice: name = 'O''Brien'."
        raise ValueError(f"`where` (--where) is no condition on these rows: {reason}.{quotes}")
    statements = found["statements"]
    if len(statements) != 1:
        raise ValueError(f"{_refusal(condition[1:-2])}: it ends before the text does.")
    return dict(statements[0]["node"])


def _without_places(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_places(value) for key, value in tree.items() if "location" not in key}
    return [_without_places(one) for one in tree] if isinstance(tree, list) else tree


def _parts_of(tree: Any) -> Iterator[dict[str, Any]]:
    """Every expression within a tree, without recursion: it may be deep."""
    left = [tree]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if "class" in one:
                yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _names(part: dict[str, Any]) -> bool:
    return part["class"] == "COLUMN_REF"


def _column(names: list[str]) -> str:
    """The column that a dotted name begins with."""
    return str(names[1] if len(names) > 1 and names[0].casefold() == VERDICTS else names[0])


@cache
def _engine() -> "DuckDBPyConnection":
    """A database without rows, which parses; opening one takes a hundred times as long as to parse."""
    return connect()[0]


@cache
def _functions() -> frozenset[str]:
    """Functions whose value depends on their arguments alone."""
    with _engine().cursor() as connection:
        found = connection.execute(
            "SELECT DISTINCT lower(function_name), function_type FROM duckdb_functions() "
            "WHERE database_name = 'system' AND (function_type = 'macro' "
            "OR (function_type = 'scalar' AND stability = 'CONSISTENT'))"
        ).fetchall()
    return frozenset(
        name
        for name, kind in found
        if (kind == "scalar" and not name.startswith(_NOT_OF_ROWS))
        or name in _MACROS
        or (kind == "macro" and name.startswith(_MACRO_KINDS))
    )
