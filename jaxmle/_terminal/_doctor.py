"""The document of `jaxmle doctor` for people."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jaxmle._documents import agreement_rows, count_of, failure_line, percent, shown_text
from jaxmle._terminal._fold import new_table
from jaxmle._terminal._tables import cell, command_line, judges_tables
from jaxmle._types import Document

_MOST_COLUMNS = 40
_MOST_VALUES = 4
_STYLES = {"blocks": "bold red", "warns": "yellow", "note": "dim"}


def doctor_table(document: Document) -> Group:
    """Lay out the document of `jaxmle doctor` for a terminal."""
    columns, rows = document["columns"], document["rows"]
    title = f"{shown_text(document['file'])}: {count_of(rows, 'row')}, {count_of(len(columns), 'column')}"
    table = new_table(title)
    table.n_kept = 3
    for heading in ("column", "likely", "holds", "filled", "distinct", "values"):
        right = heading in ("filled", "distinct")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    # Columns with a part to play come first where not all are shown.
    known = sorted(columns, key=lambda one: (one["likely"] is None, one["kind"] != "verdict"))
    listed = columns if len(columns) <= _MOST_COLUMNS else known[:_MOST_COLUMNS]
    for one in listed:
        share = Text(percent(one["filled"] / rows) if rows else "-")
        about = "~" if one["approximate"] else ""
        distinct = Text(f"{about}{one['distinct']:,}")
        values = Text(_values(one))
        likely = Text(one["likely"] or "", "cyan")
        table.add_row(cell(one["name"]), likely, Text(one["kind"]), share, distinct, values)
    parts: list[RenderableType] = [table] if columns else [Text(title)]
    if document["failure"] or not columns:
        parts.insert(0, Text(failure_line(document["failure"])))
    parts.insert(0, _answer(document))
    if left := len(columns) - len(listed):
        parts.append(Text(f"... and {count_of(left, 'more column')}; --json has them all."))
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
            line.append(f" (about {count_of(finding['labels'], 'more label')})")
        parts.append(line.append("."))
    for command in document["commands"]:
        mark = Text(
            "ready    " if command["ready"] else "blocked  ", style="green" if command["ready"] else "red"
        )
        parts.append(mark.append(f"{command['command']}: {command['why']}.", style=""))
        parts.append(command_line(command["line"]))
    if document["next"]:
        following = Text("Next: ", style="bold", no_wrap=True)
        parts.append(following.append(document["next"], style="cyan"))
    return Group(*parts)


def _answer(document: Document) -> Text:
    """What the file is good for, and how much speaks against it."""
    levels = Counter(one["level"] for one in document["findings"])
    words = (("blocks", "obstacle"), ("warns", "warning"))
    found = [count_of(levels[level], word) for level, word in words if levels[level]]
    ready = list(
        dict.fromkeys(one["command"].split()[0].rstrip(",") for one in document["commands"] if one["ready"])
    )
    blocked = list(dict.fromkeys(one["command"] for one in document["commands"] if not one["ready"]))
    said = [f"READY: {', '.join(ready)}"] if ready else ["NOT READY"]
    said += [f"blocked: {', '.join(blocked)}"] if blocked else []
    said += [" and ".join(found)] if found else []
    return Text(f"{'; '.join(said)}.", style=f"bold {'green' if ready else 'red'}")


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
    for heading in ("failure", "", "expected width", "TPR", "FPR"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for one in thresholds:
        rates = [percent(one[name]) for name in ("width", "tpr", "fpr")]
        table.add_row(Text(one["threshold"]), Text("proposed" if one["proposed"] else "", "cyan"), *rates)
    return table


def _values(column: Document) -> str:
    if values := column["values"]:
        named = [f"{_quoted(value)} {times:,}" for value, times in list(values.items())[:_MOST_VALUES]]
        return ", ".join(named) + (", ..." if len(values) > _MOST_VALUES else "")
    if column["numbers"]:
        low, high = column["numbers"]
        return f"{low:g} to {high:g}"
    return ""


def _quoted(value: str) -> str:
    """A value as it is written; in quotes where space around it would not be seen."""
    text = shown_text(value)
    return text if value and value == value.strip() else repr(text)
