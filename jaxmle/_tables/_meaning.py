"""What verdicts mean: which values of both columns are failures, and whether that is sure enough to go on."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jaxmle._data import (
    FAILURE_WORDS,
    MISSING_WORDS,
    NAMED_WORDS,
    PASS_WORDS,
    UNLABELED_WORDS,
    Vocabulary,
    as_words,
    opposites_of,
    plainest,
    says_bad,
    says_good,
    sides_of,
    writing_of,
)
from jaxmle._tables._aggregate import Roles, check_scores, code_of, listed, score_code, score_in, verdict_code
from jaxmle._tables._asking import Arguments, OptionError
from jaxmle._tables._checks import shown
from jaxmle._tables._files import quote_name
from jaxmle._tables._guess import sides_named
from jaxmle._tables._source import Row, Source
from jaxmle._types import Document

Coder = Callable[[str], str]
Said = str | float | Sequence[Any]

# Arguments that say what words and scores mean.
MEANING = ("failure", "judge_failure", "human_failure", "passes", "judge_threshold", "human_threshold")
_ROLES = {"j": "judge", "h": "human"}
_MISSING = {"j": MISSING_WORDS, "h": UNLABELED_WORDS}
_MOST_WORDS = 4
# Numbers beside 0 and 1 in this share of the verdicts are grades, in fewer mistakes.
_FEWEST_GRADES = 0.1


class UnclearMeaningError(OptionError):
    """It is open which value of a column is the failure.

    Attributes:
        options: What to say for the likelier reading: words by the name of the argument.
    """

    def __init__(self, *parts: str | Arguments, options: Mapping[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(*parts)
        self.options = dict(options or {})


@dataclass(frozen=True)
class Meaning:
    """What the user says of the verdicts; nothing where nothing was said.

    Attributes:
        failure: Words that mean failure in both columns, lower case.
        judge_failure: The same in the judge's column alone.
        human_failure: The same in the human's.
        passes: Words that mean pass in both.
        judge_threshold: Which scores of the judge are failures.
        human_threshold: The same of the human.
    """

    failure: frozenset[str] = frozenset()
    judge_failure: frozenset[str] = frozenset()
    human_failure: frozenset[str] = frozenset()
    passes: frozenset[str] = frozenset()
    judge_threshold: str | None = None
    human_threshold: str | None = None

    @classmethod
    def of(
        cls,
        failure: Said = (),
        judge_failure: Said = (),
        human_failure: Said = (),
        passes: Said = (),
        judge_threshold: str | float | None = None,
        human_threshold: str | float | None = None,
    ) -> "Meaning":
        """Bring what was said to one form.

        Raises:
            ValueError: A threshold is none, or stands beside words that say what the same column means.
        """
        words = [
            frozenset[str]() if isinstance(one, tuple) and not one else as_words(one)
            for one in (failure, judge_failure, human_failure, passes)
        ]
        limits = [None if one is None else str(one) for one in (judge_threshold, human_threshold)]
        said = cls(words[0], words[1], words[2], words[3], limits[0], limits[1])
        for key, role in _ROLES.items():
            if (threshold := said.threshold(key)) is not None:
                score_code("w", threshold, role)  # before any row is read
                if getattr(said, f"{role}_failure"):
                    raise ValueError(
                        f"`{role}_failure` and `{role}_threshold` (--{role}-failure and --{role}-threshold) "
                        "both say which verdicts are failures: give one."
                    )
        return said

    def threshold(self, key: str) -> str | None:
        """Threshold of a column, if it is graded."""
        return self.judge_threshold if key == "j" else self.human_threshold

    def own(self, key: str) -> frozenset[str]:
        """Words said to be failures in this column alone."""
        return self.judge_failure if key == "j" else self.human_failure

    def words(self, key: str) -> frozenset[str]:
        """Words said to be failures in a column."""
        return self.own(key) or self.failure


def coders_of(source: Source, staged: str, roles: Roles, said: Meaning) -> dict[str, Coder]:
    """SQL for the verdict of each column, from the words as they stand in ``staged``.

    Raises:
        ValueError: A word that was called a failure occurs nowhere, or scores cannot be read.
    """
    coders: dict[str, Coder] = {}
    meanings = _vocabularies(source, staged, roles, said)
    for key, role in _ROLES.items():
        threshold = said.threshold(key)
        if key in roles.coded:
            coders[key] = code_of
        elif threshold is None:
            coders[key] = partial(verdict_code, vocabulary=meanings[key], missing=_MISSING[key])
        else:
            check_scores(source, staged, key, threshold, role, getattr(roles, role))
            coders[key] = partial(score_code, threshold=threshold, role=role, missing=_MISSING[key])
    return coders


def failures_of(
    source: Source, staged: str, roles: Roles, said: Meaning, coders: dict[str, Coder]
) -> dict[str, Document]:
    """Which value is a failure in each column, and how many of the rows that count hold it.

    Returns:
        For "judge" and "human" the ``column``, the ``words`` that are failures there, as most rows write
        them, how many rows have one, ``n``, and ``of`` how many with a verdict.

    Raises:
        UnclearMeaningError: The name of a column says that its 1, true or yes is good, or what was said of
            both columns suits one of them only.
    """
    codes = ", ".join(f"{coders[key](key)} AS {key}c" for key in _ROLES)
    # Of scores there may be as many as rows: none is asked for.
    spelt = {key: f"{key}c >= 0" if said.threshold(key) is None else "1 = 0" for key in _ROLES}
    words = ", ".join(
        f"CASE WHEN {test} THEN {name} ELSE '' END AS {name}"
        for key, test in spelt.items()
        for name in (key, f"{key}t")
    )
    coded = f"SELECT j, h, jt, ht, n, {codes} FROM {staged}"
    rows = source.query(
        f"SELECT j, h, jc, hc, sum(n) AS n, jt, ht FROM (SELECT {words}, jc, hc, n FROM ({coded}) AS coded) "
        "AS worded GROUP BY j, h, jc, hc, jt, ht"
    )
    _check_roles(roles, rows)
    used = [row for row in rows if row[2] in (0, 1) and row[3] in (None, 0, 1)]
    try:
        _check(roles, said, rows, used)
    except UnclearMeaningError:
        _check_grades(source, f"({coded}) AS coded", roles, said)
        raise
    found = {}
    for place, (key, role) in enumerate(_ROLES.items()):
        codes_of = [(row[place], row[place + 2], int(row[4])) for row in used if row[place + 2] in (0, 1)]
        threshold = said.threshold(key)
        if threshold is not None:
            named = [threshold.strip() if threshold.strip()[:1] in "<>" else f">= {threshold.strip()}"]
        else:
            written = _written((row[place], row[place + 5], row[4]) for row in used if row[place + 2] == 1)
            held = [written[word] for word in sorted(written)]
            named = held or _absent({word for word, _, _ in codes_of}, said.words(key))
        found[role] = {
            "column": getattr(roles, role),
            "words": named,
            "n": sum(n for _, code, n in codes_of if code == 1),
            "of": sum(n for _, _, n in codes_of),
        }
    return found


def _written(rows: Iterable[tuple[str, str, float]]) -> dict[str, str]:
    """How most rows write each word, from words, the same as they are written, and numbers of rows."""
    times: dict[str, Counter[str]] = {}
    for word, text, n in rows:
        times.setdefault(word, Counter())[text.strip()] += int(n)
    return {word: max(sorted(texts), key=texts.__getitem__) for word, texts in times.items()}


def _check_roles(roles: Roles, rows: list[Row]) -> None:
    """Stop where judge and human are likely swapped: judges look at all items, humans at some."""
    judged = sum(int(row[4]) for row in rows if row[2] in (0, 1))
    labeled = sum(int(row[4]) for row in rows if row[3] in (0, 1))
    kinds = [sides_named(getattr(roles, role)) for role in _ROLES.values()]
    # Names that say which is which are believed; without, a judge that gave no verdict on most items.
    crossed = kinds[0] == {"human"} or kinds[1] == {"judge"}
    straight = not crossed and (kinds[0] == {"judge"} or kinds[1] == {"human"})
    if judged and judged < labeled and not straight and (crossed or 2 * judged < labeled):
        raise OptionError(
            f"the judge {shown(roles.judge)} has {judged:,} verdicts and the human {shown(roles.human)} "
            f"{labeled:,}: did you mean ",
            {"judge": roles.human, "human": roles.judge},
            "? If not, leave out the rows without a judge verdict: ",
            {"where": f"{quote_name(roles.judge)} IS NOT NULL"},
            ".",
        )


def _check_grades(source: Source, coded: str, roles: Roles, said: Meaning) -> None:
    """Stop where 1 is one of several grades: then no word says which of them are failures."""
    for key, role in _ROLES.items():
        if said.threshold(key) is not None or key in roles.coded:
            continue
        every = source.query(
            f"SELECT {key}, {key}c, sum(n) AS n FROM {coded} GROUP BY {key}, {key}c "
            f"ORDER BY n DESC, {key} LIMIT 100"
        )
        given = [(str(word), code, int(n)) for word, code, n in every if code is not None]
        grades = [(score_in(word), n) for word, code, n in given if code == -1 and is_number(word)]
        if sum(n for _, n in grades) >= _FEWEST_GRADES * sum(n for _, _, n in given) > 0:
            raise OptionError(
                f"{shown(getattr(roles, role))} holds grades, such as {max(grades)[0]:g}: say which of them "
                "are failures, as in ",
                {f"{role}_threshold": f"<{max(grades)[0]:g}"},
                ".",
            )


def is_number(word: str) -> bool:
    """Whether a word is a finite number, with a point or a comma, or a percentage."""
    try:
        return math.isfinite(score_in(word))
    except ValueError:
        return False


def _absent(passes: set[str], given: frozenset[str]) -> list[str]:
    """What would be a failure in a column that holds none."""
    if known := opposites_of(frozenset(passes)):
        return known
    return plainest(given)[:_MOST_WORDS]


def _check(roles: Roles, said: Meaning, rows: list[Row], used: list[Row]) -> None:
    """Stop where it is open which value is the failure."""
    turned: dict[str, tuple[str, str]] = {}
    neutral: dict[str, tuple[str, str]] = {}
    for place, (key, role) in enumerate(_ROLES.items()):
        name = getattr(roles, role)
        if said.threshold(key) is not None:
            continue
        held = frozenset(row[place] for row in rows if row[place + 2] in (0, 1)) & NAMED_WORDS
        sides = sides_of(held)
        if sides is None:
            continue
        explained = said.words(key) | said.passes
        if not held & writing_of(explained):
            (turned if says_good(name) else neutral)[key] = sides
        elif not said.own(key) and says_bad(name) and said.failure & PASS_WORDS & writing_of(held):
            fails, oks = sides
            opposite = _ROLES["h" if key == "j" else "j"]
            right = {f"{opposite}_failure": tuple(plainest(said.failure)), f"{role}_failure": (fails,)}
            raise UnclearMeaningError(
                f"{shown(name)} reads as if {fails} were the failure, and ",
                {"failure": oks},
                " makes it a pass: say ",
                right,
                ", or ",
                {f"{role}_failure": oks},
                " if it is one.",
                options=right,
            )
    if not turned:
        return
    # A column whose name does not tell is likely written like the other one that it mostly agrees with.
    pairs = [(row[2] == row[3], int(row[4])) for row in used if row[3] in (0, 1)]
    agreeing = sum(n if same else -n for same, n in pairs)
    names = [shown(getattr(roles, _ROLES[key])) for key in turned]
    alike = ""
    for key, sides in neutral.items():
        if agreeing > 0 and sides in turned.values() and not says_bad(getattr(roles, _ROLES[key])):
            turned[key] = sides
            alike = f", and {shown(getattr(roles, _ROLES[key]))} mostly says the same"
    right = _arguments({key: sides[1] for key, sides in turned.items()}, said)
    other = _arguments({key: sides[0] for key, sides in turned.items()}, said)
    good = " and ".join(dict.fromkeys(sides[0] for sides in turned.values()))
    verb = "read" if len(names) > 1 else "reads"
    raise UnclearMeaningError(
        f"{' and '.join(names)} {verb} as if {good} meant good{alike}: say ",
        right,
        " if so, or ",
        other,
        f" if {good} is the failure all the same.",
        options=right,
    )


def _arguments(words: dict[str, str], said: Meaning) -> dict[str, tuple[str, ...]]:
    """Words by the argument that says them: one for both columns where that does."""
    if len(words) == 2 and len(set(words.values())) == 1 and not said.failure:
        return {"failure": (words["j"],)}
    return {f"{_ROLES[key]}_failure": (word,) for key, word in words.items()}


def _vocabularies(source: Source, staged: str, roles: Roles, said: Meaning) -> dict[str, Vocabulary]:
    """What the words of each column mean, given the words that the user calls failures and passes."""
    meanings = dict.fromkeys(_ROLES, Vocabulary())
    columns = [key for key in _ROLES if said.threshold(key) is None]
    every = said.failure | said.judge_failure | said.human_failure | said.passes
    if not every or not columns:
        return meanings
    known = listed(FAILURE_WORDS | PASS_WORDS | UNLABELED_WORDS | every)
    holds: dict[str, bool] = {}
    written: dict[str, bool] = {}
    unknown: dict[str, set[str]] = {}
    for key in columns:
        given = said.words(key)
        # At most one row a word of few: what was named, and other words written alike.
        alike = listed(writing_of(given) | given | {""})
        query = f"SELECT DISTINCT {key} AS word FROM {staged} WHERE "
        found = {row[0] for row in source.query(f"{query}{key} IN ({alike})")}
        holds[key], written[key] = bool(found & given), bool(found & (writing_of(given) | given))
        others = f"{key} IS NOT NULL AND {key} NOT IN ({known})"
        unknown[key] = {row[0] for row in source.query(f"{query}{others} LIMIT 2")}
    shared = [key for key in columns if said.failure and not said.own(key)]
    for group in (shared, *([key] for key in columns if said.own(key))):
        # Where columns were made one by a rule, words were looked for as each of them was read.
        if group and not roles.coded and not any(written[key] for key in group):
            where = " or ".join(repr(getattr(roles, _ROLES[key])) for key in group)
            words = " or ".join(map(repr, plainest(said.words(group[0]))))
            if roles.where and not source.query(f"SELECT 1 FROM {staged} LIMIT 1"):
                raise ValueError(f"cannot use {source.name}: no row meets the condition.")
            raise ValueError(f"no verdict in {where} is {words}.")
    both = set[str]().union(*(unknown[key] for key in shared))
    for key in columns:
        others_of = frozenset(unknown[key] if said.own(key) else both)
        meanings[key] = Vocabulary.with_failure(said.words(key), others_of, holds[key], said.passes)
    return meanings
