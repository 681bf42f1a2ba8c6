"""Documents as tables for people."""

from collections.abc import Callable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from jaxmle._documents import (
    borrowed_line,
    bounds_note,
    bounds_text,
    caution_lines,
    count_of,
    dropped_lines,
    errors_text,
    estimate_text,
    failure_line,
    few_labels_line,
    human_error_line,
    interval_that_holds,
    judges_rows,
    judges_title,
    looks_text,
    p_value,
    percent,
    pooling_lines,
    record_name,
    shown_text,
    slice_name,
    source_lines,
    warning_lines,
)
from jaxmle._terminal._fold import RankedTable, new_table
from jaxmle._types import Document

_MOST_NOTES = 12
Cells = dict[str, Text]


def estimate_table(document: Document) -> Group:
    """Lay out the document of `jaxmle estimate` for a terminal."""
    settings = document["settings"]
    level = f"{100 * settings['confidence']:g}% interval"
    what = "Failure rate of these items" if settings.get("target") == "items" else "Failure rate"
    title = f"{what} by constrained maximum likelihood; {bounds_text(settings)}"
    headings = ["failure rate", level, "labelled", "unlabelled", "judge only", "human only", "TPR", "FPR"]
    title += "; judge only: of the unlabelled"
    if settings.get("human_error"):
        title += "; labels taken for right"
    if document.get("pooling"):
        headings.append("borrows")
    answer = [Text(f"{what} {_estimated(document)}", style="bold")]
    if mix := document.get("mix"):
        answer.append(Text(f"Mix of slices {_in_words(mix, level)}{errors_text(settings)}.", style="bold"))
    if "out" in document:
        slices = count_of(document["n_slices"], "slice")
        answer.append(Text(f"{slices} written to {shown_text(document['out'])}."))

    def cells_of(record: Document) -> Cells:
        return _estimate_cells(record, level)

    return _layout(document, answer, title, headings, cells_of)


def certify_table(document: Document) -> Group:
    """Lay out the document of `jaxmle certify` for a terminal."""
    settings, total = document["settings"], document["total"]
    limit, level = percent(settings["limit"]), f"{100 * settings['confidence']:g}%"
    adjusted = "" if settings["adjustment"] == "none" else f", {settings['adjustment']}"
    looks = looks_text(settings)
    title = (
        f"Is the failure rate below {limit}? {level} confidence, {settings['method']}{adjusted}; "
        f"{bounds_text(settings)}"
    )
    headings = ["verdict", "failure rate", "upper limit", "p", "labelled", "unlabelled"]
    if settings["method"] == "anytime":
        headings.insert(3, "if looked once")
    records = document["slices"]
    passed = sum(record["certified"] for record in records)
    found = f"failure rate {estimate_text(total)}, upper limit {percent(total['upper_limit'])}"
    why = f"{passed} of {count_of(len(records), 'slice')} pass; all together: {found}" if records else found
    said = (
        f"CERTIFIED: below {limit}" if document["certified"] else f"NOT CERTIFIED: below {limit} is not shown"
    )
    answer = Text(
        f"{said} ({why}, {level} confidence{errors_text(settings)}{looks and f'; {looks}'})",
        style=f"bold {_COLOR[document['certified']]}",
    )
    return _layout(document, [answer], title, headings, _certify_cells, n_kept=3)


_COLOR = {True: "green", False: "red"}


def _estimated(document: Document) -> str:
    """The estimate of all rows, what it is from, and the slices with the lowest and the highest."""
    total, records, settings = document["total"], document["slices"], document["settings"]
    said = _in_words(total, f"{100 * settings['confidence']:g}% interval") + errors_text(settings)
    labels, others = (f"{total[name]:,.8g}" for name in ("n_labeled", "n_unlabeled"))
    said += f", from {labels} labelled and {others} unlabelled items"
    if (check := document["bounds_check"]) and check["contradicted"]:
        said += "; but the data contradict the bounds"
    known = [one for one in records if one["identified"]]
    if len(known) > 1:
        low, high = (f(known, key=lambda one: one["failure_rate"]["estimate"]) for f in (min, max))
        named = [f"{percent(one['failure_rate']['estimate'])} ({record_name(one)})" for one in (low, high)]
        by_labels = " by the labels" if settings.get("human_error") else ""
        said += f"; {count_of(len(records), 'slice')}, {' to '.join(named)}{by_labels}"
    return f"{said}."


def _in_words(record: Document, level: str) -> str:
    """The failure rate and the interval that hold, of a record or a mix."""
    ends = interval_that_holds(record)
    return f"{estimate_text(record)}, {level} {percent(ends['low'])} to {percent(ends['high'])}"


def _found(estimate: float | None) -> str:
    return "not identified" if estimate is None else percent(estimate)


