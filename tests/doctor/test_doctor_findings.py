"""What `jaxmle doctor` finds to say of rows, labels, verdicts and words."""

import json
import random
import shlex
from pathlib import Path

import numpy as np
import pytest
from doctor_files import HEADER, doctor, finding, levels, plain_rows, words_of, write

from jaxmle._cli import main
from jaxmle._doctor._findings import MIN_LABELS


def test_balanced_labels_are_seen(tmp_path, capsys):
    rng = random.Random(1)
    rows = []
    for i in range(3000):
        truth = i < 50 if i < 100 else rng.random() < 0.1
        rows.append((int(truth) if i < 100 else "", int(rng.random() < (0.9 if truth else 0.1))))
    status, document = doctor(write(tmp_path / "f.csv", ("human", "judge"), rows), capsys)
    assert status == 1
    assert {"design", "balanced calibration"} <= levels(document).keys()
    assert "--calibration external" in document["next"]
    assert main([*words_of(document["next"]), "--json"]) == 0
    estimate = json.loads(capsys.readouterr().out)["total"]["failure_rate"]["estimate"]
    said = float(document["commands"][0]["why"].removeprefix("about ").split("%")[0]) / 100
    assert said == pytest.approx(estimate, abs=0.02)


def test_labels_that_drifted_are_seen_and_need_not_be_balanced(tmp_path, capsys):
    rows = plain_rows(300, every=1) + [(f"r{i}", "a", "", int(i % 3 == 0)) for i in range(900)]
    _, document = doctor(write(tmp_path / "f.csv", HEADER, rows), capsys)
    assert "design" in levels(document)
    assert "balanced calibration" not in levels(document)
    assert "external" not in document["next"]


def test_missing_verdicts_that_tell_something(tmp_path, capsys):
    rows = plain_rows(600)
    failing = [(f"m{i}", "a", 1, "") for i in range(12)]
    _, document = doctor(write(tmp_path / "f.csv", HEADER, rows + failing), capsys)
    assert finding(document, "missing verdicts")["level"] == "warns"
    assert "labelled 12 of the items without a judge verdict" in finding(document, "missing verdicts")["text"]
    like_the_rest = [(f"m{i}", "a", int(i % 10 == 0), "") for i in range(12)]
    _, document = doctor(write(tmp_path / "f.csv", HEADER, rows + like_the_rest), capsys)
    assert finding(document, "missing verdicts")["level"] == "note"


def test_labels_that_replaced_the_judge(tmp_path, capsys):
    labelled = [(f"i{i}", "a", int(i % 5 == 0), "") for i in range(20)]
    judged = [(f"i{i}", "a", "", int(i % 4 == 0)) for i in range(20, 60)]
    _, document = doctor(write(tmp_path / "f.csv", HEADER, labelled + judged), capsys)
    assert "humans labelled 20 rows without one" in finding(document, "no labels")["text"]


def test_a_judge_that_repeats_the_human(tmp_path, capsys):
    rows = [(f"i{i}", "a", int(i % 5 == 0) if i < 100 else "", int(i % 5 == 0)) for i in range(300)]
    _, document = doctor(write(tmp_path / "f.csv", HEADER, rows), capsys)
    found = finding(document, "copied verdicts")
    assert found["level"] == "warns"
    assert "judge and human say the same of all 100 labelled items" in found["text"]


def test_ids_that_repeat(tmp_path, capsys):
    rows = plain_rows(600)
    status, document = doctor(write(tmp_path / "f.csv", HEADER, [*rows, rows[0], rows[1]]), capsys)
    assert status == 1
    assert "2 of 602 rows repeat a value of 'item_id'" in finding(document, "repeated ids")["text"]
    turns = [(f"c{i // 4}", *row[1:]) for i, row in enumerate(rows)]
    _, document = doctor(write(tmp_path / "f.csv", ("conversation_id", *HEADER[1:]), turns), capsys)
    assert document["next"].endswith("--cluster conversation_id")
    assert "--cluster" in document["commands"][2]["line"]


def test_a_slice_whose_judge_is_reversed(tmp_path, capsys):
    rows = plain_rows(900, rate=0.3)
    mixed = [(name, topic, human, 1 - flag if topic == "b" else flag) for name, topic, human, flag in rows]
    status, document = doctor(write(tmp_path / "f.csv", HEADER, mixed), capsys)
    assert status == 1
    text = finding(document, "reversed slices")["text"]
    assert "topic = 'b'" in text
    assert "topic = 'a'" not in text


