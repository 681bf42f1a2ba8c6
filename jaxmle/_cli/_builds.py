"""What a build server is told of a verdict, or of the trouble in its place."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxmle._cli._trouble import message_of
from jaxmle._types import Document


@contextmanager
def telling_builds(
    source: str, junit: Path | None, annotations: bool
) -> Iterator[Callable[[Document], None]]:
    """Yield what tells a build server of a verdict; where the block fails, the file holds the trouble.

    Annotations go to standard error, which the runner of GitHub reads as well, so that a table or JSON that
    is sent to a file stays what it is.

    Args:
        source: Where the rows are from.
        junit: File of JUnit XML, or None.
        annotations: Whether GitHub is told, by annotations and the file that it names for summaries.
    """

    def tell(document: Document) -> None:
        from jaxmle._ci import github_commands, junit_xml, summary

        if junit is not None:
            _write(junit, junit_xml(document, source))
        if annotations:
            print(*github_commands(document), sep="\n", file=sys.stderr, flush=True)
            if path := os.environ.get("GITHUB_STEP_SUMMARY"):
                with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(f"{summary(document, source)}\n")

    try:
        yield tell
    except Exception as error:
        if junit is not None:
            from jaxmle._ci import trouble_xml

            _write(junit, trouble_xml(message_of(error), source))
        raise


def _write(path: Path, text: str) -> None:
    from jaxmle._engine import whole_file

    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
