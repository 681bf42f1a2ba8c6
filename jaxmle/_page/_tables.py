"""The tables of a page."""

from typing import Any

from jaxmle._documents import (
    agreement_rows,
    estimate_text,
    interval_that_holds,
    judges_rows,
    judges_title,
    p_value,
    percent,
    shown_text,
    slice_name,
    span_text,
)
from jaxmle._page._blocks import Rows
from jaxmle._page._head import rate_text
from jaxmle._types import Document

_SIZES = ("labelled", "unlabelled")
# A summary of GitHub's holds a megabyte.
_MOST_VERDICTS = 200


def methods_to_show(document: Document) -> dict[str, Document]:
    """Estimates of all rows together by method, the one to report first."""
    total = document["estimate"]["total"]
    named = {
        "jaxmle": total["failure_rate"],
        "judge only": total["judge_only"],
        "human only": total["human_only"],
        "PPI++": document["ppi_plus_plus"],
        "jaxmle, external": document["if_external"],
    }
    return {name: one for name, one in named.items() if one and one["low"] is not None}


def methods_table(named: dict[str, Document], level: float, bounds: Document | str) -> Rows:
    """Estimates and intervals by method."""
    uses = {
        "jaxmle": "labels, verdicts and bounds" if bounds else "labels and verdicts",
        "judge only": "verdicts of unlabelled items",
        "human only": "labels",
        "PPI++": "labels and verdicts",
        "jaxmle, external": "labels for the judge alone (--calibration external)",
    }
    rows = [
        [
            name,
            rate_text(one["estimate"]),
            ends_text(one),
            uses[name],
        ]
        for name, one in named.items()
    ]
    headings = ["method", "failure rate", f"{100 * level:g}% interval", "uses"]
    return Rows("Failure rate of all rows by method", headings, rows, words=("uses",))


def slices_table(document: Document) -> Rows:
    """Every slice, and all rows together."""
    estimate, certificate = document["estimate"], document["certificate"]
    settings = estimate["settings"]
    verdicts: dict[Any, Document] = {}
    if certificate:
        verdicts = {tuple(record["key"].values()): record for record in certificate["slices"]}
        verdicts[()] = certificate["total"]
    level = f"{100 * settings['confidence']:g}% interval"
    # A narrow screen shows the first columns: rate and verdict are what is looked for.
    rates = ["failure rate", *(["verdict"] if certificate else []), level]
    rates += ["upper limit", "p"] if certificate else []
    headings = [*map(shown_text, settings["by"]), *rates, *_SIZES, "judge only", "human only", "TPR", "FPR"]
    headings += ["active bounds"] if settings["bounds"] else []
    rows = []
    for record in (*estimate["slices"], estimate["total"]):
        key = record.get("key", {})
        if not key and (mix := estimate.get("mix")):
            cells = dict.fromkeys(headings[len(settings["by"]) :], "")
            cells |= {"failure rate": estimate_text(mix), level: ends_text(interval_that_holds(mix))}
            rows.append(["mix of slices", *[""] * (len(settings["by"]) - 1), *cells.values()])
        cells = {
            "failure rate": estimate_text(record),
            level: ends_text(interval_that_holds(record)),
            **_sizes(record),
            "judge only": percent(record["judge_only"]["estimate"]),
            "human only": percent(record["human_only"]["estimate"]),
            "TPR": percent(record["tpr"]),
            "FPR": percent(record["fpr"]),
            "active bounds": _active(record),
        }
        if certificate:
            cells |= _verdict(verdicts[tuple(key.values())])
        rows.append(
            [*_names(record, settings), *(cells[heading] for heading in headings[len(settings["by"]) :])]
        )
    return _of_slices("Slices, and all rows together last", headings, rows, settings)


def verdicts_table(document: Document) -> Rows:
    """Verdicts on slices, the highest upper limits where there are very many, and on all rows."""
    settings = document["settings"]
    slices, caption = document["slices"], "Slices, and all rows together last"
    if len(slices) > _MOST_VERDICTS:
        worst = sorted(slices, key=lambda record: (record["certified"], -record["upper_limit"]))
        slices = worst[:_MOST_VERDICTS]
        caption = (
            f"{_MOST_VERDICTS:,} of {len(worst):,} slices, those that fail first; all rows together last"
        )
    columns = ["failure rate", "verdict", "upper limit", "p", *_SIZES]
    columns += ["active bounds"] if settings["bounds"] else []
    rows = []
    for record in (*slices, document["total"]):
        rate = "-" if record["failure_rate"] is None else estimate_text(record)
        cells = {"failure rate": rate, **_verdict(record), **_sizes(record)}
        cells["active bounds"] = _active(record)
        rows.append([*_names(record, settings), *(cells[name] for name in columns)])
    return _of_slices(caption, [*map(shown_text, settings["by"]), *columns], rows, settings)


