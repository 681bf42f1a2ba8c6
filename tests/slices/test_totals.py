"""Totals of slices: against independent maxima, their own slices, and the laws of their errors."""

import numpy as np
import pytest
from cases import some_fast
from scipy.optimize import minimize
from scipy.stats import binom

from benchmarks._totals import APART, CORNER, INSIDE, Cell, draw
from jaxmle import Bounds, Counts, fit, fit_slices, profile_interval
from jaxmle._arrays import take
from jaxmle._data import Problem
from jaxmle._slices._common import joint_of
from jaxmle._slices._held_mix import mix_ends
from jaxmle._slices._joint_problem import hull_of
from jaxmle._slices._judge_posterior import judge_posterior
from jaxmle._slices._total import merged_alone, merged_by_labels


def two_kinds(n_slices):
    """Half of the slices have ten labels and a rate of .05; the others have no label and .36."""
    half = n_slices // 2
    quarter = half // 2
    bare = np.zeros(half)
    tp = np.r_[np.ones(quarter), np.zeros(half - quarter), bare]
    fp = np.r_[np.zeros(quarter), np.ones(half - quarter), bare]
    labels = np.r_[np.full(half, 10), bare]
    flagged = np.r_[np.full(half, 91), np.full(half, 390)]
    return Counts(tp, 0 * tp, fp, labels - tp - fp, flagged, 1000 - labels - flagged)


@pytest.mark.parametrize("judge", some_fast(["common", "partial"], ["common"]))
@pytest.mark.parametrize("n_slices", some_fast([30, 32], [32]))
def test_the_total_stays_with_its_slices_where_unlabelled_ones_have_other_rates(judge, n_slices):
    found = fit_slices(two_kinds(n_slices), judge_rates=judge)
    total = found.total()
    assert total.estimate == pytest.approx(0.2, abs=0.005)
    assert total.estimate == pytest.approx(np.mean(found.failure_rate), abs=0.002)
    assert 0.15 < total.low < 0.19
    # No judge that the ends of the slices allow makes the total larger than the mean of the upper ends.
    assert 0.24 < total.high < np.mean(found.interval().high) < 0.35
    assert total.identified


