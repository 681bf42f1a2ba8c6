import csv
import json
from collections import defaultdict

import jax
import numpy as np
import pytest
import scipy.stats

from jaxmle import (
    Bounds,
    Clusters,
    Counts,
    bootstrap,
    certify,
    closed_form,
    design_effect,
    fit,
    profile_interval,
    tables,
)
from jaxmle._cli import main
from jaxmle._inference import weight_effect

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


def test_clusters_sum_up():
    rng = np.random.default_rng(0)
    cells, index = rng.integers(0, 4, (40, 6)), rng.integers(0, 3, 40)
    cells[::3, :4] = 0
    clusters = Clusters(Counts(*cells.T), index, 4)
    parts = [cells[index == i] for i in range(4)]
    assert clusters.size.tolist() == [len(part) for part in parts]
    assert clusters.n_labeled.tolist() == [int(np.sum(part[:, :4].sum(1) > 0)) for part in parts]
    np.testing.assert_array_equal(np.stack(clusters.totals.values(), -1), [part.sum(0) for part in parts])
    some = clusters.of_slices(np.array([3, 0, 2]))
    np.testing.assert_array_equal(np.stack(some.totals.values(), -1), [parts[i].sum(0) for i in (3, 0, 2)])
    assert some.size.tolist() == [len(parts[i]) for i in (3, 0, 2)]
    assert clusters.totals.tp.dtype == np.float64


@pytest.mark.parametrize("calibration", ["internal", "external"])
@pytest.mark.parametrize("size", [1, 2, 20])
def test_items_alike_multiply_the_effect(size, calibration):
    found = effect_of(one_each(size=size), calibration=calibration)
    # 1 - 1 / n of n items by 1 - 1 / K of the K clusters of the group whose mean is estimated: 17 to 280.
    assert (280 * size - 1) / 279 <= found[0] * (1 + 1e-9)
    assert found[0] <= (17 * size - 1) / 16
    all_labeled = one_each(cells=[14, 3, 6, 97, 0, 0], size=size)
    np.testing.assert_allclose(effect_of(all_labeled), [(120 * size - 1) / 119], rtol=1e-9)


@pytest.mark.parametrize("calibration", ["internal", "external"])
@pytest.mark.parametrize("bounds", [None, Bounds(tpr=(0.75, 0.9), fpr=(0.05, 0.15)), Bounds(tpr=(0.95, 1))])
def test_clusters_of_one_item_are_independent_items(bounds, calibration):
    """Nothing widens: neither effect, nor interval, nor certificate."""
    alone = one_each(cells=[14, 3, 6, 27, 81, 170])
    found = design_effect(alone, bounds, calibration=calibration)
    assert found.effect.tolist() == [1.0]
    assert found.df[0] > 1e8
    given = {"design_effect": found.effect, "df": found.df}
    counts, options = alone.totals, {"calibration": calibration}
    ours, theirs = (profile_interval(counts, bounds, **options, **more) for more in (given, {}))
    np.testing.assert_allclose([ours.low, ours.high], [theirs.low, theirs.high], rtol=1e-6)
    for method in ("exact", "profile"):
        options |= {"limit": 0.5, "method": method}
        claim, usual = (certify(counts, bounds, **options, **more) for more in (given, {}))
        np.testing.assert_allclose(claim.p_value, usual.p_value, rtol=1e-6)
        np.testing.assert_allclose(claim.upper_limit, usual.upper_limit, rtol=1e-6)


def test_only_clusters_of_several_items_take_degrees_of_freedom_away():
    """One pair among a hundred items alone tells of little that is unknown; a hundred pairs of much."""
    alone = np.repeat(np.eye(6, dtype=int), [10, 2, 8, 80, 0, 0], axis=0)
    pair = np.array([[1, 0, 0, 1, 0, 0]])

    def found(cells):
        return design_effect(Clusters(Counts(*cells.T), np.zeros(len(cells), int), 1))

    one, pairs = found(np.concatenate([alone, pair])), found(np.repeat(pair, 100, axis=0))
    # Its failure and its pass are of opposite sides of the mean: the rate varies a little less for it.
    assert one.effect.tolist() == [1.0]
    assert 200 < one.df[0] < 1e8
    assert pairs.df[0] <= 99.001
    many = found(np.concatenate([alone, np.repeat([[2, 0, 0, 0, 0, 0]], 20, axis=0)]))
    assert 1.3 < many.effect[0] < 2
    assert 10 < many.df[0] < 300


