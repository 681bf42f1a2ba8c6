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
