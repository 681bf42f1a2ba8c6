"""Human labels that err: the set of rates that they leave open, and the verdict on it."""

import json

import numpy as np
import pytest

from jaxmle import Counts, certify, human_error, profile_interval
from jaxmle._cli import main
from jaxmle._cli._gate import Refused, gate
from jaxmle._sensitivity import labeled_limit, true_rate

COUNTS = Counts(9, 1, 2, 88, 900, 9100)


def test_the_rate_of_labels_is_turned_back():
    rng = np.random.default_rng(0)
    truth, missed, alarms = rng.uniform(0, 1, 50), 0.2, 0.1
    labeled = truth * (1 - missed) + (1 - truth) * alarms
    np.testing.assert_allclose(true_rate(labeled, missed, alarms), truth, atol=1e-12)
    assert true_rate(0.05, 0.0, 0.1) == 0
    assert true_rate(0.95, 0.1, 0.0) == 1


def test_the_set_holds_all_rates_of_error_and_ends_at_two_of_them():
    interval = profile_interval(COUNTS, simulate=False)
    found = human_error(interval, missed=(0.02, 0.2), false_alarms=(0.01, 0.04))
    inside = [
        (true_rate(interval.low, a, b), true_rate(interval.high, a, b))
        for a in np.linspace(0.02, 0.2, 12)
        for b in np.linspace(0.01, 0.04, 12)
    ]
    low, high = np.array(inside).T
    assert found.low == pytest.approx(low.min())
    assert found.high == pytest.approx(high.max())
    assert found.estimates[0] < interval.estimate < found.estimates[1]
    right = human_error(interval)
    assert (right.low, right.high) == (interval.low, interval.high)
    assert not found.contradicted
    assert human_error(interval, false_alarms=(0.5, 0.6)).contradicted
    nothing = human_error(profile_interval(Counts(0, 0, 0, 0, 100, 900), simulate=False), missed=0.1)
    assert (nothing.identified, str(nothing)[:14]) == (False, "not identified")
    # Humans who miss three failures in ten cannot call nine in ten failures.
    failing = profile_interval(Counts(90, 2, 2, 3, 0, 0), simulate=False)
    assert human_error(failing, missed=(0.3, 0.4)).contradicted
    assert not human_error(failing, missed=(0.0, 0.4)).contradicted


def test_intervals_cover_the_true_rate_whatever_the_errors_within_the_ranges():
    rng = np.random.default_rng(5)
    rate, missed, alarms, tpr, fpr, size = 0.1, 0.15, 0.02, 0.85, 0.06, 300
    # The judge errs more often where humans do: its rates are others for items that are labelled wrongly.
    cells = np.array(
        [
            rate * (1 - missed) * tpr + (1 - rate) * alarms * 0.5,
            rate * (1 - missed) * (1 - tpr) + (1 - rate) * alarms * 0.5,
            rate * missed * 0.4 + (1 - rate) * (1 - alarms) * fpr,
            rate * missed * 0.6 + (1 - rate) * (1 - alarms) * (1 - fpr),
        ]
    )
    labeled = rng.multinomial(150, cells, size).T
    flagged = rng.binomial(5000, cells[0] + cells[2], size)
    interval = profile_interval(Counts(*labeled, flagged, 5000 - flagged), simulate=False)
    known = human_error(interval, missed=missed, false_alarms=alarms)
    within = human_error(interval, missed=(0.0, 0.2), false_alarms=(0.0, 0.03))
    covers = np.mean((known.low <= rate) & (rate <= known.high))
    assert covers > 0.95 - 3 * np.sqrt(0.95 * 0.05 / size)
    assert np.mean((within.low <= rate) & (rate <= within.high)) >= covers
    naive = np.mean((interval.low <= rate) & (rate <= interval.high))
    assert naive <= covers + 0.02


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"missed": (0.2, 0.1)}, "`missed` must be"),
        ({"missed": 1.0}, "`missed` must be"),
        ({"false_alarms": (0.1, 0.2, 0.3)}, "`false_alarms` must be"),
        ({"missed": 0.6, "false_alarms": 0.5}, "less than 1"),
    ],
)
def test_rates_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        human_error(profile_interval(COUNTS, simulate=False), **given)
    with pytest.raises(TypeError, match="interval"):
        human_error(COUNTS)


