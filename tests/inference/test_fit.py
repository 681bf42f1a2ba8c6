import subprocess
import sys

import jax
import numpy as np
import pytest
from cases import CASES

from jaxmle import Bounds, Counts, Fit, JudgeCalibration, certify, fit, profile_interval

BOX = Bounds(tpr=(0.80, 0.90), fpr=(0.05, 0.15))


def test_scalars_lists_and_any_leading_shape_agree():
    values = np.array([CASES[name] for name in "ABCD"]).T
    batch = fit(Counts(*values), BOX)
    square = fit(Counts(*values.reshape(6, 2, 2)), BOX)
    listed = fit(Counts(*values.tolist()), BOX)
    assert batch.failure_rate.shape == (4,)
    assert square.failure_rate.shape == (2, 2)
    np.testing.assert_array_equal(square.failure_rate.ravel(), batch.failure_rate)
    np.testing.assert_array_equal(listed.failure_rate, batch.failure_rate)
    for i, name in enumerate("ABCD"):
        one = fit(Counts(*CASES[name]), BOX)
        assert isinstance(one.failure_rate, float)
        assert isinstance(one.converged, bool)
        assert one.failure_rate == pytest.approx(batch[i].failure_rate, abs=1e-10)
        assert one.active_bounds == batch.active_bounds[i]


def test_a_hundred_thousand_equal_the_loop_over_its_elements():
    rng = np.random.default_rng(0)
    n = 100_000
    labeled = rng.multinomial(50, [0.09, 0.01, 0.045, 0.855], size=n).T
    flagged = rng.binomial(10_000, 0.135, size=n)
    counts = Counts(*labeled, flagged, 10_000 - flagged)
    box = Bounds(tpr=(0.70, 0.95), fpr=(0.01, 0.10))
    batch = fit(counts, box)
    assert batch.converged.all()
    # The elements one by one: every 500th, as the loop over all would take minutes.
    for i in range(0, n, 500):
        one = fit(counts[i], box)
        assert one.log_likelihood == pytest.approx(batch.log_likelihood[i], rel=1e-14)
        assert one.failure_rate == pytest.approx(batch.failure_rate[i], abs=1e-8)


def test_results_are_pytrees_and_index_like_arrays():
    values = np.array([CASES[name] for name in "ABC"]).T
    batch = fit(Counts(*values), BOX)
    assert len(batch) == 3
    assert [one.failure_rate for one in batch] == batch.failure_rate.tolist()
    assert isinstance(jax.tree.map(lambda x: x, batch), Fit)
    assert "3 converged" in str(batch)
    assert "active bounds: tpr.low, fpr.low" in str(batch[1])


def test_per_slice_bounds_broadcast_with_scalars():
    counts = Counts(*CASES["B"])
    result = fit(counts, Bounds(tpr=([0.8, 0.85, 0.9], 0.95), fpr=(0.05, 0.15)))
    assert result.tpr.tolist() == [0.8, 0.85, 0.9]


@pytest.mark.parametrize("calibration", ["internal", "external"])
def test_shadow_prices_are_the_slope_of_the_maximum(calibration):
    counts = Counts(*CASES["D"])
    ends = np.array([0.0, 0.4, 0.80, 0.90, 0.05, 0.15])

    def value(e):
        return fit(
            counts, Bounds((e[0], e[1]), (e[2], e[3]), (e[4], e[5])), calibration=calibration
        ).log_likelihood

    result = fit(
        counts, Bounds((ends[0], ends[1]), (ends[2], ends[3]), (ends[4], ends[5])), calibration=calibration
    )
    prices = jax.tree.leaves(result.shadow_price)
    active = jax.tree.leaves(result.at_bound)
    assert any(active)
    for k in range(1, 6):
        step = np.eye(6)[k] * 1e-6
        slope = (value(ends + step) - value(ends - step)) / 2e-6
        assert prices[k] == pytest.approx(slope, rel=1e-3, abs=1e-3)
        assert active[k] == (abs(slope) > 1e-3)


