"""Comparisons of systems whose items come in clusters."""

import numpy as np
import pytest
from cases import some_fast

from jaxmle import Clusters, Counts, Pairs, compare

A = Counts(tp=30, fn=5, fp=6, tn=59, unlabeled_pos=360, unlabeled_neg=640)
B = Counts(tp=14, fn=3, fp=5, tn=78, unlabeled_pos=190, unlabeled_neg=810)


def clustered(seed, n_clusters, icc, rates, size, *, shared=False, labeled=1.0):
    """Clusters of ten items of two systems: of each its own, or the same, as difficult for both."""
    rng = np.random.default_rng(seed)
    spread = (1 - icc) / icc
    chances = [rng.beta(rate * spread, (1 - rate) * spread, (size, n_clusters)) for rate in rates]
    arms = []
    for chance in (chances[0], chances[0] if shared else chances[1]):
        known = rng.binomial(10, labeled, chance.shape)
        cells = []
        for number in (known, 10 - known):
            failures = rng.binomial(number, chance)
            caught, false = rng.binomial(failures, 0.9), rng.binomial(number - failures, 0.05)
            cells += [caught, failures - caught, false, number - failures - false]
        arms.append(np.stack([*cells[:4], cells[4] + cells[6], cells[5] + cells[7]], -1))
    if not shared:
        none = np.zeros_like(arms[0])
        arms = [np.concatenate(both, 1) for both in ((arms[0], none), (none, arms[1]))]
    index = np.repeat(np.arange(size), arms[0].shape[1])
    return tuple(Clusters(Counts(*arm.reshape(-1, 6).T), index, size) for arm in arms)


@pytest.mark.slow
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("n_clusters", "icc", "labeled"), [(10, 0.2, 1.0), (15, 0.5, 0.4), (30, 0.2, 0.4), (30, 0.5, 1.0)]
)
@pytest.mark.filterwarnings("ignore:.*no random sample")
def test_differences_are_rarely_false_where_items_come_in_clusters(n_clusters, icc, labeled, shared):
    a, b = clustered(1, n_clusters, icc, (0.2, 0.2), 300, shared=shared, labeled=labeled)
    found = compare(a.totals, b.totals, clusters=(a, b))
    # At most .06 of many; of 300, 28 at most with a probability of .99 if so.
    assert found.different.sum() <= 28
    np.testing.assert_array_equal(found.different, (found.low > 0) | (found.high < 0))
    if not shared:
        assert compare(a.totals, b.totals).different.sum() > 40
        assert "clusters" in found.method


def test_differences_in_clusters_are_found():
    a, b = clustered(2, 60, 0.2, (0.35, 0.15), 100)
    found = compare(a.totals, b.totals, clusters=(a, b))
    assert found.different.mean() > 0.9
    assert np.all((found.effect > 1.5) & (found.effect < 6))
    # The same clusters in both are as difficult for both, and the difference varies less for it.
    a, b = clustered(3, 200, 0.5, (0.3, 0.3), 50, shared=True)
    together = compare(a.totals, b.totals, clusters=(a, b))
    apart = compare(a.totals, b.totals)
    assert np.median(together.effect) < 0.8
    assert np.mean(together.high - together.low) < 0.9 * np.mean(apart.high - apart.low)


@pytest.mark.parametrize("judge", some_fast(["separate", "common"], ["separate"]))
def test_clusters_of_single_items_are_the_items(judge):
    def one_each(counts):
        return np.repeat(np.eye(6, dtype=int), [int(value) for value in counts.values()], axis=0)

    first, second = one_each(A), one_each(B)
    arms = [np.concatenate([first, 0 * second]), np.concatenate([0 * first, second])]
    clusters = tuple(Clusters(Counts(*arm.T), np.zeros(len(arm), int), 1) for arm in arms)
    a, b = (own.totals for own in clusters)
    found, alone = compare(a, b, clusters=clusters, judge_rates=judge), compare(a, b, judge_rates=judge)
    assert found.effect == pytest.approx([1.0], abs=0.02)
    assert found.low == pytest.approx(alone.low, abs=0.03 * (alone.high - alone.low)[0])
    assert found.high == pytest.approx(alone.high, abs=0.03 * (alone.high - alone.low)[0])


@pytest.mark.parametrize("judge", ["separate", "common"])
def test_small_weights_do_not_make_items_of_clusters(judge):
    a, b = clustered(3, 40, 0.5, (0.3, 0.5), 60)
    widths = []
    for scale in (0.5, 0.01):
        one, two = (
            Clusters(Counts(*(scale * x for x in own.counts.values())), own.index, own.n_slices)
            for own in (a, b)
        )
        assert not one.are_items.any()
        found = compare(one.totals, two.totals, clusters=(one, two), judge_rates=judge)
        widths.append(found.high - found.low)
    # Weights count for what they are to each other.
    assert np.median(widths[1] / widths[0]) == pytest.approx(1.0, abs=0.05)


def test_clusters_of_other_items_are_not_compared():
    a, b = clustered(1, 5, 0.2, (0.2, 0.2), 2)
    given = a.totals, b.totals
    with pytest.raises(ValueError, match="`pairs` or `clusters`, not both"):
        compare(*given, clusters=(a, b), pairs=Pairs.from_clusters(a, b))
    with pytest.raises(ValueError, match="`clusters` must add up to `a`"):
        compare(*given, clusters=(b, a))
    with pytest.raises(ValueError, match="of the slices of `a`"):
        compare(a.totals[0], b.totals[0], clusters=(a, b))
    turned = np.arange(20)[::-1]
    with pytest.raises(ValueError, match="in one order"):
        compare(*given, clusters=(a, Clusters(b.counts[turned], b.index[turned], 2)))
    for wrong in (a, (a, None)):
        with pytest.raises(TypeError, match="`clusters` must be two Clusters"):
            compare(*given, clusters=wrong)
