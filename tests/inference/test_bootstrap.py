import warnings

import numpy as np
import pytest
import scipy.stats

from jaxmle import Bounds, Counts, baselines, bootstrap, closed_form, fit

TYPICAL = Counts(20, 3, 8, 169, 1250, 8750)
TIGHT = Bounds(tpr=(0.88, 0.92), fpr=(0.05, 0.07))


def test_without_bounds_it_is_the_bootstrap_of_the_closed_form():
    result = bootstrap(TYPICAL, n_resamples=20_000, keep_replicates=True)
    rng = np.random.default_rng(0)
    cells = rng.multinomial(200, np.array([20, 3, 8, 169]) / 200, 20_000).T.astype(float)
    flags = rng.binomial(10_000, 0.125, 20_000)
    theirs = np.asarray(closed_form(Counts(*cells, flags, 10_000 - flags)).params.failure_rate)
    assert result.replicates.shape == (20_000,)
    assert result.replicates.mean() == pytest.approx(theirs.mean(), abs=5 * theirs.std() / np.sqrt(1e4))
    assert result.standard_error == pytest.approx(theirs.std(), rel=0.03)
    assert result.interval.low == pytest.approx(np.quantile(theirs, 0.025), abs=0.002)
    assert result.share_at_bound == 0
    assert result.standard_error == pytest.approx(baselines.post_stratified(TYPICAL).width / 3.92, rel=0.05)


@pytest.mark.filterwarnings("ignore:.*at a bound")
@pytest.mark.parametrize("calibration", ["internal", "external"])
def test_replicates_are_the_same_bit_for_bit_whatever_the_batch(calibration):
    options = {"calibration": calibration, "keep_replicates": True}
    first = bootstrap(TYPICAL, TIGHT, n_resamples=5000, **options)
    for batch_size in (1024, 3000):
        again = bootstrap(TYPICAL, TIGHT, n_resamples=5000, batch_size=batch_size, **options)
        np.testing.assert_array_equal(first.replicates, again.replicates)
    fewer = bootstrap(TYPICAL, TIGHT, n_resamples=1500, **options)
    np.testing.assert_array_equal(first.replicates[:1500], fewer.replicates)
    other = bootstrap(TYPICAL, TIGHT, n_resamples=1500, seed=1, **options)
    assert not np.array_equal(other.replicates, fewer.replicates)
    pairs = zip(TYPICAL.values(), (18, 4, 9, 169, 1200, 8800), strict=True)
    both = Counts(*(np.array([b, a]) for a, b in pairs))
    slices = bootstrap(both, TIGHT, n_resamples=1500, **options)
    np.testing.assert_array_equal(slices.replicates[1], fewer.replicates)
    assert not np.array_equal(slices.replicates[0], slices.replicates[1])


def test_replicates_at_a_bound_are_counted_and_warned_of():
    with pytest.warns(UserWarning, match="report profile_interval"):
        result = bootstrap(TYPICAL, TIGHT, n_resamples=2000, keep_replicates=True)
    assert result.share_at_bound > 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        free = bootstrap(TYPICAL, Bounds(tpr=(0.3, 1.0), fpr=(0.0, 0.5)), n_resamples=2000)
    assert free.share_at_bound < 0.05
    assert result.interval.width < free.interval.width


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*at a bound")
def test_replicates_are_constrained_fits():
    both = Counts(*(np.array([x, x]) for x in TYPICAL.values()))
    ours = bootstrap(both, TIGHT, n_resamples=1024, keep_replicates=True)
    theirs = bootstrap(both, TIGHT, n_resamples=1024, keep_replicates=True, solver="projected_gradient")
    np.testing.assert_allclose(ours.replicates, theirs.replicates, atol=2e-5)
    np.testing.assert_allclose(ours.interval.estimate, fit(both, TIGHT).failure_rate)


