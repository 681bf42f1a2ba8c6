"""Coverage and width of intervals where items come in clusters, with and without regard to them.

    python -m benchmarks.clustered           # the whole grid
    python -m benchmarks.clustered --quick   # a corner of it, in about a minute

The failure probability of a cluster is drawn from a beta distribution with mean .1 whose spread gives the
intraclass correlation ("icc"); given the truth, the judge errs item by item. Whole clusters are labelled.
`few_clusters.csv` is of few or unequal clusters, of chi-square cut-offs and without bounds.
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
FEW_DATA_SETS = 1000

METHODS = (
    "profile, clusters ignored",
    "profile, design effect",
    "bootstrap of clusters",
    "human only, Wilson",
)
KEY = ("icc", "clusters", "items", "labeled")
FIELDS = (*KEY, "bounds", "method", "data_sets", "refused", "coverage", "width")


# Few clusters, or one that holds most items: sizes, correlation, and what is labelled: the share of items of
# each cluster, or all items of the first clusters.
FEW = {
    "10 of 20": (10 * [20], 0.5, 1.0),
    "10 of 20, 40 more judged": (50 * [20], 0.5, 10),
    "39 of 10, one of 500, a fifth": (39 * [10] + [500], 0.1, 0.2),
    "39 of 10, one of 500": (39 * [10] + [500], 0.1, 1.0),
    "40 of 10": (40 * [10], 0.1, 1.0),
    "40 of 10, half": (40 * [10], 0.1, 0.5),
    "100 of 2": (100 * [2], 0.5, 1.0),
    "100 of 2, 400 more judged": (500 * [2], 0.5, 100),
    "20 of 5, 10 of 20, 5 of 50, 2 of 200, 30%": (20 * [5] + 10 * [20] + 5 * [50] + 2 * [200], 0.2, 0.3),
    "40 of 300 to 7 as 1 / k": ([300 // k for k in range(1, 41)], 0.2, 1.0),
    "40 of 600 to 15 as 1 / k, a fifth": ([600 // k for k in range(1, 41)], 0.2, 0.2),
    "100 of 20, independent": (100 * [20], 0.001, 1.0),
}
RATES = (0.05, 0.1, 0.3)
FEW_KEY = ("clusters", "rate")
FEW_FIELDS = (
    *FEW_KEY,
    "icc",
    "data_sets",
    "effective_clusters",
    "df",
    "coverage_ignored",
    "coverage",
    "coverage_upper",
    "width_ignored",
    "width",
    "warned",
)


def draw(rng: np.random.Generator, icc: float, sizes: Any, labeled: Any, rate: float, size: int) -> Any:
    """``size`` data sets of clusters of these sizes, failures being correlated within them."""
    from jaxmle import Clusters, Counts

    sizes, spread = np.asarray(sizes), (1 - icc) / icc
    shape = (size, len(sizes))
    probability = rng.beta(rate * spread, (1 - rate) * spread, shape)
    if isinstance(labeled, int):  # clusters are exchangeable, so the first are as good as any
        known = np.where(np.arange(len(sizes)) < labeled, sizes, 0)
    else:
        known = rng.binomial(sizes, labeled, shape)
    cells = []
    for number in np.broadcast_arrays(known, sizes - known):
        failures = rng.binomial(number, probability)
        caught, false = rng.binomial(failures, TPR), rng.binomial(number - failures, FPR)
        cells += [caught, failures - caught, false, number - failures - false]
    sums = [*cells[:4], cells[4] + cells[6], cells[5] + cells[7]]
    index = np.repeat(np.arange(size), len(sizes))
    return Clusters(Counts(*(cell.reshape(-1) for cell in sums)), index, size)


def intervals_of(clusters: Any, bounds: Any, seed: int) -> Iterator[tuple[str, Any, Any, Any]]:
    """All intervals of a batch: (method, low, high, given or not)."""
    from jaxmle import Clusters, baselines, bootstrap, design_effect, fit, profile_interval

    counts, size = clusters.totals, clusters.n_slices
    everywhere = np.ones(size, bool)
    found = design_effect(clusters, bounds)
    regard = {"design_effect": found.effect, "df": found.df}
    for name, wider in ((METHODS[0], {}), (METHODS[1], regard)):
        result = profile_interval(counts, bounds, n_resamples=SIMULATIONS, seed=seed, **wider)
        yield name, result.low, result.high, everywhere
    # There is nothing to resample where there is no one estimate.
    known = fit(counts, bounds).identified
    place = np.cumsum(known) - 1
    used = known[clusters.index]
    drawn = bootstrap(
        counts[known],
        bounds,
        clusters=Clusters(clusters.counts[used], place[clusters.index[used]], int(known.sum())),
        n_resamples=RESAMPLES,
        seed=seed,
    )
    ends = np.zeros((2, size))
    ends[:, known] = drawn.interval.low, drawn.interval.high
    yield METHODS[2], *ends, known
    human = baselines.human_only(counts)
    yield METHODS[3], human.low, human.high, everywhere


def rows_of(cell: tuple[float, int, int, float], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Coverage and width of every method under both bounds."""
    from jaxmle import Bounds

    icc, n_clusters, items, labeled = cell
    rng = np.random.default_rng([seed, round(1000 * icc), n_clusters, items, round(1000 * labeled)])
    clusters = draw(rng, icc, n_clusters * [items], round(labeled * n_clusters), RATE, size)
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


