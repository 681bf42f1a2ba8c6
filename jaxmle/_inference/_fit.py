"""The estimator for users: checked input, float64 throughout, plain numbers out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._inference._arguments import checked_arrays, plain
from jaxmle._inference._batch import Batch, first_few
from jaxmle._inference._blocks import compiler_options, in_blocks
from jaxmle._model import failure_rate_set, score
from jaxmle._solvers import SolverName, bound_sides, check_solver, maximize

# Batches go to the device in blocks of few sizes, so that memory stays bounded and few programs are compiled:
# one for short work, whose first answer comes soon, one for the throughput of thousands of fits.
_SMALL, _LARGE, _ACCELERATOR = 128, 8192, 1 << 15
# So many fits take about as long as starting threads for them.
_FEW = 512
_IDENTIFIED_WITHIN = 1e-7


@jax.tree_util.register_dataclass
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
    """

    failure_rate: Any
    tpr: Any
    fpr: Any
    log_likelihood: Any
    gap: Any
    converged: Any
    at_bound: Bounds
    shadow_price: Bounds
    identified: Any
    failure_rate_set: tuple[Any, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch shape: ``()`` for one data set."""
        return tuple(np.shape(self.failure_rate))

    @property
    def active_bounds(self) -> Any:
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
        bounds = ", ".join(self.active_bounds) or "none"
        low, high = self.failure_rate_set
        if not self.identified:
            return f"failure rate not identified: anything in [{low:.4f}, {high:.4f}] is equally likely"
        return (
            f"failure rate {self.failure_rate:.4f}, TPR {self.tpr:.4f}, FPR {self.fpr:.4f}; "
            f"active bounds: {bounds}; gap per item {self.gap:.1e}"
        )


def fit(
    counts: Counts,
    bounds: Bounds | None = None,
    *,
    calibration: Calibration = "internal",
    solver: SolverName = "interior_point",
) -> Fit:
    """Estimate failure rates, TPR and FPR by constrained maximum likelihood.

    Computed in float64 whatever the JAX configuration; a million data sets are one call.

    Args:
        counts: Counts, any batch shape ``(...)``, integer or float, >= 0.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        calibration: "internal" (default) where calibration items belong to the judged population
            and were chosen at random or by the judge's verdict; "external" where they come from
            elsewhere or were chosen by their true label (50 known failures, 50 known passes).
        solver: "interior_point" (default, exact), or "projected_gradient" of jaxopt.

    Returns:
        The estimates and their status: numbers for one data set, numpy arrays for a batch.

    Raises:
        ValueError: ``calibration`` or ``solver`` is unknown; shapes of counts and bounds do not
            match; a data set is empty; or the bounds give a data set probability zero.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Source:
        arXiv 2604.03257; see `maximize`.

    Examples:
        >>> from jaxmle import Bounds, Counts, fit
        >>> counts = Counts(tp=4, fn=1, fp=2, tn=43, unlabeled_pos=900, unlabeled_neg=9100)
        >>> result = fit(counts, Bounds(tpr=(0.80, 0.90), fpr=(0.05, 0.15)))
        >>> print(f"{result.failure_rate:.4f}", result.active_bounds)
        0.0540 ['tpr.low', 'fpr.low']
        >>> result.converged, result.gap < 1e-10, result.identified
        (True, True, True)
    """
    bounds = Bounds() if bounds is None else bounds
    check_solver(solver)
    arrays, shape = checked_arrays(counts, bounds, calibration)
    result = fit_flat(arrays, calibration, solver)
    return jax.tree.map(lambda x: plain(x.reshape(shape)), result)


def _estimate(leaves: list[Any], calibration: Calibration, solver: SolverName) -> Fit:
    """Fit flat arrays of one size: the part that is compiled."""
    counts, bounds = Counts(*leaves[:6]), Bounds(*((leaves[i], leaves[i + 1]) for i in (6, 8, 10)))
    solution = maximize(counts, bounds, calibration=calibration, solver=solver)
    p = solution.params
    at_bound = bound_sides(p, bounds)
    slope = score(p, counts, calibration=calibration)
    prices = []
    for name in ("failure_rate", "tpr", "fpr"):
        # A lower bound can only cost likelihood when raised, an upper bound only gain.
        gradient, (low, high) = getattr(slope, name), getattr(at_bound, name)
        prices += [jnp.where(low, jnp.minimum(gradient, 0), 0), jnp.where(high, jnp.maximum(gradient, 0), 0)]
    low, high = failure_rate_set(p, counts, bounds, calibration=calibration)
    return Fit(
        failure_rate=p.failure_rate,
        tpr=p.tpr,
        fpr=p.fpr,
        log_likelihood=solution.log_likelihood,
        gap=solution.gap,
        converged=solution.converged,
        at_bound=at_bound,
        shadow_price=jax.tree.unflatten(jax.tree.structure(at_bound), prices),
        identified=high - low <= _IDENTIFIED_WITHIN,
        failure_rate_set=(low, high),
    )


@cache
def _compiled(calibration: Calibration, solver: SolverName, small: bool) -> Callable[[list[Any]], Fit]:
    """Jit `_estimate`: for throughput, or where there is little to do for a short compilation."""
    return jax.jit(
        partial(_estimate, calibration=calibration, solver=solver), compiler_options=compiler_options(small)
    )


def fit_flat(
    leaves: list[Any], calibration: Calibration, solver: SolverName = "interior_point", like: int = 0
) -> Fit:
    """Fit trusted float64 arrays of shape ``(B,)``: six counts, then the six ends of the bounds.

    ``like`` is the size of a larger batch whose compiled program is to be used.
    """
    size, cpu = max(len(leaves[0]), like), jax.default_backend() == "cpu"
    small = size < _LARGE // 4 if cpu else size <= _SMALL
    width = _SMALL if small else _LARGE if cpu else _ACCELERATOR
    many = not small or len(leaves[0]) > _FEW
    return in_blocks(_compiled(calibration, solver, small), leaves, width, side_by_side=many)


def _rate_or_set(identified: bool, rate: float, low: float, high: float) -> str:
    return f"{rate:.4f}" if identified else f"[{low:.4f}, {high:.4f}]"


def _names(flags: Any) -> Any:
    if flags.ndim == 1:
        sides = [f"{name}.{end}" for name in ("failure_rate", "tpr", "fpr") for end in ("low", "high")]
        return [side for side, flag in zip(sides, flags, strict=True) if flag]
    return [_names(row) for row in flags]
