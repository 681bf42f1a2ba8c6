"""What commands say of the bounds they are given: in time, in one line, and how much they would miss."""

import json

import pytest

from jaxmle import Bounds, Counts, bounds_test, fit
from jaxmle._cli import main
from jaxmle._documents._bounds_check import bounds_note

BOUNDS = ["--tpr", "0.85:0.95", "--fpr", "0.02:0.08"]
MISSED = "An error of the bounds would be found 8 times in 10 only if"


def rows_of(counts, slices=1):
    """Verdicts that make these counts, dealt out over the slices in turn."""
    pairs = [("1", "1"), ("1", "0"), ("0", "1"), ("0", "0"), ("", "1"), ("", "0")]
    rows = [pair for pair, count in zip(pairs, counts, strict=True) for _ in range(count)]
    return "".join(f"{human},{judge},t{i % slices}\n" for i, (human, judge) in enumerate(rows))


def write(path, counts, slices=1):
    path.write_text("human,judge,topic\n" + rows_of(counts, slices))
    return [str(path), "--judge", "judge", "--human", "human"]


RIGHT = (5, 0, 3, 42, 100, 900)
# A likelihood ratio of 12: too much for the bounds, too little for a cut-off that never errs.
WRONG = (5, 1, 14, 60, 300, 1200)


def said(capsys):
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [["estimate", "--interval", "chi-square"], ["certify", "--limit", "0.5"]])
def test_bounds_that_hold_are_said_to_and_what_would_be_missed(tmp_path, capsys, command):
    data = write(tmp_path / "a.csv", RIGHT)
    assert main([command[0], *data, *command[1:], *BOUNDS]) == 0
    text = said(capsys)
    assert text.count("The data do not contradict the bounds (p > .05).") == 1
    assert text.count(MISSED) == 1
    assert main([command[0], *data, *command[1:]]) in (0, 1)
    text = said(capsys)
    assert "contradict" not in text
    assert "An error of the bounds" not in text


def test_bounds_that_cost_are_said_to(tmp_path, capsys):
    data = write(tmp_path / "a.csv", (8, 0, 0, 42, 150, 850))
    ask = ["estimate", *data, "--interval", "chi-square", "--tpr"]
    assert main([*ask, "0.5:0.7", "--json"]) == 0
    own, free = json.loads(capsys.readouterr().out)["bounds_check"]["widths"]
    with_them = fit(Counts(8, 0, 0, 42, 150, 850), Bounds(tpr=(0.5, 0.7))).interval(simulate=False)
    assert own == pytest.approx(with_them.high - with_them.low)
    assert own > 1.2 * free
    assert main([*ask, "0.5:0.7"]) == 0
    assert "The bounds cost rather than help here" in said(capsys)
    assert main([*ask, "0.85:1"]) == 0
    assert "cost rather than help" not in said(capsys)


def test_wrong_bounds_are_noticed_at_one_percent(tmp_path, capsys):
    data = write(tmp_path / "a.csv", WRONG)
    assert main(["estimate", *data, *BOUNDS, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    check = document["bounds_check"]
    assert check["contradicted"]
    assert check["slices_contradicted"] == 0
    test = bounds_test(Counts(*WRONG), Bounds(tpr=(0.85, 0.95), fpr=(0.02, 0.08)))
    assert check["p_value"] == pytest.approx(test.p_value)
    assert test.p_value < 0.01
    assert 6 < test.statistic < 16
    assert sum("the data contradict the bounds (p =" in note for note in document["total"]["warnings"]) == 1
    assert check["noticed"]["fpr"][1] > 0.08
    assert check["noticed"]["tpr"][0] is None or check["noticed"]["tpr"][0] < 0.85
    # And nothing is certified on such bounds.
    assert main(["certify", *data, *BOUNDS, "--limit", "0.9", "--method", "profile"]) == 1
    assert "so nothing is certified here" in said(capsys)


def test_slices_share_the_level_and_are_counted_in_one_line(tmp_path, capsys):
    data = write(tmp_path / "a.csv", tuple(12 * x for x in WRONG), slices=12)
    command = ["estimate", *data, *BOUNDS, "--by", "topic", "--interval", "chi-square", "--json"]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    k = document["bounds_check"]["slices_contradicted"]
    told = sum(any("contradict the bounds" in note for note in one["warnings"]) for one in document["slices"])
    assert told == k
    counted = [note for note in document["total"]["warnings"] if "slices contradict their bounds" in note]
    assert counted == ([f"{k} of 12 slices contradict their bounds"] if k else [])


def test_the_page_and_a_comparison_say_it_too(tmp_path, capsys):
    data = write(tmp_path / "a.csv", RIGHT)
    page = tmp_path / "page.md"
    assert main(["report", *data, *BOUNDS, "--interval", "chi-square", "--markdown", str(page)]) == 0
    assert page.read_text().count(MISSED) == 1
    write(tmp_path / "b.csv", WRONG)
    capsys.readouterr()
    main(["compare", data[0], str(tmp_path / "b.csv"), *data[1:], *BOUNDS])
    text = said(capsys)
    assert text.count(MISSED) == 2
    assert "second: the data contradict the bounds" in text


def test_the_note_names_what_no_number_would_reveal():
    check = {
        "level": 0.01,
        "power": 0.8,
        "p_value": 0.03,
        "contradicted": False,
        "slices_contradicted": 0,
        "bounds": {"tpr": [0.8, 0.9], "fpr": [0.0, 0.1]},
        "noticed": {"tpr": [0.5, None], "fpr": [None, None]},
        "widths": [0.1, 0.1],
    }
    assert bounds_note(check) == (
        "The data fit the bounds badly (p = 0.030; at 0.01 they would contradict them). An error of the "
        "bounds would be found 8 times in 10 only if the TPR were below 50.0%; a TPR above its bounds and an "
        "FPR above its bounds more seldom, however far off."
    )
    check["noticed"]["tpr"] = [None, None]
    assert "That says little: no error of the bounds would be found" in bounds_note(check)
