"""Slices of published verdicts: 5 human labels kept a slice, each way to pool, against all human labels.

    python -m benchmarks.real_slices FOLDER             # 200 draws of the labels
    python -m benchmarks.real_slices FOLDER --draws 20

FOLDER holds xstest_overrefusal.csv, xstest_unsafe_compliance.csv (Röttger et al. 2024) and
openqa_nq301_by_model.csv (Kamalloo et al. 2023), one row an item with a column `human`. No bounds. "p" is
the p-value of one judge for all slices, from all labels; beside it the share of draws with p <= .05.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from jaxmle import Counts, baselines, fit_slices, homogeneity_test, tables

SETS = [
    ("xstest_overrefusal.csv", "category", ("gpt4", "strmatch")),
    ("xstest_overrefusal.csv", "model", ("gpt4", "strmatch")),
    ("xstest_unsafe_compliance.csv", "category", ("gpt4", "strmatch")),
    ("xstest_unsafe_compliance.csv", "model", ("gpt4", "strmatch")),
    ("openqa_nq301_by_model.csv", "model", ("gpt4", "text_davinci_003", "bem")),
]
MODES = ("per-slice", "common", "partial")
KEPT = 5
TESTED = 20


def study(path, by, judge, draws):
    """One row: errors over draws, and what the homogeneity test says."""
    full = tables.count(path, judge=judge, human="human", by=by).counts
    cells = np.stack([np.asarray(value, int) for value in full.values()[:4]], -1)
    truth = cells[:, :2].sum(1) / cells.sum(1)
    rng = np.random.default_rng(0)
    errors: dict[str, list[Any]] = {}
    inside: dict[str, list[Any]] = {}
    used, rejected = [], []
    for draw in range(draws):
        kept = np.array([rng.multivariate_hypergeometric(row, KEPT) for row in cells])
        rest = cells - kept
        counts = Counts(*kept.T, rest[:, 0] + rest[:, 2], rest[:, 1] + rest[:, 3])
        for mode in MODES:
            found = fit_slices(counts, judge_rates=mode)
            errors.setdefault(mode, []).append(found.failure_rate - truth)
            if mode != "per-slice":
                each = found.interval()
                inside.setdefault(mode, []).append((each.low <= truth) & (truth <= each.high))
        used.append(found.judge_rates)
        errors.setdefault("PPI++", []).append(baselines.ppi_plus_plus(counts).estimate - truth)
        if draw < TESTED:
            rejected.append(homogeneity_test(counts, n_resamples=99, seed=draw).p_value <= 0.05)
    rmse = {name: np.sqrt(np.mean(np.square(some))) for name, some in errors.items()}
    none = np.zeros(len(cells))
    whole = homogeneity_test(Counts(*cells.T, none, none))
    return {
        "file": path.stem,
        "by": by,
        "judge": judge,
        "slices": len(cells),
        "draws": draws,
        **{f"rmse {name}": rmse[name] for name in ("PPI++", *MODES)},
        "partial / best": rmse["partial"] / min(rmse[mode] for mode in MODES),
        "coverage common": np.mean(inside["common"]),
        "coverage partial": np.mean(inside["partial"]),
        "fell to common": np.mean([one == "common" for one in used]),
        "p, all labels": whole.p_value,
        "odd slices, all labels": int(whole.outlying.sum()),
        "p <= .05, kept labels": np.mean(rejected),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    rows = []
    for name, by, judges in SETS:
        for judge in judges:
            rows.append(study(options.folder / name, by, judge, options.draws))
            shown = {k: f"{v:.3f}" if isinstance(v, float) else v for k, v in rows[-1].items()}
            print(shown, flush=True)
    _results.write(_results.RESULTS / "real_slices.csv", rows, "{:.4f}".format)
    print(f"partial within 10% of the best in {sum(r['partial / best'] <= 1.1 for r in rows)} of {len(rows)}")


if __name__ == "__main__":
    main()
