"""Columns: what is asked for, and what there is."""

import difflib
from collections.abc import Iterable, Sequence

from jaxmle._data import printable
from jaxmle._tables._aggregate import Roles, word_of
from jaxmle._tables._condition import check_expression
from jaxmle._tables._files import explain, quote_text
from jaxmle._tables._source import VERDICTS, Part, Source

_LONGEST = 40


def check_names(roles: Roles, id: Sequence[str]) -> None:
    """Raise ``TypeError`` unless columns are named by strings."""
    named = {"judge": roles.judge, "human": roles.human, "weight": roles.weight, "cluster": roles.cluster}
    for argument, name in [
        *named.items(),
        *(("by", column) for column in roles.by),
        *(("id", column) for column in id),
    ]:
        if not isinstance(name, str | None):
            raise TypeError(f"`{argument}` must be a column's name, a string; got {name!r}.")


def check_column(source: Source, column: str) -> None:
    """Raise ``ValueError`` unless each part of a source has one column of that name."""
    for part in source.parts:
        if column.casefold() in part.repeated and source.origin(column) is source:
            raise ValueError(
                f"{part.name} has more than one column {column!r} "
                "(upper and lower case are one); rename them."
            )
    lacking = source.lacking(column)
    if not lacking:
        return
    names = source.inside(lacking, column) or lacking.columns
    hint = f" Did you mean {near!r}?" if (near := _nearest(source, lacking, column, names)) else ""
    listed_ = ", ".join(shown(name) for name in names[:20])
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    raise ValueError(f"{lacking.name} has no column {shown(column)}. Its columns: {listed_}{more}.{hint}")


def _nearest(source: Source, part: Part, column: str, names: list[str]) -> str | None:
    """The name that was probably meant: one nearly like it, or a field of that name within a column."""
    nested = [] if "." in column else [one for name in names for one in source.inside(part, f"{name}.")]
    ends = {name.rpartition(".")[2].casefold(): name for name in reversed([*nested, *names])}
    if column.casefold() in ends:
        return ends[column.casefold()]
    return next(iter(difflib.get_close_matches(column, [*names, *nested], n=1)), None)


def check_condition(source: Source, where: str, what: str = "`where` (--where)") -> None:
    """Raise ``ValueError`` unless a condition is one expression over the columns of these rows."""
    known = {column.casefold() for column in source.columns}
    named = check_expression(where)
    for column in named:
        if column.casefold() not in known:
            try:
                check_column(source, column)
            except ValueError as error:
                others = [name for name in named if name.casefold() in known]
                raise ValueError(f"{what}: {error}{_quotes_hint(source, column, others)}") from error
    try:
        source.query(f"SELECT 1 AS one FROM {VERDICTS} WHERE ({where}\n) LIMIT 0")
    except ValueError as error:
        reason = explain(error.__cause__ if isinstance(error.__cause__, Exception) else error)
        hint = " Columns of text files are text: write `turn::int >= 9`." if "explicit " in reason else ""
        raise ValueError(f"{what} is no condition on these rows: {reason}.{hint}") from error


def _quotes_hint(source: Source, word: str, columns: Sequence[str]) -> str:
    """What to say of a word that is no column: text stands in quotes, as one of the values compared with."""
    for column in columns:
        text = source.text(column)
        alike = f"{word_of(text)} = {quote_text(word.lower())}"
        found = source.query(f"SELECT {text} AS value FROM {VERDICTS} WHERE {alike} LIMIT 1")
        if found:
            value = printable(quote_text(found[0][0]), _LONGEST)
            return f" Did you mean the value {value} of {shown(column)}? Text stands in single quotes."
    return f" If it is a value, put it in single quotes: {quote_text(word)}." if columns else ""


def zeros_hint(strangers: Iterable[Sequence[str]], known: Iterable[Sequence[str]]) -> str:
    """What to say where ids would be known if they had the zeros in front that a spreadsheet takes off."""
    whole = {tuple(name.lstrip("0") for name in item): item for item in known}
    for item in sorted(map(tuple, strangers)):
        other = whole.get(tuple(name.lstrip("0") for name in item))
        if other is not None and tuple(other) != item:
            return (
                f" {shown(', '.join(item))} may be {shown(', '.join(other))}: spreadsheets take zeros in "
                "front off numbers. Import the column of ids as text there."
            )
    return ""


def shown(value: str | None) -> str:
    """Value for a message, in quotes and not too long."""
    return repr(value if value is None or len(value) <= _LONGEST else value[: _LONGEST - 3] + "...")
