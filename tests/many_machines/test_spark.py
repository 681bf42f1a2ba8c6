"""Slices answered for by Spark, by several processes: the bits of one machine, whatever is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from cases import PROJECT
from slice_verdicts import BOX, OPTIONS, alone, by_key, certified_alone, table

from jaxmle import Bounds, spark, tables
from jaxmle._cli import main

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"
    ),
]
BOUNDS = Bounds(tpr=(0.6, 0.9), fpr=(0.02, 0.2))
ASKED = {"judge": "judge", "human": "human", "by": "topic", "bounds": BOUNDS}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pyarrow.parquet.write_table(table(), path)
    return path


@pytest.fixture(scope="module")
def session():
    pytest.importorskip("pyspark", reason="needs the extra jaxmle[spark]")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17, and there is no java on the path")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Spark says of itself
        patch.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        from pyspark.sql import SparkSession

        # Two workers; a task may fail three times.
        session = (
            SparkSession.builder.master("local[2,4]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        yield session
        session.stop()


def collected(frame):
    rows = frame.collect()
    return by_key({name: [row[name] for row in rows] for name in frame.columns})


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ({}, []),
        ({"interval": "chi-square", "partitions": 1}, ["--interval", "chi-square"]),
        (
            {"interval": "bootstrap", "n_resamples": 200, "seed": 2},
            ["--interval", "bootstrap", "--n-resamples", "200", "--seed", "2"],
        ),
    ],
)
def test_estimates_are_those_of_one_machine(session, path, tmp_path, asked, more):
    found = spark.estimate(session.read.parquet(str(path)), **ASKED, **asked)
    expected = alone(path, tmp_path / "alone.parquet", *BOX, *more)
    assert found.columns == list(expected)
    assert collected(found) == by_key(expected)


def test_certificates_are_those_of_one_machine(session, path, capsys):
    found = collected(spark.certify(session.read.parquet(str(path)), limit=0.3, method="profile", **ASKED))
    records = certified_alone(path, capsys, "--limit", "0.3", "--method", "profile", *BOX)
    assert len(records) == len(found)
    for record in records:
        row = found[record["key"]["topic"]]
        assert row["warnings"] == "; ".join(record["warnings"])
        for name in ("certified", "p_value", "upper_limit", "failure_rate"):
            assert row[name] == record[name], name


def test_the_bootstrap_is_that_of_the_estimates(session, path):
    frame = session.read.parquet(str(path))
    found = collected(spark.bootstrap(frame, n_resamples=200, **ASKED))
    same = collected(spark.estimate(frame, interval="bootstrap", n_resamples=200, **ASKED))
    for key, row in found.items():
        known = same[key]["interval"] == "bootstrap"
        assert (row["low"], row["high"]) == ((same[key]["low"], same[key]["high"]) if known else (None, None))


def test_rows_without_slices_are_one(session, path):
    frame = session.read.parquet(str(path)).where("topic LIKE 't1%'")
    asked = {**ASKED, "by": (), "interval": "chi-square"}
    (row,) = spark.estimate(frame, **asked).collect()
    counts = tables.count(frame, judge="judge", human="human").counts
    assert row["slice"] == "all"
    assert row["tp"] == counts.tp.item()


def test_weights_and_clusters_are_counted_in_spark(session, path):
    rows = table().to_pandas()
    # Spark reads a text that is missing in pandas as one.
    rows = rows[rows.topic.notna()].reset_index(drop=True)
    rows["prompt"] = [f"p{i // 3}" for i in range(len(rows))]
    rows["w"] = np.where(rows.judge == "1", 2.0, 0.5)
    frames = rows, session.createDataFrame(rows)
    asked = {"judge": "judge", "human": "human", "by": "topic"}
    here, there = (tables.count(frame, **asked, cluster="prompt") for frame in frames)
    assert here.keys == there.keys
    for one, other in zip(here.clusters.counts.values(), there.clusters.counts.values(), strict=True):
        np.testing.assert_array_equal(one, other)
    here, there = (tables.count(frame, **asked, weight="w") for frame in frames)
    np.testing.assert_allclose(here.squares, there.squares)
    for one, other in zip(here.counts.values(), there.counts.values(), strict=True):
        np.testing.assert_allclose(one, other)


def computing():
    """Workers of Spark that have computed for a moment: children of its daemon."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            _, parent, *numbers = (entry / "stat").read_text().rpartition(")")[2].split()
            lines = [(Path("/proc") / pid / "cmdline").read_bytes() for pid in (entry.name, parent)]
        except OSError:
            continue
        if all(b"pyspark.daemon" in line for line in lines) and int(numbers[9]) >= 20:
            yield int(entry.name)


def test_a_worker_is_killed_and_the_answer_stays(session, path, tmp_path):
    killed = []

    def kill_one():
        for _ in range(3000):
            for pid in computing():
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return
            time.sleep(0.02)

    found = spark.estimate(session.read.parquet(str(path)), **ASKED, seed=4)
    killer = threading.Thread(target=kill_one)
    killer.start()
    rows = collected(found)
    killer.join()
    assert killed, "nothing was there to be killed"
    assert rows == by_key(alone(path, tmp_path / "alone.parquet", *BOX, "--seed", "4"))


