"""The benchmark of references: its committed table, and the draws it was made from."""

from collections import defaultdict
from itertools import islice
from typing import Any

import numpy as np
import pytest

from benchmarks import _results, borrowing


def committed():
    rows: Any = defaultdict(dict)
    for row in _results.read(_results.RESULTS / "borrowing.csv"):
        rows[row["family"], row["method"]][row["judge"], row["part"]] = row
    return rows


@pytest.mark.slow
def test_committed_rows_are_those_of_the_draws():
    known = committed()
    for row in islice(borrowing.published_rows(200), 5):
        kept = known[row["family"], row["method"]][row["judge"], str(row["part"])]
        for name in ("rmse", "coverage", "width"):
            assert float(kept[name]) == pytest.approx(row[name], abs=2e-5), (row["method"], name)


def test_what_the_texts_say_of_borrowing():
    rows = committed()
    families = {family for family, _ in rows}
    assert len(families) == 5
    for family in families:
        own, free, rival = (
            np.array([float(row["rmse"]) for row in rows[family, name].values()])
            for name in ("borrowing", "no bounds", "PPI++")
        )
        assert np.sum(own**2) <= 1.05**2 * np.sum(free**2)
        if family == "openqa_nq301_by_model by model":
            assert np.sqrt(np.sum(own**2) / np.sum(rival**2)) < 0.75
        coverage = [float(row["coverage"]) for row in rows[family, "borrowing"].values()]
        assert np.mean(coverage) > 0.9495


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:own labels")
def test_simulated_targets_of_one_judge_are_covered(monkeypatch):
    monkeypatch.setattr(borrowing, "SIZES", (3,))
    monkeypatch.setattr(borrowing, "SPREADS", (0.0,))
    rows = {row["method"]: row for row in borrowing.simulated_rows(3)}
    assert rows["borrowing"]["coverage"] > 0.85
    assert rows["borrowing"]["width"] < 0.8 * rows["no bounds"]["width"]
    assert rows["mixed, discount 1"]["rmse"] < rows["no bounds"]["rmse"]
