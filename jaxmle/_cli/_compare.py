"""`jaxmle compare`: do two systems fail at different rates?"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from jaxmle._cli._options import check_choice, option, parse_range
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._cli._with_reading import with_reading
from jaxmle._types import Array, Pair

if TYPE_CHECKING:
    from jaxmle._documents import AnalysisSettings


@partial(with_reading, without=("human_file", "human_where", "design", "id", "weight", "seed"))
def compare(
    reading: Reading,
    other: Annotated[
        str | None,
        typer.Argument(
            help="The second system's file; by default FILE, in other columns or other rows of it.",
            metavar="OTHER",
        ),
    ] = None,
    judge_b: Annotated[
        list[str] | None, option("Judge verdicts of the second, if not as --judge (repeatable).")
    ] = None,
    human_b: Annotated[
        list[str] | None, option("Human verdicts of the second, if not as --human (repeatable).")
    ] = None,
    where_b: Annotated[
        str | None, option("Rows of the second, if not as --where: model = 'b'.", metavar="SQL")
    ] = None,
    id: Annotated[
        str | None,
        option(
            "Column that names an item in both: those in both are compared in pairs, which is sharper. Rows "
            "that share it belong together."
        ),
    ] = None,
    judge_rates: Annotated[
        str,
        option(
            "Judge's TPR and FPR: separate (a pair for each system) or common (one for both: far sharper, "
            "and wrong if the judge sees failures of one better).",
            metavar="HOW",
        ),
    ] = "separate",
    counts_b: Annotated[str | None, option("--counts of the second.", "SIX")] = None,
    tpr_b: Annotated[str | None, option("--tpr of the second, if another.", metavar="LO:HI")] = None,
    fpr_b: Annotated[str | None, option("--fpr of the second, if another.", metavar="LO:HI")] = None,
    adjustment: Annotated[
        str,
        option(
            "For slices: none, holm (no false difference among all) or benjamini-hochberg.", metavar="HOW"
        ),
    ] = "none",
) -> int:
    """Compare two systems' failure rates: exit status 0 no difference found, 1 difference, 2 trouble.

    Two files; or one file with --judge-b and --human-b (two columns of verdicts a row, compared in pairs) or
    with --where-b (rows of another model). With --by any slice that differs is a difference. --cluster takes
    rows that share a value together, in either system and over both, so that it also pairs what is in both.
    """
    check_choice("--judge-rates", judge_rates, "compare")
    check_choice("--adjustment", adjustment)
    for named, text in (("--tpr-b", tpr_b), ("--fpr-b", fpr_b)):
        if text is not None:
            parse_range(named, text)
    if (reading.counts is None) != (counts_b is None):
        raise ValueError("--counts and --counts-b go together: give both or none.")
    if reading.counts is None and other is None and not (judge_b or human_b or where_b is not None):
        raise ValueError(
            "compare FILE with what? Name a second file, or the second system's columns (--judge-b, "
            "--human-b) or rows (--where-b)."
        )
    if reading.file == "-" and other in (None, "-"):
        raise ValueError("standard input can be read once, so it is one of two files.")
    from jaxmle._tables import (
        ROW,
        Table,
        aligned_clusters,
        names_of,
        number_rows,
        pairs_of,
        shared_slices,
        with_clusters,
    )

    if reading.counts is None and reading.file is None:
        raise ValueError("name the FILE of verdicts, or give --counts and --counts-b in place of files.")
    clustered = reading.cluster is not None
    by_row = reading.counts is None and other is None and where_b is None and id is None and not clustered
    cluster = reading.cluster or (ROW if by_row else id)
    second = replace(
        reading,
        file=other or reading.file,
        judge=judge_b or reading.judge,
        counts=counts_b,
        human=human_b or reading.human,
        where=reading.where if where_b is None else where_b,
        tpr=tpr_b or reading.tpr,
        fpr=fpr_b or reading.fpr,
    )
    read: list[tuple[Any, Any]] = []
    names: list[Any] = []
    for one in (reading, second):
        if one.counts is not None:
            read.append(one.read())
            names.append(None)
            continue
        opened = Table(one.file)
        if by_row:
            number_rows(opened)
        read.append(replace(one, file=cast(Any, opened), cluster=cluster).read())
        names.append(names_of(opened) if cluster else None)
    (a, claims_a), (b, claims_b) = read
    first, last, alone = shared_slices(a, b)
    # Clusters are for pairing here: that they widen the interval is asked for with --cluster.
    tables = replace(a[first], total_clusters=None), replace(b[last], total_clusters=None)
    pairs = clusters = None
    if cluster and reading.counts is None:
        both = aligned_clusters(*tables, cast(Pair, tuple(names)))
        if clustered:
            clusters, tables = both, (with_clusters(tables[0], both[0]), with_clusters(tables[1], both[1]))
        else:
            pairs = pairs_of(both, cast(Pair, tuple(names)), cluster)
    from jaxmle._documents import Arm, compare_document
    from jaxmle._terminal import compare_table

    analysis = _of_slices(claims_a, first, len(a.keys)), _of_slices(claims_b, last, len(b.keys))
    labels = _labels(reading, second)
    document = compare_document(
        (Arm(labels[0], tables[0], analysis[0]), Arm(labels[1], tables[1], analysis[1])),
        judge_rates=cast(Any, judge_rates),
        pairs=pairs,
        clusters=clusters,
        adjustment=cast(Any, adjustment),
        alone=alone,
    )
    show(document, reading.as_json, compare_table)
    return 1 if document["different"] else 0


def _of_slices(analysis: "AnalysisSettings", index: Array, size: int) -> "AnalysisSettings":
    """AnalysisSettings of some slices; bounds by slice have those of the total at the end."""
    if not (analysis.by and analysis.bounds.shape):
        return analysis
    return replace(analysis, bounds=analysis.bounds_of([*index, size]))


def _labels(first: Reading, second: Reading) -> list[str]:
    """What tells the two from each other; where nothing does, what both are read from."""
    sides = ("file", "counts", "judge", "human", "where")
    unlike = [name for name in sides if getattr(first, name) != getattr(second, name)]
    unlike = unlike or [name for name in ("file", "counts") if getattr(first, name)]
    return [", ".join(f"{name} {_named(getattr(one, name))}" for name in unlike) for one in (first, second)]


def _named(value: str | list[str] | None) -> str:
    if value is None:
        return "everywhere"
    return ", ".join(value) if isinstance(value, list) else str(value)
