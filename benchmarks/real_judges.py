"""Published human and judge verdicts with most labels hidden: every method against all the human labels.

    python -m benchmarks.real_judges                 # 1,000 draws of 50 and of 200 labels, about a minute
    python -m benchmarks.real_judges FOLDER          # the same, after counting the files in FOLDER anew
    python -m benchmarks.real_judges --quick         # 100 draws, nothing written

A draw needs the four counts of a fully labelled set alone; those are in published_counts.csv, with their
sources. FOLDER holds the item-level files they were counted from (xstest_overrefusal.csv and so on, a row an
item, 1 for failure in the columns of the human and the judges); a count that differs ends the run.

Bounds are 99% Clopper-Pearson limits of the same judge's TPR and FPR elsewhere, all labels there used: on the
answers of the other models, on questions of the other kinds, or on another data set; with a margin of 0 or
.02 on each side. Intervals of the maximum likelihood are profile likelihood with chi-square cut-offs.

The items labelled are drawn without replacement and the truth is the rate of the finite set they come from,
so errors are smaller, the more the larger the share labelled, and no interval here allows for it: coverage is
higher than it would be in a population without end. The column `labelled_share` says where that matters.

Columns: `off_by`, how far the true TPR or FPR lies outside the bounds, 0 where they hold; `contradicted`, the
share of draws in which the data are so far from the bounds that the command line warns of it; `no_estimate`,
the share in which a method gives no single estimate (Rogan-Gladen for a judge at chance in the labels,
maximum likelihood where no item of some verdict is labelled). Errors are then those of the other draws, and
`rmse_ppi_plus_plus` is the error of PPI++ in the same ones; a missing interval counts as a miss.
"""

import argparse
import time
import warnings
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks._published_counts import CELLS, FILES, check, published
from benchmarks._real_judges_report import figure, report
from benchmarks._samples import better_than_chance
from jaxmle import Bounds, Counts, baselines, profile_interval
from jaxmle._inference._bounds_test import contradicts

LABELLED = (50, 200)
MARGINS = (0.0, 0.02)
SLACK = 1e-9  # rounding of ends that are the truth

OTHER_FILE = {
    "xstest_overrefusal": "xstest_unsafe_compliance",
    "xstest_unsafe_compliance": "xstest_overrefusal",
}
# Question words with fewer answers than this are no target of their own.
LEAST_ITEMS = 100


@dataclass(frozen=True)
class Target:
    """A fully labelled set, and what the same judge did elsewhere."""

    dataset: str
    part: str
    judge: str
    cells: np.ndarray  # tp, fn, fp, tn
    bounds: str  # where the reference comes from, or "none"
    reference: np.ndarray | None


def targets():
    """What is estimated: whole sets and parts of them, with the reference of their bounds."""
    known: Any = defaultdict(dict)
    for row in published():
        known[row["dataset"], row["judge"]][row["part"]] = np.array([int(row[name]) for name in CELLS])
    for (dataset, judge), parts in known.items():
        whole = sum(parts.values())
        if dataset == "llmbar":
            # The paper's two sets: pairs met in the wild, and pairs made to mislead (four subsets).
            natural, adversarial = parts["Natural"], whole - parts["Natural"]
            yield Target(dataset, "Natural", judge, natural, "another data set", adversarial)
            yield Target(dataset, "adversarial", judge, adversarial, "another data set", natural)
            continue
        if dataset in OTHER_FILE:
            other = sum(known[OTHER_FILE[dataset], judge].values())
            yield Target(dataset, "all", judge, whole, "another data set", other)
        elif dataset == "openqa_nq301":
            yield Target(dataset, "all", judge, whole, "none", None)
        elsewhere = "other questions" if FILES[dataset][0] == "category" else "other models"
        for part, cells in parts.items():
            if cells.sum() >= LEAST_ITEMS:
                yield Target(dataset, part, judge, cells, elsewhere, whole - cells)


def drawn(target, labelled, draws, seed):
    """Six counts of each draw, shape (6, draws)."""
    name = f"{target.dataset} {target.part} {target.judge} {labelled}"
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    kept = rng.multivariate_hypergeometric(target.cells, labelled, size=draws)
    rest = target.cells - kept
    return np.stack([*kept.T, rest[:, 0] + rest[:, 2], rest[:, 1] + rest[:, 3]])


def without_bounds(counts):
    """Method, estimate, low, high, whether there is one estimate: each of shape (cells, draws)."""
    better = better_than_chance(counts)
    for name, method, given in (
        ("judge only", baselines.judge_only, None),
        ("human only", baselines.human_only, None),
        ("PPI", baselines.ppi, None),
        ("PPI++", baselines.ppi_plus_plus, None),
        ("Rogan-Gladen", baselines.rogan_gladen, better),
    ):
        given = np.ones(counts.shape, bool) if given is None else given
        result = method(counts[given])
        values = np.full((3, *counts.shape), np.nan)
        values[:, given] = result.estimate, result.low, result.high
        yield name, *values, given
    yield likelihood(counts, None)


