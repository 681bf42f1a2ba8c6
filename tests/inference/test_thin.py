"""Where data are thin, tied or lopsided: exact coverage, published limits, verdicts that stay."""

import numpy as np
import pytest
import scipy.stats

from benchmarks._samples import cell_rates, flag_rate
from jaxmle import Bounds, Counts, certify, fit, profile_interval


def labels_alone(failures, n):
    """Counts of labels without a judge's verdict to add."""
    failures = np.asarray(failures, float)
    none = 0 * failures
    return Counts(failures, none, none, n - failures, none, none)


@pytest.mark.parametrize("n", [20, 50, 100, 300])
def test_no_failure_gives_the_limit_that_inverts_half_of_alpha(n):
    for confidence in (0.9, 0.95):
        alpha = 1 - confidence
        upper = profile_interval(labels_alone(0, n), confidence=confidence).high
        assert upper == pytest.approx(1 - (alpha / 2) ** (1 / n), rel=0.03)
        limit = profile_interval(labels_alone(0, n), confidence=confidence, side="upper").high
        assert limit == pytest.approx(1 - alpha ** (1 / n), rel=0.03)
    assert profile_interval(labels_alone(0, n)).low == 0


@pytest.mark.parametrize("n", [20, *(pytest.param(n, marks=pytest.mark.slow) for n in (60, 150))])
def test_exact_coverage_of_labels_alone(n):
    failures = np.arange(min(n, 60 + n // 3) + 1)
    result = profile_interval(labels_alone(failures, n), n_resamples=499)
    upper = profile_interval(labels_alone(failures, n), n_resamples=499, side="upper").high
    for rate in np.geomspace(0.001, 0.3, 60):
        mass = scipy.stats.binom.pmf(failures, n, rate)
        beyond = 1 - mass.sum()
        assert mass[(result.low <= rate) & (rate <= result.high)].sum() >= 0.93 - beyond
        assert mass[rate <= upper].sum() >= 0.93 - beyond


def flags_alone(flagged, n):
    """Counts of tested people: flags without one label."""
    return Counts(0, 0, 0, 0, flagged, n - flagged)


@pytest.mark.parametrize(
    ("flagged", "n", "sensitivity", "specificity", "estimate"),
    [
        # Reiczigel, Foeldi and Ozsvari, Epidemiology and Infection 138 (2010); Rogan-Gladen.
        (20, 120, 0.90, 0.99, 0.1760),
        (26, 200, 0.30, 0.96, 0.3462),
        (5, 125, 0.50, 0.95, 0.0),
    ],
)
def test_prevalence_by_a_test_of_known_errors(flagged, n, sensitivity, specificity, estimate):
    known = Bounds(tpr=(sensitivity, sensitivity), fpr=(1 - specificity, 1 - specificity))
    counts = flags_alone(flagged, n)
    assert fit(counts, known).failure_rate == pytest.approx(estimate, abs=1e-4)
    result = profile_interval(counts, known)
    # Blaker's limits of the flag rate, carried over; those of 20 of 120 are published as .107 to .263.
    low, high = (
        np.clip((end - (1 - specificity)) / (sensitivity + specificity - 1), 0, 1)
        for end in blaker(flagged, n)
    )
    if flagged == 20:
        assert (low, high) == pytest.approx((0.107, 0.263), abs=1e-3)
    slack = 0.02 * (high - low)
    assert result.low <= low + slack
    assert result.high >= high - slack


def blaker(hits, n, alpha=0.05):
    """Limits of a binomial share by Blaker, Can. J. Stat. 28 (2000): on a fine grid."""
    rates = np.linspace(1e-5, 1 - 1e-5, 40_001)
    upper, lower = scipy.stats.binom.sf(hits - 1, n, rates), scipy.stats.binom.cdf(hits, n, rates)
    other = np.where(
        upper < lower,
        scipy.stats.binom.cdf(scipy.stats.binom.ppf(upper, n, rates) - 1, n, rates),
        scipy.stats.binom.sf(scipy.stats.binom.isf(lower, n, rates), n, rates),
    )
    accepted = rates[np.minimum(upper, lower) + other > alpha]
    return accepted.min(), accepted.max()


def test_prevalence_where_the_errors_of_the_test_are_measured():
    # Santa Clara: 50 of 3,330 positive; 130 of 157 and 3,308 of 3,324 controls. Published 1.2%, .7 to 1.8:
    # Gelman and Carpenter, Applied Statistics 69 (2020) say why the interval is longer.
    counts = Counts(tp=130, fn=27, fp=16, tn=3308, unlabeled_pos=50, unlabeled_neg=3280)
    result = profile_interval(counts, calibration="external")
    assert result.estimate == pytest.approx(0.0125, abs=5e-4)
    assert result.low <= 0.007 + 0.02 * 0.011
    assert result.high >= 0.018 - 0.02 * 0.011


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "profile"])
def test_verdicts_do_not_flip_with_the_seed(method):
    counts = Counts(1, 0, 2, 97, 60, 1940)
    middle = certify(counts, limit=0.05, method=method).upper_limit
    for limit in (0.95 * middle, 1.05 * middle):
        verdicts = {certify(counts, limit=limit, method=method, seed=seed).certified for seed in range(6)}
        assert verdicts == {bool(limit > middle)}


