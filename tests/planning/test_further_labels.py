"""Plans that go on from labels at hand: what is there stays, what comes is drawn, and promises hold."""

import json

import numpy as np
import pytest
from scipy.stats import beta, hypergeom

from jaxmle import Bounds, Counts, certify, plan_further, profile_interval
from jaxmle._cli import main
from jaxmle._planning._further_labels import _setting, _within, posterior_rates
from jaxmle._planning._label_draws import draw

COUNTS = Counts(9, 1, 2, 88, 900, 9100)


def test_the_posterior_is_that_of_jeffreys_cut_off_at_the_bounds():
    mean, at_hand = posterior_rates(COUNTS, Bounds(), 0)
    for drawn, law in ((at_hand.precision, beta(9.5, 2.5)), (at_hand.miss_rate, beta(1.5, 88.5))):
        np.testing.assert_allclose(drawn.mean(), law.mean(), atol=4 * law.std() / np.sqrt(len(drawn)))
        np.testing.assert_allclose(np.quantile(drawn, 0.9), law.ppf(0.9), rtol=0.05)
    assert 0.08 < mean.failure_rate < 0.11
    bounded, _ = posterior_rates(COUNTS, Bounds(tpr=(0.95, 1.0)), 0)
    assert 0.95 < bounded.tpr < 1
    # Drawn within the bounds it is the same as cut off at them.
    box, rng = Bounds(tpr=(0.8, 0.97), fpr=(0.005, 0.05)), np.random.default_rng(0)
    c = Counts(*map(float, COUNTS.values()))
    q = rng.beta(c.tp + c.fp + c.unlabeled_pos + 0.5, c.fn + c.tn + c.unlabeled_neg + 0.5, 1 << 18)
    rates, precision, _, kept = _within(c, box, q, rng)
    cut, at_hand = posterior_rates(COUNTS, box, 0)
    assert np.mean(rates.failure_rate[kept]) == pytest.approx(cut.failure_rate, abs=0.001)
    assert np.quantile(precision[kept], 0.1) == pytest.approx(np.quantile(at_hand.precision, 0.1), abs=0.02)
    known, at_hand = posterior_rates(COUNTS, Bounds(tpr=(0.9, 0.9), fpr=(0.02, 0.02)), 0)
    assert (known.tpr, known.fpr) == pytest.approx((0.9, 0.02))
    assert len(at_hand.precision) > 1000
    # Where no rate within the bounds explains the flags, the most likely rates stand for all.
    alone, at_hand = posterior_rates(COUNTS, Bounds(tpr=(0.3, 0.3001), fpr=(0.5, 0.5001)), 0)
    assert len(at_hand.precision) == 1
    assert 0.3 <= alone.tpr <= 0.3001


@pytest.mark.parametrize("labels", ["random", "by-verdict"])
def test_labels_at_hand_stay_and_new_ones_come_from_the_unlabelled(labels):
    setting = _setting(COUNTS, Bounds(), labels, 0)
    n = np.array([0, 40, 400])
    counts = draw(setting, n, 3000, (1,))
    cells = np.stack(counts.values(), -1).reshape(3, 3000, 6)
    at_hand = np.stack(COUNTS.values(), -1)
    np.testing.assert_array_equal(cells[0], np.broadcast_to(at_hand, (3000, 6)))
    assert (np.diff(cells[..., :4], axis=0) >= 0).all()
    np.testing.assert_array_equal(cells[..., :4].sum(-1), (100 + n)[:, None] + np.zeros(3000))
    flagged = cells[..., [0, 2, 4]].sum(-1)
    assert (flagged == 911).all()
    if labels == "random":
        law = hypergeom(10_000, 900, 400)
        new = 900 - cells[2, :, 4]
        np.testing.assert_allclose(new.mean(), law.mean(), atol=4 * law.std() / np.sqrt(3000))


@pytest.mark.slow
def test_a_plan_of_a_width_keeps_its_promise():
    found = plan_further(COUNTS, target_width=0.05, simulate=False)
    assert found.reached
    assert found.curve[1][0] == pytest.approx(profile_interval(COUNTS, simulate=False).width, rel=1e-3)
    setting = _setting(COUNTS, Bounds(), "random", 0)
    widths = profile_interval(draw(setting, np.array([found.n_labels]), 400, (5,)), simulate=False).width
    assert abs(widths.mean() - 0.05) < 4 * widths.std() / np.sqrt(400) + 0.001
    other = next(one for one in found.options if one.design == "by-verdict")
    assert other.n_labels <= found.n_labels
    assert sum(other.split.values()) == other.n_labels
    wide = plan_further(COUNTS, target_width=0.5, simulate=False)
    assert (wide.n_labels, wide.reached) == (0, True)


