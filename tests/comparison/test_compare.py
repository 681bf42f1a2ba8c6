"""Comparisons of two systems: size, intervals and tests that agree, pairs, and what is refused."""

import math

import numpy as np
import pytest
from cases import some_fast
from scipy.optimize import minimize_scalar
from scipy.stats import binom, chi2
from scipy.stats import t as student

from benchmarks._samples import cell_rates, flag_rate
from benchmarks.comparing import data_of
from jaxmle import Bounds, Clusters, Counts, Pairs, adjust_p_values, compare, profile_interval
from jaxmle._comparison import _common_judge
from jaxmle._slices._common import Common

A = Counts(tp=30, fn=5, fp=6, tn=59, unlabeled_pos=360, unlabeled_neg=640)


B = Counts(tp=14, fn=3, fp=5, tn=78, unlabeled_pos=190, unlabeled_neg=810)


LOOSE = Bounds(tpr=(0.8, 0.9), fpr=(0.05, 0.1))


def labelled(failures, items):
    """Counts of a perfect judge all of whose items are labelled."""
    none = 0 * failures
    return Counts(failures, none, none, items - failures, none, none)


def log_likelihood(x, n, p):
    return sum(count * math.log(share) for count, share in ((x, p), (n - x, 1 - p)) if count)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(20, 200), (20, 20)])
def test_the_size_of_the_test_enumerated(n, m):
    """All pairs of binomial outcomes: chi-square rejects an equal rate of 10% 8.6% of the time."""
    x, y = (found.reshape(-1) for found in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    different = compare(labelled(x, n), labelled(y, m)).different
    for rate in (0.01, 0.02, 0.05, 0.1, 0.3, 0.5):
        size = (binom.pmf(x, n, rate) * binom.pmf(y, m, rate)) @ different
        assert size <= 0.06
        if rate >= 0.1:
            assert size > 0.03


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [None, Bounds(tpr=(0.65, 0.75), fpr=(0.25, 0.35))])
def test_unequal_arms_of_a_poor_judge_keep_their_size(bounds):
    """20 against 200 labels, TPR .7, FPR .3, 10% failures: by pooled degrees of freedom .08 to .10."""
    rng, size, theta, tpr, fpr = np.random.default_rng(6), 600, 0.1, 0.7, 0.3
    flagged = rng.binomial(100, flag_rate(theta, tpr, fpr), (2, size))
    arms = [
        Counts(*rng.multinomial(n, cell_rates(theta, tpr, fpr), size).T, pos, 100 - pos)
        for n, pos in zip((20, 200), flagged, strict=True)
    ]
    size_of_test = np.mean(compare(*arms, bounds).different)
    assert 0.01 < size_of_test < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / size)


@pytest.mark.slow
def test_draws_of_the_null_do_not_hang_on_the_batch():
    together = compare(Counts(*([x, x + 3] for x in A.values())), Counts(*([x, x + 5] for x in B.values())))
    weak = [labelled(x, 40) for x in (3, 9)]
    alone = compare(*weak)
    again = compare(*(Counts(*([value + 2, value] for value in own.values())) for own in weak), seed=0)
    assert again.p_value[1] == alone.p_value
    assert compare(*weak, seed=1).p_value != alone.p_value
    assert together.p_value.shape == (2,)


