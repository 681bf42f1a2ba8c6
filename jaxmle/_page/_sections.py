"""What stands on a page, and in which order."""

from collections.abc import Sequence

from jaxmle._documents import (
    AGREEMENT_NOTE,
    Evidence,
    bounds_note,
    caution_lines,
    dropped_lines,
    errors_text,
    estimate_text,
    failure_line,
    few_labels_line,
    human_error_line,
    interval_that_holds,
    p_compared,
    percent,
    pooling_lines,
    shown_text,
    source_lines,
    tolerance_note,
    verdict_line,
    warning_lines,
)
from jaxmle._page._assumptions import assumptions
from jaxmle._page._blocks import Block, Bullets, Page, Paragraph, Section
from jaxmle._page._figures import interval_figure, judge_figure, profile_figure, slices_figure
from jaxmle._page._head import certificate_figures, rate_name, sizes_lines
from jaxmle._page._reproduce import reproduce
from jaxmle._page._tables import (
    agreement_table,
    confusion_table,
    effects_table,
    ends_text,
    judge_table,
    judges_table,
    methods_table,
    methods_to_show,
    slices_table,
)
from jaxmle._types import Document

_MOST_NOTES = 20


def report_page(document: Document, evidence: Evidence, *, draw: bool) -> Page:
    """Lay out a page.

    Args:
        document: From `report_document`.
        evidence: What its figures are of.
        draw: Whether to draw them; else words stand for them.
    """
    certificate = document["certificate"]
    limit = certificate["settings"]["limit"] if certificate else None
    figures = _figures(document)
    sections = [
        _methods(document, limit, draw),
        *([_slices(document, limit, draw)] if document["estimate"]["slices"] else []),
        _judge(document, draw),
        _profile(evidence, limit, draw),
        _bounds(document, limit),
        *_against(document),
        _rows(document["estimate"]),
        Section("assumptions", "Assumptions", [Bullets(assumptions(document))]),
        reproduce(document),
    ]
    return Page(
        title=verdict_line(certificate)
        if certificate
        else f"Failure rate {figures[0][1]}{errors_text(document['estimate']['settings'])}",
        source=f"Failure rate report: {shown_text(document['source'])}",
        certified=document["certified"],
        figures=figures,
        lead=_lead(document),
        sections=sections,
        version=document["version"],
    )


def _figures(document: Document) -> list[tuple[str, str]]:
    """The figures of the certificate, if there is one; else the rate and its interval."""
    certificate = document["certificate"]
    if certificate:
        return certificate_figures(certificate["total"], certificate["settings"])
    total, level = document["estimate"]["total"], document["estimate"]["settings"]["confidence"]
    return [
        (rate_name(document["estimate"]["settings"]), estimate_text(total)),
        (f"{100 * level:g}% interval", ends_text(interval_that_holds(total))),
    ]


def _lead(document: Document) -> list[str]:
    estimate, certificate = document["estimate"], document["certificate"]
    total, level = estimate["total"], f"{100 * estimate['settings']['confidence']:g}%"
    allowed = errors_text(estimate["settings"])
    what = "Failure rate over all rows" if estimate["slices"] else "Failure rate"
    lines = [
        failure_line(document["failure"]),
        *caution_lines(document),
        f"{what} by constrained maximum likelihood; {level} interval "
        f"{ends_text(interval_that_holds(total))}{allowed}.",
    ]
    if certificate:
        verdict = certificate["total"]
        said = "All rows together" if estimate["slices"] else "Verdict"
        lines.append(
            f"{said}: {'pass' if verdict['certified'] else 'fail'}, upper limit "
            f"{percent(verdict['upper_limit'])} at {level} confidence, p {p_compared(verdict['p_value'])} "
            f"({certificate['settings']['method']}{allowed})."
        )
    if allowed:
        lines.append(human_error_line(estimate, certificate))
        lines.append("Figures, and the tables of methods and of the judge, take the labels for right.")
    lines += sizes_lines(total)
    if total["warnings"]:
        lines.append("Read below what speaks against this result.")
    return lines


