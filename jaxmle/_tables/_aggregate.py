"""The one aggregation, whichever engine runs it: rows of verdicts to counts by slice.

Written in DuckDB's dialect with nothing that other engines lack (no FILTER, no TRY_CAST), as Ibis
translates it for them. Verdicts are grouped as they stand before anybody asks what they mean, so that an
engine looks at each row once and at each distinct verdict a second time.
"""

import re
from dataclasses import dataclass

from jaxmle._data import MISSING_WORDS, Vocabulary
from jaxmle._tables._files import quote_text
from jaxmle._tables._source import VERDICTS, Source

# What becomes of a row. The first six are the counts, in their order; rows without a judge verdict are told
# apart by what the human says; the rest are rows that cannot be used.
N_CELLS = 6
NO_JUDGE = {1: 6, 0: 7, None: 8}
BAD_JUDGE, BAD_HUMAN, BAD_WEIGHT, BAD_CLUSTER = 9, 10, 11, 12
N_KINDS = 13
# Columns of `six_numbers`.
COUNTS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
UNJUDGED = ("unjudged_failures", "unjudged_passes", "unjudged_rest")
BAD = ("bad_judge", "bad_human")
# What becomes of the rows that each of them counts.
KINDS = (*range(N_CELLS), *NO_JUDGE.values(), BAD_JUDGE, BAD_HUMAN)

_SPACE = quote_text(" \t\r\n")
# A comma may stand for the point.
_NUMBER = quote_text("^[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)(e[+-]?[0-9]+)?$")
_THOUSANDS = quote_text("^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+$")
_COMMAS = quote_text("^[+-]?(0?,[0-9]+|[0-9]+,([0-9]{1,2}|[0-9]{4,}))$")
# Products of four weights must be numbers too.
_LEAST, _MOST = "1e-50", "1e50"
_THRESHOLD = re.compile(
    r"\s*(>=|>|<=|<)?\s*([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[+-]?\d+)?)\s*(%)?\s*", re.IGNORECASE
)

# What stands in columns that were made of others by a rule.
FAILED, PASSED = "fail", "pass"


@dataclass(frozen=True)
class Roles:
    """Which columns are what.

    Attributes:
        judge: Column of judge verdicts; empty until a log has told it.
        human: Column of human verdicts.
        by: Columns that make the slices.
        weight: Column of item weights, or None.
        cluster: Column of cluster names, or None.
        where: Condition in SQL that rows must meet, or None.
        coded: "j", "h" or both where the column holds `FAILED` and `PASSED`, whatever else words mean.
    """

    judge: str
    human: str
    by: tuple[str, ...] = ()
    weight: str | None = None
    cluster: str | None = None
    where: str | None = None
    coded: frozenset[str] = frozenset()

    @property
    def columns(self) -> list[str]:
        """All columns, each once."""
        named = (self.judge, self.human, *self.by, self.weight, self.cluster)
        return list(dict.fromkeys(name for name in named if name is not None))


def score_in(word: str) -> float:
    """The number that a score is written as, with a point or a comma, without its sign of percent.

    Raises:
        ValueError: It is none.
    """
    return float(word.strip(" %").replace(",", "."))


def word_of(text: str) -> str:
    """SQL for text in lower case without surrounding space."""
    return f"lower(trim({text}, {_SPACE}))"


def listed(words: frozenset[str] | set[str]) -> str:
    """SQL list of strings."""
    return ", ".join(quote_text(word) for word in sorted(words))


def verdict_code(word: str, vocabulary: Vocabulary, missing: frozenset[str] = MISSING_WORDS) -> str:
    """SQL for 1 failure, 0 pass, NULL missing, -1 neither."""
    return (
        f"CASE WHEN {word} IS NULL OR {word} IN ({listed(missing)}) THEN NULL "
        f"WHEN {word} IN ({listed(vocabulary.failures)}) THEN 1 "
        f"WHEN {word} IN ({listed(vocabulary.passes)}) THEN 0 ELSE -1 END"
    )


def is_number(word: str) -> str:
    """SQL for whether a word is a number."""
    return f"regexp_matches({word}, {_NUMBER})"


def number_of(word: str) -> str:
    """SQL for a word that is a number, as one."""
    return f"CAST(replace({word}, ',', '.') AS DOUBLE)"


def without_percent(word: str) -> str:
    """SQL for a score that may be written as a percentage, without its sign: 75% is read as 75."""
    return f"trim({word}, ' %')"


