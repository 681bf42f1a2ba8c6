"""Borrowing from labelled references."""

import numpy as np
import pytest

from jaxmle import Bounds, Counts, borrow, fit, fit_slices

TARGET = Counts(9, 1, 2, 38, 250, 950)


def references(tpr, fpr, n=400, rate=0.3):
    """References whose counts are the expected ones."""
    tpr, fpr = np.asarray(tpr), np.asarray(fpr)
    failures = n * rate
    none = np.zeros(len(tpr))
    cells = (failures * tpr, failures * (1 - tpr), (n - failures) * fpr, (n - failures) * (1 - fpr))
    return Counts(*(np.round(x) for x in cells), none, none)


ALIKE = references([0.85, 0.87, 0.84, 0.86, 0.85], [0.06, 0.05, 0.07, 0.06, 0.06])
APART = references([0.95, 0.5, 0.7, 0.3, 0.9], [0.02, 0.3, 0.15, 0.4, 0.05])


def test_the_less_references_agree_the_less_they_lend():
    alone = fit(TARGET).interval(simulate=False).width
    like, unlike = borrow(TARGET, ALIKE), borrow(TARGET, APART)
    assert like.width < 0.75 * alone
    assert like.width < unlike.width < 1.1 * alone
    assert like.borrowed > 0.7 > unlike.borrowed
    assert like.spread[0] < unlike.spread[0]
    assert min(like.exchangeable) > 0.9


def test_labels_that_speak_against_the_references_are_believed():
    odd = Counts(2, 14, 2, 32, 150, 1050)
    found, alone = borrow(odd, ALIKE), fit(odd).interval(simulate=False)
    assert found.exchangeable[0] < 0.05
    assert found.exchangeable[1] > 0.9
    assert found.tpr < 0.4
    assert found.low < alone.estimate < found.high


def test_many_references_alike_are_as_good_as_a_judge_known_nearly():
    many = references(np.full(40, 0.85), np.full(40, 0.06), n=5000)
    known = fit(TARGET, Bounds(tpr=(0.85, 0.85), fpr=(0.06, 0.06))).interval(simulate=False)
    found = borrow(TARGET, many)
    assert abs(found.estimate - known.estimate) < 0.01
    assert found.width < 1.3 * known.width


@pytest.mark.slow
def test_a_batch_is_each_by_itself_and_order_does_not_matter():
    counts = Counts([9, 2, 0], [1, 14, 0], [2, 2, 0], [38, 32, 50], [250, 150, 20], [950, 1050, 980])
    batch = borrow(counts, ALIKE)
    turned = borrow(counts, ALIKE[::-1])
    for i in range(3):
        one = borrow(counts[i], ALIKE)
        assert (batch.low[i], batch.high[i]) == pytest.approx((one.low, one.high), abs=1e-9)
    assert np.allclose(batch.high, turned.high, atol=2e-4)


def test_one_reference_without_an_axis():
    found = borrow(TARGET, ALIKE[0])
    assert found.n_references == 1
    assert "1 reference" in found.method
    assert found.low < found.estimate < found.high
    same = borrow(TARGET, ALIKE[:1])
    assert same.high == found.high


@pytest.mark.slow
def test_bounds_and_missing_labels():
    held = borrow(TARGET, ALIKE, Bounds(failure_rate=(0.19, 0.21)))
    assert held.low >= 0.19
    assert held.high <= 0.21
    bare = borrow(Counts(0, 0, 0, 0, 250, 950), ALIKE)
    assert bare.low < 0.18 < bare.high
    none = ALIKE[0] + Counts(0, 0, 0, 0, 500, 500)
    assert borrow(TARGET, none).high == borrow(TARGET, ALIKE[0]).high


def test_it_is_near_partial_pooling_of_the_same_slices():
    cells = [np.append(a, b) for a, b in zip(TARGET.values(), ALIKE.values(), strict=True)]
    pooled = fit_slices(Counts(*cells), judge_rates="partial")
    assert abs(borrow(TARGET, ALIKE).estimate - pooled.failure_rate[0]) < 0.01


def test_a_design_effect_widens():
    assert borrow(TARGET, ALIKE, design_effect=2.0).width > 1.15 * borrow(TARGET, ALIKE).width


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: borrow(TARGET, Counts(0, 0, 0, 0, 5, 5)), "`references` must hold labels"),
        (lambda: borrow(TARGET, Counts(*np.ones((6, 2, 2)))), "`references` must have shape"),
        (lambda: borrow(TARGET, ALIKE, confidence=1.0), "`confidence`"),
        (lambda: borrow(TARGET, ALIKE, Bounds(tpr=(0, 0))), "tpr.high = 0"),
    ],
)
def test_what_cannot_be_done_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.slow
def test_intervals_cover_for_targets_of_the_references_law():
    rng = np.random.default_rng(3)
    covered, width, alone = [], [], []
    for _ in range(12):
        tpr, fpr = rng.beta(0.85 * 50, 0.15 * 50, 38), rng.beta(0.1 * 80, 0.9 * 80, 38)
        failures = rng.binomial(200, 0.25, 8)
        tp, fp = rng.binomial(failures, tpr[:8]), rng.binomial(200 - failures, fpr[:8])
        none = np.zeros(8)
        known = Counts(tp, failures - tp, fp, 200 - failures - fp, none, none)
        failures = rng.binomial(50, 0.2, 30)
        tp, fp = rng.binomial(failures, tpr[8:]), rng.binomial(50 - failures, fpr[8:])
        flagged = rng.binomial(2000, 0.2 * tpr[8:] + 0.8 * fpr[8:])
        counts = Counts(tp, failures - tp, fp, 50 - failures - fp, flagged, 2000 - flagged)
        found = borrow(counts, known)
        covered += list((found.low <= 0.2) & (found.high >= 0.2))
        width += list(found.width)
        alone += list(fit(counts).interval(simulate=False).width)
    assert np.mean(covered) >= 0.925
    assert np.mean(width) < 0.85 * np.mean(alone)


def test_what_references_at_chance_tell_is_no_number():
    chance = Counts([20, 30], [20, 30], [20, 30], [20, 30], [0, 0], [0, 0])
    found = borrow(Counts(0, 0, 0, 0, 250, 950), chance)
    assert not found.identified
    assert (found.low, found.high) == (0, 1)
    assert str(found).startswith("not identified [0.0000, 1.0000]")
    assert borrow(Counts(9, 1, 2, 38, 250, 950), chance).identified


def test_labels_that_are_no_sample_are_told():
    with pytest.warns(UserWarning, match="no random sample"):
        borrow(Counts(9, 1, 0, 0, 90, 910), Counts([45, 80], [5, 20], [5, 3], [95, 97], [0, 0], [0, 0]))
