"""How many more labels, with those at hand: what there is stays, what comes is drawn."""

import warnings
from typing import cast

import numpy as np

from jaxmle._data import Bounds, Counts, HasCounts, Params, check_confidence, counts_of
from jaxmle._engine import Progress, progress_bar
from jaxmle._inference import (
    CertificateMethod,
    certify_fit,
    check_labels,
    check_seed,
    checked_problem,
    contradicted,
    fit,
    fit_flat,
    whole_numbers,
)
from jaxmle._planning._label_arguments import goal_of
from jaxmle._planning._label_draws import AtHand, Setting
from jaxmle._planning._label_goals import Goal, Power, Width
from jaxmle._planning._label_search import Found, divided, search
from jaxmle._planning._plan import LabelOption, Plan, option_of, plan_of
from jaxmle._simulation import Labels
from jaxmle._stats import divide, failure_rates_by_verdict
from jaxmle._types import Array

# Draws from the posterior that are kept, made at once, and needed, else the most likely rates stand for all.
_KEPT, _MADE, _NEEDED = 4096, 1 << 18, 64
_STREAM = 9
# Data sets of which each is certified or not, and the step on where too few are.
_LOOKED_AT, _ONWARDS = 256, 1.25


def plan_further(
    counts: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    target_width: float | None = None,
    limit: float | None = None,
    power: float = 0.8,
    confidence: float = 0.95,
    labels: Labels = "random",
    method: CertificateMethod = "exact",
    simulate: bool = True,
    seed: int = 0,
    progress: bool = False,
) -> Plan:
    """Find how many further labels reach a width of the interval, or certify a limit with some chance.

    The labels at hand stay as they are. Further ones are drawn of the items that the judge has decided on,
    with rates from their posterior distribution (Jeffreys' prior of the failure rates among flagged and
    among passed items, cut off at the bounds): the most likely rates alone would take for certain what few
    labels say, and promise too much.

    Args:
        counts: Counts of one data set as they stand, whole numbers, with at least one label and one item that
            has none; labels are of the judged items.
        bounds: Scalar bounds that the analysis will use; none by default.
        target_width: Mean width of the interval to reach, in (0, 1); give this or ``limit``.
        limit: Failure rate to stay under, in (0, 1).
        power: Chance of a certificate to reach, in (0, 1), as far as the labels at hand tell; with ``limit``.
        confidence: Confidence of interval or certificate, in (0, 1), for a certificate at least 0.5.
        labels: How further items will be chosen: "random", or "by-verdict": so many of the flagged and so
            many of the passed ones. The other way is beside it in ``options``.
        method: Certificate that is planned for, "exact" or "profile"; with ``limit``.
        simulate: Whether the interval's cut-offs will be simulated, as by default; with ``target_width``.
        seed: Seed of the simulation, a whole number >= 0.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The plan of further labels: 0 where those at hand are enough. ``curve`` begins with no further label
        and ends with all items labelled; for a certificate it leaves out what lies between none and the
        number found. ``n_judged`` are the items without a label.

    Raises:
        ValueError: An argument is out of range; neither or both of ``target_width`` and ``limit`` are given;
            there is no label or no item to label; counts are weighted, several, impossible within the
            bounds, or contradict them.
        TypeError: ``counts`` is nothing that was counted, or ``bounds`` not a `Bounds`.

    Source:
        Spiegelhalter, Abrams and Myles, Bayesian Approaches to Clinical Trials (2004), 6.5: the chance of
        success averaged over the posterior.

    Examples:
        >>> from jaxmle import Counts, plan_further
        >>> counts = Counts(tp=9, fn=1, fp=2, tn=88, unlabeled_pos=900, unlabeled_neg=9100)
        >>> found = plan_further(counts, target_width=0.05, simulate=False)
        >>> found.reached, 50 < found.n_labels < 120
        (True, True)
    """
    check_seed(seed)
    check_labels(labels, "internal")
    bounds = Bounds() if bounds is None else bounds
    goal = goal_of(target_width, limit, power, check_confidence(confidence), method, simulate)
    found = counts_of("counts", counts)
    problem, _ = checked_problem(found, bounds, "internal")
    start = _setting(_checked(found, bounds), bounds, labels, seed)
    if contradicted(fit_flat(problem, "internal")).any():
        raise ValueError(
            "`bounds` are contradicted by the labels at hand: a plan that rests on them promises nothing; "
            "see bounds_test."
        )
    cheap = goal if isinstance(goal, Width) else goal.roughly
    swapped: Labels = "by-verdict" if labels == "random" else "random"
    with progress_bar(progress and isinstance(goal, Power) and method == "exact", 400, "Planning") as bar:
        used = _divided(start, goal, seed)
        first = _searched(used, goal, seed, bar)
    if isinstance(goal, Power):
        first = _if_certified(first, found, bounds, goal, seed)
    other = _divided(start._replace(labels=swapped), cheap, seed)
    options: list[LabelOption] = [option_of(used, goal, first, None)]
    if cheap != goal:
        options.append(option_of(used, cheap, _searched(used, cheap, seed), None))
    options.append(option_of(other, cheap, _searched(other, cheap, seed), None))
    reason = "" if first.n is not None else _reason(start, goal, first.value)
    return plan_of(start, goal, first, tuple(options), reason)


