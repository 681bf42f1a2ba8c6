"""Runs into a file: killed, resumed, and never a part lost, redone or mixed with another run's."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import duckdb
import numpy as np
import pytest
from cases import some_fast

from jaxmle._cli import main
from jaxmle._engine._checkpoint import Checkpoint, fingerprint_of

COLUMNS = ["--judge", "judge", "--human", "human"]
BOOTSTRAP = ["--interval", "bootstrap", "--n-resamples", "1500"]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """1,400 slices: with the total six parts of up to 256."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("many") / "verdicts.csv"
    n, slices = 20, 1400
    truth = rng.random((slices, n)) < 0.3
    judge = rng.random((slices, n)) < np.where(truth, 0.9, 0.1)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["part", "human", "judge"])
        for s in range(slices):
            out.writerows((f"p{s}", int(truth[s, i]) if i < 10 else "", int(judge[s, i])) for i in range(n))
    return path


def command(source, out, *more):
    return [sys.executable, "-m", "jaxmle", "estimate", str(source), *COLUMNS, "--by", "part", *BOOTSTRAP,
            "--out", str(out), *more]  # fmt: skip


def rows_of(path):
    return duckdb.sql(f"SELECT * FROM '{path}'").fetchall()


@pytest.mark.slow
def test_ten_kills_change_nothing(many, tmp_path, environment):
    start = time.perf_counter()
    subprocess.run(command(many, tmp_path / "whole.parquet"), check=True, env=environment)
    whole = time.perf_counter() - start
    out, parts = tmp_path / "killed.parquet", tmp_path / "killed.parquet.parts"
    rng = random.Random(0)
    done: dict[str, int] = {}
    kills = 0
    for _ in range(60):
        if kills == 10:
            break
        process = subprocess.Popen(
            command(many, out, "--resume"),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Mostly soon after a part is written, however long it takes to get there.
        wanted = len(done) + rng.choice((0, 1, 1))
        while process.poll() is None and len(list(parts.glob("0*.json"))) < wanted:
            time.sleep(0.005)
        time.sleep(whole * rng.uniform(0, 0.2))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        assert process.wait() in (0, -signal.SIGKILL)
        now = {path.name: path.stat().st_mtime_ns for path in parts.glob("0*.json")}
        if out.exists():  # it was quicker than the kill: start anew
            assert rows_of(out) == rows_of(tmp_path / "whole.parquet")
            out.unlink()
            done = {}
            continue
        assert all(now[name] == stamp for name, stamp in done.items()), "a part was lost or done again"
        done = now
    assert kills == 10
    subprocess.run(command(many, out, "--resume"), check=True, env=environment)
    assert rows_of(out) == rows_of(tmp_path / "whole.parquet")
    assert len(rows_of(out)) == 1400
    assert not parts.exists()
    assert json.loads((tmp_path / "killed.parquet.json").read_text())["n_resumed"] == len(done)


FINAL = """
import os, signal, sys
from pathlib import Path
from jaxmle._engine import _checkpoint, _whole_file
stage = sys.argv.pop()
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
def torn(path):
    os.truncate(path, path.stat().st_size // 2)
    kill()
replace, whole_sync = os.replace, _checkpoint.sync
if stage == "inside the result":
    _checkpoint.sync = torn
elif stage == "inside the description":
    _checkpoint.sync = lambda path: setattr(_whole_file, "sync", torn) or whole_sync(path)
elif stage == "between the two":
    os.replace = lambda a, b: kill() if Path(b).name == "out.csv" else replace(a, b)
else:
    os.replace = lambda a, b: replace(a, b) or Path(b).name == "out.csv" and kill()
from jaxmle._cli import main
sys.exit(main())
"""


STAGES = ["inside the result", "inside the description", "between the two", "before tidying up"]


@pytest.mark.parametrize("stage", some_fast(STAGES, ["between the two"]))
def test_a_kill_inside_the_final_write_changes_nothing(tmp_path, environment, capsys, stage):
    source, out = small(tmp_path), tmp_path / "out.csv"
    chosen = ("--interval", "chi-square")
    assert estimate(capsys, source, tmp_path / "whole.csv")[0] == 0
    command = ["estimate", str(source), *COLUMNS, "--by", "topic", *chosen, "--out", str(out)]
    killed = subprocess.run([sys.executable, "-c", FINAL, *command, stage], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert out.exists() == (stage == "before tidying up")
    assert list((tmp_path / "out.csv.parts").glob("0*.json"))
    assert estimate(capsys, source, out, "--resume")[0] == 0
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not (tmp_path / "out.csv.parts").exists()


@pytest.fixture
def topics(tmp_path):
    """300 slices: two parts, and a result of some ten kilobytes."""
    path = tmp_path / "topics.csv"
    rows = "".join(f"t{i},1,1\nt{i},0,0\nt{i},,{i % 2}\n" for i in range(300))
    path.write_text("topic,human,judge\n" + rows)
    return path


def goes_on_until_there_is_room(capsys, source, out, rooms):
    """Run again in each room, the last of which is enough: one line each time before, and the same result."""
    whole = source.with_name("whole.csv")
    assert estimate(capsys, source, whole)[0] == 0
    ended = []
    for room in rooms:
        with room:
            status, _, err = estimate(capsys, source, out, "--resume")
        ended.append(status)
        if status == 0:
            break
        assert (status, err.count("\n")) == (2, 1), err
        assert str(out) in err
        assert "Errno" not in err
        assert "{" not in err
        assert not out.exists()
    assert ended[-1] == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not out.with_name(f"{out.name}.parts").exists()
    return len(ended) - 1


@contextmanager
def files_up_to(size):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_files_that_may_not_grow_lose_nothing(topics, tmp_path, capsys):
    rooms = [files_up_to(size) for size in (0, 50, 10_000, 40_000, 120_000, 200_000, 10**6, 10**8)]
    assert goes_on_until_there_is_room(capsys, topics, tmp_path / "out.csv", rooms) >= 4


def mounted(disk, how):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(disk)], stderr=subprocess.PIPE)
    return done.returncode == 0


