"""How often `drift` and `compare` speak falsely, and truly, where items come in clusters of ten.

    python -m benchmarks.clustered_tests           # about five minutes
    python -m benchmarks.clustered_tests --quick   # a corner of it

Failures, and for `drift` the judge's errors too, are correlated within clusters: each cluster has its rates
from beta distributions whose spread gives the intraclass correlation. `drift`: all items labelled, TPR in
[.85, .95] and FPR in [.01, .10]; "false" is at TPR .85 and FPR .10, a corner of the bounds, "true" at TPR .6.
`compare`: four tenths of the items labelled; "false" is of two systems with a rate of .2, "true" of .35 and
.15; in "compare, the same clusters" both systems answered the same ones. Rows are appended to
`clustered_tests.csv`.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import _results

CLUSTERS = (10, 20, 40, 100)
CORRELATIONS = (0.2, 0.5)
TESTS = ("drift", "compare", "compare, the same clusters")
ITEMS, LABELED, TPR, FPR = 10, 0.4, 0.9, 0.05
KEY = ("test", "clusters", "icc")
FIELDS = (*KEY, "data_sets", "false_ignored", "false", "true")


def shared_rates(rng: np.random.Generator, rate: float, icc: float, shape: tuple[int, int]) -> np.ndarray:
    """A rate for each cluster."""
    spread = (1 - icc) / icc
    return rng.beta(rate * spread, (1 - rate) * spread, shape)


def clusters_of(cells: list[np.ndarray]) -> Any:
    """Clusters of many data sets from counts of shape ``(data sets, clusters)``."""
    from jaxmle import Clusters, Counts

    size, n_clusters = cells[0].shape
    index = np.repeat(np.arange(size), n_clusters)
    return Clusters(Counts(*(cell.reshape(-1) for cell in cells)), index, size)


def anchor_sets(rng: np.random.Generator, n_clusters: int, icc: float, tpr: float, size: int) -> Any:
    """Anchor sets whose judge errs alike within a cluster."""
    shape = (size, n_clusters)
    failures = rng.binomial(ITEMS, shared_rates(rng, 0.4, icc, shape))
    tp = rng.binomial(failures, shared_rates(rng, tpr, icc, shape))
    fp = rng.binomial(ITEMS - failures, shared_rates(rng, 0.1, icc, shape))
    return clusters_of([tp, failures - tp, fp, ITEMS - failures - fp, 0 * tp, 0 * tp])


def two_systems(
    rng: np.random.Generator,
    n_clusters: int,
    icc: float,
    rates: tuple[float, float],
    size: int,
    *,
    same: bool,
) -> tuple[Any, Any]:
    """Clusters of two systems, each its own or the same."""
    shape = (size, n_clusters)
    first = shared_rates(rng, rates[0], icc, shape)
    second = shared_rates(rng, rates[1], icc, shape)
    if same and rates[0] == rates[1]:
        second = first
    elif same:  # as difficult for both: the same part of clusters lies below
        second = np.take_along_axis(np.sort(second), np.argsort(np.argsort(first)), 1)
    arms = []
    for chance in (first, second):
        known = rng.binomial(ITEMS, LABELED, shape)
        cells = []
        for number in (known, ITEMS - known):
            failures = rng.binomial(number, chance)
            caught, false = rng.binomial(failures, TPR), rng.binomial(number - failures, FPR)
            cells += [caught, failures - caught, false, number - failures - false]
        arms.append([*cells[:4], cells[4] + cells[6], cells[5] + cells[7]])
    if not same:
        arms = [
            [np.concatenate([cell, 0 * cell], 1) for cell in arms[0]],
            [np.concatenate([0 * cell, cell], 1) for cell in arms[1]],
        ]
    return clusters_of(arms[0]), clusters_of(arms[1])


def rows_of(test: str, n_clusters: int, icc: float, size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Share of data sets in which a test speaks, where nothing is the matter and where something is."""
    from jaxmle import Bounds, compare, drift

    rng = np.random.default_rng([seed, TESTS.index(test), n_clusters, round(100 * icc)])
    shares = {}
    for kind in ("false", "true"):
        if test == "drift":
            bounds = Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.1))
            clusters = anchor_sets(rng, n_clusters, icc, 0.85 if kind == "false" else 0.6, size)
            shares[kind] = drift(clusters.totals, bounds, clusters=clusters).outside
            ignored = drift(clusters.totals, bounds).outside
        else:
            rates = (0.2, 0.2) if kind == "false" else (0.35, 0.15)
            both = two_systems(rng, n_clusters, icc, rates, size, same=test != "compare")
            totals = [own.totals for own in both]
            shares[kind] = compare(*totals, clusters=both).different
            ignored = compare(*totals).different
        shares.setdefault("false_ignored", ignored)
    yield {
        **dict(zip(KEY, (test, n_clusters, icc), strict=True)),
        "data_sets": size,
        **{name: float(np.mean(share)) for name, share in shares.items()},
    }


def main() -> None:
    """Compute what is missing, then print the table in Markdown."""
    arguments = _results.grid_parser(__doc__, quick="ten clusters only", data_sets=1000).parse_args()
    out = _results.folder_of(arguments)
    table = _results.Resumed(out / "clustered_tests.csv", FIELDS, KEY)
    cells = itertools.product(TESTS, CLUSTERS[:1] if arguments.quick else CLUSTERS, CORRELATIONS)
    given = arguments.data_sets, arguments.seed
    _results.fill([(table, rows_of, (*cell, *given)) for cell in cells if not table.holds(*cell)])
    print("| test | clusters | ICC | false, clusters ignored | false | true |")
    print("|---|--:|--:|--:|--:|--:|")
    for row in _results.read(out / "clustered_tests.csv"):
        shares = " | ".join(f"{float(row[name]):.3f}" for name in FIELDS[4:])
        print(f"| {row['test']} | {row['clusters']} | {float(row['icc']):g} | {shares} |")


if __name__ == "__main__":
    main()
