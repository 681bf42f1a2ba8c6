"""`certify --look` and `--anytime`: what goes together, and what is said of it."""

import json

import pytest

from jaxmle import Counts, Looks, certify, confidence_sequence
from jaxmle._cli import main

SIX = ["--counts", "4,0,4,192,380,9620", "--limit", "6%"]
COUNTS = Counts(4, 0, 4, 192, 380, 9620)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--look", "2"], "--look and --of go together"),
        (["--spending", "pocock"], "--look and --of go together"),
        (["--look", "3", "--of", "2"], "--look must be at most --of"),
        (["--look", "2", "--of", "5", "--spending", "linear"], "--spending must be one of"),
        (["--look", "2", "--of", "5", "--information", "half"], "--information must be shares"),
        (["--look", "2", "--of", "5", "--information", "0.5"], "increasing to at most 1"),
        (["--look", "2", "--of", "5", "--anytime"], "--anytime needs no number of looks"),
        (["--anytime", "--labels", "by-verdict"], "drawn at random"),
        (["--look", "2", "--of", "5", "--adjustment", "benjamini-hochberg"], "none or holm"),
        (
            ["--anytime", "--adjustment", "benjamini-hochberg"],
            "--anytime goes with --adjustment none or holm",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said, capsys):
    assert main(["certify", *SIX, *options]) == 2
    assert said in capsys.readouterr().err


def test_a_look_spends_its_share(capsys):
    assert main(["certify", *SIX, "--method", "profile", "--look", "2", "--of", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    same = certify(COUNTS, limit=0.06, method="profile", looks=Looks(2, 5))
    assert found["settings"]["looks"]["level"] == pytest.approx(Looks(2, 5).level(0.05))
    assert found["total"]["p_value"] == same.p_value
    assert found["total"]["upper_limit"] == same.upper_limit


def test_a_limit_at_any_time_stands_beside_that_of_one_time(capsys):
    assert main(["certify", *SIX, "--anytime", "--json"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    same = confidence_sequence(COUNTS, limit=0.06)
    assert total["upper_limit"] == same.upper_limit
    assert total["p_value"] == pytest.approx(1 / same.e_value + 0.1 * 0.05)
    assert total["upper_limit_once"] < total["upper_limit"]
    assert main(["certify", *SIX, "--anytime"]) == 0
    assert "at any time" in capsys.readouterr().out