def test_slices_without_labels_teach_nothing_of_how_judges_differ():
    problem = fit_slices(two_kinds(8), judge_rates="common")._problem.problem
    hull = hull_of(problem)
    all_, some = (judge_posterior(part, "internal", hull) for part in (problem, problem.take(slice(0, 4))))
    for one, other in zip(all_, some, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("calibration", ["internal", "external"])
def test_ends_of_a_held_mix_lose_the_cutoff_against_scipy(calibration):
    counts = Counts([4, 1, 2], [1, 0, 1], [2, 1, 0], [43, 8, 12], [90, 40, 50], [900, 160, 150])
    bounds = Bounds(tpr=(0.6, 0.95), fpr=(0.01, 0.2))
    weights, cutoff = np.array([0.5, 0.2, 0.3]), 3.84
    found = fit_slices(counts, bounds, judge_rates="common", calibration=calibration)
    problem = found._problem
    joint = joint_of(take(problem.problem, None), calibration)
    tp, fn, fp, tn, pos, neg = (np.asarray(x, float) for x in counts.values())

    def loss(x, end):
        rate, tpr, fpr = np.append(x[2:], (end - weights[:2] @ x[2:]) / weights[2]), x[0], x[1]
        rate = np.clip(rate, 1e-9, 1 - 1e-9)
        q = rate * tpr + (1 - rate) * fpr
        value = tp.sum() * np.log(tpr) + fn.sum() * np.log(1 - tpr)
        value += fp.sum() * np.log(fpr) + tn.sum() * np.log(1 - fpr)
        value += np.sum(pos * np.log(q) + neg * np.log(1 - q))
        if calibration == "internal":
            value += np.sum((tp + fn) * np.log(rate) + (fp + tn) * np.log(1 - rate))
        return -value

    box = [(0.6, 0.95), (0.01, 0.2), (1e-6, 0.9), (1e-6, 0.9)]
    for end in mix_ends(joint, problem.common, weights, cutoff):
        inside = {"type": "ineq", "fun": lambda x, end=end: end - weights[:2] @ x[2:]}
        best = min(
            minimize(
                loss, [*start, end, end], (end,), "SLSQP", bounds=box, constraints=[inside], tol=1e-12
            ).fun
            for start in ((0.8, 0.05), (0.9, 0.02), (0.7, 0.1))
        )
        assert 2 * (problem.common.value + best) == pytest.approx(cutoff, abs=0.01)


def test_slices_alike_merge_into_their_sum():
    one, n = Counts(1, 0, 1, 18, 40, 460), 60
    counts = Counts(*(np.full(n, float(x)) for x in one.values()))
    whole = Counts(*(n * float(x) for x in one.values()))
    bounds = Bounds(tpr=CORNER[0], fpr=CORNER[1])
    expected = profile_interval(whole, bounds)
    for judge in ("per-slice", "common"):
        total = fit_slices(counts, bounds, judge_rates=judge).total()
        assert total.estimate == pytest.approx(float(fit(whole, bounds).failure_rate), abs=1e-9)
        # The cut-offs are simulated.
        assert (total.low, total.high) == pytest.approx((float(expected.low), float(expected.high)), abs=5e-4)
        assert "slices merged" in total.method


def test_merged_counts_are_those_of_a_stratified_sample():
    rng = np.random.default_rng(0)
    size = 50
    rate = rng.beta(1, 9, size)
    cells = np.stack([rate * 0.9, rate * 0.1, (1 - rate) * 0.05, (1 - rate) * 0.95])
    labels, judged = rng.integers(3, 40, size), rng.integers(100, 900, size)
    q = cells[0] + cells[2]
    arrays = [*(labels * cells), judged * q, judged * (1 - q), *np.tile([[0.0], [1.0]], (3, size))]
    problem = Problem.of(arrays)
    weights = rng.dirichlet(np.ones(size))
    mean = weights @ rate
    for found in (
        merged_alone(problem, "internal", weights, rate),
        merged_by_labels(problem, "internal", weights),
    ):
        merged = np.array(found.problem.counts.values())
        share = (merged[0] + merged[1]) / merged[:4].sum(0)
        # Counts that are what they are on average give the mix exactly, whatever labels the slices have.
        assert found.weights @ share == pytest.approx(mean, abs=1e-12)
        assert found.weights @ (merged[4] / (merged[4] + merged[5])) == pytest.approx(weights @ q, abs=1e-12)
        # Weighting never makes more labels, and classes of like weights lose few.
        assert merged[:4].sum() <= labels.sum() + 1e-9
    assert merged[:4].sum() > 0.85 * labels.sum()


@pytest.mark.slow
def test_what_nothing_tells_of_widens_a_total_by_its_share():
    # The second slice has no judged items, and labels from elsewhere tell of the judge alone.
    counts = Counts([9, 1], [1, 0], [5, 0], [95, 1], [100, 0], [900, 0])
    found = fit_slices(counts, judge_rates="common", calibration="external")
    first, total = found.interval(), found.total([0.75, 0.25])
    assert total.low <= 0.75 * first.low[0] + 0.01
    assert total.high >= 0.75 * first.high[0] + 0.24
    assert not total.identified


def test_a_total_may_be_known_where_slices_are_not():
    # No flagged label in the first slice, so nothing says what its flags are worth.
    counts = Counts([0, 2, 1], [1, 0, 0], [0, 1, 2], [19, 17, 17], [30, 60, 50], [450, 420, 430])
    found = fit_slices(counts, judge_rates="per-slice")
    assert not found.identified.all()
    total = found.total()
    assert total.identified
    assert total.width < np.mean(found.interval().width)


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [CORNER, INSIDE, None])
def test_totals_of_slices_fitted_alone_cover(bounds):
    cell = Cell("", "per-slice", 100, 20, 500, ((1, 19), (1, 19)), bounds=bounds)
    limits, n_sets = Bounds(tpr=bounds[0], fpr=bounds[1]) if bounds else None, 60
    errors, inside = [], 0
    for seed in range(n_sets):
        truth, counts = draw(np.random.default_rng(seed), cell)
        total = fit_slices(counts, limits, judge_rates="per-slice").total()
        errors.append(total.estimate - truth.mean())
        inside += total.low <= truth.mean() <= total.high
    assert inside >= binom.ppf(1e-3, n_sets, 0.93)
    # Sums of slices cut off by the corner err by .012 on average, four times the spread of this.
    assert abs(np.mean(errors)) < 0.4 * np.std(errors) + 4 * np.std(errors) / np.sqrt(n_sets)


@pytest.mark.slow
def test_totals_and_unlabelled_slices_cover_where_these_have_other_rates():
    cell, n_sets = Cell("", "common", **APART), 25
    inside, slices = 0, []
    for seed in range(n_sets):
        truth, counts = draw(np.random.default_rng(seed), cell)
        found = fit_slices(counts, judge_rates="common")
        total, each = found.total(), found.interval()
        inside += total.low <= truth.mean() <= total.high
        slices.append(((each.low <= truth) & (truth <= each.high))[20:].mean())
    assert inside >= binom.ppf(1e-3, n_sets, 0.93)
    # Unlabelled slices of a data set share its judge and err together: as sure as one a data set.
    assert np.mean(slices) >= binom.ppf(1e-3, n_sets, 0.93) / n_sets
