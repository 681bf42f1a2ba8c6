"""Seconds of Spark against its workers, and what of them is the engine's own.

    python -m benchmarks.on_spark            # some two minutes of two idle cores
    python -m benchmarks.on_spark --report   # the table of what has been measured

One and two workers as threads of one process (local[N]) and two executors, each a process (local-cluster).
The same Parquet file, 100 rows a slice, is counted by slice; "map" hands the counts of the slices to a
function that returns them as they are, by `mapInArrow`, so that it costs what Spark costs: reading, counting,
dealing out, Arrow and Python. "fit" is `spark.estimate` with chi-square intervals, "simulated" with simulated
ones, of a part of the slices. Seconds are those of one run, after one of few slices that starts the workers.
"alone" is `map_slices` of the same counts in one process, on NumPy. Results go to benchmarks/results
(`on_spark.csv`), with the load of the machine: seconds of the clock say little where others compute too.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import _process, _results
from benchmarks.growth import write

MASTERS = ("local[1]", "local[2]", "local-cluster[2,1,1024]")
SLICES, ROWS, FEW = 10_000, 1_000_000, 400
PARTS = 4
ROLES = {"judge": "judge", "human": "human", "by": "slice"}
FIELDS = ("where", "slices", "map", "fit", "few", "few_map", "simulated", "load")


def bounds():
    from jaxmle import Bounds

    return Bounds(tpr=(0.7, 0.95), fpr=(0.02, 0.15))


def seconds(run):
    return _process.timed(run, 1)[0][0]


def session_of(master):
    from pyspark.sql import SparkSession

    built = SparkSession.builder.master(master)
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(PARTS),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():
        built = built.config(name, value)
    return built.getOrCreate()


def on_spark(master, source):
    """Seconds of each stage."""
    from jaxmle import spark
    from jaxmle._tables import Roles, count_in_spark

    session = session_of(master)
    session.sparkContext.setLogLevel("OFF")
    rows = session.read.parquet(source)
    few = rows.where(f"CAST(substr(slice, 2) AS INT) < {FEW}")

    def kept(frame):
        frame.write.format("noop").mode("overwrite").save()

    def mapped(frame):
        counts, _ = count_in_spark(frame, Roles("judge", "human", ("slice",)))
        kept(counts.repartition(PARTS, "k0").mapInArrow(lambda batches: batches, counts.schema))

    def fitted(frame, **asked):
        kept(spark.estimate(frame, **ROLES, bounds=bounds(), partitions=PARTS, **asked))

    fitted(rows.where("slice IN ('s1', 's2')"), interval="chi-square")
    found = {
        "map": seconds(lambda: mapped(rows)),
        "fit": seconds(lambda: fitted(rows, interval="chi-square")),
        "few_map": seconds(lambda: mapped(few)),
        "simulated": seconds(lambda: fitted(few)),
    }
    session.stop()
    return found


def alone(source):
    from jaxmle import tables
    from jaxmle.distributed import map_slices

    started = time.perf_counter()
    table = tables.count(source, **ROLES)
    counted = time.perf_counter() - started
    names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
    block = dict(zip(names, table.counts.values(), strict=True))
    few = {name: column[:FEW] for name, column in block.items()}
    return {
        "map": counted,
        "fit": counted + seconds(lambda: map_slices(block, bounds=bounds(), interval="chi-square")),
        "few_map": counted,
        "simulated": counted + seconds(lambda: map_slices(few, bounds=bounds(), n_slices=SLICES)),
    }


def report(path=_results.RESULTS / "on_spark.csv"):
    """Print the table."""
    heads = (f"map, {SLICES:,} slices", "fit, chi-square", f"map, {FEW} slices", "simulated", "load")
    print("| where |", " | ".join(heads), "|")
    print("|---|--:|--:|--:|--:|--:|")
    for row in _results.read(path):
        shown = [f"{float(row[name]):.3g} s" for name in ("map", "fit", "few_map", "simulated")]
        print("|", " | ".join([row["where"], *shown, f"{float(row['load']):.1f}"]), "|")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--only", nargs="+", default=["alone", *MASTERS], help="where")
    parser.add_argument("--out", type=Path, default=_results.RESULTS)
    options = parser.parse_args()
    if options.report:
        report(options.out / "on_spark.csv")
        return
    if options.row:
        where, source = options.row
        taken = alone(source) if where == "alone" else on_spark(where, source)
        print(json.dumps(taken))
        return
    if not shutil.which("java"):
        raise SystemExit("Spark needs Java 17, and there is no java on the path.")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        source = write(Path(folder), ROWS, SLICES)
        for where in options.only:
            # Workers of other processes must find this code.
            more = {"PYTHONPATH": os.pathsep.join(sys.path), "PYSPARK_PYTHON": sys.executable}
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "benchmarks.on_spark", "--row", where, source],
                env=_process.environment(**more),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            taken = json.loads(done.stdout.splitlines()[-1])
            rows.append({"where": where, "slices": SLICES, "few": FEW, **taken, "load": os.getloadavg()[0]})
            print(rows[-1], flush=True)
    path = options.out / "on_spark.csv"
    _results.write(path, [{name: row[name] for name in FIELDS} for row in rows], "{:.4g}".format)
    report(path)


if __name__ == "__main__":
    main()
