"""Tables of the site, made from benchmarks/results when it is built: a page says `<!-- table: NAME -->`."""

import contextlib
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import (
    _coverage_report,
    _growth_shares,
    _paper_study_report,
    _peers_report,
    _results,
    _thin,
    borrowing,
    clustered,
    combining,
    comparing,
    first_answer,
    growth,
    labelling,
    levels,
    looks,
    on_spark,
    planning,
    rounds,
    with_reference,
)

RESULTS = _results.RESULTS
Row = dict[str, Any]


def table(name: str) -> str:
    """The Markdown of a table by its name."""
    if name not in TABLES:
        raise ValueError(f"no table {name!r}; there are {', '.join(TABLES)}.")
    return TABLES[name]().strip()


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table whose first columns are words, the others numbers."""
    rule = ["---"] * words + ["--:"] * (len(heads) - words)
    lines = [heads, rule, *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _printed(report: Callable[..., object], *arguments: Any) -> str:
    """What a report of the benchmarks prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        report(*arguments)
    return out.getvalue()


def _read(name: str) -> list[Row]:
    return _results.read(RESULTS / f"{name}.csv")


def _as_is(name: str, words: int = 1) -> Callable[[], str]:
    """A file of results as it stands."""

    def make() -> str:
        rows = _read(name)
        return _markdown(list(rows[0]), [[*row.values()] for row in rows], words)

    return make


def _paper() -> str:
    rows = [row for row in _results.numbers(RESULTS / "paper_study.csv") if row["study"] == "paper"]
    rates = sorted({row["failure_rate"] for row in rows})
    by = {(row["method"], row["failure_rate"]): row for row in rows}
    names = list(dict.fromkeys(row["method"] for row in rows))

    def listed(method: str, name: str, digits: int, factor: float = 1) -> str:
        return ", ".join(f"{factor * by[method, rate][name]:.{digits}f}" for rate in rates)

    def to_ppi(method: str) -> str:
        return ", ".join(f"{by[method, r]['rmse'] / by['PPI++', r]['rmse']:.2f}" for r in rates)

    cells = [
        [
            method,
            *(f"{100 * by[method, rate]['rmse']:.2f}" for rate in rates),
            to_ppi(method),
            listed(method, "coverage", 2),
            listed(method, "width", 1, 100),
        ]
        for method in names
    ]
    errors = [f"RMSE at {rate:.0%}" for rate in rates]
    return _markdown(["method", *errors, "to PPI++", "coverage", "mean width"], cells)


def _clustered() -> str:
    groups = defaultdict(list)
    for row in _results.numbers(RESULTS / "clustered.csv"):
        groups[row["icc"], int(row["items"]), row["method"]].append(row)

    def mean(key: tuple[float, int, str], name: str) -> str:
        return f"{np.mean([row[name] for row in groups[key]]):.3f}"

    ignored, effect = "profile, clusters ignored", "profile, design effect"
    methods = sorted({key[2] for key in groups}, key=list(clustered.METHODS).index)
    heads = ["ICC", "items a cluster", *(f"coverage: {name}" for name in methods)]
    rows = []
    for icc, items in sorted({key[:2] for key in groups}):
        key = icc, items
        widths = [mean((*key, name), "width") for name in (ignored, effect)]
        rows.append([f"{icc:g}", str(items), *(mean((*key, name), "coverage") for name in methods), *widths])
    return _markdown([*heads, "width, ignored", "width, design effect"], rows, 0)


def _clustered_tests() -> str:
    rows = [
        [row["test"], row["clusters"], row["icc"], row["false_ignored"], row["false"], row["true"]]
        for row in _read("clustered_tests")
    ]
    return _markdown(["test", "clusters", "ICC", "false, clusters ignored", "false", "true"], rows)


def _pooling() -> str:
    rows = {
        (int(r["slices"]), int(r["labels"]), float(r["judge_sd"]), r["method"]): r for r in _read("pooling")
    }
    cells = sorted({key[:3] for key in rows})
    methods = {
        "human_only": "human only",
        "judge_only": "judge only",
        "ppi_plus_plus": "PPI++",
        "per-slice": "each alone",
        "common": "common",
        "partial": "partial",
    }
    heads = ["slices", "labels a slice", "SD", *methods.values(), "coverage, common", "coverage, partial"]
    body = []
    for cell in cells:
        some = {name: rows.get((*cell, name)) for name in methods}
        errors = [f"{100 * float(row['rmse']):.1f}" if row else "" for row in some.values()]
        covers = [f"{float(row['coverage']):.2f}" for row in (some["common"], some["partial"]) if row]
        body.append([str(cell[0]), str(cell[1]), f"{cell[2]:g}", *errors, *covers])
    return _markdown(heads, body, 0)


def _totals() -> str:
    heads = ["slices", "judge's rates", "cell", "SD, bounds", "data sets", "bias", "coverage", "width"]
    body = []
    for row in _read("totals"):
        bounds = "" if row["bounds"] == "none" else f", {row['bounds']}"
        number = {k: f"{float(v):.3f}" for k, v in row.items() if k.endswith(("coverage", "width")) and v}
        pairs = [
            ", ".join(number[f"{who}_{what}"] for what in ("coverage", "width") if f"{who}_{what}" in number)
            for who in ("labelled", "unlabelled")
        ]
        cell = row["cell"] + ("" if row["calibration"] == "internal" else " (external)")
        about = [row["slices"], row["judge"], cell, f"{float(row['judge_sd']):g}{bounds}", row["data_sets"]]
        body.append([*about, f"{float(row['bias']):+.4f}", number["coverage"], number["width"], *pairs])
    return _markdown([*heads, "slices: coverage, width", "unlabelled slices"], body, 0)