def likelihood(counts, bounds):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a random sample looks odd now and then
        result = profile_interval(counts, bounds, simulate=False)
    if not np.all(result.converged):
        raise SystemExit(f"{np.sum(~result.converged)} intervals are not certified")
    return "ML", result.estimate, result.low, result.high, result.identified


def bounds_of(cells, margin):
    """Binomial limits of shape (cells, 1), one for each target: 99% each, and a margin."""
    tp, fn, fp, tn = np.array([target.reference for target, _ in cells]).T[..., None]
    none = np.zeros_like(tp)
    counts = Counts(tp, fn, fp, tn, none, none)
    exact = Bounds.from_reference(counts, confidence=0.98, same_population=True)
    pairs = (
        (np.maximum(low - margin, 0), np.minimum(high + margin, 1)) for low, high in (exact.tpr, exact.fpr)
    )
    return Bounds((0, 1), *pairs)


def measured(cells, results, rival, draws, seed, bounds=None, margin="", odd=None):
    """Rows of one method over all cells."""
    method, estimate, low, high, given = results
    for i, (target, labelled) in enumerate(cells):
        tp, fn, fp, tn = (int(x) for x in target.cells)
        items = tp + fn + fp + tn
        truth = (tp + fn) / items
        rates = {"tpr": tp / (tp + fn) if tp + fn else "", "fpr": fp / (fp + tn) if fp + tn else ""}
        used = given[i]
        error = (estimate[i] - truth)[used]
        # An interval is no less one where no single estimate is the most likely.
        some = ~np.isnan(low[i])
        inside = (low[i] <= truth + SLACK) & (truth <= high[i] + SLACK)
        ends: dict[str, str | float] = {f"{rate}_{end}": "" for rate in rates for end in ("low", "high")}
        off: str | float = ""
        if bounds is not None:
            pairs = {rate: [float(x[i, 0]) for x in getattr(bounds, rate)] for rate in rates}
            ends = {
                f"{rate}_{end}": x
                for rate in rates
                for end, x in zip(("low", "high"), pairs[rate], strict=True)
            }
            known = [(rates[rate], *pair) for rate, pair in pairs.items() if rates[rate] != ""]
            off = max(max(lowest - rate, rate - highest, 0.0) for rate, lowest, highest in known)
        yield {
            "dataset": target.dataset,
            "part": target.part,
            "judge": target.judge,
            "labelled": labelled,
            "labelled_share": labelled / items,
            "failure_rate": truth,
            **rates,
            "bounds": "none" if bounds is None else target.bounds,
            "margin": margin,
            **ends,
            "off_by": off,
            "method": method,
            "no_estimate": 1 - used.mean(),
            "bias": error.mean() if used.any() else "",
            "rmse": np.sqrt(np.mean(error**2)) if used.any() else "",
            "rmse_ppi_plus_plus": np.sqrt(np.mean((rival[i] - truth)[used] ** 2)) if used.any() else "",
            "coverage": inside.mean(),
            "width": (high[i] - low[i])[some].mean() if some.any() else "",
            "contradicted": "" if odd is None else odd[i].mean(),
            "draws": draws,
            "seed": seed,
        }


def study(draws, seed):
    """All rows, the same draws under every method and all bounds."""
    cells = [(t, n) for t in targets() for n in LABELLED if n < t.cells.sum()]
    data = np.stack([drawn(target, labelled, draws, seed) for target, labelled in cells], 1)
    counts = Counts(*data)
    rival = baselines.ppi_plus_plus(counts).estimate
    rows = []
    for results in without_bounds(counts):
        rows += measured(cells, results, rival, draws, seed)
    which = [i for i, (target, _) in enumerate(cells) if target.reference is not None]
    bounded = [cells[i] for i in which]
    for margin in MARGINS:
        bounds = bounds_of(bounded, margin)
        odd = contradicts(counts[which], bounds, calibration="internal")
        results = likelihood(counts[which], bounds)
        rows += measured(bounded, results, rival[which], draws, seed, bounds, margin, odd)
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="folder with the item-level files")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="100 draws, nothing written")
    options = parser.parse_args()
    if options.folder:
        check(options.folder)
    start = time.perf_counter()
    rows = study(100 if options.quick else options.draws, options.seed)
    text = report(rows)
    print(text)
    if not options.quick:
        draws, seed = options.draws, options.seed
        heading = (
            f"`python -m benchmarks.real_judges --draws {draws} --seed {seed}`; rows in real_judges.csv.\n\n"
        )
        (_results.RESULTS / "real_judges.md").write_text(heading + text + "\n")
        _results.write(_results.RESULTS / "real_judges.csv", rows, lambda v: f"{round(v, 4):g}")
        figure(rows, _results.RESULTS / "real_judges")
    print(f"\n{len(rows)} rows in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
