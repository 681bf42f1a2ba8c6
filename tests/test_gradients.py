import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CASES

from jaxmle import Bounds, Counts, maximize

SETTINGS = [
    ("internal", (0.0, 1.0, 0.80, 0.90, 0.05, 0.15)),
    ("internal", (0.0, 1.0, 0.70, 0.95, 0.01, 0.10)),
    ("internal", (0.0, 1.0, 0.00, 1.00, 0.00, 1.00)),
    ("internal", (0.0, 0.3, 0.80, 0.99, 0.00, 1.00)),
    ("external", (0.0, 1.0, 0.82, 0.90, 0.06, 0.15)),
    ("external", (0.0, 1.0, 0.92, 0.99, 0.00, 1.00)),
]


@functools.partial(jax.jit, static_argnums=1)
def rates(vector, calibration):
    counts, ends = Counts(*vector[:6]), vector[6:]
    bounds = Bounds((ends[0], ends[1]), (ends[2], ends[3]), (ends[4], ends[5]))
    p = maximize(counts, bounds, calibration=calibration).params
    return jnp.stack([p.failure_rate, p.tpr, p.fpr])


FORWARD = jax.jit(jax.jacfwd(rates), static_argnums=1)
REVERSE = jax.jit(jax.jacrev(rates), static_argnums=1)


@pytest.mark.parametrize(("calibration", "ends"), SETTINGS)
@pytest.mark.parametrize("case", ["A", "B"])
def test_derivatives_match_finite_differences(case, calibration, ends):
    point = np.array([*map(float, CASES[case]), *ends])
    value = np.asarray(rates(point, calibration))
    exact = np.asarray(FORWARD(jnp.asarray(point), calibration))
    backward = np.asarray(REVERSE(jnp.asarray(point), calibration))
    np.testing.assert_allclose(backward, exact, rtol=1e-9, atol=1e-12)
    for k in range(12):
        step = 1e-4 * point[k] if k < 6 else 1e-5
        if k >= 6 and not 0 < point[k] < 1:
            assert abs(exact[:, k]).max() < 1e-9  # an idle bound at the edge of [0, 1]
            continue
        shift = np.eye(12)[k] * step
        slope = (
            np.asarray(rates(point + shift, calibration)) - np.asarray(rates(point - shift, calibration))
        ) / (2 * step)
        scale = np.abs(slope).max() + 1e-6 * value.max() / step * 1e-3
        np.testing.assert_allclose(exact[:, k], slope, rtol=2e-3, atol=2e-3 * scale + 1e-9)


def test_a_known_rate_moves_with_its_value():
    @jax.jit
    def failure_rate(tpr):
        counts = Counts(*map(float, CASES["B"]))
        return maximize(counts, Bounds(tpr=(tpr, tpr), fpr=(0.05, 0.15))).params.failure_rate

    slope = (failure_rate(0.8501) - failure_rate(0.8499)) / 2e-4
    assert float(jax.grad(failure_rate)(0.85)) == pytest.approx(float(slope), rel=1e-4)


def test_gradients_work_under_jit_and_vmap_and_never_are_nan():
    def failure_rate(numbers, low):
        return maximize(Counts(*numbers), Bounds(tpr=(low, 0.95))).params.failure_rate

    # Zero cells, no labels at all, an optimum at a failure rate of 0: flat directions give 0.
    numbers = np.array([CASES["B"], CASES["C"], (0, 0, 0, 0, 30, 70), (0, 0, 3, 40, 10, 400)], dtype=float)
    gradient = jax.jit(jax.vmap(jax.grad(failure_rate, argnums=(0, 1)), in_axes=(0, None)))(numbers, 0.8)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradient))


def test_log_likelihood_has_the_shadow_prices_as_derivatives():
    from jaxmle import fit

    counts, ends = Counts(*CASES["B"]), (0.8, 0.9, 0.05, 0.15)
    price = fit(counts, Bounds(tpr=ends[:2], fpr=ends[2:])).shadow_price

    @jax.jit
    def value(e):
        return maximize(
            Counts(*map(float, CASES["B"])), Bounds(tpr=(e[0], e[1]), fpr=(e[2], e[3]))
        ).log_likelihood

    gradient = np.asarray(jax.grad(value)(jnp.asarray(ends)))
    np.testing.assert_allclose(gradient, [*price.tpr, *price.fpr], rtol=1e-6, atol=1e-9)
    for k in range(4):
        step = np.eye(4)[k] * 1e-5
        slope = (value(np.asarray(ends) + step) - value(np.asarray(ends) - step)) / 2e-5
        assert gradient[k] == pytest.approx(float(slope), rel=1e-3, abs=1e-5)