def test_price_of_a_failure_rate_kept_above_zero():
    counts = Counts(0, 0, 3, 97, 30, 970)

    def at(low):
        return fit(counts, Bounds(failure_rate=(low, 1), tpr=(0.6, 0.9), fpr=(0, 0.2)))

    result = at(0.0)
    assert result.failure_rate == 0
    assert result.at_bound.failure_rate == (True, False)
    assert "failure_rate.low" not in result.active_bounds
    slope = (at(1e-6).log_likelihood - result.log_likelihood) / 1e-6
    assert result.shadow_price.failure_rate[0] == pytest.approx(slope, rel=1e-3)


def test_price_where_no_failure_is_left_in_the_external_design():
    counts = Counts(0, 0, 20, 80, 5, 995)

    def at(low):
        bounds = Bounds(failure_rate=(low, 1), tpr=(0.6, 0.9), fpr=(0.1, 0.3))
        return fit(counts, bounds, calibration="external")

    slope = (at(1e-6).log_likelihood - at(0.0).log_likelihood) / 1e-6
    assert at(0.0).shadow_price.failure_rate[0] == pytest.approx(slope, rel=1e-3)


IDENTIFICATION = [
    # Labels: none; flagged items only; passed items only; failures only; one cell of each verdict.
    ("internal", (0, 0, 0, 0, 300, 700), Bounds(tpr=(0.8, 0.9), fpr=(0.05, 0.15)), False),
    ("internal", (0, 0, 0, 0, 300, 700), Bounds(tpr=(0.85, 0.85), fpr=(0.1, 0.1)), True),
    ("internal", (0, 0, 0, 0, 300, 700), Bounds(), False),
    ("internal", (0, 0, 0, 0, 20, 980), Bounds(tpr=(0.8, 0.9), fpr=(0.05, 0.15)), True),
    ("internal", (12, 0, 8, 0, 300, 700), Bounds(tpr=(0.8, 0.9)), False),
    ("internal", (0, 3, 0, 60, 300, 700), Bounds(fpr=(0.05, 0.15)), False),
    ("internal", (0, 3, 0, 60, 0, 0), Bounds(), True),
    ("internal", (9, 0, 0, 40, 0, 0), Bounds(tpr=(0.5, 0.9)), True),
    ("internal", (4, 1, 2, 43, 900, 9100), Bounds(), True),
    ("external", (40, 10, 5, 45, 0, 0), Bounds(), False),
    ("external", (40, 10, 5, 45, 200, 800), Bounds(), True),
    ("external", (40, 10, 0, 0, 200, 800), Bounds(fpr=(0.05, 0.15)), False),
    ("external", (25, 25, 25, 25, 500, 500), Bounds(), False),
]


