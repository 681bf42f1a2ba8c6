"""What tables of all other engines have in common: their rows stay where they are."""

from typing import Any

from jaxmle._tables._files import explain, quote_name
from jaxmle._tables._source import VERDICTS, Part, Row, Source
from jaxmle._types import Document


class EngineTable:
    """Rows of another engine, which runs the queries.

    Args:
        name: What to call it.
        columns: Its columns.
    """

    def __init__(self, name: str, columns: Any) -> None:
        self.name = name
        self.columns = [str(column) for column in columns]
        self.labels: Document | None = None
        self.parts = [Part(name, VERDICTS, self.columns)]

    def lacking(self, column: str) -> Part | None:
        """The table, if it has no such column."""
        return None if column in self.columns else self.parts[0]

    def inside(self, part: Part, column: str) -> list[str]:
        """No names: nested fields are for the engine to select."""
        return []

    def origin(self, column: str) -> Source:
        """The table itself."""
        return self

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        return f"CAST({quote_name(column)} AS VARCHAR)"

    def query(self, sql: str) -> list[Row]:
        """Run a query in the engine."""
        raise NotImplementedError

    def stage(self, sql: str) -> str:
        """Return the query itself: nothing is stored in the engine."""
        return f"({sql}) AS staged"

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """Value of some row for which the condition ``bad`` holds; rows have no numbers."""
        ((value,),) = self.query(f"SELECT {text} AS value FROM {VERDICTS} WHERE {bad} LIMIT 1")
        return 0, f"a row of {self.name}", value


def check_variables(sql: str) -> None:
    """Raise ``ValueError`` where Spark would put a variable of settings or environment into a query."""
    if "${" in sql:
        raise ValueError(
            "Spark reads `${` in names, words and conditions as the beginning of a variable: rename the "
            "column, or leave it out."
        )


def one_query(sql: str, *names: str) -> Any:
    """See that what translates a query reads it as DuckDB does: one, of tables of these names alone.

    Returns:
        The query as sqlglot reads it.

    Raises:
        ValueError: It reads more into it, so that a condition may have passed as what it is not.
    """
    import sqlglot
    from sqlglot import exp

    try:
        (query,) = sqlglot.parse(sql, read="duckdb")
        plain = isinstance(query, exp.Query) and all(
            isinstance(table.this, exp.Identifier) and table.name in names
            for table in query.find_all(exp.Table)
        )
    except (sqlglot.errors.SqlglotError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot translate the query for this engine: {explain(error)}.") from error
    if not plain:
        raise ValueError("the condition (--where) reads as more than one expression for this engine.")
    return query
