"""Do tests keep the level that they say? Shares of data sets that are rejected although nothing is wrong.

    python -m benchmarks.levels           # the whole grid, some minutes
    python -m benchmarks.levels --quick   # one cell of each test, in about a minute

`design_check`: labels are a random sample, or half of them failures. `bounds_test`: the rates of the judge
(.9, .05) lie inside the bounds, on an edge or at a corner of them, or an end is off by so much. `compare`:
both fail at one rate; a poor judge has TPR .7 and FPR .3. Where a setting says "beyond", shares are power.
Rows are appended to `levels.csv` in `--out`; a run that was stopped goes on where it stopped.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks._samples import drawn_counts, flag_rate

TPR, FPR = 0.9, 0.05
SIZES = ((20, 2000), (50, 2000), (200, 10_000))
RATES = (0.02, 0.1, 0.3)
BOXES = {
    "corner, TPR at most, FPR at most": ((0.7, TPR), (0.0, FPR)),
    "corner, TPR at least, FPR at most": ((TPR, 1.0), (0.0, FPR)),
    "corner, TPR at most, FPR at least": ((0.7, TPR), (FPR, 0.3)),
    "edge, FPR at most": ((0.7, 0.99), (0.0, FPR)),
    "FPR at most, nothing else": ((0.0, 1.0), (0.0, FPR)),
    "inside": ((0.85, 0.95), (0.02, 0.08)),
    "both rates known": ((TPR, TPR), (FPR, FPR)),
    "beyond: FPR .01": ((0.85, 0.95), (0.0, FPR - 0.01)),
    "beyond: FPR .03": ((0.85, 0.95), (0.0, FPR - 0.03)),
    "beyond: TPR .05": ((TPR + 0.05, 1.0), (0.02, 0.08)),
}
POOR = (0.7, 0.3)
KINDS = ("no bounds", "bounds", "poor judge, no bounds", "poor judge, bounds")
ARMS = ((20, 200), (20, 20), (200, 200))
KEY = ("test", "setting", "n", "N", "rate")
FIELDS = (*KEY, "data_sets", "at_5", "at_1", "at_01")


def draw(
    rng: Any,
    n: int,
    judged: int,
    rate: float,
    size: int,
    tpr: float = TPR,
    fpr: float = FPR,
    *,
    external: bool = False,
) -> Any:
    """Counts of a judge of these rates, shape ``(size,)``; external labels are half failures."""
    from jaxmle import Counts

    if not external:
        return drawn_counts(rng, rate, tpr, fpr, n, judged, size)
    tp, fp = rng.binomial(n // 2, tpr, size), rng.binomial(n - n // 2, fpr, size)
    flagged = rng.binomial(judged, flag_rate(rate, tpr, fpr), size)
    return Counts(tp, n // 2 - tp, fp, n - n // 2 - fp, flagged, judged - flagged)


def p_values(cell: tuple[Any, ...], size: int, seed: int) -> Any:
    """p-values of the test of a cell, shape ``(size,)``."""
    from jaxmle import Bounds, bounds_test, compare, design_check

    test, setting, n, judged, rate = cell
    rng = np.random.default_rng([seed, *test.encode(), *setting.encode(), n, judged, round(1e4 * rate)])
    if test == "design_check":
        balanced = setting.startswith("beyond")
        return design_check(draw(rng, n, judged, rate, size, external=balanced)).p_value
    if test.startswith("bounds_test"):
        calibration: Any = test.removeprefix("bounds_test ")
        counts = draw(rng, n, judged, rate, size, external=calibration == "external")
        tpr, fpr = BOXES[setting]
        return bounds_test(counts, Bounds(tpr=tpr, fpr=fpr), calibration=calibration, seed=seed).p_value
    judge: Any = test.removeprefix("compare ")
    other, kind = setting.split(" labels, ")
    hit, alarm = POOR if kind.startswith("poor judge") else (TPR, FPR)
    bounds = None
    if not kind.endswith("no bounds"):
        bounds = Bounds(tpr=(hit - 0.05, hit + 0.05), fpr=(alarm - 0.05, alarm + 0.05))
    first, second = (draw(rng, labels, judged, rate, size, hit, alarm) for labels in (n, int(other)))
    return compare(first, second, bounds, judge_rates=judge).p_value


def rows_of(cell: tuple[Any, ...], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Shares of p-values at or below each level."""
    p = np.asarray(p_values(cell, size, seed))
    levels = {"at_5": 0.05, "at_1": 0.01, "at_01": 0.001}
    shares = {name: float(np.mean(p <= level)) for name, level in levels.items()}
    yield dict(zip(KEY, cell, strict=True)) | {"data_sets": size} | shares


def cells() -> Iterator[tuple[Any, ...]]:
    """All cells, those of a test together."""
    for n, judged, rate in itertools.product((20, 50, 200), (1000, 100_000), (0.002, 0.02, 0.3)):
        yield ("design_check", "random labels", n, judged, rate)
    for n, rate in itertools.product((20, 50, 200), (0.02, 0.1, 0.3)):
        yield ("design_check", "beyond: half of the labels failures", n, 2000, rate)
    for calibration, setting, sizes, rate in itertools.product(("internal", "external"), BOXES, SIZES, RATES):
        yield (f"bounds_test {calibration}", setting, *sizes, rate)
    for judge, (n, other), kind in itertools.product(("separate", "common"), ARMS, KINDS):
        for rate in (0.02, 0.05, 0.1, 0.3):
            yield (f"compare {judge}", f"{other} labels, {kind}", n, 2000, rate)


def report(out: Path) -> None:
    """Print the summary in Markdown."""
    groups = defaultdict(list)
    for row in _results.numbers(out / "levels.csv"):
        groups[row["test"], row["setting"]].append(row)
    print("| test | setting | cells | data sets | 5%: mean | largest | 1%: mean | largest | 0.1%: largest |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for (test, setting), part in groups.items():
        five, one, least = ([row[name] for row in part] for name in ("at_5", "at_1", "at_01"))
        numbers = (np.mean(five), max(five), np.mean(one), max(one), max(least))
        shown = " | ".join(f"{number:.4f}" for number in numbers)
        print(f"| {test} | {setting} | {len(part)} | {part[0]['data_sets']:.0f} | {shown} |")


def main() -> None:
    """Compute what is missing, then print the summary."""
    parser = _results.grid_parser(__doc__, quick="one cell of each test, about a minute", data_sets=1000)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = list(cells())
    if arguments.quick:
        grid = list({cell[0]: cell for cell in grid}.values())
    results = _results.Resumed(out / "levels.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    _results.fill([(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)])
    report(out)


if __name__ == "__main__":
    main()
