"""The result of `jaxmle doctor`: what a file holds, what it is good for, and what to type next."""

from dataclasses import replace
from importlib.metadata import version
from typing import Any

from jaxmle._data import Bounds, Counts
from jaxmle._doctor._columns import column_findings, verdict_options
from jaxmle._doctor._commands import (
    Command,
    DoctorOptions,
    commands_of,
    next_line,
    reading_words,
)
from jaxmle._doctor._findings import Finding, findings_of, slice_findings
from jaxmle._doctor._others import (
    by_first_rule,
    first_plan,
    humans_differ,
    other_commands,
    plan_commands,
    raters_finding,
    together_commands,
)
from jaxmle._doctor._thresholds import thresholds_of
from jaxmle._documents import AnalysisSettings, agreement_document, is_balanced, panel_document
from jaxmle._tables import (
    Column,
    ColumnRoles,
    Combining,
    Panel,
    Roles,
    SliceCounts,
    Source,
    UnclearMeaningError,
    by_rater,
    combine,
    count_rows,
    on_command_line,
    open_panel,
    shown,
)
from jaxmle._types import Document

# Each way to make slices is one more pass over the rows.
_MOST_SLICINGS = 3


def _opened(
    source: Source, roles: Roles, request: DoctorOptions, options: dict[str, Any]
) -> tuple[Source, Roles, str | None, list[Finding]]:
    """The rows with their labels, of several raters in files of their own by a rule; whether these differ."""
    labels, humans = by_rater(list(request.human_files) or None, (roles.human,), request.id)

    def opened(rule: str | None) -> tuple[Source, Roles, Panel | None]:
        rules = Combining((roles.judge,), humans, None, rule)
        given = {"human_source": labels, "id": request.id, "on_invalid": "drop"}
        return open_panel(source, roles, rules, **given, **options)

    if len(humans) == 1:
        found, asked, _ = opened(None)
        return found, asked, None, []
    rule, (found, asked, panel) = by_first_rule(len(humans), opened)
    return found, asked, rule, humans_differ(panel.raters if panel else None, ["--human-combine", rule])


def doctor_document(
    source: Source, rows: int, columns: list[Column], roles: ColumnRoles, request: DoctorOptions
) -> Document:
    """Describe a file: its columns, what speaks against it, and the commands that it supports.

    Args:
        source: The opened file.
        rows: Its rows.
        columns: Its columns, of `profile`.
        roles: Which column is what, of `guess`.
        request: What the user has said of it.

    Returns:
        The document. ``next`` is the command to type next.
    """
    found = column_findings(source, rows, columns, roles, joined=bool(request.human_files), file=request.file)
    options, unclear = verdict_options(columns, roles, request.meaning)
    found += unclear
    table: SliceCounts | None = None
    thresholds: list[Document] = []
    slices: list[tuple[str, ...]] = [(name,) for name in roles.by[:_MOST_SLICINGS]]
    if request.by_given:
        slices = [tuple(roles.by)]
    if roles.judge and roles.human and rows and not any(one.level == "blocks" for one in found):
        try:
            asked = Roles(roles.judge, roles.human)
            source, asked, rule, said = _opened(source, asked, request, options)
            request = replace(request, human_rule=rule)
            found += said
            if any(one.name == roles.judge and one.kind == "score" for one in columns):
                thresholds, said = _graded(source, asked, options, request.confidence)
                found += said
            tables = _counted(source, asked, slices, options, found, request)
            table = replace(tables[0], repeated=roles.cluster)
        except ValueError as error:
            found.append(Finding("blocks", "unreadable", on_command_line(error).rstrip(". ")))
    if table is not None:
        found += findings_of(table)
        for by, one in zip(slices, tables, strict=False):
            found += slice_findings(one, by, asked=request.by_given)
    words = reading_words(roles, request, options, table)
    commands = commands_of(table, roles, request, words)
    if table is not None and table.total.n_labeled:
        commands += other_commands(source, tables, slices, roles, request, words)
        found += raters_finding(source, roles, request, options)
        commands = [*together_commands(source, roles, request, words, options), *commands]
    elif commands and (table is not None or not roles.human):
        commands += first_plan(rows if table is None else int(table.total.n_unlabeled), request)
    found += [one.finding for one in commands if one.finding]
    following = next_line(commands, roles, request, options)
    return _document(rows, columns, roles, request, found, commands, following, table, thresholds)


