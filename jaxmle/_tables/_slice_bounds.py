"""Bounds of the judge's rates, slice by slice, from a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._tables._slice_rows import few, number, open_slices, slice_rows, where

if TYPE_CHECKING:
    from jaxmle._data import Bounds

# Columns that say what the bounds of a slice are.
BOUND_COLUMNS = ("failure_rate_low", "failure_rate_high", "tpr_low", "tpr_high", "fpr_low", "fpr_high")


def slice_bounds(
    source: object, keys: Sequence[dict[str, str | None]], otherwise: "Bounds"
) -> tuple["Bounds", list[str]]:
    """Read bounds of each slice from a table.

    Args:
        source: A file or a table in memory, a row a slice: the columns that make the slices, and any of
            tpr_low, tpr_high, fpr_low, fpr_high, failure_rate_low and failure_rate_high.
        keys: The slices, as in `SliceCounts`.
        otherwise: Scalar bounds for slices that the table lacks, and for ends that it leaves blank.

    Returns:
        Bounds of shape ``(n_slices,)``, and what there is to say against the table.

    Raises:
        ValueError: The table lacks a key column or has no column of bounds, an end is no number or ends
            are out of order, or a slice occurs twice.

    Examples:
        >>> from jaxmle import Bounds
        >>> rows = [{"model": "a", "tpr_low": 0.8, "tpr_high": 0.9}]
        >>> slice_bounds(rows, [{"model": "a"}, {"model": "b"}], Bounds())[0].tpr
        (array([0.8, 0. ]), array([0.9, 1. ]))
    """
    from jaxmle._data import Bounds

    by = list(keys[0]) if keys else []
    table = open_slices(source, by)
    ends = [name for name in BOUND_COLUMNS if not table.lacking(name)]
    if not ends:
        raise ValueError(f"{table.name} has none of the columns {', '.join(BOUND_COLUMNS)}.")
    known = {tuple(key.values()): i for i, key in enumerate(keys)}
    pairs = (otherwise.failure_rate, otherwise.tpr, otherwise.fpr)
    values = {
        name: np.full(len(keys), float(end))
        for name, end in zip(BOUND_COLUMNS, (end for pair in pairs for end in pair), strict=True)
    }
    strangers, matched = [], False
    for key, shown, texts in slice_rows(table, by, ends):
        if key not in known:
            strangers.append(shown)
            continue
        matched = True
        for name, text in texts.items():
            if text is not None:
                values[name][known[key]] = number(table.name, name, text, shown)
        for low, high in zip(BOUND_COLUMNS[::2], BOUND_COLUMNS[1::2], strict=True):
            pair = values[low][known[key]], values[high][known[key]]
            if not 0 <= pair[0] <= pair[1] <= 1:
                raise ValueError(
                    f"{table.name}: {low} is {pair[0]:g} and {high} {pair[1]:g}"
                    f"{where(shown)}; they must be ordered and lie in [0, 1]."
                )
    if not matched:
        raise ValueError(f"{table.name} holds bounds for none of the slices.")
    got = [values[name] for name in BOUND_COLUMNS]
    bounds = Bounds(failure_rate=(got[0], got[1]), tpr=(got[2], got[3]), fpr=(got[4], got[5]))
    note = f"{table.name} has bounds for no slice of these data: {few(strangers)}"
    return bounds, [note] if strangers else []
