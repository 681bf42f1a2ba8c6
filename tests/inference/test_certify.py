import numpy as np
import pytest
from scipy.stats import binom

from benchmarks._samples import drawn_counts
from jaxmle import (
    Bounds,
    Counts,
    adjust_p_values,
    bounds_test,
    certify,
    design_check,
    fit,
    profile_interval,
)
from jaxmle._inference._exact import ExactTest, Hypothesis
from jaxmle._inference._profile import branches

JUDGE = Bounds(tpr=(0.87, 0.93), fpr=(0.03, 0.07))


def data(rng, size, n, judged, theta, tpr=0.9, fpr=0.05):
    return drawn_counts(rng, theta, tpr, fpr, n, judged, size)


def test_labels_alone_give_the_exact_binomial_test():
    for failures, n, limit in ((0, 60, 0.05), (2, 100, 0.08), (4, 100, 0.08)):
        result = certify(Counts(failures, 0, 0, n - failures, 0, 0), limit=limit)
        exact = binom.cdf(failures, n, limit)
        assert result.p_value == pytest.approx(exact, rel=1e-9)


@pytest.mark.slow
def test_the_error_rate_holds_at_the_limit_and_power_beats_human_labels():
    rng = np.random.default_rng(11)
    loose = Bounds(tpr=(0.75, 0.99), fpr=(0.0, 0.10))
    at_limit = data(rng, 600, 50, 10_000, 0.05)
    free = fit(at_limit, loose)
    tests = Hypothesis(branches(free)[1], np.full(600, 0.05), free.failure_rate_set[1], np.arange(600))
    # What `certify` does but for the upper limits, and without refining what is far above .05.
    p_value = ExactTest("internal", "random", 0, 0.005, sure=0.12).p_values(tests)
    assert np.mean(p_value <= 0.05) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 600)
    assert np.mean(p_value <= 0.05) > 0.01
    good = data(rng, 40, 50, 10_000, 0.02)
    result = certify(good, JUDGE, limit=0.06)
    human = binom.cdf(good.tp + good.fn, 50, 0.06) <= 0.05
    assert result.certified.mean() > 0.7 > human.mean()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "profile"])
def test_certificates_invert_to_their_own_upper_limits(method):
    counts = data(np.random.default_rng(5), 6, 60, 5000, 0.03)
    result = certify(counts, JUDGE, limit=0.06, method=method)
    slack = 0.03 if method == "exact" else 0.02
    # Where the limit was certified or missed by a hair, the limit itself stands in for the inversion.
    above = certify(counts, JUDGE, limit=result.upper_limit * (1 + slack), method=method)
    below = certify(counts, JUDGE, limit=result.upper_limit * (1 - slack), method=method)
    assert above.certified.all()
    assert not below.certified.any()
    assert (result.certified == (result.upper_limit <= 0.06)).all()


def test_profile_certificates_are_the_upper_profile_limits():
    counts = data(np.random.default_rng(5), 6, 60, 5000, 0.03)
    result = certify(counts, JUDGE, limit=0.06, method="profile")
    upper = profile_interval(counts, JUDGE, side="upper").high
    upper = np.where(result.certified, np.minimum(upper, 0.06), np.maximum(upper, 0.06))
    np.testing.assert_allclose(result.upper_limit, upper, atol=1e-10)


def test_external_and_by_verdict_designs():
    result = certify(Counts(45, 5, 5, 45, 1500, 8500), limit=0.25, calibration="external")
    assert result.certified
    assert result.upper_limit < 0.25
    by_verdict = certify(Counts(30, 2, 45, 98, 500, 9500), limit=0.08, labels="by-verdict")
    assert 0.02 < by_verdict.upper_limit < 1


@pytest.mark.slow
def test_results_depend_on_the_seed_alone():
    counts = Counts(1, 0, 2, 47, 670, 9330)
    first, again = certify(counts, JUDGE, limit=0.05), certify(counts, JUDGE, limit=0.05)
    assert first.p_value == again.p_value
    assert first.upper_limit == again.upper_limit
    others = [certify(counts, JUDGE, limit=0.05, seed=seed).p_value for seed in (1, 2)]
    assert first.p_value not in others
    np.testing.assert_allclose(others, first.p_value, rtol=0.25)


def test_bounds_that_decide_or_contradict_are_said():
    counts = Counts(4, 1, 2, 43, 900, 9100)
    with pytest.warns(UserWarning, match="the bounds on the failure rate decide"):
        result = certify(counts, Bounds(failure_rate=(0, 0.04)), limit=0.05)
    assert result.certified
    assert result.by_bounds
    with pytest.warns(UserWarning, match="the bounds on the failure rate decide"):
        result = certify(counts, Bounds(failure_rate=(0.06, 1)), limit=0.05)
    assert not result.certified
    with pytest.warns(UserWarning, match="contradict the bounds"):
        result = certify(Counts(20, 20, 2, 158, 900, 9100), Bounds(tpr=(0.95, 1)), limit=0.3)
    assert not result.certified
    assert result.contradicted
    assert (result.p_value, result.upper_limit) == (1, 1)
    assert "contradict" in str(result)


