import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom

from jaxmle import Counts, Params
from jaxmle._simulation import (
    _binomial,
    draw_counts,
    fold_in,
    law_of_counts,
    law_of_params,
    root_key,
    tables_for,
    uniforms,
)
from jaxmle._stats import normal_quantile

DRAWS = 40_000


def columns(*values):
    return [np.array([value], float) for value in values]


def drawn(law, design, seed=0):
    keys = fold_in(root_key(seed), np.arange(len(law.two)))
    counts = draw_counts(uniforms(keys, (4, DRAWS)), law, design, tables_for(law, design))
    return np.stack([np.asarray(x)[0] for x in counts.values()])


@pytest.fixture(autouse=True)
def quietly():
    """The sampler is run by the engine, which expects logarithms of zero."""
    with np.errstate(all="ignore"):
        yield


@pytest.mark.slow
def test_uniforms_are_those_of_jax_bit_for_bit():
    ids = np.array([[5, 0], [123_456_789, 4], [2**32 - 1, 7]], np.uint32)
    ours = uniforms(fold_in(fold_in(fold_in(root_key(2**40 + 7), 3), ids[:, 0]), ids[:, 1]), (4, 99))
    root = jax.random.fold_in(jax.random.key(2**40 + 7, impl="threefry2x32"), 3)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.fold_in(root, i[0]), i[1]))(ids)
    theirs = jax.vmap(lambda key: jax.random.uniform(key, (4, 99), dtype=jnp.float64))(keys)
    np.testing.assert_array_equal(ours, theirs)
    own_keys = fold_in(root_key(5), ids[:, 0])
    compiled = jax.jit(lambda first, second: uniforms((first, second), (4, 99)))
    np.testing.assert_array_equal(compiled(*own_keys), uniforms(own_keys, (4, 99)))
    with jax.threefry_partitionable(False):
        other = jax.jit(lambda first, second: uniforms((first, second), (4, 98)))
        np.testing.assert_array_equal(other(*own_keys), uniforms(own_keys, (4, 98)))


def test_normal_quantiles_equal_those_of_scipy():
    p = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 2001), 10.0 ** -np.arange(1, 300, 7), [0.075, 0.925]])
    np.testing.assert_allclose(normal_quantile(p), ndtri(p), rtol=2e-15, atol=1e-16)


@pytest.mark.parametrize(
    ("n", "p"),
    [(50, 0.1), (50, 0.0), (50, 1.0), (0, 0.3), (1, 0.5), (500, 0.02), (10_000, 0.001), (7, 0.999)],
)
def test_tables_invert_the_distribution_function(n, p):
    u = np.concatenate(
        [np.linspace(0, 1, 501)[:-1], 10.0 ** -np.arange(1, 12), 1 - 10.0 ** -np.arange(1, 12)]
    )
    spans = _binomial.span(np.array([n]), np.array([p]))
    table = _binomial.table_size(spans, _binomial.tabulated(spans))
    assert table.all_fit
    x = np.asarray(_binomial.binomial(u[None], *columns(n, p, 1), table))[0]
    assert (binom.cdf(x, n, p) > u - 1e-12).all()
    assert (binom.cdf(x - 1, n, p) <= u + 1e-12).all()


@pytest.mark.parametrize(("n", "p"), [(200, 0.08), (900, 0.02), (60, 0.5), (1000, 0.17), (40_000, 0.1)])
def test_the_expansion_is_near_the_distribution_function(n, p):
    k = np.arange(n + 1.0)
    low, high = np.zeros(n + 1), np.ones(n + 1)
    for _ in range(50):
        middle = 0.5 * (low + high)
        above = np.asarray(_binomial.cornish_fisher(middle, float(n), p)) > k
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    assert np.abs(low - binom.cdf(k, n, p)).max() < 1e-4


@pytest.mark.parametrize(
    ("n", "judged", "theta", "tpr", "fpr"),
    [
        (50, 10_000, 0.08, 0.8, 0.05),
        (500, 1000, 0.3, 0.65, 0.3),
        (5000, 100, 0.3, 0.99, 0.001),
        (25, 10**9, 0, 0.5, 0.2),
    ],
)
def test_labelled_cells_are_multinomial(n, judged, theta, tpr, fpr):
    counts = Counts(*columns(n, 0, 0, 0, judged, 0))
    x = drawn(law_of_params(Params(*columns(theta, tpr, fpr)), counts, "random"), "random")
    p = np.array([theta * tpr, theta * (1 - tpr), (1 - theta) * fpr, (1 - theta) * (1 - fpr)])
    covariance = n * (np.diag(p) - np.outer(p, p))
    assert (x[:4].sum(0) == n).all()
    assert (x >= 0).all()
    error = np.sqrt(np.maximum(np.diag(covariance), 1e-12) / DRAWS)
    assert (np.abs(x[:4].mean(1) - n * p) < 5 * error + 1e-9).all()
    assert np.abs(np.cov(x[:4]) - covariance).max() < 0.05 * max(covariance.max(), 0.1)
    q = theta * tpr + (1 - theta) * fpr
    assert abs(x[4].mean() - judged * q) < 5 * np.sqrt(judged * q * (1 - q) / DRAWS)
    assert x[4].var() == pytest.approx(judged * q * (1 - q), rel=0.05)


def test_designs_keep_their_margins():
    counts = Counts(*columns(40, 10, 30, 120, 800, 9000))
    tp, fn, fp, tn, pos, neg = drawn(law_of_counts(counts, "by-verdict"), "by-verdict")
    assert (tp + fp == 70).all()
    assert (fn + tn == 130).all()
    assert (pos + neg == 9800).all()
    assert pos.var() == pytest.approx(10_000 * 0.087 * 0.913, rel=0.05)
    tp, fn, fp, tn, pos, neg = drawn(law_of_counts(counts, "external"), "external")
    assert (tp + fn == 50).all()
    assert (fp + tn == 150).all()
    assert tp.var() == pytest.approx(50 * 0.8 * 0.2, rel=0.05)


def test_labelling_every_flagged_item_leaves_room_for_fewer():
    counts = Counts(*columns(40, 10, 30, 120, 0, 800))
    tp, fn, fp, tn, pos, neg = drawn(law_of_counts(counts, "by-verdict"), "by-verdict")
    flagged = tp + fp + pos
    assert flagged.mean() == pytest.approx(70, abs=0.3)
    assert flagged.std() == pytest.approx(np.sqrt(70 * 0.93), rel=0.05)
    assert (tp + fp <= 70).all()
    # Given how many are flagged, the failures among them are binomial.
    for m in (60, 66, 70):
        part = tp[tp + fp == m]
        assert part.mean() == pytest.approx(m * 4 / 7, abs=5 * np.sqrt(m * 12 / 49 / part.size))
        assert part.var() == pytest.approx(m * 12 / 49, rel=0.2)
    assert (tp + fn + fp + tn + pos + neg == 1000).all()
