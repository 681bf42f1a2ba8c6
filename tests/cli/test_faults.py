"""Faults while a command runs: nothing is lost, and whatever goes wrong is one line and no answer."""

import csv
import errno
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import pytest
from small_file import COLUMNS, run, small_file

from jaxmle import Bounds, Counts, fit, maximize
from jaxmle._cli import main
from jaxmle._cli._trouble import CLOSED_PIPE, message_of, run_safely
from jaxmle._engine import _choice
from jaxmle._engine._checkpoint import Checkpoint
from jaxmle._engine._whole_file import whole_file

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def source(tmp_path):
    return small_file(tmp_path)


def failing(monkeypatch, target, name, at, error):
    """Have the call of that number fail, and count the calls."""
    usual, calls = getattr(target, name), []

    def call(*arguments, **options):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return usual(*arguments, **options)

    monkeypatch.setattr(target, name, call)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "name", "errors"),
    [
        (os, "replace", (KeyboardInterrupt(), FULL)),
        (Path, "write_bytes", (KeyboardInterrupt(), FULL)),
        (os, "fsync", (KeyboardInterrupt(), FULL)),
    ],
)
def test_a_kill_or_a_full_disk_at_every_write_changes_nothing(
    target, name, errors, source, tmp_path, monkeypatch, capsys
):
    command = ["estimate", source, *COLUMNS, "--by", "topic", "--interval", "chi-square", "--out"]
    assert run(capsys, *command, tmp_path / "whole.csv")[0] == 0
    whole = (tmp_path / "whole.csv").read_bytes()
    monkeypatch.setattr("jaxmle._documents._estimate._PART", 1)  # so that there are parts
    stops = 0
    for error in errors:
        for at in range(1, 20):
            out = tmp_path / f"{at}{type(error).__name__}.csv"
            with monkeypatch.context() as patch:
                calls = failing(patch, target, name, at, error)
                status, _, err = run(capsys, *command, out)
            if len(calls) < at:
                break
            stops += 1
            assert status == (130 if isinstance(error, KeyboardInterrupt) else 2)
            assert err.count("\n") == 1
            assert "--resume" in err if status == 130 else "No space left" in err and out.name in err
            assert not out.exists()
            assert run(capsys, *command, out, "--resume")[0] == 0
            assert out.read_bytes() == whole
            assert not out.with_name(f"{out.name}.parts").exists()
    assert stops >= 3 * len(errors)


