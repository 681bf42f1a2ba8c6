"""Items for labelling, drawn in the engine: which there are, which are taken, and which come next."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from jaxmle._data import UNLABELED_WORDS
from jaxmle._tables._aggregate import Roles, grouped, listed, word_of
from jaxmle._tables._checks import check_column, shown
from jaxmle._tables._count import column_code
from jaxmle._tables._files import quote_text
from jaxmle._tables._guess import sides_named
from jaxmle._tables._source import VERDICTS, Row
from jaxmle._tables._table import Table
from jaxmle._types import Array

_ITEMS, _TAKEN, _SHARES = "jaxmle_items", "jaxmle_taken", "jaxmle_shares"
_MARK, _NOTHING = "chr(31)", "chr(30)"  # no text that people write holds them
# A column of verdicts holds few words: failure, pass, what is neither, and one for none.
_FEW_WORDS = 4
Item = tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """Items with a verdict of the judge, held in the engine.

    Attributes:
        source: Where they are.
        roles: Which columns are meant; ``by`` makes the slices.
        id: Columns that name an item.
        code: SQL for the judge's verdict, 1 or 0.
    """

    source: Table
    roles: Roles
    id: tuple[str, ...]
    code: str

    def fingerprint(self, *, verdicts: bool, slices: bool) -> tuple[str, int]:
        """What tells these items from others, in whatever order, and how many there are.

        Args:
            verdicts: Whether the judge's verdicts matter.
            slices: Whether the slices do.
        """
        parts = self._names + ["CAST(v AS VARCHAR)"] * verdicts + self._keys * slices
        text = f"concat_ws({_MARK}, {', '.join(f'coalesce({part}, {_NOTHING})' for part in parts)})"
        ((low, high, n),) = self.source.query(
            f"SELECT bit_xor(md5_number_lower({text})), bit_xor(md5_number_upper({text})), count(*) "
            f"FROM {_ITEMS}"
        )
        return f"{low or 0:016x}{high or 0:016x}", int(n)

    def take(self, items: Sequence[Item]) -> None:
        """Leave these items out of every draw, beside those that are labelled."""
        self._insert(_TAKEN, [f"{name} VARCHAR" for name in self._names], items)
        same = " AND ".join(f"{_ITEMS}.{name} = {_TAKEN}.{name}" for name in self._names)
        self.source.query(f"UPDATE {_ITEMS} SET taken = true FROM {_TAKEN} WHERE {same}")

    @property
    def taken(self) -> list[Item]:
        """Items that are not drawn any more."""
        return self.source.query(
            f"SELECT {', '.join(self._names)} FROM {_ITEMS} WHERE taken ORDER BY {', '.join(self._names)}"
        )

    @property
    def labeled(self) -> list[Item]:
        """Items that have a label."""
        return self.source.query(
            f"SELECT {', '.join(self._names)} FROM {_ITEMS} WHERE labeled ORDER BY {', '.join(self._names)}"
        )

    def unlabeled_verdicts(self, items: Sequence[Item]) -> tuple[int, int]:
        """How many of these items, without a label, the judge flags, and how many others there are."""
        self._insert("jaxmle_asked", [f"{name} VARCHAR" for name in self._names], items)
        same = " AND ".join(f"{_ITEMS}.{name} = jaxmle_asked.{name}" for name in self._names)
        ((n_flagged, n),) = self.source.query(
            f"SELECT count(*) FILTER (WHERE v = 1), count(*) FROM {_ITEMS} JOIN jaxmle_asked ON {same} "
            "WHERE NOT labeled"
        )
        return int(n_flagged), int(n) - int(n_flagged)

    def strata(self, *, verdicts: bool, slices: bool) -> tuple[list[Row], list[int], list[int]]:
        """Kinds of items in their order, how many there are of each, and how many of them are taken."""
        keys = self._strata(verdicts, slices)
        named = "".join(f"{key}, " for key in keys)
        rows = self.source.query(
            f"SELECT {named}count(*), count(*) FILTER (WHERE taken) FROM {_ITEMS} "
            + (f"GROUP BY {', '.join(keys)} ORDER BY {', '.join(map(_order, keys))}") * bool(keys)
        )
        return [row[:-2] for row in rows], [int(row[-2]) for row in rows], [int(row[-1]) for row in rows]

    def draw(self, strata: Sequence[Row], n: Array, seed: int, *, verdicts: bool, slices: bool) -> list[Item]:
        """Draw so many items of each kind at random from those that are not taken; in an order of chance.

        An item's place is the SHA-256 of seed and id: it depends on nothing else, so that a larger draw holds
        the smaller, on any machine and in whatever order the rows stand.
        """
        keys = self._strata(verdicts, slices)
        types = [f"{key} {'INTEGER' if key == 'v' else 'VARCHAR'}" for key in keys]
        self._insert(
            _SHARES,
            [*types, "n BIGINT"],
            [(*key, int(size)) for key, size in zip(strata, n, strict=True)],
        )
        names = ", ".join(self._names)
        text = f"concat_ws({_MARK}, {quote_text(str(seed))}, {names})"
        within = f"PARTITION BY {', '.join(keys)} " if keys else ""
        same = " AND ".join(f"ranked.{key} IS NOT DISTINCT FROM {_SHARES}.{key}" for key in keys) or "true"
        return self.source.query(
            f"SELECT {names} FROM (SELECT *, row_number() OVER ({within}ORDER BY place, {names}) AS r "
            f"FROM (SELECT *, sha256({text}) AS place FROM {_ITEMS} WHERE NOT taken)) AS ranked "
            f"JOIN {_SHARES} ON {same} WHERE r <= {_SHARES}.n ORDER BY sha256(place), {names}"
        )

    def rows(self, items: Sequence[Item], columns: Sequence[str]) -> list[Row]:
        """What columns say of items, as text, in the order of the items."""
        self._insert(
            "jaxmle_drawn",
            [*(f"{name} VARCHAR" for name in self._names), "r BIGINT"],
            [(*item, place) for place, item in enumerate(items)],
        )
        same = " AND ".join(
            f"trim({self.source.text(column)}) = d.{name}"
            for column, name in zip(self.id, self._names, strict=True)
        )
        texts = ", ".join(self.source.text(column) for column in columns)
        where = f" AND ({self.roles.where}\n)" if self.roles.where else ""
        return self.source.query(
            f"SELECT {texts} FROM {VERDICTS} JOIN jaxmle_drawn AS d ON {same} "
            f"WHERE ({self.code}) >= 0{where} ORDER BY d.r"
        )

    @property
    def _names(self) -> list[str]:
        return [f"i{place}" for place in range(len(self.id))]

    @property
    def _keys(self) -> list[str]:
        return [f"s{place}" for place in range(len(self.roles.by))]

    def _strata(self, verdicts: bool, slices: bool) -> list[str]:
        return ["v"] * verdicts + self._keys * slices

    def _insert(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        insert_rows(self.source, name, columns, rows)


def _order(key: str) -> str:
    """Flagged items first, slices by name."""
    return "v DESC" if key == "v" else f"{key} NULLS LAST"


def insert_rows(source: Table, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Make a table of a few rows beside those of a source."""
    source.query(f"CREATE OR REPLACE TEMP TABLE {name} ({', '.join(columns)})")
    if rows:
        marks = ", ".join("?" * len(columns))
        source.connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)


