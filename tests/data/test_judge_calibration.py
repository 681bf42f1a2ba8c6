"""The calibration file: it comes back as it was, and whatever is wrong with one is said in one line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaxmle
from jaxmle import Bounds, Counts, JudgeCalibration
from jaxmle._data._bounds import bounds_of_parts
from jaxmle._data._calibration_file import FORM, sealed

SCHEMA = Path(jaxmle.__file__).parents[1] / "docs/reference/judge-calibration-1.schema.json"
ESCAPE = "gpt\x1b[2J\x1b[31m\n‮"


def counts(*, weights=1.0):
    cells = np.array([[45.0, 80, 30], [5, 20, 10], [5, 3, 8], [95, 97, 92]]) * weights
    return Counts(*cells, [1, 2, 3], [4, 5, 6])


def learnt(**options):
    given = {"names": ["a", "b", "c"], "judge": "gpt-4o", "date": "2026-03-31"} | options
    return JudgeCalibration.learn(counts(), **given)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "judge.json"


def content_of(calibration, path):
    calibration.save(path)
    return json.loads(path.read_text())


def forged(content):
    """The content with hashes that fit it."""
    own = ("format", "schema_version", "counts_sha256", "sha256")
    return sealed({name: value for name, value in content.items() if name not in own})


def refused(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match="judge.json'") as error:
        JudgeCalibration.load(path)
    said = str(error.value)
    assert said.replace(str(path), "").isprintable()
    assert len(said) < len(str(path)) + 200
    return said


@pytest.mark.parametrize(
    "calibration",
    [
        learnt(),
        learnt(judge=None),
        learnt(judge=ESCAPE, judge_version="0613", rubric="1 means\nfailure", names=["", ESCAPE, "\ud800"]),
        JudgeCalibration.learn(counts()[:1], same_population=True, confidence=0.9, date="2026-03-31"),
        JudgeCalibration.learn(counts(weights=0.3), date="2026-03-31"),
    ],
)
def test_it_comes_back_as_it_was(calibration, path):
    calibration.save(path)
    found = JudgeCalibration.load(path)
    assert found.to_dict() == calibration.to_dict()
    assert found.sha256 == calibration.sha256 == json.loads(path.read_text())["sha256"]
    found.save(path.with_name("again.json"))
    assert path.read_bytes() == path.with_name("again.json").read_bytes()
    # A terminal that shows the file or the result does nothing on its account.
    assert path.read_bytes().isascii()
    assert path.read_text().replace("\n", "").isprintable()
    assert str(found).isprintable()


def test_bounds_are_those_of_the_references_and_of_nothing_else():
    found = learnt()
    assert found.bounds.to_dict() == Bounds.from_references(counts()).to_dict()
    assert np.all(found.counts.n_unlabeled == 0)
    one = JudgeCalibration.learn(counts()[:1], same_population=True)
    assert one.bounds.to_dict() == Bounds.from_reference(counts()[0], same_population=True).to_dict()
    assert learnt(date="2026-04-01").sha256 != found.sha256 == learnt().sha256


def test_the_schema_says_what_is_written(path):
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for one in (learnt(), learnt(judge=None), learnt(judge_version="1", rubric=b"\xff"), one_of_the_same()):
        check.validate(content_of(one, path))


def one_of_the_same():
    return JudgeCalibration.learn(counts()[:1], same_population=True)


WRONG = [
    ("jaxmle_version", 1),
    ("date", "2026-13-01"),
    ("date", "20260331"),
    ("date", None),
    ("judge", "gpt"),
    ("judge", {"name": "gpt"}),
    ("judge", {"name": None, "version": None}),
    ("judge", {"name": "gpt", "version": 3}),
    ("rubric_sha256", "abc"),
    ("rubric_sha256", "\x1b" * 64),
    ("confidence", 1),
    ("confidence", True),
    ("method", "predictive"),
    ("method", {"name": "pooled", "prior_spread": 0.1}),
    ("method", {"name": "predictive", "prior_spread": "wide"}),
    ("method", {"name": "predictive", "prior_spread": None}),
    ("method", {"name": "predictive", "prior_spread": 1e-9}),
    ("method", {"name": "same population", "prior_spread": 0.08}),
    ("judge", {"name": " ", "version": None}),
    ("bounds", {"tpr": [0.1, 0.9]}),
    ("bounds", {"tpr": [0.1, 1.9], "fpr": [0, 1]}),
    ("bounds", {"tpr": [0.1, "0.9"], "fpr": [0, 1]}),
    ("bounds", {"tpr": [0.1], "fpr": [0, 1]}),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_fields_that_are_not_as_the_schema_says_are_refused_whatever_the_hash(path, field, value):
    content = forged(content_of(learnt(), path) | {field: value})
    assert repr(field) in refused(path, json.dumps(content))
    if value != "2026-13-01":  # which a pattern takes for a day
        jsonschema = pytest.importorskip("jsonschema")
        assert not jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).is_valid(content)


@pytest.mark.parametrize("value", [-1, 1e300, "45", None, True, [1]])
def test_counts_that_are_none_are_refused_whatever_the_hash(path, value):
    content = content_of(learnt(), path)
    content["parts"][1]["tp"] = value
    assert "'parts'" in refused(path, json.dumps(forged(content)))


@pytest.mark.parametrize(
    "change",
    [
        {"bounds": {"tpr": [0.7, 0.9], "fpr": [0.01, 0.05]}},
        {"confidence": 0.5},
        {"method": {"name": "predictive", "prior_spread": 0.02}},
    ],
)
def test_bounds_that_are_not_those_of_the_counts_are_refused_whatever_the_hash(path, change):
    content = content_of(learnt(), path)
    assert "its bounds are not those of the counts" in refused(path, json.dumps(forged(content | change)))
    content["parts"][0]["fn"] += 1
    assert "its bounds are not those of the counts" in refused(path, json.dumps(forged(content)))


def test_each_end_of_the_bounds_is_held_against_the_counts(path):
    for calibration in (learnt(), one_of_the_same()):
        for name in ("tpr", "fpr"):
            for end in (0, 1):
                content = content_of(calibration, path)
                content["bounds"][name][end] += 2e-6 if end else -2e-6
                assert "its bounds are not" in refused(path, json.dumps(forged(content)))


def test_parts_of_one_population_are_one(path):
    content = content_of(learnt(), path)
    same = {"method": {"name": "same population", "prior_spread": None}}
    assert "'parts'" in refused(path, json.dumps(forged(content | same)))


def test_the_spread_of_the_prior_is_kept(path):
    calibration = learnt()
    wider = replace(
        calibration,
        prior_spread=0.2,
        bounds=bounds_of_parts(calibration.counts, confidence=0.95, prior_spread=0.2),
    )
    wider.save(path)
    found = JudgeCalibration.load(path)
    assert (found.prior_spread, found.same_population) == (0.2, False)
    assert found.bounds.tpr[0] < calibration.bounds.tpr[0]
    assert found.sha256 == wider.sha256 != calibration.sha256
    assert one_of_the_same().prior_spread is None


def test_what_load_refuses_is_not_saved(path):
    with pytest.raises(ValueError, match="make a calibration with `learn`"):
        replace(learnt(), bounds=Bounds(tpr=(0.8, 0.9))).save(path)
    assert not path.exists()


def test_fields_too_few_and_too_many_are_refused_whatever_the_hash(path):
    content = content_of(learnt(), path)
    assert "'note'" in refused(path, json.dumps(forged(content | {"note": "\x1b[31m"})))
    assert r"'\x1b[31m'" in refused(path, json.dumps(forged(content | {"\x1b[31m": 1}))).replace("\\\\", "\\")
    assert "'date'" in refused(
        path, json.dumps(forged({name: one for name, one in content.items() if name != "date"}))
    )
    assert "'bounds'" in refused(
        path, json.dumps(forged(content | {"bounds": {"tpr": [0.9, 0.1], "fpr": [0, 1]}}))
    )


def test_hand_edited_and_damaged_files_are_refused(path):
    calibration = learnt()
    calibration.save(path)
    text = path.read_text()
    low = str(float(calibration.bounds.tpr[0]))
    for edited in (
        text.replace(low, "0.7"),
        text.replace('"tp": 45', '"tp": 46'),
        text.replace("gpt-4o", "gpt-5"),
        text.replace("2026-03-31", "2026-11-31"),
        text.replace('"confidence": 0.95', '"confidence": 0.99'),
    ):
        assert edited != text
        assert "changed by hand" in refused(path, edited)
    content = json.loads(text)
    del content["sha256"]
    assert "changed by hand" in refused(path, json.dumps(content))
    # Parts that were swapped for others under a hash made anew, but for that of the counts.
    content = json.loads(text)
    content["parts"][0]["tp"] = 46
    odd = {name: value for name, value in content.items() if name != "sha256"}
    from jaxmle._data._sealed_json import digest

    assert "'counts_sha256'" in refused(path, json.dumps(odd | {"sha256": digest(odd)}))
    for share in (0.1, 0.5, 0.9, 0.99):
        assert "is not JSON" in refused(path, text[: int(share * len(text))])
    assert "is not JSON" in refused(path, "")
    assert "is not JSON" in refused(path, "\ufeff" + text)
    # Other spaces and other ways to write the same numbers change nothing.
    path.write_text(json.dumps(json.loads(text, parse_int=float)))
    assert JudgeCalibration.load(path).sha256 == calibration.sha256


def test_foreign_and_newer_files_are_refused(path):
    for foreign in ("{}", "[]", "3", "null", '"x"', '{"format": 1}', '{"tpr": [0.8, 0.9]}'):
        assert "is no calibration file of `jaxmle bounds --save`" in refused(path, foreign)
    content = content_of(learnt(), path)
    assert "newer jaxmle (schema 2, this one reads 1)" in refused(
        path, json.dumps(content | {"schema_version": 2})
    )
    versions: list[Any] = [0, -1, "1", None, True, [], 0.5]
    for version in versions:
        refused(path, json.dumps(forged(content) | {"schema_version": version}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": NaN}', "NaN, which is no finite number"),
        ('{"a": -Infinity}', "-Infinity, which is no finite number"),
        ('{"a": 1e400}', "1e400, which is no finite number"),
        ('{"a": ' + "9" * 5000 + "}", "99..., which is no finite number"),
        ('{"a": 1, "b": 2, "a": 3}', "says 'a' twice"),
        ('{"\\u001b[31m": 1, "\\u001b[31m": 2}', "twice"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        (b'{"format": "\xff"}', "is not UTF-8"),
        ('{"format": "x"}'.encode("utf-16"), "is not UTF-8"),
        (b"\x00" * 50, "is not JSON"),
        (b" " * 10_000_001, "is larger than 10 MB"),
        ('{"format": "jaxmle judge calibration", "schema_version": 1e308}', "newer jaxmle"),
    ],
)
def test_hostile_files_are_refused(path, text, said):
    assert said in refused(path, text)


def test_many_duplicate_keys_take_no_time(path):
    keys = ", ".join(f'"k{i}": 1' for i in range(200_000))
    assert "says 'k7' twice" in refused(path, f'{{{keys}, "k7": 2}}')


@pytest.mark.slow
def test_too_many_parts_to_be_read_again_are_not_written(path):
    size = 120_000
    one = JudgeCalibration(
        Bounds(tpr=(0, 1)),
        Counts(*[np.ones(size)] * 4, *[np.zeros(size)] * 2),
        ("x" * 20,) * size,
        0.95,
        0.08,
        "2026-03-31",
    )
    with pytest.raises(ValueError, match="120,000 parts are too many"):
        one.save(path)
    assert not path.exists()


def test_another_judge_version_or_rubric_is_refused():
    own = learnt(judge_version="0613", rubric="grade it")
    own.check()
    own.check(judge="gpt-4o", judge_version="0613", rubric=b"grade it")
    for asked, said in (
        ({"judge": "gpt-5"}, "of judge 'gpt-4o', not 'gpt-5'"),
        ({"judge": "gpt-4o", "judge_version": "0314"}, "of version '0613', not '0314'"),
        ({"rubric": "grade it "}, "another rubric"),
    ):
        with pytest.raises(ValueError, match=said):
            own.check(**asked)
    for asked in ({"judge": "gpt-4o"}, {"judge_version": "0613"}, {"rubric": "grade it"}):
        with pytest.raises(ValueError, match="does not say of which"):
            learnt(judge=None).check(**asked)
    with pytest.raises(ValueError, match="'gpt") as error:
        learnt(judge=ESCAPE).check(judge="gpt\x1b")
    assert str(error.value).isprintable()


def test_its_age_is_counted_in_days():
    assert learnt().age("2026-04-30") == 30
    assert learnt().age("2026-03-30") == -1
    assert learnt(date=None).age() in (0, 1)  # midnight may come between
    with pytest.raises(ValueError, match="`date` must be a day"):
        learnt().age("yesterday")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": ["a"]}, "`names` must name each of the 3"),
        ({"confidence": 1.0}, "`confidence`"),
        ({"date": "31.3.2026"}, "`date` must be a day"),
        ({"same_population": True}, "`same_population` is of one reference; got 3"),
        ({"judge": None, "judge_version": "1"}, "`judge_version` goes with `judge`"),
    ],
)
def test_what_is_not_learnt(options, said):
    with pytest.raises(ValueError, match=said):
        learnt(**options)
    with pytest.raises(ValueError, match="shape"):
        JudgeCalibration.learn(counts()[0])
    with pytest.raises(TypeError, match="`counts`"):
        JudgeCalibration.learn([1, 2, 3])


def test_the_format_is_said_in_the_schema():
    schema = json.loads(SCHEMA.read_text())
    assert schema["properties"]["format"] == {"const": FORM.name}
