"""What the columns of a table hold, in passes over its rows that do not grow with their number."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from jaxmle._data import FAILURE_WORDS, MISSING_WORDS, PASS_WORDS, UNLABELED_WORDS, name_parts
from jaxmle._tables._aggregate import listed, score_in, without_percent, word_of
from jaxmle._tables._source import VERDICTS, Source

Kind = Literal["empty", "constant", "verdict", "score", "id", "category", "text"]

# Words are counted in columns that have no more of them.
_FEW_WORDS = 12
# A first count of distinct values is approximate.
_SURELY_MORE = 14
# So many values or fewer are counted again, exactly.
_FEW_VALUES = 1_000_000
_MOST_SLICES = 1000
_SAMPLE = 10_000
_LONGEST_WORD = 64
_LONGEST_NAME = 100
_ALL_BUT = 0.9
_IDS = frozenset({"id", "ids", "uuid", "guid", "itemid", "promptid", "questionid", "sampleid", "docid"})
_MOST_PAIRS = 20


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        name: Its name; dotted where it lies inside a JSON object.
        filled: Rows with a value.
        distinct: Distinct values.
        longest: Characters of its longest value.
        words: How often each word occurs, lower case, where there are few; missing ones among them.
        numbers: Least and largest value, if all that were looked at are numbers.
        digest: Equal for columns of equal values.
        approximate: Whether ``distinct`` is: in large tables, where there are more than twelve.
        values: How often each word occurs as it is written, the most frequent first, where there are few.
    """

    name: str
    filled: int = 0
    distinct: int = 0
    longest: int = 0
    words: dict[str, int] | None = field(default_factory=dict)
    numbers: tuple[float, float] | None = None
    digest: int = 0
    approximate: bool = False
    values: dict[str, int] | None = field(default_factory=dict)

    @cached_property
    def tokens(self) -> frozenset[str]:
        """Parts of the name, lower case."""
        return frozenset(name_parts(self.name))

    @cached_property
    def present_values(self) -> frozenset[str]:
        """Words that are not missing; none where there are many."""
        return frozenset(self.words or ()) - UNLABELED_WORDS

    def as_written(self, word: str) -> str:
        """How most rows write a word."""
        return next((value.strip() for value in self.values or () if value.strip().lower() == word), word)

    @cached_property
    def n_present(self) -> int:
        """Rows with a value that is not known to be missing."""
        return self.filled if self.words is None else self._rows_of(self.present_values)

    @cached_property
    def kind(self) -> Kind:
        """What sort of column it is."""
        if self.words is not None:
            if not self.present_values:
                return "empty"
            if self.is_named_id:
                return "id"
            known = self.present_values & (FAILURE_WORDS | PASS_WORDS)
            # A few rows may hold a stray word, such as an error of the judge.
            if known == self.present_values or (
                self.numbers is None and self._rows_of(known) > self.n_present / 2
            ):
                return "verdict"
            if len(self.present_values) == 1:
                return "constant"
        unique = self.distinct >= _ALL_BUT * self.filled and self.filled > _FEW_WORDS
        if self.is_named_id or (unique and self.numbers is None and self.longest <= _LONGEST_WORD):
            return "id"
        if self.numbers is not None:
            return "score"
        few = self.words is not None or self.distinct <= min(_MOST_SLICES, self.filled / 5)
        return "category" if few and self.longest <= _LONGEST_NAME else "text"

    def _rows_of(self, words: frozenset[str]) -> int:
        return sum((self.words or {})[word] for word in words)

    @cached_property
    def is_named_id(self) -> bool:
        """Whether the name says that it tells things apart."""
        return bool(self.tokens & _IDS)


def profile(source: Source) -> tuple[int, list[Column]]:
    """Look at all rows and columns.

    Args:
        source: An opened source.

    Returns:
        The number of rows, and a description of each column, in their order.

    Raises:
        ValueError: A row cannot be read.
    """
    names = [name for name in _names(source) if "\0" not in name]
    every = list(range(len(names)))
    sums = source.query(
        "SELECT name, count(value), approx_count_distinct(value), max(length(value)), sum(hash(value)) "
        f"FROM ({_long(source, names, every)}) GROUP BY name"
    )
    found = {_index(name): numbers for name, *numbers in sums}
    rows = found.pop(len(names), [0])[0]
    few = [i for i in found if found[i][1] <= _SURELY_MORE]
    words, values = _words(source, names, few)
    ranges = _ranges(source, names, [i for i in found if i not in words])
    exact = _distinct(source, names, [i for i in found if i not in words], rows)
    columns = []
    for i, name in enumerate(names):
        filled, distinct, longest, digest = found.get(i, (0, 0, 0, 0))
        spelt = words.get(i, {} if not filled else None)
        numbers = _range_of(spelt) if spelt is not None else ranges.get(i)
        approximate = spelt is None and i not in exact
        distinct = exact.get(i, distinct) if spelt is None else len(spelt)
        # Longer ones are cut, and would be what no row holds.
        written = values.get(i, {}) if spelt is not None and (longest or 0) <= _LONGEST_WORD else None
        columns.append(
            Column(name, filled, distinct, longest, spelt, numbers, int(digest), approximate, written)
        )
    return rows, columns


