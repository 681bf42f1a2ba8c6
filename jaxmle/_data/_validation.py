"""Checks on what users pass in, and the one form in which errors are written."""

from typing import Literal, cast

import numpy as np

from jaxmle._types import Array, ArrayLike

Calibration = Literal["internal", "external"]


class InfeasibleError(ValueError):
    """Bounds under which the counts of some data set are impossible.

    Attributes:
        index: Index of the first such data set in the batch; empty for a single one.
        reason: What contradicts what.
    """

    def __init__(self, index: tuple[int, ...], reason: str) -> None:
        super().__init__(f"`bounds` leave no feasible point{place(index)}: {reason}")
        self.index, self.reason = index, reason


def host_number(name: str, value: object) -> Array:
    """Return ``value`` as a numpy scalar or array of finite real numbers, or raise ``ValueError``."""
    if np.ma.is_masked(value):
        raise ValueError(f"`{name}` must not be masked: a masked array has no numbers there; fill it first.")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"`{name}` must be a number or a rectangular array; got {value!r}.") from error
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must be numeric; got {_short(value)}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite; got {_first(array, ~np.isfinite(array))}.")
    return array[()]


def first_bad(name: str, array: object, bad: ArrayLike, condition: str) -> None:
    """Raise ``ValueError`` naming the first element of ``array`` where ``bad`` holds, if any does."""
    bad = np.asarray(bad)
    if bad.any():
        value = np.asarray(array)
        first = value[np.unravel_index(int(np.argmax(bad)), bad.shape)] if bad.shape == value.shape else 0
        meant = rate_meant(first) if condition.endswith(("0 and 1", "[0, 1]")) else ""
        raise ValueError(f"`{name}` must be {condition}; got {_first(value, bad)}{meant}.")


def rate_meant(value: ArrayLike) -> str:
    """What a rate in percent would be, for the end of a message; nothing where the value is none."""
    number = float(np.asarray(value)) if np.ndim(value) == 0 else 0.0
    return f": for {number:g}% say {number / 100:g}" if 1 < number <= 100 else ""


def slice_label(flags: ArrayLike) -> str:
    """Name the first slice for which ``flags`` holds, such as " (slice 3)"; nothing for one data set."""
    return place(first_index(flags))


def place(index: tuple[int, ...]) -> str:
    """Write the index of a slice for an error message."""
    return f" (slice {', '.join(map(str, index))})" if index else ""


def first_index(flags: ArrayLike) -> tuple[int, ...]:
    """Index of the first slice for which ``flags`` holds; empty for one data set."""
    flags = np.asarray(flags)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(flags)), flags.shape)) if flags.ndim else ()


def check_calibration(calibration: str) -> Calibration:
    """Return ``calibration`` if it names a calibration design, or raise ``ValueError``."""
    if calibration not in ("internal", "external"):
        raise ValueError(f'`calibration` must be "internal" or "external"; got {calibration!r}.')
    return cast(Calibration, calibration)


def check_confidence(confidence: float) -> float:
    """Return ``confidence`` if it lies strictly between 0 and 1, or raise ``ValueError``."""
    value = host_number("confidence", confidence)
    if np.ndim(value) or not 0 < value < 1:
        raise ValueError(
            "`confidence` must lie strictly between 0 and 1, such as 0.95; got "
            f"{confidence!r}{rate_meant(value)}."
        )
    return float(value)


def _first(array: Array, bad: Array) -> str:
    if array.ndim == 0:
        return str(array.item())
    where = np.unravel_index(int(np.argmax(bad)), array.shape)
    place = ", ".join(str(int(i)) for i in where)
    return f"{array[where].item()} at index {place}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
