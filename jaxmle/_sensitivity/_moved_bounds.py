"""Bounds that are moved one by one: their names, where they go, and what is left of the others."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

import numpy as np

from jaxmle._data import first_bad, host_number
from jaxmle._types import Array, ArrayLike

# Values of one bound, or a row of them for each of two.
Grid: TypeAlias = ArrayLike | Sequence[ArrayLike]

# Columns of an array (N, 6) of bounds that each name moves.
ENDS = {
    "failure_rate.low": (0,),
    "failure_rate.high": (1,),
    "tpr.low": (2,),
    "tpr.high": (3,),
    "fpr.low": (4,),
    "fpr.high": (5,),
}
KNOWN = {"tpr": (2, 3), "fpr": (4, 5)}
MARGIN = "margin"
NAMES = (*ENDS, *KNOWN, MARGIN)
_POINTS = 21
_WIDER = np.array([0, 0, -1, 1, -1, 1])


def moved(present: Array, over: tuple[str, ...], values: Array) -> Array:
    """Bounds with those named in ``over`` put to ``values``.

    Args:
        present: The six ends, shape ``(6,)``.
        over: Names, each of `NAMES`.
        values: One column a name, shape ``(N, len(over))``.

    Returns:
        The ends, shape ``(N, 6)``; where low > high nothing is changed to make up for it.
    """
    ends = np.tile(present, (len(values), 1))
    for name, value in zip(over, np.transpose(values), strict=True):
        if name == MARGIN:
            ends = np.clip(ends + np.outer(value, _WIDER), 0, 1)
        else:
            ends[:, columns_of(name)] = value[:, None]
    return ends


def columns_of(name: str) -> tuple[int, ...]:
    """Columns that a name moves."""
    return (2, 3, 4, 5) if name == MARGIN else (ENDS | KNOWN)[name]


def most_influential(slopes: dict[str, float]) -> tuple[str, str]:
    """The two bounds on the judge's rates on which the upper limit depends most."""
    # Rounding must not decide between bounds that do nothing: lower ones go first.
    order = ("tpr.low", "fpr.low", "tpr.high", "fpr.high")
    first, second, *_ = sorted(order, key=lambda name: -round(abs(slopes[name]), 6))
    return first, second


def checked_names(over: str | Sequence[str]) -> tuple[str, ...]:
    """One or two names of bounds that can be moved at once.

    Raises:
        ValueError: There are none or more than two, one is unknown, or both move the same bound.
    """
    if not isinstance(over, Iterable):
        raise ValueError(f"`over` must be one or two of {', '.join(NAMES)}; got {over!r}.")
    names = (over,) if isinstance(over, str) else tuple(over)
    for name in names:
        if name not in NAMES:
            raise ValueError(f"`over` must be one or two of {', '.join(NAMES)}; got {name!r}.")
    if not 1 <= len(names) <= 2:
        raise ValueError(f"`over` must name one or two bounds; got {len(names)}.")
    if len(names) == 2 and set(columns_of(names[0])) & set(columns_of(names[1])):
        raise ValueError(f"`over` must name two bounds that can be moved apart; got {names!r}.")
    return names


def checked_grid(over: tuple[str, ...], grid: Grid | None, present: Array) -> tuple[Array, ...]:
    """Values of each named bound, increasing.

    Raises:
        ValueError: There is not one row of values a name, or values are not increasing and in [0, 1].
    """
    if grid is None:
        return tuple(default_grid(name, present) for name in over)
    rows = [grid] if len(over) == 1 else list(cast(Sequence[ArrayLike], grid))
    if len(rows) != len(over):
        raise ValueError(f"`grid` must hold {len(over)} rows of values; got {len(rows)}.")
    checked = []
    for name, row in zip(over, rows, strict=True):
        values = np.asarray(host_number(f"grid ({name})", row), np.float64)
        if values.ndim != 1 or not values.size or np.any(np.diff(values) <= 0):
            raise ValueError(f"`grid` must hold increasing values of {name}; got shape {values.shape}.")
        first_bad(f"grid ({name})", values, (values < 0) | (values > 1), "in [0, 1]")
        checked.append(values)
    return tuple(checked)


def default_grid(name: str, present: Array) -> Array:
    """Where a bound is looked at: inwards to the other end of its pair, and as far outwards."""
    if name == MARGIN or name in KNOWN:
        return whole_grid(name, present)
    (column,) = columns_of(name)
    low, high = present[column - column % 2], present[column - column % 2 + 1]
    width = high - low
    first, last = (low - width, high) if column % 2 == 0 else (low, high + width)
    if width == 0:
        return whole_grid(name, present)
    return _with(np.linspace(max(first, 0.0), min(last, 1.0), _POINTS), present[column])


def whole_grid(name: str, present: Array) -> Array:
    """All that the other bounds leave to a bound, its present value included."""
    if name == MARGIN:
        # With the last of these nothing is claimed of the judge any more.
        reach = float(np.max(np.where(_WIDER < 0, present, 1 - present)[2:]))
        return np.linspace(0, max(reach, 0.01), _POINTS)
    columns = columns_of(name)
    if len(columns) == 2:
        low, high = present[list(columns)]
        return np.linspace(low, high, _POINTS) if low < high else np.linspace(0, 1, _POINTS)
    (column,) = columns
    low, high = (0.0, present[column + 1]) if column % 2 == 0 else (present[column - 1], 1.0)
    if low == high:
        return np.array([low])
    return _with(np.linspace(low, high, _POINTS), present[column])


def _with(grid: Array, value: float) -> Array:
    """The grid with a value added, or put in place of one that is the same but for rounding."""
    near = np.argmin(np.abs(grid - value))
    if abs(grid[near] - value) > 1e-9:
        return np.union1d(grid, value)
    grid[near] = value
    return grid


def present_value(name: str, present: Array) -> float | None:
    """Present value of what a name moves; None for a rate that is not known."""
    if name == MARGIN:
        return 0.0
    values = present[list(columns_of(name))]
    return float(values[0]) if np.ptp(values) == 0 else None
