"""Bounds of the judge's rates, slice by slice, from a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmle.tables._source import VERDICTS, open_source

if TYPE_CHECKING:
    from jaxmle._data import Bounds

_ENDS = ("failure_rate_low", "failure_rate_high", "tpr_low", "tpr_high", "fpr_low", "fpr_high")


def slice_bounds(source: Any, keys: Sequence[dict[str, str | None]], otherwise: "Bounds") -> "Bounds":
    """Read bounds of each slice from a table.

    Args:
        source: A file or a table in memory, a row a slice: the columns that make the slices, and any of
            tpr_low, tpr_high, fpr_low, fpr_high, failure_rate_low and failure_rate_high.
        keys: The slices, as in `SliceCounts`.
        otherwise: Scalar bounds for slices that the table lacks, and for ends that it leaves blank.

    Returns:
        Bounds of shape ``(n_slices,)``.

    Raises:
        ValueError: The table lacks a key column or has no column of bounds, an end is no number, or a slice
            occurs twice.

    Examples:
        >>> from jaxmle import Bounds
        >>> rows = [{"model": "a", "tpr_low": 0.8, "tpr_high": 0.9}]
        >>> slice_bounds(rows, [{"model": "a"}, {"model": "b"}], Bounds()).tpr
        (array([0.8, 0. ]), array([0.9, 1. ]))
    """
    from jaxmle._data import Bounds

    table = open_source(source)
    by = list(keys[0]) if keys else []
    for column in by:
        if table.lacking(column):
            raise ValueError(f"{table.name} has no column {column!r}, which makes the slices.")
    ends = [name for name in _ENDS if not table.lacking(name)]
    if not ends:
        raise ValueError(f"{table.name} has none of the columns {', '.join(_ENDS)}.")
    known = {tuple(key.values()): i for i, key in enumerate(keys)}
    pairs = (otherwise.failure_rate, otherwise.tpr, otherwise.fpr)
    values = {
        name: np.full(len(keys), float(end))
        for name, end in zip(_ENDS, (end for pair in pairs for end in pair), strict=True)
    }
    seen: set[tuple[str | None, ...]] = set()
    for row in table.query(f"SELECT {', '.join(map(table.text, [*by, *ends]))} FROM {VERDICTS}"):
        key, texts = tuple(row[: len(by)]), row[len(by) :]
        shown = ", ".join(f"{column} = {value!r}" for column, value in zip(by, key, strict=True))
        if key in seen:
            raise ValueError(f"{table.name} has two rows{' for ' + shown if shown else ''}.")
        seen.add(key)
        for name, text in zip(ends, texts, strict=True):
            if text is None or key not in known:
                continue
            try:
                values[name][known[key]] = float(text)
            except ValueError:
                raise ValueError(
                    f"{table.name}: {name} is {text!r}{' for ' + shown if shown else ''}, not a number."
                ) from None
    if not seen & set(known):
        raise ValueError(f"{table.name} holds bounds for none of the slices.")
    got = [values[name] for name in _ENDS]
    return Bounds(failure_rate=(got[0], got[1]), tpr=(got[2], got[3]), fpr=(got[4], got[5]))
