"""Fits, intervals and certificates from own labels and a reference."""

import numpy as np
import pytest

from benchmarks._samples import flag_rate
from jaxmle import Bounds, Counts, certify, fit, profile_interval
from jaxmle._inference import _mixed_draws
from jaxmle._inference._mixed import mixed_statistic
from jaxmle._inference._mixed_draws import MixedTest

OWN = Counts(4, 1, 2, 43, 900, 9100)
REFERENCE = Counts(90, 10, 8, 292, 0, 0)
NONE = Counts(0, 0, 0, 0, 0, 0)


def test_without_reference_labels_it_is_the_internal_design():
    plain, mixed = fit(OWN), fit(OWN, external=NONE)
    assert mixed.failure_rate == pytest.approx(plain.failure_rate, abs=1e-9)
    assert mixed.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8)
    first, second = (profile_interval(OWN, simulate=False, external=some) for some in (None, NONE))
    assert (second.low, second.high) == pytest.approx((first.low, first.high), abs=1e-8)


def test_without_own_labels_it_is_the_external_design():
    flags = Counts(0, 0, 0, 0, 900, 9100)
    mixed, plain = fit(flags, external=REFERENCE), fit(flags + REFERENCE, calibration="external")
    assert mixed.failure_rate == plain.failure_rate
    first = profile_interval(flags + REFERENCE, calibration="external", simulate=False)
    second = profile_interval(flags, external=REFERENCE, simulate=False)
    assert (second.low, second.high) == (first.low, first.high)


def test_batches_hold_both_kinds_in_their_order():
    counts = Counts([4, 0, 4], [1, 0, 1], [2, 0, 2], [43, 0, 43], [900] * 3, [9100] * 3)
    together = fit(counts, external=REFERENCE)
    for i in range(3):
        assert together.failure_rate[i] == fit(counts[i], external=REFERENCE).failure_rate
    interval = together.interval(n_resamples=99)
    assert interval.low[1] == profile_interval(counts[1], external=REFERENCE, n_resamples=99).low
    assert together.converged.all()
    assert together[0].external.tp == 90


def test_discount_is_a_weight_of_the_reference():
    half = Counts(45, 5, 4, 146, 0, 0)
    assert fit(OWN, external=REFERENCE, discount=0.5).tpr == fit(OWN, external=half).tpr
    widths = [
        profile_interval(OWN, external=REFERENCE, discount=share, simulate=False).width
        for share in (1, 0.3, 0.03)
    ]
    assert widths == sorted(widths)
    assert widths[-1] < profile_interval(OWN, simulate=False).width


@pytest.mark.slow
def test_ends_and_certificates_of_weighted_items_are_of_one_test():
    own = Counts(4.5, 1, 2, 43, 900, 9100)
    interval = profile_interval(own, external=REFERENCE, side="upper")
    assert "chi-square" in interval.method
    upper = interval.high
    found = certify(own, limit=upper, method="profile", external=REFERENCE)
    assert found.method == "profile, chi-square, with a reference"
    assert found.p_value == pytest.approx(0.05, abs=1e-6)
    assert found.upper_limit == pytest.approx(upper, abs=1e-9)
    assert certify(own, limit=upper + 0.001, method="profile", external=REFERENCE).certified
    assert not fit(own, external=REFERENCE).certify(upper - 0.001, method="profile").certified


@pytest.mark.slow
def test_certificates_of_whole_counts_are_simulated_and_no_bolder_where_nothing_failed():
    own, reference = Counts(0, 0, 5, 45, 260, 1740), Counts(8, 4, 4, 34, 0, 0)
    chi_square = profile_interval(own, external=reference, side="upper", simulate=False).high
    first, again = (certify(own, limit=0.08, method="profile", external=reference) for _ in range(2))
    assert first.to_dict() == again.to_dict()
    assert first.method == "profile, with a reference"
    assert first.upper_limit > 1.1 * chi_square
    assert first.certified == (first.upper_limit <= 0.08) == (first.p_value <= 0.05)
    other = certify(own, limit=0.08, method="profile", external=reference, seed=1)
    assert other.p_value == pytest.approx(first.p_value, abs=0.03)
    interval = profile_interval(own, external=reference, side="upper")
    assert interval.method == "profile likelihood, calibrated, with a reference, upper limit"
    assert interval.high == pytest.approx(first.upper_limit, rel=0.001)


