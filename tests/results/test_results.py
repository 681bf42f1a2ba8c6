"""What every result can do: be indexed, printed, made a dictionary, a table, HTML; pass through JAX."""

import json

import numpy as np
import pytest

import jaxmle
from jaxmle import Bounds, Clusters, Counts, Pairs, Params
from jaxmle._arrays import leaves

ONE = Counts(4, 1, 2, 43, 900, 9100)
TWO = Counts([4, 9], [1, 2], [2, 3], [43, 86], [90, 180], [910, 1820])
BOUNDS = Bounds(tpr=(0.7, 0.95), fpr=(0.01, 0.2))
BATCHES = (
    *("Fit", "Interval", "ProfileInterval", "Bootstrap", "Certificate", "BoundsTest", "DesignCheck"),
    *("DesignEffect", "Difference", "Drift", "SliceFit", "Solution", "ClosedForm", "Params", "Counts"),
)


def clusters():
    counts = Counts([2, 0, 1, 3], [1, 0, 0, 1], [0, 1, 1, 0], [1, 9, 8, 4], [3, 2, 1, 5], [9, 8, 9, 7])
    return Clusters(counts, [0, 0, 1, 1], 2)


@pytest.fixture(scope="module")
def results():
    """One of each public class; of those in `BATCHES` for two data sets."""
    import jax

    fitted = jaxmle.fit(TWO, BOUNDS)
    with jax.enable_x64(True):
        solution = jaxmle.maximize(TWO, BOUNDS)
    scan = jaxmle.sensitivity(ONE, BOUNDS, over="tpr.low", grid=[0.6, 0.7], limit=0.2)
    return {
        "Fit": fitted,
        "ProfileInterval": fitted.interval(simulate=False),
        "Interval": jaxmle.identified_set(TWO, BOUNDS),
        "Bootstrap": jaxmle.bootstrap(TWO, n_resamples=50, keep_replicates=True),
        "Certificate": jaxmle.certify(TWO, BOUNDS, limit=0.3, method="profile"),
        "BoundsTest": jaxmle.bounds_test(TWO, BOUNDS),
        "DesignCheck": jaxmle.design_check(TWO),
        "DesignEffect": jaxmle.design_effect(clusters()),
        "Difference": jaxmle.compare(TWO, TWO[::-1], BOUNDS),
        "Drift": jaxmle.drift(TWO, BOUNDS),
        "SliceFit": jaxmle.fit_slices(TWO, judge="per-slice"),
        "Solution": solution,
        "ClosedForm": jaxmle.closed_form(TWO),
        "Params": Params(np.array([0.1, 0.2]), np.array([0.9, 0.8]), np.array([0.1, 0.2])),
        "Counts": TWO,
        "Bounds": BOUNDS,
        "Clusters": clusters(),
        "Pairs": Pairs.from_labels([1, 0, None], [1, 0, 1], [1, 1, None], [1, 0, 1]),
        "Homogeneity": jaxmle.homogeneity_test(TWO, n_resamples=19),
        "Plan": jaxmle.plan(
            failure_rate=0.1, tpr=0.9, fpr=0.1, n_unlabeled=1000, target_width=0.2, simulate=False
        ),
        "Sensitivity": scan,
        "Agreement": jaxmle.agreement(ONE),
        "Effect": scan.effects[0],
        "LabelOption": jaxmle.LabelOption("random", True, "profile", 3, {"flagged": 2}, 0.1, None),
    }


def test_every_public_class_is_tried(results):
    assert set(results) == {name for name in jaxmle.__all__ if isinstance(getattr(jaxmle, name), type)}


@pytest.mark.parametrize("name", BATCHES)
def test_batches_index_and_iterate(results, name):
    found = results[name]
    assert len(found) == 2
    _, second = found
    assert str(second) == str(found[-1])
    for one, both in zip(leaves(second), leaves(found[:]), strict=True):
        np.testing.assert_array_equal(one, np.asarray(both)[1])


def test_dictionaries_are_ready_for_json(results):
    for name, found in results.items():
        document = found.to_dict()
        assert json.loads(json.dumps(document)) == document, name
        assert not any(key.startswith("_") for key in document)


def test_tables_have_a_row_a_data_set(results):
    pytest.importorskip("pandas")
    rows = dict.fromkeys(BATCHES, 2) | {"Plan": len(results["Plan"]), "Sensitivity": 2, "Homogeneity": 2}
    for name, size in rows.items():
        assert len(results[name].to_frame()) == size, name
    frame = results["Fit"].to_frame()
    assert frame["failure_rate"].tolist() == results["Fit"].failure_rate.tolist()
    assert frame["counts_tp"].tolist() == [4, 9]
    assert frame["bounds_tpr_high"].tolist() == [0.95, 0.95]
    assert len(jaxmle.fit(ONE).to_frame()) == 1
    assert results["Sensitivity"].to_frame()["tpr.low"].tolist() == [0.6, 0.7]


def test_html_is_short_and_escaped(results):
    for name, found in results.items():
        html = found._repr_html_()
        assert html.startswith("<p>"), name
        assert len(html) < 6000, name
    option = jaxmle.LabelOption("<script>", True, "profile", 3, None, 0.1, None)
    assert "<script>" not in option._repr_html_()
    many = jaxmle.fit(Counts(*(np.full(40, value) for value in ONE.values())))
    assert "30 more rows" in many._repr_html_()


def test_results_are_pytrees(results):
    import jax

    for name, found in results.items():
        parts, structure = jax.tree.flatten(found)
        assert not any(part is found for part in parts), name
        again = jax.tree.unflatten(structure, parts)
        assert type(again) is type(found), name
        assert str(again) == str(found), name
