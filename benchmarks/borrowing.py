"""What references of the same judge are worth: bounds learnt from them, borrowing, mixed calibration.

    python -m benchmarks.borrowing               # published sets: 200 draws of 50 labels
    python -m benchmarks.borrowing --simulated   # references and targets drawn from laws
    python -m benchmarks.borrowing --quick       # 10 draws, nothing written

Published: each part (of at least 100 items) of a family with three sister parts or more is left out; the
others, all their labels used, are its references. Fifty of its labels are kept. Methods: PPI++; maximum
likelihood without bounds; with `Bounds.from_references` ("predictive") and with 99% limits of the sum
("pooled 99%"); `borrow`; and `profile_interval(external=)` with the sum of the references, each of its labels
counting for 1, for a tenth, or "by spread": for as much as the beta distribution with the mean and variance
that is predicted of a new part. Intervals are those with chi-square cut-offs. Labels are drawn without
replacement and the truth is the rate of the set, which no interval here allows for.

Simulated: the judge's TPR and FPR (means .85 and .1) are beta distributed over data sets with a standard
deviation, "spread"; references have 200 labels, targets 50 and 2,000 judged items, a fifth of them failures.
"shifted" targets come from means that are twice the spread worse. A warning: the likelihood ratio of bounds
against none beyond that of 1% (predictive), of a reference that differs from the own labels (mixed), or a
rate that is likelier unlike the references' than like them (borrowing).
"""

import argparse
import time
import warnings
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks._samples import flag_rate
from benchmarks.references import families
from jaxmle import Bounds, Counts, baselines, borrow, fit
from jaxmle._data import predictive
from jaxmle._stats import clopper_pearson

LABELLED, LEAST_ITEMS, LEAST_TRIALS, SLACK = 50, 100, 15, 1e-9
DISCOUNTS = (1.0, 0.1)
SIZES, SPREADS = (1, 3, 10, 20), (0.0, 0.05, 0.1, 0.2)
MEANS, RATE, ITEMS, REFERENCE = (0.85, 0.1), 0.2, 2000, 200
TARGETS = 20
SURE = 6.63  # chi-square with one degree of freedom exceeds it in 1% of cases


def summed(references):
    """Counts of all references together."""
    return Counts(*(np.sum(x) for x in references.values()))


def by_spread(references):
    """The references' sum, each rate weighted to what is predicted of a new data set."""
    parts = []
    for hits, misses in ((references.tp, references.fn), (references.fp, references.tn)):
        law = predictive(np.asarray(hits, float), np.asarray(misses, float))
        mean = law.weight @ law.mean
        variance = law.weight @ (law.spread**2 + law.mean**2) - mean**2
        size = np.clip(mean * (1 - mean) / variance - 1, 0.1, np.sum(hits + misses))
        parts += [size * mean, size * (1 - mean)]
    return Counts(*parts, 0, 0)


def methods(counts, references):
    """Method, estimate, low, high, whether it warns, and bounds where there are some."""
    found = baselines.ppi_plus_plus(counts)
    never = np.zeros(counts.shape, bool)
    yield "PPI++", found.estimate, found.low, found.high, never, None
    free = fit(counts)
    found = free.interval(simulate=False)
    yield "no bounds", found.estimate, found.low, found.high, never, None
    for name, bounds in (
        ("pooled 99%", Bounds.from_reference(summed(references), confidence=0.98, same_population=True)),
        ("predictive bounds", Bounds.from_references(references)),
    ):
        held = fit(counts, bounds)
        found = held.interval(simulate=False)
        odd = 2 * (free.log_likelihood - held.log_likelihood) > SURE
        yield name, found.estimate, found.low, found.high, odd, bounds
    found = borrow(counts, references)
    odd = np.minimum(*found.exchangeable) < 0.5
    yield "borrowing", found.estimate, found.low, found.high, odd, None
    given = [(f"mixed, discount {share:g}", summed(references), share) for share in DISCOUNTS]
    for name, external, share in [*given, ("mixed, by spread", by_spread(references), 1.0)]:
        own = fit(counts, external=external, discount=share)
        found = own.interval(simulate=False)
        yield name, found.estimate, found.low, found.high, at_odds(free, own), None


