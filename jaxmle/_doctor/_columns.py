"""What there is to say of the columns of a file, and what the verdicts in them need to be read."""

from collections.abc import Callable
from typing import Any

from jaxmle._doctor._findings import Finding
from jaxmle._planning import MIN_LABELS
from jaxmle._tables import Column, Guess, Source, copies, repeats, shown, turned_word
from jaxmle._types import Document

_MOST_NAMED = 5
# Words that begin so are failures more often than not.
_BAD = (
    "fail",
    "un",
    "in",
    "refus",
    "full_refus",
    "harm",
    "wrong",
    "bad",
    "viol",
    "toxic",
    "reject",
    "not",
    "non",
)


def column_findings(
    source: Source, rows: int, columns: list[Column], roles: Guess, *, joined: bool
) -> list[Finding]:
    """What stands in the way or is odd before any verdict is counted; ``joined`` if humans have a file."""
    if not rows:
        return [Finding("blocks", "no rows", "it has a header but no rows")]
    found = []
    twice = sorted(set[str]().union(*(part.repeated for part in source.parts)))
    if twice:
        text = f"several columns are named {_named(twice)} (upper and lower case are one): rename them"
        found.append(Finding("warns", "columns named twice", text))
    if not roles.judge:
        text = "no column looks like a judge's verdicts: name it with --judge COL"
        found.append(Finding("blocks", "no judge", text))
    if not roles.human:
        text = (
            "no column looks like a human's verdicts: add one, blank where nobody looked, or a file of "
            "labels (--human-file labels.csv --id ID --human COL), or name it with --human COL"
        )
        found.append(Finding("blocks", "no human", text, MIN_LABELS))
    if roles.unsure:
        text = (
            f"nothing tells judge from human: {shown(roles.judge)} and {shown(roles.human)} are a guess; say "
            "which is which with --judge and --human"
        )
        found.append(Finding("warns", "roles are a guess", text))
    by_name = {one.name: one for one in columns}
    for what in ("judge", "human"):
        name = getattr(roles, what)
        column = by_name.get(name) if not (joined and what == "human") else None
        if column is not None and column.kind == "empty":
            more = MIN_LABELS if what == "human" else None
            text = f"{shown(name)}, the column of the {what}, is empty"
            found.append(Finding("blocks", f"no {what}", text, more))
    if roles.id and (times := repeats(source, roles.id)):
        text = f"{times:,} of {rows:,} rows repeat a value of {shown(roles.id)}, which else tells rows apart"
        found.append(Finding("warns", "repeated ids", text))
    if roles.weight:
        text = f"{shown(roles.weight)} may weigh the rows: --weight if it does"
        found.append(Finding("note", "weight", text))
    same = copies(source, columns)
    for one, two in same:
        if {one, two} == {roles.judge, roles.human}:
            text = f"{shown(one)} and {shown(two)} hold the same in every row: is one a copy of the other?"
            found.append(Finding("warns", "copied verdicts", text))
    others = [f"{shown(one)} = {shown(two)}" for one, two in same if {one, two} != {roles.judge, roles.human}]
    for topic, text, names in (
        ("duplicated columns", "columns that hold the same in every row", others),
        (
            "constant columns",
            "columns with one value",
            _quoted(columns, lambda one: len(one.present_values) == 1),
        ),
        ("empty columns", "columns without a value", _quoted(columns, lambda one: one.kind == "empty")),
    ):
        if names:
            found.append(Finding("note", topic, f"{text}: {_named(names)}"))
    return found


def verdict_options(
    columns: list[Column], roles: Guess, failure: tuple[str, ...], judge_threshold: str | None
) -> tuple[Document, list[Finding]]:
    """Options that say what the verdicts mean, and what is not plain about them."""
    options: dict[str, Any] = {"failure": failure, "judge_threshold": judge_threshold}
    by_name = {one.name: one for one in columns}
    judge, human = (by_name.get(name or "") for name in (roles.judge, roles.human))
    found = []
    if judge and judge.kind == "score" and judge_threshold is None:
        low, high = judge.numbers or (0.0, 1.0)
        middle = f"{(low + high) / 2:g}"
        text = (
            f"{shown(judge.name)} holds scores from {low:g} to {high:g}: say which are failures, such as "
            f"--judge-threshold '<{middle}' where low scores are bad"
        )
        found.append(Finding("blocks", "graded judge", text))
        options["judge_threshold"] = f"<{middle}"
    if failure:
        return options, found
    for column in (judge, human):
        if column and column.kind in ("category", "constant", "text"):
            words = sorted(column.present_values)
            said = f" ({_named([shown(word) for word in words])})" if words else ""
            text = (
                f"{shown(column.name)} has words of its own{said}: say with --failure WORD which is a failure"
            )
            found.append(Finding("blocks", "unknown words", text))
            options["failure"] = tuple(sorted(words, key=lambda word: not word.startswith(_BAD))[:1])
    turned = [turned_word(column) if column else None for column in (judge, human)]
    for column, word in zip((judge, human), turned, strict=True):
        if column and word:
            text = (
                f"{shown(column.name)} reads as if {word!r} were the failure, but it is taken for a pass: "
                f"--failure {word} turns it round"
            )
            found.append(Finding("warns", "meaning of 1", text))
    if turned[0] and turned[0] == turned[1]:
        options["failure"] = (turned[0],)
    return options, found


def _quoted(columns: list[Column], test: Callable[[Column], bool]) -> list[str]:
    return [shown(one.name) for one in columns if test(one)]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
