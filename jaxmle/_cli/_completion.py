"""What a shell offers for the value of an option: its choices, or the columns of the files on the line."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from jaxmle._cli._options import CHOICES, choices_of

# Larger files would keep whoever types waiting; of other kinds all is read to tell the columns.
_LARGEST = 20_000_000
_KINDS = (".csv", ".tsv", ".jsonl", ".parquet")
# A shell puts in a name as it is: none may hold what it acts on.
_HARMLESS = re.compile(r"\w[\w.-]*")
_ARGUMENTS = ("file", "other")
# Options that name the file whose columns these are, where it is not FILE.
_SOURCES = {
    "human": ("human_file", "file", "given"),
    "judge_b": ("other", "file"),
    "human_b": ("other", "file"),
    "reference_by": ("reference",),
    "borrow_by": ("borrow",),
    "label_column": ("take",),
}


def completion_of(name: str, metavar: str | None) -> Callable[..., list[str]] | None:
    """What offers values of an option; None leaves it to the shell, which knows files."""
    if name in CHOICES or any(one.endswith(f".{name}") for one in CHOICES):

        def choices(ctx: Any, incomplete: str) -> list[str]:
            return _begun(choices_of(name, ctx.info_name), incomplete)

        return choices
    if metavar == "COL":

        def columns(ctx: Any, incomplete: str) -> list[str]:
            # While the value of an option is awaited, words that belong to none are not yet given out.
            given = dict(zip(_ARGUMENTS, ctx.args, strict=False))
            given |= {one: value for one, value in ctx.params.items() if value}
            files = (given[one] for one in _SOURCES.get(name, ("file", "given")) if one in given)
            return _begun(_columns(next(files, "")), incomplete)

        return columns
    return None


def _begun(values: tuple[str, ...], incomplete: str) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]


def _columns(file: str | Path | list[str]) -> tuple[str, ...]:
    """Columns of a file, if it is small and of a kind whose head tells them; none where it cannot be read."""
    from jaxmle._tables import open_source

    path = Path(file[0] if isinstance(file, list) else file)
    with suppress(Exception):  # whatever is wrong with it, the command will say
        if path.suffix.lower() in _KINDS and path.is_file() and path.stat().st_size <= _LARGEST:
            return tuple(name for name in open_source(str(path)).columns if _HARMLESS.fullmatch(name))
    return ()
