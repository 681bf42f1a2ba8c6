"""Slices in Spark: counted there, and answered for by its workers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

from jaxmle._data import Bounds, Calibration
from jaxmle._distributed._map_slices import answers_of, columns_of
from jaxmle._distributed._questions import Name, Question, question_of
from jaxmle._documents import Among, IntervalName, can_be_wrong
from jaxmle._engine import Engine
from jaxmle._inference import LEVEL, CertificateMethod, Target
from jaxmle._simulation import Labels
from jaxmle._tables import COUNTS, MEANING, UNJUDGED, OnInvalid, Roles, count_in_spark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from jaxmle._tables import Said

# Parts a core: the slowest then keeps the others waiting for a quarter of its share at most.
_PARTS_PER_CORE = 4
_SPARK_TYPES = {"BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean", "VARCHAR": "string"}


class Options(TypedDict, total=False):
    """What may be said of the rows, of the data and of the run: as in `tables.count` and `fit`."""

    where: str | None
    failure: "Said"
    judge_failure: "Said"
    human_failure: "Said"
    passes: "Said"
    judge_threshold: str | float | None
    human_threshold: str | float | None
    on_invalid: OnInvalid
    bounds: Bounds | None
    calibration: Calibration
    labels: Labels
    confidence: float
    min_labels: int
    seed: int
    engine: Engine
    partitions: int | None


def estimate(
    df: "DataFrame",
    *,
    judge: str,
    human: str,
    by: str | Sequence[str] = (),
    interval: IntervalName = "profile",
    target: Target = "population",
    n_resamples: int = 10_000,
    **options: Unpack[Options],
) -> "DataFrame":
    """Estimate the failure rate of each slice in Spark.

    Spark counts the verdicts, six numbers a slice, and its workers fit the slices, for which jaxmle must be
    installed on them. Rows and results stay in Spark. A slice's random numbers are told by the seed and its
    counts, so that the answer is the same bits whatever the number of workers, and those of
    ``jaxmle estimate --by ... --out``.

    Args:
        df: Rows of verdicts: a data frame of Spark 3.5 or newer.
        judge: Column of judge verdicts.
        human: Column of human verdicts, blank where nobody labelled.
        by: Column or columns that make the slices; all rows are one without any.
        interval: "profile", "chi-square" or "bootstrap", as in ``jaxmle estimate --interval``.
        target: "population" or "items", as in `profile_interval`.
        n_resamples: Bootstrap replicates, 2 to 2**25.
        **options: ``where``, ``failure``, ``judge_failure``, ``human_failure``, ``passes``,
            ``judge_threshold``, ``human_threshold`` and ``on_invalid`` as in `tables.count`; ``bounds``, the
            same for all slices, ``calibration``, ``labels``, ``confidence``, ``min_labels`` and ``seed`` as
            in `distributed.map_slices`; ``engine``, "numpy" (default) or "jax", which then must be on the
            workers; and ``partitions``, parts that the slices are dealt out in, four a core by default.

    Returns:
        A data frame of Spark, computed when it is asked: a row a slice, the columns of
        ``jaxmle estimate --out`` as `docs/guides/many-slices.md` shows them, keys as text.

    Raises:
        ValueError: As `tables.count`; an option is out of range; or ``weight`` or ``cluster`` is given: count
            by `tables.count` then. That the bounds leave some slice no feasible point is an error of the
            workers, raised when the result is computed.
        TypeError: There is no such option.

    Source:
        As `fit` and `profile_interval`.

    Examples:
        >>> from jaxmle import spark
        >>> spark.estimate(None, judge="judge", human="human", by="model", bound=None)
        Traceback (most recent call last):
        ...
        TypeError: there is no option 'bound'.
    """
    own = {"interval": interval, "target": target, "n_resamples": n_resamples}
    return _asked("estimate", df, judge, human, by, options, own)


def certify(
    df: "DataFrame",
    *,
    judge: str,
    human: str,
    by: str | Sequence[str] = (),
    limit: float,
    method: CertificateMethod = "exact",
    **options: Unpack[Options],
) -> "DataFrame":
    """Decide in Spark whether the failure rate of each slice is below a limit.

    Args:
        df: Rows of verdicts, as in `estimate`.
        judge: Column of judge verdicts.
        human: Column of human verdicts, blank where nobody labelled.
        by: Column or columns that make the slices; all rows are one without any.
        limit: Failure rate to stay under, in (0, 1).
        method: "exact" or "profile", as in `certify`.
        **options: As in `estimate`. Verdicts are each by itself; `adjust_p_values` takes the column
            ``p_value`` of all slices together.

    Returns:
        A data frame of Spark: a row a slice with its counts, ``certified``, ``p_value``, ``upper_limit``,
        ``failure_rate``, ``at_bound`` and ``warnings``, as ``jaxmle certify --by ... --json`` tells them.

    Raises:
        ValueError: As `estimate`.
        TypeError: There is no such option.

    Source:
        As `certify`.

    Examples:
        >>> from jaxmle import spark
        >>> spark.certify(None, judge="judge", human="human", limit=1.5)
        Traceback (most recent call last):
        ...
        ValueError: `limit` must lie in (0, 1); got 1.5.
    """
    return _asked("certify", df, judge, human, by, options, {"limit": limit, "method": method})


def bootstrap(
    df: "DataFrame",
    *,
    judge: str,
    human: str,
    by: str | Sequence[str] = (),
    n_resamples: int = 10_000,
    **options: Unpack[Options],
) -> "DataFrame":
    """Bootstrap the estimate of each slice in Spark.

    Args:
        df: Rows of verdicts, as in `estimate`.
        judge: Column of judge verdicts.
        human: Column of human verdicts, blank where nobody labelled.
        by: Column or columns that make the slices; all rows are one without any.
        n_resamples: Replicates of each slice, 2 to 2**25.
        **options: As in `estimate`.

    Returns:
        A data frame of Spark: a row a slice with its counts, ``failure_rate``, ``low`` and ``high``
        (percentile), ``standard_error``, ``share_at_bound``, ``identified`` and ``warnings``. Slices that do
        not determine their failure rate have no numbers.

    Raises:
        ValueError: As `estimate`.
        TypeError: There is no such option.

    Source:
        As `bootstrap`.

    Examples:
        >>> from jaxmle import spark
        >>> spark.bootstrap(None, judge="judge", human="human", n_resamples=1)
        Traceback (most recent call last):
        ...
        ValueError: `n_resamples` must be a whole number from 2 to 33,554,432; got 1.
    """
    return _asked("bootstrap", df, judge, human, by, options, {"n_resamples": n_resamples})


def _asked(
    name: Name,
    df: "DataFrame",
    judge: str,
    human: str,
    by: str | Sequence[str],
    options: Options,
    own: dict[str, Any],
) -> "DataFrame":
    """The data frame of answers."""
    given: dict[str, Any] = dict(options)
    _refuse_sums(given)
    of_rows = {key: given.pop(key) for key in (*MEANING, "on_invalid") if key in given}
    where, partitions, bounds = (given.pop(key, None) for key in ("where", "partitions", "bounds"))
    columns = [by] if isinstance(by, str) else list(dict.fromkeys(by))
    question = question_of(name, columns, bounds, **given, **own)
    question.check_keys()
    counts, n_slices = count_in_spark(df, Roles(judge, human, tuple(columns), where=where), **of_rows)
    keys = [f"k{i}" for i in range(len(columns))]
    n_parts = partitions or _parts(df.sparkSession)
    # By key, so that a part that is computed again holds the same slices.
    dealt = counts.repartition(min(n_parts, n_slices), *keys) if keys else counts
    among = Among(n_slices)
    if can_be_wrong(question.analysis.bounds):
        found = dealt.mapInArrow(_Odd(question, among), "p_value double").collect()
        among = Among.of(np.array([row[0] for row in found], np.float64), n_slices)
    names = columns or ["slice"]
    fields = [(name, "string") for name in names]
    fields += [(name, _SPARK_TYPES[kind]) for name, kind in question.types().items()]
    schema = ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, kind in fields)
    return dealt.mapInArrow(_Answers(question, among, tuple(names)), schema)


def _refuse_sums(options: dict[str, Any]) -> None:
    """Raise ``ValueError`` where items are weighted or clustered: six numbers a slice do not tell how far."""
    for name in ("weight", "cluster"):
        if options.pop(name, None) is not None:
            raise ValueError(
                f"`{name}` does not go with `spark`, whose workers fit six counts a slice: count in Spark by "
                f"`tables.count(df, {name}=..., ...)`, and go on with what it returns on one machine."
            )


def _parts(session: Any) -> int:
    """Parts to deal the slices out in."""
    try:
        return _PARTS_PER_CORE * int(session.sparkContext.defaultParallelism)
    except Exception:  # Spark Connect has no context, and several ways to say so
        return int(session.conf.get("spark.sql.shuffle.partitions"))


@dataclass(frozen=True)
class _Odd:
    """Maps batches of counts to the p-values against their bounds that may contradict these."""

    question: Question
    among: Among

    def __call__(self, batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        from jaxmle._data import Counts

        for batch in batches:
            if batch.num_rows:
                columns = columns_of(batch, ())
                part = self.question.part(Counts(*(columns[name] for name in COUNTS)), self.among)
                p_value, _ = part.bounds_check
                yield pa.RecordBatch.from_pydict({"p_value": pa.array(p_value[p_value <= LEVEL])})


@dataclass(frozen=True)
class _Answers:
    """Maps batches of counts to results."""

    question: Question
    among: Among
    names: tuple[str, ...]

    def __call__(self, batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        types: dict[str, Callable[[], Any]] = {
            "BIGINT": pa.int64,
            "DOUBLE": pa.float64,
            "BOOLEAN": pa.bool_,
            "VARCHAR": pa.string,
        }
        by = self.question.analysis.by
        places = [f"k{i}" for i in range(len(by))]
        for batch in batches:
            if not batch.num_rows:
                continue
            columns = columns_of(batch, places)
            named = {name: columns[place] for name, place in zip(by, places, strict=True)}
            numbers = {name: columns[name] for name in (*COUNTS, *UNJUDGED[:2])}
            found = answers_of(self.question, named | numbers, self.among)
            keys = [batch.column(place) for place in places] or [pa.array(["all"] * batch.num_rows)]
            made = dict(zip(self.names, keys, strict=True))
            for name, kind in self.question.types().items():
                made[name] = pa.array(found[name], types[kind](), from_pandas=True)
            yield pa.RecordBatch.from_pydict(made)