def test_intervals_are_simulated_alike_on_either_side():
    """What is a failure is a name: swapped, the interval is the mirror image."""
    own, reference = Counts(3, 1, 4, 42, 260, 1740), Counts(28, 7, 9, 56, 0, 0)
    first = profile_interval(own, external=reference, n_resamples=499)
    swapped = (Counts(c.tn, c.fp, c.fn, c.tp, c.unlabeled_neg, c.unlabeled_pos) for c in (own, reference))
    second = profile_interval(next(swapped), external=next(swapped), n_resamples=499)
    assert first.low == pytest.approx(1 - second.high, abs=0.05 * first.width)
    assert first.high == pytest.approx(1 - second.low, abs=0.05 * first.width)
    chi_square = profile_interval(own, external=reference, simulate=False)
    assert 0.8 < first.width / chi_square.width < 1.4
    # At the ends p is what it should be, by other draws.
    free, ends = fit(own[None], external=reference), np.array([[first.low], [first.high]])
    for side, end in zip(("lower", "upper"), ends, strict=True):
        p = MixedTest(free, "random", 7, 2000, "numpy", side).p_values(end)
        assert p == pytest.approx(0.025, abs=0.02)


@pytest.mark.filterwarnings("ignore:own labels and the reference")
def test_flags_that_are_fewer_than_the_reference_explains_are_no_surer_than_chi_square():
    own = Counts(0, 0, 0, 50, 0, 1000)
    simulated, chi_square = (
        profile_interval(own, external=REFERENCE, n_resamples=99, simulate=some).high
        for some in (True, False)
    )
    assert simulated >= 0.99 * chi_square
    # One label: no draw speaks against any rate.
    assert profile_interval(Counts(1, 0, 0, 0, 0, 0), external=REFERENCE, n_resamples=99).high == 1


def test_a_reference_without_a_failure_tells_no_more_than_own_labels():
    own, passes = Counts(0, 0, 2, 48, 40, 960), Counts(0, 0, 8, 192, 0, 0)
    upper = profile_interval(own, external=passes, side="upper", n_resamples=199).high
    assert upper > 0.99 * (1 - 0.05 ** (1 / 50))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_simulated_certificates_are_as_seldom_wrong_as_they_say():
    """A judge of TPR .6 and FPR .1, a rate of .03: the chi-square distribution errs one time in ten."""
    rng, size, n, rate, tpr, fpr = np.random.default_rng(13), 300, 50, 0.03, 0.6, 0.1
    failures = rng.binomial(n, rate, size)
    tp, fp = rng.binomial(failures, tpr), rng.binomial(n - failures, fpr)
    flagged = rng.binomial(2000, flag_rate(rate, tpr, fpr), size)
    caught, wrong, none = rng.binomial(12, tpr, size), rng.binomial(38, fpr, size), np.zeros(size)
    own = Counts(tp, failures - tp, fp, n - failures - fp, flagged, 2000 - flagged)
    free = fit(own, external=Counts(caught, 12 - caught, wrong, 38 - wrong, none, none))
    at = np.full(size, rate)
    statistic = mixed_statistic(free, at)
    below = free.failure_rate_set[1] < rate
    bold = below & (statistic > 1.645**2)
    # What chi-square leaves above .15 simulation does not bring below .05.
    likely = np.flatnonzero(below & (statistic > 1.036**2))
    p_value = MixedTest(free[likely], "random", 0, 199, "numpy").p_values(at[likely], statistic[likely])
    error = 2.6 * np.sqrt(0.05 * 0.95 / size)
    assert np.mean(bold) > 0.05 + error
    assert np.sum(p_value <= 0.05) / size <= 0.05 + error


def test_bounds_hold_and_have_prices():
    found = fit(OWN, Bounds(tpr=(0.95, 1)), external=REFERENCE)
    assert found.active_bounds == ["tpr.low"]
    assert found.shadow_price.tpr[0] < 0
    assert found.converged


def test_a_plateau_is_not_identified():
    """No failure among few labels, no miss in the reference: flags may be failures or false alarms."""
    found = fit(Counts(0, 0, 0, 5, 40, 60), external=Counts(1, 0, 0, 0, 0, 0))
    low, high = found.failure_rate_set
    assert not found.identified
    assert low < 0.05
    assert high > 0.3