def _layout(
    document: Document,
    answer: list[Text],
    title: str,
    headings: list[str],
    cells_of: Callable[[Document], Cells],
    n_kept: int = 2,
) -> Group:
    """The answer, one row a slice, the total, then what there is to say, what matters most first."""
    settings = document["settings"]
    by = settings["by"]
    # Without bounds none is active.
    headings = headings + ["active bounds"] * bool(settings["bounds"])
    table = table_by(title, by)
    table.n_kept = n_kept
    for heading in headings:
        right = heading != "active bounds"
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)

    def add(names: list[Text], cells: Cells, style: str = "") -> None:
        table.add_row(*names, *(cells.get(heading, Text("")) for heading in headings), style=style)

    for record in document["slices"]:
        add([slice_cell(record["key"][column]) for column in by], _sizes(record) | cells_of(record))
    if by:
        table.add_section()
    names = total_names(by)
    add(names, _sizes(document["total"]) | cells_of(document["total"]), "bold" if by else "")
    if mix := document.get("mix"):
        names[0] = Text("mix of slices", style="bold")
        ends = Text(f"{percent(mix['low'])} to {percent(mix['high'])}")
        add(names, {headings[0]: Text(_found(mix["estimate"])), headings[1]: ends}, "bold")
    if lent := document.get("borrowed"):
        rate = lent["failure_rate"]
        ends = Text(f"{percent(rate['low'])} to {percent(rate['high'])}", style="cyan")
        shown = {
            headings[0]: Text(_found(rate["estimate"]), style="cyan"),
            headings[1]: ends,
            "TPR": Text(percent(lent["tpr"])),
            "FPR": Text(percent(lent["fpr"])),
        }
        add([Text("all, borrowing"), *names[1:]], shown)
    records = [document["total"], *document["slices"]]
    notes = [Text(line, style="yellow") for line in warning_lines(records, document["cautions"])]
    if lent:
        notes.append(Text(borrowed_line(lent)))
    if any(record["few_labels"] for record in records):
        notes.append(Text(few_labels_line(settings)))
    notes += [Text(line) for line in pooling_lines(document["pooling"])] if document.get("pooling") else []
    notes += map(Text, dropped_lines(document["dropped"]))
    effective = document["total"].get("n_effective")
    if effective and document["total"]["design_effect"] != 1:
        labeled, unlabeled = effective["labeled"], effective["unlabeled"]
        drawn = (settings.get("label_design") or {}).get("kind") == "by-slice"
        why = "Labels drawn by slice stand for unlike numbers of items" if drawn else "Weights or clusters"
        notes.append(
            Text(
                f"{why}: all rows together tell as much as {labeled:,.0f} labelled and "
                f"{unlabeled:,.0f} unlabelled items that stand alone; the intervals account for it."
            )
        )
    if check := document["bounds_check"]:
        notes.append(Text(bounds_note(check)))
    notes += map(Text, filter(None, [human_error_line(document)]))
    notes += map(Text, source_lines(document))
    cautions = [Text(line, style="bold yellow") for line in caution_lines(document)]
    first = [*cautions, *answer, Text(failure_line(document["failure"]))]
    return Group(*first, table, *judges_tables(document.get("panel")), *at_most(notes))


def table_by(title: str, by: list[str], *more: str) -> RankedTable:
    """An empty table with the columns that name a slice, and ``more`` of them."""
    table = new_table(title)
    table.n_names = len(by or ["slice"]) + len(more)
    for column in by or ["slice"]:
        table.add_column(cell(column), no_wrap=True)
    for column in more:
        table.add_column(column, no_wrap=True)
    return table


def total_names(by: list[str]) -> list[Text]:
    """Names of the row of all slices."""
    return [Text("all", style="bold")] + [Text("")] * (len(by) - 1)


def judges_tables(panel: Document | None) -> list[Table]:
    """Each judge alone and each rule, where there are several judges."""
    if not panel or not panel["judges"]:
        return []
    table = new_table(judges_title(panel))
    table.add_column("judge", no_wrap=True)
    for heading in ("", "TPR", "FPR", "width", "labelled"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, *cells in judges_rows(panel):
        table.add_row(cell(name), *map(Text, cells))
    return [table]


def at_most(notes: list[Text]) -> list[Text]:
    """As many notes as a terminal takes, and how many there are beside."""
    if len(notes) <= _MOST_NOTES:
        return notes
    more = count_of(len(notes) - _MOST_NOTES, "more note")
    return [*notes[:_MOST_NOTES], Text(f"... and {more}; --json has them all.")]


def cell(value: str | None) -> Text:
    """Text from a stranger's file in a table: no markup either."""
    return Text(shown_text(value), style="dim" if value is None else "")


def command_line(line: str) -> Text:
    """A command, or options, to be copied: no terminal is too narrow for it."""
    return Text(f"    {line}", style="cyan", no_wrap=True)


def slice_cell(value: str | None) -> Text:
    """Value that names a slice, in a table."""
    return Text(slice_name(value), style="dim" if value is None else "")


def _sizes(record: Document) -> Cells:
    mark = "*" if record["few_labels"] else ""
    return {
        "labelled": Text(f"{record['n_labeled']:,.8g}{mark}"),
        "unlabelled": Text(f"{record['n_unlabeled']:,.8g}"),
        "active bounds": Text(", ".join(record["at_bound"]) or "none"),
    }


def _estimate_cells(record: Document, level: str) -> Cells:
    rate, borrowed = record["failure_rate"], record.get("borrowed")
    return {
        "failure rate": Text(_found(rate["estimate"] if record["identified"] else None), style="cyan"),
        level: Text(f"{percent(rate['low'])} to {percent(rate['high'])}", style="cyan"),
        "judge only": Text(percent(record["judge_only"]["estimate"])),
        "human only": Text(percent(record["human_only"]["estimate"])),
        "TPR": Text(percent(record["tpr"])),
        "FPR": Text(percent(record["fpr"])),
        "borrows": Text("" if borrowed is None else f"{borrowed:.0%}"),
    }


def _certify_cells(record: Document) -> Cells:
    return {
        "verdict": Text("pass", style="green") if record["certified"] else Text("fail", style="red"),
        "failure rate": Text("-" if record["failure_rate"] is None else estimate_text(record)),
        "upper limit": Text(percent(record["upper_limit"]), style="cyan"),
        "p": Text(p_value(record["p_value"])),
        "if looked once": Text(percent(record.get("upper_limit_once"))),
    }
