"""`jaxmle doctor`: it reads any file, tells columns apart, and what it tells to type runs."""

import json
import shlex
import subprocess

import pytest
from cases import LOGS
from doctor_files import HEADER, doctor, finding, levels, plain_rows, words_of, write

from jaxmle._cli import main
from jaxmle._documents._quoting import shell_line
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


@pytest.mark.slow
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
