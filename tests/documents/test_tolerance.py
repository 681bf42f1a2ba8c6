"""How far the bounds may be off before a verdict turns, and whether that would be noticed."""

import json
import re

import numpy as np
import pytest

from benchmarks._samples import cell_rates
from jaxmle import Bounds, Counts, bounds_test, fit, profile_interval
from jaxmle._cli import main
from jaxmle._documents import tolerance_note
from jaxmle._inference import LEVEL, POWER, chance_to_notice, noticed_beyond

COUNTS = (14, 3, 5, 128, 200, 1300)
GIVEN = ["--counts", ",".join(map(str, COUNTS)), "--tpr", "0.8:0.95", "--fpr", "0.02:0.06"]


def one(cells=COUNTS):
    return Counts(*(np.array([float(x)]) for x in cells))


def document(capsys, *command):
    assert main([*command, "--json"]) in (0, 1)
    return json.loads(capsys.readouterr().out)


def test_where_the_power_is_that_of_the_search_it_says_so():
    bounds = Bounds(tpr=(0.85, 0.95), fpr=(0.02, 0.08))
    found = fit(one((18, 2, 9, 171, 1350, 8650)), bounds)
    value, noticed = noticed_beyond(found, labels="random")
    assert noticed[0, 2, 1]
    off = value[0, 2, 1] - 0.08
    chance = chance_to_notice(found, off, labels="random")
    assert chance[0, 2, 1] == pytest.approx(POWER, abs=0.02)
    assert np.all(chance[0, 0] == 0)
    # An error of nothing is found no more often than the level.
    assert np.all(chance_to_notice(found, 0.0, labels="random") <= LEVEL)
    rising = np.array([chance_to_notice(found, x, labels="random")[0, 2, 1] for x in (0.01, 0.03, 0.08, 2.0)])
    assert np.all(np.diff(rising) > 0)
    assert np.all((rising >= 0) & (rising <= 1))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "failure_rate", "off"), [(200, 0.2, 0.06), (200, 0.1, 0.04), (500, 0.2, 0.05)])
def test_errors_are_noticed_as_often_as_is_said(n, failure_rate, off):
    rng = np.random.default_rng(0)
    bounds, tpr, fpr, judged = Bounds(tpr=(0.8, 0.95), fpr=(0.02, 0.08)), 0.88, 0.05, 2000

    def cells(fpr):
        return cell_rates(failure_rate, tpr, fpr)

    labeled = rng.multinomial(n, cells(0.08 + off), 400).astype(float)
    flagged = rng.binomial(judged, cells(0.08 + off)[[0, 2]].sum(), 400).astype(float)
    drawn = Counts(*labeled.T, flagged, judged - flagged)
    power = np.mean(bounds_test(drawn, bounds).p_value <= LEVEL)
    q = cells(fpr)[[0, 2]].sum()
    typical = fit(one((*(n * cells(fpr)), judged * q, judged * (1 - q))), bounds)
    said = chance_to_notice(typical, off, labels="random")[0, 2, 1]
    assert said == pytest.approx(power, abs=0.08)


def test_the_verdict_holds_just_so_far(capsys):
    found = document(capsys, "sensitivity", *GIVEN, "--limit", "0.149")["tolerance"]
    assert found["certified"] is True
    assert found["agrees"] is True
    assert found["noticed"].keys() == {"tpr.low", "tpr.high", "fpr.low", "fpr.high"}
    for shift, certified in ((-2e-4, True), (2e-4, False)):
        wider = found["margin"] + shift
        bounds = Bounds(tpr=(0.8 - wider, 0.95 + wider), fpr=(0.02 - wider, 0.06 + wider))
        upper = profile_interval(Counts(*COUNTS), bounds, side="upper", simulate=False).high
        assert (upper < 0.149) is certified
    expected = chance_to_notice(
        fit(one(), Bounds(tpr=(0.8, 0.95), fpr=(0.02, 0.06))), found["margin"], labels="random"
    )
    assert list(found["noticed"].values()) == pytest.approx(expected[0, 1:].reshape(-1).tolist())


