"""What GitHub is told of a verdict: commands that its runner takes apart again, and a summary in Markdown."""

import json
import re

import pytest

from jaxmle._ci import github_commands
from jaxmle._cli import main

COMMON = ["--judge", "judge", "--human", "human", "--method", "profile"]
NAMES = ["a\n::error::b", "100%0A::stop-commands::x", "x, y: z", "##[error]", "<b>|`*_@all"]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    path = tmp_path_factory.mktemp("github") / "verdicts.jsonl"
    rows = []
    for name in NAMES:
        pairs = [(1, 1), (1, 0), (0, 1)] + [(0, 0)] * 30 + [(None, 1)] * 20 + [(None, 0)] * 200
        rows += [{"topic": name, "human": human, "judge": judge} for human, judge in pairs]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


@pytest.fixture(autouse=True)
def no_summary_of_our_own(monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def parsed(line):
    """A command as the runner of GitHub reads it (actions/runner, ActionCommand.TryParseV2)."""
    kind, properties, data = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()
    name, title = properties.split("=", 1)
    assert name == "title"
    assert "," not in title
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        title = title.replace(code, char)
        data = data.replace(code, char) if code not in ("%3A", "%2C") else data
    return kind, title, data


def test_nothing_is_said_unless_it_is_asked_for(verdicts, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert main(["certify", str(verdicts), *COMMON, "--limit", "0.5"]) == 0
    said = capsys.readouterr()
    assert "::notice" not in said.out + said.err
    assert not (tmp_path / "summary.md").exists()


@pytest.mark.parametrize(("limit", "status"), [("0.5", 0), ("0.12", 1)])
def test_annotations_say_the_verdict_and_which_slices_fail(verdicts, capsys, limit, status):
    asked = ["certify", str(verdicts), *COMMON, "--by", "topic", "--limit", limit]
    assert main([*asked, "--annotations", "--json"]) == status
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["certified"] == (status == 0)
    first, *slices = map(parsed, said.err.splitlines())
    if status == 0:
        assert first[:2] == ("notice", "Certified: the failure rate is below 50.00% (5 of 5 slices pass)")
        assert not slices
        return
    assert first[:2] == ("error", "Not certified: below 12.00% is not shown (0 of 5 slices pass)")
    assert {kind for kind, _, _ in slices} == {"error"}
    shown = sorted(name.replace("\n", "\\n") for name in NAMES)
    assert sorted(data.split(": failure rate ")[0] for _, _, data in slices) == shown
    assert all(re.search(r"upper limit \d+\.\d\d% at 95% confidence", data) for _, _, data in slices)


def test_no_more_is_said_than_github_shows(verdicts, capsys):
    main(["certify", str(verdicts), *COMMON, "--by", "topic", "--limit", "0.12", "--json"])
    document = json.loads(capsys.readouterr().out)
    failing = document["slices"][0]
    for n, lines in ((8, 9), (9, 10), (10, 10), (1000, 10)):
        commands = github_commands({**document, "slices": [failing] * n})
        assert len(commands) == lines
        assert ("more slices" in commands[-1]) == (n > 9)
    assert f"{1000 - 8:,} more" in commands[-1]


def test_cautions_are_warnings(tmp_path, capsys):
    path = tmp_path / "verdicts.csv"
    rows = ["1,1"] * 60 + ["0,0"] * 60 + [",1"] * 50 + [",0"] * 2000
    path.write_text("human,judge\n" + "\n".join(rows) + "\n")
    assert main(["certify", str(path), *COMMON, "--limit", "0.9", "--annotations"]) in (0, 1)
    kinds = [parsed(line)[0] for line in capsys.readouterr().err.splitlines()]
    assert "warning" in kinds[1:]


def test_the_summary_is_markdown_and_is_added_to_what_is_there(verdicts, tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    path.write_text("before\n\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    asked = ["certify", str(verdicts), *COMMON, "--by", "topic", "--limit", "0.12", "--annotations"]
    assert main(asked) == 1
    text = path.read_text()
    assert text.startswith("before\n\n# Not certified: below 12.00% is not shown (0 of 5 slices pass)\n")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0].startswith("| Failure rate, all rows | Upper limit (95%) | Limit | p-value |")
    assert len(rows) == 3 + 2 + len(NAMES) + 1
    # Bars of the data are no borders of cells. Without bounds no column says which are active.
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows[3:]} == {8}
    assert "<b>" not in text


def test_a_summary_of_many_slices_stays_small(verdicts, capsys):
    from jaxmle._ci import summary

    main(["certify", str(verdicts), *COMMON, "--by", "topic", "--limit", "0.12", "--json"])
    document = json.loads(capsys.readouterr().out)
    document["slices"] = document["slices"][:1] * 50_000
    text = summary(document, "verdicts.csv")
    assert len(text.encode()) < 100_000
    assert "200 of 50,000 slices" in text


def test_trouble_is_said_as_an_error_that_is_no_verdict(verdicts, capsys):
    asked = ["certify", str(verdicts), "--judge", "none", "--human", "human", "--limit", "0.5"]
    assert main([*asked, "--annotations"]) == 2
    annotation, line = capsys.readouterr().err.splitlines()
    kind, title, data = parsed(annotation)
    assert (kind, title) == ("error", "Trouble")
    assert data.startswith("no verdict: ")
    assert line == f"jaxmle: {data.removeprefix('no verdict: ')}"
