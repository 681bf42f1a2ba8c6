"""How much less the difference of two failure rates varies where both come from the same items."""

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Calibration, Counts, Pairs, Params
from jaxmle._inference import GROUPS, centred
from jaxmle._model import information, score
from jaxmle._types import Array

_INSIDE = 1e-7
_LEAST = 1e-12


def pair_effect(
    cells: Array, params: Array, held: Array, pairs: Pairs, calibration: Calibration, *, common: bool
) -> Array:
    """Ratio of the variance of the difference to what it would be if no item were in both sets.

    Args:
        cells: Twelve counts, six of each set, shape ``(B, 12)``.
        params: Failure rate, TPR and FPR of each set at the estimate, shape ``(B, 2, 3)``.
        held: Which of them a bound holds, shape ``(B, 2, 3)``.
        pairs: Pairs of shape ``(B,)``.
        calibration: "internal" or "external".
        common: Whether the sets share TPR and FPR.

    Returns:
        The ratio, shape ``(B,)``, > 0: the larger of those with and without regard to the bounds. One item
        that the sets have and that speaks for a difference is added, half of it either way, so that a few
        items that agree by luck do not make an interval without width.

    Source:
        Sandwich variance of a working likelihood that takes the sets for independent, over its own: Kent,
        Biometrika 69 (1982); Rao and Scott, JASA 76 (1981). The added item: Agresti and Min, Stat. Med. 24
        (2005).
    """
    both = [
        _ratio(cells, params, some, pairs, calibration, common=common) for some in (held, np.zeros_like(held))
    ]
    return np.maximum(*both)


def _ratio(
    cells: Array, params: Array, held: Array, pairs: Pairs, calibration: Calibration, *, common: bool
) -> Array:
    influence = centred_influence(cells, params, held, calibration, common=common)
    alone = (influence**2 * cells).sum(1)
    together = np.einsum("bi,bij,bj->b", influence, pairs.products, influence)
    # The human finds a failure in one set alone, and the judge agrees.
    swap = 0.5 * ((influence[:, 0] + influence[:, 9]) ** 2 + (influence[:, 3] + influence[:, 6]) ** 2)
    n = np.maximum(pairs.n_labeled, 1)
    is_informative = moves_with_counts(alone, cells)
    effect = (together + swap) / np.where(is_informative, alone, 1.0) * (n / (n + 1)) ** 2
    # Where the estimates do not move with the counts nothing is known of how they move together.
    return np.where(is_informative & np.isfinite(effect), effect, 1.0)


def groups_of_both(calibration: Calibration) -> list[list[int]]:
    """Cells of both sets whose sum the design fixes."""
    return [[cell + 6 * arm for cell in group] for arm in (0, 1) for group in GROUPS[calibration]]


def moves_with_counts(alone: Array, cells: Array) -> Array:
    """Whether the difference moves with the counts."""
    return np.isfinite(alone) & (alone > _LEAST / np.maximum(cells.sum(1), 1))


def centred_influence(
    cells: Array, params: Array, held: Array, calibration: Calibration, *, common: bool
) -> Array:
    """Influence of each cell, less the mean of its group."""
    return centred(
        _influence(cells, params, held, calibration, common=common), cells, groups_of_both(calibration)
    )


def _influence(cells: Array, params: Array, held: Array, calibration: Calibration, *, common: bool) -> Array:
    """Change of the difference with each item of the twelve cells, shape ``(B, 12)``."""
    size, width = len(cells), 4 if common else 6
    at = np.clip(params, _INSIDE, 1 - _INSIDE)
    places = ((0, 2, 3), (1, 2, 3)) if common else ((0, 1, 2), (3, 4, 5))
    matrix, scores = np.zeros((size, width, width)), np.zeros((size, 12, width))
    fixed = np.zeros((size, width), bool)
    unit = Counts(*np.eye(6))
    for arm, place in enumerate(places):
        own = Params(*at[:, arm].T)
        counts = Counts(*cells[:, 6 * arm : 6 * arm + 6].T)
        matrix[np.ix_(range(size), place, place)] += information(own, counts, calibration=calibration)
        slope = score(tree_map(lambda x: x[:, None], own), unit, calibration=calibration)
        for i, name in zip(place, ("failure_rate", "tpr", "fpr"), strict=True):
            scores[:, 6 * arm : 6 * arm + 6, i] = getattr(slope, name)
        fixed[:, list(place)] |= held[:, arm]
    known = np.einsum("bii->bi", matrix)
    fixed |= known <= 0  # what no item informs about moves with none
    scale = np.sqrt(np.where(fixed, 1.0, known))
    matrix = matrix / scale[:, :, None] / scale[:, None, :]
    matrix = np.where(fixed[:, :, None] | fixed[:, None, :], 0.0, matrix) + 1e-10 * np.eye(width)
    matrix += np.eye(width) * fixed[:, :, None]
    contrast = np.zeros((size, width))
    contrast[:, places[0][0]], contrast[:, places[1][0]] = 1.0, -1.0
    contrast = np.where(fixed, 0.0, contrast) / scale
    direction = np.linalg.solve(matrix, contrast[..., None])[..., 0] / scale
    influence = np.einsum("bkw,bw->bk", np.where(fixed[:, None], 0.0, scores), direction)
    return np.where(cells > 0, influence, 0.0)