def _parsed(threshold: str, role: str) -> tuple[str, float]:
    """Comparison and number of a threshold; of percentages the number before the sign."""
    match = _THRESHOLD.fullmatch(threshold)
    if not match:
        raise ValueError(
            f"`{role}_threshold` (--{role}-threshold) must be a number, at or above which a score is a "
            f"failure, or say it all, as in '>=0.5', '<3' or '<50%'; got {threshold!r}."
        )
    return match[1] or ">=", float(match[2].replace(",", "."))


def code_of(word: str) -> str:
    """SQL for 1 failure, 0 pass, NULL missing, -1 neither, of a column in the words of `FAILED`, `PASSED`."""
    known = f"WHEN {word} = '{FAILED}' THEN 1 WHEN {word} = '{PASSED}' THEN 0"
    return f"CASE WHEN {word} IS NULL THEN NULL {known} ELSE -1 END"


def score_code(
    word: str, threshold: str, role: str = "judge", missing: frozenset[str] = MISSING_WORDS
) -> str:
    """SQL for 1 failure, 0 pass, NULL missing, -1 no number, of a graded score.

    Raises:
        ValueError: ``threshold`` is not a number after at most one of >=, >, <= and <.
    """
    compared, limit = _parsed(threshold, role)
    number = without_percent(word)
    beyond = f"{number_of(number)} {compared} {limit!r}"
    return (
        f"CASE WHEN {word} IS NULL OR {word} IN ({listed(missing)}) THEN NULL "
        f"WHEN {is_number(number)} THEN CASE WHEN {beyond} THEN 1 ELSE 0 END ELSE -1 END"
    )


def check_scores(source: Source, staged: str, word: str, threshold: str, role: str, column: str) -> None:
    """Raise ``ValueError`` where scores could be read in two ways."""
    plain = is_number(word)
    tests = (
        f"regexp_matches({word}, {_THOUSANDS})",
        f"regexp_matches({word}, {_COMMAS})",
        f"{word} IN ('-1', '-1.0')",
        f"{is_number(without_percent(word))} AND NOT {plain}",
        f"{plain} AND {word} NOT IN ('-1', '-1.0')",
    )
    asked = ", ".join(f"max(CASE WHEN {test} THEN 1 ELSE 0 END) AS t{i}" for i, test in enumerate(tests))
    ((thousands, commas, minus_one, percentages, numbers),) = source.query(f"SELECT {asked} FROM {staged}")
    if thousands and not commas:
        raise ValueError(
            f"{column!r} holds numbers such as '1,000': write 1000 for a thousand and 1.000 for one."
        )
    if percentages and numbers:
        raise ValueError(
            f"{column!r} holds percentages, such as 75%, and numbers without the sign: write all in one way."
        )
    if numbers and "%" in threshold:
        raise ValueError(
            f"`{role}_threshold` (--{role}-threshold) {threshold!r} is a percentage, and {column!r} holds "
            "numbers without the sign: leave it out, and give the number as they are written."
        )
    _, limit = _parsed(threshold, role)
    if minus_one and role == "human" and limit <= 0:
        raise ValueError(
            f"{column!r} holds -1, which says in a column of human verdicts that there is none: leave such "
            "cells blank, or, if it is a grade, add 1 or more to all grades and to `human_threshold` "
            "(--human-threshold)."
        )


def grouped(source: Source, roles: Roles) -> str:
    """Query that counts rows by slice, cluster and verdicts as they are written.

    Its columns are k0, k1, ..., c (cluster), j and h (words), jt and ht (the same as they are written),
    n (rows), and of the weights w (sum), ww (sum of squares) and bad (whether they are no weights).
    """
    keys = _keys(roles)
    texts = [f"{source.text(column)} AS {key}" for key, column in zip(keys, roles.by, strict=True)]
    texts += [f"{source.text(roles.judge)} AS j", f"{source.text(roles.human)} AS h"]
    named = [*keys, "j", "h"]
    if roles.cluster:
        texts.append(f"{source.text(roles.cluster)} AS c")
        named.append("c")
    groups, sums = list(named), "count(*) AS n"
    if roles.weight:
        texts.append(f"{weight_of(word_of(source.text(roles.weight)))} AS w")
        sums += ", sum(w) AS w, sum(w * w) AS ww, CASE WHEN w IS NULL THEN 1 ELSE 0 END AS bad"
        groups.append("CASE WHEN w IS NULL THEN 1 ELSE 0 END")
    # The line break keeps a comment in the condition from swallowing what follows.
    where = f" WHERE ({roles.where}\n)" if roles.where else ""
    rows = f"SELECT {', '.join(texts)} FROM {VERDICTS}{where}"
    counts = f"SELECT {', '.join(named)}, {sums} FROM ({rows}) AS listed GROUP BY {', '.join(groups)}"
    # Words are brought to one form after grouping: there are few of them, and many rows.
    words = [f"{word_of(name)} AS {name}" if name in ("j", "h") else name for name in named]
    words += ["j AS jt", "h AS ht"]
    more = ", w, ww, bad" if roles.weight else ""
    return f"SELECT {', '.join(words)}, n{more} FROM ({counts}) AS spelt"


