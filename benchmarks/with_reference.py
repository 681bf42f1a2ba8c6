"""Do certificates from own labels and a reference keep their promise where own labels hold few failures?

    python -m benchmarks.with_reference           # all cells, some minutes
    python -m benchmarks.with_reference --quick   # one cell, some seconds

Fifty own labels, 2,000 judged items and a reference of the same judge, a quarter of it failures. The limit
asked about is the true rate, so that each certificate is an error: "chi_square" by the distribution of the
likelihood ratio, "simulated" as `certify` does it (199 draws here; what chi-square gives a p-value above .15
is taken as refused). "covered" is how often the chi-square interval of 95% holds the rate. Rows are added to
`with_reference.csv` in `--out`; a run that was stopped goes on where it stopped.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks._samples import flag_rate

N_LABELS, N_JUDGED = 50, 2000
RATES = (0.03, 0.06)
JUDGES = ((0.9, 0.05), (0.6, 0.1))
REFERENCES = ((50, 1.0), (50, 0.3), (400, 1.0), (400, 0.3))
KEY = ("rate", "tpr", "fpr", "reference", "discount")
FIELDS = (*KEY, "data_sets", "chi_square", "simulated", "covered")
_DRAWS, _SURE = 199, 0.15


def rows_of(cell: tuple[float, ...], size: int, seed: int) -> Iterator[dict[str, Any]]:
    """Shares of false certificates, and the coverage, of a cell."""
    from jaxmle import Counts, fit
    from jaxmle._inference._mixed import mixed_statistic
    from jaxmle._inference._mixed_draws import MixedTest
    from jaxmle._stats import tail_of_t

    rate, tpr, fpr, n, discount = cell
    rng = np.random.default_rng([seed, *(round(1000 * value) for value in cell)])
    failures = rng.binomial(N_LABELS, rate, size)
    tp, fp = rng.binomial(failures, tpr), rng.binomial(N_LABELS - failures, fpr)
    flagged = rng.binomial(N_JUDGED, flag_rate(rate, tpr, fpr), size)
    known, none = int(n) // 4, np.zeros(size)
    caught, wrong = rng.binomial(known, tpr, size), rng.binomial(int(n) - known, fpr, size)
    own = Counts(tp, failures - tp, fp, N_LABELS - failures - fp, flagged, N_JUDGED - flagged)
    reference = Counts(caught, known - caught, wrong, int(n) - known - wrong, none, none)
    free, at = fit(own, external=reference, discount=discount), np.full(size, rate)
    statistic = mixed_statistic(free, at)
    p_value = np.where(free.failure_rate_set[1] < rate, tail_of_t(np.sqrt(statistic), at + np.inf), 1.0)
    simulated, open_ = p_value.copy(), np.flatnonzero(p_value < _SURE)
    test = MixedTest(free[open_], "random", seed, _DRAWS, None)
    simulated[open_] = test.p_values(at[open_], statistic[open_])
    interval = free.interval()
    yield dict(zip(KEY, cell, strict=True)) | {
        "data_sets": size,
        "chi_square": float(np.mean(p_value <= 0.05)),
        "simulated": float(np.mean(simulated <= 0.05)),
        "covered": float(np.mean((interval.low <= rate) & (rate <= interval.high))),
    }


def report(out: Path) -> None:
    """Print the table in Markdown."""
    print("| rate | TPR, FPR | labels, each counts for | errors, chi-square | simulated | covered |")
    print("|--:|---|---|--:|--:|--:|")
    for row in _results.numbers(out / "with_reference.csv"):
        which = f"{row['reference']:.0f}, {row['discount']:g}"
        shares = " | ".join(f"{row[name]:.3f}" for name in ("chi_square", "simulated", "covered"))
        print(f"| {row['rate']:g} | {row['tpr']:g}, {row['fpr']:g} | {which} | {shares} |")


def main() -> None:
    """Compute what is missing, then print the table."""
    parser = _results.grid_parser(__doc__, quick="one cell, some seconds", data_sets=250)
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    grid = [(rate, *judge, *some) for rate, judge, some in itertools.product(RATES, JUDGES, REFERENCES)]
    results = _results.Resumed(out / "with_reference.csv", FIELDS, KEY)
    given = arguments.data_sets, arguments.seed
    cells = [cell for cell in grid[: 1 if arguments.quick else None] if not results.holds(*map(float, cell))]
    _results.fill([(results, rows_of, (tuple(map(float, cell)), *given)) for cell in cells])
    report(out)


if __name__ == "__main__":
    main()