def repeats(source: Source, column: str) -> int:
    """How many rows hold a value that an earlier one holds too."""
    text = source.text(column)
    ((times,),) = source.query(f"SELECT count({text}) - count(DISTINCT {text}) FROM {VERDICTS}")
    return int(times)


def copies(source: Source, columns: list[Column]) -> list[tuple[str, str]]:
    """Pairs of columns that hold the same value in every row; no constant ones."""
    seen: dict[tuple[int, int, int], str] = {}
    pairs = []
    for column in columns:
        if column.distinct > 1:
            first = seen.setdefault((column.filled, column.longest, column.digest), column.name)
            pairs += [(first, column.name)] if first != column.name else []
    pairs = pairs[:_MOST_PAIRS]
    if not pairs:
        return []
    differ = ", ".join(
        f"max(CASE WHEN {source.text(one)} IS DISTINCT FROM {source.text(two)} THEN 1 ELSE 0 END)"
        for one, two in pairs
    )
    (found,) = source.query(f"SELECT {differ} FROM {VERDICTS}")
    return [pair for pair, different in zip(pairs, found, strict=True) if not different]


def _names(source: Source) -> list[str]:
    """Columns, and in place of one that holds JSON objects the fields of these."""
    names = []
    for column in source.columns:
        inner = source.inside(source.parts[0], f"{column}.") if "." not in column else []
        names += [name for name in inner if name.count(".") == 1] or [column]
    return names


def _long(source: Source, names: list[str], chosen: list[int], limit: str = "") -> str:
    """Query for one row a value that is there, whatever the number of columns: name, value.

    A last column of empty texts, of number ``len(names)``, tells how many rows there are.
    """
    texts = ", ".join([*(f"{source.text(names[i])} AS c{i}" for i in chosen), f"'' AS c{len(names)}"])
    rows = f"SELECT {texts} FROM {VERDICTS}{limit}"
    return f"SELECT name, value FROM (UNPIVOT ({rows}) ON COLUMNS(*) INTO NAME name VALUE value)"


def _index(name: str) -> int:
    return int(name[1:])


def _words(
    source: Source, names: list[str], chosen: list[int]
) -> tuple[dict[int, dict[str, int]], dict[int, dict[str, int]]]:
    """Words of the columns that have few, with their numbers, and the same as they are written."""
    if not chosen:
        return {}, {}
    spelt = f"SELECT name, value, count(*) AS n FROM ({_long(source, names, chosen)}) GROUP BY name, value"
    value = f"left(value, {_LONGEST_WORD})"
    found: dict[int, dict[str, int]] = {i: {} for i in chosen}
    written: dict[int, dict[str, int]] = {i: {} for i in chosen}
    for name, word, text, times in source.query(
        f"SELECT name, {word_of(value)} AS word, {value} AS text, sum(n) FROM ({spelt}) GROUP BY ALL "
        "ORDER BY 4 DESC, 3"
    ):
        if name != f"c{len(names)}":
            i = _index(name)
            written[i][text] = int(times)
            found[i][word] = found[i].get(word, 0) + int(times)
    few = {i: words for i, words in found.items() if len(words.keys() - MISSING_WORDS) <= _FEW_WORDS}
    return few, written


def _distinct(source: Source, names: list[str], chosen: list[int], rows: int) -> dict[int, int]:
    """Distinct values of columns that have many, counted exactly; none where that would take long."""
    if not chosen or rows * len(chosen) > _FEW_VALUES:
        return {}
    found = source.query(
        f"SELECT name, count(DISTINCT value) FROM ({_long(source, names, chosen)}) GROUP BY name"
    )
    return {_index(name): distinct for name, distinct in found if name != f"c{len(names)}"}


def _ranges(source: Source, names: list[str], chosen: list[int]) -> dict[int, tuple[float, float]]:
    """Least and largest value of the columns whose first values are all numbers."""
    if not chosen:
        return {}
    number = f"TRY_CAST(replace({without_percent('value')}, ',', '.') AS DOUBLE)"
    found = source.query(
        f"SELECT name, count(value), count_if(isfinite({number})), min({number}), max({number}) "
        f"FROM ({_long(source, names, chosen, f' LIMIT {_SAMPLE}')}) "
        f"WHERE {word_of(f'left(value, {_LONGEST_WORD})')} NOT IN ({listed(MISSING_WORDS)}) "
        "GROUP BY name"
    )
    return {_index(name): (low, high) for name, n, finite, low, high in found if n == finite}


def _range_of(words: dict[str, int]) -> tuple[float, float] | None:
    """Least and largest of few words, if all are numbers."""
    try:
        values = [score_in(word) for word in words if word not in MISSING_WORDS]
    except ValueError:
        return None
    return (min(values), max(values)) if values and all(map(math.isfinite, values)) else None
