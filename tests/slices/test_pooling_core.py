"""The numerical parts of pooled slices against independent ones, and what their results say of themselves."""

import numpy as np
import pytest
from cases import some_fast
from pooled_data import FIVE, expected, problem_of
from scipy.stats import chi2, f, poisson_binom

from jaxmle import Bounds, Counts, fit_slices, profile_interval
from jaxmle._arrays import take
from jaxmle._slices._common import fit_common, joint_of, total_derivatives, total_value
from jaxmle._slices._common_interval import _value, _without
from jaxmle._slices._fit_slices import bounds_p_value
from jaxmle._slices._intervals import _critical_value
from jaxmle._slices._slice import slice_profile, slices_of, slices_of_problem
from jaxmle._slices._surface import surface_of


def test_the_profile_of_a_slice_has_the_derivatives_it_says():
    slices = slices_of(
        Counts(*(np.asarray(x, float) for x in FIVE.values())), (np.zeros(5), np.ones(5)), "internal"
    )
    tpr, fpr, h = 0.8, 0.03, 1e-5
    found = slice_profile(slices, tpr, fpr)
    assert ((found.rate > 0) & (found.rate < 1)).all()
    ends = {
        (i, j): slice_profile(slices, tpr + i * h, fpr + j * h) for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))
    }

    def slope(of, k):
        first, second = ((1, 0), (-1, 0)) if k == 0 else ((0, 1), (0, -1))
        return (np.asarray(of(ends[first])) - np.asarray(of(ends[second]))) / (2 * h)

    for k in (0, 1):
        assert np.asarray(found.gradient[k]) == pytest.approx(slope(lambda p: p.value, k), rel=1e-5, abs=1e-4)
        assert np.asarray(found.tilt[k]) == pytest.approx(slope(lambda p: p.rate, k), rel=1e-5, abs=1e-6)
        assert np.asarray(found.hessian[2 * k]) == pytest.approx(
            slope(lambda p, k=k: p.gradient[k], k), rel=1e-4, abs=1e-2
        )
    assert np.asarray(found.hessian[1]) == pytest.approx(
        slope(lambda p: p.gradient[0], 1), rel=1e-4, abs=1e-2
    )


def test_what_labels_and_bounds_leave_open_is_said():
    unlabeled = Counts(*[np.zeros(3)] * 4, [90, 200, 150], [910, 800, 850])
    found = fit_slices(unlabeled, Bounds(tpr=(0.6, 0.9), fpr=(0.02, 0.08)), judge_rates="common")
    low, high = found.failure_rate_set
    assert not found.identified.any()
    assert (high - low > 0.005).all()
    interval = found.interval()
    assert ((interval.low <= low) & (high <= interval.high)).all()
    partly = fit_slices(FIVE, judge_rates="common")
    assert partly.identified.all()
    assert partly.failure_rate_set[0] == pytest.approx(partly.failure_rate_set[1], abs=1e-6)
    # Without failures nothing tells of the TPR, and averages do not help.
    no_failures = Counts([0] * 3, [0] * 3, [2, 1, 3], [40, 41, 39], [90, 200, 150], [910, 800, 850])
    alone = fit_slices(no_failures, judge_rates="per-slice", calibration="external")
    assert not alone.identified.any()
    total, each = alone.total(), alone.interval()
    assert total.low == pytest.approx(np.mean(each.low))
    assert total.high == pytest.approx(np.mean(each.high))


def test_one_judge_and_different_judges_are_told_apart():
    rate = np.array([0.05, 0.1, 0.2, 0.3, 0.15, 0.08, 0.25, 0.12])
    same = fit_slices(expected(rate, 0.9, 0.05, 5000, 20000))
    assert same.one_judge > 0.95
    assert max(same.spread) < 0.01
    judges = np.array([0.95, 0.6, 0.9, 0.5, 0.85, 0.97, 0.7, 0.8])
    other = fit_slices(expected(rate, judges, 0.05, 300, 2000))
    assert other.one_judge < 0.01
    assert other.spread[0] == pytest.approx(np.std(judges), rel=0.5)
    assert other.spread[1] < 0.05
    assert other.spread[0] > 3 * other.spread[1]


