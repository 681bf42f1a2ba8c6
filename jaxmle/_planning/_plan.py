"""How many human labels to buy, and of which items."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jaxmle._arrays import pytree
from jaxmle._data import Bounds, Calibration, Params, check_confidence
from jaxmle._engine import Progress, progress_bar
from jaxmle._inference import CertificateMethod, check_seed
from jaxmle._planning._label_arguments import checked_prices, checked_setting, goal_of, unbounded
from jaxmle._planning._label_draws import Setting
from jaxmle._planning._label_formulas import (
    human_power,
    human_width,
    labels_at_once,
    labels_by_formula,
    labels_by_humans_alone,
)
from jaxmle._planning._label_goals import Goal, Power, Width
from jaxmle._planning._label_search import Found, cheapest_judged, cost_of, divided, search
from jaxmle._results import Result, drawn
from jaxmle._simulation import Labels
from jaxmle._types import Triple

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@pytree
@dataclass(frozen=True)
class LabelOption(Result):
    """One way to buy labels, and how many it takes.

    Attributes:
        design: "random", "by-verdict", "external" or "human only".
        bounded: Whether the bounds are used.
        method: How the number was found.
        n_labels: Human labels, or None where no number of them reaches the goal.
        split: Labels by kind: "flagged" and "passed" items (by-verdict), "failures" and "passes" (external).
        value: Width or power with them, or with the most labels there can be; None for large-sample formulas.
        cost: Cost of labels and verdicts, where both prices are known.
    """

    design: str = field(metadata={"static": True})
    bounded: bool
    method: str = field(metadata={"static": True})
    n_labels: int | None
    split: dict[str, int] | None
    value: float | None
    cost: float | None


@pytree
@dataclass(frozen=True)
class Plan(Result):
    """Human labels to buy.

    Attributes:
        reached: Whether any number of labels reaches the goal.
        n_labels: The smallest that does, or None.
        split: How they are divided: "flagged" and "passed" items, or "failures" and "passes"; None for a
            random sample.
        n_judged: Items for the judge to decide on, those to be labelled among them (internal).
        goal: "width" or "power".
        target: The width or the power asked for.
        value: Expected width or power with ``n_labels``, or with the most labels there can be.
        standard_error: Standard error of ``value`` from the simulation; of an exact certificate without what
            is uncertain of how it differs from the profile one.
        limit: Failure rate to certify, or None.
        confidence: Confidence of interval or certificate.
        method: Interval or certificate that is planned for.
        cost: Cost of labels and verdicts, where prices are given.
        reason: Why the goal is not reached; empty where it is.
        options: This plan and what it would take otherwise: by verdict, without bounds, without the judge.
        rates: Failure rate, TPR and FPR of what is drawn: as expected or, with labels at hand, means of their
            posterior distribution.
        curve: Numbers of labels, expected widths or powers, and their standard errors, shape ``(K,)`` each.
            What tells calibrated from chi-square widths, and exact from profile certificates, is learnt near
            the plan: far from it the curve is approximate.
    """

    reached: bool
    n_labels: int | None
    split: dict[str, int] | None
    n_judged: int
    goal: str = field(metadata={"static": True})
    target: float
    value: float
    standard_error: float
    limit: float | None
    confidence: float
    method: str = field(metadata={"static": True})
    cost: float | None
    reason: str = field(metadata={"static": True})
    options: tuple[LabelOption, ...]
    rates: Params
    curve: Triple

    def __len__(self) -> int:
        return len(self.options)

    def __getitem__(self, index: int) -> LabelOption:
        return self.options[index]

    def __iter__(self) -> Iterator[LabelOption]:
        return iter(self.options)

    def _columns(self) -> dict[str, list[Any]]:
        """One row an option."""
        rows = [one.to_dict() for one in self.options]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """Draw width or power against labels with `plot_plan`.

        Args:
            ax: Where to draw; a new pyplot figure by default.

        Returns:
            The axes.

        Raises:
            ImportError: matplotlib is not installed.

        Examples:
            >>> from matplotlib.figure import Figure
            >>> from jaxmle import plan
            >>> rates = {"failure_rate": 0.1, "judge_tpr": 0.9, "judge_fpr": 0.05, "n_unlabeled": 10_000}
            >>> ax = plan(**rates, target_width=0.05, simulate=False).plot(ax=Figure().subplots())
            >>> ax.get_xlabel()
            'Human labels'
        """
        return drawn("plot_plan", self, ax=ax)

    def __str__(self) -> str:
        what = f"{self.goal} {self.value:.4g}"
        if not self.reached:
            return f"no number of labels reaches a {self.goal} of {self.target:g}: {self.reason}"
        kinds = ", ".join(f"{count} {name}" for name, count in (self.split or {}).items())
        labels = "label" if self.n_labels == 1 else "labels"
        return f"{self.n_labels} {labels}{f' ({kinds})' if kinds else ''}: {what} ({self.method})"


def plan(
    *,
    failure_rate: float,
    judge_tpr: float,
    judge_fpr: float,
    n_unlabeled: int,
    bounds: Bounds | None = None,
    target_width: float | None = None,
    limit: float | None = None,
    power: float = 0.8,
    confidence: float = 0.95,
    calibration: Calibration = "internal",
    labels: Labels = "random",
    method: CertificateMethod = "exact",
    simulate: bool = True,
    cost_human: float | None = None,
    cost_judge: float | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Plan:
    """Find how many human labels reach a width of the profile interval, or certify a limit with some power.

    Data sets are drawn as if the failure rate and the judge's rates were those given, and estimated as the
    real ones will be. The same data sets serve all numbers of labels.

    Args:
        failure_rate: Failure rate that is expected, in (0, 1).
        judge_tpr: P(judge says failure | failure) that is expected, in [0, 1].
        judge_fpr: P(judge says failure | pass) that is expected, in [0, 1].
        n_unlabeled: Items that have the judge's verdict alone at present, >= 1. With "internal" calibration
            the labels are taken from them. With ``cost_judge``, the most that could be judged.
        bounds: Scalar bounds that the analysis will use, the expected rates within them; none by default.
        target_width: Mean width of the interval to reach, in (0, 1); give this or ``limit``.
        limit: Failure rate to stay under, above ``failure_rate`` and below 1.
        power: Probability of a certificate to reach, in (0, 1); with ``limit``.
        confidence: Confidence of interval or certificate, in (0, 1), for a certificate at least 0.5.
        calibration: "internal", labels of judged items, or "external", labels of items from elsewhere.
        labels: "random", or "by-verdict": so many of the flagged and so many of the passed items.
        method: Certificate that is planned for, "exact" or "profile"; with ``limit``.
        simulate: Whether the interval's cut-offs will be simulated, as by default; with ``target_width``.
        cost_human: Price of a human label, > 0.
        cost_judge: Price of a judge's verdict, >= 0; then the number of judged items is chosen too.
        seed: Seed of the simulation, a whole number >= 0.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The plan, and what other ways would take: dividing labels by verdict, no bounds, no judge. These are
        found by the "profile" certificate where the plan is for the exact one, and with half as many
        simulated intervals for a width.

    Raises:
        ValueError: An argument is out of range; neither or both of ``target_width`` and ``limit`` are given;
            an expected rate lies outside its bounds; ``limit`` is not above ``failure_rate`` or is decided
            by the bounds on it; ``cost_judge`` comes without ``cost_human``.
        TypeError: ``bounds`` is not a `Bounds`.

    Source:
        Allocation starts from Neyman, J. R. Stat. Soc. 97 (1934).

    Examples:
        >>> from jaxmle import Bounds, plan
        >>> bounds = Bounds(tpr=(0.87, 0.93), fpr=(0.03, 0.07))
        >>> rates = {"failure_rate": 0.1, "judge_tpr": 0.9, "judge_fpr": 0.05}
        >>> asked = {"n_unlabeled": 10_000, "target_width": 0.05, "simulate": False}
        >>> known = plan(**rates, **asked, bounds=bounds).n_labels
        >>> unknown = plan(**rates, **asked).n_labels
        >>> 100 < known < unknown < 300
        True
    """
    check_seed(seed)
    bounds = Bounds() if bounds is None else bounds
    goal = goal_of(target_width, limit, power, check_confidence(confidence), method, simulate)
    rates = Params(failure_rate, judge_tpr, judge_fpr)
    start = checked_setting(rates, n_unlabeled, bounds, calibration, labels, goal)
    prices = checked_prices(cost_human, cost_judge)
    rough = goal.roughly
    if prices and cost_judge is not None:
        start = start._replace(n_judged=cheapest_judged(start, rough, *prices, seed))

    def option(one: Setting, aim: Goal, bar: Progress | None = None) -> tuple[LabelOption, Found, Setting]:
        if one.divided:
            one = divided(one, aim, labels_by_formula(one, aim) or one.most, seed)
        found = search(one, aim, seed, bar)
        return option_of(one, aim, found, prices), found, one

    with progress_bar(progress and isinstance(goal, Power) and method == "exact", 400, "Planning") as bar:
        first, found, used = option(start, goal, bar)
    others = [option(start, rough)[0]] if isinstance(goal, Power) and method == "exact" else []
    if calibration == "internal":
        swapped: Labels = "by-verdict" if labels == "random" else "random"
        others.append(option(start._replace(labels=swapped), rough)[0])
    if not unbounded(bounds):
        others.append(option(start._replace(bounds=Bounds()), rough)[0])
    formula = labels_by_formula(used, goal)
    cost = _cost(used, formula, prices)
    name = calibration if calibration == "external" else labels
    others.append(
        LabelOption(name, False, "large-sample formula", formula, _split(used, formula), None, cost)
    )
    others.append(_human_only(start, goal, cost_human))
    reason = "" if found.n is not None else _reason(start, goal, found.value)
    return plan_of(start, goal, found, (first, *others), reason)


def plan_of(start: Setting, goal: Goal, found: Found, options: tuple[LabelOption, ...], reason: str) -> Plan:
    """The plan for a goal: what was found, which is the first of the options."""
    first = options[0]
    return Plan(
        reached=found.n is not None,
        n_labels=found.n,
        split=first.split,
        n_judged=start.n_judged,
        goal="power" if goal.is_increasing else "width",
        target=goal.target,
        value=found.value,
        standard_error=found.error,
        limit=goal.limit,
        confidence=goal.confidence,
        method=first.method,
        cost=first.cost,
        reason=reason,
        options=options,
        rates=start.truth,
        curve=found.curve,
    )


def first_estimate(
    *,
    failure_rate: float,
    judge_tpr: float,
    judge_fpr: float,
    n_unlabeled: int,
    bounds: Bounds | None = None,
    target_width: float | None = None,
    limit: float | None = None,
    power: float = 0.8,
    confidence: float = 0.95,
    calibration: Calibration = "internal",
    labels: Labels = "random",
    cost_human: float | None = None,
    cost_judge: float | None = None,
    seed: int = 0,
) -> int | None:
    """Labels by large-sample formula, without bounds and simulation; arguments as of `plan`.

    Prices and seed are checked alone, so that `plan` finds no more fault after this answer.

    Returns:
        The number, or None where no number of labels is enough.

    Raises:
        ValueError: As `plan` does.
    """
    check_seed(seed)
    checked_prices(cost_human, cost_judge)
    goal = goal_of(target_width, limit, power, check_confidence(confidence), "profile", False)
    rates = Params(failure_rate, judge_tpr, judge_fpr)
    start = checked_setting(
        rates, n_unlabeled, Bounds() if bounds is None else bounds, calibration, labels, goal
    )
    return labels_at_once(start, goal)


def option_of(setting: Setting, goal: Goal, found: Found, prices: tuple[float, float] | None) -> LabelOption:
    """What a search found, as one way to buy labels."""
    if isinstance(goal, Width):
        method = f"profile interval, {'calibrated' if goal.simulate else 'chi-square'}"
    else:
        method = f"{goal.method} certificate"
    return LabelOption(
        design="external" if setting.calibration == "external" else setting.labels,
        bounded=not unbounded(setting.bounds),
        method=method,
        n_labels=found.n,
        split=_split(setting, found.n),
        value=found.value,
        cost=_cost(setting, found.n, prices),
    )


def _split(setting: Setting, n: int | None) -> dict[str, int] | None:
    if n is None or not setting.divided:
        return None
    names = ("failures", "passes") if setting.calibration == "external" else ("flagged", "passed")
    return dict(zip(names, (int(x) for x in setting.divide(n)), strict=True))


def _cost(setting: Setting, n: int | None, prices: tuple[float, float] | None) -> float | None:
    return None if n is None or not prices else cost_of(setting, n, *prices)


def _human_only(setting: Setting, goal: Goal, cost: float | None) -> LabelOption:
    n, theta = labels_by_humans_alone(setting, goal), float(setting.truth.failure_rate)
    value, method = None, "Wilson interval" if goal.limit is None else "exact binomial test"
    if n is not None:
        value = (
            human_width(n, theta, goal.confidence)
            if goal.limit is None
            else float(human_power(n, theta, goal.limit, goal.confidence))
        )
    return LabelOption(
        "human only", False, method, n, None, value, None if n is None or cost is None else n * cost
    )


def _reason(setting: Setting, goal: Goal, value: float) -> str:
    got = f"{setting.most:,} labels give {value:.3g}"
    if setting.calibration == "internal":
        return f"all {got}, so more items would have to be judged and labelled"
    if setting.truth.tpr == setting.truth.fpr:
        return f"a judge at chance tells nothing of items that humans did not see ({got})"
    return f"{setting.n_judged:,} judged items leave too much open ({got}), so more would have to be judged"
