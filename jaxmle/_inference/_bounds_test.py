"""Do the data contradict the bounds? And what do bounds allow without labels?"""

from dataclasses import dataclass

import numpy as np

from jaxmle._arrays import pytree, tree_map
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Params, Problem, counts_of, slice_label
from jaxmle._engine import Engine, check_engine
from jaxmle._inference._arguments import check_labels, check_seed, checked_problem, shaped, whole_numbers
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._inference._interval import Interval
from jaxmle._inference._multiplicity import adjust_p_values
from jaxmle._inference._simulate import TIE, simulate, streams
from jaxmle._results import Batch, plain
from jaxmle._simulation import Labels, design_of, law_of_params
from jaxmle._types import Array, ArrayLike, Numbers

# 0.999 quantile of the chi-square distribution with three degrees of freedom: the most that three bounds
# that hold can cost.
SURELY = 16.266
# Below this p-value, shared out over the slices, data and bounds are said to contradict each other.
_SAID_AT = 0.01
# A statistic below it is exceeded one time in twenty even where a single bound can be contradicted: half of
# the chi-square distribution with one degree of freedom.
_UNREMARKABLE = 2.706
# With more slices than these the share of each is less than a simulated p-value can be.
_FEW = 6

_DRAWS = 1999
_STREAM = 6
_SAME = 1e-9
# Edges and corners of the bounds are left out where they cost more than this, by the number of bounded rates:
# quantiles of the chi-square distribution, exceeded with the probability that is added to every p-value.
_MISSED = 1e-3
_PLAUSIBLE = np.array([0.0, 10.828, 13.816, 16.266])


@pytree
@dataclass(frozen=True, eq=False)
class BoundsTest(Batch):
    """Likelihood-ratio test of bounds against none.

    Attributes:
        p_value: Probability of data that contradict the bounds as much or more if they hold, shape ``(...)``.
        statistic: Twice the log-likelihood that the bounds cost, shape ``(...)``.
        bounded: The fit within the bounds.
        unbounded: The fit without.
    """

    p_value: Numbers
    statistic: Numbers
    bounded: Fit
    unbounded: Fit

    def __str__(self) -> str:
        if np.ndim(self.p_value):
            return f"{np.shape(self.p_value)} tests of bounds, smallest p = {np.min(self.p_value):.3g}"
        b, u = self.bounded, self.unbounded
        return (
            f"p = {self.p_value:.3g}: without bounds TPR {u.tpr:.4f}, FPR {u.fpr:.4f}, failure rate "
            f"{u.failure_rate:.4f}; within them {b.tpr:.4f}, {b.fpr:.4f}, {b.failure_rate:.4f}"
        )


def bounds_test(
    counts: Counts | HasCounts,
    bounds: Bounds,
    *,
    calibration: Calibration = "internal",
    labels: Labels = "random",
    seed: int = 0,
    engine: Engine | None = None,
) -> BoundsTest:
    """Test whether the data contradict the bounds.

    Args:
        counts: Counts, any batch shape ``(...)``, whole numbers, or what `tables.count` returns.
        bounds: Bounds, scalar or broadcastable with the counts.
        calibration: "internal" or "external", as in `fit`.
        labels: "random", or "by-verdict" where the judge's verdict decided which items humans label.
        seed: Seed of the simulation, a whole number >= 0.
        engine: "numpy", "jax", or None for the size of the job to decide, as in `fit`.

    Returns:
        The p-value and both fits. A small p-value says that the bounds are wrong, or that the labelled items
        are not what ``calibration`` says. A large one does not say that they are right.

    Raises:
        ValueError: An argument is out of range; counts are not whole numbers; shapes do not match; a data
            set is empty or impossible within the bounds.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Source:
        At a bound the statistic is no chi-square (Self and Liang, JASA 82, 1987): its distribution depends on
        which bounds the truth meets. So the p-value is the largest of those at the fit within the bounds and
        at each of their edges and corners in a likelihood region of 99.9%, 1,999 draws at each, and
        .001 more for what the region may miss: Berger and Boos, JASA 89 (1994). Where exp(-x/2), or its like
        for several rates, is less, it is that: Chernoff, Ann. Math. Stat. 23 (1952).

    Examples:
        >>> from jaxmle import Bounds, Counts, bounds_test
        >>> counts = Counts(tp=70, fn=8, fp=14, tn=108, unlabeled_pos=4100, unlabeled_neg=5900)
        >>> print(f"{bounds_test(counts, Bounds(tpr=(0.5, 0.7))).p_value:.4f}")
        0.0000
    """
    check_labels(labels, calibration)
    check_seed(seed)
    check_engine(engine)
    problem, shape = checked_problem(counts, bounds, calibration)
    if not whole_numbers(problem.counts):
        raise ValueError(
            "`counts` must be whole numbers: weighted items cannot be drawn anew from their sums."
        )
    bounded = fit_flat(problem, calibration, engine=engine)
    unbounded = fit_flat(problem.unbounded(), calibration, engine=engine)
    statistic = np.maximum(2 * (unbounded.log_likelihood - bounded.log_likelihood), 0)
    p_value = bounds_p_values(
        bounded, statistic, np.ones(problem.size, bool), labels=labels, seed=seed, engine=engine
    )
    return shaped(BoundsTest(p_value, statistic, bounded, unbounded), shape)


