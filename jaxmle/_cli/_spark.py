"""`jaxmle estimate --engine spark`: tables and paths that Spark reads, results that it writes."""

import logging
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from jaxmle._cli._reading import Reading
from jaxmle._data import Bounds
from jaxmle._distributed import estimate
from jaxmle._tables import FORMULA, explain, guarded

# It counts one table, whose items stand for themselves, with one judge.
_NAMES = (
    *("counts", "reference", "reference_by", "same_population", "human_file", "human_where", "design", "id"),
    *("weight", "cluster", "combine", "human_combine", "missing"),
)
_NOT_IN_SPARK = {name: f"--{name.replace('_', '-')}" for name in _NAMES} | {"as_json": "--json"}


def estimate_in_spark(reading: Reading, out: str | None, **options: Any) -> None:
    """Estimate the slices in the session of Spark that there is, or that its own settings start.

    Raises:
        ValueError: An option does not go with it, Spark is not installed, or it cannot read or write.
    """
    given = _arguments(reading) | options
    if reading.file is None or out is None:
        raise ValueError("--engine spark needs FILE, a table or a path, and --out, a folder for the slices.")
    ending = Path(out).suffix.lower()
    if ending not in (".parquet", ".csv"):
        raise ValueError(f"--out must end in .parquet or .csv; got {out!r}.")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ValueError("--engine spark needs Spark: pip install '.[spark]', and Java 17.") from None
    session = SparkSession.builder.getOrCreate()
    # Spark's own words on an error, many lines of JSON; what is in them is said below.
    logger = logging.getLogger("SQLQueryContextLogger")
    was_silent, logger.disabled = logger.disabled, True
    try:
        found = estimate(_rows(session, reading.file), **given)
        if ending == ".csv":
            found = _guarded(found)
        writer = found.write.mode("errorifexists")
        writer.parquet(out) if ending == ".parquet" else writer.csv(out, header=True)
        written = session.read.format(ending[1:]).options(header=True).load(out)
        print(f"{written.count():,} slices written to {out}.")
    except ValueError:
        raise
    except Exception as error:  # Spark has errors of several kinds
        raise ValueError(f"Spark stopped: {explain(error)}.") from error
    finally:
        logger.disabled = was_silent


def _guarded(found: Any) -> Any:
    """A data frame whose texts and names spreadsheets show and do not run."""
    from pyspark.sql import functions

    columns = []
    for name, kind in found.dtypes:
        column = found[f"`{name.replace('`', '``')}`"]
        if kind == "string":
            # `rlike` looks anywhere in a text.
            run = column.rlike(rf"\A(?:{FORMULA.pattern})")
            column = functions.when(run, functions.concat(functions.lit("'"), column)).otherwise(column)
        columns.append(column.alias(guarded(name)))
    return found.select(*columns)


def _arguments(reading: Reading) -> dict[str, Any]:
    """What was said of rows and data, as arguments of `spark.estimate`.

    Raises:
        ValueError: Something was asked for that Spark does not do.
    """
    usual = {one.name: one.default for one in fields(reading)}
    for name, option in _NOT_IN_SPARK.items():
        if getattr(reading, name) != usual[name]:
            raise ValueError(f"{option} does not go with --engine spark.")
    pairs, saved = reading.said_of_data()
    if reading.bounds is not None and not saved:
        raise ValueError(
            "--engine spark takes one pair of bounds for all slices: --tpr and --fpr, or a calibration file."
        )
    judges, humans = reading.judge or [], reading.human or []
    if len(judges) != 1 or len(humans) != 1:
        raise ValueError("--engine spark needs one --judge and one --human.")
    bounds = Bounds(**pairs)
    if saved:
        bounds = replace(bounds, tpr=saved[0].bounds.tpr, fpr=saved[0].bounds.fpr)
    of_data = ("where", "calibration", "labels", "confidence", "min_labels", "seed")
    return {
        **{name: getattr(reading, name) for name in of_data},
        **reading.meaning,
        "judge": judges[0],
        "human": humans[0],
        "by": reading.by or (),
        "bounds": bounds,
    }


def _rows(session: Any, name: str) -> Any:
    """A table of the session, or files."""
    ending = Path(name.removesuffix(".gz")).suffix.lower()
    if ending in (".csv", ".tsv"):
        # As DuckDB reads it: quotes are doubled, texts hold line ends, a row that does not fit is an error.
        mark = "\t" if ending == ".tsv" else ","
        return session.read.csv(name, header=True, sep=mark, escape='"', multiLine=True, mode="FAILFAST")
    if ending in (".json", ".jsonl", ".ndjson"):
        return session.read.json(name, mode="FAILFAST")
    if ending == ".parquet" or "/" in name:
        return session.read.parquet(name)
    return session.table(name)
