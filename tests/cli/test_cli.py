import csv
import json
import math
import random
import re
import subprocess
import sys

import pytest
from cases import some_fast

from jaxmle import Counts, closed_form, fit
from jaxmle._cli import main

COLUMNS = ["--judge", "judge", "--human", "human"]


@pytest.fixture
def verdicts(tmp_path):
    rng = random.Random(0)
    path = tmp_path / "verdicts.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["topic", "human", "judge"])
        for i in range(1200):
            truth = rng.random() < 0.1
            flagged = rng.random() < (0.9 if truth else 0.05)
            human = ("fail" if truth else "pass") if i % 12 == 0 else ""
            out.writerow([("a", "b", "[bold]c[/]\n")[i % 3], human, "unsafe" if flagged else "safe"])
        out.writerow(["a", "fail", ""])
    return path


def run(arguments, environment):
    return subprocess.run(
        [sys.executable, "-m", "jaxmle", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_estimate_prints_one_json_document(verdicts, capsys):
    options = "--judge judge --human human --by topic --tpr 0.85:0.95 --fpr :0.08 --json --no-cache"
    status = main(["estimate", str(verdicts), *options.split()])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (status, err) == (0, "")
    assert document["settings"]["bounds"] == {"tpr": [0.85, 0.95], "fpr": [0, 0.08]}
    assert document["dropped"] == {"no judge verdict": 1}
    assert [one["key"]["topic"] for one in document["slices"]] == ["[bold]c[/]\n", "a", "b"]
    total = document["total"]
    assert total["n_labeled"] + total["n_unlabeled"] == 1200
    assert total["n_labeled"] == sum(one["n_labeled"] for one in document["slices"])
    assert 0.03 < total["failure_rate"]["estimate"] < 0.2
    assert total["gap"] < 1e-9
    assert total["converged"]
    assert total["human_only"]["low"] < total["human_only"]["estimate"] < total["human_only"]["high"]


def test_estimate_prints_a_table_for_people(verdicts, capsys):
    assert (
        main(
            ["estimate", str(verdicts), "--judge", "judge", "--human", "human", "--by", "topic", "--no-cache"]
        )
        == 0
    )
    out, err = capsys.readouterr()
    assert err == ""
    for text in (
        "labelled",
        "judge only",
        "human only",
        "failure rate",
        "[bold]c[/]\\n",
        "all",
    ):
        assert text in out
    assert "1 row left out: no judge verdict." in out


def test_what_is_not_identified_is_a_set(tmp_path, capsys):
    path = tmp_path / "f.csv"
    path.write_text("h,j\n" + ",1\n" * 30 + ",0\n" * 70)
    arguments = [
        "estimate",
        str(path),
        "--judge",
        "j",
        "--human",
        "h",
        "--tpr",
        "0.8:0.9",
        "--fpr",
        "0.05:0.15",
    ]
    assert main([*arguments, "--json", "--no-cache"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    rate = total["failure_rate"]
    assert rate["estimate"] is None
    assert rate["set"] == pytest.approx((0.2, 1 / 3), abs=1e-6)
    assert 0 < rate["low"] < 0.2 < 1 / 3 < rate["high"] < 0.6
    assert not total["identified"]
    assert "no human labels" in total["warnings"][0]
    assert main([*arguments, "--no-cache"]) == 0
    assert "20.00% to 33.33%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["estimate", "{file}", "--judge", "verdict", "--human", "human"],
            "has no column 'verdict'. Its columns: ",
        ),
        (["estimate", "{file}.gone", "--judge", "judge", "--human", "human"], "No such file"),
        (["estimate", "{file}", "--judge", "topic", "--human", "human"], "row 1 of"),
        (["estimate", "{file}", "--judge", "judge"], "Missing option '--human'"),
        (["estimate", "{file}", "--judge", "judge", "--human", "human", "--frob"], "No such option"),
        (["certify", "{file}", "--limit", "0.1", "--card", "x.svg"], "it is an option of `jaxmle report`"),
        (["report", "{file}", "--limit", "0.1", "--junit", "x.xml"], "it is an option of `jaxmle certify`"),
        (
            ["estimate", "{file}", "--judge", "judge", "--human", "human", "--tpr", "0.9:0.8"],
            "did you mean 0.8:0.9?",
        ),
        (
            ["estimate", "{file}", "--judge", "judge", "--human", "human", "--tpr", "0.9:1.8"],
            "--tpr must lie between 0 and 1",
        ),
        (["estimate", "{file}", "--judge", "judge", "--human", "human", "--fpr", "x"], "--fpr must be LO:HI"),
        (["estimate", "{file}", "--judge", "judge", "--human", "human", "--tpr", "0"], "no feasible point"),
        (
            ["estimate", "{file}", "--judge", "judge", "--human", "human", "--by", "topic", "--tpr", "0"],
            "topic = ",
        ),
        (["estimate", "{file}", *COLUMNS, "--calibration", "x"], "--calibration must be one of"),
        (["estimate", "{file}", *COLUMNS, "--interval", "x"], "--interval must be one of"),
        (
            ["estimate", "{file}", *COLUMNS, "--confidence", "2"],
            "'--confidence': it must lie between 0 and 1",
        ),
        (["certify", "{file}", *COLUMNS], "Missing option '--limit'"),
        (["certify", "{file}", *COLUMNS, "--limit", "5"], "got 5: did you mean 5%, which is 0.05?"),
        (["demo", "--n-labeled", "0"], "--n-labeled"),
        (["frobnicate"], "No such command"),
    ],
)
def test_trouble_is_one_line_and_status_2(verdicts, capsys, arguments, message):
    status = main([one.format(file=verdicts) for one in arguments])
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert message in err
    assert err.startswith("jaxmle: ")
    assert err.count("\n") == 1


def test_the_demo_runs_without_arguments(capsys):
    assert main(["demo"]) == 0
    table, err = capsys.readouterr()
    assert err == ""
    for text in ("truth", "judge only", "PPI++", "ML, bounds", "RMS error", "arXiv 2305.06984"):
        assert text in table
    printed = []
    for _ in range(2):
        assert main(["demo", "--json", "--seed", "3"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    document = json.loads(printed[0])
    assert len(document["systems"]) == 10
    assert all(system["converged"] for system in document["systems"])


def test_the_demo_writes_rows_with_the_published_counts(tmp_path, capsys):
    from jaxmle import tables
    from jaxmle._data._published import NQ301_GPT4

    for system, cells in NQ301_GPT4.cells.items():
        rows = [row for row in NQ301_GPT4.rows() if row["system"] == system and row["judge"]]
        found = [(row["human"] + row["judge"]) for row in rows]
        assert tuple(found.count(cell) for cell in ("11", "10", "01", "00")) == cells
    path, again, other = (tmp_path / f"{name}.csv" for name in ("verdicts", "again", "other"))
    assert main(["demo", "--write", str(path)]) == 0
    assert "3,006" in capsys.readouterr().out
    main(["demo", "--write", str(again)])
    main(["demo", "--write", str(other), "--seed", "1", "--n-labeled", "20"])
    assert path.read_text() == again.read_text() != other.read_text()
    table = tables.count(other, judge="judge", human="human", by="system")
    # One answer has no verdict of the judge; it may be among those with a label.
    assert set(table.counts.n_labeled) <= {19, 20}
    assert [key["system"] for key in table.keys] == list(NQ301_GPT4.cells)
    capsys.readouterr()
    main(["demo", "--json", "--seed", "1", "--n-labeled", "20"])
    shown = json.loads(capsys.readouterr().out)["systems"]
    # The labels of a seed are the same in the table and in the file.
    unbounded = fit(table.counts).failure_rate
    assert [one["unbounded"] for one in shown] == pytest.approx(unbounded.tolist(), abs=1e-9)
    items = path.read_text().splitlines()[1:]
    assert len({line.split(",")[0] for line in items}) == len(items) == 3006


def test_the_demo_overwrites_no_other_file(tmp_path, capsys):
    path = tmp_path / "verdicts.csv"
    path.write_text("human,judge\n1,1\n")
    assert main(["demo", "--write", str(path)]) == 2
    assert "is another file" in capsys.readouterr().err
    assert path.read_text() == "human,judge\n1,1\n"
    assert main(["demo", "--write", str(tmp_path / "verdicts.json")]) == 2
    assert main(["demo", "--write", str(tmp_path / "missing" / "verdicts.csv")]) == 2
    main(["demo", "--write", str(tmp_path / "new.csv")])
    assert main(["demo", "--write", str(tmp_path / "new.csv"), "--seed", "2"]) == 0


@pytest.mark.slow
def test_demo_estimates_beat_the_baselines_over_draws():
    from jaxmle._documents import demo_document

    draws = [demo_document(seed=seed)["rmse"] for seed in range(20)]
    mean = {method: math.sqrt(sum(d[method] ** 2 for d in draws) / 20) for method in draws[0]}
    assert mean["bounded"] < min(
        mean["unbounded"], mean["ppi_plus_plus"], mean["human_only"], mean["judge_only"]
    )


@pytest.mark.slow
def test_version_help_and_cache(empty_cache, verdicts, tmp_path):
    assert run(["--version"], empty_cache).stdout == "jaxmle 0.1.0\n"
    assert "estimate" in run(["--help"], empty_cache).stdout
    arguments = ["estimate", verdicts, "--judge", "judge", "--human", "human"]
    assert run([*arguments, "--no-cache"], empty_cache).returncode == 0
    assert not (tmp_path / "cache").exists()
    # A small file needs no compiled code; where there is some it is kept, and JAX gets its settings back.
    assert run(arguments, empty_cache).returncode == 0
    assert not (tmp_path / "cache").exists()
    code = f"""
import jaxmle._engine._choice as choice
from jaxmle._cli import main
choice._A_SECOND = 0
assert main({[*map(str, arguments), "--interval", "chi-square"]}) == 0
import jax
assert jax.config.jax_compilation_cache_dir is None
"""
    compiled = [sys.executable, "-c", code]
    assert subprocess.run(compiled, env=empty_cache, capture_output=True).returncode == 0
    assert any((tmp_path / "cache" / "jaxmle").rglob("*-cache"))
    blocked = {**empty_cache, "XDG_CACHE_HOME": "/dev/null/nowhere"}
    assert subprocess.run(compiled, env=blocked, capture_output=True).returncode == 0


@pytest.mark.parametrize("judge", some_fast(["gpt4", "text_davinci_003", "bem"], ["gpt4"]))
def test_real_verdicts_with_most_labels_blanked(shared, tmp_path, capsys, judge):
    """The estimate lies within reach of its standard error of what all labels say."""
    with (shared / "data" / "openqa_nq301.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    decided = [row for row in rows if row[judge]]
    truth = sum(row["human"] == "1" for row in decided) / len(decided)
    path = tmp_path / "blanked.csv"
    errors = []
    for seed in range(4):
        kept = set(random.Random(seed).sample(range(len(rows)), 200))
        with path.open("w", newline="") as file:
            out = csv.DictWriter(file, list(rows[0]))
            out.writeheader()
            out.writerows(row if i in kept else {**row, "human": ""} for i, row in enumerate(rows))
        status = main(["estimate", str(path), "--judge", judge, "--human", "human", "--json", "--no-cache"])
        total = json.loads(capsys.readouterr().out)["total"]
        assert status == 0
        error = float(closed_form(Counts(**total["counts"])).standard_error)
        errors.append((total["failure_rate"]["estimate"] - truth) / error)
    assert max(map(abs, errors)) < 3.5
    assert math.sqrt(sum(e * e for e in errors) / 4) < 2.2


def test_estimate_gives_profile_and_bootstrap_intervals(verdicts, capsys):
    found = {}
    for interval in ("profile", "bootstrap"):
        options = ["--interval", interval, "--n-resamples", "2000", "--seed", "3", "--json", "--no-cache"]
        assert main(["estimate", str(verdicts), *COLUMNS, *options]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["settings"]["interval"] == interval
        assert document["settings"]["seed"] == 3
        found[interval] = document["total"]["failure_rate"]
        rate = found[interval]
        assert rate["method"] == interval
        assert 0 < rate["low"] < rate["estimate"] < rate["high"] < 0.3
    assert found["profile"]["low"] != found["bootstrap"]["low"]
    assert "share_at_bound" in found["bootstrap"]
    wide = ["--confidence", "0.99", "--json", "--no-cache"]
    assert main(["estimate", str(verdicts), *COLUMNS, *wide]) == 0
    rate = json.loads(capsys.readouterr().out)["total"]["failure_rate"]
    assert rate["low"] < found["profile"]["low"] < found["profile"]["high"] < rate["high"]


@pytest.mark.parametrize("method", some_fast(["exact", "profile"], ["profile"]))
def test_certify_answers_by_its_exit_status(verdicts, capsys, method):
    options = [*COLUMNS, "--method", method, "--tpr", "0.8:1", "--fpr", "0:0.1", "--no-cache"]
    assert main(["certify", str(verdicts), *options, "--limit", "0.25"]) == 0
    out = capsys.readouterr().out
    assert "CERTIFIED: below 25.00%" in out
    assert "NOT" not in out
    assert main(["certify", str(verdicts), *options, "--limit", "0.08"]) == 1
    assert "NOT CERTIFIED: below 8.00% is not shown" in capsys.readouterr().out
    assert main(["certify", str(verdicts), *options, "--limit", "0.25", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["certified"] is document["total"]["certified"] is True
    assert document["total"]["p_value"] < 0.05
    assert document["total"]["upper_limit"] < 0.25


@pytest.mark.slow
def test_every_slice_must_pass(tmp_path, capsys):
    path = tmp_path / "slices.csv"
    good = ["good,pass,pass"] * 60 + ["good,,pass"] * 980 + ["good,,fail"] * 20
    bad = ["bad,fail,fail"] * 12 + ["bad,pass,pass"] * 48 + ["bad,,pass"] * 780 + ["bad,,fail"] * 220
    path.write_text("\n".join(["kind,human,judge", *good, *bad]) + "\n")
    options = [*COLUMNS, "--by", "kind", "--method", "profile", "--adjustment", "holm", "--no-cache"]
    assert main(["certify", str(path), *options, "--limit", "0.15"]) == 1
    assert "1 of 2 slices pass" in capsys.readouterr().out
    assert main(["certify", str(path), *options, "--limit", "0.5", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["certified"] for one in document["slices"]] == [True, True]
    assert document["settings"]["adjustment"] == "holm"


@pytest.mark.slow
def test_wrong_designs_and_bounds_are_said(tmp_path, capsys):
    path = tmp_path / "balanced.csv"
    cells = ["fail,fail"] * 45 + ["fail,pass"] * 5 + ["pass,fail"] * 5 + ["pass,pass"] * 45
    path.write_text("\n".join(["human,judge", *cells, *([",fail"] * 360), *([",pass"] * 1640)]) + "\n")
    assert main(["estimate", str(path), *COLUMNS, "--no-cache"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "he judge flags 50.0% of the labelled items and 18.0% of the others" in out
    assert "--calibration external" in out
    assert main(["estimate", str(path), *COLUMNS, "--calibration", "external", "--json", "--no-cache"]) == 0
    total = json.loads(capsys.readouterr().out)["total"]
    assert total["warnings"] == []
    assert total["failure_rate"]["estimate"] == pytest.approx(0.10)
    options = ["--calibration", "external", "--tpr", "0:0.5", "--no-cache"]
    assert main(["estimate", str(path), *COLUMNS, *options]) == 0
    assert "the data contradict the bounds" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_a_pipe_of_eighty_columns_wraps_no_line(verdicts, environment):
    options = [*COLUMNS, "--tpr", "0.85:0.95", "--fpr", ":0.08", "--limit", "0.2", "--method", "profile"]
    out = run(["certify", verdicts, *options, "--no-cache"], environment | {"COLUMNS": "80"}).stdout
    answer, failure, title, headings, second, *_ = out.splitlines()
    assert answer.startswith("CERTIFIED: below 20.00% (failure rate ")
    assert title == (
        "Is the failure rate below 20.00%? 95% confidence, profile; bounds: TPR 85% to 95%, FPR 0% to 8%"
    )
    assert (headings.split(), second.split()[0]) == (["failure", "upper", "active"], "slice")
    assert failure == "Failure: unsafe in judge, 176 of 1,200; fail in human, 7 of 100."


@pytest.mark.parametrize(
    "command",
    ["demo", "estimate", "certify", "report", "doctor", "compare", "drift", "sensitivity", "plan"],
)
def test_help_says_the_exit_statuses(command, capsys):
    assert main([command, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split()).lower()
    assert "exit status" in said
    assert "2 trouble" in said


@pytest.mark.slow
def test_a_plan_is_guessed_before_it_is_simulated(capsys):
    rates = "--failure-rate 0.04 --judge-tpr 0.9 --judge-fpr 0.05 --n-unlabeled 10000 --target-width 0.04"
    options = [*rates.split(), "--interval", "chi-square", "--no-cache"]
    assert main(["plan", *options]) == 0
    out, err = capsys.readouterr()
    assert err == "By large-sample formula, without bounds: about 239 labels. Simulating ...\n"
    assert "without the judge" in out
    assert re.search(r"labels at random +no +large-sample formula +239", out)
    assert main(["plan", *options, "--json"]) == 0
    assert capsys.readouterr().err == ""
