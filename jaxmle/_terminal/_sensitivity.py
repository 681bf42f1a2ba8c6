"""The document of `jaxmle sensitivity` for a terminal."""

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jaxmle._documents import (
    bounds_text,
    dropped_lines,
    failure_line,
    panel_lines,
    percent,
    short_percent,
    shown_text,
)
from jaxmle._terminal._fold import new_table
from jaxmle._types import Document

_MOST_ROWS = 12


_MOST_COLUMNS = 8


_WITHOUT = ("low > high", "impossible", "contradicted")


def sensitivity_table(document: Document) -> Group:
    """Lay out the document for a terminal: each bound by itself, then the grid, then the verdict."""
    settings, total = document["settings"], document["total"]
    level = f"{100 * settings['confidence']:g}%"
    estimate = percent(total["estimate"]) if total["status"] != "not identified" else "not identified"
    head = Text(
        f"Failure rate {estimate}, {level} interval {percent(total['low'])} to {percent(total['high'])}, "
        f"upper limit {percent(total['upper_limit'])}; {total['n_labeled']:,.8g} labelled and "
        f"{total['n_unlabeled']:,.8g} unlabelled items; {bounds_text(settings)}."
    )
    said = Text(failure_line(document["failure"]))
    answer: list[RenderableType] = []
    if settings["limit"] is not None:
        limit = percent(settings["limit"])
        if total["certified"]:
            answer.append(Text(f"CERTIFIED: below {limit} at the present bounds", style="bold green"))
        else:
            text = f"NOT CERTIFIED: below {limit} is not shown at the present bounds"
            answer.append(Text(text, style="bold red"))
    answer += [Text(line) for line in document["tipping_in_words"]]
    parts: list[RenderableType] = [*answer, head, said, Text(""), _effects(document), Text("")]
    parts += [_curve(document) if len(settings["over"]) == 1 else _map(document), Text("")]
    parts += [Text(f"{note}.", style="yellow") for note in total["warnings"]]
    parts += map(Text, (*dropped_lines(document["dropped"]), *panel_lines(document.get("panel"))))
    if "png" in document:
        parts.append(Text(f"Drawn in {shown_text(document['png'])}."))
    return Group(*parts)


def _effects(document: Document) -> Table:
    table = new_table("Each bound by itself; points of failure rate per point of it:")
    table.add_column("bound", no_wrap=True)
    asked = document["settings"]["limit"] is not None
    for heading in ("now", *(["verdict flips at"] if asked else []), "upper limit", "estimate"):
        table.add_column(heading, justify="right", no_wrap=True)
    stated = document["settings"]["bounds"]
    for one in document["effects"]:
        rate = one["bound"].split(".")[0]
        if rate == "failure_rate" and rate not in stated:
            continue
        cells = [short_percent(one["value"])]
        if asked:
            cells.append("never" if one["tipping"] is None else percent(one["tipping"]))
        cells += [_slope(one["d_upper_limit"]), _slope(one["d_estimate"])]
        name = "margin on all four" if rate == "margin" else one["bound"]
        table.add_row(f"{name} (active)" if one["active"] else name, *cells)
    return table


def _slope(value: float | None) -> str:
    """A derivative: as a plain number it is in percentage points per point."""
    if value is None:
        return "-"
    return f"{value:+.3f}" if abs(value) >= 5e-4 else "0"


def _curve(document: Document) -> Table:
    (name,) = document["settings"]["over"]
    answers, grid = document["answers"], document["grid"][name]
    now = next((one["value"] for one in document["effects"] if one["bound"] == name), None)
    table = new_table(f"Over {name}:")
    level = f"{100 * document['settings']['confidence']:g}%"
    asked = document["settings"]["limit"] is not None
    for heading in (name, *(["verdict"] if asked else []), "estimate", "upper limit", f"{level} interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for i in _thinned(len(grid), _MOST_ROWS, [i for i, value in enumerate(grid) if value == now]):
        here: Document = {key: row and row[i] for key, row in answers.items()}
        label = f"{'now  ' if grid[i] == now else ''}{short_percent(grid[i])}"
        status = here["status"]
        if status in ("low > high", "impossible"):
            table.add_row(label, status)
            continue
        verdict = [_verdict(here["certified"], status)] if asked else []
        estimate = status if here["estimate"] is None else percent(here["estimate"])
        cells = [estimate, percent(here["upper_limit"]), f"{percent(here['low'])} to {percent(here['high'])}"]
        table.add_row(label, *verdict, *cells, style="bold" if grid[i] == now else "")
    return table


def _map(document: Document) -> Table:
    first, second = document["settings"]["over"]
    answers = document["answers"]
    rows, columns = document["grid"][first], document["grid"][second]
    values = {one["bound"]: one["value"] for one in document["effects"]}
    level = f"{100 * document['settings']['confidence']:g}%"
    asked = document["settings"]["limit"] is not None
    marks = " (* certified)" if asked else ""
    table = new_table(f"{level} upper limit over {first} (down) and {second} (across){marks}:")
    at = [
        [i for i, value in enumerate(grid) if value == values.get(name)]
        for name, grid in ((first, rows), (second, columns))
    ]
    table.add_column("", justify="right", no_wrap=True)
    across = _thinned(len(columns), _MOST_COLUMNS, at[1])
    for j in across:
        table.add_column(short_percent(columns[j]), justify="right", no_wrap=True)
    for i in _thinned(len(rows), _MOST_ROWS, at[0]):
        cells = []
        for j in across:
            status, certified = answers["status"][i][j], asked and answers["certified"][i][j]
            shown = percent(answers["upper_limit"][i][j])
            if status in _WITHOUT:
                shown = status
            here = i in at[0] and j in at[1]
            style = ("green" if certified else "red") if asked and status not in _WITHOUT else "dim"
            cells.append(Text(f"{'now ' if here else ''}{shown}{'*' if certified else ' '}", style=style))
        table.add_row(short_percent(rows[i]), *cells)
    return table


def _verdict(certified: bool, status: str) -> Text:
    if status == "contradicted":
        return Text("data contradict the bounds", style="yellow")
    return Text("pass", style="green") if certified else Text("fail", style="red")


def _thinned(size: int, most: int, kept: list[int]) -> list[int]:
    """At most so many indices, evenly, and those that must not be missing."""
    if size <= most:
        return list(range(size))
    even = np.linspace(0, size - 1, most - len(kept)).round().astype(int)
    return sorted({*even.tolist(), *kept})
