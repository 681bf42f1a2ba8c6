"""The upper limit that holds at any time: bets are fair, limits agree with verdicts, the error holds."""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks._samples import counts_label_by_label
from jaxmle import Bounds, Counts, certify, confidence_sequence
from jaxmle._cli import main
from jaxmle._inference import anytime_certificates, checked_problem
from jaxmle._inference._bets import _LABEL_SHARE, _RATES, Bets, Laws

JUDGE = Bounds(tpr=(0.75, 0.99), fpr=(0.0, 0.10))


def walk(rng, n, judged, rate, size, tpr=0.9, fpr=0.05):
    """Counts after each label, shape ``(n, size)``."""
    return counts_label_by_label(rng, rate, tpr, fpr, n, judged, size)


NARROW = [
    Bounds(tpr=tpr, fpr=fpr)
    for tpr, fpr in (
        ((0.895, 0.905), (0.049, 0.051)),
        ((0.88, 0.92), (0.047, 0.053)),
        ((0.87, 0.93), (0.04, 0.06)),
        ((0.9, 0.9), (0.05, 0.05)),
    )
]


def laws_of(bounds, least, most, limit):
    tpr, fpr = ((np.array([low]), np.array([high])) for low, high in (bounds.tpr, bounds.fpr))
    return Laws(tpr, fpr, np.array([least]), np.array([most]), np.array([limit]))


@pytest.mark.parametrize("bounds", [Bounds(), JUDGE, Bounds(tpr=(0.85, 0.95), fpr=(0.03, 0.06)), *NARROW])
@pytest.mark.parametrize("limit", [0.03, 0.06])
def test_no_law_of_the_hypothesis_lets_a_stake_grow(bounds, limit):
    edges = np.array([0.0, 0.05, 0.07, 0.09, 0.10, 0.11, 0.13, 0.2, 0.5, 1.0])
    laws = laws_of(bounds, edges[:-1], edges[1:], limit)
    ratios = np.exp(laws.gains())[0]
    left = laws.plausible(np.array([0.0]), np.array([1.0]))[0]
    fair = []
    for least, most, ratio, plausible in zip(edges, edges[1:], ratios, left, strict=False):
        # 65 flag rates of each range, ends included, and laws at and above the limit that have them.
        low, high = bounds.tpr
        grid = np.linspace(limit, 0.6, 41), np.linspace(low, high, 21), np.linspace(least, most, 65)
        theta, tpr, flags = (x.reshape(-1) for x in np.meshgrid(*grid))
        fpr = (flags - theta * tpr) / (1 - theta)
        inside = (fpr >= bounds.fpr[0]) & (fpr <= bounds.fpr[1])
        corners = np.meshgrid(grid[0], bounds.tpr, bounds.fpr)
        some = [
            np.concatenate([x[inside], y.reshape(-1)])
            for x, y in zip((theta, tpr, fpr), corners, strict=True)
        ]
        theta, tpr, fpr = some
        flags = theta * tpr + (1 - theta) * fpr
        theta, tpr, fpr = (x[(flags >= least) & (flags <= most)] for x in some)
        # What the hypothesis allows is not ruled out.
        assert plausible or not theta.size
        if theta.size:
            law = np.stack([theta * tpr, theta * (1 - tpr), (1 - theta) * fpr, (1 - theta) * (1 - fpr)])
            mean = ratio @ law
            assert mean.max() < 1 + 1e-6
            fair.append(mean.max(1))
    # And the bets are as large as fairness allows: some law makes most of them nearly fair.
    assert (np.concatenate(fair) > 0.98).mean() > 0.5


def test_no_rate_is_ruled_out_by_where_ranges_of_the_flag_rate_end():
    # One flag rate goes with each rate.
    limits = np.geomspace(0.001, 0.5, 300)
    n = 1000
    for at in limits[::100]:
        flags = round(n * (at * 0.9 + (1 - at) * 0.05))
        problem, _ = checked_problem(Counts(0, 0, 0, 0, flags, n - flags), NARROW[-1], "internal")
        bets = Bets.of(problem, 0.05, 1)
        low, high = ((x[0] - 0.05) / 0.85 for x in bets.flag_limits)
        ruled_out = bets.log_stakes(limits[None])[0, 0] > 50
        np.testing.assert_array_equal(ruled_out, limits > high)
        assert not bets.contradicted[0]
        assert low < high


def test_bets_on_labels_alone_are_those_of_waudby_smith_and_ramdas():
    m, failures, passes = 0.05, 2, 120
    # A judge who flags all and may be any judge: its verdicts say nothing.
    problem, _ = checked_problem(Counts(failures, 0, passes, 0, 1e6, 0), None, "internal")
    bets = Bets.of(problem, 0.05, 1)
    bet = (1 - _RATES) / (1 - m)  # lambda, from Q / P = 1 - lambda (y - m)
    stakes = (1 - bet * (1 - m)) ** failures * (1 + bet * m) ** passes
    laws = laws_of(Bounds(), [0.9], [1.0], m)
    gains = laws.gains_of_labels()[0] @ [failures, 0, passes, 0]
    np.testing.assert_allclose(np.exp(gains), stakes, rtol=1e-9, atol=1e-9)
    found = np.exp(bets.log_stakes(np.array([[m]])))[0, 0, 0]
    assert found >= _LABEL_SHARE * stakes.mean()
    assert bets.wanted == pytest.approx(np.log(20 / 0.9))


