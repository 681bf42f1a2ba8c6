"""`jaxmle report`: one page to read and to decide by."""

import inspect
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from jaxmle._cli._looks import record_look
from jaxmle._cli._options import (
    HUMAN_ERROR,
    check_choice,
    check_outputs,
    check_plots,
    parse_human_error,
    rate,
)
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import check_finite, new_console, print_json, say_first
from jaxmle._cli._with_reading import with_reading
from jaxmle._types import Document

_LONGEST = 2000


@with_reading
def report(
    reading: Reading,
    html: Annotated[
        Path | None,
        typer.Option(help="Write the page here: one file, no network or script needed.", metavar="FILE"),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write it as Markdown, with words for the figures.", metavar="FILE"),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(help="Draw the verdict on a card for a release note: .svg or .png.", metavar="FILE"),
    ] = None,
    card_title: Annotated[
        str | None,
        typer.Option(help="First line of the card: what was measured, and when.", metavar="TEXT"),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(
            help="The failure rate to stay under: the page opens with the verdict.", metavar="L", parser=rate
        ),
    ] = None,
    interval: Annotated[
        str, typer.Option(help="profile (the one to report), or chi-square (at once).", metavar="METHOD")
    ] = "profile",
    method: Annotated[
        str, typer.Option(help="Of the verdict: exact, or profile (faster).", metavar="METHOD")
    ] = "exact",
    adjustment: Annotated[
        str, typer.Option(help="Of verdicts on slices: none, holm or benjamini-hochberg.", metavar="HOW")
    ] = "none",
    judge_rates: Annotated[
        str | None,
        typer.Option(
            help="Judge's TPR and FPR over slices: per-slice (default), common, or partial.", metavar="HOW"
        ),
    ] = None,
    mix: Annotated[
        Path | None,
        typer.Option(help="Estimate a mix of the slices too, as in estimate.", metavar="FILE"),
    ] = None,
    human_error: Annotated[str | None, HUMAN_ERROR] = None,
    order: Annotated[
        str, typer.Option(help="Order of slices: key, estimate (highest first) or width.", metavar="BY")
    ] = "key",
) -> int:
    """Write one page with the verdict, the number, what they rest on and how to get them again.

    Exit status: 0 written and, with --limit, certified; 1 written, not certified; 2 trouble.
    """
    if html is None and markdown is None and card is None and not reading.as_json:
        raise ValueError(
            "say where the page goes: --html report.html, --markdown report.md, --card card.svg, or --json."
        )
    if card_title is not None and card is None:
        raise ValueError("--card-title is the first line of a card: give --card card.svg too.")
    check_choice("--interval", interval)
    check_choice("--method", method)
    check_choice("--adjustment", adjustment)
    check_choice("--order", order)
    if judge_rates is not None:
        check_choice("--judge-rates", judge_rates)
    if not reading.by and (judge_rates is not None or mix is not None):
        raise ValueError(
            "--judge-rates and --mix are about slices: name the column that makes them with --by."
        )
    if limit is not None and not 0 < limit < 1:
        raise ValueError(f"--limit must lie strictly between 0 and 1, such as 0.05; got {limit:g}.")
    if card is not None and card.suffix not in (".svg", ".png"):
        raise ValueError(f"--card draws .svg and .png; got {str(card)!r}.")
    check_outputs({"--html": html, "--markdown": markdown, "--card": card}, [*reading.inputs, mix])
    for option, path in (("--html", html), ("--card", card)):
        check_plots(option, path, "; --markdown needs none.")
    own = {
        "html": html,
        "markdown": markdown,
        "card": card,
        "card_title": card_title,
        "limit": limit,
        "interval": interval,
        "method": method,
        "adjustment": adjustment,
        "judge_rates": judge_rates,
        "mix": mix,
        "human_error": human_error,
        "order": order,
    }
    errors = parse_human_error(human_error)
    table, analysis = reading.read()
    from jaxmle._documents import HumanErrors, fit_table, report_document
    from jaxmle._engine import whole_file
    from jaxmle._page import page_html, page_markdown, report_page, write_card

    options: dict[str, Any] = {"interval": interval, "order": order, "judge_rates": judge_rates}
    if mix is not None:
        from jaxmle._tables import slice_mix

        options["mix"] = slice_mix(mix, table.keys)
    fitted = fit_table(table, analysis)
    say_first(_first_answer(fitted, "By the labels: failure" if errors else "Failure"), reading.as_json)
    document, evidence = report_document(
        table,
        analysis,
        fitted=fitted,
        source=reading.source,
        command=_command(reading, own),
        limit=limit,
        method=cast(Any, method),
        adjustment=cast(Any, adjustment),
        errors=HumanErrors.of(errors, table, analysis) if errors else None,
        progress=True,
        **options,
    )
    check_finite(document)
    if limit is not None:
        record_look(reading.design, document["estimate"], limit)
    for path, page, draw in ((html, page_html, True), (markdown, page_markdown, False)):
        if path is not None:
            text = page(report_page(document, evidence, draw=draw))
            with whole_file(path) as partial:
                partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    if card is not None:
        write_card(document, card, card_title)
    if reading.as_json:
        print_json(document)
    else:
        _say(document, evidence, [path for path in (html, markdown, card) if path is not None])
    return 1 if document["certified"] is False else 0


def _first_answer(fitted: Any, begins: str) -> str:
    found = fitted.fits[fitted.last]
    rate = f"{100 * found.failure_rate:.2f}%" if found.identified else "not identified"
    if fitted.contradicted[fitted.last]:
        rate += ", but the data contradict the bounds"
    return f"{begins} rate {rate}. Intervals and page follow ..."


def _say(document: Document, evidence: Any, written: list[Path]) -> None:
    """The head of the page, and where the rest is."""
    from rich.text import Text

    from jaxmle._data import printable
    from jaxmle._page import report_page

    page = report_page(document, evidence, draw=False)
    console = new_console()
    for line in (page.title, *page.lead, *(f"Written: {path}" for path in written)):
        console.print(Text(printable(line, _LONGEST)), soft_wrap=True)


def _command(reading: Reading, own: dict[str, Any]) -> str:
    """The command line in full, defaults left out, to be pasted into a shell."""
    from jaxmle._documents import shell_line

    words = ["jaxmle", "report", *([reading.file] if reading.file else [])]
    usual = {name: one.default for name, one in inspect.signature(report).parameters.items()}
    given = {one.name: getattr(reading, one.name) for one in fields(Reading)} | own
    for name, value in given.items():
        default = usual.get(name, MISSING)
        if name == "file" or value is None or value == default:
            continue
        option = {"as_json": "--json", "passes": "--pass"}.get(name, f"--{name.replace('_', '-')}")
        if value is True:
            words.append(option)
            continue
        for one in value if isinstance(value, list) else [value]:
            text = str(one)
            # A value with a dash in front would be taken for an option.
            words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return shell_line(*words)
