import jax
import numpy as np
import pytest

from benchmarks.solvers import BOX, data
from jaxmle import Bounds, Counts
from jaxmle._solvers import _tiles
from jaxmle._solvers._designs import follow_all, interior_point
from jaxmle._solvers._faces import face_maximum
from jaxmle._solvers._internal import Internal


@pytest.fixture(scope="module")
def problems():
    size = 4096
    counts = Counts(*data(size, seed=5))
    bounds = Bounds(**{k: tuple(np.full(size, end) for end in ends) for k, ends in BOX.items()})
    return counts, bounds, np.full(size, 3e-13)


def test_faces_settle_nearly_all_fits_where_the_interior_point_ends(problems):
    found, done = jax.jit(face_maximum)(*problems)
    inner = jax.jit(lambda *a: follow_all(Internal, *a, np.zeros(a[2].shape, bool)))(*problems)
    assert np.mean(done) > 0.99
    on_bound = [(np.asarray(x) <= lo) | (np.asarray(x) >= hi) for x, (lo, hi) in (
        (found.tpr, BOX["tpr"]), (found.fpr, BOX["fpr"]))]  # fmt: skip
    for held in (0, 1, 2):
        assert (np.asarray(done) & (sum(on_bound) == held)).sum() > 100
    for name in ("failure_rate", "tpr", "fpr"):
        pair = (np.asarray(getattr(p, name))[done] for p in (found, inner))
        np.testing.assert_allclose(*pair, atol=2e-5)


@pytest.mark.parametrize(
    ("box", "least"),
    [
        ({}, 0.98),
        ({"tpr": (0.8, 0.95), "fpr": (0.02, 0.1)}, 0.99),
        ({"tpr": (0.85, 1.0), "fpr": (0.0, 0.1)}, 0.99),
    ],
)
def test_faces_settle_nearly_all_small_data_sets_with_zero_cells(box, least):
    """Where both groups have labels; where one has none the maximum may be a set, and faces leave it."""
    rng, size = np.random.default_rng(7), 4096
    n, rate, n_unlabeled = (
        rng.integers(5, 40, size),
        rng.uniform(0.02, 0.4, size),
        rng.integers(50, 500, size),
    )
    failures = rng.binomial(n, rate)
    tp, fp = rng.binomial(failures, 0.9), rng.binomial(n - failures, 0.05)
    flags = rng.binomial(n_unlabeled, 0.9 * rate + 0.05 * (1 - rate))
    cells = np.array([tp, failures - tp, fp, n - failures - fp, flags, n_unlabeled - flags], float)
    cells = cells[:, (cells[:4] == 0).any(0)]
    ends = {"failure_rate": (0.0, 1.0), "tpr": (0.0, 1.0), "fpr": (0.0, 1.0)} | box
    bounds = Bounds(**{k: tuple(np.full(cells.shape[1], end) for end in pair) for k, pair in ends.items()})
    _, done = jax.jit(face_maximum)(Counts(*cells), bounds, np.full(cells.shape[1], 3e-13))
    labelled = (cells[0] + cells[1] > 0) & (cells[2] + cells[3] > 0)
    assert labelled.sum() > 2000
    assert np.mean(np.asarray(done)[labelled]) > least
    assert not np.asarray(done)[~labelled].any()


def test_accelerators_gather_what_is_left_over_and_find_the_same(problems, monkeypatch):
    counts, bounds, _ = problems

    def solve(counts, bounds):
        return interior_point(counts, bounds, "internal")

    on_cpu = jax.jit(solve)(counts, bounds)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(_tiles, "_ACCELERATOR_TILE", 256)
    elsewhere = jax.jit(lambda *a: solve(*a))(counts, bounds)
    for a, b in zip(jax.tree.leaves(on_cpu), jax.tree.leaves(elsewhere), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
