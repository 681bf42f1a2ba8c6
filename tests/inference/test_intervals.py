import warnings
from functools import cache, partial

import jax
import numpy as np
import pytest
from cases import CASES
from scipy.optimize import brentq, minimize
from scipy.stats import chi2

from jaxmle import Bounds, Counts, Params, fit, identified_set, log_likelihood, maximize, profile_interval
from jaxmle._data import Problem
from jaxmle._engine import program
from jaxmle._inference._importance import draws_of_mixture, largest_p_values, log_densities
from jaxmle._inference._simulate import HeldRatio, likelihood_ratio, maximal

BOX = Bounds(tpr=(0.70, 0.95), fpr=(0.01, 0.10))
CHI = chi2.ppf(0.95, 1)


@cache
def maximizing(calibration):
    return program(partial(maximize, calibration=calibration), "jax", "little")


def chi_square(counts, bounds=None, **options):
    return profile_interval(counts, bounds, simulate=False, **options)


@pytest.mark.filterwarnings("ignore:the judge flags")
@pytest.mark.parametrize("calibration", ["internal", pytest.param("external", marks=pytest.mark.slow)])
@pytest.mark.parametrize("bounds", [Bounds(), BOX, Bounds(failure_rate=(0.02, 0.6), tpr=(0.5, 1))])
def test_ends_satisfy_the_likelihood_ratio_equation(calibration, bounds):
    counts = Counts(*np.array(list(CASES.values()), float).T)
    result = chi_square(counts, bounds, calibration=calibration)
    best = fit(counts, bounds, calibration=calibration)
    maximized = maximizing(calibration)
    assert result.converged.all()
    inner = 0
    for end, at_bound, outwards in (
        (result.low, result.at_bound[0], -1),
        (result.high, result.at_bound[1], 1),
    ):
        known = Bounds(failure_rate=(end, end), tpr=bounds.tpr, fpr=bounds.fpr)
        held = maximized(counts, known)
        statistic = 2 * (best.log_likelihood - np.asarray(held.log_likelihood))
        # Values of a million items carry a rounding error of their own.
        tolerance = 1e-8 + 1e-14 * np.abs(best.log_likelihood)
        assert (np.abs(statistic - CHI)[~at_bound] < tolerance[~at_bound]).all()
        assert (statistic <= CHI + tolerance).all()
        assert (outwards * (end - best.failure_rate) >= 0).all()
        inner += (~at_bound).sum()
    assert inner > 5


def test_ends_agree_with_an_independent_optimizer():
    counts = Counts(*map(float, CASES["B"]))
    result = chi_square(counts, BOX)
    best = fit(counts, BOX).log_likelihood
    for end in (result.low, result.high):

        def loss(rates, end=end):
            return -float(log_likelihood(Params(end, rates[0], rates[1]), counts))

        starts = [(a, b) for a in (0.72, 0.85, 0.94) for b in (0.015, 0.05, 0.09)]
        value = min(minimize(loss, s, bounds=[BOX.tpr, BOX.fpr], method="L-BFGS-B").fun for s in starts)
        assert 2 * (best + value) == pytest.approx(CHI, abs=1e-5)


@pytest.mark.parametrize(("failures", "n"), [(0, 30), (3, 30), (30, 30), (120, 400)])
def test_labels_alone_give_the_binomial_likelihood_ratio_interval(failures, n):
    counts = Counts(failures, 0, 0, n - failures, 0, 0)
    result = chi_square(counts)

    def excess(t):
        value = 0.0
        for count, rate in ((failures, t), (n - failures, 1 - t)):
            value += 2 * count * np.log(count / n / rate) if count else 0.0
        return value - CHI

    low = brentq(excess, 1e-9, failures / n, xtol=1e-14) if failures else 0.0
    high = brentq(excess, failures / n, 1 - 1e-9, xtol=1e-14) if failures < n else 1.0
    assert result.low == pytest.approx(low, abs=1e-9)
    assert result.high == pytest.approx(high, abs=1e-9)
    assert result.high > result.low


def test_no_failures_seen_still_leaves_a_width():
    result = profile_interval(Counts(0, 0, 2, 48, 500, 9500))
    assert result.low == 0
    assert 0.01 < result.high < 0.2


