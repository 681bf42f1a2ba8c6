"""Agreement of judge and human, against published numbers and other libraries."""

import numpy as np
import pytest

from jaxmle import Counts, agreement
from jaxmle._inference import rater_agreement

# Kappa with its standard error by statsmodels 0.15 (`cohens_kappa`), and AC1 with its standard error and 95%
# interval by irrCAC 0.4.4 (`CAC.gwet`), from the cells tp, fn, fp, tn.
PUBLISHED = {
    # The table of Gwet, "Kappa statistic is not satisfactory" (2002): kappa -0.0234, AC1 0.9408.
    (118, 5, 2, 0): (-0.0233918, 0.0122868, 0.94078, 0.89514, 0.98641),
    (40, 9, 6, 45): (0.6995192, 0.0713936, 0.70075, 0.55846, 0.84304),
    (4, 1, 2, 43): (0.6938776, 0.1657559, 0.92539, 0.83581, 1.0),
    (5, 5, 5, 85): (0.4444444, 0.1472452, 0.87805, 0.79809, 0.95800),
}
Z = 1.959963984540054


def of(cells, **options):
    return agreement(Counts(*cells, 0, 0), **options)


@pytest.mark.parametrize(("cells", "numbers"), PUBLISHED.items())
def test_other_libraries_say_the_same(cells, numbers):
    kappa, error, ac1, low, high = numbers
    found = of(cells)
    assert found.kappa.estimate == pytest.approx(kappa, abs=1e-6)
    assert found.kappa.low == pytest.approx(kappa - Z * error, abs=1e-6)
    assert found.kappa.high == pytest.approx(min(kappa + Z * error, 1), abs=1e-6)
    assert (found.ac1.estimate, found.ac1.low, found.ac1.high) == pytest.approx((ac1, low, high), abs=1e-5)
    tp, _, fp, tn = cells
    assert found.accuracy.estimate == pytest.approx((tp + tn) / sum(cells))
    assert found.precision.estimate == pytest.approx(tp / (tp + fp))


@pytest.mark.slow
def test_scikit_learn_and_statsmodels_agree_on_random_tables():
    metrics = pytest.importorskip("sklearn.metrics")
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    rng = np.random.default_rng(0)
    for _ in range(20):
        cells = rng.integers(1, 60, 4)
        human, judge = np.repeat([1, 1, 0, 0], cells), np.repeat([1, 0, 1, 0], cells)
        found = of(cells.tolist())
        assert found.kappa.estimate == pytest.approx(metrics.cohen_kappa_score(human, judge))
        assert found.precision.estimate == pytest.approx(metrics.precision_score(human, judge))
        assert found.tpr.estimate == pytest.approx(metrics.recall_score(human, judge))
        assert found.accuracy.estimate == pytest.approx(metrics.accuracy_score(human, judge))
        other = rater.cohens_kappa(cells.reshape(2, 2))
        ends = max(other.kappa_low, -1), min(other.kappa_upp, 1)
        assert (found.kappa.low, found.kappa.high) == pytest.approx(ends)


def test_raters_that_never_differ_are_not_certain():
    found = of((8, 0, 0, 92))
    assert (found.kappa.estimate, found.kappa.high) == (1, 1)
    assert found.kappa.low < 0.8
    assert found.ac1.low < 0.97
    found = of((0, 0, 0, 50))
    assert found.kappa is found.tpr is found.precision is None
    assert found.ac1.low == pytest.approx(of((0, 0, 0, 50)).accuracy.low)
    nothing = agreement(Counts(0, 0, 0, 0, 5, 5))
    assert nothing.accuracy is nothing.kappa is nothing.ac1 is None


@pytest.mark.parametrize("cells", [(0, 0, 3, 7), (3, 7, 0, 0), (4, 0, 6, 0), (0, 4, 0, 6)])
def test_kappa_says_nothing_of_one_class(cells):
    """Human or judge says the same of all items: kappa is 0 whatever the other says, and never varies."""
    found = of(cells)
    assert found.kappa is None
    assert found.ac1.low < found.ac1.high


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    n, cells = 60, np.array([0.2, 0.06, 0.08, 0.66])
    rng = np.random.default_rng(1)
    drawn, times = np.unique(rng.multinomial(n, cells, 4000), axis=0, return_counts=True)
    human, judge = cells[0] + cells[1], cells[0] + cells[2]
    agreed, chance = cells[0] + cells[3], human * judge + (1 - human) * (1 - judge)
    share = (human + judge) / 2
    true = {
        "kappa": (agreed - chance) / (1 - chance),
        "ac1": (agreed - 2 * share * (1 - share)) / (1 - 2 * share * (1 - share)),
    }
    for name, value in true.items():
        inside = [getattr(of(one.tolist()), name) for one in drawn]
        covered = sum(t for t, one in zip(times, inside, strict=True) if one.low <= value <= one.high)
        # Binomial band of 4,000 draws about a coverage of 93 to 97%.
        assert 0.92 < covered / 4000 < 0.98


