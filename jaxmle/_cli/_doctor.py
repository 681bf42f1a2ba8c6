"""`jaxmle doctor`: what a file holds, and what to type next."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer

from jaxmle._cli._show import show
from jaxmle._tables import Table, check_column, guess, open_source, profile
from jaxmle._types import Document


def _option(text: str, metavar: str = "COL", **more: Any) -> Any:
    return typer.Option(help=text, metavar=metavar, **more)


def doctor(
    file: Annotated[
        str,
        typer.Argument(
            help="CSV, TSV, JSONL or Parquet, one row an item; an eval log; a quoted pattern for several "
            "files; - for standard input.",
            metavar="FILE",
        ),
    ],
    judge: Annotated[str | None, _option("Column of judge verdicts, where the guess is wrong.")] = None,
    human: Annotated[str | None, _option("Column of human verdicts, where the guess is wrong.")] = None,
    by: Annotated[list[str] | None, _option("Slice by this column (repeatable).")] = None,
    limit: Annotated[
        float | None,
        _option("Failure rate to stay under: say how many labels a certificate takes.", metavar="RATE"),
    ] = None,
    failure: Annotated[
        list[str] | None, _option("The verdict that counts as failure (repeatable).", metavar="WORD")
    ] = None,
    judge_threshold: Annotated[
        str | None, _option("Graded judge scores: '>=0.5' or '<3' is a failure.", metavar="SCORE")
    ] = None,
    human_file: Annotated[
        str | None, _option("Human verdicts in a file of their own, joined by --id.", metavar="FILE")
    ] = None,
    id: Annotated[list[str] | None, _option("Column that names an item, in both files (repeatable).")] = None,
    confidence: Annotated[float, _option("Confidence, such as 0.95.", metavar="LEVEL")] = 0.95,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of a table.")
    ] = False,
) -> int:
    """Look at a file: what it holds, what speaks against it, and the exact command to type next.

    Exit status 0 nothing found, 1 something that blocks or warns, 2 trouble.
    """
    for option, value in (("--limit", limit), ("--confidence", confidence)):
        if value is not None and not 0 < value < 1:
            raise ValueError(f"{option} must lie strictly between 0 and 1, such as 0.05; got {value:g}.")
    if (human_file is None) != (not id):
        raise ValueError("--human-file and --id go together: give both or none.")
    if human_file is not None and human is None:
        raise ValueError("--human must name the column of verdicts in --human-file.")
    slices = tuple(dict.fromkeys(by or ()))
    with ThreadPoolExecutor(1) as pool:
        # What counts verdicts is imported while the engine reads the rows.
        loading = pool.submit(importlib.import_module, "jaxmle._doctor._doctor")
        source = open_source(file)
        for column in (judge, None if human_file else human, *slices, *(id or ())):
            if column is not None:
                check_column(source, column)
        rows, columns = profile(source)
        judge = judge or (source.judge if isinstance(source, Table) else None)
        roles = guess(columns, judge=judge, human=human, by=slices)
    loading.result()
    from jaxmle._doctor import DoctorOptions, doctor_document
    from jaxmle._terminal import doctor_table

    options = DoctorOptions(
        file=file,
        human_file=human_file,
        id=tuple(id or ()),
        failure=tuple(failure or ()),
        judge_threshold=judge_threshold,
        by_given=bool(slices),
        limit=limit,
        confidence=confidence,
    )
    document: Document = doctor_document(source, rows, columns, roles, options)
    show(document, as_json, doctor_table)
    return 1 if any(one["level"] != "note" for one in document["findings"]) else 0
