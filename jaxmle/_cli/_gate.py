"""`jaxmle certify` as a call: its document, or what it has to say against it."""

import io
import json
import os
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from numbers import Real

from jaxmle._cli._show import text_of
from jaxmle._cli._start import start
from jaxmle._cli._trouble import message_of
from jaxmle._types import Document

# What one option takes: a text, a number, a flag, a pair of ends, or several texts where it may be repeated.
Value = str | float | bool | os.PathLike[str] | Sequence[str] | Sequence[float] | None


class Refused(Exception):
    """There is no certificate; the message is what the terminal would show, the verdict first."""


def gate(file: str | os.PathLike[str] | None, options: dict[str, Value]) -> Document:
    """Certify by the options of `jaxmle certify`.

    Args:
        file: The file of verdicts, or None with the option ``counts``.
        options: Values by the name of the option, underscores for dashes; ``passes`` stands for --pass. A
            pair of numbers is a range.

    Returns:
        The document of `jaxmle certify --json`.

    Raises:
        Refused: It is not certified, or there is no verdict.
    """
    words = ["certify", "--json"]
    for name, value in options.items():
        words += _words("--pass" if name == "passes" else f"--{name.replace('_', '-')}", value)
    words += [] if file is None else ["--", os.fspath(file)]
    with redirect_stdout(io.StringIO()) as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say is in the document
        try:
            status = start(words)
        except Exception as error:
            raise Refused(f"no verdict: {message_of(error)}") from error
    document: Document = json.loads(printed.getvalue())
    if status == 0:
        return document
    from jaxmle._terminal import certify_table

    raise Refused(text_of(document, certify_table))


def _words(option: str, value: Value) -> list[str]:
    """The words of an option; joined by a sign, so that a value may begin with a dash."""
    if value is None or value is False:
        return []
    if value is True:
        return [option]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if value and all(isinstance(one, Real) for one in value):
            return [f"{option}={':'.join(map(str, value))}"]
        return [f"{option}={one}" for one in value]
    return [f"{option}={value}"]
