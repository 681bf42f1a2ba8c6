"""Commands that refuse an option given twice where one is meant, and show flags as flags."""

from collections import Counter
from typing import Any

from typer.core import TyperCommand, TyperGroup

# What to do where somebody wants several all the same.
_WAYS = {
    "--human-file": ": join the labels of several raters into one file, a row an item and a column a rater, "
    "and name the columns with --human, each, and --human-combine"
}


class Once(TyperCommand):
    """A command whose options that take one value are given once: the last would silently win."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, and see that none is said twice."""
        if args and not ctx.resilient_parsing:
            _, _, said = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(said).items():
                if times > 1 and not (getattr(option, "multiple", True) or getattr(option, "is_flag", True)):
                    name = max(option.opts, key=len)
                    raise ValueError(
                        f"{name} was given {times} times and takes one value{_WAYS.get(name, '')}."
                    )
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


def _plain_flags(params: list[Any]) -> list[Any]:
    for one in params:
        if getattr(one, "is_flag", False):
            one.metavar = ""  # Typer's own flags would be shown as taking a value
    return params
