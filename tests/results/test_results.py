"""What every result can do: be indexed, printed, made a dictionary, a table, HTML; pass through JAX."""

import json

import numpy as np
import pytest

import jaxmle
from jaxmle import Bounds, Clusters, Counts, Pairs, Params
from jaxmle._arrays import leaves
from jaxmle._engine import program
from jaxmle._solvers import maximum

ONE = Counts(4, 1, 2, 43, 900, 9100)
TWO = Counts([4, 9], [1, 2], [2, 3], [43, 86], [90, 180], [910, 1820])
BOUNDS = Bounds(tpr=(0.7, 0.95), fpr=(0.01, 0.2))
BATCHES = (
    *("Fit", "Interval", "ProfileInterval", "Bootstrap", "Certificate", "BoundsTest", "DesignCheck"),
    *("DesignEffect", "Difference", "Drift", "SliceFit", "Solution", "ClosedForm", "Params", "Counts"),
    *("Bounds", "Pairs", "SliceHomogeneity", "Borrowed", "ConfidenceSequence", "HumanError"),
)


def clusters():
    counts = Counts([2, 0, 1, 3], [1, 0, 0, 1], [0, 1, 1, 0], [1, 9, 8, 4], [3, 2, 1, 5], [9, 8, 9, 7])
    return Clusters(counts, [0, 0, 1, 1], 2)


@pytest.fixture(scope="module")
def results():
    """One of each public class; of those in `BATCHES` for two data sets."""
    import jax

    fitted = jaxmle.fit(TWO, BOUNDS)
    # What `maximize` returns, in arrays of JAX, without its compilation.
    flat = jax.tree.map(lambda x: np.broadcast_to(np.asarray(x, float), 2), (TWO, BOUNDS))
    with jax.enable_x64(True):
        solution = jax.tree.map(jax.numpy.asarray, program(maximum, "numpy")(*flat, "internal", "flag_rate"))
    scan = jaxmle.sensitivity(ONE, BOUNDS, over="tpr.low", grid=[0.6, 0.7], limit=0.2)
    return {
        "Fit": fitted,
        "ProfileInterval": fitted.interval(simulate=False),
        "Interval": jaxmle.identified_set(TWO, BOUNDS),
        "Bootstrap": jaxmle.bootstrap(TWO, n_resamples=50, keep_replicates=True),
        "Certificate": jaxmle.certify(TWO, BOUNDS, limit=0.3, method="profile"),
        "ConfidenceSequence": jaxmle.confidence_sequence(TWO, BOUNDS, limit=0.3),
        "HumanError": jaxmle.human_error(fitted.interval(simulate=False), missed=(0.0, 0.1)),
        "RaterError": jaxmle.rater_error(ONE),
        "Looks": jaxmle.Looks(2, 5, information=(0.2, 0.5)),
        "BoundsTest": jaxmle.bounds_test(TWO, BOUNDS),
        "DesignCheck": jaxmle.design_check(TWO),
        "DesignEffect": jaxmle.design_effect(clusters()),
        "Difference": jaxmle.compare(TWO, TWO[::-1], BOUNDS),
        "Drift": jaxmle.drift(TWO, BOUNDS),
        "SliceFit": jaxmle.fit_slices(TWO, judge_rates="per-slice"),
        "Borrowed": jaxmle.borrow(TWO, Counts([40, 8], [9, 2], [3, 9], [90, 71], [0, 0], [0, 0])),
        "Solution": solution,
        "ClosedForm": jaxmle.closed_form(TWO),
        "Params": Params(np.array([0.1, 0.2]), np.array([0.9, 0.8]), np.array([0.1, 0.2])),
        "Counts": TWO,
        "Bounds": Bounds(tpr=([0.7, 0.8], 0.95), fpr=([0.01, 0.02], [0.2, 0.3])),
        "JudgeCalibration": jaxmle.JudgeCalibration.learn(TWO, judge="<script>", date="2026-03-31"),
        "LabelDesign": jaxmle.LabelDesign(
            *("random", 0, 9, (), (("<script>",),), (), ("judge",), ("id",), (), "0"),
        ),
        "LabelQueue": jaxmle.draw_labels(
            [{"id": "<script>", "judge": 1}, {"id": "b", "judge": 0}], judge="judge", id="id", n_labels=1
        ),
        "Clusters": clusters(),
        "Pairs": Pairs.from_clusters(clusters(), clusters()),
        "Homogeneity": jaxmle.homogeneity_test(TWO, n_resamples=19),
        "SliceHomogeneity": jaxmle.homogeneity_test(TWO, n_resamples=19)[:],
        "Plan": jaxmle.plan(
            failure_rate=0.1,
            judge_tpr=0.9,
            judge_fpr=0.1,
            n_unlabeled=1000,
            target_width=0.2,
            simulate=False,
        ),
        "Sensitivity": scan,
        "Agreement": jaxmle.agreement(ONE),
        "Effect": scan.effects[0],
        "LabelOption": jaxmle.LabelOption("random", True, "profile", 3, {"flagged": 2}, 0.1, None),
    }


def test_every_public_class_is_tried(results):
    assert set(results) == {name for name in jaxmle.__all__ if isinstance(getattr(jaxmle, name), type)}


