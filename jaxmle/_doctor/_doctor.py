"""The result of `jaxmle doctor`: what a file holds, what it is good for, and what to type next."""

from dataclasses import replace
from importlib.metadata import version

from jaxmle._doctor._columns import column_findings, verdict_options
from jaxmle._doctor._commands import DoctorOptions, commands_of, next_line, reading_words
from jaxmle._doctor._findings import Finding, findings_of, is_balanced, slice_findings
from jaxmle._doctor._others import other_commands
from jaxmle._tables import Column, Guess, Roles, SliceCounts, Source, count_rows, open_rows
from jaxmle._types import Document

# Each way to make slices is one more pass over the rows.
_MOST_SLICINGS = 3
_COUNTS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")


def doctor_document(
    source: Source, rows: int, columns: list[Column], roles: Guess, wanted: DoctorOptions
) -> Document:
    """Describe a file: its columns, what speaks against it, and the commands that it supports.

    Args:
        source: The opened file.
        rows: Its rows.
        columns: Its columns, of `profile`.
        roles: Which column is what, of `guess`.
        wanted: What the user has said of it.

    Returns:
        The document. ``next`` is the command to type next.
    """
    found = column_findings(source, rows, columns, roles, joined=wanted.human_file is not None)
    options, unclear = verdict_options(columns, roles, wanted.failure, wanted.judge_threshold)
    found += unclear
    table: SliceCounts | None = None
    slices: list[tuple[str, ...]] = [(name,) for name in roles.by[:_MOST_SLICINGS]]
    if wanted.by_given:
        slices = [tuple(roles.by)]
    if roles.judge and roles.human and rows and not any(one.level == "blocks" for one in found):
        try:
            asked = Roles(roles.judge, roles.human)
            source, asked = open_rows(source, asked, human_source=wanted.human_file, id=wanted.id)
            tables = [
                count_rows(source, replace(asked, by=by), on_invalid="drop", look_for_ids=False, **options)
                for by in slices or [()]
            ]
            table = replace(tables[0], repeated=roles.cluster)
        except ValueError as error:
            found.append(Finding("blocks", "unreadable", str(error).rstrip(". ")))
    if table is not None:
        found += findings_of(table)
        for by, one in zip(slices, tables, strict=False):
            found += slice_findings(one, by, asked=wanted.by_given)
    words = reading_words(roles, wanted, options, table)
    commands = commands_of(table, roles, wanted, words)
    if table is not None and table.total.n_labeled:
        commands += other_commands(source, tables, slices, roles, wanted, words)
    found += [one.finding for one in commands if one.finding]
    likely = _likely(roles)
    total = table.total if table else None
    return {
        "command": "doctor",
        "version": version("jaxmle"),
        "file": wanted.file,
        "rows": rows,
        "columns": [
            {
                "name": one.name,
                "kind": one.kind,
                "likely": likely.get(one.name),
                "filled": one.n_present,
                "distinct": one.distinct,
                "approximate": one.approximate,
                "words": one.words,
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
            "other_judges": [name for name in roles.judges if name != roles.judge],
            "other_humans": [name for name in roles.humans if name != roles.human],
        },
        "counts": None if total is None else dict(zip(_COUNTS, map(int, total.values()), strict=True)),
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
        "next": next_line(commands, roles, wanted, options),
    }


def _likely(roles: Guess) -> dict[str, str]:
    """What each column is likely for, the surest last."""
    found = dict.fromkeys(roles.by, "slices")
    found |= dict.fromkeys(roles.judges, "another judge")
    found |= dict.fromkeys(roles.humans, "another human")
    single = {"id": roles.id, "cluster": roles.cluster, "weight": roles.weight}
    single |= {"judge": roles.judge, "human": roles.human}
    return found | {name: role for role, name in single.items() if name is not None}
