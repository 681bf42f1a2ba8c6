"""Documents on standard output: one of JSON, or tables for people."""

import json
import sys
from typing import Any

from jaxmle._types import Document


def show(document: Document, as_json: bool, layout: Any) -> None:
    """Print a document as JSON, or as ``layout`` lays it out."""
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
            if part.title:  # inside the table it would wrap at the table's width
                console.print(part.title, markup=False, soft_wrap=True)
                part.title = None
            needed = console.measure(part, options=roomy).maximum
            Console(highlight=False, width=max(console.width, needed)).print(part)
        else:
            console.print(part, soft_wrap=True)


def say_first(text: str, as_json: bool) -> None:
    """Say on standard error what is known at once, before a simulation that takes seconds."""
    if not as_json or sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)
