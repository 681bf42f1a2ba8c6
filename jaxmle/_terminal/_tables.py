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
    dropped_lines,
    failure_line,
    few_labels_line,
    p_value,
    percent,
    pooling_lines,
    shown_text,
    slice_name,
    source_lines,
    warning_lines,
)
from jaxmle._types import Document

_MOST_NOTES = 12
_SIZES = ("labelled", "unlabelled")


def estimate_table(document: Document) -> Group:
    """Lay out the document of `jaxmle estimate` for a terminal."""
    settings = document["settings"]
    interval = f"{100 * settings['confidence']:g}% interval"
    headings = (*_SIZES, "judge only", "human only", "failure rate", interval, "TPR", "FPR")
    what = "Failure rate of these items" if settings.get("target") == "items" else "Failure rate"
    title = f"{what} by constrained maximum likelihood; {bounds_text(settings)}"
    if document.get("pooling"):
        return _layout(document, title, (*headings, "borrows"), _pooled_cells)
    return _layout(document, title, headings, _estimate_cells)


def certify_table(document: Document) -> Group:
    """Lay out the document of `jaxmle certify` for a terminal."""
    settings = document["settings"]
    limit, method = settings["limit"], settings["method"]
    headings = (*_SIZES, "failure rate", "upper limit", "p", "verdict")
    adjusted = "" if settings["adjustment"] == "none" else f", {settings['adjustment']}"
    title = (
        f"Is the failure rate below {percent(limit)}? {100 * settings['confidence']:g}% confidence, {method}"
        f"{adjusted}; {bounds_text(settings)}"
    )
    layout = _layout(document, title, headings, _certify_cells)
    records = document["slices"] or [document["total"]]
    passed = sum(record["certified"] for record in records)
    if document["certified"]:
        verdict = Text(f"CERTIFIED: below {percent(limit)}", style="bold green")
    else:
        verdict = Text(f"NOT CERTIFIED: below {percent(limit)} is not shown", style="bold red")
    if document["slices"]:
        verdict.append(f" ({passed} of {len(records)} slices pass)")
    return Group(*layout.renderables, verdict)


