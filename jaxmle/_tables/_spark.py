"""Data frames of Spark: the rows stay where they are, and so do their counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from jaxmle._tables._engine_table import EngineTable, check_variables, one_query
from jaxmle._tables._files import explain
from jaxmle._tables._source import VERDICTS, Row

_STAGED = "staged"


class SparkTable(EngineTable):
    """A data frame of Spark; queries are translated to its dialect.

    Args:
        frame: The data frame, of Spark itself or through Spark Connect.
        keeps: Whether what several queries use is kept in the cluster's memory, until `released`.
    """

    def __init__(self, frame: Any, *, keeps: bool = False) -> None:
        super().__init__("the Spark data frame", frame.columns)
        self._frame, self._keeps = frame, keeps
        self._staged: Any = None

    def frame_of(self, sql: str) -> Any:
        """A query as a data frame that Spark computes when it is asked."""
        from sqlglot import exp

        check_variables(sql)
        query = one_query(sql, VERDICTS, _STAGED)
        names = {VERDICTS: self._frame, _STAGED: self._staged}
        session, places = self._frame.sparkSession, {}
        try:
            for table in query.find_all(exp.Table):
                name = table.name
                if name not in places:
                    places[name] = f"jaxmle_{uuid4().hex}"
                    names[name].createOrReplaceTempView(places[name])
                table.this.set("this", places[name])
            return session.sql(query.sql(dialect="spark"))
        except Exception as error:  # Spark has errors of several kinds
            raise ValueError(f"cannot read {self.name}: {explain(error)}.") from error
        finally:
            for place in places.values():
                session.catalog.dropTempView(place)

    def query(self, sql: str) -> list[Row]:
        """Run a query in Spark."""
        frame = self.frame_of(sql)
        try:
            return [tuple(row) for row in frame.collect()]
        except Exception as error:
            raise ValueError(f"cannot read {self.name}: {explain(error)}.") from error

    def stage(self, sql: str) -> str:
        """Return the query itself, or what is kept of it."""
        if not self._keeps:
            return super().stage(sql)
        self._staged = self.frame_of(sql).persist()
        return _STAGED

    @contextmanager
    def released(self) -> Iterator[None]:
        """Free what was kept when the block is left; what rests on it can be computed anew."""
        try:
            yield
        finally:
            if self._staged is not None:
                self._staged.unpersist()
