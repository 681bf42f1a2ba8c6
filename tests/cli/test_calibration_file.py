"""`jaxmle bounds --save FILE.json`, and `--bounds FILE.json` of the commands that take bounds."""

import contextlib
import io
import json

import pytest
from cases import some_fast

from jaxmle import JudgeCalibration
from jaxmle._cli import main

NAMES = ["--judge", "judge", "--human", "human"]
ESCAPE = "gpt\x1b[2J"
LEARN = [*NAMES, "--by", "model", "--date", "2026-03-31"]


def rows(path, heading, cells):
    lines = [heading]
    for before, (tp, fn, fp, tn, flagged, passed) in cells.items():
        pairs = ((1, 1), (0, 1), (1, 0), (0, 0), (1, ""), (0, ""))
        for (judge, human), count in zip(pairs, (tp, fn, fp, tn, flagged, passed), strict=True):
            lines += [f"{before}{judge},{human}"] * count
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def write_references(folder):
    parts = {"a,": (40, 10, 4, 46), "b,": (42, 8, 6, 44), "c,": (38, 12, 3, 47)}
    cells = {name: (*some, 0, 0) for name, some in parts.items()}
    return rows(folder / "references.csv", "model,judge,human", cells)


def write_rubric(folder):
    path = folder / "rubric.md"
    path.write_text("Fail what is rude.\n")
    return str(path)


@pytest.fixture
def references(tmp_path):
    return write_references(tmp_path)


@pytest.fixture
def new(tmp_path):
    return rows(tmp_path / "new.csv", "judge,human", {"": (8, 2, 2, 38, 60, 340)})


@pytest.fixture
def rubric(tmp_path):
    return write_rubric(tmp_path)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """What the command saves: learnt once."""
    folder = tmp_path_factory.mktemp("learnt")
    about = ["--judge-name", "gpt-4o@0613", "--rubric", write_rubric(folder)]
    path = folder / "judge.json"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["bounds", write_references(folder), *LEARN, *about, "--save", str(path)]) == 0
    assert "\n    --bounds " in said.getvalue()
    assert "names no judge" not in said.getvalue()
    return path.read_bytes()


@pytest.fixture
def saved(learnt, references, rubric, tmp_path):
    path = tmp_path / "judge.json"
    path.write_bytes(learnt)
    return str(path)


def document(capsys, *command):
    status = main([*map(str, command), "--json"])
    out, err = capsys.readouterr()
    assert status != 2, err
    return json.loads(out)


