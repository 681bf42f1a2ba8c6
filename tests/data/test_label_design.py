import json
from pathlib import Path

import jsonschema
import pytest

import jaxmle
from jaxmle import LabelDesign
from jaxmle._data._label_design import Stratum
from jaxmle._data._sealed_json import digest

SCHEMA = Path(jaxmle.__file__).parents[1] / "docs/reference/label-design-1.schema.json"

LOOK = {
    **{"limit": 0.1, "confidence": 0.95, "n_labeled": 3},
    **{"rule": None, "look": None, "of": None, "where": None},
}


def design():
    return LabelDesign(
        kind="by-slice",
        seed=7,
        n_judged=12,
        strata=(Stratum({"topic": "a"}, 8, 1, 2), Stratum({"topic": None}, 4, 0, 1)),
        drawn=(("q1", "x"), ("q2", "x"), ("q9", "y")),
        before=(("q3", "x"),),
        judge=("gpt4",),
        id=("question", "model"),
        by=("topic",),
        frame="9f",
        where="model <> 'b'",
    )


def refused(path, content):
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="design.json") as error:
        LabelDesign.load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def forged(content, **more):
    """A content with other fields, and the hash that goes with them."""
    odd = {name: value for name, value in (content | more).items() if name != "sha256"}
    return odd | {"sha256": digest(odd)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "design.json"


def test_a_design_comes_back_as_it_was_written(path):
    looked = design().with_look(limit=0.05, confidence=0.95, n_labeled=3)
    plan = {"rule": "pocock", "look": 1, "of": 3, "where": "topic = 'a'"}
    looked = looked.with_look(limit=0.05, confidence=0.9, n_labeled=3, **plan)
    looked.save(path)
    found = LabelDesign.load(path)
    assert found.to_dict() | {"jaxmle_version": ""} == looked.to_dict()
    assert found.sha256 == looked.sha256 != design().sha256
    assert (found.n_drawn, found.labels, found.n_looks) == (3, "random", 2)
    assert found.looks == looked.looks
    assert found.strata[0].share == 3 / 8
    jsonschema.validate(json.loads(path.read_text()), json.loads(SCHEMA.read_text()))
    assert str(found) == ("3 of 12 judged items drawn by topic (2 of 7 a, 1 of 4 (none)), seed 7")


def test_a_look_at_the_same_labels_counts_once():
    once = design().with_look(limit=0.05, confidence=0.95, n_labeled=3)
    assert once.with_look(limit=0.05, confidence=0.95, n_labeled=3).n_looks == 1
    assert once.with_look(limit=0.05, confidence=0.95, n_labeled=4).n_looks == 2
    assert once.with_look(limit=0.05, confidence=0.95, n_labeled=3, where="topic = 'a'").n_looks == 2


def test_damaged_foreign_and_newer_files_are_refused(path):
    design().save(path)
    content = json.loads(path.read_text())
    assert "changed by hand" in refused(path, content | {"seed": 8})
    assert "is no design of `jaxmle draw`" in refused(path, {"format": "jaxmle judge calibration"})
    assert "is no design" in refused(path, [])
    assert "newer jaxmle (schema 2" in refused(path, content | {"schema_version": 2})
    path.write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        LabelDesign.load(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "convenient"),
        ("seed", -1),
        ("seed", 0.5),
        ("id", []),
        ("drawn", [["q1"]]),
        ("drawn", [["q1", "x"], ["q1", "x"], ["q9", "y"]]),
        ("before", [["q3", 4]]),
        ("n_judged", 13),
        ("strata", [{"key": {}, "items": 12, "before": 0, "drawn": 4}]),
        ("strata", [{"key": {}, "items": 12, "before": 10, "drawn": 3}]),
        ("looks", [LOOK | {"limit": 1}]),
        ("looks", [LOOK | {"where": 1}]),
        ("looks", [LOOK | {"rule": "peeking"}]),
        ("looks", [LOOK | {"look": 1}]),
        ("looks", [LOOK | {"rule": "pocock", "look": 3, "of": 2}]),
        ("looks", [{"limit": 0.1, "confidence": 0.95, "n_labeled": 3}]),
        ("source_sha256", "abc"),
        ("where", 3),
        ("more", 1),
    ],
)
def test_fields_are_checked_whatever_the_hash_says(path, field, value):
    design().save(path)
    content = json.loads(path.read_text())
    assert "was not written by jaxmle" in refused(path, forged(content, **{field: value}))
