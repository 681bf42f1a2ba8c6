"""Rows in DuckDB: files, standard input, and tables in memory."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

from jaxmle._tables._compressed import check_whole, compression_of
from jaxmle._tables._connection import connect
from jaxmle._tables._files import (
    csv_reader,
    csv_selection,
    ending_of,
    expand,
    explain,
    header_of,
    json_reader,
    kind_of,
    parquet_reader,
    quote_name,
    quote_text,
)
from jaxmle._tables._logs import Log, log_in_memory, log_in_table, read_logs
from jaxmle._tables._long_form import JUDGE, pivoted, scores_in
from jaxmle._tables._memory import columns_of, flattened, keep_input
from jaxmle._tables._sheets import ENDINGS as SHEETS
from jaxmle._tables._sheets import sheet_rows
from jaxmle._tables._source import VERDICTS, Part, Row, Source
from jaxmle._tables._utf16 import as_utf8
from jaxmle._types import Document

_FIRST_ROWS = 100


class Table:
    """Rows in DuckDB: files, standard input, or a table in memory; column values are read as text.

    Args:
        source: A path or a pattern; "-" for standard input; a pandas, polars or pyarrow table; a list
            of dictionaries.

    Attributes:
        tool: Tool whose logs the files are, or None.
        judge: Column of the judge that such a log has, if it is plain which.
        hint: What to know of the scores of such a log, a sentence, or None.
        left_out: Rows of the files that are no rows here, by reason.

    Raises:
        ValueError: A file is missing, unreadable, empty, or of no known kind.
        TypeError: ``source`` is nothing that holds rows.
    """

    parts: list[Part]
    columns: list[str]

    def __init__(self, source: object) -> None:
        self._paths: list[Path] = []
        self._json = self._whole = False
        self._attached: dict[str, Source] = {}
        self._objects: dict[str, str] | None = None
        self.labels: Document | None = None
        self.tool: str | None = None
        self.judge: str | None = None
        self.hint: str | None = None
        self.left_out: dict[str, int] = {}
        if isinstance(source, str):
            self._open_files(source)
        else:
            self.name = f"the {type(source).__name__}"
            if log := log_in_memory(source):
                self._take(log)
            else:
                self._register(source)
        self._lay_out()

    def lacking(self, column: str) -> Part | None:
        """First part without such a column; a dotted name reaches into nested JSON."""
        if column in self._attached:
            return None
        part = next((one for one in self.parts if not self._holds(one, column)), None)
        if part and self._json and not self._whole:
            # It may be that only rows beyond the first ones have it.
            self._whole = True
            self._view()
            return self.lacking(column)
        return part

    def _holds(self, part: Part, column: str) -> bool:
        head, dot, _ = column.partition(".")
        if column in part.columns or not (dot and head in part.columns):
            return column in part.columns
        if (held := self._object(head)) is None:
            return False
        exists = f"json_exists({held}, {_inner(column)})"
        return bool(self.query(f"SELECT 1 FROM {part.rows} WHERE {exists} LIMIT 1"))

    def _object(self, column: str) -> str | None:
        """SQL for the JSON in a column; None where it holds no objects, by its type or its first rows."""
        if self._json:
            return quote_name(column)
        if self._objects is None:
            types = {str(row[0]): str(row[1]) for row in self.query(f"DESCRIBE {VERDICTS}")}
            rows = self.query(f"SELECT * FROM {VERDICTS} LIMIT {_FIRST_ROWS}")
            self._objects = {
                name: f"to_json({quote_name(name)})"
                if types[name].startswith("STRUCT")
                else f"TRY_CAST({quote_name(name)} AS JSON)"
                for name, values in zip(types, zip(*rows, strict=True), strict=False)
                if any(
                    isinstance(one, dict) or (isinstance(one, str) and one.startswith("{")) for one in values
                )
            }
        return self._objects.get(column)

    def inside(self, part: Part, column: str) -> list[str]:
        """Names of the fields beside the one that a dotted name reaches for."""
        parent, dot, _ = column.rpartition(".")
        head = parent.partition(".")[0]
        held = self._object(head) if dot and head in part.columns else None
        if held is None:
            return []
        found = self.query(
            f"SELECT DISTINCT unnest(json_keys({held}, {_inner(parent)})) AS name "
            f"FROM {part.rows} ORDER BY name LIMIT 50"
        )
        return [f"{parent}.{row[0]}" for row in found]

    def origin(self, column: str) -> Source:
        """The table that a column was joined from, or this one."""
        return self._attached.get(column, self)

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        head = column.partition(".")[0]
        is_field = column not in self.columns and head in self.columns
        if column in self._attached or not (self._json or (is_field and self._object(head))):
            return f"CAST({quote_name(column)} AS VARCHAR)"
        # Top-level JSON fields are kept as JSON, so that a mixed column does not fail to parse.
        if column in self.columns:
            return f"({quote_name(column)} ->> '$')"
        return f"({self._object(head)} ->> {_inner(column)})"

    def query(self, sql: str) -> list[Row]:
        """Run a query over the view ``verdicts``, the rows of the source."""
        try:
            return self.connection.execute(sql).fetchall()
        except self._error as error:
            raise ValueError(f"cannot read {self.name}: {self._plain(explain(error))}.") from error

    def _plain(self, text: str) -> str:
        """Without the name of the only file, which `name` says already, or of the copy of standard input."""
        if len(self._paths) != 1:
            return text
        path = repr(str(self._paths[0]))
        return text.replace(f" of {path}", "").replace(path, self.name)

    def call(self, name: str) -> Self:
        """Say what these rows are, for messages: rows in memory have no name of their own."""
        self.name, self.parts = name, [replace(part, name=name) for part in self.parts]
        return self

    def stage(self, sql: str) -> str:
        """Keep the result of a query under a name."""
        self.query(f"CREATE OR REPLACE TEMP TABLE staged AS {sql}")
        return "staged"

    def locate(self, text: str, bad: str) -> tuple[int, str, str | None]:
        """Row and file of the first row for which the condition ``bad`` holds, and the value there."""
        parts = [Part(self.name, VERDICTS, self.columns)] if self._attached else self.parts
        for part in parts:
            found = self.query(
                f"SELECT n, value FROM (SELECT row_number() OVER () AS n, {text} AS value, {bad} AS bad "
                f"FROM {part.rows}) WHERE bad ORDER BY n LIMIT 1"
            )
            if found:
                return int(found[0][0]), f"row {found[0][0]} of {part.name}", found[0][1]
        raise AssertionError("no such row")

    def attach(self, columns: Mapping[str, str], join: str, origin: Source) -> None:
        """Add columns from a joined table, in place of any of that name.

        Args:
            columns: SQL for each by its name.
            join: What to write after LEFT JOIN.
            origin: Where their values come from.
        """
        before = f"jaxmle_rows_{len(self._attached)}"
        self.query(f"ALTER VIEW {VERDICTS} RENAME TO {before}")
        given = {name.casefold() for name in columns}
        others = [name for name in self.columns if name.casefold() not in given]
        texts = [f"{before}.{quote_name(name)}" for name in others]
        texts += [f"{text} AS {quote_name(name)}" for name, text in columns.items()]
        self.query(f"CREATE VIEW {VERDICTS} AS SELECT {', '.join(texts)} FROM {before} LEFT JOIN {join}")
        self.columns = [*others, *columns]
        self._attached |= dict.fromkeys(columns, origin)

    def _open_files(self, source: str) -> None:
        self.name = repr(source) if source != "-" else "standard input"
        self._paths = expand(source) if source != "-" else [keep_input(self)]
        try:
            for path in self._paths:
                check_whole(path)
            if all(ending_of(path) in SHEETS for path in self._paths):
                rows, names = sheet_rows(self._paths)
                self._paths = []
                self._register(rows, names)
                return
            self._paths = as_utf8(self, self._paths)
            if log := read_logs(self._paths):
                self._paths = []
                self._take(log)
                return
            kinds = sorted({kind_of(path) for path in self._paths})
            if len(kinds) > 1:
                raise ValueError(f"{self.name} names files of different kinds: {', '.join(kinds)}.")
            self.kind = kinds[0]
            self._json = self.kind == "json"
            self.connection, self._error = connect(self._paths)
            self._view()
            if log := log_in_table(self.name, self.columns, self.query):
                self._paths = []
                self._take(log)
        except ValueError as error:
            raise ValueError(self._plain(str(error))) from error

    def _view(self) -> None:
        """Define the view of all rows, and see what columns each file has."""
        self._headers = {path: header_of(path) for path in self._paths if self.kind == "csv"}
        self._define(self._reading(self._paths))
        if len(self._paths) > 1:
            self.parts = [self._part(path) for path in self._paths]
        else:
            repeated = _repeated(*self._headers.values()) or _renamed(self.columns)
            self.parts = [Part(self.name, VERDICTS, self.columns, repeated)]
        for part in self.parts if self._json else ():
            # What DuckDB calls a file without objects.
            if part.columns == ["json"] and not self.query(f"SELECT 1 FROM {part.rows} LIMIT 1"):
                raise ValueError(f"cannot read {part.name}: it holds no rows.")

    def _take(self, log: Log) -> None:
        """Use the rows of a log."""
        self.tool, self.judge, self.hint = log.tool or None, log.judge, log.hint
        self._register(log.rows)

    def _lay_out(self) -> None:
        """Give each item one row, where the rows are scores in the long form of a tool."""
        scores = scores_in(self.columns, self.text, self._fields, self.query)
        if scores is None:
            return
        rows, lost = pivoted(scores, self.query)
        self.query(f"CREATE OR REPLACE TEMP TABLE items AS {rows}")
        self._json, self._objects = False, None
        self._define("SELECT * FROM items")
        judges = [name for name in self.columns if name.startswith(f"{JUDGE}.")]
        self.tool, self.judge = scores.form.tool, judges[0] if len(judges) == 1 else None
        self.left_out = {"score of no item": lost} if lost else {}

    def _fields(self, column: str) -> list[str]:
        """Names of the fields of a column that holds objects."""
        return self.inside(self.parts[0], f"{column}.") if "." not in column else []

    def _define(self, rows: str) -> None:
        self.query(f"CREATE OR REPLACE VIEW {VERDICTS} AS {rows}")
        self.columns = [str(row[0]) for row in self.query(f"DESCRIBE {VERDICTS}")]
        self.parts = [Part(self.name, VERDICTS, self.columns)]

    def _part(self, path: Path) -> Part:
        rows = self._reading([path])
        columns = [str(row[0]) for row in self.query(f"DESCRIBE {rows}")]
        header = [self._headers[path]] if path in self._headers else []
        return Part(repr(str(path)), f"({rows})", columns, _repeated(*header) or _renamed(columns))

    def _reading(self, paths: Sequence[Path]) -> str:
        if self.kind == "parquet":
            return f"SELECT * FROM {parquet_reader(paths)}"
        alike: dict[tuple[tuple[str, ...], str, str], list[Path]] = {}
        for path in paths:
            names, mark = self._headers.get(path, ((), ""))
            alike.setdefault((tuple(names), mark, compression_of(path)), []).append(path)
        return " UNION ALL BY NAME ".join(
            f"SELECT * FROM {json_reader(same, whole=self._whole)}"
            if self._json
            else f"SELECT {csv_selection(names)} FROM {csv_reader(same, names, mark)}"
            for (names, mark, _), same in alike.items()
        )

    def _register(self, source: object, names: Sequence[str] = ()) -> None:
        names = names or getattr(source, "column_names", getattr(source, "columns", []))
        if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
            self.name = "the list of rows" if self.name == "the list" else self.name
            if any(isinstance(value, Mapping) for row in source for value in row.values()):
                source = [flattened(row) for row in source]
            source = columns_of(source)
        elif isinstance(source, Sequence | Mapping | Iterable) and not hasattr(source, "columns"):
            raise TypeError(
                "`source` must be a path, a pandas, polars or pyarrow table, a list of dictionaries or an "
                f"Ibis table; got {type(source).__name__}."
            )
        self.connection, self._error = connect()
        index = getattr(source, "index", None)
        if any(name is not None and name not in names for name in getattr(index, "names", [])):
            source = cast(Any, source).reset_index()  # a column like the others, which DuckDB does not see
        try:
            self.connection.register("given", source)
        except (self._error, TypeError) as error:
            if hasattr(source, "columns") and "No module named 'pyarrow'" in str(error):
                raise TypeError(f"reading {self.name} takes pyarrow: pip install pyarrow.") from error
            raise TypeError(
                "`source` must be a path, a pandas, polars or pyarrow table, a list of dictionaries or an "
                f"Ibis table; got {type(source).__name__}."
            ) from error
        self._define("SELECT * FROM given")
        self.parts = [Part(self.name, VERDICTS, self.columns, _repeated((names, "")))]


def _repeated(*headers: tuple[Iterable[object], str]) -> set[str]:
    """Names that several columns have, upper and lower case being one."""
    folded = Counter(str(name).casefold() for names, _ in headers for name in names)
    return {name for name, times in folded.items() if times > 1}


def _renamed(columns: Sequence[str]) -> set[str]:
    """Names of columns that DuckDB tells apart by a number, as the same name is there in other case."""
    folded = {name.casefold() for name in columns}
    bare = (match[1] for name in columns if (match := re.fullmatch(r"(.+)_\d+", name, re.DOTALL)))
    return {name.casefold() for name in bare if name not in columns and name.casefold() in folded}


def _inner(column: str) -> str:
    """SQL for the path that a dotted name takes within the field that it begins with.

    As a JSON pointer (RFC 6901), which has a way to write every name: in a path of DuckDB a quote has none.
    """
    names = (name.replace("~", "~0").replace("/", "~1") for name in column.split(".")[1:])
    return quote_text("".join(f"/{name}" for name in names))
