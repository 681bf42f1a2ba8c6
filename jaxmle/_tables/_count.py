"""One group-by from rows of verdicts to six numbers a slice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, get_args

from jaxmle._tables._aggregate import (
    BAD_CLUSTER,
    BAD_HUMAN,
    BAD_JUDGE,
    BAD_WEIGHT,
    Roles,
    counted,
    grouped,
    listed,
    score_code,
    verdict_code,
    weight_of,
    word_of,
)
from jaxmle._tables._checks import check_column, check_condition, check_names, shown
from jaxmle._tables._join import join_labels
from jaxmle._tables._open import open_source
from jaxmle._tables._slice_counts import SliceCounts
from jaxmle._tables._source import VERDICTS, Source
from jaxmle._tables._sums import Sums
from jaxmle._tables._table import Table
from jaxmle._tables._words import FAILURE_WORDS, PASS_WORDS, UNLABELED_WORDS, Vocabulary

OnInvalid = Literal["error", "drop"]

_IDS = {"id"} | {
    f"{what}_id" for what in ("prompt", "item", "question", "sample", "example", "conversation", "doc")
}
# Distinct names are counted approximately.
_FEW_NAMES = 0.8
_REASONS = {
    BAD_JUDGE: "judge verdict neither a failure nor a pass",
    BAD_HUMAN: "human verdict neither a failure nor a pass",
    BAD_WEIGHT: "weight missing, negative, no number or beyond 1e-50 to 1e50",
    BAD_CLUSTER: "no cluster",
}
# Reasons for which rows are left out only if that was asked for.
INVALID = frozenset(_REASONS.values())


def count(
    source: object,
    *,
    judge: str | None = None,
    human: str,
    by: str | Sequence[str] = (),
    weight: str | None = None,
    cluster: str | None = None,
    failure: str | Sequence[str] = (),
    judge_threshold: str | float | None = None,
    where: str | None = None,
    on_invalid: OnInvalid = "error",
    human_source: object = None,
    id: str | None = None,
) -> SliceCounts:
    r"""Count human and judge verdicts, by slice.

    Verdicts are read without regard to case and surrounding space: 1, true, fail, unsafe and the
    like are failures, 0, false, pass, safe and the like are passes. A verdict that is empty, null,
    none, nan, na or n/a is missing, and so is a human one of -1: nobody labelled the item. Rows without a
    judge verdict are left out and counted.

    Args:
        source: Path or pattern of CSV, TSV, JSONL or Parquet files, also compressed (.gz, .zst), or of logs
            of Inspect AI, lm-evaluation-harness, promptfoo or DeepEval; "-" for standard input; a pandas,
            polars or pyarrow table; a list of dictionaries; or an Ibis table expression, in whose engine
            the counting then runs.
        judge: Column of judge verdicts. In JSON a dotted name reaches into nested objects. A log with one
            score, or an overall verdict, needs none.
        human: Column of human verdicts, blank where nobody labelled.
        by: Column or columns whose distinct values make the slices; sorted by value.
        weight: Column of item weights, 0 or from 1e-50 to 1e50; counts are then sums of weights,
            2**53 at most.
        cluster: Column that tells items that belong together, such as answers to one prompt.
        failure: Word or words that mean failure in this file, such as "refusal". The one other
            word that is not known is then a pass. Calling a word a failure that is a pass by
            default, such as "0", makes its opposite a pass.
        judge_threshold: For graded judge scores: "0.5" or ">=0.5" makes scores of a half and more failures,
            "<3" those below three.
        where: Condition in SQL that rows must meet, such as "language = 'en'". Columns of CSV and TSV
            files and of lists are text, so numbers are compared as in "turn::int >= 9". It is one expression
            over the columns, without subqueries, with DuckDB's functions of their arguments alone.
        on_invalid: What to do with a verdict that is neither failure nor pass, and with a weight that is
            none: "error", or "drop" to leave the row out and count it.
        human_source: Human verdicts in a file or table of their own; ``human`` is then a column there.
        id: Column that names an item in both, where there is a ``human_source``.

    Returns:
        Counts by slice, their keys, and rows left out by reason.

    Raises:
        ValueError: A file is missing, unreadable or empty; a column does not exist (the message
            lists those that do); a verdict is neither failure nor pass (it names row and value); ids are
            repeated or none matches; an argument is out of range; or there is no judge verdict at all.
        TypeError: ``source`` is nothing that holds rows.

    Examples:
        >>> from jaxmle import tables
        >>> rows = [
        ...     {"model": "a", "human": "fail", "judge": "fail"},
        ...     {"model": "a", "human": None, "judge": "pass"},
        ...     {"model": "b", "human": "pass", "judge": "FAIL"},
        ... ]
        >>> result = tables.count(rows, judge="judge", human="human", by="model")
        >>> result.keys
        [{'model': 'a'}, {'model': 'b'}]
        >>> result.counts
        Counts(tp=[1, 0], fn=[0, 0], fp=[0, 1], tn=[0, 0], unlabeled_pos=[0, 0], unlabeled_neg=[1, 0])
    """
    if not isinstance(by, Iterable):
        raise TypeError(f"`by` must name columns; got {by!r}.")
    columns = (by,) if isinstance(by, str) else tuple(dict.fromkeys(by))
    roles = Roles(judge or "", human, columns, weight, cluster, where)
    opened, roles = open_rows(source, roles, human_source=human_source, id=id)
    return count_rows(opened, roles, failure=failure, judge_threshold=judge_threshold, on_invalid=on_invalid)


def open_rows(
    source: object, roles: Roles, *, human_source: object = None, id: str | None = None
) -> tuple[Source, Roles]:
    """Open a source and see that it has the columns: the part of `count` that is quick.

    The roles come back with the judge's column, if a log told it.
    """
    check_names(roles, id)
    opened = source if isinstance(source, Table) else open_source(source)
    if not roles.judge:
        roles = replace(roles, judge=_judge_of(opened))
    if (human_source is None) != (id is None):
        raise ValueError("`human_source` and `id` (--human-file and --id) go together: give both or none.")
    if human_source is not None and id is not None:
        if not isinstance(opened, Table):
            raise ValueError("`human_source` is for files and tables in memory; join Ibis tables in Ibis.")
        labels = open_source(human_source)
        join_labels(opened, labels, human=roles.human, id=id, where=roles.where)
    for column in roles.columns:
        check_column(opened, column)
    if roles.judge == roles.human:
        raise ValueError(f"`judge` and `human` must be different columns; both are {roles.judge!r}.")
    if roles.where is not None:
        check_condition(opened, roles.where)
    return opened, roles


def count_rows(
    source: Source,
    roles: Roles,
    *,
    failure: str | Sequence[str] = (),
    judge_threshold: str | float | None = None,
    on_invalid: OnInvalid = "error",
    look_for_ids: bool = True,
) -> SliceCounts:
    """Count the verdicts in an opened source, as `count` does; an id that repeats is looked for if asked."""
    if on_invalid not in get_args(OnInvalid):
        raise ValueError(f'`on_invalid` (--on-invalid) must be "error" or "drop"; got {on_invalid!r}.')
    words = (failure,) if isinstance(failure, str) else tuple(failure)
    threshold = None if judge_threshold is None else str(judge_threshold)
    if threshold is not None:
        score_code("j", threshold)  # before any row is read
    staged = source.stage(grouped(source, roles))
    present_values = ("j", "h") if threshold is None else ("h",)
    meanings = _vocabularies(source, staged, roles, words, present_values)
    coders: dict[str, Callable[[str], str]] = {
        "j": partial(verdict_code, vocabulary=meanings["j"]),
        "h": partial(verdict_code, vocabulary=meanings["h"], missing=UNLABELED_WORDS),
    }
    if threshold is not None:
        coders["j"] = partial(score_code, threshold=threshold)
    rows = source.query(counted(staged, roles, coders["j"]("j"), coders["h"]("h")))
    if not rows:
        reason = "no row meets the condition" if roles.where else "it has a header but no rows"
        raise ValueError(f"cannot use {source.name}: {reason}.")
    table = Sums.of(rows, roles)
    bad = {kind: n for kind in _REASONS if (n := int(table.rows[:, kind].sum()))}
    if bad and on_invalid == "error":
        _raise_invalid(source, roles, coders, bad)
    result = table.counts(source, roles, {_REASONS[kind]: n for kind, n in bad.items()})
    tool = source.tool if isinstance(source, Table) else None
    return replace(
        result,
        repeated=_repeated_id(source) if look_for_ids and not roles.cluster else None,
        log={"tool": tool, "judge": roles.judge} if tool else None,
    )


def _judge_of(source: Source) -> str:
    """Column of the judge that a log tells."""
    tool, judge = (source.tool, source.judge) if isinstance(source, Table) else (None, None)
    if judge:
        return judge
    scores = [shown(name) for name in source.columns if name.startswith("score.")] if tool else []
    hint = f" This log of {tool} has {', '.join(scores) or 'no score'}." if tool else ""
    raise ValueError(f"`judge` (--judge) must name the column of judge verdicts.{hint}")


def _repeated_id(source: Source) -> str | None:
    """Column that by its name tells items apart, and does not: its rows are not independent."""
    for column in source.columns:
        if isinstance(source, Table) and column.casefold() in _IDS:
            text = source.text(column)
            ((rows, names),) = source.query(
                f"SELECT count({text}), approx_count_distinct({text}) FROM {VERDICTS}"
            )
            if names < _FEW_NAMES * rows:
                return column
    return None


def _vocabularies(
    source: Source, staged: str, roles: Roles, words: tuple[str, ...], columns: tuple[str, ...]
) -> dict[str, Vocabulary]:
    """What the words of each column mean, given the words that the user calls failures."""
    meanings = {"j": Vocabulary(), "h": Vocabulary()}
    if not words:
        return meanings
    given = frozenset(word.strip().lower() for word in words)
    given |= {f"{word}.0" for word in given & {"0", "1"}}
    known = listed(FAILURE_WORDS | PASS_WORDS | UNLABELED_WORDS | given)
    holds: dict[str, bool] = {}
    unknown: set[str] = set()
    for word in columns:
        ((found,),) = source.query(f"SELECT count(*) AS n FROM {staged} WHERE {word} IN ({listed(given)})")
        holds[word] = found > 0
        others = f"{word} IS NOT NULL AND {word} NOT IN ({known})"
        unknown |= {
            row[0]
            for row in source.query(f"SELECT DISTINCT {word} AS word FROM {staged} WHERE {others} LIMIT 2")
        }
    if not any(holds.values()):
        names = {"j": roles.judge, "h": roles.human}
        where = " or ".join(repr(names[word]) for word in columns)
        raise ValueError(f"no verdict in {where} is {' or '.join(map(repr, words))}.")
    for word in columns:
        meanings[word] = Vocabulary.with_failure(given, frozenset(unknown), holds[word])
    return meanings


def _raise_invalid(
    source: Source, roles: Roles, coders: dict[str, Callable[[str], str]], kinds: Iterable[int]
) -> None:
    """Name the first row that can't be used, and what to do about it."""
    found = []
    for kind in kinds:
        column = {BAD_JUDGE: roles.judge, BAD_HUMAN: roles.human, BAD_WEIGHT: roles.weight}.get(
            kind, roles.cluster
        )
        origin = source.origin(str(column))
        text = origin.text(str(column))
        word = word_of(text)
        bad = f"{text} IS NULL"
        if kind == BAD_WEIGHT:
            bad = f"({weight_of(word)}) IS NULL"
        elif kind != BAD_CLUSTER:
            bad = f"({coders['j' if kind == BAD_JUDGE else 'h'](word)}) = -1"
        if roles.where and origin is source:
            bad += f" AND ({roles.where}\n)"
        found.append((*origin.locate(text, bad), column, kind))
    _, where, value, column, kind = min(found, key=lambda one: one[0])
    drop = "or leave such rows out with --on-invalid drop"
    if kind in (BAD_WEIGHT, BAD_CLUSTER):
        raise ValueError(f"{where}: {column} is {shown(value)}: {_REASONS[kind]}; {drop}.")
    score = " Graded scores need --judge-threshold, such as '<0.5'." if _is_number(value) else ""
    raise ValueError(
        f"{where}: {column} is {shown(value)}, neither a failure nor a pass. Name every word that is a "
        f"failure, as in --failure WORD --failure WORD (failure= in Python), {drop}.{score}"
    )


def _is_number(value: str | None) -> bool:
    try:
        float(value or "")
    except ValueError:
        return False
    return True
