"""What there is to say of the columns of a file, and what the verdicts in them need to be read."""

import re
from collections.abc import Callable
from typing import Any

from jaxmle._data import FAILURE_WORDS, PASS_WORDS, says_bad
from jaxmle._doctor._findings import Finding
from jaxmle._documents import shell_line
from jaxmle._planning import MIN_LABELS
from jaxmle._tables import BOUND_COLUMNS, Column, ColumnRoles, Source, copies, repeats, score_in, shown
from jaxmle._types import Document

_MOST_NAMED = 5
# A judge that broke down, or was not asked, has given no class.
_ERROR = re.compile(r"error|time.?out|exception|parse|skip|missing|crash")
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
    source: Source, rows: int, columns: list[Column], roles: ColumnRoles, *, joined: bool, file: str
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
        found.append(Finding("blocks", "no judge", _no_judge(columns, roles, file)))
    if not roles.human:
        text = (
            f"{shown(roles.blank)} is empty: fill it in for items that somebody looked at"
            if roles.blank
            else "no column looks like a human's verdicts: add one, blank where nobody looked"
        )
        text += ", or a file of labels (--human-file labels.csv --id ID --human COL), or name it with "
        text += "--human COL"
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


def _no_judge(columns: list[Column], roles: ColumnRoles, file: str) -> str:
    """What to say of a file without a judge: it may be one that goes beside the file of verdicts."""
    text = "no column looks like a judge's verdicts: name it with --judge COL"
    bounds = [one.name for one in columns if one.name in BOUND_COLUMNS]
    if bounds:
        line = shell_line("--bounds", file, *(word for name in roles.by for word in ("--by", name)))
        return f"{text}; bounds ({_named(bounds)}) go beside a file of verdicts, as {line}"
    if roles.human:
        ids = [roles.id or "ID", *(one.name for one in columns if one.name.casefold() == "epoch")]
        of_items = (word for name in ids for word in ("--id", name))
        line = shell_line("--human-file", file, *of_items, "--human", roles.human)
        return f"{text}; labels alone go beside a file of the judge's, as {line}"
    return text


def verdict_options(
    columns: list[Column], roles: ColumnRoles, meaning: Document
) -> tuple[Document, list[Finding]]:
    """Options that say what the verdicts mean, and what is not plain about them.

    Args:
        columns: The columns of the file.
        roles: Which is what.
        meaning: What the user has said, as arguments of `count_rows`.
    """
    options: dict[str, Any] = dict(meaning)
    by_name = {one.name: one for one in columns}
    judge, human = (by_name.get(name or "") for name in (roles.judge, roles.human))
    found = []
    if human and human.kind == "score" and human.name != roles.judge and not _is_explained(options, "human"):
        options["human_threshold"] = _middle(human)
        low, high = human.numbers or (0.0, 1.0)
        text = (
            f"{shown(human.name)} holds grades from {low:g} to {high:g}: --human-threshold "
            f"'{options['human_threshold']}' is a guess at which are failures"
        )
        found.append(Finding("warns", "graded human", text))
    explained = options.get("failure") or options.get("passes")
    unknown: dict[str, bool] = {}
    for role, column in (("judge", judge), ("human", human)):
        if column is None or explained or _is_explained(options, role):
            continue
        if column.kind in ("category", "constant", "text"):
            words = sorted(map(column.as_written, column.present_values))
            said = f" ({_named([shown(word) for word in words])})" if words else ""
            text = (
                f"{shown(column.name)} has words of its own{said}: say with --failure WORD which is a failure"
            )
            found.append(Finding("blocks", "unknown words", text))
            own = [word for word in words if word.lower() not in PASS_WORDS]
            unknown |= {word: word.lower() in FAILURE_WORDS for word in own}
        elif column.kind == "verdict":
            further = {
                column.as_written(word): times
                for word, times in (column.words or {}).items()
                if word in column.present_values and not _is_known(word)
            }
            if further:
                named = _named([f"{shown(word)} in {times:,} rows" for word, times in further.items()])
                text = (
                    f"{shown(column.name)} has a further class ({named}): say with --failure WORD or --pass "
                    "WORD what it is, which is better than to leave it out"
                )
                found.append(Finding("blocks", "unknown words", text))
                unknown |= {
                    column.as_written(word): word in FAILURE_WORDS
                    for word in column.present_values - PASS_WORDS
                }
    if unknown:
        words = sorted(unknown)
        known = [word for word in words if unknown[word]]
        own = [word for word in words if not unknown[word] and not _ERROR.search(word.lower())]
        bad = [word for word in own if word.lower().startswith(_BAD)] or ([] if known else own[:1])
        rest = [word for word in own if word not in bad]
        if bad:
            options["failure"] = (*known, *bad)
        # One other word is a pass without being named.
        if len(rest) > 1 or not bad or known:
            options["passes"] = tuple(rest)
    return options, found


def _is_explained(options: Document, role: str) -> bool:
    return bool(options.get(f"{role}_failure") or options.get(f"{role}_threshold"))


def _is_known(word: str) -> bool:
    return word in FAILURE_WORDS | PASS_WORDS or bool(_ERROR.search(word))


def _middle(column: Column) -> str:
    """Threshold at the middle of a scale: below it where the name does not say that high is bad."""
    low, high = column.numbers or (0.0, 1.0)
    middle = (low + high) / 2
    grades = sorted(score_in(word) for word in column.present_values)
    cut = next((grade for grade in grades if grade > middle), middle)
    return f"{'>=' if says_bad(column.name) else '<'}{cut:g}"


def _quoted(columns: list[Column], test: Callable[[Column], bool]) -> list[str]:
    return [shown(one.name) for one in columns if test(one)]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
