"""What people do by mistake while they label is told for what it is."""

import csv
import json

import pytest

from jaxmle import draw_labels, tables
from jaxmle._cli import main
from jaxmle._cli._looks import looks_of
from jaxmle._cli._options import parse_range
from jaxmle._labeling import Answers, Queue, _interval
from jaxmle._tables import _designed


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A queue of twelve items whose ids begin with zeros; nobody names the column of labels in the file."""
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "verdicts.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "answer", "part", "judge", "human", "label_text"])
        table.writerows(
            [
                f"{i:03d}",
                f"answer {i}",
                "ab"[i % 2],
                "fail" if i % 4 == 0 else "pass",
                i % 3 == 0,
                f"text {i}",
            ]
            for i in range(60)
        )
    drawn = draw_labels("verdicts.csv", judge="judge", id="id", n_labels=12)
    drawn.save("queue.csv")
    return Queue.load(tmp_path / "queue.csv")


def trouble(capsys, *arguments):
    assert main(list(arguments)) == 2
    return capsys.readouterr().err


def test_rows_that_were_deleted_are_named(queue, tmp_path, capsys):
    lines = (tmp_path / "queue.csv").read_text().splitlines(keepends=True)
    (tmp_path / "queue.csv").write_text("".join(lines[:-2]))
    said = trouble(capsys, "label", "queue.csv", "--status")
    assert f"lacks 2 of the 12 drawn items, such as '{min(queue.items[-2:])[0]}'" in said
    assert "draw again by the same command" in said
    (tmp_path / "queue.csv").write_text("".join(lines[:-1]))
    assert f"lacks the drawn item '{queue.items[-1][0]}'" in trouble(capsys, "label", "queue.csv", "--status")
    # What it says to do works.
    (tmp_path / "queue.csv").rename("edited.csv")
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--labels", "12", "--out", "queue.csv"]
    assert main(draw) == 0
    rows = (tmp_path / "edited.csv").read_text().splitlines()
    (tmp_path / "edited.csv").write_text(
        "\n".join([rows[0], *(f"{row.rstrip(',')},pass" for row in rows[1:])])
    )
    assert main(["label", "queue.csv", "--import", "edited.csv"]) == 0
    assert len(Answers.open(Queue.load(tmp_path / "queue.csv")).labels) == 11


def test_ids_that_lost_zeros_are_recognised(queue, tmp_path, capsys):
    first = min(name for (name,) in queue.items)
    (tmp_path / "more.csv").write_text(f"id,label\n{int(first)},fail\n")
    said = trouble(capsys, "label", "queue.csv", "--import", "more.csv")
    assert "has an item that is not in the queue" in said
    assert f"'{int(first)}' may be '{first}': spreadsheets take zeros in front off numbers" in said
    (tmp_path / "more.csv").write_text("id,label\nx,fail\ny,pass\n")
    said = trouble(capsys, "label", "queue.csv", "--import", "more.csv")
    assert "has 2 items that are not in the queue, such as 'x'" in said
    assert "zeros" not in said
    text = (tmp_path / "queue.csv").read_text()
    (tmp_path / "queue.csv").write_text(text.replace(f"\n{first},", f"\n{int(first)},"))
    assert "spreadsheets take zeros" in trouble(capsys, "label", "queue.csv", "--status")
    # Labels joined by id alone, without a design.
    (tmp_path / "theirs.csv").write_text(f"id,mark\n{int(first)},fail\n")
    joined = ["--judge", "judge", "--human", "mark", "--human-file", "theirs.csv", "--id", "id"]
    said = trouble(capsys, "estimate", "verdicts.csv", *joined)
    assert f"'{int(first)}' may be '{first}'" in said


def test_labels_beside_a_design_are_named_after_it(queue, tmp_path, capsys):
    rows = "".join(f"{name},perhaps\n" for (name,) in queue.items[:2])
    (tmp_path / "queue.labels.csv").write_text(f"id,label\n{rows}")
    said = trouble(capsys, "estimate", "verdicts.csv", "--design", "queue.json", "--interval", "chi-square")
    assert "row 1 of the labels beside 'queue.json': label is 'perhaps'" in said


def test_a_column_that_reads_like_labels_is_not_shown(queue, capsys, tmp_path):
    assert queue.columns == ("answer", "part", "label_text")
    (tmp_path / "queue.csv").unlink()
    (tmp_path / "queue.json").unlink()
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--labels", "12", "--out", "queue.csv"]
    assert main(draw) == 0
    assert "Not shown, as they read like labels of humans: human;" in capsys.readouterr().out
    assert main([*draw, "--column", "human", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == ["id", "human"]
    assert "Did you mean 'answer'" in trouble(capsys, *draw, "--column", "anwser")
    assert "Did you mean 'human'" in trouble(capsys, "label", "queue.csv", "--status", "--column", "humn")


def test_the_interval_is_not_shown_at_a_restart_between_tens(queue):
    pytest.importorskip("textual")
    import asyncio

    from textual.widgets import Static

    from jaxmle._labeling import Labeler

    answers, calls = Answers.open(queue), []

    def interval():
        calls.append(len(answers.labels))
        return {"estimate": 0.2, "low": 0.1, "high": 0.3, "confidence": 0.95, "reason": None}

    def restarted(keys=""):
        app = Labeler(answers, columns=("answer",), interval=interval)

        async def run():
            async with app.run_test() as pilot:
                await pilot.press(*keys)
                await app.workers.wait_for_complete()
                await pilot.pause()
                return str(app.query_one("#progress", Static).render())

        return asyncio.run(run())

    assert "10.0% to 30.0%" in restarted("p" * 7)  # that of no label at all
    assert "The interval comes after 3 more." in restarted()
    assert calls == [0]
    assert "10.0% to 30.0%" in restarted("p" * 3)
    assert calls == [0, 10]


def test_what_any_does_is_said_where_it_is_proposed(queue, capsys):
    for name in ("ann", "bob"):
        Answers.open(queue, name).answer(0, "pass")
    assert main(["label", "queue.csv", "--status", "--rater", "ann"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "--human-combine any" in shown
    assert "which raises the rate; `all` lowers it" in shown


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("75:90%", (0.75, 0.9)),
        ("75%:90", (0.75, 0.9)),
        ("0.75:90%", (0.75, 0.9)),
        ("0:5%", (0, 0.05)),
        ("50%:1", (0.5, 1)),
    ],
)
def test_a_percent_sign_on_one_end_is_of_both(text, ends):
    assert parse_range("--tpr", text) == pytest.approx(ends)


def test_shares_of_looks_are_read_in_percent():
    assert looks_of(2, 5, "obrien-fleming", "20%,45%").information == pytest.approx((0.2, 0.45))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--labels", "10,000"], "--labels must be a whole number; got '10,000': did you mean 10000?"),
        (["--labels=10 000"], "--labels must be a whole number; got '10 000': did you mean 10000?"),
        # A thousand to some, and 1 to whatever reads numbers.
        (["--labels", "1.000"], "--labels must be a whole number; got '1.000': did you mean 1000?"),
        (["--labels=12.0"], "--labels must be a whole number; got '12.0'."),
        (["--labels", "9", "--seed", "5.000"], "--seed must be a whole number; got '5.000'"),
        (["--labels", "many"], "--labels must be a whole number; got 'many'."),
    ],
)
def test_numbers_are_asked_for_in_plain_words(queue, capsys, given, said):
    draw = ["draw", "verdicts.csv", "--judge", "judge", "--id", "id", "--out", "x.csv"]
    assert said in trouble(capsys, *draw, *given)


@pytest.mark.parametrize("more", [["--status"], ["--id", "id"], ["--import", "said.csv"]])
def test_a_queue_that_is_not_there_is_named(queue, capsys, more):
    assert "cannot read 'nothing.csv': No such file" in trouble(capsys, "label", "nothing.csv", *more)


@pytest.mark.parametrize("more", [["--status"], [], ["--import", "said.csv"], ["--html", "page.html"]])
@pytest.mark.parametrize("is_labeled", [False, True])
def test_verdicts_that_are_not_there_are_named_before_anything_is_done(
    queue, tmp_path, capsys, more, is_labeled
):
    if is_labeled:
        Answers.open(queue).answer(0, "pass")
    (tmp_path / "said.csv").write_text(f"id,label\n{queue.items[1][0]},pass\n")
    said = trouble(capsys, "label", "queue.csv", "--source", "nix.csv", *more)
    assert "cannot read 'nix.csv': No such file" in said
    assert len(Answers.open(queue).said) == is_labeled
    assert not (tmp_path / "page.html").exists()


def test_why_there_is_no_interval_names_the_file(queue, tmp_path, capsys):
    status = ["label", "queue.csv", "--status"]
    (tmp_path / "verdicts.csv").rename("moved.csv")
    assert main(status) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "No interval: 'verdicts.csv', the file of verdicts, is not beside the queue: name it with" in shown
    assert main([*status, "--source", "moved.csv"]) == 0
    assert "No interval: no label yet." in capsys.readouterr().out
    with (tmp_path / "verdicts.csv").open("wb") as file:
        file.truncate(_interval._LARGEST + 1)
    assert main(status) == 0
    assert "is too large to be read unasked" in " ".join(capsys.readouterr().out.split())
    (tmp_path / "queue.json").unlink()
    assert main([*status, "--id", "id", "--source", "moved.csv"]) == 0
    assert "there is no design beside the queue" in " ".join(capsys.readouterr().out.split())


def test_the_note_on_slices_says_what_weighs_unequally(tmp_path, monkeypatch, queue, capsys):
    drawn = draw_labels("verdicts.csv", judge="judge", id="id", by="part", n_labels={"a": 12, "b": 4})
    drawn.save("sliced.csv")
    answers = Answers.open(Queue.load(tmp_path / "sliced.csv"))
    for place in range(16):
        answers.answer(place, "fail" if place % 3 == 0 else "pass")
    estimate = ["estimate", "verdicts.csv", "--design", "sliced.json", "--interval", "chi-square"]
    assert main(estimate) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Labels drawn by slice stand for unlike numbers of items: all rows together" in shown
    assert "Weights or clusters" not in shown


def test_files_of_answers_are_opened_once(queue, monkeypatch):
    Answers.open(queue).answer(0, "pass")
    Answers.open(queue).answer(1, "")
    opened, open_source = [], _designed.open_source

    def counted(source, *more):
        opened.append(str(source))
        return open_source(source, *more)

    monkeypatch.setattr(_designed, "open_source", counted)
    assert tables.count("verdicts.csv", design="queue.json").total.n_labeled == 1
    assert len([one for one in opened if one.endswith("queue.labels.csv")]) == 1
