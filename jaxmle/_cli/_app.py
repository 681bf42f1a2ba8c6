"""The commands, in their groups, and how they are run."""

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer

from jaxmle._cli._bounds import bounds
from jaxmle._cli._certify import certify
from jaxmle._cli._compare import compare
from jaxmle._cli._demo import demo
from jaxmle._cli._doctor import doctor
from jaxmle._cli._draw import draw
from jaxmle._cli._drift import drift
from jaxmle._cli._estimate import estimate
from jaxmle._cli._label import label
from jaxmle._cli._once import Commands, Once
from jaxmle._cli._panels import flowing, in_panels
from jaxmle._cli._plan import plan
from jaxmle._cli._report import report
from jaxmle._cli._sensitivity import sensitivity
from jaxmle._cli._trouble import INTERRUPTED, TROUBLE

app = typer.Typer(
    name="jaxmle",
    cls=Commands,
    help="True failure rates from LLM-judge verdicts, by constrained maximum likelihood.",
    epilog="Begin with `jaxmle demo --write verdicts.csv` and `jaxmle doctor verdicts.csv`. "
    "1 means failure in every column of verdicts; `--failure 0` says otherwise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"jaxmle {version('jaxmle')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from, in place of one line.")
    ] = False,
) -> None:
    """True failure rates from LLM-judge verdicts, by constrained maximum likelihood."""


# Groups of `jaxmle --help`, in their order.
_COMMANDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Start": (demo, doctor),
    "Answer": (estimate, certify, report),
    "Bounds": (bounds, sensitivity),
    "Compare": (compare, drift),
    "Label": (plan, draw, label),
}
for _panel, _some in _COMMANDS.items():
    for _command in _some:
        app.command(cls=Once, rich_help_panel=_panel, help=flowing(_command))(in_panels(_command))


@cache
def _built() -> Callable[..., Any]:
    """The app, ready to be called: its options are read once, as that takes a fifth of a small command."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run the app; what Typer has to say of options becomes a ``ValueError``, as all trouble is."""
    try:
        status = _built()(arguments, prog_name="jaxmle", standalone_mode=False)
    except typer.TyperException as error:
        if message := error.format_message():
            raise ValueError(f"{_plain(message, arguments)}{_elsewhere(error)}") from error
        return TROUBLE  # help has been printed instead
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    if status == INTERRUPTED:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _plain(message: str, arguments: list[str]) -> str:
    """What Typer says of a number that it cannot read, in words of ours."""
    said = re.match(
        r"Invalid value for '(?:-\w' / ')?(--[\w-]+)': Input should be a valid (integer|number)", message
    )
    if said is None:
        return message
    option, kind = said.groups()
    given = next((one.partition("=")[2] for one in arguments if one.startswith(f"{option}=")), None)
    if given is None and option in arguments[:-1]:
        given = arguments[arguments.index(option) + 1]
    what = "a whole number" if kind == "integer" else "a number"
    return f"{option} must be {what}{'' if given is None else f'; got {given!r}'}."


def _elsewhere(error: Exception) -> str:
    """Which commands have an option that this one lacks."""
    option, commands = getattr(error, "option_name", None), getattr(_built(), "commands", {})
    names = [
        f"`jaxmle {name}`"
        for name, command in commands.items()
        if option is not None and any(option in one.opts for one in command.params)
    ]
    return f"; it is an option of {' and '.join(names)}." if 0 < len(names) <= 2 else ""
