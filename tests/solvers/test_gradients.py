import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cases import CASES

from jaxmle import Bounds, Counts, Params, fit, log_likelihood, maximize
from jaxmle._engine import program

SETTINGS = [
    ("internal", (0.0, 1.0, 0.80, 0.90, 0.05, 0.15)),
    ("internal", (0.0, 1.0, 0.70, 0.95, 0.01, 0.10)),
    ("internal", (0.0, 1.0, 0.00, 1.00, 0.00, 1.00)),
    ("internal", (0.0, 0.3, 0.80, 0.99, 0.00, 1.00)),
    ("external", (0.0, 1.0, 0.82, 0.90, 0.06, 0.15)),
    ("external", (0.0, 1.0, 0.92, 0.99, 0.00, 1.00)),
]


def compiled(*functions):
    """Programs of the functions, with little time spent on optimizing what runs a few times."""
    return [program(function, "jax", "little") for function in functions]


def rates(vector, calibration):
    counts, ends = Counts(*vector[:6]), vector[6:]
    bounds = Bounds((ends[0], ends[1]), (ends[2], ends[3]), (ends[4], ends[5]))
    p = maximize(counts, bounds, calibration=calibration).params
    return jnp.stack([p.failure_rate, p.tpr, p.fpr])


@functools.cache
def rates_and_derivatives(calibration):
    own = functools.partial(rates, calibration=calibration)
    return compiled(own, jax.jacfwd(own), jax.jacrev(own))


@pytest.mark.slow
@pytest.mark.parametrize(("calibration", "ends"), SETTINGS)
@pytest.mark.parametrize("case", ["A", "B", "C"])
def test_derivatives_match_finite_differences(case, calibration, ends):
    point = np.array([*map(float, CASES[case]), *ends])
    rates_of, forward, reverse = rates_and_derivatives(calibration)
    value, exact, backward = (np.asarray(f(jnp.asarray(point))) for f in (rates_of, forward, reverse))
    np.testing.assert_allclose(backward, exact, rtol=1e-9, atol=1e-12)
    for k in range(12):
        step = (1e-4 * point[k] or 1e-4) if k < 6 else 1e-5
        if k >= 6 and not 0 < point[k] < 1:
            continue  # an end of [0, 1], which cannot be moved both ways
        shift = np.eye(12)[k] * step
        # At a zero cell there is only one side.
        back = shift * (k >= 6 or point[k] > 0)
        ahead, behind = (np.asarray(rates_of(x)) for x in (point + shift, point - back))
        slope = (ahead - behind) / (step + back.max())
        scale = np.abs(slope).max() + 1e-6 * value.max() / step * 1e-3
        np.testing.assert_allclose(exact[:, k], slope, rtol=2e-3, atol=2e-3 * scale + 1e-9)


@pytest.mark.slow
def test_a_known_rate_moves_with_its_value():
    def failure_rate(tpr):
        counts = Counts(*map(float, CASES["B"]))
        return maximize(counts, Bounds(tpr=(tpr, tpr), fpr=(0.05, 0.15))).params.failure_rate

    value, gradient = compiled(failure_rate, jax.grad(failure_rate))
    slope = (value(0.8501) - value(0.8499)) / 2e-4
    assert float(gradient(0.85)) == pytest.approx(float(slope), rel=1e-4)


@pytest.mark.slow
def test_gradients_work_under_jit_and_vmap_and_never_are_nan():
    def failure_rate(numbers, low):
        return maximize(Counts(*numbers), Bounds(tpr=(low, 0.95))).params.failure_rate

    # Zero cells, no labels at all, an optimum at a failure rate of 0: flat directions give 0.
    numbers = np.array([CASES["B"], CASES["C"], (0, 0, 0, 0, 30, 70), (0, 0, 3, 40, 10, 400)], dtype=float)
    (gradient,) = compiled(jax.vmap(jax.grad(failure_rate, argnums=(0, 1)), in_axes=(0, None)))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient(numbers, 0.8)))


def test_counts_of_zero_have_their_own_derivative():
    def value(fn):
        return log_likelihood(Params(0.1, 0.98, 0.05), Counts(10.0, fn, 5.0, 85.0, 300.0, 1700.0))

    assert float(jax.grad(value)(0.0)) == pytest.approx(np.log(0.1 * 0.02), rel=1e-12)


@pytest.mark.slow
def test_second_derivatives_are_finite_and_right():
    def failure_rate(ends):
        counts = Counts(*map(float, CASES["B"]))
        return maximize(counts, Bounds(tpr=(ends[0], 0.95), fpr=(ends[1], 0.15))).params.failure_rate

    point, step = np.array([0.82, 0.05]), 1e-5
    second, gradient = compiled(jax.hessian(failure_rate), jax.grad(failure_rate))
    hessian = np.asarray(second(jnp.asarray(point)))
    for k in range(2):
        shift = np.eye(2)[k] * step
        slope = (np.asarray(gradient(point + shift)) - np.asarray(gradient(point - shift))) / (2 * step)
        np.testing.assert_allclose(hessian[k], slope, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_derivatives_survive_a_billion_verdicts_for_fifty_labels():
    def failure_rate(low, scale):
        counts = Counts(4.0, 1.0, 2.0, 43.0, 9.0 * scale, 91.0 * scale)
        return maximize(counts, Bounds(tpr=(low, 0.95))).params.failure_rate

    (gradient,) = compiled(jax.grad(failure_rate))
    few, many = (float(gradient(0.85, scale)) for scale in (1e4, 1e8))
    assert many == pytest.approx(few, rel=2e-2)


@pytest.mark.slow
def test_log_likelihood_has_the_shadow_prices_as_derivatives():
    counts, ends = Counts(*CASES["B"]), (0.8, 0.9, 0.05, 0.15)
    price = fit(counts, Bounds(tpr=ends[:2], fpr=ends[2:])).shadow_price

    def log_likelihood_at(e):
        return maximize(
            Counts(*map(float, CASES["B"])), Bounds(tpr=(e[0], e[1]), fpr=(e[2], e[3]))
        ).log_likelihood

    value, slopes = compiled(log_likelihood_at, jax.grad(log_likelihood_at))
    gradient = np.asarray(slopes(jnp.asarray(ends)))
    np.testing.assert_allclose(gradient, [*price.tpr, *price.fpr], rtol=1e-6, atol=1e-9)
    for k in range(4):
        step = np.eye(4)[k] * 1e-5
        slope = (value(np.asarray(ends) + step) - value(np.asarray(ends) - step)) / 2e-5
        assert gradient[k] == pytest.approx(float(slope), rel=1e-3, abs=1e-5)
