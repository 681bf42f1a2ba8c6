"""Likelihood-ratio intervals for the failure rate, their p-values calibrated by simulation."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Unpack, get_args

import numpy as np

from jaxmle._arrays import joined, pytree, tree_map
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Params, Problem, check_confidence
from jaxmle._engine import Engine, check_engine, chosen_engine, progress_bar
from jaxmle._inference._arguments import (
    check_labels,
    check_seed,
    check_whole,
    checked_problem,
    effective,
    given_counts,
    given_reference,
    shaped,
    stretched,
    whole_numbers,
)
from jaxmle._inference._calibrated import Calibrated, Sides
from jaxmle._inference._design_check import warn_of_design
from jaxmle._inference._fit import Fit, divided, fit_flat, handed_on
from jaxmle._inference._interval import Interval
from jaxmle._inference._items import check_items, check_target, estimates_of, items_of, shares_left
from jaxmle._inference._multiplicity import IntervalAdjustment, is_joint
from jaxmle._inference._options import ProfileOptions
from jaxmle._inference._profile import ProfileRoot, crossing
from jaxmle._simulation import Labels, design_of
from jaxmle._stats import quantile_of_t
from jaxmle._types import Array, ArrayLike, Flags, Numbers

if TYPE_CHECKING:
    from jaxmle._tables import Columns, Rows

# Processor seconds below which NumPy on all cores is done before JAX is: compiled code is no quicker here.
_COMPILE_SECONDS = 50
# About a kilobyte each, for one data set; more would not move an end by what is printed of it.
_MOST_DRAWS = 1_000_000
EndSide = Literal["two-sided", "upper", "lower"]
# What the rate is of: the items that might have been drawn, or those that were.
Target = Literal["population", "items"]


@pytree
@dataclass(frozen=True, eq=False)
class ProfileInterval(Interval):
    """A profile-likelihood interval with its status.

    Attributes:
        at_bound: Pair ``(low, high)`` of booleans, shape ``(...)``: whether that end is the end of what the
            bounds on the failure rate allow. Then the data exclude nothing on that side.
        cutoff: Pair ``(low, high)``: value of the likelihood-ratio statistic at which each end stands; 0 for
            ``target="items"``.
        identified: Whether data and bounds determine a single most likely failure rate. Where they do
            not, ``estimate`` is only one point of a set that lies inside the interval.
        converged: Whether the fits at both ends are certified.
        side: "two-sided", "upper" or "lower".
    """

    at_bound: tuple[Flags, Flags]
    cutoff: tuple[Numbers, Numbers]
    identified: Flags
    converged: Flags
    side: EndSide = field(metadata={"static": True})

    def __str__(self) -> str:
        if np.ndim(self.low):
            return super().__str__()
        point = f"{self.estimate:.4f}" if self.identified else "not identified"
        shown = f"{point} [{self.low:.4f}, {self.high:.4f}] ({self.method})"
        asked = (("lower", self.side != "upper"), ("upper", self.side != "lower"))
        open_sides = [
            name for (name, wanted), flag in zip(asked, self.at_bound, strict=True) if flag and wanted
        ]
        return shown + (f"; the data give no {' or '.join(open_sides)} limit" if open_sides else "")


def profile_interval(
    counts: "Counts | HasCounts | Rows",
    bounds: Bounds | None = None,
    *,
    confidence: float = 0.95,
    side: EndSide = "two-sided",
    calibration: Calibration = "internal",
    external: Counts | HasCounts | None = None,
    discount: ArrayLike = 1.0,
    labels: Labels = "random",
    simulate: bool | None = None,
    n_resamples: int = 999,
    adjustment: IntervalAdjustment = "none",
    target: Target = "population",
    design_effect: ArrayLike | None = None,
    df: ArrayLike | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    progress: bool = False,
    **columns: "Unpack[Columns]",
) -> ProfileInterval:
    """Interval of the failure rates that the data do not contradict, by the profile likelihood.

    A failure rate belongs to the interval while its p-value is above alpha / 2: the probability of a signed
    likelihood ratio as large as observed, ties counted, under the plausible judge that makes it largest. Each
    end is so a limit of its own, of confidence 1 - alpha / 2; after no failure among n labels and nothing
    else the upper one is 1 - (alpha / 2)^(1 / n), that of Clopper and Pearson. The interval accounts for all
    judges within the bounds, stays inside [0, 1] and inside the bounds on the failure rate, and unless that
    rate is known has a width whatever the counts.

    Args:
        counts: Counts, any batch shape ``(...)``, what `tables.count` returns, or rows that it takes.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        confidence: Nominal coverage, in (0, 1), for a one-sided interval in [0.5, 1).
        side: "two-sided"; "upper" for an upper limit alone, the other end being the bound; or "lower".
        calibration: "internal" or "external", as in `fit`.
        external: Counts of a labelled reference, as in `fit`. Both kinds of labels are then drawn anew, with
            the most likely judge alone; about half a second a data set. The target is the population.
        discount: What a label of the reference counts for, as in `fit`.
        labels: "random", or "by-verdict" where the judge's verdict decided which of the judged items humans
            label. Only the simulation depends on it.
        simulate: True simulates the p-values, False takes those of the chi-square distribution: too short an
            interval where labels are few, above all where no label is a failure. By default simulation,
            unless counts are weighted sums without a ``design_effect`` to tell their effective size.
        n_resamples: Data sets drawn for the p-values near each end, 19 to 1,000,000. At 999 the distance of
            an end from the estimate has a standard deviation of up to 3% over seeds, at 249 of up to 9%;
            where a bound on the judge holds the estimate, which is then near its end, of up to 14 and 23%.
        adjustment: "bonferroni" makes all intervals of the batch cover at once with ``confidence``, "none"
            each by itself.
        target: "population", the rate of the items that might have been drawn, or "items", the rate of
            exactly the judged items at hand, of which the labelled ones are known: shorter where many of them
            are labelled. Needs whole counts and no ``design_effect``.
        design_effect: Design effect of weights or clusters, > 0, scalar or of the batch shape: see
            `design_effect`. Counts are divided by it, simulated data sets have the sizes that remain, and no
            p-value is below the chi-square one.
        df: Degrees of freedom with it, as `design_effect` says them; p-values are then those of Student's t.
        seed: Seed of the simulation, a whole number >= 0.
        engine: "numpy", "jax", or None for the size of the job to decide, as in `fit`.
        progress: Whether to show a bar on standard error where that is a terminal.
        **columns: Of rows: arguments of `tables.count`, as in `fit`.

    Returns:
        The interval and its status, shape ``(...)``.

    Raises:
        ValueError: ``confidence``, ``side``, ``calibration``, ``labels``, ``target`` or ``seed`` is out of
            range; ``simulate`` is True, or ``target`` "items", and counts are not whole numbers; that target
            comes with ``simulate=False``, ``external`` or a ``design_effect``, or ``external`` with this and
            ``simulate=True``; shapes do not match; a data set is empty or impossible within the bounds.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Source:
        Wilks, Ann. Math. Stat. 9 (1938) for the statistic; see `_calibrated` for the p-values and `_items`
        for the target "items".

    Examples:
        >>> from jaxmle import Bounds, Counts, profile_interval
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100)
        >>> print(profile_interval(counts, simulate=False))
        0.0808 [0.0359, 0.1530] (profile likelihood, chi-square)
        >>> result = profile_interval(counts, Bounds(tpr=(0.80, 0.90), fpr=(0.05, 0.15)))
        >>> f"{result.low:.2f} {result.high:.2f}"
        '0.04 0.06'
    """
    check_engine(engine)
    problem, shape = checked_problem(given_counts("profile_interval", counts, columns), bounds, calibration)
    reference = given_reference(external, discount, problem, shape, calibration)
    options = _Options(
        confidence=confidence,
        side=side,
        calibration=calibration,
        labels=labels,
        simulate=simulate,
        n_resamples=n_resamples,
        adjustment=adjustment,
        target=target,
        seed=seed,
        engine=engine,
        progress=progress,
    )
    return shaped(_interval(problem, shape, options, design_effect, df, None, reference), shape)


def interval_of_fit(
    fit: Fit,
    *,
    design_effect: ArrayLike | None = None,
    df: ArrayLike | None = None,
    **options: Unpack[ProfileOptions],
) -> ProfileInterval:
    """`profile_interval` of data sets that are fitted already."""
    problem, shape = checked_problem(fit.counts, fit.bounds, fit.calibration)
    flat = handed_on(fit)
    chosen = _Options(calibration=fit.calibration, **options)
    reference = None if fit.external is None else tree_map(lambda x: np.asarray(x).reshape(-1), fit.external)
    return shaped(_interval(problem, shape, chosen, design_effect, df, flat, reference), shape)


@dataclass(frozen=True)
class _Options:
    """Options of `profile_interval`, checked."""

    calibration: Calibration
    confidence: float = 0.95
    side: EndSide = "two-sided"
    labels: Labels = "random"
    simulate: bool | None = None
    n_resamples: int = 999
    adjustment: IntervalAdjustment = "none"
    target: Target = "population"
    seed: int = 0
    engine: Engine | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        if self.side not in get_args(EndSide):
            choices = ", ".join(map(repr, get_args(EndSide)))
            raise ValueError(f"`side` must be one of {choices}; got {self.side!r}.")
        alpha = 1 - check_confidence(self.confidence)
        if self.side != "two-sided" and alpha > 0.5:
            raise ValueError(
                f"`confidence` must be at least 0.5 for a one-sided interval; got {self.confidence!r}."
            )
        check_target(self.target)
        check_labels(self.labels, self.calibration)
        check_seed(self.seed)
        check_whole("n_resamples", self.n_resamples, 19, _MOST_DRAWS)
        check_engine(self.engine)


def _interval(
    problem: Problem,
    shape: tuple[int, ...],
    options: _Options,
    design_effect: ArrayLike | None,
    df: ArrayLike | None,
    free: Fit | None,
    external: Counts | None = None,
) -> ProfileInterval:
    """The interval, of flat arrays."""
    problem, freedom = effective(problem, shape, design_effect, df)
    simulated = _is_simulated(problem.counts, options, design_effect is not None, external is not None)
    check_items(options.target, problem.counts, options.calibration)
    warn_of_design(problem.counts, options.calibration, options.labels, effective=design_effect is not None)
    # At each end a look at four rates with an eighth of the draws, then two or three with all of them. Bounds
    # on the maxima spare most fits: it takes as long as five of each draw.
    n_fits = problem.size * (5 * int(options.n_resamples) if simulated else 30)
    engine = chosen_engine(n_fits, options.engine, compile_seconds=_COMPILE_SECONDS if simulated else 1)
    if external is not None:
        from jaxmle._inference._mixed import fit_mixed, warn_of_odds

        if free is None or design_effect is not None:
            free = fit_mixed(problem, external, options.engine)
            warn_of_odds(free)
    elif free is None:
        free = fit_flat(problem, options.calibration, engine=engine)
    elif design_effect is not None:
        free = divided(free, problem, design_effect)
    alpha = 1 - options.confidence
    if is_joint(options.adjustment):
        alpha = alpha / problem.size
    is_effective = bool(stretched(design_effect, shape).any())
    ends = _ends(free, external, options, alpha, freedom, engine, simulated, is_effective)
    names = f"profile likelihood, {'calibrated' if simulated else 'chi-square'}"
    names += "" if external is None else ", with a reference"
    names += "" if design_effect is None else ", design effect"
    return _between(free, ends, options, names)


def _is_simulated(counts: Counts, options: _Options, has_effect: bool, has_reference: bool) -> bool:
    """Whether p-values are simulated; ``ValueError`` where they cannot be, or nothing else would do."""
    if has_reference and options.target == "items":
        raise ValueError('`target` must be "population" with an `external` reference; got "items".')
    if options.simulate not in (None, True, False):
        raise ValueError(f"`simulate` must be True, False or None; got {options.simulate!r}.")
    if options.target == "items" and (has_effect or options.simulate is False):
        raise ValueError(
            '`target` must be "population" with a `design_effect` or `simulate=False`; got "items".'
        )
    if options.simulate and not (has_effect or whole_numbers(counts)):
        raise ValueError(
            "`simulate` must be False or None where counts are not whole numbers: weighted items cannot be "
            "drawn anew."
        )
    if options.simulate and has_effect and has_reference:
        raise ValueError(
            "`simulate` must be False or None with a `design_effect` and an `external` reference: "
            "effective counts are not drawn anew with it."
        )
    can_be = not has_reference if has_effect else whole_numbers(counts)
    return can_be if options.simulate is None else options.simulate


def _ends(
    free: Fit,
    external: Counts | None,
    options: _Options,
    alpha: float,
    freedom: Array,
    engine: Engine,
    simulated: bool,
    is_effective: bool,
) -> ProfileRoot:
    """The ends that are asked for, those below the estimate first; ``alpha`` is the error of all together."""
    sides: list[Literal["lower", "upper"]]
    sides = ["lower", "upper"] if options.side == "two-sided" else [options.side]
    size, tests = np.size(free.failure_rate), Sides.of(free, *sides)
    share = alpha / len(sides)
    root = np.tile(quantile_of_t(share, freedom), len(sides))
    seed, n_draws = int(options.seed), int(options.n_resamples)
    if external is not None and not simulated:
        from jaxmle._inference._mixed import mixed_crossings

        labels = tree_map(lambda x: np.tile(x, len(sides)), external)
        ends = mixed_crossings(tests.branch, labels, root**2, options.engine)
    elif not simulated:
        ends = crossing(tests.branch, root**2, options.calibration, engine)
    else:
        with progress_bar(options.progress, len(root), "Calibrating") as bar:
            if external is not None:
                from jaxmle._inference._mixed_draws import MixedTest

                mixed = (MixedTest(free, options.labels, seed, n_draws, options.engine, one) for one in sides)
                ends = joined([one.ends(np.full(size, share), root[:size], bar) for one in mixed])
            else:
                calibrated = Calibrated(
                    calibration=options.calibration,
                    design=design_of(options.calibration, options.labels),
                    seed=seed,
                    n_draws=n_draws,
                    is_effective=is_effective,
                    engine=engine,
                )
                of_items = options.target == "items"
                ends = _of_items(tests, calibrated, share) if of_items else calibrated.ends(tests, root, bar)
    # Where the end itself is too small for a number, the rate that stands for it has no likelihood at all.
    return ends._replace(statistic=np.where(np.isfinite(ends.statistic), ends.statistic, root**2))


def _between(free: Fit, ends: ProfileRoot, options: _Options, names: str) -> ProfileInterval:
    """The interval between the ends, and a bound on the failure rate where none was asked for."""
    size, side = np.size(free.failure_rate), options.side
    found = (ends.failure_rate, ends.at_bound, ends.converged, ends.statistic)
    lowest, highest = free.bounds.failure_rate
    none = np.zeros(size)
    low, high = ([end, none == 0, none == 0, none] for end in (lowest, highest))
    if side != "upper":
        low = [x[:size] for x in found]
    if side != "lower":
        high = [x[-size:] for x in found]
    estimate = free.failure_rate
    if options.target == "items":
        names += ", of these items"
        likely = Params(free.failure_rate, free.tpr, free.fpr)
        estimate = estimates_of(free.counts, likely, options.calibration)
    names += "" if side == "two-sided" else f", {side} limit"
    names += f", Bonferroni over {size}" if is_joint(options.adjustment) else ""
    return ProfileInterval(
        estimate=estimate,
        low=np.minimum(low[0], estimate),
        high=np.maximum(high[0], estimate),
        confidence=float(options.confidence),
        method=names,
        at_bound=(low[1], high[1]),
        cutoff=(low[3], high[3]),
        identified=free.identified,
        converged=free.converged & low[2] & high[2],
        side=side,
    )


def _of_items(tests: Sides, how: Calibrated, alpha: float) -> ProfileRoot:
    """Ends for the items at hand; there is no statistic of theirs."""
    found = items_of(tests, how)
    rate, none = found.end(alpha, tests.is_upper), np.zeros(len(tests.ids))
    least, most = shares_left(tests.branch.problem.counts, how.calibration)
    at_bound = np.where(tests.is_upper, rate >= most, rate <= least)
    return ProfileRoot(rate, none, none, none, at_bound, none == 0)
