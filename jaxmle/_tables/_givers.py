"""Who gave a score, by the name of its column, where rows come from logs and tables of tools."""

from collections.abc import Set

from jaxmle._tables._column_profile import Column

# How columns begin that hold the scores which a tool, or somebody in a tool, gave.
OF_TOOLS = ("score.", "value.", "judge.", "code.", "api.")
_GIVERS = frozenset(("judge", "human", "api", "code"))


def is_human(column: Column, words: Set[str]) -> bool:
    """Whether a column is a human's: it has one of the words in its name, and not a judge's in front."""
    return bool(column.tokens & words) and not column.name.startswith("judge.")


def bring_together(judges: list[Column], humans: list[Column], judge: str | None, human: str | None) -> None:
    """Put first a judge and a human who gave the same score, as in judge.safety and human.safety."""
    both = [
        (one, two)
        for two in humans
        for one in judges
        if _score_of(one.name) == _score_of(two.name) is not None
        and judge in (None, one.name)
        and human in (None, two.name)
    ]
    # Where there is a word and a number for the same, the word says what it means.
    both.sort(key=lambda pair: pair[0].name.endswith(".score"))
    for one, two in both[:1]:
        judges.sort(key=lambda column: column is not one)
        humans.sort(key=lambda column: column is not two)


def _score_of(name: str) -> str | None:
    giver, _, score = name.partition(".")
    return score if score and giver in _GIVERS else None