def test_the_spread_stays_within_bounds():
    rate = np.array([0.05, 0.1, 0.2, 0.3, 0.15, 0.08])
    counts = expected(rate, np.array([0.95, 0.6, 0.9, 0.5, 0.85, 0.97]), 0.05, 100, 1000)
    found = fit_slices(counts, Bounds(tpr=(0.85, 0.9)), judge_rates="partial")
    # No distribution on an interval has a larger standard deviation than half of its width.
    assert found.spread is not None
    assert 0 < found.spread[0] <= 0.025


def test_starts_agree_on_the_one_maximum():
    found = fit_slices(expected(np.array([0.1, 0.2, 0.3]), 0.9, 0.05, 200, 2000), judge_rates="common")
    assert (found.n_starts, found.n_agreeing) == (6, 6)
    assert found.failure_rate == pytest.approx([0.1, 0.2, 0.3], abs=1e-6)
    assert (found.tpr[0], found.fpr[0]) == pytest.approx((0.9, 0.05), abs=1e-6)


@pytest.mark.parametrize("judge", some_fast(["common", "partial"], ["common"]))
def test_external_calibration_without_failures(judge):
    counts = Counts([0, 0, 0], [0, 0, 0], [2, 1, 3], [48, 49, 47], [150, 250, 90], [850, 750, 910])
    found = fit_slices(counts, Bounds(tpr=(0.7, 0.9)), judge_rates=judge, calibration="external")
    interval, total = found.interval(), found.total()
    # Only bounds tell of the TPR: whatever they allow is inside.
    for tpr in (0.7, 0.9):
        inside = (counts.unlabeled_pos / 1000 - 0.04) / (tpr - 0.04)
        assert ((interval.low <= inside) & (inside <= interval.high)).all()
    assert 0 <= total.low < total.estimate < total.high <= 1
    assert found.sizes.tolist() == [1000, 1000, 1000]


@pytest.mark.parametrize("judge", ["common", "partial"])
def test_two_slices_are_enough(judge):
    found = fit_slices(expected(np.array([0.1, 0.3]), 0.9, 0.05, 100, 1000), judge_rates=judge)
    assert found.failure_rate == pytest.approx([0.1, 0.3], abs=0.02)
    interval = found.interval()
    assert ((interval.low < [0.1, 0.3]) & (interval.high > [0.1, 0.3])).all()


@pytest.mark.parametrize("judge", some_fast(["common", "partial"], ["common"]))
def test_a_billion_items_do_not_blur_what_few_labels_tell(judge):
    rate = np.array([0.02, 0.1, 0.3, 0.05, 0.15])
    few = fit_slices(expected(rate, 0.9, 0.05, 40, 1e9), judge_rates=judge)
    assert few.judge_rates == judge
    assert few.identified.all()
    assert few.converged.all()
    assert few.failure_rate == pytest.approx(rate, abs=0.02)
    if judge == "partial":
        fewer = fit_slices(expected(rate, 0.9, 0.05, 40, 1e5), judge_rates=judge)
        assert few.one_judge == pytest.approx(fewer.one_judge, abs=0.1)
    many = fit_slices(expected(rate, 0.9, 0.05, 1e9, 1e9), judge_rates=judge)
    interval = many.interval()
    assert many.failure_rate == pytest.approx(rate, abs=1e-6)
    assert np.max(interval.high - interval.low) < 1e-4
    # Several nats short of the maximum is not converged, however small that is for each item.
    assert (many.gap * 1e10 < 1e-3).all()