def test_intervals_stay_inside_the_bounds_and_say_when_they_end_there():
    result = chi_square(Counts(4, 1, 2, 43, 900, 9100), Bounds(failure_rate=(0.05, 0.10)))
    assert (result.low, result.high) == (0.05, 0.10)
    assert result.at_bound == (True, True)
    assert "no lower or upper limit" in str(result)


def test_without_labels_the_identified_set_is_widened_by_sampling_error():
    bounds = Bounds(tpr=(0.8, 0.9), fpr=(0.02, 0.06))
    small, large = (Counts(0, 0, 0, 0, 0.12 * n, 0.88 * n) for n in (1000, 1_000_000))
    the_set = identified_set(small, bounds)
    assert the_set.low == pytest.approx((0.12 - 0.06) / (0.9 - 0.06))
    assert the_set.high == pytest.approx((0.12 - 0.02) / (0.8 - 0.02))
    assert the_set.estimate is None
    assert str(the_set) == "[0.0714, 0.1282] (identified set)"
    wide, narrow = chi_square(small, bounds), chi_square(large, bounds)
    assert wide.low < narrow.low < the_set.low < the_set.high < narrow.high < wide.high
    assert not wide.identified
    # At the end only the flag rate's likelihood speaks, at the judge that is nearest.
    q = wide.high * 0.8 + (1 - wide.high) * 0.02
    loss = 2 * (120 * np.log(0.12 / q) + 880 * np.log(0.88 / (1 - q)))
    assert loss == pytest.approx(CHI, abs=1e-8)


def test_known_rates_leave_the_sampling_error_of_the_flag_rate():
    result = chi_square(Counts(0, 0, 0, 0, 1200, 8800), Bounds(tpr=(0.9, 0.9), fpr=(0.05, 0.05)))
    assert result.identified
    assert result.estimate == pytest.approx((0.12 - 0.05) / 0.85)
    half = 1.96 * np.sqrt(0.12 * 0.88 / 10_000) / 0.85
    assert result.high - result.estimate == pytest.approx(half, rel=0.05)


def test_a_judge_at_chance_says_nothing():
    result = profile_interval(Counts(10, 10, 10, 10, 500, 500), calibration="external")
    assert (result.low, result.high) == (0, 1)
    assert "the data give no lower or upper limit" in str(result)


def test_exchanging_failure_and_pass_mirrors_the_interval():
    tp, fn, fp, tn, pos, neg = 9, 2, 6, 63, 900, 5100
    first = chi_square(Counts(tp, fn, fp, tn, pos, neg), Bounds(tpr=(0.7, 0.9), fpr=(0.05, 0.2)))
    second = chi_square(Counts(fp, tn, tp, fn, pos, neg), Bounds(tpr=(0.05, 0.2), fpr=(0.7, 0.9)))
    assert first.low == pytest.approx(1 - second.high, abs=1e-9)
    assert first.high == pytest.approx(1 - second.low, abs=1e-9)


@pytest.mark.parametrize("simulate", [True, False])
def test_one_sided_limits(simulate):
    counts = Counts(4, 1, 2, 43, 900, 9100)
    both = profile_interval(counts, BOX, simulate=simulate)
    upper = profile_interval(counts, BOX, side="upper", simulate=simulate)
    lower = profile_interval(counts, BOX, side="lower", simulate=simulate)
    assert (upper.low, lower.high) == (0, 1)
    # Simulated cut-offs of one and of two sides can meet where all extreme estimates lie on one side.
    slack = 0.002 if simulate else 0
    assert upper.estimate < upper.high < both.high + slack
    assert both.low - slack < lower.low < lower.estimate
    assert "no limit" not in str(upper)


def test_higher_confidence_is_wider_and_adjusted_wider_still():
    counts = Counts(*np.tile(np.array(CASES["B"], float)[:, None], 3))
    widths = [profile_interval(counts, BOX, confidence=c).width[0] for c in (0.8, 0.95, 0.99)]
    assert widths == sorted(widths)
    joint = profile_interval(counts, BOX, adjustment="bonferroni")
    assert joint.width[0] > widths[1]
    assert "Bonferroni over 3" in joint.method
    with pytest.raises(ValueError, match='must be "none" or "bonferroni"; got .holm.'):
        profile_interval(counts, BOX, adjustment="holm")


