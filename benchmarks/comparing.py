"""Coverage of intervals of differences and size and power of their tests, paired and not.

    python -m benchmarks.comparing           # the whole grid, a quarter of an hour
    python -m benchmarks.comparing --quick   # a corner of it, in about a minute

Two systems answer the same items. "shared" is the correlation of what makes an item difficult for a system
and confuses its judge: with that probability both systems meet one draw, else two. Labelled are the same
items of both. Methods "unpaired" leave that out of account; where nothing is shared they are right. Bounds
hold, and are active in a good part of the data sets. Rows are appended to `comparing.csv` in `--out`; a run
that was stopped goes on where it stopped. "rejected" is the size of the test where the failure rates are
equal, else its power.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks.coverage import box

SIZES = ((50, 1000), (200, 2000))
RATES = ((0.02, 0.02), (0.1, 0.1), (0.3, 0.3), (0.3, 0.2))
SHARED = (0.0, 0.5, 0.9)
BOUNDS = ("none", "+-.05", "+-.02")
TPR, FPR = 0.9, 0.05

METHODS: dict[str, dict[str, Any]] = {
    "unpaired, separate judges": {"judge_rates": "separate"},
    "paired, separate judges": {"judge_rates": "separate", "paired": True},
    "unpaired, common judge": {"judge_rates": "common"},
    "paired, common judge": {"judge_rates": "common", "paired": True},
}
KEY = ("n", "N", "first", "second", "shared")
FIELDS = (*KEY, "bounds", "method", "data_sets", "coverage", "width", "rejected", "at_bound")


def draw(rng: np.random.Generator, cell: tuple[Any, ...], size: int) -> Any:
    """Numbers of items by the cells of both systems, shape ``(size, 6, 6)``."""
    n, unlabeled, *rates, shared = cell
    shape = (size, n + unlabeled)
    labeled = np.arange(shape[1]) < n
    causes = [rng.random((2, *shape)) for _ in range(2)]
    causes[1] = np.where(rng.random((2, *shape)) < shared, causes[0], causes[1])
    code = np.zeros(shape, np.int64)
    for rate, (difficulty, confusion) in zip(rates, causes, strict=True):
        failure = difficulty < rate
        flag = confusion < np.where(failure, TPR, FPR)
        code = 6 * code + np.where(labeled, 2 * (1 - failure), 4) + (1 - flag)
    code += 36 * np.arange(size)[:, None]
    return np.bincount(code.reshape(-1), minlength=36 * size).reshape(size, 6, 6)


def data_of(cell: tuple[Any, ...], size: int, seed: int) -> tuple[Any, Any, Any]:
    """Counts of both systems and their pairs, shape ``(size,)``."""
    from jaxmle import Counts, Pairs

    rng = np.random.default_rng([seed, *(round(1000 * value) for value in cell)])
    table = draw(rng, cell, size)
    first, second = table.sum(2), table.sum(1)
    products = np.zeros((size, 12, 12))
    products[:, :6, 6:], products[:, 6:, :6] = table, table.transpose(0, 2, 1)
    both = np.concatenate([first, second], 1)
    products[:, np.arange(12), np.arange(12)] = both
    items = np.full(size, cell[0]), np.full(size, cell[0] + cell[1])
    return Counts(*first.T), Counts(*second.T), Pairs(products, both, *items)


def rows_of(cell: tuple[Any, ...], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Coverage, width and size or power of every method under all bounds."""
    from jaxmle import Bounds, compare, fit

    first, second, pairs = data_of(cell, size, seed)
    truth = cell[2] - cell[3]
    # The same data sets under all bounds: differences between bounds are not luck.
    for kind in BOUNDS:
        low, high, fpr_low, fpr_high = box(TPR, FPR, kind)
        bounds = Bounds(tpr=(low, high), fpr=(fpr_low, fpr_high))
        active = [any(names) for names in fit(first, bounds).active_bounds]
        for method, given in METHODS.items():
            options = {"judge_rates": given["judge_rates"], "pairs": pairs if given.get("paired") else None}
            result = compare(first, second, bounds, **options)
            # Ends are found to a thousandth of a width.
            slack = 1e-3 * (result.high - result.low)
            yield {
                **dict(zip(KEY, cell, strict=True)),
                "bounds": kind,
                "method": method,
                "data_sets": size,
                "coverage": float(np.mean((result.low <= truth + slack) & (truth - slack <= result.high))),
                "width": float(np.mean(result.high - result.low)),
                "rejected": float(np.mean(result.different)),
                "at_bound": float(np.mean(active)),
            }


def report(out: Path) -> None:
    """Print the summary in Markdown."""
    groups = defaultdict(list)
    for row in _results.numbers(out / "comparing.csv"):
        groups[row["shared"], row["bounds"], row["method"]].append(row)
    print("| shared | bounds | method | coverage | least of a cell | size | largest of a cell | mean width |")
    print("|--:|---|---|--:|--:|--:|--:|--:|")
    order = {name: i for i, name in enumerate((*BOUNDS, *METHODS))}
    for key in sorted(groups, key=lambda key: (key[0], order[key[1]], order[key[2]])):
        part = groups[key]
        covered = [row["coverage"] for row in part]
        size = [row["rejected"] for row in part if row["first"] == row["second"]]
        numbers = (np.mean(covered), min(covered), *((np.mean(size), max(size)) if size else ()))
        width = np.mean([row["width"] for row in part])
        shown = " | ".join(f"{number:.3f}" for number in numbers) + ("" if size else " | |")
        print(f"| {key[0]:g} | {key[1]} | {key[2]} | {shown} | {width:.3f} |")


def main() -> None:
    """Compute what is missing, then print the summary."""
    parser = _results.grid_parser(__doc__, quick="two designs only, about a minute", data_sets=200)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = [(*sizes, *rates, shared) for sizes, rates, shared in itertools.product(SIZES, RATES, SHARED)]
    if arguments.quick:
        grid = [(50, 1000, 0.1, 0.1, 0.0), (200, 2000, 0.3, 0.2, 0.5)]
    results = _results.Resumed(out / "comparing.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    _results.fill([(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)])
    report(out)


if __name__ == "__main__":
    main()
