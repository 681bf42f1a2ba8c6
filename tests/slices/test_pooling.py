"""Slices that share a judge."""

from typing import Any

import numpy as np
import pytest
from cases import some_fast
from scipy.optimize import minimize
from scipy.special import xlogy
from scipy.stats import binom, f

from benchmarks._samples import drawn_counts
from jaxmle import Bounds, Counts, baselines, fit, fit_slices, homogeneity_test, profile_interval
from jaxmle._slices._projected_newton import maximize_in_box


def draw(rng, n_slices, n_labels, spread=0.0, judged=400, tpr=0.9, fpr=0.05):
    def rates(mean, sd):
        k = mean * (1 - mean) / max(sd, 1e-9) ** 2 - 1
        return rng.beta(mean * k, (1 - mean) * k, n_slices) if sd else np.full(n_slices, mean)

    truth, t, p = rng.beta(1.2, 12, n_slices), rates(tpr, spread), rates(fpr, spread / 2)
    return truth, drawn_counts(rng, truth, t, p, n_labels, judged)


def joint_log_likelihood(rate, tpr, fpr, counts, calibration):
    q = rate * tpr + (1 - rate) * fpr
    tp, fn, fp, tn, up, un = (np.asarray(x, float) for x in counts.values())
    total = (
        xlogy(tp, tpr)
        + xlogy(fn, 1 - tpr)
        + xlogy(fp, fpr)
        + xlogy(tn, 1 - fpr)
        + xlogy(up, q)
        + xlogy(un, 1 - q)
    )
    if calibration == "internal":
        total = total + xlogy(tp + fn, rate) + xlogy(fp + tn, 1 - rate)
    return float(np.sum(total))


@pytest.mark.parametrize("calibration", ["internal", "external"])
@pytest.mark.parametrize("bounds", [Bounds(), Bounds(tpr=(0.6, 0.85), fpr=(0.08, 0.2))])
def test_the_common_fit_is_the_maximum_that_scipy_finds(calibration, bounds):
    rng = np.random.default_rng(3)
    _, counts = draw(rng, 6, 12)
    found = fit_slices(counts, bounds, judge_rates="common", calibration=calibration)
    ends = [tuple(np.clip([float(x) for x in pair], 1e-9, 1 - 1e-9)) for pair in (bounds.tpr, bounds.fpr)]
    ends += [(1e-9, 1 - 1e-9)] * 6

    def loss(x):
        return -joint_log_likelihood(x[2:], x[0], x[1], counts, calibration)

    starts = [
        np.r_[rng.uniform(*ends[0]), rng.uniform(*ends[1]), rng.uniform(0.02, 0.3, 6)] for _ in range(8)
    ]
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    best = min(
        (minimize(loss, s, bounds=ends, method="L-BFGS-B", options=options) for s in starts),
        key=lambda r: r.fun,
    )
    assert found.log_likelihood >= -best.fun - 1e-7
    assert found.log_likelihood == pytest.approx(
        joint_log_likelihood(found.failure_rate, found.tpr, found.fpr, counts, calibration), abs=1e-8
    )
    assert found.failure_rate == pytest.approx(best.x[2:], abs=1e-3)
    assert found.converged.all()
    assert found.n_agreeing >= 2


@pytest.mark.parametrize("judge", ["per-slice", "common", "partial"])
def test_one_slice_is_fit(judge):
    counts = Counts([4], [1], [2], [43], [900], [9100])
    bounds = Bounds(tpr=(0.8, 0.9), fpr=(0.02, 0.08))
    found, alone = fit_slices(counts, bounds, judge_rates=judge), fit(counts, bounds)
    assert found.failure_rate == alone.failure_rate
    assert (found.tpr, found.fpr) == (alone.tpr, alone.fpr)
    interval, expected = found.interval(), profile_interval(counts, bounds)
    assert (interval.low, interval.high) == (expected.low, expected.high)


def test_ends_of_common_intervals_lose_the_cutoff_in_likelihood():
    _, counts = draw(np.random.default_rng(5), 8, 10)
    found = fit_slices(counts, judge_rates="common")
    interval = found.interval(confidence=0.9)
    labels = counts.n_labeled.sum()
    cutoff = f.ppf(0.9, 1, labels - 2)
    for i in range(3):
        for end in (interval.low[i], interval.high[i]):
            low, high = np.zeros(8), np.ones(8)
            low[i] = high[i] = end
            held = fit_slices(counts, Bounds(failure_rate=(low, high)), judge_rates="common")
            lost = 2 * (found.log_likelihood - held.log_likelihood)
            # The joint likelihood is interpolated between judges: good to a few hundredths.
            assert lost == pytest.approx(cutoff, abs=0.1) if end > 0 else lost <= cutoff


