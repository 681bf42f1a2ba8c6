import jax
import numpy as np
import pytest

from jaxmle import Bounds, Counts

FIELDS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")


def test_labels_are_counted_cell_by_cell():
    human = [1, 1, 0, 0, None, np.nan, -1, True]
    judge = [1, 0, 1, 0, 1, 0, 1, False]
    assert Counts.from_labels(human, judge).values() == (1, 2, 1, 1, 2, 1)


def test_weights_give_weighted_counts():
    counts = Counts.from_labels([1, 0, None], [1, 1, 0], weights=[0.5, 2.0, 0.25])
    assert counts.values() == (0.5, 0, 2.0, 0, 0, 0.25)


@pytest.mark.parametrize(
    ("human", "judge", "weights", "message"),
    [
        ([1, 0], [1], None, "`human` and `judge` must have the same length; got 2 and 1"),
        ([1, 2], [1, 0], None, "`human` must be 0 or 1.*got 2.0 at index 1"),
        ([1, 0], [1, np.nan], None, "`judge` must be 0 or 1 for every item.*index 1"),
        ([1, 0], [1, None], None, "`judge` must be 0 or 1 for every item"),
        ([1, 0], [1, -1], None, "`judge` must be 0 or 1.*got -1.0"),
        ([1, 0], [1, 0.5], None, "`judge` must be 0 or 1.*got 0.5"),
        (["refused", "answered"], [1, 0], None, "`human` must hold 0, 1, True, False or words"),
        ([], [], None, "`judge` must hold at least one verdict"),
        ([[1]], [[1]], None, "`human` must be one-dimensional"),
        ([1, 0], [1, 0], [1.0], r"`weights` must have shape \(2,\)"),
        ([1, 0], [1, 0], [1.0, -1.0], "`weights` must be >= 0; got -1.0 at index 1"),
        ([1, 0], [1, 0], [1.0, np.inf], "`weights` must be finite"),
    ],
)
def test_bad_labels_name_the_argument(human, judge, weights, message):
    with pytest.raises(ValueError, match=message):
        Counts.from_labels(human, judge, weights=weights)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("value", "message"),
    [(-1, ">= 0; got -1"), (np.nan, "finite"), ("3", "numeric"), ([1, 2], "shape of `tp`")],
)
def test_bad_counts_name_the_field(field, value, message):
    values = {**dict.fromkeys(FIELDS, 1), field: value}
    # The shapes are compared with those of the first field.
    name = "fn" if field == "tp" and message.startswith("shape") else field
    with pytest.raises(ValueError, match=f"`{name}` must.*{message}"):
        Counts(**values)


def test_batches_index_iterate_and_add():
    counts = Counts(*(np.arange(3) + i for i in range(6)))
    assert counts.shape == (3,)
    assert len(counts) == 3
    assert counts[1].values() == (1, 2, 3, 4, 5, 6)
    assert [c.tp for c in counts] == [0, 1, 2]
    assert (counts + counts)[2].values() == (4, 6, 8, 10, 12, 14)
    np.testing.assert_array_equal(counts.n_labeled, [6, 10, 14])
    np.testing.assert_array_equal(counts.n_unlabeled, [9, 11, 13])
    with pytest.raises(ValueError, match="equal shapes"):
        counts + counts[0]
    with pytest.raises(TypeError):
        len(counts[0])


def test_counts_and_bounds_are_pytrees_that_survive_tracing():
    counts, bounds = Counts(1, 2, 3, 4, 5, 6), Bounds(tpr=(0.5, 0.9))
    doubled = jax.jit(lambda c: jax.tree.map(lambda x: 2 * x, c))(counts)
    assert [int(v) for v in doubled.values()] == [2, 4, 6, 8, 10, 12]
    assert float(jax.jit(lambda b: b.tpr[1] - b.tpr[0])(bounds)) == pytest.approx(0.4)
    built = jax.jit(lambda x: Counts(x, x, x, x, x, x).n_labeled)(2.0)
    assert float(built) == 8
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(bounds)]
    assert paths[2] == ".tpr[0]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tpr": (0.9, 0.8)}, "`tpr` must have low <= high"),
        ({"fpr": (-0.1, 0.8)}, "`fpr.low` must be in"),
        ({"failure_rate": (0, 1.5)}, "`failure_rate.high` must be in"),
        ({"tpr": 0.9}, r"`tpr` must be a pair \(low, high\)"),
        ({"tpr": (0.1, np.nan)}, "`tpr.high` must be finite"),
        ({"tpr": ([0.1, 0.9], [0.5, 0.6])}, "`tpr` must have low <= high"),
        ({"tpr": ([0.1, 0.2], [0.5, 0.6, 0.7])}, "`tpr` must have low and high of matching shapes"),
    ],
)
def test_bad_bounds_name_the_field(arguments, message):
    with pytest.raises(ValueError, match=message):
        Bounds(**arguments)


def test_bounds_from_reference_are_clopper_pearson():
    from scipy.stats import binomtest

    anchor = Counts(tp=90, fn=10, fp=0, tn=95, unlabeled_pos=0, unlabeled_neg=0)
    bounds = Bounds.from_reference(anchor, confidence=0.95)
    expected = binomtest(90, 100).proportion_ci(0.95)
    np.testing.assert_allclose(bounds.tpr, expected, rtol=1e-9)
    np.testing.assert_allclose(bounds.fpr, binomtest(0, 95).proportion_ci(0.95), rtol=1e-9)
    wider = Bounds.from_reference(anchor, confidence=0.95, margin=0.2)
    np.testing.assert_allclose(wider.tpr, (expected.low - 0.2, 1.0), rtol=1e-9)
    none = Bounds.from_reference(Counts(0, 0, 1, 1, 0, 0))
    assert tuple(map(float, none.tpr)) == (0.0, 1.0)
    with pytest.raises(ValueError, match="`margin` must be >= 0"):
        Bounds.from_reference(anchor, margin=-0.1)
    with pytest.raises(ValueError, match="`confidence`"):
        Bounds.from_reference(anchor, confidence=1.0)
