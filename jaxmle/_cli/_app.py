"""Commands and their options."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from jaxmle._cli._bounds import bounds
from jaxmle._cli._builds import telling_builds
from jaxmle._cli._compare import compare
from jaxmle._cli._doctor import doctor
from jaxmle._cli._draw import draw, record_look
from jaxmle._cli._drift import drift
from jaxmle._cli._label import label
from jaxmle._cli._looks import looks_of
from jaxmle._cli._once import Once
from jaxmle._cli._options import (
    ADJUSTMENTS,
    HUMAN_ERROR,
    JUDGE_RATES,
    METHODS,
    ORDERS,
    check_choice,
    check_outputs,
    keep_compiled,
    parse_human_error,
    rate,
)
from jaxmle._cli._panels import in_panels
from jaxmle._cli._plan import plan
from jaxmle._cli._reading import Reading
from jaxmle._cli._report import report
from jaxmle._cli._sensitivity import sensitivity
from jaxmle._cli._show import check_finite, show
from jaxmle._cli._trouble import INTERRUPTED, TROUBLE
from jaxmle._cli._with_reading import with_reading

app = typer.Typer(
    name="jaxmle",
    help="True failure rates from LLM-judge verdicts, by constrained maximum likelihood.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Do not keep compiled code in the user's cache folder.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"jaxmle {version('jaxmle')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from, in place of one line.")
    ] = False,
) -> None:
    """True failure rates from LLM-judge verdicts, by constrained maximum likelihood."""


def demo(
    seed: Annotated[int, typer.Option(help="Which human labels are kept.", min=0)] = 0,
    n_labeled: Annotated[int, typer.Option(help="Human labels kept for each system.", min=5, max=250)] = 50,
    write: Annotated[
        Path | None,
        typer.Option(
            help="Write rows with the published counts into this .csv file instead, to follow along with.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Json = False,
    no_cache: NoCache = False,
) -> None:
    """Hide most human labels of a published data set and compare the methods with the truth.

    With --write, make a file of it to try the other commands on: one row an answer, most human labels blank.
    Exit status 0 done, 2 trouble.
    """
    keep_compiled(not no_cache)
    from jaxmle._documents import demo_document, demo_file
    from jaxmle._terminal import demo_file_text, demo_table

    if write is not None:
        show(demo_file(write, seed=seed, n_labeled=n_labeled), as_json, demo_file_text)
        return
    document = demo_document(seed=seed, n_labeled=n_labeled)
    show(document, as_json, demo_table)


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
    n_resamples: Annotated[int, typer.Option(help="Bootstrap replicates.", min=2)] = 10_000,
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
    check_choice("--interval", interval, ("profile", "chi-square", "bootstrap"))
    check_choice("--order", order, ORDERS)
    check_choice("--target", target, ("population", "items"))
    if target == "items" and (interval != "profile" or judge_rates not in (None, "per-slice")):
        raise ValueError("--target items goes with --interval profile, and with a judge for each slice.")
    if judge_rates is not None:
        check_choice("--judge-rates", judge_rates, JUDGE_RATES)
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
    check_choice("--engine", engine, ("duckdb", "spark"))
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
    from jaxmle._documents import HumanErrors, estimate_document, estimate_file
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
        document = estimate_document(table, analysis, progress=True, **options)
        if errors:
            HumanErrors.of(*errors, analysis).add_to(document)
    else:
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
            help="With --look: share of the planned labels at each look so far, such as 0.2,0.45; even steps "
            "by default.",
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
    check_choice("--method", method, METHODS)
    check_choice("--adjustment", adjustment, ADJUSTMENTS)
    planned = looks_of(look, of, spending, information)
    if anytime and planned:
        raise ValueError("--anytime needs no number of looks: leave --look out, or --anytime.")
    if planned and adjustment == "benjamini-hochberg":
        raise ValueError(
            "--look goes with --adjustment none or holm: of several looks others promise nothing."
        )
    errors = parse_human_error(human_error)
    check_outputs({"--junit": junit}, reading.inputs)
    with telling_builds(reading.source, junit, annotations) as tell:
        table, analysis = reading.read()
        from jaxmle._documents import HumanErrors, certify_document

        erring = HumanErrors.of(*errors, analysis) if errors else None
        document = certify_document(
            table,
            analysis,
            limit=erring.limit(limit) if erring else limit,
            method=cast(Any, "anytime" if anytime else method),
            adjustment=cast(Any, adjustment),
            looks=planned,
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


# Groups of `jaxmle --help`, in their order.
_COMMANDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Start": (demo, doctor),
    "Answer": (estimate, certify, report),
    "Bounds": (bounds, sensitivity),
    "Compare": (compare, drift),
    "Label": (plan, draw, label),
}
for _panel, _some in _COMMANDS.items():
    for _command in _some:
        app.command(cls=Once, rich_help_panel=_panel)(in_panels(_command))


@cache
def _built() -> Callable[..., Any]:
    """The app, ready to be called: its options are read once, as that takes a fifth of a small command."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run the app; what Typer has to say of options becomes a ``ValueError``, as all trouble is."""
    try:
        status = _built()(arguments, prog_name="jaxmle", standalone_mode=False)
    except typer.TyperException as error:
        if message := error.format_message():
            raise ValueError(f"{message}{_elsewhere(error)}") from error
        return TROUBLE  # help has been printed instead
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    if status == INTERRUPTED:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _elsewhere(error: Exception) -> str:
    """Which commands have an option that this one lacks."""
    option, commands = getattr(error, "option_name", None), getattr(_built(), "commands", {})
    names = [
        f"`jaxmle {name}`"
        for name, command in commands.items()
        if option is not None and any(option in one.opts for one in command.params)
    ]
    return f"; it is an option of {' and '.join(names)}." if 0 < len(names) <= 2 else ""
