"""Human labels in a table of their own, joined by what names the item."""

from collections.abc import Sequence

from jaxmle._data import UNLABELED_WORDS
from jaxmle._tables._aggregate import listed, word_of
from jaxmle._tables._checks import check_column, check_condition, shown, zeros_hint
from jaxmle._tables._source import VERDICTS, Row, Source
from jaxmle._tables._table import Table

# Rows that are looked through for ids that differ in zeros alone.
_LOOKED_AT = 100_000


def join_labels(
    verdicts: Table,
    labels: Source,
    *,
    human: str,
    id: Sequence[str],
    where: str | None,
    human_where: str | None = None,
) -> None:
    """Give each row of ``verdicts`` the human verdict of its id, in place.

    Args:
        verdicts: The judged items; a column named as ``human`` there is not used.
        labels: The labelled ones.
        human: Column of human verdicts in ``labels``; rows where it is blank are no labels.
        id: Columns that together name an item, in both.
        where: Condition that the judged items must meet, or None.
        human_where: Condition that the labels must meet, or None.

    Raises:
        ValueError: A column is missing; an id occurs twice on either side, or with two verdicts; a condition
            is none; or no id of the labels is among the judged items.
    """
    if not isinstance(labels, Table):
        raise ValueError("`human_source` is for files and tables in memory; join Ibis tables in Ibis.")
    if labels.lacking(human) and not verdicts.lacking(human):
        raise ValueError(
            f"{labels.name} has no column {shown(human)}, and {verdicts.name} has one: the files may be the "
            "wrong way round. The first is that of the judged items, `human_source` (--human-file) that "
            "of labels."
        )
    for source, columns in ((verdicts, id), (labels, (*id, human))):
        for column in columns:
            check_column(source, column)
    keys = [f"i{k}" for k in range(len(id))]
    named, label = ", ".join(keys), labels.text(human)
    texts = ", ".join(f"trim({labels.text(column)}) AS {key}" for key, column in zip(keys, id, strict=True))
    given = f"coalesce(h, '') NOT IN ({listed(UNLABELED_WORDS)})"
    given += "".join(f" AND {key} IS NOT NULL" for key in keys)
    chosen = ""
    if human_where:
        check_condition(labels, human_where, "`human_where` (--human-where)")
        chosen = f" WHERE ({human_where}\n)"
    read = f"FROM (SELECT {texts}, {word_of(label)} AS h, {label} AS v FROM {VERDICTS}{chosen}) WHERE {given}"
    rows = labels.query(
        f"SELECT {named}, min(h), max(h), count(*) {read} GROUP BY {named} HAVING count(*) > 1 "
        f"ORDER BY {named} LIMIT 1"
    )
    for *names, first, last, times in rows:
        what = f"the verdicts {first!r} and {last!r}" if first != last else f"{times} verdicts"
        raise ValueError(
            f"{labels.name} holds {what} for {_shown(id, names)}; keep one row an item, with `human_where` "
            "(--human-where) if the rows differ in another column."
        )
    # One connection must see both, so the labels, which are few, move over.
    found = labels.query(f"SELECT {named}, v {read}")
    if not found:
        condition = " that meets `human_where` (--human-where)" if human_where else ""
        raise ValueError(
            f"column {human!r} of {labels.name} holds no verdict{condition} beside any {' and '.join(id)}."
        )
    own = [f"jaxmle_{key}" for key in (*keys, "h")]  # names that no column of the verdicts has
    verdicts.query(f"CREATE TEMP TABLE labels ({', '.join(f'{name} VARCHAR' for name in own)})")
    verdicts.connection.executemany(f"INSERT INTO labels VALUES ({', '.join('?' * len(own))})", found)
    mine = [f"trim({verdicts.text(column)})" for column in id]
    meets = " AND ".join(f"{name} = {text}" for name, text in zip(own, mine, strict=False))
    verdicts.attach({human: own[-1]}, f"labels ON {meets}", labels)
    landed = f"FROM {VERDICTS} WHERE {verdicts.text(human)} IS NOT NULL"
    if where is not None:
        check_condition(verdicts, where)
        landed += f" AND ({where}\n)"
    twice = verdicts.query(
        f"SELECT {', '.join(mine)}, count(*) {landed} GROUP BY {', '.join(mine)} HAVING count(*) > 1 "
        "ORDER BY ALL LIMIT 1"
    )
    for *names, times in twice:
        raise ValueError(
            f"{verdicts.name} holds {times} rows for {_shown(id, names)}, so one label would count {times} "
            "times; name a column that tells the items apart: `id` (--id) may be several."
        )
    ((n_landed,),) = verdicts.query(f"SELECT count(*) {landed}")
    strangers: list[Row] = []
    zeros = ""
    if n_landed < len(found):
        # What no row has at all, whatever the condition.
        met = verdicts.query(
            f"SELECT DISTINCT {', '.join(mine)} FROM {VERDICTS} WHERE {verdicts.text(human)} IS NOT NULL"
        )
        strangers = sorted({row[: len(id)] for row in found}.difference(met))
    if strangers:
        known = verdicts.query(f"SELECT {', '.join(mine)} FROM {VERDICTS} LIMIT {_LOOKED_AT}")
        zeros = zeros_hint(strangers, [row for row in known if None not in row])
    if not n_landed:
        condition = " that meet the condition" if where else ""
        raise ValueError(
            f"no {' and '.join(id)} with a verdict in {labels.name} is among those of "
            f"{verdicts.name}{condition}; see that both files name items the same way.{zeros}"
        )
    verdicts.labels = {"read": len(found), "unmatched": len(found) - n_landed, "unknown": len(strangers)}
    if zeros:
        verdicts.labels["hint"] = zeros.strip()


def _shown(id: Sequence[str], names: Sequence[str]) -> str:
    return ", ".join(f"{column} {name!r}" for column, name in zip(id, names, strict=True))
