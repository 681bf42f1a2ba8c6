"""The estimator for users: checked input, float64 throughout, plain numbers out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from jaxmle._arrays import namespace, pytree, rebuilt, tree_map
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Params, Problem, bound_sides
from jaxmle._engine import (
    Engine,
    check_engine,
    chosen_engine,
    in_tiles,
    kept_programs,
    map_batched,
    program,
    rows_a_block,
)
from jaxmle._inference._arguments import checked_problem, given_counts, given_reference, shaped
from jaxmle._inference._options import CertifyOptions, IntervalOptions
from jaxmle._model import failure_rate_set, score_at
from jaxmle._results import Batch, drawn, first_few
from jaxmle._solvers import Solution, SolverName, check_solver, maximum
from jaxmle._types import Array, ArrayLike, Flags, Numbers, Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jaxmle._inference._certificate import Certificate
    from jaxmle._inference._profile_interval import ProfileInterval
    from jaxmle._tables import Columns, Rows

# Data sets a block: on NumPy what stays in cache; compiled, few sizes, so that few programs are made: one for
# short work, whose first answer comes soon, one for the throughput of thousands of fits.
# On accelerators more, as memory allows.
_EAGER, _SMALL, _LARGE, _ACCELERATOR = 1 << 13, 128, 8192, (1 << 15, 1 << 20)
# So many fits take about as long as starting threads for them.
_FEW = 512
_IDENTIFIED_WITHIN = 1e-7
# Nats that a fit may fall short of its maximum where others are compared with it.
_ROUGH = 1e-3


@pytree
@dataclass(frozen=True, eq=False)
class Fit(Batch):
    """Constrained maximum-likelihood estimate with its status.

    Attributes:
        failure_rate: theta, the rate at which humans would find failures, shape ``(...)``.
        tpr: The judge's true positive rate, shape ``(...)``.
        fpr: The judge's false positive rate, shape ``(...)``.
        log_likelihood: Log-likelihood at the estimate, in nats, shape ``(...)``.
        gap: Duality gap per item: no point within the bounds has a log-likelihood per item that is
            higher by more than this, shape ``(...)``.
        converged: Whether the gap is within the solver's tolerance, shape ``(...)``.
        at_bound: Which bounds are active, as booleans in the form of `Bounds`:
            ``at_bound.tpr[0]`` is the lower bound of the TPR.
        shadow_price: d log-likelihood / d bound in the same form; 0 for a bound that is not active.
        identified: Whether data and bounds determine the failure rate, shape ``(...)``.
        failure_rate_set: Pair ``(low, high)``, each of shape ``(...)``: the failure rates of all
            maximizers. Where ``identified`` is False, report this set and not ``failure_rate``,
            which is only one point of it.
        counts: The counts that were fitted, shape ``(...)``.
        bounds: The bounds, shape ``(...)``.
        calibration: "internal" or "external".
        external: Labels of the reference that tell of the judge too, at their discount, shape ``(...)``; None
            without one.
    """

    failure_rate: Numbers
    tpr: Numbers
    fpr: Numbers
    log_likelihood: Numbers
    gap: Numbers
    converged: Flags
    at_bound: Bounds
    shadow_price: Bounds
    identified: Flags
    failure_rate_set: tuple[Numbers, Numbers]
    counts: Counts
    bounds: Bounds
    calibration: Calibration = field(metadata={"static": True})
    external: Counts | None = None

    def interval(self, **options: Unpack[IntervalOptions]) -> "ProfileInterval":
        """Interval of the failure rate: `profile_interval` without fitting again.

        Args:
            **options: Those of `profile_interval`, but for ``calibration``.

        Returns:
            The interval and its status, shape ``(...)``.

        Raises:
            ValueError: As `profile_interval`.
            TypeError: There is no such option.

        Source:
            See `profile_interval`.

        Examples:
            >>> from jaxmle import Counts, fit
            >>> result = fit(Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100))
            >>> print(result.interval(simulate=False))
            0.0808 [0.0359, 0.1530] (profile likelihood, chi-square)
        """
        from jaxmle._inference._profile_interval import interval_of_fit

        _only(IntervalOptions, options)
        return interval_of_fit(self, **options)

    def certify(self, limit: ArrayLike, **options: Unpack[CertifyOptions]) -> "Certificate":
        """Decide whether the failure rate is below a limit: `certify` without fitting again.

        Args:
            limit: The failure rate to stay under, in (0, 1), scalar or of the batch shape.
            **options: Those of `certify`, but for ``calibration``.

        Returns:
            Verdict, p-value and upper limit, shape ``(...)``.

        Raises:
            ValueError: As `certify`.
            TypeError: There is no such option.

        Source:
            See `certify`.

        Examples:
            >>> from jaxmle import Counts, fit
            >>> result = fit(Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100))
            >>> result.certify(0.3).certified
            True
        """
        from jaxmle._inference._certify import certify_fit

        _only(CertifyOptions, options)
        return certify_fit(self, limit=limit, **options)

    def plot(self, **options: object) -> "Axes":
        """Draw the profile likelihood of one data set with `plot_profile`.

        Args:
            **options: Those of `plot_profile`: ``interval``, ``limit``, ``ax``.

        Returns:
            The axes.

        Raises:
            ValueError: As `plot_profile`: the fit is of a batch, whose intervals `Interval.plot` draws.
            ImportError: matplotlib is not installed.

        Examples:
            >>> from matplotlib.figure import Figure
            >>> from jaxmle import Counts, fit
            >>> result = fit(Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100))
            >>> ax = result.plot(interval=result.interval(simulate=False), ax=Figure().subplots())
            >>> ax.get_xlabel()
            'Failure rate'
        """
        return drawn("plot_profile", self.counts, self.bounds, calibration=self.calibration, **options)

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch shape: ``()`` for one data set."""
        return tuple(np.shape(self.failure_rate))

    @property
    def active_bounds(self) -> list[str] | list[list[str]]:
        """Names of the active bounds, such as ``["tpr.low"]``; nested lists for a batch.

        Ends of [0, 1] are left out: a rate of 0 or 1 is not held there by what was claimed to be known.
        """
        ends = []
        for name in ("failure_rate", "tpr", "fpr"):
            value, (low, high) = getattr(self, name), getattr(self.at_bound, name)
            ends += [np.logical_and(low, np.greater(value, 0)), np.logical_and(high, np.less(value, 1))]
        return _names(np.stack(ends, -1))

    def __str__(self) -> str:
        if self.shape:
            rates = first_few(_rate_or_set, self.identified, self.failure_rate, *self.failure_rate_set)
            unknown = int(np.sum(~np.asarray(self.identified)))
            more = f" ({unknown:,} not identified)" if unknown else ""
            return (
                f"{self.shape} fits, {int(np.sum(self.converged)):,} converged; failure rates {rates}{more}"
            )
        bounds = ", ".join(map(str, self.active_bounds)) or "none"
        low, high = self.failure_rate_set
        if not self.identified:
            return f"failure rate not identified: anything in [{low:.4f}, {high:.4f}] is equally likely"
        return (
            f"failure rate {self.failure_rate:.4f}, TPR {self.tpr:.4f}, FPR {self.fpr:.4f}; "
            f"active bounds: {bounds}; gap per item {self.gap:.1e}"
        )


