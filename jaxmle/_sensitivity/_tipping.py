"""Where between two bounds the verdict flips."""

import numpy as np

from jaxmle._sensitivity._bound_scan import OK, UNIDENTIFIED, BoundScan, ScanResult, Verdicts
from jaxmle._types import Array

# Each round cuts a piece into so many; three of them tell the place to 1/4096 of a step of the grid.
_CUTS = 16
_ROUNDS = 3


def verdict_changes(found: ScanResult | Verdicts) -> Array:
    """Whether the verdict differs between neighbours, both of which have one, along the last axis."""
    decided = (found.status == OK) | (found.status == UNIDENTIFIED)
    return decided[..., 1:] & decided[..., :-1] & (found.certified[..., 1:] != found.certified[..., :-1])


def tipping_share(scan: BoundScan, start: Array, stop: Array) -> Array:
    """Share of the way from the bounds ``start`` to ``stop`` at which the verdict flips.

    Args:
        scan: What is asked; it has a limit.
        start: Bounds of shape ``(K, 6)``.
        stop: Bounds of shape ``(K, 6)``, with the other verdict.

    Returns:
        Shares in [0, 1], shape ``(K,)``.
    """
    size = len(start)
    if not size:
        return np.zeros(0)
    before = scan.verdicts(start).certified
    low, width = np.zeros(size), np.ones(size)
    steps = np.arange(1, _CUTS) / _CUTS
    for _ in range(_ROUNDS):
        share = low[:, None] + width[:, None] * steps
        ends = start[:, None] + share[..., None] * (stop - start)[:, None]
        same = scan.verdicts(ends.reshape(-1, 6)).certified.reshape(share.shape) == before[:, None]
        # Pieces whose ends agree with the start, up to the first that does not.
        passed = np.cumprod(same, axis=1).sum(1)
        low += width * passed / _CUTS
        width /= _CUTS
    return low + width / 2