def _of_slices(caption: str, headings: list[str], rows: list[list[str]], settings: Document) -> Rows:
    return Rows(caption, headings, rows, len(settings["by"]), ("verdict", "active bounds"), True)


def _names(record: Document, settings: Document) -> list[str]:
    if "key" in record:
        return [slice_name(value) for value in record["key"].values()]
    return ["all", *[""] * (len(settings["by"]) - 1)]


def _sizes(record: Document) -> dict[str, str]:
    mark = "*" if record["few_labels"] else ""
    sizes = (f"{record['n_labeled']:,.8g}{mark}", f"{record['n_unlabeled']:,.8g}")
    return dict(zip(_SIZES, sizes, strict=True))


def _verdict(record: Document) -> dict[str, str]:
    verdict = "pass" if record["certified"] else "fail"
    return {
        "verdict": verdict,
        "upper limit": percent(record["upper_limit"]),
        "p": p_value(record["p_value"]),
    }


def _active(record: Document) -> str:
    return ", ".join(record["at_bound"]) or "none"


def judge_table(total: Document, bounds: Document, in_labels: Document, level: float) -> Rows:
    """The judge's rates: estimates, bounds, and what the labels alone say."""
    rows = []
    for name in ("tpr", "fpr"):
        alone, pair = in_labels[name], bounds.get(name)
        labels = [percent(alone["estimate"]), ends_text(alone)] if alone else ["-", "-"]
        stated = span_text(*pair) if pair else "none"
        active = [end for end in total["at_bound"] if end.startswith(name)]
        rows.append([name.upper(), percent(total[name]), stated, ", ".join(active) or "none", *labels])
    headings = [
        "rate",
        "estimate",
        "bounds",
        "active",
        "in the labels",
        f"{100 * level:g}% interval (Wilson)",
    ]
    return Rows("The judge's rates over all rows", headings, rows, words=("active",))


def judges_table(panel: Document) -> Rows:
    """Each judge alone and each rule."""
    headings = ["judge", "here", "TPR", "FPR", "width", "labelled"]
    return Rows(judges_title(panel), headings, judges_rows(panel), words=("here",))


def confusion_table(found: Document) -> Rows:
    """What judge and human say of the labelled rows."""
    rows = [
        [side, *(f"{found['confusion'][name]:,.8g}" for name in cells)]
        for side, cells in (("failure", ("tp", "fn")), ("pass", ("fp", "tn")))
    ]
    return Rows("Labelled rows", ["human verdict", "judge: failure", "judge: pass"], rows)


def agreement_table(found: Document) -> Rows:
    """How well judge and human agree on them."""
    level = f"{100 * found['confidence']:g}% interval"
    return Rows("Agreement on the labelled rows", ["measure", "estimate", level], agreement_rows(found))


def effects_table(document: Document, limit: float | None) -> Rows:
    """What it does to relax each bound."""
    headings = ["bound", "now", "active", "estimate", "upper limit", "log-likelihood"]
    rows = []
    for one in document["effects"]:
        # Lower bounds give way downwards.
        sign = -1 if one["bound"].endswith("low") else 1
        moves = [_signed(one[name], sign) for name in ("d_estimate", "d_upper_limit")]
        price = None if one["shadow_price"] is None else one["shadow_price"] / 100
        row = [one["bound"], f"{one['value']:.4g}", "yes" if one["active"] else "no", *moves]
        row.append(_signed(price, sign))
        if limit is not None:
            row.append("never" if one["tipping"] is None else f"{one['tipping']:.4f}")
        rows.append(row)
    if limit is not None:
        headings.append("verdict flips at")
    return Rows("Change for each 0.01 that a bound is relaxed", headings, rows, words=("active",))


def ends_text(one: Document) -> str:
    """An interval in words."""
    return f"{percent(one['low'])} to {percent(one['high'])}"


def _signed(value: float | None, sign: int) -> str:
    if value is None:
        return "-"
    return f"{sign * value:+.3f}" if abs(value) >= 5e-4 else "0"