def fit(
    counts: "Counts | HasCounts | Rows",
    bounds: Bounds | None = None,
    *,
    calibration: Calibration = "internal",
    external: Counts | HasCounts | None = None,
    discount: ArrayLike = 1.0,
    solver: SolverName = "flag_rate",
    engine: Engine | None = None,
    **columns: "Unpack[Columns]",
) -> Fit:
    """Estimate failure rates, TPR and FPR by constrained maximum likelihood.

    Computed in float64 whatever the JAX configuration; a million data sets are one call. A few thousand are
    fitted at once, without importing JAX.

    Args:
        counts: Counts, any batch shape ``(...)``, integer or float, >= 0; what `tables.count` returns; or
            rows that it takes, such as a data frame, with the names of their columns.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        calibration: "internal" (default) where calibration items belong to the judged population
            and were chosen at random or by the judge's verdict; "external" where they come from
            elsewhere or were chosen by their true label (50 known failures, 50 known passes).
        external: Counts of a reference that humans labelled too, shape ``()`` or ``(...)``: it tells of TPR
            and FPR alone, beside the labels of ``counts``. Its unlabelled items are left out.
        discount: What a label of the reference counts for, in (0, 1], scalar or of the batch shape.
        solver: "flag_rate" (default, exact), or "projected_gradient" of jaxopt.
        engine: "numpy" computes at once, "jax" compiles first; None leaves it to the size of the job.
        **columns: Of rows: which column is what, and what verdicts mean: arguments of `tables.count`, such
            as ``judge``, ``human``, ``by`` and ``failure``. Slices make a batch.

    Returns:
        The estimates and their status: numbers for one data set, numpy arrays for a batch.

    Raises:
        ValueError: ``calibration``, ``solver`` or ``engine`` is unknown; shapes of counts and bounds do not
            match; a data set is empty; the bounds give a data set probability zero; ``discount`` is not in
            (0, 1]; ``external`` comes with ``calibration`` "external" or another solver; or, as
            `tables.count` says, rows cannot be counted.
        TypeError: ``counts`` is nothing that can be counted, or ``bounds`` not a `Bounds`.

    Warns:
        UserWarning: Rows were left out, such as those without a judge verdict; or own labels and the
            reference tell different things of the judge (1% level).

    Source:
        arXiv 2604.03257; see `maximize`. With ``external``: two more terms a rate, and the profile over the
        failure rate searched as a whole, for it may have two peaks (`jaxmle._solvers._mixed`).

    Examples:
        >>> from jaxmle import Bounds, Counts, fit
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100)
        >>> result = fit(counts, Bounds(tpr=(0.80, 0.90), fpr=(0.05, 0.15)))
        >>> print(f"{result.failure_rate:.4f}", result.active_bounds)
        0.0540 ['tpr.low', 'fpr.low']
        >>> result.converged, result.gap < 1e-10, result.identified
        (True, True, True)
        >>> rows = [{"judge": "fail", "human": "fail"}, {"judge": "pass", "human": None}]
        >>> fit(rows, judge="judge", human="human").counts
        Counts(tp=1.0, fn=0.0, fp=0.0, tn=0.0, unlabeled_pos=0.0, unlabeled_neg=1.0)
    """
    check_solver(solver)
    check_engine(engine)
    problem, shape = checked_problem(given_counts("fit", counts, columns), bounds, calibration)
    reference = given_reference(external, discount, problem, shape, calibration)
    if reference is not None:
        if solver != "flag_rate":
            raise ValueError(f'`solver` must be "flag_rate" with `external`; got {solver!r}.')
        from jaxmle._inference._mixed import fit_mixed, warn_of_odds

        mixed = fit_mixed(problem, reference, engine)
        warn_of_odds(mixed)
        return shaped(mixed, shape)
    return shaped(fit_flat(problem, calibration, solver=solver, engine=engine), shape)