def test_an_engine_that_cannot_write_leaves_the_parts(source, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.csv"
    command = ["estimate", source, *COLUMNS, "--by", "topic", "--interval", "chi-square", "--out", out]
    with monkeypatch.context() as patch:
        # A folder in the place of the result stands for a disk on which it cannot be written.
        patch.setattr("jaxmle._tables._export.connect", _denied)
        status, _, err = run(capsys, *command)
    assert status == 2
    assert err.count("\n") == 1
    assert "cannot write" in err
    assert not out.exists()
    assert run(capsys, *command, "--resume")[0] == 0


def _denied(paths):
    from jaxmle._tables._connection import connect

    return connect()  # no file may be written


def test_changed_exchanged_and_damaged_files_are_not_taken_for_done(tmp_path):
    out = tmp_path / "out.csv"
    first = Checkpoint(out, "run", resume=False)
    with first.held():
        first.part(0, lambda: [0.25])
        first.part(1, lambda: [0.5])
        parts = [first.folder / f"00000{i}.json" for i in range(2)]
        whole = [path.read_bytes() for path in parts]
        for damage in (
            [whole[0].replace(b"0.25", b"0.35"), whole[1]],
            [whole[1], whole[0]],
            [whole[0][:-1], b""],
        ):
            for path, content in zip(parts, damage, strict=True):
                path.write_bytes(content)
            values = [[0.25], [0.5]]
            assert [first.part(i, partial(values.__getitem__, i)) for i in range(2)] == values
            assert [path.read_bytes() for path in parts] == whole
        first.finish({"n": 2}, lambda path: path.write_text("topic\na\n"))
    assert Checkpoint(out, "run", resume=True).described() == {"n": 2}
    for path, change in (
        (out, "topic\nb\n"),
        (first.description, first.description.read_text().replace("2", "3", 1)),
    ):
        before = path.read_text()
        path.write_text(change)
        with pytest.raises(ValueError, match="damaged, or was changed"):
            Checkpoint(out, "run", resume=True)
        path.write_text(before)


def test_what_others_put_there_stays(source, tmp_path, capsys):
    out, target = tmp_path / "out.csv", tmp_path / "elsewhere.csv"
    command = ["estimate", source, *COLUMNS, "--by", "topic", "--interval", "chi-square", "--out"]
    stopped = Checkpoint(out, "someone else", resume=True)
    with stopped.held():
        stopped.part(0, lambda: [1])
        (stopped.folder / "notes.txt").write_text("mine")
        stopped.finish({}, lambda path: path.write_text("x"))
    assert (stopped.folder / "notes.txt").read_text() == "mine"
    link = tmp_path / "link.csv"
    link.symlink_to(target)
    assert run(capsys, *command, link)[0] == 0
    assert link.is_symlink()
    assert target.read_text().startswith("topic")
    (tmp_path / "z.csv.parts").symlink_to(tmp_path)
    assert "it is a link" in run(capsys, *command, tmp_path / "z.csv")[2]


def test_outputs_are_no_inputs_and_not_each_other(source, tmp_path, capsys):
    before = source.read_bytes()
    page, hard = tmp_path / "page.html", tmp_path / "hard.html"
    report = ["report", source, *COLUMNS, "--interval", "chi-square"]
    os.link(source, hard)
    (tmp_path / "soft.md").symlink_to(source)
    for outputs in (
        ["--html", source],
        ["--markdown", source],
        ["--markdown", tmp_path / "." / "in.csv"],
        ["--markdown", tmp_path / "soft.md"],
        ["--html", hard],
        ["--html", page, "--markdown", page],
    ):
        status, _, err = run(capsys, *report, *outputs)
        assert status == 2
        assert "give another name" in err
    pattern = ["report", tmp_path / "*.csv", *COLUMNS, "--markdown", source]
    assert run(capsys, *pattern)[0] == 2
    assert "give another name" in run(capsys, "estimate", source, *COLUMNS, "--out", source)[2]
    assert source.read_bytes() == before
    assert not page.exists()


def test_a_full_disk_leaves_the_old_page(source, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("old")
    report = ["report", source, *COLUMNS, "--interval", "chi-square", "--markdown", page]
    with monkeypatch.context() as patch:
        failing(patch, Path, "write_text", 1, FULL)
        status, _, err = run(capsys, *report)
    assert status == 2
    assert "No space left on device" in err
    assert "page.md" in err
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.glob(".jaxmle*")] == []
    page.chmod(0o640)
    assert run(capsys, *report)[0] == 0
    assert page.read_text().startswith("# ")
    assert page.stat().st_mode & 0o777 == 0o640


def test_what_is_no_file_is_written_as_it_is(tmp_path):
    with whole_file(Path(os.devnull)) as path:
        assert path == Path(os.devnull)


def test_cells_that_spreadsheets_run_are_guarded_unless_asked(tmp_path, capsys):
    keys = ["=1+1", "+1", "@x", "-x", "-2+3", "\tx", "-1.5", "-2", "a=b", "- 1"]
    source = tmp_path / "in.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([["=topic", "human", "judge"], *([key, 1, 1] for key in keys)])
    command = ["estimate", source, *COLUMNS, "--by", "=topic", "--interval", "chi-square", "--out"]
    for name, more, guarded in (("a.csv", [], True), ("b.csv", ["--raw-csv"], False)):
        assert run(capsys, *command, tmp_path / name, *more)[0] == 0
        with (tmp_path / name).open(newline="") as file:
            heading, *rows = list(csv.reader(file))
        plain = {"-1.5", "-2", "a=b"}
        assert heading[0] == ("'=topic" if guarded else "=topic")
        assert {row[0] for row in rows} == {key if key in plain or not guarded else f"'{key}" for key in keys}
    assert "is of another run" in run(capsys, *command, tmp_path / "b.csv", "--resume")[2]
    assert "--raw-csv goes with --out" in run(capsys, *command[:-1], "--raw-csv")[2]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "not enough memory"),
        (RecursionError(), "nested too deeply"),
        (OverflowError("x"), "OverflowError: x; the same with --debug"),
        (KeyError("x"), "KeyError: 'x'"),
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), "No space left on device: 'a.csv'"),
        (ValueError("a\x1b[0m\nb"), "a\\x1b[0m b"),
    ],
)
def test_every_error_is_one_line(capsys, error, said):
    def command(arguments):
        raise error

    assert run_safely(command, []) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert said in err
    assert message_of(error)
    with pytest.raises(type(error)):
        run_safely(command, ["estimate", "--debug"])


