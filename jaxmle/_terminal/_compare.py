"""The document of `jaxmle compare` for a terminal."""

from rich.console import Group
from rich.text import Text

from jaxmle._documents import (
    bounds_note,
    dropped_lines,
    failure_line,
    few_labels_line,
    origin_text,
    p_value,
    panel_lines,
    percent,
    warning_lines,
)
from jaxmle._terminal._tables import at_most, cell, new_table, slice_cell
from jaxmle._types import Document

_NAMES = ("first", "second")
_MOST_NOTES = 12


def compare_table(document: Document) -> Group:
    """Lay out the document of `jaxmle compare` for a terminal."""
    settings = document["settings"]
    by = settings["by"]
    level = f"{100 * settings['confidence']:g}%"
    rates = "one judge for both" if settings["judge"] == "common" else "a judge for each"
    how = "paired" if settings["paired"] else "clusters" if settings["clustered"] else "unpaired"
    adjusted = "" if settings["adjustment"] == "none" else f", {settings['adjustment']}"
    table = new_table(f"Do the failure rates differ? {level} confidence, {rates}, {how}{adjusted}")
    for column in by or ["slice"]:
        table.add_column(cell(column), no_wrap=True)
    headings = ("labelled", "first", "second", "difference", f"{level} interval", "p", "verdict")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for record in document["slices"]:
        table.add_row(*(slice_cell(record["key"][column]) for column in by), *_cells(record))
    if by:
        table.add_section()
    names = [Text("all", style="bold")] + [Text("")] * (len(by) - 1)
    table.add_row(*names, *_cells(document["total"]), style="bold" if by else "")
    notes = [Text(f"{name}: ").append_text(cell(document[name]["name"])) for name in _NAMES]
    if paired := document["total"].get("paired"):
        notes.append(
            Text(
                f"{paired['n_matched']:,} items are in both, {paired['n_labeled']:,} with a label; that "
                f"makes the difference's variance {paired['effect']:.2g} times that of unrelated items."
            )
        )
    if settings["clustered"]:
        effect = document["total"]["design_effect"]
        notes.append(
            Text(f"Clusters make the difference's variance {effect:.2g} times that of unrelated items.")
        )
    for name in _NAMES:
        notes += [Text(f"{name}: {line}") for line in dropped_lines(document[name]["dropped"])]
        notes += [Text(f"{name}: {line}") for line in panel_lines(document[name].get("panel"))]
    records = [*document["slices"], document["total"]]
    if any(record[name]["few_labels"] for record in records for name in _NAMES):
        notes.append(Text(few_labels_line(settings)))
    if origin := origin_text(settings):
        notes.append(Text(f"Bounds: {origin}."))
    for name in _NAMES:
        if check := document[name]["bounds_check"]:
            notes.append(Text(f"{name}: {bounds_note(check)}"))
    notes += [Text(line, style="yellow") for line in warning_lines(records)]
    said = [Text(f"{name}: {failure_line(document[name]['failure'])}") for name in _NAMES]
    return Group(*said, table, *at_most(notes), _verdict(document))


def _cells(record: Document) -> list[Text]:
    one = record["difference"]
    mark = "*" if any(record[name]["few_labels"] for name in _NAMES) else ""
    sizes = " + ".join(f"{record[name]['n_labeled']:,.8g}" for name in _NAMES)
    estimate = one["estimate"]
    return [
        Text(f"{sizes}{mark}"),
        *(Text(percent(record[name]["failure_rate"])) for name in _NAMES),
        Text("not identified" if estimate is None else _signed(estimate), style="cyan"),
        Text(f"{_signed(one['low'])} to {_signed(one['high'])}", style="cyan"),
        Text(p_value(record["p_value"])),
        Text("differ", style="red") if record["different"] else Text("no difference shown", style="green"),
    ]


def _signed(value: float) -> str:
    return f"{100 * value:+.2f}"


def _verdict(document: Document) -> Text:
    records, total = document["slices"], document["total"]
    if records:
        found = sum(record["different"] for record in records)
        said = f"{found} of {len(records)} slices differ"
        return Text(
            f"DIFFERENT: {said}" if found else f"NO DIFFERENCE SHOWN: {said}",
            style="bold red" if found else "bold green",
        )
    one = total["difference"]
    if not total["different"]:
        reach = max(abs(one["low"]), abs(one["high"]))
        return Text(
            f"NO DIFFERENCE SHOWN; one of up to {100 * reach:.2f} percentage points is not excluded",
            style="bold green",
        )
    more = "more" if one["low"] + one["high"] > 0 else "less"
    return Text(f"DIFFERENT: the first fails {more} often", style="bold red")
