"""Labels in rounds: draw, label, plan how many more, draw those, and certify, from one design to the next."""

import csv
import json
import re
import shlex
from importlib.resources import files

import pytest
from cases import judged_items

from jaxmle import LabelDesign, _planning, draw_labels, tables
from jaxmle._cli import main
from jaxmle._documents import _plan_given
from jaxmle._planning import _further_labels

QUICK = ["--interval", "chi-square"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A file of 600 judged items, and what a person would say of each."""
    monkeypatch.chdir(tmp_path)
    judged_items(tmp_path / "verdicts.csv", parts="abc", flagged=6, size=600)
    return tmp_path


@pytest.fixture
def planned_once(monkeypatch):
    """A plan that is asked for once more, to be shown in another way, is not searched for again."""
    for module, name in ((_planning, "plan"), (_plan_given, "plan_further")):
        monkeypatch.setattr(module, name, once(getattr(module, name)))


def once(function):
    known = {}

    def found(*given, **options):
        asked = repr((given, options))
        if asked not in known:
            known[asked] = function(*given, **options)
        return known[asked]

    return found


def label(queue, file=None):
    """Label a queue as a person would: the judge's flags are right, and it misses one failure in twelve."""
    with open(queue, newline="") as read, open(file or "answers.csv", "w", newline="") as written:
        table = csv.writer(written)
        table.writerow(["id", "label"])
        for row in csv.DictReader(read):
            i = int(row["id"][1:])
            table.writerow([row["id"], "fail" if i % 6 == 0 or i % 71 == 1 else "pass"])
    if file is None:
        assert main(["label", queue, "--import", "answers.csv"]) == 0


def planned(capsys, *more, design="queue.json", status=(0,)):
    capsys.readouterr()
    assert main(["plan", "--given", "verdicts.csv", "--design", design, *QUICK, *more, "--json"]) in status
    return json.loads(capsys.readouterr().out)


def test_rounds_go_from_a_draw_to_a_certificate(folder, capsys):
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--by-verdict", "--flagged", "10"]
    assert main([*draw, "--labels", "30", "--out", "queue.csv"]) == 0
    label("queue.csv")
    found = planned(capsys, "--target-width", "0.1")
    assert found["settings"]["labels"] == "by-verdict"
    assert found["settings"]["label_design"]["file"] == "queue.json"
    assert found["at_hand"]["n_labeled"] == 30
    assert found["n_labels"] == sum(found["split"].values()) > 0
    # What it says to type draws what it planned, and nothing twice.
    words = shlex.split(found["next"])
    assert words[-1] == "queue2.csv"
    assert main(words[1:]) == 0
    first, second = LabelDesign.load("queue.json"), LabelDesign.load("queue2.json")
    assert second.n_drawn == found["n_labels"]
    assert {one.key["verdict"]: one.n_drawn for one in second.strata} == found["split"]
    assert not set(first.drawn) & set(second.drawn)
    label("queue2.csv")
    done = planned(capsys, "--target-width", "0.2", design="queue2.json")
    assert done["at_hand"]["n_labeled"] == 30 + second.n_drawn
    assert (done["n_labels"], done["next"]) == (0, "jaxmle estimate verdicts.csv --design queue2.json")
    claims = ["--method", "profile", "--tpr", "0.6:1", "--confidence", "0.9"]
    done = planned(capsys, "--limit", "0.4", *claims, design="queue2.json")
    asked = "jaxmle certify verdicts.csv --design queue2.json --limit 0.4"
    assert done["next"] == f"{asked} {' '.join(claims)}"
    assert main(shlex.split(done["next"])[1:]) == 0


def test_labels_in_a_file_of_their_own_are_planned_on(folder, capsys):
    draw_labels("verdicts.csv", judge="judge", id="id", n_labels=40).save("queue.csv")
    label("queue.csv", "theirs.csv")
    asked = ["--human-file", "theirs.csv", "--target-width", "0.1"]
    found = planned(capsys, *asked)
    assert found["at_hand"]["n_labeled"] == 40
    assert main(shlex.split(found["next"])[1:]) == 0
    assert len(LabelDesign.load("queue2.json").before) == 40
    # Without a design as estimate would read it.
    plain = ["--judge", "judge", "--human", "label", "--id", "id", *asked, *QUICK, "--json"]
    assert main(["plan", "--given", "verdicts.csv", *plain]) == 0
    said = capsys.readouterr().out
    alone = json.loads(said[said.index("{") :])
    assert (alone["n_labels"], alone["next"]) == (found["n_labels"], None)
    # Random labels may go on by verdict.
    found = planned(capsys, *asked, "--labels", "by-verdict")
    assert "--by-verdict --flagged" in found["next"]


def test_what_was_drawn_by_slice_is_planned_and_drawn_by_slice(folder, capsys, planned_once):
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--by", "part", "--floor", "4"]
    assert main([*draw, "--labels", "24", "--out", "queue.csv"]) == 0
    label("queue.csv")
    found = planned(capsys, "--target-width", "0.2")
    schema = json.loads((files("jaxmle") / "schema.json").read_text(encoding="utf-8"))
    pytest.importorskip("jsonschema").validate(found, schema)
    assert (found["reached"], found["options"], found["value"]) == (True, [], None)
    assert found["n_labels"] == sum(one["n_labels"] for one in found["slices"])
    assert found["at_hand"] == {"n_labeled": 24, "n_unlabeled": 576}
    (folder / "plan.json").write_text(json.dumps(found))
    assert main(shlex.split(found["next"])[1:]) == 0
    drawn = {one.key["part"]: one.n_drawn for one in LabelDesign.load("queue2.json").strata}
    assert drawn == {one["key"]["part"]: one["n_labels"] for one in found["slices"]}
    label("queue2.csv")
    assert tables.count("verdicts.csv", design="queue2.json", by="part").total.n_labeled > 24
    capsys.readouterr()
    assert (
        main(["plan", "--given", "verdicts.csv", "--design", "queue.json", *QUICK, "--target-width", ".2"])
        == 0
    )
    shown = capsys.readouterr().out
    assert "Next, once --json has put this plan into plan.json: jaxmle draw" in shown
    said = "The rate of all items is not planned here: for a shorter interval of it draw in proportion"
    assert said in " ".join(shown.split())
    assert "Each slice by itself" in shown


def test_a_slice_says_why_it_has_no_plan(folder, capsys):
    draw_labels("verdicts.csv", judge="judge", id="id", n_labels=20, where="part <> 'c'").save("queue.csv")
    label("queue.csv")
    rows = (folder / "verdicts.csv").read_text()
    (folder / "labelled.csv").write_text(
        "id,part,judge,human\n"
        + "".join(f"{line},{'pass' if line.split(',')[1] == 'a' else ''}\n" for line in rows.splitlines()[1:])
    )
    asked = ["plan", "--given", "labelled.csv", "--judge", "judge", "--human", "human", "--by", "part"]
    assert main([*asked, "--target-width", "0.1", *QUICK]) in (0, 1)
    shown = capsys.readouterr().out
    assert "a: each of its items has a label." in shown
    assert "b: there is no label yet to plan from." in shown


def test_the_posterior_is_drawn_once(folder, capsys, monkeypatch):
    draw_labels("verdicts.csv", judge="judge", id="id", n_labels=30).save("queue.csv")
    label("queue.csv")
    calls = []
    rates = _further_labels.posterior_rates

    def counted(*given):
        calls.append(given)
        return rates(*given)

    monkeypatch.setattr(_further_labels, "posterior_rates", counted)
    found = planned(capsys, "--target-width", "0.1")
    assert len(calls) == 1
    assert 0 < found["settings"]["failure_rate"] < 1


@pytest.mark.parametrize(
    ("n_labels", "by", "said"),
    [
        ({"a": 5}, (), "by slice goes with `by`"),
        ({"a": 5, "x": 1}, "part", "names x, which is no slice"),
        ({"a": 500}, "part", "200 of its items have none yet"),
        ({"a": 1.5}, "part", "must be a whole number"),
    ],
)
def test_numbers_by_slice_are_checked(folder, n_labels, by, said):
    with pytest.raises(ValueError, match=said):
        draw_labels("verdicts.csv", judge="judge", id="id", n_labels=n_labels, by=by)


def test_numbers_by_slice_are_drawn(folder):
    design = draw_labels(
        "verdicts.csv", judge="judge", id="id", n_labels={"a": 5, ("c",): 2}, by="part"
    ).design
    assert {one.key["part"]: one.n_drawn for one in design.strata} == {"a": 5, "b": 0, "c": 2}
    assert {one.reason for one in design.strata} == {None}
    with pytest.raises(ValueError, match="`left_out` goes with `n_labels` by slice"):
        draw_labels("verdicts.csv", judge="judge", id="id", n_labels=5, by="part", left_out={"a": "no"})


def test_slices_without_a_plan_are_named_in_the_terminal_and_in_the_design(folder, capsys):
    judged_items(folder / "verdicts.csv", parts="abcdefg", flagged=6, size=600)
    slices = [
        {"key": {"part": "a"}, "reached": True, "n_labels": 5, "reason": None},
        {"key": {"part": "b"}, "reached": True, "n_labels": 0, "reason": None},
        *(
            {"key": {"part": part}, "reached": False, "n_labels": None, "reason": reason}
            for part, reason in zip(
                "cdefg", ["none yet", "none yet", "too few c", "too few f", "x"], strict=True
            )
        ),
    ]
    plan = {"command": "plan", "at_hand": {}, "settings": {"by": ["part"]}, "options": [], "slices": slices}
    (folder / "plan.json").write_text(json.dumps(plan | {"n_labels": None}))
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--by", "part", "--plan", "plan.json"]
    assert main([*draw, "--out", "queue.csv"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "b: none drawn; the labels at hand are enough." in shown
    assert "e: none drawn; too few c." in shown
    assert "None drawn of c; d: none yet." in shown
    assert "No label at all yet: b; c; d; e and 2 more." in shown
    reasons = {one.key["part"]: one.reason for one in LabelDesign.load("queue.json").strata}
    assert reasons["a"] is None
    assert reasons["c"] == "none yet"
    assert reasons["b"] == "the labels at hand are enough"
    assert main([*draw, "--out", "again.csv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["strata"]
    assert {one["key"]["part"]: one["reason"] for one in found} == reasons


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--labels", "by-verdict"], r"--labels (\d+) --by-verdict --flagged (\d+)"),
        ([], r"--labels (\d+)\."),
    ],
)
def test_a_plan_of_what_is_expected_says_how_to_draw_it(folder, capsys, planned_once, more, said):
    rates = ["--failure-rate", "0.1", "--judge-tpr", "0.9", "--judge-fpr", "0.1", "--n-unlabeled", "600"]
    asked = ["plan", *rates, "--target-width", "0.2", *QUICK, *more]
    assert main([*asked, "--json"]) == 0
    text = capsys.readouterr().out
    (folder / "plan.json").write_text(text)
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--out", "queue.csv"]
    assert main([*draw, "--plan", "plan.json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    way_out = re.search(f"was expected, without --given: in place of --plan give {said}", err)
    assert way_out
    document = json.loads(text)
    numbers = [document["n_labels"], *([document["split"]["flagged"]] if more else [])]
    assert [int(one) for one in way_out.groups()] == numbers
    # The table says the same, and what it says draws.
    assert main(asked) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("Next: ")]
    options = line.partition("--id COL ")[2].partition(" --out")[0]
    assert f"give {options}." in err
    assert main([*draw, *options.split()]) == 0


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ({}, [], "is not what `jaxmle plan --given ... --json` printed"),
        (None, ["--labels", "9"], "with --labels, or with --plan"),
        ({"n_labels": 0}, [], "no labels to draw"),
        ({"n_labels": 9}, ["--by", "part"], "without slices"),
        ({"n_labels": 9}, ["--flagged", "3"], "leave --flagged out"),
        ({"settings": {}}, [], "is not what `jaxmle plan"),
        ({"settings": {"by": 3}}, ["--by", "part"], "is not what `jaxmle plan"),
        ({"n_labels": "9"}, [], "is not what `jaxmle plan"),
        ({"n_labels": 9, "split": [4]}, [], "is not what `jaxmle plan"),
        ({"n_labels": 9, "split": {"flagged": 4.5}}, [], "is not what `jaxmle plan"),
        ({"slices": [{"reached": True, "key": {}}], "settings": {"by": ["part"]}}, [], "is not what `jaxmle"),
        (
            {
                "slices": [{"reached": True, "key": {"part": ["a"]}, "n_labels": 1}],
                "settings": {"by": ["part"]},
            },
            ["--by", "part"],
            "is not what `jaxmle plan",
        ),
    ],
)
def test_a_file_that_is_no_plan_is_refused(folder, capsys, content, more, said):
    if content is not None:
        plan = {
            "command": "plan",
            "at_hand": {},
            "options": [1],
            "settings": {"by": []},
            "n_labels": None,
            **content,
        }
        (folder / "plan.json").write_text(json.dumps(plan if content else content))
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--plan", "plan.json", "--out", "q.csv"]
    assert main([*draw, *more]) == 2
    assert said in capsys.readouterr().err
