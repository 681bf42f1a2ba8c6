"""Logs of evaluation tools, six questions each.

The tools say pass three times, then fail; humans pass, fail, nothing, fail, pass, nothing; topics alternate.

Written by the tools themselves (tests/logs): Inspect AI 0.3.285 with its mock model and the scorer `match`,
two epochs, events removed by Inspect's own reader and writer; promptfoo 0.121.20 with its echo provider;
DeepEval 4.3.1 with a metric of its base class. Written here, after the dictionary that lm-evaluation-harness
0.4.13 makes in `evaluator.py`: the samples of lm-evaluation-harness.
"""

import gzip
import json
import sys

import pytest
from cases import LOGS

from jaxmle import tables
from jaxmle._cli import main

# tp, fn, fp, tn, unlabeled_pos, unlabeled_neg of topics a and b: turned round they would differ.
BY_TOPIC = [(0, 0, 1, 1, 0, 1), (1, 1, 0, 0, 1, 0)]
EXPECTED = (1, 1, 1, 1, 1, 1)
HUMAN = ["pass", "fail", None, "fail", "pass", None]


def cells(result):
    return tuple(int(value) for value in result.total.values())


def by_slice(result):
    return [tuple(int(value) for value in one.values()) for one in result.counts]


def sample(i, filter="none", **metrics):
    doc = {"question": f"Question {i}?", "topic": "ab"[i % 2]}
    if HUMAN[i]:
        doc["human"] = HUMAN[i]
    return {
        "doc_id": i,
        "doc": doc,
        "target": "Paris",
        "arguments": {"gen_args_0": {"arg_0": "..."}},
        "resps": [["Paris"]],
        "filtered_resps": ["Paris"],
        "filter": filter,
        "metrics": list(metrics),
        "doc_hash": "0",
        "prompt_hash": "0",
        "target_hash": "0",
        **metrics,
    }


def write_lines(path, lines):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def harness(tmp_path):
    name = "samples_capitals_2026-01-01T00-00-00.000000.jsonl"
    return write_lines(tmp_path / name, (sample(i, exact_match=float(i < 3)) for i in range(6)))


@pytest.mark.parametrize(
    ("name", "human", "by"),
    [
        ("promptfoo.json", "vars.human", "vars.topic"),
        ("promptfoo.jsonl", "vars.human", "vars.topic"),
        ("deepeval.json", "metadata.human", "metadata.topic"),
    ],
)
def test_overall_verdicts_are_found_and_one_is_a_pass(name, human, by, capsys):
    path = LOGS / name
    assert by_slice(tables.count(path, human=human, by=by)) == BY_TOPIC
    assert main(["estimate", str(path), "--human", human, "--by", by, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["key"][by] for one in document["slices"]] == ["a", "b"]
    assert [tuple(one["counts"].values()) for one in document["slices"]] == BY_TOPIC


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("promptfoo.json", "score.capital"),
        ("promptfoo.json", "score.pass"),
        ("deepeval.json", "score.Agrees"),
    ],
)
def test_scores_can_be_named(name, judge):
    columns = "vars" if "promptfoo" in name else "metadata"
    result = tables.count(LOGS / name, judge=judge, human=f"{columns}.human", by=f"{columns}.topic")
    assert by_slice(result) == BY_TOPIC


def test_an_assertion_without_a_name_goes_by_its_type():
    result = tables.count(LOGS / "promptfoo.json", judge="score.javascript", human="vars.human")
    assert cells(result) == (0, 2, 0, 2, 0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inspect.eval", "inspect.json"])
def test_inspect_by_its_own_reader(name, capsys):
    pytest.importorskip("inspect_ai")
    twice = tuple(2 * cell for cell in EXPECTED)
    result = tables.count(LOGS / name, human="metadata.human", cluster="id")
    assert cells(result) == twice
    assert len(result.clusters.counts) == 6
    first = tables.count(LOGS / name, human="metadata.human", where="epoch = 1", by="metadata.topic")
    assert by_slice(first) == BY_TOPIC
    assert main(["estimate", str(LOGS / name), "--human", "metadata.human"]) == 0
    out = capsys.readouterr().out
    assert "--cluster id" in out
    assert "Log of Inspect AI; judge: score.match." in out


@pytest.mark.slow
def test_inspect_logs_of_several_files_go_together():
    pytest.importorskip("inspect_ai")
    result = tables.count(str(LOGS / "inspect.*"), human="metadata.human", by=("task", "model"))
    assert cells(result) == tuple(4 * cell for cell in EXPECTED)
    assert result.keys == [{"task": "capitals", "model": "mockllm/model"}]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"C": 1}, ["pass"]),
        (["C", "I", "N"], ["pass", "fail", "fail"]),
        (["C", "P", "I"], ["1.00000000000", "0.500000000000", "0.00000000000"]),
        ([True, False, None], ["pass", "fail", None]),
        ([1, 0, 0.5], ["1.00000000000", "0.00000000000", "0.500000000000"]),
        ([1, 0, float("nan")], ["pass", "fail", None]),
        (["A", "B"], ["A", "B"]),
        ([5, 4], ["5.00000000000", "4.00000000000"]),
    ],
)
def test_scores_in_words(value, words):
    from jaxmle._tables._logs._log import LETTERS, log_of

    log = log_of("a tool", [{"score.x": one} for one in value], letters=LETTERS)
    assert [row["score.x"] for row in log.rows] == words
    assert log.judge == "score.x"


