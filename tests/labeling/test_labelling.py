"""A queue is labelled in a terminal; nothing is lost, and nothing is run."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

import jaxmle
from jaxmle import tables
from jaxmle._cli import main
from jaxmle._labeling import Answers, Queue, agreed, interval_now, raters, source_of


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


def test_three_raters_agree_together_and_two_by_two(queue, folder, capsys):
    for name, wrong in (("ann", 0), ("bob", 3), ("eve", 7)):
        answers = Answers.open(queue, name)
        for place in range(12):
            answers.answer(place, "fail" if (place % 3 == 0) != (place == wrong) else "pass")
    assert main(["label", "queue.csv", "--status", "--rater", "ann", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    together = found["together"]
    assert (together["raters"], together["n_several"]) == (["ann", "bob", "eve"], 12)
    assert together["share"] == pytest.approx((9 + 3 / 3) / 12)
    assert together["differ"] == [list(queue.items[place]) for place in (0, 3, 7)]
    assert [one["raters"] for one in found["agreement"]] == [["ann", "bob"], ["ann", "eve"], ["bob", "eve"]]
    # All labelled all, so that most of an odd number decide.
    assert found["next"].endswith("--human-combine majority")
    assert main(["label", "queue.csv", "--status", "--rater", "ann"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ann, bob and eve: pairs of labels agree on 83.33% of 12 items, Fleiss' kappa" in shown
    assert shown.count("They differ on") == 1
    table = tables.count("verdicts.csv", design="queue.json", human_combine="majority")
    assert table.total.n_labeled == 12


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
    (folder / "verdicts.csv").unlink()
    assert "not beside the queue" in interval_now(answers, source_of(answers))["reason"]


def test_the_terminal_says_the_level_that_was_computed(queue, folder, monkeypatch, capsys):
    found = {"estimate": 0.2, "low": 0.1, "high": 0.3, "confidence": 0.9, "reason": None}
    _, (progress, _, _) = pressed(Answers.open(queue), "", interval=lambda: found)
    assert "90% interval 10.0% to 30.0%" in progress
