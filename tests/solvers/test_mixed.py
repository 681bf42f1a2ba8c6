"""Own labels and a reference: the maximum, and the proof that no other point is higher."""

import numpy as np
import pytest
from scipy.optimize import minimize

from jaxmle._arrays import take, tree_map
from jaxmle._data import Bounds, Counts, Params
from jaxmle._engine import program
from jaxmle._model import log_likelihood_at, score_at
from jaxmle._solvers import MixedData, maximum, mixed_crossing, mixed_maximum

eagerly = program(mixed_maximum, "numpy")


def instances(size, seed, least=5):
    """Own labels, a reference whose judge may be another one, flags, and bounds of any width."""
    rng = np.random.default_rng(seed)
    theta, tpr, fpr = rng.beta(0.7, 2, size), rng.beta(5, 2, size), rng.beta(2, 7, size)
    n, more = rng.choice([least, 20, 50, 200, 2000], size), rng.choice([10, 100, 1000], size)
    failures = rng.binomial(n, theta)
    tp, fp = rng.binomial(failures, tpr), rng.binomial(n - failures, fpr)
    items = rng.choice([0, 10, 1000, 10**4, 10**6], size)
    flagged = rng.binomial(items, theta * tpr + (1 - theta) * fpr)
    away = rng.normal(0, 0.15, (2, size))
    known = rng.binomial(more, rng.uniform(0.2, 0.8, size))
    caught = rng.binomial(known, np.clip(tpr + away[0], 0, 1))
    wrong = rng.binomial(more - known, np.clip(fpr + away[1], 0, 1))
    share = rng.choice([1, 0.5, 0.1], size)
    width = rng.choice([1, 0.3, 0.1, 0.02], size)

    def around(rate):
        free = (rng.uniform(size=size) < 0.4) | (width == 1)
        low, high = (np.clip(rate + s * width * rng.uniform(0, 1, size), 0, 1) for s in (-1, 1))
        return np.where(free, 0.0, low), np.where(free, 1.0, high)

    bounds = Bounds(*map(around, (theta, tpr, fpr)))
    own = Counts(tp, failures - tp, fp, n - failures - fp, flagged, items - flagged)
    external = Counts(
        *(share * x for x in (caught, known - caught, wrong, more - known - wrong)), *(0 * tp,) * 2
    )
    counts = Counts(*(x + y for x, y in zip(own.values(), external.values(), strict=True)))
    return MixedData(counts, failures * 1.0, (n - failures) * 1.0, bounds)


def by_scipy(data):
    """The likelihood of one data set climbed from many starts in the box."""
    low, high = (np.array([pair[k] for pair in data.bounds._values()]) for k in (0, 1))
    low, high = np.maximum(low, 1e-9), np.minimum(high, 1 - 1e-9)
    high = np.maximum(low, high)

    def loss(x):
        own = data.failures * np.log(x[0]) + data.passes * np.log1p(-x[0])
        slope = np.array([*vars(score_at(Params(*x), data.counts, "external")).values()])
        slope[0] += data.failures / x[0] - data.passes / (1 - x[0])
        return -float(log_likelihood_at(Params(*x), data.counts, "external") + own), -slope

    rng = np.random.default_rng(0)
    starts = low + (high - low) * rng.uniform(0.02, 0.98, (8, 3))
    return -min(minimize(loss, x, jac=True, bounds=list(zip(low, high, strict=True))).fun for x in starts)


@pytest.mark.parametrize("size", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_nothing_that_scipy_finds_is_higher(size):
    data = instances(size, 1)
    found = eagerly(data)
    items = sum(data.counts.values())
    best = np.array([by_scipy(take(data, i)) for i in range(size)])
    assert np.all(best - found.log_likelihood <= 1e-7 + 1e-10 * items)


@pytest.mark.parametrize("size", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_bound_holds_for_all_failure_rates_and_nearly_all_maxima_are_certified(size):
    found = eagerly(instances(size, 2))
    assert np.isfinite(found.log_likelihood).all()
    assert np.isfinite(found.gap).all()
    assert found.converged.mean() > 0.995
    assert np.quantile(found.gap, 0.99) < 1e-12


def test_without_a_reference_it_is_the_internal_design():
    data = instances(300, 4)
    own = data.counts
    split = Counts(own.tp, own.fn, own.fp, own.tn, own.unlabeled_pos, own.unlabeled_neg)
    data = data._replace(failures=split.tp + split.fn, passes=split.fp + split.tn)
    known = program(maximum, "numpy")(split, data.bounds, "internal", "flag_rate")
    found = eagerly(data)
    items = sum(split.values())
    assert np.all(np.abs(found.log_likelihood - known.log_likelihood) <= 1e-9 * items + 1e-7)


def test_two_peaks_are_told_apart():
    """Labels say .06, flags and the reference .79: neither gives way, and the higher peak is taken."""
    data = MixedData(
        *(
            Counts(*np.atleast_2d([13.0, 2.0, 4.0, 11.0, 6500.0, 3500.0]).T),
            np.array([1.0]),
            np.array([14.0]),
        ),
        Bounds(*(((np.zeros(1)), np.ones(1)) for _ in range(3))),
    )
    theta = np.linspace(0.001, 0.999, 999)
    many = tree_map(lambda x: np.repeat(x, 999), data)
    known = many._replace(bounds=Bounds((theta, theta), many.bounds.tpr, many.bounds.fpr))
    profile = eagerly(known).log_likelihood
    found = eagerly(data)
    assert found.converged.all()
    assert found.log_likelihood[0] >= profile.max()
    assert found.log_likelihood[0] - profile.max() < 1e-3


def test_crossings_are_the_outermost():
    data = instances(200, 6)
    best = eagerly(data)
    cutoff = np.full(200, 3.84)
    for k in (0, 1):
        stop = data.bounds.failure_rate[k]
        rate, at_bound = program(mixed_crossing, "numpy")(
            data, best.log_likelihood, best.params.failure_rate, stop, cutoff
        )
        held = data._replace(bounds=Bounds((rate, rate), data.bounds.tpr, data.bounds.fpr))
        statistic = 2 * (best.log_likelihood - eagerly(held).log_likelihood)
        moved = ~at_bound & (rate != best.params.failure_rate)
        assert np.all(np.abs(statistic[moved] - 3.84) < 1e-5)
        assert np.all(statistic[at_bound] <= 3.84 + 1e-5)


@pytest.mark.slow
def test_both_engines_agree():
    import jax
    import jax.numpy as jnp

    data = instances(64, 7)
    first = eagerly(data)
    second = jax.jit(mixed_maximum)(tree_map(jnp.asarray, data))
    assert np.allclose(first.log_likelihood, second.log_likelihood, rtol=1e-12, atol=1e-8)
    assert np.mean(second.converged) > 0.98
