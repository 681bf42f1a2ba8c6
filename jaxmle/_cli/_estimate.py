"""`jaxmle estimate`: what is the failure rate, of each slice and of all?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmle._cli._options import (
    HUMAN_ERROR,
    check_choice,
    check_outputs,
    parse_human_error,
)
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._cli._with_reading import with_reading


@with_reading
def estimate(
    reading: Reading,
    interval: Annotated[
        str,
        typer.Option(
            help="profile (the one to report), chi-square (the same by asymptotics, at once), or bootstrap.",
            metavar="METHOD",
        ),
    ] = "profile",
    n_resamples: Annotated[int, typer.Option(help="Bootstrap replicates.", metavar="N", min=2)] = 10_000,
    target: Annotated[
        str,
        typer.Option(
            help="What the rate is of: population (items like these, default), or items (exactly these, the "
            "labelled ones known).",
            metavar="WHAT",
        ),
    ] = "population",
    judge_rates: Annotated[
        str | None,
        typer.Option(
            help="Judge's TPR and FPR over the slices of --by: per-slice (default: a pair for each), common "
            "(one pair for all), or partial (as alike as the data say; the one for few labels a slice).",
            metavar="HOW",
        ),
    ] = None,
    mix: Annotated[
        Path | None,
        typer.Option(
            help="Estimate a mix of the slices too: a table with the --by columns and a column share.",
            metavar="FILE",
        ),
    ] = None,
    borrow: Annotated[
        str | None,
        typer.Option(
            help="Show beside the estimate what it is when the judge's rates are borrowed from another file "
            "with the same columns, humans having labelled it, as far as its parts agree.",
            metavar="FILE",
        ),
    ] = None,
    borrow_by: Annotated[
        str | None,
        typer.Option(
            help="Column of --borrow that tells models, kinds of questions or months apart.", metavar="COL"
        ),
    ] = None,
    human_error: Annotated[str | None, HUMAN_ERROR] = None,
    order: Annotated[
        str, typer.Option(help="Order of slices: key, estimate (highest first) or width.", metavar="BY")
    ] = "key",
    out: Annotated[
        str | None,
        typer.Option(help="Write the slices to this .parquet or .csv file.", metavar="FILE"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --out: go on where a run that was stopped left off.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            help="Where rows are counted and slices fitted: duckdb (here), or spark: FILE is then a table or "
            "path that Spark reads, and --out a folder that it writes.",
            metavar="WHERE",
        ),
    ] = "duckdb",
    raw_csv: Annotated[
        bool,
        typer.Option(
            "--raw-csv",
            help="With --out to CSV: texts as they are. Otherwise those that a spreadsheet would run as "
            "formulas (=, +, @, tab, line end, or - before anything but a number) get a ' in front.",
        ),
    ] = False,
) -> None:
    """Estimate the true failure rate from a file of human and judge verdicts.

    Exit status 0 done, 2 trouble.
    """
    check_choice("--interval", interval, "estimate")
    check_choice("--order", order)
    check_choice("--target", target)
    if target == "items" and (interval != "profile" or judge_rates not in (None, "per-slice")):
        raise ValueError("--target items goes with --interval profile, and with a judge for each slice.")
    if judge_rates is not None:
        check_choice("--judge-rates", judge_rates)
        if not reading.by:
            raise ValueError("--judge-rates is about slices: name the column that makes them with --by.")
        if judge_rates != "per-slice" and interval != "profile":
            raise ValueError(
                f"--judge-rates {judge_rates} has intervals of its own: leave --interval {interval} out."
            )
    if mix is not None and not reading.by:
        raise ValueError("--mix is of slices: name the column that makes them with --by.")
    if borrow_by and not borrow:
        raise ValueError("--borrow-by goes with --borrow.")
    if borrow:
        _check_borrowing(reading, out, target)
    errors = parse_human_error(human_error)
    if errors and (out is not None or target != "population"):
        raise ValueError("--human-error goes without --out and --target items.")
    if resume and out is None:
        raise ValueError("--resume goes with --out.")
    if raw_csv and out is None:
        raise ValueError("--raw-csv goes with --out.")
    check_choice("--engine", engine)
    if engine == "spark":
        if judge_rates not in (None, "per-slice") or mix or borrow or resume or raw_csv or order != "key":
            raise ValueError(
                "--judge-rates, --mix, --borrow, --order, --resume and --raw-csv do not go with "
                "--engine spark."
            )
        from jaxmle._cli._spark import estimate_in_spark

        estimate_in_spark(reading, out, interval=interval, n_resamples=n_resamples, target=target)
        return
    path = None if out is None else Path(out)
    if path is not None:
        from jaxmle._tables import check_out

        check_out(path, list(reading.by or ()))
        check_outputs({"--out": path}, [*reading.inputs, mix])
    table, analysis = reading.read()
    judges = tuple(reading.judge or (table.failures["judge"]["column"],)) if borrow else ()
    from jaxmle._terminal import estimate_table

    options: dict[str, Any] = {"interval": interval, "n_resamples": n_resamples, "order": order}
    # Options that are not used leave fingerprints of runs into files as they are.
    if judge_rates is not None:
        options["judge_rates"] = judge_rates
    if target != "population":
        options["target"] = target
    if borrow:
        options["references"] = reading.elsewhere("--borrow", borrow, borrow_by, judges)
    if mix is not None:
        from jaxmle._tables import slice_mix

        options["mix"] = slice_mix(mix, table.keys)
    if path is None:
        from jaxmle._documents import estimate_document

        document = estimate_document(table, analysis, progress=True, **options)
        if errors:
            from jaxmle._documents import HumanErrors

            HumanErrors.of(errors, table, analysis).add_to(document)
    else:
        from jaxmle._documents import estimate_file

        document = estimate_file(
            table, analysis, path, resume=resume, raw_csv=raw_csv, progress=True, **options
        )
    show(document, reading.as_json, estimate_table)


def _check_borrowing(reading: Reading, out: str | None, target: str) -> None:
    """Raise ``ValueError`` where --borrow goes with none of the other options."""
    if reading.by:
        raise ValueError(
            "--borrow is for one data set: leave --by out, name one with --where, or let slices borrow from "
            "each other with --judge-rates partial."
        )
    if reading.counts is not None or out is not None or target != "population":
        raise ValueError("--borrow goes with a FILE of verdicts, and without --out and --target items.")
