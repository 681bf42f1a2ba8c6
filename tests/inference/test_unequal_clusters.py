"""Intervals of clusters that are few or of unequal size."""

import numpy as np
import pytest
from cluster_data import drawn, unequal

from jaxmle import (
    Clusters,
    Counts,
    closed_form,
    design_effect,
    profile_interval,
)


@pytest.mark.slow
def test_coverage_where_items_come_in_clusters():
    # Failures must not be rare, or the few clusters that hold them are too few for any linearization.
    rate, n = 0.3, 200
    clusters = drawn(0, 50, 20, rate=rate, n_slices=n)
    counts, found = clusters.totals, design_effect(clusters)
    assert clusters.n_labeled.tolist() == [20] * n

    def covered(**options):
        found = profile_interval(counts, simulate=False, **options)
        return int(np.sum((found.low <= rate) & (rate <= found.high)))

    # Of 200 data sets an interval that covers 95% holds the truth in 176 to 199 (probability .9999).
    # Taken for items, labelled clusters differ from the others by more than chance explains.
    with pytest.warns(UserWarning, match="no random sample"):
        assert covered() < 140
    assert 176 <= covered(design_effect=found.effect, df=found.df) <= 199


ONE_LARGE = np.array([10] * 39 + [500])


def test_clusters_count_as_many_of_one_size():
    found = design_effect(unequal(1, ONE_LARGE, icc=0.1, rate=0.3, n_slices=4))
    np.testing.assert_allclose(found.n_clusters, 890**2 / (500**2 + 39 * 10**2))
    assert np.all(found.df <= found.n_clusters - 1 + 1e-12)
    alike = design_effect(drawn(3, 60, 5, labeled=1.0, n_slices=3))
    np.testing.assert_allclose(alike.n_clusters, 60)


def test_sizes_count_by_what_their_items_tell_of_the_estimate():
    """A large cluster without labels: its share of the variance is that of the judge's verdicts."""
    clusters = unequal(2, np.array([400] + [20] * 40), icc=0.1, rate=0.3, n_slices=1)
    tp, fn, fp, tn, _, _ = clusters.cells.T
    large = np.arange(41) == 0
    cells = [*(np.where(large, 0, cell) for cell in (tp, fn, fp, tn))]
    cells += [np.where(large, cell, 0) for cell in (tp + fp, fn + tn)]
    labeled_apart = Clusters(Counts(*cells), clusters.index, 1)
    found, ordinary = design_effect(labeled_apart), closed_form(labeled_apart.totals[0])
    tp, fn, fp, tn, positive, negative = (cell.sum() for cell in cells)
    slope = tp / (tp + fp) - fn / (fn + tn)
    judged = slope**2 * positive * negative / 400 / 1200**2
    share = judged / float(ordinary.standard_error) ** 2
    assert 0.1 < share < 0.5
    assert found.n_clusters[0] == pytest.approx(1 / (share**2 + (1 - share) ** 2 / 40), rel=0.05)


def test_few_failures_tell_little_of_how_clusters_differ():
    """One failure in ten clusters seems to say that items are independent, and says next to nothing."""
    cells = np.zeros((10, 6))
    cells[:, 3] = 20
    cells[0, [0, 3]] = 1, 19
    found = design_effect(Clusters(Counts(*cells.T), np.zeros(10, int), 1))
    # Kurtosis of ten contributions of which one is .995 and nine are .1: hardly three degrees of freedom.
    squared = np.array([(1 - 20 / 200) ** 2] + [(20 / 200) ** 2] * 9)
    df = 2 / ((squared**2).sum() / squared.sum() ** 2 - 1 / 10)
    plain = squared.sum() * 10 / 9  # by 199 / 200 / (1 - 1 / 200), of 200 items that stand alone
    assert found.df == pytest.approx([df])
    assert found.effect == pytest.approx([(df * plain + 20) / (df + 1)])


@pytest.mark.parametrize(
    ("sizes", "icc", "labeled"),
    [
        (np.full(10, 20), 0.5, 1.0),
        (ONE_LARGE, 0.1, 1.0),
        (ONE_LARGE, 0.1, 0.2),
        (np.full(40, 10), 0.1, 1.0),
        (np.full(100, 2), 0.5, 1.0),
        (np.array([1] * 100 + [5] * 20), 0.3, 1.0),
        (np.array([1] * 150 + [3] * 10), 0.5, 0.6),
    ],
    ids=[
        "ten",
        "one large",
        "one large, partly labelled",
        "forty",
        "a hundred",
        "items and twenty",
        "few pairs",
    ],
)
@pytest.mark.parametrize("rate", [0.1, *(pytest.param(rate, marks=pytest.mark.slow) for rate in (0.05, 0.3))])
@pytest.mark.filterwarnings("ignore:.*no random sample")
def test_intervals_cover_where_clusters_are_few_or_unequal(sizes, icc, labeled, rate):
    clusters = unequal(7, sizes, icc=icc, rate=rate, labeled=labeled, n_slices=400)
    found = design_effect(clusters)
    given = {"design_effect": found.effect, "df": found.df, "simulate": False}
    both = profile_interval(clusters.totals, **given)
    upper = profile_interval(clusters.totals, side="upper", **given).high
    # 93% at least of many; of 400, 360 at least with a probability of .99 if so.
    assert np.sum((both.low <= rate) & (rate <= both.high)) >= 360
    assert np.sum(rate <= upper) >= 360
