"""Own labels and a reference together: the reference tells of the judge, at a discount."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from jaxmle._arrays import namespace, rebuilt, take, tree_map
from jaxmle._data import (
    Calibration,
    Counts,
    HasCounts,
    Params,
    Problem,
    counts_of,
    first_bad,
    host_number,
)
from jaxmle._engine import Engine, chosen_engine, kept_programs, map_batched, program
from jaxmle._inference._arguments import checked_problem, warn_user
from jaxmle._inference._bounds_test import SURELY
from jaxmle._inference._fit import Fit, fields_of_fit, fit_flat
from jaxmle._inference._profile import ProfileBranch, ProfileRoot, crossing
from jaxmle._model import log_likelihood_at, score_at
from jaxmle._solvers import MixedData, mixed_crossing, mixed_held, mixed_maximum, mixed_peak
from jaxmle._stats import divide
from jaxmle._types import Array, ArrayLike, Pair

T = TypeVar("T")

# Data sets a block: each is some hundreds of numbers while it is worked on. Of fewer NumPy's
# calls would take most of the time.
_WIDTH: dict[Engine, int] = {"numpy": 4096, "jax": 256}
# Fits without a second kind of label that take as long as one with it.
_COST = 250
# So many times as quick are maxima without a bound on their error, and those at a known failure rate.
_MAXIMUM, _HELD = 5, 50
# Likelihood-ratio statistics within which rates are as likely, and how the range grows from one to the other
# where there is a peak: as the root of their ratio, .01; on a plateau hardly.
_LEVEL, _LATER, _PLATEAU, _IDENTIFIED_WITHIN = 1e-7, 1e-3, 0.1, 1e-7
# Chi-square with one degree of freedom, and with two, exceeds these in 1% of cases.
_AT_ODDS = (6.63, 9.21)


def checked_external(
    external: Counts | HasCounts | None,
    discount: ArrayLike,
    problem: Problem,
    shape: tuple[int, ...],
    calibration: Calibration,
) -> Counts | None:
    """Labels of the reference at their discount, flat; None where there is none.

    Raises:
        ValueError: ``discount`` is not in (0, 1], or comes alone; ``calibration`` is "external"; shapes do
            not match; or the bounds give the reference's labels probability zero.
        TypeError: ``external`` is no `Counts`.
    """
    share = host_number("discount", discount)
    first_bad("discount", share, ~((np.asarray(share) > 0) & (np.asarray(share) <= 1)), "in (0, 1]")
    if external is None:
        if np.any(np.asarray(share) != 1):
            raise ValueError("`discount` goes with `external`, the counts of a labelled reference; got none.")
        return None
    if calibration != "internal":
        raise ValueError(
            '`external` goes with `calibration` "internal": where all labels come from elsewhere, add both '
            'counts and use calibration="external" alone.'
        )
    external = counts_of("external", external)
    none = np.zeros(())
    cells = [np.asarray(x, np.float64) * np.asarray(share) for x in external.values()[:4]]
    try:
        flat = [np.broadcast_to(x, shape).reshape(-1) for x in (*cells, none, none)]
    except ValueError:
        raise ValueError(
            f"`external` and `discount` must have shape () or match the counts' {shape}; got "
            f"{external.shape} and {np.shape(share)}."
        ) from None
    found = Counts(*flat)
    checked_problem(_together(problem.counts, found), problem.bounds, "external")
    return found


def _together(counts: Counts, external: Counts) -> Counts:
    """What bears on the judge: labels of both kinds, and the flags."""
    return rebuilt(
        counts, {name: x + y for (name, x), y in zip(vars(counts).items(), external.values(), strict=True)}
    )


def _by_labels(counts: Counts, alone: Callable[[Array], T], both: Callable[[Array], T]) -> T:
    """Data sets without own labels, which are the external design, and those with them, in their order."""
    bare = counts.n_labeled <= 0
    if bare.all() or not bare.any():
        return (alone if bare.all() else both)(np.arange(len(bare)))
    first, second = np.flatnonzero(bare), np.flatnonzero(~bare)
    order = np.argsort(np.concatenate([first, second]), kind="stable")
    return tree_map(
        lambda x, y: np.concatenate([np.asarray(x), np.asarray(y)])[order], alone(first), both(second)
    )


def fit_mixed(problem: Problem, external: Counts, engine: Engine | None = None) -> Fit:
    """Fit checked problems with own labels and those of a reference, at their discount."""
    together = Problem(_together(problem.counts, external), problem.bounds)

    def alone(index: Array) -> Fit:
        return _said(fit_flat(together.take(index), "external", engine=engine), index)

    def both(index: Array) -> Fit:
        own = problem.take(index)
        found = _run(_estimate, _arrays(own, take(external, index)), engine)
        return _said(_fit_of(found, own), index)

    def _said(found: Fit, index: Array) -> Fit:
        given = {"counts": problem.take(index).counts, "external": take(external, index)}
        return rebuilt(found, {**given, "calibration": "internal"})

    return _by_labels(problem.counts, alone, both)


def _fit_of(found: tuple[object, ...], problem: Problem) -> Fit:
    made: Callable[..., Fit] = Fit
    return made(*found, *problem, "internal")


def _arrays(problem: Problem, external: Counts) -> list[Array]:
    counts = problem.counts
    own = [counts.tp + counts.fn, counts.fp + counts.tn]
    return [*Problem(_together(counts, external), problem.bounds).arrays(), *own]


def _data(arrays: list[Array]) -> MixedData:
    counts, bounds = Problem.of(arrays[:12])
    return MixedData(counts, arrays[12], arrays[13], bounds)


def _estimate(arrays: list[Array]) -> tuple[object, ...]:
    """All of `Fit` but the problem itself: the part that is compiled."""
    xp, data = namespace(arrays), _data(arrays)
    solution = mixed_maximum(data)
    p = solution.params
    slope = score_at(p, data.counts, "external")
    own = divide(data.failures, p.failure_rate) - divide(data.passes, 1 - p.failure_rate)
    slope = Params(slope.failure_rate + own, slope.tpr, slope.fpr)
    low, high, first, last = _within(data, solution.log_likelihood, p)
    identified = high - low <= xp.maximum(_PLATEAU * (last - first), _IDENTIFIED_WITHIN)
    ends = xp.where(identified, p.failure_rate, low), xp.where(identified, p.failure_rate, high)
    return fields_of_fit(solution, data.bounds, slope, identified, ends)


def _within(data: MixedData, best: Array, p: Params) -> Array:
    """Outermost failure rates, below and above, within the two levels of the maximum, shape ``(4, B)``."""
    xp, (low, high) = namespace(best), data.bounds.failure_rate

    def four_times(tree: T) -> T:
        return tree_map(lambda x: xp.concatenate([x] * 4), tree)

    stop = xp.concatenate([low, high, low, high])
    cutoff = xp.repeat(xp.asarray([_LEVEL, _LATER]), 2 * len(best))
    return mixed_crossing(*four_times((data, best, p.failure_rate)), stop, cutoff)[0].reshape(4, -1)


def mixed_crossings(
    branch: ProfileBranch, external: Counts, target: Array, engine: Engine | None = None
) -> ProfileRoot:
    """Where the likelihood-ratio statistics reach ``target``, outermost; as `crossing`."""
    problem = branch.problem

    def alone(index: Array) -> ProfileRoot:
        part = branch.take(index)
        together = Problem(_together(part.problem.counts, take(external, index)), part.problem.bounds)
        return crossing(part._replace(problem=together), target[index], "external", engine)

    def both(index: Array) -> ProfileRoot:
        own, some = problem.take(index), take(external, index)
        more = [branch.best[index], branch.start[index], branch.stop[index], target[index]]
        rate, at_bound = _run(_crossing, [*_arrays(own, some), *more], engine)
        none, nan = np.ones(len(index), bool), np.zeros(len(index))
        return ProfileRoot(rate, nan, nan, np.where(at_bound, 0.0, target[index]), at_bound, none)

    return _by_labels(problem.counts, alone, both)


def _crossing(arrays: list[Array]) -> Pair:
    return mixed_crossing(_data(arrays[:14]), *arrays[14:])


def mixed_statistic(free: Fit, rate: Array, engine: Engine | None = None) -> Array:
    """Likelihood-ratio statistics of failure rates."""
    problem, external = Problem(free.counts, free.bounds), free.external
    assert external is not None
    held = mixed_maxima(problem.at(rate), external, engine, held=True)[0]
    return np.maximum(2 * (np.asarray(free.log_likelihood) - held), 0.0)


def mixed_maxima(
    problem: Problem, external: Counts, engine: Engine | None = None, held: bool = False
) -> tuple[Array, Params]:
    """Maximal log-likelihoods and where they are, shape ``(B,)``: less than `fit_mixed`, and quicker.

    ``held`` says that all failure rates are known.
    """

    def alone(index: Array) -> tuple[Array, Params]:
        together = Problem(_together(problem.counts, external), problem.bounds)
        found = fit_flat(together.take(index), "external", engine=engine)
        return np.asarray(found.log_likelihood), Params(found.failure_rate, found.tpr, found.fpr)

    def both(index: Array) -> tuple[Array, Params]:
        arrays = _arrays(problem.take(index), take(external, index))
        return _run(_held if held else _maximum, arrays, engine, _COST // (_HELD if held else _MAXIMUM))

    return _by_labels(problem.counts, alone, both)


def _maximum(arrays: list[Array]) -> tuple[Array, Params]:
    return mixed_peak(_data(arrays))


def _held(arrays: list[Array]) -> tuple[Array, Params]:
    return mixed_held(_data(arrays))


def _run(
    function: Callable[[list[Array]], T], arrays: list[Array], engine: Engine | None, cost: int = _COST
) -> T:
    engine = chosen_engine(cost * len(arrays[0]), engine)
    return map_batched(_program(function, engine), arrays, _WIDTH[engine], engine=engine)


@kept_programs
def _program(function: Callable[[list[Array]], T], engine: Engine) -> Callable[[list[Array]], T]:
    return program(function, engine, "little")


def warn_of_odds(found: Fit) -> Array:
    """Warn where own labels and the reference are at odds about the judge, beyond the 1% level.

    Returns:
        Where they are so surely, shape ``(B,)``: then they tell nothing together.
    """
    problem, external = Problem(found.counts, found.bounds), found.external
    assert external is not None
    own = np.asarray(fit_flat(problem, "internal").log_likelihood)
    c, bounds = external, problem.bounds
    tpr = np.clip(divide(c.tp, c.tp + c.fn), *bounds.tpr)
    fpr = np.clip(divide(c.fp, c.fp + c.tn), *bounds.fpr)
    reference = log_likelihood_at(Params(np.zeros_like(own), tpr, fpr), external, "external")
    # As many rates are compared as both sets have labels for.
    o = problem.counts
    both = (o.tp + o.fn > 0) & (c.tp + c.fn > 0) & (o.fp + o.tn > 0) & (c.fp + c.tn > 0)
    statistic = 2 * (own + reference - np.asarray(found.log_likelihood))
    at_odds = statistic > np.where(both, _AT_ODDS[1], _AT_ODDS[0])
    if at_odds.any():
        many = "" if at_odds.size == 1 else f" of {np.count_nonzero(at_odds):,} of {at_odds.size:,} data sets"
        warn_user(
            f"own labels{many} and the reference tell different things of the judge (p < .01): give the "
            "reference less weight by `discount`, or leave `external` out."
        )
    return statistic > SURELY
