"""Commands that refuse an option given twice where one is meant."""

from collections import Counter
from typing import Any

from typer.core import TyperCommand


class Once(TyperCommand):
    """A command whose options that take one value are given once: the last would silently win."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, and see that none is said twice."""
        if args and not ctx.resilient_parsing:
            _, _, said = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(said).items():
                if times > 1 and not (getattr(option, "multiple", True) or getattr(option, "is_flag", True)):
                    name = max(option.opts, key=len)
                    raise ValueError(f"{name} was given {times} times and takes one value.")
        return super().parse_args(ctx, args)
