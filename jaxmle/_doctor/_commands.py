"""Commands that a file supports, ready to be pasted, and what the others wait for."""

from dataclasses import dataclass, field
from typing import Any

from jaxmle._doctor._findings import Finding
from jaxmle._documents import is_balanced, shell_line, short_percent
from jaxmle._planning import MIN_LABELS, Precision
from jaxmle._tables import INVALID, ColumnRoles, SliceCounts, shown

# The half width of an interval that many would call exact enough to begin with.
_HALF_WIDTH = 0.05
_MOST_OTHERS = 3
# What formulas and plans alike take for granted.
_OF = " of independent items"
# Any one of several raters in files of their own is believed who calls a failure; two may tie by a majority.


# Labels that are proposed where there is none: what the examples of the method have.
_FIRST_LABELS = 50


@dataclass(frozen=True)
class DoctorOptions:
    """What the user has said of a file.

    Attributes:
        file: Its name, as it was typed.
        human_files: Files of human verdicts, if they are not in ``file``: of several raters one each.
        id: Columns that name an item in both.
        meaning: What the verdicts mean, as arguments of `count_rows`.
        by_given: Whether the slices are the user's choice.
        judges: Columns of judge verdicts, where several make one.
        rule: When they say failure.
        human_rule: When several raters, in files of their own, say failure.
        limit: Failure rate to be certified.
        confidence: Confidence, in (0, 1).
    """

    file: str
    human_files: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    meaning: dict[str, Any] = field(default_factory=dict)
    by_given: bool = False
    judges: tuple[str, ...] = ()
    rule: str | None = None
    human_rule: str | None = None
    limit: float | None = None
    confidence: float = 0.95


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        command: Its name.
        ready: Whether it gives an answer on this file as it is.
        line: What to type.
        why: What to expect of it, or what it waits for.
        labels: Further labels that would make it ready, where some number would.
        finding: What it says against the file, if anything.
    """

    command: str
    ready: bool
    line: str
    why: str
    labels: int | None = None
    finding: Finding | None = None


def commands_of(
    table: SliceCounts | None, roles: ColumnRoles, request: DoctorOptions, words: list[str]
) -> list[Command]:
    """Commands for a file, the first to try first; none where no judge is known."""
    if not roles.judge:
        return []
    if table is None or not table.total.n_labeled:
        why = f"waits for human labels: {MIN_LABELS} of rows drawn at random give a first estimate"
        if table is None and roles.human:
            why = "waits for what is said above"
        more = MIN_LABELS if table is not None or not roles.human else None
        return [
            Command("estimate", False, shell_line("jaxmle", "estimate", *words), why, more),
            *_draw(roles, request, words),
        ]
    external = is_balanced(table.total)
    if roles.cluster:
        words = [*words, "--cluster", roles.cluster]
    precision = Precision.of(table.total, external=external)
    return [
        _estimate(words, precision, request),
        *_slices(table, words, roles, request),
        *_certify(words, precision, request),
    ]


def next_line(
    commands: list[Command], roles: ColumnRoles, request: DoctorOptions, options: dict[str, Any]
) -> str | None:
    """The command to type next: the first that is ready, or this one with what has been found out."""
    ready = next((one.line for one in commands if one.ready), None)
    if ready or not roles.human:
        return ready or (commands[0].line if commands else None)
    if options == request.meaning:
        return None
    return shell_line("jaxmle", "doctor", *reading_words(roles, request, options))


def reading_words(
    roles: ColumnRoles, request: DoctorOptions, options: dict[str, Any], table: SliceCounts | None = None
) -> list[str]:
    """Words that say what to read, and of rows that have been counted how they were chosen."""
    file = f"./{request.file}" if request.file.startswith("-") and request.file != "-" else request.file
    words = [file]
    for judge in request.judges or (roles.judge or "",):
        words += ["--judge", judge]
    if request.rule:
        words += ["--combine", request.rule]
    if request.human_files:
        words += [word for file in request.human_files for word in ("--human-file", file)]
        words += [word for column in request.id for word in ("--id", column)]
    elif not roles.human and roles.id:
        words += ["--human-file", "labels.csv", "--id", roles.id]
    words += ["--human", roles.human or roles.blank or "human"]
    if request.human_rule:
        words += ["--human-combine", request.human_rule]
    for name, value in options.items():
        option = "--pass" if name == "passes" else f"--{name.replace('_', '-')}"
        for word in (value,) if isinstance(value, str) else value or ():
            words += [f"{option}={word}"] if word.startswith("-") else [option, word]
    if table is not None and table.total.n_labeled and is_balanced(table.total):
        words += ["--calibration", "external"]
    if table is not None and INVALID & table.dropped.keys():
        words += ["--on-invalid", "drop"]
    return words


def _draw(roles: ColumnRoles, request: DoctorOptions, words: list[str]) -> list[Command]:
    """Where nobody has labelled anything yet: which items to label."""
    if roles.human or not roles.id or request.human_files:
        return []
    of_rows = words[: words.index("--human-file")]
    line = shell_line(
        *("jaxmle", "draw", *of_rows, "--id", roles.id, "--labels", f"{_FIRST_LABELS}", "--out", "queue.csv")
    )
    why = f"{_FIRST_LABELS} items at random into queue.csv; `jaxmle label queue.csv` then takes the answers"
    return [Command("draw", True, line, why)]


def _estimate(words: list[str], precision: Precision | None, request: DoctorOptions) -> Command:
    line = shell_line("jaxmle", "estimate", *words)
    if precision is None:
        return Command("estimate", True, line, "gives a set or a wide interval, as the judge tells little")
    if precision.labels < MIN_LABELS:
        return Command("estimate", True, line, f"rests on few labels ({precision.labels:,.0f})")
    half = precision.half_width(request.confidence)
    why = f"about {precision.estimate:.1%}, give or take {half:.1%} without bounds"
    if half > _HALF_WIDTH and (labels := precision.labels_to_within(_HALF_WIDTH, request.confidence)):
        why += f"; {_HALF_WIDTH:.0%} take about {labels:,} labels, or bounds on the judge (--tpr, --fpr)"
    return Command("estimate", True, line, why)


def _slices(
    table: SliceCounts, words: list[str], roles: ColumnRoles, request: DoctorOptions
) -> list[Command]:
    if not roles.by:
        return []
    labeled = table.counts.n_labeled
    n_few = int((labeled < MIN_LABELS).sum())
    more = ["--judge-rates", "partial"] if n_few and len(labeled) > 1 else []
    by = roles.by if request.by_given else roles.by[:1]
    named = [word for column in by for word in ("--by", column)]
    line = shell_line("jaxmle", "estimate", *words, *named, *more)
    low, high = int(labeled.min()), int(labeled.max())
    size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    why = f"{len(labeled):,} slices of {size} labels"
    if n_few:
        why += f", {n_few:,} of them with fewer than {MIN_LABELS}"
    if others := roles.by[len(by) :][:_MOST_OTHERS]:
        why += f"; {', '.join(map(shown, others))} would make slices too"
    return [Command("estimate --by", True, line, why)]


def _certify(words: list[str], precision: Precision | None, request: DoctorOptions) -> list[Command]:
    if precision is None:
        return []
    given = request.limit
    limit = given if given is not None else precision.limit_in_reach(request.confidence)
    if limit is None:
        return []
    confidence = [] if request.confidence == 0.95 else ["--confidence", f"{request.confidence:g}"]
    line = shell_line("jaxmle", "certify", *words, "--limit", f"{limit:g}", *confidence)
    if precision.labels < MIN_LABELS:
        missing = MIN_LABELS - int(precision.labels)
        return [Command("certify", False, line, "would rest on too few labels", missing)]
    if given is None:
        why = f"about the least limit that {precision.labels:,.0f} labels{_OF} show in 8 of 10 cases"
        return [Command("certify", True, line, why)]
    labels, below = precision.labels_for(given, request.confidence), short_percent(given)
    if labels is None:
        text = (
            f"the failure rate seems to be {_seeming(precision)}: no number of labels shows it below {below}"
        )
        return [Command("certify", False, line, text, None, Finding("blocks", "limit", text))]
    if labels > precision.labels:
        missing = labels - int(precision.labels)
        text = (
            f"a certificate below {below} takes about {labels:,} labels{_OF} to be likely (80%), if the "
            f"rate is {_seeming(precision)} as it seems; bounds on the judge (--tpr, --fpr) may do with fewer"
        )
        if precision.judge is None:
            text += ". The labels do not tell what the judge misses: so many are for humans alone"
        return [Command("certify", False, line, text, missing, Finding("blocks", "limit", text, missing))]
    return [Command("certify", True, line, f"about {labels:,} labels{_OF} make it likely (80%)")]


def _seeming(precision: Precision) -> str:
    """The rate that formulas go by, and why it is not that of `estimate` where labels are few."""
    shown = f"{precision.rate:.1%}"
    added = "" if shown == f"{precision.estimate:.1%}" else " (with half a label of each kind added)"
    return f"{shown}{added}"
