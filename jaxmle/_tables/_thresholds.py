"""What each threshold makes of a graded judge."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jaxmle._tables._aggregate import Roles, grouped, is_number, number_of, without_percent
from jaxmle._tables._meaning import Meaning, coders_of, failures_of
from jaxmle._tables._source import Source

if TYPE_CHECKING:
    from jaxmle._data import Counts

# More distinct scores than these are cut at these quantiles of failures, passes and the rest.
_MOST_CUTS = 12
_SHARES = (0.0, 0.1, 0.5, 0.9, 1.0)


def counts_below(source: Source, roles: Roles, meaning: Mapping[str, Any]) -> list[tuple[float, "Counts"]]:
    """Counts where scores of the judge below a cut are failures, for each cut from low to high.

    Args:
        source: An opened file.
        roles: Which columns are what; no slices.
        meaning: What human verdicts mean, as arguments of `count_rows`; those of the judge are not used.

    Returns:
        Each distinct score but the lowest, or quantiles where there are many, and the counts of all rows with
        a score.

    Raises:
        UnclearMeaningError: The name of the human's column says that its 1 is good, and nothing was said.
    """
    from jaxmle._data import Counts

    of_human = {name: value for name, value in meaning.items() if not name.startswith("judge_")}
    said = Meaning.of(**of_human, judge_threshold="0")
    staged = source.stage(grouped(source, roles))
    coders = coders_of(source, staged, roles, said)
    failures_of(source, staged, roles, said, coders)  # which raises where the human's meaning is open
    human, score = coders["h"]("h"), without_percent("j")
    numbers = f"SELECT {number_of(score)} AS score, {human} AS h, n FROM {staged} WHERE {is_number(score)}"
    scores = f"({numbers}) AS scored"
    cuts = [row[0] for row in source.query(f"SELECT DISTINCT score FROM {scores} ORDER BY score LIMIT 50")]
    if len(cuts) > _MOST_CUTS + 1:
        found = source.query(
            f"SELECT quantile_disc(score, {list(_SHARES)}) FROM {scores} GROUP BY coalesce(h, -1)"
        )
        # Scores of few failures lie beyond most quantiles of all scores.
        cuts = sorted(set(cuts[:1]).union(*(quantiles for (quantiles,) in found)))
    cuts = cuts[1:]
    if not cuts:
        return []
    below = ", ".join(
        f"sum(CASE WHEN score < {cut!r} THEN n ELSE 0 END) AS b{i}" for i, cut in enumerate(cuts)
    )
    rows = source.query(f"SELECT h, sum(n) AS n, {below} FROM {scores} GROUP BY h")
    by_human = {row[0]: [int(value) for value in row[1:]] for row in rows}
    nothing = [0] * (len(cuts) + 1)
    failures, passes, others = (by_human.get(human, nothing) for human in (1, 0, None))
    return [
        (
            float(cut),
            Counts(
                failures[i],
                failures[0] - failures[i],
                passes[i],
                passes[0] - passes[i],
                others[i],
                others[0] - others[i],
            ),
        )
        for i, cut in enumerate(cuts, start=1)
    ]