def test_one_line_says_so_in_both_commands(tmp_path, capsys):
    pattern = (
        r"The verdict holds until the bounds on the judge are off by [\d.]+ points; with 50 labels a rate "
        r"so far outside would be noticed [\d]+ to [\d]+% of the time, depending on the bound\."
    )
    few = ["--counts", "8,2,2,38,600,3400", "--tpr", "0.7:0.9", "--fpr", "0.02:0.08"]
    assert main(["sensitivity", *few, "--limit", "0.22"]) == 0
    (line,) = re.findall(pattern, capsys.readouterr().out)
    page = tmp_path / "page.md"
    report = ["report", "--markdown", str(page)]
    assert main([*report, *few, "--limit", "0.22"]) == 0
    assert page.read_text().count(line) == 1
    # The exact test is stricter than the profile likelihood.
    assert main([*report, *GIVEN, "--limit", "0.151"]) == 1
    assert "the verdict is the other one" in page.read_text()
    assert main([*report, *GIVEN, "--interval", "chi-square"]) == 0
    assert "off by" not in page.read_text()


def test_nothing_is_said_where_nothing_can_be(capsys):
    assert document(capsys, "sensitivity", *GIVEN)["tolerance"] is None
    assert document(capsys, "sensitivity", *GIVEN[:2], "--limit", "0.2")["tolerance"] is None
    wrong = ["--counts", "40,40,40,40,500,500", "--tpr", "0.9:0.95", "--fpr", "0.02:0.06"]
    assert document(capsys, "sensitivity", *wrong, "--limit", "0.9")["tolerance"] is None
    rate = [*GIVEN[:2], "--failure-rate", "0:0.12", "--limit", "0.149"]
    assert document(capsys, "sensitivity", *rate)["tolerance"] is None
    known = [*GIVEN[:2], "--fpr", "0:0.04", "--limit", "0.149"]
    assert set(document(capsys, "sensitivity", *known)["tolerance"]["noticed"]) <= {"fpr.high"}


def test_verdicts_that_no_bound_turns(capsys):
    for limit, certified, said in (
        ("0.5", True, "However far the bounds on the judge are off"),
        ("0.05", False, "Wider bounds on the judge do not certify it either."),
    ):
        found = document(capsys, "sensitivity", *GIVEN, "--limit", limit)
        tolerance = found["tolerance"]
        assert (tolerance["margin"], tolerance["certified"]) == (None, certified)
        assert found["tipping_in_words"][0].startswith(said)


def test_words_of_every_case():
    found = {"margin": 0.0312, "certified": True, "agrees": True, "n_labeled": 1.0, "level": 0.01}
    low, high = {"tpr.low": 0.031}, {"fpr.high": 0.2}
    assert "with 1 label a rate so far outside would be noticed 3 to 20% of the time" in tolerance_note(
        found | {"noticed": low | high}
    )
    assert tolerance_note(found | {"noticed": low}).endswith("noticed 3% of the time.")
    assert tolerance_note(found | {"noticed": {"tpr.low": 1e-9}}).endswith("would hardly ever be noticed.")
    assert tolerance_note(found | {"noticed": {"tpr.low": 1e-9} | high}).endswith(
        "noticed 0 to 20% of the time, depending on the bound."
    )
    assert tolerance_note(found | {"noticed": {}}).endswith("off by 3.12 points.")
    assert "off by 100 points" in tolerance_note(found | {"noticed": {}, "margin": 1.0})
    assert tolerance_note(found | {"noticed": low, "certified": False}).startswith(
        "It would be certified with bounds on the judge that are wider by 3.12 points;"
    )
    assert "the verdict is the other one" in tolerance_note(found | {"noticed": low, "agrees": False})
