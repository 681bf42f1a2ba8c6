"""`jaxmle bounds`: what is known of the judge's rates in a data set that nobody has labelled yet."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxmle._cli._calibration import check_date, named_judge, text_of_rubric
from jaxmle._cli._options import DATE, JUDGE_NAME, RUBRIC, check_outputs, check_plots
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._cli._with_reading import with_reading

_NOT_ASKED = (
    *("tpr", "fpr", "failure_rate", "bounds", "judge_name", "rubric", "max_age", "date"),
    *("reference", "reference_by", "same_population"),
    *("weight", "cluster", "calibration", "labels", "min_labels", "design"),
)


@partial(with_reading, without=_NOT_ASKED)
def bounds(
    reading: Reading,
    same_population: Annotated[
        bool,
        typer.Option(
            "--same-population",
            help="What comes next is a sample of the same: this judge on this task. Bounds then allow for "
            "sampling alone.",
        ),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            help="Write a calibration file (.json), for --bounds of other commands.", metavar="FILE"
        ),
    ] = None,
    judge_name: Annotated[str | None, JUDGE_NAME] = None,
    rubric: Annotated[Path | None, RUBRIC] = None,
    date: Annotated[str | None, DATE] = None,
    png: Annotated[
        Path | None, typer.Option(help="Draw the parts and the bounds into this file.", metavar="FILE")
    ] = None,
) -> int:
    """Learn bounds on TPR and FPR from labelled parts: models, kinds of questions or months, by --by.

    They are meant for the next part, so they allow for how far the parts differ. Each part is also left out
    in turn and held against what the others predict. The line of options is to be pasted behind another
    command; --save keeps them in a file that knows which judge it is of.

    Exit status 0 done, 2 trouble.
    """
    if same_population and reading.by:
        raise ValueError("--same-population takes all rows for one population: leave --by out.")
    for option, value in {"--judge-name": judge_name, "--rubric": rubric, "--date": date}.items():
        if value is not None and save is None:
            raise ValueError(f"{option} is kept by --save FILE.json: give it too.")
    if save is not None and save.suffix.lower() != ".json":
        raise ValueError(f"--save writes JSON: its name must end in .json; got {str(save)!r}.")
    check_date(date)
    about: dict[str, Any] = {**named_judge(judge_name), "rubric": text_of_rubric(rubric), "date": date}
    check_plots("--png", png)
    check_outputs({"--save": save, "--png": png}, [*reading.inputs, rubric])
    table, analysis = reading.read()
    from jaxmle._documents import bounds_document, calibration_origin, learn_calibration
    from jaxmle._terminal import bounds_table

    learnt = learn_calibration(table, analysis, same_population=same_population, **about)
    document = bounds_document(table, analysis, learnt)
    if save is not None:
        learnt.save(save)
        document["saved"] = calibration_origin(learnt, str(save))
        if judge_name is None:
            document["warnings"].append(
                "the file names no judge, so no command will refuse it for another one: --judge-name "
                "NAME@VERSION"
            )
    if png is not None:
        from jaxmle._plots import axes_for_file, bounds_height, plot_bounds
        from jaxmle._plots import save as save_plot

        save_plot(plot_bounds(learnt, ax=axes_for_file(7, bounds_height(len(learnt.names)))), png, dpi=150)
        document["png"] = str(png)
    show(document, reading.as_json, bounds_table)
    return 0