def judged_items(source: Any, roles: Roles, id: Sequence[str], **meaning: Any) -> Judged:
    """Look up the items of an opened source that have a verdict of the judge.

    Args:
        source: An opened source, labels joined.
        roles: Which columns are meant.
        id: Columns that name an item.
        **meaning: What words and scores mean, as in `count`.

    Raises:
        ValueError: The source is of another engine; an id is missing or names two items; or a verdict is
            neither failure nor pass.
    """
    if not isinstance(source, Table):
        raise ValueError("items are drawn from files and tables in memory; draw from Ibis tables in Ibis.")
    for column in (*id, *roles.by):
        check_column(source, column)
    staged = source.stage(grouped(source, roles))
    code = column_code(source, staged, roles, "j", **meaning)(word_of(source.text(roles.judge)))
    names = [f"i{place}" for place in range(len(id))]
    texts = [f"trim({source.text(column)}) AS {name}" for column, name in zip(id, names, strict=True)]
    texts += [f"{source.text(column)} AS s{place}" for place, column in enumerate(roles.by)]
    label = f"coalesce({word_of(source.text(roles.human))}, '') NOT IN ({listed(UNLABELED_WORDS)})"
    where = f" WHERE ({roles.where}\n)" if roles.where else ""
    source.query(
        f"CREATE OR REPLACE TEMP TABLE {_ITEMS} AS SELECT *, labeled AS taken FROM "
        f"(SELECT {', '.join(texts)}, {code} AS v, {label} AS labeled FROM {VERDICTS}{where}) WHERE v >= 0"
    )
    named = ", ".join(names)
    missing = " OR ".join(f"{name} IS NULL OR {name} = ''" for name in names)
    ((n_missing, n),) = source.query(f"SELECT count(*) FILTER (WHERE {missing}), count(*) FROM {_ITEMS}")
    if not n:
        raise ValueError(f"column {roles.judge!r} of {source.name} holds no judge verdicts.")
    if n_missing:
        raise ValueError(
            f"{n_missing:,} of the {n:,} judged items have no {' and '.join(id)}: `id` (--id) must name each."
        )
    twice = source.query(
        f"SELECT {named}, count(*) FROM {_ITEMS} GROUP BY {named} HAVING count(*) > 1 "
        f"ORDER BY {named} LIMIT 1"
    )
    for *item, times in twice:
        said = ", ".join(f"{column} {shown(name)}" for column, name in zip(id, item, strict=True))
        raise ValueError(
            f"{source.name} holds {times} judged rows for {said}: `id` (--id) must tell the items apart, and "
            "may be several columns."
        )
    return Judged(source, roles, tuple(id), code)