def test_harness_samples(harness, capsys):
    result = tables.count(harness, human="doc.human", by=("task", "doc.topic"))
    assert by_slice(result) == BY_TOPIC
    assert result.keys[0] == {"task": "capitals", "doc.topic": "a"}
    assert main(["estimate", str(harness), "--human", "doc.human"]) == 0
    assert "--cluster" not in capsys.readouterr().out
    packed = harness.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(harness.read_bytes()))
    assert cells(tables.count(packed, human="doc.human")) == EXPECTED


def test_harness_filters_are_columns_not_more_items(tmp_path):
    lines = [sample(i, f, exact_match=float(i < 3)) for f in ("strict", "flexible") for i in range(6)]
    path = write_lines(tmp_path / "samples_x_2026-01-01T00-00-00.jsonl", lines)
    with pytest.raises(ValueError, match=r"has 'score\.exact_match,strict', 'score\.exact_match,flexible'"):
        tables.count(path, human="doc.human")
    result = tables.count(path, judge="score.exact_match,strict", human="doc.human")
    assert cells(result) == EXPECTED


def test_graded_scores_need_a_threshold(tmp_path):
    lines = [sample(i, f1=(1.0, 0.9, 0.6, 0.4, 0.1, 0.0)[i]) for i in range(6)]
    path = write_lines(tmp_path / "samples_x_2026-01-01T00-00-00.jsonl", lines)
    with pytest.raises(ValueError, match="a threshold, such as judge_threshold="):
        tables.count(path, human="doc.human")
    with pytest.raises(ValueError, match="no judge verdict"):
        tables.count(path, human="doc.human", on_invalid="drop")  # 1.0 is not taken for a failure
    result = tables.count(path, human="doc.human", judge_threshold="<0.5", by="doc.topic")
    assert by_slice(result) == BY_TOPIC


def test_errors_of_the_tool_are_no_verdicts(tmp_path):
    document = json.loads((LOGS / "promptfoo.json").read_text())
    document["results"]["results"][0] |= {"failureReason": 2, "success": False, "error": "timed out"}
    path = tmp_path / "errors.json"
    path.write_text(json.dumps(document))
    result = tables.count(path, human="vars.human")
    assert cells(result) == (1, 1, 1, 0, 1, 1)
    assert result.dropped == {"no judge verdict": 1}
    run = json.loads((LOGS / "deepeval.json").read_text())
    run["testCases"][5]["metricsData"][0] |= {"error": "no key", "success": False}
    run["testCases"][5]["success"] = False
    path.write_text(json.dumps({"testRunData": run}))
    result = tables.count(path, human="metadata.human")
    assert cells(result) == (1, 1, 1, 1, 0, 1)
    assert result.dropped == {"no judge verdict": 1}


def test_labels_may_come_from_another_file(harness, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("doc_id,truth\n0,pass\n1,fail\n3,fail\n4,pass\n")
    result = tables.count(harness, human="truth", human_source=labels, id="doc_id")
    assert cells(result) == EXPECTED


def test_logs_of_two_tools_are_not_mixed(harness):
    (harness.parent / "deepeval.json").write_text((LOGS / "deepeval.json").read_text())
    with pytest.raises(ValueError, match="different kinds: DeepEval, lm-evaluation-harness"):
        tables.count(str(harness.parent / "*.json*"), human="doc.human")


@pytest.mark.parametrize("name", ["inspect.eval", "cut.eval", "cut.json"])
def test_broken_logs_are_one_line(name, tmp_path, capsys):
    pytest.importorskip("inspect_ai")
    source = LOGS / ("inspect.json" if name == "cut.json" else "inspect.eval")
    path = tmp_path / name
    content = source.read_bytes()
    path.write_bytes(b"not a zip" if name == "inspect.eval" else content[: len(content) // 2])
    assert main(["estimate", str(path), "--judge", "score.match", "--human", "metadata.human"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert repr(str(path)) in err


def test_a_broken_line_is_named(harness):
    with harness.open("a") as file:
        file.write('{"doc_id": 7, "do')
    with pytest.raises(ValueError, match="line 7 is no JSON object"):
        tables.count(harness, human="doc.human")


def test_inspect_logs_without_its_reader(monkeypatch):
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[inspect\]'"):
        tables.count(LOGS / "inspect.eval", human="metadata.human")


def test_ordinary_json_is_no_log(tmp_path):
    rows = [{"version": 1, "human": "fail", "judge": "fail"}, {"version": 2, "human": None, "judge": "pass"}]
    path = write_lines(tmp_path / "rows.jsonl", rows)
    assert cells(tables.count(path, judge="judge", human="human")) == (1, 0, 0, 0, 0, 1)
    with pytest.raises(ValueError, match=r"`judge` \(--judge\) must name"):
        tables.count(path, human="human")
