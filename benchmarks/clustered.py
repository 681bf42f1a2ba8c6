"""Coverage and width of intervals where items come in clusters, with and without regard to them.

    python -m benchmarks.clustered           # the whole grid
    python -m benchmarks.clustered --quick   # a corner of it, in about a minute

The failure probability of a cluster is drawn from a beta distribution with mean .1 whose spread gives the
intraclass correlation ("icc"); given the truth, the judge errs item by item. Whole clusters are labelled.
Rows are appended to `clustered.csv` in `--out` as they are computed, and a run that was stopped goes on where
it stopped; one that has nothing left to do prints the summary alone. "refused" is the share of data sets for
which a method gives no interval; they count as misses.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks.coverage import box

CORRELATIONS = (0.1, 0.5)
# Clusters, and items in each: 1,000 items and then 5,000.
SIZES = ((200, 5), (50, 20), (1000, 5), (250, 20))
LABELED = (0.2, 0.5)
BOUNDS = ("none", "+-.05")
RATE, TPR, FPR = 0.1, 0.9, 0.05
RESAMPLES = 1000
SIMULATIONS = 199

METHODS = (
    "profile, clusters ignored",
    "profile, design effect",
    "bootstrap of clusters",
    "human only, Wilson",
)
KEY = ("icc", "clusters", "items", "labeled")
FIELDS = (*KEY, "bounds", "method", "data_sets", "refused", "coverage", "width")


def draw(
    rng: np.random.Generator, icc: float, clusters: int, items: int, labeled: float, size: int
) -> np.ndarray:
    """Counts of every cluster of ``size`` data sets, shape ``(size * clusters, 6)``."""
    spread = (1 - icc) / icc
    probability = rng.beta(RATE * spread, (1 - RATE) * spread, (size, clusters, 1))
    failure = rng.random((size, clusters, items)) < probability
    flag = rng.random(failure.shape) < np.where(failure, TPR, FPR)
    # Clusters are exchangeable, so the first are as good as any.
    known = np.broadcast_to(np.arange(clusters)[:, None] < round(labeled * clusters), failure.shape)
    cells = [
        known & failure & flag,
        known & failure & ~flag,
        known & ~failure & flag,
        known & ~failure & ~flag,
        ~known & flag,
        ~known & ~flag,
    ]
    return np.stack([cell.sum(-1) for cell in cells], -1).reshape(-1, 6)


def intervals_of(clusters: Any, bounds: Any, seed: int) -> Iterator[tuple[str, Any, Any, Any]]:
    """All intervals of a batch: (method, low, high, given or not)."""
    from jaxmle import Clusters, baselines, bootstrap, design_effect, fit, profile_interval

    counts, size = clusters.totals, clusters.n_slices
    everywhere = np.ones(size, bool)
    found = design_effect(clusters, bounds)
    regard = {"design_effect": found.effect, "df": found.df}
    for name, wider in ((METHODS[0], {}), (METHODS[1], regard)):
        result = profile_interval(counts, bounds, n_simulations=SIMULATIONS, seed=seed, **wider)
        yield name, result.low, result.high, everywhere
    # There is nothing to resample where there is no one estimate.
    known = fit(counts, bounds).identified
    place = np.cumsum(known) - 1
    used = known[clusters.index]
    result = bootstrap(
        counts[known],
        bounds,
        clusters=Clusters(clusters.counts[used], place[clusters.index[used]], int(known.sum())),
        n_resamples=RESAMPLES,
        seed=seed,
    )
    ends = np.zeros((2, size))
    ends[:, known] = result.interval.low, result.interval.high
    yield METHODS[2], *ends, known
    human = baselines.human_only(counts)
    yield METHODS[3], human.low, human.high, everywhere


def rows_of(cell: tuple[float, int, int, float], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Coverage and width of every method under both bounds."""
    from jaxmle import Bounds, Clusters, Counts

    icc, n_clusters, items, labeled = cell
    rng = np.random.default_rng([seed, round(1000 * icc), n_clusters, items, round(1000 * labeled)])
    cells = draw(rng, icc, n_clusters, items, labeled, size)
    clusters = Clusters(Counts(*cells.T), np.repeat(np.arange(size), n_clusters), size)
    # The same data sets under all bounds: differences between bounds are not luck.
    for kind in BOUNDS:
        low, high, fpr_low, fpr_high = box(TPR, FPR, kind)
        bounds = Bounds(tpr=(low, high), fpr=(fpr_low, fpr_high))
        for method, left, right, given in intervals_of(clusters, bounds, seed):
            inside = given & (left <= RATE) & (right >= RATE)
            yield {
                **dict(zip(KEY, cell, strict=True)),
                "bounds": kind,
                "method": method,
                "data_sets": size,
                "refused": float(1 - given.mean()),
                "coverage": float(inside.mean()),
                "width": float((right - left)[given].mean()) if given.any() else "",
            }


def report(out: Path) -> None:
    """Print the summary in Markdown."""
    groups = defaultdict(list)
    for row in _results.numbers(out / "clustered.csv"):
        groups[row["icc"], int(row["items"]), row["method"]].append(row)
    print("| icc | items a cluster | method | mean coverage | least of a cell | mean width |")
    print("|--:|--:|---|--:|--:|--:|")
    for icc, items in sorted({key[:2] for key in groups}):
        for method in METHODS:
            part = groups[icc, items, method]
            covered = [row["coverage"] for row in part]
            width = np.nanmean([row["width"] for row in part])
            cover = f"{np.mean(covered):.3f} | {min(covered):.3f}"
            print(f"| {icc:g} | {items} | {method} | {cover} | {width:.4f} |")


def main() -> None:
    """Compute what is missing, then print the summary."""
    parser = _results.grid_parser(__doc__, quick="two designs only, about a minute", data_sets=400)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = [(icc, *sizes, labeled) for sizes, labeled, icc in itertools.product(SIZES, LABELED, CORRELATIONS)]
    if arguments.quick:
        grid = [(0.1, 200, 5, 0.2), (0.5, 50, 20, 0.2)]
    results = _results.Resumed(out / "clustered.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    _results.fill([(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)])
    report(out)


if __name__ == "__main__":
    main()
