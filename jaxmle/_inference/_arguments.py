"""What every estimator asks of its arguments, and how plain numbers leave again."""

import sys
import warnings
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from jaxmle._arrays import leaves, tree_map
from jaxmle._data import (
    Bounds,
    Calibration,
    Counts,
    HasCounts,
    InfeasibleError,
    Problem,
    check_calibration,
    counts_of,
    first_bad,
    first_index,
    host_number,
    need_bounds,
    slice_label,
)
from jaxmle._results import plain
from jaxmle._types import Array, ArrayLike

if TYPE_CHECKING:
    from jaxmle._tables import Columns, Rows

T = TypeVar("T")


def given_counts(function: str, counts: "Counts | HasCounts | Rows", columns: "Columns") -> Counts:
    """Counts as they were given, or those of rows whose columns were named.

    Args:
        function: Name of the public function that was called.
        counts: What it was given.
        columns: Its further keywords.

    Raises:
        TypeError: A keyword is unknown, or names columns where there are no rows; or ``counts`` is nothing
            that can be counted.
        ValueError: As `jaxmle.tables.count`.
    """
    if not columns:
        return counts_of("counts", counts)
    from jaxmle._tables import Columns, counts_of_rows  # which counts need not wait for

    if unknown := sorted(columns.keys() - Columns.__annotations__.keys()):
        raise TypeError(f"{function}() got an unexpected keyword argument {unknown[0]!r}")
    if isinstance(counts, Counts) or hasattr(counts, "as_counts"):
        raise TypeError(f"`counts` is counted already: leave {next(iter(columns))}= out.")
    found, lost = counts_of_rows(counts, columns)
    for sentence in lost:
        warn_user(sentence)
    return found


def checked_problem(
    counts: Counts | HasCounts, bounds: Bounds | None, calibration: Calibration
) -> tuple[Problem, tuple[int, ...]]:
    """Check counts and bounds and lay them out flat.

    Returns:
        The problem, float64 arrays of shape ``(B,)``, and the batch shape.

    Raises:
        ValueError: ``calibration`` is unknown; shapes do not match; there is no data set, an empty one, or
            one that the bounds give probability zero.
        TypeError: ``counts`` is no `Counts` and no table that was counted, or ``bounds`` not a `Bounds`.
    """
    check_calibration(calibration)
    bounds = Bounds() if bounds is None else bounds
    counts = counts_of("counts", counts)
    need_bounds(bounds)
    problem = Problem(counts, bounds)
    try:
        shape = np.broadcast_shapes(*(np.shape(x) for x in leaves(problem)))
    except ValueError:
        raise ValueError(
            f"`bounds` must have shape () or match the counts' {counts.shape}; got {bounds.shape}."
        ) from None
    if 0 in shape:
        raise ValueError(f"`counts` must hold at least one data set; got shape {shape}.")
    _check_feasible(counts, bounds, calibration)
    flat = tree_map(lambda x: np.broadcast_to(np.asarray(x, np.float64), shape).reshape(-1), problem)
    return flat, shape


def shaped(result: T, shape: tuple[int, ...]) -> T:
    """A result of flat arrays in the batch shape; plain numbers for one data set."""
    return tree_map(lambda x: plain(np.asarray(x).reshape(shape)), result)


def check_labels(labels: str, calibration: Calibration) -> None:
    """Raise ``ValueError`` unless ``labels`` is known and suits the calibration."""
    if labels not in ("random", "by-verdict"):
        raise ValueError(f'`labels` must be "random" or "by-verdict"; got {labels!r}.')
    if labels == "by-verdict" and calibration == "external":
        raise ValueError('`labels` must be "random" where `calibration` is "external"; got "by-verdict".')


