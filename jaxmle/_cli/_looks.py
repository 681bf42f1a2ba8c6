"""A gate that is looked at more than once: the options for it, and what a design keeps of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import typer

from jaxmle._cli._options import check_choice, rate
from jaxmle._types import Document


def looks_of(look: int | None, of: int | None, spending: str, information: str | None) -> Any:
    """The `Looks` that were asked for, or None.

    Raises:
        ValueError: The options do not go together.
    """
    check_choice("--spending", spending)
    if look is None or of is None:
        if (look, of, spending, information) != (None, None, "obrien-fleming", None):
            raise ValueError(
                "--look and --of go together, and --spending and --information with them: --look 2 --of 5."
            )
        return None
    if look > of:
        raise ValueError(f"--look must be at most --of; got {look} of {of}.")
    from jaxmle._inference import Looks

    shares = None
    if information is not None:
        try:
            shares = tuple(rate(part) for part in information.split(","))
        except typer.BadParameter:
            raise ValueError(
                "--information must be shares of the planned labels, such as 0.2,0.45 or 20%,45%; got "
                f"{information!r}."
            ) from None
    return Looks(look, of, cast(Any, spending), shares)


def record_look(path: Path | None, document: Document, limit: float) -> None:
    """Keep in a design that a verdict was asked for with so many labels: looking twice has its price."""
    if path is None:
        return
    from jaxmle._data import LabelDesign
    from jaxmle._documents import look_of

    look = look_of(document["settings"], limit)
    design = LabelDesign.load(path)
    looked = design if look is None else design.with_look(**asdict(look))
    if looked is not design:
        looked.save(path)
