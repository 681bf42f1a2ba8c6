"""The command reference of the site, made from the commands themselves."""

import re
from collections import defaultdict
from typing import Any

import typer

from jaxmle._cli._app import app


def reference() -> str:
    """Markdown: each command with its usage, what it does, and its options by group."""
    group: Any = typer.main.get_command(app)
    parts, panel = [], None
    for name, command in group.commands.items():
        heading = _panel(command, "Commands")
        if heading != panel:
            panel = heading
            parts.append(f"## {panel}")
        parts.append(_command(name, command))
    return "\n\n".join(parts)


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    usage = " ".join(["jaxmle", name, *(_argument(one) for one in arguments), "[OPTIONS]"])
    text = _with_code(command.help or "")
    lines = [f"### {name}", f"```text\n{usage}\n```", text]
    for one in arguments:
        lines.append(f"`{(one.metavar or one.name).strip('[]')}`: {one.help}")
    groups = defaultdict(list)
    for one in options:
        groups[_panel(one, "Options")].append(one)
    rows = ["| option | what it does | default |", "|---|---|---|"]
    for panel, some in groups.items():
        rows += [f"| **{panel}** | | |", *map(_row, some)]
    lines.append("\n".join(rows))
    return "\n\n".join(lines)


def _with_code(text: str) -> str:
    """A text whose options are set as code; what is code already stays."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"(?<!\S)--[a-z][a-z-]*", r"`\g<0>`", part) for part in parts[::2]]
    return "`".join(parts)


def _panel(one: Any, otherwise: str) -> str:
    panel = one.rich_help_panel
    return panel if isinstance(panel, str) else otherwise


def _argument(one: Any) -> str:
    name = (one.metavar or one.name).strip("[]")
    return name if one.required else f"[{name}]"


def _row(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in one.opts)
    shown = "" if one.is_flag else f" `{one.metavar or 'NUMBER'}`"
    help = _with_code(" ".join((one.help or "").split())).replace("|", "\\|")
    default = "required" if one.required else "" if one.is_flag or one.default in (None, ()) else one.default
    default = f"`{default}`" if default not in ("", "required") else default
    return f"| {names}{shown} | {help} | {default} |"
