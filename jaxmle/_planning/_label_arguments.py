"""What `plan` asks of its arguments."""

from typing import get_args

import numpy as np

from jaxmle._data import Bounds, Calibration, Params, check_calibration, host_number, need_bounds, rate_meant
from jaxmle._inference import CertificateMethod, check_labels, check_whole
from jaxmle._planning._label_draws import Setting
from jaxmle._planning._label_goals import Goal, Power, Width
from jaxmle._simulation import Labels


def goal_of(
    width: float | None, limit: float | None, power: float, confidence: float, method: str, simulate: bool
) -> Goal:
    """Return what is asked for, or raise ``ValueError``."""
    if (width is None) == (limit is None):
        raise ValueError("give one of `target_width` and `limit`, not both or none.")
    if method not in get_args(CertificateMethod):
        raise ValueError(f'`method` must be "exact" or "profile"; got {method!r}.')
    if width is not None:
        if 0.5 + confidence / 2 == 0.5:  # an interval of no width at all
            raise ValueError(f"`confidence` is too near to 0 to plan for; got {confidence!r}.")
        return Width(_inside("target_width", width), confidence, simulate)
    if confidence < 0.5:
        raise ValueError(f"`confidence` must be at least 0.5 for a certificate; got {confidence!r}.")
    return Power(_inside("power", power), confidence, _inside("limit", limit), method)


def _inside(name: str, value: object, *, ends: bool = False) -> float:
    number = host_number(name, value)
    if np.ndim(number) or not (0 <= number <= 1 if ends else 0 < number < 1):
        raise ValueError(
            f"`{name}` must be one number {'in [0, 1]' if ends else 'between 0 and 1'}; got {value!r}"
            f"{rate_meant(number)}."
        )
    return float(number)


def checked_setting(
    given: Params, n_unlabeled: int, bounds: Bounds, calibration: Calibration, labels: Labels, goal: Goal
) -> Setting:
    """Return what the plan takes for true, or raise."""
    check_calibration(calibration)
    check_labels(labels, calibration)
    check_whole("n_unlabeled", n_unlabeled, 1)
    return Setting(_checked_truth(given, bounds, goal), int(n_unlabeled), bounds, calibration, labels)


def _checked_truth(given: Params, bounds: Bounds, goal: Goal) -> Params:
    """Return the expected rates if they are possible and the goal can be reached with them, or raise."""
    need_bounds(bounds)
    if bounds.shape:
        raise ValueError(f"`bounds` must be scalars for a plan; got shape {bounds.shape}.")
    names = {"failure_rate": "failure_rate", "tpr": "judge_tpr", "fpr": "judge_fpr"}
    rates = {name: getattr(given, name) for name in names}
    truth = Params(*(_inside(names[name], rate, ends=name != "failure_rate") for name, rate in rates.items()))
    for name, argument in names.items():
        value, (low, high) = getattr(truth, name), getattr(bounds, name)
        if not low <= value <= high:
            raise ValueError(
                f"`{argument}` must lie within its bounds, {low:g} to {high:g}; got {value:g}. With bounds "
                "that are wrong no number of labels keeps the promise: widen them."
            )
    if goal.limit is not None:
        if goal.limit <= truth.failure_rate:
            raise ValueError(
                f"`limit` must be above `failure_rate`, {truth.failure_rate:g}; got {goal.limit:g}. A rate "
                "that is not below the limit should not be certified."
            )
        if goal.limit > bounds.failure_rate[1]:
            raise ValueError(
                f"`limit` must lie inside the bounds on the failure rate; got {goal.limit:g}: they decide "
                "about it alone."
            )
    return truth


def checked_prices(human: float | None, judge: float | None) -> tuple[float, float] | None:
    """Return the prices of a label and a verdict, None where labels have none, or raise ``ValueError``."""
    if human is None:
        if judge is not None:
            raise ValueError("`cost_judge` goes with `cost_human`; got no `cost_human`.")
        return None
    pair = host_number("cost_human", human), 0.0 if judge is None else host_number("cost_judge", judge)
    if np.ndim(pair[0]) or pair[0] <= 0:
        raise ValueError(f"`cost_human` must be one number > 0; got {human!r}.")
    if np.ndim(pair[1]) or pair[1] < 0:
        raise ValueError(f"`cost_judge` must be one number >= 0; got {judge!r}.")
    return float(pair[0]), float(pair[1])


def unbounded(bounds: Bounds) -> bool:
    """Whether bounds say nothing."""
    return all(
        tuple(map(float, getattr(bounds, name))) == (0.0, 1.0) for name in ("failure_rate", "tpr", "fpr")
    )
