"""Tables with a row a slice: what they say of the slices of the data."""

from collections.abc import Iterator, Sequence

from jaxmle._tables._open import open_source
from jaxmle._tables._slice_counts import shown_key
from jaxmle._tables._source import VERDICTS, Source

_FEW_NAMED = 5
Key = tuple[str | None, ...]


def open_slices(source: object, by: Sequence[str]) -> Source:
    """Open a table that has the columns which make the slices.

    Raises:
        ValueError: The table lacks one of them.
    """
    table = open_source(source)
    for column in by:
        if table.lacking(column):
            raise ValueError(f"{table.name} has no column {column!r}, which makes the slices.")
    return table


def slice_rows(
    table: Source, by: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[Key, str, dict[str, str | None]]]:
    """Yield key, key in words and values of each row.

    Raises:
        ValueError: A slice occurs twice.
    """
    seen: set[Key] = set()
    for row in table.query(f"SELECT {', '.join(map(table.text, [*by, *columns]))} FROM {VERDICTS}"):
        key, texts = tuple(row[: len(by)]), row[len(by) :]
        shown = shown_key(dict(zip(by, key, strict=True)))
        if key in seen:
            raise ValueError(f"{table.name} has two rows{where(shown)}.")
        seen.add(key)
        yield key, shown, dict(zip(columns, texts, strict=True))


def where(shown: str) -> str:
    """Which slice an error is of; nothing where there is only one."""
    return f" for {shown}" if shown else ""


def number(name: str, column: str, text: str | None, shown: str) -> float:
    """Read a number of a slice, also in percent or with a decimal comma, or say which one is none."""
    try:
        digits = (text or "").strip()
        value = float(digits.removesuffix("%").replace(",", "."))
        return value / 100 if digits.endswith("%") else value
    except ValueError:
        raise ValueError(f"{name}: {column} is {text!r}{where(shown)}, not a number.") from None


def few(shown: Sequence[str]) -> str:
    """Name the first slices, and say how many more there are."""
    more = f" and {len(shown) - _FEW_NAMED} more" if len(shown) > _FEW_NAMED else ""
    return "; ".join(shown[:_FEW_NAMED]) + more
