"""How judges differ over slices: integrals, posteriors and special functions against independent ones."""

from itertools import pairwise

import numpy as np
import pytest
from pooled_data import problem_of
from scipy.integrate import quad
from scipy.special import betaln, gammaln, logsumexp, xlogy

from benchmarks._samples import cell_rates, flag_rate
from jaxmle import Bounds, Counts, fit_slices
from jaxmle._slices._joint_problem import hull_of
from jaxmle._slices._judge_posterior import (
    PAIRS,
    PRIOR,
    concentration,
    data_of,
    judge_posterior,
    log_posterior_terms,
    log_prior,
)
from jaxmle._slices._marginal import _log_beta_binomial, cut_beta, log_gamma, log_marginal, updated
from jaxmle._slices._projected_newton import eigh
from jaxmle._slices._slice import slices_of


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_eigenvalues_are_those_of_lapack(size, scale):
    rng = np.random.default_rng(size)
    matrices = rng.normal(size=(50, size, size))
    matrices = scale * (matrices + np.swapaxes(matrices, -1, -2))
    # Degenerate ones: rank one, none at all, a multiple of the identity, and one eigenvalue twice.
    axis = np.ones(size) / np.sqrt(size)
    special = [
        np.outer(axis, axis),
        np.zeros((size, size)),
        np.eye(size),
        np.eye(size) - 2 * np.outer(axis, axis),
    ]
    matrices = np.concatenate([matrices, scale * np.array(special)])
    values, vectors = eigh(matrices)
    want = np.linalg.eigvalsh(matrices)
    size_of = np.maximum(np.abs(want).max(-1), 1e-300)[:, None]
    assert np.abs(np.sort(values, -1) - want).max(-1) == pytest.approx(
        0, abs=1e-13 * max(size_of.max(), 1e-300)
    )
    back = np.einsum("nij,nj,nkj->nik", vectors, values, vectors)
    assert np.max(np.abs(back - matrices) / size_of[..., None]) < 1e-13
    assert np.einsum("nij,nik->njk", vectors, vectors) == pytest.approx(
        np.broadcast_to(np.eye(size), matrices.shape), abs=1e-13
    )


def test_eigenvalues_of_very_different_size_are_found():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    matrix = (turn * [1e6, 1.0, -1e-3, 1e-6]) @ turn.T
    values, _ = eigh(matrix)
    assert np.sort(values) == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-9)


SHAPES = [(0.5, 12.0), (1.0, 1.0), (2.0, 30.0), (9.0, 1.0), (40.0, 4.0)]


CUTS = [(0.0, 1.0), (0.02, 0.3), (0.7, 0.95), (0.85, 0.9)]


def moments(a, b, low, high):
    """Logarithm of the mass, mean and variance by adaptive quadrature, in arcsine coordinates."""
    ends = np.arcsin(np.sqrt([low, high]))
    peak = np.clip(np.arcsin(np.sqrt(a / (a + b))), *ends)

    def log_density(phi):
        return xlogy(2 * a - 1, np.sin(phi)) + xlogy(2 * b - 1, np.cos(phi))

    top = max(
        log_density(x)
        for x in (*np.clip(ends, 1e-6, np.pi / 2 - 1e-6), np.clip(peak, 1e-6, np.pi / 2 - 1e-6))
    )
    width = 10 / np.sqrt(a + b)
    cuts = sorted(
        {*ends, *np.clip([peak - width, peak - width / 8, peak, peak + width / 8, peak + width], *ends)}
    )

    def integral(of):
        parts = [
            quad(
                lambda phi: of(np.sin(phi) ** 2) * np.exp(log_density(phi) - top), *pair, epsabs=0, limit=200
            )[0]
            for pair in pairwise(cuts)
        ]
        return sum(parts)

    mass = integral(lambda t: 1.0)
    mean = integral(lambda t: t) / mass
    return np.log(mass) + top, mean, integral(lambda t: (t - mean) ** 2) / mass


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_moments_of_cut_off_betas_are_those_of_quadrature(a, b):
    for low, high in CUTS:
        found = cut_beta(a, b, low, high)
        log_mass, mean, variance = moments(a, b, low, high)
        assert float(found.log_mass) == pytest.approx(log_mass, abs=0.02)
        sd = np.sqrt(variance)
        assert float(found.mean) == pytest.approx(mean, abs=0.02 * sd)
        assert float(np.sqrt(found.variance)) == pytest.approx(sd, rel=0.03)


def test_labels_update_a_rate_and_are_as_likely_as_quadrature_says():
    for (a, b), (hits, misses), (low, high) in (
        ((9.0, 1.0), (3.0, 1.0), (0.0, 1.0)),
        ((2.0, 30.0), (1.0, 40.0), (0.02, 0.3)),
        ((40.0, 4.0), (0.0, 0.0), (0.7, 0.95)),
        ((40.0, 4.0), (300.0, 60.0), (0.7, 0.95)),
    ):
        found = updated((a, b), hits, misses, low, high)
        before, after = moments(a, b, low, high), moments(a + hits, b + misses, low, high)
        assert float(found.log_mass) == pytest.approx(after[0] - before[0], abs=0.02)
        assert float(found.mean) == pytest.approx(after[1], abs=0.02 * np.sqrt(after[2]))
    # Without bounds it is the beta-binomial.
    found = updated((9.0, 1.0), 3.0, 1.0, 0.0, 1.0)
    assert float(found.log_mass) == pytest.approx(betaln(12, 2) - betaln(9, 1), abs=5e-3)


