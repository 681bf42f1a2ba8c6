"""The page on exports of tools: every command of its table is run on a file of the shape that it names."""

import json
import shlex

import exports
import pytest
from cases import LOGS, PROJECT

from jaxmle._cli import main

EXPECTED = exports.EXPECTED
_LOG = (1, 1, 1, 1, 1, 1)  # of six questions, as in the logs beside the tests


def rows():
    page = (PROJECT / "docs" / "tools.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        tool, file, command, *_ = (cell.strip() for cell in line.strip("|").split(" | "))
        yield pytest.param(file.split("`")[1], command.strip("`"), id=tool)


def inspect_log(path, letters=None):
    log = pytest.importorskip("inspect_ai.log")
    found = log.read_eval_log(str(LOGS / "inspect.eval"))
    for i, sample in enumerate(found.samples if letters else ()):
        sample.scores["match"].value = letters[i % len(letters)]
    log.write_eval_log(found, str(path))
    return found


def write(folder, file, command):
    """Write what a command reads; its counts, as far as they are known here."""
    path = folder / file
    forms = {
        "scores.csv": exports.langfuse,
        "annotations.csv": exports.phoenix,
        "feedback.jsonl": exports.langsmith,
        "traces.jsonl": exports.traces,
        "experiment.json": exports.braintrust,
        "ragas.csv": exports.ragas,
    }
    if file in forms:
        exports.save(path, forms[file]())
    elif file == "items.json":
        exports.save(path, {"object": "list", "data": list(exports.output_items())})
    elif file == "run.jsonl":
        exports.save(path, exports.events())
        exports.labels(folder / "labels.csv", "sample_id", lambda i: f"b.dev.{i}")
    elif file == "results.json":
        exports.save(path, {"evalId": "e", "results": {"version": 3, "results": exports.RESULTS}})
        return (3, 5, 1, 11, 5, 15)
    elif file == "log.eval":
        log = inspect_log(path)
        lines = [f"{one.id},{one.epoch},{'CI'[i % 2]}" for i, one in enumerate(log.samples)][:8]
        text = "\n".join(["id,epoch,human", *lines]).replace(",C", ",correct").replace(",I", ",incorrect")
        (folder / "labels.csv").write_text(text)
        return None if "labels.csv" in command else tuple(2 * cell for cell in _LOG)
    elif file == "partial.eval":
        inspect_log(path, "CPI")
        return None
    elif file == "labels.xlsx":
        pytest.importorskip("python_calamine")
        exports.workbook(path, Labels=exports.SHEET)
        return (1, 0, 1, 1, 0, 1)
    elif file == "panel.csv":
        path.write_text(
            "judge_a,judge_b,judge_c,human_x,human_y\n1,1,0,1,0\n1,0,0,1,1\n1,,1,,\n0,1,0,0,0\n0,0,0,,\n"
        )
        return (1, 1, 0, 1, 1, 1)
    elif file == "run.json":
        path.write_bytes((LOGS / "deepeval.json").read_bytes())
        return _LOG
    else:
        human = ["pass", "fail", None, "fail", "pass", None]
        keys = {"resps": [["x"]], "filtered_resps": ["x"], "filter": "none", "metrics": ["exact_match"]}
        docs = ({"q": i} | ({"human": human[i]} if human[i] else {}) for i in range(6))
        exports.save(
            path,
            ({"doc_id": i, "doc": doc, "exact_match": float(i < 3)} | keys for i, doc in enumerate(docs)),
        )
        return _LOG
    return EXPECTED


@pytest.mark.slow
@pytest.mark.parametrize(("file", "command"), list(rows()))
def test_each_command_of_the_page_is_right(file, command, tmp_path, monkeypatch, capsys):
    expected = write(tmp_path, file, command)
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(command)
    assert program == "jaxmle"
    assert main([*arguments, "--interval", "chi-square", "--json"]) == 0
    counts = tuple(json.loads(capsys.readouterr().out)["total"]["counts"].values())
    assert expected in (None, counts)
    # The doctor, told nothing, finds the same judge and human, or says what it needs to know.
    assert main(["doctor", file, "--json"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    lines = [document["next"], *(one["line"] for one in document["commands"])]
    assert (
        lines[0].startswith(f"jaxmle estimate {file}")
        or "--judge-threshold" in lines[0]
        or (
            # Where it knows of no label it says which items to label, and how to name a file of labels.
            "--human-file" in arguments
            and lines[0].startswith(f"jaxmle draw {file}")
            and lines[1].startswith(f"jaxmle estimate {file}")
        )
    )
    if "--human-file" not in arguments:
        assert document["roles"]["human"] == arguments[arguments.index("--human") + 1]
    if "--judge" in arguments:
        assert document["roles"]["judge"] == arguments[arguments.index("--judge") + 1]
    if document["counts"]:  # what it proposes runs, and finds the failures that the page's command finds
        assert main([*shlex.split(document["next"])[1:], "--interval", "chi-square", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["total"]["counts"]
        assert (found["tp"] + found["fn"], found["fp"] + found["tn"]) == (
            counts[0] + counts[1],
            counts[2] + counts[3],
        ) or "--human-file" in arguments
