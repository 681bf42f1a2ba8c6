"""How labels are shared out among kinds of items: by verdict at the optimum, among slices with a floor."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from jaxmle._data import Bounds, Params, host_number, printable
from jaxmle._inference import check_whole
from jaxmle._planning._label_arguments import checked_setting, goal_of
from jaxmle._planning._label_search import divided
from jaxmle._types import Array, ArrayLike

# A slice by its value, or by several.
SliceKey: TypeAlias = str | tuple[str | None, ...] | None
_Said = TypeVar("_Said")

# Any width: the best division hardly depends on it.
_ANY_WIDTH = 0.1


def best_flagged(
    n_labels: int,
    n_flagged: int,
    n_passed: int,
    *,
    judge_tpr: float,
    judge_fpr: float,
    bounds: Bounds,
    limit: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> int:
    """How many of the labels go to flagged items, as `plan` would divide them.

    The failure rate that is expected is the one at which a judge with these rates flags as many items.

    Raises:
        ValueError: A rate is out of range or outside its bounds, or no failure rate explains the flags.
    """
    tpr, fpr = (
        float(host_number(name, rate)) for name, rate in (("judge_tpr", judge_tpr), ("judge_fpr", judge_fpr))
    )
    flags = n_flagged / (n_flagged + n_passed)
    if not 0 <= fpr < flags < tpr <= 1:
        raise ValueError(
            f"the judge flags {flags:.1%} of the items, which no failure rate explains with `judge_tpr` "
            f"(--judge-tpr) {tpr:g} and `judge_fpr` (--judge-fpr) {fpr:g}: its flags lie between the two. "
            "Say otherwise what you expect, or how many flagged items to label with `n_flagged` (--flagged)."
        )
    rates = Params((flags - fpr) / (tpr - fpr), tpr, fpr)
    goal = goal_of(_ANY_WIDTH if limit is None else None, limit, 0.8, confidence, "profile", False)
    setting = checked_setting(rates, n_flagged + n_passed, bounds, "internal", "by-verdict", goal)
    first, _ = divided(setting, goal, n_labels, seed).divide(n_labels)
    return int(first)


def shared_out(n_labels: int, sizes: ArrayLike, taken: ArrayLike, floor: int) -> Array:
    """New labels of each slice: in all in proportion to its items, but no slice below a floor.

    Args:
        n_labels: New labels.
        sizes: Items of each slice, shape ``(S,)``.
        taken: Those of them that have a label already, which count towards share and floor.
        floor: Labels that each slice gets at least, or all its items if they are fewer.

    Returns:
        New labels, shape ``(S,)``, which sum to ``n_labels``.

    Raises:
        ValueError: The floor takes more labels than there are, or there are fewer items.
    """
    size, had = np.asarray(sizes, np.float64), np.asarray(taken, np.float64)
    least = np.maximum(np.minimum(floor, size), had)
    needed, total = int(least.sum() - had.sum()), n_labels + had.sum()
    if needed > n_labels:
        raise ValueError(
            f"{floor} labels in each of {len(size):,} slices are {needed:,}, against {n_labels:,} to draw:"
            " draw more with `n_labels` (--labels), or lower `floor` (--floor)."
        )
    if total > size.sum():
        raise ValueError(
            f"{n_labels:,} labels are asked for, and {int((size - had).sum()):,} items have none."
        )
    # Labels are clip(rate * size, least, size), whose sum rises with the rate in straight lines.
    order = np.argsort(least / size, kind="stable")
    rate = (least / size)[order]
    below = np.cumsum(size[order]) - size[order]  # sizes of the slices that a rate lifts above their floor
    left = least.sum() - np.cumsum(least[order]) + least[order]
    at = left + rate * below
    exact = np.clip(np.interp(total, [*at, size.sum()], [*rate, 1.0]) * size, least, size)
    whole = np.floor(exact + 1e-9)
    rest = round(float(total - whole.sum()))
    first = np.argsort(-(exact - whole), kind="stable")[:rest]
    whole[first] += 1
    return (whole - had).astype(np.int64)


def by_slice(said: Mapping[SliceKey, _Said]) -> dict[tuple[str | None, ...], _Said]:
    """What is said of slices, by the tuple of values that makes each."""
    return {key if isinstance(key, tuple) else (key,): one for key, one in said.items()}


def of_each_slice(
    strata: Sequence[tuple[Any, ...]],
    sizes: Sequence[int],
    taken: Sequence[int],
    asked: Mapping[SliceKey, int],
) -> Array:
    """New labels of each slice, as they were asked for by its values.

    Args:
        strata: The slices, each by its values.
        sizes: Items of each.
        taken: Those of them that have a label already.
        asked: New labels of some of the slices.

    Raises:
        ValueError: A slice is none of these, or has fewer items without a label than are asked for.
    """
    left = {key: n - had for key, n, had in zip(strata, sizes, taken, strict=True)}
    allocation = by_slice(asked)
    for key, n in allocation.items():
        named = ", ".join("(none)" if one is None else printable(str(one), 40) for one in key)
        check_whole(f"n_labels of {named}", n, 0)
        if key not in left:
            raise ValueError(f"`n_labels` names {named}, which is no slice of these items.")
        if n > left[key]:
            raise ValueError(
                f"{n:,} labels of {named} are asked for, and {left[key]:,} of its items have none yet."
            )
    return np.array([allocation.get(key, 0) for key in strata])
