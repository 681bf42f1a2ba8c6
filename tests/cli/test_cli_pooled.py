"""Judge's rates over slices, and mixes of slices, on the command line."""

import csv
import json

import duckdb
import numpy as np
import pytest

from jaxmle import Bounds, Counts, fit_slices
from jaxmle._cli import main

COLUMNS = ["--judge", "judge", "--human", "human"]
QUICK = ["--interval", "chi-square"]
NAMES = ["a", "all", "[red]x[/]\x1b[31m", "mix of slices", ""]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("pooled") / "verdicts.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["topic", "human", "judge"])
        for name in NAMES:
            truth = rng.random(150) < 0.2
            judge = rng.random(150) < np.where(truth, 0.85, 0.08)
            out.writerows([name, int(truth[i]) if i < 12 else "", int(judge[i])] for i in range(150))
    return path


def run(capsys, source, *more, by=("--by", "topic")):
    status = main(["estimate", str(source), *COLUMNS, *by, *map(str, more)])
    out, err = capsys.readouterr()
    return status, out, err


def document(capsys, source, *more):
    status, out, err = run(capsys, source, *more, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def counts_of(records):
    names = list(records[0]["counts"])
    return Counts(*([record["counts"][name] for record in records] for name in names))


def mix_file(tmp_path, text):
    path = tmp_path / "mix.csv"
    path.write_text(text)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("judge", ["common", "partial"])
def test_json_holds_what_fit_slices_finds(verdicts, capsys, judge):
    found = document(capsys, verdicts, "--judge-rates", judge, "--tpr", "0.7:1")
    slices = found["slices"]
    expected = fit_slices(counts_of(slices), Bounds(tpr=(0.7, 1.0)), judge_rates=judge)
    assert expected.judge_rates != "per-slice"
    interval, total = expected.interval(), expected.total()
    for i, record in enumerate(slices):
        rate = record["failure_rate"]
        assert rate["estimate"] == pytest.approx(float(expected.failure_rate[i]))
        assert rate["low"] == pytest.approx(float(interval.low[i]))
        assert rate["high"] == pytest.approx(float(interval.high[i]))
        assert rate["method"] == {"common": "joint profile", "partial": "integrated"}[expected.judge_rates]
        assert record["judge_rates"] == expected.judge_rates
        assert 0 < record["borrowed"] < 1
        assert record["borrowed"] == pytest.approx(float(expected.borrowed[i]))
        assert record["tpr"] == pytest.approx(float(expected.tpr[i]))
        assert record["converged"]
    assert found["settings"]["judge_rates"] == found["pooling"]["asked"] == judge
    assert found["pooling"]["used"] == expected.judge_rates
    assert 0 < found["pooling"]["homogeneity"]["p_value"] <= 1
    assert found["mix"]["shares"] == "sizes"
    assert found["mix"]["estimate"] == pytest.approx(total.estimate)
    assert found["mix"]["low"] == pytest.approx(total.low)
    assert not any("few labels a slice" in note for note in found["total"]["warnings"])


def test_without_the_option_slices_stay_alone(verdicts, capsys):
    found = document(capsys, verdicts, *QUICK)
    said = document(capsys, verdicts, "--judge-rates", "per-slice", *QUICK)
    assert found["slices"] == said["slices"]
    assert found["settings"] == said["settings"]
    assert not {"pooling", "mix"} & set(found) | {"borrowed"} & set(found["slices"][0])
    notes = found["total"]["warnings"]
    assert [note for note in notes if note not in said["total"]["warnings"]] == [
        "few labels a slice: --judge-rates partial lets slices borrow what they tell of the judge"
    ]


@pytest.mark.slow
def test_the_table_shows_what_is_borrowed_and_names_of_strangers(verdicts, capsys):
    status, out, err = run(capsys, verdicts, "--judge-rates", "common", "--min-labels", "13")
    assert (status, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    assert "borrows" in lines[4]
    starts = [line[: lines[4].index("failure rate")].strip() for line in lines[5:12]]
    assert sorted(starts) == sorted(
        ["(none)", "'all'", "'mix of slices'", "[red]x[/]\\x1b[31m", "a", "all", "mix of slices"]
    )
    assert starts[-2:] == ["all", "mix of slices"]
    assert "\x1b" not in out
    assert "Judge's rates: common." in out
    assert "Test of one judge for all slices: p = " in out


@pytest.mark.slow
def test_a_mix_file_weighs_slices(verdicts, tmp_path, capsys):
    path = mix_file(tmp_path, "topic,share\na,3\nall,1\n")
    for judge, quick in (("per-slice", QUICK), ("common", [])):
        found = document(capsys, verdicts, "--mix", path, "--judge-rates", judge, *quick)
        slices = found["slices"]
        shares = [{"a": 3, "all": 1}.get(record["key"]["topic"], 0) for record in slices]
        expected = fit_slices(counts_of(slices), judge_rates=judge).total(shares)
        assert found["mix"]["estimate"] == pytest.approx(expected.estimate)
        assert found["mix"]["high"] == pytest.approx(expected.high)
        assert found["mix"]["shares"] == str(path)
        assert any("count 0 in the mix" in note for note in found["total"]["warnings"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("topic,share\nnowhere,1\n", "has a share for topic = 'nowhere', which is no slice"),
        ("topic,share\na,-1\n", "share is -1 for topic = 'a'"),
        ("topic,share\na,nan\n", "share is nan for topic = 'a'"),
        ("topic,share\na,much\n", "share is 'much' for topic = 'a', not a number"),
        ("topic,share\na,\n", "for topic = 'a', not a number"),
        ("topic,share\na,0\nall,0\n", "every share is 0"),
        ("topic,share\na,1\na,2\n", "has two rows for topic = 'a'"),
        ("topic,part\na,1\n", "has no column 'share'"),
        ("theme,share\na,1\n", "has no column 'topic'"),
    ],
)
def test_mixes_that_make_no_sense_are_one_line(verdicts, tmp_path, capsys, text, message):
    path = mix_file(tmp_path, text)
    status, out, err = run(capsys, verdicts, "--mix", path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert "mix.csv" in err


@pytest.mark.parametrize(
    ("more", "by", "message"),
    [
        (["--judge-rates", "partial"], (), "--judge-rates is about slices"),
        (["--mix", "mix.csv"], (), "--mix is of slices"),
        (["--judge-rates", "some"], ("--by", "topic"), "--judge-rates must be one of"),
        (["--judge-rates", "common", "--interval", "bootstrap"], ("--by", "topic"), "intervals of its own"),
        (["--judge-rates", "partial", "--interval", "chi-square"], ("--by", "topic"), "intervals of its own"),
    ],
)
def test_options_that_exclude_each_other_are_one_line(verdicts, capsys, more, by, message):
    status, out, err = run(capsys, verdicts, *more, by=by)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_bounds_that_exclude_each_other_have_no_common_judge(verdicts, tmp_path, capsys):
    bounds = tmp_path / "bounds.csv"
    bounds.write_text("topic,tpr_low,tpr_high\na,0.9,1\nall,0.5,0.8\n")
    status, out, err = run(capsys, verdicts, "--bounds", bounds, "--judge-rates", "common")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "use --judge-rates partial or per-slice" in err
    found = document(capsys, verdicts, "--bounds", bounds, "--judge-rates", "partial")
    assert found["pooling"]["homogeneity"] is None
    assert "exclude each other" in found["pooling"]["homogeneity_skipped"]


@pytest.mark.slow
def test_rows_are_written_and_resumed(verdicts, tmp_path, capsys):
    out = tmp_path / "out.csv"
    assert run(capsys, verdicts, "--judge-rates", "common", "--out", out)[0] == 0
    rows = duckdb.sql(f"SELECT judge_rates, borrowed FROM '{out}'").fetchall()
    assert [row[0] for row in rows] == ["common"] * len(NAMES)
    assert all(0 < row[1] < 1 for row in rows)
    before = out.read_bytes()
    status, printed, _ = run(capsys, verdicts, "--judge-rates", "common", "--out", out, "--resume")
    assert status == 0
    assert "mix of slices" in printed
    assert (
        "is of another run" in run(capsys, verdicts, "--judge-rates", "partial", "--out", out, "--resume")[2]
    )
    assert "is of another run" in run(capsys, verdicts, "--out", out, "--resume")[2]
    assert out.read_bytes() == before
    alone = tmp_path / "alone.csv"
    assert run(capsys, verdicts, "--out", alone, *QUICK)[0] == 0
    assert set(duckdb.sql(f"SELECT judge_rates, borrowed FROM '{alone}'").fetchall()) == {("per-slice", 0.0)}
