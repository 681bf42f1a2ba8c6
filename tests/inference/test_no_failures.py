"""No failure among the labels: how they fell on verdicts is no evidence where nothing bounds the judge."""

import numpy as np
import pytest
from scipy.stats import binom

from jaxmle import Bounds, Counts, certify, profile_interval

# Flagged items of 1,000 unlabelled ones, from fewer to more than the 2 in 50 of the labelled.
SHARES = np.array([15, 25, 34, 39, 40, 41, 46, 60, 75])


def _counts(*cells):
    return Counts(*map(np.array, np.broadcast_arrays(*cells)))


def no_failures(n_flagged=2, n=50, n_others=1000):
    return _counts(0, 0, n_flagged, n - n_flagged, SHARES, n_others - SHARES)


def exact_limit(alpha, n=50):
    return 1 - alpha ** (1 / n)


@pytest.mark.parametrize("method", ["exact", "profile"])
def test_the_limit_is_never_below_that_of_the_labels_alone(method):
    found = certify(no_failures(), limit=0.05, method=method)
    assert not found.certified.any()
    least = exact_limit(0.05)
    np.testing.assert_array_less(least - 1e-4, found.upper_limit)
    # Where as many of the labelled are flagged as of the others, the judge adds nothing to them.
    equal = found.upper_limit[SHARES == 40]
    np.testing.assert_allclose(equal, least, rtol=0.015)


def test_intervals_end_where_those_of_the_labels_do():
    np.testing.assert_array_less(exact_limit(0.025) - 1e-4, profile_interval(no_failures()).high)
    np.testing.assert_allclose(
        profile_interval(no_failures()).high[SHARES == 40], exact_limit(0.025), rtol=0.005
    )
    upper = profile_interval(no_failures(), side="upper").high
    np.testing.assert_allclose(upper[SHARES == 40], exact_limit(0.05), rtol=0.005)
    # The other way round: no label but failures.
    all_fail = _counts(2, 48, 0, 0, SHARES, 1000 - SHARES)
    assert (profile_interval(all_fail).low < 1 - exact_limit(0.025) + 1e-4).all()
    # Labels by verdict are samples of the flagged and of the passed.
    chosen = profile_interval(no_failures(), labels="by-verdict").high
    assert (chosen > exact_limit(0.025) - 1e-4).all()
    assert chosen[SHARES == 75] > chosen[SHARES == 40]


def test_bounds_on_the_judge_tell_more_than_the_labels():
    bounds = Bounds(tpr=(0.8, 1.0), fpr=(0.0, 0.2))
    found = certify(no_failures(), bounds, limit=0.05)
    assert found.upper_limit[SHARES == 40] < 0.6 * exact_limit(0.05)
    # The fewer are flagged the better.
    assert (np.diff(found.upper_limit) >= -0.001).all()
    # A bound that no plausible judge meets changes nothing.
    wide = Bounds(fpr=(0.0, 0.9))
    np.testing.assert_allclose(
        certify(no_failures(), wide, limit=0.05).upper_limit,
        certify(no_failures(), limit=0.05).upper_limit,
        rtol=0.05,
    )


def test_one_failure_is_weighed_as_before():
    one = Counts(1, 0, 2, 47, 40, 960)
    assert 0.05 < certify(one, limit=0.05).upper_limit < 0.08
    assert certify(one, limit=0.01).p_value > 0.3


def test_where_verdicts_tell_nothing_p_values_are_those_of_the_labels():
    for method in ("exact", "profile"):
        # No flag at all; nothing but flags; no item without a label.
        for cells in ((0, 0, 0, 60, 0, 940), (0, 0, 60, 0, 940, 0), (0, 0, 9, 51, 0, 0)):
            found = certify(Counts(*cells), limit=0.05, method=method)
            assert found.p_value == pytest.approx(0.95**60, rel=1e-9)
            assert found.certified
        two = certify(Counts(0, 2, 0, 98, 0, 900), limit=0.08, method=method)
        assert two.p_value == pytest.approx(binom.cdf(2, 100, 0.08), rel=1e-9)
    # Flagged items of which none was labelled may all be failures.
    unseen = certify(Counts(0, 0, 0, 60, 40, 900), limit=0.05)
    assert unseen.p_value > 0.2
    # Labels by verdict are no sample of the items: the share of flagged ones that was labelled counts.
    chosen = Counts(0, 0, 30, 30, 40, 900)
    assert certify(chosen, limit=0.05, method="profile", labels="by-verdict").p_value > 0.95**60
