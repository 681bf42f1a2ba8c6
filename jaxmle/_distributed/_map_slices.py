"""The blocks that Spark maps, for any engine that maps a function over parts of a table."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._distributed._questions import Name, Question, question_of
from jaxmle._documents import Among, ColumnArrays, IntervalName
from jaxmle._engine import Engine
from jaxmle._inference import LEVEL, CertificateMethod, Target, check_whole
from jaxmle._simulation import Labels
from jaxmle._tables import COUNTS, UNJUDGED
from jaxmle._types import Array

Block = TypeVar("Block")


def map_slices(
    block: Block,
    question: Name = "estimate",
    *,
    by: str | Sequence[str] = (),
    n_slices: int | None = None,
    bounds: Bounds | None = None,
    calibration: Calibration = "internal",
    labels: Labels = "random",
    confidence: float = 0.95,
    interval: IntervalName = "profile",
    target: Target = "population",
    n_resamples: int = 10_000,
    limit: float | None = None,
    method: CertificateMethod = "exact",
    min_labels: int = 10,
    seed: int = 0,
    engine: Engine = "numpy",
) -> Block:
    """Answer a question about each slice of a block: what a worker of Ray, Dask or the like calls.

    A slice's numbers depend on its counts, the options and ``n_slices`` alone, not on its block: the answer
    is the same, bit for bit, however the slices are dealt out.

    Args:
        block: A row a slice: a pandas data frame, a pyarrow table or record batch, or arrays by name. Its
            columns are those of ``by``, the six counts of `Counts` as whole numbers, and, if you like,
            ``unjudged_failures`` and ``unjudged_passes``: what humans say of items that the judge gave no
            verdict.
        question: "estimate", "certify" or "bootstrap".
        by: Column or columns that name a slice; they are handed through.
        n_slices: How many slices there are in all blocks, >= 1; those of the block by default. Among many
            some look odd by chance: it decides about warnings, and about certificates of slices that
            contradict their bounds or the design (each at 1% / ``n_slices``).
        bounds: Bounds, the same for all slices; none by default.
        calibration: "internal" or "external", as in `fit`.
        labels: "random" or "by-verdict", as in `profile_interval`.
        confidence: Nominal coverage, in (0, 1); of certificates in [0.5, 1).
        interval: "profile", "chi-square" or "bootstrap", as in ``jaxmle estimate --interval``.
        target: "population" or "items", as in `profile_interval`.
        n_resamples: Bootstrap replicates, 2 to 2**25.
        limit: Failure rate to stay under, in (0, 1): with "certify".
        method: "exact" or "profile": with "certify".
        min_labels: Slices with fewer labels are marked.
        seed: Seed of all simulation, a whole number >= 0.
        engine: "numpy" or "jax". Answers of the two agree to rounding.

    Returns:
        A table of the kind of ``block``: the columns of ``by``, then those of ``jaxmle estimate --out``; of
        "certify" the verdict, p-value and upper limit; of "bootstrap" the interval and standard error.

    Raises:
        ValueError: An argument is out of range; a column is missing, or has a name that results have too; a
            count is no whole number; a slice is empty or impossible within the bounds.
        TypeError: ``block`` is no such table.

    Source:
        As `profile_interval`, `certify` and `bootstrap`.

    Examples:
        >>> import numpy as np
        >>> from jaxmle import Bounds
        >>> from jaxmle.distributed import map_slices
        >>> names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
        >>> rows = [[4, 1, 2, 43, 900, 9100], [9, 2, 1, 38, 200, 750]]
        >>> block = {"model": np.array(["a", "b"]), **dict(zip(names, np.array(rows).T))}
        >>> found = map_slices(block, by="model", bounds=Bounds(tpr=(0.7, 0.95)), interval="chi-square")
        >>> found["model"].tolist(), found["failure_rate"].round(3).tolist()
        (['a', 'b'], [0.081, 0.229])
    """
    keys = [by] if isinstance(by, str) else list(by)
    asked = question_of(
        question,
        keys,
        bounds,
        calibration=calibration,
        labels=labels,
        confidence=confidence,
        interval=interval,
        target=target,
        n_resamples=n_resamples,
        limit=limit,
        method=method,
        min_labels=min_labels,
        seed=seed,
        engine=engine,
    )
    asked.check_keys()
    if n_slices is not None:
        check_whole("n_slices", n_slices, 1)
    columns = columns_of(block, keys)
    size = len(columns[COUNTS[0]])
    many = max(n_slices or size, 1)
    return of_kind(block, asked, columns, answers_of(asked, columns, Among(many, LEVEL / many)))


def answers_of(question: Question, columns: ColumnArrays, among: Among) -> ColumnArrays:
    """Answers about a block's columns; none to a block without rows."""
    size = len(columns[COUNTS[0]])
    if not size:
        dtypes = {"BIGINT": np.int64, "DOUBLE": np.float64, "BOOLEAN": np.bool_, "VARCHAR": object}
        return {name: np.zeros(0, dtypes[kind]) for name, kind in question.types().items()}
    counts = Counts(*(_whole(name, columns[name]) for name in COUNTS))
    unjudged = np.stack([np.asarray(columns.get(name, np.zeros(size)), np.int64) for name in UNJUDGED[:2]], 1)
    keys = [columns[name] for name in question.analysis.by]
    return question.answers(counts, unjudged, keys, among)


