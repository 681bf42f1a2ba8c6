"""A bar on standard error for long runs, where that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Counts finished work; called from several threads."""

    def advance(self, done: int) -> None:
        """Add ``done`` to the work finished."""


@contextmanager
def progress_bar(wanted: bool, total: int, label: str) -> Iterator[Progress | None]:
    """Show a bar while the block runs; None where none is wanted or nobody would see it."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)

        class Shown:
            def advance(self, done: int) -> None:
                bar.advance(task, done)

        yield Shown()
