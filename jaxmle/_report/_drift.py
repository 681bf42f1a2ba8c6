"""The result of `jaxmle drift`."""

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
from rich.console import Group
from rich.text import Text

from jaxmle._decisions import Drift, drift
from jaxmle._inference import adjust_p_values
from jaxmle._report._claims import Claims, with_total
from jaxmle._report._document import sizes_of
from jaxmle._report._quoting import shell_line
from jaxmle._report._table import new_table, p_value, percent, plain
from jaxmle._report._warnings import few_clusters_notes, table_warnings
from jaxmle._types import Document
from jaxmle.tables import SliceCounts
from jaxmle.tables._slice_counts import shown_key
from jaxmle.tables._slice_rows import few

_RATES = ("tpr", "fpr")
_STYLES = {"inside": "green", "outside": "red", "undecided": "yellow"}
_WORDS = {
    "inside": "INSIDE: the anchor set shows that the judge is within its bounds",
    "outside": "OUTSIDE: the judge has left its bounds",
    "undecided": "UNDECIDED: no evidence that the judge has left its bounds, nor that it is within them",
}


def drift_document(table: SliceCounts, claims: Claims) -> Document:
    """Hold a judge against its bounds in every slice and in all, and describe the verdicts.

    Args:
        table: Counts of the anchor set by slice.
        claims: What the user says of the judge.

    Returns:
        The document. ``verdict`` is that of the total and of all slices where there are any: "outside" if
        one of them is, by p-values that Holm adjusts over slices and total.

    Raises:
        ValueError: No row has both verdicts, or there are no bounds.
    """
    everything = with_total(table, claims)
    last = len(everything) - 1
    told = np.flatnonzero(np.asarray(everything.n_labeled) > 0)
    if not told.size:
        raise ValueError("no row has both a human and a judge verdict, and an anchor set needs both.")
    clusters = table.all_clusters
    result = drift(
        everything[told],
        claims.bounds_of(told),
        clusters=None if clusters is None else clusters.of_slices(told),
        confidence=claims.confidence,
    )
    # What is said of the total counts as much as what is said of a slice, so it is one of the tests; but a
    # single slice and the total are the same rows.
    several = bool(claims.by) and len(told) > 2
    adjusted = adjust_p_values(result.p_value, "holm") if several else np.array(result.p_value)
    outside = adjusted <= 1 - claims.confidence
    records = []
    for i, place in enumerate(told):
        verdict = "outside" if outside[i] else ("inside" if np.asarray(result.inside)[i] else "undecided")
        sizes = sizes_of(int(place), everything[int(place)], claims, None)
        counts = {name: sizes["counts"][name] for name in ("tp", "fn", "fp", "tn")}
        key = {"key": table.keys[place]} if claims.by and place < last else {}
        rates = {name: _rate(result, name, i) for name in _RATES}
        own = {"n_labeled": sizes["n_labeled"], "counts": counts}
        records.append({**key, **own, "verdict": verdict, "p_value": float(adjusted[i]), **rates})
    *slices, total = records
    said = [record["verdict"] for record in records]
    silent = (
        [shown_key(table.keys[i]) for i in range(last) if i not in set(told.tolist())] if claims.by else []
    )
    notes = [f"no item with both verdicts, so left out: {few(silent)}"] if silent else []
    unlabeled = int(np.sum(table.counts.n_unlabeled))
    if unlabeled:
        notes.append(
            f"{unlabeled:,} items without a human verdict tell nothing of the judge and are not used"
        )
    if table.repeated:
        notes.append(
            f"{table.repeated!r} repeats, and the limits take rows that share it for independent: --cluster "
            f"{shell_line(table.repeated)} widens them as they require"
        )
    if clusters is not None:
        for name, rate in zip(_RATES, (result.tpr, result.fpr), strict=True):
            if np.asarray(rate.n_items)[-1]:
                notes += [
                    f"{name.upper()}: {note}" for note in few_clusters_notes(np.asarray(rate.n_clusters)[-1])
                ]
    return {
        "command": "drift",
        "verdict": next((word for word in ("outside", "undecided") if word in said), "inside"),
        "version": version("jaxmle"),
        "settings": {"confidence": claims.confidence, "by": claims.by},
        "total": total,
        "slices": slices,
        "rows": table.n_rows,
        "log": table.log,
        "labels": table.labels,
        "dropped": table.dropped,
        "warnings": notes + table_warnings(replace(table, repeated=None)) + claims.notes,
    }


def _rate(result: Drift, name: str, i: int) -> Document:
    rate, pair = getattr(result, name), getattr(result.bounds, name)
    least, most = (end[i] for end in rate.detectable)
    low, high = (float(np.broadcast_to(end, np.shape(result.outside))[i]) for end in pair)
    return {
        "estimate": rate.estimate[i],
        "low": float(rate.low[i]),
        "high": float(rate.high[i]),
        "p_value": float(rate.p_value[i]),
        "n_items": int(rate.n_items[i]),
        "n_effective": float(rate.n_effective[i]),
        "bounds": [low, high],
        # Where the bound is an end of [0, 1] there is nothing beyond it.
        "detectable": [least if low > 0 else None, most if high < 1 else None],
    }


def drift_table(document: Document) -> Group:
    """Lay out the document of `jaxmle drift` for a terminal."""
    settings = document["settings"]
    by = settings["by"]
    table = new_table(
        f"Is the judge within its bounds? {100 * settings['confidence']:g}% confidence of both rates"
    )
    for column in by or ["slice"]:
        table.add_column(plain(column), no_wrap=True)
    for heading in ("rate", "items", "estimate", "interval", "bounds", "found 4 in 5 times", "p", "verdict"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in document["slices"]:
        _add(table, [plain(record["key"][column]) for column in by], record)
    if by:
        table.add_section()
    _add(table, [Text("all", style="bold")] + [Text("")] * (len(by) - 1), document["total"])
    adjusted = ", and (Holm) for slices and all" if by else ""
    notes = [
        Text(f"p of a rate is its own; p of both decides and accounts for all rates with bounds{adjusted}.")
    ]
    notes += [
        Text(f"{rows:,} {'row' if rows == 1 else 'rows'} left out: {reason}.")
        for reason, rows in document["dropped"].items()
    ]
    notes += [Text(f"{warning}.", style="yellow") for warning in document["warnings"]]
    verdict = document["verdict"]
    said = _WORDS[verdict]
    if records := document["slices"]:
        counted = sum(record["verdict"] == verdict for record in records)
        together = ", and all together" if document["total"]["verdict"] == verdict else ""
        said += f" ({counted} of {len(records)} slices{together})"
    elif verdict != "outside" and (reach := _reach(document["total"])):
        said += f". A set of this size would find, 4 times in 5, {reach}"
    return Group(table, *notes, Text(said, style=f"bold {_STYLES[verdict]}"))


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


def _add(table: Any, names: list[Text], record: Document) -> None:
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
            Text(_items(rate)),
            Text(percent(rate["estimate"])),
            Text(f"{percent(rate['low'])} to {percent(rate['high'])}", style="cyan"),
            Text(f"{percent(low)} to {percent(high)}" if stated else "none"),
            Text(", ".join(reach) or "-"),
            Text(p_value(rate["p_value"]) if stated else "-"),
            Text(""),
        )
        names = [Text("")] * len(names)
    verdict = record["verdict"]
    table.add_row(
        *names,
        Text("both", style="bold"),
        Text(f"{record['n_labeled']:,}"),
        *[Text("")] * 4,
        Text(p_value(record["p_value"]), style="bold"),
        Text(verdict, style=_STYLES[verdict]),
    )
