"""A queue is labelled on a page or in a spreadsheet; nothing is lost, and nothing is run."""

import json
import re
import shutil
import subprocess

import pytest
from hostile import HOSTILE

import jaxmle
from jaxmle import draw_labels, tables
from jaxmle._cli import main
from jaxmle._labeling import Answers, Queue, label_page


def test_the_page_runs_no_text_and_saves_what_import_takes(queue, folder):
    text = label_page(queue, columns=("answer",), download="queue.labels.csv")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    content = json.loads(data[1])
    assert content["items"] == [list(item) for item in queue.items]
    assert any(row == [HOSTILE] for row in content["rows"])
    assert text.count("<script") == 2
    assert "innerHTML" not in text
    assert "default-src &#x27;none&#x27;" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "judge" not in content["columns"]


def opened_page(queue, kept, keys, rater=None):
    """Open a page in node with what a browser kept, press keys, save; what is kept then, and the CSV."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    page = label_page(queue, columns=("answer",), download="x.csv", rater=rater)
    data, script = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    code = f"""
const kept = {json.dumps(kept)}, made = {{}};
const element = () => ({{append() {{}}, replaceChildren() {{}}, click() {{}}}});
globalThis.document = {{createElement: element, getElementById: (id) => (made[id] ??= element())}};
made.data = {{textContent: {json.dumps(data)}}};
globalThis.localStorage = {{
  getItem: (key) => kept[key] ?? null, setItem: (key, text) => {{ kept[key] = text; }},
}};
globalThis.window = {{scrollTo() {{}}}};
let csv;
globalThis.Blob = class {{ constructor(parts) {{ csv = parts.join(""); }} }};
URL.createObjectURL = () => "blob:";
{script}
for (const key of {json.dumps(keys)}) document.onkeydown({{key}});
made.save.onclick();
console.log(JSON.stringify([kept, csv]));
"""
    run = subprocess.run([node, "-"], input=code, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_a_browser_keeps_answers_by_item_and_person(queue, folder):
    kept, csv_text = opened_page(queue, {}, "fps")
    rows = [
        f'"{name}","{label}"\n' for (name,), label in zip(queue.items, ["fail", "pass", ""], strict=False)
    ]
    assert csv_text == '"id","label"\n' + "".join(rows)
    again, csv_text = opened_page(queue, kept, "f")  # goes on at the fourth
    assert csv_text.endswith(f'"{queue.items[3][0]}","fail"\n')
    assert len(again) == 1
    # Nobody else starts with them, nor another queue of this name and length.
    assert opened_page(queue, kept, "", rater="ann")[1] == '"id","label"\n'
    other = draw_labels("verdicts.csv", judge="judge", id="id", n_labels=12, seed=1, show_verdict=True)
    (folder / "queue.json").unlink()
    other.save(folder / "queue.csv")
    (folder / "queue.json").unlink()
    assert opened_page(Queue.load(folder / "queue.csv", id=["id"]), kept, "")[1] == '"id","label"\n'
    # Answers go with the ids, in whatever order they stand.
    texts = {**queue.__dict__, "items": queue.items[::-1], "rows": queue.rows[::-1]}
    (name,) = kept
    turned = Queue(**texts)
    key = re.search(r'"key": "([0-9a-f]{64})"', label_page(turned, columns=("answer",), download="x.csv"))
    assert key is not None
    moved = opened_page(turned, {f"jaxmle-label-{key[1]}": kept[name]}, "")[1]
    assert f'"{queue.items[0][0]}","fail"\n' in moved


def test_labels_of_spreadsheets_are_taken(queue, folder, capsys):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("python_calamine")
    book = openpyxl.Workbook()
    book.active.append(["id", "verdict", "remark"])
    for place, (name,) in enumerate(queue.items):
        book.active.append([name, ["bad", "meh", None][place % 3], "..."])
    book.save("labels.xlsx")
    arguments = ["label", "queue.csv", "--import", "labels.xlsx", "--label", "verdict"]
    assert main([*arguments, "--failure", "bad", "--pass", "fine"]) == 2
    assert "'meh' of" in capsys.readouterr().err
    assert main([*arguments, "--failure", "bad", "--pass", "meh"]) == 0
    assert "8 labels taken" in capsys.readouterr().out
    answers = Answers.open(queue)
    assert (answers.number_of("fail"), answers.number_of("pass")) == (4, 4)
    assert main([*arguments, "--failure", "meh", "--pass", "bad"]) == 2
    assert "settle it, or name another --rater" in capsys.readouterr().err
    (folder / "more.csv").write_text("id,label\nstranger,fail\n")
    assert main(["label", "queue.csv", "--import", "more.csv"]) == 2
    assert "would undo the design" in capsys.readouterr().err
    assert len(Answers.open(queue).labels) == 8


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("0", "1"), ["--failure", "0"]),
        (("0", "1"), ["--pass", "1"]),
        (("no", "yes"), ["--failure", "no"]),
        (("FALSE", "TRUE"), ["--failure", "FALSE"]),
        (("false", "true"), ["--pass", "true"]),
    ],
)
def test_import_turns_a_way_of_writing_round_as_estimate_does(queue, folder, capsys, words, options):
    lines = [f"{name},{words[place >= 3]}" for place, (name,) in enumerate(queue.items)]
    (folder / "more.csv").write_text("\n".join(["id,correct", *lines]) + "\n")
    taking = ["label", "queue.csv", "--import", "more.csv", "--label", "correct"]
    assert main(taking) == 2
    assert "reads as if" in capsys.readouterr().err
    assert main([*taking, *options]) == 0
    answers = Answers.open(queue)
    assert (answers.number_of("fail"), answers.number_of("pass")) == (3, 9)


def test_a_queue_that_was_changed_is_refused(folder, capsys):
    lines = (folder / "queue.csv").read_text().splitlines(keepends=True)
    design = (folder / "queue.json").read_text()
    (folder / "queue.csv").write_text("".join(lines) + "q999,x,pass,\n")
    assert main(["label", "queue.csv", "--status"]) == 2
    assert "holds other items than" in capsys.readouterr().err
    (folder / "queue.csv").write_text("".join(lines))
    (folder / "queue.json").unlink()
    assert main(["label", "queue.csv", "--status"]) == 2
    assert "name the column that tells its items apart with --id" in capsys.readouterr().err
    assert main(["label", "queue.csv", "--status", "--id", "id"]) == 0
    (folder / "queue.json").write_text(design)
    assert main(["label", "queue.csv"]) == 2
    assert "takes a terminal" in capsys.readouterr().err


def test_verdicts_are_noted_in_the_design(queue, folder, capsys):
    answers = Answers.open(queue)
    for place in range(12):
        answers.answer(place, "pass")
    certify = ["certify", "verdicts.csv", "--design", "queue.json", "--limit", "0.5", "--method", "profile"]
    for _ in range(2):
        assert main([*certify, "--json"]) in (0, 1)
    assert jaxmle.LabelDesign.load("queue.json").n_looks == 1
    assert main([*certify[:-3], "0.4", "--method", "profile"]) in (0, 1)
    assert jaxmle.LabelDesign.load("queue.json").n_looks == 2
    assert Queue.load(folder / "queue.csv").design.n_drawn == 12


def test_skipped_items_are_told_from_those_not_reached(queue, folder, capsys):
    answers = Answers.open(queue)
    judge = [row["judge"] for row in queue.rows]

    def said(*more):
        estimate = ["estimate", "verdicts.csv", "--design", "queue.json", "--interval", "chi-square"]
        assert main([*estimate, "--json", *more]) == 0
        found = json.loads(capsys.readouterr().out)
        return found["cautions"], found["total"]["warnings"], found["settings"]["label_design"]

    for place in range(8):
        answers.answer(place, "fail" if judge[place] == "fail" else "pass")
    cautions, warned, design = said()
    assert (cautions, design["skipped"]) == ([], {"flagged": 0, "passed": 0})
    assert any(
        "8 of the 12 drawn items have a label: a sample as long as the others" in one for one in warned
    )
    for place in range(8, 12):
        answers.answer(place, "")
    (caution,), warned, design = said()
    assert design["skipped"]["flagged"] == judge[8:].count("fail")
    assert not any("a sample as long as" in one for one in warned)
    assert caution.startswith("4 drawn items were skipped, against 8 with a label")
    for place in range(8, 12):
        answers.answer(place, "fail")
    worst = jaxmle.fit(tables.count("verdicts.csv", design="queue.json").total).failure_rate
    for place in range(8, 12):
        answers.answer(place, "")
    assert f"if all were failures, the failure rate would be {100 * worst:.2f}%; label them" in caution
    # What the condition leaves out was not skipped there; what somebody else labelled is labelled.
    last = queue.items[8][0]
    (narrow,), _, design = said("--where", f"id <> '{last}'")
    assert design["skipped"] != {"flagged": 0, "passed": 0}
    assert "skipped" in narrow
    bob = Answers.open(queue, "bob")
    for place in range(8, 12):
        bob.answer(place, "pass")
    assert said()[0] == []


def test_labels_in_the_queue_itself_are_not_left_behind(queue, folder, capsys):
    rows = (folder / "queue.csv").read_text().splitlines()
    (folder / "queue.csv").write_text("\n".join([rows[0], *(f"{row.rstrip(',')},fail" for row in rows[1:])]))
    name = queue.items[0][0]
    (folder / "more.csv").write_text(f"id,label\n{name},pass\n")
    assert main(["label", "queue.csv", "--import", "more.csv"]) == 2
    assert "take them over first, with `jaxmle label queue.csv --import queue.csv`" in capsys.readouterr().err
    assert main(["label", "queue.csv", "--import", "queue.csv", "--json"]) == 0
    assert len(Answers.open(Queue.load(folder / "queue.csv")).labels) == 12
    assert main(["label", "queue.csv", "--import", "more.csv"]) == 2  # says otherwise
    assert "settle it" in capsys.readouterr().err
