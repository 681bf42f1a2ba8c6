"""One group-by from rows of verdicts to six numbers a slice."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from jaxmle._tables._aggregate import (
    BAD_HUMAN,
    BAD_JUDGE,
    Roles,
    counted,
    grouped,
    six_numbers_in_order,
)
from jaxmle._tables._checks import check_column, check_condition, check_names, shown
from jaxmle._tables._invalid import REASONS, raise_invalid
from jaxmle._tables._join import join_labels
from jaxmle._tables._meaning import Coder, Meaning, Said, coders_of, failures_of
from jaxmle._tables._open import open_source
from jaxmle._tables._slice_counts import SliceCounts
from jaxmle._tables._source import VERDICTS, Source
from jaxmle._tables._sums import Sums
from jaxmle._tables._table import Table
from jaxmle._types import Document

if TYPE_CHECKING:
    import os

    from jaxmle._data import LabelDesign

OnInvalid = Literal["error", "drop"]
Missing = Literal["drop", "failure", "pass"]

_IDS = {"id"} | {
    f"{what}_id" for what in ("prompt", "item", "question", "sample", "example", "conversation", "doc")
}
# Distinct names are counted approximately.
_FEW_NAMES = 0.8


def count(
    source: object,
    *,
    judge: str | Sequence[str] | None = None,
    human: str | Sequence[str] | None = None,
    by: str | Sequence[str] = (),
    weight: str | None = None,
    cluster: str | None = None,
    failure: Said = (),
    judge_failure: Said = (),
    human_failure: Said = (),
    passes: Said = (),
    judge_threshold: str | float | None = None,
    human_threshold: str | float | None = None,
    where: str | None = None,
    on_invalid: OnInvalid = "error",
    human_source: object = None,
    id: str | Sequence[str] | None = None,
    human_where: str | None = None,
    combine: str | int | None = None,
    human_combine: str | int | None = None,
    missing: Missing = "drop",
    design: "LabelDesign | str | os.PathLike[str] | None" = None,
) -> SliceCounts:
    r"""Count human and judge verdicts, by slice.

    Verdicts are read without regard to case and surrounding space: 1, true, fail, unsafe and the
    like are failures, 0, false, pass, safe and the like are passes. Where 1, true or yes stand in a column
    whose name says that they are good (`passed`, `isCorrect`, `answer.faithful`), say which is the failure.
    A verdict that is empty, null, none, nan, na or n/a is missing, and so is a human one of -1: nobody
    labelled the item. Rows without a judge verdict are left out and counted.

    Args:
        source: Path or pattern of CSV, TSV, JSONL or Parquet files, also compressed (.gz, .zst), of
            spreadsheets, or of logs and exports of other tools (docs/tools.md); "-" for standard input; a
            pandas, polars or pyarrow table; a list of dictionaries; or a data frame of Spark or an Ibis table
            expression, in whose engine the counting then runs.
        judge: Column of judge verdicts. In JSON a dotted name reaches into nested objects. A log with one
            score, or an overall verdict, needs none. Several columns are made one by ``combine``.
        human: Column of human verdicts, blank where nobody labelled. Several are made one by
            ``human_combine``, or refused where they disagree.
        by: Column or columns whose distinct values make the slices; sorted by value.
        weight: Column of item weights, 0 or from 1e-50 to 1e50; counts are then sums of weights,
            2**53 at most.
        cluster: Column that tells items that belong together, such as answers to one prompt.
        failure: Word or words that mean failure in this file, such as "refusal". The one other
            word that is not known is then a pass. Calling a word a failure that is a pass by
            default, such as "0", makes its opposite a pass.
        judge_failure: The same for the judge's column alone.
        human_failure: The same for the human's column alone.
        passes: Word or words that mean pass, where there are several that are not known.
        judge_threshold: For graded judge scores: "0.5" or ">=0.5" makes scores of a half and more failures,
            "<3" those below three. A comma may stand for the point.
        human_threshold: The same for grades that humans gave; a -1 stays no grade.
        where: Condition in SQL that rows must meet, such as "language = 'en'". Columns of CSV and TSV
            files and of lists are text, so numbers are compared as in "turn::int >= 9". It is one expression
            over the columns, without subqueries, with DuckDB's functions of their arguments alone.
        on_invalid: What to do with a verdict that is neither failure nor pass, and with a weight that is
            none: "error", or "drop" to leave the row out and count it.
        human_source: Human verdicts in a file or table of their own; ``human`` is then a column there.
            Several paths are files of as many raters, each with that column: as several columns of ``human``,
            named as the files are.
        id: Column or columns that name an item in both, where there is a ``human_source``.
        human_where: Condition in SQL that rows of ``human_source`` must meet.
        combine: Of several judges: "any", "all" or "majority" of those that gave a verdict say failure, or at
            least so many of them.
        human_combine: The same of several humans.
        missing: What a judge said that gave no verdict: nothing ("drop"), "failure" or "pass".
        design: What `draw_labels` drew the labels by, or its file. ``judge``, ``human``, ``id`` and
            ``human_source`` then need not be given where the labels stand beside that file; labels of items
            that were not drawn are refused, and labels drawn by slice have weights.

    Returns:
        Counts by slice, their keys, and rows left out by reason.

    Raises:
        ValueError: A file is missing, unreadable or empty; a column does not exist (the message
            lists those that do); a verdict is neither failure nor pass (it names row and value); the name of
            a column says that its 1 is good, and nothing else was said; ids are repeated or none matches;
            humans disagree and no rule says what counts; an argument is out of range; or there is no judge
            verdict at all.
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
    from jaxmle._tables._combine import Combining, open_panel

    judges, humans, named = column_names("judge", judge), column_names("human", human), column_names("id", id)
    drawn = None
    if design is not None:
        from jaxmle._tables._designed import count_designed, designed
        from jaxmle._tables._designed_words import meaning_of

        given = {
            "judges": judges,
            "humans": humans,
            "id": named,
            "human_source": human_source,
            "where": where,
        }
        drawn = designed(design, source, **cast(Any, given))
        source, judges, humans, named = drawn.source, drawn.judges, drawn.humans, drawn.id
        human_source, where = drawn.human_source, drawn.where
    elif not humans:
        raise TypeError("`human` must name the column of human verdicts.")
    labels = human_source
    if isinstance(human_source, list | tuple):
        from jaxmle._tables._rater_files import by_rater

        labels, humans = by_rater(human_source, humans, named, human_where)
    combining = Combining(judges, humans, _rule(combine), _rule(human_combine), missing)
    roles = Roles(next(iter(judges), ""), next(iter(humans), ""), columns, weight, cluster, where)
    meaning: dict[str, Any] = {
        "failure": failure,
        "judge_failure": judge_failure,
        "human_failure": human_failure,
        "passes": passes,
        "judge_threshold": judge_threshold,
        "human_threshold": human_threshold,
        "on_invalid": on_invalid,
    }
    if drawn:
        meaning = meaning_of(drawn.design, meaning, in_rows=human_source is None)
    opened, roles, panel = open_panel(
        source,
        roles,
        combining,
        human_source=labels,
        id=named,
        human_where=human_where,
        **meaning,
    )
    if drawn:
        table, _ = count_designed(opened, roles, drawn, **meaning)
        return replace(table, panel=panel)
    return replace(count_rows(opened, roles, **meaning), panel=panel)


