"""Blocks of slices say what the command line says of the whole file, bit for bit."""

import re

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from slice_verdicts import BOX, alone, by_key, certified_alone, table

from jaxmle import Bounds, Counts, spark, tables
from jaxmle._distributed._map_slices import answers_of
from jaxmle._distributed._questions import question_of
from jaxmle._documents import Among
from jaxmle.distributed import map_slices

NAMES = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
BOUNDS = Bounds(tpr=(0.6, 0.9), fpr=(0.02, 0.2))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pyarrow.parquet.write_table(table(), path)
    return path


@pytest.fixture(scope="module")
def counts(path):
    found = tables.count(path, judge="judge", human="human", by="topic")
    columns = dict(zip(NAMES, found.counts.values(), strict=True))
    unjudged = dict(zip(("unjudged_failures", "unjudged_passes"), found.unjudged.T, strict=True))
    return {"topic": np.array([key["topic"] for key in found.keys], object), **columns, **unjudged}


def block(counts, some):
    return {name: column[some] for name, column in counts.items()}


def among(counts, bounds):
    """What `spark.estimate` finds out in a round of its own."""
    question = question_of("estimate", ["topic"], bounds)
    part = question.part(Counts(*(counts[name] for name in NAMES)), Among(len(counts["tp"])))
    return Among.of(part.bounds_check[0], len(counts["tp"]))


@pytest.mark.parametrize(
    ("bounds", "asked", "more"),
    [
        (Bounds(), {"interval": "chi-square"}, ["--interval", "chi-square"]),
        (BOUNDS, {"interval": "chi-square"}, ["--interval", "chi-square", *BOX]),
        pytest.param(BOUNDS, {"seed": 3}, ["--seed", "3", *BOX], marks=pytest.mark.slow),
        pytest.param(Bounds(), {"target": "items"}, ["--target", "items"], marks=pytest.mark.slow),
        (
            BOUNDS,
            {"interval": "bootstrap", "n_resamples": 300, "confidence": 0.9},
            ["--interval", "bootstrap", "--n-resamples", "300", "--confidence", "0.9", *BOX],
        ),
    ],
)
def test_blocks_of_any_size_hold_what_the_command_line_writes(path, counts, tmp_path, bounds, asked, more):
    expected = by_key(alone(path, tmp_path / "alone.parquet", *more))
    question = question_of("estimate", ["topic"], bounds, **asked)
    others, size = among(counts, bounds), len(counts["tp"])
    for width in (size, 7):
        starts = range(0, size, width)
        parts = [block(counts, slice(start, start + width)) for start in starts]
        found = [{"topic": part["topic"], **answers_of(question, part, others)} for part in parts]
        columns = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        assert list(columns) == list(next(iter(expected.values())))
        made = pandas.DataFrame(columns).astype(object)
        assert by_key(made.where(made.notna(), None).to_dict("list")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("method", ["profile", "exact"])
def test_certificates_are_those_of_the_command_line(path, counts, capsys, method):
    records = certified_alone(path, capsys, "--limit", "0.3", "--method", method, *BOX)
    question = question_of("certify", ["topic"], BOUNDS, limit=0.3, method=method)
    others = among(counts, BOUNDS)
    parts = [answers_of(question, block(counts, slice(i, i + 9)), others) for i in (0, 9, 18)]
    for name in ("certified", "p_value", "upper_limit", "warnings"):
        column = dict(zip(counts["topic"], np.concatenate([part[name] for part in parts]), strict=True))
        for record in records:
            said = "; ".join(record[name]) if name == "warnings" else record[name]
            assert column[record["key"]["topic"]] == said, name


def test_each_kind_of_table_comes_back_as_it_is(counts):
    options = {"by": "topic", "bounds": BOUNDS, "interval": "chi-square"}
    arrays = map_slices(counts, **options)
    frame = pandas.DataFrame(counts)
    frame.index += 5
    found = map_slices(frame, **options)
    assert list(found.index) == list(frame.index)
    assert list(found["low"]) == list(arrays["low"])
    columns = pyarrow.table({name: pyarrow.array(column) for name, column in counts.items()})
    for given in (columns, columns.to_batches()[0]):
        found = map_slices(given, **options)
        assert type(found) is type(given)
        assert found.column("low").to_pylist() == arrays["low"].tolist()
        assert found.column("tpr").null_count == np.isnan(arrays["tpr"]).sum() > 0
        assert found.column("topic").to_pylist() == list(counts["topic"])
        assert map_slices(given.slice(0, 0), **options).schema.names == found.schema.names


def test_the_bootstrap_says_nothing_of_what_is_not_identified(counts):
    found = map_slices(counts, "bootstrap", n_resamples=200, by="topic")
    known = found["identified"]
    assert 0 < known.sum() < len(known)
    for name in ("failure_rate", "low", "high", "standard_error", "share_at_bound"):
        np.testing.assert_array_equal(np.isnan(found[name]), ~known)
    assert (found["low"] <= found["high"])[known].all()


def test_among_more_slices_fewer_look_odd():
    one = dict(zip(NAMES, np.array([[0], [0], [15], [15], [0], [0]]), strict=True))
    alone, among_many = (
        map_slices(one, bounds=BOUNDS, interval="chi-square", n_slices=n)["warnings"][0] for n in (1, 10**12)
    )
    assert "the data contradict the bounds" in alone
    assert "contradict" not in among_many


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"question": "estimates"}, "`question` must be one of 'estimate', 'certify', 'bootstrap'"),
        ({"by": "theme"}, "`block` has no column 'theme'. Its columns: topic, tp"),
        ({"by": "tp"}, "`by`: results have a column 'tp' too; rename yours"),
        ({"question": "certify"}, '`limit` goes with "certify"; got None'),
        ({"limit": 0.1}, "`limit` goes with \"certify\"; got 0.1 with 'estimate'"),
        ({"question": "certify", "limit": 2}, "`limit` must lie in"),
        ({"interval": "wald"}, "`interval` must be one of"),
        ({"target": "items", "interval": "chi-square"}, '`target` must be "population" unless'),
        ({"bounds": Bounds(tpr=([0.1] * 24, [0.9] * 24))}, "`bounds` must be the same for all slices"),
        ({"bounds": Bounds(tpr=(0, 0), fpr=(0, 0))}, "no feasible point where topic = "),
        ({"n_slices": 0}, "`n_slices` must be a whole number from 1 to"),
        ({"confidence": 1.5}, "`confidence` must"),
    ],
)
def test_what_cannot_be_done_is_said(counts, asked, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        map_slices(counts, **{"by": "topic", **asked})


def test_counts_must_be_whole_and_blocks_tables(counts):
    broken = {**counts, "fn": counts["fn"] + 0.5}
    with pytest.raises(ValueError, match=r"column 'fn' must hold whole numbers >= 0; got .* in row 0"):
        map_slices(broken, by="topic")
    with pytest.raises(TypeError, match="`block` must be a pandas data frame"):
        map_slices([1, 2])


@pytest.mark.parametrize("name", ["weight", "cluster"])
def test_what_six_counts_do_not_tell_is_refused_before_spark_is_asked(name):
    with pytest.raises(ValueError, match=f"`{name}` does not go with `spark`.*tables.count"):
        spark.estimate(None, judge="judge", human="human", by="topic", **{name: "prompt"})
