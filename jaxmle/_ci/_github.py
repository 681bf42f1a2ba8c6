"""Verdicts as GitHub Actions shows them: annotations of a run, and its summary.

Commands to the runner are escaped as GitHub's own toolkit does it: actions/toolkit,
packages/core/src/command.ts.
"""

from jaxmle._data import printable
from jaxmle._documents import certificate_line, percent, record_name, verdict_line
from jaxmle._page import certificate_page, page_markdown
from jaxmle._types import Document

_LONGEST = 2000
# GitHub shows no more of one kind for a step.
_MOST = 10


def github_commands(document: Document) -> list[str]:
    """Commands to the runner that show a verdict: an error or a notice, and a warning for each caution.

    Where slices fail, each is an error of its own, up to the number that GitHub shows.
    """
    settings = document["settings"]
    kind = "notice" if document["certified"] else "error"
    whole = f"all rows: {certificate_line(document['total'], settings)}"
    lines = [_command(kind, verdict_line(document), whole)]
    failed = [record for record in document["slices"] if not record["certified"]]
    room = _MOST - 1 if len(failed) < _MOST else _MOST - 2
    for record in failed[:room]:
        title = f"Not shown to be below {percent(settings['limit'])}"
        lines.append(_command("error", title, f"{record_name(record)}: {certificate_line(record, settings)}"))
    if more := len(failed[room:]):
        lines.append(_command("error", "Not certified", f"{more:,} more slices, which the table names"))
    cautions = document["cautions"][:_MOST]
    return [*lines, *(_command("warning", "Likely a mistake", note) for note in cautions)]


def trouble_command(message: str) -> str:
    """Command to the runner that shows why there is no verdict."""
    return _command("error", "Trouble", f"no verdict: {message}")


def summary(document: Document, source: str) -> str:
    """Markdown for the page of a run: verdict, figures, table of slices, what speaks against it."""
    return page_markdown(certificate_page(document, source))


def _command(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return printable(text, _LONGEST).replace("%", "%25")  # and no line end is left


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