def test_results_depend_on_the_seed_alone():
    counts = Counts(*np.array([CASES["B"], CASES["C"], CASES["E"]], float).T)
    first, again = profile_interval(counts, BOX), profile_interval(counts, BOX)
    other = profile_interval(counts, BOX, seed=1)
    alone = profile_interval(counts[0], BOX)
    for one, two in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first.high != other.high).any()
    assert first.high[0] == pytest.approx(alone.high, rel=1e-9)
    # Another seed moves an end by a few percent of its distance from the estimate.
    np.testing.assert_allclose(first.high - first.estimate, other.high - other.estimate, rtol=0.2)


def test_the_place_in_a_batch_changes_nothing():
    rows = np.array([CASES["B"], CASES["C"], CASES["B"]], float)
    first, turned = (profile_interval(Counts(*r.T), BOX) for r in (rows, rows[::-1]))
    assert first.high[0] == first.high[2]
    np.testing.assert_array_equal(first.high, turned.high[::-1])


@pytest.mark.slow
def test_extreme_confidence_is_finite():
    counts = Counts(4, 1, 2, 43, 900, 9100)
    assert profile_interval(counts, confidence=0.5, side="upper").high >= fit(counts).failure_rate
    assert profile_interval(counts, confidence=1e-12).width < 0.02
    for simulate in (True, False):
        result = profile_interval(counts, confidence=1 - 1e-15, simulate=simulate)
        assert 0 <= result.low < 0.03
        assert 0.3 < result.high < 1


def test_weighted_counts_are_not_simulated():
    counts = Counts(4.5, 1, 2, 43, 900, 9100)
    assert profile_interval(counts).method == "profile likelihood, chi-square"
    with pytest.raises(ValueError, match="`simulate` must be False or None"):
        profile_interval(counts, simulate=True)


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["random", "by-verdict"])
def test_calibrated_intervals_cover(labels):
    rng = np.random.default_rng(3)
    size, n, judged, theta, tpr, fpr = 300, 50, 10_000, 0.1, 0.9, 0.05
    q = theta * tpr + (1 - theta) * fpr
    if labels == "random":
        cells = rng.multinomial(
            n, [theta * tpr, theta * (1 - tpr), (1 - theta) * fpr, (1 - theta) * (1 - fpr)], size
        )
        tp, fn, fp, tn = cells.T
        flags = rng.binomial(judged, q, size)
    else:
        flags = rng.binomial(judged + n, q, size) - n // 2
        tp = rng.binomial(n // 2, theta * tpr / q, size)
        fn = rng.binomial(n // 2, theta * (1 - tpr) / (1 - q), size)
        fp, tn = n // 2 - tp, n // 2 - fn
    counts = Counts(tp, fn, fp, tn, flags, judged - flags)
    for half in (1, 0.05, 0.02):
        bounds = Bounds(
            tpr=(max(0.9 - half, 0), min(0.9 + half, 1)), fpr=(max(0.05 - half, 0), min(0.05 + half, 1))
        )
        result = profile_interval(counts, bounds, labels=labels, n_resamples=199)
        covered = np.mean((result.low <= theta) & (theta <= result.high))
        # Three standard errors below .945, and not needlessly long.
        assert 0.945 - 3 * 0.0126 < covered < 0.99


def test_a_balanced_calibration_set_given_as_internal_is_caught():
    balanced = Counts(45, 5, 5, 45, 1800, 8200)
    with pytest.warns(UserWarning, match='use calibration="external"'):
        wrong = chi_square(balanced)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = chi_square(balanced, calibration="external")
        chi_square(balanced, labels="by-verdict")
    assert wrong.low > 0.1
    assert right.low < 0.1 < right.high


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"confidence": 1.0}, "`confidence` must lie strictly"),
        ({"side": "left"}, "`side` must be one of"),
        ({"side": "upper", "confidence": 0.3}, "`confidence` must be at least 0.5"),
        ({"labels": "some"}, "`labels` must be"),
        ({"labels": "by-verdict", "calibration": "external"}, "`labels` must be"),
        ({"calibration": "none"}, "`calibration` must be"),
        ({"seed": -1}, "`seed` must be"),
        ({"n_resamples": 3}, "`n_resamples` must be"),
    ],
)
def test_bad_arguments_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        profile_interval(Counts(4, 1, 2, 43, 900, 9100), **options)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("jax", marks=pytest.mark.slow)])
def test_comparisons_of_likelihood_ratios_are_those_of_the_maxima(engine):
    """Bounds on maxima spare most fits, and change no answer."""
    rng = np.random.default_rng(3)
    size = 3000
    cells = [
        *rng.poisson([[1.0], [0.3], [2.0], [20.0]], (4, size)),
        *rng.poisson([[60.0], [300.0]], (2, size)),
    ]
    ends = [np.zeros(size), np.ones(size), *(np.full(size, x) for x in (0.6, 0.95, 0.05, 0.3))]
    problem = Problem.of([*(np.asarray(x, float) for x in cells), *ends])
    best, _ = maximal(problem, "internal", "numpy")
    held = problem.at(rng.uniform(0.01, 0.5, size))
    exactly, _ = maximal(held, "internal", "numpy")
    statistic = likelihood_ratio(best, exactly)
    # A third are compared with what they are, to the tolerance for ties.
    wanted = np.where(np.arange(size) % 3, rng.exponential(4.0, size), statistic - 1e-4)
    ratios = HeldRatio(best, held, wanted)
    decided, unsure = ratios.decided_by_bounds("internal", engine)
    assert 0 < unsure.mean() < 0.7
    assert np.array_equal(decided[~unsure], (statistic >= wanted)[~unsure])
    assert np.array_equal(ratios.as_large("internal", engine), statistic >= wanted)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("jax", marks=pytest.mark.slow)])