def bounds_p_values(
    bounded: Fit,
    statistic: Array,
    simulated: Array,
    *,
    labels: Labels,
    seed: int,
    engine: Engine | None = None,
) -> Array:
    """p-values of data against their bounds, shape ``(B,)``.

    Args:
        bounded: Fits within the bounds, of whole numbers where they are to be simulated.
        statistic: Twice the log-likelihood that the bounds cost, shape ``(B,)``.
        simulated: Whose p-values to simulate; the others get the upper limit of `tail_limit`.
        labels: "random" or "by-verdict".
        seed: Seed of the simulation.
        engine: "numpy", "jax", or None.
    """
    problem, calibration = Problem(bounded.counts, bounded.bounds), bounded.calibration
    p_value = tail_limit(statistic, n_bounded(problem.bounds))
    todo = np.flatnonzero((statistic > _SAME) & simulated)
    if not todo.size:
        return p_value
    part, own = problem.take(todo), np.asarray(statistic)[todo]
    owner, params = _null_points(part, bounded[todo], engine)
    points, design = part.take(owner), design_of(calibration, labels)
    tail = simulate(
        law_of_params(params, points.counts, design),
        points.unbounded().bounds,
        points.bounds,
        # All points of a data set share their uniforms.
        streams(part)[owner],
        lambda drawn, _, __, seen: (1 + (drawn >= seen[:, None] - TIE).sum(1)) / (1 + _DRAWS),
        calibration=calibration,
        design=design,
        seed=seed,
        stream=_STREAM,
        n_draws=_DRAWS,
        extra=(own[owner],),
        engine=engine,
    )
    largest = np.zeros(len(todo))
    np.maximum.at(largest, owner, tail)
    p_value[todo] = np.minimum(p_value[todo], largest + _MISSED)
    return p_value


def tail_limit(statistic: ArrayLike, bounded: ArrayLike) -> Array:
    """Upper limit of a p-value, for statistics that no simulation of a few thousand draws can tell apart.

    Twice the log-likelihood that a bound on a share costs exceeds x with a probability of at most exp(-x/2),
    whatever the number of trials, as a chi-square with two degrees of freedom does. For several rates the
    limit is that of the sum of as many of these.

    Source: Chernoff, Ann. Math. Stat. 23 (1952), for each share.
    """
    half = np.asarray(statistic, np.float64) / 2
    rates = np.asarray(bounded)
    terms = [np.ones_like(half), half, half**2 / 2]
    total = sum(np.where(rates > i, term, 0.0) for i, term in enumerate(terms))
    return np.where(rates > 0, np.minimum(np.exp(-half) * total, 1.0), 1.0)


def n_bounded(bounds: Bounds) -> Array:
    """How many of the three rates have a bound within (0, 1), shape ``(B,)``."""
    return bound_ends(bounds)[1].any(-1).sum(-1)


