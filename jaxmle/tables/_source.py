"""Where rows come from: files, standard input, tables in memory, and databases through Ibis."""

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jaxmle.tables import _files
from jaxmle.tables._files import quote_name, quote_text
from jaxmle.tables._logs import read_logs

VERDICTS = "verdicts"


class Source(Protocol):
    """Rows of verdicts that answer queries in DuckDB's dialect of SQL over a table ``verdicts``.

    Attributes:
        name: What to call it in a message.
        columns: Names of the columns.
        labels: Labels joined from elsewhere: how many, and how many met no row; None where there are none.
        repeated: Names that several columns have, lower case; none of these can be used.
    """

    name: str
    columns: list[str]
    labels: dict[str, int] | None
    repeated: set[str]

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""

    def has(self, column: str) -> bool:
        """Whether there is such a column."""

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query."""

    def stage(self, sql: str) -> str:
        """Return what to write after FROM for the result of a query that several others use."""

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """First row for which the condition ``bad`` holds.

        Returns:
            Its number, or 0 where rows have none; the same in words, such as "row 3 of 'a.csv'"; and the
            value of the expression ``text`` there.
        """


def open_source(source: Any) -> Source:
    """Open rows of verdicts.

    Raises:
        ValueError: A file is missing, unreadable, empty, or of no known kind.
        TypeError: ``source`` is nothing that holds rows.
    """
    if isinstance(source, str | os.PathLike):
        return Table(os.fspath(source))
    if type(source).__module__.partition(".")[0] == "ibis":
        from jaxmle.tables._ibis import IbisTable

        return IbisTable(source)
    return Table(source)


class Table:
    """Rows in DuckDB: files, standard input, or a table in memory; column values are read as text.

    Args:
        source: A path or a pattern; "-" for standard input; a pandas, polars or pyarrow table; a list
            of dictionaries.

    Attributes:
        tool: Tool whose logs the files are, or None.
        judge: Column of the judge that such a log has, if it is plain which.

    Raises:
        ValueError: A file is missing, unreadable, empty, or of no known kind.
        TypeError: ``source`` is nothing that holds rows.
    """

    def __init__(self, source: Any) -> None:
        import duckdb  # a sixth of a second that a misspelt option need not pay

        self.connection = duckdb.connect(":memory:")
        self._error: type[Exception] = duckdb.Error
        self.connection.execute("SET enable_progress_bar = false")
        self._paths: list[Path] = []
        self._json = self._whole = False
        self.repeated: set[str] = set()
        self._attached: set[str] = set()
        self.labels: dict[str, int] | None = None
        self.tool: str | None = None
        self.judge: str | None = None
        if isinstance(source, str):
            self._open_files(source)
        else:
            self.name = f"the {type(source).__name__}"
            self._register(source)
        self.columns = [str(row[0]) for row in self.query(f"DESCRIBE {VERDICTS}")]

    def has(self, column: str) -> bool:
        """Whether there is such a column; a dotted name reaches into nested JSON."""
        if column in self.columns or (self._json and column.partition(".")[0] in self.columns):
            return True
        if self._json and not self._whole:
            # It may be that only rows beyond the first ones have it.
            self._whole = True
            self._view()
            self.columns = [str(row[0]) for row in self.query(f"DESCRIBE {VERDICTS}")]
            return self.has(column)
        return False

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        if not self._json or column in self._attached:
            return f"CAST({quote_name(column)} AS VARCHAR)"
        # Top-level JSON fields are kept as JSON, so that a mixed column does not fail to parse.
        if column in self.columns:
            return f"({quote_name(column)} ->> '$')"
        head, *inner = column.split(".")
        path = "$" + "".join('."' + name.replace('"', "") + '"' for name in inner)
        return f"({quote_name(head)} ->> {quote_text(path)})"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query over the view ``verdicts``, the rows of the source."""
        try:
            return self.connection.execute(sql).fetchall()
        except self._error as error:
            raise ValueError(f"cannot read {self.name}: {_files.explain(error)}.") from error

    def stage(self, sql: str) -> str:
        """Keep the result of a query under a name."""
        self.query(f"CREATE OR REPLACE TEMP TABLE staged AS {sql}")
        return "staged"

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """Row and file of the first row for which the condition ``bad`` holds, and the value there."""
        parts = [(self.name, VERDICTS)]
        if len(self._paths) > 1 and not self.labels:
            parts = [(repr(str(path)), f"({self._reading([path])})") for path in self._paths]
        for name, rows in parts:
            found = self.query(
                f"SELECT n, value FROM (SELECT row_number() OVER () AS n, {text} AS value, {bad} AS bad "
                f"FROM {rows}) WHERE bad ORDER BY n LIMIT 1"
            )
            if found:
                return int(found[0][0]), f"row {found[0][0]} of {name}", found[0][1]
        raise AssertionError("no such row")

    def attach(self, column: str, join: str, text: str) -> None:
        """Add a column from a joined table, in place of one of that name."""
        self.query(f"ALTER VIEW {VERDICTS} RENAME TO judged")
        others = [name for name in self.columns if name.casefold() != column.casefold()]
        kept = "".join(f"judged.{quote_name(name)}, " for name in others)
        chosen = f"{kept}{text} AS {quote_name(column)}"
        self.query(f"CREATE VIEW {VERDICTS} AS SELECT {chosen} FROM judged LEFT JOIN {join}")
        self.columns = [*others, column]
        self._attached.add(column)

    def _open_files(self, source: str) -> None:
        if source == "-":
            self.name = "standard input"
            self._paths = [self._keep_input()]
        else:
            self._paths = _files.expand(source)
            self.name = repr(source)
            if log := read_logs(self._paths):
                self._paths = []
                self.tool, self.judge = log.tool, log.judge
                self._register(log.rows)
                return
        kinds = sorted({_files.kind_of(path) for path in self._paths})
        if len(kinds) > 1:
            raise ValueError(f"{self.name} names files of different kinds: {', '.join(kinds)}.")
        self.kind = kinds[0]
        self._json = self.kind == "json"
        self._view()

    def _view(self) -> None:
        self.query(f"CREATE OR REPLACE VIEW {VERDICTS} AS {self._reading(self._paths)}")

    def _reading(self, paths: Sequence[Path]) -> str:
        if self.kind == "parquet":
            return f"SELECT * FROM {_files.parquet_reader(paths)}"
        if self.kind == "json":
            return f"SELECT * FROM {_files.json_reader(paths, whole=self._whole)}"
        alike: dict[tuple[tuple[str, ...], str], list[Path]] = {}
        for path in paths:
            names, mark = self._header(path)
            alike.setdefault((tuple(names), mark), []).append(path)
        folded = [[name.casefold() for name in names] for names, _ in alike]
        self.repeated = {name for names in folded for name in names if names.count(name) > 1}
        return " UNION ALL BY NAME ".join(
            f"SELECT {_files.csv_selection(names)} FROM {_files.csv_reader(same, names, mark)}"
            for (names, mark), same in alike.items()
        )

    def _header(self, path: Path) -> tuple[list[str], str]:
        if path.suffix.lower() != ".zst":
            return _files.header_of(path)
        rows = self.query(_files.first_line_reader(path))
        return _files.header_of(path, str(rows[0][0]) if rows else "")

    def _keep_input(self) -> Path:
        """Copy standard input to a file, as DuckDB reads rows more than once."""
        head = sys.stdin.buffer.read(1 << 16)
        if not head:
            raise ValueError("cannot read standard input: it is empty.")
        folder = tempfile.mkdtemp(prefix="jaxmle-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder, "input" + _files.kind_of_content(head))
        with path.open("wb") as file:
            file.write(head)
            shutil.copyfileobj(sys.stdin.buffer, file)
        return path

    def _register(self, source: Any) -> None:
        if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
            self.name = self.name if self.tool else "the list of rows"
            source = _columns(source)
        elif isinstance(source, Sequence | Mapping | Iterable) and not hasattr(source, "columns"):
            raise TypeError(
                "`source` must be a path, a pandas, polars or pyarrow table, a list of dictionaries or an "
                f"Ibis table; got {type(source).__name__}."
            )
        try:
            self.connection.register("given", source)
        except (self._error, TypeError) as error:
            raise TypeError(
                "`source` must be a path, a pandas, polars or pyarrow table, a list of dictionaries or an "
                f"Ibis table; got {type(source).__name__}."
            ) from error
        self.query(f"CREATE VIEW {VERDICTS} AS SELECT * FROM given")


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Columns of text from rows, as values of several types do not make a column."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise ValueError("cannot use the list of rows: it is empty.")
    return {name: np.array([_word(row.get(name)) for row in rows], dtype=object) for name in map(str, names)}


def _word(value: Any) -> str | None:
    return None if value is None or value != value else str(value)
