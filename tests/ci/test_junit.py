"""JUnit XML holds every verdict, keeps to the common schema, and makes nothing of what stands in the data."""

import json
import re
from xml.etree import ElementTree

import pytest

from jaxmle._cli import main

# Of Jenkins' junit-10.xsd (xunit-plugin): attributes that must be there, those that may, and children.
SCHEMA = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
HOSTILE = ["]]></failure><x/>", "a \"b\" & 'c'", "\x1b[31mred\x00\ufffe", "::error::\u202e"]
COMMON = ["--judge", "judge", "--human", "human", "--method", "profile"]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    path = tmp_path_factory.mktemp("junit") / "verdicts.jsonl"
    rows = []
    for i, name in enumerate(HOSTILE):
        pairs = [(1, 1)] * (2 + 6 * (i % 2)) + [(0, 0)] * 30 + [(None, 1)] * 20 + [(None, 0)] * 200
        rows += [{"na\nme": name, "human": human, "judge": judge} for human, judge in pairs]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def checked(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    # XML 1.0 has no place for the others, escaped or not.
    assert not re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    assert "\x1b" not in text
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, allowed, children = SCHEMA[element.tag]
        assert needed <= set(element.attrib) <= needed | allowed, element.tag
        assert {child.tag for child in element} <= children
        assert re.fullmatch(r"[0-9]{0,3}(\.[0-9]*)?", element.get("time", "0"))
    (suite,) = root
    cases = suite.findall("testcase")
    assert len({case.get("name") for case in cases}) == len(cases)
    for counted in (root, suite):
        assert int(counted.get("tests")) == len(cases)
        assert int(counted.get("failures")) == sum(case.find("failure") is not None for case in cases)
        assert int(counted.get("errors")) == sum(case.find("error") is not None for case in cases)
    return suite, cases


def test_a_case_for_each_slice_fails_where_the_slice_does(verdicts, tmp_path, capsys):
    out = tmp_path / "junit.xml"
    asked = ["certify", str(verdicts), *COMMON, "--by", "na\nme", "--limit", "0.16"]
    assert main([*asked, "--junit", str(out), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    suite, cases = checked(out)
    assert suite.get("name") == str(verdicts)
    assert len(cases) == len(document["slices"]) == 4
    failed = [not record["certified"] for record in document["slices"]]
    assert any(failed)
    assert not all(failed)
    for case, record, fails in zip(cases, document["slices"], failed, strict=True):
        found = case.find("failure")
        assert (found is not None) == fails
        said = found.text if fails else case.find("system-out").text
        for rate in (record["failure_rate"], record["upper_limit"], 0.16):
            assert f"{100 * rate:.2f}%" in said
        assert re.search(r"p [=<] \d*\.\d{4}", said)
        if fails:
            assert "below 16.00% is not shown" in found.get("message")
    assert {case.get("name") for case in cases} >= {f"na\\nme = {HOSTILE[0]}", f"na\\nme = {HOSTILE[1]}"}
    first = out.read_bytes()
    assert main([*asked, "--junit", str(out)]) == 1
    assert out.read_bytes() == first


def test_without_slices_all_rows_are_the_one_case(verdicts, tmp_path):
    out = tmp_path / "junit.xml"
    assert main(["certify", str(verdicts), *COMMON, "--limit", "0.5", "--junit", str(out)]) == 0
    (case,) = checked(out)[1]
    assert case.get("name") == "all"
    assert case.find("failure") is None


def test_trouble_is_an_error_and_takes_the_place_of_an_older_verdict(verdicts, tmp_path, capsys):
    out = tmp_path / "junit.xml"
    out.write_text("<testsuites/>")
    wrong = ["certify", str(verdicts), "--judge", "jud\x1bge", "--human", "human", "--limit", "0.5"]
    assert main([*wrong, "--junit", str(out)]) == 2
    (case,) = checked(out)[1]
    assert "no column 'jud\\x1bge'" in case.find("error").get("message")
    # So does trouble with the options, but only where this program wrote the older one.
    asked = ["certify", str(verdicts), *COMMON, "--limit", "0.9", "--junit", str(out)]
    for odd in (["--method", "profil"], ["--lmit", "0.4"]):
        assert main(asked) == 0
        assert checked(out)[0].get("errors") == "0"
        assert main([*asked, *odd]) == 2
        assert checked(out)[0].get("errors") == "1"
    foreign = tmp_path / "other.xml"
    foreign.write_text("<testsuites/>")
    assert main([*asked[:-1], str(foreign), "--lmit", "0.4"]) == 2
    assert foreign.read_text() == "<testsuites/>"
    assert main([*wrong, "--junit", str(verdicts)]) == 2
    assert "--junit" in capsys.readouterr().err.splitlines()[-1]
    assert verdicts.read_text().startswith("{")
