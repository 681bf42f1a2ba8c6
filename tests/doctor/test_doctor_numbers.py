"""How many labels `jaxmle doctor` asks for, and what it says of two systems."""

import json
import math
import re

import numpy as np
import pytest
from doctor_files import HEADER, doctor, finding, plain_rows, words_of, write

from benchmarks._samples import cell_rates
from jaxmle import Counts, fit, profile_interval
from jaxmle._cli import main
from jaxmle._doctor._findings import MIN_LABELS
from jaxmle._planning import first_estimate
from jaxmle._planning._label_formulas import human_power
from jaxmle._planning._precision import Precision


def test_a_limit_says_how_many_labels_it_takes(tmp_path, capsys):
    path = write(tmp_path / "f.csv", HEADER, plain_rows(3000, every=60))
    _, document = doctor(path, capsys, "--limit", "0.14")
    command = next(one for one in document["commands"] if one["command"] == "certify")
    assert not command["ready"]
    assert command["labels"] == finding(document, "limit")["labels"] > 0
    assert "--limit 0.14" in command["line"]
    _, document = doctor(path, capsys, "--limit", "0.5")
    assert all(one["ready"] for one in document["commands"])
    _, document = doctor(path, capsys, "--limit", "0.01")
    assert finding(document, "limit")["labels"] is None
    assert "no number of labels" in finding(document, "limit")["text"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "tpr", "fpr", "limit"), [(0.1, 0.9, 0.05, 0.15), (0.3, 0.8, 0.1, 0.36), (0.2, 0.6, 0.2, 0.28)]
)
def test_as_many_labels_as_it_says_certify(rate, tpr, fpr, limit):
    n, draws = 20_000, 400
    cells = cell_rates(rate, tpr, fpr)
    flags = cells[0] + cells[2]
    pilot = Counts(*(100 * cells), n * flags, n * (1 - flags))
    labels = Precision.of(pilot, external=False).labels_for(limit, 0.95)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(labels, cells, draws).T
    flagged = rng.binomial(n, flags, draws)
    counts = Counts(*drawn, flagged, n - flagged)
    upper = profile_interval(counts, confidence=0.95, side="upper", simulate=False).high
    # Four standard errors of a power of .8, and as much for what a normal approximation leaves out.
    assert abs((np.asarray(upper) < limit).mean() - 0.8) < 0.08 + 0.08


@pytest.mark.slow
def test_two_systems_can_be_compared(tmp_path, capsys):
    rows = [
        (f"q{i // 2}", "it's" if i % 2 else "$(ls)", *row[2:])
        for i, row in enumerate(plain_rows(600, every=1))
    ]
    for header in (("prompt_id", "model", "human", "judge"), ("prompt_id", "order.Model", "human", "judge")):
        _, document = doctor(write(tmp_path / "f.csv", header, rows), capsys)
        (command,) = (one for one in document["commands"] if one["command"] == "compare")
        assert command["ready"]
        assert command["line"].endswith("--id prompt_id")
        assert main([*words_of(command["line"]), "--json"]) in (0, 1)
        assert json.loads(capsys.readouterr().out)["command"] == "compare"


def test_a_system_without_labels_can_be_compared_all_the_same(tmp_path, capsys):
    rows = [
        ("ab"[i % 2], human if i % 2 else "", flag) for i, (_, _, human, flag) in enumerate(plain_rows(600))
    ]
    path = write(tmp_path / "f.csv", ("model", "human", "judge"), rows)
    _, document = doctor(path, capsys)
    (command,) = (one for one in document["commands"] if one["command"] == "compare")
    assert command["ready"]
    assert "one with no labels" in command["why"]
    assert main([*words_of(command["line"]), "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)["total"]
    assert found["difference"]["estimate"] is not None
    assert not any("not identified" in note for note in found["warnings"])
    # With rates of its own the judge says nothing of one, and what is known of the other stands there.
    assert main([*words_of(command["line"])[:-2], "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)["total"]
    assert found["difference"]["estimate"] is None
    assert found["first"]["failure_rate"] is None
    assert 0 < found["second"]["failure_rate"] < 0.3


@pytest.mark.parametrize("balanced", [False, True])
def test_certify_and_the_plan_beside_it_name_one_number(balanced, tmp_path, capsys):
    rows = plain_rows(1200, rate=0.3, every=6)
    if balanced:  # half of the failures labelled, and as many passes
        rows = [
            (name, topic, human if i % (2 if human == 1 else 18) == 0 else "", flag)
            for i, (name, topic, human, flag) in enumerate(plain_rows(1200, rate=0.1, every=1))
        ]
    path = write(tmp_path / "f.csv", HEADER, rows)
    _, document = doctor(path, capsys, "--limit", "0.4", "--confidence", "0.9")
    commands = {one["command"]: one for one in document["commands"]}
    assert document["balanced"] == balanced
    (number,) = re.findall(r"about ([\d,]+) labels of independent items", commands["certify"]["why"])
    assert f"about {number} of independent items" in commands["plan"]["why"]
    # What the plan says before it simulates.
    words = dict(zip(*[iter(words_of(commands["plan"]["line"])[1:])] * 2, strict=True))
    assert words["--confidence"] == "0.9"
    first = first_estimate(
        failure_rate=float(words["--failure-rate"]),
        judge_tpr=float(words["--judge-tpr"]),
        judge_fpr=float(words["--judge-fpr"]),
        n_unlabeled=int(words["--n-unlabeled"]),
        limit=0.4,
        confidence=0.9,
        calibration=words.get("--calibration", "internal"),
    )
    assert int(number.replace(",", "")) == max(first or 0, MIN_LABELS)


@pytest.mark.parametrize("cells", [(2, 1, 1, 16, 40, 160), (0, 0, 2, 48, 60, 940), (1, 0, 0, 9, 5, 85)])
def test_the_rate_that_is_told_is_that_of_the_estimate(cells):
    counts = Counts(*cells)
    precision = Precision.of(counts, external=False)
    assert precision.estimate == pytest.approx(fit(counts).failure_rate, abs=1e-9)
    assert precision.rate > precision.estimate  # what formulas go by is never certain


def test_no_failure_among_the_labels_is_not_taken_for_a_proof(tmp_path, capsys):
    """Fifty passes show no limit below 1 - .05^(1/50) = 5.8%, whatever the judge says."""
    counts = Counts(0, 0, 2, 48, 40, 960)
    precision = Precision.of(counts, external=False)
    assert precision.limit_in_reach(0.95) >= 0.06
    for limit in (0.03, 0.05, 0.1):
        labels = precision.labels_for(limit, 0.95)
        assert labels >= math.log(0.05) / math.log1p(-limit)
        assert human_power(labels, precision.rate, limit, 0.95) >= 0.8
    path = write(
        tmp_path / "f.csv",
        ("id", "human", "judge"),
        [(i, 0 if i < 50 else "", int(i in (3, 4) or 60 <= i < 100)) for i in range(1000)],
    )
    _, document = doctor(path, capsys, "--limit", "0.04")
    assert "for humans alone" in finding(document, "limit")["text"]