def shadow_prices(slope: Params, at_bound: Bounds) -> Bounds:
    """What a bound at which the estimate lies would gain the log-likelihood, per unit; 0 for the others.

    A lower bound can only cost likelihood when raised, an upper bound only gain.
    """
    xp = namespace(slope)
    prices: dict[str, Pair] = {}
    for name in ("failure_rate", "tpr", "fpr"):
        gradient, (low, high) = getattr(slope, name), getattr(at_bound, name)
        prices[name] = (xp.where(low, xp.minimum(gradient, 0), 0), xp.where(high, xp.maximum(gradient, 0), 0))
    return rebuilt(at_bound, prices)


def _estimate(
    arrays: list[Array], calibration: Calibration, solver: SolverName, engine: Engine
) -> tuple[object, ...]:
    """Fit flat arrays of one size: the part that is compiled. All of `Fit` but the problem itself."""

    def solve(problem: Problem) -> Solution:
        return maximum(problem.counts, problem.bounds, calibration, solver)

    problem = Problem.of(arrays)
    counts, bounds = problem
    solution = solve(problem) if engine == "numpy" else in_tiles(solve, problem)
    slope = score_at(solution.params, counts, calibration)
    low, high = failure_rate_set(solution.params, counts, bounds, calibration=calibration)
    return fields_of_fit(solution, bounds, slope, high - low <= _IDENTIFIED_WITHIN, (low, high))