@pytest.mark.parametrize(("calibration", "values", "bounds", "identified"), IDENTIFICATION)
def test_the_set_of_maximizers_is_where_the_profile_is_flat(calibration, values, bounds, identified):
    counts = Counts(*values)
    result = fit(counts, bounds, calibration=calibration)
    low, high = result.failure_rate_set
    assert result.identified == identified
    assert low <= result.failure_rate <= high
    grid = np.linspace(0, 1, 101)
    known = Bounds(failure_rate=(grid, grid), tpr=bounds.tpr, fpr=bounds.fpr)
    with np.errstate(all="ignore"):
        try:
            profile = fit(counts, known, calibration=calibration).log_likelihood
        except ValueError:  # a failure rate of 0 or 1 contradicts labels: leave the two ends out
            grid = grid[1:-1]
            known = Bounds(failure_rate=(grid, grid), tpr=bounds.tpr, fpr=bounds.fpr)
            profile = fit(counts, known, calibration=calibration).log_likelihood
    flat = profile >= result.log_likelihood - 1e-6
    inside, outside = (grid > low + 1e-4) & (grid < high - 1e-4), (grid < low - 2e-3) | (grid > high + 2e-3)
    assert flat[inside].all()
    assert not flat[outside].any()


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((Counts(0, 0, 0, 0, 0, 0),), {}, "`counts` must hold at least one verdict"),
        ((Counts([1, 0], [1, 0], [1, 0], [1, 0], [1, 0], [1, 0]),), {}, r"at least one verdict \(slice 1\)"),
        (
            (Counts(4, 1, 2, 43, 90, 910), Bounds(tpr=(0, 0))),
            {},
            "no feasible point: tpr.high = 0, but tp = 4",
        ),
        (
            (Counts(4, 1, 2, 43, 90, 910), Bounds(fpr=(1, 1))),
            {},
            "no feasible point: fpr.low = 1, but tn = 43",
        ),
        (
            (Counts([1, 4], [1, 1], [0, 2], [4, 3], [9, 9], [9, 9]), Bounds(fpr=(0, 0))),
            {},
            r"\(slice 1\): fpr.high = 0, but fp = 2",
        ),
        ((Counts(4, 1, 2, 43, 90, 910), Bounds(failure_rate=(0, 0))), {}, "failure_rate.high = 0, but tp"),
        ((Counts(0, 0, 0, 0, 9, 9), Bounds(tpr=(0, 0), fpr=(0, 0))), {}, "no verdict may be a failure"),
        ((Counts([1, 2], *[[3, 4]] * 5), Bounds(tpr=([0, 0, 0], 1))), {}, "`bounds` must have shape"),
        ((Counts(4, 1, 2, 43, 90, 910),), {"calibration": "both"}, "`calibration` must be"),
        ((Counts(4, 1, 2, 43, 90, 910),), {"solver": "newton"}, "`solver` must be one of"),
    ],
)
def test_what_cannot_be_fitted_is_refused(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        fit(*arguments, **keywords)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="`counts` must be a Counts"):
        fit((1, 2, 3, 4, 5, 6))
    with pytest.raises(TypeError, match="`bounds` must be a Bounds"):
        fit(Counts(1, 2, 3, 4, 5, 6), (0.8, 0.9))
    learnt = JudgeCalibration.learn(Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0]))
    with pytest.raises(TypeError, match="give its .bounds"):
        fit(Counts(1, 2, 3, 4, 5, 6), learnt)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        (lambda counts: certify(counts, limit=15), "for 15% say 0.15"),
        (lambda counts: fit(counts).interval(confidence=95), "for 95% say 0.95"),
        (lambda counts: fit(counts, Bounds(tpr=(80, 90))), "for 80% say 0.8"),
        (lambda counts: certify(counts, limit=150), "got 150\\.$"),
    ],
)
def test_rates_in_percent_are_told_how_to_be_said(wrong, meant):
    with pytest.raises(ValueError, match=meant):
        wrong(Counts(4, 1, 2, 43, 900, 9100))


def test_an_excluded_cell_is_fine_in_the_external_design():
    result = fit(Counts(4, 1, 2, 43, 90, 910), Bounds(failure_rate=(0, 0)), calibration="external")
    assert result.failure_rate == 0
    assert np.isfinite(result.log_likelihood)


def test_float64_is_used_and_the_users_setting_is_left_alone():
    with jax.enable_x64(False):
        one = fit(Counts(*CASES["E"]), BOX)
        assert jax.numpy.ones(1).dtype == np.float32
    two = fit(Counts(*CASES["E"]), BOX)
    assert one.failure_rate == two.failure_rate
    assert one.gap < 1e-10


def test_results_are_reproducible_bit_for_bit(environment):
    code = (
        "from jaxmle import fit, Counts, Bounds\n"
        "r = fit(Counts(4, 1, 2, 43, 900, 9100), Bounds(tpr=(0.7, 0.95)))\n"
        "print(r.failure_rate.hex(), r.tpr.hex(), r.log_likelihood.hex())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        )
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stderr == ""


def test_a_batch_prints_its_first_values():
    counts = Counts(
        [4, 1, 0, 3], [1, 0, 1, 3], [2, 1, 1, 0], [43, 8, 8, 10], [90, 20, 50, 30], [900, 180, 150, 100]
    )
    found = fit(counts)
    first = ", ".join(f"{rate:.4f}" for rate in found.failure_rate[:3])
    assert str(found) == f"(4,) fits, 4 converged; failure rates {first}, ..."
    ends = profile_interval(counts[:2], simulate=False)
    each = [str(profile_interval(counts[i], simulate=False)).split(" (")[0] for i in range(2)]
    assert str(ends).endswith(f": {', '.join(each)}")


def test_a_batch_prints_the_set_of_what_is_not_identified():
    found = fit(Counts([0, 3], [0, 3], [0, 3], [0, 3], [90, 50], [910, 50]))
    assert str(found) == "(2,) fits, 2 converged; failure rates [0.0000, 1.0000], 0.5000 (1 not identified)"
