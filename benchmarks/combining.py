"""What three judges by rule take off the error of one, where they err alone and where they err alike.

    python -m benchmarks.combining           # the whole grid, some minutes
    python -m benchmarks.combining --quick   # 50 labels, errors of judges independent or 40% shared

Each judge has TPR .85 and FPR .07. For a share of the items all three give one and the same verdict, right or
wrong by these rates; for the rest each decides by itself. All rules see the same items and labels, in each of
the data sets, and nothing bounds the judges' rates. The error is the root mean square of what `fit` is off.
Rows are appended to `combining.csv` in `--out`; a run that was stopped goes on where it stopped.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results

TPR, FPR, JUDGES = 0.85, 0.07, 3
ITEMS = 10_000
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
RATES = (0.02, 0.05, 0.1, 0.2, 0.3)
LABELS = (50, 200)
# Judges that must say so, of three.
RULES = {"one judge": None, "any": 1, "majority": 2, "all": 3}
KEY = ("labels", "shared", "failure_rate")
FIELDS = (*KEY, "setting", "data_sets", "tpr", "fpr", "rmse", "saved")

PATTERNS = np.array(list(itertools.product((0, 1), repeat=JUDGES)))


def pattern_law(flag_rate: float, shared: float) -> Any:
    """Probability of each of `PATTERNS` for items that a judge flags at a rate."""
    alone = np.prod(np.where(PATTERNS == 1, flag_rate, 1 - flag_rate), axis=1)
    flags = PATTERNS.sum(1)
    alike = np.where(flags == JUDGES, flag_rate, 0) + np.where(flags == 0, 1 - flag_rate, 0)
    return (1 - shared) * alone + shared * alike


def flagged_by(rule: int | None) -> Any:
    """Whether a rule flags each of `PATTERNS`; without a number the first judge decides."""
    return PATTERNS[:, 0] == 1 if rule is None else PATTERNS.sum(1) >= rule


def rows_of(cell: tuple[int, float, float], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Error of each rule over data sets of a cell."""
    from jaxmle import Counts, fit

    labels, shared, rate = cell
    laws = [pattern_law(one, shared) for one in (TPR, FPR)]
    joint = np.concatenate([rate * laws[0], (1 - rate) * laws[1]])
    rng = np.random.default_rng([seed, labels, round(100 * shared), round(1e4 * rate)])
    labeled = rng.multinomial(labels, joint, size).reshape(size, 2, -1)
    unlabeled = rng.multinomial(ITEMS - labels, joint, size).reshape(size, 2, -1).sum(1)
    errors: dict[str, float] = {}
    for name, rule in RULES.items():
        flags = flagged_by(rule)
        cells = [labeled[:, truth][:, side].sum(1) for truth in (0, 1) for side in (flags, ~flags)]
        counts = Counts(*cells, unlabeled[:, flags].sum(1), unlabeled[:, ~flags].sum(1))
        errors[name] = float(np.sqrt(np.mean((fit(counts).failure_rate - rate) ** 2)))
        yield {
            **dict(zip(KEY, cell, strict=True)),
            "setting": name,
            "data_sets": size,
            "tpr": float(laws[0][flags].sum()),
            "fpr": float(laws[1][flags].sum()),
            "rmse": errors[name],
            "saved": 1 - errors[name] / errors["one judge"],
        }


def report(out: Path) -> None:
    """Print what each rule takes off the error of one judge, over the failure rates, in Markdown."""
    groups = defaultdict(list)
    for row in _results.numbers(out / "combining.csv"):
        groups[row["labels"], row["shared"], row["setting"]].append(row)
    rules = [name for name in RULES if name != "one judge"]
    heads = [f"{name}: TPR, FPR | takes off" for name in rules]
    print(f"| labels | shared | {' | '.join(heads)} |")
    print(f"|--:|--:|{'--:|--:|' * len(rules)}")
    for labels, shared in dict.fromkeys(key[:2] for key in groups):
        shown = []
        for name in rules:
            part = groups[labels, shared, name]
            saved = [100 * row["saved"] for row in part]
            shown.append(f"{part[0]['tpr']:.2f}, {part[0]['fpr']:.3f}")
            shown.append(f"{min(saved):.0f} to {max(saved):.0f}%")
        print(f"| {labels} | {shared:.0%} | {' | '.join(shown)} |")


def main() -> None:
    """Compute what is missing, then print the table."""
    quick = "50 labels, errors of judges independent or 40% shared"
    parser = _results.grid_parser(__doc__, quick=quick, data_sets=10_000)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = list(itertools.product(LABELS, SHARES, RATES))
    if arguments.quick:
        grid = [cell for cell in grid if cell[0] == LABELS[0] and cell[1] in (0.0, 0.4)]
    results = _results.Resumed(out / "combining.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    _results.fill([(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)])
    report(out)


if __name__ == "__main__":
    main()
