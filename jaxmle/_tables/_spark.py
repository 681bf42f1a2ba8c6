"""Data frames of Spark: the rows stay where they are, and so do their counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from jaxmle._tables._aggregate import BAD, BAD_HUMAN, BAD_JUDGE, COUNTS, UNJUDGED, Roles, six_numbers
from jaxmle._tables._count import OnInvalid, check_on_invalid, open_rows, raise_invalid, verdict_codes
from jaxmle._tables._files import explain, quote_name
from jaxmle._tables._ibis import one_query
from jaxmle._tables._source import VERDICTS, Part, Row, Source

_STAGED = "staged"


class SparkTable:
    """A data frame of Spark; queries are translated to its dialect.

    Args:
        frame: The data frame, of Spark itself or through Spark Connect.
    """

    def __init__(self, frame: Any) -> None:
        self.name = "the Spark data frame"
        self.columns = [str(name) for name in frame.columns]
        self.labels: dict[str, int] | None = None
        self.parts = [Part(self.name, VERDICTS, self.columns)]
        self._frame = frame
        self._staged: Any = None

    def lacking(self, column: str) -> Part | None:
        """The data frame, if it has no such column."""
        return None if column in self.columns else self.parts[0]

    def inside(self, part: Part, column: str) -> list[str]:
        """No names: nested fields are for Spark to select."""
        return []

    def origin(self, column: str) -> Source:
        """The data frame itself."""
        return self

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        return f"CAST({quote_name(column)} AS VARCHAR)"

    def frame_of(self, sql: str) -> Any:
        """A query as a data frame that Spark computes when it is asked."""
        from sqlglot import exp

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
        """Keep the result of a query in the cluster's memory, until `released`."""
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

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """Value of some row for which the condition ``bad`` holds; rows have no numbers."""
        ((value,),) = self.query(f"SELECT {text} AS value FROM {VERDICTS} WHERE {bad} LIMIT 1")
        return 0, f"a row of {self.name}", value


def count_in_spark(
    frame: Any, roles: Roles, *, on_invalid: OnInvalid = "error", **meaning: Any
) -> tuple[Any, int]:
    """Counts by slice as a data frame of Spark, and how many slices there are.

    Args:
        frame: Rows of verdicts.
        roles: Which columns are what.
        on_invalid: What to do with words that are no verdicts, as in `tables.count`.
        **meaning: What verdicts mean, likewise.

    Returns:
        A data frame with a row for each slice that holds a judge verdict: columns k0, k1, ..., the six counts
        and what humans say of rows without a judge verdict.

    Raises:
        ValueError: As `tables.count`.
    """
    from pyspark.sql import functions

    source = SparkTable(frame)
    check_on_invalid(on_invalid)
    open_rows(source, roles)
    with source.released():
        staged, coders, _ = verdict_codes(source, roles, **meaning)
        counts = source.frame_of(six_numbers(staged, roles, coders["j"]("j"), coders["h"]("h")))
        judged = functions.expr(f"{' + '.join(COUNTS)} > 0")
        sums = (*BAD, f"CAST({' + '.join(COUNTS)} > 0 AS INT)", " + ".join((*COUNTS, *UNJUDGED, *BAD)))
        found = counts.agg(*(functions.expr(f"sum({one})") for one in sums)).first()
        *bad, n_slices, n_rows = (int(n or 0) for n in found)
    if not n_rows:
        reason = "no row meets the condition" if roles.where else "it has no rows"
        raise ValueError(f"cannot use {source.name}: {reason}.")
    if on_invalid == "error" and any(bad):
        kinds = [kind for kind, n in zip((BAD_JUDGE, BAD_HUMAN), bad, strict=True) if n]
        raise_invalid(source, roles, coders, kinds)
    if not n_slices:
        raise ValueError(f"column {roles.judge!r} of {source.name} holds no judge verdicts.")
    return counts.where(judged).drop(UNJUDGED[-1], *BAD), n_slices