def test_gamma_and_beta_functions_are_those_of_scipy():
    x = np.array([1e-8, 1e-3, 0.25, 0.5, 1, 2, 7.5, 8, 100, 1e5, 1e9])
    assert np.asarray(log_gamma(x)) == pytest.approx(gammaln(x), rel=1e-13, abs=1e-9)
    for a in (1e-6, 0.3, 5.0, 1e4, 1e8):
        for b in (0.5, 40.0, 1e8):
            for hits, misses in ((0.0, 0.0), (3.0, 0.0), (0.0, 50.0), (400.0, 9000.0)):
                found = float(_log_beta_binomial(a, b, hits, misses))
                # scipy's own difference of two large numbers is no better than that.
                slack = 1e-9 + 1e-15 * (a + b) * np.log(a + b + 2)
                assert found == pytest.approx(
                    betaln(a + hits, b + misses) - betaln(a, b), abs=slack, rel=1e-9
                )


def test_rates_known_to_be_0_or_1_give_finite_answers():
    counts = Counts([4, 1, 2], [0, 0, 0], [2, 1, 1], [43, 8, 8], [90, 20, 50], [900, 180, 0])
    found = fit_slices(counts, Bounds(tpr=(1, 1)), judge_rates="partial")
    interval = found.interval()
    assert np.isfinite([found.failure_rate, interval.low, interval.high]).all()
    assert (interval.low <= found.failure_rate).all()
    counts = Counts([4, 1, 2], [1, 0, 0], [0, 0, 0], [43, 8, 8], [90, 20, 0], [900, 180, 50])
    found = fit_slices(counts, Bounds(fpr=(0, 0)), judge_rates="partial")
    interval = found.interval()
    assert np.isfinite([found.failure_rate, interval.low, interval.high]).all()
    assert found.spread[1] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_the_posterior_of_spreads_is_that_of_a_grid():
    rng = np.random.default_rng(4)
    rate = rng.beta(1.5, 8, 8)
    tpr = np.array([0.95, 0.6, 0.9, 0.4, 0.85, 0.97, 0.7, 0.9])
    flagged = rng.binomial(300, flag_rate(rate, tpr, 0.06))
    labeled = rng.multinomial(40, cell_rates(rate, tpr, 0.06))
    problem = problem_of(Counts(*labeled.T, flagged, 300 - flagged))
    hull = hull_of(problem)
    found = judge_posterior(problem, "internal", hull)
    data = data_of(problem, "internal", hull)
    axes = (
        np.linspace(-1.5, 5, 20),
        np.linspace(-5.5, -0.5, 20),
        np.linspace(-3.5, 0, 12),
        np.linspace(0, 6, 12),
    )
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 4)

    def evidence(rho):
        parts = np.split(grid, 60)
        values = [np.sum(log_posterior_terms(z, rho, data), -1) + log_prior(z, data) for z in parts]
        return logsumexp(np.concatenate(values))

    few = [i for i, pair in enumerate(PAIRS) if pair[1] in (0.0, 0.04) and pair[0] in (0.0, 0.04, 0.25)]
    exact = np.array([float(evidence(PAIRS[i])) for i in few])
    # Weights of the same pairs, the likeliest of which was divided into nine.
    mine = np.array([found.weight[i] / PRIOR[i] for i in few])
    used = mine > 0
    assert used.sum() >= len(few) - 1
    exact, mine = exact[used] - exact[used].max(), np.log(mine[used])
    mine -= mine[np.argmax(exact)]
    # Laplace's method over four numbers of eight slices, of which the spreads move the result by nats.
    assert mine == pytest.approx(exact, abs=0.5)
    assert np.ptp(exact) > 1
    assert concentration(0.25) == pytest.approx(3.0)


def test_the_marginal_likelihood_is_the_integral_over_the_judge():
    # As near as a Beta law of the flag rate comes.
    counts = Counts(3.0, 1.0, 2.0, 30.0, 40.0, 360.0)
    s = slices_of(counts, (0.0, 1.0), "internal")
    prior_tpr, prior_fpr = (18.0, 2.0), (3.0, 57.0)
    tpr = updated(prior_tpr, counts.tp, counts.fn, 0.0, 1.0)
    fpr = updated(prior_fpr, counts.fp, counts.tn, 0.0, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    t, w = 0.5 * (nodes + 1), 0.5 * weights

    def density(prior, hits, misses):
        a, b = prior[0] + hits, prior[1] + misses
        return np.exp((a - 1) * np.log(t) + (b - 1) * np.log1p(-t) - betaln(*prior))

    joint = np.outer(w * density(prior_tpr, 3, 1), w * density(prior_fpr, 2, 30))

    def exact(rate):
        q = rate * t[:, None] + (1 - rate) * t
        return np.log(np.sum(joint * q**40 * (1 - q) ** 360)) + xlogy(4, rate) + xlogy(32, 1 - rate)

    rates = np.array([0.03, 0.06, 0.1, 0.15])
    found = np.array([float(log_marginal(s, tpr, fpr, rate)) for rate in rates])
    want = np.array([exact(rate) for rate in rates])
    assert want.max() - want.min() > 2  # as far as intervals reach
    assert found == pytest.approx(want, abs=0.3)
