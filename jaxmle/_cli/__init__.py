"""The command line, `jaxmle`."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `jaxmle` and return its exit status: 0 yes, 1 no, 2 trouble."""
    from jaxmle._cli._app import run

    return run(list(sys.argv[1:] if arguments is None else arguments))
