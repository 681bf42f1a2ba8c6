"""Scores in long form, a row a score, as rows of items: who said what, in columns of their own.

Tools that keep scores of people and judges alike export a row for each of them, with the item, the name of
the score, its value, and who gave it. What differs from tool to tool is what these columns are called.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jaxmle._tables._aggregate import listed, word_of
from jaxmle._tables._files import quote_name, quote_text
from jaxmle._tables._source import VERDICTS, Row

JUDGE, HUMAN = "judge", "human"
_EMPTY = "''"
# The type of an object, as JSON writes it, Python or DuckDB.
_TYPE = r"""["']type["']\s*:\s*["']?([^"',}]*)"""
# The text of a field, as the same three write it.
_FIELD = r"""["']{name}["']\s*:\s*(?:"([^"]*)"|'([^']*)')"""
_SUBJECTS = ("trace", "observation", "session", "experiment")


@dataclass(frozen=True)
class LongForm:
    """How a tool writes scores; names of columns in lower case, without anything but letters and digits.

    Attributes:
        tool: Name of the tool.
        items: Columns that name an item, the finest first; which of them a file has tells its items apart.
        name: Columns that may hold the name of the score.
        who: Columns that may hold who gave it; where one holds an object, its field "type" does.
        kinds: What these hold, lower case, and what the columns of such scores are called in front.
        values: What a score says: what to add to its name where it says several things, and the columns
            that may hold it.
        words_first: A column and its values, lower case, for which the last of ``values`` comes before the
            others; None where each of them has a column of its own.
        either: Whether the values are one thing in several columns, of which the first that is filled counts.
        valid: A column whose value "false" marks a score that was replaced, or None.
        subject: A column of objects that say what a score is about, their ``kind``, ``id`` and ``traceId``,
            in place of columns that name an item, or None.
    """

    tool: str
    items: tuple[str, ...]
    name: tuple[str, ...]
    who: tuple[str, ...]
    kinds: dict[str, str]
    values: tuple[tuple[str, tuple[str, ...]], ...]
    words_first: tuple[str, frozenset[str]] | None = None
    either: bool = False
    valid: str | None = None
    subject: str | None = None


LONG_FORMS = (
    # https://langfuse.com/docs/evaluation/scores/data-model; scores of the API belong to whoever sent them.
    # Its third way to ask for scores gives them a subject, where the two before had columns.
    LongForm(
        "Langfuse",
        items=("traceid", "observationid", "sessionid"),
        name=("name",),
        who=("source",),
        kinds={"eval": JUDGE, "annotation": HUMAN, "api": "api"},
        values=(("", ("value",)), ("", ("stringvalue",))),
        words_first=("datatype", frozenset({"categorical", "correction", "text"})),
        either=True,
        subject="subject",
    ),
    # Fields of span, trace and session annotations of Arize Phoenix and of the data frames of its client.
    LongForm(
        "Phoenix",
        items=("spanid", "contextspanid", "traceid", "sessionid", "documentposition"),
        name=("name", "annotationname"),
        who=("annotatorkind",),
        kinds={"llm": JUDGE, "human": HUMAN, "code": "code"},
        values=(("label", ("label", "resultlabel")), ("score", ("score", "resultscore"))),
    ),
    # Feedback of LangSmith: the type of its source is "app" for what a person said in the annotation view.
    LongForm(
        "LangSmith",
        items=("runid",),
        name=("key",),
        who=("feedbacksourcetype", "feedbacksource"),
        kinds={"model": JUDGE, "auto_eval": JUDGE, "app": HUMAN, "api": "api"},
        values=(("score", ("score",)), ("value", ("value",))),
    ),
    # Assessments of MLflow traces, laid out by `mlflow_rows`.
    LongForm(
        "MLflow",
        items=("traceid",),
        name=("assessmentname",),
        who=("sourcetype",),
        kinds={"llm_judge": JUDGE, "ai_judge": JUDGE, "human": HUMAN, "code": "code", "nobody": "nobody"},
        values=(("", ("value",)),),
        valid="valid",
    ),
)


@dataclass(frozen=True)
class Scores:
    """A table that holds scores in long form, as SQL over its rows.

    Attributes:
        form: How the tool writes them.
        items: Name and text of the columns that name an item.
        name: Text of the name of a score.
        who: Text of who gave it, in the words of `LongForm.kinds`.
        values: What to add to the name, and text, of each thing that a score says.
        others: Name and text of the other columns.
        valid: Condition for the scores that count.
    """

    form: LongForm
    items: list[tuple[str, str]]
    name: str
    who: str
    values: list[tuple[str, str]]
    others: list[tuple[str, str]]
    valid: str


Query = Callable[[str], list[Row]]


def scores_in(
    columns: Sequence[str], text: Callable[[str], str], nested: Callable[[str], list[str]], query: Query
) -> Scores | None:
    """See whether a table holds scores in long form.

    Args:
        columns: Names of its columns.
        text: SQL for the text of a column, also of a field of an object, after a dot.
        nested: Names of the fields of a column that holds objects, after a dot.
        query: Runs a query.

    Returns:
        Where they are; None unless the columns are those of a tool and all scores are by somebody it knows.
    """
    plain = {_plain(name): name for name in reversed(columns)}
    for form in LONG_FORMS:
        # Cheap, for files that are no such table: a look at the names alone.
        who = _first(plain, form.who)
        has_subject = form.subject is not None and bool({form.subject, f"{form.subject}kind"} & plain.keys())
        named = has_subject or any(item in plain for item in form.items)
        if not who or not _first(plain, form.name) or not (named or _is_bare(plain, form)):
            continue
        fields = {_plain(name): name for column in columns for name in nested(column)} | plain
        who = _first(fields, form.who) or who
        found = [
            (suffix, [fields[name] for name in names if name in fields]) for suffix, names in form.values
        ]
        values = [(suffix, text(names[0])) for suffix, names in found if names]
        kind = _kind(text(who), form)
        ((rows, known),) = query(f"SELECT count(*), count({kind}) FROM {VERDICTS}")
        if not values or not rows or known < rows:
            continue
        if not named:
            raise ValueError(
                f"these scores of {form.tool} do not say what they are about: ask its API for them once "
                f"more, with fields={form.subject}."
            )
        if form.either:
            values = [("", _either([value for _, value in values], form, fields, text))]
        items = [(fields[name], text(fields[name])) for name in form.items if name in fields]
        items = items or _subjects(form, fields, text)
        parts = {} if form.subject is None else _parts_of(form.subject, fields)
        used = {
            *parts.values(),
            who,
            *(name for _, names in found for name in names),
            *(name for name, _ in items),
        }
        used |= {_first(fields, form.name) or "", fields.get(form.valid or "", "")}
        return Scores(
            form,
            items,
            text(_first(fields, form.name) or ""),
            kind,
            values,
            [(name, text(name)) for name in columns if name not in used],
            f"coalesce({word_of(text(fields[form.valid]))}, '') <> 'false'"
            if form.valid and form.valid in fields
            else "true",
        )
    return None


def _is_bare(plain: dict[str, str], form: LongForm) -> bool:
    """Whether a table has the columns of a tool's scores, and none that says what they are about."""
    return form.subject is not None and {"projectid", "datatype", "value"} <= plain.keys()


def _parts_of(subject: str, fields: dict[str, str]) -> dict[str, str]:
    """Columns and fields that hold the object which says what a score is about, or a part of it."""
    names = (subject, *(f"{subject}{part}" for part in ("kind", "id", "traceid")))
    return {name: fields[name] for name in names if name in fields}


def _subjects(form: LongForm, fields: dict[str, str], text: Callable[[str], str]) -> list[tuple[str, str]]:
    """Names and texts of items where an object says what a score is about; the trace of a part is one too."""
    if form.subject is None:
        return []
    kind, name, trace = (
        _part_of(form.subject, part, fields, text) for part in ("kind", "id", "trace_?[iI]d")
    )
    found = [(f"{one}Id", f"CASE WHEN {kind} = {quote_text(one)} THEN {name} END") for one in _SUBJECTS]
    (first, whole), *others = found
    return [(first, f"coalesce(nullif({trace}, {_EMPTY}), {whole})"), *others]


def _part_of(subject: str, part: str, fields: dict[str, str], text: Callable[[str], str]) -> str:
    """SQL for a field of the object which says what a score is about, also where a cell holds it as text."""
    column = _parts_of(subject, fields).get(f"{subject}{'traceid' if '?' in part else part}")
    if column:
        return text(column)
    if subject not in fields:
        return "CAST(NULL AS VARCHAR)"
    pattern, whole = quote_text(_FIELD.replace("{name}", part)), text(fields[subject])
    both = (f"nullif(regexp_extract({whole}, {pattern}, {group}), {_EMPTY})" for group in (1, 2))
    return f"coalesce({', '.join(both)})"


def pivoted(scores: Scores, query: Query) -> tuple[str, int]:
    """Query for one row an item, with a column for each score of each kind of giver.

    A score that an item has several times, and not always with the same value, has a column for each time,
    numbered from 1.

    Returns:
        The query, and how many scores belong to no item and are left out.
    """
    texts = [f"nullif({text}, {_EMPTY}) AS i{k}" for k, (_, text) in enumerate(scores.items)]
    texts += [f"{scores.name} AS s", f"{scores.who} AS w"]
    texts += [f"nullif({text}, {_EMPTY}) AS v{k}" for k, (_, text) in enumerate(scores.values)]
    texts += [f"nullif({text}, {_EMPTY}) AS o{k}" for k, (_, text) in enumerate(scores.others)]
    query(
        f"CREATE OR REPLACE TEMP TABLE every_score AS SELECT {', '.join(texts)} FROM {VERDICTS} "
        f"WHERE {scores.valid}"
    )
    keys = _item_keys(scores, query)
    named, there = ", ".join(keys), _some(keys)
    rows = f"(SELECT * FROM every_score WHERE {there})"
    ((lost,),) = query(f"SELECT count(*) FROM every_score WHERE NOT {there}")
    columns = list(_columns(scores, rows, named, query))
    if any(time for _, _, _, time in columns):
        query(
            "CREATE OR REPLACE TEMP TABLE numbered AS SELECT *, row_number() OVER "
            f"(PARTITION BY {named}, w, s ORDER BY n) AS k FROM "
            f"(SELECT *, row_number() OVER () AS n FROM {rows})"
        )
        rows = "numbered"
    chosen = [f"{key} AS {quote_name(scores.items[int(key[1:])][0])}" for key in keys]
    chosen += [
        f"max(CASE WHEN {given}{f' AND k = {time}' if time else ''} THEN v{k} END) AS {quote_name(column)}"
        for column, given, k, time in columns
    ]
    chosen += [
        f"max(o{k}) AS {quote_name(scores.others[k][0])}" for k in _constant(scores, rows, named, query)
    ]
    return f"SELECT {', '.join(chosen)} FROM {rows} GROUP BY {named}", int(lost)


def _item_keys(scores: Scores, query: Query) -> list[str]:
    """The keys that name an item: the finest by which people and judges met, else the finest."""
    every = [f"i{k}" for k in range(len(scores.items))]
    filled = query(f"SELECT {', '.join(f'count({key})' for key in every)} FROM every_score")[0]
    keys = [key for key, n in zip(every, filled, strict=True) if n] or every[:1]
    for size in range(len(keys), 0, -1):
        met = query(
            f"SELECT 1 FROM every_score WHERE {_some(keys[:size])} GROUP BY {', '.join(keys[:size])} "
            f"HAVING count_if(w = '{HUMAN}') > 0 AND count_if(w <> '{HUMAN}') > 0 LIMIT 1"
        )
        if met:
            return keys[:size]
    return keys


def _columns(
    scores: Scores, rows: str, named: str, query: Query
) -> Iterator[tuple[str, str, int, int | None]]:
    """Name, condition, value and, where there are several, number of each column of scores."""
    places = range(len(scores.values))
    each = "".join(f", count(v{k}) AS n{k}, min(v{k}) <> max(v{k}) AS d{k}" for k in places)
    most = "".join(f", max(n{k}), coalesce(bool_or(d{k}), false)" for k in places)
    found = query(
        f"SELECT w, s, max(times){most} FROM "
        f"(SELECT w, s, count(*) AS times{each} FROM {rows} GROUP BY w, s, {named}) "
        "GROUP BY w, s ORDER BY w, s"
    )
    for who, name, times, *rest in found:
        filled = [k for k in places if rest[2 * k]]
        column = f"{who}.{name or 'score'}"
        given = f"w = {quote_text(who)} AND s IS NOT DISTINCT FROM "
        given += "NULL" if name is None else quote_text(name)
        for k in filled:
            suffix = f".{scores.values[k][0]}" if len(filled) > 1 else ""
            if not rest[2 * k + 1]:
                yield column + suffix, given, k, None
                continue
            for time in range(1, times + 1):
                yield f"{column}{suffix}.{time}", given, k, time


def _constant(scores: Scores, rows: str, named: str, query: Query) -> list[int]:
    """Other columns with at most one value for each item, such as the model, and one for some."""
    if not scores.others:
        return []
    places = range(len(scores.others))
    each = ", ".join(f"max(o{k}) AS o{k}, min(o{k}) <> max(o{k}) AS d{k}" for k in places)
    most = ", ".join(f"count(o{k}) > 0 AND NOT coalesce(bool_or(d{k}), false)" for k in places)
    (found,) = query(f"SELECT {most} FROM (SELECT {each} FROM {rows} GROUP BY {named})")
    return [k for k, is_constant in enumerate(found) if is_constant]


def _some(keys: Sequence[str]) -> str:
    """SQL for whether a score belongs to an item."""
    return f"({' OR '.join(f'{key} IS NOT NULL' for key in keys)})"


def _kind(text: str, form: LongForm) -> str:
    """SQL for who gave a score, in the words of `LongForm.kinds`; NULL for others."""
    inner = f"regexp_extract({text}, {quote_text(_TYPE)}, 1)"
    word = word_of(f"CASE WHEN starts_with({text}, '{{') THEN {inner} ELSE {text} END")
    cases = " ".join(f"WHEN {quote_text(said)} THEN '{kind}'" for said, kind in form.kinds.items())
    return f"CASE {word} {cases} END"


def _either(values: list[str], form: LongForm, fields: dict[str, str], text: Callable[[str], str]) -> str:
    """SQL for the first value that is filled, the last of them first where a column says so."""
    given = [f"nullif({value}, {_EMPTY})" for value in values]
    usual = f"coalesce({', '.join(given)})"
    if form.words_first is None or form.words_first[0] not in fields or len(values) < 2:
        return usual
    column, kinds = form.words_first
    condition = f"{word_of(text(fields[column]))} IN ({listed(kinds)})"
    return f"CASE WHEN {condition} THEN coalesce({', '.join(reversed(given))}) ELSE {usual} END"


def _first(columns: dict[str, str], names: Sequence[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
