"""A file of verdicts from the command line, for `benchmarks.peers`."""

import json
import re
import statistics
import sys

import numpy as np

from benchmarks import _process, ingest

_SCRIPT = """
import sys, duckdb, json
from benchmarks._peers_programs import wald_of_counts
cells = duckdb.sql(f'''SELECT count(*) FILTER (human = 1 AND judge = 1),
    count(*) FILTER (human = 1 AND judge = 0), count(*) FILTER (human = 0 AND judge = 1),
    count(*) FILTER (human = 0 AND judge = 0), count(*) FILTER (human IS NULL AND judge = 1),
    count(*) FILTER (human IS NULL AND judge = 0) FROM '{sys.argv[1]}' ''').fetchall()[0]
print(json.dumps([float(x) for x in wald_of_counts(cells)]))
"""


def measured(folder, quick):
    """Rows of the table, one a program."""
    path, answers = folder / "verdicts.csv", folder / "answers.json"
    ingest.write(path, ingest.ROWS // 10 if quick else ingest.ROWS)
    environment = _process.environment(XDG_CACHE_HOME=str(folder / "cache"))
    flags = ("--interval", "chi-square", "--json")
    commands = {
        "DuckDB and NumPy, closed form": ((sys.executable, "-c", _SCRIPT, str(path)), json.loads),
        "jaxmle estimate": (ingest.jaxmle(path, *flags), _of_jaxmle),
        "jaxmle estimate, calibrated": (ingest.jaxmle(path, "--json"), _of_jaxmle),
        "jaxmle estimate --by slice": (ingest.jaxmle(path, "--by", "slice", *flags), _of_jaxmle_slices),
    }
    if ingest.truescore("audit", path):
        audit = (*ingest.truescore("audit", path), "--json", str(answers))
        commands["truescore audit"] = (audit, lambda _: _of_truescore(answers))
        commands["truescore slices"] = (ingest.truescore("slices", path), _of_truescore_slices)
    for name, (argv, read) in commands.items():
        runs = [_process.command(argv, environment, (0, 2)) for _ in range(2 if quick else 4)]
        first, *later = runs
        yield {
            "program": name,
            "first": first.seconds,
            "cpu": statistics.median(one.cpu for one in later),
            "peak_mib": max(one.peak_mib for one in runs),
            **_process.spread([one.seconds for one in later]),
            **dict(zip(("estimate", "low", "high", "width", "note"), read(later[-1].output), strict=False)),
        }


def _of_jaxmle(output):
    rate = json.loads(output)["total"]["failure_rate"]
    return rate["estimate"], rate["low"], rate["high"]


def _of_jaxmle_slices(output):
    rates = [one["failure_rate"] for one in json.loads(output)["slices"]]
    return _mean([(x["estimate"], x["low"], x["high"]) for x in rates])


def _of_truescore(path):
    found = json.loads(path.read_text())
    return found["corrected"]["point"], found["corrected"]["low"], found["corrected"]["high"]


def _of_truescore_slices(output):
    pattern = re.compile(r"corrected ([\d.]+) \[([\d.-]+), ([\d.]+)\]")
    return _mean([[float(x) for x in found] for found in pattern.findall(output)])


def _mean(slices):
    """Mean estimate and mean width; an interval of a mean is not what was asked."""
    point, low, high = np.array(slices).T
    return np.mean(point), None, None, np.mean(high - low), f"mean of {len(slices)} slices"
