import numpy as np
import pytest
from cases import CASES

from jaxmle import Counts, baselines

# Digits that the rival tools print for the cases A, B and C (and more where they are defined).
PRINTED = {
    "judge_only": {
        "A": (0.41, 0.400396593, 0.419672526),
        "B": (0.09, 0.084547247, 0.095767631),
        "C": (0.15, 0.135022525, 0.166319408),
    },
    "human_only": {
        "A": (0.39, 0.325083431, 0.459062540),
        "B": (0.10, 0.043475765, 0.213602314),
        "C": (0.10, 0.055229137, 0.174365662),
        "D": (0.5, 0.403831530, 0.596168470),
        "E": (0.4, 0.357978991, 0.443545877),
        "F": (0.07, 0.034319261, 0.137495147),
        "G": (0.2, 0.112437500, 0.330371059),
    },
    "rogan_gladen": {
        "A": (0.377223416, 0.317514073, 0.435729766),
        "B": (0.060294118, 0.0, 0.145697190),
        "C": (0.1, 0.041361288, 0.160020351),
        "D": (0.5, 0.0, 1.0),
        "E": (0.375, 0.341116827, 0.408179926),
    },
    "ppi": {
        "A": (0.38, 0.333219228, 0.426780772),
        "B": (0.07, 0.002099481, 0.137900519),
        "C": (0.10, 0.054507298, 0.145492702),
        "D": (0.5, 0.369318749, 0.630681251),
        "E": (0.38, 0.352320756, 0.407679244),
        "F": (-0.04, -0.101469170, 0.021469170),
        "G": (0.46, 0.280173972, 0.639826028),
    },
    "ppi_plus_plus": {
        "A": (0.382455373, 0.338991770, 0.425918976),
        "B": (0.075254935, 0.013308713, 0.137201157),
        "C": (0.10, 0.062795899, 0.137204101),
        "D": (0.5, 0.403150705, 0.596849295),
        "E": (0.384008145, 0.357891536, 0.410124754),
        "F": (-0.04, -0.101469170, 0.021469170),
        "G": (0.2, 0.089127694, 0.310872306),
    },
}
NAMES = ("judge_only", "human_only", "rogan_gladen", "ppi", "ppi_plus_plus", "post_stratified")


@pytest.mark.parametrize(("name", "case"), [(n, c) for n, cases in PRINTED.items() for c in cases])
def test_digits_of_the_field(name, case):
    interval = getattr(baselines, name)(Counts(*CASES[case]))
    assert (interval.estimate, interval.low, interval.high) == pytest.approx(PRINTED[name][case], abs=6e-10)


@pytest.mark.parametrize(
    ("case", "estimate", "error"),
    [("A", 0.3825061979, 0.0220141378), ("B", 0.0807779285, 0.0268748811), ("G", 0.1908771930, 0.0604779702)],
)
def test_post_stratified_is_the_joint_maximum(case, estimate, error):
    interval = baselines.post_stratified(Counts(*CASES[case]), confidence=0.6826894921370859)
    assert interval.estimate == pytest.approx(estimate, abs=6e-11)
    assert interval.width / 2 == pytest.approx(error, abs=6e-11)


def test_published_hand_cases():
    # 166/1000 judged failing of q1 = .9 and q0 = .7 on 200 + 200 labels (README of llm-judge-reporting).
    interval = baselines.rogan_gladen(Counts(180, 20, 60, 140, 400, 600))
    assert interval.estimate == pytest.approx(1 / 6, abs=1e-9)
    assert (interval.low, interval.high) == pytest.approx((0.056350725, 0.262733026), abs=6e-10)
    ninety = baselines.rogan_gladen(Counts(180, 20, 60, 140, 400, 600), confidence=0.90)
    assert (ninety.low, ninety.high) == pytest.approx((0.074529706, 0.247779904), abs=1e-9)
    support = Counts(416, 15, 90, 79, 2847, 553)
    assert baselines.ppi_plus_plus(support).estimate == pytest.approx(0.715052205, abs=6e-10)
    assert baselines.ppi_plus_plus(support).low == pytest.approx(0.683725484, abs=6e-10)
    assert baselines.human_only(Counts(0, 0, 0, 10, 0, 0)).high == pytest.approx(0.2775327999, abs=6e-11)


@pytest.mark.parametrize("name", NAMES)
def test_batches_equal_their_elements(name):
    estimator = getattr(baselines, name)
    batch = estimator(Counts(*np.array([CASES[c] for c in "ABC"]).T), confidence=0.9)
    assert batch.estimate.shape == (3,)
    for i, case in enumerate("ABC"):
        one = estimator(Counts(*CASES[case]), confidence=0.9)
        assert isinstance(one.estimate, float)
        assert (one.estimate, one.low, one.high) == (batch.estimate[i], batch.low[i], batch.high[i])


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("human_only", (0, 0, 0, 0, 5, 5), "at least one human label"),
        ("judge_only", (0, 0, 0, 0, 0, 0), "at least one judge verdict"),
        ("rogan_gladen", (0, 0, 5, 5, 5, 5), "at least one human failure"),
        ("rogan_gladen", (5, 5, 0, 0, 5, 5), "at least one human pass"),
        ("rogan_gladen", (5, 5, 1, 5, 0, 0), "at least one unlabelled item"),
        ("rogan_gladen", CASES["G"], "TPR > FPR"),
        ("ppi", (0, 0, 0, 0, 5, 5), "at least one human label"),
        ("ppi_plus_plus", (1, 1, 1, 1, 0, 0), "at least one unlabelled item"),
        ("post_stratified", (0, 1, 0, 1, 5, 5), "a label of an item that the judge flags"),
        ("post_stratified", (1, 0, 1, 0, 5, 5), "a label of an item that the judge passes"),
    ],
)
def test_undefined_is_refused(name, values, message):
    with pytest.raises(ValueError, match=message):
        getattr(baselines, name)(Counts(*values))
    good = CASES["A"]
    batch = Counts(*np.array([good, good, values]).T)
    with pytest.raises(ValueError, match=r"\(slice 2\)"):
        getattr(baselines, name)(batch)


def test_degenerate_data_give_finite_intervals_that_hold_their_estimate():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (6, 3000)) * rng.integers(1, 30, (6, 3000))
    for name in NAMES:
        for i in range(300):
            try:
                interval = getattr(baselines, name)(Counts(*values[:, i]))
            except ValueError:
                continue
            assert np.isfinite([interval.estimate, interval.low, interval.high]).all()
            assert interval.low <= interval.estimate <= interval.high
            if name in ("judge_only", "human_only", "rogan_gladen"):
                assert 0 <= interval.low < interval.high <= 1


@pytest.mark.parametrize("confidence", [0, 1, 1.5, -1, "high", float("nan")])
def test_confidence_is_checked(confidence):
    with pytest.raises(ValueError, match="`confidence`"):
        baselines.human_only(Counts(*CASES["A"]), confidence=confidence)