def posterior_rates(counts: Counts, bounds: Bounds, seed: int) -> tuple[Params, AtHand]:
    """Mean rates and draws of what labels and bounds leave plausible; the fit's where bounds leave nothing.

    Source: Jeffreys, Proc. R. Soc. A 186 (1946), for the prior; rejection of draws beyond the bounds.
    """
    c = Counts(*(float(x) for x in counts.values()))
    rng = np.random.default_rng((seed, _STREAM))
    flags, passes = c.tp + c.fp + c.unlabeled_pos, c.fn + c.tn + c.unlabeled_neg
    q = rng.beta(flags + 0.5, passes + 0.5, _MADE)
    precision = rng.beta(c.tp + 0.5, c.fp + 0.5, _MADE)
    miss_rate = rng.beta(c.fn + 0.5, c.tn + 0.5, _MADE)
    theta = q * precision + (1 - q) * miss_rate
    drawn = Params(theta, divide(q * precision, theta), divide(q * (1 - precision), 1 - theta))
    inside = np.ones(_MADE, bool)
    for name in ("failure_rate", "tpr", "fpr"):
        low, high = getattr(bounds, name)
        value = getattr(drawn, name)
        inside &= (value >= low) & (value <= high)
    kept = np.flatnonzero(inside)[:_KEPT]
    cells = tuple(float(x) for x in c.values())
    if kept.size < _NEEDED:
        drawn, precision, miss_rate, kept = _within(c, bounds, q, rng)
    if not kept.size:
        # No rate within the bounds explains the flags: what the labels at hand are worth is that of the fit.
        best = fit(c, bounds)
        rate, tpr, fpr = (np.atleast_1d(x) for x in (best.failure_rate, best.tpr, best.fpr))
        at_hand = AtHand(cells, *failure_rates_by_verdict(rate, tpr, fpr))
        return Params(*(float(x[0]) for x in (rate, tpr, fpr))), at_hand
    mean = Params(*(float(np.mean(x[kept])) for x in (drawn.failure_rate, drawn.tpr, drawn.fpr)))
    return mean, AtHand(cells, precision[kept], miss_rate[kept])


def _within(
    c: Counts, bounds: Bounds, q: Array, rng: np.random.Generator
) -> tuple[Params, Array, Array, Array]:
    """The same posterior from a judge drawn within narrow bounds, weighted by what the labels say of it.

    Source: Rubin, in Bayesian Statistics 3 (1988), for sampling by importance and drawing anew.
    """
    tpr, fpr = (low + (high - low) * rng.random(_MADE) for low, high in (bounds.tpr, bounds.fpr))
    above, below, span = q - fpr, tpr - q, tpr - fpr
    possible = (above > 0) & (below > 0)
    theta = np.where(possible, divide(above, span), 0.5)
    rate_low, rate_high = bounds.failure_rate
    possible &= (theta >= rate_low) & (theta <= rate_high)
    precision, miss_rate = divide(theta * tpr, q), divide(theta * (1 - tpr), 1 - q)
    log_weight = np.zeros(_MADE)
    for rate, failures, passes in ((precision, c.tp, c.fp), (miss_rate, c.fn, c.tn)):
        possible &= (rate > 0) & (rate < 1)
        inner = np.where(possible, rate, 0.5)
        log_weight += (failures - 0.5) * np.log(inner) + (passes - 0.5) * np.log1p(-inner)
    # d(precision, miss rate) / d(TPR, FPR), the flag rate being held.
    jacobian = divide(above * below, q * (1 - q) * span**3)
    log_weight -= np.max(log_weight, where=possible, initial=-1e300)
    weight = np.exp(np.where(possible, log_weight, -np.inf)) * np.where(possible, jacobian, 0.0)
    drawn = Params(theta, tpr, fpr)
    if not weight.sum() > 0:
        return drawn, precision, miss_rate, np.zeros(0, int)
    return drawn, precision, miss_rate, rng.choice(_MADE, _KEPT, p=weight / weight.sum())


