"""Totals of slices, and the intervals of the slices themselves, where a sum of estimates would mislead.

Two groups of slices: those with labels and those without. Labels a slice, judged items a slice and the law of
the failure rates are those of the cell; every data set draws rates, verdicts and labels anew, and the mix
weighs slices alike.
"""

import warnings
from dataclasses import dataclass

import numpy as np

from benchmarks._samples import cell_rates, flag_rate
from jaxmle import Bounds, Counts, fit_slices

SEED = 11


@dataclass(frozen=True)
class Cell:
    """A law of data sets.

    Attributes:
        name: What is special about it.
        judge: How `fit_slices` takes the judge's rates.
        slices: Slices, unlabelled ones included.
        unlabelled: Slices without labels.
        labels: Labels of each of the others: a number, or the least and the most of a geometric series.
        judged: Judged items a slice besides.
        rates: Shapes of the Beta law of failure rates, or one number, of labelled and of unlabelled slices.
        spread: Standard deviation of the judge's TPR over slices, and twice that of its FPR.
        bounds: Bounds of TPR and FPR.
        sets: Data sets.
        slice_sets: The first of them, whose slices have their intervals made too.
        rates_rise: Whether slices with more labels have the larger rates.
        external: Whether labels are from elsewhere, half of them failures.
    """

    name: str
    judge: str
    slices: int
    labels: int | tuple[int, int]
    judged: int
    rates: tuple
    unlabelled: int = 0
    spread: float = 0.0
    bounds: tuple | None = None
    sets: int = 1000
    slice_sets: int = 1000
    rates_rise: bool = False
    external: bool = False


APART = {"slices": 40, "unlabelled": 20, "labels": 10, "judged": 1000, "rates": (0.05, 0.4)}
ALIKE = {"labels": 5, "judged": 400, "rates": ((1.2, 12), (1.2, 12))}
ALONE = {"judge": "per-slice", "labels": 20, "judged": 500, "rates": ((1, 19), (1, 19)), "slice_sets": 4}
MANY = ALONE | {"slice_sets": 1}
CORNER, INSIDE = ((0.8, 0.9), (0.05, 0.1)), ((0.85, 0.95), (0.02, 0.08))
UNEQUAL = {"labels": (3, 100), "judged": 500, "rates": ((1, 9), (1, 9)), "rates_rise": True}
OTHERS, ELSEWHERE = "unlabelled slices have other rates", "labels from elsewhere, half of them failures"
RISING = "more labels where rates are larger"
CELLS = (
    Cell(OTHERS, "common", **APART),
    Cell(OTHERS, "partial", **APART),
    Cell("truth at a corner of the bounds", slices=100, **ALONE, bounds=CORNER),
    Cell("truth at a corner of the bounds", slices=400, **MANY, bounds=CORNER, sets=300),
    Cell("truth inside the bounds", slices=100, **ALONE, bounds=INSIDE),
    Cell("truth inside the bounds", slices=400, **MANY, bounds=INSIDE, sets=300),
    Cell("no bounds", slices=100, **ALONE, sets=500),
    Cell("no bounds", slices=10, **ALONE, sets=500),
    Cell(OTHERS, "per-slice", **APART, bounds=INSIDE, sets=200, slice_sets=4),
    Cell(OTHERS, "partial", **APART, spread=0.05, sets=200),
    Cell("slices alike", "common", 20, **ALIKE, sets=200),
    Cell("slices alike", "common", 100, **ALIKE, sets=150, slice_sets=60),
    Cell("slices alike", "common", 500, **ALIKE, sets=150, slice_sets=20),
    Cell("slices alike", "partial", 50, **ALIKE, spread=0.1, sets=150),
    Cell(RISING, "per-slice", 60, **UNEQUAL, bounds=CORNER, sets=300, slice_sets=4),
    Cell(RISING, "common", 60, **UNEQUAL, sets=150),
    Cell(RISING, "partial", 60, **UNEQUAL, spread=0.1, sets=150),
    Cell(ELSEWHERE, "per-slice", 100, 20, 500, ((1, 9), (1, 9)), sets=200, slice_sets=2, external=True),
    Cell(ELSEWHERE, "common", 100, 20, 500, ((1, 9), (1, 9)), sets=200, slice_sets=60, external=True),
)


