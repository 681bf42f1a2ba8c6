"""Several judges, or several raters, as one verdict by a rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np

from jaxmle._tables._aggregate import FAILED, PASSED, Roles, word_of
from jaxmle._tables._checks import check_column, check_condition
from jaxmle._tables._count import Missing, column_code, open_rows
from jaxmle._tables._meaning import Coder
from jaxmle._tables._open import open_source
from jaxmle._tables._panel import Candidate, Panel, Raters
from jaxmle._tables._source import VERDICTS, Source
from jaxmle._tables._table import Table
from jaxmle._types import Array

_RULES = ("any", "all", "majority")
_NONE = -9
# What two raters say: a failure both, the first or the second alone, and neither.
_CELLS = ([1, 1], [1, 0], [0, 1], [0, 0])
# Tables of what is written side by side, and of what that means.
_SPELT, _VERDICTS = "jaxmle_spelt", "jaxmle_verdicts"


@dataclass(frozen=True)
class Combining:
    """Which columns make the judge's verdict and the human's, and how.

    Attributes:
        judges: Columns of judge verdicts; one where there is nothing to combine, none where a log tells it.
        humans: Columns of human verdicts.
        rule: When the judges' verdict is a failure: "any", "all" or "majority" of those that gave one say so,
            or at least a number of them.
        human_rule: The same of the humans; None takes what they agree on, and refuses where they don't.
        missing: What a judge that gave no verdict said: nothing ("drop"), "failure" or "pass".

    Raises:
        ValueError: A column is named twice; several judges have no rule, or a rule has but one column; or an
            argument is out of range.
    """

    judges: tuple[str, ...]
    humans: tuple[str, ...]
    rule: str | None = None
    human_rule: str | None = None
    missing: Missing = "drop"

    def __post_init__(self) -> None:
        for who, option, columns, rule in (
            ("judge", "combine", self.judges, self.rule),
            ("human", "human_combine", self.humans, self.human_rule),
        ):
            named = f"`{option}` (--{option.replace('_', '-')})"
            if len(set(columns)) < len(columns):
                raise ValueError(f"`{who}` (--{who}) names a column twice: {', '.join(columns)}.")
            if rule is not None and len(columns) < 2:
                files = ", or their files with `human_source` (--human-file)" if who == "human" else ""
                raise ValueError(
                    f"{named} makes one verdict of several: name several with `{who}` (--{who}){files}."
                )
            if rule is not None:
                _check_rule(named, rule, len(columns))
        if len(self.judges) > 1 and self.rule is None:
            raise ValueError(
                f"`judge` (--judge) names {len(self.judges)} columns: say how they make one verdict, with "
                "`combine` (--combine) any, all, majority, or the number of judges that makes a failure."
            )
        if self.missing not in get_args(Missing):
            raise ValueError(f"`missing` (--missing) must be drop, failure or pass; got {self.missing!r}.")

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return len(self.judges) > 1 or len(self.humans) > 1 or self.missing != "drop"


def open_panel(
    source: object,
    roles: Roles,
    combining: Combining,
    *,
    human_source: object = None,
    id: Sequence[str] = (),
    human_where: str | None = None,
    **meaning: Any,
) -> tuple[Source, Roles, Panel | None]:
    """Open a source as `open_rows` does, and make one verdict of several judges and one of several humans.

    Args:
        source: As in `count`.
        roles: Which columns are meant; of several judges or humans any.
        combining: Which these are, and the rules.
        human_source: As in `count`.
        id: Columns that name an item in both.
        human_where: As in `count`.
        **meaning: What words and scores mean, and what to do with others, as in `count`.

    Returns:
        The source, roles that name the columns to count, and what there is to say of judges and humans one
        by one, if anything.

    Raises:
        ValueError: As `count`.
    """
    raters = None
    if human_source is not None and len(combining.humans) > 1:
        human_source = human_source if isinstance(human_source, Table) else open_source(human_source)
        roles, raters = _combine_labels(human_source, roles, combining, human_where, meaning)
        combining = replace(combining, humans=(roles.human,), human_rule=None)
    opened, roles = open_rows(source, roles, human_source=human_source, id=id, human_where=human_where)
    roles, panel = combine(opened, roles, combining, **meaning)
    if raters:
        panel = replace(panel or Panel([], {}, "drop", 0, None), raters=raters)
    return opened, roles, panel


def combine(source: Source, roles: Roles, combining: Combining, **meaning: Any) -> tuple[Roles, Panel | None]:
    """Add columns with the verdicts that the rules make, in place.

    Args:
        source: An opened source.
        roles: Which columns are meant; a single judge and a single human are taken from here.
        combining: The rules.
        **meaning: What words and scores mean, and what to do with others, as in `count`.

    Returns:
        Roles that name the new columns, and what there is to say of judges and humans one by one; the roles
        as they are, and None, where there is nothing to combine.

    Raises:
        ValueError: A column is missing or holds what is no verdict; the humans disagree and there is no rule
            for it, or tie where most are to decide; or the source is of another engine.
    """
    if not combining.is_needed:
        return roles, None
    if not isinstance(source, Table):
        raise ValueError(
            "several judges or humans, and `missing` (--missing), are for files and tables in memory; make "
            "one column of each in Ibis."
        )
    judges = combining.judges if len(combining.judges) > 1 else (roles.judge,)
    humans = combining.humans if len(combining.humans) > 1 else (roles.human,)
    for column in (*judges, *humans):
        check_column(source, column)
    if both := set(judges) & set(humans):
        raise ValueError(f"column {both.pop()!r} is named as a judge and as a human.")
    columns = (*judges, *humans)
    _group_words(source, columns, roles.where)
    first = len(judges)  # place of the first human
    coders = [
        _coder(source, replace(roles, judge=name, human=humans[0]), "j", (i, first), meaning)
        for i, name in enumerate(judges)
    ]
    coders += [
        _coder(source, replace(roles, judge=judges[0], human=name), "h", (0, i), meaning)
        for i, name in enumerate(humans, start=first)
    ]
    patterns, n = _patterns(source, coders)
    said, labels = patterns[:, : len(judges)], patterns[:, len(judges) :]
    absent = {name: int(n[said[:, i] == _NONE].sum()) for i, name in enumerate(judges)}
    raters = _agreement(humans, labels, n, combining.human_rule)
    codes = [f"c{i}" for i in range(len(columns))]
    judge_codes, human_codes = codes[:first], codes[first:]
    if combining.missing != "drop":
        filled = int(combining.missing == "failure")
        said = np.where(said == _NONE, filled, said)
        judge_codes = [f"coalesce({code}, {filled})" for code in judge_codes]
    rule, human_rule = combining.rule or _RULES[0], combining.human_rule or _RULES[0]
    label = _verdict(labels, human_rule, decided=True)
    panel = Panel(
        candidates=list(_candidates(judges, said, label, n, rule)) if len(judges) > 1 else [],
        missing=absent,
        counted_as=combining.missing,
        n_rows=int(n.sum()),
        raters=raters,
    )
    derived = {}
    if len(judges) > 1 or combining.missing != "drop":
        name = _rule_name(rule, judges) if len(judges) > 1 else judges[0]
        if combining.missing != "drop":
            name += f", missing as {combining.missing}"
        roles = replace(roles, judge=name, coded=roles.coded | {"j"})
        derived[name] = _verdict_text(judge_codes, rule)
    if len(humans) > 1:
        name = _label_name(combining)
        roles = replace(roles, human=name, coded=roles.coded | {"h"})
        derived[name] = _verdict_text(human_codes, human_rule, decided=True)
    _attach_verdicts(source, columns, coders, derived)
    return roles, panel


def _group_words(source: Table, columns: Sequence[str], where: str | None) -> None:
    """Stage what occurs side by side in the columns, so that few rows tell what words mean, not all.

    Its columns are t0, t1, ... (what is written), w0, w1, ... (words) and n (rows).
    """
    places = range(len(columns))
    texts = ", ".join(f"{source.text(name)} AS t{i}" for i, name in enumerate(columns))
    words = ", ".join(f"{word_of(f't{i}')} AS w{i}" for i in places)
    condition = f" WHERE ({where}\n)" if where else ""
    spelt = f"SELECT {texts}, count(*) AS n FROM {VERDICTS}{condition} GROUP BY ALL"
    source.query(f"CREATE OR REPLACE TEMP TABLE {_SPELT} AS SELECT *, {words} FROM ({spelt})")


def _coder(
    source: Table,
    roles: Roles,
    which: Literal["j", "h"],
    places: tuple[int, int],
    meaning: dict[str, Any],
) -> Coder:
    """What a column says, beside one of the other kind, of the words that were staged."""
    judge, human = places
    words = f"w{judge} AS j, w{human} AS h, t{judge} AS jt, t{human} AS ht"
    staged = f"(SELECT {words}, n FROM {_SPELT}) AS pairs"
    return column_code(source, staged, roles, which, **meaning)


def _attach_verdicts(
    source: Table, columns: Sequence[str], coders: Sequence[Coder], verdicts: Mapping[str, str]
) -> None:
    """Give each row the verdicts of what is written in it; ``verdicts`` are SQL over codes c0, c1, ..."""
    places = range(len(columns))
    codes = ", ".join(f"{code_of(f'w{i}')} AS c{i}" for i, code_of in enumerate(coders))
    # Names that no column of the rows has.
    kept = ", ".join(f"t{i} AS jaxmle_t{i}" for i in places)
    found = ", ".join(f"{text} AS jaxmle_v{i}" for i, text in enumerate(verdicts.values()))
    source.query(
        f"CREATE OR REPLACE TEMP TABLE {_VERDICTS} AS SELECT {kept}, {found} "
        f"FROM (SELECT *, {codes} FROM {_SPELT})"
    )
    alike = (f"{source.text(columns[i])} IS NOT DISTINCT FROM jaxmle_t{i}" for i in places)
    named = {name: f"jaxmle_v{i}" for i, name in enumerate(verdicts)}
    source.attach(named, f"{_VERDICTS} ON {' AND '.join(alike)}", source)


def _combine_labels(
    labels: Source, roles: Roles, combining: Combining, where: str | None, meaning: dict[str, Any]
) -> tuple[Roles, Raters | None]:
    """Make one label of several, in a table of their own, before it is joined."""
    if not isinstance(labels, Table):
        raise ValueError("`human_source` is for files and tables in memory; join Ibis tables in Ibis.")
    for column in combining.humans:
        check_column(labels, column)
    if where:
        check_condition(labels, where, "`human_where` (--human-where)")
    own = {name: value for name, value in meaning.items() if not name.startswith("judge")}
    _group_words(labels, combining.humans, where)
    coders = [
        _coder(labels, Roles(name, name, where=where), "h", (i, i), own)
        for i, name in enumerate(combining.humans)
    ]
    raters = _agreement(combining.humans, *_patterns(labels, coders), combining.human_rule)
    name, codes = _label_name(combining), [f"c{i}" for i in range(len(coders))]
    verdict = _verdict_text(codes, combining.human_rule or _RULES[0], decided=True)
    _attach_verdicts(labels, combining.humans, coders, {name: verdict})
    return replace(roles, human=name, coded=roles.coded | {"h"}), raters


def _label_name(combining: Combining) -> str:
    rule = combining.human_rule
    return _rule_name(rule, combining.humans) if rule else ", ".join(combining.humans)


def _check_rule(option: str, rule: str, n: int) -> None:
    if rule not in _RULES and not (rule.isdecimal() and 1 <= int(rule) <= n):
        raise ValueError(f"{option} must be any, all, majority or a number from 1 to {n}; got {rule!r}.")


def _rule_name(rule: str, columns: Sequence[str]) -> str:
    return f"{f'at least {rule}' if rule.isdecimal() else rule} of {', '.join(columns)}"


def _patterns(source: Table, coders: Sequence[Coder]) -> tuple[Array, Array]:
    """Codes that occur side by side, a row a pattern, and in how many rows of the source."""
    codes = ", ".join(f"coalesce({code_of(f'w{i}')}, {_NONE}) AS c{i}" for i, code_of in enumerate(coders))
    rows = source.query(f"SELECT {codes}, sum(n) AS n FROM {_SPELT} GROUP BY ALL")
    table = np.asarray(rows, dtype=np.int64).reshape(-1, len(coders) + 1)
    return table[:, :-1], table[:, -1]


def _verdict(codes: Array, rule: str, *, decided: bool = False) -> Array:
    """The verdict by a rule of each row of codes; those that gave none have no vote.

    With ``decided`` a row has no verdict by a number where those that gave none could change it.
    """
    failures, given = (codes == 1).sum(1), (codes >= 0).sum(1)
    if rule.isdecimal():
        failed = failures >= int(rule)
    else:
        failed = {"any": failures > 0, "all": failures == given, "majority": 2 * failures > given}[rule]
    verdict = np.where(given > 0, failed.astype(np.int64), _NONE)
    if decided and rule.isdecimal():
        verdict[~failed & (failures + codes.shape[1] - given >= int(rule))] = _NONE
    return np.where((codes == -1).any(1), -1, verdict)


def _verdict_text(codes: Sequence[str], rule: str, *, decided: bool = False) -> str:
    """SQL for the same of each row of the source, in words."""
    failures = " + ".join(f"CASE WHEN {code} = 1 THEN 1 ELSE 0 END" for code in codes)
    given = " + ".join(f"CASE WHEN {code} IS NULL THEN 0 ELSE 1 END" for code in codes)
    bad = " OR ".join(f"coalesce({code}, 0) = -1" for code in codes)
    failed = {
        "any": f"{failures} > 0",
        "all": f"{failures} = {given}",
        "majority": f"2 * ({failures}) > {given}",
    }.get(rule) or f"{failures} >= {int(rule)}"
    last = f"WHEN {failed} THEN '{FAILED}' "
    if decided and rule.isdecimal():
        last += f"WHEN {failures} + {len(codes)} - ({given}) >= {int(rule)} THEN NULL "
    return f"CASE WHEN {bad} THEN 'neither' WHEN {given} = 0 THEN NULL {last}ELSE '{PASSED}' END"


def _candidates(
    judges: Sequence[str], said: Array, label: Array, n: Array, chosen: str
) -> Iterator[Candidate]:
    """Each judge alone, and each rule."""
    for i, name in enumerate(judges):
        yield Candidate(name, False, _cells(said[:, i], label, n))
    size = len(judges)
    most = size // 2 + 1  # what majority is where all gave a verdict
    rules = ["any", *(str(k) for k in range(2, size) if k != most), *["majority"] * (size > 2), "all"]
    for rule in rules if chosen in rules else [*rules, chosen]:
        name = f"at least {rule} of {size}" if rule.isdecimal() else rule
        yield Candidate(name, rule == chosen, _cells(_verdict(said, rule), label, n))


def _cells(verdict: Array, label: Array, n: Array) -> tuple[int, ...]:
    """The six counts, in the order of `Counts`."""
    pairs = ((1, 1), (1, 0), (0, 1), (0, 0), (_NONE, 1), (_NONE, 0))
    return tuple(int(n[(label == human) & (verdict == judge)].sum()) for human, judge in pairs)


def _agreement(humans: Sequence[str], labels: Array, n: Array, rule: str | None) -> Raters | None:
    """How many rows several raters labelled, and on how many of these they differ.

    Raises:
        ValueError: They differ and there is no rule, or a tie has to be broken.
    """
    if len(humans) < 2:
        return None
    failures, passes = (labels == 1).sum(1), (labels == 0).sum(1)
    several, differ = failures + passes > 1, (failures > 0) & (passes > 0)
    undecided = (failures + passes > 0) & (_verdict(labels, rule or _RULES[0], decided=True) == _NONE)
    two = combinations(range(len(humans)), 2)
    each = [[(labels[:, pair] == said).all(1) for said in _CELLS] for pair in map(list, two)]
    votes = np.stack([failures, passes], -1)
    kinds = np.unique(votes[failures + passes > 0], axis=0)

    def rows(which: Array) -> int:
        return int(n[which].sum())

    found = Raters(
        names=list(humans),
        rule=rule,
        n_several=rows(several),
        n_differ=rows(differ),
        n_undecided=rows(undecided),
        n_labeled=rows(failures + passes > 0),
        pairs=tuple(tuple(map(rows, cells)) for cells in each),
        patterns=tuple((int(f), int(p), rows((votes == (f, p)).all(1))) for f, p in kinds),
    )
    named = ", ".join(humans)
    if rule is None and found.n_differ:
        raise ValueError(
            f"{named} disagree on {found.n_differ:,} of the {found.n_several:,} rows that several of them "
            f"labelled ({found.n_differ / found.n_several:.1%}): say what counts with `human_combine` "
            "(--human-combine) any, all, majority or a number, or name one of them."
        )
    tied = int(n[(failures == passes) & (failures > 0)].sum())
    if rule == "majority" and tied:
        raise ValueError(
            f"{named} tie on {tied:,} of the {found.n_several:,} rows that several of them labelled: use "
            "`human_combine` (--human-combine) any, all or a number, settle these rows, or leave one of the "
            "raters out."
        )
    return found
