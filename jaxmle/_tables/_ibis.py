"""Tables of other engines, through Ibis: the counting runs there, and only counts come back."""

from typing import Any

from jaxmle._tables._engine_table import EngineTable, check_variables, one_query
from jaxmle._tables._files import explain
from jaxmle._tables._source import VERDICTS, Row, Source
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


class IbisTable(EngineTable):
    """An Ibis table expression; queries are translated to its engine's dialect.

    Args:
        table: The expression.
    """

    def __init__(self, table: Any) -> None:
        super().__init__("the Ibis table", table.columns)
        self._table, self._is_spark = table.alias(VERDICTS), table.get_backend().name == "pyspark"

    def query(self, sql: str) -> list[Row]:
        """Run a query in the engine."""
        if self._is_spark:
            check_variables(sql)
        one_query(sql, VERDICTS)
        try:
            found = self._table.sql(sql, dialect="duckdb").to_pyarrow()
        except Exception as error:  # every engine has errors of its own
            raise ValueError(f"cannot read {self.name}: {explain(error)}.") from error
        return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


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