def at_odds(free, mixed):
    """Whether own labels and the reference differ at the 1% level."""
    c = mixed.external
    alone = Counts(c.tp, c.fn, c.fp, c.tn, np.zeros(free.shape), np.zeros(free.shape))
    reference = fit(alone, calibration="external").log_likelihood
    return 2 * (free.log_likelihood + reference - mixed.log_likelihood) > 9.21


def within(cells, bounds):
    """Whether rates lie within bounds, their own sampling error allowed for; but for those of few items."""
    inside = []
    for (low, high), hits, misses in ((bounds.tpr, *cells[:2]), (bounds.fpr, *cells[2:])):
        if hits + misses >= LEAST_TRIALS:
            least, most = clopper_pearson(np.float64(hits), np.float64(misses), 0.25)
            inside.append(bool(least <= high and most >= low))
    return inside


def published_rows(draws):
    """One row a set and method."""
    for (dataset, by, judge), parts in families().items():
        if len(parts) < 4:
            continue
        for place, cells in enumerate(parts.astype(int)):
            if cells.sum() < LEAST_ITEMS:
                continue
            others = np.delete(parts, place, 0)
            none = np.zeros(len(others))
            references = Counts(*others.T, none, none)
            rng = np.random.default_rng([0, zlib.crc32(f"{dataset} {by} {judge} {place}".encode())])
            kept = rng.multivariate_hypergeometric(cells, LABELLED, size=draws)
            rest = cells - kept
            counts = Counts(*kept.T, rest[:, 0] + rest[:, 2], rest[:, 1] + rest[:, 3])
            truth = cells[:2].sum() / cells.sum()
            for method, estimate, low, high, odd, bounds in methods(counts, references):
                covered = (low <= truth + SLACK) & (truth <= high + SLACK)
                yield {
                    "family": f"{dataset} by {by}",
                    "judge": judge,
                    "part": place,
                    "references": len(others),
                    "method": method,
                    "rmse": np.sqrt(np.mean((estimate - truth) ** 2)),
                    "coverage": np.mean(covered),
                    "width": np.mean(high - low),
                    "warned": np.mean(odd),
                    "inside": "" if bounds is None else " ".join(str(int(x)) for x in within(cells, bounds)),
                    "draws": draws,
                }


def beta(rng, mean, spread, size):
    """Rates of data sets."""
    if not spread:
        return np.full(size, mean)
    total = max(mean * (1 - mean) / spread**2 - 1, 0.2)
    return rng.beta(mean * total, (1 - mean) * total, size)


def labelled(rng, n, tpr, fpr, rate):
    failures = rng.binomial(n, rate, size=np.shape(tpr))
    tp, fp = rng.binomial(failures, tpr), rng.binomial(n - failures, fpr)
    return [tp, failures - tp, fp, n - failures - fp]


def simulated_rows(repeats):
    """One row a number of references, spread, law of the target and method."""
    for size in SIZES:
        for spread in SPREADS:
            for shifted in (False, True) if spread else (False,):
                rng = np.random.default_rng([size, int(1000 * spread), shifted])
                away = 2 * spread * shifted
                target = [max(MEANS[0] - away, 0.05), min(MEANS[1] + away, 0.95)]
                found = defaultdict(list)
                for _ in range(repeats):
                    rates = [beta(rng, mean, spread, size) for mean in MEANS]
                    own = rng.uniform(0.05, 0.4, size)
                    none = np.zeros(size)
                    references = Counts(*labelled(rng, REFERENCE, *rates, own), none, none)
                    tpr, fpr = (beta(rng, mean, spread, TARGETS) for mean in target)
                    cells = labelled(rng, LABELLED, tpr, fpr, RATE)
                    flags = rng.binomial(ITEMS, flag_rate(RATE, tpr, fpr))
                    counts = Counts(*cells, flags, ITEMS - flags)
                    for method, estimate, low, high, odd, _bounds in methods(counts, references):
                        covered = (low <= RATE) & (high >= RATE)
                        found[method].append([(estimate - RATE) ** 2, covered, high - low, odd])
                for method, values in found.items():
                    square, coverage, width, warned = np.array(values, float).mean((0, 2))
                    yield {
                        "references": size,
                        "spread": spread,
                        "setting": "shifted" if shifted else "same law",
                        "method": method,
                        "rmse": np.sqrt(square),
                        "coverage": coverage,
                        "width": width,
                        "warned": warned,
                        "data_sets": repeats * TARGETS,
                    }


