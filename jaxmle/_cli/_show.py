"""Documents on standard output: one of JSON, or tables for people."""

import io
import json
import math
import os
import sys
from typing import Any, TextIO

from jaxmle._data import printable
from jaxmle._types import Document

# Version of `schema.json`: the next one where a name or a type changes.
SCHEMA = 1
# Longer texts are cut where they are laid out.
_LONGEST = 10_000


def show(document: Document, as_json: bool, layout: Any) -> None:
    """Print a document as JSON, or as ``layout`` lays it out.

    Raises:
        OSError: Standard output cannot be written.
        ValueError: A number of the document is not finite.
    """
    check_finite(document)
    try:
        _print(document, as_json, layout)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def print_json(document: Document) -> None:
    """Print a document as JSON, with the version of the schema that it follows (``jaxmle/schema.json``)."""
    print(json.dumps({"schema": SCHEMA, **document}, allow_nan=False, indent=2))


def _print(document: Document, as_json: bool, layout: Any) -> None:
    if as_json:
        print_json(document)
        return
    _lay_out(document, layout)


def text_of(document: Document, layout: Any) -> str:
    """What a terminal shows of a document, without colours."""
    text = io.StringIO()
    _lay_out(document, layout, text)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _lay_out(document: Document, layout: Any, file: TextIO | None = None) -> None:
    from rich.text import Text

    from jaxmle._terminal import fold

    console = new_console(file=file)
    # A pipe takes lines of any length, so that a sentence or a row is one line of it.
    on_terminal = console.is_terminal
    width = console.width if on_terminal or "COLUMNS" in os.environ else None

    def say(text: Text) -> None:
        console.print(text, soft_wrap=not on_terminal or bool(text.no_wrap))

    for part in layout(_escaped(document)).renderables:
        if isinstance(part, Text):
            say(part)
            continue
        for block in fold(part, width):
            if isinstance(block, Text):
                say(block)
                continue
            if block.title:  # inside the table it would wrap at the table's width
                say(Text(str(block.title)))
                block.title = None
            # Names and numbers are never cut: a line that is too long runs over, or scrolls in a pager.
            needed = console.measure(block, options=console.options.update(width=_LONGEST)).maximum
            new_console(width=max(console.width, needed), file=file).print(block)


def check_finite(document: Document) -> None:
    """Raise ``ValueError`` naming a number of a document that is not finite, if any is."""
    left: list[tuple[str, Any]] = [("", document)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{name}.{key}" if name else str(key), one) for key, one in value.items()]
        elif isinstance(value, list | tuple):
            left += [(f"{name}[{i}]", one) for i, one in enumerate(value)]
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(
                f"{name} is {value}: counts or weights differ by too many orders of magnitude for it to be "
                "computed. See that --weight names weights, and trim the largest."
            )


def new_console(width: int | None = None, file: TextIO | None = None) -> Any:
    """A console of rich, on standard output or into a file, that leaves a closed pipe to the caller."""
    from rich.console import Console

    class OwnConsole(Console):
        def on_broken_pipe(self) -> None:  # rich would exit with 1, which is an answer
            raise BrokenPipeError

    # A file has no colours, whatever the environment says of the terminal.
    return OwnConsole(highlight=False, width=width, file=file, force_terminal=False if file else None)


def _escaped(value: Any) -> Any:
    """A document whose texts are fit for a terminal; the names by which others look them up stay."""
    if isinstance(value, dict):
        return {key: one if key == "by" else _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return printable(value, _LONGEST) if isinstance(value, str) else value


def say_first(text: str, as_json: bool) -> None:
    """Say on standard error what is known at once, before a simulation that takes seconds."""
    if sys.stderr is not None and (not as_json or sys.stderr.isatty()):  # None where it was closed
        print(printable(text, _LONGEST), file=sys.stderr, flush=True)
