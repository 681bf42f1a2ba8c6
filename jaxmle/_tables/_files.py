"""How files are read: kinds, headers, DuckDB's table functions, and what went wrong in plain words."""

import csv
import glob
import itertools
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from jaxmle._data import printable
from jaxmle._tables._compressed import compression_of, opened

_CSV = (".csv", ".tsv", ".txt")
_JSON = (".jsonl", ".ndjson", ".json")
_DELIMITERS = ",;\t|"
_LONGEST_LINE = 1 << 20
_LONGEST_REASON = 500
_ENDS = "its lines end in different ways (CRLF, LF, CR)"
_ENDINGS = ".csv, .tsv, .jsonl, .parquet (.gz, .zst) or .xlsx"


def quote_name(name: str) -> str:
    """Quote an SQL identifier, whatever it contains."""
    _check_nul(name)
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Quote an SQL string, whatever it contains."""
    _check_nul(text)
    return "'" + text.replace("'", "''") + "'"


def _check_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError("a name or a value must not contain the character NUL.")


def expand(path: str) -> list[Path]:
    """Files that a path or a pattern names; a file of that very name comes before a pattern."""
    try:
        if Path(path).exists() or not any(mark in path for mark in "*?["):
            return [Path(path)]
        found = [Path(name) for name in sorted(glob.glob(path, recursive=True))]
    except OSError as error:
        raise ValueError(f"cannot read {path!r}: {error.strerror or error}.") from error
    except ValueError as error:  # such as a NUL in the name
        raise ValueError(f"cannot read {path!r}: {error}.") from error
    files = [name for name in found if name.is_file()]
    if not files:
        raise ValueError(f"no file matches {path!r}.")
    return files


def kind_of(path: Path) -> str:
    """Return "csv", "json" or "parquet".

    Raises:
        ValueError: The file is missing, a folder, unreadable, empty or of no known kind.
    """
    try:
        if path.is_dir():
            raise ValueError(
                f"cannot read {str(path)!r}: it is a folder; name a file in it, or a pattern such as "
                f"{str(path / '*.csv')!r}."
            )
        if path.exists() and not path.is_file():
            raise ValueError(
                f"cannot read {str(path)!r}: it is a pipe or a device, and rows are read more than once; "
                "hand them over as standard input, by - in place of the name."
            )
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ValueError(f"cannot read {str(path)!r}: {error.strerror or error}.") from error
    if empty:
        raise ValueError(f"cannot read {str(path)!r}: the file is empty.")
    last = ending_of(path)
    if last in _CSV:
        return "csv"
    if last in _JSON:
        return "json"
    if last == ".parquet":
        return "parquet"
    raise ValueError(f"cannot read {str(path)!r}: its name should end in {_ENDINGS}.")


def ending_of(path: Path) -> str:
    """Ending of a file's name, without that of compression, in lower case."""
    inner = path if compression_of(path) == "uncompressed" else path.with_suffix("")
    return inner.suffix.lower()


def kind_of_content(head: bytes) -> str:
    """File name ending that suits the first bytes of what has no name."""
    if head.startswith(b"PAR1"):
        return ".parquet"
    if head.startswith(b"\x1f\x8b"):
        return kind_of_content(_beginning(zlib.decompressobj(wbits=31), head)) + ".gz"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        return kind_of_content(_beginning(zstandard.ZstdDecompressor().decompressobj(), head)) + ".zst"
    return ".jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else ".csv"


def header_of(path: Path) -> tuple[list[str], str]:
    """Column names of a CSV file and its delimiter.

    Raises:
        ValueError: The header is not UTF-8 text, or not one row.
    """
    try:
        with opened(path) as file:
            names, mark = _first_row(file, path)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"cannot read {str(path)!r}: its header is not UTF-8 text; save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise ValueError(
            f"cannot read {str(path)!r}: its header is no row of names: a quote is out of place, or "
            "lines end in CR alone."
        ) from error
    except (OSError, EOFError) as error:
        raise ValueError(f"cannot read {str(path)!r}: {error}.") from error
    if not names:
        raise ValueError(f"cannot read {str(path)!r}: its first line, the header, is empty.")
    return names, mark


def pattern_of(path: Path) -> str:
    """Path as a pattern that matches this one file, even if its name looks like a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def csv_reader(paths: Sequence[Path], names: Sequence[str], mark: str) -> str:
    """Table function for CSV files of one header; every row must have its number of values."""
    # Columns are read by place, so that names that occur twice can be told apart.
    columns = ", ".join(f"{quote_text(_place(i))}: 'VARCHAR'" for i in range(len(names)))
    return (
        f"read_csv({_listed(paths)}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"delim = {quote_text(mark)}, quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        f"null_padding = false, max_line_size = 33554432, {_compression(paths)})"
    )


def csv_selection(names: Sequence[str]) -> str:
    """Names for the columns of `csv_reader`; those that occur twice, or not at all, have none."""
    seen = Counter(name.casefold() for name in names)
    named = [
        f"{quote_name(_place(i))} AS {quote_name(name)}"
        for i, name in enumerate(names)
        if name and seen[name.casefold()] == 1
    ]
    return ", ".join(named) or "NULL AS nothing"


def parquet_reader(paths: Sequence[Path]) -> str:
    """Table function for Parquet files."""
    return f"read_parquet({_listed(paths)}, union_by_name = true)"


def json_reader(paths: Sequence[Path], *, whole: bool) -> str:
    """Table function for JSON files; ``whole`` looks for columns in all rows, not only the first ones."""
    sample = ", sample_size = -1" if whole else ""
    return (
        f"read_json({_listed(paths)}, maximum_depth = 1, union_by_name = true{sample}, {_compression(paths)})"
    )


def explain(error: Exception) -> str:
    """DuckDB's error in one line for the owner of the file; what it quotes is made fit to be shown."""
    return printable(_explained(error), _LONGEST_REASON)


