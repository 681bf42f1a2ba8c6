"""Whether planned numbers of labels deliver the width or the power that `jaxmle.plan` promises.

    python -m benchmarks.planning           # the whole grid, some minutes
    python -m benchmarks.planning --quick   # a corner of it

For each cell the labels are planned, 2,000 new data sets with so many labels are drawn, and the public
`profile_interval` and `certify` are run on every one of them. "z" is the difference between delivered and
promised in standard errors of both simulations. Rows are appended to `planning.csv` in `--out`; a run that
was stopped goes on where it stopped.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks.coverage import box

TPR, FPR, JUDGED = 0.9, 0.05, 10_000
SIMULATIONS = 199
KEY = ("goal", "design", "bounds", "failure_rate", "target", "limit")
FIELDS = (
    *KEY,
    "n_labels",
    "first",
    "promised",
    "delivered",
    "standard_error",
    "z",
    "data_sets",
    "human_only",
)

WIDTHS = [
    ("width", design, kind, rate, width, "")
    for rate, width in ((0.05, 0.05), (0.3, 0.10))
    for kind in ("+-.02", "none")
    for design in ("random", "by-verdict", "external")
]
POWERS = [
    ("profile", design, kind, rate, power, limit)
    for rate, limit in ((0.03, 0.06), (0.1, 0.12))
    for power in (0.8, 0.9)
    for kind in ("none", "+-.02")
    for design in ("random", "by-verdict", "external")
]
EXACT = [
    ("exact", design, kind, rate, 0.8, limit)
    for kind, rate, limit in (("+-.05", 0.03, 0.06), ("none", 0.03, 0.06), ("+-.02", 0.1, 0.12))
    for design in ("random", "by-verdict", "external")
]
QUICK = [WIDTHS[0], WIDTHS[7], POWERS[0], POWERS[4]]


def rows_of(cell: tuple[Any, ...], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Plan one cell, and see what the plan delivers."""
    from jaxmle import Bounds, Params, certify, plan, profile_interval
    from jaxmle._planning._label_draws import Setting, draw

    goal, design, kind, rate, target, limit = cell
    low, high, fpr_low, fpr_high = box(TPR, FPR, kind)
    bounds = Bounds(tpr=(low, high), fpr=(fpr_low, fpr_high))
    how = {
        "calibration": "external" if design == "external" else "internal",
        "labels": "random" if design == "external" else design,
    }
    asked = {"target_width": target} if goal == "width" else {"limit": limit, "power": target, "method": goal}
    made = plan(
        failure_rate=rate,
        judge_tpr=TPR,
        judge_fpr=FPR,
        n_unlabeled=JUDGED,
        bounds=bounds,
        **how,
        **asked,
        seed=seed,
    )
    first = next(iter(made.split.values())) if made.split else ""
    truth = Params(rate, TPR, FPR)
    share = first / max(made.n_labels or 0, 1) if made.split else 0.5
    setting = Setting(truth, JUDGED, bounds, how["calibration"], how["labels"], share)
    # A stream of its own: none of these data sets served to plan.
    counts = draw(setting, np.array([made.n_labels]), size, (seed, 99))
    if goal == "width":
        found = profile_interval(counts, bounds, n_resamples=SIMULATIONS, seed=seed + 1, **how)
        got = found.high - found.low
    else:
        got = certify(counts, bounds, limit=limit, method=goal, seed=seed + 1, **how).certified.astype(float)
    error = float(got.std() / np.sqrt(size))
    human = next(one for one in made.options if one.design == "human only")
    yield {
        **dict(zip(KEY, cell, strict=True)),
        "n_labels": made.n_labels,
        "first": first,
        "promised": made.value,
        "delivered": float(got.mean()),
        "standard_error": error,
        "z": float((got.mean() - made.value) / np.hypot(error, made.standard_error)),
        "data_sets": size,
        "human_only": human.n_labels,
    }


def report(out: Path) -> None:
    """Print the rows and a summary in Markdown."""
    rows = _results.read(out / "planning.csv")
    print("| goal | labels | bounds | failure rate | target | limit | planned | delivered | z | human only |")
    print("|---|---|---|--:|--:|--:|--:|--:|--:|--:|")
    shown = ("goal", "design", "bounds", "failure_rate", "target", "limit")
    for row in rows:
        found = f"{float(row['delivered']):.3g}", f"{float(row['z']):+.2f}"
        cells = [*(row[name] for name in (*shown, "n_labels")), *found, row["human_only"]]
        print(f"| {' | '.join(cells)} |")
    for goal in ("width", "profile", "exact"):
        part = [row for row in rows if row["goal"] == goal]
        if not part:
            continue
        target, got, z = (np.array([float(row[k]) for row in part]) for k in ("target", "delivered", "z"))
        off = 100 * (got - target) / (target if goal == "width" else 1)
        what = "% of the target width" if goal == "width" else " points of power"
        print(
            f"\n{goal}: {len(part)} cells; delivered less target {off.min():+.1f} to {off.max():+.1f}{what}, "
            f"mean {off.mean():+.1f}; |z| < 2 in {np.sum(np.abs(z) < 2)}, largest {np.abs(z).max():.1f}"
        )


def main() -> None:
    """Compute what is missing, then print the summary."""
    parser = _results.grid_parser(__doc__, quick="four cells, about a minute", data_sets=2000)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = QUICK if arguments.quick else POWERS + WIDTHS + EXACT
    results = _results.Resumed(out / "planning.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    _results.fill([(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)])
    report(out)


if __name__ == "__main__":
    main()