def _searched(setting: Setting, goal: Goal, seed: int, progress: Progress | None = None) -> Found:
    """The smallest number of labels that reaches the goal; certificates are looked at with that number.

    With few labels beside those at hand a certificate is not told by the likelihood ratio as with more of
    them, so what was found is a number to begin at.
    """
    found = search(setting, goal, seed, progress)
    if found.n is None or found.n == 0 or not isinstance(goal, Power):
        return found
    n = found.n
    while True:
        share = goal.share_certified(setting, n, _LOOKED_AT, seed)
        error = float(np.sqrt(max(share * (1 - share), 1 / _LOOKED_AT) / _LOOKED_AT))
        if share + error >= goal.target:
            break
        if n >= setting.most:
            return found._replace(n=None, value=share, error=error)
        n = min(int(np.ceil(_ONWARDS * n)), setting.most)
    # Of fewer labels the curve would say what was not looked at.
    grid, *more = map(np.asarray, found.curve)
    kept = (grid == 0) | (grid > n)
    return found._replace(n=n, value=share, error=error, curve=(grid[kept], *(x[kept] for x in more)))


def _setting(counts: Counts, bounds: Bounds, labels: Labels, seed: int) -> Setting:
    mean, at_hand = posterior_rates(counts, bounds, seed)
    return Setting(mean, int(counts.n_unlabeled), bounds, "internal", labels, at_hand=at_hand)


def _if_certified(plan: Found, counts: Counts, bounds: Bounds, goal: Power, seed: int) -> Found:
    """The plan, and none at all where the labels at hand certify already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said where they are certified
        now = certify_fit(
            fit(counts, bounds),
            limit=goal.limit,
            confidence=goal.confidence,
            method=cast(CertificateMethod, goal.method),
            upper_limits=False,
            seed=seed,
        )
    grid, value, error = plan.curve
    value = np.concatenate([[float(now.certified)], np.asarray(value)[1:]])
    curve = (grid, value, error)
    return Found(0, 1.0, 0.0, curve) if now.certified else plan._replace(curve=curve)


def _divided(setting: Setting, goal: Goal, seed: int) -> Setting:
    """Choose the share of flagged items, near as many further labels as there are."""
    if not setting.divided or setting.at_hand is None:
        return setting
    at_hand = sum(setting.at_hand.cells[:4])
    return divided(setting, goal, int(min(max(at_hand, 8), setting.most)), seed)


def _checked(counts: Counts, bounds: Bounds) -> Counts:
    if counts.shape or bounds.shape:
        raise ValueError("`counts` and `bounds` must be of one data set: plan for each slice by itself.")
    if not whole_numbers(counts):
        raise ValueError("`counts` must be whole numbers: further labels of weighted items cannot be drawn.")
    if counts.n_labeled <= 0:
        raise ValueError("`counts` must hold at least one label; without any, use `plan`.")
    if counts.n_unlabeled <= 0:
        raise ValueError("`counts` must hold at least one item without a label: there is nothing to label.")
    return counts


def _reason(setting: Setting, goal: Goal, value: float) -> str:
    if goal.limit is None:
        return (
            f"all {setting.most:,} further labels give {value:.3g}, so more items would have to be judged "
            "and labelled"
        )
    return (
        f"even with all {setting.most:,} items labelled the chance is {value:.3g}: the labels at hand leave "
        "too much room for a failure rate at the limit or above"
    )
