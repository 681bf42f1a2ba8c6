"""`jaxmle draw`: which items to label."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmle._cli._options import check_outputs, check_rates, parse_range, rate
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._cli._with_reading import with_reading

_NOT_ASKED = (
    *("counts", "failure_rate", "bounds", "judge_name", "rubric", "max_age", "date"),
    *("reference", "reference_by", "same_population"),
    *("weight", "cluster", "calibration", "labels", "min_labels", "no_cache"),
)


@partial(with_reading, without=_NOT_ASKED)
def draw(
    reading: Reading,
    out: Annotated[
        Path,
        typer.Option(
            help="Write the queue to this .csv file, and its design beside it as .json.", metavar="FILE"
        ),
    ],
    n_labels: Annotated[
        int | None, typer.Option("--labels", help="Labels to draw.", metavar="N", min=1)
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="In place of --labels, what `jaxmle plan --given ... --json` printed: as many labels, of as "
            "many flagged items, or of each slice of --by, at random.",
            metavar="FILE",
        ),
    ] = None,
    by_verdict: Annotated[
        bool,
        typer.Option(
            "--by-verdict",
            help="So many of the items that the judge flags and so many of the others: as --flagged says, or "
            "as `plan` would divide them.",
        ),
    ] = False,
    n_flagged: Annotated[
        int | None,
        typer.Option("--flagged", help="With --by-verdict: labels of flagged items.", metavar="N", min=0),
    ] = None,
    judge_tpr: Annotated[
        float | None,
        typer.Option(
            help="With --by-verdict: P(judge flags it | failure) that you expect; by default the middle of "
            "--tpr.",
            parser=rate,
            metavar="RATE",
        ),
    ] = None,
    judge_fpr: Annotated[
        float | None,
        typer.Option(
            help="With --by-verdict: P(judge flags it | pass) that you expect; by default the middle of "
            "--fpr.",
            parser=rate,
            metavar="RATE",
        ),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(
            help="With --by-verdict: divide labels for a certificate below this rate; else for a short "
            "interval.",
            parser=rate,
            metavar="RATE",
        ),
    ] = None,
    floor: Annotated[
        int, typer.Option(help="With --by: labels that each slice gets at least.", metavar="N", min=1)
    ] = 5,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="What the person at work is to see (repeatable); by default all but verdicts, labels and "
            "what reads like these.",
            metavar="COL",
        ),
    ] = None,
    show_verdict: Annotated[
        bool,
        typer.Option(
            "--show-verdict",
            help="Put the judge's verdict into the queue too: whoever sees it tends to agree with it.",
        ),
    ] = False,
    raw_csv: Annotated[
        bool,
        typer.Option(
            "--raw-csv",
            help="Texts as they are. Otherwise those that a spreadsheet would run as formulas get a ' in "
            "front.",
        ),
    ] = False,
) -> None:
    """Draw the items to label: at random, by the judge's verdict, or by slice.

    An item that has a label is never drawn. With --design, that of an earlier round, neither is one that was
    drawn then. Then label the queue with `jaxmle label`, or in a spreadsheet, and hand the design to
    estimate, certify and report with --design.

    Exit status 0 done, 2 trouble.
    """
    if reading.file is None:
        raise ValueError("name the FILE of verdicts to draw from.")
    if out.suffix.lower() != ".csv":
        raise ValueError(f"--out is a queue: its name must end in .csv; got {str(out)!r}.")
    tpr, fpr = parse_range("--tpr", reading.tpr), parse_range("--fpr", reading.fpr)
    check_rates(tpr, fpr)
    check_outputs({"--out": out, "the design": out.with_suffix(".json")}, [*reading.inputs, plan])
    if (n_labels is None) == (plan is None):
        raise ValueError("say how many labels to draw: with --labels, or with --plan, the file of a plan.")
    size: Any = n_labels
    reasons: Any = None
    if plan is not None:
        from jaxmle._documents import planned_draw

        if n_flagged is not None:
            raise ValueError("--plan says how many labels are of flagged items: leave --flagged out.")
        size, n_flagged, reasons = planned_draw(plan, reading.by or ())
        by_verdict = by_verdict or n_flagged is not None
    from jaxmle._data import Bounds
    from jaxmle._documents import draw_document
    from jaxmle._planning import draw_labels
    from jaxmle._terminal import draw_table

    rows: dict[str, Any] = {
        "judge": reading.judge,
        "human": reading.human,
        "by": reading.by,
        "where": reading.where,
        "human_source": reading.human_source,
        "human_where": reading.human_where,
        "id": reading.id,
        "combine": reading.combine,
        "human_combine": reading.human_combine,
        "missing": reading.missing,
        "design": reading.design,
        **reading.meaning,
    }
    queue = draw_labels(
        reading.file,
        n_labels=size,
        by_verdict=by_verdict,
        n_flagged=n_flagged,
        judge_tpr=judge_tpr,
        judge_fpr=judge_fpr,
        bounds=Bounds(tpr=tpr, fpr=fpr),
        limit=limit,
        confidence=reading.confidence,
        floor=floor,
        reasons=reasons,
        columns=columns or (),
        show_verdict=show_verdict,
        seed=reading.seed,
        **{name: value for name, value in rows.items() if value not in (None, ())},
    )
    queue.save(out, raw_csv=raw_csv)
    show(draw_document(queue.design, str(out), queue.columns, queue.left_out), reading.as_json, draw_table)
