"""`jaxmle plan`: how many human labels to buy, and of which items."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

from jaxmle._cli._calibration import calibration as calibration_of
from jaxmle._cli._options import (
    check_choice,
    check_outputs,
    check_plots,
    check_rates,
    keep_compiled,
    option,
    parse_range,
    rate,
)
from jaxmle._cli._plan_given import plan_given
from jaxmle._cli._reading import Reading
from jaxmle._cli._show import say_first, show
from jaxmle._cli._with_reading import with_reading


def _rate(text: str, metavar: str = "RATE") -> Any:
    return option(text, metavar, parser=rate)


# What plan says in its own way, or does not ask.
_OWN = (
    *("file", "failure_rate", "bounds", "calibration", "labels"),
    *("reference", "reference_by", "same_population", "weight", "cluster", "min_labels"),
)


@partial(with_reading, without=_OWN)
def plan(
    reading: Reading,
    failure_rate: Annotated[
        float | None, _rate("Failure rate that you expect, such as 0.04.", "RATE")
    ] = None,
    judge_tpr: Annotated[float | None, _rate("P(judge flags it | failure) that you expect.")] = None,
    judge_fpr: Annotated[float | None, _rate("P(judge flags it | pass) that you expect.")] = None,
    n_unlabeled: Annotated[
        int | None,
        option("Items with the judge's verdict alone; with --cost-judge the most that could be judged.", "N"),
    ] = None,
    given: Annotated[
        str | None,
        option(
            "In place of what you expect, the file of verdicts and labels at hand, read as by `estimate`: "
            "how many more, of which verdict, in which slices.",
            "FILE",
        ),
    ] = None,
    target_width: Annotated[
        float | None,
        _rate("Mean width of the interval to reach, such as 0.05; or --limit.", "WIDTH"),
    ] = None,
    limit: Annotated[
        float | None, _rate("Failure rate to certify to be below; or --target-width.", "RATE")
    ] = None,
    power: Annotated[float, _rate("With --limit: probability of a certificate to reach.", "P")] = 0.8,
    bounds: Annotated[
        Path | None,
        option("Take --tpr and --fpr from a calibration file (.json) of `jaxmle bounds --save`.", "FILE"),
    ] = None,
    calibration: Annotated[
        str, option("internal: labels of the judged items. external: of items from elsewhere.", "DESIGN")
    ] = "internal",
    labels: Annotated[
        str, option("random, or by-verdict: so many flagged and so many passed items.", "HOW")
    ] = "random",
    interval: Annotated[
        str, option("With --target-width: profile, or chi-square (asymptotic, planned sooner).", "METHOD")
    ] = "profile",
    method: Annotated[
        str, option("With --limit: exact (what certify uses), or profile (planned sooner).", "METHOD")
    ] = "exact",
    cost_human: Annotated[float | None, option("Price of a human label.", "PRICE")] = None,
    cost_judge: Annotated[
        float | None,
        option("Price of a judge's verdict: then how many items to judge is planned too.", "PRICE"),
    ] = None,
    png: Annotated[Path | None, option("Draw width or power against labels into this file.", "FILE")] = None,
) -> int:
    """Plan how many human labels to buy, and of which items.

    Say what you expect of the model and the judge, or what there is already (--given), and what you want: an
    interval of some --target-width, or a certificate below a --limit. Exit status 0 there is a plan, 1 no
    number of labels is enough, 2 trouble.
    """
    check_choice("--calibration", calibration)
    check_choice("--interval", interval)
    check_choice("--method", method)
    check_choice("--labels", labels)
    if (target_width is None) == (limit is None):
        raise ValueError("give one of --target-width and --limit, not both or none.")
    if cost_judge is not None and cost_human is None:
        raise ValueError("--cost-judge goes with --cost-human.")
    rates = {
        "--failure-rate": failure_rate,
        "--judge-tpr": judge_tpr,
        "--judge-fpr": judge_fpr,
        "--n-unlabeled": n_unlabeled,
    }
    if given is not None or reading.counts is not None:
        name = "--given" if given is not None else "--counts"
        expected = rates | {"--cost-human": cost_human, "--cost-judge": cost_judge, "--png": png}
        if extra := next((option for option, value in expected.items() if value is not None), None):
            raise ValueError(f"{name} stands in place of what is expected: leave {extra} out.")
        if calibration == "external":
            raise ValueError(f"{name} is of labels of the judged items: --calibration internal.")
        return plan_given(
            replace(reading, file=given, bounds=bounds, labels=labels),
            target_width=target_width,
            limit=limit,
            power=power,
            method=method,
            simulate=interval == "profile",
        )
    if missing := next((name for name, value in rates.items() if value is None), None):
        raise ValueError(f"Missing option '{missing}'; or --given, the file of the labels at hand.")
    if said := reading.said_of_rows():
        raise ValueError(f"{said[0]} goes with --given.")
    assert failure_rate is not None
    assert judge_tpr is not None
    assert judge_fpr is not None
    tpr, fpr, confidence, seed = reading.tpr, reading.fpr, reading.confidence, reading.seed
    tpr_range, fpr_range = parse_range("--tpr", tpr), parse_range("--fpr", fpr)
    if judge_tpr < judge_fpr:
        raise ValueError(
            f"--judge-tpr {judge_tpr:g} lies below --judge-fpr {judge_fpr:g}: did you mean --judge-tpr "
            f"{judge_fpr:g} --judge-fpr {judge_tpr:g}?"
        )
    check_rates(tpr_range, fpr_range)
    saved = calibration_of(
        bounds,
        judge_name=reading.judge_name,
        rubric=reading.rubric,
        max_age=reading.max_age,
        date=reading.date,
    )
    if bounds is not None and not saved:
        raise ValueError("--bounds is a calibration file here (.json, of `jaxmle bounds --save`), no table.")
    if saved and (tpr, fpr) != ("0:1", "0:1"):
        raise ValueError("--bounds takes the place of --tpr and --fpr: give one or the other.")
    keep_compiled(not reading.no_cache)
    from jaxmle._data import Bounds
    from jaxmle._documents import plan_document
    from jaxmle._planning import first_estimate
    from jaxmle._planning import plan as plan_labels
    from jaxmle._terminal import plan_table

    check_plots("--png", png)
    check_outputs({"--png": png}, [bounds, reading.rubric])
    used = saved[0].bounds if saved else Bounds(tpr=tpr_range, fpr=fpr_range)
    options: dict[str, Any] = {
        "failure_rate": failure_rate,
        "judge_tpr": judge_tpr,
        "judge_fpr": judge_fpr,
        "n_unlabeled": n_unlabeled,
        "calibration": calibration,
        "labels": labels,
        "cost_human": cost_human,
        "cost_judge": cost_judge,
        "seed": seed,
    }
    goal: dict[str, Any] = {"target_width": target_width, "limit": limit, "power": power}
    at_once = first_estimate(**options, **goal, bounds=used, confidence=confidence)
    say_first(_first_answer(at_once), reading.as_json)
    result = plan_labels(
        **options,
        **goal,
        method=cast(Any, method),
        bounds=used,
        confidence=confidence,
        simulate=interval == "profile",
        progress=True,
    )
    if png is not None:
        from jaxmle._plots import axes_for_file, plot_plan, save

        save(plot_plan(result, ax=axes_for_file(7, 4)), png, dpi=150)
    origin, notes = saved[1:] if saved else (None, [])
    show(plan_document(result, used, options, origin, notes), reading.as_json, plan_table)
    return 0 if result.reached else 1


def _first_answer(n_labels: int | None) -> str:
    number = "no number of labels is enough" if n_labels is None else f"about {n_labels:,} labels"
    return f"By large-sample formula, without bounds: {number}. Simulating ..."
