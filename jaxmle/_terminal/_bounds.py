"""The document of `jaxmle bounds` for a terminal."""

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from jaxmle._documents import (
    count_of,
    dropped_lines,
    failure_line,
    percent,
    rounded_outwards,
    shell_line,
    shown_text,
)
from jaxmle._terminal._tables import at_most, command_line, slice_cell, table_by
from jaxmle._types import Document

_RATES = ("tpr", "fpr")
_MOST_PARTS = 40


def bounds_table(document: Document) -> Group:
    """Lay out the document for a terminal: each part, how far they differ, the bounds."""
    settings, parts = document["settings"], document["parts"]
    by, level = settings["by"], f"{100 * settings['confidence']:g}%"
    title = "The judge's rates in each part, and whether the other parts predict them"
    table = table_by(title, by or ["part"])
    names = [name.upper() for name in _RATES]
    headings = [f"{name}{what}" for name in names for what in ("", " limits")]
    for heading in (*headings, *(f"{name} predicted" for name in names), "labelled"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in parts[:_MOST_PARTS]:
        key = [slice_cell(part["key"][column]) for column in by] if by else [Text("all")]
        cells = [one for name in _RATES for one in _cells(part[name])]
        predicted = [_AS_PREDICTED[part[name]["as_predicted"]] for name in _RATES]
        table.add_row(*key, *cells, *predicted, Text(f"{part['n_labeled']:,.8g}"))
    notes = [Text(f"{warning}.", style="yellow") for warning in document["warnings"]]
    notes += [Text(line) for line in dropped_lines(document["dropped"])]
    if len(parts) > _MOST_PARTS:
        left = count_of(len(parts) - _MOST_PARTS, "more part")
        notes.insert(0, Text(f"... and {left}; --json has them all."))
    ends = document["bounds"]
    answer = Text(
        f"BOUNDS of a new part, {level} for both rates together: "
        f"TPR {_ends(rounded_outwards(ends['tpr']))}, FPR {_ends(rounded_outwards(ends['fpr']))}",
        style="bold green",
    )
    first = Text(failure_line(document["failure"]))
    lines = [Text(line) for line in _said(document)]
    written = []
    if saved := document.get("saved"):
        written = [Text(f"Saved, {saved['said']}:"), command_line(f"--bounds {shell_line(saved['file'])}")]
    if "png" in document:
        written.append(Text(f"Drawn in {shown_text(document['png'])}."))
    return Group(answer, command_line(document["options"]), first, table, *lines, *at_most(notes), *written)


_AS_PREDICTED = {None: Text("-"), True: Text("yes", style="green"), False: Text("no", style="red")}


def _said(document: Document) -> list[str]:
    """How far parts differ, and how the bounds would have done, in sentences."""
    if len(document["parts"]) < 2:
        return []
    spread = {name: value for name, value in document["spread"].items() if value is not None}
    varies = [f"the {name.upper()} varies by {100 * value:.1f} points" for name, value in spread.items()]
    lines = [f"From part to part {' and '.join(varies)} (standard deviation)."] if varies else []
    if test := document["homogeneity"]:
        lines.append(f"Test of one judge for all parts: p = {test['p_value']:.3f}.")
    for name in _RATES:
        inside, size = document["left_out"][name].values()
        if size:
            parts, verb = "part" if size == 1 else "parts", "was" if inside == 1 else "were"
            which = f"Of {size} {parts} left out in turn, the {name.upper()} of {inside} {verb}"
            lines.append(f"{which} within what the others predict.")
    return lines


def _cells(rate: Document) -> list[Text]:
    return [Text(percent(rate["estimate"]), style="cyan"), Text(_ends([rate["low"], rate["high"]]))]


def _ends(pair: Sequence[float]) -> str:
    return f"{percent(pair[0])} to {percent(pair[1])}"