def test_partial_pooling_with_bounds_of_each_slice():
    counts = expected(np.array([0.1, 0.3, 0.2]), np.array([0.6, 0.93, 0.75]), 0.05, 20, 1000)
    low, high = np.array([0.5, 0.92, 0.7]), np.array([0.7, 0.95, 0.95])
    clash = fit_slices(counts, Bounds(tpr=(low, high)))
    assert clash.judge_rates == "partial"
    assert ((clash.tpr >= low - 1e-9) & (clash.tpr <= high + 1e-9)).all()
    assert clash.failure_rate == pytest.approx([0.1, 0.3, 0.2], abs=0.05)
    assert np.isfinite(clash.interval().high).all()
    wide = fit_slices(counts, Bounds(tpr=(low, np.maximum(high, 0.97))))
    assert ((wide.tpr >= low - 1e-9) & (wide.tpr <= 0.97 + 1e-9)).all()


@pytest.mark.parametrize("calibration", ["internal", "external"])
@pytest.mark.parametrize("multiplier", [0.0, 7.0])
def test_derivatives_of_the_joint_likelihood_are_slopes_of_its_value(calibration, multiplier):
    joint = joint_of(problem_of(FIVE), calibration)

    def values(x):
        return total_value(joint, x, multiplier)

    def derivatives(x):
        return total_derivatives(joint, x, multiplier)

    for x in (np.array([0.8, 0.05]), np.array([0.6, 0.02]), np.array([0.95, 0.12])):
        value, gradient, hessian = map(np.asarray, derivatives(x))
        assert value == pytest.approx(float(values(x)), abs=1e-9)
        h = 1e-5
        steps = h * np.eye(2)
        slopes = [(values(x + s) - values(x - s)) / (2 * h) for s in steps]
        assert gradient == pytest.approx(np.array(slopes), rel=1e-5, abs=1e-4)
        ahead, behind = (np.array([derivatives(x + k * s)[1] for s in steps]) for k in (1, -1))
        assert hessian == pytest.approx((ahead - behind) / (2 * h), rel=1e-4, abs=1e-2)


