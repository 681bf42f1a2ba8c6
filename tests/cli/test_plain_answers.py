"""What the command line says before any number, and what it asks before it gives one."""

import csv
import json
import shlex

import pytest
from cases import some_fast

from jaxmle import Counts, fit
from jaxmle._cli import main

SIX = "4,1,2,43,900,9100"


def write(path, header, *cells):
    rows = [row for *row, times in cells for _ in range(times)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("id", *header), *((i, *row) for i, row in enumerate(rows))])
    return str(path)


@pytest.fixture
def bad_model(tmp_path):
    cells = (0, 0, 131), (1, 1, 15), (1, 0, 4), (0, "", 1625), (1, "", 225)
    return write(tmp_path / "bad.csv", ("judge_passed", "human_passed"), *cells)


@pytest.fixture
def graded(tmp_path):
    cells = (0, 0, 15), (0, 1, 7), (1, 1, 4), (1, 0, 3), (2, 1, 1), (3, 3, 63), (2, 2, 32), (2, 3, 9)
    others = (1, 2, 8), (3, 2, 8), (3, "", 333), (2, "", 176), (1, "", 79), (0, "", 62)
    return write(tmp_path / "graded.csv", ("judge_score", "human_score"), *cells, *others)


def answer(capsys, *arguments):
    status = main([*arguments, "--json", "--no-cache"])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


QUICK = {
    "estimate": ["--interval", "chi-square"],
    "certify": ["--limit", "20%", "--method", "profile"],
    "sensitivity": ["--limit", "20%"],
    "drift": ["--tpr", "80%:"],
    "report": ["--interval", "chi-square"],
    "compare": ["--where-b", "id::int % 2 = 1", "--where", "id::int % 2 = 0"],
}


@pytest.mark.parametrize("command", some_fast(QUICK, QUICK.keys() - {"compare"}))
def test_every_command_asks_and_says_first_what_a_failure_is(command, bad_model, capsys):
    columns = ["--judge", "judge_passed", "--human", "human_passed", *QUICK[command]]
    status, document, err = answer(capsys, command, bad_model, *columns)
    assert (status, document) == (2, None)
    assert "say --failure 0 if so, or --failure 1 if 1 is the failure all the same" in err
    assert err.count("\n") == 1
    status, document, _ = answer(capsys, command, bad_model, *columns, "--failure", "0")
    assert status in (0, 1)
    if command != "compare":
        assert list(document)[:3] == ["schema", "command", "failure"]
        human = {"column": "human_passed", "words": ["0"], "n": 135, "of": 150}
        assert document["failure"]["human"] == human
    if command == "certify":
        assert not document["certified"]
    if command == "estimate":
        assert document["total"]["failure_rate"]["estimate"] == pytest.approx(0.9037, abs=1e-4)