def test_without_a_judge_it_is_the_likelihood_ratio_of_two_binomials():
    # Beyond doubt, so that nothing is simulated.
    (x, n), (y, m) = (52, 200), (18, 180)
    result = compare(labelled(x, n), labelled(y, m))
    pooled = (x + y) / (n + m)
    free = log_likelihood(x, n, x / n) + log_likelihood(y, m, y / m)
    statistic = 2 * (free - log_likelihood(x, n, pooled) - log_likelihood(y, m, pooled))
    assert result.p_value == pytest.approx(2 * student.sf(math.sqrt(statistic), m - 2), rel=1e-3)

    def lost(difference):
        best = minimize_scalar(
            lambda p: -log_likelihood(x, n, p + difference) - log_likelihood(y, m, p),
            bounds=(max(1e-9, -difference + 1e-9), min(1, 1 - difference) - 1e-9),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return 2 * (free + best.fun)

    cutoff = student.ppf(0.975, m - 2) ** 2
    assert lost(result.low) == pytest.approx(cutoff, rel=2e-3)
    assert lost(result.high) == pytest.approx(cutoff, rel=2e-3)
    assert result.estimate == pytest.approx(x / n - y / m, abs=1e-6)


@pytest.mark.parametrize("judge", ["separate", "common"])
@pytest.mark.parametrize(
    "bounds", some_fast([Bounds(), LOOSE, Bounds(tpr=(0.84, 0.86), fpr=(0.06, 0.07))], [LOOSE])
)
def test_interval_and_test_are_one_statement(judge, bounds):
    found = compare(A, B, bounds, judge_rates=judge)
    assert found.low < found.estimate < found.high
    assert found.converged
    edge = 1 - found.p_value
    # At the confidence 1 - p the interval just reaches no difference.
    near = compare(A, B, bounds, judge_rates=judge, confidence=min(edge, 1 - 1e-9))
    if found.p_value > 1e-8:
        assert abs(near.low) < 2e-3 * (near.high - near.low)
    swapped = compare(B, A, bounds, judge_rates=judge)
    assert swapped.low == pytest.approx(-found.high, abs=2e-3 * (found.high - found.low))
    assert swapped.p_value == pytest.approx(found.p_value, rel=2e-2, abs=1e-12)


def test_doubts_that_bounds_leave_open_add_up_unless_the_judge_is_common():
    a, b = Counts(0, 0, 0, 0, 30_000, 70_000), Counts(0, 0, 0, 0, 20_000, 80_000)
    apart, together = (compare(a, b, LOOSE, judge_rates=judge) for judge in ("separate", "common"))
    ends = [profile_interval(counts, LOOSE, simulate=False) for counts in (a, b)]
    # Root sums of squares would lie well inside.
    assert apart.low < ends[0].low - ends[1].high + 0.01
    assert apart.high > ends[0].high - ends[1].low - 0.01
    assert not apart.identified
    assert "not identified" in str(apart)
    # Under one judge the difference is (q_a - q_b) / (TPR - FPR).
    assert together.low == pytest.approx(0.1 / 0.85, abs=0.01)
    assert together.high == pytest.approx(0.1 / 0.7, abs=0.01)


def test_a_common_judge_is_sharper_and_starts_from_the_joint_fit():
    from jaxmle import fit_slices

    pair = Counts(*(np.array(values) for values in zip(A.values(), B.values(), strict=True)))
    joint = fit_slices(pair, judge_rates="common")
    found = compare(A, B, judge_rates="common")
    assert found.failure_rates == pytest.approx(joint.failure_rate, abs=1e-6)
    apart = compare(A, B)
    assert found.high - found.low < 0.8 * (apart.high - apart.low)


def test_pairs_of_labels_alone_are_mcnemar():
    rng = np.random.default_rng(3)
    first = rng.random(400) < 0.3
    second = np.where(rng.random(400) < 0.8, first, rng.random(400) < 0.5)
    pairs = Pairs.from_labels(human_a=first, judge_a=first, human_b=second, judge_b=second)
    a, b = (Counts.from_labels(human=labels, judge=labels) for labels in (first, second))
    up, down = int(np.sum(first & ~second)), int(np.sum(~first & second))
    found, apart = compare(a, b, pairs=pairs), compare(a, b)
    assert found.effect < 0.5
    assert found.high - found.low < 0.75 * (apart.high - apart.low)
    mcnemar = chi2.sf((up - down) ** 2 / (up + down), 1)
    exact = 2 * binom.cdf(min(up, down), up + down, 0.5)
    assert 0.5 * mcnemar < found.p_value < 1.5 * exact


def test_items_that_all_agree_leave_a_width():
    labels = np.arange(50) < 10
    counts = Counts.from_labels(human=labels, judge=labels)
    found = compare(
        counts,
        counts,
        pairs=Pairs.from_labels(human_a=labels, judge_a=labels, human_b=labels, judge_b=labels),
    )
    assert found.estimate == 0
    assert found.p_value == 1
    assert 0.02 < found.high < 0.08  # 3 in 50, by the rule of three


def test_pairs_sum_over_the_rows_of_an_item():
    index = np.zeros(3, np.int64)
    a = Clusters(Counts([2, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 5]), index, 1)
    b = Clusters(Counts([1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]), index, 1)
    pairs = Pairs.from_clusters(a, b)
    assert pairs.products[0, 0, 0] == 4
    assert pairs.products[0, 0, 6] == 2
    assert pairs.products[0, 5, 5] == 25
    assert (pairs.n_labeled[0], pairs.n_matched[0]) == (2, 2)
    # Ten copies of each answer tell no more than one.
    rng = np.random.default_rng(0)
    labels = [rng.random(200) < rate for rate in (0.3, 0.2)]
    one = [np.stack(Counts.from_labels(human=own, judge=own).values()) for own in labels]
    cells = [np.eye(6, dtype=int)[np.where(own, 0, 3)] for own in labels]
    many = Pairs.from_clusters(*(Clusters(Counts(*(10 * own).T), np.zeros(200, int), 1) for own in cells))
    few = Pairs.from_labels(human_a=labels[0], judge_a=labels[0], human_b=labels[1], judge_b=labels[1])
    wide = compare(Counts(*one[0]), Counts(*one[1]), pairs=few)
    same = compare(*(Counts(*(10 * own)[:, None]) for own in one), pairs=many)[0]
    assert same.high - same.low == pytest.approx(wide.high - wide.low, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "kind", "shared", "paired"),
    [
        ("separate", (0, 1, 0, 1), 0.0, False),
        ("separate", (0.88, 0.92, 0.03, 0.07), 0.0, False),
        ("separate", (0, 1, 0, 1), 0.7, True),
        ("separate", (0.88, 0.92, 0.03, 0.07), 0.7, True),
        ("common", (0.88, 0.92, 0.03, 0.07), 0.7, True),
    ],
)
def test_intervals_cover_and_tests_keep_their_size(judge, kind, shared, paired):
    size = 96 if judge == "common" else 300
    bounds = Bounds(tpr=kind[:2], fpr=kind[2:])
    for rates in ((0.15, 0.15), (0.3, 0.2)):
        a, b, pairs = data_of((150, 800, *rates, shared), size, 5)
        found = compare(a, b, bounds, judge_rates=judge, pairs=pairs if paired else None)
        truth = rates[0] - rates[1]
        covered = np.sum((found.low <= truth) & (truth <= found.high))
        assert covered >= binom.ppf(1e-3, size, 0.94)
        if not truth:
            assert found.different.sum() == np.sum((found.low > 0) | (found.high < 0))
    if paired:
        alone = compare(a, b, bounds, judge_rates=judge)
        assert np.mean(found.high - found.low) < 0.85 * np.mean(alone.high - alone.low)


