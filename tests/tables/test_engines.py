"""The same rows counted in other engines: real ones, started here."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxmle import tables

NAMES = ("topic", "human", "judge", "weight", "prompt", "score")
TOPICS = ["privacy", 'it\'s "quoted"; DROP TABLE verdicts; --', "naïve\\n{0} 😀", "a\nb", None]
HUMAN = ["fail", " Pass ", "UNSAFE", "0", "", None]
JUDGE = ["fail", "pass\t", "1", "0", "FALSE", None]
CASES = {
    "all": {},
    "by": {"by": ["topic"]},
    "two keys": {"by": ["topic", "prompt"]},
    "weights": {"by": ["topic"], "weight": "weight"},
    "clusters": {"by": ["topic"], "weight": "weight", "cluster": "prompt"},
    "words": {"by": ["topic"], "failure": ["fail", "unsafe", "1"]},
    "scores": {"by": ["topic"], "judge": "score", "judge_threshold": "<0.5"},
    "condition": {"where": "topic IS NULL OR prompt <> 'p1'"},
}


@pytest.fixture(scope="module")
def rows():
    rng = random.Random(4)
    return [
        (
            rng.choice(TOPICS),
            rng.choice(HUMAN),
            rng.choice(JUDGE),
            rng.choice(["1", "0.5", "2.25"]),
            f"p{rng.randrange(7)}",
            rng.choice(["0.25", "0.75", "1e-3", None]),
        )
        for _ in range(600)
    ]


def counted(source, **options):
    result = tables.count(source, **{"judge": "judge", "human": "human", **options})
    assert result.n_rows > 0
    clusters = result.all_clusters
    return {
        "keys": result.keys,
        "counts": np.stack(result.counts.values()).tolist(),
        "dropped": result.dropped,
        "n_rows": result.n_rows,
        "unjudged": result.unjudged.tolist(),
        "squares": None if result.squares is None else result.squares.tolist(),
        "clusters": None if clusters is None else sorted(np.c_[clusters.index, clusters.cells].tolist()),
        "units": result.n_units.tolist(),
    }


@pytest.fixture(scope="module")
def expected(rows):
    table = [dict(zip(NAMES, row, strict=True)) for row in rows]
    return {name: counted(table, **options) for name, options in CASES.items()}


@pytest.fixture(scope="module")
def spark(rows):
    ibis = pytest.importorskip("ibis", reason="needs the extra jaxmle[spark]")
    pytest.importorskip("pyspark", reason="needs the extra jaxmle[spark]")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java 17, and there is no java on the path")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Spark says of itself
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        frame = session.createDataFrame(rows, ", ".join(f"{name} string" for name in NAMES))
        frame.createOrReplaceTempView("answers")
        yield ibis.pyspark.connect(session).table("answers")
        session.stop()


@pytest.fixture(scope="module")
def postgres(rows, tmp_path_factory):
    ibis = pytest.importorskip("ibis", reason="needs the extra jaxmle[postgres]")
    psycopg = pytest.importorskip("psycopg", reason="needs the extra jaxmle[postgres]")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), Path(shutil.which("initdb") or "/nowhere").parent]
    programs = next((folder for folder in folders if (folder / "initdb").exists()), None)
    if programs is None:
        pytest.skip("there is no PostgreSQL server on this machine")
    # The server refuses to run as root.
    user = None
    if os.geteuid() == 0:
        users = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in users else "nobody"
    folder = tmp_path_factory.mktemp("pg")
    data = folder / "data"
    data.mkdir()
    if user:
        # The way there is the user's alone, and longer in a worker of pytest-xdist.
        shared = Path(tempfile.gettempdir())
        for path in (data, *data.parents):
            if shared in path.parents:
                os.chmod(path, 0o755)
        shutil.chown(data, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given: dict[str, Any] = {"check": True, "capture_output": True, "user": user, "cwd": "/"}
    subprocess.run([programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8"], **given)
    control = [programs / "pg_ctl", "-D", data, "-w", "-l", data / "log"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    given |= {"capture_output": False, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*control, "-o", options, "start"], **given)
    try:
        address = f"host=127.0.0.1 port={port} user=tester dbname=postgres"
        with psycopg.connect(address) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE answers ({', '.join(f'{name} text' for name in NAMES)})")
            cursor.executemany("INSERT INTO answers VALUES (%s, %s, %s, %s, %s, %s)", rows)
        backend = ibis.postgres.connect(host="127.0.0.1", port=port, user="tester", database="postgres")
        yield backend.table("answers")
        backend.disconnect()
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **given)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("engine", ["spark", "postgres"])
def test_another_engine_counts_exactly_as_duckdb_does(engine, expected, request):
    table = request.getfixturevalue(engine)
    for name, options in CASES.items():
        assert counted(table, **options) == expected[name], name
    with pytest.raises(ValueError, match="a row of the Ibis table: prompt is 'p"):
        tables.count(table, judge="prompt", human="human")
    with pytest.raises(ValueError, match="has no column 'jugde'.*Did you mean 'judge'"):
        tables.count(table, judge="jugde", human="human")
    with pytest.raises(ValueError, match="join Ibis tables in Ibis"):
        tables.count(table, judge="judge", human="h", human_source=[{"prompt": "p1", "h": 1}], id="prompt")