def test_draws_that_a_possible_judge_explains_are_rightly_left_out(engine):
    """p-values are the weighed shares of statistics as large, each solved for."""
    n_draws = 300
    counts = Counts(*(np.asarray(x, float) for x in ([4, 0], [1, 0], [2, 1], [43, 49], [90, 25], [910, 975])))
    ends = [np.full(2, x) for x in (0.0, 1.0, 0.6, 0.95, 0.01, 0.1)]
    problem = Problem.of([*counts.values(), *ends])
    rate = np.array([[0.13], [0.06]])
    judges = Params(np.repeat(rate, 2, 1), np.array([[0.8, 0.9]] * 2), np.array([[0.02, 0.01]] * 2))
    how = {"calibration": "internal", "engine": engine}
    draws = draws_of_mixture(
        problem, judges, np.array([3, 4]), design="random", seed=0, stream=1, n_draws=n_draws // 2, **how
    )
    observed = np.array([[4.0], [2.5]])
    at = Params(*(x[:, None] for x in (judges.failure_rate, judges.tpr, judges.fpr)))
    found = largest_p_values(draws, problem, rate, observed, at, np.array([True, True]), **how)
    each = problem.take(np.repeat(np.arange(2), n_draws))
    rows = Problem(Counts(*draws.cells.reshape(-1, 6).T), each.bounds).at(np.repeat(rate[:, 0], n_draws))
    exactly = likelihood_ratio(draws.best, maximal(rows, "internal", "numpy")[0].reshape(2, -1))
    density = log_densities(draws.cells, judges, "internal")
    hits = (draws.estimate < rate) & (exactly >= observed - 1e-4)
    # The judges of the law explain some draws, and none as large.
    explained = likelihood_ratio(draws.best, density.max(1)) < observed - 2e-4
    assert 0.1 < explained.mean() < 0.9
    assert not (explained & hits).any()
    weight = np.exp(density - draws.log_mixture[:, None]) * hits[:, None]
    likeliest = weight.mean(-1)
    assert np.all(found[:, 0] >= likeliest[:, 0] * (1 - 1e-12))
    assert np.all(found[:, 0] <= likeliest.max(1) * (1 + 1e-12))
    assert np.all((found > 0.01) & (found < 0.5))
