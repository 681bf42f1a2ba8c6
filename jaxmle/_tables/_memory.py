"""Rows that have no file: standard input, and lists of dictionaries."""

import json
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jaxmle._tables._files import kind_of_content
from jaxmle._types import Array


def keep_input(owner: object) -> Path:
    """Copy standard input to a file, as DuckDB reads rows more than once; it goes when ``owner`` does.

    Raises:
        ValueError: There is nothing in it, or it is closed.
    """
    try:
        head = sys.stdin.buffer.read(1 << 16)
    except (AttributeError, OSError, ValueError) as error:  # there is none, or it has no bytes
        raise ValueError("cannot read standard input: it is closed, or cannot be read.") from error
    if not head:
        raise ValueError("cannot read standard input: it is empty.")
    folder = tempfile.mkdtemp(prefix="jaxmle-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "input" + kind_of_content(head))
    with path.open("wb") as file:
        file.write(head)
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def columns_of(rows: Sequence[Mapping[str, object]]) -> dict[str, Array]:
    """Columns of text from rows, as values of several types do not make a column."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise ValueError("cannot use the list of rows: it is empty.")
    return {name: np.array([_word(row.get(name)) for row in rows], dtype=object) for name in map(str, names)}


def flattened(row: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """A row with the fields of objects in it as columns of dotted names, and lists as JSON."""
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{name}.")
        else:
            listed = isinstance(value, list | tuple)
            found[f"{prefix}{name}"] = json.dumps(value, default=str) if listed else value
    return found


def _word(value: object) -> str | None:
    if value is None or value is np.ma.masked:
        return None
    try:
        text = str(value)
    except ValueError:  # a whole number of more digits than Python writes
        text = hex(value) if isinstance(value, int) else repr(type(value))
    return None if isinstance(value, float | np.generic) and value != value else text
