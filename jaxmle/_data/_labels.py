"""Verdicts given item by item, in whatever array holds them, as 0, 1 and -1."""

from typing import Any

import numpy as np

from jaxmle._data._validation import first_bad
from jaxmle._data._words import (
    FAILURE_WORDS,
    NAMED_WORDS,
    PASS_WORDS,
    UNLABELED_WORDS,
    Vocabulary,
    as_words,
    says_good,
    sides_of,
    writing_of,
)
from jaxmle._types import Array

_MISSING_OBJECTS = ("NAType", "NaTType", "MaskedConstant")


def aligned_verdicts(human: Any, judge: Any) -> tuple[Any, Any]:
    """Bring two pandas Series with different indexes into the judge's order.

    Items that the human's Series lacks have no label.

    Raises:
        ValueError: An index repeats itself, humans labelled items that the judge lacks, or both just count
            rows, of different numbers.
    """
    if not (_is_series(human) and _is_series(judge)) or human.index.equals(judge.index):
        return human, judge
    for name, index in (("human", human.index), ("judge", judge.index)):
        if not index.is_unique:
            raise ValueError(
                f"`human` and `judge` have different indexes, and that of `{name}` repeats itself: give both "
                "one index that names each item once, or arrays (.to_numpy()) in one order."
            )
    if all(type(one.index).__name__ == "RangeIndex" for one in (human, judge)):
        raise ValueError(
            f"`human` and `judge` must have the same length; got {len(human)} and {len(judge)}, and indexes "
            "that only count rows: set the index that names the items (set_index) to have them aligned."
        )
    lacking = human.index.difference(judge.index)
    if len(lacking):
        raise ValueError(
            f"`human` holds {len(lacking):,} items that `judge` lacks, such as {lacking[0]!r}: the indexes "
            "must name items the same way."
        )
    return human.reindex(judge.index), judge


def coded_verdicts(
    name: str,
    values: object,
    *,
    missing_allowed: bool,
    failure: object = None,
    other_words: frozenset[str] = frozenset(),
) -> Array:
    """Return verdicts as an integer array of 0, 1 and, for missing, -1.

    Args:
        name: What to call them in messages.
        values: One-dimensional; numbers, booleans or words; masked elements are missing.
        missing_allowed: Whether an item may be without one.
        failure: Word or words that mean failure; None for the usual ones.
        other_words: Words of the other column that are not known, one of which may be the pass.
    """
    array, masked = _unmasked(values)
    if array.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional; got shape {array.shape}.")
    if array.dtype.kind in "Mmc":
        raise ValueError(f"`{name}` must hold verdicts, 0 or 1; got values of type {array.dtype}.")
    number = _numbers(array, masked)
    if number is None or failure is not None:
        words, place = _words(array, number, masked)
        code = _coded_words(name, words, place, failure, other_words, missing_allowed)
        _check_name(name, values, words[np.isin(words, list(UNLABELED_WORDS), invert=True)], failure)
    else:
        missing = np.isnan(number) | ((number == -1) if missing_allowed else False)
        bad = ~missing & (number != 0) & (number != 1)
        what = "0 or 1 (or give words, and `failure`)" if bad.any() and not missing_allowed else "0 or 1"
        first_bad(name, number, bad, what + (", or NaN, None or -1 where missing" if missing_allowed else ""))
        code = np.where(missing, -1, number).astype(np.int64)
        _check_name(name, values, np.array(["1"]) if (~missing).any() else np.array([]), failure)
    if not missing_allowed:
        what = "0 or 1 for every item (leave out items the judge did not decide)"
        first_bad(name, np.where(code < 0, np.nan, code), code < 0, what)
    return code


def unknown_words(values: object) -> frozenset[str]:
    """Words among verdicts that no vocabulary has."""
    array, masked = _unmasked(values)
    if array.ndim != 1 or _numbers(array, masked) is not None:
        return frozenset()
    words, _ = _words(array, None, masked)
    return frozenset(words.tolist()) - FAILURE_WORDS - PASS_WORDS - UNLABELED_WORDS


def _unmasked(values: object) -> tuple[Array, Array | None]:
    """An array, and which of its elements are masked; None where it has no mask."""
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(values.data), np.ma.getmaskarray(values)
    return np.asarray(values), None


def _is_series(values: object) -> bool:
    return hasattr(values, "index") and hasattr(values, "reindex")


def _numbers(array: Array, masked: Array | None) -> Array | None:
    """Verdicts as numbers, NaN where missing; None where some is a word."""
    if array.dtype.kind in "US":
        return None
    if array.dtype == object:
        array = np.where(_is_nothing(array), np.nan, array)
        if any(isinstance(value, str | bytes) for value in array.tolist()):
            return None
    try:
        number = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if masked is None else np.where(masked, np.nan, number)


def _is_nothing(array: Array) -> Array:
    kinds = np.frompyfunc(lambda v: v is None or type(v).__name__ in _MISSING_OBJECTS, 1, 1)
    return kinds(array).astype(bool)


def _words(array: Array, number: Array | None, masked: Array | None) -> tuple[Array, Array]:
    """Distinct words, lower case, and the place of each verdict among them; empty where missing."""
    if number is not None:
        text = np.where(np.isnan(number), "", np.char.mod("%g", np.nan_to_num(number)))
    else:
        nothing = _is_nothing(array) if array.dtype == object else np.zeros(len(array), bool)
        text = np.where(nothing | (False if masked is None else masked), "", array.astype(str))
    found, place = np.unique(text, return_inverse=True)
    return np.char.lower(np.char.strip(found)), place


def _coded_words(
    name: str, words: Array, place: Array, failure: object, others: frozenset[str], missing_allowed: bool
) -> Array:
    given = frozenset[str]() if failure is None else as_words(failure)
    held = frozenset(words.tolist())
    unknown = (held - FAILURE_WORDS - PASS_WORDS - UNLABELED_WORDS | others) - given
    vocabulary = Vocabulary.with_failure(given, unknown, bool(held & given))
    missing = UNLABELED_WORDS if missing_allowed else UNLABELED_WORDS - {"-1", "-1.0"}
    code = np.full(len(words), -2)
    for value, side in ((0, vocabulary.passes), (1, vocabulary.failures), (-1, missing)):
        code[np.isin(words, list(side))] = value
    found = code[place]
    if (found == -2).any():
        first = int(np.flatnonzero(found == -2)[0])
        raise ValueError(
            f"`{name}` must hold 0, 1, True, False or words whose meaning is known; got "
            f"{words[place[first]].item()!r} at {first}: name all that are failures with `failure`, as "
            'in failure="refusal"; the one other word is then a pass.'
        )
    return found


def _check_name(name: str, values: object, words: Array, failure: object) -> None:
    """Refuse a Series whose name says that its 1 is good, where nothing else was said."""
    column = getattr(values, "name", None)
    named = frozenset(words.tolist()) & NAMED_WORDS
    sides = sides_of(named)
    if not isinstance(column, str) or sides is None or not says_good(column):
        return
    if failure is not None and as_words(failure) & writing_of(named):
        return
    fails, oks = sides
    raise ValueError(
        f"`{name}` is named {column!r}, as if {fails} meant good: say failure={oks!r} if "
        f"so, or failure={fails!r} if {fails} is the failure all the same."
    )
