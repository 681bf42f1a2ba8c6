"""Does the test of the design keep its level, however rare flags are?"""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import binom, fisher_exact

from jaxmle import Counts, design_check

LEVELS = (0.001, 0.01, 0.05)


def flag_counts(flagged, labeled, total_flagged, items):
    """Counts with these flags; what humans say does not matter here."""
    none = 0 * flagged
    others = items - labeled
    return Counts(
        flagged,
        none,
        none,
        labeled - flagged,
        total_flagged - flagged,
        others - (total_flagged - flagged),
    )


def ways(whole, part):
    """Logarithm of the number of ways to choose some of the items."""
    return gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1)


def levels_given_flags(labeled, unlabeled, totals):
    """Probability of a p-value at or below each level, given the flags in all, shape (levels, totals)."""
    flagged, total = (x.reshape(-1) for x in np.meshgrid(np.arange(labeled + 1), totals, indexing="ij"))
    possible = (flagged <= total) & (total - flagged <= unlabeled)
    flagged, total = flagged[possible], total[possible]
    items = labeled + unlabeled
    p_value = design_check(flag_counts(flagged, labeled, total, items)).p_value
    mass = np.exp(ways(labeled, flagged) + ways(unlabeled, total - flagged) - ways(items, total))
    place = np.searchsorted(totals, total)
    return np.stack(
        [np.bincount(place, weights=mass * (p_value <= level), minlength=len(totals)) for level in LEVELS]
    )


@pytest.mark.parametrize("labeled", [5, 20, 50, 200])
@pytest.mark.parametrize("unlabeled", [100, 1000, 100_000])
def test_the_check_says_the_level_that_it_keeps(labeled, unlabeled):
    """Enumerated: random labels are called a mismatch at most as often as the level says."""
    items = labeled + unlabeled
    for rate in (0.002, 0.01, 0.05, 0.2, 0.5):
        # All numbers of flags that are seen but for one time in a billion, or a hundred spread over them.
        first, last = binom.ppf([5e-10, 1 - 5e-10], items, rate).astype(int)
        step = max((last - first) // 100, 1)
        totals = np.arange(first, last + 1, step)
        kept = levels_given_flags(labeled, unlabeled, totals)
        assert np.all(kept <= np.array(LEVELS)[:, None] * (1 + 1e-9)), rate
        # Over the flags in all, as often as they are seen: not far below where there are many.
        weight = binom.pmf(totals, items, rate)
        average = kept @ (weight / weight.sum())
        if labeled * rate >= 40:
            assert np.all(average >= 0.5 * np.array(LEVELS)), (rate, average)


def test_the_p_value_is_that_of_fisher():
    rng = np.random.default_rng(3)
    labeled, unlabeled = rng.integers(1, 80, 60), rng.integers(1, 3000, 60)
    rate = rng.choice([0.01, 0.1, 0.5], 60)
    flagged = rng.binomial(labeled, np.minimum(1, rate * rng.choice([1, 2], 60)))
    others = rng.binomial(unlabeled, rate)
    found = design_check(flag_counts(flagged, labeled, flagged + others, labeled + unlabeled)).p_value
    rows = zip(flagged, labeled, others, unlabeled, strict=True)
    known = [fisher_exact([[k, n - k], [u, m - u]])[1] for k, n, u, m in rows]
    np.testing.assert_allclose(found, known, rtol=1e-9)


def test_many_slices_are_checked_at_once_and_as_each_would_be_alone():
    rng = np.random.default_rng(5)
    labeled = rng.integers(0, 400, 3000)
    items = labeled + rng.integers(0, 50_000, 3000)
    total = rng.binomial(items, rng.uniform(0, 1, 3000) ** 3)
    flagged = rng.hypergeometric(total, items - total, labeled)
    counts = flag_counts(flagged, labeled, total, items)
    together = design_check(counts).p_value
    some = rng.choice(3000, 20, replace=False)
    alone = [design_check(counts[int(i)]).p_value for i in some]
    # Windows of terms in one block have one width: the last bits may differ.
    np.testing.assert_allclose(together[some], alone, rtol=1e-10)
    assert np.mean(together <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)


def test_effective_counts_lie_between_whole_ones():
    """Counts divided by a design effect: the p-value moves with them, and is one where there is no test."""
    p = [design_check(Counts(x, 0.0, 0.0, 20.0 - x, 100.0, 900.0)).p_value for x in (4.0, 4.4, 5.0)]
    assert p[0] > p[1] > p[2]
    assert design_check(Counts(0.4, 0.0, 0.0, 0.3, 0.0, 10.0)).p_value == 1
    assert design_check(Counts(0, 0, 0, 0, 10, 10)).p_value == 1
    assert design_check(Counts(5, 0, 0, 5, 0, 0)).p_value == 1


def test_a_mismatch_beyond_all_chance_has_a_p_value_near_zero():
    result = design_check(Counts(45_000, 0, 0, 45_000, 1_800_000, 18_200_000))
    assert 0 < result.p_value < 1e-15
