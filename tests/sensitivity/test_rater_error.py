"""How often humans err, from two of them: the set that disagreement leaves open holds what is true."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from jaxmle import Counts, rater_error
from jaxmle._cli import main
from jaxmle._documents._human_error import _combined
from jaxmle._sensitivity import true_rate


def shares(rate, missed, alarms):
    """Shares of items that both of two raters call failures, one alone, the other alone, and neither."""
    one = rate * missed * (1 - missed) + (1 - rate) * alarms * (1 - alarms)
    both = rate * (1 - missed) ** 2 + (1 - rate) * alarms**2
    return np.array([both, one, one, 1 - both - 2 * one])


def found(cells, **more):
    none = np.zeros_like(cells[0])
    return rater_error(Counts(*cells, none, none), **more)


@pytest.mark.parametrize("rate", [0.03, 0.2, 0.6])
@pytest.mark.parametrize(("missed", "alarms"), [(0.2, 0.0), (0.0, 0.08), (0.15, 0.05), (0.04, 0.04)])
def test_the_set_of_a_very_large_sample_holds_the_truth_and_no_more(rate, missed, alarms):
    cells = np.round(1e12 * shares(rate, missed, alarms))
    said = found(cells)
    labeled = rate * (1 - missed) + (1 - rate) * alarms
    low = true_rate(labeled, 0.0, said.most_false_alarms)
    high = true_rate(labeled, said.most_missed, 0.0)
    assert low - 1e-6 <= rate <= high + 1e-6
    assert missed <= said.most_missed + 1e-6
    assert alarms <= said.most_false_alarms + 1e-6
    if not missed or not alarms:  # an end of the set
        assert min(rate - low, high - rate) == pytest.approx(0, abs=1e-5)
    if missed == alarms:
        assert said.rate == pytest.approx(missed, abs=1e-6)
    # Each end of the set makes the very same table, so that no data could tell it from the truth.
    for theta, a, b in ((low, 0.0, said.most_false_alarms), (high, said.most_missed, 0.0)):
        np.testing.assert_allclose(shares(theta, a, b), shares(rate, missed, alarms), atol=1e-6)


def test_limits_hold_as_often_as_they_say():
    rng = np.random.default_rng(3)
    n, size = 120, 2000
    for missed, alarms, name in ((0.12, 0.0, "missed"), (0.0, 0.05, "false_alarms")):
        tables = rng.multinomial(n, shares(0.15, missed, alarms), size)
        limits = np.array([getattr(found(cells), name)[1] for cells in tables])
        wrong = (limits < max(missed, alarms)).mean()
        assert wrong <= 0.025 + 4 * np.sqrt(0.025 / size)
    tables = rng.multinomial(n, shares(0.15, 0.06, 0.06), size)
    inside = np.mean([one.low <= 0.06 <= one.high for one in map(found, tables)])
    assert inside >= 0.95 - 4 * np.sqrt(0.05 / size)


def test_the_test_of_equal_raters_is_exact():
    assert found([4, 5, 0, 40]).p_value == pytest.approx(2 * 0.5**5)
    assert found([4, 3, 3, 40]).p_value == 1
    assert found([4, 0, 0, 40]).p_value == 1
    assert found([4, 0, 0, 40]).rate == 0
    none = found([2, 20, 20, 2])
    assert (none.rate, none.high) == (None, 0.5)
    assert "no common rate" in str(none)


@pytest.mark.parametrize("cells", [[0, 0, 0, 0], [1.5, 1, 1, 9]])
def test_what_is_no_table_is_refused(cells):
    with pytest.raises(ValueError, match="whole numbers of items that both labelled"):
        found(cells)
    with pytest.raises(ValueError, match="of a pair, or of several"):
        rater_error(Counts(*np.ones((6, 2, 2))))


def pairs_of(said):
    """Cells of each pair of raters, shape ``(P, 4)``."""
    pairs = combinations(np.asarray(said, bool), 2)
    return np.array([[(a & b).sum(), (a & ~b).sum(), (~a & b).sum(), (~a & ~b).sum()] for a, b in pairs])


def test_limits_of_three_raters_hold_and_are_tighter():
    rng = np.random.default_rng(4)
    n, size = 120, 800
    for missed, alarms, name in ((0.12, 0.0, "missed"), (0.0, 0.05, "false_alarms")):
        limits, of_two = np.zeros(size), np.zeros(size)
        for i in range(size):
            truth = rng.random(n) < 0.15
            cells = pairs_of(rng.random((3, n)) < np.where(truth, 1 - missed, alarms))
            limits[i] = getattr(found(cells.T), name)[1]
            of_two[i] = getattr(found(cells[0]), name)[1]
        assert (limits < max(missed, alarms)).mean() <= 0.025 + 4 * np.sqrt(0.025 / size)
        assert limits.std() < of_two.std()
    assert found(np.array([[4, 4, 4], [5, 0, 0], [0, 0, 0], [40, 40, 40]])).p_value == 3 * 2 * 0.5**5


@pytest.mark.parametrize("rule", ["any", "all", "majority", "2", "3"])
def test_rates_of_the_label_of_three_are_those_of_the_rule(rule):
    rng = np.random.default_rng(0)
    size, missed, alarms = 400_000, 0.2, 0.1
    truth = rng.random(size) < 0.5
    votes = (rng.random((3, size)) < np.where(truth, 1 - missed, alarms)).sum(0)
    label = votes >= {"any": 1, "all": 3, "majority": 2}.get(rule, int(rule) if rule.isdecimal() else 0)
    expected = _combined(missed, alarms, rule, {3: 1.0})
    assert 1 - label[truth].mean() == pytest.approx(expected[0], abs=0.005)
    assert label[~truth].mean() == pytest.approx(expected[1], abs=0.005)


def test_the_command_learns_errors_from_three_raters(twice, capsys):
    rng = np.random.default_rng(2)
    path = Path("rows.csv")
    first, *lines = path.read_text().split()
    bob = [int(line[-1]) for line in lines]
    eve = [one if rng.random() > 0.08 else 1 - one for one in bob]
    rows = [f"{first},eve", *(f"{line},{one}" for line, one in zip(lines, eve, strict=True))]
    path.write_text("\n".join(rows) + "\n")
    asked = ["estimate", "rows.csv", *COLUMNS, "--human", "eve", "--interval", "chi-square"]
    asked += ["--human-error", "agreement", "--human-combine"]
    assert main([*asked, "majority", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    learnt = document["settings"]["human_error"]["agreement"]
    assert (learnt["raters"], learnt["n_both"]) == (["ann", "bob", "eve"], 400)
    raters = document["panel"]["raters"]
    assert 0.5 < raters["kappa"]["low"] < raters["kappa"]["estimate"] < raters["kappa"]["high"] < 1
    allowed = document["total"]["human_error"]
    assert allowed["low"] < twice < allowed["high"]
    # What most say is wrong more seldom than what any of them says.
    wrong = document["settings"]["human_error"]["false_alarms"][1]
    assert main([*asked, "any"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ann, bob and eve differ on" in shown
    assert "of pairs of labels of the same item, 400 items." in shown
    assert "Fleiss' kappa" in shown
    assert main([*asked, "any", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["human_error"]["false_alarms"][1] > 2 * wrong


@pytest.mark.parametrize("rule", ["any", "all"])
def test_rates_of_the_label_of_two_are_those_of_the_rule(rule):
    rng = np.random.default_rng(0)
    size, missed, alarms, both = 400_000, 0.2, 0.1, 0.7
    truth = rng.random(size) < 0.5
    said = rng.random((2, size)) < np.where(truth, 1 - missed, alarms)
    alone = rng.random(size) > both
    label = np.where(alone, said[0], said.any(0) if rule == "any" else said.all(0))
    expected = _combined(missed, alarms, rule, {1: 1 - both, 2: both})
    assert 1 - label[truth].mean() == pytest.approx(expected[0], abs=0.005)
    assert label[~truth].mean() == pytest.approx(expected[1], abs=0.005)


@pytest.fixture
def twice(tmp_path, monkeypatch):
    """Two raters with known errors, 400 items, the judge right in nine of ten."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    truth = rng.random(400) < 0.3
    said = [np.where(truth, rng.random(400) > 0.06, rng.random(400) < 0.06).astype(int) for _ in range(2)]
    judge = np.where(rng.random(400) < 0.9, truth, ~truth).astype(int)
    lines = [f"{i},{j},{a},{b}" for i, (j, a, b) in enumerate(zip(judge, *said, strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(["id,judge,ann,bob", *lines]) + "\n")
    return float(truth.mean())


COLUMNS = ["--judge", "judge", "--human", "ann", "--human", "bob"]


@pytest.mark.parametrize("rule", ["any", "all"])
def test_the_command_learns_errors_from_two_raters(twice, capsys, rule):
    asked = ["estimate", "rows.csv", *COLUMNS, "--human-combine", rule, "--interval", "chi-square"]
    assert main([*asked, "--human-error", "agreement", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    learnt = document["settings"]["human_error"]["agreement"]
    assert (learnt["raters"], learnt["rule"], learnt["n_both"]) == (["ann", "bob"], rule, 400)
    assert learnt["low"] < 0.06 < learnt["high"]
    low, high = document["total"]["human_error"]["estimates"]
    assert low < twice < high
    # At the equal rate both rules come to the same.
    equal = true_rate(document["total"]["failure_rate"]["estimate"], *learnt["labels_if_equal"])
    assert equal == pytest.approx(twice, abs=0.03)
    assert main([*asked, "--human-error", "agreement"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ann and bob differ on" in shown
    assert "That they err independently and equally often is assumed." in shown


def test_a_certificate_is_of_the_worst_that_agreement_leaves_open(twice, capsys):
    asked = ["certify", "rows.csv", *COLUMNS, "--human-combine", "any", "--method", "profile"]
    assert main([*asked, "--limit", "0.6", "--human-error", "agreement", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["human_error"]["false_alarms"][1] > 0.06
    assert document["settings"]["labeled_limit"] < 0.6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--judge", "judge", "--human", "ann"], "of several raters: name their columns"),
        ([*COLUMNS, "--human-combine", "any", "--calibration", "external"], "not with external"),
        ([*COLUMNS, "--human-combine", "any", "--cluster", "id"], "items that stand alone"),
        (["--judge", "judge", "--human", "ann", "--human", "none", "--human-combine", "any"], "no item was"),
    ],
)
def test_where_two_raters_do_not_tell_it_is_said(twice, capsys, tmp_path, options, said):
    text = (tmp_path / "rows.csv").read_text().splitlines()
    (tmp_path / "rows.csv").write_text("\n".join([f"{text[0]},none", *(f"{line}," for line in text[1:])]))
    assert main(["estimate", "rows.csv", *options, "--human-error", "agreement"]) == 2
    assert said in capsys.readouterr().err
