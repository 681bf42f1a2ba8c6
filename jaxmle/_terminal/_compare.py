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
from jaxmle._terminal._tables import at_most, cell, slice_cell, table_by, total_names
from jaxmle._types import Document

_NAMES = ("first", "second")


def compare_table(document: Document) -> Group:
    """Lay out the document of `jaxmle compare` for a terminal."""
    settings = document["settings"]
    by = settings["by"]
    level = f"{100 * settings['confidence']:g}%"
    rates = "one judge for both" if settings["judge_rates"] == "common" else "a judge for each"
    how = "paired" if settings["paired"] else "clusters" if settings["clustered"] else "unpaired"
    adjusted = "" if settings["adjustment"] == "none" else f", {settings['adjustment']}"
    table = table_by(f"Do the failure rates differ? {level} confidence, {rates}, {how}{adjusted}", by)
    headings = ("verdict", "difference", f"{level} interval", "first", "second", "p", "labelled")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for record in document["slices"]:
        table.add_row(*(slice_cell(record["key"][column]) for column in by), *_cells(record))
    if by:
        table.add_section()
    table.add_row(*total_names(by), *_cells(document["total"]), style="bold" if by else "")
    records = [document["total"], *document["slices"]]
    notes = [Text(line, style="yellow") for line in warning_lines(records)]
    if any(record[name]["few_labels"] for record in records for name in _NAMES):
        notes.append(Text(few_labels_line(settings)))
    for name in _NAMES:
        notes += [Text(f"{name}: {line}") for line in dropped_lines(document[name]["dropped"])]
        notes += [Text(f"{name}: {line}") for line in panel_lines(document[name].get("panel"))]
    if paired := document["total"].get("paired"):
        items = "1 item is" if paired["n_matched"] == 1 else f"{paired['n_matched']:,} items are"
        notes.append(
            Text(
                f"{items} in both, {paired['n_labeled']:,} with a label; that "
                f"makes the difference's variance {paired['effect']:.2g} times that of unrelated items."
            )
        )
    if settings["clustered"]:
        effect = document["total"]["design_effect"]
        notes.append(
            Text(f"Clusters make the difference's variance {effect:.2g} times that of unrelated items.")
        )
    if origin := origin_text(settings):
        notes.append(Text(f"Bounds: {origin}."))
    for name in _NAMES:
        if check := document[name]["bounds_check"]:
            notes.append(Text(f"{name}: {bounds_note(check)}"))
    named = [Text(f"{name}: ").append_text(cell(document[name]["name"])) for name in _NAMES]
    said = [Text(f"{name}: {failure_line(document[name]['failure'])}") for name in _NAMES]
    return Group(_verdict(document), *named, *said, table, *at_most(notes))


def _cells(record: Document) -> list[Text]:
    one = record["difference"]
    mark = "*" if any(record[name]["few_labels"] for name in _NAMES) else ""
    sizes = " + ".join(f"{record[name]['n_labeled']:,.8g}" for name in _NAMES)
    estimate = one["estimate"]
    return [
        Text("differ", style="red") if record["different"] else Text("not shown", style="green"),
        Text("not identified" if estimate is None else _signed(estimate), style="cyan"),
        Text(f"{_signed(one['low'])} to {_signed(one['high'])}", style="cyan"),
        *(Text(percent(record[name]["failure_rate"])) for name in _NAMES),
        Text(p_value(record["p_value"])),
        Text(f"{sizes}{mark}"),
    ]


def _signed(value: float) -> str:
    """A difference of two rates in their unit."""
    return f"{100 * value:+.2f}%"


def _verdict(document: Document) -> Text:
    records, total = document["slices"], document["total"]
    level = f"{100 * document['settings']['confidence']:g}% interval"
    one = total["difference"]
    estimate = "not identified" if one["estimate"] is None else _signed(one["estimate"])
    found = f"difference {estimate}, {level} {_signed(one['low'])} to {_signed(one['high'])}"
    if records:
        count = sum(record["different"] for record in records)
        slices = "slice differs" if len(records) == 1 else "slices differ"
        said = f"{count} of {len(records)} {slices}; all together: {found}"
    else:
        said = found
    if not document["different"]:
        return Text(f"NO DIFFERENCE SHOWN: {said}", style="bold green")
    if not records:
        said = f"the first fails {'more' if one['low'] + one['high'] > 0 else 'less'} often, {said}"
    return Text(f"DIFFERENT: {said}", style="bold red")
