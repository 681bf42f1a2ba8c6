"""`jaxmle compare`: ways to name two systems, slices, clusters, and trouble."""

import csv
import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scipy.stats import chi2

from jaxmle._cli import main


@pytest.fixture
def files(tmp_path):
    """Two files of answers to the same items, and one that holds both side by side and below each other."""
    rng = random.Random(0)
    rows = []
    for i in range(400):
        difficulty, confusion = rng.random(), rng.random()
        for model, rate in (("a", 0.35), ("b", 0.2)):
            truth = (difficulty if i % 5 else rng.random()) < rate
            flag = confusion < (0.9 if truth else 0.05)
            human = str(int(truth)) if i % 4 == 0 else ""
            topic = ("x", "[bold]y[/]")[i % 8 < 3]
            rows.append({"item": f"q{i}", "model": model, "topic": topic, "human": human, "judge": int(flag)})

    def write(name, some):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            out = csv.DictWriter(file, list(some[0]))
            out.writeheader()
            out.writerows(some)
        return str(path)

    a, b = ([row for row in rows if row["model"] == model] for model in "ab")
    wide = [{**one, "human2": two["human"], "judge2": two["judge"]} for one, two in zip(a, b, strict=True)]
    random.Random(1).shuffle(b)
    names = {"a": write("a.csv", a), "b": write("b.csv", b), "both": write("both.csv", rows)}
    return SimpleNamespace(**names, wide=write("wide.csv", wide))


def document(capsys, *arguments):
    status = main(["compare", *arguments, "--human", "human", "--judge", "judge", "--json", "--no-cache"])
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert status == int(found["different"])
    return found


@pytest.mark.slow
def test_four_ways_to_say_the_same(files, capsys):
    paired = document(capsys, files.a, files.b, "--id", "item")
    rows = ["--where", "model = 'a'", "--where-b", "model = 'b'"]
    for same in (
        document(capsys, files.both, *rows, "--id", "item"),
        document(capsys, files.wide, "--judge-b", "judge2", "--human-b", "human2"),
        document(capsys, files.wide, "--judge-b", "judge2", "--human-b", "human2", "--id", "item"),
    ):
        assert same["total"]["difference"] == paired["total"]["difference"]
        assert same["total"]["paired"] == paired["total"]["paired"]
    assert paired["total"]["paired"]["n_matched"] == 400
    assert paired["total"]["paired"]["n_labeled"] == 100
    alone = document(capsys, files.a, files.b)
    widths = [
        one["total"]["difference"]["high"] - one["total"]["difference"]["low"] for one in (paired, alone)
    ]
    assert widths[0] < 0.9 * widths[1]
    assert paired["different"]


@pytest.mark.slow
def test_the_command_takes_clusters(files, tmp_path, capsys):
    alone = document(capsys, files.a, files.b, "--cluster", "item", "--by", "topic")
    paired = document(capsys, files.a, files.b, "--id", "item", "--by", "topic")
    for one, other in zip(
        [*alone["slices"], alone["total"]], [*paired["slices"], paired["total"]], strict=True
    ):
        # An item is a cluster of one answer of each: what pairs say, but for a correction for few.
        assert one["difference"]["estimate"] == other["difference"]["estimate"]
        assert one["design_effect"] == pytest.approx(other["paired"]["effect"], rel=0.15)
    assert alone["settings"]["clustered"]
    wide = document(capsys, files.wide, "--judge-b", "judge2", "--human-b", "human2", "--cluster", "item")
    assert wide["total"]["difference"] == alone["total"]["difference"]
    # Every answer five times over tells no more than once.
    copies = {}
    for name in "ab":
        header, *lines = Path(getattr(files, name)).read_text().splitlines(keepends=True)
        copies[name] = tmp_path / f"copies_{name}.csv"
        copies[name].write_text(header + "".join(5 * lines))
    often = document(capsys, str(copies["a"]), str(copies["b"]), "--cluster", "item")
    once = document(capsys, files.a, files.b, "--cluster", "item")
    for end in ("low", "high"):
        assert often["total"]["difference"][end] == pytest.approx(once["total"]["difference"][end], abs=0.01)
    few = document(capsys, files.a, files.b, "--cluster", "topic")
    assert any("tell as much as" in note for note in few["total"]["warnings"])
    assert main(
        ["compare", files.a, files.b, "--judge", "judge", "--human", "human", "--cluster", "item"]
    ) in (0, 1)
    assert "times that of unrelated items" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_slices_are_adjusted_and_named(files, capsys):
    found = document(capsys, files.a, files.b, "--id", "item", "--by", "topic", "--adjustment", "holm")
    assert [one["key"]["topic"] for one in found["slices"]] == ["[bold]y[/]", "x"]
    assert sum(one["paired"]["n_matched"] for one in found["slices"]) == 400
    assert found["different"] == any(one["different"] for one in found["slices"])
    same = document(capsys, files.a, files.a, "--id", "item", "--by", "topic")
    assert not same["different"]
    assert same["total"]["difference"]["estimate"] == 0
    options = ["--human", "human", "--judge", "judge", "--by", "topic", "--no-cache"]
    assert main(["compare", files.a, files.b, *options]) in (0, 1)
    out = capsys.readouterr().out
    for text in ("[bold]y[/]", "difference", "95% interval", "first: file", "unpaired", "slices differ"):
        assert text in out
    # A slice that only one of them has is left out, and said.
    where = ["--where", "topic = 'x' OR item::varchar < 'q2'", "--where-b", "topic = 'x'"]
    some = document(capsys, files.a, files.b, "--by", "topic", "--id", "item", *where)
    assert [one["key"]["topic"] for one in some["slices"]] == ["x"]
    assert any("left out: topic = '[bold]y[/]'" in note for note in some["total"]["warnings"])