def test_the_likelihood_without_a_slice_has_the_derivatives_it_says():
    problem = problem_of(FIVE)
    surface = surface_of(joint_of(problem, "internal"), fit_common(problem, "internal"), 3.9)
    one = take(slices_of_problem(problem, "internal"), 2)
    value, without = (lambda z, f=f: f(surface, one, 0.2, z) for f in (_value, _without))
    h = 1e-4
    for z in (np.array([0.1, -0.2]), np.array([-0.4, 0.3])):
        found, gradient, hessian = map(np.asarray, without(z))
        assert found == pytest.approx(float(value(z)), abs=1e-9)
        steps = h * np.eye(2)
        slopes = [(value(z + s) - value(z - s)) / (2 * h) for s in steps]
        assert gradient == pytest.approx(np.array(slopes), rel=1e-5, abs=1e-4)
        ahead, behind = (np.array([without(z + k * s)[1] for s in steps]) for k in (1, -1))
        assert hessian == pytest.approx((ahead - behind) / (2 * h), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("judge", some_fast(["per-slice", "common", "partial"], ["per-slice", "common"]))
def test_a_design_effect_widens(judge):
    plain, wide = (fit_slices(FIVE, judge_rates=judge, design_effect=effect) for effect in (None, 2.5))
    first, second = plain.interval(), wide.interval()
    assert np.mean(second.high - second.low) > 1.1 * np.mean(first.high - first.low)
    assert wide.sizes == pytest.approx(plain.sizes / 2.5)
    if judge != "partial":
        assert wide.failure_rate == pytest.approx(plain.failure_rate, abs=1e-5)
    each = fit_slices(FIVE, judge_rates=judge, design_effect=np.full(5, 2.5))
    assert each.failure_rate == pytest.approx(wide.failure_rate, abs=1e-9)
    with pytest.raises(ValueError, match="`design_effect` must have shape"):
        fit_slices(FIVE, judge_rates=judge, design_effect=[1, 2])


def test_few_labels_get_the_cutoff_of_f_not_of_chi_square():
    counts = Counts([2, 1], [0, 1], [1, 0], [3, 4], [90, 200], [910, 800])
    found = fit_slices(counts, judge_rates="common")
    end = found.interval(confidence=0.9).high[1]
    held = fit_slices(counts, Bounds(failure_rate=([0, end], [1, end])), judge_rates="common")
    lost = 2 * (found.log_likelihood - held.log_likelihood)
    assert chi2.ppf(0.9, 1) < 2.8
    assert lost == pytest.approx(f.ppf(0.9, 1, 12 - 2), abs=0.1)


@pytest.mark.parametrize(("width", "close"), [(0.0, 1e-5), (0.001, 0.06)])
def test_with_a_known_judge_slices_have_nothing_to_share(width, close):
    rate = np.linspace(0.05, 0.3, 6)
    flagged = np.rint(1e8 * (0.9 * rate + 0.05 * (1 - rate)))
    counts = Counts(*(np.full(6, x) for x in (1, 0, 0, 4)), flagged, 1e8 - flagged)
    bounds = Bounds(tpr=(0.9 - width / 2, 0.9 + width / 2), fpr=(0.05 - width / 2, 0.05 + width / 2))
    shared = fit_slices(counts, bounds, judge_rates="common").interval()
    alone = profile_interval(counts, bounds, simulate=False)
    np.testing.assert_allclose(shared.high - shared.low, alone.high - alone.low, rtol=close)


@pytest.mark.slow
@pytest.mark.parametrize("k", range(4))
def test_the_ends_of_a_slice_are_found_along_the_walls_that_many_items_make(k):
    rate = np.array([0.21, 0.12, 0.06, 0.16])
    flagged = np.rint(1e8 * (0.9 * rate + 0.05 * (1 - rate)))
    counts = Counts([9, 5, 3, 7], [1, 1, 0, 1], [2, 3, 2, 2], [38, 41, 45, 40], flagged, 1e8 - flagged)
    result = fit_slices(counts, Bounds(tpr=(0.89, 0.91), fpr=(0.04, 0.06)), judge_rates="common")
    each, held = result.interval(), result.total(mix=np.eye(4)[k])
    assert 0.999 < (each.high[k] - each.low[k]) / (held.high - held.low) < 1.05


@pytest.mark.slow
def test_a_wide_bound_on_a_rate_that_hardly_counts_makes_no_interval_longer():
    rate = np.array([0.02, 0.03, 0.05])
    flagged = np.rint(1e8 * (0.9 * rate + 0.05 * (1 - rate)))
    none = np.zeros(3)
    bounds = Bounds(tpr=(0.8, 1), fpr=(0.05, 0.05))
    result = fit_slices(Counts(none, none, none, none, flagged, 1e8 - flagged), bounds, judge_rates="common")
    each, held = result.interval(), result.total(mix=[1, 0, 0])
    assert 0.99 < (each.high[0] - each.low[0]) / (held.high - held.low) < 1.1


def test_degrees_of_freedom_are_those_of_the_labels_that_tell_of_the_judge():
    none, six = np.zeros(2), Counts([1, 0], [0, 0], [0, 0], [2, 3], [90, 50], [910, 950])
    unlabelled = Counts(none, none, none, none, [90, 50], [910, 950])
    for counts, width in ((unlabelled, 1e-9), (six, 1e-9), (unlabelled, 0.0), (six, 0.0)):
        bounds = Bounds(tpr=(0.9 - width, 0.9), fpr=(0.05 - width, 0.05))
        found = fit_slices(counts, bounds, judge_rates="common").interval()
        alone = profile_interval(counts, bounds, simulate=False)
        np.testing.assert_allclose(found.high - found.low, alone.high - alone.low, rtol=1e-4)
    # Bounds that meet in one point say nothing of judges that differ.
    each = Bounds(tpr=([0.8, 0.9], [0.9, 1]), fpr=([0.02, 0.05], [0.05, 0.1]))
    problem = fit_slices(six, each, judge_rates="partial")._problem.problem
    assert _critical_value(problem, 0.05, "partial") == pytest.approx(f.ppf(0.95, 1, 6 - 2))
    assert _critical_value(problem, 0.05, "common") == pytest.approx(chi2.ppf(0.95, 1))


@pytest.mark.slow
def test_mixes_are_sums_of_slices():
    counts = expected(
        np.array([0.05, 0.2, 0.4]), 0.9, 0.05, np.array([400, 20, 50]), np.array([100, 5000, 2000])
    )
    sizes = np.array([500, 5020, 2050])
    for judge in ("per-slice", "common"):
        found = fit_slices(counts, judge_rates=judge)
        assert found.sizes == pytest.approx(sizes)
        total = found.total()
        assert total.estimate == pytest.approx(sizes @ found.failure_rate / sizes.sum(), abs=1e-9)
        assert total.low < total.estimate < total.high
        other = found.total([3, 1, 0])
        assert other.estimate == pytest.approx(
            0.75 * found.failure_rate[0] + 0.25 * found.failure_rate[1], abs=1e-9
        )
        assert found.total([0, 0, 5]).estimate == pytest.approx(found.failure_rate[2], abs=1e-9)
    alone = fit_slices(counts, judge_rates="per-slice")
    each = alone.interval()
    shares = np.array([0.75, 0.25, 0])
    below = np.sqrt(np.sum((shares * (each.estimate - each.low)) ** 2))
    assert alone.total([3, 1, 0]).low == pytest.approx(shares @ each.estimate - below)
    assert each.low == pytest.approx(profile_interval(counts).low)


def test_the_total_of_judges_that_differ_is_near_the_sum_of_slices():
    rate = np.array([0.05, 0.1, 0.2, 0.3, 0.15, 0.08])
    found = fit_slices(expected(rate, np.array([0.95, 0.6, 0.9, 0.5, 0.85, 0.97]), 0.05, 60, 1000))
    assert found.judge_rates == "partial"
    for mix in (None, [1, 2, 3, 3, 2, 1]):
        shares = np.ones(6) / 6 if mix is None else np.array(mix) / 12
        total = found.total(mix)
        assert total.estimate == pytest.approx(
            shares @ found.failure_rate, abs=0.25 * (total.high - total.low)
        )
        assert total.low < shares @ rate < total.high


def test_bounds_that_labels_contradict_are_said():
    counts = expected(np.array([0.1, 0.2, 0.3]), 0.6, 0.05, 100, 1000)
    right, wrong = Bounds(tpr=(0.5, 0.7), fpr=(0.0, 0.1)), Bounds(tpr=(0.85, 0.95), fpr=(0.0, 0.1))
    for judge in ("per-slice", "common", "partial"):
        assert fit_slices(counts, right, judge_rates=judge).bounds_p_value == 1
        assert fit_slices(counts, judge_rates=judge).bounds_p_value == 1
        assert fit_slices(counts, wrong, judge_rates=judge).bounds_p_value < 1e-3
    # Each slice has its own bounds: where only one is wrong, its labels among all have to carry it.
    low = np.array([0.5, 0.5, 0.85])
    many = expected(np.array([0.1, 0.2, 0.3]), 0.6, 0.05, 300, 1000)
    assert 1e-6 < fit_slices(many, Bounds(tpr=(low, low + 0.1)), judge_rates="per-slice").bounds_p_value < 0.5
    halved = fit_slices(counts, wrong, judge_rates="common", design_effect=2.0)
    assert fit_slices(counts, wrong, judge_rates="common").bounds_p_value < halved.bounds_p_value < 0.05


def test_the_p_value_of_bounds_is_valid_where_judges_differ():
    rng = np.random.default_rng(0)
    for _ in range(20):
        n, most = rng.integers(0, 6, 4), rng.uniform(0.02, 0.95, 4)
        if n.sum() == 0:
            continue
        exact = poisson_binom(np.repeat(most, n)).sf(np.arange(n.sum() + 1) - 1)
        for hits in range(1, n.sum() + 1):
            shares = np.minimum(n, np.maximum(hits - np.cumsum(n) + n, 0))
            problem = problem_of(
                Counts(shares, n - shares, *[np.zeros(4)] * 4), Bounds(tpr=(np.zeros(4), most))
            )
            assert bounds_p_value(problem) >= min(1, 4 * exact[hits]) - 1e-12