def with_blank_labels(source: Table) -> str:
    """Give a source a column of labels that are all missing, and return its name."""
    taken = {column.casefold() for column in source.columns}
    name = next(one for one in ("label", "human_label", "jaxmle_label") if one not in taken)
    source.attach({name: "CAST(NULL AS VARCHAR)"}, "(SELECT 1 AS jaxmle_one) ON false", source)
    return name


def columns_to_show(
    items: Judged, columns: Sequence[str], hidden: Set[str | None]
) -> tuple[list[str], list[str]]:
    """Columns that the person at work is to see, and those that are left out as they read like labels.

    Args:
        items: The items.
        columns: The ones that were asked for; none for all that can be shown.
        hidden: Columns of verdicts and labels.

    Raises:
        ValueError: A column that was asked for is none, or is hidden.
    """
    for column in columns:
        check_column(items.source, column)
        if column in hidden:
            raise ValueError(
                f"`columns` (--column) names {column!r}, a verdict or a label: who sees it tends to agree."
                " With `show_verdict` (--show-verdict) the judge's stands in the queue all the same."
            )
    candidates = [
        one for one in dict.fromkeys(columns or items.source.columns) if one not in {*hidden, *items.id}
    ]
    left_out = [] if columns else [one for one in candidates if _reads_like_labels(items.source, one)]
    return [one for one in candidates if one not in left_out], left_out


def _reads_like_labels(source: Table, column: str) -> bool:
    """Whether a column is named like a human's verdicts and holds few different words."""
    if "human" not in sides_named(column):
        return False
    ((n,),) = source.query(f"SELECT count(DISTINCT {word_of(source.text(column))}) FROM {VERDICTS}")
    return int(n) <= _FEW_WORDS