@pytest.mark.parametrize(
    ("how", "topic"),
    [
        ({"tpr": 0.5, "fpr": 0.5}, "judge"),
        ({"rate": 0}, "one class absent"),
        ({"tpr": 1, "fpr": 1}, "constant judge"),
        ({"every": 100}, "few labels"),
    ],
)
def test_verdicts_that_tell_little(tmp_path, capsys, how, topic):
    status, document = doctor(write(tmp_path / "f.csv", HEADER, plain_rows(600, **how)), capsys)
    assert status == 1
    assert any(one.startswith(topic) for one in levels(document))


def test_labels_that_are_wanting(tmp_path, capsys):
    path = write(
        tmp_path / "f.csv", ("item_id", "topic", "judge"), [row[:2] + row[3:] for row in plain_rows(90)]
    )
    status, document = doctor(path, capsys)
    assert status == 1
    assert finding(document, "no human") == {
        "level": "blocks",
        "topic": "no human",
        "text": finding(document, "no human")["text"],
        "labels": MIN_LABELS,
    }
    assert not document["commands"][0]["ready"]
    assert document["commands"][0]["line"].endswith("--human-file labels.csv --id item_id --human human")
    # What it says to do does unblock it.
    queue = str(tmp_path / "queue.csv")
    draw = [queue if word == "queue.csv" else word for word in words_of(document["next"])]
    assert main(draw) == 0
    assert len(Path(queue).read_text().splitlines()) == 51
    capsys.readouterr()
    labels = write(
        tmp_path / "labels.csv", ("item_id", "human"), [row[::2] for row in plain_rows(90) if row[2] != ""]
    )
    options = ["--human-file", str(labels), "--id", "item_id", "--human", "human"]
    _, document = doctor(path, capsys, *options)
    assert document["commands"][0]["ready"]
    assert sum(document["counts"][name] for name in ("tp", "fn", "fp", "tn")) == 30
    assert main([*words_of(document["next"])]) == 0


def test_words_that_must_be_explained(tmp_path, capsys):
    words = {1: "refusal", 0: "compliance", "": ""}
    rows = [(name, words[human], words[flag]) for name, _, human, flag in plain_rows(300)]
    status, document = doctor(write(tmp_path / "f.csv", ("id", "human", "judge"), rows), capsys)
    assert (status, levels(document)["unknown words"]) == (1, "blocks")
    assert document["next"].startswith("jaxmle doctor")
    assert document["next"].endswith("--failure refusal")
    assert main([*words_of(document["next"])]) == 0
    assert " --failure refusal" in capsys.readouterr().out.splitlines()[-1]
    turned = [(name, "" if human == "" else 1 - human, 1 - flag) for name, _, human, flag in plain_rows(300)]
    _, document = doctor(write(tmp_path / "f.csv", ("id", "human_correct", "judge_correct"), turned), capsys)
    assert finding(document, "meaning of 1")["level"] == "warns"
    assert document["next"].endswith("--failure 0")
    assert document["counts"]["tp"] + document["counts"]["fn"] < 30
    graded = [
        (name, human, 2 + flag * 3 + i / 1000) for i, (name, _, human, flag) in enumerate(plain_rows(300))
    ]
    _, document = doctor(write(tmp_path / "f.csv", ("id", "human", "score"), graded), capsys)
    assert levels(document)["graded judge"] == "note"
    assert "--judge-threshold '>=5.0" in document["next"]
    assert main(words_of(document["next"])) in (0, 1)
    capsys.readouterr()
    stray = [
        (name, human, "ERROR" if i < 5 else flag) for i, (name, _, human, flag) in enumerate(plain_rows(300))
    ]
    _, document = doctor(write(tmp_path / "f.csv", ("id", "human", "judge"), stray), capsys)
    assert levels(document)["rows left out"] == "warns"
    assert "--on-invalid drop" in document["next"]


