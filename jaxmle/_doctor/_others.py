"""Commands beside estimate and certify that a file supports."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from jaxmle._doctor._commands import Command, DoctorOptions
from jaxmle._doctor._findings import Finding
from jaxmle._documents import is_balanced, names_text, shell_line, short_percent
from jaxmle._planning import MIN_LABELS, Precision
from jaxmle._tables import (
    ColumnRoles,
    Combining,
    Panel,
    Raters,
    Roles,
    SliceCounts,
    Source,
    combine,
    quote_name,
    quote_text,
    shown,
)

T = TypeVar("T")

# Slices of such names are systems, which one would compare.
_SYSTEMS = frozenset(("model", "system", "variant", "version", "provider", "policy"))
_WIDTH = 0.1
# Rates of a judge of whom nothing is known, as examples.
_TPR, _FPR = 0.8, 0.1


def other_commands(
    source: Source,
    tables: list[SliceCounts],
    slices: Sequence[tuple[str, ...]],
    roles: ColumnRoles,
    request: DoctorOptions,
    words: list[str],
) -> list[Command]:
    """Comparing two systems, and planning how many labels to buy.

    Args:
        source: The file.
        tables: Counts, one for each way to make slices.
        slices: The columns that make the slices of each.
        roles: Which column is what.
        request: What the user has said of the file.
        words: Words that say what to read, of `reading_words`.
    """
    found = []
    for by, table in zip(slices, tables, strict=False):
        if len(by) == 1 and by[0].rpartition(".")[2].casefold() in _SYSTEMS and not request.human_files:
            found += _compare(source, table, by[0], roles, words)
            break
    return [*found, *plan_commands(tables[0], request, roles.cluster)]


def together_commands(
    source: Source, roles: ColumnRoles, request: DoctorOptions, words: list[str], options: dict[str, Any]
) -> list[Command]:
    """All judges, and all raters, as one: columns whose names differ by a number or a letter at their end."""
    judges = [] if request.judges else _alike(roles.judge, roles.judges)
    humans = [] if request.human_files else _alike(roles.human, roles.humans)
    if not judges and not humans:
        return []
    rule, human_rule = "majority" if judges else None, None
    if humans:
        one = Roles(roles.judge or "", roles.human or "")
        columns = (one.judge, *judges), (one.human, *humans)

        def together(by: str) -> object:
            return combine(source, one, Combining(*columns, rule, by), on_invalid="drop", **options)

        with suppress(ValueError):  # what is wrong with them `estimate` will say
            human_rule, _ = by_first_rule(len(columns[1]), together)
        human_rule = human_rule or "any"
    more = [word for name in judges for word in ("--judge", name)]
    more += ["--combine", rule] if rule else []
    more += [word for name in humans for word in ("--human", name)]
    more += ["--human-combine", human_rule] if human_rule else []
    if roles.cluster:
        more += ["--cluster", roles.cluster]
    said = [
        f"{', '.join(map(shown, (name, *others)))} look like several {what}: {option} says what counts"
        for what, name, others, option in (
            ("judges", roles.judge, judges, "--combine"),
            ("raters", roles.human, humans, "--human-combine"),
        )
        if others
    ]
    what = " and ".join([*(["judges"] if judges else []), *(["raters"] if humans else [])])
    line = shell_line("jaxmle", "estimate", *words, *more)
    return [Command(f"estimate, {what} together", True, line, "; ".join(said))]


def by_first_rule(n: int, use: Callable[[str], T]) -> tuple[str, T]:
    """The rule by which labels of ``n`` raters make one, and what comes of it: a majority where that decides.

    Two may tie, and so may more where one gave no label.
    """
    if n > 2:
        with suppress(ValueError):
            return "majority", use("majority")
    return "any", use("any")


def raters_finding(
    source: Source, roles: ColumnRoles, request: DoctorOptions, options: dict[str, Any]
) -> list[Finding]:
    """How often other columns of human verdicts differ, and what makes use of that."""
    others = [name for name in roles.humans if name != roles.human]
    if request.human_files or not others or not roles.human:
        return []
    one, judge = roles.human, roles.judge or ""
    for humans in dict.fromkeys([(one, *others), (one, others[0])]):

        def together(by: str, humans: tuple[str, ...] = humans) -> Panel | None:
            rules = Combining((judge,), humans, None, by)
            return combine(source, Roles(judge, one), rules, on_invalid="drop", **options)[1]

        with suppress(ValueError):  # their words may be others
            rule, panel = by_first_rule(len(humans), together)
            words = [word for name in humans for word in ("--human", name)]
            return humans_differ(panel.raters if panel else None, [*words, "--human-combine", rule])
    return []


def humans_differ(raters: Raters | None, words: list[str]) -> list[Finding]:
    """On how many rows several raters differ, and what makes use of it; nothing where they do not.

    Args:
        raters: What there is to say of them.
        words: Options that name them and say how their labels make one.
    """
    if not raters or not raters.n_differ:
        return []
    several, differ = raters.n_several, raters.n_differ
    labeled = "both labelled" if len(raters.names) == 2 else "several of them labelled"
    text = (
        f"{names_text(map(shown, raters.names))} differ on {differ:,} of the {several:,} rows that {labeled} "
        f"({differ / several:.1%}): {shell_line(*words, '--human-error', 'agreement')} allows for how often "
        "humans err"
    )
    return [Finding("note", "humans differ", text)]


def _alike(name: str | None, names: list[str]) -> list[str]:
    return [one for one in names if name and one != name and _stem(one) == _stem(name)]


def _stem(name: str) -> str:
    return re.sub(r"(\d+|[_.-]\w)$", "", name)


def _compare(
    source: Source, table: SliceCounts, by: str, roles: ColumnRoles, words: list[str]
) -> list[Command]:
    """The two systems with the most labels."""
    labeled = table.counts.n_labeled
    names = [key[by] for key in table.keys]
    best = [i for i in (-labeled).argsort(kind="stable") if names[i] is not None][:2]
    if len(best) < 2:
        return []
    one, two = sorted(best)
    text = source.text(by)
    column = by if by in _SYSTEMS and text == f"CAST({quote_name(by)} AS VARCHAR)" else text
    rows = [f"{column} = {quote_text(names[i] or '')}" for i in (one, two)]
    # The same prompt before both systems makes a pair.
    paired = ["--id", roles.cluster] if roles.cluster else []
    line = shell_line("jaxmle", "compare", *words, "--where", rows[0], "--where-b", rows[1], *paired)
    fewest = int(min(labeled[one], labeled[two]))
    named = f"{shown(by)} has {shown(names[one])} and {shown(names[two])}"
    if fewest < MIN_LABELS:
        said = f"{named}, one with {fewest or 'no'} label{'' if fewest == 1 else 's'}"
        if not fewest:
            line += " --judge-rates common"
            said += ": --judge-rates common takes TPR and FPR to be the same for both"
        return [Command("compare", True, line, said, MIN_LABELS - fewest)]
    more = f", {len(names) - 2:,} more can be named" if len(names) > 2 else ""
    return [Command("compare", True, line, f"{named}{more}")]


def plan_commands(table: SliceCounts, request: DoctorOptions, cluster: str | None = None) -> list[Command]:
    """How many labels for a limit, or for an interval of ten points."""
    precision = Precision.of(table.total, external=is_balanced(table.total))
    expected = precision.expected if precision else None
    if precision is None or expected is None:
        return []
    options = zip(("--failure-rate", "--judge-tpr", "--judge-fpr"), expected.values(), strict=True)
    words = [word for name, value in options for word in (name, f"{value:.3g}")]
    if precision.external:
        words += ["--calibration", "external"]
    if request.confidence != 0.95:
        words += ["--confidence", f"{request.confidence:g}"]
    goal = ["--target-width", f"{_WIDTH:g}"] if request.limit is None else ["--limit", f"{request.limit:g}"]
    line = shell_line("jaxmle", "plan", *words, "--n-unlabeled", str(precision.n_unlabeled), *goal)
    aim = (
        "an interval ten points wide"
        if request.limit is None
        else f"a certificate below {short_percent(request.limit)}"
    )
    if not 0 < expected["failure_rate"] < (1 if request.limit is None else request.limit):
        return []
    why = f"labels for {aim}, if the rates are as they seem"
    if request.limit is not None and (labels := precision.labels_for(request.limit, request.confidence)):
        why += f": about {labels:,} of independent items by formula, before it simulates"
    if cluster:
        why += f"; with clusters ({shown(cluster)}) more are needed"
    return [Command("plan", True, line, why)]


def first_plan(n_unlabeled: int, request: DoctorOptions) -> list[Command]:
    """How many labels for a limit where nobody has labelled: a plan of rates that the user is to put in."""
    if request.limit is None or not n_unlabeled:
        return []
    rates = {"--failure-rate": request.limit / 2, "--judge-tpr": _TPR, "--judge-fpr": _FPR}
    words = [word for name, value in rates.items() for word in (name, f"{value:.3g}")]
    words += ["--n-unlabeled", f"{n_unlabeled}", "--limit", f"{request.limit:g}"]
    if request.confidence != 0.95:
        words += ["--confidence", f"{request.confidence:g}"]
    limit = short_percent(request.limit)
    why = (
        f"labels for a certificate below {limit}; the rates in it are examples (half the limit, TPR "
        f"{_TPR:.0%}, FPR {_FPR:.0%}): put in what you expect"
    )
    text = (
        f"--limit {limit} is used once there are labels; until then `jaxmle plan` says how many it may take"
    )
    return [
        Command("plan", True, shell_line("jaxmle", "plan", *words), why, None, Finding("note", "limit", text))
    ]
