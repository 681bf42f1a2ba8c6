"""The upper limit that holds at any time: bets are fair, limits agree with verdicts, the error holds."""

import numpy as np
import pytest
from scipy.stats import binom

from jaxmle import Bounds, Counts, certify, confidence_sequence
from jaxmle._inference import checked_problem
from jaxmle._inference._confidence_sequence import _RATES, _Bets, _Laws

JUDGE = Bounds(tpr=(0.75, 0.99), fpr=(0.0, 0.10))


def walk(rng, n, judged, rate, size, tpr=0.9, fpr=0.05):
    """Counts after each label, shape ``(n, size)``."""
    cells = rng.choice(
        4, (n, size), p=[rate * tpr, rate * (1 - tpr), (1 - rate) * fpr, (1 - rate) * (1 - fpr)]
    )
    tp, fn, fp, tn = np.cumsum(cells[..., None] == np.arange(4), 0).transpose(2, 0, 1)
    flagged = rng.binomial(judged, rate * tpr + (1 - rate) * fpr, size) + tp[-1] + fp[-1]
    return Counts(tp, fn, fp, tn, flagged - tp - fp, judged + n - flagged - fn - tn)


@pytest.mark.parametrize("bounds", [Bounds(), JUDGE, Bounds(tpr=(0.85, 0.95), fpr=(0.03, 0.06))])
def test_no_law_of_the_hypothesis_lets_a_stake_grow(bounds):
    flag_rate, limit = 0.11, 0.06
    tpr, fpr = ((np.array([low]), np.array([high])) for low, high in (bounds.tpr, bounds.fpr))
    laws = _Laws(tpr, fpr, np.array([[flag_rate]]), np.array([limit]))
    assert laws.allowed.all()
    ratio = np.exp(laws.gains())[0, 0]
    theta, sensitivity = np.meshgrid(np.linspace(limit, 0.6, 60), np.linspace(*bounds.tpr, 60))
    false_alarms = (flag_rate - theta * sensitivity) / (1 - theta)
    inside = (false_alarms >= bounds.fpr[0]) & (false_alarms <= bounds.fpr[1])
    theta, sensitivity, false_alarms = (x[inside] for x in (theta, sensitivity, false_alarms))
    assert theta.size > 20
    law = np.stack(
        [
            theta * sensitivity,
            theta * (1 - sensitivity),
            (1 - theta) * false_alarms,
            (1 - theta) * (1 - false_alarms),
        ]
    )
    mean = ratio @ law
    assert mean.max() < 1 + 1e-6
    # And the bets are as large as fairness allows: some law makes each of them fair.
    assert (mean.max(1) > 0.999).mean() > 0.5


def test_without_a_judge_it_is_the_bet_of_waudby_smith_and_ramdas():
    m, failures, passes = 0.05, 2, 120
    problem, _ = checked_problem(Counts(failures, 0, 0, passes, 0, 0), None, "internal")
    bets = _Bets.of(problem, 0.05, 1)
    bet = (1 - _RATES) / (1 - m)  # lambda, from Q / P = 1 - lambda (y - m)
    stakes = (1 - bet * (1 - m)) ** failures * (1 + bet * m) ** passes
    np.testing.assert_allclose(np.exp(bets.log_stakes(np.array([[m]])))[0, 0, 0], stakes.mean(), rtol=1e-9)
    assert bets.wanted[0] == pytest.approx(np.log(20))