def test_the_effect_of_whole_counts_is_at_least_one():
    # Each cluster holds one failure and nine passes, so that the rate varies less than of single items:
    # an effect of 0, counted 49 times, and once that of ten items all alike.
    cells = np.tile([1, 0, 0, 9, 0, 0], (50, 1))
    assert effect_of(Clusters(Counts(*cells.T), np.zeros(50, int), 1)).tolist() == [1.0]


@pytest.mark.parametrize("weight", [0.3, 2, 7])
def test_equal_weights_leave_as_many_items_as_there_are(weight):
    clusters, squares = weighted(np.full(400, weight), np.repeat(np.arange(6), CELLS))
    np.testing.assert_allclose(weight_effect(fit(clusters.totals), squares), [weight], rtol=1e-12)
    # Sums of clusters do not tell that each is one item: up to K / (K - 1) of 120 labelled ones.
    (effect,) = effect_of(clusters)
    assert weight <= effect <= weight * 120 / 119


def test_weights_that_say_nothing_of_the_verdict_have_the_effect_of_kish():
    # Every cell holds the weights .5, 1 and 3.1 equally often.
    pattern = np.array([0.5, 1.0, 3.1])
    weights = np.tile(pattern, 400)
    clusters, squares = weighted(weights, np.repeat(np.arange(6), 3 * CELLS))
    kish = weights.sum() ** 2 / (weights**2).sum()
    for effect in (effect_of(clusters), weight_effect(fit(clusters.totals), squares)):
        # Kish's effective size, (sum of weights)^2 / sum of squares.
        assert weights.sum() / effect[0] == pytest.approx(kish, rel=0.01)


def test_weights_of_failures_count_for_the_failures():
    # With all items labelled the estimate is a share, and its effect that of a ratio of weighted sums.
    rng = np.random.default_rng(2)
    failure, weight = rng.random(3000) < 0.2, rng.gamma(2.0, 1.0, 3000)
    weight[failure] *= 3
    clusters, squares = weighted(weight, np.where(failure, 0, 3))
    total = weight.sum()
    share = weight[failure].sum() / total
    leverage = weight / total
    squared = (weight * (failure - share) / total) ** 2
    ordinary = share * (1 - share) / total
    one_by_one = (squared / (1 - leverage)).sum() / (ordinary / (1 - 1 / total))
    assert effect_of(clusters)[0] == pytest.approx(one_by_one, rel=1e-8)
    # Sums of squares alone tell no more than the mean leverage, which is that of such items if alike, too.
    in_sum = squared.sum() / ordinary
    assert weight_effect(fit(clusters.totals), squares)[0] == pytest.approx(in_sum, rel=1e-8)
    assert in_sum == pytest.approx(one_by_one, rel=2e-3)


@pytest.mark.parametrize("calibration", ["internal", "external"])
@pytest.mark.parametrize("kind", ["whole clusters labelled", "items labelled", "weighted clusters"])
def test_the_effect_times_the_ordinary_variance_is_that_of_a_jackknife_over_clusters(kind, calibration):
    clusters = drawn(4, 300, 8, by_item=kind == "items labelled")
    if kind == "weighted clusters":
        clusters = scaled(clusters, np.random.default_rng(5).gamma(3.0, 0.4, 300))
    cells = clusters.cells

    def estimate(c):
        tp, fn, fp, tn, pos, neg = c.T
        if calibration == "external":
            tpr, fpr = tp / (tp + fn), fp / (fp + tn)
            return (pos / (pos + neg) - fpr) / (tpr - fpr)
        flagged = (tp + fp + pos) / c.sum(-1)
        return flagged * tp / (tp + fp) + (1 - flagged) * fn / (fn + tn)

    without = estimate(cells.sum(0) - cells)
    jackknife = 299 / 300 * ((without - without.mean()) ** 2).sum()
    ordinary = closed_form(clusters.totals[0], calibration=calibration)
    assert fit(clusters.totals[0], calibration=calibration).failure_rate == pytest.approx(
        float(ordinary.params.failure_rate), abs=1e-8
    )
    (effect,) = effect_of(clusters, calibration=calibration)
    assert effect > 1.5
    assert effect * float(ordinary.standard_error) ** 2 == pytest.approx(jackknife, rel=0.1)


