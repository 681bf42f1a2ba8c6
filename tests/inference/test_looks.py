"""Looking more than once: what is spent, the paths to the data at hand, and the error of all looks."""

import numpy as np
import pytest
from scipy.stats import binom, hypergeom, norm

from benchmarks._samples import cell_rates, flag_rate
from jaxmle import Bounds, Counts, Looks, certify
from jaxmle._data import Params
from jaxmle._inference import checked_problem
from jaxmle._inference._earlier_looks import EarlierLooks, _hypergeometric

JUDGE = Bounds(tpr=(0.75, 0.99), fpr=(0.0, 0.10))


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_all_looks_spend_the_error(spending, alpha):
    levels = Looks(7, 7, spending).levels(alpha)
    assert (levels > 0).all()
    np.testing.assert_allclose(levels.sum(), alpha, rtol=1e-12)
    early = Looks(2, 7, spending)
    np.testing.assert_array_equal(early.levels(alpha), levels[:2])
    assert Looks(1, 1, spending).level(alpha) == pytest.approx(alpha)
    uneven = Looks(2, 7, spending, information=(1 / 7, 2 / 7))
    np.testing.assert_allclose(uneven.levels(alpha), levels[:2])


def test_spending_is_that_of_lan_and_demets():
    # 2 - 2 Phi(z(alpha / 2) / sqrt(t)) and alpha log(1 + (e - 1) t).
    t = np.arange(1, 6) / 5
    spent = np.cumsum(Looks(5, 5).levels(0.05))
    np.testing.assert_allclose(spent, 2 * norm.sf(norm.isf(0.025) / np.sqrt(t)), rtol=1e-9)
    spent = np.cumsum(Looks(5, 5, "pocock").levels(0.05))
    np.testing.assert_allclose(spent, 0.05 * np.log(1 + (np.e - 1) * t), rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"look": 6, "of": 5}, "`look` must be"),
        ({"look": 0, "of": 5}, "`look` must be"),
        ({"look": 1, "of": 5, "spending": "linear"}, "`spending` must be"),
        ({"look": 2, "of": 5, "information": (0.5,)}, "`information` must hold"),
        ({"look": 2, "of": 5, "information": (0.5, 0.4)}, "`information` must hold"),
        ({"look": 2, "of": 5, "information": (0.0, 0.4)}, "`information` must hold"),
        ({"look": 2, "of": 2, "information": (0.5, 0.9)}, "must end at 1"),
        ({"look": 2, "of": 5, "information": "x"}, "`information` must be numeric"),
        ({"look": 1, "of": 5, "information": 10**400}, "`information` must be numeric"),
    ],
)
def test_looks_that_make_no_sense_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Looks(**given)


def test_certify_refuses_what_it_can_promise_nothing_of():
    counts = Counts(4, 0, 4, 192, 380, 9620)
    with pytest.raises(ValueError, match="over several looks"):
        certify(counts, limit=0.05, looks=Looks(1, 2), adjustment="benjamini-hochberg")
    with pytest.raises(TypeError, match="`looks` must be a Looks"):
        certify(counts, limit=0.05, looks=2)


def test_numbers_of_marked_items_follow_the_hypergeometric_distribution():
    u = (np.arange(4000) + 0.5) / 4000
    marked, total, sample_size = 7.0, 60.0, 25.0
    found = _hypergeometric(u, *(np.full(4000, x) for x in (marked, total, sample_size)))
    shares = np.bincount(found.astype(int), minlength=8) / 4000
    np.testing.assert_allclose(shares, hypergeom(60, 7, 25).pmf(np.arange(8)), atol=1 / 2000)


@pytest.mark.parametrize("design", ["random", "by-verdict", "external"])
def test_paths_lead_to_the_counts_at_hand(design):
    calibration = "external" if design == "external" else "internal"
    earlier = EarlierLooks((0.25, 0.5), (0.01, 0.01), calibration, design, 0)
    cells = np.array([[12.0, 4.0, 20.0, 164.0, 300.0, 2000.0]] * 3000)
    u = earlier.uniforms(np.stack([np.arange(3), np.zeros(3)], 1), 1000, 9)
    paths = earlier.paths(cells, u)
    assert (paths >= 0).all()
    assert (np.diff(np.concatenate([paths, cells[:, None]], 1)[..., :4], axis=1) >= 0).all()
    np.testing.assert_array_equal(paths[..., :4].sum(-1), [[50, 100]] * 3000)
    # Labels at an earlier look are a random part of those now; whatever is unlabelled had its verdict.
    np.testing.assert_allclose(paths[:, 0, :4].mean(0), cells[0, :4] / 4, atol=0.25)
    flagged = paths[..., 0] + paths[..., 2] + paths[..., 4]
    assert (flagged == 332).all() if calibration == "internal" else (paths[..., 4] == 300).all()


