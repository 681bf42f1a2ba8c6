"""DuckDB in memory, silent."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect() -> tuple["DuckDBPyConnection", type[Exception]]:
    """Open a database in memory that shows no progress bar; also what it raises."""
    import duckdb  # a sixth of a second that a misspelt option need not pay

    connection = duckdb.connect(":memory:")
    # In notebooks without ipywidgets there is no bar, and merely to set the option is an error.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() != [(False,)]:
        connection.execute("SET enable_progress_bar = false")
    return connection, duckdb.Error
