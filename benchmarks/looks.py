"""Looking more than once: the error of all looks together, and the labels that it takes.

    python -m benchmarks.looks           # some half hour on one busy core
    python -m benchmarks.looks --quick   # one cell, some minutes

Five looks at even steps, labels at random, a judge of TPR .9 and FPR .05. "fixed": one exact certificate at
the end. "naive": an exact one at every look, at the full error. "obrien-fleming", "pocock": `certify` with
`looks`; "... increments": each look by itself at its share of the error. "anytime": `confidence_sequence`
after every label. Shares certified are errors where the rate is the limit, else power; labels are those at
which one stops, at most all. Exact certificates are made only of data sets whose chi-square p-value is below
eight times the error of the look: others were never seen to pass. `looks` are used where a look by itself
does not certify and its p-value is at most what may be spent so far.
Rows are appended to `looks.csv` in `--out`; a run that was stopped goes on where it stopped.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks._samples import counts_label_by_label

TPR, FPR, LOOKS, ALPHA = 0.9, 0.05, 5, 0.05
BOUNDS = {
    "wide": ((0.75, 0.99), (0.0, 0.10)),
    "tight": ((0.87, 0.93), (0.03, 0.07)),
}
# Rates over the limit, at which "anytime" rejects too.
HIGHER = np.array([1.0, 1.05, 1.2, 1.6, 2.5, 5.0])
# Labels in all, judged items, rate, limit.
SETTINGS = (
    (100, 5000, 0.06, 0.06),
    (100, 5000, 0.02, 0.06),
    (300, 10_000, 0.05, 0.05),
    (300, 10_000, 0.02, 0.05),
)
METHODS = (
    "fixed",
    "naive",
    "obrien-fleming",
    "obrien-fleming increments",
    "pocock",
    "pocock increments",
    "anytime",
)
KEY = ("method", "bounds", "n", "N", "rate", "limit")
FIELDS = (*KEY, "data_sets", "certified", "standard_error", "mean_labels")


def stops(method: str, counts: Any, bounds: Any, limit: float) -> Any:
    """Labels at which each data set is certified, infinite where it never is."""
    n, size = counts.shape
    found = np.full(size, np.inf)
    if method == "anytime":
        from jaxmle._inference._arguments import checked_problem
        from jaxmle._inference._bets import Bets

        for start in range(0, size, 50):
            problem, _ = checked_problem(counts[:, start : start + 50], bounds, "internal")
            bets = Bets.of(problem, ALPHA, n)
            # The least over higher rates: some stand for the grid that `confidence_sequence` goes through.
            rates = np.broadcast_to(limit * HIGHER, (bets.cells.shape[1], HIGHER.size))
            stakes = bets.log_stakes(rates).min(-1)
            passed = stakes >= bets.wanted
            first = np.where(passed.any(0), np.argmax(passed, 0) + 1.0, np.inf)
            found[start : start + 50] = first
        return found
    for look in range(1, LOOKS + 1):
        if method == "fixed" and look < LOOKS:
            continue
        at = n * look // LOOKS
        open_ = np.flatnonzero(np.isinf(found))
        passed = certified(method, look, counts[at - 1, open_], bounds, limit)
        found[open_[passed]] = at
    return found


def certified(method: str, look: int, counts: Any, bounds: Any, limit: float) -> Any:
    """Which data sets a look certifies."""
    from jaxmle import Looks, fit
    from jaxmle._inference import asymptotic_p_values, certify_fit

    spending, _, increments = method.partition(" ")
    looks = None if method in ("fixed", "naive") else Looks(look, LOOKS, spending)  # type: ignore[arg-type]
    level = ALPHA if looks is None else looks.level(ALPHA)
    free = fit(counts, bounds)
    passed = np.zeros(counts.shape, bool)
    near = np.flatnonzero(asymptotic_p_values(free, np.full(counts.shape, limit)) < 8 * level)
    if near.size:
        alone = certify_fit(free[near], limit=limit, upper_limits=False, confidence=1 - level)
        passed[near] = alone.certified
        if looks is not None and not increments:
            # What earlier looks took makes p smaller, by all that they may spend at most.
            near = near[~alone.certified & (alone.p_value <= looks.levels(ALPHA).sum())]
        if looks is not None and not increments and near.size:
            passed[near] = certify_fit(free[near], limit=limit, upper_limits=False, looks=looks).certified
    return passed


def rows_of(cell: tuple[Any, ...], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """The row of a cell; all methods see the same data sets."""
    from jaxmle import Bounds

    method, name, n, judged, rate, limit = cell
    tpr, fpr = BOUNDS[name]
    # Errors are rare, and power is not; bets cost little.
    size = (4 if method == "anytime" else 1) * (size if rate == limit else size // 3)
    rng = np.random.default_rng([seed, n, round(1e4 * rate)])
    counts = counts_label_by_label(rng, rate, TPR, FPR, n, judged, size)
    found = stops(method, counts, Bounds(tpr=tpr, fpr=fpr), limit)
    share = float(np.mean(np.isfinite(found)))
    yield dict(zip(KEY, cell, strict=True)) | {
        "data_sets": size,
        "certified": share,
        "standard_error": float(np.sqrt(share * (1 - share) / size)),
        "mean_labels": float(np.mean(np.minimum(found, n))),
    }


def report(out: Path) -> None:
    """Print the table in Markdown."""
    rows = _results.read(out / "looks.csv")
    print("| labels, items | rate, limit | bounds | method | certified | mean labels |")
    print("|---|---|---|---|--:|--:|")
    for row in rows:
        share = f"{float(row['certified']):.3f} ({float(row['standard_error']):.3f})"
        where = f"{row['n']}, {row['N']} | {row['rate']}, {row['limit']} | {row['bounds']}"
        print(f"| {where} | {row['method']} | {share} | {float(row['mean_labels']):.0f} |")


def main() -> None:
    """Compute what is missing, then print the table."""
    parser = _results.grid_parser(__doc__, quick="one cell, some minutes", data_sets=150)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = [(method, name, *setting) for name in BOUNDS for setting in SETTINGS for method in METHODS]
    # What errors cost most to be found first.
    grid = sorted(grid, key=lambda cell: (cell[0] not in ("anytime", "obrien-fleming"), cell[4] != cell[5]))
    if arguments.quick:
        grid = [(method, "wide", *SETTINGS[0]) for method in METHODS]
    results = _results.Resumed(out / "looks.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    _results.fill([(results, rows_of, (cell, *given)) for cell in grid if not results.holds(*cell)])
    report(out)


if __name__ == "__main__":
    main()