def report(path):
    """Table of the published families, from the rows."""
    groups: Any = defaultdict(dict)
    for row in _results.read(path / "borrowing.csv"):
        groups[row["family"], row["method"]][row["judge"], row["part"]] = row
    print(
        "| family (sets) | method | rates inside | RMSE to PPI++ | to no bounds | worst set | coverage, mean "
        "| least | width to no bounds | warned |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for (family, method), rows in groups.items():
        free, rival = groups[family, "no bounds"], groups[family, "PPI++"]

        def values(of, name, rows=rows):
            return np.array([float(of[key][name]) for key in rows])

        own, base = values(rows, "rmse"), values(free, "rmse")
        flags = [x == "1" for row in rows.values() for x in row["inside"].split()]
        inside = f"{np.mean(flags):.2f}" if flags else ""
        ratios = [f"{np.sqrt(np.sum(own**2) / np.sum(one**2)):.2f}" for one in (values(rival, "rmse"), base)]
        worst = np.max(own[base > 0] / base[base > 0])
        coverage = values(rows, "coverage")
        width = values(rows, "width").sum() / values(free, "width").sum()
        cells = [*ratios, f"{worst:.2f}", f"{coverage.mean():.3f}", f"{coverage.min():.3f}", f"{width:.2f}"]
        warned = f"{values(rows, 'warned').mean():.2f}"
        print(f"| {family} ({len(rows)}) | {method} | {inside} | {' | '.join(cells)} | {warned} |")


def report_simulated(path):
    """Table of the simulated targets, from the rows."""
    groups: Any = defaultdict(dict)
    for row in _results.numbers(path / "borrowing_simulated.csv"):
        key = int(row["references"]), row["spread"], row["setting"]
        groups[key][row["method"]] = row
    names = ("predictive bounds", "borrowing", "mixed, discount 1", "mixed, by spread")
    heads = ["references", "spread", "target", *(f"{name}: coverage, width, RMSE, warned" for name in names)]
    print("| " + " | ".join(heads) + " |\n|" + "--:|" * 2 + "---|" + "--:|" * len(names))
    for (size, spread, target), rows in groups.items():
        free = rows["no bounds"]
        cells = []
        for name in names:
            row = rows[name]
            to = [row[what] / free[what] for what in ("width", "rmse")]
            cells.append(f"{row['coverage']:.2f}, {to[0]:.2f}, {to[1]:.2f}, {row['warned']:.2f}")
        print(f"| {size} | {spread:g} | {target} | " + " | ".join(cells) + " |")


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--draws", type=int, default=200, help="draws of labels a published set")
    parser.add_argument("--repeats", type=int, default=10, help="draws of references, 20 targets each")
    parser.add_argument("--simulated", action="store_true", help="simulated references")
    parser.add_argument("--quick", action="store_true", help="few draws, nothing written")
    parser.add_argument("--out", type=Path, default=_results.RESULTS, help="folder of the table")
    options = parser.parse_args()
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # references that differ are what is measured
        if options.simulated:
            rows = list(simulated_rows(2 if options.quick else options.repeats))
        else:
            rows = list(published_rows(10 if options.quick else options.draws))
    if not options.quick:
        name, show = ("borrowing_simulated", report_simulated) if options.simulated else ("borrowing", report)
        _results.write(options.out / f"{name}.csv", rows, "{:.5f}".format)
        show(options.out)
    print(f"{time.process_time() - start:.0f} s of a processor")


if __name__ == "__main__":
    main()
