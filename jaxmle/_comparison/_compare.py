"""Do two systems fail at different rates?"""

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._comparison._clustered import checked_clusters, cluster_effect, effective_fits
from jaxmle._comparison._common_judge import CommonJudge
from jaxmle._comparison._influence import pair_effect
from jaxmle._comparison._null_draws import p_values_by_draws
from jaxmle._comparison._separate_judges import SeparateJudges
from jaxmle._data import (
    Bounds,
    Calibration,
    Clusters,
    Counts,
    HasCounts,
    Pairs,
    Problem,
    check_confidence,
    differing,
    slice_label,
)
from jaxmle._inference import (
    Adjustment,
    adjust_p_values,
    check_labels,
    check_seed,
    checked_problem,
    contradicted,
    fit_flat,
    level_for_limits,
    shaped,
    warn_of_design,
    whole_numbers,
)
from jaxmle._results import OF_SETS, Batch
from jaxmle._simulation import Labels, design_of
from jaxmle._stats import quantile_of_t, tail_of_t
from jaxmle._types import Array, Flags, Numbers

JudgeRates = Literal["separate", "common"]

_LEAST_DF = 3.0
_HELD = 1e-9
# Asymptotic p-values that are worth a simulation: beyond them it would change no verdict at usual levels.
_DRAWN = (1e-3, 0.2)


@pytree
@dataclass(frozen=True, eq=False)
class Difference(Batch):
    """Difference of two failure rates, the first less the second.

    Attributes:
        estimate: The difference, shape ``(...)``.
        low: Lower end of its interval.
        high: Upper end.
        p_value: p-value of "the failure rates are equal", two-sided, adjusted as ``adjustment`` says.
        different: Whether it is at most 1 - confidence.
        failure_rates: Pair of estimates, the first set's and the second's.
        identified: Whether data and bounds determine both failure rates. Where they do not, ``estimate`` is
            one point of a set that lies inside the interval.
        effect: Variance of the difference over what it would be if items were independent: below 1 where
            pairing helps, 1 without pairs and clusters.
        at_bound: Pair ``(low, high)``: whether that end is the end of what bounds on failure rates allow.
        contradicted: Whether either set contradicts its bounds; then the p-value is 1.
        mismatched: Whether either set's labelled items are not the random sample they are declared to be;
            then the p-value is 1 too.
        converged: Whether the fits at both ends are certified ("separate"), or both ends were reached and
            the search for the p-value's statistic ended.
        confidence: Nominal coverage, such as 0.95.
        method: How the interval was made, in words.
        adjustment: "none", "holm" or "benjamini-hochberg".
    """

    estimate: Numbers
    low: Numbers
    high: Numbers
    p_value: Numbers
    different: Flags
    failure_rates: tuple[Numbers, Numbers] = field(metadata=OF_SETS)
    identified: Flags
    effect: Numbers
    at_bound: tuple[Flags, Flags]
    contradicted: Flags
    mismatched: Flags
    converged: Flags
    confidence: float = field(metadata={"static": True})
    method: str = field(metadata={"static": True})
    adjustment: str = field(metadata={"static": True})

    def __str__(self) -> str:
        if np.ndim(self.estimate):
            return f"{int(np.sum(self.different))} of {np.size(self.estimate)} differ ({self.method})"
        point = f"{self.estimate:+.4f}" if self.identified else "not identified"
        return f"{point} [{self.low:+.4f}, {self.high:+.4f}], p = {self.p_value:.3g} ({self.method})"


