"""How much less weighted or clustered items tell than as many independent ones."""

from collections.abc import Sequence

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._inference._arguments import checked_problem, plain
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._solvers import rate_gradient
from jaxmle._types import Array

# Cells of the counts whose sums a design fixes.
_GROUPS = {"internal": ((0, 1, 2, 3), (4, 5)), "external": ((0, 1), (2, 3), (4, 5))}
_FLAT = 1e-9


def design_effect(
    counts: Counts,
    products: Array,
    size: Array,
    bounds: Bounds | None = None,
    *,
    calibration: Calibration = "internal",
) -> Array:
    """Ratio of the estimate's variance to what it would be if each item stood for itself.

    Divide counts by it and they tell as much as they seem to: the effective counts of Rao and Scott, which
    `profile_interval` and `certify` take as ``design_effect=``. The estimate is linearized in the six counts.
    Where it does not move with them (it sits on a bound, or is not identified), or one cluster holds all
    labels, the effect is that of items that are all alike within their clusters, the largest there can be.

    Args:
        counts: Counts, any batch shape ``(...)``.
        products: Sums over clusters of the products of their six sums, shape ``(..., 6, 6)``, as in
            `Clusters.products`; where items carry weights and stand alone, the diagonal matrix of the sums
            of their squares.
        size: Number of clusters, shape ``(...)``.
        bounds: Bounds, scalar or broadcastable with the counts; none by default.
        calibration: "internal" or "external", as in `fit`.

    Returns:
        The design effect, shape ``(...)``, > 0. Of numbers of items at least 1: few clusters must not
        shorten intervals.

    Raises:
        ValueError: Shapes do not match; ``products`` are negative or not finite, or ``size`` is below 1; or a
            data set is empty or impossible within the bounds.
        TypeError: ``counts`` is not a `Counts` or ``bounds`` not a `Bounds`.

    Source:
        Rao and Scott, JASA 76 (1981); Annals of Statistics 12 (1984).

    Examples:
        >>> import numpy as np
        >>> from jaxmle import Clusters, Counts, design_effect
        >>> items = [[1, 0, 0, 0, 0, 0]] * 8 + [[0, 0, 0, 1, 0, 0]] * 92
        >>> twins = Clusters(Counts(*(2 * count for count in np.array(items).T)), np.zeros(100, int), 1)
        >>> effect = design_effect(twins.totals, twins.products, twins.size)
        >>> f"{effect[0]:.3f}"  # two alike, and 100 / 99 for the mean that is estimated
        '2.020'
    """
    problem, shape = checked_problem(counts, bounds, calibration)
    matrix = np.asarray(products, dtype=np.float64)
    if matrix.shape != (*shape, 6, 6):
        raise ValueError(f"`products` must have shape {(*shape, 6, 6)}; got {matrix.shape}.")
    matrix = matrix.reshape(-1, 6, 6)
    if not (np.all(np.isfinite(matrix)) and np.all(matrix >= 0)):
        raise ValueError("`products` must be finite and >= 0.")
    units = np.asarray(size, dtype=np.float64)
    if units.shape not in ((), shape) or not np.all(units >= 1):
        raise ValueError(f"`size` must be numbers of clusters, >= 1, of shape () or {shape}.")
    units = np.broadcast_to(units, shape).reshape(-1)
    return plain(effect_of_fit(fit_flat(problem, calibration), matrix, units).reshape(shape))


def effect_of_fit(found: Fit, matrix: Array, units: Array) -> Array:
    """`design_effect` of fitted data sets; ``matrix`` has shape ``(B, 6, 6)``, ``units`` ``(B,)``."""
    cells = np.stack(found.counts.values(), -1)
    params = Params(found.failure_rate, found.tpr, found.fpr)
    gradient = rate_gradient(params, found.counts, found.bounds, found.calibration)
    for group in map(list, _GROUPS[found.calibration]):
        total = np.maximum(cells[:, group].sum(1), 1e-300)
        mean = (gradient[:, group] * cells[:, group]).sum(1) / total
        gradient[:, group] -= mean[:, None]
    gradient = np.where(cells > 0, gradient, 0.0)
    identified = found.identified
    alone = (gradient**2 * cells).sum(1)
    is_informative = identified & np.isfinite(alone) & (alone * cells.sum(1) > _FLAT)
    shared = np.einsum("bi,bij,bj->b", gradient, matrix, gradient)
    shared = shared * units / np.maximum(units - 1, 1)
    labeled = cells[:, :4].sum(1) > 0
    inside = np.where(labeled[:, None], np.arange(6) < 4, True).astype(float)
    sums = (inside * cells).sum(1)
    squares = np.einsum("bi,bij,bj->b", inside, matrix, inside)
    # One cluster with all the labels says nothing of how clusters differ.
    is_informative &= squares < (1 - _FLAT) * sums**2
    effect = np.where(is_informative, shared / np.where(is_informative, alone, 1.0), squares / sums)
    return np.where(_counts_items(matrix, cells), np.maximum(effect, 1.0), effect)


def rate_effect(products: Array, cells: Array, positive: Sequence[int], negative: Sequence[int]) -> Array:
    """Design effect of the share of some cells, by linearization.

    Args:
        products: Sums over clusters of the products of their six sums, shape ``(B, 6, 6)``.
        cells: The six sums, shape ``(B, 6)``.
        positive: Cells that count.
        negative: The other cells of the group; where all is of one kind or in one cluster, items are taken
            to be all alike within their clusters.

    Returns:
        The design effect, shape ``(B,)``, > 0; 1 for an empty group.
    """
    inside = np.zeros(6)
    inside[[*positive, *negative]] = 1
    total = np.maximum(cells @ inside, 1e-300)
    share = cells[:, list(positive)].sum(1) / total
    gradient = np.zeros(cells.shape)
    gradient[:, list(positive)], gradient[:, list(negative)] = (1 - share)[:, None], -share[:, None]
    squares = np.einsum("i,bij,j->b", inside, products, inside)
    units = total**2 / np.maximum(squares, 1e-300)  # clusters, were they of one size
    alone = total * share * (1 - share)
    is_informative = (alone > 0) & (units > 1 + _FLAT)
    shared = (
        np.einsum("bi,bij,bj->b", gradient, products, gradient)
        * units
        / np.where(is_informative, units - 1, 1)
    )
    effect = np.where(is_informative, shared / np.where(is_informative, alone, 1), squares / total)
    effect = np.where(_counts_items(products, cells * inside), np.maximum(effect, 1.0), effect)
    return np.where((effect > 0) & (cells @ inside > 0), effect, 1.0)


def _counts_items(products: Array, cells: Array) -> Array:
    """Whether sums may be of whole numbers, whose squares are no smaller; weights below 1 make them so."""
    return np.all(np.einsum("bii->bi", products) >= cells * (1 - _FLAT), 1)
