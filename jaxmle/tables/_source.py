"""Files as DuckDB table functions."""

import os
from pathlib import Path
from typing import Any

_CSV = (".csv", ".tsv", ".txt")
_JSON = (".jsonl", ".ndjson", ".json")
_COMPRESSED = (".gz", ".zst")


class Source:
    """A file opened for queries; column values are read as text.

    Args:
        path: A CSV, TSV, JSONL or Parquet file, also compressed (.gz, .zst).

    Raises:
        ValueError: The file is missing, unreadable, empty, or of no known kind.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import duckdb  # a sixth of a second that a misspelt option need not pay

        self.path = Path(path)
        self.kind = _kind(self.path)
        self._connection = duckdb.connect(":memory:")
        self._error: type[Exception] = duckdb.Error
        self._connection.execute("SET enable_progress_bar = false")
        self.query(f"CREATE VIEW verdicts AS SELECT * FROM {self._reader()}")
        self.columns = [str(row[0]) for row in self.query("DESCRIBE verdicts")]

    def text(self, column: str) -> str:
        """SQL expression for a column as text, NULL where it is missing."""
        name = quote_name(column)
        # Top-level JSON fields are kept as JSON, so that a mixed column does not fail to parse.
        return f"({name} ->> '$')" if self.kind == "json" else f"CAST({name} AS VARCHAR)"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query over the view ``verdicts``, the rows of the file."""
        try:
            return self._connection.execute(sql).fetchall()
        except self._error as error:
            raise ValueError(f"cannot read {str(self.path)!r}: {_first_line(error)}") from error

    def _reader(self) -> str:
        path = quote_text(_literal(self.path))
        if self.kind == "parquet":
            return f"read_parquet({path})"
        if self.kind == "json":
            return f"read_json({path}, maximum_depth = 1)"
        return f"read_csv({path}, all_varchar = true, header = true, nullstr = '')"


def quote_name(name: str) -> str:
    """Quote an SQL identifier, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Quote an SQL string, whatever it contains."""
    if "\0" in text:
        raise ValueError("a name or a value must not contain the character NUL.")
    return "'" + text.replace("'", "''") + "'"


def _kind(path: Path) -> str:
    if path.is_dir():
        raise ValueError(f"cannot read {str(path)!r}: it is a folder; name a file in it.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ValueError(f"cannot read {str(path)!r}: {error.strerror or error}.") from error
    if empty:
        raise ValueError(f"cannot read {str(path)!r}: the file is empty.")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in _CSV:
        return "csv"
    if last in _JSON:
        return "json"
    if last == ".parquet":
        return "parquet"
    raise ValueError(
        f"cannot read {str(path)!r}: its name should end in .csv, .tsv, .jsonl or .parquet (.gz, .zst)."
    )


def _literal(path: Path) -> str:
    """Path as a pattern that matches this one file, even if its name looks like a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