def _real_slices() -> str:
    body = []
    for row in _read("real_slices"):
        errors = [
            f"{100 * float(row[f'rmse {name}']):.1f}" for name in ("PPI++", "per-slice", "common", "partial")
        ]
        odd = f"{row['odd slices, all labels']} of {row['slices']}, {float(row['p, all labels']):.3f}"
        rest = [f"{float(row['partial / best']):.2f}", f"{float(row['coverage partial']):.2f}", odd]
        often = f"{float(row['p <= .05, kept labels']):.0%}"
        body.append([row["file"].replace("_", " "), row["by"], row["judge"], *errors, *rest, often])
    heads = ["file", "slices of", "judge", "PPI++", "each alone", "common", "partial", "to the best"]
    return _markdown([*heads, "coverage, partial", "odd slices, p", "p <= .05 with 5 labels"], body, 3)


def _scaling() -> str:
    rows = [row for row in _read("scaling") if row["batch"] and not row["slices"]]
    speed = {
        (row["program"], row["type"], int(row["batch"])): float(row["fits_per_second"])
        for row in rows
        if row["program"] in ("fit", "maximize")
    }
    columns = [("fit", "float64"), ("maximize", "float64"), ("maximize", "float32")]
    batches = sorted({key[2] for key in speed})
    body = [
        [f"{batch:,}", *(f"{speed[*one, batch]:,.0f}" if (*one, batch) in speed else "" for one in columns)]
        for batch in batches
    ]
    return _markdown(["batch", "`fit`, float64", "`maximize` compiled, float64", "float32"], body, 0)


def _real_judges() -> str:
    """Medians over sets, by method and by whether bounds hold; 50 labels, no margin."""
    lines = (RESULTS / "real_judges.md").read_text(encoding="utf-8").split("\n\n")[1].splitlines()
    heads, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    body = []
    for row in (dict(zip(heads, row, strict=True)) for row in rows):
        if row["labels"] == "50" and row["margin"] in ("", "0.0"):
            place = row["bounds from"]
            name = "ML, no bounds" if (row["method"], place) == ("ML", "none") else row["method"]
            name = name if place == "none" else f"{name}, bounds from {place}: {row['bounds']}"
            shown = ("RMSE / PPI++, median", "worst", "coverage, mean", "least", "contradicted")
            body.append([name, row["cells"], *(row[column] for column in shown)])
    columns = ["50 labels, margin 0", "sets", "RMSE / PPI++", "worst", "coverage, mean", "least", "warned"]
    return _markdown(columns, body)


TABLES: dict[str, Callable[[], str]] = {
    "paper": _paper,
    "paper grid": lambda: _printed(
        _paper_study_report._grid_table, _results.numbers(RESULTS / "paper_study.csv")
    ),
    "paper other": lambda: _printed(
        _paper_study_report._other_tables, _results.numbers(RESULTS / "paper_study.csv")
    ),
    "demo draws": _as_is("demo_draws", 0),
    "real judges": _real_judges,
    "real judges, all": (RESULTS / "real_judges.md").read_text,
    "references": _as_is("references", 5),
    "borrowing": lambda: _printed(borrowing.report, RESULTS),
    "borrowing, simulated": lambda: _printed(borrowing.report_simulated, RESULTS),
    "real verdicts, draw": _as_is("real_verdicts_draw", 2),
    "real verdicts": _as_is("real_verdicts", 2),
    "thin": lambda: _printed(_thin.report, _results.numbers(RESULTS / "thin.csv")),
    "coverage": lambda: _printed(
        _coverage_report._coverage_table, _results.numbers(RESULTS / "coverage.csv")
    ),
    "certificates": lambda: _printed(
        _coverage_report._certificate_table,
        *(_results.numbers(RESULTS / f"certificate_{name}.csv") for name in ("errors", "power")),
    ),
    "bootstrap": _as_is("bootstrap", 2),
    "clustered": _clustered,
    "few clusters": lambda: _printed(clustered.report_few, RESULTS),
    "clustered tests": _clustered_tests,
    "comparing": lambda: _printed(comparing.report, RESULTS),
    "combining": lambda: _printed(combining.report, RESULTS),
    "planning": lambda: _printed(planning.report, RESULTS),
    "with reference": lambda: _printed(with_reference.report, RESULTS),
    "labelling": lambda: _printed(labelling.report, RESULTS),
    "looks": lambda: _printed(looks.report, RESULTS),
    "rounds": lambda: _printed(rounds.report, RESULTS),
    "levels": lambda: _printed(levels.report, RESULTS),
    "pooling": _pooling,
    "totals": _totals,
    "real slices": _real_slices,
    "peers": lambda: _printed(_peers_report.report, RESULTS / "peers.csv"),
    "first answer": lambda: _printed(first_answer.report, RESULTS / "first_answer.csv"),
    "on Spark": lambda: _printed(on_spark.report),
    "ingest": _as_is("ingest", 1),
    "growth": lambda: _printed(growth.report),
    "growth shares": lambda: _printed(_growth_shares.report),
    "scaling": _scaling,
    "solvers": _as_is("solvers", 1),
}
