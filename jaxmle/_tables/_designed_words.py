"""What counts as a failure where labels were drawn: kept at the draw, made use of when they are counted."""

from collections.abc import Iterable, Sequence
from typing import Any

from jaxmle._data import FAILURE_WORDS, PASS_WORDS, UNLABELED_WORDS, LabelDesign, Vocabulary, as_words
from jaxmle._tables._aggregate import FAILED, PASSED
from jaxmle._tables._meaning import MEANING, Meaning


def said_at_draw(asked: dict[str, Any], own: str | None, earlier: LabelDesign | None) -> dict[str, Any]:
    """What a design keeps of what counts as a failure: the labels to come say "fail" and "pass"."""
    if asked.get("human_threshold") is not None and own is not None:
        raise ValueError(
            "`human_threshold` (--human-threshold): labels of a queue are failures or passes, not grades; "
            "draw from a file whose earlier labels are too, or leave their column out."
        )
    meant = Meaning.of(**{name: asked[name] for name in MEANING if name in asked})

    def words(key: str) -> tuple[str, ...]:
        return () if meant.threshold(key) else tuple(sorted(meant.words(key)))

    said = {
        "judge_failure": words("j"),
        "human_failure": words("h") if own is not None else (),
        "passes": tuple(sorted(meant.passes)),
        "judge_threshold": meant.judge_threshold,
    }
    return said if earlier is None or any(said.values()) else {name: getattr(earlier, name) for name in said}


def meaning_of(design: LabelDesign, given: dict[str, Any], *, in_rows: bool) -> dict[str, Any]:
    """What counts as a failure: as said now, else as said at the draw.

    Args:
        design: The design.
        given: What is said now, as arguments of `count`.
        in_rows: Whether labels are read from a column of the rows; those of a queue say "fail" and "pass".
    """
    said = {name: value for name, value in given.items() if value not in (None, ())}
    kept: dict[str, Any] = {"passes": design.passes}
    if not said.keys() & {"failure", "judge_failure", "judge_threshold"}:
        kept |= {"judge_failure": design.judge_failure, "judge_threshold": design.judge_threshold}
    if in_rows and not said.keys() & {"failure", "human_failure", "human_threshold"}:
        kept["human_failure"] = design.human_failure
    return {name: value for name, value in kept.items() if value} | said


def meanings_of(
    words: Iterable[str], failure: Sequence[str], passes: Sequence[str], *, lone_is_pass: bool = True
) -> dict[str, str]:
    """What words of a column of labels mean, by word in lower case: `FAILED` or `PASSED`; others neither.

    Args:
        words: All words of the column.
        failure: Words that were called failures.
        passes: Words that were called passes.
        lone_is_pass: Whether the only word that is neither known nor given is a pass, as `count` has it.
    """
    given, fine = as_words(tuple(failure)), as_words(tuple(passes))
    lower = {word.strip().lower() for word in words}
    unknown = lower - FAILURE_WORDS - PASS_WORDS - UNLABELED_WORDS - given - fine if lone_is_pass else set()
    known = Vocabulary()
    if given or fine:
        known = Vocabulary.with_failure(given, frozenset(unknown), bool(lower & given), fine)
    return dict.fromkeys(known.passes, PASSED) | dict.fromkeys(known.failures, FAILED)
