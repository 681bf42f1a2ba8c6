"""Logs in which people have their say: thumbs in the viewer of promptfoo, labels for epochs of Inspect."""

import json

import pytest
from cases import LOGS
from exports import RESULTS, cells, rated

from jaxmle import tables
from jaxmle._cli import main


@pytest.fixture
def promptfoo(tmp_path):
    def write(results):
        path = tmp_path / "rated.json"
        path.write_text(json.dumps({"evalId": "e", "results": {"version": 3, "results": results}}))
        return path

    return write


def test_a_persons_thumb_is_a_label_and_no_verdict_of_the_judge(promptfoo, capsys):
    path = promptfoo(RESULTS)
    expected = (3, 5, 1, 11, 5, 15)
    assert cells(tables.count(path, human="score.human")) == expected
    assert cells(tables.count(path, judge="score.llm-rubric", human="score.human")) == expected
    main(["doctor", str(path), "--json"])
    roles = json.loads(capsys.readouterr().out)["roles"]
    assert (roles["judge"], roles["human"]) == ("score.pass", "score.human")


def test_the_verdict_of_several_assertions_is_made_again(promptfoo):
    more = [dict(one) for one in RESULTS]
    for one in more:
        grading = dict(one["gradingResult"])
        contains = {"pass": False, "score": 0.5, "assertion": {"type": "contains", "value": "x", "weight": 2}}
        grading["componentResults"] = [*grading["componentResults"], contains]
        one["gradingResult"] = grading
    assert cells(tables.count(promptfoo(more), human="score.human")) == (8, 0, 12, 0, 5, 15)
    # Weighted means are 1/3 where the rubric fails, and 2/3 where it passes.
    for threshold, expected in ((0.3, (0, 8, 0, 12)), (0.5, (3, 5, 1, 11)), (0.7, (8, 0, 12, 0))):
        for one in more:
            one["testCase"] = {**one["testCase"], "threshold": threshold}
        assert cells(tables.count(promptfoo(more), human="score.human"))[:4] == expected


def test_members_of_a_set_of_assertions_count_as_the_set(promptfoo):
    members = [
        {"pass": True, "score": 1, "reason": "", "assertion": {"type": "contains", "value": "a"}},
        {"pass": False, "score": 0, "reason": "", "assertion": {"type": "contains", "value": "b"}},
    ]
    together = {"pass": True, "score": 0.5, "reason": "reached", "componentResults": members}
    more = [dict(one) for one in RESULTS]
    for one in more:
        grading = dict(one["gradingResult"])
        rubric, *thumb = grading["componentResults"]
        grading["componentResults"] = [rubric, together, *members, *thumb]
        one["gradingResult"] = grading
    assert cells(tables.count(promptfoo(more), human="score.human")) == (3, 5, 1, 11, 5, 15)


