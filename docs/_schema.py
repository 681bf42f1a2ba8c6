"""The reference of `--json`, made from the schema in the package."""

import json
from importlib.resources import files
from typing import Any

_COMMANDS = (
    "demo",
    "doctor",
    "estimate",
    "certify",
    "report",
    "bounds",
    "sensitivity",
    "compare",
    "drift",
    "plan",
)


def schema() -> dict[str, Any]:
    """The schema as it is in the package."""
    text = (files("jaxmle") / "schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def reference() -> str:
    """Markdown: a table of names for each command, and for each part that several share."""
    parts = schema()["$defs"]
    documents = [name for name in parts if any(f"`jaxmle {one} " in _about(parts[name]) for one in _COMMANDS)]
    whole = {name: _with_body(parts[name], parts) for name in sorted(documents)}
    others = [name for name in parts if name not in documents and "properties" in parts[name]]
    others = [name for name in others if not name.endswith("_body")]
    lines = ["## Documents", *(_section(name, part) for name, part in whole.items())]
    lines += ["## Parts that several share", *(_section(name, parts[name]) for name in sorted(others))]
    return "\n\n".join(lines)


def _with_body(part: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """A document with the names of its body, which a report holds too."""
    for one in _parents(part):
        body = parts[str(one["$ref"]).rpartition("/")[2]]
        both = {**part["properties"], **body["properties"]}
        part = {
            **part,
            "properties": both,
            "required": [*part.get("required", ()), *body["required"]],
            "allOf": [],
        }
    return part


def _section(name: str, part: dict[str, Any]) -> str:
    rows = [f"All of [{_link(one)}](#{_link(one)}), and:" for one in _parents(part)]
    about = _about(part) if name not in _about(part) else ""
    table = ["| name | holds | |", "|---|---|---|", *_rows(part, "")]
    return "\n\n".join([f"### {name}", *filter(None, [about, *rows]), "\n".join(table)])


def _rows(part: dict[str, Any], before: str) -> list[str]:
    """A row for each name; those of an object within stand below it, with its name in front."""
    rows = []
    required = part.get("required", ())
    for name, one in part.get("properties", {}).items():
        shown = f"`{before}{name}`{'' if name in required else ' (not always)'}"
        rows.append(f"| {shown} | {_type(one)} | {_about(one)} |".replace("  ", " "))
        inner, mark = (one["items"], f"{name}[].") if "items" in one else (one, f"{name}.")
        rows += _rows(inner, before + mark)
    return rows


def _type(one: dict[str, Any]) -> str:
    """What a name holds, in words, with a link where another section says it."""
    if "$ref" in one:
        name = _link(one)
        return (
            f"[{name}](#{name})"
            if name not in ("rate", "count", "key", "status", "range", "open_range")
            else name
        )
    if "anyOf" in one:
        return " or ".join(map(_type, one["anyOf"]))
    if "const" in one:
        return f"`{json.dumps(one['const'])}`"
    if "enum" in one:
        return ", ".join(f"`{json.dumps(value)}`" for value in one["enum"])
    kinds = [one["type"]] if isinstance(one["type"], str) else one["type"]
    said = " or ".join(kinds)
    more = one.get("items") if "array" in kinds else one.get("additionalProperties")
    if isinstance(more, dict) and "properties" not in more:
        said += f" of {_type(more)}"
    return said


def _about(one: dict[str, Any]) -> str:
    return str(one.get("description", "")).replace("|", "\\|")


def _parents(part: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = part.get("allOf", [])
    return found


def _link(one: dict[str, Any]) -> str:
    return str(one["$ref"]).rpartition("/")[2].removesuffix("_body")
