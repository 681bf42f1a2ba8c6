"""Human labels in a table of their own, joined by the name of the item."""

from jaxmle._data import UNLABELED_WORDS
from jaxmle._tables._aggregate import listed, word_of
from jaxmle._tables._checks import check_column, check_condition
from jaxmle._tables._source import VERDICTS, Source
from jaxmle._tables._table import Table


def join_labels(
    verdicts: Table,
    labels: Source,
    *,
    human: str,
    id: str,
    where: str | None,
) -> None:
    """Give each row of ``verdicts`` the human verdict of its id, in place.

    Args:
        verdicts: The judged items; a column named as ``human`` there is not used.
        labels: The labelled ones.
        human: Column of human verdicts in ``labels``; rows where it is blank are no labels.
        id: Column that names an item, in both.
        where: Condition that the judged items must meet, or None.

    Raises:
        ValueError: A column is missing; an id occurs twice on either side, or with two verdicts; or no id
            of the labels is among the judged items.
    """
    if not isinstance(labels, Table):
        raise ValueError("`human_source` is for files and tables in memory; join Ibis tables in Ibis.")
    for source, column in ((verdicts, id), (labels, id), (labels, human)):
        check_column(source, column)
    key, label = labels.text(id), labels.text(human)
    given = f"coalesce(h, '') NOT IN ({listed(UNLABELED_WORDS)}) AND i IS NOT NULL"
    rows = labels.query(
        "SELECT i, min(h), max(h), count(*) "
        f"FROM (SELECT trim({key}) AS i, {word_of(label)} AS h FROM {VERDICTS}) "
        f"WHERE {given} GROUP BY i HAVING count(*) > 1 ORDER BY i LIMIT 1"
    )
    for name, first, last, times in rows:
        what = f"the verdicts {first!r} and {last!r}" if first != last else f"{times} verdicts"
        raise ValueError(f"{labels.name} holds {what} for {id} {name!r}; keep one row an item.")
    # One connection must see both, so the labels, which are few, move over.
    found = labels.query(
        f"SELECT i, v FROM (SELECT trim({key}) AS i, {word_of(label)} AS h, {label} AS v FROM {VERDICTS}) "
        f"WHERE {given}"
    )
    if not found:
        raise ValueError(f"column {human!r} of {labels.name} holds no verdict beside any {id}.")
    verdicts.query("CREATE TEMP TABLE labels (i VARCHAR, h VARCHAR)")
    verdicts.connection.executemany("INSERT INTO labels VALUES (?, ?)", found)
    mine = f"trim({verdicts.text(id)})"
    verdicts.attach(human, f"labels ON labels.i = {mine}", "labels.h", labels)
    landed = f"FROM {VERDICTS} WHERE {verdicts.text(human)} IS NOT NULL"
    if where is not None:
        check_condition(verdicts, where)
        landed += f" AND ({where}\n)"
    twice = verdicts.query(
        f"SELECT {mine} AS i, count(*) {landed} GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    )
    for name, times in twice:
        raise ValueError(
            f"{verdicts.name} holds {times} rows for {id} {name!r}, so one label would count {times} times; "
            "name a column that tells the items apart."
        )
    ((n_landed,),) = verdicts.query(f"SELECT count(*) {landed}")
    if not n_landed:
        condition = " that meet the condition" if where else ""
        raise ValueError(
            f"no {id} with a verdict in {labels.name} is among those of {verdicts.name}{condition}; "
            "see that both columns name items the same way."
        )
    verdicts.labels = {"read": len(found), "unmatched": len(found) - n_landed}
