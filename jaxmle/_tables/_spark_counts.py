"""Counts by slice that stay in Spark."""

from typing import Any

from jaxmle._tables._aggregate import BAD, BAD_HUMAN, BAD_JUDGE, COUNTS, UNJUDGED, Roles, six_numbers
from jaxmle._tables._checks import check_names
from jaxmle._tables._count import OnInvalid, check_on_invalid, check_roles, verdict_codes
from jaxmle._tables._invalid import raise_invalid
from jaxmle._tables._spark import SparkTable


def count_in_spark(
    frame: Any, roles: Roles, *, on_invalid: OnInvalid = "error", **meaning: Any
) -> tuple[Any, int]:
    """Counts by slice as a data frame of Spark, and how many slices there are.

    Args:
        frame: Rows of verdicts.
        roles: Which columns are what.
        on_invalid: What to do with words that are no verdicts, as in `tables.count`.
        **meaning: What verdicts mean, likewise.

    Returns:
        A data frame with a row for each slice that holds a judge verdict: columns k0, k1, ..., the six counts
        and what humans say of rows without a judge verdict.

    Raises:
        ValueError: As `tables.count`.
    """
    from pyspark.sql import functions

    source = SparkTable(frame, keeps=True)
    check_on_invalid(on_invalid)
    check_names(roles, ())
    check_roles(source, roles)
    with source.released():
        staged, coders, _ = verdict_codes(source, roles, **meaning)
        counts = source.frame_of(six_numbers(staged, roles, coders["j"]("j"), coders["h"]("h")))
        judged = functions.expr(f"{' + '.join(COUNTS)} > 0")
        sums = (*BAD, f"CAST({' + '.join(COUNTS)} > 0 AS INT)", " + ".join((*COUNTS, *UNJUDGED, *BAD)))
        found = counts.agg(*(functions.expr(f"sum({one})") for one in sums)).first()
        *bad, n_slices, n_rows = (int(n or 0) for n in found)
    if not n_rows:
        reason = "no row meets the condition" if roles.where else "it has no rows"
        raise ValueError(f"cannot use {source.name}: {reason}.")
    if on_invalid == "error" and any(bad):
        kinds = [kind for kind, n in zip((BAD_JUDGE, BAD_HUMAN), bad, strict=True) if n]
        raise_invalid(source, roles, coders, kinds)
    if not n_slices:
        raise ValueError(f"column {roles.judge!r} of {source.name} holds no judge verdicts.")
    return counts.where(judged).drop(UNJUDGED[-1], *BAD), n_slices
