"""How often bounds learnt from references hold the judge's rates in a published set that was left out.

    python -m benchmarks.references            # every published family, three minutes
    python -m benchmarks.references --quick    # four of LLMBar's 36 judges

Each part of a family (a model, a kind of question) is left out in turn and bounded by 1, 2, 3 or all of the
others. "pooled 99%" are binomial limits of their sum, each rate at 99% (`Bounds.from_reference` with
`same_population=True`); "predictive" is `Bounds.from_references`, or with one reference
`Bounds.from_reference`, at a joint confidence of .95. A rate counts as inside where its own 50%
Clopper-Pearson limits meet the bounds: what is seen of it has sampling error too. "held" are those whose
share in the data itself lies within the bounds. Rates of fewer than 15 items are left out. Rows are written
to `references.csv` in `--out`.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks._published_counts import CELLS, published
from jaxmle import Bounds, Counts
from jaxmle._stats import clopper_pearson

SIZES = (1, 2, 3, 0)  # references; 0 for all there are
LEAST = 15
DRAWS = 4
FIELDS = ("family", "by", "rate", "references", "method", "cases", "inside", "held", "width")


def families():
    """Counts of the parts of each (data set, judge), shape (K, 4)."""
    known = defaultdict(list)
    for row in published():
        known[row["dataset"], row["by"], row["judge"]].append([float(row[name]) for name in CELLS])
    return {key: np.array(parts) for key, parts in known.items()}


def choices(size, n_parts, target, rng):
    """References for a target: all others, or a few draws of so many of them."""
    others = [part for part in range(n_parts) if part != target]
    if not size:
        return [others]
    if size > len(others):
        return []
    return [sorted(rng.choice(others, size, replace=False)) for _ in range(DRAWS)]


def rows(quick):
    """One row a family, rate, number of references and method."""
    rng = np.random.default_rng(0)
    found: Any = defaultdict(list)
    per_dataset: Any = defaultdict(int)
    for (dataset, by, _), parts in families().items():
        per_dataset[dataset] += 1
        if quick and per_dataset[dataset] > 4:
            continue
        for size in SIZES:
            cases = [(t, c) for t in range(len(parts)) for c in choices(size, len(parts), t, rng)]
            if not cases:
                continue
            targets = parts[[target for target, _ in cases]]
            references = np.array([parts[chosen] for _, chosen in cases])
            none = np.zeros(references.shape[:-1])
            batch = Counts(*np.moveaxis(references, -1, 0), none, none)
            pooled = Counts(*np.moveaxis(references.sum(1), -1, 0), none[:, 0], none[:, 0])
            methods = {
                "pooled 99%": Bounds.from_reference(pooled, confidence=0.98, same_population=True),
                "predictive": Bounds.from_references(batch),
            }
            for method, bounds in methods.items():
                for rate, i in (("tpr", 0), ("fpr", 2)):
                    hits, misses = targets[:, i], targets[:, i + 1]
                    low, high = getattr(bounds, rate)
                    least, most = clopper_pearson(hits, misses, 0.25)
                    items = hits + misses
                    seen = items >= LEAST
                    inside = (least <= high) & (most >= low)
                    share = hits / np.maximum(items, 1)
                    held = (low <= share) & (share <= high)
                    key = (dataset, by, rate, size or "all", method)
                    found[key] += list(zip(*(x[seen] for x in (inside, held, high - low)), strict=True))
    for key, cases in found.items():
        if cases:
            means = np.array(cases, float).mean(0)
            yield dict(zip(FIELDS, (*key, len(cases), *means), strict=True))


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--quick", action="store_true", help="fewer judges; nothing is written")
    parser.add_argument("--out", type=Path, default=_results.RESULTS, help="folder of the table")
    arguments = parser.parse_args()
    table = list(rows(arguments.quick))
    heads = ("family", "rate", "references", "method", "cases", "inside", "held", "width")
    print(f"| {' | '.join(heads)} |\n|---|---|--:|---|--:|--:|--:|--:|")
    for row in table:
        print(
            f"| {row['family']} by {row['by']} | {row['rate']} | {row['references']} | {row['method']} | "
            f"{row['cases']} | {row['inside']:.2f} | {row['held']:.2f} | {row['width']:.2f} |"
        )
    for size in (one or "all" for one in SIZES):
        for method in ("pooled 99%", "predictive"):
            some = [row for row in table if (row["references"], row["method"]) == (size, method)]
            cases = sum(row["cases"] for row in some)
            held = sum(row["cases"] * row["held"] for row in some)
            print(f"{size} references, {method}: held {held / cases:.2f} of {cases:,} rates")
    if not arguments.quick:
        _results.write(arguments.out / "references.csv", table, "{:.3f}".format)


if __name__ == "__main__":
    main()
