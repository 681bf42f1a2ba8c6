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
from jaxmle._cli._plan_given import _next, _nothing_next
from jaxmle._cli._reading import Reading
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


@pytest.fixture
def small_slice(folder):
    """Two slices of 250 items, and one of 10, whose rate no number of labels makes known to 20 points."""
    rows = ["id,part,judge"]
    rows += [
        f"q{i},{'ab'[i // 6 % 2] if i < 500 else 'c'},{'fail' if i % 6 == 0 else 'pass'}" for i in range(510)
    ]
    (folder / "verdicts.csv").write_text("\n".join(rows) + "\n")
    return folder


def typed(shown):
    """What the terminal says to type next."""
    (line,) = [one for one in shown.splitlines() if one.startswith("Next")]
    return line.partition(": jaxmle ")[0], shlex.split(line.partition(": jaxmle ")[2])


def test_slices_that_reach_their_goal_are_drawn_where_others_do_not(small_slice, capsys, planned_once):
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--labels", "24", "--out", "queue.csv"]
    assert main([*draw, "--by", "part", "--floor", "4"]) == 0
    label("queue.csv")
    found = planned(capsys, "--target-width", "0.2", status=(1,))
    schema = json.loads((files("jaxmle") / "schema.json").read_text(encoding="utf-8"))
    pytest.importorskip("jsonschema").validate(found, schema)
    (small_slice / "plan.json").write_text(json.dumps(found))
    asked = ["plan", "--given", "verdicts.csv", "--design", "queue.json", *QUICK]
    assert main([*asked, "--target-width", "0.2"]) == 1
    first, words = typed(capsys.readouterr().out)
    assert first == "Next, once --json has put this plan into plan.json, for 2 slices of 3"
    assert words == shlex.split(found["next"])[1:]
    assert main(words) == 0
    drawn = {one.key["part"]: one.n_drawn for one in LabelDesign.load("queue2.json").strata}
    assert drawn == {one["key"]["part"]: one["n_labels"] or 0 for one in found["slices"]}
    assert min(drawn["a"], drawn["b"]) > 0 == drawn["c"]


def test_a_plan_that_nothing_reaches_says_that_no_command_comes_next(small_slice, capsys, planned_once):
    draw_labels("verdicts.csv", judge="judge", id="id", n_labels=24).save("queue.csv")
    label("queue.csv")
    asked = ["plan", "--given", "verdicts.csv", "--design", "queue.json", *QUICK, "--target-width", "0.02"]
    capsys.readouterr()
    assert main([*asked, "--by", "part"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    said = "No command comes next: no number of labels reaches the goal, nor does any in a slice by itself."
    assert said in shown
    assert main(asked) == 1
    assert capsys.readouterr().out.endswith("No command comes next: no number of labels reaches the goal.\n")


def test_why_nothing_comes_next_is_said(folder):
    def found(kind, by=("part",), reached=False, n=5):
        design = None if kind is None else {"kind": kind, "by": ["part"], "file": "queue.json"}
        slices = [{"reached": True, "n_labels": n}]
        settings = {"label_design": design, "by": list(by)}
        return {"settings": settings, "reached": reached, "slices": slices, "n_labels": None, "split": None}

    rows = Reading(file="verdicts.csv")
    assert _nothing_next(rows, found("by-slice")) is None
    assert _nothing_next(rows, found("random")) is None
    assert "begins one" in _nothing_next(rows, found(None, reached=True))
    assert "--where" in _nothing_next(Reading(file="verdicts.csv", where="part = 'a'"), found("random"))
    assert "no items to draw" in _nothing_next(Reading(), found("random"))
    assert "drawn by part: plan with" in _nothing_next(rows, found("by-slice", by=("part", "judge")))
    assert "cannot go on by slice" in _nothing_next(rows, found("by-verdict"))
    assert "need no further label" in _nothing_next(rows, found("by-slice", n=0))
    # After a random draw slices come by the columns of the plan.
    asked = found("random")
    asked["settings"]["label_design"]["by"] = []
    said = _next(rows, asked, {"limit": None, "method": "exact"})
    assert said == "jaxmle draw verdicts.csv --design queue.json --by part --plan plan.json --out queue2.csv"
    # Columns come in the order of the design, whose slices they make.
    asked = found("by-slice", by=("part", "kind"))
    asked["settings"]["label_design"]["by"] = ["kind", "part"]
    assert "--by kind --by part --plan" in _next(rows, asked, {"limit": None, "method": "exact"})


def test_labels_planned_by_verdict_within_slices_are_said_to_be_drawn_at_random(folder, capsys):
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--by", "part", "--floor", "8"]
    assert main([*draw, "--labels", "24", "--out", "queue.csv"]) == 0
    label("queue.csv")
    found = planned(capsys, "--target-width", "0.2", "--labels", "by-verdict")
    plain = planned(capsys, "--target-width", "0.2")
    both = [(one["n_labels"], one["at_random"]) for one in found["slices"]]
    assert all(n == cost["by_verdict"] for n, cost in both)
    # What it says of labels at random is what their own plan says.
    assert [cost["n_labels"] for _, cost in both] == [one["n_labels"] for one in plain["slices"]]
    assert {one["at_random"] for one in plain["slices"]} == {None}
    mine, other = (sum(one[1][name] for one in both) for name in ("by_verdict", "n_labels"))
    (said,) = [one for one in found["warnings"] if one.startswith("within slices `jaxmle draw` takes")]
    assert f"({mine} labels by verdict, {other} at random; profile interval, chi-square)" in said
    assert "plan with --labels random" in said
    assert not [one for one in plain["warnings"] if "by verdict" in one]
    (folder / "plan.json").write_text(json.dumps(found))
    assert main(shlex.split(found["next"])[1:]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for stratum, one in zip(LabelDesign.load("queue2.json").strata, found["slices"], strict=True):
        split = f"{one['split']['flagged']} flagged, {one['split']['passed']} passed"
        cost = f"{one['n_labels']} by verdict and {one['at_random']['n_labels']} at random"
        assert stratum.n_drawn == one["n_labels"]
        assert stratum.reason == (
            f"planned by verdict ({split}), drawn at random: the goal takes {cost} (profile interval, "
            "chi-square)"
        )
        assert f"{stratum.key['part']}: {stratum.reason}." in shown


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
    with pytest.raises(ValueError, match="`reasons` goes with `n_labels` by slice"):
        draw_labels("verdicts.csv", judge="judge", id="id", n_labels=5, by="part", reasons={"a": "no"})


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