def test_what_is_refused():
    with pytest.raises(ValueError, match="of one data set"):
        agreement(Counts([1], [1], [1], [1], [1], [1]))
    with pytest.raises(TypeError, match="must be a Counts"):
        agreement((1, 2, 3, 4))
    with pytest.raises(ValueError, match="confidence"):
        of((1, 1, 1, 1), confidence=2)


def test_several_raters_agree_as_by_statsmodels_and_two_as_before():
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    rng = np.random.default_rng(0)
    truth = rng.random(80) < 0.3
    failures = sum(np.where(rng.random(80) < 0.12, ~truth, truth).astype(int) for _ in range(4))
    kinds, items = np.unique(failures, return_counts=True)
    found = rater_agreement([(int(f), 4 - int(f), int(n)) for f, n in zip(kinds, items, strict=True)])
    assert found.kappa.estimate == pytest.approx(rater.fleiss_kappa(np.stack([failures, 4 - failures], 1)))
    assert found.kappa.low < found.kappa.estimate < found.ac1.estimate < found.ac1.high < 1
    # Items that one alone labelled tell nothing of it.
    more = [(int(f), 4 - int(f), int(n)) for f, n in zip(kinds, items, strict=True)]
    assert str(rater_agreement([*more, (1, 0, 9), (0, 1, 50)])) == str(found)
    # irrCAC 0.4.4 (`CAC(...).fleiss()`, `gwet()`), items labelled by two or by three.
    some = [(3, 0, 12), (2, 1, 5), (1, 2, 7), (0, 3, 40), (2, 0, 6), (1, 1, 4), (0, 2, 11)]
    of_some = rater_agreement(some)
    for one, numbers in (
        (of_some.kappa, (0.66511, 0.51223, 0.81799)),
        (of_some.ac1, (0.75594, 0.63385, 0.87803)),
    ):
        assert (one.estimate, one.low, one.high) == pytest.approx(numbers, abs=1e-5)
    two = rater_agreement([(2, 0, 40), (1, 1, 15), (0, 2, 45)])
    assert str(two.ac1) == str(agreement(Counts(40, 9, 6, 45, 0, 0)).ac1)
    assert two.share == pytest.approx(0.85)
    assert rater_agreement([(1, 0, 9)]).share is None
    same = rater_agreement([(3, 0, 9), (0, 3, 41)])
    assert (same.kappa.estimate, same.kappa.high) == (pytest.approx(1), 1)
    assert 0.5 < same.kappa.low < 1
    assert rater_agreement([(0, 3, 50)]).kappa is None


def test_intervals_of_several_raters_cover():
    """Kappa and AC1 of three raters, each wrong on a tenth of 80 items: against those of very many items."""
    rng = np.random.default_rng(1)
    exact = rater_agreement(_patterns(rng, 2_000_000, 3))
    found = [rater_agreement(_patterns(rng, 80, 3)) for _ in range(600)]
    for name in ("kappa", "ac1"):
        truth = getattr(exact, name).estimate
        inside = np.mean([getattr(one, name).low <= truth <= getattr(one, name).high for one in found])
        assert inside > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 600)


def _patterns(rng, n, raters):
    truth = rng.random(n) < 0.3
    failures = sum((truth ^ (rng.random(n) < 0.1)).astype(int) for _ in range(raters))
    kinds, items = np.unique(failures, return_counts=True)
    return [(int(f), raters - int(f), int(k)) for f, k in zip(kinds, items, strict=True)]


def test_limits_stay_within_what_kappa_can_be():
    """Where nobody differs and hardly anything is a failure, chance agrees nearly always too."""
    for kappa in (
        rater_agreement([(2, 0, 1), (0, 2, 999)], confidence=0.99).kappa,
        agreement(Counts(1, 0, 0, 9999, 0, 0), confidence=0.999).kappa,
    ):
        assert (kappa.low, kappa.estimate, kappa.high) == (-1, pytest.approx(1), 1)
