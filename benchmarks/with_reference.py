"""Do certificates and intervals with a reference keep their promise where own labels hold few failures?

    python -m benchmarks.with_reference           # all cells, some minutes
    python -m benchmarks.with_reference --quick   # one cell, some seconds

Fifty own labels, 2,000 judged items and a reference of the same judge, a quarter of it failures. The limit
asked about is the true rate, so that each certificate is an error: "chi_square" by the distribution of the
likelihood ratio, "simulated" as `certify` does it (399 draws here; what chi-square gives a p-value above .15
is taken as refused). "covered" is how often intervals of 95% hold the rate: where their p-values at it are
above .025 on either side. Rows are added to `with_reference.csv` in `--out`; a run that was stopped goes on
where it stopped.
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
FIELDS = (*KEY, "data_sets", "chi_square", "simulated", "covered_chi_square", "covered")
_DRAWS, _SURE = 399, 0.15


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
    tail = tail_of_t(np.sqrt(statistic), at + np.inf)
    low, high = free.failure_rate_set
    p_values, simulated = {}, {}
    for side, is_beyond in (("upper", high < rate), ("lower", low > rate)):
        p_values[side] = np.where(is_beyond, tail, 1.0)
        simulated[side], open_ = p_values[side].copy(), np.flatnonzero(p_values[side] < _SURE)
        test = MixedTest(free[open_], "random", seed, _DRAWS, None, side)
        simulated[side][open_] = test.p_values(at[open_], statistic[open_])
    yield dict(zip(KEY, cell, strict=True)) | {
        "data_sets": size,
        "chi_square": float(np.mean(p_values["upper"] <= 0.05)),
        "simulated": float(np.mean(simulated["upper"] <= 0.05)),
        "covered_chi_square": float(np.mean(np.minimum(*p_values.values()) > 0.025)),
        "covered": float(np.mean(np.minimum(*simulated.values()) > 0.025)),
    }


def report(out: Path) -> None:
    """Print the table in Markdown."""
    columns = "errors, chi-square | simulated | covered, chi-square | simulated"
    print(f"| rate | TPR, FPR | labels, each counts for | {columns} |")
    print("|--:|---|---|--:|--:|--:|--:|")
    for row in _results.numbers(out / "with_reference.csv"):
        which = f"{row['reference']:.0f}, {row['discount']:g}"
        shares = " | ".join(f"{row[name]:.3f}" for name in FIELDS[len(KEY) + 1 :])
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