def test_promptfoos_table_with_thumbs_has_no_verdict_of_the_judge(tmp_path, capsys):
    heading = "said,[echo] {{said}},Status,Score,Named Scores,Metric: long,Grader Reason,Comment"
    rows = ["fail,a,FAIL,0.60,{},1.00,not right,", "pass,b,PASS,1.00,{},1.00,All assertions passed,"]
    path = tmp_path / "results.csv"
    path.write_text("\n".join([heading, *rows]))
    assert cells(tables.count(path, judge="Status", human="said")) == (1, 0, 0, 1, 0, 0)
    rated = "c,c,FAIL,0.00,{},1.00,Manual result (overrides all other grading results),"
    path.write_text("\n".join([heading, *rows, rated]))
    for command in ("doctor", "estimate"):
        more = [] if command == "doctor" else ["--judge", "Status", "--human", "said"]
        assert main([command, str(path), *more]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "promptfoo export eval ID -o results.json" in err


def test_a_result_with_nothing_but_a_thumb_has_no_judge(promptfoo):
    alone = rated(99, True, False)
    alone["gradingResult"]["componentResults"] = alone["gradingResult"]["componentResults"][1:]
    result = tables.count(promptfoo([*RESULTS, alone]), human="score.human")
    assert cells(result) == (3, 5, 1, 11, 5, 15)
    assert result.dropped == {"no judge verdict": 1}


@pytest.mark.parametrize("field", ["gradingResult", "namedScores", "testCase"])
def test_fields_of_another_kind_are_no_verdicts(field, promptfoo):
    odd = rated(99, True) | {field: "x"}
    assert cells(tables.count(promptfoo([*RESULTS, odd]), human="score.human"))[:4] == (3, 5, 1, 11)


@pytest.mark.slow
def test_labels_for_items_and_epochs_of_inspect(tmp_path):
    pytest.importorskip("inspect_ai")
    labels = tmp_path / "labels.csv"
    ids = [row[0] for row in _rows(LOGS / "inspect.eval", "id")]
    names = sorted(set(ids))
    lines = [
        f"{names[0]},1,incorrect",
        f"{names[0]},2,correct",
        f"{names[1]},2,correct",
        f"{names[9 % 6]},9,correct",
    ]
    labels.write_text("\n".join(["id,epoch,human", *lines]))
    options = {"human": "human", "human_source": labels}
    result = tables.count(LOGS / "inspect.eval", id=("id", "epoch"), **options)
    assert int(result.total.n_labeled) == 3
    assert result.labels == {"read": 4, "unmatched": 1, "unknown": 1}
    with pytest.raises(ValueError, match=f"holds the verdicts 'correct' and 'incorrect' for id {names[0]!r}"):
        tables.count(LOGS / "inspect.eval", id="id", **options)
    with pytest.raises(ValueError, match=r"2 rows for id .*`id` \(--id\) may be several"):
        tables.count(
            LOGS / "inspect.eval", id="id", **options, human_where="epoch::int > 1 AND human = 'correct'"
        )


def test_partial_credit_counts_as_asked(tmp_path, capsys):
    inspect = pytest.importorskip("inspect_ai.log")
    log = inspect.read_eval_log(str(LOGS / "inspect.eval"))
    letters = ["C", "P", "I"]
    for i, sample in enumerate(log.samples):
        sample.scores["match"].value = letters[i % 3]
    path = str(tmp_path / "partial.eval")
    inspect.write_eval_log(log, path)
    options = ["estimate", path, "--human", "metadata.human", "--interval", "chi-square", "--json"]
    assert main(options) == 2
    err = capsys.readouterr().err
    assert "C is 1, P 0.5 and I 0: a threshold of '<1' makes partial credit a failure" in err
    flagged = []
    for threshold in ("<1", "<0.5"):
        assert main([*options, "--judge-threshold", threshold]) == 0
        counts = json.loads(capsys.readouterr().out)["total"]["counts"]
        flagged.append(counts["tp"] + counts["fp"] + counts["unlabeled_pos"])
    assert flagged == [8, 4]


def test_a_score_that_was_edited_in_inspect_stays_the_judges(tmp_path):
    log = pytest.importorskip("inspect_ai.log")
    scorer = pytest.importorskip("inspect_ai.scorer")
    if not hasattr(log, "edit_score"):
        pytest.skip("this version of inspect-ai edits no scores")
    path = tmp_path / "edited.eval"
    found = log.read_eval_log(str(LOGS / "inspect.eval"))
    before = [sample.scores["match"].value for sample in found.samples]
    by = log.ProvenanceData(author="a reader", reason="looked")
    for sample, own in list(zip(found.samples, before, strict=True))[:4]:
        edit = scorer.ScoreEdit(value="I" if own == "C" else "C", provenance=by)
        log.edit_score(found, sample.id, "match", edit, epoch=sample.epoch, recompute_metrics=False)
        added = scorer.ScoreEdit(value="I", provenance=by)
        log.edit_score(found, sample.id, "human", added, epoch=sample.epoch, recompute_metrics=False)
    log.write_eval_log(found, str(path))
    said = {"C": "pass", "I": "fail"}
    rows = _rows(str(path), '"score.match", "edited.match", "score.human"')
    assert [row[0] for row in rows] == [said[own] for own in before]
    assert [row[1] for row in rows] == [*("CI"["IC".index(own)] for own in before[:4])] + [None] * 8
    assert [row[2] for row in rows] == ["fail"] * 4 + [None] * 8


def _rows(path, column):
    from jaxmle._tables import open_source

    return open_source(str(path)).query(f"SELECT {column} FROM verdicts")


@pytest.mark.slow
def test_logs_seen_in_practice(shared):
    cases = shared / "cases"
    assert cells(tables.count(cases / "promptfoo_rated.json", human="score.human")) == (9, 4, 1, 66, 10, 70)
    pytest.importorskip("inspect_ai")
    options = {"judge": "score.model_graded_qa", "human": "metadata.human"}
    for threshold, expected in (("<1", (18, 0, 10, 62)), ("<0.5", (14, 4, 4, 68))):
        result = tables.count(cases / "epochs_p.eval", **options, judge_threshold=threshold)
        assert cells(result)[:4] == expected
    result = tables.count(
        cases / "epochs_p.eval",
        judge="score.model_graded_qa",
        judge_threshold="<1",
        human="human",
        human_source=cases / "inspect_labels.csv",
        id=("id", "epoch"),
    )
    assert result.labels == {"read": 30, "unmatched": 0, "unknown": 0}