def _layout(
    document: Document,
    title: str,
    headings: tuple[str, ...],
    cells_of: Callable[[Document], list[Text]],
) -> Group:
    """One row a slice, then the total, then what was left out and what there is to say."""
    settings = document["settings"]
    by = settings["by"]
    table = new_table(title)
    for column in by or ["slice"]:
        table.add_column(cell(column), no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("active bounds", no_wrap=True)
    for record in document["slices"]:
        table.add_row(*(slice_cell(record["key"][column]) for column in by), *_cells(record, cells_of))
    if by:
        table.add_section()
    names = [Text("all", style="bold")] + [Text("")] * (len(by) - 1)
    table.add_row(*names, *_cells(document["total"], cells_of), style="bold" if by else "")
    if mix := document.get("mix"):
        names[0] = Text("mix of slices", style="bold")
        blank = [Text("")] * (len(headings) - len(_SIZES) - 2)
        cells = [Text(percent(mix["estimate"]) if mix["estimate"] is not None else "not identified")]
        cells.append(Text(f"{percent(mix['low'])} to {percent(mix['high'])}"))
        at = headings.index("failure rate") - len(_SIZES)
        empty = [Text("")] * len(_SIZES)
        table.add_row(*names, *empty, *blank[:at], *cells, *blank[at:], Text(""), style="bold")
    if lent := document.get("borrowed"):
        rate = lent["failure_rate"]
        shown = {
            "failure rate": Text(percent(rate["estimate"]), style="cyan"),
            headings[headings.index("failure rate") + 1]: Text(
                f"{percent(rate['low'])} to {percent(rate['high'])}", style="cyan"
            ),
            "TPR": Text(percent(lent["tpr"])),
            "FPR": Text(percent(lent["fpr"])),
        }
        table.add_row(
            Text("all, borrowing"), *(shown.get(heading, Text("")) for heading in headings), Text("")
        )
    notes = [Text(line) for line in pooling_lines(document["pooling"])] if document.get("pooling") else []
    if lent:
        notes.append(Text(borrowed_line(lent)))
    notes += map(Text, dropped_lines(document["dropped"]))
    if "out" in document:
        n = document["n_slices"]
        out = shown_text(document["out"])
        notes.append(Text(f"{n:,} {'slice' if n == 1 else 'slices'} written to {out}."))
    notes += map(Text, source_lines(document))
    records = [*document["slices"], document["total"]]
    if any(record["few_labels"] for record in records):
        notes.append(Text(few_labels_line(settings)))
    if effective := document["total"].get("n_effective"):
        labeled, unlabeled = effective["labeled"], effective["unlabeled"]
        notes.append(
            Text(
                f"Weights or clusters: all rows together tell as much as {labeled:,.0f} labelled and "
                f"{unlabeled:,.0f} unlabelled items that stand alone; the intervals account for it."
            )
        )
    if check := document["bounds_check"]:
        notes.append(Text(bounds_note(check)))
    notes += [Text(line, style="yellow") for line in warning_lines(records, document["cautions"])]
    first = [Text(line, style="bold yellow") for line in caution_lines(document)]
    first = [Text(failure_line(document["failure"])), *first]
    return Group(*first, table, *_judges(document), *at_most(notes))


def _judges(document: Document) -> list[Table]:
    """Each judge alone and each rule, where there are several judges."""
    judges = document.get("panel", {}).get("judges")
    if not judges:
        return []
    level = f"{100 * document['settings']['confidence']:g}%"
    table = new_table(f"Judges alone and by rule; width: expected, of a {level} interval without bounds")
    table.add_column("judge", no_wrap=True)
    for heading in ("labelled", "TPR", "FPR", "width", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in judges:
        rates = [percent(one[name]) for name in ("tpr", "fpr", "width")]
        used = "used" if one["chosen"] else ""
        table.add_row(cell(one["judge"]), *map(Text, (f"{one['n_labeled']:,}", *rates, used)))
    return [table]


def at_most(notes: list[Text]) -> list[Text]:
    """As many notes as a terminal takes, and how many there are beside."""
    if len(notes) <= _MOST_NOTES:
        return notes
    more = len(notes) - _MOST_NOTES
    return [*notes[:_MOST_NOTES], Text(f"... and {more} more notes; --json has them all.")]


def new_table(title: str | None) -> Table:
    """Return an empty table in the one style of this package."""
    return Table(
        title=title, title_justify="left", title_style="", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )


def cell(value: str | None) -> Text:
    """Text from a stranger's file in a table: no markup either."""
    return Text(shown_text(value), style="dim" if value is None else "")


def slice_cell(value: str | None) -> Text:
    """Value that names a slice, in a table."""
    return Text(slice_name(value), style="dim" if value is None else "")


def _cells(record: Document, cells_of: Callable[[Document], list[Text]]) -> list[Text]:
    mark = "*" if record["few_labels"] else ""
    sizes = [Text(f"{record['n_labeled']:,.8g}{mark}"), Text(f"{record['n_unlabeled']:,.8g}")]
    return [*sizes, *cells_of(record), Text(", ".join(record["at_bound"]) or "none")]


def _estimate_cells(record: Document) -> list[Text]:
    rate = record["failure_rate"]
    shown = percent(rate["estimate"]) if record["identified"] else "not identified"
    return [
        Text(percent(record["judge_only"]["estimate"])),
        Text(percent(record["human_only"]["estimate"])),
        Text(shown, style="cyan"),
        Text(f"{percent(rate['low'])} to {percent(rate['high'])}", style="cyan"),
        Text(percent(record["tpr"])),
        Text(percent(record["fpr"])),
    ]


def _pooled_cells(record: Document) -> list[Text]:
    borrowed = record.get("borrowed")
    return [*_estimate_cells(record), Text("" if borrowed is None else f"{borrowed:.0%}")]


def _certify_cells(record: Document) -> list[Text]:
    return [
        Text(percent(record["failure_rate"])),
        Text(percent(record["upper_limit"]), style="cyan"),
        Text(p_value(record["p_value"])),
        Text("pass", style="green") if record["certified"] else Text("fail", style="red"),
    ]
