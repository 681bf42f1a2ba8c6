"""Elementary formulas against scipy's, and against enumeration."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from jaxmle._stats import (
    binomial_tail,
    cell_rates,
    clopper_pearson,
    failure_rates_by_verdict,
    flag_rate,
    log_sum_exp,
    quantile_of_t,
    score_limits,
)

HITS, MISSES = np.array([0.0, 1.0, 7.0, 40.0]), np.array([12.0, 30.0, 7.0, 0.0])


@pytest.mark.parametrize(("limits", "method"), [(clopper_pearson, "exact"), (score_limits, "wilson")])
def test_limits_of_a_share_are_scipys(limits, method):
    low, high = limits(HITS, MISSES, 0.025)
    for i, (hits, misses) in enumerate(zip(HITS, MISSES, strict=True)):
        found = stats.binomtest(int(hits), int(hits + misses)).proportion_ci(0.95, method)
        assert (low[i], high[i]) == pytest.approx((found.low, found.high), abs=1e-12)


def test_tails_and_quantiles_are_scipys():
    rate = np.array([0.1, 0.03, 0.4, 0.9])
    expected = stats.binom.cdf(HITS, HITS + MISSES, rate)
    np.testing.assert_allclose(binomial_tail(HITS, MISSES, rate), expected, rtol=1e-12)
    np.testing.assert_allclose(quantile_of_t(0.025, [3.0, 40.0, np.inf]), stats.t.isf(0.025, [3, 40, 1e300]))
    x = np.array([[-800.0, -801.0], [-np.inf, 3.0]])
    np.testing.assert_allclose(log_sum_exp(x, 1), logsumexp(x, 1))


@pytest.mark.parametrize("rates", [(0.1, 0.9, 0.05), (0.0, 0.5, 0.0), (1.0, 1.0, 0.2)])
def test_rates_of_cells_and_verdicts_go_together(rates):
    tp, fn, fp, tn = cell_rates(*map(np.asarray, rates))
    assert tp + fn + fp + tn == pytest.approx(1)
    assert flag_rate(*rates) == pytest.approx(tp + fp)
    precision, miss = failure_rates_by_verdict(*map(np.asarray, rates))
    assert precision == pytest.approx(tp / (tp + fp) if tp + fp else 0)
    assert miss == pytest.approx(fn / (fn + tn) if fn + tn else 0)