@pytest.mark.slow
def test_the_first_line_of_tables_and_pages(bad_model, tmp_path, capsys):
    columns = [
        "--judge",
        "judge_passed",
        "--human",
        "human_passed",
        "--failure",
        "0",
        "--interval",
        "chi-square",
    ]
    line = "Failure: 0 in judge_passed, 1,756 of 2,000; 0 in human_passed, 135 of 150."
    assert main(["estimate", bad_model, *columns, "--no-cache"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == line
    html, markdown = tmp_path / "r.html", tmp_path / "r.md"
    assert (
        main(["report", bad_model, *columns, "--html", str(html), "--markdown", str(markdown), "--no-cache"])
        == 0
    )
    assert line in capsys.readouterr().out
    assert line in html.read_text()
    text = markdown.read_text()
    assert line in text.replace("\\", "")
    assert text.index("judge\\_passed, 1,756") < text.index("by constrained maximum")
    assert "Cohen's kappa" in text
    assert "Gwet's AC1" in text


def test_doctor_proposes_what_is_right(bad_model, graded, capsys):
    status, document, _ = answer_of_doctor(capsys, bad_model)
    assert status == 1
    assert all("--failure 0" in one["line"] for one in document["commands"] if one["command"] != "plan")
    assert document["next"].endswith("--judge judge_passed --human human_passed --failure 0")
    status, document, _ = answer_of_doctor(capsys, graded)
    assert document["next"].endswith("--judge-threshold '<2' --human-threshold '<2'")
    assert [one["threshold"] for one in document["thresholds"]] == ["<1", "<2", "<3"]
    (proposed,) = (one for one in document["thresholds"] if one["proposed"])
    assert proposed["tpr"] == pytest.approx(29 / 30)
    assert proposed["fpr"] == pytest.approx(8 / 120)
    assert proposed["width"] == min(one["width"] for one in document["thresholds"])
    assert "--on-invalid" not in document["next"]
    arguments = shlex.split(document["next"])[1:]
    status, found, _ = answer(capsys, *arguments, "--interval", "chi-square")
    rate = found["total"]["failure_rate"]
    assert rate["low"] < 0.2 < rate["high"]
    assert found["total"]["human_only"]["estimate"] == pytest.approx(0.2)


def answer_of_doctor(capsys, *arguments):
    status = main(["doctor", *arguments, "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out), err


def test_doctor_drops_no_class(tmp_path, capsys):
    cells = ("fail", "fail", 20), ("partial", "fail", 8), ("pass", "pass", 60), ("fail", "", 90)
    path = write(tmp_path / "f.csv", ("judge", "human"), *cells, ("partial", "", 50), ("pass", "", 300))
    status, document, _ = answer_of_doctor(capsys, path)
    assert status == 1
    (found,) = (one for one in document["findings"] if one["topic"] == "unknown words")
    assert "'partial' in 58 rows" in found["text"]
    assert "--on-invalid" not in document["next"]
    arguments = shlex.split(document["next"])[2:]
    _, document, _ = answer_of_doctor(capsys, *arguments)
    assert sum(document["counts"].values()) == 528
    # Refusals in full or in part, and answers: the words that sound bad are failures.
    three = ("full_refusal", "full_refusal", 20), ("partial", "partial", 8), ("complied", "complied", 60)
    path = write(tmp_path / "g.csv", ("judge", "human"), *three, ("complied", "", 90))
    _, document, _ = answer_of_doctor(capsys, path)
    assert "--failure full_refusal --pass complied --pass partial" in document["next"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "5"], "got 5: did you mean 5%, which is 0.05?"),
        (["--limit", "-1"], "it must lie between 0 and 1"),
        (["--limit", "many"], "'many' is no rate"),
        (["--limit", "0.1", "--tpr", "80:92"], "got 80:92: did you mean 80%:92%?"),
        (["--limit", "0.1", "--tpr", "0.92:0.8"], "did you mean 0.8:0.92?"),
        (
            ["--limit", "0.1", "--tpr", ".05:.1", "--fpr", ".8:.9"],
            "did you mean --tpr 0.8:0.9 --fpr 0.05:0.1?",
        ),
        (["--limit", "0.1", "--confidence", "95"], "did you mean 95%, which is 0.95?"),
    ],
)
def test_what_was_likely_meant(options, message, capsys):
    assert main(["certify", "--counts", SIX, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("percent", "plain"),
    [
        (
            ["--limit", "5%", "--tpr", "80%:92%", "--fpr", ":8%"],
            ["--limit", "0.05", "--tpr", "0.8:0.92", "--fpr", ":0.08"],
        ),
        (["--limit", "20%", "--confidence", "90%"], ["--limit", "0,2", "--confidence", "0.9"]),
        (["--limit", "20%", "--failure-rate", "1%:30%"], ["--limit", "0.2", "--failure-rate", "0.01:0.3"]),
    ],
)
def test_percent_signs_are_read(percent, plain, capsys):
    one, other = (
        answer(capsys, "certify", "--counts", SIX, "--method", "profile", *options)
        for options in (percent, plain)
    )
    assert one == other


@pytest.mark.slow
def test_plan_reads_percent_signs(capsys):
    words = ["plan", "--n-unlabeled", "10000", "--interval", "chi-square"]
    rates = ["--failure-rate", "4%", "--judge-tpr", "90%", "--judge-fpr", "5%", "--target-width", "4%"]
    assert main([*words, *rates, "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)
    assert settings["target"] == pytest.approx(0.04)
    assert (
        main(
            [
                *words,
                "--failure-rate",
                "4%",
                "--judge-tpr",
                "5%",
                "--judge-fpr",
                "90%",
                "--target-width",
                "4%",
            ]
        )
        == 2
    )
    assert "did you mean --judge-tpr 0.9 --judge-fpr 0.05?" in capsys.readouterr().err


def test_counts_by_hand(capsys):
    status, document, _ = answer(capsys, "estimate", "--counts", SIX, "--interval", "chi-square")
    assert status == 0
    assert document["failure"] is None
    expected = fit(Counts(*map(int, SIX.split(","))))
    assert document["total"]["failure_rate"]["estimate"] == pytest.approx(expected.failure_rate)
    for command in ("certify", "sensitivity", "drift", "report"):
        status, found, _ = answer(capsys, command, "--counts", SIX, *QUICK[command])
        assert status in (0, 1)
        assert found["failure"] is None
    status, found, _ = answer(capsys, "compare", "--counts", SIX, "--counts-b", "20,1,2,27,3000,7000")
    assert (status, found["different"]) == (1, True)
    _, found, _ = answer_of_doctor(capsys, "--counts", SIX, "--limit", "20%")
    assert found["next"] == f"jaxmle estimate --counts {SIX}"
    assert found["agreement"]["accuracy"]["estimate"] == pytest.approx(0.94)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--counts", "1,2,3"], "--counts must be six whole numbers"),
        (["--counts", "1,2,3,4,5,x"], "--counts must be six whole numbers"),
        (["--counts", "0,0,0,0,0,0"], "all six numbers are zero"),
        (["--counts", SIX, "--judge", "j"], "leave --judge out"),
        (["f.csv", "--counts", SIX], "leave FILE out"),
        (["--counts", SIX, "--combine", "any"], "leave --combine out"),
        (["--counts", SIX, "--missing", "failure"], "leave --missing out"),
        (["--counts", SIX, "--human-where", "x = 1"], "leave --human-where out"),
        ([], "name the FILE of verdicts, or give --counts"),
    ],
)
def test_counts_that_cannot_be_used(options, message, capsys):
    assert main(["estimate", *options]) == 2
    assert message in capsys.readouterr().err


def test_balanced_labels_are_said_first_and_the_other_rate_stands_beside(tmp_path, capsys):
    # 25 failures and 25 passes of a judge with TPR .8 and FPR .04, in a population of 10% failures.
    cells = ("fail", "fail", 20), ("pass", "fail", 5), ("fail", "pass", 1), ("pass", "pass", 24)
    others = ("fail", "", 1160), ("pass", "", 8840)
    path = write(tmp_path / "f.csv", ("judge", "human"), *cells, *others)
    columns = ["--judge", "judge", "--human", "human"]
    options = ["--interval", "chi-square"]
    _, document, _ = answer(capsys, "estimate", path, *columns, *options)
    assert document["cautions"][0].startswith("25 of the 50 labels are failures")
    assert document["if_external"]["estimate"] == pytest.approx(0.1)
    _, external, _ = answer(capsys, "estimate", path, *columns, *options, "--calibration", "external")
    assert external["total"]["failure_rate"]["low"] == pytest.approx(document["if_external"]["low"])
    assert (external["cautions"], external["if_external"]) == ([], None)
    assert main(["estimate", path, *columns, *options, "--no-cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("25 of the 50 labels are failures")
    assert lines[2].startswith("With --calibration external: failure rate 10.00%")
    assert lines[3].startswith("Failure rate 26.41%")
    assert main(["certify", path, *columns, "--limit", "40%", "--no-cache"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("25 of the 50 labels are failures")
    assert lines[3].startswith("NOT CERTIFIED")


def test_a_copied_column_is_said_first(tmp_path, capsys):
    cells = ("fail", "fail", 20), ("pass", "pass", 80), ("pass", "", 500), ("fail", "", 90)
    path = write(tmp_path / "f.csv", ("judge", "human"), *cells)
    assert main(["estimate", path, "--judge", "judge", "--human", "human", "--interval", "chi-square"]) == 0
    caution, _, failure, *_ = capsys.readouterr().out.splitlines()
    assert failure.startswith("Failure: fail in judge, 110 of 690; fail in human, 20 of 100")
    assert caution.startswith("Judge and human say the same of all 100 labelled items")


@pytest.mark.slow
def test_an_id_that_repeats_elsewhere_is_no_trouble_here(tmp_path, capsys):
    path = tmp_path / "f.csv"
    lines = [
        f"q{i},{system},{int(i % 9 == 0)},{int(i % 7 == 0) if i % 2 else ''}"
        for i in range(90)
        for system in "ab"
    ]
    path.write_text("question_id,system,judge,human\n" + "\n".join(lines) + "\n")
    said = {}
    for name, where in (("all", []), ("one", ["--where", "system = 'a'  -- of two"])):
        columns = ["--judge", "judge", "--human", "human"]
        for command, more in (
            ("estimate", []),
            ("certify", ["--limit", "0.5"]),
            ("sensitivity", []),
            ("drift", ["--tpr", "0.5:0.9"]),
        ):
            _, document, _ = answer(capsys, command, str(path), *columns, *where, *more)
            notes = json.dumps(document)
            said[name, command] = "question_id' repeats" in notes
    assert all(said["all", one] for one in ("estimate", "certify", "sensitivity", "drift")), said
    assert not any(said["one", one] for one in ("estimate", "certify", "sensitivity", "drift"))


def numbers(part):
    """What a part of a document holds in numbers."""
    return [one for one in (part.values() if isinstance(part, dict) else [part]) if isinstance(one, float)]


@pytest.mark.slow
def test_clusters_of_one_row_are_independent_rows(tmp_path, capsys):
    cells = (1, 1, 12), (1, 0, 5), (0, 0, 30), (0, 1, 3), (1, "", 70), (0, "", 180)
    path = write(tmp_path / "f.csv", ("judge", "human"), *cells)
    columns = [path, "--judge", "judge", "--human", "human"]
    for command in (["estimate"], ["certify", "--limit", "0.45"]):
        (_, alone, _), (_, clustered, _) = (
            answer(capsys, command[0], *columns, *command[1:], *more) for more in ([], ["--cluster", "id"])
        )
        assert clustered["total"]["design_effect"] == 1
        for name in ("failure_rate", "tpr", "fpr") if command == ["estimate"] else ("upper_limit", "p_value"):
            ours, theirs = (numbers(one["total"][name]) for one in (alone, clustered))
            assert theirs == pytest.approx(ours, rel=1e-6), name
    main(["estimate", *columns, "--cluster", "id", "--no-cache"])
    assert "tell as much as" not in capsys.readouterr().out


@pytest.fixture
def apart(tmp_path):
    """Judged rows with ids of five digits, and labels of which some lost the zeros in front."""
    judged = "\n".join(f"{i:05d},{int(i % 10 < 2)}" for i in range(400))
    (tmp_path / "judged.csv").write_text(f"id,judge\n{judged}\n")
    label = "\n".join(f"{i if i % 2 else f'{i:05d}'},{int(i % 10 < 3)}" for i in range(60))
    (tmp_path / "labels.csv").write_text(f"id,human\n{label}\n")
    return [
        *(str(tmp_path / "judged.csv"), "--judge", "judge", "--human", "human"),
        *("--human-file", str(tmp_path / "labels.csv"), "--id", "id"),
    ]


@pytest.mark.parametrize("command", ["estimate", "certify"])
def test_labels_that_met_no_row_are_said_before_the_numbers(command, apart, capsys):
    said = "30 of the 60 labels in the other file met no row and count for nothing. '1' may be '00001': "
    _, document, _ = answer(capsys, command, *apart, *QUICK[command])
    assert document["cautions"][0].startswith(said)
    assert main([command, *apart, *QUICK[command], "--no-cache"]) in (0, 1)
    assert " ".join(capsys.readouterr().out.split()).startswith(said)
    # Rows that --where leaves out are no strangers.
    _, document, _ = answer(capsys, command, *apart, *QUICK[command], "--where", "id::int < 40")
    assert document["labels"]["unmatched"] == 40
    assert document["cautions"][0].startswith("30 of the 60 labels")


def test_doctor_warns_of_labels_that_met_no_row(apart, capsys):
    status, document, _ = answer_of_doctor(capsys, *apart)
    (found,) = [one for one in document["findings"] if one["topic"] == "labels without a row"]
    assert (status, found["level"]) == (1, "warns")
    assert "30 of the 60 labels" in found["text"]
    assert "'1' may be '00001'" in found["text"]


def test_files_the_wrong_way_round_are_told(apart, capsys):
    swapped = [apart[6], *apart[1:6], apart[0], *apart[7:]]
    assert main(["estimate", *swapped]) == 2
    err = capsys.readouterr().err
    assert "judged.csv' has no column 'human', and" in err
    assert "the files may be the wrong way round" in err


def test_one_file_of_labels_is_not_two_raters(apart, capsys):
    assert main(["estimate", *apart, "--human-file", apart[6]]) == 2
    assert "twice: one file is one rater" in capsys.readouterr().err


def test_labels_by_verdict_have_no_raw_share(tmp_path, capsys):
    asked = ["estimate", "--counts", "40,2,10,48,160,1740", "--interval", "chi-square"]
    _, document, _ = answer(capsys, *asked)
    assert document["total"]["human_only"]["estimate"] == 0.42
    _, document, _ = answer(capsys, *asked, "--labels", "by-verdict")
    assert set(document["total"]["human_only"].values()) == {None}
    rows = (1, 1, 40), (0, 1, 2), (1, 0, 10), (0, 0, 48), (1, "", 160), (0, "", 1740)
    path = write(tmp_path / "f.csv", ("judge", "human"), *rows)
    out = tmp_path / "slices.csv"
    of_rows = [path, "--judge", "judge", "--human", "human", "--by", "judge", "--out", str(out)]
    assert main(["estimate", *of_rows, "--interval", "chi-square", "--labels", "by-verdict"]) == 0
    with out.open(newline="") as file:
        assert {row["human_only"] for row in csv.DictReader(file)} == {""}
