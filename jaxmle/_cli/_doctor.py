"""`jaxmle doctor`: what a file holds, and what to type next."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from jaxmle._cli._options import (
    AS_JSON,
    COMBINE,
    COUNTS,
    FAILURE,
    HUMAN_FAILURE,
    HUMAN_THRESHOLD,
    JUDGE_FAILURE,
    JUDGE_THRESHOLD,
    PASSES,
    confidence_level,
    option,
    parse_counts,
    rate,
)
from jaxmle._cli._show import show
from jaxmle._tables import Combining, Table, check_column, guess, open_source, profile
from jaxmle._types import Document


def doctor(
    file: Annotated[
        str | None,
        typer.Argument(
            help="CSV, TSV, JSONL or Parquet, one row an item; an eval log; a quoted pattern for several "
            "files; - for standard input.",
            metavar="FILE",
        ),
    ] = None,
    judge: Annotated[
        list[str] | None,
        option("Column of judge verdicts, where the guess is wrong (repeatable, with --combine)."),
    ] = None,
    human: Annotated[str | None, option("Column of human verdicts, where the guess is wrong.")] = None,
    counts: Annotated[str | None, COUNTS] = None,
    combine: Annotated[str | None, COMBINE] = None,
    by: Annotated[list[str] | None, option("Slice by this column (repeatable).")] = None,
    limit: Annotated[
        float | None,
        option(
            "Failure rate to stay under: say how many labels a certificate takes.",
            metavar="RATE",
            parser=rate,
        ),
    ] = None,
    failure: Annotated[list[str] | None, FAILURE] = None,
    judge_failure: Annotated[list[str] | None, JUDGE_FAILURE] = None,
    human_failure: Annotated[list[str] | None, HUMAN_FAILURE] = None,
    passes: Annotated[list[str] | None, PASSES] = None,
    judge_threshold: Annotated[str | None, JUDGE_THRESHOLD] = None,
    human_threshold: Annotated[str | None, HUMAN_THRESHOLD] = None,
    human_file: Annotated[
        list[str] | None,
        option(
            "Human verdicts in a file of their own, joined by --id (repeatable: a file a rater).",
            metavar="FILE",
        ),
    ] = None,
    id: Annotated[list[str] | None, option("Column that names an item, in both files (repeatable).")] = None,
    confidence: Annotated[
        float, option("Confidence, such as 0.95.", metavar="LEVEL", parser=confidence_level)
    ] = 0.95,
    as_json: Annotated[bool, AS_JSON] = False,
) -> int:
    """Look at a file: what it holds, what speaks against it, and the exact command to type next.

    Exit status 0 nothing found, 1 something that blocks or warns, 2 trouble.
    """
    for named, value in (("--limit", limit), ("--confidence", confidence)):
        if value is not None and not 0 < value < 1:
            raise ValueError(f"{named} must lie strictly between 0 and 1, such as 0.05; got {value:g}.")
    if (not human_file) != (not id):
        raise ValueError("--human-file and --id go together: give both or none.")
    if human_file and human is None:
        raise ValueError("--human must name the column of verdicts in --human-file.")
    meaning = {
        "failure": tuple(failure or ()),
        "judge_failure": tuple(judge_failure or ()),
        "human_failure": tuple(human_failure or ()),
        "passes": tuple(passes or ()),
        "judge_threshold": judge_threshold,
        "human_threshold": human_threshold,
    }
    if counts is not None:
        if any((file, judge, human, by, human_file, *meaning.values())):
            raise ValueError("--counts stands in place of a file of verdicts: leave what is said of one out.")
        values = parse_counts("--counts", counts)
        from jaxmle._doctor import DoctorOptions, doctor_of_counts

        asked = DoctorOptions(file="counts by hand", limit=limit, confidence=confidence)
        return _show(doctor_of_counts(values, asked), as_json)
    if file is None:
        raise ValueError("name the FILE to look at, or give --counts in place of it.")
    slices, judges = tuple(dict.fromkeys(by or ())), tuple(judge or ())
    rule = combine or ("majority" if len(judges) > 1 else None)
    Combining(judges, (human or "",), rule)  # before any row is read
    with ThreadPoolExecutor(1) as pool:
        # What counts verdicts is imported while the engine reads the rows.
        loading = pool.submit(importlib.import_module, "jaxmle._doctor._doctor")
        source = open_source(file)
        for column in (*judges, None if human_file else human, *slices, *(id or ())):
            if column is not None:
                check_column(source, column)
        rows, columns = profile(source)
        first = judges[0] if judges else source.judge if isinstance(source, Table) else None
        roles = guess(columns, judge=first, human=human, by=slices)
    loading.result()
    from jaxmle._doctor import DoctorOptions, doctor_document

    options = DoctorOptions(
        file=file,
        human_files=tuple(human_file or ()),
        id=tuple(id or ()),
        meaning=meaning,
        by_given=bool(slices),
        judges=judges if rule else (),
        rule=rule,
        limit=limit,
        confidence=confidence,
    )
    document: Document = doctor_document(source, rows, columns, roles, options)
    return _show(document, as_json)


def _show(document: Document, as_json: bool) -> int:
    from jaxmle._terminal import doctor_table

    show(document, as_json, doctor_table)
    return 1 if any(one["level"] != "note" for one in document["findings"]) else 0
