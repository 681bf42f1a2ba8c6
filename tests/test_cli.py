import csv
import json
import math
import random
import subprocess
import sys

import pytest

from jaxmle import Counts, closed_form
from jaxmle._cli import main


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
        "active bounds",
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
    assert (rate["low"], rate["high"]) == pytest.approx((0.2, 1 / 3), abs=1e-6)
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
        (["estimate", "{file}", "--judge", "judge", "--human", "human", "--tpr", "0.9:0.8"], "low <= high"),
        (
            ["estimate", "{file}", "--judge", "judge", "--human", "human", "--tpr", "0.9:1.8"],
            "must be in [0, 1]",
        ),
        (["estimate", "{file}", "--judge", "judge", "--human", "human", "--fpr", "x"], "--fpr must be LO:HI"),
        (["estimate", "{file}", "--judge", "judge", "--human", "human", "--tpr", "0"], "no feasible point"),
        (
            ["estimate", "{file}", "--judge", "judge", "--human", "human", "--by", "topic", "--tpr", "0"],
            "topic = ",
        ),
        (
            ["estimate", "{file}", "--judge", "judge", "--human", "human", "--calibration", "x"],
            "`calibration`",
        ),
        (["demo", "--labels", "0"], "--labels"),
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


def test_the_demo_runs_without_arguments(environment):
    table = run(["demo"], environment)
    assert (table.returncode, table.stderr) == (0, "")
    for text in ("truth", "judge only", "PPI++", "ML, bounds", "RMS error", "arXiv 2305.06984"):
        assert text in table.stdout
    one, two = (run(["demo", "--json", "--seed", "3"], environment) for _ in range(2))
    assert one.stdout == two.stdout
    document = json.loads(one.stdout)
    assert len(document["systems"]) == 10
    assert all(system["converged"] for system in document["systems"])


def test_demo_estimates_beat_the_baselines_over_draws():
    from jaxmle._report import demo_document

    draws = [demo_document(seed=seed)["rmse"] for seed in range(20)]
    mean = {method: math.sqrt(sum(d[method] ** 2 for d in draws) / 20) for method in draws[0]}
    assert mean["bounded"] < min(
        mean["unbounded"], mean["ppi_plus_plus"], mean["human_only"], mean["judge_only"]
    )


def test_version_help_and_cache(environment, verdicts, tmp_path):
    assert run(["--version"], environment).stdout == "jaxmle 0.1.0\n"
    assert "estimate" in run(["--help"], environment).stdout
    arguments = ["estimate", verdicts, "--judge", "judge", "--human", "human"]
    assert run([*arguments, "--no-cache"], environment).returncode == 0
    assert not (tmp_path / "cache").exists()
    assert run(arguments, environment).returncode == 0
    assert any((tmp_path / "cache" / "jaxmle").rglob("*-cache"))
    blocked = {**environment, "XDG_CACHE_HOME": "/dev/null/nowhere"}
    assert run(arguments, blocked).returncode == 0


@pytest.mark.parametrize("judge", ["gpt4", "text_davinci_003", "bem"])
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