@pytest.mark.slow
def test_the_mix_of_one_slice_is_that_slice():
    _, counts = draw(np.random.default_rng(6), 5, 20)
    found = fit_slices(counts, judge_rates="common")
    total, each = found.total([0, 1, 0, 0, 0]), found.interval()
    assert total.estimate == pytest.approx(found.failure_rate[1])
    assert total.low == pytest.approx(each.low[1], abs=2e-3)
    assert total.high == pytest.approx(each.high[1], abs=2e-3)
    sizes = found.total()
    assert sizes.estimate == pytest.approx(np.mean(found.failure_rate))
    assert sizes.high - sizes.low < np.mean(each.high - each.low)


@pytest.mark.slow
def test_one_judge_beats_ppi_threefold_with_five_labels_a_slice():
    rng = np.random.default_rng(0)
    errors, ppi, inside = [], [], []
    for _ in range(12):
        truth, counts = draw(rng, 50, 5)
        found = fit_slices(counts, judge_rates="common")
        interval = found.interval()
        errors.append(found.failure_rate - truth)
        ppi.append(baselines.ppi_plus_plus(counts).estimate - truth)
        inside.append((interval.low <= truth) & (truth <= interval.high))
    assert np.sqrt(np.mean(np.square(errors))) < 0.35 * np.sqrt(np.mean(np.square(ppi)))
    # Slices of a data set err together; with 600 of them .90 is beyond what .93 allows for independent ones.
    assert np.mean(inside) > binom.ppf(1e-3, 600, 0.93) / 600


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "labels"), [(0.0, 5), (0.2, 20)])
def test_partial_pooling_goes_with_the_better(spread, labels):
    rng = np.random.default_rng(1)
    errors: dict[str, list[Any]] = {}
    inside = []
    for _ in range(12):
        truth, counts = draw(rng, 20, labels, spread)
        for judge in ("per-slice", "common", "partial"):
            found = fit_slices(counts, judge_rates=judge)
            errors.setdefault(judge, []).append(found.failure_rate - truth)
        interval = found.interval()
        inside.append((interval.low <= truth) & (truth <= interval.high))
    rmse = {judge: np.sqrt(np.mean(np.square(some))) for judge, some in errors.items()}
    assert rmse["partial"] <= 1.1 * min(rmse["common"], rmse["per-slice"])
    assert np.mean(inside) > binom.ppf(1e-3, 240, 0.92) / 240


@pytest.mark.slow
def test_the_order_of_slices_changes_nothing():
    _, counts = draw(np.random.default_rng(8), 12, 8, 0.1)
    order = np.random.default_rng(0).permutation(12)
    for judge in ("common", "partial"):
        first, second = fit_slices(counts, judge_rates=judge), fit_slices(counts[order], judge_rates=judge)
        assert first.judge_rates == second.judge_rates
        # The distribution of judges is found up to a tolerance.
        assert first.failure_rate[order] == pytest.approx(second.failure_rate, abs=1e-4)
        assert first.interval().high[order] == pytest.approx(second.interval().high, abs=1e-3)


@pytest.mark.parametrize("calibration", ["internal", pytest.param("external", marks=pytest.mark.slow)])
@pytest.mark.parametrize("judge", some_fast(["common", "partial"], ["common"]))
def test_poor_slices_get_finite_answers(judge, calibration):
    # No labels; labels but no failure; failures alone; nothing unlabelled; never flagged; always flagged.
    counts = Counts(
        tp=[0, 0, 3, 4, 0, 2],
        fn=[0, 0, 1, 1, 2, 0],
        fp=[0, 1, 0, 1, 0, 5],
        tn=[0, 9, 0, 9, 8, 0],
        unlabeled_pos=[20, 5, 10, 0, 0, 100],
        unlabeled_neg=[180, 95, 90, 0, 100, 0],
    )
    for bounds in (None, Bounds(tpr=(0.5, 0.95), fpr=(0.0, 0.3)), Bounds(tpr=(0.8, 0.8), fpr=(0.1, 0.1))):
        found = fit_slices(counts, bounds, judge_rates=judge, calibration=calibration)
        interval, total = found.interval(), found.total()
        for value in (
            found.failure_rate,
            found.tpr,
            found.fpr,
            interval.low,
            interval.high,
            found.borrowed,
            found.gap,
        ):
            assert np.isfinite(value).all()
        assert ((interval.low >= 0) & (interval.low <= found.failure_rate + 1e-12)).all()
        assert ((found.failure_rate <= interval.high + 1e-12) & (interval.high <= 1)).all()
        assert 0 <= total.low <= total.estimate <= total.high <= 1
        if bounds is not None:
            assert (found.tpr >= bounds.tpr[0] - 1e-6).all()
            assert (found.tpr <= bounds.tpr[1] + 1e-6).all()


