"""Random data sets of every size and shape, and the check of their fits by values at other points."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxmle import Bounds, Counts

Array = NDArray[np.float64]
# Points of each data set at which the log-likelihood is looked at.
_POINTS = 48
# Rounding of a sum of six terms, in units of the last place of the largest of them.
_ROUNDING = 64 * np.finfo(np.float64).eps


class Instances(NamedTuple):
    """Counts and bounds, shape ``(B,)``."""

    counts: Counts
    bounds: Bounds


def draw(rng: np.random.Generator, size: int) -> Instances:
    """Data sets as people have them and as nobody should: counts of 0 to 1e12 side by side, bounds that meet,
    that are 1e-12 apart, or that lie at 0 and 1."""
    kind = rng.integers(0, 4, size)[:, None]
    small = rng.integers(0, 12, (size, 6)).astype(float)
    usual = np.floor(10.0 ** rng.uniform(0, 5, (size, 6)))
    wild = 10.0 ** rng.uniform(-8, 12, (size, 6))
    cells = np.choose(np.broadcast_to(kind, (size, 6)), [small, usual, wild, np.where(rng.random((size, 6)) < 0.5, small, wild)])
    cells[rng.random((size, 6)) < 0.2] = 0.0
    cells[:, 4:][rng.random(size) < 0.1] = 0.0
    cells[:, :4][rng.random(size) < 0.05] = 0.0
    cells[cells.sum(1) == 0, 5] = 1.0
    ends = {name: _ends(rng, size) for name in ("failure_rate", "tpr", "fpr")}
    # Ranges of TPR and FPR that nearly touch: the corner where they meet.
    near = rng.random(size) < 0.15
    step = rng.choice([0.0, 1e-15, 1e-12, -1e-12, 1e-9, 1e-6], size)
    low = np.clip(ends["fpr"][1] + step, 0, 1)
    ends["tpr"] = (
        np.where(near, low, ends["tpr"][0]),
        np.where(near, np.maximum(low, ends["tpr"][1]), ends["tpr"][1]),
    )
    return Instances(Counts(*cells.T), Bounds(**ends))


def _ends(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    low = rng.choice([0.0, 1e-12, 1e-6, 0.5, 1 - 1e-12], size)
    low = np.where(rng.random(size) < 0.5, low, rng.random(size))
    width = np.choose(rng.integers(0, 5, size), [1.0, 0.0, 1e-12, 10.0 ** rng.uniform(-9, 0, size), rng.random(size)])
    high = np.minimum(low + width, 1.0)
    free = rng.random(size) < 0.3
    return np.where(free, 0.0, low), np.where(free, 1.0, high)


def value_per_item(counts: Counts, theta: Array, tpr: Array, fpr: Array, calibration: str) -> tuple[Array, Array]:
    """Log-likelihood over the number of items, written anew, and the size of its rounding error."""
    tp, fn, fp, tn, pos, neg = counts.values()
    failures, passes = theta, 1 - theta
    if calibration == "external":
        failures = passes = np.ones_like(theta)
    flagged = theta * tpr + (1 - theta) * fpr
    passed = theta * (1 - tpr) + (1 - theta) * (1 - fpr)
    pairs = (
        (tp, failures * tpr),
        (fn, failures * (1 - tpr)),
        (fp, passes * fpr),
        (tn, passes * (1 - fpr)),
        (pos, flagged),
        (neg, passed),
    )
    total = sum(counts.values())
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(n > 0, n / total * np.log(np.where(n > 0, p, 1.0)), 0.0) for n, p in pairs]
    return sum(terms), _ROUNDING * (1 + sum(np.abs(np.where(np.isfinite(term), term, 0)) for term in terms))


def points(rng: np.random.Generator, found: tuple[Array, Array, Array], bounds: Bounds) -> list[Array]:
    """Points within the bounds, shape ``(_POINTS, B)`` each: corners, others at random, and near the answer."""
    size = len(found[0])
    every = []
    for x, (low, high) in zip(found, (bounds.failure_rate, bounds.tpr, bounds.fpr), strict=True):
        low, high = (np.broadcast_to(end, (size,)) for end in (low, high))
        share = rng.random((_POINTS, size))
        share[: _POINTS // 4] = rng.integers(0, 2, (_POINTS // 4, size))
        at = low + share * (high - low)
        near = x * np.exp(rng.normal(size=(_POINTS, size)) * 10.0 ** rng.uniform(-9, 0, (_POINTS, size)))
        own = rng.random((_POINTS, size))
        at = np.where(own < 0.3, near, np.where(own < 0.5, x, at))
        every.append(np.clip(at, low, high))
    return every


def shortfall(rng: np.random.Generator, given: Instances, found: tuple[Array, Array, Array], calibration: str) -> Array:
    """How far above the value at the answer some other point lies, per item, beyond rounding."""
    own, error = value_per_item(given.counts, *found, calibration)
    other, other_error = value_per_item(given.counts, *points(rng, found, given.bounds), calibration)
    return np.max(other - own - error - other_error, 0)
