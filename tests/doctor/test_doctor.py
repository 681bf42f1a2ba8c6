"""`jaxmle doctor`: what it finds, and that what it tells to type runs."""

import csv
import json
import math
import random
import re
import shlex
import subprocess

import numpy as np
import pytest
from cases import LOGS

from jaxmle import Counts, profile_interval
from jaxmle._cli import main
from jaxmle._doctor._findings import MIN_LABELS
from jaxmle._documents._quoting import shell_line
from jaxmle._planning import first_estimate
from jaxmle._planning._label_formulas import human_power
from jaxmle._planning._precision import Precision
from jaxmle._tables._column_profile import Column, copies, profile, repeats
from jaxmle._tables._guess import guess
from jaxmle._tables._open import open_source

HOSTILE = [
    "hu\"man's\n[red]label",
    "[bold]judge[/]; rm -rf $HOME `ls`",
    "ca\x1b[31mtegory\n",
    "-x",
    "item\nid",
]


def write(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def verdicts(n, *, rate=0.1, tpr=0.9, fpr=0.05, every=3):
    """Truth, judge's verdict, and whether a human looked, of each item."""
    rng = random.Random(0)
    for i in range(n):
        truth = rng.random() < rate
        yield truth, rng.random() < (tpr if truth else fpr), i % every == 0


def plain_rows(n, **how):
    return [
        (f"q{i}", "abc"[i // 3 % 3], int(truth) if seen else "", int(flag))
        for i, (truth, flag, seen) in enumerate(verdicts(n, **how))
    ]


def doctor(path, capsys, *options):
    """Exit status and document."""
    status = main(["doctor", str(path), "--json", *options])
    out, err = capsys.readouterr()
    assert err == ""
    return status, json.loads(out)


def levels(document):
    return {one["topic"]: one["level"] for one in document["findings"]}


def finding(document, topic):
    return next(one for one in document["findings"] if one["topic"] == topic)


def words_of(line):
    """Words after `jaxmle` as a shell hands them over, asking for the quickest method."""
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True
    ).stdout.decode()
    program, *arguments = words.split("\0")[:-1]
    assert program == "jaxmle"
    quick = {"estimate": ["--interval", "chi-square"], "certify": ["--method", "profile"]}
    arguments = ["per-slice" if word == "partial" else word for word in arguments]
    return [*arguments, *quick.get(arguments[0], [])]


HEADER = ("item_id", "topic", "human", "judge")


def test_nothing_is_wrong_with_a_plain_file(tmp_path, capsys):
    path = write(tmp_path / "it's plain.csv", HEADER, plain_rows(600))
    status, document = doctor(path, capsys)
    assert status == 0
    assert levels(document) == {}
    assert document["rows"] == 600
    roles = document["roles"]
    assert (roles["judge"], roles["human"], roles["by"], roles["id"]) == (
        "judge",
        "human",
        ["topic"],
        "item_id",
    )
    assert [one["kind"] for one in document["columns"]] == ["id", "category", "verdict", "verdict"]
    assert sum(document["counts"].values()) == 600
    names = ["estimate", "estimate --by", "certify", "plan"]
    assert [(one["command"], one["ready"]) for one in document["commands"]] == [
        (name, True) for name in names
    ]
    assert document["next"] == document["commands"][0]["line"]
    # To plan is to simulate, and slices take a program of their own.
    for command in (document["commands"][0], document["commands"][2]):
        assert main(words_of(command["line"])) in (0, 1)
    assert words_of(document["commands"][3]["line"])[:2] == ["plan", "--failure-rate"]
    assert main(["doctor", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"Next: {document['next']}" in out


def test_names_of_strangers_are_shown_and_quoted(tmp_path, capsys):
    rows = [
        (human, "fail" if flag else "pass", f"[red]{topic}\x1b[0m", name, i // 4)
        for i, (name, topic, human, flag) in enumerate(plain_rows(400))
    ]
    path = write(tmp_path / "-a\nb.csv", HOSTILE, rows)
    status, document = doctor(path, capsys)
    assert status == 1
    assert document["roles"]["judge"] == HOSTILE[1]
    assert document["roles"]["cluster"] == HOSTILE[4]
    assert main(["doctor", str(path)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[bold]judge[/]" in out
    lines = out.splitlines()
    for command in document["commands"][:3]:
        assert command["line"].isprintable()
        assert f"    {command['line']}" in lines  # one line, nothing cut
        assert HOSTILE[1] in words_of(command["line"])
    assert main([*words_of(document["next"]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["n_labeled"] == 134


@pytest.mark.parametrize(
    "word", ["plain", "a b", "", "it's", '$HOME `id` "x"', "a\nb", "\x1b]0;t\x07é\n1", *HOSTILE]
)
def test_a_shell_reads_a_word_as_it_was(word):
    read = subprocess.run(["bash", "-c", f"printf '%s' {shell_line(word)}"], capture_output=True, check=True)
    assert read.stdout.decode() == word
    assert shell_line(word).isprintable()
    if word.isprintable():
        assert shlex.split(shell_line(word)) == [word]


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
    assert document["next"].endswith("--human-file labels.csv --id item_id --human human")
    # What it says to do does unblock it.
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


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        ("", 2, "the file is empty"),
        ("id,human,judge\n", 1, "it has a header but no rows"),
        ("id,human,judge\n" + ",,\n" * 40, 1, "no column looks like a judge's verdicts"),
        ("id,human,judge\n1,fail,pass\n", 1, "only 1 label"),
        ("id,human,judge\n1,fail\n", 2, "line 2 has 2 values where the header has 3"),
        ("\0\0", 2, "NUL"),
    ],
)
def test_files_that_hold_little(tmp_path, capsys, content, status, message):
    path = tmp_path / "f.csv"
    path.write_text(content)
    assert main(["doctor", str(path)]) == status
    out, err = capsys.readouterr()
    assert message in (err if status == 2 else out)
    assert err.count("\n") == (status == 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--judge", "jugde"], "Did you mean 'judge'?"),
        (["--human-file", "labels.csv"], "--human-file and --id"),
        (["--limit", "5"], "got 5: did you mean 5%, which is 0.05?"),
        (["--by", "nothing"], "has no column 'nothing'"),
    ],
)
def test_trouble_is_one_line(tmp_path, capsys, options, message):
    path = write(tmp_path / "f.csv", HEADER, plain_rows(30))
    assert main(["doctor", str(path), *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize("width", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_columns(width, tmp_path, capsys):
    names = [f"c{i}" for i in range(width)]
    rows = [[(r * i) % 7 for i in range(width)] for r in range(20)]
    rows = [
        [*row, human, flag] for row, (_, _, human, flag) in zip(rows, plain_rows(20, every=2), strict=True)
    ]
    path = write(tmp_path / "f.csv", [*names, "human", "judge"], rows)
    assert main(["doctor", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"{width + 2:,} columns" in out
    assert "Judge judge, human human: 10 labelled, 10 not" in out
    assert len(out) < 20_000


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
    cells = np.array([rate * tpr, rate * (1 - tpr), (1 - rate) * fpr, (1 - rate) * (1 - fpr)])
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


def test_columns_are_told_apart_by_name_and_by_what_they_hold():
    full, half = {"1": 40, "0": 60}, {"1": 10, "0": 40}
    columns = [
        Column("gpt4", 100, 2, 1, full),
        Column("human_a1", 100, 2, 1, full),
        Column("human", 50, 2, 1, half),
        Column("prompt_id", 100, 20, 4, None),
        Column("question_id", 100, 30, 4, None),
        Column("gpt4_raw", 100, 3, 9, {"a": 30, "b": 30, "c": 40}),
        Column("language", 100, 2, 2, {"en": 50, "de": 50}),
        Column("weight", 100, 40, 3, None, (0.5, 2.0)),
    ]
    roles = guess(columns)
    assert (roles.judge, roles.human, roles.by) == ("gpt4", "human", ["language"])
    assert (roles.cluster, roles.weight) == ("prompt_id", "weight")
    # Without a telling name the column with gaps is the human's.
    roles = guess([Column("a", 100, 2, 1, full), Column("b", 50, 2, 1, half)])
    assert (roles.judge, roles.human, roles.unsure) == ("a", "b", False)
    roles = guess([Column("a", 100, 2, 1, full), Column("b", 100, 2, 1, full)])
    assert roles.unsure
    # Parts of the item and what counts its runs are no verdicts, whatever they hold.
    item = [Column(name, 100, 2, 1, full) for name in ("response", "task", "Epoch", "expected.answer")]
    roles = guess([*item, Column("human", 50, 2, 1, half), Column("exact_match", 100, 2, 1, full)])
    assert (roles.judges, roles.humans) == (["exact_match"], ["human"])
    assert guess([*item, Column("human", 50, 2, 1, half)]).judge is None
    assert Column("valid", 100, 2, 1, full).kind == "verdict"
    assert Column("paid", 9, 9, 1, None).kind != "id"


def test_the_profile_counts_right(tmp_path):
    rows = [(i, "A "[i % 2] + "x", i % 7 or "", "NA" if i % 5 == 0 else "Fail") for i in range(1000)]
    source = open_source(str(write(tmp_path / "f.csv", ("n", "c", "gap", "v"), rows)))
    n, (number, category, gap, verdict) = profile(source)
    assert n == 1000
    assert number.numbers == (0, 999)
    assert (number.distinct, number.approximate) == (1000, False)
    assert category.words == {"ax": 500, "x": 500}
    assert (gap.filled, gap.distinct) == (857, 6)
    assert (verdict.n_present, verdict.kind, verdict.words) == (800, "verdict", {"fail": 800, "na": 200})
    assert repeats(source, "n") == 0
    assert repeats(source, "c") == 998
    assert copies(source, profile(source)[1]) == []


def test_json_and_logs(tmp_path, capsys):
    path = tmp_path / "f.jsonl"
    lines = [
        {
            "id": name,
            "scores": {"judge": bool(flag)},
            "meta": {"human": None if human == "" else human, "topic": topic},
        }
        for name, topic, human, flag in plain_rows(300)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    status, document = doctor(path, capsys)
    assert status == 0
    assert (document["roles"]["judge"], document["roles"]["human"]) == ("scores.judge", "meta.human")
    for name, judge in (("promptfoo.json", "score.pass"), ("deepeval.json", "score.success")):
        status, document = doctor(LOGS / name, capsys)
        assert (status, document["roles"]["judge"]) == (1, judge)
        assert document["roles"]["human"].endswith("human")
        assert levels(document)["few labels"] == "warns"


def test_published_verdicts(shared, capsys):
    for path in sorted((shared / "data").glob("*.csv")):
        status, document = doctor(path, capsys)
        if path.name == "counts.csv":
            assert (status, levels(document)["no human"]) == (1, "blocks")
            continue
        assert document["roles"]["human"] == "human"
        assert document["roles"]["judge"].startswith("gpt4")
        assert document["commands"][0]["ready"]
        if path.name == "xstest_unsafe_compliance.csv":
            assert "model = 'mistralinstruct'" in finding(document, "reversed slices")["text"]
            assert finding(document, "missing verdicts")["level"] == "warns"


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
    assert int(number.replace(",", "")) == max(first, MIN_LABELS)


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
