"""A queue is labelled in a terminal, on a page or in a spreadsheet; nothing is lost, and nothing is run."""

import asyncio
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

import jaxmle
from jaxmle import draw_labels, tables
from jaxmle._cli import main
from jaxmle._labeling import Answers, Queue, agreed, interval_now, label_page, raters, source_of

HOSTILE = "[red]markup[/red] \x1b[31mred\x07 </script><script>alert(1)</script> {{x}}\u2028\nsecond line"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A file of verdicts, and a queue that was drawn of it."""
    folder = tmp_path_factory.mktemp("drawn")
    rows = [
        {"id": f"q{i}", "answer": HOSTILE if i % 2 else "=1+1", "judge": "fail" if i % 4 == 0 else "pass"}
        for i in range(60)
    ]
    with (folder / "verdicts.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    source = str(folder / "verdicts.csv")
    draw_labels(source, judge="judge", id="id", n_labels=12, show_verdict=True).save(folder / "queue.csv")
    return folder


@pytest.fixture
def folder(drawn, tmp_path, monkeypatch):
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def queue(folder):
    return Queue.load(folder / "queue.csv")


def pressed(answers, keys, size=(80, 24), **more):
    """Press keys in the labeller, and return it with what it shows of the item and the state."""
    pytest.importorskip("textual")
    from textual.widgets import Static

    from jaxmle._labeling import Labeler

    options = {"columns": ("answer",), "interval": lambda: {"reason": "none"}} | more
    app = Labeler(answers, **options)

    async def run():
        async with app.run_test(size=size) as pilot:
            await pilot.press(*keys)
            await pilot.pause()
            return [str(app.query_one(name, Static).render()) for name in ("#progress", "#text", "#state")]

    return app, asyncio.run(run())


def another(code, folder):
    """Another process, which imports the same package."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(jaxmle.__file__).parents[1])},
    )


def test_keys_answer_skip_and_go_back(queue):
    answers = Answers.open(queue)
    app, (progress, _, state) = pressed(answers, "fpsbbf")
    first, second, third = queue.items[:3]
    assert answers.said == {first: "fail", second: "fail", third: ""}
    assert "2 of 12 labelled, 1 skipped" in progress
    assert app.place == 3
    assert "Is this answer a failure?" in state
    # Whoever comes back goes on at the first that is open; at the end come those that were skipped.
    answers = Answers.open(queue)
    app, (_, _, state) = pressed(answers, "p" * 9)
    assert answers.said[queue.items[11]] == "pass"
    assert (app.place, app.is_done) == (2, True)
    assert "All items seen; 1 skipped are open still" in state
    pressed(answers, "f")
    assert "" not in answers.said.values()
    # Behind the last answer no key changes one, until somebody goes back.
    before = dict(answers.said)
    _, (_, text, _) = pressed(answers, "fpsf")
    assert (answers.said, "b goes back" in text) == (before, True)
    pressed(answers, "bf")
    assert answers.said[queue.items[11]] == "fail"


def test_the_verdict_is_hidden_unless_asked(queue):
    assert queue.columns == ("answer",)
    _, (_, text, _) = pressed(Answers.open(queue), "")
    assert "judge" not in text
    _, (_, text, _) = pressed(Answers.open(queue), "", verdicts=queue.verdicts)
    assert "judge (the judge's verdict)" in text


@pytest.mark.parametrize("width", [80, 60])
def test_texts_of_strangers_are_shown_as_they_are_written(queue, width):
    answers = Answers.open(queue)
    place = next(i for i, row in enumerate(queue.rows) if row["answer"] != "=1+1")
    _, (_, text, _) = pressed(answers, "n" * place, size=(width, 24))
    assert "[red]markup[/red] \\x1b[31mred\\x07 </script>" in text
    assert not any(ord(char) < 32 and char != "\n" for char in text)


def test_each_answer_is_on_the_disk_before_the_next(queue, monkeypatch):
    answers = Answers.open(queue)
    for place in range(5):
        answers.answer(place, "pass")
        assert len(Answers.open(queue).said) == place + 1
    before = answers.path.read_bytes()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    app, (_, _, state) = pressed(answers, "f")
    assert "NOT SAVED: " in state
    assert answers.path.read_bytes() == before
    assert app.place == 5


def test_an_answer_that_was_not_saved_does_not_count(queue, folder, monkeypatch):
    answers = Answers.open(queue)
    answers.answer(0, "pass")
    (folder / "more.csv").write_text(f"id,label\n{queue.items[3][0]},fail\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", Mock(side_effect=OSError(28, "No space left on device")))
        for fails in (
            lambda: answers.answer(0, "fail"),
            lambda: answers.answer(1, "fail"),
            lambda: answers.take(folder / "more.csv", label="label"),
        ):
            with pytest.raises(OSError, match="No space left"):
                fails()
    assert answers.said == Answers.open(queue).said == {queue.items[0]: "pass"}
    answers.answer(2, "fail")
    assert Answers.open(queue).said == {queue.items[0]: "pass", queue.items[2]: "fail"}


