"""Documents as tables for people."""

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

_LONGEST = 60


def estimate_table(document: dict[str, Any]) -> Group:
    """Lay out the document of `jaxmle estimate` for a terminal."""
    by = document["settings"]["by"]
    table = new_table(_title(document["settings"]))
    for column in by or ["slice"]:
        table.add_column(plain(column), no_wrap=True)
    for heading in (
        "labelled",
        "unlabelled",
        "judge only",
        "human only",
        "failure rate",
        "TPR",
        "FPR",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("active bounds", no_wrap=True)
    for record in document["slices"]:
        table.add_row(*(plain(record["key"][column]) for column in by), *_cells(record))
    if by:
        table.add_section()
    names = [Text("all", style="bold")] + [Text("")] * (len(by) - 1)
    table.add_row(*names, *_cells(document["total"]), style="bold" if by else "")
    notes = [
        Text(f"{rows:,} {'row' if rows == 1 else 'rows'} left out: {reason}.")
        for reason, rows in document["dropped"].items()
    ]
    for record in [*document["slices"], document["total"]]:
        name = ", ".join(str(plain(value)) for value in record.get("key", {}).values()) or "all"
        notes += [Text(f"{name}: {warning}.", style="yellow") for warning in record["warnings"]]
    if len(notes) > 12:
        notes = [*notes[:12], Text(f"... and {len(notes) - 12} more notes; --json has them all.")]
    return Group(table, *notes)


def new_table(title: str) -> Table:
    """Return an empty table in the one style of this package."""
    return Table(
        title=title, title_justify="left", title_style="", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )


def percent(value: float | None) -> str:
    """Write a rate for people."""
    return "-" if value is None else f"{100 * value:.2f}%"


def plain(value: str | None) -> Text:
    """Text from a stranger's file: no markup, no control characters, no endless lines."""
    if value is None:
        return Text("(none)", style="dim")
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in value)
    return Text(shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "...")


def _title(settings: dict[str, Any]) -> str:
    names = {"failure_rate": "failure rate", "tpr": "TPR", "fpr": "FPR"}
    stated = [f"{names[name]} in [{low:g}, {high:g}]" for name, (low, high) in settings["bounds"].items()]
    return f"Failure rate by constrained maximum likelihood; bounds: {', '.join(stated) or 'none'}"


def _cells(record: dict[str, Any]) -> list[Text]:
    rate = record["failure_rate"]
    shown = percent(rate["estimate"])
    if not record["identified"]:
        shown = f"{percent(rate['low'])} to {percent(rate['high'])}"
    cells = [
        f"{record['n_labeled']:,}",
        f"{record['n_unlabeled']:,}",
        percent(record["judge_only"]["estimate"]),
        percent(record["human_only"]["estimate"]),
        shown,
        percent(record["tpr"]),
        percent(record["fpr"]),
        ", ".join(record["at_bound"]) or "none",
    ]
    return [Text(cell, style="cyan" if i == 4 else "") for i, cell in enumerate(cells)]
