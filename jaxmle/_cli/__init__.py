"""The command line, `jaxmle`."""

import sys
from collections.abc import Sequence

from jaxmle._cli._gate import Refused, gate
from jaxmle._cli._start import start
from jaxmle._cli._trouble import run_safely

__all__ = ["Refused", "gate", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `jaxmle` and return its exit status: 0 yes, 1 no, 2 trouble, 130 stopped, 141 nobody reads."""
    return run_safely(start, list(sys.argv[1:] if arguments is None else arguments))
