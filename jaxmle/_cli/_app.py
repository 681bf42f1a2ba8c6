"""Commands and their options."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from jaxmle._cli._options import check_choice, parse_range, prepared, use_cache
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
File = Annotated[Path, typer.Argument(help="CSV, TSV, JSONL or Parquet, one row an item.", metavar="FILE")]
Judge = Annotated[str, typer.Option(help="Column of judge verdicts.", metavar="COL")]
Human = Annotated[str, typer.Option(help="Column of human verdicts, blank if unlabelled.", metavar="COL")]
By = Annotated[list[str] | None, typer.Option(help="Slice by this column (repeatable).", metavar="COL")]
Tpr = Annotated[
    str, typer.Option(help=f"Known range of P(judge fails it | failure): {_RANGE}", metavar="LO:HI")
]
Fpr = Annotated[str, typer.Option(help=f"Known range of P(judge fails it | pass): {_RANGE}", metavar="LO:HI")]
Rate = Annotated[str, typer.Option(help=f"Known range of the failure rate: {_RANGE}", metavar="LO:HI")]
Failure = Annotated[
    list[str] | None, typer.Option(help="The verdict that counts as failure (repeatable).", metavar="WORD")
]
Design = Annotated[
    str,
    typer.Option(
        help="internal: labelled items belong to the judged ones, chosen at random or by verdict. "
        "external: from elsewhere, or chosen by their true label.",
        metavar="DESIGN",
    ),
]
Chosen = Annotated[
    str,
    typer.Option(
        help="How items were chosen for labelling: random, or by-verdict of the judge.", metavar="HOW"
    ),
]
Confidence = Annotated[float, typer.Option(help="Confidence, such as 0.95.", metavar="LEVEL")]
Seed = Annotated[int, typer.Option(help="Seed of the simulation.", min=0)]


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
    file: File,
    judge: Judge,
    human: Human,
    by: By = None,
    tpr: Tpr = "0:1",
    fpr: Fpr = "0:1",
    failure_rate: Rate = "0:1",
    failure: Failure = None,
    calibration: Design = "internal",
    labels: Chosen = "random",
    interval: Annotated[
        str, typer.Option(help="profile (the one to report), or bootstrap.", metavar="METHOD")
    ] = "profile",
    confidence: Confidence = 0.95,
    resamples: Annotated[int, typer.Option(help="Bootstrap replicates.", min=2)] = 10_000,
    seed: Seed = 0,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Estimate the true failure rate from a file of human and judge verdicts."""
    check_choice("--interval", interval, ("profile", "bootstrap"))
    ranges = {"failure_rate": failure_rate, "tpr": tpr, "fpr": fpr}
    table, claims = _read(
        file, judge, human, by, failure, ranges, calibration, labels, confidence, seed, no_cache
    )
    from jaxmle._report import estimate_document, estimate_table

    document = estimate_document(
        table, claims, interval=cast(Any, interval), n_resamples=resamples, progress=True
    )
    _show(document, as_json, estimate_table)


@app.command()
def certify(
    file: File,
    judge: Judge,
    human: Human,
    limit: Annotated[float, typer.Option(help="The failure rate to stay under, such as 0.05.")],
    by: By = None,
    tpr: Tpr = "0:1",
    fpr: Fpr = "0:1",
    failure_rate: Rate = "0:1",
    failure: Failure = None,
    calibration: Design = "internal",
    labels: Chosen = "random",
    method: Annotated[
        str,
        typer.Option(
            help="exact (keeps its promise with few labels), or profile (faster).", metavar="METHOD"
        ),
    ] = "exact",
    adjust: Annotated[
        str,
        typer.Option(
            help="For slices: none, holm (no wrong pass among all) or benjamini-hochberg.", metavar="HOW"
        ),
    ] = "none",
    confidence: Confidence = 0.95,
    seed: Seed = 0,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> int:
    """Decide whether the failure rate is below a limit: exit status 0 yes, 1 not shown, 2 trouble.

    With --by every slice must pass.
    """
    check_choice("--method", method, ("exact", "profile"))
    check_choice("--adjust", adjust, ("none", "holm", "benjamini-hochberg"))
    ranges = {"failure_rate": failure_rate, "tpr": tpr, "fpr": fpr}
    table, claims = _read(
        file, judge, human, by, failure, ranges, calibration, labels, confidence, seed, no_cache
    )
    from jaxmle._report import certify_document, certify_table

    document = certify_document(
        table,
        claims,
        limit=limit,
        method=cast(Any, method),
        adjustment=cast(Any, adjust),
        progress=True,
    )
    _show(document, as_json, certify_table)
    return 0 if document["certified"] else 1


def _read(
    file: Path,
    judge: str,
    human: str,
    by: list[str] | None,
    failure: list[str] | None,
    ranges: dict[str, str],
    calibration: str,
    labels: str,
    confidence: float,
    seed: int,
    no_cache: bool,
) -> tuple[Any, Any]:
    """Check the options all commands share, and count the rows of the file."""
    check_choice("--calibration", calibration, ("internal", "external"))
    labels = labels.replace("_", "-")
    check_choice("--labels", labels, ("random", "by-verdict"))
    if not 0 < confidence < 1:
        raise ValueError(f"--confidence must lie strictly between 0 and 1, such as 0.95; got {confidence:g}.")
    pairs = {name: parse_range(f"--{name.replace('_', '-')}", text) for name, text in ranges.items()}
    columns = list(dict.fromkeys(by or ()))
    opened = open_table(file, judge, human, columns)
    use_cache(not no_cache)
    from jaxmle import Bounds
    from jaxmle._report import Claims

    design = cast(Any, calibration)
    claims = Claims(Bounds(**pairs), columns, design, cast(Any, labels.replace("-", "_")), confidence, seed)
    with prepared(design):
        return count_rows(opened, judge, human, columns, failure or ()), claims


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
