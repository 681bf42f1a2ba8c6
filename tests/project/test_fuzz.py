"""A few seconds of the fuzz, which at length is a benchmark."""

import numpy as np
import pytest

from benchmarks import _fuzz_files, _fuzz_fits, _fuzz_labels
from jaxmle import Bounds, Counts

ENGINES = ("numpy", "jax")
numpy_and_both = pytest.mark.parametrize(
    "engines", [("numpy",), pytest.param(ENGINES, marks=pytest.mark.slow)], ids="+".join
)


@numpy_and_both
def test_fits_are_finite_feasible_and_not_beaten(engines):
    total, *found, open_ = _fuzz_fits.fits(3000, 1, engines)
    assert total > 5000
    assert found == [0, 0, 0]
    assert open_ <= 10


@numpy_and_both
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_intervals_are_finite_in_their_bounds_and_the_same_on_both_engines(seed, engines):
    total, *found = _fuzz_fits.intervals(300, seed, engines)
    assert total > 500
    assert found == [0, 0, 0, 0]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "section", ["certificates", *(pytest.param(x, marks=pytest.mark.slow) for x in ("simulated", "exact"))]
)
def test_claims_are_finite_in_range_and_not_at_odds(section):
    total, *found = getattr(_fuzz_fits, section)(10, 1, ["numpy"])
    assert total > 10
    assert found == [0, 0, 0, 0]


def test_the_check_of_fits_finds_a_worse_point():
    counts, bounds = Counts(*np.tile([[40], [10], [5], [145], [0], [0]], 100)), Bounds()
    rng = np.random.default_rng(0)
    there = [np.full(100, x) for x in (0.25, 0.8, 1 / 30)]
    best = _fuzz_fits.best_elsewhere(rng, counts, bounds, there, "internal")
    assert (best <= _fuzz_fits.value(counts, *there, "internal") + 1e-12).all()
    worse = [there[0] + 1e-3, *there[1:]]
    best = _fuzz_fits.best_elsewhere(rng, counts, bounds, worse, "internal")
    assert (best > _fuzz_fits.value(counts, *worse, "internal")).any()


@pytest.mark.parametrize("size", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_damaged_files_are_answers_or_one_line(size):
    few = ["a.csv", "a.csv.gz", "a.jsonl", "a.json", "a.parquet", "promptfoo.json", "promptfoo.jsonl"]
    few.append("samples_x_2026-01-01T.jsonl")
    for name, runs, faults in _fuzz_files.files(size, 2, only=few):
        assert (runs, faults) == (size, []), name


@pytest.mark.slow
def test_damaged_queues_designs_and_labels_are_answers_or_one_line():
    for name, runs, faults in _fuzz_labels.labels(4, 1):
        assert runs >= 4
        assert faults == [], name


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 25])
def test_hostile_conditions_are_refused(size):
    assert _fuzz_files.hostile_conditions(size, 3) == (size, [])


def test_the_watch_sees_what_it_looks_for(monkeypatch):
    def bad(arguments):
        print("\x1b[2J", _fuzz_files.CANARY, "nan%")
        (watch.folder / "left").write_text("")
        raise KeyError("x")

    with _fuzz_files.watched() as watch:
        monkeypatch.setattr(_fuzz_files, "main", bad)
        watch.run("estimate")
    (fault,) = watch.faults
    for kind in ("status", "control characters", "leak", "not finite", "files"):
        assert kind in fault
