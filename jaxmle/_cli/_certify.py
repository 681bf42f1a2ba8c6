"""`jaxmle certify`: is the failure rate below a limit?"""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from jaxmle._cli._builds import telling_builds
from jaxmle._cli._looks import looks_of, record_look
from jaxmle._cli._options import (
    HUMAN_ERROR,
    check_choice,
    check_outputs,
    parse_human_error,
    rate,
)
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import check_finite, show
from jaxmle._cli._with_reading import with_reading


@with_reading
def certify(
    reading: Reading,
    limit: Annotated[
        float,
        typer.Option(help="The failure rate to stay under, such as 0.05 or 5%.", parser=rate, metavar="RATE"),
    ],
    method: Annotated[
        str,
        typer.Option(
            help="exact (keeps its promise with few labels), or profile (faster).", metavar="METHOD"
        ),
    ] = "exact",
    adjustment: Annotated[
        str,
        typer.Option(
            help="For slices: none, holm (no wrong pass among all) or benjamini-hochberg.", metavar="HOW"
        ),
    ] = "none",
    look: Annotated[
        int | None,
        typer.Option(
            help="Which look at this gate it is, with --of: all of them together keep the confidence.",
            metavar="K",
            min=1,
        ),
    ] = None,
    of: Annotated[
        int | None, typer.Option(help="With --look: how many looks are planned.", metavar="N", min=1)
    ] = None,
    spending: Annotated[
        str,
        typer.Option(
            help="With --look: obrien-fleming (the last look pays least) or pocock (early ones pass sooner).",
            metavar="HOW",
        ),
    ] = "obrien-fleming",
    information: Annotated[
        str | None,
        typer.Option(
            help="With --look: share of the planned labels at each look so far, such as 0.2,0.45 or 20%,45%; "
            "even steps by default.",
            metavar="SHARES",
        ),
    ] = None,
    anytime: Annotated[
        bool,
        typer.Option(
            "--anytime",
            help="A limit that holds however often one looks, for labels that come at random one by one.",
        ),
    ] = False,
    human_error: Annotated[str | None, HUMAN_ERROR] = None,
    junit: Annotated[
        Path | None,
        typer.Option(
            help="Write JUnit XML, which build servers show: a test case a slice, failed where it fails.",
            metavar="FILE",
        ),
    ] = None,
    annotations: Annotated[
        bool,
        typer.Option(
            "--annotations",
            help="For GitHub Actions: annotations on standard error, and a summary of the run.",
        ),
    ] = False,
) -> int:
    """Decide whether the failure rate is below a limit: exit status 0 yes, 1 not shown, 2 trouble.

    With --by every slice must pass.
    """
    check_choice("--method", method)
    check_choice("--adjustment", adjustment)
    planned = looks_of(look, of, spending, information)
    if anytime and planned:
        raise ValueError("--anytime needs no number of looks: leave --look out, or --anytime.")
    if (planned or anytime) and adjustment == "benjamini-hochberg":
        given = "--anytime" if anytime else "--look"
        raise ValueError(
            f"{given} goes with --adjustment none or holm: of several looks others promise nothing."
        )
    errors = parse_human_error(human_error)
    check_outputs({"--junit": junit}, reading.inputs)
    with telling_builds(reading.source, junit, annotations) as tell:
        table, analysis = reading.read()
        from jaxmle._documents import certify_document

        erring = None
        if errors:
            from jaxmle._documents import HumanErrors

            erring = HumanErrors.of(errors, table, analysis)
        tested = erring.limit(limit) if erring else limit
        document = certify_document(
            table,
            analysis,
            limit=tested,
            method=cast(Any, "anytime" if anytime else method),
            adjustment=cast(Any, adjustment),
            looks=planned,
            asked=limit,
            progress=True,
        )
        if erring:
            erring.add_verdicts_to(document, limit)
        check_finite(document)
        record_look(reading.design, document, limit)
        from jaxmle._terminal import certify_table

        try:
            show(document, reading.as_json, certify_table)
        except BrokenPipeError:  # whoever reads it has seen enough
            tell(document)
            raise
        tell(document)
    return 0 if document["certified"] else 1