@pytest.mark.slow
def test_limits_agree_with_verdicts_and_are_wider_than_those_of_one_time():
    counts = Counts([4, 1, 0], [0, 1, 0], [4, 6, 3], [192, 92, 47], [380, 700, 500], [9620, 9300, 9500])
    found = confidence_sequence(counts, JUDGE, limit=0.06)
    at = confidence_sequence(counts, JUDGE, limit=found.upper_limit * 1.02)
    below = confidence_sequence(counts, JUDGE, limit=found.upper_limit * 0.955)
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


@pytest.mark.slow
def test_running_limits_never_rise():
    counts = walk(np.random.default_rng(2), 150, 3000, 0.02, 2)[29::60]
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
    with pytest.warns(UserWarning, match="the data contradict the bounds"):
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


def test_narrow_bounds_certify_nothing_false():
    # The exact test's upper limit is 7%.
    found = confidence_sequence(Counts(1, 0, 1, 18, 92, 908), NARROW[0], limit=0.03)
    assert not found.certified
    assert found.upper_limit > 0.07
    assert not found.contradicted


def test_holm_adds_each_slices_share_of_the_flag_rates_error():
    counts = Counts([4, 1, 0], [0, 1, 0], [4, 6, 3], [192, 92, 47], [380, 700, 500], [9620, 9300, 9500])
    problem, _ = checked_problem(counts, None, "internal")
    given = {"limit": 0.06, "confidence": 0.95}
    found = anytime_certificates(problem.counts, problem.bounds, adjustment="holm", **given)
    each = confidence_sequence(counts, limit=0.06, confidence=1 - 0.05 / 3)
    p = np.minimum(1, np.sort(1 / each.e_value + 0.005 / 3))
    np.testing.assert_allclose(np.sort(found.p_value), np.minimum(1, np.maximum.accumulate(p * [3, 2, 1])))
    assert found.certified.tolist() == [True, False, False]
    np.testing.assert_allclose(found.upper_limit, np.where(found.certified, 0.06, each.upper_limit))
    with pytest.raises(ValueError, match="promise nothing"):
        anytime_certificates(problem.counts, problem.bounds, adjustment="benjamini-hochberg", **given)


def test_items_that_are_all_labelled_keep_the_error_that_was_spent():
    last = Counts([3, 4], [0, 0], [4, 4], [92, 92], [1, 0], [0, 0])
    before, after = np.asarray(confidence_sequence(last, limit=0.1).e_value)
    assert after == pytest.approx(before, rel=0.9)
    assert after < before


SMALL = [(bounds, verdicts) for bounds in NARROW for verdicts in (300, 1000)]


@pytest.mark.parametrize(("bounds", "verdicts"), SMALL)
def test_the_error_holds_within_narrow_bounds(bounds, verdicts):
    """At the limit, with 20 labels, for judges at two corners of the bounds and inside."""
    rng = np.random.default_rng(verdicts)
    (low, high), (least, most) = bounds.tpr, bounds.fpr
    for tpr, fpr in ((low, least), (high, most), (0.9, 0.05)):
        for rate in (0.03, 0.08):
            counts = walk(rng, 20, verdicts, rate, 80, tpr, fpr)[-1]
            problem, _ = checked_problem(counts, bounds, "internal")
            bets = Bets.of(problem, 0.05, 1)
            wrong = bets.log_stakes(np.full((80, 1), rate))[0, :, 0] >= bets.wanted
            assert binom.sf(wrong.sum() - 1, 80, 0.05) > 1e-3
            assert bets.contradicted.sum() <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("bounds", "verdicts"), SMALL)
@pytest.mark.filterwarnings("ignore:")
def test_limits_cover_within_narrow_bounds(bounds, verdicts):
    rng = np.random.default_rng(verdicts + 1)
    counts = walk(rng, 20, verdicts, 0.0301, 20, bounds.tpr[0], bounds.fpr[0])[-1]
    upper = confidence_sequence(counts, bounds, limit=0.5).upper_limit
    assert binom.sf((upper < 0.0301).sum() - 1, 20, 0.05) > 1e-3
    assert (upper < 0.5).any()


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [Bounds(), JUDGE, NARROW[1]])
@pytest.mark.filterwarnings("ignore:")
def test_the_error_over_all_times_holds(bounds):
    """At the limit, looking after each of 150 labels, and beyond it, where stakes reach what is wanted."""
    rng = np.random.default_rng(9)
    counts = walk(rng, 150, 1000, 0.05, 400)
    problem, _ = checked_problem(counts, bounds, "internal")
    bets = Bets.of(problem, 0.1, 150)
    stakes = bets.log_stakes(np.broadcast_to([0.05, 0.2], (400, 2)))
    crossed, beyond = np.any(stakes >= bets.wanted, axis=0).T
    assert binom.sf(crossed.sum() - 1, 400, 0.1) > 0.01
    assert beyond.mean() > 0.9


def test_data_that_contradict_their_bounds_certify_nothing(capsys):
    """Eight failures of a hundred labels that the judge missed, with a TPR of .95 or more."""
    counts, bounds = Counts(0, 8, 0, 92, 0, 1000), Bounds(tpr=(0.95, 0.99), fpr=(0.0, 0.05))
    with pytest.warns(UserWarning, match="the data contradict the bounds"):
        found = confidence_sequence(counts, bounds, limit=0.05)
    assert (found.contradicted, found.certified, found.upper_limit) == (True, False, 1.0)
    six = ["--counts", "0,8,0,92,0,1000", "--tpr", "0.95:0.99", "--fpr", "0:0.05"]
    assert main(["certify", *six, "--limit", "5%", "--anytime"]) == 1
    assert "so nothing is certified here" in capsys.readouterr().out