def test_a_set_that_is_no_random_sample_certifies_nothing():
    balanced = Counts(45, 5, 5, 45, 1500, 8500)
    with pytest.warns(UserWarning, match="no random sample"):
        result = certify(balanced, limit=0.5, method="profile")
    assert not result.certified
    assert result.mismatched
    assert certify(balanced, limit=0.5, method="profile", calibration="external").certified


@pytest.mark.slow
def test_adjustments_over_slices():
    p = np.array([0.001, 0.011, 0.02, 0.04, 0.8])
    np.testing.assert_allclose(adjust_p_values(p, "holm"), [0.005, 0.044, 0.06, 0.08, 0.8])
    np.testing.assert_allclose(adjust_p_values(p, "benjamini-hochberg"), [0.005, 0.0275, 0.1 / 3, 0.05, 0.8])
    np.testing.assert_allclose(adjust_p_values(p, "none"), p)
    counts = data(np.random.default_rng(2), 20, 50, 10_000, 0.02)
    limits = [
        certify(counts, JUDGE, limit=0.055, adjustment=a) for a in ("none", "benjamini-hochberg", "holm")
    ]
    plain, bh, holm = (result.certified.sum() for result in limits)
    assert plain >= bh >= holm > 0
    for result in limits:
        assert (result.certified == (result.p_value <= 0.05)).all()
        assert (result.upper_limit[result.certified] <= 0.055).all()
    # Holm's verdicts leave no room for sharper limits, unless all slices are certified.
    mixed = np.where(np.arange(20) < 10, 0.06, 0.02)
    some = certify(counts, JUDGE, limit=mixed, adjustment="holm", method="profile")
    assert 0 < some.certified.sum() < 20
    assert (some.upper_limit[some.certified] == mixed[some.certified]).all()
    everything = certify(counts, JUDGE, limit=0.2, adjustment="holm", method="profile")
    assert everything.certified.all()
    assert (everything.upper_limit < 0.2).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"limit": 0}, "`limit` must be strictly between"),
        ({"limit": [0.1, 0.2]}, "`limit` must have shape"),
        ({"limit": 0.1, "method": "bayes"}, "`method` must be"),
        ({"limit": 0.1, "adjustment": "sidak"}, "`adjustment` must be one of"),
        ({"limit": 0.1, "confidence": 0.2}, "`confidence` must be at least"),
    ],
)
def test_bad_arguments_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        certify(Counts(4, 1, 2, 43, 900, 9100), **options)
    with pytest.raises(ValueError, match="whole numbers"):
        certify(Counts(4.5, 1, 2, 43, 900, 9100), limit=0.1)


@pytest.mark.slow
def test_bounds_test_keeps_its_level_and_finds_wrong_bounds():
    rng = np.random.default_rng(7)
    counts = data(rng, 150, 100, 5000, 0.1)
    right = bounds_test(counts, Bounds(tpr=(0.9, 1.0), fpr=(0.0, 0.05)))
    # The truth is a corner of the box, where the statistic is no chi-square.
    assert np.mean(right.p_value <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert np.mean(right.p_value <= 0.3) > 0.15
    wrong = bounds_test(counts, Bounds(fpr=(0.15, 0.2)))
    assert np.mean(wrong.p_value <= 0.05) > 0.6
    assert (bounds_test(counts, Bounds()).p_value == 1).all()
    one = bounds_test(Counts(70, 8, 14, 108, 4100, 5900), Bounds(tpr=(0.5, 0.7)))
    assert one.p_value < 0.01
    assert one.unbounded.tpr > 0.8 > one.bounded.tpr


def test_design_check_finds_balanced_sets_and_no_others():
    result = design_check(Counts([45, 10], [5, 1], [5, 9], [45, 80], [1800, 1900], [8200, 8100]))
    assert result.p_value[0] < 1e-12
    assert result.p_value[1] > 0.1
    rng = np.random.default_rng(0)
    p = design_check(data(rng, 4000, 50, 2000, 0.1)).p_value
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.02)
    nothing = design_check(Counts(0, 0, 0, 0, 10, 10))
    assert (nothing.p_value, nothing.flag_rate_labeled) == (1, 0)


def test_laws_whose_tables_would_have_too_many_rows_are_drawn_without():
    # Near the level more is drawn, so that larger tables would pay; none has more than 128 rows.
    found = certify(Counts(33, 63, 50, 785, 95, 974), limit=0.12, method="profile")
    assert 0.03 < found.p_value < 0.07