def test_the_command_line_reads_tables_and_paths(session, path, tmp_path, capsys):
    session.read.parquet(str(path)).createOrReplaceTempView("verdicts_of_mine")
    more = ["--interval", "chi-square", *BOX]
    expected = by_key(alone(path, tmp_path / "alone.parquet", *more))
    text = tmp_path / "rows.csv"
    table().to_pandas().to_csv(text, index=False)
    for i, source in enumerate(["verdicts_of_mine", str(path), str(text)]):
        out = tmp_path / f"out{i}.parquet"
        capsys.readouterr()
        assert main(["estimate", source, *OPTIONS, *more, "--engine", "spark", "--out", str(out)]) == 0
        assert "24 slices written to" in capsys.readouterr().out
        assert by_key(pyarrow.parquet.read_table(out).to_pydict()) == expected
    assert main(["estimate", str(path), *OPTIONS, "--engine", "spark", "--out", str(out)]) == 2
    assert "already exists" in capsys.readouterr().err
    design = ["--design", "queue.json"]
    assert main(["estimate", str(path), *OPTIONS, *design, "--engine", "spark", "--out", str(out)]) == 2
    assert "--design does not go with --engine spark" in capsys.readouterr().err


def test_what_spreadsheets_would_run_is_guarded(session, path, tmp_path, capsys):
    from pyspark.sql import functions

    frame = session.read.parquet(str(path))
    names = functions.concat(functions.lit("=1+"), frame.topic)
    frame.withColumn("=cmd", names).createOrReplaceTempView("verdicts_of_strangers")
    asked = ["--judge", "judge", "--human", "human", "--by", "=cmd", "--interval", "chi-square"]
    out = tmp_path / "out.csv"
    assert main(["estimate", "verdicts_of_strangers", *asked, "--engine", "spark", "--out", str(out)]) == 0
    found = session.read.csv(str(out), header=True).toPandas()
    assert found.columns[0] == "'=cmd"
    assert all(name.startswith("'=1+") for name in found["'=cmd"].dropna())


def test_variables_of_spark_are_put_into_no_query(session, path, tmp_path, capfd, monkeypatch):
    """In queries Spark reads ${env:NAME} as a variable of the environment, which a condition must not."""
    monkeypatch.setenv("JAXMLE_SECRET", "what no message may hold")
    frame = session.read.parquet(str(path))
    for where in ("topic = '${env:JAXMLE_SECRET}'", "CAST('${env:PATH}' AS INT) > 1"):
        with pytest.raises(ValueError, match=r"Spark reads `\$\{` in names, words and conditions as the"):
            spark.estimate(frame, **ASKED, where=where)
    with pytest.raises(ValueError, match="rename the column"):
        spark.estimate(frame.withColumnRenamed("topic", "${x}"), **{**ASKED, "by": "${x}"})
    frame.createOrReplaceTempView("verdicts_with_variables")
    asked = [
        *OPTIONS,
        "--where",
        "topic = '${env:PATH}'",
        "--engine",
        "spark",
        "--out",
        str(tmp_path / "a.csv"),
    ]
    capfd.readouterr()
    assert main(["estimate", "verdicts_with_variables", *asked]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_what_cannot_be_counted_is_said(session, path):
    frame = session.read.parquet(str(path))
    with pytest.raises(ValueError, match=r"the Spark data frame has no column 'judg'.*Did you mean 'judge'"):
        spark.estimate(frame, **{**ASKED, "judge": "judg"})
    with pytest.raises(ValueError, match="neither a failure nor a pass"):
        spark.estimate(frame.withColumn("judge", frame.topic), **ASKED)
    with pytest.raises(ValueError, match="no row meets the condition"):
        spark.estimate(frame, **ASKED, where="topic = 'nowhere'")


CLUSTER = """
import json, sys, threading, time, os, signal
from pathlib import Path
from pyspark.sql import SparkSession
from jaxmle import Bounds, spark

if __name__ == "__main__":
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    killed = []

    def kill_one():
        # Whichever executor has a worker that computes.
        while not killed:
            for entry in Path("/proc").glob("[0-9]*"):
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    if b"pyspark.daemon" not in (entry / "cmdline").read_bytes() or int(stat[11]) < 20:
                        continue
                    daemon = int(stat[1])
                    above = int((Path(f"/proc/{daemon}/stat").read_text()).rpartition(")")[2].split()[1])
                    for pid in (daemon, above):
                        if b"ExecutorBackend" in Path(f"/proc/{pid}/cmdline").read_bytes():
                            os.kill(pid, signal.SIGKILL)
                            killed.append(pid)
                            return
                except (OSError, ValueError, IndexError):
                    continue
            time.sleep(0.02)

    found = spark.estimate(
        session.read.parquet(sys.argv[1]), judge="judge", human="human", by="topic",
        bounds=Bounds(tpr=(0.6, 0.9), fpr=(0.02, 0.2)),
    )
    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    rows = found.collect()
    columns = {name: [row[name] for row in rows] for name in found.columns}
    print(json.dumps({"killed": len(killed), **columns}))
"""


def test_an_executor_is_killed_and_the_answer_stays(path, tmp_path, environment):
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    pythonpath = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, script, path],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": pythonpath},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found.pop("killed") == 1
    assert by_key(found) == by_key(alone(path, tmp_path / "alone.parquet", *BOX))