@pytest.mark.slow
def test_verdicts_are_those_at_the_limit_that_labels_must_meet(capsys):
    six = ["--counts", "4,0,4,192,380,9620", "--method", "profile"]
    main(["certify", *six, "--limit", "0.04", "--human-error", "0:0.1,0:0.01", "--json"])
    found = json.loads(capsys.readouterr().out)
    limit = labeled_limit(0.04, (0.0, 0.1), (0.0, 0.01))
    assert limit == pytest.approx(0.036)
    same = certify(Counts(4, 0, 4, 192, 380, 9620), limit=limit, method="profile")
    assert found["total"]["p_value"] == same.p_value
    assert found["certified"] == bool(same.certified)
    assert found["total"]["upper_limit"] == pytest.approx(same.upper_limit / 0.9)
    assert found["settings"]["limit"] == 0.04
    assert found["total"]["human_error"]["certified_if_right"]
    # Errors that are large enough turn a pass into a fail.
    assert main(["certify", *six, "--limit", "0.04"]) == 0
    assert main(["certify", *six, "--limit", "0.04", "--human-error", "0:0.4,0"]) == 1
    assert "With labels that are right" in capsys.readouterr().out


def test_errors_that_the_labels_rule_out_certify_nothing(capsys, tmp_path):
    """Four failures among 200 labels, where one false alarm in ten would make twenty."""
    asked = ["--counts", "4,0,4,192,380,9620", "--limit", "0.01", "--human-error", "0,0.1", "--json"]
    assert main(["certify", *asked]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["certified"], found["total"]["certified"], found["total"]["upper_limit"]) == (
        False,
        False,
        1,
    )
    assert "nothing is certified here" in found["total"]["warnings"][-1]
    page = tmp_path / "report.md"
    main(["report", *asked[:4], "--method", "profile", *asked[4:6], "--markdown", str(page)])
    assert "so nothing is certified here" in page.read_text()


