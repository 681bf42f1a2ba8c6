"""The file that keeps what was learnt of a judge: its fields, its hashes, and what is refused."""

from datetime import date
from pathlib import Path

from jaxmle._data._sealed_json import (
    MOST,
    Form,
    check_field,
    digest,
    has,
    is_sha256,
    is_text,
    json_text,
    read_json,
)
from jaxmle._data._text import printable
from jaxmle._types import Document

CELLS = ("tp", "fn", "fp", "tn")
# Without and with `same_population`.
METHODS = ("predictive", "same population")
# Scales of the prior that can be; that of today is .08.
_SPREADS = (0.01, 1.0)
_FIELDS = {
    *("format", "schema_version", "jaxmle_version", "date", "judge", "rubric_sha256", "confidence", "method"),
    *("bounds", "parts", "counts_sha256", "sha256"),
}
# A part takes some 100 bytes.
FORM = Form(
    name="jaxmle judge calibration",
    version=1,
    writer="`jaxmle bounds --save`",
    what="calibration file",
    instead="learn the bounds anew",
    fields=frozenset(_FIELDS),
    largest=10_000_000,
)


def sealed(content: Document) -> Document:
    """The content of a file with its format in front and its hashes behind."""
    whole = {"format": FORM.name, "schema_version": FORM.version, **content}
    whole["counts_sha256"] = digest(_cells(content["parts"]))
    return {**whole, "sha256": digest(whole)}


def text_of(content: Document) -> str:
    """What a file of a sealed content holds, or ``ValueError`` if that is more than `read_content` reads."""
    too_large = f"{len(content['parts']):,} parts are too many for a calibration file."
    return json_text(content, FORM, too_large=too_large)


def read_content(path: Path) -> Document:
    """The content of a file, all of it as the schema says and every number a float.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no calibration file, damaged, changed by hand, or of a newer version.
    """
    return read_json(path, FORM, _check_fields)


def is_date(text: str) -> bool:
    """Whether a text is a day, such as 2026-03-31."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def checked_date(name: str, text: str) -> str:
    """Return the text if it is a day, or raise ``ValueError``."""
    if not is_date(text):
        raise ValueError(f"`{name}` must be a day such as 2026-03-31; got {printable(text, 40)!r}.")
    return text


def _check_fields(content: Document) -> None:
    """Raise ``ValueError`` unless each field is as the schema says."""
    check_field("jaxmle_version", is_text(content["jaxmle_version"]))
    check_field("date", is_text(content["date"]) and is_date(content["date"]))
    judge, rubric = content["judge"], content["rubric_sha256"]
    if judge is not None:
        check_field("judge", has(judge, {"name", "version"}) and is_text(judge["name"]))
        check_field("judge", bool(judge["name"].strip()))
        check_field("judge", judge["version"] is None or is_text(judge["version"]))
    check_field("rubric_sha256", rubric is None or is_sha256(rubric))
    check_field("confidence", isinstance(content["confidence"], float) and 0 < content["confidence"] < 1)
    check_field("method", has(content["method"], {"name", "prior_spread"}))
    name, spread = content["method"]["name"], content["method"]["prior_spread"]
    check_field("method", is_text(name) and name in METHODS)
    is_same = name == METHODS[True]
    low, high = _SPREADS
    check_field("method", spread is None if is_same else isinstance(spread, float) and low <= spread <= high)
    check_field("bounds", has(content["bounds"], {"tpr", "fpr"}))
    for pair in content["bounds"].values():
        check_field("bounds", isinstance(pair, list) and len(pair) == 2)
        check_field("bounds", all(isinstance(end, float) for end in pair) and 0 <= pair[0] <= pair[1] <= 1)
    parts = content["parts"]
    check_field("parts", isinstance(parts, list) and 0 < len(parts) <= (1 if is_same else len(parts)))
    for part in parts:
        check_field("parts", has(part, {"name", *CELLS}) and is_text(part["name"]))
        check_field("parts", all(isinstance(part[cell], float) and 0 <= part[cell] <= MOST for cell in CELLS))
    check_field("counts_sha256", content["counts_sha256"] == digest(_cells(parts)))


def _cells(parts: list[Document]) -> list[list[float]]:
    return [[part[cell] for cell in CELLS] for part in parts]
