"""One group-by from rows of verdicts to six numbers a slice."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jaxmle.tables._source import Source, quote_text
from jaxmle.tables._words import FAILURE_WORDS, MISSING_WORDS, PASS_WORDS, Vocabulary

if TYPE_CHECKING:
    from jaxmle._data import Counts

# Columns of the aggregation, after the keys: six counts, rows without a judge verdict, bad rows.
_CELLS = (("j = 1", "h = 1"), ("j = 0", "h = 1"), ("j = 1", "h = 0"), ("j = 0", "h = 0"))
_SPACE = quote_text(" \t\r\n")


@dataclass(frozen=True)
class SliceCounts:
    """Counts by slice, and what was left out.

    Attributes:
        counts: Counts of shape ``(n_slices,)``; one slice where no columns were given.
        keys: One row per slice, in the order of ``counts``: column name to value (text or None).
        dropped: Rows left out, by reason.
        n_rows: Rows read.
    """

    counts: "Counts"
    keys: list[dict[str, str | None]]
    dropped: dict[str, int]
    n_rows: int

    @property
    def total(self) -> "Counts":
        """Counts of all slices together."""
        from jaxmle._data import Counts

        return Counts(*(value.sum().item() for value in self.counts.values()))


def count(
    source: str | os.PathLike[str],
    *,
    judge: str,
    human: str,
    by: Sequence[str] = (),
    failure: str | Sequence[str] = (),
) -> SliceCounts:
    r"""Count human and judge verdicts in a file, by slice.

    Verdicts are read without regard to case and surrounding space: 1, true, fail, unsafe and the
    like are failures, 0, false, pass, safe and the like are passes. A blank human verdict means
    that nobody labelled the item. Rows without a judge verdict are left out and counted.

    Args:
        source: Path of a CSV, TSV, JSONL or Parquet file, also compressed (.gz, .zst).
        judge: Column of judge verdicts.
        human: Column of human verdicts, blank where nobody labelled.
        by: Columns whose distinct values make the slices; sorted by value.
        failure: Word or words that mean failure in this file, such as "refusal". The one other
            word that is not known is then a pass. Calling a word a failure that is a pass by
            default, such as "0", makes its opposite a pass.

    Returns:
        Counts by slice, their keys, and rows left out by reason.

    Raises:
        ValueError: The file is missing, unreadable or empty; a column does not exist (the message
            lists those that do); a verdict is neither failure nor pass (it names row and value);
            or there is no judge verdict at all.

    Examples:
        >>> import pathlib, tempfile
        >>> from jaxmle import tables
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "verdicts.csv")
        ...     _ = path.write_text("model,human,judge\na,fail,fail\na,,pass\nb,pass,FAIL\n")
        ...     result = tables.count(path, judge="judge", human="human", by=["model"])
        >>> result.keys
        [{'model': 'a'}, {'model': 'b'}]
        >>> result.counts
        Counts(tp=[1, 0], fn=[0, 0], fp=[0, 1], tn=[0, 0], unlabeled_pos=[0, 0], unlabeled_neg=[1, 0])
    """
    return count_rows(open_table(source, judge, human, by), judge, human, by, failure)


def open_table(source: str | os.PathLike[str], judge: str, human: str, by: Sequence[str]) -> Source:
    """Open a file and see that it has the columns: the part of `count` that is quick."""
    table = Source(source)
    for column in (judge, human, *by):
        _check_column(table, column)
    if judge == human:
        raise ValueError(f"`judge` and `human` must be different columns; both are {judge!r}.")
    return table


def count_rows(
    table: Source, judge: str, human: str, by: Sequence[str], failure: str | Sequence[str]
) -> SliceCounts:
    """Count the verdicts in an opened file, as `count` does."""
    from jaxmle._data import Counts  # brings JAX, which a misspelt column name need not wait for

    keys = list(dict.fromkeys(by))
    words = (failure,) if isinstance(failure, str) else tuple(failure)
    meanings = _vocabularies(table, (judge, human), words)
    codes = {c: _code(table, c, meaning) for c, meaning in zip((judge, human), meanings, strict=True)}
    rows = table.query(_aggregation(table, codes[judge], codes[human], keys))
    if not rows:
        raise ValueError(f"cannot use {str(table.path)!r}: it has a header but no rows.")
    if any(row[-1] for row in rows):
        _raise_bad_verdict(table, {column: codes[column] for column in (judge, human)})
    no_judge = sum(row[-2] for row in rows)
    if all(not any(row[len(keys) : -2]) for row in rows):
        raise ValueError(f"column {judge!r} of {str(table.path)!r} holds no judge verdicts.")
    filled = [row for row in rows if any(row[len(keys) : -2])]
    cells = np.array([row[len(keys) : -2] for row in filled], dtype=np.int64)
    return SliceCounts(
        counts=Counts(*cells.T),
        keys=[dict(zip(keys, row[: len(keys)], strict=True)) for row in filled],
        dropped={"no judge verdict": no_judge} if no_judge else {},
        n_rows=int(cells.sum()) + no_judge,
    )


def _aggregation(table: Source, judge: str, human: str, keys: list[str]) -> str:
    names = [f"k{i}" for i in range(len(keys))]
    selected = "".join(f"{table.text(key)} AS {name}, " for key, name in zip(keys, names, strict=True))
    cells = [f"count(*) FILTER ({j} AND {h})" for j, h in _CELLS]
    cells += [f"count(*) FILTER (j = {j} AND h IS NULL)" for j in (1, 0)]
    # The code -1 marks a verdict that is neither.
    cells += ["count(*) FILTER (j IS NULL AND h IS DISTINCT FROM -1)", "count(*) FILTER (j = -1 OR h = -1)"]
    grouping = (
        f" GROUP BY {', '.join(names)} ORDER BY {', '.join(names)}" if names else " HAVING count(*) > 0"
    )
    columns = ", ".join([*names, *cells])
    return f"SELECT {columns} FROM (SELECT {selected}{judge} AS j, {human} AS h FROM verdicts){grouping}"


def _code(table: Source, column: str, vocabulary: Vocabulary) -> str:
    """SQL for 1 failure, 0 pass, NULL missing, -1 neither."""
    word = f"lower(trim({table.text(column)}, {_SPACE}))"
    return (
        f"CASE WHEN {word} IS NULL OR {word} IN ({_listed(MISSING_WORDS)}) THEN NULL "
        f"WHEN {word} IN ({_listed(vocabulary.failures)}) THEN 1 "
        f"WHEN {word} IN ({_listed(vocabulary.passes)}) THEN 0 ELSE -1 END"
    )


def _vocabularies(table: Source, columns: tuple[str, str], words: tuple[str, ...]) -> list[Vocabulary]:
    """What the words of each column mean, given the words that the user calls failures."""
    if not words:
        return [Vocabulary(), Vocabulary()]
    given = frozenset(word.strip().lower() for word in words)
    given |= {f"{word}.0" for word in given & {"0", "1"}}
    known = _listed(FAILURE_WORDS | PASS_WORDS | MISSING_WORDS | given)
    holds, unknown = [], set()
    for column in columns:
        text = f"lower(trim({table.text(column)}, {_SPACE}))"
        ((found,),) = table.query(f"SELECT count(*) FROM verdicts WHERE {text} IN ({_listed(given)})")
        holds.append(found > 0)
        others = f"{text} IS NOT NULL AND {text} NOT IN ({known})"
        unknown |= {
            row[0] for row in table.query(f"SELECT DISTINCT {text} FROM verdicts WHERE {others} LIMIT 2")
        }
    if not any(holds):
        raise ValueError(
            f"no verdict in {columns[0]!r} or {columns[1]!r} is {' or '.join(map(repr, words))}."
        )
    return [Vocabulary.with_failure(given, frozenset(unknown), held) for held in holds]


def _raise_bad_verdict(table: Source, codes: dict[str, str]) -> None:
    found = []
    for column, code in codes.items():
        rows = table.query(
            f"SELECT n, value FROM (SELECT row_number() OVER () AS n, {table.text(column)} AS value, "
            f"{code} AS code FROM verdicts) WHERE code = -1 ORDER BY n LIMIT 1"
        )
        found += [(int(n), column, value) for n, value in rows]
    row, column, value = min(found)
    shown = value if len(value) <= 40 else value[:37] + "..."
    raise ValueError(
        f"row {row} of {str(table.path)!r}: {column} is {shown!r}, neither a failure nor a pass. "
        f"Name every word that is a failure, as in --failure WORD --failure WORD (failure= in Python)."
    )


def _check_column(table: Source, column: str) -> None:
    if column in table.columns:
        return
    near = difflib.get_close_matches(column, table.columns, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(repr(name) for name in table.columns[:20])
    more = f" and {len(table.columns) - 20} more" if len(table.columns) > 20 else ""
    raise ValueError(f"{str(table.path)!r} has no column {column!r}. Its columns: {listed}{more}.{hint}")


def _listed(words: frozenset[str] | set[str]) -> str:
    return ", ".join(quote_text(word) for word in sorted(words))