@pytest.mark.slow
def test_batches_and_adjustment():
    many = Counts(*(np.array(v) for v in zip(A.values(), B.values(), A.values(), strict=True)))
    other = Counts(*(np.array(v) for v in zip(B.values(), B.values(), A.values(), strict=True)))
    for judge in ("separate", "common"):
        plain = compare(many, other, judge_rates=judge)
        one = compare(A, B, judge_rates=judge)
        assert plain[0].low == pytest.approx(one.low, abs=1e-6)
        assert plain.p_value[1:] == pytest.approx([1, 1])
        holm = compare(many, other, judge_rates=judge, adjustment="holm")
        assert np.allclose(holm.p_value, adjust_p_values(plain.p_value, "holm"))
        assert np.all(holm.high - holm.low > plain.high - plain.low)
    assert len(plain) == 3
    assert str(plain).startswith("1 of 3 differ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"judge_rates": "one"}, "`judge_rates` must be"),
        ({"adjustment": "bonferroni"}, "`adjustment` must be"),
        ({"confidence": 95}, "`confidence` must"),
        ({"pairs": Pairs(np.zeros((12, 12)), np.zeros(12), 0, 0)}, "the same items"),
        (
            {"pairs": Pairs(np.zeros((2, 12, 12)), np.zeros((2, 12)), [0, 0], [0, 0])},
            "must have the counts' shape",
        ),
        (
            {"judge_rates": "common", "bounds_a": Bounds(tpr=(0.9, 1)), "bounds_b": Bounds(tpr=(0, 0.8))},
            "exclude",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(A, B, **arguments)
    with pytest.raises(ValueError, match="one shape"):
        compare(A, Counts(*(np.array([v]) for v in B.values())))
    with pytest.raises(TypeError, match="`pairs` must be"):
        compare(A, B, pairs=3)
    two = Clusters(Counts(*([1, 1] for _ in range(6))), [0, 1], 2)
    with pytest.raises(ValueError, match="same items in the same slices"):
        Pairs.from_clusters(two, Clusters(two.counts, [1, 0], 2))


def test_pairs_of_other_items_are_refused():
    rng = np.random.default_rng(4)
    first, second = rng.random(300) < 0.3, rng.random(300) < 0.2
    a, b = (Counts.from_labels(human=labels, judge=labels) for labels in (first, second))
    pairs = Pairs.from_labels(human_a=first, judge_a=first, human_b=second, judge_b=second)
    assert pairs.sums.tolist() == [*a.values(), *b.values()]
    compare(a, b, pairs=pairs)
    # More items than the counts have, and as many that were counted otherwise.
    one, other = np.tile(first, 2), np.tile(second, 2)
    twice = Pairs.from_labels(judge_a=one, human_a=one, judge_b=other, human_b=other)
    changed = np.append(second[:-1], ~second[-1])
    for wrong, name in (
        (twice, "a"),
        (Pairs.from_labels(human_a=first, judge_a=first, human_b=changed, judge_b=changed), "b"),
        (Pairs.from_labels(human_a=second, judge_a=second, human_b=first, judge_b=first), "a"),
    ):
        with pytest.raises(ValueError, match=f"same items as `{name}`: they hold tp = .* the same rows"):
            compare(a, b, pairs=wrong)
    many = [Counts(*(np.full(2, value) for value in own.values())) for own in (a, b)]
    theirs = twice.products, twice.sums, twice.n_labeled, twice.n_matched
    mine = pairs.products, pairs.sums, pairs.n_labeled, pairs.n_matched
    with pytest.raises(ValueError, match="as `a`.*1.*tp"):
        compare(*many, pairs=Pairs(*(np.stack(both) for both in zip(mine, theirs, strict=True))))
    with pytest.raises(ValueError, match="`sums` must have shape"):
        Pairs(pairs.products, pairs.sums[:6], 0, 0)


@pytest.mark.slow
def test_a_statistic_that_is_not_reached_is_not_called_converged(monkeypatch):
    monkeypatch.setattr(_common_judge, "_STEPS", 2)
    found = compare(A, B, judge_rates="common")
    assert not found.converged
    monkeypatch.undo()
    assert compare(A, B, judge_rates="common").converged
    assert found.p_value >= compare(A, B, judge_rates="common").p_value


def test_the_statistic_is_reached_where_false_position_stalls(monkeypatch):
    """The difference falls slowly with the multiplier, and then as its 40th power."""

    def maximum(joint, multiplier):
        x = np.abs(multiplier) / 3
        gap = 0.1 * (1 - x**40)
        value = -0.3 * (x - x**41 / 41)
        ones = np.ones_like(x)
        return Common(ones, ones, np.stack([0.5 + gap, 0.5 * ones], -1), value, *[ones] * 4)

    monkeypatch.setattr(_common_judge, "_with_multiplier", maximum)
    ones = np.ones(1)
    best = Common(ones, ones, np.array([[0.6, 0.5]]), 0 * ones, *[ones] * 4)
    statistic, finished = _common_judge.joint_statistic(_common_judge.JointFit((), best, np.zeros((1, 2))))
    assert finished.all()
    assert statistic[0] == pytest.approx(0.6 * 40 / 41, rel=1e-6)


def test_no_difference_is_claimed_where_data_contradict_the_bounds():
    found = compare(A, B, Bounds(tpr=(0.1, 0.2), fpr=(0.5, 0.6)))
    assert found.contradicted
    assert not found.different