def weight_of(word: str) -> str:
    """SQL for a weight as a number, NULL where it is none, negative, or too small or large to be squared."""
    number = f"CASE WHEN {is_number(word)} THEN {number_of(word)} ELSE NULL END"
    return f"CASE WHEN {number} = 0 OR {number} BETWEEN {_LEAST} AND {_MOST} THEN {number} ELSE NULL END"


def counted(staged: str, roles: Roles, judge_code: str, human_code: str) -> str:
    """Query for the sums of each slice, cluster and kind of row, from the result of `grouped`.

    Its columns are the number of the slice, k0, k1, ..., the number of the cluster or 0, the kind, the rows,
    and the sums of weights and of their squares or 0.
    """
    keys = _keys(roles)
    kind = _kind(roles)
    extra = (", c" if roles.cluster else "") + (", w, ww, bad" if roles.weight else "")
    named = "".join(f"{key}, " for key in keys)
    coded = f"SELECT {named}{judge_code} AS j, {human_code} AS h, n{extra} FROM {staged}"
    order = ", ".join(f"{key} NULLS LAST" for key in keys)
    slice_ = f"dense_rank() OVER (ORDER BY {order}) - 1" if keys else "0"
    cluster = "dense_rank() OVER (ORDER BY c) - 1" if roles.cluster else "0"
    weights = "w, ww" if roles.weight else "0 AS w, 0 AS ww"
    kinds = (
        f"SELECT {named}{slice_} AS s, {cluster} AS g, CASE {kind}END AS kind, n, {weights} "
        f"FROM ({coded}) AS coded"
    )
    return (
        f"SELECT s, {named}g, kind, sum(n) AS n, sum(w) AS w, sum(ww) AS ww FROM ({kinds}) AS kinds "
        f"GROUP BY s, {named}g, kind"
    )


def six_numbers(staged: str, roles: Roles, judge_code: str, human_code: str) -> str:
    """Query for a row a slice, from the result of `grouped` without weights and clusters.

    Its columns are k0, k1, ..., the six counts, human failures and passes among the rows without a judge
    verdict, all such rows, and rows with a word of the judge and of the human that is neither.
    """
    keys = _keys(roles)
    named = "".join(f"{key}, " for key in keys)
    coded = f"SELECT {named}{judge_code} AS j, {human_code} AS h, n FROM {staged}"
    of_kind = f"SELECT {named}CASE {_kind(roles)}END AS kind, n FROM ({coded}) AS coded"
    sums = ", ".join(
        f"CAST(sum(CASE WHEN kind = {kind} THEN n ELSE 0 END) AS BIGINT) AS {name}"
        for kind, name in zip(KINDS, (*COUNTS, *UNJUDGED, *BAD), strict=True)
    )
    groups = f" GROUP BY {', '.join(keys)}" if keys else ""
    return f"SELECT {named}{sums} FROM ({of_kind}) AS kinds{groups}"


def six_numbers_in_order(staged: str, roles: Roles, judge_code: str, human_code: str) -> str:
    """The same with slices in the order of their keys, what is missing last."""
    order = ", ".join(f"{key} NULLS LAST" for key in _keys(roles))
    query = six_numbers(staged, roles, judge_code, human_code)
    return f"{query} ORDER BY {order}" if order else query


def _kind(roles: Roles) -> str:
    """SQL of a CASE for what becomes of a row, from the codes of its verdicts."""
    kind = f"WHEN j = -1 THEN {BAD_JUDGE} WHEN h = -1 THEN {BAD_HUMAN} "
    if roles.weight:
        kind += f"WHEN bad = 1 THEN {BAD_WEIGHT} "
    if roles.cluster:
        kind += f"WHEN c IS NULL THEN {BAD_CLUSTER} "
    for human in (1, 0, None):
        is_human = f"h = {human}" if human is not None else "h IS NULL"
        kind += f"WHEN j IS NULL AND {is_human} THEN {NO_JUDGE[human]} "
    for cell, (human, judge) in enumerate(((1, 1), (1, 0), (0, 1), (0, 0), (None, 1), (None, 0))):
        is_human = f"h = {human}" if human is not None else "h IS NULL"
        kind += f"WHEN j = {judge} AND {is_human} THEN {cell} "
    return kind


def _keys(roles: Roles) -> list[str]:
    return [f"k{i}" for i in range(len(roles.by))]