def test_an_estimate_that_does_not_move_gets_the_effect_of_items_alike():
    clusters = drawn(6, 40, 10)
    cells = clusters.cells
    labeled = cells[:, :4].sum(1)
    (known,) = effect_of(clusters, Bounds(failure_rate=(0.2, 0.2)))
    assert known == pytest.approx((labeled**2).sum() / labeled.sum())
    uneven = cells * np.arange(1, 41)[:, None]
    uneven[:, :4] = 0
    blind = Clusters(Counts(*uneven.T), np.zeros(40, int), 1)
    everything = uneven.sum(1)
    (unlabeled,) = effect_of(blind)
    assert unlabeled == pytest.approx((everything**2).sum() / everything.sum())


def test_effects_of_slices_are_their_own():
    one, other = drawn(7, 60, 5), drawn(8, 30, 12)
    cells = np.concatenate([other.cells, one.cells])
    both = Clusters(Counts(*cells.T), np.repeat([1, 0], [30, 60]), 2)
    bounds = Bounds(tpr=(0.88, 0.92), fpr=(0.0, 0.2))
    np.testing.assert_allclose(
        effect_of(both, bounds), [*effect_of(one, bounds), *effect_of(other, bounds)], rtol=1e-9
    )


def test_the_design_effect_divides_the_counts():
    plain = Counts(*CELLS)
    for simulated in (False, True):
        options = {"simulate": simulated, "n_resamples": 199}
        alone = profile_interval(plain, **options)
        twice = profile_interval(Counts(*(4 * CELLS)), design_effect=4.0, df=np.inf, **options)
        # Powers of two divide exactly, so even the simulated data sets are the same.
        ends = (alone.estimate - alone.low, alone.high - alone.estimate)
        found = (twice.estimate - twice.low, twice.high - twice.estimate)
        if simulated:
            # p-values of effective counts are no smaller than the asymptotic ones.
            assert all(0.97 * end < got < 1.2 * end for got, end in zip(found, ends, strict=True))
        else:
            assert found == ends
        assert "design effect" in twice.method
    test = certify(plain, limit=0.2, method="profile")
    again = certify(Counts(*(4 * CELLS)), limit=0.2, method="profile", design_effect=4.0)
    assert test.p_value <= again.p_value < 1.2 * test.p_value
    assert test.upper_limit <= again.upper_limit < 1.05 * test.upper_limit


def test_degrees_of_freedom_make_it_the_distribution_of_student():
    plain = Counts(*CELLS)
    given = {"design_effect": 1.0, "df": 7}
    interval = profile_interval(plain, simulate=False, **given)
    np.testing.assert_allclose(interval.cutoff, scipy.stats.f.ppf(0.95, 1, 7), rtol=1e-9)
    upper = profile_interval(plain, simulate=False, side="upper", **given)
    assert upper.cutoff[1] == pytest.approx(scipy.stats.t.ppf(0.95, 7) ** 2)
    simulated = profile_interval(plain, side="upper", **given)
    effects = (given, {"design_effect": 1.0})
    certificate, normal = (certify(plain, limit=0.2, method="profile", **more) for more in effects)
    root = scipy.stats.norm.isf(normal.p_value)
    assert certificate.p_value == pytest.approx(scipy.stats.t.sf(root, 7), rel=1e-6)
    assert certificate.upper_limit == simulated.high >= upper.high
    calibrated, stretched = (profile_interval(plain, n_resamples=199, **more) for more in ({}, given))
    assert stretched.low < calibrated.low < calibrated.high < stretched.high


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
    ("counts", "index", "n_slices", "match"),
    [
        (Counts(1, 0, 0, 1, 0, 0), 0, 1, "one-dimensional"),
        (Counts(*np.ones((6, 2, 2))), [[0, 0], [0, 0]], 1, "one-dimensional"),
        (Counts(*np.ones((6, 3))), [0, 0], 1, "a whole number for each of the 3 clusters"),
        (Counts(*np.ones((6, 2))), [0.0, 0.0], 1, "a whole number"),
        (Counts(*np.ones((6, 2))), [True, False], 2, "a whole number"),
        (Counts(*np.ones((6, 2))), [0, 2], 2, "must lie in 0 to 1"),
        (Counts(*np.ones((6, 2))), [-1, 0], 2, "must lie in 0 to 1"),
    ],
)
def test_clusters_that_make_no_sense_are_refused(counts, index, n_slices, match):
    with pytest.raises(ValueError, match=match):
        Clusters(counts, index, n_slices)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"method": "bca"}, '"percentile" or "basic"'),
        ({"parametric": True}, "not with `parametric`"),
        ({"counts": Counts(*(CELLS + 1))}, "must add up to `counts`"),
        ({"counts": Counts(*np.stack([CELLS, CELLS], 1))}, "must be of 2 slices; got 1"),
    ],
)
def test_bootstrap_refuses_clusters_that_do_not_fit(options, match):
    given = {"counts": Counts(*CELLS), "clusters": one_each(), "n_resamples": 50, **options}
    with pytest.raises(ValueError, match=match):
        bootstrap(**given)