def open_rows(
    source: object,
    roles: Roles,
    *,
    human_source: object = None,
    id: Sequence[str] = (),
    human_where: str | None = None,
) -> tuple[Source, Roles]:
    """Open a source and see that it has the columns: the part of `count` that is quick.

    The roles come back with the judge's column, if a log told it.
    """
    check_names(roles, id)
    opened = source if isinstance(source, Table) else open_source(source)
    if not roles.judge:
        roles = replace(roles, judge=_judge_of(opened))
    if (human_source is None) != (not id):
        raise ValueError("`human_source` and `id` (--human-file and --id) go together: give both or none.")
    if human_source is None and human_where:
        raise ValueError("`human_where` (--human-where) goes with `human_source` (--human-file).")
    if human_source is not None:
        if not isinstance(opened, Table):
            raise ValueError("`human_source` is for files and tables in memory; join Ibis tables in Ibis.")
        labels = human_source if isinstance(human_source, Table) else open_source(human_source)
        join_labels(opened, labels, human=roles.human, id=id, where=roles.where, human_where=human_where)
    check_roles(opened, roles)
    return opened, roles


def check_roles(source: Source, roles: Roles) -> None:
    """Raise ``ValueError`` unless the source has the columns, and the condition is one on its rows."""
    for column in roles.columns:
        check_column(source, column)
    if roles.judge == roles.human:
        raise ValueError(f"`judge` and `human` must be different columns; both are {roles.judge!r}.")
    if roles.where is not None:
        check_condition(source, roles.where)


