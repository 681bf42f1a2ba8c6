import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmle import Bounds, Counts, bootstrap, fit, profile_interval, sensitivity

FIELDS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")


def test_labels_are_counted_cell_by_cell():
    human = [1, 1, 0, 0, None, np.nan, -1, True]
    judge = [1, 0, 1, 0, 1, 0, 1, False]
    assert Counts.from_labels(human=human, judge=judge).values() == (1, 2, 1, 1, 2, 1)


def test_weights_give_weighted_counts():
    counts = Counts.from_labels(human=[1, 0, None], judge=[1, 1, 0], weights=[0.5, 2.0, 0.25])
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
        Counts.from_labels(human=human, judge=judge, weights=weights)


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


def test_bounds_from_a_reference_of_the_same_population_are_clopper_pearson():
    from scipy.stats import binomtest

    anchor = Counts(tp=90, fn=10, fp=0, tn=95, unlabeled_pos=0, unlabeled_neg=0)
    # Both rates share the error, so each has half of it.
    bounds = Bounds.from_reference(anchor, confidence=0.90, same_population=True)
    expected = binomtest(90, 100).proportion_ci(0.95)
    np.testing.assert_allclose(bounds.tpr, expected, rtol=1e-9)
    np.testing.assert_allclose(bounds.fpr, binomtest(0, 95).proportion_ci(0.95), rtol=1e-9)
    none = Bounds.from_reference(Counts(0, 0, 1, 1, 0, 0), same_population=True)
    assert tuple(map(float, none.tpr)) == (0.0, 1.0)
    for same in (False, True):
        with pytest.raises(ValueError, match="`confidence`"):
            Bounds.from_reference(anchor, confidence=1.0, same_population=same)
        with pytest.raises(TypeError, match="`counts`"):
            Bounds.from_reference([1, 2], same_population=same)


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int32", "int64", "uint64", "float32", "bool"])
def test_counts_are_numbers_that_do_not_wrap(kind):
    most = 1 if kind in ("bool", "float32") else min(np.iinfo(kind).max, 2**53)
    given = np.array([most, 0], dtype=kind)
    counts = Counts(*[given] * 6)
    for total in (counts.n_labeled, (counts + counts).n_unlabeled):
        assert total.dtype == np.float64
        assert total.tolist() == [4.0 * most, 0.0]
    assert fit(Counts(*[np.full(1, most, kind)] * 6)).converged.all()


@pytest.mark.parametrize("kind", ["uint8", "int8", "int32", "bool"])
def test_counts_of_jax_do_not_wrap_either(kind):
    most = 1 if kind == "bool" else min(np.iinfo(kind).max, 2**30)
    counts = Counts(*[jnp.full(2, most, kind)] * 6)
    assert counts.n_labeled.dtype == jnp.float64
    assert counts.n_labeled.tolist() == [4.0 * most] * 2
    assert (
        jax.jit(lambda x: Counts(x, x, x, x, x, x).n_labeled)(jnp.full(2, most, kind)).tolist()
        == [4.0 * most] * 2
    )


def test_counts_are_copies():
    given = np.ones(3)
    counts = Counts(*[given] * 6)
    given[0] = 7
    assert counts.tp.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        counts.tp[0] = 7


def test_what_float64_cannot_count_is_refused():
    assert Counts(2**53, 0, 0, 0, 0, 0).tp == 2**53
    with pytest.raises(ValueError, match="`judge` must"):
        Counts.from_labels(judge=[10**400, 1, 0], human=[1, 1, 0])
    for value in (2**53 + 2, 1e160, 1e308, np.uint64(2**63)):
        with pytest.raises(ValueError, match="`fn` must be at most 9,007,199,254,740,992"):
            Counts(0, value, 0, 0, 0, 0)
    masked = np.ma.masked_array([1, 2], mask=[False, True])
    with pytest.raises(ValueError, match="`tp` must not be masked"):
        Counts(masked, *[np.zeros(2)] * 5)
    assert Counts(np.ma.masked_array([1, 2]), *[np.zeros(2)] * 5).tp.tolist() == [1, 2]


def test_masked_labels_are_missing():
    human = np.ma.masked_array([1, 0, 1], mask=[False, False, True])
    assert repr(Counts.from_labels(human=human, judge=[1, 0, 1])) == repr(Counts(1, 0, 0, 1, 1, 0))
    with pytest.raises(ValueError, match="`judge`"):
        Counts.from_labels(human=[1, 0, 1], judge=human)
    with pytest.raises(ValueError, match="datetime64"):
        Counts.from_labels(human=np.array(["2026-01-01"], dtype="datetime64[D]"), judge=[1])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda c: profile_interval(c, design_effect="x"), "design_effect"),
        (lambda c: profile_interval(c, design_effect=2.0, df="x"), "df"),
        (lambda c: profile_interval(c, simulate="x"), "simulate"),
        (lambda c: sensitivity(c, over=3), "over"),
        (lambda c: bootstrap(c, n_resamples=10**11), "n_resamples"),
    ],
)
def test_arguments_of_the_wrong_type_are_named(call, name):
    with pytest.raises(ValueError, match=f"`{name}` must"):
        call(Counts(4, 1, 2, 43, 90, 910))


@pytest.mark.parametrize("engine", ["numpy", pytest.param("jax", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("cells", "bounds", "calibration"),
    [
        ((2.4, 0, 9.6e10, 0, 3.6e10, 1.7e-8), {"fpr": (0.5, 1.0)}, "internal"),
        ((0, 0, 8.3e11, 0, 0, 2.5e-7), {"failure_rate": (0.8, 0.9), "tpr": (1.0, 1.0)}, "internal"),
        ((0, 0, 0, 0, 4e-7, 5e11), {}, "external"),
        ((0.67, 1.5e11, 0, 1.2e-6, 0, 3.9e11), {"tpr": (0, 1e-12), "fpr": (0.2, 0.3)}, "internal"),
        ((0, 2.9e11, 0, 3.5e-3, 4.3e-8, 0), {"fpr": (0.0, 1.6e-4)}, "internal"),
    ],
)
def test_rare_verdicts_keep_a_probability(cells, bounds, calibration, engine):
    result = fit(Counts(*cells), Bounds(**bounds), calibration=calibration, engine=engine)
    assert np.isfinite(result.log_likelihood)
    assert result.gap <= 1e-9


def test_a_gap_is_no_less_than_what_a_corner_has_more():
    # Bounds 1e-12 apart, where the gap as a difference of sums came out as 0.
    counts, bounds = Counts(344, 365807, 716, 19712, 17654, 84016), Bounds((0, 1e-13), (1 - 1e-12, 1), (0, 1))
    result = fit(counts, bounds, calibration="external")
    assert result.converged
    assert result.gap * sum(counts.values()) >= 1.5670e-9
