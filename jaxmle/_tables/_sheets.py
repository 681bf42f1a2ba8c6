"""Spreadsheets, by python-calamine: rows of the one sheet that holds any."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def sheet_rows(paths: Sequence[Path]) -> tuple[list[dict[str, str | None]], list[str]]:
    """Rows of spreadsheets below each other, as text, and the names in the first rows as they are written.

    Raises:
        ValueError: python-calamine is not installed; a file is missing or no spreadsheet; or rows stand in
            none of its sheets, or in several.
    """
    rows: list[dict[str, str | None]] = []
    written: list[str] = []
    for path in paths:
        names, texts = _sheet(path)
        rows += [dict(zip(names, row, strict=False)) for row in texts]
        written += [name for name in names if name not in written or names.count(name) > 1]
    return [{name: value for name, value in row.items() if name} for row in rows], written


def _sheet(path: Path) -> tuple[list[str], list[list[str | None]]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise ValueError(
            f"cannot read {str(path)!r}: it is a spreadsheet; pip install '.[excel]' reads it, or save "
            "it as CSV."
        ) from None
    if not path.is_file():
        raise ValueError(f"cannot read {str(path)!r}: there is no such file.")
    try:
        book = CalamineWorkbook.from_path(str(path))
        found = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    except Exception as error:  # whatever its reader meets in a broken file
        raise ValueError(f"cannot read {str(path)!r} as a spreadsheet: {error}.") from error
    sheets = {name: rows for name, rows in found.items() if len(rows) > 1}
    if len(sheets) != 1:
        what = f"rows in several sheets, {', '.join(map(repr, sheets))}" if sheets else "no rows in any sheet"
        raise ValueError(f"{str(path)!r} has {what}; save the one that is meant in a file of its own.")
    ((names, *rows),) = sheets.values()
    texts = [[_text(value) for value in row] for row in rows if any(value != "" for value in row)]
    return [_text(name) or "" for name in names], texts


def _text(value: Any) -> str | None:
    """A cell as it would be written to CSV: sheets keep 1 as 1.0."""
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str) else str(value)
