"""What each bound by itself does to the estimate and to the verdict."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._results import Result
from jaxmle._sensitivity._bound_scan import BoundScan
from jaxmle._sensitivity._moved_bounds import ENDS, MARGIN, moved, present_value, whole_grid
from jaxmle._sensitivity._tipping import tipping_share, verdict_changes
from jaxmle._types import Array

# Fits are exact to far less than this, and answers are smooth over it, except where an active bound changes.
_STEP = 1e-4


@pytree
@dataclass(frozen=True)
class Effect(Result):
    """What one bound does while the others stay.

    Attributes:
        bound: Its name, such as "tpr.low", or "margin": all four bounds on the judge's rates, widened alike.
        value: Present value; 0 for the margin.
        d_estimate: d failure rate / d bound (central difference); None where there is no estimate.
        d_upper_limit: d upper confidence limit / d bound; None where there is no limit.
        tipping: Nearest value at which the verdict flips; None where it never does, or there is no limit.
    """

    bound: str = field(metadata={"static": True})
    value: float
    d_estimate: float | None
    d_upper_limit: float | None
    tipping: float | None


def effects_of(scan: BoundScan, names: tuple[str, ...] = (*ENDS, MARGIN)) -> tuple[Effect, ...]:
    """Effects of bounds, by default of all six and of a margin on the four of the judge's rates."""
    present = scan.ends
    if not names:
        return ()
    slopes = _slopes(scan, present, names)
    tips = [None] * len(names) if scan.limit is None else tips_of(scan, names)
    return tuple(
        Effect(name, present_value(name, present) or 0.0, *slope, tip)
        for name, slope, tip in zip(names, slopes, tips, strict=True)
    )


def _slopes(
    scan: BoundScan, present: Array, names: tuple[str, ...]
) -> list[tuple[float | None, float | None]]:
    """Derivatives by central differences, or by one-sided ones where a step would leave what is allowed."""
    rows, steps = [], []
    for name in names:
        at = present_value(name, present) or 0.0
        pair = at + _STEP * np.array([-1.0, 1.0])
        low, high = (0.0, 1.0) if name == MARGIN else _room(name, present)
        pair = np.clip(pair, low, high)
        rows.append(moved(present, (name,), pair[:, None]))
        steps.append(np.ptp(pair))
    results = scan.results(np.concatenate(rows))
    found = []
    for values in (results.estimate, results.upper_limit):
        pairs = cast("np.ma.MaskedArray[Any, Any]", values.reshape(-1, 2))
        gone = np.ma.getmaskarray(pairs).any(1) | (np.array(steps) == 0)
        change = np.diff(pairs.filled(0.0), axis=1)[:, 0] / np.where(gone, 1.0, steps)
        found.append([None if none else float(slope) for none, slope in zip(gone, change, strict=True)])
    return list(zip(*found, strict=True))


def _room(name: str, present: Array) -> tuple[float, float]:
    """Where the bound may be while the other end of its pair stays."""
    column = ENDS[name][0]
    return (0.0, float(present[column + 1])) if column % 2 == 0 else (float(present[column - 1]), 1.0)


def tips_of(scan: BoundScan, names: tuple[str, ...]) -> list[float | None]:
    """For each name the flip of the verdict that is nearest to the present value, or None."""
    present = scan.ends
    grids = [whole_grid(name, present) for name in names]
    ends = [moved(present, (name,), grid[:, None]) for name, grid in zip(names, grids, strict=True)]
    where = verdict_changes(scan.verdicts(np.concatenate(ends)))
    # A row of one name and the first of the next are no neighbours.
    last = np.cumsum([len(grid) for grid in grids])
    where[last[:-1] - 1] = False
    index = np.flatnonzero(where)
    stacked, values = np.concatenate(ends), np.concatenate(grids)
    share = tipping_share(scan, stacked[index], stacked[index + 1])
    found = values[index] + share * (values[index + 1] - values[index])
    owner = np.searchsorted(last, index, side="right")
    tips: list[float | None] = []
    for i, name in enumerate(names):
        mine = found[owner == i]
        near = np.argmin(np.abs(mine - (present_value(name, present) or 0.0))) if mine.size else None
        tips.append(None if near is None else float(mine[near]))
    return tips