def test_columns_that_are_odd(tmp_path, capsys):
    rows = [(*row, "same", row[1], "") for row in plain_rows(300)]
    status, document = doctor(write(tmp_path / "f.csv", (*HEADER, "run", "topic2", "void"), rows), capsys)
    assert status == 0
    assert levels(document) == dict.fromkeys(
        ("duplicated columns", "constant columns", "empty columns"), "note"
    )
    assert "'topic' = 'topic2'" in finding(document, "duplicated columns")["text"]
    same = [(row[3], row[3]) for row in rows]
    status, document = doctor(write(tmp_path / "f.csv", ("human", "judge"), same), capsys)
    assert (status, levels(document)["copied verdicts"]) == (1, "warns")
    twice = [(row[3], row[3], row[2]) for row in rows]
    status, document = doctor(write(tmp_path / "f.csv", ("judge", "Judge", "human"), twice), capsys)
    assert status == 1
    assert {"columns named twice", "no judge"} <= levels(document).keys()


def test_texts_that_repeat_are_clusters_though_no_id_says_so(tmp_path, capsys):
    rows = [
        (i, f"Why is {i // 4} not {i // 4 + 1}? Say it in a sentence or two.", *row[2:])
        for i, row in enumerate(plain_rows(600))
    ]
    path = write(tmp_path / "f.csv", ("row_id", "prompt", "human", "judge"), rows)
    _, document = doctor(path, capsys)
    assert document["roles"]["cluster"] == "prompt"
    assert "'prompt' repeats" in finding(document, "repeated ids")["text"]
    assert document["next"].endswith("--cluster prompt")


@pytest.mark.parametrize("grades", [3, 5, 10])
@pytest.mark.parametrize(
    ("judge", "human", "is_good"),
    [("judge_score", "human_passed", True), ("risk", "human_failed", False), ("quality", "human", True)],
)
def test_a_threshold_for_graded_judges(grades, judge, human, is_good, tmp_path, capsys):
    rng = np.random.default_rng(grades)
    failed = rng.random(3000) < 0.15
    told = np.where(failed, rng.normal(-1, 0.8, 3000), rng.normal(1, 0.8, 3000)) * (1 if is_good else -1)
    scores = np.clip(np.round((told + 2) / 4 * (grades - 1)), 0, grades - 1).astype(int) + 1
    verdicts = ~failed if human == "human_passed" else failed
    labels = [f"{verdict:d}" if i % 5 == 0 else "" for i, verdict in enumerate(verdicts)]
    path = tmp_path / "graded.csv"
    path.write_text("\n".join([f"{judge},{human}", *map("{},{}".format, scores, labels)]))
    _, document = doctor(path, capsys)
    roles = document["roles"]
    assert (roles["judge"], roles["human"]) == (judge, human)
    thresholds = {one["threshold"]: one for one in document["thresholds"]}
    assert len(thresholds) == grades - 1
    assert all(one["tpr"] >= one["fpr"] for one in thresholds.values())
    (best,) = [one for one in thresholds.values() if one["proposed"]]
    assert best["width"] == min(one["width"] for one in thresholds.values())
    assert best["threshold"].startswith("<" if is_good else ">=")
    assert main([*shlex.split(document["next"])[1:], "--interval", "chi-square", "--json"]) == 0
    rate = json.loads(capsys.readouterr().out)["total"]["failure_rate"]
    assert rate["low"] <= np.mean(failed) <= rate["high"]