@pytest.mark.slow
@pytest.mark.parametrize(("failures", "n"), [(12, 60), (3, 40)])
def test_bca_agrees_with_scipy_on_a_proportion(failures, n):
    ours = bootstrap(Counts(failures, 0, 0, n - failures, 0, 0), method="bca", n_resamples=100_000)
    sample = np.repeat([1.0, 0.0], [failures, n - failures])
    theirs = scipy.stats.bootstrap(
        (sample,),
        np.mean,
        method="BCa",
        n_resamples=50_000,
        vectorized=True,
        batch=2000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    # Both move on a lattice of 1 / n.
    assert ours.interval.low == pytest.approx(theirs.low, abs=0.5 / n)
    assert ours.interval.high == pytest.approx(theirs.high, abs=0.5 / n)


@pytest.mark.slow
def test_bca_agrees_with_scipy_on_labelled_and_unlabelled_items():
    tp, fn, fp, tn, pos, neg = 5, 1, 4, 70, 80, 920
    labelled, judged = np.repeat([0, 1, 2, 3], [tp, fn, fp, tn]), np.repeat([1, 0], [pos, neg])

    def statistic(cells, flags, axis=-1):
        counts = [np.sum(cells == k, axis=axis) * 1.0 for k in range(4)]
        flagged = np.sum(flags, axis=axis) * 1.0
        total = counts[0] + counts[1] + counts[2] + counts[3] + flags.shape[axis]
        q = (counts[0] + counts[2] + flagged) / total
        precision = counts[0] / np.maximum(counts[0] + counts[2], 1)
        return q * precision + (1 - q) * counts[1] / (counts[1] + counts[3])

    theirs = scipy.stats.bootstrap(
        (labelled, judged), statistic, method="BCa", n_resamples=8000, batch=500, rng=np.random.default_rng(1)
    ).confidence_interval
    ours = bootstrap(Counts(tp, fn, fp, tn, pos, neg), method="bca", n_resamples=50_000).interval
    assert ours.low == pytest.approx(theirs.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.high, abs=0.004)
    plain = bootstrap(Counts(tp, fn, fp, tn, pos, neg), n_resamples=50_000).interval
    assert plain.high < ours.high - 0.005


def test_basic_and_parametric_variants():
    percentile = bootstrap(TYPICAL, n_resamples=4000)
    basic = bootstrap(TYPICAL, n_resamples=4000, method="basic")
    estimate = percentile.interval.estimate
    assert basic.interval.low == pytest.approx(2 * estimate - percentile.interval.high)
    assert basic.interval.high == pytest.approx(2 * estimate - percentile.interval.low)
    parametric = bootstrap(TYPICAL, n_resamples=4000, parametric=True)
    assert parametric.standard_error == pytest.approx(percentile.standard_error, rel=0.1)
    assert "parametric" in str(parametric)


def test_strata_of_the_design_change_the_spread():
    counts = Counts(30, 4, 10, 36, 1250, 8750)
    by_verdict = bootstrap(counts, labels="by-verdict", n_resamples=4000)
    error = closed_form(counts).standard_error
    assert by_verdict.standard_error == pytest.approx(float(error), rel=0.1)
    external = bootstrap(TYPICAL, calibration="external", n_resamples=4000)
    error = closed_form(TYPICAL, calibration="external").standard_error
    assert external.standard_error == pytest.approx(float(error), rel=0.1)


@pytest.mark.parametrize(
    ("counts", "options", "match"),
    [
        (Counts(0, 0, 0, 0, 100, 900), {}, "use profile_interval"),
        (Counts(4.5, 1, 2, 43, 900, 9100), {}, "whole numbers"),
        (TYPICAL, {"n_resamples": 1}, "`n_resamples` must be"),
        (TYPICAL, {"batch_size": 10}, "`batch_size` must be"),
        (TYPICAL, {"method": "t"}, "`method` must be one of"),
        (TYPICAL, {"solver": "newton"}, "`solver` must be"),
    ],
)
def test_bad_arguments_are_refused(counts, options, match):
    with pytest.raises(ValueError, match=match):
        bootstrap(counts, **options)
