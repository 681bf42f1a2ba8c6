"""`jaxmle label`: say of each item of a queue whether it is a failure."""

import sys
from difflib import get_close_matches
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmle._cli._options import AS_JSON, FAILURE, PASSES, check_outputs
from jaxmle._cli._show import show


def label(
    queue: Annotated[Path, typer.Argument(help="The queue that `jaxmle draw` wrote.", metavar="QUEUE")],
    rater: Annotated[
        str | None,
        typer.Option(help="Who is at work: each has a file of answers of their own.", metavar="NAME"),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="Show this column (repeatable); all by default.", metavar="COL"),
    ] = None,
    show_verdict: Annotated[
        bool,
        typer.Option(
            "--show-verdict",
            help="Show the judge's verdict, if the queue has it. It is hidden otherwise: whoever sees it "
            "tends to agree, and then the labels no longer tell how often the judge is wrong.",
        ),
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            help="File of verdicts, for the interval as it stands; by default the one that the design names, "
            "if it is beside the queue.",
            metavar="FILE",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write a page instead, to label on in a browser without a network.", metavar="FILE"
        ),
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option(
            "--import",
            help="Take labels instead from a spreadsheet, a CSV file, or what a page saved.",
            metavar="FILE",
        ),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option("--label", help="With --import: the column of labels there.", metavar="COL"),
    ] = None,
    failure: Annotated[list[str] | None, FAILURE] = None,
    passes: Annotated[list[str] | None, PASSES] = None,
    id: Annotated[
        list[str] | None,
        typer.Option(help="Column that names an item, where there is no design (repeatable).", metavar="COL"),
    ] = None,
    status: Annotated[
        bool,
        typer.Option("--status", help="Label nothing: say how far it is, and how well raters agree."),
    ] = False,
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Label a queue in the terminal, on a page, or from a spreadsheet.

    f is a failure, p a pass, s passes an item over, b goes back, q ends. Each answer is on the disk before
    the next item comes; the same command goes on where it left off. The judge's verdict is hidden.

    Exit status 0 done, 2 trouble.
    """
    if take is None and (label_column is not None or failure or passes):
        raise ValueError("--label, --failure and --pass go with --import.")
    if sum((html is not None, take is not None, status)) > 1:
        raise ValueError("--html, --import and --status are three things to do: give one.")
    from jaxmle._labeling import Answers, Queue
    from jaxmle._tables import open_source

    check_outputs({"--html": html}, [queue, source, take])
    found = Queue.load(queue, id=tuple(id or ()))
    if source is not None:
        open_source(str(source))  # one that cannot be read is named before anybody labels
    for column in columns or ():
        if column not in found.columns:
            near = get_close_matches(column, found.columns, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"--column {column!r} is not in the queue: it has {', '.join(found.columns)}.{meant}"
            )
    if show_verdict and not found.verdicts:
        raise ValueError("the queue holds no verdict of the judge: draw it with --show-verdict too.")
    shown = tuple(columns or found.columns)
    verdicts = found.verdicts if show_verdict else ()
    taken = None
    if take is not None:
        column = label_column or found.label
        with Answers.held(found, rater) as answers:
            answers.check_own(take)
            taken = answers.take(take, label=column, failure=failure or (), passes=passes or ())
    elif html is None and not status:
        _check_terminal()
        with Answers.held(found, rater) as answers:
            answers.check_own()
            _work(answers, shown, verdicts, source, rater)
    else:
        answers = Answers.open(found, rater)
    if html is not None:
        from jaxmle._engine import whole_file
        from jaxmle._labeling import label_page

        text = label_page(found, columns=(*shown, *verdicts), download=answers.path.name, rater=rater)
        with whole_file(html) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    _say(answers, source, html, taken, as_json)


def _check_terminal() -> None:
    # Either is None where it was closed before the program began.
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise ValueError(
            "labelling takes a terminal: use --html for a page, --import for a spreadsheet, or --status."
        )


def _work(
    answers: Any, columns: tuple[str, ...], verdicts: tuple[str, ...], source: Path | None, rater: str | None
) -> None:
    try:
        from jaxmle._labeling import Labeler
    except ImportError:
        raise ValueError(
            "the labeller takes textual: pip install '.[label]', or use --html for a page."
        ) from None
    from jaxmle._labeling import interval_now, source_of

    judged = source_of(answers, source)
    Labeler(
        answers,
        columns=columns,
        verdicts=verdicts,
        interval=lambda: interval_now(answers, judged),
        rater=rater,
    ).run()


def _say(answers: Any, source: Path | None, html: Path | None, taken: int | None, as_json: bool) -> None:
    from jaxmle._documents import label_document, shell_line
    from jaxmle._labeling import agreed, agreed_together, interval_now, raters, source_of
    from jaxmle._terminal import label_table

    queue, judged = answers.queue, source_of(answers, source)
    others = raters(queue)
    command = None
    if queue.design is not None and answers.labels:
        verdicts = str(judged or queue.design.source_file or "VERDICTS")
        design = str(queue.path.with_suffix(".json"))
        # Of an odd number of people most decide, wherever all have labelled.
        complete = all(len(one.labels) == len(queue) for one in others.values())
        rule = "majority" if len(others) % 2 and complete else "any"
        more = [] if len(others) < 2 else ["--human-combine", rule]
        command = shell_line("jaxmle", "estimate", verdicts, "--design", design, *more)
    failures, passes = answers.number_of("fail"), answers.number_of("pass")
    document = label_document(
        str(queue.path),
        str(answers.path),
        {
            "items": len(queue),
            "failures": failures,
            "passes": passes,
            "skipped": answers.number_of(""),
        },
        interval_now(answers, judged),
        [
            (first, second, *agreed(others[first], others[second]))
            for first, second in combinations(others, 2)
        ],
        together=None if len(others) < 3 else (list(others), *agreed_together(list(others.values()))),
        command=command,
        page=None if html is None else str(html),
        taken=taken,
    )
    show(document, as_json, label_table)
