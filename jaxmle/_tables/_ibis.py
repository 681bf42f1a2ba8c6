"""Tables of other engines, through Ibis: the counting runs there, and only counts come back."""

from typing import Any

from jaxmle._tables._files import explain, quote_name
from jaxmle._tables._source import VERDICTS, Part, Row, Source
from jaxmle._tables._table import Table


def open_ibis(table: Any) -> Source:
    """Open an Ibis table expression in the engine that it belongs to."""
    import ibis
    import ibis.expr.operations as ops

    if table.op().find(ops.InMemoryTable):
        return Table(table.to_pyarrow())  # such as `ibis.memtable`: its rows are here already
    if table.get_backend().name == "duckdb":
        return DuckdbTable(table, ibis.to_sql(table))
    return IbisTable(table)


class IbisTable:
    """An Ibis table expression; queries are translated to its engine's dialect.

    Args:
        table: The expression.
    """

    def __init__(self, table: Any) -> None:
        self.name = "the Ibis table"
        self.columns = [str(name) for name in table.columns]
        self.labels: dict[str, int] | None = None
        self.parts = [Part(self.name, VERDICTS, self.columns)]
        self._table = table.alias(VERDICTS)

    def lacking(self, column: str) -> Part | None:
        """The table, if it has no such column."""
        return None if column in self.columns else self.parts[0]

    def inside(self, part: Part, column: str) -> list[str]:
        """No names: nested fields are for Ibis to select."""
        return []

    def origin(self, column: str) -> Source:
        """The table itself."""
        return self

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        return f"CAST({quote_name(column)} AS VARCHAR)"

    def query(self, sql: str) -> list[Row]:
        """Run a query in the engine."""
        one_query(sql, VERDICTS)
        try:
            found = self._table.sql(sql, dialect="duckdb").to_pyarrow()
        except Exception as error:  # every engine has errors of its own
            raise ValueError(f"cannot read {self.name}: {explain(error)}.") from error
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def stage(self, sql: str) -> str:
        """Return the query itself: nothing is stored in the user's database."""
        return f"({sql}) AS staged"

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """Value of some row for which the condition ``bad`` holds; rows have no numbers."""
        ((value,),) = self.query(f"SELECT {text} AS value FROM {VERDICTS} WHERE {bad} LIMIT 1")
        return 0, f"a row of {self.name}", value


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


class DuckdbTable(IbisTable):
    """An Ibis table expression on DuckDB, which needs no translation.

    Args:
        table: The expression.
        rows: The same as a query.
    """

    def __init__(self, table: Any, rows: str) -> None:
        super().__init__(table)
        self._engine, self._rows = table.get_backend(), rows

    def query(self, sql: str) -> list[Row]:
        """Run a query in the engine."""
        try:
            return list(self._engine.raw_sql(f"WITH {VERDICTS} AS ({self._rows}\n) {sql}").fetchall())
        except Exception as error:
            raise ValueError(f"cannot read {self.name}: {explain(error)}.") from error
