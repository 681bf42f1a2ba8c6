"""Scores in long form, a row a score, of several tools."""

import json

import pandas
import pytest
from cases import some_fast
from exports import (
    EXPECTED,
    cells,
    langfuse,
    langfuse_with_subjects,
    langsmith,
    phoenix,
    save,
    scores,
)

from jaxmle import tables
from jaxmle._cli import main

FORMS = {
    "Langfuse": (langfuse, "hallucination"),
    "Phoenix": (phoenix, "quality.label"),
    "LangSmith": (langsmith, "failed"),
}


@pytest.mark.parametrize("ending", some_fast([".csv", ".jsonl", ".json"], [".jsonl"]))
@pytest.mark.parametrize("tool", list(FORMS))
def test_a_row_a_score_becomes_a_row_an_item(tool, ending, tmp_path, capsys):
    rows, score = FORMS[tool]
    path = save(tmp_path / f"export{ending}", rows())
    assert cells(tables.count(path, judge=f"judge.{score}", human=f"human.{score}")) == EXPECTED
    options = ["--judge", f"judge.{score}", "--human", f"human.{score}", "--interval", "chi-square"]
    assert main(["estimate", str(path), *options]) == 0
    assert f"Log of {tool}; judge: judge.{score}." in capsys.readouterr().out
    main(["doctor", str(path), "--json"])
    roles = json.loads(capsys.readouterr().out)["roles"]
    assert (roles["judge"], roles["human"]) == (f"judge.{score}", f"human.{score}")


def test_a_score_without_a_second_needs_no_judge_named():
    assert cells(tables.count(list(langfuse()), human="human.hallucination")) == EXPECTED
    with pytest.raises(ValueError, match=r"log of Phoenix has 'judge\.quality\.label', 'judge\.quality\.s"):
        tables.count(list(phoenix()), human="human.quality.label")


def test_frames_of_phoenix_have_the_span_as_their_index():
    frame = pandas.DataFrame(phoenix("result.")).set_index("span_id")
    result = tables.count(frame, judge="judge.quality.label", human="human.quality.label")
    assert cells(result) == EXPECTED


def test_objects_of_phoenix_lie_in_a_field(tmp_path):
    rows = [
        {"span_id": one["span_id"], "name": one["name"], "annotator_kind": one["annotator_kind"]}
        | {"result": {"label": one["label"], "score": one["score"]}, "source": "API"}
        for one in phoenix()
    ]
    path = save(tmp_path / "annotations.jsonl", rows)
    result = tables.count(path, judge="judge.quality.label", human="human.quality.label", by="source")
    assert cells(result) == EXPECTED
    assert result.keys == [{"source": "API"}]


def test_what_is_the_same_for_all_scores_of_an_item_makes_slices():
    result = tables.count(list(langfuse()), human="human.hallucination", by="environment")
    assert result.keys == [{"environment": "a"}]
    with pytest.raises(ValueError, match="has no column 'dataType'"):
        tables.count(list(langfuse()), human="human.hallucination", by="dataType")


def test_labels_of_whole_traces_meet_judges_of_their_parts():
    rows = [
        row | {"observationId": None if row["source"] == "ANNOTATION" else f"o{row['traceId']}"}
        for row in langfuse()
    ]
    assert cells(tables.count(rows, human="human.hallucination")) == EXPECTED
    parts = [row | {"observationId": f"o{row['traceId']}"} for row in langfuse()]
    assert cells(tables.count(parts, human="human.hallucination")) == EXPECTED


@pytest.mark.parametrize("name", ["scores.json", "scores.jsonl", "page.json", "scores.csv", "scores.parquet"])
def test_scores_of_langfuse_may_have_a_subject(name, tmp_path, capsys):
    rows = list(langfuse_with_subjects())
    if name == "scores.parquet":  # where a column has one type
        rows = [row | {"value": str(row["value"])} for row in rows]
    path = save(tmp_path / name, {"data": rows, "meta": {"limit": 100}} if name == "page.json" else rows)
    assert cells(tables.count(path, human="human.hallucination")) == EXPECTED
    assert main(["doctor", str(path), "--json"]) in (0, 1)
    said = json.loads(capsys.readouterr().out)
    assert (said["roles"]["judge"], said["roles"]["id"]) == ("judge.hallucination", "traceId")
    assert next(one["name"] for one in said["columns"]) == "traceId"
    assert not any("subject" in one["name"] for one in said["columns"])


def test_scores_that_do_not_say_what_they_are_about_are_asked_for_anew(tmp_path):
    rows = [{k: v for k, v in row.items() if k != "subject"} for row in langfuse_with_subjects()]
    path = save(tmp_path / "scores.jsonl", rows)
    with pytest.raises(ValueError, match="fields=subject"):
        tables.count(path, judge="value", human="name")


def test_people_who_differ_have_a_column_each():
    first = list(langfuse())
    second = [
        row | {"stringValue": "bad"}
        for row in first
        if row["source"] == "ANNOTATION" and row["traceId"] in ("t0", "t2", "t5")
    ]
    rows = first + second
    names = ["human.hallucination.1", "human.hallucination.2"]
    with pytest.raises(ValueError, match=r"Did you mean 'human\.hallucination\.[12]'"):
        tables.count(rows, human="human.hallucination")
    with pytest.raises(ValueError, match=r"disagree on 1 of the 3 rows"):
        tables.count(rows, human=names)
    assert cells(tables.count(rows, human=names[0])) == EXPECTED
    assert cells(tables.count(rows, human=names, human_combine="any")) == (2, 3, 2, 13, 8, 32)
    same = first + [row | {"id": "again"} for row in first]
    assert cells(tables.count(same, human="human.hallucination")) == EXPECTED


def test_several_scores_have_columns_of_their_own():
    other = [row | {"name": "toxicity", "value": 1.0, "stringValue": "good"} for row in langfuse()]
    result = tables.count(list(langfuse()) + other, judge="judge.hallucination", human="human.hallucination")
    assert cells(result) == EXPECTED
    result = tables.count(list(langfuse()) + other, judge="judge.toxicity", human="human.toxicity")
    assert cells(result) == (0, 0, 20, 0, 40, 0)


def test_scores_of_no_item_are_counted():
    rows = [*langfuse(), next(langfuse()) | {"traceId": None}]
    result = tables.count(rows, human="human.hallucination")
    assert cells(result) == EXPECTED
    assert result.dropped == {"score of no item": 1}


@pytest.mark.parametrize(
    "change",
    [{"source": "web"}, {"source": None}],
    ids=["unknown giver", "no giver"],
)
def test_tables_that_are_no_scores_stay_as_they_are(change):
    rows = [*langfuse(), next(langfuse()) | change]
    result = tables.count(rows, judge="value", human="stringValue", on_invalid="drop")
    assert result.n_rows == 81
    assert result.log is None


def test_labels_in_long_form_beside_judges_elsewhere(tmp_path):
    judged = [{"trace_id": f"t{i}", "judge": int(judge)} for i, judge, _ in scores()]
    labels = save(tmp_path / "scores.csv", (row for row in langfuse() if row["source"] == "ANNOTATION"))
    frame = pandas.read_csv(labels).rename(columns={"traceId": "trace_id"})
    result = tables.count(
        judged, judge="judge", human="human.hallucination", human_source=frame, id="trace_id"
    )
    assert cells(result) == EXPECTED


def test_langfuse_files_seen_in_practice(shared):
    for name in ("langfuse_scores.csv", "langfuse_same_column.csv"):
        result = tables.count(shared / "cases" / name, human="human.hallucination")
        assert cells(result) == (9, 0, 4, 47, 115, 425)
