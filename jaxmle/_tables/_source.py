"""What is asked of rows of verdicts, wherever they are."""

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from jaxmle._types import Document

VERDICTS = "verdicts"

# A row of what a query finds: text, numbers and None.
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Part:
    """One of the files of a source, or all of a source that has no files.

    Attributes:
        name: What to call it in a message.
        rows: What to write after FROM for its rows.
        columns: Names of its columns.
        repeated: Names that several of its columns have, lower case; none of these can be used.
    """

    name: str
    rows: str
    columns: list[str]
    repeated: set[str] = field(default_factory=set)


class Source(Protocol):
    """Rows of verdicts that answer queries in DuckDB's dialect of SQL over a table ``verdicts``.

    Attributes:
        name: What to call it in a message.
        columns: Names of the columns.
        labels: Labels joined from elsewhere: how many were ``read``, how many met no row that is asked for,
            ``unmatched``, how many no row at all, ``unknown``, and a ``hint`` at why if there is one; None
            where there are none.
        parts: The files it is made of; each must have the columns that are used.
    """

    name: str
    columns: list[str]
    labels: Document | None
    parts: list[Part]

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""

    def lacking(self, column: str) -> Part | None:
        """First part without such a column, if any."""

    def inside(self, part: Part, column: str) -> list[str]:
        """Names of the fields beside the one that a dotted name reaches for; none if it is not nested."""

    def origin(self, column: str) -> "Source":
        """Where the values of a column come from, if they were joined from elsewhere."""

    def query(self, sql: str) -> list[Row]:
        """Run a query."""

    def stage(self, sql: str) -> str:
        """Return what to write after FROM for the result of a query that several others use."""

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """First row for which the condition ``bad`` holds.

        Returns:
            Its number, or 0 where rows have none; the same in words, such as "row 3 of 'a.csv'"; and the
            value of the expression ``text`` there.
        """