@pytest.mark.slow
def test_what_earlier_looks_had_certified_is_not_paid_for_twice():
    counts = Counts(4, 0, 4, 192, 380, 9620)
    bounds = Bounds(tpr=(0.87, 0.93), fpr=(0.01, 0.04))
    looks = Looks(3, 3, "pocock")
    alone = certify(counts, bounds, limit=0.036, confidence=1 - looks.level(0.05))
    found = certify(counts, bounds, limit=0.036, looks=looks)
    assert found.level == pytest.approx(looks.level(0.05))
    assert found.confidence == 0.95
    assert f"against {found.level:.3g}" in str(found)
    assert found.p_value < 0.75 * alone.p_value
    assert found.upper_limit < alone.upper_limit
    first = certify(counts, bounds, limit=0.036, looks=Looks(1, 3, "pocock"))
    same = certify(counts, bounds, limit=0.036, confidence=1 - Looks(1, 3, "pocock").level(0.05))
    assert (first.p_value, first.upper_limit) == pytest.approx((same.p_value, same.upper_limit))
    # Where counts cannot be drawn anew each look spends its share by itself.
    effective = certify(counts, bounds, limit=0.05, looks=looks, design_effect=1.5)
    itself = certify(counts, bounds, limit=0.05, confidence=1 - looks.level(0.05), design_effect=1.5)
    assert effective.p_value == pytest.approx(itself.p_value)


@pytest.mark.slow
def test_boundaries_are_those_of_normal_theory_where_it_holds():
    # Many failures, labels alone: S is the square of a normal variable, correlated by sqrt(n1 / n2).
    counts = Counts([1500], [0], [0], [3500], [0], [0])
    earlier = EarlierLooks((0.5,), (0.02,), "internal", "random", 0)
    judges = Params(*(np.array([[x]]) for x in (0.3, 1.0, 0.0)))
    problem, _ = checked_problem(counts, None, "internal")
    found = earlier.boundaries(problem, np.array([0.3]), judges, np.array([5]), "numpy")
    # 4,096 draws, on the safe side by 1.64 standard errors of their number.
    expected = 0.02 - 1.645 * np.sqrt(0.02 / 4096)
    band = 4 * np.sqrt(0.02 / 4096)
    tail = norm.sf(np.sqrt(found[0, 0]))
    assert expected - band < tail < expected + band


@pytest.mark.slow
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_the_error_of_three_looks_is_at_most_that_of_one(spending):
    """At the limit; only data sets that a normal test finds worth a look are tested exactly."""
    rng = np.random.default_rng(4)
    size, rate, tpr, fpr = 300, 0.06, 0.9, 0.05
    cells = np.cumsum(rng.multinomial(40, cell_rates(rate, tpr, fpr), (3, size)), 0)
    flagged = rng.binomial(5000, flag_rate(rate, tpr, fpr), size) + cells[-1, :, 0] + cells[-1, :, 2]
    passed = 5120 - flagged
    stopped = np.zeros(size, bool)
    for look in (1, 2, 3):
        now = cells[look - 1].T
        counts = Counts(*now, flagged - now[0] - now[2], passed - now[1] - now[3])
        level = Looks(look, 3, spending).level(0.05)
        fast = certify(counts, JUDGE, limit=rate, method="profile", confidence=1 - level)
        near = np.flatnonzero((fast.p_value < 6 * level) & ~stopped)
        if near.size:
            found = certify(counts[near], JUDGE, limit=rate, looks=Looks(look, 3, spending))
            stopped[near] |= found.certified
    assert binom.sf(stopped.sum() - 1, size, 0.05) > 0.01
    assert stopped.any()