def test_estimates_and_reports_say_it_in_a_line(capsys, tmp_path):
    six = ["--counts", "9,1,2,88,900,9100", "--interval", "chi-square"]
    assert main(["estimate", *six, "--human-error", "0:0.1"]) == 0
    shown = capsys.readouterr().out
    assert "If humans miss 0% to 10% of the failures" in shown
    # The first line is what holds, not what labels taken for right would say.
    assert main(["estimate", *six, "--human-error", "0:0.1", "--json"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    low, high = (f"{100 * rate:.2f}%" for rate in total["human_error"]["estimates"])
    assert shown.startswith(f"Failure rate {low} to {high}, 95% interval ")
    assert "human error allowed for" in " ".join(shown.split()).partition("Failure: ")[0]
    assert list(total).index("human_error") < list(total).index("failure_rate")
    page = tmp_path / "report.md"
    asked = ["--limit", "0.2", "--method", "profile", "--human-error", "0:0.1,0", "--markdown", str(page)]
    assert main(["report", *six, *asked]) == 0
    head = page.read_text().splitlines()
    assert head[0] == "# Certified: the failure rate is below 20.00%, human error allowed for"
    assert "(profile, human error allowed for)." in page.read_text()
    assert "--human-error 0:0.1,0" in page.read_text()
    # The exit status is that of labels that err, as `certify` has it.
    asked = ["--limit", "0.13", "--method", "profile", "--markdown", str(page)]
    assert main(["report", *six, *asked]) == 0
    assert main(["report", *six, *asked, "--human-error", "0:0.3,0"]) == 1
    head = page.read_text().splitlines()
    assert head[0] == "# Not certified: below 13.00% is not shown, human error allowed for"
    assert "Verdict: fail, upper limit 16." in page.read_text()
    assert main(["estimate", *six, "--human-error", "0:0.1", "--calibration", "external"]) == 2
    assert main(["estimate", *six, "--human-error", "0.6"]) == 2


def test_the_first_line_and_the_status_are_those_of_labels_that_err_everywhere(capsys, tmp_path):
    """Certified if the labels are right, and not if they miss a fifth of the failures."""
    asked = ["--counts", "4,0,4,192,380,9620", "--limit", "3.7%", "--method", "profile"]
    asked += ["--human-error", "0:0.2,0"]
    page, card, junit = (str(tmp_path / name) for name in ("page.md", "card.svg", "junit.xml"))
    assert main(["certify", *asked, "--junit", junit, "--annotations"]) == 1
    shown = capsys.readouterr()
    said = "failure rate 1.90% to 2.38%"
    assert shown.out.startswith(f"NOT CERTIFIED: below 3.70% is not shown ({said}, upper limit 4.00%")
    assert shown.err.startswith("::error title=Not certified")
    assert said.replace("%", "%25") in shown.err
    text = (tmp_path / "junit.xml").read_text()
    assert 'failures="1"' in text
    assert said in text
    assert 'name="human error"' in text
    assert main(["report", *asked, "--markdown", page, "--card", card, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    total = found["certificate"]["total"]
    assert (found["certified"], found["certificate"]["certified"], total["certified"]) == (
        False,
        False,
        False,
    )
    assert total["human_error"]["certified_if_right"]
    assert (tmp_path / "page.md").read_text().startswith("# Not certified: below 3.70% is not shown")
    assert "<dc:title>Not certified" in (tmp_path / "card.svg").read_text()
    with pytest.raises(Refused, match="NOT CERTIFIED"):
        gate(None, {"counts": asked[1], "limit": 0.037, "method": "profile", "human_error": "0:0.2,0"})
    assert main(["certify", *asked[:4], "--anytime", *asked[-2:], "--json"]) == 1
    once = json.loads(capsys.readouterr().out)["total"]["upper_limit_once"]
    assert once == pytest.approx(total["upper_limit"])


def test_a_mix_allows_for_it_too(capsys, tmp_path):
    """With one slice that holds everything the mix is the total."""
    rows = [f"{i % 8 < 2},{i % 9 < 2 if i < 240 else ''},a" for i in range(900)]
    (tmp_path / "rows.csv").write_text("\n".join(["judge,human,topic", *rows, ""]))
    (tmp_path / "mix.csv").write_text("topic,share\na,1\n")
    asked = ["estimate", str(tmp_path / "rows.csv"), "--judge", "judge", "--human", "human", "--by", "topic"]
    asked += ["--interval", "chi-square", "--human-error", "0:0.2", "--mix", str(tmp_path / "mix.csv")]
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    mix, total = (one["human_error"] for one in (found["mix"], found["total"]))
    assert mix["estimates"] == pytest.approx(total["estimates"])
    assert mix["high"] == pytest.approx(total["high"], rel=0.02)
    assert main(asked) == 0
    lines = capsys.readouterr().out.splitlines()
    low, high = (f"{value:.2%}" for value in mix["estimates"])
    assert any(line.startswith(f"Mix of slices {low} to {high}, 95% interval") for line in lines)


def test_a_page_of_slices_allows_for_it_in_every_column_that_is_of_the_rate(capsys, tmp_path):
    rows = [f"{i % 8 < 2},{i % 9 < 2 if i < 240 else ''},{'ab'[i % 2]}" for i in range(900)]
    (tmp_path / "rows.csv").write_text("\n".join(["judge,human,topic", *rows, ""]))
    page = tmp_path / "page.md"
    asked = [str(tmp_path / "rows.csv"), "--judge", "judge", "--human", "human", "--by", "topic"]
    asked += ["--limit", "0.4", "--method", "profile", "--human-error", "0:0.2,0:0.02"]
    main(["certify", *asked, "--json"])
    record = json.loads(capsys.readouterr().out)["slices"][0]
    main(["report", *asked, "--interval", "chi-square", "--markdown", str(page)])
    text = page.read_text()
    line = next(line for line in text.splitlines() if line.startswith("| a |"))
    low, high = (f"{value:.2%}" for value in record["human_error"]["estimates"])
    assert f"| {low} to {high} |" in line
    assert f"| {record['upper_limit']:.2%} |" in line
    assert "The human verdict is the truth" not in text
    assert "Humans call 0.00% to 20.00% of the failures passes" in text
