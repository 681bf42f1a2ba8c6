"""Verdicts as JUnit XML: a test case for each, which fails where nothing is certified.

Elements and attributes are those of the schema that Jenkins holds files against (xunit-plugin,
junit-10.xsd), and that other build servers read. Times are 0: the same data give the same file.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from jaxmle._data import printable
from jaxmle._documents import (
    bounds_text,
    certificate_line,
    failure_line,
    human_error_line,
    percent,
    record_name,
    verdict_line,
)
from jaxmle._types import Document

_LONGEST = 2000
_CLASS = "jaxmle.certify"


def junit_xml(document: Document, source: str) -> str:
    """Write the document of `jaxmle certify` as JUnit XML.

    Args:
        document: From `certify_document`.
        source: Where the rows are from.

    Returns:
        A suite with a test case a slice, or one for all rows where there are no slices. Texts of the data are
        escaped, and control characters in them are written as escapes of Python.
    """
    settings = document["settings"]
    records = document["slices"] or [document["total"]]
    failed = sum(not record["certified"] for record in records)
    root, suite = _suite(source, len(records), failures=failed)
    _properties(suite, document)
    for record in records:
        case = _case(suite, _name(record, settings["by"]))
        said = certificate_line(record, settings)
        if record["certified"]:
            _element(case, "system-out", text=said)
            continue
        about = f"below {percent(settings['limit'])} is not shown: {said}"
        notes = [f"{note[0].upper()}{note[1:]}." for note in (*document["cautions"], *record["warnings"])]
        text = "\n".join([failure_line(document["failure"]), bounds_text(settings), about, *notes])
        _element(case, "failure", text=text, message=about, type="NotCertified")
    return _written(root)


def trouble_xml(message: str, source: str) -> str:
    """Write that there is no verdict as JUnit XML, so that no older file is taken for one."""
    root, suite = _suite(source, 1, errors=1)
    _element(_case(suite, "certify"), "error", text=message, message=message, type="Trouble")
    return _written(root)


def _suite(
    source: str, tests: int, *, failures: int = 0, errors: int = 0
) -> tuple[ElementTree.Element, ElementTree.Element]:
    sizes = {"tests": str(tests), "failures": str(failures), "errors": str(errors)}
    root = ElementTree.Element("testsuites", {"name": "jaxmle certify", **sizes, "time": "0"})
    return root, _element(root, "testsuite", name=source, **sizes, skipped="0", time="0")


def _properties(suite: ElementTree.Element, document: Document) -> None:
    """What the verdicts are of, and all rows together, which are no test where there are slices."""
    settings = document["settings"]
    found = {
        "verdict": verdict_line(document),
        "all": certificate_line(document["total"], settings),
        **{
            name: settings[name] for name in ("limit", "confidence", "method", "adjustment", "labels", "seed")
        },
        "bounds": bounds_text(settings),
        "jaxmle": document["version"],
    }
    if line := human_error_line(document):
        found["human error"] = line
    properties = _element(suite, "properties")
    for name, value in found.items():
        _element(properties, "property", name=name, value=str(value))


def _name(record: Document, by: Sequence[str]) -> str:
    if "key" not in record:
        return record_name(record)
    return ", ".join(
        f"{column} = {'(none)' if (value := record['key'][column]) is None else value}" for column in by
    )


def _case(suite: ElementTree.Element, name: str) -> ElementTree.Element:
    return _element(suite, "testcase", name=name, classname=_CLASS, time="0")


def _element(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """A new element, its texts without what XML has no place for."""
    shown = {name: printable(value, _LONGEST) for name, value in attributes.items()}
    element = ElementTree.SubElement(parent, tag, shown)
    if text:
        element.text = "\n".join(printable(line, _LONGEST) for line in text.split("\n"))
    return element


def _written(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'
