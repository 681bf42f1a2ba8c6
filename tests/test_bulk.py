import jax
import numpy as np
import pytest

from jaxmle import Bounds, Counts, fit
from jaxmle._solvers._bulk import bulk_maximum, likelihood_ratio

ERROR = 1e-6


def instances(size, seed):
    """Small and large data sets under wide, narrow, one-sided and known bounds that hold."""
    rng = np.random.default_rng(seed)
    n, judged = rng.integers(0, 200, size), (10 ** rng.uniform(0, 6, size)).astype(int)
    theta, tpr, fpr = rng.beta(0.5, 1, size), rng.random(size), rng.random(size)
    failures = rng.binomial(n, theta)
    tp, fp = rng.binomial(failures, tpr), rng.binomial(n - failures, fpr)
    pos = rng.binomial(judged, theta * tpr + (1 - theta) * fpr)
    counts = Counts(*(x * 1.0 for x in (tp, failures - tp, fp, n - failures - fp, pos, judged - pos)))

    def box(x, share_known):
        low, high = (np.clip(x + sign * 0.3 * rng.random(size), 0, 1) for sign in (-1, 1))
        known, open_ = rng.random(size) < share_known, rng.random(size) < 0.3
        low, high = np.where(open_, 0, low), np.where(open_, 1, high)
        return np.where(known, x, low), np.where(known, x, high)

    return counts, Bounds(failure_rate=box(theta, 0.5), tpr=box(tpr, 0.1), fpr=box(fpr, 0.1))


@pytest.mark.parametrize("calibration", ["internal", "external"])
def test_bulk_maxima_fall_short_by_no_more_than_stated(calibration):
    counts, bounds = instances(4096, 1)
    exact = fit(counts, bounds, calibration=calibration)
    bulk = jax.jit(bulk_maximum, static_argnums=(2, 3))(counts, bounds, calibration, ERROR)
    shortfall = exact.log_likelihood - np.asarray(bulk.log_likelihood)
    sure = exact.converged
    assert sure.mean() > 0.999
    # Values of a million items carry a rounding error of their own.
    slack = 1e-14 * np.abs(exact.log_likelihood) + 1e-9 * np.asarray(sum(counts.values()))
    assert (shortfall[sure] < ERROR + slack[sure]).all()
    assert (shortfall[sure] > -1e-6).all()
    for name in ("failure_rate", "tpr", "fpr"):
        low, high = getattr(bounds, name)
        value = np.asarray(getattr(bulk.params, name))
        assert ((low <= value) & (value <= high)).all()
    free = np.asarray(bulk.free)
    assert (np.array([not names for names in exact.active_bounds])[free & exact.identified]).mean() > 0.99


def test_the_ratio_is_zero_where_nothing_is_taken_away():
    counts, bounds = instances(512, 2)
    ratio = jax.jit(likelihood_ratio, static_argnums=(3, 4))
    same, wide, narrow = ratio(counts, bounds, bounds, "internal", ERROR)
    assert (np.asarray(same) <= 1e-12).all()
    np.testing.assert_array_equal(wide.params.failure_rate, narrow.params.failure_rate)
