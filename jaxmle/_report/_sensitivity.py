"""The result of `jaxmle sensitivity`."""

import warnings
from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jaxmle._decisions import Effect, Sensitivity
from jaxmle._decisions._bound_scan import BoundScan
from jaxmle._decisions._sensitivity import check_over, scanned
from jaxmle._inference._design_check import warn_of_design
from jaxmle._report._claims import Claims
from jaxmle._report._document import document_of, sizes_of
from jaxmle._report._fitted import Fitted, fit_table
from jaxmle._report._table import bounds_text, new_table, percent, plain
from jaxmle._report._warnings import data_warnings, table_warnings
from jaxmle._types import Array, Document
from jaxmle.tables import SliceCounts

_NUMBERS = ("estimate", "low", "high", "upper_limit")
_MOST_ROWS = 12
_MOST_COLUMNS = 8
_WIDENING = (
    "A wider bound can certify because the data press against it: the judge's rates that fit them best lie "
    "beyond it, and with those the failure rate is lower. Take bounds from labelled data, not from verdicts."
)
_WITHOUT = ("low > high", "impossible", "contradicted")


def sensitivity_document(
    table: SliceCounts,
    claims: Claims,
    *,
    over: list[str] | None,
    grid: Sequence[Array] | None = None,
    limit: float | None = None,
) -> tuple[Document, Sensitivity]:
    """Move the bounds and describe what becomes of estimate and verdict.

    Args:
        table: Counts of all rows, without slices.
        claims: What the user says of the data; scalar bounds.
        over: One or two names of bounds, as in `sensitivity`, or None.
        grid: Their values, a row each, or None.
        limit: Failure rate to stay under, or None.

    Returns:
        The document, and the result that it describes.

    Raises:
        ValueError: The bounds leave no feasible point, or an argument is out of range.
    """
    check_over(over, grid)
    if claims.confidence < 0.5:
        raise ValueError(f"`confidence` must be at least 0.5; got {claims.confidence!r}.")
    fitted = fit_table(table, claims)
    scan = bound_scan(fitted, claims, limit, claims.confidence)
    result = scanned(scan, over, grid[0] if grid is not None and len(grid) == 1 else grid)
    notes = data_warnings(fitted, claims, fitted.fits)[0] + table_warnings(table)
    active = fitted.fits[0].active_bounds
    present = result.present
    record = {
        **sizes_of(0, fitted.counts[0], claims, fitted.effects),
        **{name: getattr(present, name) for name in _NUMBERS},
        "certified": present.certified,
        "status": present.status,
        "at_bound": active,
        "warnings": notes,
    }
    document = document_of("sensitivity", table, claims, [record])
    del document["slices"]
    document["settings"] |= {"limit": limit, "over": list(result.over), "method": "profile"}
    document["effects"] = [
        {
            "bound": one.bound,
            "value": one.value,
            "active": one.bound in active,
            "d_estimate": one.d_estimate,
            "d_upper_limit": one.d_upper_limit,
            "tipping": one.tipping,
        }
        for one in result.effects
    ]
    document["tipping_in_words"] = _in_words(result)
    document["tipping"] = result.tipping.tolist()
    document["grid"] = {name: row.tolist() for name, row in zip(result.over, result.grid, strict=True)}
    document["answers"] = {name: getattr(result, name).tolist() for name in (*_NUMBERS, "status")}
    document["answers"]["certified"] = None if limit is None else result.certified.tolist()
    return document, result


def bound_scan(fitted: Fitted, claims: Claims, limit: float | None, confidence: float) -> BoundScan:
    """What is asked of all rows together under other bounds."""
    last, effects = [fitted.last], fitted.effects
    present = fitted.effective[last]
    weighted = effects is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said in words elsewhere
        mismatched = warn_of_design(present.counts, claims.calibration, claims.labels, effective=weighted)
    return BoundScan(
        present=present,
        unbounded=fitted.unbounded[last],
        limit=limit,
        confidence=confidence,
        labels=claims.labels,
        mismatched=bool(mismatched),
        df=None if effects is None or effects.df is None else float(effects.df[fitted.last]),
    )


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
    parts: list[RenderableType] = [head, Text(""), _effects(document), Text("")]
    parts.append(_curve(document) if len(settings["over"]) == 1 else _map(document))
    parts.append(Text(""))
    if settings["limit"] is not None:
        limit = percent(settings["limit"])
        if total["certified"]:
            parts.append(Text(f"CERTIFIED: below {limit} at the present bounds", style="bold green"))
        else:
            text = f"NOT CERTIFIED: below {limit} is not shown at the present bounds"
            parts.append(Text(text, style="bold red"))
    parts += [Text(line) for line in document["tipping_in_words"]]
    parts += [Text(f"{rows:,} rows left out: {why}.") for why, rows in document["dropped"].items()]
    parts += [Text(f"{note}.", style="yellow") for note in total["warnings"]]
    if "png" in document:
        parts.append(Text(f"Drawn in {plain(document['png'])}."))
    return Group(*parts)


