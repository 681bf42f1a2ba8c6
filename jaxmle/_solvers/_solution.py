"""What every solver returns, and the one test by which its answer is accepted."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import duality_gap, log_likelihood, score
from jaxmle._model._likelihood import ratio

SolverName = Literal["interior_point", "projected_gradient"]
SOLVERS: tuple[str, ...] = get_args(SolverName)

# Gap per item, in float64, at which a solver's answer is accepted.
PER_ITEM = {"interior_point": 1e-10, "projected_gradient": 1e-8}

# Solvers aim well below the gap at which a fit is accepted.
AIM = 3e-3

# Distance to a bound, as a share of the width, below which the bound itself is tried.
_SNAP = 1e-6
_SNAP_PRESSED = 1e-2


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Solution:
    """Maximum of the likelihood within bounds, with the proof of how near it is.

    Attributes:
        params: Failure rate, TPR and FPR, within the bounds, shape ``(...)``.
        log_likelihood: Log-likelihood there, in nats, shape ``(...)``.
        gap: Duality gap per item: the log-likelihood per item lies at most this far below its
            maximum, shape ``(...)``.
        converged: Whether the gap is within the solver's tolerance, shape ``(...)``.
    """

    params: Params
    log_likelihood: Any
    gap: Any
    converged: Any


def check_solver(solver: str) -> None:
    """Raise ``ValueError`` unless ``solver`` names one."""
    if solver not in SOLVERS:
        raise ValueError(f"`solver` must be one of {', '.join(map(repr, SOLVERS))}; got {solver!r}.")


def tolerance(counts: Counts, per_item: float) -> Any:
    """Gap per item at which a fit is accepted.

    ``per_item``, and where labels are few among many items at most a millionth of a nat per label:
    a billion verdicts would otherwise drown what the labels say.
    """
    labels = counts.tp + counts.fn + counts.fp + counts.tn
    total = labels + counts.unlabeled_pos + counts.unlabeled_neg
    eps = float(np.finfo(total.dtype).eps)
    cap = max(per_item, 1000 * eps)
    share = labels / jnp.where(total > 0, total, 1)
    return jnp.where(labels > 0, jnp.clip(1e-6 * share, min(400 * eps, cap), cap), cap)


def finish(
    params: Params, counts: Counts, bounds: Bounds, calibration: Calibration, per_item: float
) -> Solution:
    """Put a near-optimal point on the bounds it leans against and certify it."""
    accept = tolerance(counts, per_item)
    params = Params(
        *(
            _inside(x, low, high)
            for x, (low, high) in zip(param_values(params), bound_pairs(bounds), strict=True)
        )
    )
    gap = duality_gap(params, counts, bounds, calibration=calibration)
    snapped = _keep_flag_rate(_snap(params, counts, bounds, calibration, accept), params, bounds)
    if calibration == "internal":
        snapped = limit_rates(snapped, counts, bounds)
    snapped_gap = duality_gap(snapped, counts, bounds, calibration=calibration)
    better = snapped_gap <= jnp.maximum(gap, 0.1 * accept)
    params = jax.tree.map(lambda new, old: jnp.where(better, new, old), snapped, params)
    gap = jnp.where(better, snapped_gap, gap)
    value = log_likelihood(params, counts, calibration=calibration)
    return Solution(params, value, gap, gap <= accept)


def bound_sides(params: Params, bounds: Bounds) -> Bounds:
    """Which bounds hold with equality, as booleans in the form of ``Bounds``."""
    sides = [
        (x <= low, x >= high)
        for x, (low, high) in zip(param_values(params), bound_pairs(bounds), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(bounds), [side for pair in sides for side in pair])


def param_values(params: Params) -> tuple[Any, Any, Any]:
    """Failure rate, TPR and FPR, in this order."""
    return params.failure_rate, params.tpr, params.fpr


def bound_pairs(bounds: Bounds) -> tuple[Any, Any, Any]:
    """Bounds of failure rate, TPR and FPR, in this order."""
    return bounds.failure_rate, bounds.tpr, bounds.fpr


def _inside(x: Any, low: Any, high: Any) -> Any:
    """Clip into the bounds; what is not a number becomes the middle, to be refused by its gap."""
    return jnp.clip(jnp.where(jnp.isfinite(x), x, 0.5 * (low + high)), low, high)


def _snap(params: Params, counts: Counts, bounds: Bounds, calibration: Calibration, accept: Any) -> Params:
    """Move parameters to bounds that they touch, or are pushed against.

    Where labels are few among very many items, a solver stops at a distance from an active bound that
    costs less than its tolerance. Such a bound is known by its score, which pushes further than
    the labels resist.
    """
    slope = score(params, counts, calibration=calibration)
    total = sum(jax.tree.leaves(counts))
    theta, tpr, fpr = param_values(params)
    failures, passes = counts.tp + counts.fn, counts.fp + counts.tn
    resistance = (
        ratio(failures, theta**2) + ratio(passes, (1 - theta) ** 2),
        ratio(counts.tp, tpr**2) + ratio(counts.fn, (1 - tpr) ** 2),
        ratio(counts.fp, fpr**2) + ratio(counts.tn, (1 - fpr) ** 2),
    )
    moved = []
    rows = zip(param_values(params), param_values(slope), bound_pairs(bounds), resistance, strict=True)
    for x, push, (low, high), stiff in rows:
        width = high - low
        counts_for_something = jnp.abs(push) * width > accept * total

        def reached(
            distance: Any,
            push: Any,
            stiff: Any = stiff,
            width: Any = width,
            matters: Any = counts_for_something,
        ) -> Any:
            pressed = matters & (push >= stiff * distance) & (push * distance <= 4 * accept * total)
            return (distance <= _SNAP * width) | (pressed & (distance <= _SNAP_PRESSED * width))

        up, down = reached(high - x, push), reached(x - low, -push)
        moved.append(jnp.where(down, low, jnp.where(up, high, x)))
    return Params(*moved)


def _keep_flag_rate(snapped: Params, params: Params, bounds: Bounds) -> Params:
    """Let a free theta make up for moved rates: many verdicts hold the flag rate, few labels theta."""
    low, high = bounds.failure_rate
    theta, tpr, fpr = param_values(snapped)
    flagged = params.failure_rate * params.tpr + (1 - params.failure_rate) * params.fpr
    spread = tpr - fpr
    free = (theta > low) & (theta < high) & (jnp.abs(spread) > 1e-3)
    kept = jnp.clip((flagged - fpr) / jnp.where(free, spread, 1), low, high)
    return Params(jnp.where(free, kept, theta), tpr, fpr)


def limit_rates(params: Params, counts: Counts, bounds: Bounds) -> Params:
    """Where no failures (or no passes) are left, give their rate its value in the limit.

    At theta = 0 the likelihood does not depend on TPR. The maximizer at a small theta > 0 has the
    TPR at which the likelihood falls least, an end of its bounds; shadow prices need that one.
    """
    theta, tpr, fpr = param_values(params)
    flagged = theta * tpr + (1 - theta) * fpr
    more_flags = counts.unlabeled_pos * (1 - flagged) >= counts.unlabeled_neg * flagged
    tpr = jnp.where(theta <= 0, jnp.where(more_flags, bounds.tpr[1], bounds.tpr[0]), tpr)
    fpr = jnp.where(theta >= 1, jnp.where(more_flags, bounds.fpr[1], bounds.fpr[0]), fpr)
    return Params(theta, tpr, fpr)
