"""JSON files that tell whether they are what was written: read with care, and sealed by a hash."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from jaxmle._data._text import printable
from jaxmle._engine import whole_file
from jaxmle._types import Document

# Whole numbers above these cannot be told apart.
MOST = 2**53
_SHA256 = re.compile("[0-9a-f]{64}")


class Form(NamedTuple):
    """A kind of file.

    Attributes:
        name: The ``format`` that such a file states.
        version: The newest ``schema_version`` that is read.
        writer: What writes such files.
        what: What one is called, such as "calibration file".
        instead: What to do without a newer version.
        fields: Its fields.
        largest: Bytes that are read at most.
    """

    name: str
    version: int
    writer: str
    what: str
    instead: str
    fields: frozenset[str]
    largest: int


def json_text(content: Document, form: Form, *, too_large: str) -> str:
    """What a file of the content holds, or ``ValueError`` if that is more than `read_json` reads."""
    text = json.dumps(_with_integers(content), indent=1, allow_nan=False) + "\n"
    if len(text) > form.largest:
        raise ValueError(too_large)
    return text


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all, or raise ``OSError``."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path, form: Form, check: Callable[[Document], None]) -> Document:
    """The content of a file, every number a float, as it was written and as ``check`` finds it right.

    Args:
        path: The file.
        form: What it should be.
        check: Raises ``ValueError`` with what is wrong with a field, to be read behind the name of the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is none, damaged, of a newer version, or what ``check`` raises, with the name of the
            file in front.
    """
    with path.open("rb") as file:
        data = file.read(form.largest + 1)
    try:
        content = _parsed(data, form.what, form.largest)
        _check_seal(content, form)
        check(content)
    except RecursionError:
        raise ValueError(f"{str(path)!r} is nested too deeply for a {form.what}.") from None
    except ValueError as error:
        raise ValueError(f"{str(path)!r} {error}") from None
    return cast(Document, content)


def _check_seal(content: Any, form: Form) -> None:
    """Raise ``ValueError`` unless it is a file of this form, all of it as it was written."""
    if not isinstance(content, dict) or content.get("format") != form.name:
        raise ValueError(f"is no {form.what} of {form.writer}.")
    found = content.get("schema_version")
    if isinstance(found, float) and found > form.version:
        raise ValueError(
            f"was written by a newer jaxmle (schema {found:g}, this one reads {form.version}): update "
            f"jaxmle, or {form.instead}."
        )
    if content.get("sha256") != digest({key: one for key, one in content.items() if key != "sha256"}):
        raise ValueError("was damaged or changed by hand: its content is not what its sha256 was taken of.")
    check_field("schema_version", found == form.version)
    odd = sorted(set(content) ^ form.fields)
    check_field(printable(odd[0], 40) if odd else "", not odd)


def check_field(name: str, is_right: bool) -> None:
    """Raise ``ValueError`` unless a field is as the schema says: the hash may be a stranger's."""
    if not is_right:
        raise ValueError(f"was not written by jaxmle: {name!r} is not as the schema says.")


def has(value: Any, names: set[str]) -> bool:
    """Whether a value is an object with these fields."""
    return isinstance(value, dict) and set(value) == names


def is_text(value: Any) -> bool:
    """Whether a value is a text."""
    return isinstance(value, str)


def is_sha256(value: Any) -> bool:
    """Whether a value is a SHA-256 in hexadecimal digits."""
    return is_text(value) and bool(_SHA256.fullmatch(value))


def digest(content: Any) -> str:
    """SHA-256 of a content, the same however its numbers and spaces are written."""
    text = json.dumps(_mapped(float, content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(data: bytes, what: str, largest: int) -> Any:
    """JSON with every number a float, or ``ValueError`` with what is wrong with it."""
    if len(data) > largest:
        raise ValueError(f"is larger than {largest // 1_000_000} MB, so it is no {what}.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"is not UTF-8: it is no {what}, or a damaged one.") from None
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


def _with_integers(content: Any) -> Any:
    """The content with whole numbers written as such."""
    return _mapped(lambda value: int(value) if float(value).is_integer() else value, content)


def _mapped(function: Any, value: Any) -> Any:
    """A content with a function applied to its numbers."""
    if isinstance(value, dict):
        return {key: _mapped(function, one) for key, one in value.items()}
    if isinstance(value, list):
        return [_mapped(function, one) for one in value]
    return function(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