def trouble(capsys, *command):
    assert main([*map(str, command)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    return err


def test_what_is_saved_is_what_is_printed(saved, references, capsys):
    found = JudgeCalibration.load(saved)
    assert (found.judge, found.judge_version, found.date) == ("gpt-4o", "0613", "2026-03-31")
    assert found.names == ("a", "b", "c")
    said = document(capsys, "bounds", references, *LEARN[:-2])
    assert said["bounds"] == {
        name: [float(end) for end in getattr(found.bounds, name)] for name in ("tpr", "fpr")
    }
    assert "saved" not in said


def test_ends_are_rounded_outwards_in_both_places(references, capsys):
    assert main(["bounds", references, *NAMES, "--by", "model"]) == 0
    lines = capsys.readouterr().out.splitlines()
    printed = next(line for line in lines if line.startswith("BOUNDS")).split("together: ")[1]
    shown = [float(word) for word in printed.replace("%", "").replace(",", "").split() if word[0].isdigit()]
    pasted = [float(end) for word in lines[1].split()[1::2] for end in word.split(":")]
    assert [round(100 * end, 6) for end in pasted] == shown
    bounds = document(capsys, "bounds", references, *LEARN[:-2])["bounds"]
    exact = [end for pair in bounds.values() for end in pair]
    assert pasted[0] <= exact[0] < exact[1] <= pasted[1]
    assert pasted[2] <= exact[2] < exact[3] <= pasted[3]


PLAN = ["--failure-rate", ".2", "--judge-tpr", ".8", "--judge-fpr", ".1", "--n-unlabeled", "400"]
COMMANDS = {
    "estimate": ["--interval", "chi-square"],
    "certify": ["--limit", ".5", "--method", "profile"],
    "sensitivity": ["--limit", ".5"],
    "drift": [],
    "report": ["--interval", "chi-square"],
    "compare": [],
}


def command_of(name, new):
    files = [new, new] if name == "compare" else [new]
    return [name, *files, *NAMES, *COMMANDS[name]]


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_use_its_bounds_and_say_so(name, saved, new, capsys):
    found = document(capsys, *command_of(name, new), "--bounds", saved)
    settings = found["estimate" if name == "report" else "settings"]
    settings = settings["settings"] if name == "report" else settings
    origin = settings["bounds_from"]
    own = JudgeCalibration.load(saved)
    assert (origin["file"], origin["judge"], origin["date"]) == (saved, "gpt-4o", "2026-03-31")
    assert origin["sha256"] == own.sha256
    if name == "drift":
        assert found["total"]["tpr"]["bounds"] == [float(end) for end in own.bounds.tpr]
    else:
        assert settings["bounds"]["tpr"] == [float(end) for end in own.bounds.tpr]
        assert settings["bounds"]["fpr"] == [float(end) for end in own.bounds.fpr]
    # The same bounds by hand give the same numbers.
    if name in ("estimate", "certify", "sensitivity"):
        by_hand = [f"--{rate}={ends[0]!r}:{ends[1]!r}" for rate, ends in settings["bounds"].items()]
        other = document(capsys, *command_of(name, new), *by_hand)
        assert found["total"] == other["total"]


@pytest.mark.slow
def test_a_plan_uses_it(saved, capsys):
    wanted = ["plan", *PLAN, "--target-width", ".1", "--interval", "chi-square"]
    found = document(capsys, *wanted, "--bounds", saved, "--max-age", "10", "--date", "2026-05-01")
    own = JudgeCalibration.load(saved).bounds
    assert found["settings"]["bounds"]["tpr"] == [float(end) for end in own.tpr]
    assert "31 days ago, which is more than --max-age 10" in found["warnings"][0]
    assert main([*wanted, "--bounds", saved]) == 0
    assert "judge.json: gpt-4o 0613, learnt from 3 parts on 2026-03-31" in capsys.readouterr().out
    assert "give one or the other" in trouble(capsys, *wanted, "--bounds", saved, "--tpr", ".5:1")
    assert "--bounds" in trouble(capsys, *wanted, "--judge-name", "gpt-4o")


@pytest.mark.parametrize(
    "name", some_fast(["estimate", "certify", "sensitivity", "drift", "compare"], ["estimate", "drift"])
)
def test_it_is_said_where_bounds_come_from(name, saved, new, capsys):
    assert main([*command_of(name, new), "--bounds", saved]) in (0, 1)
    assert "gpt-4o 0613, learnt from 3 parts on 2026-03-31" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_a_page_says_it_and_how_to_get_it_again(saved, new, tmp_path, capsys):
    pages = [tmp_path / "page.html", tmp_path / "page.md"]
    own = ["--html", pages[0], "--markdown", pages[1], "--bounds", saved, "--judge-name", "gpt-4o"]
    assert main([*command_of("report", new), *map(str, own)]) == 0
    for page in pages:
        text = page.read_text()
        assert "learnt from 3 parts on 2026-03-31" in text
        assert "--judge-name" in text


def test_another_judge_or_rubric_is_refused(saved, new, rubric, tmp_path, capsys):
    command = [*command_of("estimate", new), "--bounds", saved]
    same = ["--judge-name", "gpt-4o@0613", "--rubric", rubric]
    assert document(capsys, *command, *same)["settings"]["bounds"]
    assert document(capsys, *command, "--judge-name", "gpt-4o")["settings"]["bounds"]
    other = tmp_path / "other.md"
    other.write_text("Fail what is wrong.\n")
    assert "of judge 'gpt-4o', not 'gpt-5'" in trouble(capsys, *command, "--judge-name", "gpt-5")
    assert "of version '0613', not '0314'" in trouble(capsys, *command, "--judge-name", "gpt-4o@0314")
    assert "another rubric" in trouble(capsys, *command, "--rubric", other)
    assert "No such file" in trouble(capsys, *command, "--rubric", tmp_path / "none.md")
    other.write_text(" \n")
    assert "is empty" in trouble(capsys, *command, "--rubric", other)
    for name in ("", "@0613", "gpt@", " "):
        assert "--judge-name must be NAME" in trouble(capsys, *command, "--judge-name", name)


def test_old_ones_are_warned_of_by_the_day_that_is_said(saved, new, capsys):
    command = [*command_of("estimate", new), "--bounds", saved]

    def notes(*more):
        found = document(capsys, *command, *more)["total"]["warnings"]
        return [note for note in found if "learnt on" in note]

    assert notes() == []
    assert notes("--max-age", "30", "--date", "2026-04-30") == []
    assert (
        "31 days ago, which is more than --max-age 30" in notes("--max-age", "30", "--date", "2026-05-01")[0]
    )
    assert "yet to come" in notes("--max-age", "30", "--date", "2026-03-30")[0]
    assert "--date must be a day" in trouble(capsys, *command, "--max-age", "3", "--date", "May")
    assert "--date goes with --max-age" in trouble(capsys, *command, "--date", "2026-05-01")


def test_the_labels_at_hand_are_held_against_it_once(saved, tmp_path, capsys, monkeypatch):
    from jaxmle._documents import _fitted

    calls = []
    check = _fitted.check_bounds

    def counted(*arguments, **options):
        calls.append(1)
        return check(*arguments, **options)

    monkeypatch.setattr(_fitted, "check_bounds", counted)
    drifted = rows(tmp_path / "drifted.csv", "judge,human", {"": (20, 80, 40, 60, 300, 700)})
    found = document(capsys, *command_of("estimate", drifted), "--bounds", saved)
    assert found["bounds_check"]["contradicted"]
    against = next(note for note in found["total"]["warnings"] if "contradict the bounds" in note)
    assert "as where the judge has changed since 2026-03-31" in against
    assert len(calls) == 1
    assert main([*command_of("certify", drifted), "--bounds", saved]) == 1
    assert main([*command_of("drift", drifted), "--bounds", saved]) == 1


def test_what_does_not_go_together(saved, new, references, tmp_path, capsys):
    command = command_of("estimate", new)
    for more in (["--tpr", ".5:1"], ["--fpr", ":.5"], ["--reference", references]):
        assert "give one or the other" in trouble(capsys, *command, "--bounds", saved, *more)
    second = ["--bounds", saved, "--tpr-b", ".5:1"]
    assert "give one or the other" in trouble(capsys, *command_of("compare", new), *second)
    for more in (["--judge-name", "gpt"], ["--rubric", saved], ["--max-age", "3"], ["--date", "2026-01-01"]):
        assert "name it with --bounds FILE.json" in trouble(capsys, *command, *more)
    table = tmp_path / "slices.csv"
    table.write_text("model,tpr_low\na,0.5\n")
    assert "no table" in trouble(capsys, *command_of("sensitivity", new), "--bounds", table)
    assert "no table" in trouble(capsys, "plan", *PLAN, "--target-width", ".1", "--bounds", table)
    learn = ["bounds", references, *NAMES]
    for more in (["--judge-name", "gpt"], ["--rubric", new], ["--date", "2026-01-01"]):
        assert "give it too" in trouble(capsys, *learn, *more)
    assert "must end in .json" in trouble(capsys, *learn, "--save", tmp_path / "judge.txt")
    assert "no folder" in trouble(capsys, *learn, "--save", tmp_path / "none" / "judge.json")
    assert "--date must be a day" in trouble(capsys, *learn, "--save", saved, "--date", "x")
    assert "leave --by out" in trouble(capsys, *learn, "--by", "model", "--same-population")


def test_tables_of_bounds_in_json_are_still_tables(references, tmp_path, capsys):
    table = tmp_path / "slices.json"
    table.write_text('[{"model": "a", "tpr_low": 0.5, "tpr_high": 0.9}]')
    found = document(
        capsys, "estimate", references, *NAMES, "--by", "model", "--interval", "chi-square", "--bounds", table
    )
    assert found["slices"][0]["bounds"] == {"tpr": [0.5, 0.9]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"tp": 40', '"tp": 41'), "changed by hand"),
        (lambda text: text[:-40], "is not JSON"),
        (lambda text: "{}", "is no calibration file"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "newer jaxmle"),
        (lambda text: text.replace('"tp": 40', '"tp": NaN'), "no finite number"),
        (lambda text: text.replace('"tp": 40', '"tp": 1e400'), "no finite number"),
        (lambda text: text.replace('"date"', '"format": 1,\n "date"'), "twice"),
        (lambda text: text.encode("utf-16"), "not UTF-8"),
        (lambda text: text + " " * 10_000_000, "larger than 10 MB"),
        (lambda text: "", "is not JSON"),
    ],
)
@pytest.mark.parametrize("name", ["estimate", "plan"])
def test_what_is_no_calibration_is_refused_in_one_line(saved, new, capsys, change, said, name):
    with open(saved, encoding="utf-8") as file:
        changed = change(file.read())
    with open(saved, "wb") as file:
        file.write(changed if isinstance(changed, bytes) else changed.encode())
    command = command_of("estimate", new) if name == "estimate" else ["plan", *PLAN, "--target-width", ".1"]
    assert said in trouble(capsys, *command, "--bounds", saved)


def test_a_folder_and_nothing_are_refused(new, tmp_path, capsys):
    assert "No such file" in trouble(capsys, *command_of("estimate", new), "--bounds", tmp_path / "x.json")
    (tmp_path / "dir.json").mkdir()
    assert "directory" in trouble(capsys, *command_of("estimate", new), "--bounds", tmp_path / "dir.json")


@pytest.mark.slow
def test_names_that_a_terminal_or_a_page_would_act_on_are_shown_as_they_are(
    references, new, tmp_path, capsys
):
    path, page = str(tmp_path / "judge.json"), tmp_path / "page.html"
    name = f"{ESCAPE}<script>alert(1)</script>"
    assert main(["bounds", references, *LEARN, "--save", path, "--judge-name", name]) == 0
    assert main([*command_of("estimate", new), "--bounds", path]) == 0
    assert main([*command_of("report", new), "--bounds", path, "--html", str(page)]) == 0
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert "<script>alert" not in page.read_text()
    assert "\x1b" not in page.read_text()
    assert "not 'gpt'" in trouble(
        capsys, *command_of("estimate", new), "--bounds", path, "--judge-name", "gpt"
    )


def test_one_population_has_the_limits_of_sampling(references, tmp_path, capsys):
    path = str(tmp_path / "judge.json")
    assert main(["bounds", references, *NAMES, "--same-population", "--save", path]) == 0
    out = capsys.readouterr().out
    assert "one part says nothing" not in out
    assert "the file names no judge" in out
    same = JudgeCalibration.load(path)
    assert same.same_population
    assert main(["bounds", references, *NAMES, "--save", path]) == 0
    low, high = JudgeCalibration.load(path).bounds.tpr
    assert low < same.bounds.tpr[0] < same.bounds.tpr[1] < high


def test_the_parts_are_drawn(references, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    png = tmp_path / "bounds.png"
    assert main(["bounds", references, *NAMES, "--by", "model", "--png", str(png)]) == 0
    assert "Drawn in" in capsys.readouterr().out
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert "--png" in trouble(capsys, "bounds", references, *NAMES, "--png", references)
