"""What tools write beside tables and long forms: their objects, and documents with rows under a key."""

import json

import pandas
import polars
import pytest
from exports import (
    EXPECTED,
    braintrust,
    braintrust_results,
    cells,
    events,
    labels,
    output_items,
    ragas,
    save,
    traces,
)

from jaxmle import tables
from jaxmle._cli import main


@pytest.mark.parametrize("form", ["lines", "list", "one document", "under a key", "pandas", "polars", "rows"])
def test_assessments_of_mlflow_traces(form, tmp_path):
    rows = list(traces())
    if form == "lines":
        source = save(tmp_path / "traces.jsonl", rows)
    elif form == "list":
        source = save(tmp_path / "traces.json", rows)
    elif form == "one document":  # Trace.to_json, a file each
        for i, row in enumerate(rows):
            save(tmp_path / f"{i}.json", {"info": row | {"request_preview": "x"}, "data": {"spans": []}})
        source = str(tmp_path / "*.json")
    elif form == "under a key":
        source = save(tmp_path / "traces.json", {"traces": [{"info": row} for row in rows]})
    else:
        frame = {"pandas": pandas.DataFrame, "polars": polars.DataFrame, "rows": list}[form]
        source = frame(rows)
    result = tables.count(source, human="human.correctness", by="tags.model")
    assert cells(result) == EXPECTED
    assert [key["tags.model"] for key in result.keys] == ["a", "b"]
    assert result.log == {"tool": "MLflow", "judge": "judge.correctness"}


@pytest.mark.parametrize("form", ["python.csv", "json.csv", "nested.parquet", "read back"])
def test_traces_of_mlflow_in_a_table(form, tmp_path):
    frame = pandas.DataFrame(traces())
    path = tmp_path / form
    if form == "json.csv":
        frame["assessments"] = frame["assessments"].map(json.dumps)
    if form == "nested.parquet":
        frame.to_parquet(path)
    else:  # pandas writes lists as Python does
        frame.to_csv(path, index=False)
    source = pandas.read_csv(path) if form == "read back" else path
    result = tables.count(source, human="human.correctness", by="tags.model")
    assert cells(result) == EXPECTED
    assert result.log == {"tool": "MLflow", "judge": "judge.correctness"}


def test_a_table_of_traces_that_cannot_be_read_says_what_to_do(tmp_path, capsys):
    path = tmp_path / "traces.csv"
    path.write_text("trace_id,assessments\nt1,[Feedback(name='x')]\nt2,[]\n")
    assert main(["estimate", str(path), "--human", "human.x"]) == 2
    err = capsys.readouterr().err
    assert "orient='records', lines=True" in err
    assert err.count("\n") == 1
    path.write_text("trace_id,assessments\nt1,\nt2,[]\n")
    with pytest.raises(ValueError, match="holds no judge verdicts|must name"):
        tables.count(path, human="human.x")


