"""Where rows come from."""

import os

from jaxmle._tables._source import Source
from jaxmle._tables._table import Table


def open_source(source: object) -> Source:
    """Open rows of verdicts.

    Raises:
        ValueError: A file is missing, unreadable, empty, or of no known kind.
        TypeError: ``source`` is nothing that holds rows.
    """
    if isinstance(source, str | os.PathLike):
        return Table(os.fspath(source))
    library = type(source).__module__.partition(".")[0]
    if library == "pyspark" and hasattr(source, "sparkSession"):
        from jaxmle._tables._spark import SparkTable

        return SparkTable(source)
    if library == "ibis":
        from jaxmle._tables._ibis import open_ibis

        return open_ibis(source)
    return Table(source)