# Of one data set, or of none: there is nothing to index.
ALONE = {"Agreement", "Effect", "JudgeCalibration", "LabelDesign", "LabelOption", "LabelQueue", "Looks"}
ALONE |= {"RaterError"}
# What an element of a collection is, where it is no smaller one of the same.
ELEMENTS = {
    "Homogeneity": ("SliceHomogeneity", 2),
    "Plan": ("LabelOption", 4),
    "Sensitivity": ("ScanResult", 2),
    "SliceFit": ("SliceEstimate", 2),
}
NAMES = sorted(name for name in jaxmle.__all__ if isinstance(getattr(jaxmle, name), type))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:.*no random sample")
def test_every_result_can_do_what_results_do(results, name):
    """Indexes, iterates, prints short, becomes a dictionary and a table, is a pytree, has no sentinel."""
    import jax

    found = results[name]
    if name not in ALONE:
        kind, size = ELEMENTS.get(name, (name, 2))
        assert len(found) == size
        each = list(found)
        assert [type(one).__name__ for one in each] == [kind] * size
        for i, one in enumerate(each):
            assert one.to_dict() == found[i].to_dict()
        assert each[-1].to_dict() == found[-1].to_dict()
    elif hasattr(found, "__len__"):
        pytest.fail("a result of one data set has no length")
    for one in (found, *([] if name in ALONE else [found[0]])):
        assert "\n" not in str(one)
        assert len(str(one)) < 200, str(one)
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    pytest.importorskip("pandas")
    assert len(found.to_frame()) == (
        1 if name in ALONE else ELEMENTS.get(name, ("", 2))[1] if name != "Clusters" else 4
    )
    parts, structure = jax.tree.flatten(found)
    assert str(jax.tree.unflatten(structure, parts)) == str(found)
    # A whole number below zero, and a share above 1, would stand for "none".
    whole = [np.asarray(part) for part in parts if np.asarray(part).dtype.kind in "iu"]
    assert all((part >= 0).all() for part in whole)


@pytest.mark.parametrize("name", BATCHES)
def test_long_batches_print_short(results, name):
    """Forty data sets take a line, not a page."""
    import jax

    many = jax.tree.map(lambda x: np.repeat(np.asarray(x), 20, axis=0) if np.ndim(x) else x, results[name])
    assert len(str(many)) < 400
    assert "\n" not in str(many)


@pytest.mark.parametrize("name", BATCHES)
def test_batches_index_and_iterate(results, name):
    found = results[name]
    _, second = found
    for one, both in zip(leaves(second), leaves(found[:]), strict=True):
        np.testing.assert_array_equal(one, np.asarray(both)[1])


def test_counted_tables_show_themselves():
    import jax

    rows = [
        {"model": f"m{i % 40}", "human": i % 3 % 2 if i % 4 else None, "judge": i % 2} for i in range(400)
    ]
    table = jaxmle.tables.count(rows, judge="judge", human="human", by="model")
    assert repr(table) == str(table) == "SliceCounts(40 slices by model: 300 labelled, 100 unlabelled)"
    assert len(table) == 40
    document = table.to_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["keys"][0] == {"model": "m0"}
    assert "m0" in table._repr_html_()
    pytest.importorskip("pandas")
    frame = table.to_frame()
    assert frame["model"].tolist() == [key["model"] for key in table.keys]
    assert frame["counts_tn"].tolist() == table.counts.tn.tolist()
    assert frame["n_items"].sum() == 400
    assert [one.keys for one in table] == [[key] for key in table.keys]
    assert table[3].total.values() == table.counts[3].values()
    assert str(table[2:5]) == str(table[[2, 3, 4]])
    assert table[[5, 2]].counts.tp.tolist() == [table.counts.tp[5], table.counts.tp[2]]
    parts, structure = jax.tree.flatten(table)
    assert str(jax.tree.unflatten(structure, parts)) == str(table)
    alone = jaxmle.tables.count(rows, judge="judge", human="human")
    assert repr(alone) == "SliceCounts(300 labelled, 100 unlabelled)"
    assert len(alone.to_frame()) == 1


def test_clusters_of_some_slices_are_those_of_their_rows():
    """A prompt that lies in two slices is one cluster of both together."""
    rows = [
        {"model": "abc"[i % 3], "prompt": i % 5 + i % 3, "human": i % 7 % 2, "judge": i % 2}
        for i in range(60)
    ]
    names = {"judge": "judge", "human": "human", "by": "model", "cluster": "prompt"}
    some = jaxmle.tables.count(rows, **names)[[0, 2]]
    counted = jaxmle.tables.count([row for row in rows if row["model"] != "b"], **names)
    assert some.n_units.tolist() == counted.n_units.tolist()
    for own, other in zip(
        some.all_clusters.counts.values(), counted.all_clusters.counts.values(), strict=True
    ):
        assert sorted(own) == sorted(other)
    assert str(some.all_clusters.totals) == str(counted.all_clusters.totals)


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
    borrowed = results["Borrowed"].to_frame()
    assert borrowed["exchangeable_fpr"].tolist() == results["Borrowed"].exchangeable[1].tolist()
    assert {"exchangeable_tpr", "spread_tpr", "spread_fpr"} <= {*borrowed}
    compared = results["Difference"].to_frame()
    assert compared["failure_rates_second"].tolist() == results["Difference"].failure_rates[1].tolist()
    assert {"at_bound_low", "at_bound_high"} <= {*compared}
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