def fields_of_fit(
    solution: Solution, bounds: Bounds, slope: Params, identified: Array, ends: Pair
) -> tuple[object, ...]:
    """All fields of `Fit` but the problem itself, in their order."""
    p, at_bound = solution.params, bound_sides(solution.params, bounds)
    rates = p.failure_rate, p.tpr, p.fpr
    reached = solution.log_likelihood, solution.gap, solution.converged
    return *rates, *reached, at_bound, shadow_prices(slope, at_bound), identified, ends


@kept_programs
def _program(
    calibration: Calibration, solver: SolverName, engine: Engine, small: bool
) -> Callable[[list[Array]], tuple[object, ...]]:
    estimate = partial(_estimate, calibration=calibration, solver=solver, engine=engine)
    return program(estimate, engine, "little" if small else "much")


def fit_flat(
    problem: Problem,
    calibration: Calibration,
    *,
    solver: SolverName = "flag_rate",
    engine: Engine | None = None,
    program_size: int = 0,
) -> Fit:
    """Fit a checked problem.

    ``program_size`` is that of a larger batch whose compiled program is to be used.
    """
    size = max(problem.size, program_size)
    engine = chosen_engine(size, "jax" if solver == "projected_gradient" else engine)
    if engine == "numpy":
        small, width, many = True, _EAGER, False
    else:
        import jax

        cpu = jax.default_backend() == "cpu"
        small = size < _LARGE // 4 if cpu else size <= _SMALL
        width = _SMALL if small else _LARGE if cpu else rows_a_block(size, _ACCELERATOR)
        many = not small or problem.size > _FEW
    run = _program(calibration, solver, engine, small)
    found = map_batched(run, problem.arrays(), width, engine=engine, side_by_side=many)
    made: Callable[..., Fit] = Fit
    result = made(*found, *problem, calibration)
    impossible = np.flatnonzero(~np.isfinite(np.asarray(result.log_likelihood)))
    if engine == "numpy" or not impossible.size:
        return result
    # Verdicts so few among the others that the compiled point has no room for them.
    again = fit_flat(problem.take(impossible), calibration, engine="numpy")

    def mended(all_: Array, some: Array) -> Array:
        own = np.array(all_)
        own[impossible] = some
        return own

    return tree_map(mended, result, again)


def divided(free: Fit, problem: Problem, effect: ArrayLike) -> Fit:
    """The fit with counts divided by a design effect: so are log-likelihoods, and their maximum stays."""
    flat = np.asarray(effect, np.float64).reshape(-1)
    return replace(
        free,
        log_likelihood=free.log_likelihood / flat,
        shadow_price=tree_map(lambda price: price / flat, free.shadow_price),
        counts=problem.counts,
    )


def handed_on(fit: Fit) -> Fit | None:
    """A fit with flat arrays, to go on from; None where it is too rough for a likelihood ratio."""
    flat = tree_map(lambda x: np.asarray(x).reshape(-1), fit)
    items = flat.counts.n_labeled + flat.counts.n_unlabeled
    return flat if np.all(flat.gap * items <= _ROUGH) else None


def _only(known: type, options: Mapping[str, object]) -> None:
    """Refuse options that the public function does not have."""
    unknown = sorted(set(options) - set(known.__annotations__))
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; there are {', '.join(known.__annotations__)}.")


def _rate_or_set(identified: bool, rate: float, low: float, high: float) -> str:
    return f"{rate:.4f}" if identified else f"[{low:.4f}, {high:.4f}]"


def _names(flags: Array) -> list[Any]:
    if flags.ndim == 1:
        sides = [f"{name}.{end}" for name in ("failure_rate", "tpr", "fpr") for end in ("low", "high")]
        return [side for side, flag in zip(sides, flags, strict=True) if flag]
    return [_names(row) for row in flags]