def _explained(error: Exception) -> str:
    text = str(error).strip()
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"line {line[1]}" if line else "a line"
    named = re.search(r"file = (.+)", text)
    if named and line:
        where += f" of {named[1].strip()!r}"
    if malformed := re.search(r'Malformed JSON in file "(.+)", at byte', text):
        return _malformed(Path(malformed[1]))
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if counts:
        return f"{where} has {counts[2]} values where the header has {counts[1]} names"
    if "Invalid unicode" in text or "not utf-8" in text.lower():
        return f"{where} is not UTF-8 text; save the file as UTF-8"
    if "unterminated quote" in text:
        return f"{where} opens a quote that nothing closes"
    if "maximum line size" in text.lower() or "max_line_size" in text:
        return f"{where} is longer than 32 MiB: a quote may be open, or it is no table"
    if longest := re.search(r'"maximum_object_size" of \d+ bytes exceeded while reading file "(.+?)"', text):
        return f"an object of {longest[1]!r} is longer than 16 MiB"
    if "maximum recursion depth" in text:
        return "an object is nested more than 128 deep"
    if "state machine reached an invalid state" in text:
        return f"{_ENDS}, or its quotes are out of place; save it anew"
    if "Unexpected end of GZIP" in text:
        return "the compressed file ends early: it is not complete"
    # Some errors of other threads come as JSON within a sentence.
    if inner := re.search(r'"exception_message":("(?:[^"\\]|\\.)*")', text):
        return str(json.loads(inner[1], strict=False))
    first = text.splitlines()[0] if text else type(error).__name__
    if first.startswith("Conversion Error"):  # all else that is converted has been looked at
        return f"the condition (--where) cannot be evaluated: {first.rstrip('. ')}"
    return first.rstrip(". ")


def _malformed(path: Path) -> str:
    """Which line of a file is not JSON: DuckDB's number is not to be relied on."""
    if ending_of(path) != ".json":
        with opened(path) as file:
            for number, line in enumerate(file, start=1):
                if number == 1 and line.lstrip(b"\xef\xbb\xbf ").startswith(b"["):
                    break  # rows in one array
                try:
                    found = json.loads(line.decode("utf-8-sig").strip() or "null")
                    # What Python reads and DuckDB does not.
                    json.dumps(found, ensure_ascii=False).encode()
                except UnicodeEncodeError:
                    return f"line {number} of {str(path)!r} holds half a character (a lone surrogate)"
                except (ValueError, RecursionError):
                    return f"line {number} of {str(path)!r} is not JSON"
    return f"the JSON of {str(path)!r} is damaged, or ends early"


def _beginning(decompressor: Any, head: bytes) -> bytes:
    try:
        return bytes(decompressor.decompress(head))
    except Exception:  # each kind has errors of its own; what reads the file says what is wrong
        return b""


def _first_row(file: IO[bytes], path: Path) -> tuple[list[str], str]:
    # Line by line, so that the text of later rows can't be blamed on the header.
    line = file.readline(_LONGEST_LINE).decode("utf-8-sig")
    if "\0" in line:
        raise ValueError(f"cannot read {str(path)!r}: its first line holds NUL characters; save it as UTF-8.")
    bare = re.sub(r'"[^"]*"?', "", line)
    mark = "\t" if ".tsv" in path.suffixes else max(_DELIMITERS, key=bare.count)
    taken = [line]
    more = (_taken(taken, text.decode()) for text in file)
    names = next(csv.reader(itertools.chain([line], more), delimiter=mark, strict=True), [])
    # DuckDB then loses all rows, and says nothing.
    if len(set(re.findall(r"\r\n|\r|\n", "".join(taken)))) > 1:
        raise ValueError(f"cannot read {str(path)!r}: {_ENDS} in the header; save it anew.")
    return names, mark


def _taken(lines: list[str], line: str) -> str:
    lines.append(line)
    return line


def _compression(paths: Sequence[Path]) -> str:
    """Option for files that are compressed alike; DuckDB does not always see it by the name."""
    return f"compression = {quote_text(compression_of(paths[0]))}"


def _place(index: int) -> str:
    return f"c{index}"


def _listed(paths: Sequence[Path]) -> str:
    return f"[{', '.join(quote_text(pattern_of(path)) for path in paths)}]"
