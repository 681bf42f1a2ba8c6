"""The tables of a page."""

from typing import Any

from jaxmle._documents import (
    agreement_rows,
    judges_rows,
    judges_title,
    p_value,
    percent,
    shown_text,
    slice_name,
)
from jaxmle._page._blocks import Rows
from jaxmle._types import Document


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


def methods_table(named: dict[str, Document], level: float) -> Rows:
    """Estimates and intervals by method."""
    uses = {
        "jaxmle": "labels, verdicts and bounds",
        "judge only": "verdicts of unlabelled items",
        "human only": "labels",
        "PPI++": "labels and verdicts",
        "jaxmle, external": "labels for the judge alone (--calibration external)",
    }
    rows = [
        [
            name,
            "not identified" if one["estimate"] is None else percent(one["estimate"]),
            _ends(one),
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
    names = [shown_text(column) for column in settings["by"]]
    level = f"{100 * settings['confidence']:g}% interval"
    headings = [
        *names,
        "labelled",
        "unlabelled",
        "judge only",
        "human only",
        "failure rate",
        level,
        "TPR",
        "FPR",
    ]
    headings += ["upper limit", "p", "verdict"] if certificate else []
    headings.append("active bounds")
    rows = []
    for record in (*estimate["slices"], estimate["total"]):
        key = record.get("key", {})
        shown = [slice_name(value) for value in key.values()]
        first = shown or ["all", *[""] * (len(names) - 1)]
        verdict = _verdict(verdicts[tuple(key.values())]) if certificate else []
        rows.append([*first, *_estimate(record), *verdict, ", ".join(record["at_bound"]) or "none"])
        if not key and (mix := estimate.get("mix")):
            empty = [""] * (len(headings) - len(names) - 6)
            middle = "not identified" if mix["estimate"] is None else percent(mix["estimate"])
            rows.insert(-1, ["mix of slices", *first[1:], *[""] * 4, middle, _ends(mix), *empty])
    return Rows(
        "Slices, and all rows together last", headings, rows, len(names), ("verdict", "active bounds"), True
    )


def judge_table(total: Document, bounds: Document, in_labels: Document, level: float) -> Rows:
    """The judge's rates: estimates, bounds, and what the labels alone say."""
    rows = []
    for name in ("tpr", "fpr"):
        alone, pair = in_labels[name], bounds.get(name)
        labels = [percent(alone["estimate"]), _ends(alone)] if alone else ["-", "-"]
        stated = f"{percent(pair[0])} to {percent(pair[1])}" if pair else "none"
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


def _estimate(record: Document) -> list[str]:
    rate = record["failure_rate"]
    return [
        f"{record['n_labeled']:,.8g}{'*' if record['few_labels'] else ''}",
        f"{record['n_unlabeled']:,.8g}",
        percent(record["judge_only"]["estimate"]),
        percent(record["human_only"]["estimate"]),
        percent(rate["estimate"]) if record["identified"] else "not identified",
        _ends(rate),
        percent(record["tpr"]),
        percent(record["fpr"]),
    ]


def _verdict(record: Document) -> list[str]:
    verdict = "pass" if record["certified"] else "fail"
    return [percent(record["upper_limit"]), p_value(record["p_value"]), verdict]


def _ends(one: Document) -> str:
    return f"{percent(one['low'])} to {percent(one['high'])}"


def _signed(value: float | None, sign: int) -> str:
    if value is None:
        return "-"
    return f"{sign * value:+.3f}" if abs(value) >= 5e-4 else "0"
