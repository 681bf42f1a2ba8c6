"""Rows of verdicts straight into an estimator: what names their columns, and their counts."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypedDict

if TYPE_CHECKING:
    from jaxmle._data import Counts, LabelDesign
    from jaxmle._tables._count import Missing, OnInvalid
    from jaxmle._tables._meaning import Said


class HasColumns(Protocol):
    """A data frame or table: of pandas, polars, pyarrow or Ibis."""

    @property
    def columns(self) -> object:
        """Its columns, or their names."""


Rows: TypeAlias = str | os.PathLike[str] | Sequence[Mapping[str, object]] | HasColumns


class Columns(TypedDict, total=False):
    """Arguments of `count`: which columns of rows are what, and what their verdicts mean."""

    judge: "str | Sequence[str] | None"
    human: "str | Sequence[str]"
    by: "str | Sequence[str]"
    weight: str | None
    cluster: str | None
    failure: "Said"
    judge_failure: "Said"
    human_failure: "Said"
    passes: "Said"
    judge_threshold: str | float | None
    human_threshold: str | float | None
    where: str | None
    on_invalid: "OnInvalid"
    human_source: object
    id: "str | Sequence[str] | None"
    human_where: str | None
    combine: str | int | None
    human_combine: str | int | None
    missing: "Missing"
    design: "LabelDesign | str | os.PathLike[str] | None"


def counts_of_rows(rows: Rows, columns: Columns) -> tuple["Counts", list[str]]:
    """Count rows by slice, as `count` does.

    Returns:
        The counts, scalar without slices, and a sentence for each kind of rows that were left out.

    Raises:
        ValueError: As `count`; or there are weights or clusters, which counts alone do not tell.
        TypeError: ``rows`` is nothing that holds rows, or ``human`` is not named.
    """
    from jaxmle._tables._count import count

    if "human" not in columns and "design" not in columns:
        raise TypeError("`human` must name the column of human verdicts.")
    table = count(rows, **columns)
    lost = [f"{n:,} of {table.n_rows:,} rows left out: {reason}." for reason, n in table.dropped.items()]
    return table.as_counts(), lost
