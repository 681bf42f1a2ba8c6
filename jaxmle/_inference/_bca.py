"""Quantile levels of the bias-corrected and accelerated bootstrap."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from jaxmle._data import Calibration, Problem
from jaxmle._engine import Engine
from jaxmle._inference._fit import fit_flat
from jaxmle._simulation import Labels
from jaxmle._types import Array, Pair

# Replicates equal to the estimate but for rounding count half.
_EQUAL = 1e-9


def bca_levels(
    problem: Problem,
    estimate: Array,
    calibration: Calibration,
    labels: Labels,
    z: float,
    engine: Engine | None,
) -> Callable[[Array, Array, Array], Pair]:
    """Prepare the levels: the acceleration from the jackknife, the bias from the replicates.

    Args:
        problem: Counts and bounds.
        estimate: Failure rates, shape ``(B,)``.
        calibration: "internal" or "external".
        labels: "random" or "by-verdict".
        z: Normal quantile of the confidence.
        engine: "numpy", "jax" or None.

    Returns:
        A function of sorted replicates ``(S, R)``, estimates ``(S,)`` and their places in the batch, which
        returns the two levels, each of shape ``(S,)``.

    Source:
        Efron, JASA 82 (1987); acceleration of several samples from Efron and Tibshirani (1993), eq. 14.15, as
        scipy.stats.bootstrap has it.
    """
    acceleration = _acceleration(problem, estimate, calibration, labels, engine)

    def levels(ordered: Array, estimate: Array, index: Array) -> Pair:
        near = _EQUAL * np.maximum(np.abs(estimate), 1e-3)[:, None]
        below = (ordered < estimate[:, None] - near).mean(1)
        equal = (np.abs(ordered - estimate[:, None]) <= near).mean(1)
        resamples = ordered.shape[1]
        share = np.clip(below + 0.5 * equal, 0.5 / resamples, 1 - 0.5 / resamples)
        bias = _inverse(share)
        a = acceleration[index]
        ends = []
        for s in (-z, z):
            shrink = 1 - a * (bias + s)
            # Beyond this point the correction turns round: the outermost replicate stands for it.
            moved = _normal(bias + (bias + s) / np.where(shrink > 0, shrink, 1))
            ends.append(np.where(shrink > 0, moved, 1.0 if s > 0 else 0.0))
        return ends[0], ends[1]

    return levels


def _acceleration(
    problem: Problem, estimate: Array, calibration: Calibration, labels: Labels, engine: Engine | None
) -> Array:
    counts = np.stack(problem.counts.values())
    # Leaving out one item of each kind; a kind with no items changes nothing and weighs nothing.
    rows = []
    for kind in range(6):
        fewer = counts.copy()
        fewer[kind] = np.maximum(fewer[kind] - 1, 0)
        rows.append(fewer)
    without = [np.concatenate([row[i] for row in rows]) for i in range(6)]
    ends = [np.tile(end, 6) for end in problem.arrays()[6:]]
    found = fit_flat(Problem.of([*without, *ends]), calibration, engine=engine)
    left_out = np.asarray(found.failure_rate).reshape(6, -1)
    groups = ((0, 1), (2, 3)) if calibration == "external" else ((0, 2), (1, 3))
    if calibration == "internal" and labels == "random":
        groups = ((0, 1, 2, 3),)  # type: ignore[assignment]
    cubes, squares = np.zeros_like(estimate), np.zeros_like(estimate)
    for group in (*groups, (4, 5)):
        rows_of = list(group)
        n = counts[rows_of].sum(0)
        safe = np.maximum(n, 1)
        mean = (counts[rows_of] * left_out[rows_of]).sum(0) / safe
        influence = (n - 1) * (mean - left_out[rows_of])
        cubes += (counts[rows_of] * influence**3).sum(0) / safe**3
        squares += (counts[rows_of] * influence**2).sum(0) / safe**2
    return np.where(squares > 0, cubes / (6 * np.where(squares > 0, squares, 1) ** 1.5), 0.0)


_normal = np.vectorize(NormalDist().cdf, otypes=[float])
_inverse = np.vectorize(NormalDist().inv_cdf, otypes=[float])
