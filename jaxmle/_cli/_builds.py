"""What a build server is told of a verdict, or of the trouble in its place."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
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
    except BrokenPipeError:
        raise
    except Exception as error:
        if junit is not None:
            from jaxmle._ci import trouble_xml

            with suppress(OSError):  # the first trouble is the one to hear of
                _write(junit, trouble_xml(message_of(error), source))
        raise


def retract(given: Sequence[str], message: str) -> None:
    """Put trouble in place of an older verdict, where a command ends before it comes to its own.

    Only a file that this program wrote is replaced.
    """
    paths = [one.split("=", 1)[1] for one in given if one.startswith("--junit=")]
    paths += [path for one, path in pairwise(given) if one == "--junit"]
    for path in map(Path, paths):
        with suppress(OSError, UnicodeDecodeError):
            with path.open(encoding="utf-8") as file:
                head = file.read(500)
            if 'name="jaxmle certify"' in head and 'errors="0"' in head:
                from jaxmle._ci import trouble_xml

                _write(path, trouble_xml(message, "certify"))


def _write(path: Path, text: str) -> None:
    from jaxmle._engine import whole_file

    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
