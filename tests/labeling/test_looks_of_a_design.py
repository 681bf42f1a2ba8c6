"""What a design keeps of the verdicts that were asked for, and what is said of one more."""

import csv
import json
from dataclasses import asdict

import pytest
from cases import judged_items

from jaxmle import LabelDesign, draw_labels
from jaxmle._cli import main
from jaxmle._data import Look
from jaxmle._documents._looks import looks_notes

ONCE = Look(0.05, 0.95, 60)
PLAN = {"rule": "obrien-fleming", "of": 3}


def said(now, *before):
    return looks_notes({"looks": [asdict(one) for one in before]}, now)


def look(n, **more):
    return Look(**(asdict(ONCE) | {"n_labeled": n} | more))


def test_the_very_same_verdict_is_no_second_look():
    assert said(ONCE, ONCE) == said(ONCE) == looks_notes(None, ONCE) == looks_notes(None, None) == []


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (ONCE, "this limit was asked about before, with 60 labels: whoever looks until it passes"),
        (look(60, limit=0.04), "with 60 labels (limit 4%, now 5%): whoever looks until it passes"),
        (look(1, confidence=0.9), "with 1 label (90% confidence, now 95% confidence): whoever looks"),
        (look(60, where="a = 1"), "with 60 labels (where a = 1, now in all rows): whoever looks"),
        (look(60, look=1, **PLAN), "this limit was asked about before, with 60 labels: whoever looks"),
        (look(60, rule="anytime"), "this limit was asked about before, with 60 labels: whoever looks"),
    ],
)
def test_a_look_more_without_a_plan_is_warned_of_whatever_was_changed(before, words):
    (note,) = said(look(80), before)
    assert words in note
    assert "--look and --of, or take --anytime" in note


def test_labels_of_several_looks_are_named():
    assert "with 20 labels and with 40 labels: whoever" in said(look(80), look(20), look(40))[0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"confidence": 0.99}, "judged at 99% confidence before, and now at 95% confidence"),
        ({"limit": 0.04}, "asked about a limit of 4% before, and now of 5%: no further look"),
        ({"where": "a = 1"}, "looked at where a = 1 before, and now in all rows"),
        ({"look": 1, **PLAN}, "looked at as look 1 of 3, obrien-fleming before, and now without a plan"),
        ({"rule": "anytime"}, "looked at at any time before, and now without a plan"),
    ],
)
def test_what_was_changed_with_the_same_labels_is_told_as_what_it_is(more, words):
    (note,) = said(ONCE, look(60, **more))
    assert words in note
    assert "whoever looks until it passes" not in note


def test_planned_looks_keep_to_their_plan():
    first = look(60, look=1, **PLAN)
    assert said(look(80, look=2, **PLAN), first) == []
    assert said(look(80, look=3, **PLAN), first) == []  # a look may be passed over
    (note,) = said(look(80, look=1, **PLAN), first)
    assert note == "the design shows look 1 with 60 labels: this is look 2, not 1"
    (note,) = said(look(80, look=2, rule="pocock", of=5), first)
    assert "the plan was 3 looks, obrien-fleming, with 60 labels, and is now 5, pocock" in note
    (note,) = said(look(80, look=2, limit=0.06, **PLAN), first)
    assert "(limit 5%, now 6%): the planned looks keep the error of one limit" in note
    (note,) = said(look(80, look=2, **PLAN), ONCE)
    assert "outside the plan: its error comes on top of what the planned looks keep" in note


def test_looks_at_any_time_stand_beside_no_other():
    assert said(look(80, rule="anytime"), look(60, rule="anytime")) == []
    (note,) = said(look(80, rule="anytime"), ONCE)
    assert "not at any time: its error comes on top of what --anytime keeps" in note


@pytest.fixture
def rounds(tmp_path, monkeypatch):
    """Verdicts, and two rounds of labels, drawn one after the other before any verdict was asked for."""
    monkeypatch.chdir(tmp_path)
    judged_items(tmp_path / "verdicts.csv", parts="ab", flagged=10, size=200)
    for name, more in (("queue", {"judge": "judge", "id": "id"}), ("queue2", {"design": "queue.json"})):
        drawn = draw_labels("verdicts.csv", n_labels=20, **more)
        drawn.save(f"{name}.csv")
        with (tmp_path / f"{name}.labels.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerows([["id", "label"], *([name, "pass"] for (name,) in drawn.design.drawn)])
    return tmp_path


def test_a_look_of_an_earlier_round_counts(rounds, capsys):
    def asked(design, *more):
        options = ["--limit", "0.3", "--method", "profile", "--json", *more]
        assert main(["certify", "verdicts.csv", "--design", design, *options]) in (0, 1)
        return json.loads(capsys.readouterr().out)

    assert asked("queue.json", "--look", "1", "--of", "2")["cautions"] == []
    # The second round was drawn before, so that its own file knows nothing of it.
    assert LabelDesign.load("queue2.json").looks == ()
    (note,) = asked("queue2.json")["cautions"]
    assert note.startswith("this limit was asked about before, with 20 labels")
    found = asked("queue2.json", "--look", "2", "--of", "2", "--where", "part = 'a'", "--confidence", "0.9")
    assert [one["rule"] for one in found["settings"]["label_design"]["looks"]] == ["obrien-fleming", None]
    assert any(
        "(95% confidence, now 90% confidence, in all rows, now where part = 'a')" in one
        for one in found["cautions"]
    )
    kept = LabelDesign.load("queue2.json").looks[-1]
    assert kept == Look(0.3, 0.9, 40, "obrien-fleming", 2, 2, "part = 'a'")
    assert "at any time" in asked("queue2.json", "--anytime")["cautions"][0]
    assert LabelDesign.load("queue2.json").looks[-1].rule == "anytime"


def test_the_limit_that_was_asked_is_kept_where_labels_may_err(rounds, capsys):
    certify = ["certify", "verdicts.csv", "--design", "queue.json", "--limit", "0.3", "--method", "profile"]
    assert main([*certify, "--human-error", "0:0.1"]) in (0, 1)
    assert LabelDesign.load("queue.json").looks == (Look(0.3, 0.95, 20),)
    # The page asks the same.
    report = ["report", "verdicts.csv", "--design", "queue.json", "--limit", "0.3", "--method", "profile"]
    assert main([*report, "--interval", "chi-square", "--json"]) in (0, 1)
    assert LabelDesign.load("queue.json").n_looks == 1
