"""A page with a verdict alone, as `jaxmle certify` finds it."""

from jaxmle._documents import (
    bounds_note,
    bounds_text,
    caution_lines,
    failure_line,
    few_labels_line,
    shown_text,
    verdict_line,
    warning_lines,
)
from jaxmle._page._blocks import Block, Page, Paragraph, Section
from jaxmle._page._head import certificate_figures, sizes_lines
from jaxmle._page._sections import warnings_section
from jaxmle._page._tables import verdicts_table
from jaxmle._types import Document


def certificate_page(document: Document, source: str) -> Page:
    """Lay out a verdict: its figures, a table of the slices, and what speaks against it.

    Args:
        document: From `certify_document`.
        source: Where the rows are from.
    """
    settings, total = document["settings"], document["total"]
    records = [total, *document["slices"]]
    table: list[Block] = [verdicts_table(document)]
    if any(record["few_labels"] for record in records):
        table.append(Paragraph(few_labels_line(settings)))
    sections = [Section("slices", "Slices", table)] if document["slices"] else []
    confidence = f"{100 * settings['confidence']:g}% confidence, {settings['method']}"
    adjusted = "" if settings["adjustment"] == "none" else f", {settings['adjustment']}"
    check = document["bounds_check"]
    return Page(
        title=verdict_line(document),
        source=f"Failure rate certificate: {shown_text(source)}",
        certified=document["certified"],
        figures=certificate_figures(total, settings),
        lead=[
            failure_line(document["failure"]),
            *caution_lines(document),
            f"{confidence}{adjusted}; {bounds_text(settings)}.",
            *sizes_lines(total),
            *([bounds_note(check)] if check else []),
        ],
        sections=[*sections, *warnings_section(warning_lines(records, document["cautions"]))],
        version=document["version"],
    )
