"""`jaxmle estimate --borrow`: references lend what they tell of the judge."""

import csv
import json

import numpy as np
import pytest

from jaxmle import Counts, borrow
from jaxmle._cli import main
from jaxmle._documents._borrowed import unlike_notes

COLUMNS = ["--judge", "judge", "--human", "human"]


def write(path, tpr, labelled, names, seed):
    rng = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["model", "human", "judge"])
        for name in names:
            truth = rng.random(300) < 0.3
            judge = rng.random(300) < np.where(truth, tpr, 0.08)
            rows = zip(truth, judge, strict=True)
            out.writerows([name, int(t) if i < labelled else "", int(j)] for i, (t, j) in enumerate(rows))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("borrow")
    own = write(folder / "own.csv", 0.85, 50, ["new"], 1)
    odd = write(folder / "odd.csv", 0.15, 150, ["new"], 2)
    others = write(folder / "others.csv", 0.85, 300, ["a", "[red]b[/]", "c", "d"], 3)
    return own, odd, others


def run(capsys, *words):
    status = main(["estimate", *map(str, words), *COLUMNS])
    out, err = capsys.readouterr()
    return status, out, err


def test_json_holds_what_borrow_finds(files, capsys):
    own, _, others = files
    status, out, err = run(capsys, own, "--borrow", others, "--borrow-by", "model", "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    lent = document["borrowed"]
    with others.open() as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["model"] for row in rows})
    cells = np.zeros((len(names), 4))
    for row in rows:
        cells[
            names.index(row["model"]), {"11": 0, "10": 1, "01": 2, "00": 3}[row["human"] + row["judge"]]
        ] += 1
    none = np.zeros(len(names))
    found = borrow(Counts(*document["total"]["counts"].values()), Counts(*cells.T, none, none))
    assert lent["failure_rate"]["high"] == pytest.approx(found.high, abs=1e-6)
    assert (lent["n_references"], lent["n_labeled"]) == (4, 1200)
    rate = document["total"]["failure_rate"]
    assert lent["failure_rate"]["high"] - lent["failure_rate"]["low"] < rate["high"] - rate["low"]


@pytest.mark.slow
def test_the_table_shows_both_and_bounds_of_the_rates_are_left_out(files, capsys):
    own, _, others = files
    more = ["--borrow", others, "--borrow-by", "model"]
    plain = run(capsys, own, *more, "--json")[1]
    boxed = run(capsys, own, *more, "--reference", others, "--reference-by", "model", "--json")[1]
    assert json.loads(plain)["borrowed"] == json.loads(boxed)["borrowed"]
    status, out, _ = run(capsys, own, *more)
    assert status == 0
    assert "all, borrowing" in out
    assert "Borrowing, in place of bounds on TPR and FPR: 4 references with 1,200 labels" in out


@pytest.mark.slow
def test_a_judge_unlike_the_references_is_told(files, capsys):
    _, odd, others = files
    out = run(capsys, odd, "--borrow", others, "--borrow-by", "model")[1]
    assert "the judge is probably not as in the references, in the TPR" in " ".join(out.split())
    own = run(capsys, files[0], "--borrow", others, "--borrow-by", "model")[1]
    assert "probably not as" not in own


def test_labels_that_cannot_show_another_judge_are_told():
    lent = {"exchangeable": {"tpr": 0.85, "fpr": 0.99}}
    assert unlike_notes(lent, Counts(3, 1, 2, 44, 90, 910)) == []
    [note] = unlike_notes(lent, Counts(0, 0, 1, 49, 20, 980))
    assert note.startswith("no label of your own is a failure: the TPR is that of the references")
    [note] = unlike_notes(lent, Counts(30, 20, 0, 0, 900, 100))
    assert note.startswith("no label of your own is a pass: the FPR is that of the references")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--borrow-by", "model"], "--borrow-by goes with --borrow"),
        (["--borrow", "others.csv", "--by", "model"], "--borrow is for one data set"),
        (["--borrow", "others.csv", "--target", "items"], "--borrow goes with a FILE"),
        (["--borrow", "no.csv"], "no.csv"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(files, capsys, monkeypatch, more, words):
    monkeypatch.chdir(files[0].parent)
    status, out, err = run(capsys, "own.csv", *more)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_references_without_labels_are_refused(files, capsys, tmp_path):
    bare = write(tmp_path / "bare.csv", 0.8, 0, ["a"], 4)
    status, _, err = run(capsys, files[0], "--borrow", bare)
    assert status == 2
    assert "--borrow" in err
