"""What becomes of rows, slices and options that cannot be used: said by name, never silently nothing."""

import json

import pytest

from jaxmle import tables
from jaxmle._cli import main

NAMES = {"judge": "judge", "human": "human"}
OPTIONS = ["--judge", "judge", "--human", "human", "--interval", "chi-square", "--json"]


def write(path, content):
    path.write_text(content)
    return str(path)


def document(capsys, *arguments):
    assert main(["estimate", *arguments, *OPTIONS]) == 0
    return json.loads(capsys.readouterr().out)


def trouble(capsys, *arguments):
    assert main(["estimate", *arguments, *OPTIONS]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_slices_without_a_judge_verdict_are_said_and_counted(tmp_path, capsys):
    path = write(tmp_path / "a.csv", "judge,human,s\n,1,z\n,1,z\n1,1,a\n0,0,a\n,,y\n")
    whole, parts = document(capsys, path), document(capsys, path, "--by", "s")
    assert whole["total"]["unjudged"] == parts["total"]["unjudged"] == {"n_labeled": 2, "failure_rate": 1.0}
    assert parts["total"]["warnings"][:1] == whole["total"]["warnings"][:1] != []
    assert [one["key"] for one in parts["slices"]] == [{"s": "a"}]
    assert any("no estimate: s = 'y'; s = 'z'" in note for note in parts["total"]["warnings"])


@pytest.mark.slow
def test_minus_one_is_no_label_but_no_verdict_of_a_judge(tmp_path, capsys):
    path = write(tmp_path / "a.csv", "judge,human\n1,-1\n0,1\n-1,1\n")
    assert "row 3 of" in trouble(capsys, path)
    table = tables.count(path, **NAMES, on_invalid="drop")
    assert tuple(int(value) for value in table.total.values()) == (0, 1, 0, 0, 1, 0)
    path = write(tmp_path / "b.csv", "judge,human\nrefusal,refusal\n-1,refusal\n")
    assert "judge is '-1'" in trouble(capsys, path, "--failure", "refusal")
    for word in ("NA", "N/A", "null", "None", "nan", ""):
        table = tables.count([{"judge": 1, "human": word}, {"judge": word, "human": 1}], **NAMES)
        assert table.dropped == {"no judge verdict": 1}
        assert table.total.n_labeled == 0


@pytest.mark.parametrize("weight", ["1e-300", "1e200", "1e400", "-1", "x"])
def test_weights_that_cannot_be_used_are_named(tmp_path, capsys, weight):
    path = write(tmp_path / "w.csv", f"judge,human,w\n1,1,1\n0,0,1\n1,,{weight}\n")
    assert f"row 3 of {path!r}: w is {weight!r}" in trouble(capsys, path, "--weight", "w")


@pytest.mark.parametrize("weight", ["1e-50", "1e12", "1e-12"])
def test_small_and_large_weights_count(tmp_path, capsys, weight):
    path = write(tmp_path / "w.csv", "judge,human,w\n" + f"1,1,{weight}\n0,0,{weight}\n1,,{weight}\n" * 9)
    weighted, plain = document(capsys, path, "--weight", "w"), document(capsys, path)
    assert weighted["total"]["failure_rate"]["estimate"] == pytest.approx(
        plain["total"]["failure_rate"]["estimate"], abs=1e-6
    )


@pytest.mark.parametrize("weight", ["1e15", "1e50"])
def test_weights_that_add_up_to_too_much_are_refused(tmp_path, capsys, weight):
    path = write(tmp_path / "w.csv", "judge,human,w\n" + f"1,1,{weight}\n0,0,{weight}\n1,,{weight}\n" * 9)
    assert "column 'w'" in trouble(capsys, path, "--weight", "w")


def test_a_slice_of_weights_of_zero_is_named(tmp_path, capsys):
    path = write(tmp_path / "w.csv", "judge,human,w,s\n1,1,0,z\n0,0,0,z\n1,1,1,a\n")
    assert "only weights of zero where s = 'z'" in trouble(capsys, path, "--weight", "w", "--by", "s")


def test_conditions_are_blamed_for_what_is_theirs(tmp_path, capsys):
    path = write(tmp_path / "a.csv", "judge,human,turn\n1,1,9\n0,0,10\n1,,x\n")
    message = trouble(capsys, path, "--where", "turn >= 9")
    assert "--where" in message
    assert "turn::int >= 9" in message
    assert "--where" in trouble(capsys, path, "--where", "nope = 1")
    # A word of failure occurs nowhere where no row is left.
    assert "no row meets the condition" in trouble(capsys, path, "--where", "turn = 'y'", "--failure", "0")
    assert "--where" in trouble(capsys, path, "--where", "turn::int >= 9")
    assert document(capsys, path, "--where", "try_cast(turn AS int) >= 9")["rows"] == 2


def test_a_reference_must_mean_something(tmp_path, capsys):
    path = write(tmp_path / "a.csv", "judge,human\n1,1\n0,0\n1,\n")
    empty = write(tmp_path / "r.csv", "judge,human\n1,\n0,\n")
    assert "no row with both" in trouble(capsys, path, "--reference", empty)
    assert "--same-population is said of" in trouble(capsys, path, "--same-population")
    both = ["--reference", path, "--reference-by", "judge", "--same-population"]
    assert "--same-population is said of" in trouble(capsys, path, *both)


@pytest.mark.slow
def test_bounds_by_slice_are_for_slices(tmp_path, capsys):
    path = write(tmp_path / "a.csv", "judge,human,s\n" + "1,1,a\n0,0,a\n1,,a\n" * 5)
    bounds = tmp_path / "b.csv"
    options = [path, "--by", "s", "--bounds", str(bounds)]
    write(bounds, "s,tpr_low,tpr_high\na,0.5,1\nA,0.9,1\n")
    warnings = document(capsys, *options)["total"]["warnings"]
    assert any("b.csv' has bounds for no slice of these data: s = 'A'" in note for note in warnings)
    for low, high in (("0.9", "0.8"), ("0.9", "1.5"), ("-1", ""), ("nan", "")):
        write(bounds, f"s,tpr_low,tpr_high\na,{low},{high}\n")
        message = trouble(capsys, *options)
        assert "b.csv'" in message
        assert "for s = 'a'" in message


def test_slices_named_by_whole_numbers_are_in_their_order():
    rows = [{"judge": 1, "human": 1, "n": n} for n in (10, 9, 100, -1, None, 2)]
    keys = tables.count(rows, **NAMES, by="n").keys
    assert [key["n"] for key in keys] == ["-1", "2", "9", "10", "100", None]