def few_rows(name: str, rate: float, size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Coverage of intervals and upper limits by the chi-square distribution, without bounds."""
    from jaxmle import certify, design_effect, profile_interval
    from jaxmle._documents._warnings import FEW_CLUSTERS

    sizes, icc, labeled = FEW[name]
    rng = np.random.default_rng([seed, list(FEW).index(name), round(1000 * rate)])
    clusters = draw(rng, icc, sizes, labeled, rate, size)
    counts, found = clusters.totals, design_effect(clusters)
    regard = {"design_effect": found.effect, "df": found.df}
    ignored, both = (profile_interval(counts, simulate=False, **more) for more in ({}, regard))
    upper = certify(counts, limit=0.5, method="profile", **regard).upper_limit
    covered = [float(np.mean((one.low <= rate) & (rate <= one.high))) for one in (ignored, both)]
    yield {
        "clusters": name,
        "rate": rate,
        "icc": icc,
        "data_sets": size,
        "effective_clusters": float(np.median(found.n_clusters)),
        "df": float(np.median(found.df)),
        "coverage_ignored": covered[0],
        "coverage": covered[1],
        "coverage_upper": float(np.mean(rate <= upper)),
        "width_ignored": float(np.mean(ignored.width)),
        "width": float(np.mean(both.width)),
        "warned": float(np.mean(found.n_clusters < FEW_CLUSTERS)),
    }


def report_few(out: Path) -> None:
    """Print the cells of few or unequal clusters in Markdown."""
    print("| clusters | ICC | rate | effective | df | ignored | interval | upper limit | width | warned |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for row in _results.read(out / "few_clusters.csv"):
        value = {name: float(row[name]) for name in FEW_FIELDS[1:]}
        shown = [
            *(f"{value[name]:g}" for name in ("icc", "rate")),
            *(f"{value[name]:.1f}" for name in ("effective_clusters", "df")),
            *(f"{value[name]:.3f}" for name in ("coverage_ignored", "coverage", "coverage_upper", "width")),
        ]
        print(f"| {row['clusters']} | {' | '.join(shown)} | {value['warned']:.0%} |")


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
    few = _results.Resumed(out / "few_clusters.csv", FEW_FIELDS, FEW_KEY)
    cells = list(itertools.product(list(FEW)[:1] if arguments.quick else FEW, RATES))
    given = arguments.data_sets, arguments.seed
    work: list[Any] = [
        (few, few_rows, (*cell, FEW_DATA_SETS, arguments.seed)) for cell in cells if not few.holds(*cell)
    ]
    work += [(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)]
    _results.fill(work)
    report_few(out)
    print()
    report(out)


if __name__ == "__main__":
    main()