def _methods(document: Document, limit: float | None, draw: bool) -> Section:
    named = methods_to_show(document)
    settings = document["estimate"]["settings"]
    level = settings["confidence"]
    table = methods_table(named, level, settings["bounds"])
    blocks: list[Block] = [interval_figure(named, limit, level, draw), table]
    return Section("methods-section", "Compared with other methods", blocks)


def _slices(document: Document, limit: float | None, draw: bool) -> Section:
    estimate = document["estimate"]
    blocks: list[Block] = [slices_figure(estimate, limit, draw)]
    if estimate.get("pooling"):
        blocks.append(Bullets(pooling_lines(estimate["pooling"])))
    blocks.append(slices_table(document))
    if any(record["few_labels"] for record in estimate["slices"]):
        blocks.append(Paragraph(few_labels_line(estimate["settings"])))
    return Section("slices-section", "Slices", blocks)


def _judge(document: Document, draw: bool) -> Section:
    total, settings = document["estimate"]["total"], document["estimate"]["settings"]
    bounds = total["bounds"] if settings["bounds"] == "by slice" else settings["bounds"]
    in_labels = document["judge_in_labels"]
    panel = document["estimate"].get("panel")
    return Section(
        "judge",
        "The judge",
        [
            Paragraph("TPR is the share of failures that the judge flags, FPR the share of passes."),
            judge_figure(total, bounds, in_labels, draw),
            judge_table(total, bounds, in_labels, settings["confidence"]),
            *_agreement(document["agreement"]),
            *([judges_table(panel)] if panel and panel["judges"] else []),
        ],
    )


def _agreement(found: Document | None) -> list[Block]:
    return [confusion_table(found), agreement_table(found), Paragraph(AGREEMENT_NOTE)] if found else []


def _profile(evidence: Evidence, limit: float | None, draw: bool) -> Section:
    return Section("profile-section", "Profile likelihood", [profile_figure(evidence, limit, draw)])


def _bounds(document: Document, limit: float | None) -> Section:
    title = "What rests on each bound"
    if not document["effects"]:
        return Section("bounds", title, [Paragraph("No bounds were given: nothing rests on one.")])
    active = [one["bound"] for one in document["effects"] if one["active"]]
    said = f"Active bounds, which the data pull against: {', '.join(active) or 'none'}."
    note = (
        "Each bound is relaxed by itself, the others staying. Estimate and upper limit change by so many "
        "percentage points, the log-likelihood by so many nats, for each 0.01 that the bound gives way."
    )
    if limit is not None:
        note += " Where a verdict flips is by the profile likelihood with asymptotic cut-offs."
    blocks: list[Block] = [Paragraph(said), effects_table(document, limit), Paragraph(note)]
    if check := document["estimate"]["bounds_check"]:
        blocks.insert(1, Paragraph(bounds_note(check)))
    if tolerance := document["tolerance"]:
        blocks.insert(1, Paragraph(tolerance_note(tolerance)))
    return Section("bounds", title, blocks)


def _against(document: Document) -> list[Section]:
    """Warnings of all rows, then of slices, each once."""
    notes: dict[str, None] = {}
    for one in (document["estimate"], document["certificate"]):
        if one:
            notes |= dict.fromkeys(warning_lines([one["total"], *one["slices"]]))
    return warnings_section(list(notes))


def warnings_section(notes: Sequence[str]) -> list[Section]:
    """A section with the first of some warnings, and how many there are beside; none where there is none."""
    if not notes:
        return []
    shown = list(notes[:_MOST_NOTES])
    if len(notes) > _MOST_NOTES:
        shown.append(f"... and {len(notes) - _MOST_NOTES:,} more; --json has them all.")
    return [Section("warnings", "What speaks against it", [Bullets(shown)])]


def _rows(estimate: Document) -> Section:
    lines = [f"{estimate['rows']:,} rows read."]
    lines += dropped_lines(estimate["dropped"]) or ["None was left out."]
    lines += source_lines(estimate)
    return Section("rows", "Rows", [Bullets(lines)])
