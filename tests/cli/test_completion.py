"""What a shell offers at the end of a line: commands, options, choices, and columns of the file named."""

from typing import Any

import pytest

from jaxmle._cli import main
from jaxmle._cli._app import _built
from jaxmle._cli._options import CHOICES, choices_of

# Names that a shell would act on where it puts them in are never offered.
HEADER = 'id,topic,judge,"judge two",$(rm -rf .),-x,human\n'


def offered(monkeypatch, capsys, line):
    """What is offered where the last word of a line stands."""
    words = line.split(" ")
    monkeypatch.setenv("_JAXMLE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert main([]) == 0
    return capsys.readouterr().out.split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(f"{HEADER}1,x,1,1,1,1,1\n")
    (tmp_path / "labels.jsonl").write_text('{"key": 1, "label": 0}\n')
    (tmp_path / "broken.parquet").write_text("no parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jaxmle est", ["estimate"]),
        ("jaxmle estimate --calib", ["--calibration"]),
        ("jaxmle estimate a.csv --calibration ", ["internal", "external"]),
        ("jaxmle estimate a.csv --interval b", ["bootstrap"]),
        ("jaxmle report a.csv --interval ", ["profile", "chi-square"]),
        ("jaxmle compare a.csv --judge-rates ", ["separate", "common"]),
        ("jaxmle certify a.csv --combine m", ["majority"]),
        ("jaxmle estimate a.csv --judge ", ["id", "topic", "judge", "human"]),
        ("jaxmle estimate a.csv --judge judge --human h", ["human"]),
        ("jaxmle doctor a.csv --by t", ["topic"]),
        ("jaxmle estimate a.csv --human-file labels.jsonl --human ", ["key", "label"]),
        ("jaxmle compare a.csv labels.jsonl --judge-b k", ["key"]),
        ("jaxmle label a.csv --import labels.jsonl --label ", ["key", "label"]),
        ("jaxmle estimate broken.parquet --judge ", []),
        ("jaxmle estimate absent.csv --judge ", []),
        ("jaxmle estimate - --judge ", []),
        ("jaxmle estimate a.csv --out ", []),  # files, which the shell knows
    ],
)
def test_what_is_offered(folder, monkeypatch, capsys, line, expected):
    assert offered(monkeypatch, capsys, line) == expected


def test_what_is_offered_is_what_is_taken(folder, capsys):
    """Of each option that has choices in some command, a wrong value is answered with these."""
    (folder / "a.csv").write_text(f"{HEADER}1,x,1,1,1,1,1\n2,x,0,0,1,1,\n")
    rows = ["a.csv", "--judge", "judge", "--human", "human"]
    given = {
        "certify": [*rows, "--limit", "0.2", "--look", "1", "--of", "2"],
        "plan": ["--given", *rows, "--target-width", "0.1"],
        "report": [*rows, "--json"],
        "drift": [*rows, "--tpr", "0.5:1", "--fpr", "0:0.5"],
        "compare": [*rows, "--where-b", "topic = 'x'"],
        "draw": [*rows, "--id", "id", "--labels", "1", "--out", "queue.csv"],
    }
    seen = set()
    commands: Any = _built()
    for command, built in commands.commands.items():
        for one in built.params:
            if choices := choices_of(one.name, command):
                words = [command, *given.get(command, rows), max(one.opts, key=len), "nonsense"]
                # A rule is of several columns.
                words += {"combine": ["--judge", "x"], "human_combine": ["--human", "x"]}.get(one.name, [])
                assert main(words) == 2
                said = capsys.readouterr().err
                assert "nonsense" in said
                assert [choice for choice in choices if choice not in said] == []
                seen |= {one.name, f"{command}.{one.name}"}
    assert CHOICES.keys() <= seen