def _effects(document: Document) -> Table:
    table = new_table("Each bound by itself; points of failure rate per 0.01 of it:")
    table.add_column("bound", no_wrap=True)
    asked = document["settings"]["limit"] is not None
    for heading in ("now", "estimate", "upper limit", *(["verdict flips at"] if asked else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    stated = document["settings"]["bounds"]
    for one in document["effects"]:
        rate = one["bound"].split(".")[0]
        if rate == "failure_rate" and rate not in stated:
            continue
        cells = [f"{one['value']:.4g}", _slope(one["d_estimate"]), _slope(one["d_upper_limit"])]
        if asked:
            cells.append("never" if one["tipping"] is None else f"{one['tipping']:.4f}")
        name = "margin on all four" if rate == "margin" else one["bound"]
        table.add_row(f"{name} (active)" if one["active"] else name, *cells)
    return table


def _slope(value: float | None) -> str:
    """A derivative: as a plain number it is in percentage points per 0.01."""
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
    for heading in (name, "estimate", f"{level} interval", "upper limit", *(["verdict"] if asked else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for i in _thinned(len(grid), _MOST_ROWS, [i for i, value in enumerate(grid) if value == now]):
        here: Document = {key: row and row[i] for key, row in answers.items()}
        label = f"now  {grid[i]:.4g}" if grid[i] == now else f"{grid[i]:.4g}"
        status = here["status"]
        if status in ("low > high", "impossible"):
            table.add_row(label, status)
            continue
        estimate = status if here["estimate"] is None else percent(here["estimate"])
        cells = [estimate, f"{percent(here['low'])} to {percent(here['high'])}", percent(here["upper_limit"])]
        verdict = [_verdict(here["certified"], status)] if asked else []
        table.add_row(label, *cells, *verdict, style="bold" if grid[i] == now else "")
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
        table.add_column(f"{columns[j]:.3g}", justify="right", no_wrap=True)
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
        table.add_row(f"{rows[i]:.3g}", *cells)
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


def _in_words(result: Sensitivity) -> list[str]:
    """What it takes for each bound to turn the verdict, and what the last word is."""
    if result.limit is None:
        return ["Give --limit to see where a verdict flips."]
    if result.present.status == "contradicted":
        return ["The data contradict the present bounds, so nothing is certified there."]
    movable = [one for one in result.effects if one.tipping is not None and "failure_rate" not in one.bound]
    lines = [_sentence(one, bool(result.present.certified)) for one in movable]
    if not lines:
        lines = ["No bound on the judge's rates, moved by itself, turns this verdict."]
    if not result.present.certified and any(_widens(one) for one in movable):
        lines.append(_WIDENING)
    lines.append("By the profile likelihood; `jaxmle certify` has the exact verdict at bounds you settle on.")
    return lines


def _widens(one: Effect) -> bool:
    """Whether it takes a wider bound to turn the verdict."""
    assert one.tipping is not None
    return one.bound == "margin" or (one.tipping > one.value) == one.bound.endswith(".high")


def _sentence(one: Effect, certified: bool) -> str:
    assert one.tipping is not None
    if one.bound == "margin":
        change = f"all bounds on TPR and FPR being widened by {one.tipping:.4f}"
    else:
        way = "falling" if one.tipping < one.value else "rising"
        change = f"{one.bound} {way} from {one.value:.4g} to {one.tipping:.4f}"
    return f"What would turn it: {change}." if certified else f"What would certify it: {change}."