def bound_ends(bounds: Bounds) -> tuple[Array, Array]:
    """Ends of the bounds, and which of them say something, shape ``(B, 3, 2)``: rates by low and high."""
    pairs = (bounds.failure_rate, bounds.tpr, bounds.fpr)
    ends = np.stack([np.stack(pair, -1) for pair in pairs], -2)
    return ends, (ends > 0) & (ends < 1)


def _null_points(problem: Problem, bounded: Fit, engine: Engine | None) -> tuple[Array, Params]:
    """Rates within the bounds at which to ask how often data contradict them as much.

    Returns:
        The number of the data set that each point belongs to, shape ``(P,)``, and the rates.
    """
    ends, is_bound = bound_ends(problem.bounds)
    fitted = np.stack([bounded.failure_rate, bounded.tpr, bounded.fpr], -1)
    elsewhere = is_bound & (np.abs(ends - fitted[..., None]) > _SAME)
    # Every rate is free within its bounds, at its lower or at its upper bound: 27 edges and corners.
    allowed = np.concatenate([np.ones_like(fitted, bool)[..., None], elsewhere], -1)
    sides = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    owner, place = np.nonzero(np.all(allowed[:, np.arange(3), sides], -1))
    side, low, high = sides[place], ends[owner, :, 0], ends[owner, :, 1]
    low, high = np.where(side == 2, high, low), np.where(side == 1, low, high)
    pairs = list(zip(low.T, high.T, strict=True))
    known = Problem(problem.counts[owner], Bounds(failure_rate=pairs[0], tpr=pairs[1], fpr=pairs[2]))
    found = fit_flat(known, bounded.calibration, engine=engine)
    cost = 2 * (np.asarray(bounded.log_likelihood)[owner] - found.log_likelihood)
    kept = (cost <= _PLAUSIBLE[n_bounded(problem.bounds)[owner]]) | (place == 0)
    params = Params(*(np.asarray(x)[kept] for x in (found.failure_rate, found.tpr, found.fpr)))
    return owner[kept], params


def identified_set(
    counts: Counts | HasCounts, bounds: Bounds | None = None, *, calibration: Calibration = "internal"
) -> Interval:
    """Failure rates that the bounds alone allow, given how often the judge flags.

    Human labels are left out, except that in the internal design their judge verdicts count. Nothing is
    added for sampling error; `profile_interval` of counts without labels does that.

    Args:
        counts: Counts, any batch shape ``(...)``, with at least one judge verdict that counts, or what
            `tables.count` returns.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        calibration: "internal" or "external", as in `fit`.

    Returns:
        The set as an interval without an estimate: no point of it is likelier than another. Where no judge
        within the bounds flags as often as was seen, the set of those that come nearest.

    Raises:
        ValueError: ``calibration`` is unknown; shapes do not match; a data set has no judge verdict that
            counts, or is impossible within the bounds.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Source:
        Bounds on a rate from a fallible test: Rogan and Gladen, Am. J. Epidemiol. 107 (1978), solved for the
        failure rate over all TPR and FPR within the bounds; Manski, Partial Identification (2003).

    Examples:
        >>> from jaxmle import Bounds, Counts, identified_set
        >>> counts = Counts(0, 0, 0, 0, unlabeled_pos=1200, unlabeled_neg=8800)
        >>> result = identified_set(counts, Bounds(tpr=(0.8, 0.9), fpr=(0.02, 0.06)))
        >>> f"{result.low:.4f} {result.high:.4f}"
        '0.0714 0.1282'
    """
    c = Counts(*(np.asarray(x, np.float64) for x in counts_of("counts", counts).values()))
    flags, passes = c.unlabeled_pos, c.unlabeled_neg
    if calibration == "internal":
        flags, passes = flags + c.tp + c.fp, passes + c.fn + c.tn
    none = np.zeros_like(flags)
    if np.any(flags + passes <= 0):
        which = "unlabelled " if calibration == "external" else ""
        raise ValueError(
            f"`counts` must hold at least one {which}judge verdict{slice_label(flags + passes <= 0)}."
        )
    flagged = Counts(none, none, none, none, flags, passes)
    problem, shape = checked_problem(flagged, bounds, calibration)
    low, high = (plain(np.asarray(x).reshape(shape)) for x in fit_flat(problem, calibration).failure_rate_set)
    return Interval(None, low, high, None, "identified set")