def test_bootstrap_wants_clusters():
    with pytest.raises(TypeError, match="`clusters` must be a Clusters; got list"):
        bootstrap(Counts(*CELLS), clusters=[1, 2], n_resamples=50)


def test_design_effect_wants_clusters():
    with pytest.raises(TypeError, match="`clusters` must be a Clusters; got Counts"):
        design_effect(Counts(*CELLS))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"design_effect": 0.0}, "`design_effect` must be > 0; got 0"),
        ({"design_effect": -1.5}, "`design_effect` must be > 0"),
        ({"design_effect": np.nan}, "`design_effect` must be > 0"),
        ({"design_effect": np.inf}, "`design_effect` must be finite"),
        ({"design_effect": [1.0, 2.0]}, r"`design_effect` must have shape \(\) or \(\)"),
        ({"design_effect": 2.0, "df": 0}, "`df` must be > 0; got 0"),
        ({"design_effect": 2.0, "df": np.nan}, "`df` must be > 0"),
        ({"design_effect": 2.0, "df": [3, 4]}, "`df` must have shape"),
        ({"df": 5}, "`df` goes with `design_effect`"),
    ],
)
def test_effects_out_of_range_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        profile_interval(Counts(*CELLS), **options)
    with pytest.raises(ValueError, match=match):
        certify(Counts(*CELLS), limit=0.2, method="profile", **options)


@pytest.mark.parametrize("df", [np.inf, 6.0])
def test_the_exact_certificate_takes_effective_counts(df):
    alone, profiled = (certify(Counts(*CELLS), limit=0.2, method=method) for method in ("exact", "profile"))
    given = {"limit": 0.2, "design_effect": 2.0, "df": df}
    result = certify(Counts(*(2 * CELLS)), **given)
    assert result.p_value >= max(alone.p_value, profiled.p_value)
    assert result.upper_limit >= max(alone.upper_limit, profiled.upper_limit) * (1 - 1e-9)
    if df == np.inf:
        # Both are whole, so what Student's t does not add is the exact test of the halved counts.
        assert result.upper_limit < 1.03 * max(alone.upper_limit, profiled.upper_limit)
    # A half of a failure is not rounded away.
    fewer = Counts(2, 1, *CELLS[2:])
    both = [certify(fewer, limit=0.2, method=method, design_effect=2.0) for method in ("exact", "profile")]
    assert both[0].upper_limit >= both[1].upper_limit
    with pytest.raises(ValueError, match="`counts` must be whole numbers .* give their `design_effect`"):
        certify(Counts(*(CELLS + 0.5)), limit=0.2)


def test_degrees_of_freedom_need_a_design_effect():
    with pytest.raises(ValueError, match="`df` goes with `design_effect`"):
        certify(Counts(*CELLS), limit=0.2, df=3)


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
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
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


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(11)
    found = []
    for _ in range(500):
        failure = rng.random() < 0.3
        flag = rng.random() < (0.9 if failure else 0.1)
        found.append(
            {
                "model": "ab"[rng.integers(2)],
                "human": "fail" if failure else "pass",
                "judge": None if rng.random() < 0.05 else "fail" if flag else "pass",
                "prompt": f"p{int(rng.integers(60))}",
                "weight": float(rng.choice([0.5, 1.0, 2.5])),
            }
        )
        if rng.random() < 0.6:
            found[-1]["human"] = None
    return [*found, {"model": "a", "human": None, "judge": None, "prompt": "alone", "weight": 1.0}]


def by_brute_force(rows, *, weighted, clustered):
    """Sums, sums of squares and numbers of units of the slices a and b and of the total, item by item."""
    answers = []
    for slices in ("a", "b", "ab"):
        sums = defaultdict(lambda: np.zeros(6))
        for i, row in enumerate(rows):
            if row["judge"] is None or row["model"] not in slices:
                continue
            cell = (0 if row["judge"] == "fail" else 1) + {"fail": 0, "pass": 2, None: 4}[row["human"]]
            sums[row["prompt"] if clustered else i][cell] += row["weight"] if weighted else 1.0
        units = list(sums.values())
        answers.append((sum(units), sum(unit**2 for unit in units), len(units)))
    return tuple(map(np.array, zip(*answers, strict=True)))


