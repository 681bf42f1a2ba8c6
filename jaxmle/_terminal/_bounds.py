"""The document of `jaxmle bounds` for a terminal."""

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from jaxmle._documents import dropped_lines, failure_line, percent, rounded_outwards, shell_line, shown_text
from jaxmle._terminal._tables import at_most, cell, new_table, slice_cell
from jaxmle._types import Document

_RATES = ("tpr", "fpr")
_MOST_PARTS = 40


def bounds_table(document: Document) -> Group:
    """Lay out the document for a terminal: each part, how far they differ, the bounds."""
    settings, parts = document["settings"], document["parts"]
    by, level = settings["by"], f"{100 * settings['confidence']:g}%"
    table = new_table("The judge's rates in each part, and whether the other parts foretell them")
    for column in by or ["part"]:
        table.add_column(cell(column), no_wrap=True)
    for heading in ("labelled", "TPR", "limits", "foretold", "FPR", "limits", "foretold"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in parts[:_MOST_PARTS]:
        names = [slice_cell(part["key"][column]) for column in by] if by else [Text("all")]
        cells = [one for name in _RATES for one in _cells(part[name])]
        table.add_row(*names, Text(f"{part['n_labeled']:,.8g}"), *cells)
    notes = [Text(line) for line in dropped_lines(document["dropped"])]
    if len(parts) > _MOST_PARTS:
        notes.append(Text(f"... and {len(parts) - _MOST_PARTS:,} more parts; --json has them all."))
    notes += [Text(f"{warning}.", style="yellow") for warning in document["warnings"]]
    lines = [Text(line) for line in _said(document)]
    ends = document["bounds"]
    verdict = Text(
        f"BOUNDS of a new part, {level} for both rates together: "
        f"TPR {_ends(rounded_outwards(ends['tpr']))}, FPR {_ends(rounded_outwards(ends['fpr']))}",
        style="bold green",
    )
    first = Text(failure_line(document["failure"]))
    options = Text(f"    {document['options']}", style="cyan")
    written = []
    if saved := document.get("saved"):
        written = [
            Text(f"Saved, {saved['said']}:"),
            Text(f"    --bounds {shell_line(saved['file'])}", style="cyan"),
        ]
    if "png" in document:
        written.append(Text(f"Drawn in {shown_text(document['png'])}."))
    return Group(first, table, *at_most(notes), *lines, verdict, options, *written)


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
            lines.append(f"{which} within what the others foretold.")
    return lines


def _cells(rate: Document) -> list[Text]:
    foretold = {None: Text("-"), True: Text("yes", style="green"), False: Text("no", style="red")}
    estimate = Text(percent(rate["estimate"]), style="cyan")
    return [estimate, Text(_ends([rate["low"], rate["high"]])), foretold[rate["foretold"]]]


def _ends(pair: Sequence[float]) -> str:
    return f"{percent(pair[0])} to {percent(pair[1])}"