def draw(rng, cell):
    """Failure rates and counts of one data set."""
    size, bare = cell.slices, cell.unlabelled

    def beta(law, n):
        return rng.beta(*law, n) if isinstance(law, tuple) else np.full(n, law)

    def judge(mean, sd):
        if sd == 0:
            return np.full(size, mean)
        k = mean * (1 - mean) / sd**2 - 1
        return rng.beta(mean * k, (1 - mean) * k, size)

    truth = np.concatenate([beta(cell.rates[0], size - bare), beta(cell.rates[1], bare)])
    least, most = cell.labels if isinstance(cell.labels, tuple) else (cell.labels, cell.labels)
    labels = np.rint(np.geomspace(least, most, size)).astype(int) * (np.arange(size) < size - bare)
    if cell.rates_rise:
        truth = np.sort(truth)
    tpr, fpr = judge(0.9, cell.spread), judge(0.05, cell.spread / 2)
    cells = cell_rates(truth, tpr, fpr)
    if cell.external:
        # As if half of the items of the set elsewhere failed.
        cells = 0.5 * np.stack([tpr, 1 - tpr, fpr, 1 - fpr], -1)
    labeled = rng.multinomial(labels, cells / cells.sum(-1, keepdims=True))
    flagged = rng.binomial(cell.judged, flag_rate(truth, tpr, fpr))
    return truth, Counts(*labeled.T, flagged, cell.judged - flagged)


def measure(index, n_sets=None):
    """One row: bias, error, coverage and width of the total, and of the slices of either kind."""
    cell = CELLS[index]
    sets = n_sets or cell.sets
    slice_sets = min(sets, cell.slice_sets)
    bounds = Bounds(tpr=cell.bounds[0], fpr=cell.bounds[1]) if cell.bounds else None
    calibration = "external" if cell.external else "internal"
    bare = np.arange(cell.slices) >= cell.slices - cell.unlabelled
    totals, sums, inside, widths = [], [], [], []
    for i in range(sets):
        rng = np.random.default_rng([SEED, index, i])
        truth, counts = draw(rng, cell)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # flag rates of so few labels differ
            result = fit_slices(counts, bounds, judge_rates=cell.judge, calibration=calibration)
            total = result.total(np.ones(cell.slices))
            mean = truth.mean()
            totals.append((total.estimate - mean, total.low <= mean <= total.high, total.width))
            sums.append(total.estimate - result.failure_rate.mean())
            if i < slice_sets:
                each = result.interval()
                inside.append((each.low <= truth) & (truth <= each.high))
                widths.append(each.width)
    error, covered, width = np.array(totals, float).T
    all_inside, all_widths = np.array(inside), np.array(widths)
    row = {
        "cell": cell.name,
        "judge": cell.judge,
        "calibration": calibration,
        "slices": cell.slices,
        "unlabelled": cell.unlabelled,
        "labels": "-".join(map(str, np.atleast_1d(cell.labels))),
        "judged": cell.judged,
        "judge_sd": cell.spread,
        "bounds": "none" if cell.bounds is None else "{}:{} {}:{}".format(*cell.bounds[0], *cell.bounds[1]),
        "data_sets": sets,
        "bias": error.mean(),
        "rmse": np.sqrt(np.mean(error**2)),
        "coverage": covered.mean(),
        "width": width.mean(),
        "from_mix_of_slices": np.mean(sums),
        "slice_data_sets": slice_sets,
    }
    for name, some in (("labelled", ~bare), ("unlabelled", bare)):
        row |= {
            f"{name}_coverage": all_inside[:, some].mean() if some.any() else "",
            f"{name}_width": all_widths[:, some].mean() if some.any() else "",
        }
    return row


def show(row):
    """Print what a row says, numbers or their text."""

    def of(name):
        return f"{float(row[name]):.3f}" if row[name] != "" else "-"

    about = f"{row['cell']}, {row['judge']}, {row['slices']} slices, sd {float(row['judge_sd']):g}"
    print(
        f"{about}: total bias {float(row['bias']):+.4f}, coverage {of('coverage')}, width {of('width')} "
        f"({row['data_sets']} data sets); slices {of('labelled_coverage')} ({of('labelled_width')}), "
        f"unlabelled {of('unlabelled_coverage')} ({of('unlabelled_width')})",
        flush=True,
    )
