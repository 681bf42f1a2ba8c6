"""Rows that stand under a key of a JSON document, as the interfaces of most services give them."""

import shlex
from collections.abc import Mapping

from jaxmle._tables._logs._log import Object


def lists_in(document: Object) -> list[dict[str, list[Object]]]:
    """Lists of objects by their key: those at the top of a document, and those a level below."""
    below = {
        f"{key}.{inner}": value
        for key, part in document.items()
        if isinstance(part, Mapping)
        for inner, value in part.items()
    }
    return [
        {
            key: value
            for key, value in level.items()
            if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value)
        }
        for level in (document, below)
    ]


def rows_under_a_key(levels: list[dict[str, list[Object]]], name: str) -> list[Object] | None:
    """The one list of objects, at the top or else a level below; None if there is none.

    Args:
        levels: The lists, of `lists_in`.
        name: Name of the file, for messages.

    Raises:
        ValueError: There are several.
    """
    found = next((level for level in levels if level), {})
    if len(found) > 1:
        keys = ", ".join(map(repr, found))
        jq = shlex.join(["jq", f".{next(iter(found))}", name])
        raise ValueError(
            f"{name!r} is one JSON document with rows under several keys, {keys}; save those that are meant "
            f"in a file of their own, as in `{jq} > rows.json`."
        )
    return next(iter(found.values()), None)