@pytest.mark.slow
def test_a_plan_of_a_certificate_passes_as_often_as_it_says():
    counts = Counts(2, 0, 3, 45, 500, 9500)
    found = plan_further(counts, limit=0.06, power=0.8, method="profile")
    assert found.reached
    assert not certify(counts, limit=0.06, method="profile").certified
    assert found.curve[1][0] == 0
    setting = _setting(counts, Bounds(), "random", 0)
    drawn = draw(setting, np.array([found.n_labels]), 200, (5,))
    passed = certify(drawn, limit=0.06, method="profile").certified.mean()
    assert abs(passed - 0.8) < 4 * np.sqrt(0.8 * 0.2 / 200)


@pytest.mark.slow
def test_what_is_certified_needs_no_label_and_what_is_hopeless_says_so():
    good = plan_further(Counts(2, 0, 4, 194, 300, 9700), limit=0.08, method="profile")
    assert (good.n_labels, good.value) == (0, 1.0)
    bad = plan_further(Counts(9, 1, 2, 88, 90, 910), limit=0.05, method="profile")
    assert not bad.reached
    assert "with all 1,000 items labelled" in bad.reason


@pytest.mark.parametrize(
    ("counts", "given", "said"),
    [
        (COUNTS, {}, "target_width"),
        (Counts(0, 0, 0, 0, 900, 9100), {"target_width": 0.1}, "at least one label"),
        (Counts(9, 1, 2, 88, 0, 0), {"target_width": 0.1}, "nothing to label"),
        (Counts(9.5, 1, 2, 88, 900, 9100), {"target_width": 0.1}, "whole numbers"),
        (Counts([9, 9], [1, 1], [2, 2], [88, 88], [9, 9], [91, 91]), {"target_width": 0.1}, "one data set"),
    ],
)
def test_what_cannot_be_planned_is_refused(counts, given, said):
    with pytest.raises(ValueError, match=said):
        plan_further(counts, **given)


@pytest.mark.slow
def test_the_command_goes_on_from_a_file(tmp_path, capsys):
    rows = ["judge,human,part"]
    rows += [f"{i % 8 == 0:d},{int(i % 8 == 0) if i < 80 else ''},{'ab'[i % 2]}" for i in range(800)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(rows) + "\n")
    asked = ["plan", "--given", str(file), "--judge", "judge", "--human", "human", "--interval", "chi-square"]
    assert main([*asked, "--target-width", "0.05", "--by", "part", "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert found["at_hand"]["n_labeled"] == 80
    assert [one["key"]["part"] for one in found["slices"]] == ["a", "b"]
    assert main([*asked, "--target-width", "0.3"]) == 0
    assert "80 labels at hand are enough" in capsys.readouterr().out
    assert main([*asked, "--target-width", "0.3", "--failure-rate", "0.1"]) == 2
    assert "--given stands in place" in capsys.readouterr().err
    assert main(["plan", "--target-width", "0.3"]) == 2
    assert "Missing option '--failure-rate'" in capsys.readouterr().err


def test_bounds_that_the_labels_contradict_carry_no_plan():
    with pytest.raises(ValueError, match="`bounds` are contradicted by the labels at hand"):
        plan_further(Counts(5, 5, 50, 50, 500, 500), Bounds(tpr=(0.95, 0.99)), target_width=0.1)


def test_what_is_said_of_labels_goes_with_labels(capsys):
    asked = [
        "plan",
        "--failure-rate",
        "0.1",
        "--judge-tpr",
        "0.9",
        "--judge-fpr",
        "0.1",
        "--n-unlabeled",
        "900",
    ]
    for option in ("--judge", "--human", "--by", "--failure", "--judge-failure", "--human-failure", "--pass"):
        assert main([*asked, "--target-width", "0.1", option, "x"]) == 2
        assert f"{option} goes with --given" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counts", "limit"), [((7, 0, 6, 13, 165, 1809), 0.15), ((3, 0, 0, 20, 40, 700), 0.15)]
)
def test_with_the_number_found_labels_without_a_failure_certify(counts, limit):
    """Beside few labels the likelihood ratio tells less of a certificate: two more passes were said to do."""
    plan = plan_further(Counts(*counts), limit=limit, method="profile", labels="by-verdict")
    flagged, passed = plan.split["flagged"], plan.split["passed"]
    best = Counts(*np.add(counts, (0, 0, flagged, passed, -flagged, -passed)))
    assert certify(best, limit=limit, method="profile", labels="by-verdict").certified
    assert plan.value + plan.standard_error >= 0.8
    grid = plan.curve[0]
    assert grid[0] == 0
    assert (grid[1:] > plan.n_labels).all()