def check_seed(seed: int) -> None:
    """Raise ``ValueError`` unless ``seed`` is a whole number that fits 63 bits."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise ValueError(f"`seed` must be a whole number from 0 to 2**63 - 1; got {seed!r}.")


def check_whole(name: str, value: int, least: int, most: int = 2**53) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number from ``least`` to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ValueError(f"`{name}` must be a whole number from {least:,} to {most:,}; got {value!r}.")


def stretched(design_effect: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    """Which data sets have effective counts, shape ``(B,)``: an effect of 1 leaves items as they are."""
    effect = np.ones(shape) if design_effect is None else np.asarray(design_effect, np.float64)
    return np.asarray(np.broadcast_to(effect != 1, shape).reshape(-1))


def whole_numbers(counts: Counts) -> bool:
    """Whether all counts are whole: weighted ones cannot be drawn anew."""
    return all(bool(np.all(c == np.round(c))) for c in counts.values())


def effective(
    problem: Problem, shape: tuple[int, ...], design_effect: ArrayLike | None, df: ArrayLike | None
) -> tuple[Problem, Array]:
    """Divide the counts by the design effect; also the degrees of freedom, infinite where there are none.

    Raises:
        ValueError: ``design_effect`` or ``df`` is not > 0, of another shape, or ``df`` comes alone.
    """
    size = problem.size
    if design_effect is None:
        if df is not None:
            raise ValueError("`df` goes with `design_effect`; got no `design_effect`.")
        return problem, np.full(size, np.inf)
    values = []
    for name, given in (("design_effect", design_effect), ("df", np.inf if df is None else df)):
        try:
            value = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"`{name}` must be a number or an array of numbers; got {given!r}.") from error
        if not np.all(value > 0):
            raise ValueError(f"`{name}` must be > 0; got {value.tolist() if value.size < 9 else 'others'}.")
        try:
            values.append(np.broadcast_to(value, shape).reshape(size))
        except ValueError:
            raise ValueError(f"`{name}` must have shape () or {shape}; got {value.shape}.") from None
    effect, freedom = values
    if not np.all(np.isfinite(effect)):
        raise ValueError("`design_effect` must be finite.")
    return Problem(tree_map(lambda count: count / effect, problem.counts), problem.bounds), freedom


def _check_feasible(counts: Counts, bounds: Bounds, calibration: Calibration) -> None:
    """Refuse empty data, and bounds under which what was observed cannot happen."""
    empty = (counts.n_labeled + counts.n_unlabeled) <= 0
    if np.any(empty):
        raise ValueError(
            f"`counts` must hold at least one verdict{slice_label(empty)}; all six counts are zero."
        )
    (lo, hi), (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.failure_rate, bounds.tpr, bounds.fpr
    most = np.maximum(hi * tpr_high + (1 - hi) * fpr_high, lo * tpr_high + (1 - lo) * fpr_high)
    least = np.minimum(hi * tpr_low + (1 - hi) * fpr_low, lo * tpr_low + (1 - lo) * fpr_low)
    conflicts = [
        (counts.tp, "tp", tpr_high <= 0, "tpr.high = 0"),
        (counts.fn, "fn", tpr_low >= 1, "tpr.low = 1"),
        (counts.fp, "fp", fpr_high <= 0, "fpr.high = 0"),
        (counts.tn, "tn", fpr_low >= 1, "fpr.low = 1"),
        (counts.unlabeled_pos, "unlabeled_pos", most <= 0, "no verdict may be a failure"),
        (counts.unlabeled_neg, "unlabeled_neg", least >= 1, "no verdict may be a pass"),
    ]
    if calibration == "internal":
        conflicts += [
            (counts.tp + counts.fn, "tp + fn", hi <= 0, "failure_rate.high = 0"),
            (counts.fp + counts.tn, "fp + tn", lo >= 1, "failure_rate.low = 1"),
        ]
    for count, name, excluded, bound in conflicts:
        if not np.any(excluded):
            continue
        impossible = (count > 0) & excluded
        if np.any(impossible):
            value = np.broadcast_to(count, impossible.shape)[impossible].flat[0]
            raise InfeasibleError(
                first_index(impossible),
                f"{bound}, but {name} = {value:g}. "
                f"Widen the bound, or check which verdict is counted as a failure.",
            )


def warn_user(message: str) -> None:
    """Warn at the line outside the package that asked for the work."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "jaxmle":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def limits_of(limit: object, shape: tuple[int, ...]) -> Array:
    """Limits on failure rates, one for each data set, flat."""
    value = host_number("limit", limit)
    first_bad("limit", value, (np.asarray(value) <= 0) | (np.asarray(value) >= 1), "strictly between 0 and 1")
    try:
        return np.broadcast_to(np.asarray(value, np.float64), shape).reshape(-1).copy()
    except ValueError:
        raise ValueError(f"`limit` must have shape () or {shape}; got {np.shape(value)}.") from None


def given_reference(
    external: "Counts | HasCounts | None",
    discount: ArrayLike,
    problem: Problem,
    shape: tuple[int, ...],
    calibration: Calibration,
) -> Counts | None:
    """As `checked_external`; without a reference nothing of it is loaded."""
    if external is None and np.ndim(discount) == 0 and discount == 1:
        return None
    from jaxmle._inference._mixed import checked_external

    return checked_external(external, discount, problem, shape, calibration)