def test_a_reference_at_odds_is_told():
    odd = Counts(10, 90, 8, 292, 0, 0)
    labels = Counts(20, 0, 2, 43, 900, 9100)
    with pytest.warns(UserWarning, match="tell different things of the judge"):
        fit(labels, external=odd)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fit(OWN, external=REFERENCE, discount=0), r"`discount` must be in \(0, 1\]"),
        (lambda: fit(OWN, external=REFERENCE, discount=1.5), r"`discount` must be in \(0, 1\]"),
        (lambda: fit(OWN, discount=0.5), "`discount` goes with `external`"),
        (lambda: fit(OWN, external=REFERENCE, calibration="external"), '"internal"'),
        (lambda: fit(OWN, external=REFERENCE, solver="projected_gradient"), "`solver`"),
        (
            lambda: fit(OWN, external=Counts([1, 2], *([[0, 0]] * 5))),
            "`external` and `discount` must have shape",
        ),
        (lambda: fit(OWN, Bounds(tpr=(0, 0)), external=REFERENCE), "tpr.high = 0"),
        (
            lambda: profile_interval(OWN, external=REFERENCE, simulate=True, design_effect=2.0),
            "`simulate` must be False",
        ),
        (lambda: profile_interval(OWN, external=REFERENCE, target="items"), "`target`"),
        (lambda: certify(OWN, limit=0.1, external=REFERENCE), '`method` must be "profile"'),
    ],
)
def test_what_cannot_be_done_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
    with pytest.raises(TypeError, match="`external`"):
        fit(OWN, external=(1, 2, 3, 4, 5, 6))


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "n"), [(0.05, 50), (0.2, 50), (0.2, 200)])
def test_intervals_cover_where_the_reference_has_the_same_judge(rate, n):
    rng, size, tpr, fpr = np.random.default_rng(5), 400, 0.85, 0.08
    failures, known = rng.binomial(n, rate, size), rng.binomial(300, 0.3, size)
    tp, fp = rng.binomial(failures, tpr), rng.binomial(n - failures, fpr)
    caught, wrong = rng.binomial(known, tpr), rng.binomial(300 - known, fpr)
    flagged = rng.binomial(5000, flag_rate(rate, tpr, fpr), size)
    counts = Counts(tp, failures - tp, fp, n - failures - fp, flagged, 5000 - flagged)
    none = np.zeros(size)
    reference = Counts(caught, known - caught, wrong, 300 - known - wrong, none, none)
    with pytest.warns(UserWarning, match="of 400 data sets"):  # some at the 1% level
        interval = profile_interval(counts, external=reference, simulate=False)
    covered = np.mean((interval.low <= rate) & (rate <= interval.high))
    assert 0.95 - 3 * 0.011 <= covered <= 0.95 + 3 * 0.011
    alone = profile_interval(counts, simulate=False)
    assert interval.width.mean() < 0.85 * alone.width.mean()


OTHER = Counts(40, 8, 5, 90, 0, 0)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_is_certified_of_labels_that_are_no_sample_or_contradict_the_reference():
    chosen = certify(Counts(9, 1, 0, 0, 90, 910), limit=0.2, external=OTHER, method="profile")
    assert (chosen.certified, chosen.mismatched, chosen.p_value, chosen.upper_limit) == (False, True, 1, 1)
    chance = certify(Counts(5, 5, 20, 20, 500, 500), limit=0.9, external=OTHER, method="profile")
    assert (chance.certified, chance.contradicted, chance.mismatched) == (False, True, False)
    assert "the data contradict the bounds or the reference" in str(chance)


@pytest.mark.slow
def test_a_reference_that_agrees_is_no_contradiction():
    alike = certify(Counts(4, 1, 2, 43, 90, 1110), limit=0.2, external=OTHER, method="profile")
    assert (alike.certified, alike.contradicted, alike.mismatched) == (True, False, False)


def test_an_interval_says_where_no_end_was_found(monkeypatch):
    own = Counts(3, 1, 4, 42, 260, 1740)
    assert profile_interval(own, external=REFERENCE, side="upper", n_resamples=99).converged
    monkeypatch.setattr(_mixed_draws, "_REACH", (1.9, 2.0))  # all of it far beyond the end
    assert not profile_interval(own, external=REFERENCE, side="upper", n_resamples=99).converged
