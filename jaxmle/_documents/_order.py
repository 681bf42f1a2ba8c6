"""The order in which slices are shown: numbers within names by their size, s2 before s10."""

import re
from typing import Any

from jaxmle._types import Document


def sort_naturally(slices: list[Document]) -> None:
    """Sort records of slices by their keys in place; blanks come last, as they do in the table."""
    slices.sort(key=lambda record: naturally(record["key"]))


def naturally(key: dict[str, Any]) -> list[tuple[int, Any]]:
    """What to sort keys by."""
    return [_natural(value) for value in key.values()]


def _natural(value: Any) -> tuple[int, Any]:
    if value is None:
        return 2, ()
    if isinstance(value, str):
        # Text and digits take turns, so that like meets like.
        parts = re.split(r"([0-9]+)", value)
        return 1, tuple(int(part) if i % 2 else part for i, part in enumerate(parts))
    return 0, value
