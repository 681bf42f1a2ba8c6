"""The document of `jaxmle doctor` for people."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jaxmle._documents import agreement_rows, failure_line, percent, shown_text
from jaxmle._terminal._tables import cell, judges_tables, new_table
from jaxmle._types import Document

_MOST_COLUMNS = 40
_MOST_WORDS = 4
_STYLES = {"blocks": "bold red", "warns": "yellow", "note": "dim"}


def doctor_table(document: Document) -> Group:
    """Lay out the document of `jaxmle doctor` for a terminal."""
    columns, rows = document["columns"], document["rows"]
    title = f"{shown_text(document['file'])}: {_number(rows, 'row')}, {_number(len(columns), 'column')}"
    table = new_table(title)
    for heading, right in (
        ("column", 0),
        ("holds", 0),
        ("filled", 1),
        ("distinct", 1),
        ("values", 0),
        ("likely", 0),
    ):
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    # Columns with a part to play come first where not all are shown.
    known = sorted(columns, key=lambda one: (one["likely"] is None, one["kind"] != "verdict"))
    listed = columns if len(columns) <= _MOST_COLUMNS else known[:_MOST_COLUMNS]
    for one in listed:
        share = Text(percent(one["filled"] / rows) if rows else "-")
        about = "~" if one["approximate"] else ""
        distinct = Text(f"{about}{one['distinct']:,}")
        values = Text(_values(one))
        table.add_row(
            cell(one["name"]), one["kind"], share, distinct, values, Text(one["likely"] or "", "cyan")
        )
    parts: list[RenderableType] = [table] if columns else [Text(title)]
    if document["failure"] or not columns:
        parts.insert(0, Text(failure_line(document["failure"])))
    if len(columns) > len(listed):
        parts.append(Text(f"... and {len(columns) - len(listed):,} more columns; --json has them all."))
    if document["counts"]:
        parts.append(_summary(document))
    if document["agreement"]:
        parts += _agreement(document["agreement"])
    if document["thresholds"]:
        parts.append(_thresholds(document["thresholds"]))
    parts += judges_tables(document["panel"])
    for finding in document["findings"]:
        line = Text(f"{finding['level']}: ", style=_STYLES[finding["level"]])
        line.append(finding["text"], style="")
        if finding["labels"]:
            line.append(f" (about {finding['labels']:,} more labels)")
        parts.append(line.append("."))
    for command in document["commands"]:
        mark = Text(
            "ready    " if command["ready"] else "blocked  ", style="green" if command["ready"] else "red"
        )
        parts.append(mark.append(f"{command['command']}: {command['why']}.", style=""))
        parts.append(Text(f"    {command['line']}", style="cyan"))
    if document["next"]:
        parts.append(Text("Next: ", style="bold").append(document["next"], style="cyan"))
    return Group(*parts)


def _summary(document: Document) -> Text:
    c, human = document["counts"], document["roles"]["human"]
    labeled = c["tp"] + c["fn"] + c["fp"] + c["tn"]
    unlabeled = c["unlabeled_pos"] + c["unlabeled_neg"]
    judge = document["failure"]["judge"]["column"] if document["failure"] else None
    said = f"Judge {shown_text(judge)}, human {shown_text(human)}: " if judge else ""
    said += f"{labeled:,} labelled, {unlabeled:,} not"
    if labeled:
        said += f"; humans found {percent((c['tp'] + c['fn']) / labeled)} failures"
    flagged = c["tp"] + c["fp"] + c["unlabeled_pos"]
    said += f", the judge flags {percent(flagged / (labeled + unlabeled))} of both"
    for name, hits, size in (("TPR", c["tp"], c["tp"] + c["fn"]), ("FPR", c["fp"], c["fp"] + c["tn"])):
        said += f", {name} {percent(hits / size)} of {size:,}" if size else f", {name} unknown"
    return Text(f"{said}.")


def _agreement(found: Document) -> list[Table]:
    confusion = new_table("Labelled rows:")
    for heading in ("", "judge: failure", "judge: pass"):
        confusion.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for side, cells in (("failure", ("tp", "fn")), ("pass", ("fp", "tn"))):
        confusion.add_row(f"human: {side}", *(f"{found['confusion'][name]:,.8g}" for name in cells))
    measures = new_table(None)
    for heading in ("agreement", "estimate", f"{100 * found['confidence']:g}% interval"):
        measures.add_column(heading, justify="left" if heading == "agreement" else "right", no_wrap=True)
    for row in agreement_rows(found):
        measures.add_row(*row)
    return [confusion, measures]


def _thresholds(thresholds: list[Document]) -> Table:
    table = new_table("Thresholds of the graded judge:")
    for heading in ("failure", "TPR", "FPR", "expected width", ""):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for one in thresholds:
        rates = [percent(one[name]) for name in ("tpr", "fpr", "width")]
        table.add_row(one["threshold"], *rates, Text("proposed" if one["proposed"] else "", "cyan"))
    return table


def _values(column: Document) -> str:
    if words := column["words"]:
        named = [f"{shown_text(word)} {times:,}" for word, times in list(words.items())[:_MOST_WORDS]]
        return ", ".join(named) + (", ..." if len(words) > _MOST_WORDS else "")
    if column["numbers"]:
        low, high = column["numbers"]
        return f"{low:g} to {high:g}"
    return ""


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
