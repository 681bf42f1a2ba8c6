"""Files as people have them: doctor's next command gives the right number, or one line says what to do."""

import json
import shlex

import pytest
from doctor_files import doctor, finding, words_of

from jaxmle._cli import main

# What the next command finds: a rate within these limits; and the six counts.
ANSWERS = {
    "bad_model_passed.csv": (0.88, 0.92, [131, 4, 0, 15, 1625, 225]),
    "graded03.csv": (0.17, 0.21, None),
    "langfuse_scores.csv": (0.14, 0.15, None),
    "langfuse_same_column.csv": (0.14, 0.15, None),
    "promptfoo_rated.json": (0.15, 0.17, [9, 4, 1, 66, 10, 70]),
    "raters.csv": (0.55, 0.65, [2, 0, 0, 1, 1, 1]),
    "zero_of_50.csv": (0.0, 0.0, [0, 0, 0, 50, 0, 1000]),
    "ansi_in_value.csv": (1.0, 1.0, [1, 0, 0, 0, 0, 0]),
    "quote_in_nested_name.jsonl": (1.0, 1.0, [1, 0, 0, 0, 0, 0]),
    "promptfoo_grading_result.jsonl": (0.5, 0.5, [0, 1, 0, 1, 0, 0]),
    "promptfoo_named_scores.jsonl": (0.5, 0.5, [0, 1, 0, 1, 0, 0]),
    "weights_no_maximum.csv": (0.5, 0.5, [1, 1, 1, 1, 1, 1]),
    "epochs_p.eval": (0.14, 0.16, [18, 0, 0, 72, 36, 234]),
}
COUNTS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
WAYS_OUT = {
    "garak.csv": ("no human", "'human' is empty: fill it in"),
    "garak_bounds.csv": ("no judge", "--bounds garak_bounds.csv --by probe"),
    "inspect_labels.csv": ("no judge", "--human-file inspect_labels.csv --id id --id epoch --human human"),
}


@pytest.fixture
def cases(shared, monkeypatch):
    folder = shared / "cases"
    if not folder.is_dir():
        pytest.skip("the folder of cases is not beside the project")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", ANSWERS)
def test_the_next_command_is_right(name, cases, capsys):
    if name.endswith(".eval"):
        pytest.importorskip("inspect_ai")
    _, document = doctor(name, capsys)
    assert document["commands"][0]["ready"]
    assert main([*words_of(document["next"]), "--json"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    low, high, counts = ANSWERS[name]
    assert low <= round(total["failure_rate"]["estimate"], 6) <= high
    assert counts is None or [document["counts"][one] for one in COUNTS] == counts


@pytest.mark.parametrize("name", WAYS_OUT)
def test_what_cannot_be_answered_says_what_to_do(name, cases, capsys):
    status, document = doctor(name, capsys)
    topic, said = WAYS_OUT[name]
    assert (status, finding(document, topic)["level"]) == (1, "blocks")
    assert said in finding(document, topic)["text"]


def test_a_file_in_another_encoding_says_so_in_one_line(cases, capsys):
    assert main(["doctor", "latin1_unused_column.csv"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "line 2 is not UTF-8 text; save the file as UTF-8" in said


def test_every_case_is_among_these(cases):
    known = {*ANSWERS, *WAYS_OUT, "latin1_unused_column.csv"}
    assert {path.name for path in cases.iterdir()} <= known


def test_bounds_and_labels_go_beside_the_files_as_doctor_says(cases, capsys):
    _, document = doctor("garak_bounds.csv", capsys)
    line = finding(document, "no judge")["text"].partition(", as ")[2]
    judged = ["estimate", "garak.csv", "--judge", "hit", "--human", "human"]
    assert main([*judged, *shlex.split(line), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["slices"]) == 4
    pytest.importorskip("inspect_ai")
    _, document = doctor("inspect_labels.csv", capsys)
    words = shlex.split(finding(document, "no judge")["text"].partition("judge's, as ")[2])
    _, document = doctor("epochs_p.eval", capsys, *words)
    assert sum(document["counts"][one] for one in COUNTS[:4]) == 30
