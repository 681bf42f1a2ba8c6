"""Rows straight into estimators: what they say is what they say of rows that were counted before."""

import inspect
import pickle

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from cases import some_fast

from jaxmle import (
    Bounds,
    Counts,
    JudgeCalibration,
    Params,
    agreement,
    baselines,
    bootstrap,
    borrow,
    bounds_test,
    certify,
    closed_form,
    compare,
    design_check,
    design_effect,
    drift,
    fit,
    fit_slices,
    identified_set,
    information,
    log_likelihood,
    maximize,
    profile_interval,
    score,
    sensitivity,
    tables,
)
from jaxmle._tables import Columns, UnclearMeaningError

ROWS = {
    "judge": [1, 0, 0, 1, 0, 0] * 20,
    "human": [1, 0, None, None, 0, 1] * 20,
    "kind": ["a", "b", "b"] * 40,
}
NAMED = {"judge": "judge", "human": "human"}
LIBRARIES = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "pyarrow": pyarrow.table,
    "rows": lambda columns: pandas.DataFrame(columns).to_dict("records"),
}


@pytest.mark.parametrize("library", some_fast(LIBRARIES, ["pandas"]))
def test_rows_and_their_counts_give_the_same(library):
    frame, bounds = LIBRARIES[library](ROWS), Bounds(tpr=(0.4, 0.9))
    counts = tables.count(frame, **NAMED).total
    assert str(fit(frame, bounds, **NAMED)) == str(fit(counts, bounds))
    ask = {"limit": 0.6, "method": "profile"}
    assert str(certify(frame, bounds, **ask, **NAMED)) == str(certify(counts, bounds, **ask))
    interval = profile_interval(frame, bounds, simulate=False, **NAMED)
    assert str(interval) == str(profile_interval(counts, bounds, simulate=False))
    assert str(agreement(frame, **NAMED)) == str(agreement(counts))
    slices = fit(frame, by="kind", **NAMED)
    assert np.array_equal(slices.failure_rate, fit(tables.count(frame, by="kind", **NAMED)).failure_rate)


WITHIN = Bounds(tpr=(0.4, 0.9))
AT = Params(0.4, 0.6, 0.3)
OF_COUNTS = {
    **{name: getattr(baselines, name) for name in baselines.__all__},
    "bootstrap": lambda c: bootstrap(c, WITHIN, n_resamples=20),
    "borrow": lambda c: borrow(c, c),
    "bounds_test": lambda c: bounds_test(c, WITHIN),
    "closed_form": closed_form,
    "compare": lambda c: compare(c, c, WITHIN),
    "design_check": design_check,
    "drift": lambda c: drift(c, WITHIN),
    "fit_slices": lambda c: fit_slices(c, WITHIN, judge_rates="common"),
    "from_reference": Bounds.from_reference,
    "from_references": Bounds.from_references,
    "identified_set": lambda c: identified_set(c, WITHIN),
    "information": lambda c: information(AT, c).tolist(),
    "learn": lambda c: JudgeCalibration.learn(c, date="2026-03-31"),
    "log_likelihood": lambda c: log_likelihood(AT, c).tolist(),
    "maximize": lambda c: maximize(c, WITHIN),
    "score": lambda c: score(AT, c),
    "sensitivity": lambda c: sensitivity(c, WITHIN, over="tpr.low", grid=[0.3, 0.4]),
}


@pytest.mark.parametrize("function", OF_COUNTS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_takes_counts_takes_a_table_that_was_counted(function):
    by = {} if function == "sensitivity" else {"by": "kind"}
    verdicts = [(1, 1)] * 4 + [(1, 0), (0, 1)] + [(0, 0)] * 4 + [(1, None)] * 3 + [(0, None)] * 5
    rows = [
        {"judge": judge, "human": human, "kind": kind, "prompt": i}
        for kind in "ab"
        for i, (judge, human) in enumerate(verdicts)
    ]
    table = tables.count(rows, **NAMED, **by)
    ask = OF_COUNTS[function]
    assert str(ask(table)) == str(ask(table.counts if by else table.total))
    with_clusters = tables.count(rows, **NAMED, **by, cluster="prompt")
    with pytest.raises(ValueError, match="the table has clusters"):
        ask(with_clusters)
    with pytest.raises(TypeError, match="must be a Clusters; got SliceCounts: give its .clusters"):
        design_effect(with_clusters)


def test_a_file_goes_straight_in_too(tmp_path):
    path = tmp_path / "rows.csv"
    pandas.DataFrame(ROWS).to_csv(path)
    assert str(fit(path, **NAMED)) == str(fit(str(path), **NAMED)) == str(fit(tables.count(path, **NAMED)))


@pytest.mark.parametrize("estimator", [fit, agreement, profile_interval])
def test_a_name_that_says_good_stops_with_arguments_of_python(estimator):
    frame = pandas.DataFrame({"judge_passed": [1, 0, 0, 0], "human_passed": [1, 0, 0, np.nan]})
    ask = {"judge": "judge_passed", "human": "human_passed"}
    with pytest.raises(UnclearMeaningError, match="say failure='0' if so, or failure='1' if 1 is") as caught:
        estimator(frame, **ask)
    assert "--" not in str(caught.value)
    assert "say --failure 0 if so, or --failure 1 if" in caught.value.on_command_line
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert estimator(frame, **ask, failure=0) is not None
    assert fit(frame, **ask, failure=0).counts.tp == 2
    assert fit(frame, **ask, failure=1).counts.tp == 1


def test_what_cannot_be_meant():
    frame = pandas.DataFrame(ROWS)
    for wrong, message in (
        (lambda: fit(frame), "come with the names of its columns: judge="),
        (lambda: fit(frame, judge="judge"), "`human` must name the column"),
        (lambda: fit(frame, confidnce=0.9, **NAMED), "fit.. got an unexpected keyword argument 'confidnce'"),
        (lambda: certify(Counts(1, 2, 3, 4, 5, 6), limit=0.1, by="kind"), "counted already: leave by= out"),
        (lambda: fit(tables.count(frame, **NAMED), **NAMED), "counted already: leave judge= out"),
        (lambda: fit(frame, judge=frame["judge"], human="human"), "got Series. .* Counts.from_labels"),
        (lambda: fit(frame["judge"], **NAMED), "`source` must be a path"),
    ):
        with pytest.raises(TypeError, match=message):
            wrong()
    with pytest.raises(ValueError, match="the table has clusters"):
        fit(frame, cluster="kind", **NAMED)
    with pytest.raises(ValueError, match="no column 'jugde'.*'judge'"):
        fit(frame, judge="jugde", human="human")


def test_rows_that_are_left_out_are_said():
    frame = pandas.DataFrame(ROWS)
    frame.loc[:4, "judge"] = np.nan
    with pytest.warns(UserWarning, match="5 of 120 rows left out: no judge verdict"):
        fit(frame, **NAMED)


def test_keywords_are_those_of_count():
    keywords = {
        name
        for name, one in inspect.signature(tables.count).parameters.items()
        if one.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert set(Columns.__annotations__) == keywords
    for estimator in (fit, certify, profile_interval, agreement):
        assert not keywords & set(inspect.signature(estimator).parameters)
