"""Does the test of bounds keep its level where bounds meet, and does what is said of its power hold?"""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks._samples import drawn_counts
from jaxmle import Bounds, Counts, bounds_test, fit
from jaxmle._inference._bounds_power import noticed_beyond
from jaxmle._inference._bounds_test import check_bounds, tail_limit

TPR, FPR = 0.9, 0.05


def data(rng, size, n, judged, theta, tpr=TPR, fpr=FPR):
    return drawn_counts(rng, theta, tpr, fpr, n, judged, size)


@pytest.mark.slow
@pytest.mark.parametrize(("tpr", "fpr"), [((0.7, TPR), (0.0, FPR)), ((TPR, 1.0), (0.0, FPR))])
def test_labels_alone_at_a_corner_enumerated(tpr, fpr):
    """All outcomes of 20 known failures and 20 known passes, weighed by what the corner makes of them."""
    n = 20
    tp, fp = (x.reshape(-1) for x in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    none = 0 * tp
    p_value = bounds_test(
        Counts(tp, n - tp, fp, n - fp, none, none), Bounds(tpr=tpr, fpr=fpr), calibration="external"
    ).p_value
    mass = binom.pmf(tp, n, TPR) * binom.pmf(fp, n, FPR)
    for level in (0.01, 0.05, 0.1):
        # Simulated p-values have a standard error of a tenth at .05 and a fifth at .01, on common uniforms.
        assert mass @ (p_value <= level) <= 1.2 * level
    assert mass @ (p_value <= 0.1) > 0.02


@pytest.mark.slow
@pytest.mark.parametrize("calibration", ["internal", "external"])
def test_the_level_holds_at_a_corner_of_rare_failures(calibration):
    """TPR at least .9, FPR at most .05, both met, 2% failures: asking the fit alone errs 9% of the time."""
    rng = np.random.default_rng(7)
    counts = data(rng, 800, 50, 2000, 0.02)
    if calibration == "external":
        tp, fp = rng.binomial(25, TPR, 800), rng.binomial(25, FPR, 800)
        counts = Counts(tp, 25 - tp, fp, 25 - fp, counts.unlabeled_pos, counts.unlabeled_neg)[:300]
    p = bounds_test(counts, Bounds(tpr=(TPR, 1.0), fpr=(0.0, FPR)), calibration=calibration).p_value
    for level in (0.01, 0.05):
        assert np.mean(p <= level) <= level + 2.5 * np.sqrt(level * (1 - level) / len(p))
    assert np.mean(p <= 0.05) > 0.02


def test_the_closed_form_limit_holds_for_every_number_of_trials():
    """Enumerated: how often a bound on a share costs as much as it did, at the bound itself."""
    for n in (1, 5, 20, 100):
        for bound in (0.01, 0.1, 0.5, 0.9):
            hits = np.arange(n + 1)
            share = np.maximum(hits / n, bound)
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = (hits * np.log(share / bound), (n - hits) * np.log((1 - share) / (1 - bound)))
                statistic = 2 * sum(np.where(np.isfinite(x), x, 0.0) for x in terms)
            mass = binom.pmf(hits, n, bound)
            exceeded = np.array([mass[statistic >= x - 1e-9].sum() for x in statistic])
            assert np.all(exceeded <= tail_limit(statistic, np.ones(n + 1, int)) * (1 + 1e-9))
    assert tail_limit(3.0, 0) == 1
    assert tail_limit(30.0, 1) < tail_limit(30.0, 2) < tail_limit(30.0, 3) < 1e-4


def test_gross_contradictions_have_p_values_that_many_slices_can_share():
    found = bounds_test(Counts(70, 8, 14, 108, 4100, 5900), Bounds(tpr=(0.5, 0.6)))
    assert 0 < found.p_value < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [Bounds(fpr=(0, 0.05)), Bounds(tpr=(0.85, 0.95), fpr=(0.02, 0.08))])
def test_errors_are_found_as_often_as_is_said(bounds):
    rng = np.random.default_rng(2)
    n, judged = 200, 10_000
    typical = Counts(18, 2, 9, 171, 1350, 8650)
    one = fit(Counts(*(np.array([x]) for x in typical.values())), bounds)
    value, noticed = noticed_beyond(one, labels="random")
    assert noticed[0, 2, 1]
    assert not noticed[0, 0].any()
    assert FPR < value[0, 2, 1] < 0.2
    wrong = data(rng, 500, n, judged, one.failure_rate[0], one.tpr[0], value[0, 2, 1])
    power = np.mean(bounds_test(wrong, bounds).p_value <= 0.01)
    assert 0.7 < power < 0.9


def test_nothing_is_said_to_be_noticed_that_no_label_bears_on():
    """One failure in fifty labels says nothing of the TPR, and no label nothing of anything."""
    bounds = Bounds(tpr=(0.85, 0.95), fpr=(0.02, 0.08))
    for cells in ((1, 0, 3, 46), (0, 0, 0, 0)):
        counts = Counts(*(np.array([x]) for x in (*cells, 140, 1860)))
        value, noticed = noticed_beyond(fit(counts, bounds), labels="random")
        assert not noticed[0, 1].any()
        assert np.all((value >= 0) & (value <= 1))


@pytest.mark.parametrize("labels", ["random", "by-verdict"])
def test_what_is_noticed_shrinks_with_the_number_of_labels(labels):
    bounds = Bounds(fpr=(0.0, 0.06))
    edges = []
    for times in (1, 4, 16):
        counts = Counts(*(np.array([float(x * times)]) for x in (9, 1, 5, 85, 1300, 8700)))
        edges.append(noticed_beyond(fit(counts, bounds), labels=labels)[0][0, 2, 1])
    assert edges[0] > edges[1] > edges[2] > 0.06


def checked(counts, bounds):
    free = fit(counts, bounds)
    return check_bounds(free, fit(counts).log_likelihood, labels="random", seed=0)


def test_many_slices_share_the_level():
    """Both rates known and right in 1,000 slices, twenty times: seldom is any of them called wrong."""
    rng = np.random.default_rng(4)
    bounds = Bounds(tpr=(TPR, TPR), fpr=(FPR, FPR))
    alarms = [checked(data(rng, 1001, 40, 1000, 0.1), bounds)[1][:-1].any() for _ in range(20)]
    assert sum(alarms) <= 2
    p_value, wrong = checked(data(rng, 1001, 200, 1000, 0.1, fpr=0.25), bounds)
    assert wrong.all()
    assert np.all((p_value > 0) & (p_value <= 1))


def test_the_check_agrees_with_the_test_where_it_matters():
    rng = np.random.default_rng(9)
    bounds = Bounds(tpr=(0.85, 0.95), fpr=(0.0, 0.04))
    for _ in range(8):
        counts = data(rng, 1, 200, 5000, 0.1, fpr=0.1)
        p_value, wrong = checked(counts, bounds)
        whole = bounds_test(counts, bounds).p_value
        assert wrong[0] == (whole[0] <= 0.01)
        if whole[0] < 0.05:
            assert p_value[0] == whole[0]


def test_effective_counts_are_checked_by_what_they_round_to():
    counts = Counts(*(np.array([x / 1.7]) for x in (30.0, 30.0, 40.0, 80.0, 900.0, 900.0)))
    p_value, wrong = checked(counts, Bounds(tpr=(0.8, 0.9), fpr=(0.0, 0.1)))
    assert wrong[0]
    assert 0 < p_value[0] < 1e-3
