"""`jaxmle demo`: published counts with and without bounds, or a file of them to follow along with."""

from pathlib import Path
from typing import Annotated

import typer

from jaxmle._cli._options import AS_JSON, NO_CACHE, keep_compiled
from jaxmle._cli._show import show


def demo(
    seed: Annotated[int, typer.Option(help="Which human labels are kept.", metavar="N", min=0)] = 0,
    n_labeled: Annotated[
        int, typer.Option(help="Human labels kept for each system.", metavar="N", min=5, max=250)
    ] = 50,
    write: Annotated[
        Path | None,
        typer.Option(
            help="Write rows with the published counts into this .csv file instead, to follow along with.",
            metavar="FILE",
        ),
    ] = None,
    as_json: Annotated[bool, AS_JSON] = False,
    no_cache: Annotated[bool, NO_CACHE] = False,
) -> None:
    """Hide most human labels of a published data set and compare the methods with the truth.

    With --write, make a file of it to try the other commands on: one row an answer, most human labels blank.
    Exit status 0 done, 2 trouble.
    """
    keep_compiled(not no_cache)
    from jaxmle._documents import demo_document, demo_file
    from jaxmle._terminal import demo_file_text, demo_table

    if write is not None:
        show(demo_file(write, seed=seed, n_labeled=n_labeled), as_json, demo_file_text)
        return
    document = demo_document(seed=seed, n_labeled=n_labeled)
    show(document, as_json, demo_table)
