"""What tools export, in the shapes that they document, with values made here.

Of 60 items the judge scores all, people the first 20. Which items fail is told by the last digit: people say
0 and 5, the judge 0 and 1. So tp, fn, fp, tn of the 20 labels are 2, 2, 2, 14; 8 of the other 40 are flagged.
Shapes by the tools themselves: `Trace.to_json` of MLflow after `genai.evaluate`, `Eval` of Braintrust,
openai's `OutputItemListResponse`, `LocalRecorder` in openai/evals, and fields of the clients of Phoenix
and LangSmith.
"""

import csv
import json
import zipfile
from typing import Any

import pandas

EXPECTED = (2, 2, 2, 14, 8, 32)
ITEMS = range(60)


def cells(result):
    return tuple(int(value) for value in result.total.values())


def scores(items=ITEMS):
    """Item, whether the judge says that it fails, and what people say if they looked."""
    for i in items:
        yield i, i % 10 in (0, 1), i % 10 in (0, 5) if i < 20 else None


def langfuse():
    """https://langfuse.com/docs/evaluation/scores/data-model, in the names of the API."""
    for i, judge, human in scores():
        common = {"traceId": f"t{i}", "observationId": None, "name": "hallucination", "environment": "a"}
        yield common | {
            "id": f"j{i}",
            "source": "EVAL",
            "dataType": "NUMERIC",
            "value": float(judge),
            "stringValue": None,
        }
        if human is not None:
            yield common | {
                "id": f"h{i}",
                "source": "ANNOTATION",
                "dataType": "CATEGORICAL",
                "value": None,
                "stringValue": "bad" if human else "good",
            }


def langfuse_with_subjects():
    """The same as `GetScoresV3Response` of the SDK 5.0.4 of Langfuse writes it, judges on parts of traces."""
    for row in langfuse():
        trace, judge = row["traceId"], row["source"] == "EVAL"
        kept = {name: row[name] for name in ("id", "name", "source", "environment")}
        yield kept | {
            "dataType": "NUMERIC" if judge else "BOOLEAN",
            "value": row["value"] if judge else row["stringValue"] == "bad",
            "projectId": "p",
            "timestamp": "2026-01-01T00:00:00Z",
            "subject": {"kind": "observation", "id": f"o{trace}", "traceId": trace}
            if judge
            else {"kind": "trace", "id": trace},
        }


def phoenix(prefix=""):
    """Span annotations of Arize Phoenix; its client's data frames have the names of the second kind."""
    for i, judge, human in scores():
        for kind, fails in (("LLM", judge), ("HUMAN", human)):
            if fails is not None:
                yield {
                    "span_id": f"s{i}",
                    "annotation_name" if prefix else "name": "quality",
                    "annotator_kind": kind,
                    f"{prefix}label": "bad" if fails else "good",
                    f"{prefix}score": 1 - fails,
                    f"{prefix}explanation": f"because {i}",
                    "identifier": "",
                }


def langsmith():
    """Feedback of LangSmith, as its client's `list_feedback` gives it."""
    for i, judge, human in scores():
        for kind, fails in (("model", judge), ("app", human)):
            if fails is not None:
                yield {
                    "id": f"{kind}{i}",
                    "run_id": f"r{i}",
                    "key": "failed",
                    "score": int(fails),
                    "value": None,
                    "comment": None,
                    "feedback_source": {"type": kind, "metadata": {"__run": {"run_id": "x"}}},
                }


def assessment(trace, kind, **said):
    return {
        "assessment_name": "correctness",
        "trace_id": trace,
        "source": {"source_type": kind, "source_id": "someone"},
        "create_time": "2026-01-01T00:00:00.000Z",
        "last_update_time": "2026-01-01T00:00:00.000Z",
        "feedback": said,
        "span_id": "0000000000000001",
        "metadata": {"mlflow.assessment.sourceRunId": "run"},
        "rationale": "because",
        "valid": True,
    }


def traces():
    for i, judge, human in scores():
        trace = f"tr-{i}"
        found = [assessment(trace, "LLM_JUDGE", value="no" if judge else "yes")]
        # What was replaced is kept, and is not valid any more.
        found.append(assessment(trace, "LLM_JUDGE", value="yes" if judge else "no") | {"valid": False})
        if human is not None:
            found.append(assessment(trace, "HUMAN", value="no" if human else "yes"))
        # `mlflow.genai.evaluate` keeps what was expected beside them, as a person's.
        expected = assessment(trace, "HUMAN") | {"assessment_name": "expected_response"}
        del expected["feedback"]
        found.append(expected | {"expectation": {"value": "y"}})
        yield {"trace_id": trace, "tags": {"model": "ab"[i % 2]}, "state": "OK", "assessments": found}


def output_items():
    for i, judge, human in scores():
        item = {"question": f"q{i}"} | ({} if human is None else {"human": "fail" if human else "pass"})
        yield {
            "object": "eval.run.output_item",
            "id": f"outputitem_{i}",
            "run_id": "evalrun_1",
            "eval_id": "eval_1",
            "created_at": 0,
            "status": "fail" if judge else "pass",
            "datasource_item_id": i,
            "datasource_item": item,
            "results": [
                {"name": "grader", "passed": not judge, "score": float(not judge), "type": "label_model"}
            ],
            "sample": {"output": [{"role": "assistant", "content": "x"}], "finish_reason": "stop"},
        }