def compare(
    a: Counts | HasCounts,
    b: Counts | HasCounts,
    bounds_a: Bounds | None = None,
    bounds_b: Bounds | None = None,
    *,
    judge_rates: JudgeRates = "separate",
    pairs: Pairs | None = None,
    clusters: tuple[Clusters, Clusters] | None = None,
    confidence: float = 0.95,
    adjustment: Adjustment = "none",
    calibration: Calibration = "internal",
    labels: Labels = "random",
    seed: int = 0,
) -> Difference:
    """Compare the failure rates of two systems.

    The interval holds the differences that lose less than a cut-off of the likelihood of both sets, whatever
    the judges within the bounds; the p-value is of the same statistic at no difference. Doubts about a judge
    that bounds leave open thus add up over the two sets rather than cancel, unless the judge is common.

    Args:
        a: Counts of the first system, any batch shape ``(...)``, or what `tables.count` returns.
        b: Counts of the second, of the same shape.
        bounds_a: Bounds for the first, scalar or of the batch shape; none by default.
        bounds_b: Bounds for the second; by default those of the first.
        judge_rates: "separate" lets the judge have a TPR and FPR for each set; "common" takes one pair for
            both, which is far sharper, and wrong where the judge sees failures of one system better than the
            other's (`homogeneity_test`).
        pairs: How items go together that are in both sets, of the batch shape; without it the sets are taken
            for independent. Difficult items are difficult for both systems, so pairs shorten the interval.
        clusters: Clusters of the first set and of the second, whose sums the counts are, where items belong
            together: element i of both is one cluster, of zeros in the set that has none of it. Items in both
            sets are in one cluster, so there is no use for ``pairs`` beside.
        confidence: Nominal coverage, in (0, 1).
        adjustment: For a batch: "holm" keeps the probability of any false difference, "benjamini-hochberg"
            the expected share of false ones. Intervals go with it: they hold jointly (Bonferroni), or at the
            share of the error that the differences found leave. Holm may find a difference whose joint
            interval still holds 0.
        calibration: "internal" or "external", as in `fit`.
        labels: "random", or "by-verdict" where the judge's verdict decided which items humans label.
        seed: Seed of the simulation, a whole number >= 0.

    Returns:
        Difference, interval and p-value, shape ``(...)``.

    Raises:
        ValueError: An argument is out of range; shapes do not match; ``pairs`` or ``clusters`` are not of
            these counts, or both are given; for "common", the bounds of one set exclude those of the other; a
            data set is empty or impossible within its bounds.
        TypeError: ``a`` or ``b`` is not a `Counts`, bounds are not `Bounds`, ``pairs`` not `Pairs`, or
            ``clusters`` not two `Clusters`.

    Source:
        Profile likelihood of the difference, its cut-off that of F(1, df), where df is labels - 2 (separate)
        or labels - 1 (common) of the set with fewer, the least that Welch's can be (Biometrika 34, 1947).
        With pairs the two likelihoods still are multiplied as if independent, and
        the cut-off is that of F(1, labelled items - 1) times the sandwich variance of the difference over
        the one without pairs (Kent, Biometrika 69, 1982; Rao and Scott, JASA 76, 1981). With clusters,
        likewise, effect and degrees of freedom being those of `design_effect`.

    Examples:
        >>> from jaxmle import Counts, compare
        >>> a = Counts(tp=30, fn=5, fp=6, tn=59, unlabeled_pos=360, unlabeled_neg=640)
        >>> b = Counts(tp=14, fn=3, fp=5, tn=78, unlabeled_pos=190, unlabeled_neg=810)
        >>> print(compare(a, b))
        +0.1800 [+0.0939, +0.2653], p = 0.000144 (profile likelihood)
        >>> result = compare(a, b, judge_rates="common")
        >>> f"{result.low:.2f} {result.high:.2f}"
        '0.16 0.27'
    """
    if pairs is not None and clusters is not None:
        raise ValueError("`clusters` hold the pairs too: give `pairs` or `clusters`, not both.")
    if judge_rates not in get_args(JudgeRates):
        raise ValueError(f'`judge_rates` must be "separate" or "common"; got {judge_rates!r}.')
    if adjustment not in get_args(Adjustment):
        choices = ", ".join(map(repr, get_args(Adjustment)))
        raise ValueError(f"`adjustment` must be one of {choices}; got {adjustment!r}.")
    alpha = 1 - check_confidence(confidence)
    check_labels(labels, calibration)
    check_seed(seed)
    problems, shape = _checked(a, b, bounds_a, bounds_a if bounds_b is None else bounds_b, calibration)
    if pairs is not None:
        pairs = _paired(pairs, problems, shape)
    if clusters is not None:
        clusters = checked_clusters(clusters, problems, shape)
    # Items that share no cluster, in neither set nor across them, are independent.
    joint = None if clusters is None or _stand_alone(*clusters) else clusters
    free = (fit_flat(problems[0], calibration), fit_flat(problems[1], calibration))
    shown = free if clusters is None else effective_fits(free, clusters)
    against = np.logical_or(*(contradicted(one) for one in shown))
    effective = clusters is not None
    mismatched = np.logical_or(
        *(warn_of_design(one.counts, calibration, labels, effective=effective) for one in shown)
    )

    n_labels = [own.counts.n_labeled for own in problems]
    make = CommonJudge if judge_rates == "common" else SeparateJudges
    model: CommonJudge | SeparateJudges = make(free, calibration)
    effect, df = np.ones(problems[0].size), _degrees_of_freedom(n_labels, model.n_rates / 2)
    if pairs is not None:
        cells = np.stack([*problems[0].counts.values(), *problems[1].counts.values()], -1)
        held = _held(problems, model.params)
        effect = pair_effect(cells, model.params, held, pairs, calibration, common=judge_rates == "common")
        df = np.maximum(pairs.n_labeled - 1.0, _LEAST_DF)
    # Without labels nothing of the judge is estimated, and the verdicts are many.
    df = np.where(sum(n_labels) > 0, df, np.inf)
    statistic, finished = model.statistic()
    if joint is not None:
        held = _held(problems, model.params)
        effect, freedom = cluster_effect(
            problems, model.params, held, joint, calibration, common=judge_rates == "common"
        )
        # Sums of weights do not say how many labels there are.
        whole = all(whole_numbers(own.counts) for own in problems)
        df = np.minimum(df, freedom) if whole else freedom
    cut = effect
    if judge_rates == "separate" and pairs is None and joint is None:
        cut = effect * _stretch(problems, statistic, df, alpha, calibration, labels, seed)
    root = np.sqrt(statistic / cut)
    p_value = np.where(against | mismatched, 1.0, np.minimum(2 * tail_of_t(root, df), 1.0))
    adjusted = adjust_p_values(p_value, adjustment)
    different = adjusted <= alpha
    level = level_for_limits(alpha, adjustment, different)
    cutoff = cut * quantile_of_t(np.full(len(effect), level / 2), df) ** 2
    low, high = model.end(cutoff, upper=False), model.end(cutoff, upper=True)
    first, second = model.params[:, 0, 0], model.params[:, 1, 0]
    method = "joint profile likelihood, common judge" if judge_rates == "common" else "profile likelihood"
    result = Difference(
        estimate=first - second,
        low=np.minimum(low.difference, first - second),
        high=np.maximum(high.difference, first - second),
        p_value=adjusted,
        different=different,
        failure_rates=(first, second),
        identified=np.asarray(model.identified),
        effect=effect,
        at_bound=(low.at_bound, high.at_bound),
        contradicted=against,
        mismatched=mismatched,
        converged=low.converged & high.converged & model.converged & finished,
        confidence=float(confidence),
        method=method + (", paired" if pairs is not None else "") + (", clusters" if clusters else ""),
        adjustment=adjustment,
    )
    return shaped(result, shape)


