import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES

from jaxmle import Counts, Params, closed_form, information, log_likelihood, score
from jaxmle._engine import program

DESIGNS = ("internal", "external")


def random_params(rng, shape=()):
    return Params(*(rng.uniform(0.05, 0.95, shape) for _ in range(3)))


def test_log_likelihood_is_the_multinomial_one():
    theta, tpr, fpr = 0.1, 0.8, 0.05
    cells = np.array([theta * tpr, theta * (1 - tpr), (1 - theta) * fpr, (1 - theta) * (1 - fpr)])
    q = cells[0] + cells[2]
    tp, fn, fp, tn, pos, neg = CASES["B"]
    internal = np.dot([tp, fn, fp, tn], np.log(cells)) + pos * np.log(q) + neg * np.log(1 - q)
    given = tp * np.log(tpr) + fn * np.log(1 - tpr) + fp * np.log(fpr) + tn * np.log(1 - fpr)
    external = given + pos * np.log(q) + neg * np.log(1 - q)
    params, counts = Params(theta, tpr, fpr), Counts(*CASES["B"])
    assert log_likelihood(params, counts) == pytest.approx(internal, rel=1e-14)
    assert log_likelihood(params, counts, calibration="external") == pytest.approx(external, rel=1e-14)


@pytest.mark.parametrize("calibration", DESIGNS)
def test_score_is_the_gradient_and_information_its_expected_slope(calibration):
    def value(p, c):
        return log_likelihood(p, c, calibration=calibration)

    gradient_of, hessian_of = (
        program(derivative(value), "jax", "little") for derivative in (jax.grad, jax.hessian)
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        params = random_params(rng)
        counts = Counts(*rng.uniform(0, 50, 6))
        gradient = gradient_of(params, counts)
        for name in ("failure_rate", "tpr", "fpr"):
            ours = getattr(score(params, counts, calibration=calibration), name)
            assert ours == pytest.approx(float(getattr(gradient, name)), rel=1e-9, abs=1e-9)
        # At its own expectation the observed information is the expected one.
        theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
        q = theta * tpr + (1 - theta) * fpr
        failures, passes = (30 * theta, 30 * (1 - theta)) if calibration == "internal" else (20.0, 35.0)
        expected = Counts(
            failures * tpr, failures * (1 - tpr), passes * fpr, passes * (1 - fpr), 99 * q, 99 * (1 - q)
        )
        observed = -np.array(jax.tree.leaves(hessian_of(params, expected))).reshape(3, 3)
        np.testing.assert_allclose(
            information(params, expected, calibration=calibration), observed, rtol=1e-8
        )


@pytest.mark.parametrize("calibration", DESIGNS)
def test_zero_counts_are_exact_at_the_edges(calibration):
    nothing = Counts(0.0, 0.0, 0.0, 4.0, 0.0, 9.0)
    edge = Params(0.0, 1.0, 0.0)
    value, gradient = jax.value_and_grad(lambda p: log_likelihood(p, nothing, calibration=calibration))(edge)
    assert value == 0
    assert all(np.isfinite(x) for x in jax.tree.leaves(gradient))
    impossible = Counts(1.0, 0.0, 0.0, 4.0, 0.0, 9.0)
    assert log_likelihood(Params(0.2, 0.0, 0.1), impossible, calibration=calibration) == -np.inf


@pytest.mark.parametrize("calibration", DESIGNS)
def test_likelihood_jits_vmaps_and_broadcasts(calibration):
    rng = np.random.default_rng(1)
    counts, params = Counts(*rng.uniform(0, 9, (6, 5))), random_params(rng, 5)
    batched = log_likelihood(params, counts, calibration=calibration)
    mapped = jax.jit(jax.vmap(lambda p, c: log_likelihood(p, c, calibration=calibration)))(params, counts)
    np.testing.assert_allclose(mapped, batched, rtol=1e-12)
    assert information(params, counts, calibration=calibration).shape == (5, 3, 3)


@pytest.mark.parametrize("calibration", DESIGNS)
def test_closed_form_has_zero_score_and_the_inverse_information_as_variance(calibration):
    def value(p, c):
        return log_likelihood(p, c, calibration=calibration)

    hessian_of = program(jax.hessian(value), "jax", "little")
    for name in "ABE":
        counts = Counts(*map(float, CASES[name]))
        result = closed_form(counts, calibration=calibration)
        assert bool(result.exists)
        slope = score(result.params, counts, calibration=calibration)
        total = sum(CASES[name])
        assert max(abs(float(x)) for x in jax.tree.leaves(slope)) < 1e-9 * total
        hessian = hessian_of(result.params, counts)
        inverse = np.linalg.inv(-np.array(jax.tree.leaves(hessian)).reshape(3, 3))
        assert float(result.standard_error) == pytest.approx(np.sqrt(inverse[0, 0]), rel=1e-6)


@pytest.mark.parametrize(
    ("case", "theta", "error"),
    [
        ("A", 0.3825061979, 0.0220141378),
        ("B", 0.0807779285, 0.0268748811),
        ("C", 0.1, 0.0189820299),
        ("D", 0.5, 0.0494138133),
        ("E", 0.3842443310, 0.0131587824),
        ("F", 0.0338373121, 0.0162095505),
        ("G", 0.1908771930, 0.0604779702),
    ],
)
def test_closed_form_reproduces_known_joint_maxima(case, theta, error):
    result = closed_form(Counts(*CASES[case]))
    assert float(result.params.failure_rate) == pytest.approx(theta, abs=6e-11)
    assert float(result.standard_error) == pytest.approx(error, abs=6e-11)


def test_closed_form_says_where_it_does_not_apply():
    empty = closed_form(Counts(*(jnp.zeros(2) + i for i in (0.0, 0.0, 3.0, 4.0, 5.0, 6.0))))
    assert not empty.exists.any()
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(empty))
    chance = closed_form(Counts(3.0, 3.0, 3.0, 3.0, 5.0, 5.0), calibration="external")
    assert not bool(chance.exists)