def events():
    yield {"spec": {"run_id": "r", "eval_name": "a.b.v0", "completion_fns": ["gpt"], "split": "b"}}
    yield {"final_report": {"accuracy": 0.8}, "run_id": "r"}
    number = 0
    for i, judge, _ in scores():
        for kind, data in (
            ("sampling", {"prompt": "q", "sampled": ["x"]}),
            ("match", {"correct": not judge, "expected": "x", "picked": "y", "sampled": "x"}),
            ("metrics", {"choice": "C" if judge else "A", "score": 0.0 if judge else 1.0}),
        ):
            number += 1
            yield {
                "run_id": "r",
                "event_id": number,
                "sample_id": f"b.dev.{i}",
                "type": kind,
                "data": data,
                "created_by": "",
                "created_at": "2026-01-01",
            }


def braintrust():
    for i, judge, human in scores():
        given = {"Factuality": 0.4 if judge else 0.6}
        if human is not None:
            given["Human review"] = 0 if human else 1
        yield {
            "id": f"row-{i}",
            "span_id": f"s{i}",
            "is_root": True,
            "input": {"question": f"q{i}"},
            "output": "x",
            "expected": None,
            "scores": given,
            "metadata": {"model": "ab"[i % 2]},
            "tags": ["x"],
        }


def braintrust_results():
    """Results of `Eval` in the SDK of Braintrust, each as its `as_dict` gives it."""
    for row in braintrust():
        scores_ = {"Human review": None} | row["scores"]
        yield {name: row[name] for name in ("input", "output", "expected", "metadata")} | {
            "scores": scores_,
            **dict.fromkeys(("classifications", "tags", "error", "exc_info", "origin")),
        }


def ragas():
    """The frame of an evaluation by Ragas, with a column of labels added."""
    for i, judge, human in scores():
        yield {
            "user_input": f"q{i}",
            "retrieved_contexts": ["one", "two"],
            "response": "x",
            "reference": f"r{i}",
            "faithfulness": 0.2 if judge else 0.9,
            "answer_relevancy": float("nan") if i == 30 else 0.7,
            "human": None if human is None else "fail" if human else "pass",
        }


RUBRIC = {"type": "llm-rubric", "value": "is right"}


def rated(i, rubric, person=None, **more):
    """A result as promptfoo 0.121 exports it after a person has rated it: theirs overrides `success`."""
    parts = [{"pass": rubric, "score": float(rubric), "reason": "", "assertion": RUBRIC}]
    if person is not None:
        reason = "Manual result (overrides all other grading results)"
        parts.append({"pass": person, "score": int(person), "reason": reason, "assertion": {"type": "human"}})
    verdict = rubric if person is None else person
    return {
        "gradingResult": {
            "pass": verdict,
            "score": int(verdict),
            "namedScores": {},
            "componentResults": parts,
        },
        "id": f"r{i}",
        "namedScores": {},
        "provider": {"id": "echo", "label": ""},
        "success": verdict,
        "testCase": {"vars": {"said": f"q{i}"}, "assert": [RUBRIC]} | more,
        "testIdx": i,
        "vars": {"said": f"q{i}"},
        "failureReason": int(not verdict),
    }


RESULTS = [
    *(rated(i, False, False) for i in range(3)),
    *(rated(i, True, False) for i in range(3, 8)),
    rated(8, False, True),
    *(rated(i, True, True) for i in range(9, 20)),
    *(rated(i, i % 4 > 0) for i in range(20, 40)),
]


def labels(path, id, name):
    """Write what people say of each item to a file of its own."""
    found = [(name(i), human) for i, _, human in scores() if human is not None]
    lines = [f"{item},{'fail' if human else 'pass'}" for item, human in found]
    path.write_text("\n".join([f"{id},human", *lines]))
    return path


def save(path, rows):
    """Write rows, or a document, in the form that the name of the file tells."""
    rows = rows if isinstance(rows, dict) else list(rows)
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            for row in rows:
                # As pandas writes an object in a cell.
                writer.writerow({k: str(v) if isinstance(v, dict | list) else v for k, v in row.items()})
    elif path.suffix == ".parquet":
        pandas.DataFrame(rows).to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows, indent=1))
    return path


SHEET: list[list[Any]] = [
    ["id", "judge", "human", "topic"],
    [1, 1, 1, "a"],
    [2, 0, "", "Zürich"],
    [3, 1, 0, "a"],
    [4, 0, 0, "a"],
]
_NAMES = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def cell(value):
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>' if value else "<c/>"
    return f"<c><v>{value}</v></c>"


def workbook(path, **sheets):
    """The least that is a workbook of Office Open XML."""
    with zipfile.ZipFile(path, "w") as file:
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.spreadsheetml.worksheet+xml"/>'
            for i in range(len(sheets))
        )
        file.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.'
            'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            f"{parts}</Types>",
        )
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" Type="{_REL}/'
            'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        named = "".join(f'<sheet name="{n}" sheetId="{i + 1}" r:id="r{i}"/>' for i, n in enumerate(sheets))
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_NAMES}" xmlns:r="{_REL}"><sheets>{named}</sheets></workbook>',
        )
        targets = "".join(
            f'<Relationship Id="r{i}" Type="{_REL}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(len(sheets))
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}</Relationships>',
        )
        for i, rows in enumerate(sheets.values()):
            text = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
            file.writestr(
                f"xl/worksheets/sheet{i}.xml",
                f'<worksheet xmlns="{_NAMES}"><sheetData>{text}</sheetData></worksheet>',
            )
    return path
