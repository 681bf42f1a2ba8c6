"""What every solver returns, and the one test by which its answer is accepted."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from jaxmle._arrays import namespace, pytree, take, tree_map
from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import duality_gap, half_gaps, log_likelihood_at, rounded_up
from jaxmle._results import Batch
from jaxmle._stats import flag_rate
from jaxmle._types import Array

SolverName = Literal["flag_rate", "projected_gradient"]
SOLVERS: tuple[str, ...] = get_args(SolverName)

# Gap per item, in float64, at which a solver's answer is accepted.
PER_ITEM = {"flag_rate": 1e-10, "projected_gradient": 1e-8}


@pytree
@dataclass(frozen=True, eq=False)
class Solution(Batch):
    """Maximum of the likelihood within bounds, with the proof of how near it is.

    Attributes:
        params: Failure rate, TPR and FPR, within the bounds, shape ``(...)``.
        log_likelihood: Log-likelihood there, in nats, shape ``(...)``.
        gap: Duality gap per item: the log-likelihood per item lies at most this far below its
            maximum, shape ``(...)``.
        converged: Whether the gap is within the solver's tolerance, shape ``(...)``.
    """

    params: Params
    log_likelihood: Array
    gap: Array
    converged: Array


def check_solver(solver: str) -> None:
    """Raise ``ValueError`` unless ``solver`` names one."""
    if solver not in SOLVERS:
        raise ValueError(f"`solver` must be one of {', '.join(map(repr, SOLVERS))}; got {solver!r}.")


def tolerance(counts: Counts, per_item: float) -> Array:
    """Gap per item at which a fit is accepted.

    ``per_item``, and where labels are few among many items at most a millionth of a nat per label:
    a billion verdicts would otherwise drown what the labels say.
    """
    xp = namespace(counts)
    labels = counts.tp + counts.fn + counts.fp + counts.tn
    total = labels + counts.unlabeled_pos + counts.unlabeled_neg
    eps = float(np.finfo(total.dtype).eps)
    cap = max(per_item, 1000 * eps)
    share = labels / xp.where(total > 0, total, 1)
    return xp.where(labels > 0, xp.clip(1e-6 * share, min(400 * eps, cap), cap), cap)


def judged(
    points: Params, counts: Counts, bounds: Bounds, calibration: Calibration, per_item: float
) -> Solution:
    """Certify the better of the candidates, which have a leading axis in the external design.

    There the feasible set is two convex halves, TPR >= FPR and TPR <= FPR. Each candidate bounds the
    log-likelihood over both, and the lower of the bounds counts.
    """
    xp = namespace(points, counts)
    total = sum(counts.values())
    if calibration == "internal":
        value = log_likelihood_at(points, counts, calibration)
        gap = duality_gap(points, counts, bounds, calibration=calibration)
        return Solution(points, value, gap, gap <= tolerance(counts, per_item))
    pair = two_points(points)
    values = [log_likelihood_at(point, counts, calibration) for point in pair]
    params, best = better(pair, values)
    possible = xp.isfinite(best)
    ceilings = []
    for point, value in zip(pair, values, strict=True):
        # A point of probability zero proves nothing.
        known = xp.isfinite(value) & possible
        # Above the better point, not above zero: what it proves itself is then free of the values' rounding.
        shift = xp.where(known, xp.where(known, value - best, 0) / total, 0)
        halves = half_gaps(point, counts, bounds)
        ceilings.append([xp.where(known, shift + gap, xp.inf) for gap in halves])
    top = xp.maximum(*(xp.minimum(*pair) for pair in zip(*ceilings, strict=True)))
    gap = xp.where(possible, rounded_up(top), xp.inf)
    return Solution(params, best, gap, gap <= tolerance(counts, per_item))


def two_points(points: Params) -> tuple[Params, Params]:
    """The two candidates of the external design, from their leading axis."""
    return take(points, 0), take(points, 1)


def better(points: tuple[Params, Params], values: list[Array]) -> tuple[Params, Array]:
    """The likelier of two points and its log-likelihood."""
    xp, first = namespace(values), values[0] >= values[1]
    return tree_map(lambda a, b: xp.where(first, a, b), *points), xp.where(first, *values)


def limit_rates(params: Params, counts: Counts, bounds: Bounds, *, unlabeled_only: bool = False) -> Params:
    """Where no failures (or no passes) are left, give their rate its value in the limit.

    At theta = 0 the likelihood does not depend on TPR. The maximizer at a small theta > 0 has the
    TPR at which the likelihood falls least, an end of its bounds; shadow prices need that one.
    ``unlabeled_only`` leaves rates alone that labels tell of all the same, as in the external design.
    """
    xp = namespace(params, counts)
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    flagged = flag_rate(theta, tpr, fpr)
    more, fewer = counts.unlabeled_pos * (1 - flagged), counts.unlabeled_neg * flagged
    # Where the flags are explained rounding would decide, so that the rates stay.
    tied = xp.abs(more - fewer) <= 8 * np.finfo(theta.dtype).eps * (more + fewer)
    more_flags = more >= fewer
    no_failures, no_passes = (theta <= 0) & ~tied, (theta >= 1) & ~tied
    if unlabeled_only:
        no_failures, no_passes = (
            no_failures & (counts.tp + counts.fn <= 0),
            no_passes & (counts.fp + counts.tn <= 0),
        )
    tpr = xp.where(no_failures, xp.where(more_flags, bounds.tpr[1], bounds.tpr[0]), tpr)
    fpr = xp.where(no_passes, xp.where(more_flags, bounds.fpr[1], bounds.fpr[0]), fpr)
    return Params(theta, tpr, fpr)