def _stand_alone(first: Clusters, second: Clusters) -> bool:
    """Whether no two items share a cluster, which both sets number alike."""
    both = first.cells.sum(1) + second.cells.sum(1)
    return bool(first.are_items.all() and second.are_items.all() and np.all(both <= 1))


def _degrees_of_freedom(n_labels: list[Array], rates: float) -> Array:
    """Degrees of freedom of a difference between sets of so many labels each.

    Those of the smaller set bound those of Welch and Satterthwaite from below whatever the variances are.
    Estimates of these from a few labels, none of them a failure, would say that there is no variance.
    """
    least = np.minimum(*(np.where(n > 0, np.maximum(n - rates, _LEAST_DF), np.inf) for n in n_labels))
    # Without labels nothing of the judge is estimated, and the verdicts are many.
    return np.asarray(least)


def _stretch(
    problems: tuple[Problem, Problem],
    statistic: Array,
    df: Array,
    alpha: float,
    calibration: Calibration,
    labels: Labels,
    seed: int,
) -> Array:
    """Factors of the cut-offs, >= 1, that make the p-values those of data drawn under no difference."""
    stretch = np.ones(len(statistic))
    p_value = 2 * tail_of_t(np.sqrt(statistic), df)
    todo = np.flatnonzero((p_value >= _DRAWN[0]) & (p_value <= max(_DRAWN[1], 2 * alpha)))
    if todo.size and all(whole_numbers(own.counts) for own in problems):
        some = (problems[0].take(todo), problems[1].take(todo))
        seen = statistic[todo]
        drawn = p_values_by_draws(some, seen, calibration, design_of(calibration, labels), seed)
        larger = drawn > p_value[todo]
        reached = quantile_of_t(np.minimum(drawn, 1 - _HELD) / 2, df[todo]) ** 2
        stretch[todo] = np.where(larger, seen / np.maximum(reached, np.finfo(float).tiny), 1.0)
    return stretch