def columns_of(block: Any, by: Sequence[str]) -> ColumnArrays:
    """ColumnArrays of a block as arrays.

    Raises:
        ValueError: One is missing.
        TypeError: It is no table.
    """
    names = getattr(block, "column_names", None) or getattr(getattr(block, "schema", None), "names", None)
    names = names or getattr(block, "columns", None)
    if names is None:
        if not isinstance(block, Mapping):
            raise TypeError(
                "`block` must be a pandas data frame, a pyarrow table or record batch, or arrays by name; "
                f"got {type(block).__name__}."
            )
        names = block
    names = list(names)
    lacking = [name for name in (*by, *COUNTS) if name not in names]
    if lacking:
        raise ValueError(f"`block` has no column {lacking[0]!r}. Its columns: {', '.join(map(str, names))}.")
    names_read = [*by, *COUNTS, *(name for name in UNJUDGED[:2] if name in names)]
    if hasattr(block, "column_names") or hasattr(block, "schema"):
        return {name: block.column(name).to_numpy(zero_copy_only=False) for name in names_read}
    return {name: np.asarray(block[name]) for name in names_read}


def of_kind(block: Any, question: Question, columns: ColumnArrays, found: ColumnArrays) -> Any:
    """Results as a table of the kind of the block."""
    keys = {name: columns[name] for name in question.analysis.by}
    if isinstance(block, Mapping):
        return keys | found
    if hasattr(block, "schema"):
        import pyarrow as pa

        given = {name: block.column(name) for name in keys}
        made = given | {name: pa.array(column, from_pandas=True) for name, column in found.items()}
        kind = pa.RecordBatch if isinstance(block, pa.RecordBatch) else pa.table
        return kind.from_pydict(made) if kind is pa.RecordBatch else pa.table(made)
    import pandas as pd

    return pd.DataFrame({**{name: block[name] for name in keys}, **found}, index=block.index)


def _whole(name: str, column: Array) -> Array:
    """A column of counts.

    Raises:
        ValueError: One is none.
    """
    try:
        values = np.asarray(column, np.float64)
    except (TypeError, ValueError):
        values = np.full(len(column), np.nan)
    bad = ~((values >= 0) & (values == np.floor(values)))
    if bad.any():
        at = int(np.argmax(bad))
        raise ValueError(f"column {name!r} must hold whole numbers >= 0; got {column[at]!r} in row {at}.")
    return values.astype(np.int64)
