"""Commands that refuse an option given twice, and a number that may be read in two ways; flags as flags."""

import re
from collections import Counter
from typing import Any

from typer.core import TyperCommand, TyperGroup

# A whole number in groups of three digits: 10,000 or 10.000 or 10 000.
_GROUPED = re.compile(r"\d{1,3}([\s,._'])\d{3}(\1\d{3})*")


class Once(TyperCommand):
    """A command whose options that take one value are given once: the last would silently win.

    Whole numbers are digits alone: 1.000 is a thousand to some, and would be read as 1.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, and see that none is said twice and that counts can be read in one way."""
        if args and not ctx.resilient_parsing:
            values, _, said = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(said).items():
                if times > 1 and not (getattr(option, "multiple", True) or getattr(option, "is_flag", True)):
                    name = max(option.opts, key=len)
                    raise ValueError(f"{name} was given {times} times and takes one value.")
                if getattr(getattr(option, "type_descriptor", None), "annotation", None) is int:
                    _check_whole(max(option.opts, key=len), values[option.name])
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """Arguments and options, of which `--help` stands last."""
        params = _plain_flags(super().get_params(ctx))
        params[-1].rich_help_panel = "Output"
        return params


class Commands(TyperGroup):
    """The commands together."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Options of all commands."""
        return _plain_flags(super().get_params(ctx))


def _check_whole(option: str, value: Any) -> None:
    """Raise ``ValueError`` unless the text of an option is a whole number, with what was probably meant."""
    text = str(value).strip()
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        return
    digits = re.sub(r"\D", "", text)
    meant = f": did you mean {digits}?" if _GROUPED.fullmatch(text) else "."
    raise ValueError(f"{option} must be a whole number; got {str(value)!r}{meant}")


def _plain_flags(params: list[Any]) -> list[Any]:
    for one in params:
        if getattr(one, "is_flag", False):
            one.metavar = ""  # Typer's own flags would be shown as taking a value
    return params
