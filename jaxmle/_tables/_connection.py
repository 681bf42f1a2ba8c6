"""DuckDB in memory: silent, and without a way to anything but the files it is told of."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from jaxmle._tables._files import pattern_of, quote_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Extensions that are not built in are neither fetched nor loaded, whatever a query asks for.
_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


def connect(paths: Iterable[Path] = ()) -> tuple["DuckDBPyConnection", type[Exception]]:
    """Open a database in memory that shows no progress bar; also what it raises.

    Args:
        paths: The only files that it may read and write. Neither this nor any other setting can be changed
            afterwards.
    """
    import duckdb  # a sixth of a second that a misspelt option need not pay

    connection = duckdb.connect(":memory:", config=_CONFIGURATION)
    # In notebooks without ipywidgets there is no bar, and merely to set the option is an error.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() != [(False,)]:
        connection.execute("SET enable_progress_bar = false")
    allowed = {text for path in paths for text in (str(path), pattern_of(path))}
    # What does not fit into memory goes here, not into the folder that somebody works in.
    spill = str(Path(tempfile.gettempdir(), f"jaxmle-{uuid4().hex}"))
    for setting in (
        "python_enable_replacements = false",
        f"temp_directory = {quote_text(spill)}",
        f"allowed_paths = [{', '.join(map(quote_text, sorted(allowed)))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection, duckdb.Error
