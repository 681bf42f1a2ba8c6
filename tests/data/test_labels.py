"""Labels item by item: words, masked arrays, Series, frames that were counted."""

import numpy as np
import pytest

from jaxmle import Counts, certify, fit, profile_interval, tables


def cells(counts):
    return [int(value) for value in counts.values()]


def test_words():
    assert cells(Counts.from_labels(human=["fail", None, "Pass "], judge=["pass", "fail", "FAIL"])) == [
        0,
        1,
        1,
        0,
        1,
        0,
    ]
    words = np.array(["refusal", "answer", ""]), np.array(["refusal", "refusal", "answer"])
    assert cells(Counts.from_labels(human=words[0], judge=words[1], failure="refusal")) == [1, 0, 1, 0, 0, 1]
    with pytest.raises(ValueError, match=r"got 'answer' at 1: name all that are failures"):
        Counts.from_labels(human=["fail", "answer"], judge=["fail", "pass"])
    three = ["full", "partial", "none at all"]
    assert cells(Counts.from_labels(human=three, judge=three, failure=["full", "partial"])) == [
        2,
        0,
        0,
        1,
        0,
        0,
    ]
    with pytest.raises(ValueError, match="`human` must hold"):
        Counts.from_labels(human=three, judge=three, failure="full")


@pytest.mark.parametrize("failure", [0, "0", False, [0]])
def test_the_failure_may_be_0(failure):
    found = Counts.from_labels(human=[1, 0, None, -1], judge=[1, 1, 0, 1], failure=failure)
    assert cells(found) == [0, 1, 0, 1, 1, 1]
    assert cells(Counts.from_labels(human=[True, None], judge=[False, False], failure=failure)) == [
        0,
        0,
        1,
        0,
        1,
        0,
    ]


def test_masked_elements_are_no_labels():
    human = np.ma.array([1, 0, 1], mask=[False, False, True])
    assert cells(Counts.from_labels(human=human, judge=[1, 0, 1])) == [1, 0, 0, 1, 1, 0]
    assert cells(Counts.from_labels(human=np.ma.array(["fail", "x"], mask=[0, 1]), judge=["fail", "ok"])) == [
        1,
        0,
        0,
        0,
        0,
        1,
    ]
    with pytest.raises(ValueError, match="leave out items the judge did not decide.*index 2"):
        Counts.from_labels(human=[1, 0, 1], judge=human)


def test_series_are_aligned_or_refused():
    pandas = pytest.importorskip("pandas")
    human = pandas.Series([1, 0], index=["b", "a"])
    judge = pandas.Series([0, 1, 1], index=["a", "b", "c"])
    assert cells(Counts.from_labels(human=human, judge=judge)) == [1, 0, 0, 1, 1, 0]
    with pytest.raises(ValueError, match="only count rows"):
        Counts.from_labels(human=human.reset_index(drop=True), judge=judge.reset_index(drop=True))
    with pytest.raises(ValueError, match="'z'"):
        Counts.from_labels(human=pandas.Series([1], index=["z"]), judge=judge)
    with pytest.raises(ValueError, match="repeats itself"):
        Counts.from_labels(human=pandas.Series([1, 1], index=["a", "a"]), judge=judge)
    nullable = pandas.array([1, None, 0], dtype="Int64")
    assert cells(Counts.from_labels(human=nullable, judge=pandas.Series(["y", "n", "y"]))) == [
        1,
        0,
        1,
        0,
        0,
        1,
    ]


def test_a_series_whose_name_says_good_must_be_explained():
    pandas = pytest.importorskip("pandas")
    human = pandas.Series([0, 0, 1, np.nan], name="human_passed")
    judge = pandas.Series([0, 1, 1, 0], name="judge_passed")
    with pytest.raises(ValueError, match="failure='0' if so, or failure='1' if"):
        Counts.from_labels(human=human, judge=judge)
    assert cells(Counts.from_labels(human=human, judge=judge, failure=0)) == [1, 1, 0, 1, 1, 0]
    assert cells(Counts.from_labels(human=human, judge=judge, failure=1)) == [1, 0, 1, 1, 0, 1]


def test_counted_frames_go_straight_into_estimates():
    rows = {"judge": [1, 0, 0, 1, 0] * 20, "human": [1, 0, None, None, 0] * 20, "m": ["a", "b"] * 50}
    for library in ("pandas", "polars"):
        frame = pytest.importorskip(library).DataFrame(rows)
        table = tables.count(frame, judge="judge", human="human")
        for counts in (table, table.total):
            assert fit(counts).failure_rate == pytest.approx(0.4, abs=0.01)
            assert not certify(counts, limit=0.3, method="profile").certified
            assert profile_interval(counts, simulate=False).low < 0.4
        assert fit(tables.count(frame, judge="judge", human="human", by="m")).failure_rate.shape == (2,)
        with pytest.raises(TypeError, match="come with the names of its columns: judge="):
            fit(frame)
        clustered = tables.count(frame, judge="judge", human="human", cluster="m")
        with pytest.raises(ValueError, match="the table has clusters"):
            fit(clustered)
