"""The document of `jaxmle drift` for a terminal."""

from rich.console import Group
from rich.text import Text

from jaxmle._documents import (
    count_of,
    dropped_lines,
    failure_line,
    origin_text,
    p_value,
    panel_lines,
    percent,
)
from jaxmle._terminal._fold import RankedTable
from jaxmle._terminal._tables import slice_cell, table_by, total_names
from jaxmle._types import Document

_RATES = ("tpr", "fpr")
_STYLES = {"inside": "green", "outside": "red", "undecided": "yellow"}


_WORDS = {
    "inside": "INSIDE: the anchor set shows that the judge is within its bounds",
    "outside": "OUTSIDE: the judge has left its bounds",
    "undecided": "UNDECIDED: no evidence that the judge has left its bounds, nor that it is within them",
}


def drift_table(document: Document) -> Group:
    """Lay out the document of `jaxmle drift` for a terminal."""
    settings = document["settings"]
    by = settings["by"]
    level = f"{100 * settings['confidence']:g}%"
    origin = origin_text(settings)
    title = f"Is the judge within its bounds? {level} confidence of both rates"
    table = table_by(f"{title}{origin and f'; bounds of {origin}'}", by, "rate")
    table.n_kept = 3
    for heading in ("verdict", "estimate", "interval", "bounds", "p", "items", "found 4 in 5 times"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in document["slices"]:
        _add(table, [slice_cell(record["key"][column]) for column in by], record)
    if by:
        table.add_section()
    _add(table, total_names(by), document["total"])
    adjusted = ", and (Holm) for slices and all" if by else ""
    notes = [Text(f"{warning}.", style="yellow") for warning in document["warnings"]]
    notes.append(
        Text(f"p of a rate is its own; p of both decides and accounts for all rates with bounds{adjusted}.")
    )
    notes += map(Text, (*dropped_lines(document["dropped"]), *panel_lines(document.get("panel"))))
    verdict = document["verdict"]
    said = _WORDS[verdict]
    if records := document["slices"]:
        counted = sum(record["verdict"] == verdict for record in records)
        together = ", and all together" if document["total"]["verdict"] == verdict else ""
        said += f" ({counted} of {count_of(len(records), 'slice')}{together})"
    elif verdict != "outside" and (reach := _reach(document["total"])):
        said += f". A set of this size would find, 4 times in 5, {reach}"
    answer = Text(said, style=f"bold {_STYLES[verdict]}")
    return Group(answer, Text(failure_line(document["failure"])), table, *notes)


def _reach(record: Document) -> str:
    """What drift would have been found, in words."""
    found = []
    for name in _RATES:
        least, most = record[name]["detectable"]
        ends = [f"below {percent(least)}"] if least is not None else []
        ends += [f"above {percent(most)}"] if most is not None else []
        if ends:
            found.append(f"{'a' if name == 'tpr' else 'an'} {name.upper()} {' or '.join(ends)}")
    return ", ".join(found)


def _items(rate: Document) -> str:
    """Number of items, and that of independent ones that tell as much, if it is another."""
    number, effective = rate["n_items"], rate["n_effective"]
    return f"{number:,}" if number == effective else f"{number:,} (as {effective:,.1f})"


def _add(table: RankedTable, names: list[Text], record: Document) -> None:
    """A row for each rate, with its own p, and one for both, whose p decides."""
    for name in _RATES:
        rate = record[name]
        low, high = rate["bounds"]
        least, most = rate["detectable"]
        reach = [f"< {percent(least)}"] if least is not None else []
        reach += [f"> {percent(most)}"] if most is not None else []
        stated = (low, high) != (0, 1)
        table.add_row(
            *names,
            Text(name.upper()),
            Text(""),
            Text(percent(rate["estimate"])),
            Text(f"{percent(rate['low'])} to {percent(rate['high'])}", style="cyan"),
            Text(f"{percent(low)} to {percent(high)}" if stated else "none"),
            Text(p_value(rate["p_value"]) if stated else "-"),
            Text(_items(rate)),
            Text(", ".join(reach) or "-"),
        )
        names = [Text("")] * len(names)
    verdict = record["verdict"]
    table.add_row(
        *names,
        Text("both", style="bold"),
        Text(verdict, style=_STYLES[verdict]),
        *[Text("")] * 3,
        Text(p_value(record["p_value"]), style="bold"),
        Text(f"{record['n_labeled']:,}"),
        Text(""),
    )
