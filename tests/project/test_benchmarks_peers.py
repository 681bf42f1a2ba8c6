"""The comparison with other programs: what it prints are the answers, and the same ones for all."""

import csv
from typing import Any

import numpy as np
import pytest

from benchmarks import _peers_known, _peers_programs, _peers_report, _process, peers

ROWS = peers.OUT / "peers.csv"


def committed():
    lines = ROWS.read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_counting_verdicts_gives_the_counts_they_were_made_of():
    for case, counts in _peers_known.COUNTS.items():
        np.testing.assert_array_equal(_peers_programs.counted(*_peers_known.items(case)), counts)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("NumPy, closed form", 1e-9),
        ("scipy L-BFGS-B, one by one", 1e-6),
        ("jaxmle", 1e-9),
        ("jaxmle, bounds", 1e-9),
    ],
)
def test_programs_give_the_answers_recorded_apart(name, tolerance):
    cases, gap = _peers_known.difference("estimate", name, peers.TASKS["estimate"][name])
    assert cases == 3
    assert gap < tolerance


def test_a_slice_that_is_refused_counts_as_missed():
    def estimate(human, judge):
        if judge.sum() == 0:
            raise ValueError
        return 0.5, 0.4, 0.6

    data = np.zeros((3, 4)), np.array([[0.0] * 4, [1.0] * 4, [1.0] * 4])
    answer = _peers_programs.one_by_one(estimate)(data)()
    found = peers._against_truth(answer, np.array([0.5, 0.5, 0.7]))
    assert found["refused"] == 1
    assert found["coverage"] == pytest.approx(1 / 3)
    assert found["width"] == pytest.approx(0.2)


def test_a_row_is_a_process_of_its_own():
    found, reason = _process.row("benchmarks.peers", "estimate", "NumPy, closed form", True)
    assert reason == ""
    assert found["estimate"] == pytest.approx(0.3825061979, abs=1e-9)
    assert found["known_difference"] < 1e-9
    found, reason = _process.row("benchmarks.peers", "estimate", "no such program", True)
    assert found is None
    assert "KeyError" in reason


def test_committed_answers_are_those_recorded_apart():
    rows = [row for row in committed() if row["known_difference"]]
    recorded = {(task, name) for task, answers in _peers_known.ANSWERS.items() for name in answers}
    assert {(row["task"], row["program"]) for row in rows} == recorded
    for row in rows:
        limit = 1e-6 if "scipy" in row["program"] else 1e-8
        assert float(row["known_difference"]) < limit, row["program"]


def test_committed_rows_are_of_one_question():
    rows = committed()
    likely = [row for row in rows if row["program"] in ("NumPy, closed form", "jaxmle")]
    for task in ("estimate", "resamples"):
        points = [float(row["estimate"]) for row in likely if row["task"] == task]
        assert len(points) == 2
        assert points[0] == pytest.approx(points[1], abs=1e-8)
    on_file = [float(row["estimate"]) for row in rows if row["task"] == "file" and row["low"]]
    assert max(on_file) - min(on_file) < 5e-4


def test_report_has_every_row_and_says_what_is_missing(capsys):
    _peers_report.report(ROWS)
    printed = capsys.readouterr().out
    for row in committed():
        assert f"| {row['program']}" in printed
    assert "no: no command line" in printed
    widths: dict[Any, Any] = {}
    for block in printed.split("\n\n"):
        for line in block.splitlines():
            if line.startswith("|"):
                widths.setdefault(block, set()).add(line.replace("\\*", "").count("|"))
    assert all(len(found) == 1 for found in widths.values())
