"""What to say to go on: as arguments in Python, as options on the command line."""

import shlex
from collections.abc import Mapping
from typing import TypeAlias

# Arguments by name, with one word or several.
Arguments: TypeAlias = Mapping[str, str | tuple[str, ...]]

_OPTIONS = {"passes": "--pass", "human_source": "--human-file"}


class OptionError(ValueError):
    """An error that some arguments would mend: it names them as Python does.

    Args:
        *parts: The message, in pieces: texts, and arguments between them.
    """

    def __init__(self, *parts: str | Arguments) -> None:
        super().__init__(*parts)

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else _in_python(part) for part in self.args)

    @property
    def on_command_line(self) -> str:
        """The same with options of the command line."""
        return "".join(part if isinstance(part, str) else _in_options(part) for part in self.args)


def on_command_line(error: Exception) -> str:
    """What an error says to somebody at the command line."""
    return error.on_command_line if isinstance(error, OptionError) else str(error)


def _in_python(arguments: Arguments) -> str:
    found = []
    for name, value in arguments.items():
        words = [value] if isinstance(value, str) else list(value)
        found.append(f"{name}={words[0]!r}" if len(words) == 1 else f"{name}={words!r}")
    return ", ".join(found)


def _in_options(arguments: Arguments) -> str:
    found = []
    for name, value in arguments.items():
        option = _OPTIONS.get(name) or f"--{name.replace('_', '-')}"
        found += [f"{option} {shlex.quote(word)}" for word in ((value,) if isinstance(value, str) else value)]
    return " ".join(found)
