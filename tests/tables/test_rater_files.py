"""Labels of several raters in files of their own count as columns of one file do, and faults are named."""

import csv
import json
import shlex

import pytest
from cases import judged_items

from jaxmle import draw_labels, tables
from jaxmle._cli import main

QUICK = ["--interval", "chi-square"]
RATERS = {"ann": (0, 200, 7), "bob": (100, 260, 11), "eve": (0, 150, 13)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """600 judged items; each rater labelled some of them, and is wrong about every so manieth."""
    monkeypatch.chdir(tmp_path)
    judged_items(tmp_path / "verdicts.csv", parts="abc", flagged=6, size=600)
    with open("verdicts.csv", newline="") as file:
        items = [row["id"] for row in csv.DictReader(file)]
    said = {name: {items[i]: label(i, every) for i in range(a, b)} for name, (a, b, every) in RATERS.items()}
    for name, labels in said.items():
        write(f"{name}.csv", labels)
    together = ["id,ann,bob,eve", *(",".join([i, *(said[n].get(i, "") for n in RATERS)]) for i in items)]
    (tmp_path / "together.csv").write_text("\n".join(together) + "\n")
    return tmp_path


def label(i, every):
    return "fail" if (i % 6 == 0) != (i % every == 0) else "pass"


def write(name, labels):
    with open(name, "w") as file:
        file.write("id,label\n" + "".join(f"{item},{word}\n" for item, word in labels.items()))


def files_of(*names):
    return [word for name in names for word in ("--human-file", f"{name}.csv")]


READ = ["verdicts.csv", "--judge", "judge", "--human", "label", "--id", "id"]


@pytest.mark.parametrize(("names", "rule"), [(("ann", "bob"), "any"), (("ann", "bob"), "all"), (RATERS, "2")])
def test_files_count_as_columns_of_one_file(folder, capsys, names, rule):
    of = {"judge": "judge", "id": "id", "human_combine": rule}
    apart = tables.count("verdicts.csv", human="label", human_source=[f"{n}.csv" for n in names], **of)
    joined = tables.count("verdicts.csv", human=list(names), human_source="together.csv", **of)
    assert apart.total.values() == joined.total.values()
    assert apart.panel.raters == joined.panel.raters
    assert main(["estimate", *READ, *files_of(*names), "--human-combine", rule, *QUICK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["n_labeled"] == apart.total.n_labeled
    assert found["panel"]["raters"]["names"] == list(names)


def test_every_command_takes_them(folder, capsys):
    two = [*READ, *files_of("ann", "bob")]
    assert main(["certify", *two, "--human-combine", "any", "--limit", "0.6", "--method", "profile"]) == 0
    page = ["--markdown", "page.md", "--human-error", "agreement"]
    assert main(["report", *two, "--human-combine", "any", *QUICK, *page]) == 0
    text = (folder / "page.md").read_text()
    assert "ann and bob differ on" in text
    assert "--human-file ann.csv --human-file bob.csv" in text
    plan = ["plan", "--given", *two, "--human-combine", "any", "--target-width", "0.1", *QUICK]
    assert main(plan) == 0
    draw = ["draw", *two, "--human-combine", "any", "--labels", "20", "--out", "queue.csv"]
    assert main(draw) == 0
    capsys.readouterr()
    assert main(["doctor", *two, "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    (note,) = [one["text"] for one in found["findings"] if one["topic"] == "humans differ"]
    assert "'ann' and 'bob' differ on" in note
    words = shlex.split(found["next"])
    assert words[words.index("--human-combine") + 1] == "any"
    assert main([*words[1:], *QUICK]) == 0


def test_a_design_takes_them(folder, capsys):
    queue = draw_labels("verdicts.csv", judge="judge", id="id", n_labels=40)
    queue.save("queue.csv")
    for name, every in (("ann", 7), ("bob", 11)):
        write(f"{name}.csv", {item: label(i, every) for i, (item,) in enumerate(queue.design.drawn)})
    asked = ["estimate", "verdicts.csv", "--design", "queue.json", *files_of("ann", "bob"), *QUICK]
    assert main(asked) == 2
    assert "ann, bob disagree on" in capsys.readouterr().err
    assert main([*asked, "--human-combine", "any"]) == 0
    assert "Several of ann, bob labelled 40 rows" in " ".join(capsys.readouterr().out.split())
    # One more label of an item that nobody drew.
    lines = (folder / "verdicts.csv").read_text().split()[1:]
    stranger = next(one for one in lines if (one.partition(",")[0],) not in queue.design.drawn)
    write("bob.csv", {stranger.partition(",")[0]: "pass"})
    assert main([*asked, "--human-combine", "any"]) == 2
    assert "not drawn by the design" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (files_of("ann", "ann"), "'ann.csv' twice: one file is one rater"),
        (files_of("ann", "nobody"), "cannot read 'nobody.csv'"),
        (
            [*files_of("ann", "bob"), "--human", "other"],
            "name the one column of labels that all of them have",
        ),
        (files_of("ann", "twice"), "'twice.csv' holds two labels of id 'q1', 'pass' and 'fail'"),
        (files_of("ann", "empty"), "column 'label' of 'empty.csv' holds no label"),
        (files_of("ann", "id"), "'id' is the name of an id"),
        (files_of("ann", "ID"), "'ID' is the name of an id"),
        (files_of("ann", "Ann"), "names of files must differ by more than case"),
        (files_of("ann", "other"), "column 'label'"),
        ([*files_of("ann", "bob"), "--human-where", "id = 'q1'"], "(--human-where) is of one file of labels"),
        (files_of("ann"), "or their files with `human_source` (--human-file)"),
    ],
)
def test_faults_are_named(folder, capsys, more, said):
    (folder / "twice.csv").write_text("id,label\nq1,pass\nq1,fail\n")
    (folder / "empty.csv").write_text("id,label\nq1,\n")
    for name in ("id", "ID", "Ann"):
        (folder / f"{name}.csv").write_text("id,label\nq1,pass\n")
    (folder / "other.csv").write_text("id,mark\nq1,pass\n")
    assert main(["estimate", *READ, *more, "--human-combine", "any", *QUICK]) == 2
    assert said in capsys.readouterr().err


def test_files_of_one_name_are_told_apart(folder):
    (folder / "more").mkdir()
    (folder / "more" / "ann.csv").write_text((folder / "bob.csv").read_text())
    found = tables.count(
        "verdicts.csv",
        judge="judge",
        human="label",
        human_source=["ann.csv", "more/ann.csv"],
        id="id",
        human_combine="any",
    )
    assert found.panel.raters.names == ["ann.csv", "more/ann.csv"]
