"""`jaxmle plan --given`: how many more labels, with those at hand."""

from typing import Any

from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show


def plan_given(reading: Reading, **goal: Any) -> int:
    """Plan further labels of a file, of each of its slices where there are any; return the exit status."""
    table, analysis = reading.read()
    from jaxmle._documents import plan_given_document
    from jaxmle._terminal import plan_table

    document = plan_given_document(table, analysis, source=reading.source, progress=True, **goal)
    show(document, reading.as_json, plan_table)
    return 0 if document["reached"] else 1