@pytest.mark.slow
def test_an_interval_and_a_limit_of_one_data_set_do_not_contradict_each_other():
    for counts in (Counts(0, 0, 0, 50, 0, 1000), Counts(0, 0, 1, 49, 40, 960), Counts(2, 0, 1, 47, 60, 940)):
        both = profile_interval(counts)
        limit = certify(counts, limit=0.5, method="profile").upper_limit
        assert both.estimate < limit <= both.high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "judged", "rate", "tpr", "fpr"), [(50, 10_000, 0.03, 0.9, 0.05), (149, 1_300, 0.01, 0.5, 0.5)]
)
def test_coverage_where_failures_are_few(n, judged, rate, tpr, fpr):
    rng = np.random.default_rng(3)
    size = 300
    flagged = rng.binomial(judged, flag_rate(rate, tpr, fpr), size)
    counts = Counts(*rng.multinomial(n, cell_rates(rate, tpr, fpr), size).T, flagged, judged - flagged)
    result = profile_interval(counts, n_resamples=299)
    upper = profile_interval(counts, n_resamples=299, side="upper").high
    # A coverage of .95 shows as less than .925 in one of 40 such runs.
    assert np.mean((result.low <= rate) & (rate <= result.high)) >= 0.925
    assert np.mean(rate <= upper) >= 0.915


def items(failing, flagged, n):
    """Counts of populations of shape (B, M) whose first n items are labelled."""
    first, rest = np.s_[:, :n], np.s_[:, n:]
    cells = [failing & flagged, failing & ~flagged, ~failing & flagged, ~failing & ~flagged]
    labelled = [cell[first].sum(1) for cell in cells]
    return Counts(*labelled, flagged[rest].sum(1), (~flagged)[rest].sum(1))


def test_items_that_are_all_labelled_are_known():
    result = profile_interval(Counts(3, 1, 2, 44, 0, 0), target="items")
    assert (result.low, result.estimate, result.high) == pytest.approx((0.08, 0.08, 0.08))


def test_the_rate_of_the_items_lies_between_what_is_known_and_what_can_be():
    counts = Counts(3, 1, 2, 94, 30, 270)
    result = profile_interval(counts, target="items")
    assert 4 / 400 <= result.low < result.estimate < result.high <= 304 / 400
    assert "of these items" in result.method
    whole = profile_interval(counts)
    assert result.high - result.low < whole.high - whole.low


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "tpr", "fpr"), [(0.05, 0.9, 0.05), (0.3, 0.8, 0.1)])
def test_coverage_of_the_rate_of_the_items(rate, tpr, fpr):
    rng = np.random.default_rng(8)
    failing = rng.random((200, 400)) < rate
    flagged = rng.random(failing.shape) < np.where(failing, tpr, fpr)
    result = profile_interval(items(failing, flagged, 160), target="items", n_resamples=199)
    truth = failing.mean(1)
    assert np.mean((result.low <= truth + 1e-12) & (truth <= result.high + 1e-12)) >= 0.92
    whole = profile_interval(items(failing, flagged, 160), simulate=False)
    assert np.mean(result.high - result.low) < 0.9 * np.mean(whole.high - whole.low)


def test_what_has_no_items_is_refused():
    counts = Counts(3, 1, 2, 94, 30, 270)
    with pytest.raises(
        ValueError, match='`target` must be "population" or "items"; got "all"'.replace('"all"', "'all'")
    ):
        profile_interval(counts, target="all")
    with pytest.raises(ValueError, match='`target` must be "population" with a `design_effect`'):
        profile_interval(counts, target="items", design_effect=2.0)
    with pytest.raises(ValueError, match="`counts` must be whole numbers for the target"):
        profile_interval(Counts(3.5, 1, 2, 94, 30, 270), target="items")
    with pytest.raises(ValueError, match="`counts` must hold judged items"):
        profile_interval(Counts(45, 5, 5, 45, 0, 0), target="items", calibration="external")