def count_rows(
    source: Source,
    roles: Roles,
    *,
    on_invalid: OnInvalid = "error",
    look_for_ids: bool = True,
    **meaning: Any,
) -> SliceCounts:
    """Count the verdicts in an opened source, as `count` does; an id that repeats is looked for if asked."""
    check_on_invalid(on_invalid)
    staged, coders, failures = verdict_codes(source, roles, **meaning)
    codes = coders["j"]("j"), coders["h"]("h")
    if roles.weight or roles.cluster:
        rows, of_rows = source.query(counted(staged, roles, *codes)), Sums.of
    else:
        rows, of_rows = source.query(six_numbers_in_order(staged, roles, *codes)), Sums.of_slices
    if not rows or all(value is None for value in rows[0]):
        reason = "no row meets the condition" if roles.where else "it has a header but no rows"
        raise ValueError(f"cannot use {source.name}: {reason}.")
    table = of_rows(rows, roles)
    del rows  # as much memory as all that follows, where slices are many
    bad = {kind: n for kind in REASONS if (n := int(table.rows[:, kind].sum()))}
    if bad and on_invalid == "error":
        raise_invalid(source, roles, coders, bad)
    result = table.counts(source, roles, {REASONS[kind]: n for kind, n in bad.items()})
    tool = source.tool if isinstance(source, Table) else None
    left_out = source.left_out if isinstance(source, Table) else {}
    return replace(
        result,
        dropped=left_out | result.dropped,
        repeated=_repeated_id(source, roles.where) if look_for_ids and not roles.cluster else None,
        log={"tool": tool, "judge": roles.judge} if tool else None,
        failures=failures,
    )


def check_on_invalid(on_invalid: str) -> None:
    """Raise ``ValueError`` unless it is "error" or "drop"."""
    if on_invalid not in get_args(OnInvalid):
        raise ValueError(f'`on_invalid` (--on-invalid) must be "error" or "drop"; got {on_invalid!r}.')


def verdict_codes(
    source: Source, roles: Roles, **meaning: Any
) -> tuple[str, dict[str, Coder], dict[str, Document]]:
    """The grouped rows as what to write after FROM, SQL for their verdicts, and what counts as a failure."""
    said = Meaning.of(**meaning)
    staged = source.stage(grouped(source, roles))
    coders = coders_of(source, staged, roles, said)
    return staged, coders, failures_of(source, staged, roles, said, coders)


def column_code(
    source: Source,
    staged: str,
    roles: Roles,
    which: Literal["j", "h"],
    *,
    on_invalid: OnInvalid = "error",
    **meaning: Any,
) -> Coder:
    """What one of the two columns says of a row.

    Args:
        source: An opened source.
        staged: What to write after FROM for words ``j`` and ``h`` of its rows, the same as they are written,
            ``jt`` and ``ht``, and how many ``n`` have them.
        roles: Which columns are meant.
        which: The judge's column, "j", or the human's, "h".
        on_invalid: As in `count`.
        **meaning: What words and scores mean, as in `count`.

    Returns:
        What makes of a word SQL for 1 failure, 0 pass, NULL missing, -1 neither.

    Raises:
        ValueError: A verdict is neither, and ``on_invalid`` is "error"; or this is no choice.
    """
    check_on_invalid(on_invalid)
    said = Meaning.of(**meaning)
    coders = coders_of(source, staged, roles, said)
    failures_of(source, staged, roles, said, coders)  # which raises where a column's meaning is open
    if on_invalid == "error" and source.query(
        f"SELECT 1 FROM {staged} WHERE ({coders[which](which)}) = -1 LIMIT 1"
    ):
        raise_invalid(source, roles, coders, [BAD_JUDGE if which == "j" else BAD_HUMAN])
    return coders[which]


def column_names(argument: str, columns: str | Sequence[str] | None) -> tuple[str, ...]:
    """Columns that an argument names: one, or a list of them.

    Raises:
        TypeError: It names none.
    """
    if columns is None or isinstance(columns, str):
        return () if columns is None else (columns,)
    if not isinstance(columns, list | tuple) or not all(isinstance(name, str) for name in columns):
        verdicts = argument != "id" and isinstance(columns, Iterable)
        hint = (
            " Verdicts that are no table are for Counts.from_labels(judge=..., human=...)."
            if verdicts
            else ""
        )
        got = type(columns).__name__
        raise TypeError(f"`{argument}` must name a column of the rows, or a list of them; got {got}.{hint}")
    return tuple(columns)


def _rule(rule: str | int | None) -> str | None:
    return None if rule is None else str(rule)


def _judge_of(source: Source) -> str:
    """Column of the judge that a log tells."""
    tool, judge = (source.tool, source.judge) if isinstance(source, Table) else (None, None)
    if judge:
        return judge
    starts = ("score.", "judge.", "api.", "code.")
    scores = [shown(name) for name in source.columns if name.startswith(starts)] if tool else []
    hint = f" This log of {tool} has {', '.join(scores) or 'no score'}." if tool else ""
    raise ValueError(f"`judge` (--judge) must name the column of judge verdicts.{hint}")


def _repeated_id(source: Source, where: str | None) -> str | None:
    """Column that by its name tells items apart, and does not in the rows asked for: they are dependent."""
    chosen = f" WHERE ({where}\n)" if where else ""
    for column in source.columns:
        if isinstance(source, Table) and column.casefold() in _IDS:
            text = source.text(column)
            ((rows, names),) = source.query(
                f"SELECT count({text}), approx_count_distinct({text}) FROM {VERDICTS}{chosen}"
            )
            if names < _FEW_NAMES * rows:
                return column
    return None
