"""The bootstrap of clusters: whole clusters are drawn, the same bits whatever the batch."""

import jax
import numpy as np
import pytest
from cluster_data import CELLS, drawn, effect_of, one_each

from jaxmle import (
    Bounds,
    Clusters,
    Counts,
    bootstrap,
    closed_form,
)


def test_bootstrap_of_single_items_is_the_ordinary_one():
    options = {"n_resamples": 8000, "keep_replicates": True}
    ours = bootstrap(Counts(*CELLS), clusters=one_each(), **options)
    theirs = bootstrap(Counts(*CELLS), **options)
    # Each standard error has a Monte Carlo error of 0.8%.
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.04)
    assert ours.replicates.mean() == pytest.approx(theirs.replicates.mean(), abs=0.05 * theirs.standard_error)
    assert "cluster bootstrap" in ours.interval.method


@pytest.mark.parametrize("size", [4, 9])
def test_items_alike_widen_the_bootstrap(size):
    clusters = one_each(size=size)
    totals = clusters.totals
    ordinary = bootstrap(totals[0], n_resamples=6000).standard_error
    clustered = bootstrap(totals, clusters=clusters, n_resamples=6000).standard_error
    np.testing.assert_allclose(clustered, np.sqrt(size) * ordinary, rtol=0.04)


def test_the_bootstrap_agrees_with_the_design_effect():
    clusters = drawn(9, 150, 6)
    totals = clusters.totals
    linear = np.sqrt(effect_of(clusters)[0]) * float(closed_form(totals[0]).standard_error)
    for method in ("percentile", "basic"):
        found = bootstrap(totals, clusters=clusters, n_resamples=4000, method=method)
        assert found.standard_error[0] == pytest.approx(linear, rel=0.1)
        assert found.interval.width[0] == pytest.approx(3.92 * linear, rel=0.1)


@pytest.mark.filterwarnings("ignore:.*at a bound")
def test_cluster_replicates_are_the_same_bit_for_bit_whatever_the_batch():
    # Slices of 6 to 70 clusters, with weights, so that sums are rounded.
    parts = [drawn(i, n, 7, labeled=0.6) for i, n in enumerate((70, 6, 33, 12))]
    cells = np.concatenate([part.cells for part in parts])
    cells *= np.random.default_rng(1).gamma(2.0, 1.0, len(cells))[:, None]
    index = np.repeat(np.arange(4), [len(part.cells) for part in parts])
    clusters = Clusters(Counts(*cells.T), index, 4)
    bounds = Bounds(tpr=(0.8, 1.0), fpr=(0.0, 0.2))
    options = {"n_resamples": 2500, "keep_replicates": True}

    first = bootstrap(clusters.totals, bounds, clusters=clusters, **options).replicates
    for batch_size in (1024, 6000):
        again = bootstrap(clusters.totals, bounds, clusters=clusters, batch_size=batch_size, **options)
        np.testing.assert_array_equal(first, again.replicates)
    other = bootstrap(clusters.totals, bounds, clusters=clusters, seed=1, **options).replicates
    assert not np.isclose(first, other).all(axis=1).any()

    order = np.array([2, 0, 3, 1])
    moved = Clusters(clusters.counts, np.argsort(order)[index], 4)
    np.testing.assert_array_equal(
        first[order], bootstrap(moved.totals, bounds, clusters=moved, **options).replicates
    )
    # Nor does it matter what lies between the clusters of a slice, if their own order stays.
    mixed = np.lexsort((index, np.concatenate([np.arange(np.sum(index == i)) for i in range(4)])))
    shuffled = Clusters(clusters.counts[mixed], index[mixed], 4)
    np.testing.assert_array_equal(
        first, bootstrap(clusters.totals, bounds, clusters=shuffled, **options).replicates
    )


def test_the_number_of_replicates_changes_none_of_them():
    clusters = drawn(3, 40, 5)
    options = {"clusters": clusters, "keep_replicates": True}
    many = bootstrap(clusters.totals, n_resamples=1500, **options).replicates
    few = bootstrap(clusters.totals, n_resamples=300, **options).replicates
    np.testing.assert_array_equal(many[:, :300], few)
    assert len(np.unique(many)) > 1000


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"method": "bca"}, '"percentile" or "basic"'),
        ({"parametric": True}, "not with `parametric`"),
        ({"counts": Counts(*(CELLS + 1))}, "must add up to `counts`"),
        ({"counts": Counts(*np.stack([CELLS, CELLS], 1))}, "of the slices of `counts`, shape .2,.; got 1"),
    ],
)
def test_bootstrap_refuses_clusters_that_do_not_fit(options, match):
    given = {"counts": Counts(*CELLS), "clusters": one_each(), "n_resamples": 50, **options}
    with pytest.raises(ValueError, match=match):
        bootstrap(**given)


def test_bootstrap_wants_clusters():
    with pytest.raises(TypeError, match="`clusters` must be a Clusters; got list"):
        bootstrap(Counts(*CELLS), clusters=[1, 2], n_resamples=50)


def test_a_users_generator_changes_no_replicate():
    clusters = Clusters(Counts(*np.random.default_rng(1).integers(0, 3, (6, 40))), np.zeros(40, int), 1)
    options = {"clusters": clusters, "n_resamples": 1100, "keep_replicates": True}
    ours = bootstrap(clusters.totals, **options).replicates
    with jax.default_prng_impl("rbg"):
        theirs = bootstrap(clusters.totals, **options).replicates
    np.testing.assert_array_equal(ours, theirs)