@pytest.mark.parametrize(
    ("weighted", "clustered"), [(True, False), (False, True), (True, True)], ids=["weight", "cluster", "both"]
)
def test_tables_gather_weights_and_clusters(rows, weighted, clustered):
    options = ({"weight": "weight"} if weighted else {}) | ({"cluster": "prompt"} if clustered else {})
    found = tables.count(rows, judge="judge", human="human", by="model", **options)
    sums, squares, units = by_brute_force(rows, weighted=weighted, clustered=clustered)
    assert [key["model"] for key in found.keys] == ["a", "b"]
    np.testing.assert_allclose(np.stack(found.counts.values(), -1), sums[:2], rtol=1e-12)
    np.testing.assert_allclose(found.total.values(), sums[2], rtol=1e-12)
    assert found.n_units.tolist() == units.tolist()
    if not clustered:
        assert found.all_clusters is None
        np.testing.assert_allclose(found.all_squares, squares, rtol=1e-12)
    else:
        every = found.all_clusters
        own = np.stack([np.bincount(every.index, column**2, 3) for column in every.cells.T], -1)
        np.testing.assert_allclose(own, squares, rtol=1e-12)
        np.testing.assert_allclose(np.stack(every.totals.values(), -1), sums, rtol=1e-12)
        assert found.all_squares is None
        # Prompts that both models answered are one cluster of the total.
        assert units[2] < units[0] + units[1]
        np.testing.assert_allclose(np.stack(found.clusters.totals.values(), -1), sums[:2], rtol=1e-12)
        whole = np.stack(found.total_clusters.totals.values(), -1)
        np.testing.assert_allclose(whole, sums[2:], rtol=1e-12)
    assert found.dropped == {"no judge verdict": sum(row["judge"] is None for row in rows)}


def test_rows_alone_have_neither_clusters_nor_weights(rows):
    found = tables.count(rows, judge="judge", human="human")
    assert found.all_clusters is None
    assert found.all_squares is None
    assert found.n_units.tolist() == [501 - found.dropped["no judge verdict"]] * 2


def test_rows_without_a_cluster_are_refused_or_dropped(rows):
    holes = [row | {"prompt": None} if i in (3, 40) else row for i, row in enumerate(rows)]
    with pytest.raises(ValueError, match="row 4 of .*: prompt is None: no cluster"):
        tables.count(holes, judge="judge", human="human", cluster="prompt")
    given = {"judge": "judge", "human": "human", "cluster": "prompt", "on_invalid": "drop"}
    found = tables.count(holes, **given)
    assert found.dropped["no cluster"] == 2
    kept = [row for i, row in enumerate(holes) if i not in (3, 40)]
    np.testing.assert_array_equal(found.clusters.cells, tables.count(kept, **given).clusters.cells)


@pytest.fixture
def verdicts(tmp_path):
    """A file of 600 items with a weight of 2 each, and a prompt of its own."""
    path = tmp_path / "verdicts.csv"
    rng = np.random.default_rng(5)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["human", "judge", "weight", "prompt"])
        for i in range(600):
            failure, known = rng.random() < 0.15, rng.random() < 0.3
            flag = rng.random() < (0.9 if failure else 0.05)
            out.writerow([int(failure) if known else "", int(flag), 2, f"p{i}"])
    return path


def told(capsys, command, path, *options):
    status = main(
        [command, str(path), "--judge", "judge", "--human", "human", "--json", "--no-cache", *options]
    )
    return status, json.loads(capsys.readouterr().out)["total"]


def test_equal_weights_change_nothing_at_the_command_line(verdicts, capsys):
    _, alone = told(capsys, "estimate", verdicts)
    status, weighted = told(capsys, "estimate", verdicts, "--weight", "weight")
    assert status == 0
    assert weighted["n_labeled"] == 2 * alone["n_labeled"]
    assert weighted["design_effect"] == pytest.approx(2, rel=0.01)
    assert weighted["n_units"] == 600
    for name in ("human_only", "judge_only"):
        # Up to K / (K - 1), as the mean is estimated.
        assert weighted[name] == pytest.approx(alone[name], rel=2e-3)
    theirs, ours = alone["failure_rate"], weighted["failure_rate"]
    assert ours["estimate"] == pytest.approx(theirs["estimate"], abs=1e-12)
    # Cut-offs are simulated anew; taken for twice as many items, the interval would lose 30% of its width.
    for end in ("low", "high"):
        assert ours[end] - ours["estimate"] == pytest.approx(theirs[end] - theirs["estimate"], rel=0.1)

    options = ("--method", "profile", "--limit", "0.18")
    _, alone = told(capsys, "certify", verdicts, *options)
    _, weighted = told(capsys, "certify", verdicts, *options, "--weight", "weight")
    assert weighted["upper_limit"] == pytest.approx(alone["upper_limit"], rel=0.02)
    assert weighted["p_value"] == pytest.approx(alone["p_value"], rel=0.2)