def _checked(
    a: Counts | HasCounts,
    b: Counts | HasCounts,
    bounds_a: Bounds | None,
    bounds_b: Bounds | None,
    calibration: Calibration,
) -> tuple[tuple[Problem, Problem], tuple[int, ...]]:
    """Both sets, laid out flat, and the batch shape."""
    found = []
    for name, counts, bounds in (("a", a, bounds_a), ("b", b, bounds_b)):
        try:
            found.append(checked_problem(counts, bounds, calibration))
        except TypeError as error:
            raise TypeError(f"`{name}`: {error}") from error
    (first, shape), (second, other) = found
    if shape != other:
        raise ValueError(f"`a` and `b` must have one shape; got {shape} and {other}.")
    return (first, second), shape


def _paired(pairs: object, problems: tuple[Problem, Problem], shape: tuple[int, ...]) -> Pairs:
    """Pairs of shape ``(B,)``, if they are of these counts."""
    if not isinstance(pairs, Pairs):
        raise TypeError(f"`pairs` must be a Pairs; got {type(pairs).__name__}.")
    if pairs.shape != shape:
        raise ValueError(f"`pairs` must have the counts' shape {shape}; got {pairs.shape}.")
    flat = Pairs(
        pairs.products.reshape(-1, 12, 12),
        pairs.sums.reshape(-1, 12),
        pairs.n_labeled.reshape(-1),
        pairs.n_matched.reshape(-1),
    )
    for name, own, sums in zip("ab", problems, np.split(flat.sums, 2, axis=-1), strict=True):
        cells = np.stack(own.counts.values(), -1)
        other = differing(sums, cells)
        if other.any():
            row, cell = np.argwhere(other)[0]
            kind = fields(Counts)[cell].name
            raise ValueError(
                f"`pairs` must be of the same items as `{name}`{slice_label(other.any(-1).reshape(shape))}: "
                f"they hold {kind} = {sums[row, cell]:.10g} and `{name}` has {cells[row, cell]:.10g}; make "
                "the counts and the pairs from the same rows."
            )
    return flat


def _held(problems: tuple[Problem, Problem], params: Array) -> Array:
    """Which parameters stand at a bound, shape ``(B, 2, 3)``."""
    ends = np.stack([np.stack(own.arrays()[6:], -1) for own in problems], 1)
    low, high = ends[..., ::2], ends[..., 1::2]
    return (params - low <= _HELD) | (high - params <= _HELD)