def contradicted(free: Fit, engine: Engine | None = None, unbounded: ArrayLike | None = None) -> Array:
    """Whether bounds cost so much likelihood that chance does not explain it, shape ``(B,)``.

    ``unbounded`` holds the maximal log-likelihoods without bounds, where they are known.
    """
    if unbounded is None:
        problem = Problem(free.counts, free.bounds).unbounded()
        unbounded = fit_flat(problem, free.calibration, engine=engine).log_likelihood
    return 2 * (np.asarray(unbounded) - free.log_likelihood) > SURELY


def contradicts(counts: Counts, bounds: Bounds, *, calibration: Calibration) -> Array:
    """Whether data surely contradict the bounds, shape ``(...)``; `bounds_test` has the p-value."""
    problem, shape = checked_problem(counts, bounds, calibration)
    return contradicted(fit_flat(problem, calibration)).reshape(shape)


def check_bounds(
    bounded: Fit, unbounded: ArrayLike, *, labels: Labels, seed: int, engine: Engine | None = None
) -> tuple[Array, Array]:
    """p-values of `bounds_test` as far as they matter at the 1% level, and what contradicts its bounds.

    The last data set is tested by itself, the others share the 1% (Holm); whatever contradicts its bounds
    beyond all chance is told in any number. p-values that cannot matter are not simulated but bounded from
    above, and so are all of many slices.

    Args:
        bounded: Fits within the bounds, shape ``(B,)``. Counts that are not whole, effective ones, are
            rounded for the simulation.
        unbounded: Maximal log-likelihoods without bounds, shape ``(B,)``.
        labels: "random" or "by-verdict".
        seed: Seed of the simulation.
        engine: "numpy", "jax", or None.
    """
    statistic = _cost(bounded, unbounded)
    simulated = statistic > _UNREMARKABLE
    if len(statistic) > _FEW + 1:
        simulated[:-1] = False
    tested, own = bounded, statistic
    if simulated.any() and not whole_numbers(bounded.counts):
        rounded = Problem(tree_map(np.round, bounded.counts), bounded.bounds)
        simulated &= rounded.counts.n_labeled + rounded.counts.n_unlabeled > 0
        held, free = (
            fit_flat(problem, bounded.calibration, engine=engine)
            for problem in (rounded, rounded.unbounded())
        )
        tested = held
        own = np.where(simulated, np.maximum(2 * (free.log_likelihood - held.log_likelihood), 0), statistic)
    p_value = bounds_p_values(tested, own, simulated, labels=labels, seed=seed, engine=engine)
    adjusted = p_value.copy()
    adjusted[:-1] = adjust_p_values(p_value[:-1], "holm")
    return p_value, (adjusted <= _SAID_AT) | (statistic > SURELY)


def check_part(
    bounded: Fit, unbounded: ArrayLike, *, n_slices: int, labels: Labels, seed: int, engine: Engine | None
) -> tuple[Array, Array]:
    """p-values of `check_bounds` for a part of ``n_slices`` slices, and what they contradict beyond chance.

    Which of the others contradict their bounds is told by `contradicting_p_value` of all p-values.
    """
    statistic = _cost(bounded, unbounded)
    simulated = (statistic > _UNREMARKABLE) & (n_slices <= _FEW)
    p_value = bounds_p_values(bounded, statistic, simulated, labels=labels, seed=seed, engine=engine)
    return p_value, statistic > SURELY


def contradicting_p_value(p_value: Array, n_slices: int) -> float:
    """Largest p-value that contradicts its bounds (Holm), of the small ones among ``n_slices``; -1 if none.

    Args:
        p_value: All p-values up to the 1% of the test, shape ``(B,)``.
        n_slices: How many slices there are.
    """
    whole = np.concatenate([p_value, np.ones(n_slices - len(p_value))])
    return float(np.max(whole, where=adjust_p_values(whole, "holm") <= _SAID_AT, initial=-1.0))


def _cost(bounded: Fit, unbounded: ArrayLike) -> Array:
    return np.maximum(2 * (np.asarray(unbounded) - bounded.log_likelihood), 0)
