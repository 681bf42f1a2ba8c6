"""Hostile names, values and conditions by `jaxmle estimate --engine spark`, in a local session."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._fuzz_files import CANARY, conditions, watched

# Names of columns, and texts within them.
STRANGE = [
    *("plain", "a.b", "a b", "`", "a`b", '"', 'a"b', "'", "a\\b", "*", "select", "1", "=1+1", "@x", "-x"),
    *(
        "\x1b[31mred",
        "\u202e",
        "ä€",
        "$(touch victim)",
        "a;b",
        "--",
        "/*",
        "${x}",
        "{x}",
        "[bold]",
        "a\nb",
        "a\tb",
    ),
    *("x) FROM verdicts; DROP VIEW verdicts --", "k0", "n", "j", "verdicts", "count(1)", "x" * 300),
]
TABLES = [
    *("absent", "a b", "`", "rows; DROP VIEW rows", "parquet.`secret.txt`", "text.`secret.txt`", "x.y.z.w"),
    *("csv.`{secret}`", "(SELECT 1)", "rows WHERE 1 = 1", "secret.txt", "absent/folder", "secret.csv"),
]


@contextlib.contextmanager
def session():
    """A session of Spark that keeps its files in a folder of its own."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory(prefix="fuzz-spark-") as folder:
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
            "spark.local.dir": f"{folder}/local",
        }
        builder = SparkSession.builder.master("local[1]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        started = builder.getOrCreate()
        started.sparkContext.setLogLevel("OFF")
        try:
            yield started
        finally:
            started.stop()


def spark(number, seed):
    """Try so many names and values, tables that are none, and conditions; yield kind, runs and faults."""
    rng = np.random.default_rng([seed, 99])
    with session() as started, watched(loopback=True) as watch:
        _named(started, watch, rng, number)
        yield "names", watch.runs, watch.faults
    with session() as started, watched(loopback=True) as watch:
        _view(started, ("judge", "human", "topic"), "a")
        for table in TABLES:
            status = _estimate(
                watch, table.format(secret=watch.folder / "secret.txt"), "judge", "human", "topic"
            )
            if status != 2:
                watch.faults.append(f"read: {table!r}: {status}")
        yield "tables", watch.runs, watch.faults
    with session() as started, watched(loopback=True) as watch:
        _view(started, ("judge", "human", "topic"), "a")
        for condition in conditions(rng, number, watch.folder):
            status = _estimate(watch, "rows", "judge", "human", "topic", "--where", condition)
            if status != 2:
                watch.faults.append(f"not refused: {condition!r}: {status}")
        yield "conditions", watch.runs, watch.faults


def _named(started, watch, rng, number):
    for _ in range(number):
        names = [STRANGE[i] for i in rng.choice(len(STRANGE), 3, replace=False)]
        if len({name.lower() for name in names}) == 3:
            _view(started, names, STRANGE[rng.integers(len(STRANGE))])
            more = ["--where", f"{_quoted(names[2])} IS NOT NULL"] if rng.random() < 0.3 else []
            _estimate(watch, "rows", *names, *more, out=("out.csv", "out.parquet")[rng.integers(2)])


def _quoted(name):
    return '"' + name.replace('"', '""') + '"'


def _view(started, names, text):
    rows = [(int(i % 4 == 0), int(i % 5 == 0) if i < 20 else None, text if i % 2 else "b") for i in range(40)]
    schema = ", ".join(f"c{i} {kind}" for i, kind in enumerate(("INT", "INT", "STRING")))
    started.createDataFrame(rows, schema).toDF(*names).createOrReplaceTempView("rows")


def _estimate(watch, table, judge, human, by, *more, out="out.csv"):
    path = Path(watch.folder, out)
    told = [f"--judge={judge}", f"--human={human}", f"--by={by}", "--engine", "spark", f"--out={out}"]
    status = watch.run("estimate", *told, "--interval", "chi-square", *more, "--", table, under=out)
    if path.exists():
        if CANARY in "".join(one.read_text(errors="replace") for one in path.iterdir()):
            watch.faults.append(f"leak into {out}: {table!r}")
        shutil.rmtree(path)
    return status
