"""Shares of slices in a mix, from a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxmle._tables._slice_counts import shown_key
from jaxmle._tables._slice_rows import few, number, open_slices, slice_rows, where
from jaxmle._types import Array


@dataclass(frozen=True)
class Mix:
    """Shares of the slices in a mix.

    Attributes:
        shares: Share of each slice, >= 0, not made to sum to 1.
        name: Where they come from.
        notes: What there is to say against them.
    """

    shares: Array
    name: str
    notes: list[str]


def slice_mix(source: object, keys: Sequence[dict[str, str | None]]) -> Mix:
    """Read the share of each slice from a table.

    Args:
        source: A file or a table in memory, a row a slice: the columns that make the slices, and ``share``.
        keys: The slices, as in `SliceCounts`; those that the table lacks have a share of 0.

    Returns:
        The shares.

    Raises:
        ValueError: The table lacks a column; a slice occurs twice or is none of ``keys``; a share is no
            finite number >= 0; or none is positive.

    Examples:
        >>> slice_mix([{"model": "a", "share": 2}], [{"model": "a"}, {"model": "b"}]).shares
        array([2., 0.])
    """
    by = list(keys[0])
    table = open_slices(source, by)
    if table.lacking("share"):
        raise ValueError(f"{table.name} has no column 'share'.")
    known = {tuple(key.values()): i for i, key in enumerate(keys)}
    shares = np.full(len(keys), np.nan)
    for key, shown, values in slice_rows(table, by, ["share"]):
        if key not in known:
            raise ValueError(f"{table.name} has a share{where(shown)}, which is no slice of these data.")
        share = number(table.name, "share", values["share"], shown)
        if not (np.isfinite(share) and share >= 0):
            raise ValueError(f"{table.name}: share is {share:g}{where(shown)}; it must be finite and >= 0.")
        shares[known[key]] = share
    missing = [shown_key(key) for key, share in zip(keys, shares, strict=True) if np.isnan(share)]
    shares = np.nan_to_num(shares)
    if not shares.any():
        raise ValueError(f"{table.name}: every share is 0, in all rows; one must be positive.")
    notes = [f"{table.name} has no share for these slices, which count 0 in the mix: {few(missing)}"]
    return Mix(shares, str(source), notes if missing else [])
