"""The command line, `jaxmle`."""

import gc
import sys
from collections.abc import Sequence

from jaxmle._cli._trouble import run_safely

# Importing and tracing make many objects that stay; searching them for garbage takes a tenth of a start.
_SELDOM = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `jaxmle` and return its exit status: 0 yes, 1 no, 2 trouble, 130 stopped, 141 nobody reads."""
    return run_safely(_run, list(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    import warnings

    before = gc.get_threshold()
    gc.set_threshold(_SELDOM, *before[1:])
    try:
        from jaxmle._cli._app import run
        from jaxmle._cli._options import own_settings

        with own_settings(), warnings.catch_warnings():
            # Overflow is dealt with where it matters, and no result leaves that is not finite.
            if not any(one[0] == "error" for one in warnings.filters):
                warnings.simplefilter("ignore", RuntimeWarning)
            return run(arguments)
    finally:
        gc.set_threshold(*before)