@pytest.mark.slow
def test_one_of_the_files_may_be_standard_input(files, capsys, monkeypatch):
    expected = document(capsys, files.a, files.b, "--id", "item")
    for names, piped in (((files.a, "-"), files.b), (("-", files.b), files.a)):
        with open(piped, "rb") as file:
            monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=file, isatty=lambda: False))
            found = document(capsys, *names, "--id", "item")
        assert found["total"] == expected["total"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{a}"], "compare FILE with what?"),
        (["-", "-"], "standard input"),
        (["-", "--where-b", "model = 'b'"], "standard input"),
        (["{a}", "{b}", "--judge-rates", "one"], "--judge-rates must be one of"),
        (["{a}", "{b}", "--adjustment", "x"], "--adjustment must be one of"),
        (["{a}", "{b}", "--id", "prompt"], "has no column 'prompt'"),
        (["{a}", "{b}.gone"], "No such file"),
        (["{a}", "{b}", "--tpr-b", "x"], "--tpr-b must be"),
        (["{a}", "{b}", "--tpr", "0:.1", "--tpr-b", ".9:1", "--judge-rates", "common"], "exclude each other"),
        (
            ["{both}", "--id", "item", "--where", "item < 'q2'", "--where-b", "item > 'q3'"],
            "no item is in both",
        ),
        (["{a}", "{b}", "--by", "model"], "no slice in common"),
    ],
)
def test_trouble_is_one_line_and_status_2(files, capsys, arguments, message):
    given = [one.format(**vars(files)) for one in arguments]
    status = main(["compare", *given, "--human", "human", "--judge", "judge", "--no-cache"])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_published_verdicts_on_two_models(shared, capsys):
    """Pairs of all labels say what McNemar's test says."""
    path = shared / "data" / "openqa_nq301_by_model.csv"
    models = ("FiD", "InstructGPT_fewshot")
    truth: dict[str, Any] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["model"] in models:
                truth.setdefault(row["question_id"], {})[row["model"]] = row["human"] == "1"
    sides = [(one[models[0]], one[models[1]]) for one in truth.values()]
    up, down = sides.count((True, False)), sides.count((False, True))
    where = [f"model = '{model}'" for model in models]
    options = ["--judge", "gpt4", "--human", "human", "--id", "question_id", "--json", "--no-cache"]
    status = main(["compare", str(path), *options, "--where", where[0], "--where-b", where[1]])
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["difference"]["estimate"] == pytest.approx((up - down) / len(sides), abs=1e-6)
    mcnemar = chi2.sf((up - down) ** 2 / (up + down), 1)
    assert found["total"]["p_value"] == pytest.approx(mcnemar, rel=0.4)
    assert status == int(mcnemar < 0.05)


def test_two_alike_are_named_all_the_same(capsys):
    same = "4,1,2,43,900,9100"
    assert main(["compare", "--counts", same, "--counts-b", same]) in (0, 1)
    assert f"first: counts {same}\nsecond: counts {same}\n" in capsys.readouterr().out