@contextmanager
def disk_of(disk, size):
    assert mounted(disk, f"remount,size={size}")
    yield


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="disks are mounted so on Linux")
def test_a_full_disk_loses_nothing(topics, tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted(disk, "size=4k"):
        pytest.skip("no right to mount a disk")
    try:
        rooms = [disk_of(disk, f"{4 * pages}k") for pages in (1, 2, 4, 16, 64, 100, 150, 1000)]
        assert goes_on_until_there_is_room(capsys, topics, disk / "out.csv", rooms) >= 4
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_two_devices_change_nothing(many, tmp_path, environment):
    for devices in (1, 2):
        flags = {**environment, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
        out = tmp_path / f"{devices}.csv"
        subprocess.run(command(many, out), check=True, env=flags)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


@pytest.mark.slow
def test_blocks_are_dealt_to_all_devices(environment):
    code = """
import jax, numpy as np
from jaxmle._engine import map_batched
seen = set()
double = jax.jit(lambda x: 2 * x)
def call(part):
    result = double(part[0])
    seen.update(result.devices())
    return np.asarray(result)
assert len(jax.local_devices()) == 2
found = map_batched(call, [np.arange(1000.0)], 7, engine="jax")
assert (found == 2 * np.arange(1000.0)).all() and found.dtype == np.float64
assert seen == set(jax.local_devices()), seen
seen.clear()
with jax.default_device(jax.local_devices()[1]):
    map_batched(call, [np.arange(1000.0)], 7, engine="jax")
assert seen == {jax.local_devices()[1]}, seen
"""
    flags = {**environment, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    run = subprocess.run([sys.executable, "-c", code], env=flags, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def small(tmp_path, extra=""):
    path = tmp_path / "small.csv"
    path.write_text("topic,human,judge\na,1,1\na,0,0\na,,1\nb,0,0\nb,,0\n" + extra)
    return path


def estimate(capsys, source, out, *more, interval="chi-square"):
    options = ["--by", "topic", "--interval", interval, "--out", str(out)]
    status = main(["estimate", str(source), *COLUMNS, *options, *more])
    printed, err = capsys.readouterr()
    return status, printed, err


def test_the_file_holds_what_json_holds(tmp_path, capsys):
    source, out = small(tmp_path), tmp_path / "it's out.csv"
    status, printed, err = estimate(capsys, source, out)
    assert (status, err) == (0, "")
    assert "2 slices written to" in printed
    main(["estimate", str(source), *COLUMNS, "--by", "topic", "--interval", "chi-square", "--json"])
    document = json.loads(capsys.readouterr().out)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["topic"] for row in rows] == ["a", "b"]
    for row, record in zip(rows, document["slices"], strict=True):
        assert float(row["low"]) == record["failure_rate"]["low"]
        assert float(row["failure_rate"]) == record["failure_rate"]["estimate"]
        assert int(row["tp"]) == record["counts"]["tp"]
        assert row["few_labels"] == "true"
        assert row["warnings"] == "; ".join(record["warnings"])
    described = json.loads((tmp_path / "it's out.csv.json").read_text())
    assert described["total"] == document["total"]
    assert described["dropped"] == document["dropped"]


def test_nothing_is_overwritten_or_mixed(tmp_path, capsys):
    source, out = small(tmp_path), tmp_path / "out.csv"
    assert estimate(capsys, source, out)[0] == 0
    before = out.read_bytes()
    assert "is there already" in estimate(capsys, source, out)[2]
    status, printed, _ = estimate(capsys, source, out, "--resume")
    assert status == 0
    assert "2 slices written" in printed
    for more in (["--seed", "1"], ["--tpr", "0.5:1"], ["--confidence", "0.9"]):
        status, _, err = estimate(capsys, source, out, "--resume", *more)
        assert status == 2
        assert "is of another run" in err
    assert "is of another run" in estimate(capsys, source, out, "--resume", interval="bootstrap")[2]
    small(tmp_path, "b,,1\n")
    assert "is of another run" in estimate(capsys, source, out, "--resume")[2]
    assert out.read_bytes() == before


def test_parts_of_another_engine_are_not_gone_on_with(tmp_path, capsys, monkeypatch):
    source, out = small(tmp_path), tmp_path / "out.csv"
    assert estimate(capsys, source, out)[0] == 0
    monkeypatch.setattr("jaxmle._engine._choice._forked.cut_off", True)
    assert "is of another run" in estimate(capsys, source, out, "--resume")[2]


def test_unfinished_runs_are_resumed_only_when_asked(tmp_path, capsys):
    source, out = small(tmp_path), tmp_path / "out.csv"
    unfinished = Checkpoint(out, "someone else", resume=True)
    with unfinished.held():
        unfinished.part(0, lambda: [1])
        with pytest.raises(ValueError, match="another process is writing"), unfinished.held():
            pass
    assert "go on with it by --resume" in estimate(capsys, source, out)[2]
    assert "is of another run" in estimate(capsys, source, out, "--resume")[2]
    again = Checkpoint(out, "someone else", resume=True)
    with again.held():
        assert again.part(0, lambda: pytest.fail("done already")) == [1]
    assert again.found == 1
    (again.folder / "000000.json").write_bytes(b"[1")
    damaged = Checkpoint(out, "someone else", resume=True)
    with damaged.held():
        assert damaged.part(0, lambda: [2]) == [2]
    assert damaged.found == 0
    with again.held():
        assert again.part(0, lambda: pytest.fail("done already")) == [2]


def test_a_run_that_fails_at_once_leaves_nothing(tmp_path, capsys):
    source, out = small(tmp_path), tmp_path / "out.csv"
    assert estimate(capsys, source, out, "--failure-rate", "0:0")[0] == 2
    assert not (tmp_path / "out.csv.parts").exists()
    assert estimate(capsys, source, out)[0] == 0


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("out.txt", [], "must end in .parquet or .csv"),
        ("none/out.csv", [], "there is no folder"),
        (None, ["--resume"], "--resume goes with --out"),
    ],
)
def test_bad_targets_are_one_line(tmp_path, capsys, out, more, message):
    target = ["--out", str(tmp_path / out)] if out else []
    status = main(["estimate", str(small(tmp_path)), *COLUMNS, *target, *more])
    err = capsys.readouterr().err
    assert status == 2
    assert message in err
    assert err.count("\n") == 1


def test_columns_of_strangers_keep_their_names_and_values(tmp_path, capsys):
    name, value = 'a "b"; DROP TABLE x --', 'line\nbreak, "quote" 😀 \\u0041'
    source = tmp_path / "odd.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([[name, "human", "judge"], [value, 1, 1], [value, 0, 0], ["", "", 1]])
    for ending in ("csv", "parquet"):
        out = tmp_path / f"out.{ending}"
        options = ["--by", name, "--interval", "chi-square", "--out", str(out)]
        assert main(["estimate", str(source), *COLUMNS, *options]) == 0
        relation = duckdb.sql(f"SELECT * FROM '{out}'")
        assert relation.columns[0] == name
        assert {row[0] for row in relation.fetchall()} == {value, None}
    clash = tmp_path / "clash.csv"
    clash.write_text("Low,human,judge\na,1,1\n")
    assert main(["estimate", str(clash), *COLUMNS, "--by", "Low", "--out", str(tmp_path / "x.csv")]) == 2
    assert "rename yours" in capsys.readouterr().err


def test_fingerprints_tell_things_apart():
    things = [
        ("ab", "c"), ("a", "bc"), (["ab", "c"],), (1,), (1.0,), (True,), ("1",), (None,), (np.array([1.0]),),
        (np.array([1]),), (np.array([[1.0]]),), ({"a": 1},), ({"a": 2},), ("\ud800",),
    ]  # fmt: skip
    assert len({fingerprint_of(*one) for one in things}) == len(things)
    assert fingerprint_of({"a": np.arange(3)}) == fingerprint_of({"a": np.arange(3)})