def test_what_was_expected_is_no_label(tmp_path, capsys):
    rows = list(traces())
    for row in rows:  # nobody labelled any
        row["assessments"] = [
            one for one in row["assessments"] if one["source"]["source_type"] != "HUMAN"
        ] + [one for one in row["assessments"] if "expectation" in one]
    path = save(tmp_path / "traces.jsonl", rows)
    assert main(["doctor", str(path), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["roles"]["judge"], document["roles"]["human"]) == ("judge.correctness", None)
    assert "expected.expected_response" in {one["name"] for one in document["columns"]}
    rows[0]["assessments"] = rows[0]["assessments"][-1:]
    result = tables.count(rows, judge="judge.correctness", human="expected.expected_response", failure="y")
    assert result.dropped == {"no judge verdict": 1}


def test_results_of_the_sdk_of_braintrust(tmp_path, capsys):
    path = save(tmp_path / "results.json", {"results": list(braintrust_results()), "summary": {"p": 1}})
    options = {"human": "scores.Human review", "judge_threshold": "<0.5", "failure": "0"}
    assert cells(tables.count(path, judge="scores.Factuality", **options)) == EXPECTED
    assert main(["doctor", str(path), "--json"]) == 1
    roles = json.loads(capsys.readouterr().out)["roles"]
    assert (roles["judge"], roles["human"]) == ("scores.Factuality", "scores.Human review")


def test_a_judge_that_failed_said_nothing(tmp_path):
    rows = list(traces())
    rows[20]["assessments"][0]["feedback"] = {"value": None, "error": {"error_code": "Timeout"}}
    rows[21]["assessments"] = []
    result = tables.count(rows, human="human.correctness")
    assert cells(result) == (2, 2, 2, 14, 6, 32)
    assert result.dropped == {"no judge verdict": 2}


@pytest.mark.parametrize("form", ["lines", "list", "under a key"])
def test_output_items_of_openai_evals(form, tmp_path, capsys):
    rows = list(output_items())
    path = tmp_path / ("items.jsonl" if form == "lines" else "items.json")
    save(path, {"object": "list", "data": rows, "has_more": False} if form == "under a key" else rows)
    assert cells(tables.count(path, human="item.human")) == EXPECTED
    assert cells(tables.count(path, judge="score.grader", human="item.human")) == EXPECTED
    assert main(["doctor", str(path), "--json"]) in (0, 1)
    roles = json.loads(capsys.readouterr().out)["roles"]
    assert roles["human"] == "item.human"
    rows[59]["status"] = "error"
    result = tables.count(save(path, rows), human="item.human")
    assert result.dropped == {"no judge verdict": 1}


def test_events_of_openai_evals_beside_labels_elsewhere(tmp_path):
    path = save(tmp_path / "run.jsonl", events())
    options = {"human": "human", "id": "sample_id"}
    options["human_source"] = labels(tmp_path / "labels.csv", "sample_id", lambda i: f"b.dev.{i}")
    assert cells(tables.count(path, **options)) == EXPECTED
    assert cells(tables.count(path, judge="score.score", **options)) == EXPECTED
    # Letters are those of the grader's own rubric: C is no "correct" here.
    assert cells(tables.count(path, judge="score.choice", failure="C", **options)) == EXPECTED


@pytest.mark.parametrize("form", ["lines", "list", "under a key", "rows", "csv"])
def test_scores_of_braintrust(form, tmp_path):
    rows = list(braintrust())
    if form == "rows":
        source = rows
    elif form == "csv":
        source = tmp_path / "experiment.csv"
        cells_ = [
            {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()} for row in rows
        ]
        pandas.DataFrame(cells_).to_csv(source, index=False)
    else:
        source = tmp_path / ("experiment.jsonl" if form == "lines" else "experiment.json")
        save(source, {"events": rows, "cursor": None} if form == "under a key" else rows)
    options = {"human": "scores.Human review", "judge_threshold": "<0.5", "failure": "0"}
    result = tables.count(source, judge="scores.Factuality", by="metadata.model", **options)
    assert cells(result) == EXPECTED
    with pytest.raises(ValueError, match=r"Did you mean 'scores\.Factuality'"):
        tables.count(source, judge="factuality", **options)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_frames_of_ragas(ending, tmp_path):
    rows = list(ragas())
    frame, path = pandas.DataFrame(rows), tmp_path / f"ragas{ending}"
    if ending == ".csv":
        frame.to_csv(path, index=False)
    elif ending == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    result = tables.count(path, judge="faithfulness", human="human", judge_threshold="<0.5")
    assert cells(result) == EXPECTED
    result = tables.count(path, judge="answer_relevancy", human="human", judge_threshold="<0.5")
    assert result.dropped == {"no judge verdict": 1}


def test_rows_under_several_keys_are_not_chosen_among(tmp_path):
    rows = [{"judge": "fail", "human": "fail"}, {"judge": "pass", "human": None}]
    path = save(tmp_path / "rows.json", {"meta": {"rows": 2}, "data": rows})
    assert cells(tables.count(path, judge="judge", human="human")) == (1, 0, 0, 0, 0, 1)
    save(path, {"export": {"rows": rows, "n": 2}})
    assert cells(tables.count(path, judge="judge", human="human")) == (1, 0, 0, 0, 0, 1)
    save(path, {"data": rows, "more": rows})
    with pytest.raises(ValueError, match=r"rows under several keys, 'data', 'more'; .*`jq \.data "):
        tables.count(path, judge="judge", human="human")


def test_one_row_in_lines_is_a_row_whatever_it_holds(tmp_path):
    path = tmp_path / "row.jsonl"
    path.write_text(json.dumps({"judge": 1, "human": 1, "messages": [{"role": "user"}]}) + "\n")
    assert cells(tables.count(path, judge="judge", human="human")) == (1, 0, 0, 0, 0, 0)


def test_a_column_of_that_name_need_hold_no_lists(tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("request_id,judge,human,assessments\n1,1,1,bad\n2,0,0,fine\n3,1,,\n4,0,,so so\n")
    assert tables.count(str(path), judge="judge", human="human").total.n_labeled == 2