def test_a_judge_of_percentages_is_graded(tmp_path, capsys):
    rows = [
        (f"i{i}", "a", int(i % 10 < 2) if i < 200 else "", f"{10 * (i % 10) + i % 3}%") for i in range(600)
    ]
    _, document = doctor(write(tmp_path / "f.csv", HEADER, rows), capsys)
    assert finding(document, "graded judge")["level"] == "note"
    assert "--judge-threshold" in document["next"]
    assert main([*words_of(document["next"]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["total"]["failure_rate"]
    assert found["low"] < 0.2 < found["high"]


@pytest.mark.parametrize("header", [HEADER, ("item_id", "topic", "note", "judge")])
def test_a_limit_without_labels_is_answered_with_a_plan(header, tmp_path, capsys):
    rows = [(f"i{i}", "a", "", int(i % 10 == 0)) for i in range(400)]
    path = write(tmp_path / "f.csv", header, rows)
    _, document = doctor(path, capsys)
    assert "limit" not in levels(document)
    _, document = doctor(path, capsys, "--limit", "0.08")
    assert finding(document, "limit")["level"] == "note"
    assert "is used once there are labels" in finding(document, "limit")["text"]
    (plan,) = [one for one in document["commands"] if one["command"] == "plan"]
    assert "--n-unlabeled 400 --limit 0.08" in plan["line"]
    assert main([*words_of(plan["line"]), "--method", "profile", "--json"]) in (0, 1)
    capsys.readouterr()


def test_another_human_who_differs_is_noted(tmp_path, capsys):
    rows = [
        (
            *(f"i{i}", int(i % 5 == 0) if i < 200 else "", int(i % 4 == 0)),
            int((i % 5 == 0) != (i % 40 == 20)) if i < 120 else "",
        )
        for i in range(400)
    ]
    path = write(tmp_path / "f.csv", ("item_id", "human", "judge", "reviewer"), rows)
    _, document = doctor(path, capsys)
    found = finding(document, "humans differ")
    assert found["level"] == "note"
    assert "'human' and 'reviewer' differ on 3 of the 120 rows that both labelled (2.5%)" in found["text"]
    options = "--human human --human reviewer --human-combine any --human-error agreement"
    assert options in found["text"]
    estimate = ["estimate", str(path), "--judge", "judge", "--interval", "chi-square", "--json"]
    assert main([*estimate, *options.split()]) == 0
    capsys.readouterr()
    same = [(*row[:3], row[1]) if row[3] != "" else row for row in rows]
    _, document = doctor(write(tmp_path / "g.csv", ("item_id", "human", "judge", "reviewer"), same), capsys)
    assert "humans differ" not in levels(document)


def test_three_humans_decide_by_majority_in_one_file_and_in_three(tmp_path, capsys):
    """Where one of them gave no label two may tie: then any of them says."""
    truth = [int(i % 5 == 0) for i in range(120)]
    names = ("human", "reviewer", "annotator")
    said = {name: [one ^ (i % 30 == 7 * k) for i, one in enumerate(truth)] for k, name in enumerate(names)}
    rows = [(f"i{i}", int(i % 4 == 0), *(said[name][i] for name in names)) for i in range(120)]
    together = write(tmp_path / "f.csv", ("item_id", "judge", *names), rows)
    _, document = doctor(together, capsys)
    options = "--human human --human reviewer --human annotator --human-combine majority"
    assert f"{options} --human-error agreement" in finding(document, "humans differ")["text"]
    files = [write(tmp_path / f"{name}.csv", ("item_id", "human"), enumerated(said[name])) for name in names]
    apart = write(tmp_path / "v.csv", ("item_id", "judge"), [row[:2] for row in rows])
    more = ["--judge", "judge", "--human", "human", "--id", "item_id"]
    more += [word for file in files for word in ("--human-file", str(file))]
    _, document = doctor(apart, capsys, *more)
    assert document["next"].endswith("--human-combine majority")
    write(files[2], ("item_id", "human"), enumerated(said["annotator"])[:60])
    _, document = doctor(apart, capsys, *more)
    assert document["next"].endswith("--human-combine any")


def enumerated(labels):
    return [(f"i{i}", label) for i, label in enumerate(labels)]


def test_values_are_shown_as_they_are_written_and_work_in_a_condition(tmp_path, capsys):
    words = {1: "Not Grounded", 0: "Grounded Text", "": ""}
    rows = [
        (name, f"Topic {topic}", words[human], words[flag]) for name, topic, human, flag in plain_rows(200)
    ]
    path = write(tmp_path / "words.csv", HEADER, rows)
    _, document = doctor(path, capsys)
    columns = {one["name"]: one for one in document["columns"]}
    assert set(columns["topic"]["values"]) == {row[1] for row in rows}
    assert finding(document, "unknown words")["text"].count("'Not Grounded'") == 1
    following = words_of(document["next"])
    assert following[-2:] == ["--failure", "Not Grounded"]
    for value, times in columns["topic"]["values"].items():
        said = ["--failure", "Not Grounded", "--where", f"topic = '{value}'"]
        assert main(["estimate", str(path), "--judge", "judge", "--human", "human", *said, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["rows"] == times
        assert found["failure"]["judge"]["words"] == ["Not Grounded"]
    main(["doctor", str(path)])
    assert f"{value} {times}" in capsys.readouterr().out


def test_space_around_a_value_is_seen(tmp_path, capsys):
    rows = [(name, f"{topic} ", human, int(flag)) for name, topic, human, flag in plain_rows(60)]
    path = write(tmp_path / "space.csv", HEADER, rows)
    main(["doctor", str(path)])
    assert f"'{rows[0][1]}' " in capsys.readouterr().out
