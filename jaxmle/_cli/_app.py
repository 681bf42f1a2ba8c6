"""Commands and their options."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmle._cli._options import parse_range, prepared, use_cache
from jaxmle.tables._count import count_rows, open_table

app = typer.Typer(
    name="jaxmle",
    help="True failure rates from LLM-judge verdicts, by constrained maximum likelihood.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Do not keep compiled code in the user's cache folder.")
]
_RANGE = "LO:HI, also LO: or :HI, or one number if it is known."


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"jaxmle {version('jaxmle')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """True failure rates from LLM-judge verdicts, by constrained maximum likelihood."""


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Which human labels are kept.", min=0)] = 0,
    labels: Annotated[int, typer.Option(help="Human labels kept for each system.", min=5, max=250)] = 50,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Hide most human labels of a published data set and compare the methods with the truth."""
    use_cache(not no_cache)
    from jaxmle._report import demo_document, demo_table

    document = demo_document(seed=seed, n_labeled=labels)
    _show(document, as_json, demo_table)


@app.command()
def estimate(
    file: Annotated[
        Path, typer.Argument(help="CSV, TSV, JSONL or Parquet, one row an item.", metavar="FILE")
    ],
    judge: Annotated[str, typer.Option(help="Column of judge verdicts.", metavar="COL")],
    human: Annotated[str, typer.Option(help="Column of human verdicts, blank if unlabelled.", metavar="COL")],
    by: Annotated[
        list[str] | None, typer.Option(help="Estimate by this column too (repeatable).", metavar="COL")
    ] = None,
    tpr: Annotated[
        str, typer.Option(help=f"Known range of P(judge fails it | failure): {_RANGE}", metavar="LO:HI")
    ] = "0:1",
    fpr: Annotated[
        str, typer.Option(help=f"Known range of P(judge fails it | pass): {_RANGE}", metavar="LO:HI")
    ] = "0:1",
    failure_rate: Annotated[
        str, typer.Option(help=f"Known range of the failure rate: {_RANGE}", metavar="LO:HI")
    ] = "0:1",
    failure: Annotated[
        list[str] | None,
        typer.Option(help="The verdict that counts as failure (repeatable).", metavar="WORD"),
    ] = None,
    calibration: Annotated[
        str,
        typer.Option(
            help="internal: labelled items belong to the judged ones, chosen at random or by verdict. "
            "external: from elsewhere, or chosen by their true label.",
            metavar="DESIGN",
        ),
    ] = "internal",
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Estimate the true failure rate from a file of human and judge verdicts."""
    columns = list(dict.fromkeys(by or ()))
    ranges = {
        "failure_rate": parse_range("--failure-rate", failure_rate),
        "tpr": parse_range("--tpr", tpr),
        "fpr": parse_range("--fpr", fpr),
    }
    opened = open_table(file, judge, human, columns)
    use_cache(not no_cache)
    from jaxmle import Bounds
    from jaxmle._data import check_calibration
    from jaxmle._report import estimate_document, estimate_table

    design, bounds = check_calibration(calibration), Bounds(**ranges)
    with prepared(design):
        table = count_rows(opened, judge, human, columns, failure or ())
    document = estimate_document(table, bounds, by=columns, calibration=design)
    _show(document, as_json, estimate_table)


def run(arguments: list[str]) -> int:
    """Run the app; trouble is one line on standard error and status 2."""
    try:
        status = app(arguments, prog_name="jaxmle", standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message()
    except (ValueError, OSError) as error:
        message = str(error)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    else:
        return status if isinstance(status, int) else 0
    if message:  # none where help has been printed instead
        print(f"jaxmle: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _show(document: dict[str, Any], as_json: bool, layout: Any) -> None:
    if as_json:
        print(json.dumps(document, allow_nan=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    # Names and numbers are never cut: a line that is too long runs over, or scrolls in a pager.
    console = Console(highlight=False)
    roomy = console.options.update(width=10_000)
    for part in layout(document).renderables:
        if isinstance(part, Table):
            needed = console.measure(part, options=roomy).maximum
            Console(highlight=False, width=max(console.width, needed)).print(part)
        else:
            console.print(part, soft_wrap=True)
