"""Commands that read verdicts take the options of `Reading`."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from jaxmle._cli._reading import Reading


def with_reading(command: Callable[..., Any], without: tuple[str, ...] = ()) -> Callable[..., Any]:
    """Give a command the options of `Reading`, except some, and hand it one as its first argument."""
    types = get_type_hints(Reading, include_extras=True)
    shared = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if one.default is MISSING else one.default,
            annotation=types[one.name],
        )
        for one in fields(Reading)
        if one.name not in without
    ]
    own_types = get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=own_types[name])
        for name, parameter in list(inspect.signature(command).parameters.items())[1:]
    ]

    def run(**options: Any) -> Any:
        reading = Reading(**{one.name: options.pop(one.name) for one in shared})
        return command(reading, **options)

    # Typer reads options off the signature and their types off the annotations.
    parameters = [*shared[:4], *own, *shared[4:]]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run
