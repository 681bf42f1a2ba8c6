"""Tables of other engines, through Ibis: the counting runs there, and only counts come back."""

from typing import Any

from jaxmle.tables._files import explain, quote_name


class IbisTable:
    """An Ibis table expression; queries are translated to its engine's dialect.

    Args:
        table: The expression.
    """

    def __init__(self, table: Any) -> None:
        self.name = "the Ibis table"
        self.columns = [str(name) for name in table.columns]
        self.labels: dict[str, int] | None = None
        self.repeated: set[str] = set()
        self._table = table.alias("verdicts")

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.columns

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        return f"CAST({quote_name(column)} AS VARCHAR)"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query in the engine."""
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
        ((value,),) = self.query(f"SELECT {text} AS value FROM verdicts WHERE {bad} LIMIT 1")
        return 0, f"a row of {self.name}", value