@pytest.mark.slow
def test_adjusted_intervals_are_wider():
    _, counts = draw(np.random.default_rng(9), 10, 10, 0.1)
    for judge in ("common", "partial"):
        found = fit_slices(counts, judge_rates=judge)
        each, all_ = found.interval(), found.interval(adjustment="bonferroni")
        assert (all_.high - all_.low >= each.high - each.low).all()


def test_what_was_done_is_said():
    _, counts = draw(np.random.default_rng(10), 6, 5)
    unlabeled = Counts(*[np.zeros(6)] * 4, counts.unlabeled_pos, counts.unlabeled_neg)
    found = fit_slices(unlabeled, Bounds(tpr=(0.8, 0.9), fpr=(0.0, 0.1)))
    assert found.judge_rates == "per-slice"
    assert "no slice has a label" in found.reason
    assert fit_slices(counts, judge_rates="common").borrowed == pytest.approx(np.full(6, 5 / 6), abs=0.2)
    many = fit_slices(draw(np.random.default_rng(2), 4, 4000, 0.2)[1])
    assert many.borrowed.max() < 0.2


def test_what_cannot_be_is_refused():
    _, counts = draw(np.random.default_rng(11), 3, 5)
    with pytest.raises(ValueError, match="`judge_rates` must be one of"):
        fit_slices(counts, judge_rates="pooled")
    with pytest.raises(ValueError, match="exclude those of others"):
        fit_slices(counts, Bounds(tpr=([0.5, 0.9, 0.5], [0.7, 0.95, 0.7])), judge_rates="common")
    with pytest.raises(ValueError, match=r"shape \(S,\)"):
        fit_slices(Counts(1, 1, 1, 1, 1, 1))
    with pytest.raises(ValueError, match="`design_effect` must be > 0"):
        fit_slices(counts, design_effect=0)
    found = fit_slices(counts, judge_rates="common")
    with pytest.raises(ValueError, match="`mix` must be >= 0"):
        found.total([1, -1, 1])
    with pytest.raises(ValueError, match="`mix` must have shape"):
        found.total([1, 1])
    with pytest.raises(ValueError, match="share that is positive"):
        found.total([0, 0, 0])
    with pytest.raises(ValueError, match="`confidence` must lie"):
        found.interval(confidence=1)
    with pytest.raises(ValueError, match="S >= 2"):
        homogeneity_test(counts[:1])
    with pytest.raises(ValueError, match="whole numbers"):
        homogeneity_test(Counts(*(value + 0.5 for value in counts.values())))


@pytest.mark.slow
def test_the_homogeneity_test_keeps_its_level_and_sees_a_different_judge():
    rng = np.random.default_rng(12)
    p_values = [homogeneity_test(draw(rng, 8, 5)[1], n_resamples=39, seed=i).p_value for i in range(40)]
    assert np.sum(np.array(p_values) <= 0.05) <= binom.ppf(0.999, 40, 0.05)
    assert np.sum(np.array(p_values) <= 0.5) >= binom.ppf(0.001, 40, 0.4)
    same = Counts([18] * 5, [2] * 5, [4] * 5, [76] * 5, [90] * 5, [310] * 5)
    changed = Counts(
        *(
            np.append(value[:4], other)
            for value, other in zip(same.values(), (4, 16, 20, 60, 90, 310), strict=True)
        )
    )
    found = homogeneity_test(changed)
    assert found.p_value <= 0.01
    assert found.outlying.tolist() == [False, False, False, False, True]
    assert homogeneity_test(same).p_value > 0.5
    assert not homogeneity_test(same).outlying.any()


def test_a_newton_step_cut_at_a_bound_does_not_end_the_climb():
    gradient, hessian = np.array([1.0, 0.5]), -np.linalg.inv(np.array([[1.0, -0.9], [-0.9, 1.0]]))

    def value(_, x):
        return x @ gradient + 0.5 * np.sum(x * (x @ hessian), -1)

    def derivatives(_, x):
        return value(_, x), gradient + x @ hessian, np.broadcast_to(hessian, (len(x), 2, 2))

    low, high = np.array([-5.0, -5.0]), np.array([0.1, 5.0])
    found = maximize_in_box(value, derivatives, np.zeros((1, 2)), low, high, tolerance=1e-12)
    assert found.x[0] == pytest.approx([0.1, 0.005], abs=1e-6)
    assert found.gain[0] <= 1e-9
