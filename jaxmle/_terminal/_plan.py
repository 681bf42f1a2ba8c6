"""The document of `jaxmle plan` for a terminal."""

from typing import Any

from rich.console import Group
from rich.text import Text

from jaxmle._documents import bounds_text, count_of, drawn_with, percent, record_name
from jaxmle._terminal._fold import new_table
from jaxmle._terminal._tables import cell, slice_cell
from jaxmle._types import Document

_BARS = "▁▂▃▄▅▆▇█"


_ROWS = 9
# Slices whose reason is said.
_FEW = 4


_DESIGNS = {
    "random": "labels at random",
    "by-verdict": "labels by verdict",
    "external": "labels from elsewhere",
    "human only": "without the judge",
}


def plan_table(document: Document) -> Group:
    """Lay out the document of `jaxmle plan` for a terminal."""
    width = document["goal"] == "width"
    confidence = f"{100 * document['settings']['confidence']:g}%"
    target = percent(document["target"])
    asked = (
        f"a mean width of {target} of the {confidence} interval"
        if width
        else f"power {target} to certify below {percent(document['limit'])} at {confidence} confidence"
    )
    given = document.get("at_hand")
    what = "Further labels" if given else "Human labels"
    title = f"{what} for {asked}; {bounds_text(document['settings'])}"
    notes = [Text(f"{note[0].upper()}{note[1:]}.", style="yellow") for note in document["warnings"]]
    if not given and (more := drawn_with(document)):
        line = f"Next: jaxmle draw FILE --judge COL --id COL {more} --out queue.csv"
        following = [Text(line, no_wrap=True)]
    else:
        following = _following(document)
    if not document["options"]:  # a plan of slices alone
        return Group(_verdict(document), Text(title), *_slices(document), *notes, *following)
    if given:
        notes.insert(0, Text(_at_hand(document)))
    return Group(
        *(_verdict(document), _options(document, title), *_slices(document), *notes),
        *(Text(), *_curve(document), *following),
    )


def _following(document: Document) -> list[Text]:
    """What to type next, or why there is nothing."""
    command, reason = document.get("next"), document.get("no_next")
    if not command:
        return [Text(f"No command comes next: {reason}.")] if reason else []
    first = "Next"
    if "--plan" in command.split():
        first += ", once --json has put this plan into plan.json"
        if not document["reached"]:
            some = [one for one in document["slices"] if one["reached"] and one["n_labels"]]
            first += f", for {count_of(len(some), 'slice')} of {len(document['slices']):,}"
    return [Text(f"{first}: {command}", no_wrap=True)]


def _options(document: Document, title: str) -> Any:
    """One row a way to do it."""
    costs = any(one["cost"] is not None for one in document["options"])
    table = new_table(title)
    table.n_names = 3
    table.add_column("design", no_wrap=True)
    table.add_column("bounds", no_wrap=True)
    table.add_column("method", no_wrap=True)
    for heading in ("labels", document["goal"], *(["cost"] if costs else []), "of them"):
        table.add_column(heading, justify="right", no_wrap=True)
    for i, one in enumerate(document["options"]):
        split = ", ".join(f"{count:,} {name}" for name, count in (one["split"] or {}).items())
        cells = [
            _DESIGNS[one["design"]],
            "yes" if one["bounded"] else "no",
            one["method"],
            "never" if one["n_labels"] is None else f"{one['n_labels']:,}",
            percent(one["value"]),
        ]
        if costs:
            cells.append("-" if one["cost"] is None else f"{one['cost']:,.10g}")
        cells.append(split)
        table.add_row(*cells, style="bold cyan" if not i else "")
    return table


def _at_hand(document: Document) -> str:
    """What future labels are drawn from, and what there is without any."""
    settings, now = document["settings"], document["curve"][0]["value"]
    rates = ", ".join(percent(settings[name]) for name in ("failure_rate", "judge_tpr", "judge_fpr"))
    said = (
        f"{count_of(document['at_hand']['n_labeled'], 'label')} at hand leave a failure rate, TPR and FPR of "
        f"{rates} on average (posterior, Jeffreys' prior); further labels are drawn from that."
    )
    if document["goal"] == "width":
        return f"{said} Width now: {percent(now)}."
    every = document["curve"][-1]["value"]
    word = "certified now" if now else "not certified now"
    return f"{said} It is {word}; with every item labelled the chance is {percent(every)}."


def _slices(document: Document) -> list[Any]:
    """One row a slice: how many more labels it takes by itself."""
    records = document.get("slices")
    if not records:
        return []
    table = new_table("Each slice by itself")
    by = document["settings"]["by"]
    table.n_names = len(by)
    for column in by:
        table.add_column(cell(column), no_wrap=True)
    for heading in ("more labels", document["goal"], "labelled", "unlabelled", "of them"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in records:
        split = ", ".join(f"{count:,} {name}" for name, count in (one["split"] or {}).items())
        more = "never" if one["n_labels"] is None else f"{one['n_labels']:,}"
        sizes = [f"{one[name]:,}" for name in ("n_labeled", "n_unlabeled")]
        table.add_row(
            *(slice_cell(one["key"][column]) for column in by), more, percent(one["value"]), *sizes, split
        )
    without = [one for one in records if one["reason"]]
    lines = [f"{record_name(one)}: {one['reason']}." for one in without[:_FEW]]
    lines += [f"{len(without) - _FEW:,} more do not reach it."] * (len(without) > _FEW)
    return [table, *(Text(line, style="yellow") for line in lines)]


def _curve(document: Document) -> list[Any]:
    points = document["curve"]
    top = max(point["value"] for point in points) or 1.0
    line = "".join(_BARS[min(int(8 * point["value"] / top), 7)] for point in points)
    word = "Mean width" if document["goal"] == "width" else "Power"
    table = new_table(None)
    for heading in ("labels", document["goal"], "simulation error"):
        table.add_column(heading, justify="right", no_wrap=True)
    step = max(1, (len(points) - 1) // (_ROWS - 1))
    for point in points[::-step][::-1]:
        table.add_row(
            f"{point['n_labels']:,}", percent(point["value"]), f"+-{percent(point['standard_error'])}"
        )
    return [Text(f"{word} against labels, logarithmic: {line}"), table]


def _verdict(document: Document) -> Text:
    if not document["reached"]:
        return Text(f"NOT REACHED: {document['reason']}.", style="bold red")
    n, value = document["n_labels"], percent(document["value"])
    split = document["split"]
    chosen = f" ({', '.join(f'{count:,} {name}' for name, count in split.items())})" if split else ""
    if not n and "at_hand" in document:
        have = count_of(document["at_hand"]["n_labeled"], "label")
        return Text(f"PLAN: no further label; the {have} at hand are enough.", style="bold green")
    if not n:
        return Text(
            f"PLAN: no label at all; the bounds alone give a {document['goal']} of {value}.",
            style="bold green",
        )
    among = "of" if document["settings"]["calibration"] == "internal" else "from elsewhere, beside"
    labels = "further label" if "at_hand" in document else "label"
    cost = "" if document["cost"] is None else f", cost {document['cost']:,.10g}"
    return Text(
        f"PLAN: {count_of(n, labels)}{chosen} {among} {count_of(document['n_judged'], 'judged item')}"
        f"{cost}: expected {document['goal']} {value} ({document['method']}).",
        style="bold green",
    )
