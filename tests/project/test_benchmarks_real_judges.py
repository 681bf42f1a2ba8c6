"""The counts behind the benchmark of real judges, and the draws made from them."""

import numpy as np
import pytest

from benchmarks import _published_counts, _results, real_judges
from jaxmle import Counts, baselines
from jaxmle._data._published import NQ301_GPT4


@pytest.mark.slow
def test_published_counts_are_those_of_the_files(shared, monkeypatch, tmp_path, capsys):
    fresh = list(_published_counts.counted(shared / "data"))
    monkeypatch.setattr(_published_counts, "counted", lambda folder: fresh)
    _published_counts.check(shared / "data")
    assert "agree" in capsys.readouterr().out
    changed = tmp_path / "published_counts.csv"
    changed.write_text(_published_counts.COUNTS.read_text().replace(",87,17,28,169,", ",87,17,28,168,"))
    monkeypatch.setattr(_published_counts, "COUNTS", changed)
    with pytest.raises(SystemExit, match="differ in 2 rows"):
        _published_counts.check(shared / "data")


def test_published_counts_are_those_of_the_demonstration():
    cells = [
        tuple(int(row[name]) for name in _published_counts.CELLS)
        for row in _published_counts.published()
        if (row["dataset"], row["judge"]) == ("openqa_nq301_by_model", "gpt4")
    ]
    assert sorted(cells) == sorted(NQ301_GPT4.cells.values())


def test_references_hold_no_item_of_their_target():
    found = list(real_judges.targets())
    wholes = {(t.dataset, t.judge): t.cells for t in found if t.part == "all"}
    parts = [t for t in found if t.part != "all" and (t.dataset, t.judge) in wholes]
    assert len(parts) == 35
    for target in parts:
        whole = wholes[target.dataset, target.judge]
        np.testing.assert_array_equal(target.cells + target.reference, whole)


def test_committed_errors_are_those_of_the_draws():
    rows = _results.read(_results.RESULTS / "real_judges.csv")
    target = next(t for t in real_judges.targets() if (t.part, t.judge) == ("who", "gpt4"))
    data = real_judges.drawn(target, 50, 2000, seed=1)
    np.testing.assert_array_equal(data.sum(0), target.cells.sum())
    np.testing.assert_array_equal(data[:4].sum(0), 50)
    np.testing.assert_array_equal(data[[0, 2, 4]].sum(0), target.cells[[0, 2]].sum())
    truth = target.cells[:2].sum() / target.cells.sum()
    for name, method in (("human only", baselines.human_only), ("PPI++", baselines.ppi_plus_plus)):
        error = method(Counts(*data)).estimate - truth
        committed = next(
            row
            for row in rows
            if (row["dataset"], row["part"], row["judge"], row["labelled"], row["method"])
            == ("openqa_nq301", "who", "gpt4", "50", name)
        )
        assert float(committed["rmse"]) == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.12)
