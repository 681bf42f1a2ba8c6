"""Design effects of clusters and weights, and intervals and certificates that use them."""

import numpy as np
import pytest
import scipy.stats
from cases import some_fast
from cluster_data import CELLS, drawn, effect_of, one_each, scaled, weighted

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
)
from jaxmle._inference import weight_effect


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
    with pytest.raises(ValueError, match="each slice once"):
        clusters.of_slices([1, 1])
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


@pytest.mark.parametrize("calibration", ["internal", pytest.param("external", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "bounds", some_fast([None, Bounds(tpr=(0.75, 0.9), fpr=(0.05, 0.15)), Bounds(tpr=(0.95, 1))], [None])
)
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


@pytest.mark.slow
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
        ({"design_effect": 10**400}, "`design_effect` must be a number"),
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


@pytest.mark.parametrize("df", [np.inf, pytest.param(6.0, marks=pytest.mark.slow)])
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
