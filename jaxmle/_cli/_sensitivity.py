"""`jaxmle sensitivity`: what rests on each bound."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jaxmle._cli._calibration import is_calibration
from jaxmle._cli._options import check_outputs, check_plots, parse_range, rate
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._cli._with_reading import with_reading


@partial(with_reading, without=("by", "min_labels", "seed"))
def sensitivity(
    reading: Reading,
    limit: Annotated[
        float | None,
        typer.Option(
            help="The failure rate to stay under: where does the verdict flip?", metavar="L", parser=rate
        ),
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(
            help="What to move, once or twice: tpr.low, tpr.high, fpr.low, fpr.high, failure_rate.low, "
            "failure_rate.high; tpr or fpr (taken as known); or margin (all of the judge's bounds widened). "
            "Default: the two of tpr and fpr that the upper limit depends on most.",
            metavar="BOUND",
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(help="Move from LO to HI, one for each --over.", metavar="LO:HI"),
    ] = None,
    points: Annotated[int, typer.Option(help="Values of each --grid.", metavar="N", min=2, max=201)] = 21,
    png: Annotated[
        Path | None,
        typer.Option(help="Draw it: a curve, or for two bounds a map.", metavar="FILE"),
    ] = None,
) -> None:
    """Show what the estimate and the verdict owe to each bound, and where the verdict flips.

    Intervals and verdicts are those of the profile likelihood (chi-square cut-offs), at all bounds at once;
    at the bounds that you settle on, let estimate and certify speak. A wider bound can lower the upper limit,
    where the data press against it.

    Exit status 0 done, also where the limit is not certified; 2 trouble.
    """
    check_plots("--png", png)
    check_outputs({"--png": png}, reading.inputs)
    ranges = [parse_range("--grid", text) for text in grid or ()]
    if ranges and len(ranges) != len(over or ()):
        raise ValueError("--grid goes with --over: give one for each, or none.")
    for low, high in ranges:
        if not low < high:
            raise ValueError(f"--grid must be LO:HI with LO < HI; got {low:g}:{high:g}.")
    if reading.bounds is not None and not is_calibration(reading.bounds):
        raise ValueError("--bounds is a calibration file here (.json, of `jaxmle bounds --save`), no table.")
    table, analysis = reading.read()
    import numpy as np

    from jaxmle._documents import sensitivity_document
    from jaxmle._terminal import sensitivity_table

    values = [np.linspace(*pair, points) for pair in ranges]
    document, result = sensitivity_document(table, analysis, over=over, grid=values or None, limit=limit)
    if png is not None:
        from jaxmle._plots import axes_for_file, plot_sensitivity, save

        save(plot_sensitivity(result, ax=axes_for_file(7, 4.5)), png, dpi=150)
        document["png"] = str(png)
    show(document, reading.as_json, sensitivity_table)