def test_what_libraries_exit_with_is_no_answer(capsys):
    def ends(status):
        def command(arguments):
            raise SystemExit(status)

        return run_safely(command, [])

    assert (ends(1), ends(0)) == (2, 0)


def command_line(*arguments):
    return [sys.executable, "-m", "jaxmle", *map(str, arguments)]


@pytest.mark.slow
def test_a_closed_pipe_a_full_disk_and_no_input_are_no_answers(source, environment):
    for command in ("doctor", "estimate"):
        more = [] if command == "doctor" else [*COLUMNS, "--interval", "chi-square"]
        reader, writer = os.pipe()
        os.close(reader)
        closed = subprocess.run(
            command_line(command, source, *more), stdout=writer, stderr=subprocess.PIPE, env=environment
        )
        os.close(writer)
        assert (closed.returncode, closed.stderr) == (CLOSED_PIPE, b"")
    if Path("/dev/full").exists():
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                command_line("doctor", source),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        assert done.returncode == 2
        assert done.stderr == "jaxmle: No space left on device: 'standard output'.\n"
    code = f"import os, sys; os.close(0); os.execv(sys.executable, {command_line('doctor', '-')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert "standard input: it is closed" in done.stderr


def test_streams_that_are_closed_are_no_trace(source, monkeypatch, capsys):
    queue = source.with_name("q.csv")
    rows = "".join(f"{i},1\n" for i in range(9))
    source.with_name("ids.csv").write_text(f"id,judge\n{rows}")
    drawing = ["--judge", "judge", "--id", "id", "--labels", 5, "--out", queue]
    assert run(capsys, "draw", source.with_name("ids.csv"), *drawing)[0] == 0
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", None)
        status, _, err = run(capsys, "label", queue)
    assert (status, err.count("\n")) == (2, 1)
    assert "labelling takes a terminal" in err
    page = source.with_name("page.html")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        report = ["report", str(source), *COLUMNS, "--interval", "chi-square", "--html", str(page), "--json"]
        assert main(report) == 0
        assert main(["estimate", str(source), "--judge", "nope", "--human", "human"]) == 2
    out = capsys.readouterr().out
    assert json.loads(out)["command"] == "report"


def test_confidence_that_would_be_printed_as_certainty_is_refused(source, capsys):
    for confidence in ("0.9999999999999999", "99.99999999%", "1", "0"):
        for command in (["estimate", source, *COLUMNS], ["doctor", source]):
            status, _, err = run(capsys, *command, "--confidence", confidence)
            assert (status, err.count("\n")) == (2, 1)
            assert "--confidence" in err
    assert run(capsys, "doctor", source, "--confidence", "0.999999")[0] in (0, 1)


@pytest.mark.slow
def test_what_a_terminal_cannot_show_is_replaced(tmp_path, environment):
    source = tmp_path / "in.csv"
    source.write_text("topic,human,judge\né😀,1,1\n", encoding="utf-8")
    command = command_line("estimate", source, *COLUMNS, "--by", "topic", "--interval", "chi-square")
    ascii_only = {**environment, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xe9\\U0001f600" in done.stdout
    assert "all" in done.stdout


def test_the_cache_of_jax_is_left_as_it_was(source, tmp_path, monkeypatch, capsys):
    from jax._src import compilation_cache

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = [getattr(jax.config, name) for name in names]
    assert run(capsys, "estimate", source, *COLUMNS, "--interval", "chi-square")[0] == 0
    jax.jit(lambda x: x + 1)(1.0)
    assert [getattr(jax.config, name) for name in names] == before
    cache = compilation_cache._cache
    assert cache is None or str(tmp_path) not in str(cache._path)


def test_a_forked_child_fits_on_numpy_or_says_why_not(monkeypatch):
    counts = Counts(4, 1, 2, 43, 900, 9100)
    expected = fit(counts).failure_rate
    monkeypatch.setattr(_choice._forked, "cut_off", True)
    assert fit(counts).failure_rate == expected
    assert _choice.chosen_engine(10**9, None) == "numpy"
    for call in (
        lambda: fit(counts, engine="jax"),
        lambda: fit(counts, solver="projected_gradient"),
        lambda: maximize(counts, Bounds()),
    ):
        with pytest.raises(ValueError, match="forked"):
            call()


def test_forks_are_seen(environment):
    code = """
import os, warnings
warnings.simplefilter("ignore")
import jax, jaxmle
from jaxmle._engine import _choice
jax.devices()
child = os.fork()
if not child:
    os._exit(7 if _choice._forked.cut_off else 0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert not _choice._forked.cut_off
"""
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
