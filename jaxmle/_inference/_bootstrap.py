"""The bootstrap: slices times replicates as one flat batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, TypeAlias, get_args

import numpy as np

from jaxmle._arrays import leaves, namespace, pytree, rebuilt, take, tree_map
from jaxmle._data import (
    Bounds,
    Calibration,
    Clusters,
    Counts,
    HasCounts,
    Params,
    Problem,
    check_confidence,
    obeys,
    slice_label,
)
from jaxmle._engine import (
    Engine,
    Progress,
    check_engine,
    chosen_engine,
    in_tiles,
    kept_programs,
    map_batched,
    program,
    progress_bar,
)
from jaxmle._inference._arguments import (
    check_labels,
    check_seed,
    check_whole,
    checked_problem,
    warn_user,
    whole_numbers,
)
from jaxmle._inference._bca import bca_levels
from jaxmle._inference._cluster_bootstrap import check_clusters, cluster_replicates
from jaxmle._inference._design_check import warn_of_design
from jaxmle._inference._fit import fit_flat
from jaxmle._inference._interval import Interval
from jaxmle._inference._simulate import drawing, keys_of, streams
from jaxmle._model import closed_form_of
from jaxmle._results import Batch, plain
from jaxmle._simulation import Design, Labels, Law, design_of, law_of_counts, law_of_params, tables_for
from jaxmle._solvers import SolverName, check_solver, maximize_in_bulk, maximum
from jaxmle._types import Array, Numbers, Pair

Method = Literal["percentile", "basic", "bca"]

# Replicates come in chunks with a random stream each, so that no result depends on the batch size.
_CHUNK = 1024
# Chunks solved at once: one number for all, as compiled code for another shape may round another way.
_WIDTH: dict[Engine, int] = {"numpy": 10, "jax": 5}
_BATCH = 1 << 23
# Replicates of one data set are held at once.
MOST_REPLICATES = 1 << 25
_STREAM = 2
_TOO_MANY_AT_BOUND = 0.05
# The same for all slices, or told by sorted replicates, estimates and places in the batch.
_Levels: TypeAlias = tuple[float, float] | Pair | Callable[[Array, Array, Array], Pair]


@pytree
@dataclass(frozen=True, eq=False)
class Bootstrap(Batch):
    """A bootstrap distribution of the failure rate.

    Attributes:
        interval: The interval, shape ``(...)``.
        standard_error: Standard deviation of the replicates, shape ``(...)``.
        share_at_bound: Share of the replicates whose estimate some bound holds, the ends of [0, 1] among
            them, or whose labels determine no estimate without bounds, shape ``(...)``. Above a few percent
            the interval is too short: use `profile_interval`.
        replicates: Failure rates, shape ``(..., n_resamples)``, or None where they were not to be kept.
        n_resamples: Number of replicates.
    """

    interval: Interval
    standard_error: Numbers
    share_at_bound: Numbers
    replicates: Array | None
    n_resamples: int = field(metadata={"static": True})

    def __str__(self) -> str:
        if np.ndim(self.standard_error):
            return str(self.interval)
        return (
            f"{self.interval}; standard error {self.standard_error:.4f}, at a bound {self.share_at_bound:.1%}"
        )


def bootstrap(
    counts: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    n_resamples: int = 10_000,
    confidence: float = 0.95,
    method: Method = "percentile",
    calibration: Calibration = "internal",
    labels: Labels = "random",
    parametric: bool = False,
    clusters: Clusters | None = None,
    solver: SolverName = "flag_rate",
    seed: int = 0,
    engine: Engine | None = None,
    batch_size: int | None = None,
    keep_replicates: bool = False,
    progress: bool = False,
) -> Bootstrap:
    """Bootstrap the constrained estimate: resample the items, refit every replicate.

    Items are resampled within the groups whose sizes the design fixes: labelled and unlabelled ones; with
    ``labels="by-verdict"`` labelled ones within each verdict; with ``calibration="external"`` within each
    true label. The bootstrap of an estimate that sits on a bound is not consistent and its intervals are too
    short: `profile_interval` is the interval to report, this one is for comparison and for standard errors.

    Args:
        counts: Counts, any batch shape ``(...)``, whole numbers unless there are ``clusters``; or
            what `tables.count` returns.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        n_resamples: Replicates of each data set, 2 to 2**25.
        confidence: Nominal coverage, in (0, 1).
        method: "percentile", "basic", or "bca" (bias-corrected and accelerated).
        calibration: "internal" or "external", as in `fit`.
        labels: "random", or "by-verdict" where the judge's verdict decided which items humans label.
        parametric: Whether to draw from the fitted model rather than from the items.
        clusters: Clusters whose sums the counts are. They are then what is resampled, within their slice, and
            counts may be sums of weights; methods "percentile" and "basic" only.
        solver: "flag_rate" or "projected_gradient".
        seed: Seed, a whole number >= 0. The same seed gives the same replicates bit for bit.
        engine: "numpy", "jax", or None for the size of the job to decide, as in `fit`.
        batch_size: Replicates held at once, >= 1,024 (2**23 by default), though never less than those of one
            data set; bounds memory and changes no result.
        keep_replicates: Whether to return the replicates.
        progress: Whether to show a bar on standard error where that is a terminal.

    Returns:
        The interval, the standard error, and the share of replicates at a bound.

    Raises:
        ValueError: An argument is out of range; counts are not whole numbers; shapes do not match; a data
            set is empty or impossible within the bounds, or does not determine its failure rate.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Warns:
        UserWarning: More than 5% of the replicates of some data set are at a bound.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14; for estimates at a
        bound, Andrews, Econometrica 68 (2000).

    Examples:
        >>> from jaxmle import Bounds, Counts, bootstrap
        >>> counts = Counts(tp=70, fn=8, fp=14, tn=108, unlabeled_pos=4100, unlabeled_neg=5900)
        >>> result = bootstrap(counts, Bounds(tpr=(0.7, 1.0), fpr=(0.0, 0.3)))
        >>> f"{result.standard_error:.3f} {result.interval.low:.2f}"
        '0.022 0.34'
    """
    level = check_confidence(confidence)
    if method not in get_args(Method):
        raise ValueError(f"`method` must be one of {', '.join(map(repr, get_args(Method)))}; got {method!r}.")
    check_solver(solver)
    check_labels(labels, calibration)
    check_seed(seed)
    check_whole("n_resamples", n_resamples, 2, MOST_REPLICATES)
    if batch_size is not None:
        check_whole("batch_size", batch_size, _CHUNK)
    check_engine(engine)
    problem, shape = checked_problem(counts, bounds, calibration)
    if clusters is not None:
        check_clusters(clusters, problem, shape, method, parametric)
    elif not whole_numbers(problem.counts):
        raise ValueError(
            "`counts` must be whole numbers: sums of weights cannot be drawn anew; use profile_interval."
        )
    if clusters is None:
        warn_of_design(problem.counts, calibration, labels)
    if solver == "projected_gradient":
        engine = "jax"
    engine = chosen_engine(problem.size * n_resamples, engine, compile_seconds=2)
    free = fit_flat(problem, calibration, engine=engine)
    if not np.all(free.identified):
        where = slice_label(~np.asarray(free.identified).reshape(shape))
        raise ValueError(
            f"`counts` do not determine the failure rate{where}, so there is no estimate to bootstrap; "
            "use profile_interval."
        )
    rates = np.asarray(free.failure_rate)
    design = design_of(calibration, labels)
    params = Params(free.failure_rate, free.tpr, free.fpr)
    law = (
        law_of_params(params, problem.counts, design) if parametric else law_of_counts(problem.counts, design)
    )
    levels: _Levels = ((1 - level) / 2, (1 + level) / 2)
    if method == "bca":
        z = -NormalDist().inv_cdf((1 - level) / 2)
        levels = bca_levels(problem, rates, calibration, labels, z, engine)
    size = len(rates)
    group = max(1, (batch_size or _BATCH) // n_resamples)
    parts = []
    with progress_bar(progress, size * -(-n_resamples // _CHUNK), "Resampling") as bar:
        run = _Run(design, calibration, solver, engine, seed, int(n_resamples), bar)
        for start in range(0, size, group):
            index = np.arange(start, min(start + group, size))
            if clusters is None:
                values, held = run(index, law, problem)
            else:
                values, held = run.over(clusters, index, problem)
            ends = _ends(values, rates[index], levels, index)
            kept = values if keep_replicates else None
            parts.append((*ends, values.std(1, ddof=1), held, kept))
    low, high, error, share = (np.concatenate([part[i] for part in parts]) for i in range(4))
    replicates = np.concatenate([part[4] for part in parts]) if keep_replicates else None
    if method == "basic":
        low, high = 2 * rates - high, 2 * rates - low
        low, high = (np.clip(end, *problem.bounds.failure_rate) for end in (low, high))
    _warn_at_bound(share)

    def out(x: Array) -> Array:
        return plain(x.reshape(shape))

    kind = "cluster " if clusters else "parametric " if parametric else ""
    name = f"{kind}bootstrap, {'BCa' if method == 'bca' else method}"
    return Bootstrap(
        interval=Interval(out(rates), out(low), out(high), float(confidence), name),
        standard_error=out(error),
        share_at_bound=out(share),
        replicates=None if replicates is None else replicates.reshape(*shape, n_resamples),
        n_resamples=int(n_resamples),
    )


@dataclass(frozen=True)
class _Run:
    design: Design
    calibration: Calibration
    solver: SolverName
    engine: Engine
    seed: int
    n_resamples: int
    progress: Progress | None

    def __call__(self, index: Array, law: Law, problem: Problem) -> Pair:
        """Replicates of the slices at ``index``, shape ``(S, n_resamples)``, and the share at a bound."""
        chunks = -(-self.n_resamples // _CHUNK)
        rows = np.repeat(index, chunks)
        own = np.repeat(streams(problem.take(index)), chunks)
        ids = np.stack([own, np.tile(np.arange(chunks), len(index))], -1).astype(np.uint32)
        tables = tables_for(take(law, index), self.design)
        draw = drawing(self.design, tables, _CHUNK, self.engine)
        solve = _solving(self.calibration, self.solver, self.engine)

        def call(part: list[Array]) -> Pair:
            values = iter(part[1:-6])
            own_law = tree_map(lambda _: next(values), law)
            found, free = solve(draw(keys_of(self.seed, _STREAM, part[0]), own_law), part[-6:])
            return np.asarray(found).reshape(-1, _CHUNK), np.asarray(free).reshape(-1, _CHUNK)

        flat = [ids, *(a[rows] for a in leaves(law)), *(a[rows] for a in leaves(problem.bounds))]
        values, free = map_batched(
            call, flat, _WIDTH[self.engine], engine=self.engine, progress=self.progress
        )
        values, free = (x.reshape(len(index), -1)[:, : self.n_resamples] for x in (values, free))
        return values, 1 - free.mean(1)

    def over(self, clusters: Clusters, index: Array, problem: Problem) -> Pair:
        """The same, resampling clusters."""
        values, free = cluster_replicates(
            clusters,
            index,
            problem,
            chunk=_CHUNK,
            n_resamples=self.n_resamples,
            seed=self.seed,
            stream=_STREAM,
            width=_WIDTH[self.engine],
            solve=_solving(self.calibration, self.solver, self.engine),
            engine=self.engine,
            progress=self.progress,
        )
        return values, 1 - free.mean(1)


@kept_programs
def _solving(calibration: Calibration, solver: SolverName, engine: Engine) -> Callable[..., Pair]:
    """Program from counts and bounds of chunks to failure rates, and to which of them no bound holds."""

    def fitted(problem: tuple[Counts, Bounds]) -> Pair:
        counts, bounds = problem
        direct = closed_form_of(counts, calibration)
        free = direct.exists & obeys(direct.params, bounds)
        if solver == "projected_gradient":
            return maximum(counts, bounds, calibration, solver).params.failure_rate, free
        return maximize_in_bulk(counts, bounds, calibration).failure_rate, free

    def solve(counts: Counts, ends: list[Array]) -> Pair:
        xp = namespace(counts)
        ends = [xp.repeat(end, _CHUNK) for end in ends]
        names = ("failure_rate", "tpr", "fpr")
        bounds = rebuilt(Bounds(), {name: tuple(ends[2 * i : 2 * i + 2]) for i, name in enumerate(names)})
        return fitted((counts, bounds)) if xp is np else in_tiles(fitted, (counts, bounds))

    return program(solve, engine)


def _ends(values: Array, estimate: Array, levels: _Levels, index: Array) -> Pair:
    """Quantiles of each row at two levels, interpolated linearly."""
    ordered = np.sort(values, 1)
    if callable(levels):
        levels = levels(ordered, estimate, index)
    ends = []
    for level in levels:
        place = np.broadcast_to(level, len(values)) * (values.shape[1] - 1)
        below = np.clip(np.floor(place).astype(int), 0, values.shape[1] - 2)
        row = np.arange(len(values))
        first, second = ordered[row, below], ordered[row, below + 1]
        ends.append(first + (place - below) * (second - first))
    return ends[0], ends[1]


def _warn_at_bound(share: Array) -> None:
    many = share > _TOO_MANY_AT_BOUND
    if np.any(many):
        which = f"{np.max(share):.0%} of the replicates"
        if share.size > 1:
            which = f"more than 5% of the replicates of {int(many.sum())} of {share.size} slices"
        warn_user(
            f"{which} are at a bound: the bootstrap interval is too short there; report profile_interval.",
        )