def test_limits_agree_with_verdicts_and_are_wider_than_those_of_one_time():
    counts = Counts([4, 1, 0], [0, 1, 0], [4, 6, 3], [192, 92, 47], [380, 700, 500], [9620, 9300, 9500])
    found = confidence_sequence(counts, JUDGE, limit=0.06)
    at = confidence_sequence(counts, JUDGE, limit=found.upper_limit * 1.02)
    below = confidence_sequence(counts, JUDGE, limit=found.upper_limit * 0.98)
    assert at.certified.all()
    assert not below.certified.any()
    assert (found.certified == (found.upper_limit <= 0.06)).all()
    assert (found.upper_limit > certify(counts, JUDGE, limit=0.06, method="profile").upper_limit).all()
    assert (confidence_sequence(counts, JUDGE, confidence=0.9).upper_limit < found.upper_limit).all()
    for i in range(3):
        assert confidence_sequence(counts[i], JUDGE, limit=0.06).e_value == pytest.approx(found.e_value[i])


def test_judge_and_bounds_make_limits_tighter():
    counts = Counts(9, 1, 5, 185, 900, 9100)
    without = confidence_sequence(Counts(10, 0, 0, 190, 0, 0)).upper_limit
    judged = confidence_sequence(counts).upper_limit
    bounded = confidence_sequence(counts, Bounds(tpr=(0.85, 0.95), fpr=(0.03, 0.06))).upper_limit
    assert bounded < judged < without


def test_running_limits_never_rise():
    counts = walk(np.random.default_rng(2), 150, 3000, 0.02, 2)
    running = confidence_sequence(counts, JUDGE, limit=0.08, running=True)
    apart = confidence_sequence(counts, JUDGE, limit=0.08)
    assert (np.diff(running.upper_limit, axis=0) <= 0).all()
    np.testing.assert_allclose(running.e_value, np.maximum.accumulate(apart.e_value, 0), rtol=1e-9)
    assert (running.upper_limit[-1] < 0.1).all()


@pytest.mark.parametrize(
    ("counts", "given", "said"),
    [
        (Counts(4, 0, 4, 192, 380, 9620), {"running": True}, "first axis"),
        (Counts([4, 3], [0, 0], [4, 4], [192, 193], [380] * 2, [9620] * 2), {"running": True}, "lose labels"),
        (
            Counts([4, 5], [0, 0], [4, 4], [192, 192], [380] * 2, [9620] * 2),
            {"running": True},
            "same verdicts",
        ),
        (Counts(4.5, 0, 4, 192, 380, 9620), {}, "whole numbers"),
        (Counts(4, 0, 4, 192, 380, 9620), {"confidence": 0.4}, "at least 0.5"),
        (Counts(4, 0, 4, 192, 380, 9620), {"limit": 0.0}, "strictly between"),
    ],
)
def test_what_makes_no_sense_is_refused(counts, given, said):
    with pytest.raises(ValueError, match=said):
        confidence_sequence(counts, **given)


def test_data_that_no_rate_agrees_with_certify_nothing():
    # The judge flags a tenth, and may flag a hundredth of the passes and of the failures at most.
    found = confidence_sequence(
        Counts(1, 1, 9, 89, 1000, 9000), Bounds(tpr=(0.0, 0.01), fpr=(0.0, 0.01)), limit=0.5
    )
    assert found.contradicted
    assert not found.certified
    assert found.upper_limit == 1
    with pytest.warns(UserWarning, match="no random sample"):
        found = confidence_sequence(Counts(45, 5, 5, 45, 1500, 8500), limit=0.9)
    assert found.mismatched
    assert not found.certified


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [Bounds(), JUDGE])
@pytest.mark.filterwarnings("ignore:")
def test_the_error_over_all_times_holds(bounds):
    """At the limit, looking after each of 150 labels."""
    rng = np.random.default_rng(9)
    counts = walk(rng, 150, 1000, 0.05, 400)
    problem, _ = checked_problem(counts, bounds, "internal")
    bets = _Bets.of(problem, 0.1, 150)
    crossed = (bets.log_stakes(np.full((400, 1), 0.05))[..., 0] >= bets.wanted).any(0)
    assert binom.sf(crossed.sum() - 1, 400, 0.1) > 0.01
    # Under bounds the worst judge that they allow is another one.
    assert crossed.any() or bounds is JUDGE
