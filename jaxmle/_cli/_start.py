"""How a command starts in this process, and what it leaves as it was."""

import gc
import warnings

# Importing and tracing make many objects that stay; searching them for garbage takes a tenth of a start.
_SELDOM = 100_000


def start(arguments: list[str]) -> int:
    """Run a command and return its exit status; trouble is raised.

    Raises:
        ValueError: What was asked for cannot be done.
    """
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