def test_one_at_a_time_writes_a_file_of_answers(queue, folder, capsys):
    (folder / "more.csv").write_text(f"id,label\n{queue.items[3][0]},fail\n")
    code = (
        "import sys; from pathlib import Path; from jaxmle._labeling import Answers, Queue\n"
        "with Answers.held(Queue.load(Path('queue.csv'))) as answers:\n"
        "    answers.answer(0, 'pass'); print('held', flush=True); sys.stdin.readline()\n"
        "    answers.answer(1, 'pass')\n"
    )
    with another(code, folder) as other:
        assert other.stdout.readline() == "held\n"
        assert main(["label", "queue.csv", "--import", "more.csv"]) == 2
        said = capsys.readouterr().err
        assert "being written by another `jaxmle label`" in said
        assert "--rater NAME" in said
        assert main(["label", "queue.csv", "--import", "more.csv", "--rater", "bob"]) == 0
        assert main(["label", "queue.csv", "--status"]) == 0  # looking is free
        other.communicate("go on\n")
    assert main(["label", "queue.csv", "--import", "more.csv"]) == 0
    assert list(Answers.open(queue).said.values()) == ["pass", "pass", "fail"]
    assert not list(folder.glob(".*"))


def test_a_kill_lets_go_of_the_answers(queue, folder):
    code = (
        "from pathlib import Path; from jaxmle._labeling import Answers, Queue\n"
        "with Answers.held(Queue.load(Path('queue.csv'))): print('held', flush=True); input()\n"
    )
    with another(code, folder) as other:
        assert other.stdout.readline() == "held\n"
        other.kill()
    with Answers.held(queue) as answers:
        answers.answer(0, "pass")


def test_a_kill_while_answers_are_written_loses_none(folder):
    code = (
        "import sys; from pathlib import Path; from jaxmle._labeling import Answers, Queue\n"
        "answers = Answers.open(Queue.load(Path('queue.csv')))\n"
        "for n in range(10**6):\n"
        "    answers.answer(n % 12, 'pass' if n % 2 else 'fail'); print(n, flush=True)\n"
    )
    for _ in range(2):
        run = another(code, folder)
        done = [int(run.stdout.readline()) for _ in range(40)][-1]
        run.kill()
        run.wait()
        run.stdout.close()
        run.stdin.close()
        said = Answers.open(Queue.load(folder / "queue.csv")).said
        assert len(said) == 12
        assert done >= 39


def test_two_raters_have_files_of_their_own_and_agree_as_agreement_says(queue, folder, capsys):
    ann, bob = Answers.open(queue, "ann"), Answers.open(queue, "bob")
    for place in range(12):
        ann.answer(place, "fail" if place < 5 else "pass")
        bob.answer(place, "fail" if place < 4 else "pass" if place < 11 else "")
    counts, differ = agreed(*raters(queue).values())
    assert counts.values()[:4] == (4, 1, 0, 6)
    assert differ == [queue.items[4]]
    assert main(["label", "queue.csv", "--status", "--rater", "ann", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    kappa = jaxmle.agreement(counts).kappa
    assert found["agreement"][0]["kappa"]["estimate"] == float(kappa.estimate)
    assert found["agreement"][0]["differ"] == [list(queue.items[4])]
    with pytest.raises(ValueError, match="ann, bob disagree on 1 of the 11 rows"):
        tables.count("verdicts.csv", design="queue.json")
    table = tables.count("verdicts.csv", design="queue.json", human_combine="any")
    assert table.total.n_labeled == 12
    for name in ("a/b", " ", "id"):
        with pytest.raises(ValueError, match="--rater names a file"):
            Answers.open(queue, name)


def test_the_interval_is_that_of_the_labels_so_far(queue, folder):
    answers = Answers.open(queue)
    assert interval_now(answers, source_of(answers))["reason"] == "no label yet"
    for place in range(6):
        answers.answer(place, "fail" if place < 2 else "pass")
    found = interval_now(answers, source_of(answers))
    fitted = jaxmle.fit(tables.count("verdicts.csv", design="queue.json").total)
    interval = fitted.interval(simulate=False)
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))
    assert found["confidence"] == 0.95
    assert "not beside the queue" in interval_now(answers, None)["reason"]


def test_the_terminal_says_the_level_that_was_computed(queue, folder, monkeypatch, capsys):
    found = {"estimate": 0.2, "low": 0.1, "high": 0.3, "confidence": 0.9, "reason": None}
    _, (progress, _, _) = pressed(Answers.open(queue), "", interval=lambda: found)
    assert "90% interval 10.0% to 30.0%" in progress


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