def _document(
    rows: int,
    columns: list[Column],
    roles: ColumnRoles,
    request: DoctorOptions,
    found: list[Finding],
    commands: list[Command],
    following: str | None,
    table: SliceCounts | None,
    thresholds: list[Document],
) -> Document:
    likely = _likely(roles) | dict.fromkeys(request.judges, "judge")
    total = table.total if table else None
    return {
        "command": "doctor",
        "failure": table.failures if table else None,
        "version": version("jaxmle"),
        "file": request.file,
        "rows": rows,
        "columns": [
            {
                "name": one.name,
                "kind": one.kind,
                "likely": likely.get(one.name),
                "filled": one.n_present,
                "distinct": one.distinct,
                "approximate": one.approximate,
                "values": one.values,
                "numbers": one.numbers,
            }
            for one in columns
        ],
        "roles": {
            "judge": roles.judge,
            "human": roles.human,
            "by": roles.by,
            "id": roles.id,
            "cluster": roles.cluster,
            "weight": roles.weight,
            "other_judges": [name for name in roles.judges if likely[name] != "judge"],
            "other_humans": [name for name in roles.humans if name != roles.human],
        },
        "counts": None if total is None else {name: int(value) for name, value in total.to_dict().items()},
        "agreement": None if total is None else agreement_document(total, request.confidence),
        "thresholds": thresholds,
        "panel": panel_document(table.panel, AnalysisSettings(Bounds(), [], confidence=request.confidence))
        if table and table.panel
        else None,
        "balanced": bool(total is not None and total.n_labeled and is_balanced(total)),
        "findings": [
            vars(one) for one in sorted(found, key=lambda one: ("blocks", "warns", "note").index(one.level))
        ],
        "commands": [
            {
                "command": one.command,
                "ready": one.ready,
                "line": one.line,
                "why": one.why,
                "labels": one.labels,
            }
            for one in commands
        ],
        "next": following,
    }


def _counted(
    source: Source,
    roles: Roles,
    slices: list[tuple[str, ...]],
    options: Document,
    found: list[Finding],
    request: DoctorOptions,
) -> list[SliceCounts]:
    """Counts, one for each way to make slices; what a name says of its column joins options and findings."""
    rules = Combining(request.judges or (roles.judge,), (roles.human,), request.rule)

    def combined() -> tuple[Roles, Panel | None]:
        return combine(source, roles, rules, on_invalid="drop", **options)

    def counts(by: tuple[str, ...]) -> SliceCounts:
        return count_rows(source, replace(roles, by=by), on_invalid="drop", look_for_ids=False, **options)

    several = slices or [()]
    try:
        roles, panel = combined()
        first = counts(several[0])
    except UnclearMeaningError as error:
        options |= error.options
        found.append(_unclear(error))
        roles, panel = combined()
        first = counts(several[0])
    return [replace(first, panel=panel), *map(counts, several[1:])]


def _graded(
    source: Source, roles: Roles, options: Document, confidence: float
) -> tuple[list[Document], list[Finding]]:
    """Thresholds of a graded judge; the proposed one joins the options where none was given."""
    said = []
    try:
        thresholds = thresholds_of(source, roles, options, confidence)
    except UnclearMeaningError as error:
        options |= error.options
        said.append(_unclear(error))
        thresholds = thresholds_of(source, roles, options, confidence)
    if options.get("judge_threshold") is not None or options.get("judge_failure"):
        return thresholds, said
    best = next((one["threshold"] for one in thresholds if one["proposed"]), None)
    if best is None:
        return thresholds, said
    options["judge_threshold"] = best
    labelled = any(one["width"] is not None for one in thresholds)
    why = "gives the narrowest interval" if labelled else "is the middle of its scores"
    text = f"{shown(roles.judge)} holds scores: --judge-threshold '{best}' {why}"
    return thresholds, [*said, Finding("note" if labelled else "warns", "graded judge", text)]


def _unclear(error: UnclearMeaningError) -> Finding:
    return Finding("warns", "meaning of 1", on_command_line(error).rstrip("."))


def doctor_of_counts(values: tuple[int, ...], request: DoctorOptions) -> Document:
    """Describe counts by hand: what speaks against them, and the commands that they support."""
    table = SliceCounts.of_counts(Counts(*values))
    roles, found = ColumnRoles(judge="judge", human="human"), findings_of(table)
    words = ["--counts", ",".join(map(str, values))]
    if table.total.n_labeled and is_balanced(table.total):
        words += ["--calibration", "external"]
    commands = commands_of(table, roles, request, words)
    if table.total.n_labeled:
        commands += plan_commands(table, request)
    else:
        commands += first_plan(int(table.total.n_unlabeled), request)
    found += [one.finding for one in commands if one.finding]
    ready = next((one.line for one in commands if one.ready), None)
    return _document(table.n_rows, [], ColumnRoles(), request, found, commands, ready, table, [])


def _likely(roles: ColumnRoles) -> dict[str, str]:
    """What each column is likely for, the surest last."""
    found = dict.fromkeys(roles.by, "slices")
    found |= dict.fromkeys(roles.judges, "another judge")
    found |= dict.fromkeys(roles.humans, "another human")
    single = {"id": roles.id, "cluster": roles.cluster, "weight": roles.weight}
    single |= {"judge": roles.judge, "human": roles.human}
    return found | {name: role for role, name in single.items() if name is not None}
