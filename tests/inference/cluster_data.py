"""Clusters for tests, and their design effects."""

import numpy as np

from jaxmle import (
    Clusters,
    Counts,
    design_effect,
)

CELLS = np.array([14, 3, 6, 97, 38, 242])


def one_each(cells=CELLS, size=1, *, n_slices=1):
    """Clusters of ``size`` items that are all alike, as many as the cells say."""
    items = size * np.repeat(np.eye(6, dtype=int), cells, axis=0)
    return Clusters(
        Counts(*np.tile(items, (n_slices, 1)).T), np.repeat(np.arange(n_slices), len(items)), n_slices
    )


def unequal(seed, sizes, *, icc, rate, n_slices, labeled=1.0):
    """Clusters of these sizes, with failure probabilities from a beta distribution."""
    rng = np.random.default_rng(seed)
    spread = (1 - icc) / icc
    probability = rng.beta(rate * spread, (1 - rate) * spread, (n_slices, len(sizes)))
    known = rng.binomial(sizes, labeled, probability.shape)
    cells = []
    for number in (known, sizes - known):
        failures = rng.binomial(number, probability)
        caught, false = rng.binomial(failures, 0.9), rng.binomial(number - failures, 0.05)
        cells.append([caught, failures - caught, false, number - failures - false])
    (tp, fn, fp, tn), (caught, missed, false, clean) = cells
    sums = np.stack([tp, fn, fp, tn, caught + false, missed + clean], -1).reshape(-1, 6)
    return Clusters(Counts(*sums.T), np.repeat(np.arange(n_slices), len(sizes)), n_slices)


def drawn(seed, n_clusters, n_items, *, icc=0.5, rate=0.3, labeled=0.4, by_item=False, n_slices=1):
    """Clusters with failure probabilities from a beta distribution, and a judge that errs item by item."""
    rng = np.random.default_rng(seed)
    spread = (1 - icc) / icc
    probability = rng.beta(rate * spread, (1 - rate) * spread, (n_slices, n_clusters, 1))
    failure = rng.random((n_slices, n_clusters, n_items)) < probability
    flag = rng.random(failure.shape) < np.where(failure, 0.9, 0.05)
    known = np.broadcast_to(np.arange(n_clusters)[:, None] < labeled * n_clusters, failure.shape)
    if by_item:
        known = rng.random(failure.shape) < labeled
    judged = [
        known & failure & flag,
        known & failure & ~flag,
        known & ~failure & flag,
        known & ~failure & ~flag,
    ]
    cells = np.stack([one.sum(-1) for one in (*judged, ~known & flag, ~known & ~flag)], -1).reshape(-1, 6)
    return Clusters(Counts(*cells.T), np.repeat(np.arange(n_slices), n_clusters), n_slices)


def scaled(clusters, factors):
    """The same clusters, their items weighted."""
    values = (factors * count for count in clusters.counts.values())
    return Clusters(Counts(*values), clusters.index, clusters.n_slices)


def effect_of(clusters, bounds=None, **options):
    return design_effect(clusters, bounds, **options).effect


def weighted(weights, cells):
    """Items with weights, each a cluster of its own, and the sums of squared weights by cell."""
    items = np.asarray(weights)[:, None] * np.eye(6)[cells]
    return Clusters(Counts(*items.T), np.zeros(len(items), int), 1), (items**2).sum(0)[None]
