"""The file that keeps what was learnt of a judge: its fields, its hashes, and what is refused."""

import hashlib
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np

from jaxmle._data._text import printable
from jaxmle._engine import whole_file
from jaxmle._types import Document

FORMAT, SCHEMA_VERSION = "jaxmle judge calibration", 1
CELLS = ("tp", "fn", "fp", "tn")
# Without and with `same_population`.
METHODS = ("predictive", "same population")
# Bytes; a part takes some 100.
_LARGEST = 10_000_000
_MOST = 2**53
# Scales of the prior that can be; that of today is .08.
_SPREADS = (0.01, 1.0)
_SHA256 = re.compile("[0-9a-f]{64}")
_FIELDS = {
    *("format", "schema_version", "jaxmle_version", "date", "judge", "rubric_sha256", "confidence", "method"),
    *("bounds", "parts", "counts_sha256", "sha256"),
}


def sealed(content: Document) -> Document:
    """The content of a file with its format in front and its hashes behind."""
    whole = {"format": FORMAT, "schema_version": SCHEMA_VERSION, **content}
    whole["counts_sha256"] = _digest(_cells(content["parts"]))
    return {**whole, "sha256": _digest(whole)}


def text_of(content: Document) -> str:
    """What a file of a sealed content holds, or ``ValueError`` if that is more than `read_content` reads."""
    text = json.dumps(_whole(content), indent=1, allow_nan=False) + "\n"
    if len(text) > _LARGEST:
        raise ValueError(f"{len(content['parts']):,} parts are too many for a calibration file.")
    return text


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all, or raise ``OSError``."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def read_content(path: Path) -> Document:
    """The content of a file, all of it as the schema says and every number a float.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no calibration file, damaged, changed by hand, or of a newer version.
    """
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    try:
        content = _parsed(data)
        _check_whole(content)
        _check_fields(content)
    except RecursionError:
        raise ValueError(f"{str(path)!r} is nested too deeply for a calibration file.") from None
    except ValueError as error:
        raise ValueError(f"{str(path)!r} {error}") from None
    return cast(Document, content)


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


def _parsed(data: bytes) -> Any:
    """JSON with every number a float, or ``ValueError`` with what is wrong with it."""
    if len(data) > _LARGEST:
        raise ValueError(f"is larger than {_LARGEST // 1_000_000} MB, so it is no calibration file.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8: it is no calibration file, or a damaged one.") from None
    readers: dict[str, Any] = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), _finite)
    try:
        return json.loads(text, object_pairs_hook=_once, **readers)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (line {error.lineno}): it is damaged, or another file.") from None


def _finite(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"holds {printable(text, 20)}, which is no finite number.")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"says {printable(twice, 40)!r} twice, so it was changed by hand.")
    return found


def _check_whole(content: Any) -> None:
    """Raise ``ValueError`` unless it is a file of this format and version, as it was written."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("is no calibration file of `jaxmle bounds --save`.")
    version = content.get("schema_version")
    if isinstance(version, float) and version > SCHEMA_VERSION:
        raise ValueError(
            f"was written by a newer jaxmle (schema {version:g}, this one reads {SCHEMA_VERSION}): update "
            "jaxmle, or learn the bounds anew."
        )
    if content.get("sha256") != _digest({key: one for key, one in content.items() if key != "sha256"}):
        raise ValueError("was damaged or changed by hand: its content is not what its sha256 was taken of.")
    _check("schema_version", version == SCHEMA_VERSION)


def _check_fields(content: Document) -> None:
    """Raise ``ValueError`` unless each field is as the schema says: the hash may be a stranger's."""
    odd = sorted(set(content) ^ _FIELDS)
    _check(printable(odd[0], 40) if odd else "", not odd)
    _check("jaxmle_version", _is_text(content["jaxmle_version"]))
    _check("date", _is_text(content["date"]) and is_date(content["date"]))
    judge, rubric = content["judge"], content["rubric_sha256"]
    if judge is not None:
        _check("judge", _has(judge, {"name", "version"}) and _is_text(judge["name"]))
        _check("judge", bool(judge["name"].strip()))
        _check("judge", judge["version"] is None or _is_text(judge["version"]))
    _check("rubric_sha256", rubric is None or (_is_text(rubric) and bool(_SHA256.fullmatch(rubric))))
    _check("confidence", isinstance(content["confidence"], float) and 0 < content["confidence"] < 1)
    _check("method", _has(content["method"], {"name", "prior_spread"}))
    name, spread = content["method"]["name"], content["method"]["prior_spread"]
    _check("method", _is_text(name) and name in METHODS)
    is_same = name == METHODS[True]
    low, high = _SPREADS
    _check("method", spread is None if is_same else isinstance(spread, float) and low <= spread <= high)
    _check("bounds", _has(content["bounds"], {"tpr", "fpr"}))
    for pair in content["bounds"].values():
        _check("bounds", isinstance(pair, list) and len(pair) == 2)
        _check("bounds", all(isinstance(end, float) for end in pair) and 0 <= pair[0] <= pair[1] <= 1)
    parts = content["parts"]
    _check("parts", isinstance(parts, list) and 0 < len(parts) <= (1 if is_same else len(parts)))
    for part in parts:
        _check("parts", _has(part, {"name", *CELLS}) and _is_text(part["name"]))
        _check("parts", all(isinstance(part[cell], float) and 0 <= part[cell] <= _MOST for cell in CELLS))
    _check("counts_sha256", content["counts_sha256"] == _digest(_cells(parts)))


def _check(name: str, is_right: bool) -> None:
    if not is_right:
        raise ValueError(f"was not written by jaxmle: {name!r} is not as the schema says.")


def _has(value: Any, names: set[str]) -> bool:
    return isinstance(value, dict) and set(value) == names


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _cells(parts: list[Document]) -> list[list[float]]:
    return [[part[cell] for cell in CELLS] for part in parts]


def _digest(content: Any) -> str:
    """SHA-256 of a content, the same however its numbers and spaces are written."""
    text = json.dumps(_mapped(float, content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _whole(content: Any) -> Any:
    """The content with whole numbers written as such."""
    return _mapped(lambda value: int(value) if float(value).is_integer() else value, content)


def _mapped(function: Any, value: Any) -> Any:
    """A content with a function applied to its numbers."""
    if isinstance(value, dict):
        return {key: _mapped(function, one) for key, one in value.items()}
    if isinstance(value, list):
        return [_mapped(function, one) for one in value]
    return function(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