@pytest.mark.parametrize("copies", [1, 2])
def test_copies_change_nothing_where_they_are_clusters(copies, verdicts, tmp_path, capsys):
    _, alone = told(capsys, "estimate", verdicts)
    header, *lines = verdicts.read_text().splitlines(keepends=True)
    path = tmp_path / "copies.csv"
    path.write_text(header + "".join(lines * copies))
    _, found = told(capsys, "estimate", path, "--cluster", "prompt")
    assert found["n_labeled"] == copies * alone["n_labeled"]
    assert found["design_effect"] == pytest.approx(copies, rel=0.01)
    assert found["n_units"] == 600
    assert found["human_only"] == pytest.approx(alone["human_only"], rel=2e-3)
    theirs, ours = alone["failure_rate"], found["failure_rate"]
    # One more source of width than with weights: the degrees of freedom.
    for end in ("low", "high"):
        assert ours[end] - ours["estimate"] == pytest.approx(theirs[end] - theirs["estimate"], rel=0.12)


def test_the_command_line_certifies_clusters_by_either_method(verdicts, capsys):
    limits = []
    for method in ("exact", "profile"):
        options = ("--cluster", "prompt", "--limit", "0.25", "--method", method)
        status, total = told(capsys, "certify", verdicts, *options)
        assert (status, total["certified"]) == (0, True)
        limits.append(total["upper_limit"])
    assert limits[0] >= limits[1] > 0.1


def test_one_labelled_cluster_makes_wide_intervals_and_a_note(tmp_path, capsys):
    path = tmp_path / "one.csv"
    rng = np.random.default_rng(0)
    lines = ["p,human,judge"]
    for i in range(600):
        failure = int(rng.random() < 0.14)
        lines.append(f"{'a' if i < 200 else i % 40},{failure if i < 200 else ''},{failure}")
    path.write_text("\n".join(lines) + "\n")
    status, total = told(capsys, "estimate", path, "--cluster", "p")
    assert status == 0
    assert total["human_only"]["high"] - total["human_only"]["low"] > 0.5
    assert total["failure_rate"]["high"] > 0.3
    assert any("tell as much as" in note and "of one size" in note for note in total["warnings"])


def test_one_cluster_is_taken_as_all_alike():
    values = np.array([14.0, 2, 6, 98, 36, 248])
    one = Clusters(Counts(*values[:, None]), [0], 1)
    assert effect_of(one) == pytest.approx([120.0])
    with pytest.raises(ValueError, match="two or more"):
        bootstrap(one.totals, clusters=one)


@pytest.mark.parametrize("first", [14.0, 15.0])
def test_small_weights_are_no_numbers_of_items(first):
    values = np.array([first, 2, 6, 98, 36, 248])
    clusters, squares = weighted(np.full(int(values.sum()), 0.5), np.repeat(np.arange(6), values.astype(int)))
    assert effect_of(clusters) == pytest.approx([0.5], rel=0.01)
    assert weight_effect(fit(clusters.totals), squares) == pytest.approx([0.5], rel=0.01)


def test_a_users_generator_changes_no_replicate():
    clusters = Clusters(Counts(*np.random.default_rng(1).integers(0, 3, (6, 40))), np.zeros(40, int), 1)
    options = {"clusters": clusters, "n_resamples": 1100, "keep_replicates": True}
    ours = bootstrap(clusters.totals, **options).replicates
    with jax.default_prng_impl("rbg"):
        theirs = bootstrap(clusters.totals, **options).replicates
    np.testing.assert_array_equal(ours, theirs)


def test_weights_without_clusters_are_not_bootstrapped_as_items(verdicts, capsys):
    columns = ["--judge", "judge", "--human", "human", "--weight", "weight", "--interval", "bootstrap"]
    assert main(["estimate", str(verdicts), *columns]) == 2
    assert "--cluster" in capsys.readouterr().err
