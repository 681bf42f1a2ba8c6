"""How much less weighted or clustered items tell than as many independent ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxmle._arrays import pytree, tree_map
from jaxmle._data import Bounds, Calibration, Clusters, Params, need_clusters
from jaxmle._inference._arguments import checked_problem
from jaxmle._inference._fit import Fit, fit_flat
from jaxmle._model import rate_gradient
from jaxmle._results import Batch, plain
from jaxmle._types import Array, Numbers

# Cells of the counts whose sums a design fixes.
GROUPS: dict[str, Sequence[Sequence[int]]] = {
    "internal": ((0, 1, 2, 3), (4, 5)),
    "external": ((0, 1), (2, 3), (4, 5)),
}
_FLAT = 1e-9
# A cluster that holds all of a group leaves nothing to hold it against.
_MOST_LEVERAGE = 0.95


@pytree
@dataclass(frozen=True, eq=False)
class DesignEffect(Batch):
    """How much clusters tell, as `design_effect` finds it.

    Attributes:
        effect: Ratio of the estimate's variance to what it would be if each item stood for itself, > 0, shape
            ``(n_slices,)``. Of numbers of items at least 1: few clusters must not shorten intervals. Just 1
            where no two items share a cluster.
        df: Degrees of freedom of that variance, >= 1. What an item alone adds to it is known, so only
            clusters of several items make it uncertain: without any there are some 1e9, as good as infinite.
        n_clusters: Effective number of clusters, >= 1: as many of one size would tell as much. Below 12 so
            little is known of how clusters differ that intervals may cover less than they say.
    """

    effect: Numbers
    df: Numbers
    n_clusters: Numbers


def design_effect(
    clusters: Clusters, bounds: Bounds | None = None, *, calibration: Calibration = "internal"
) -> DesignEffect:
    """Ratio of the estimate's variance to what it would be if each item stood for itself.

    Divide counts by it and they tell as much as they seem to: the effective counts of Rao and Scott, which
    `profile_interval` and `certify` take as ``design_effect=``, with ``df=`` beside it. The estimate is
    linearized in the six counts, and the squared contributions of the clusters are added up, each divided by
    1 less its leverage, and those of the items likewise: clusters of one item each have an effect of 1 and
    change nothing. Few clusters, or few that hold failures, tell the variance badly and mostly too low;
    so it is averaged with the effect of items that are all alike within their clusters, the largest there can
    be, which counts as one degree of freedom against those of the estimate. Where the estimate does not move
    with the counts (it sits on a bound, or is not identified), or one cluster holds all labels, that is all
    there is.

    Args:
        clusters: Counts of each cluster; an item with a weight that stands alone is a cluster of its own.
        bounds: Bounds, scalar or of shape ``(n_slices,)``; none by default.
        calibration: "internal" or "external", as in `fit`.

    Returns:
        The design effect, its degrees of freedom and the effective number of clusters.

    Raises:
        ValueError: A slice is empty or impossible within the bounds.
        TypeError: ``clusters`` is not a `Clusters` or ``bounds`` not a `Bounds`.

    Source:
        Effective counts: Rao and Scott, JASA 76 (1981); Annals of Statistics 12 (1984). Leverages, and
        degrees of freedom for unequal clusters: Bell and McCaffrey, Survey Methodology 28 (2002), here from
        the squared contributions (Satterthwaite, Biometrics 2, 1946), and at most the effective clusters
        less one, (sum of sizes)^2 / sum of squared sizes (Kish, Survey Sampling, 1965).

    Examples:
        >>> import numpy as np
        >>> from jaxmle import Clusters, Counts, design_effect
        >>> items = [[1, 0, 0, 0, 0, 0]] * 8 + [[0, 0, 0, 1, 0, 0]] * 92
        >>> twins = Clusters(Counts(*(2 * count for count in np.array(items).T)), np.zeros(100, int), 1)
        >>> found = design_effect(twins)
        >>> f"{found.effect[0]:.3f}"  # two alike, and (1 - 1 / 200) / (1 - 1 / 100) for the estimated mean
        '2.010'
        >>> f"{found.n_clusters[0]:.0f} {found.df[0]:.0f}"  # failures in 8 of 100 clusters
        '100 21'
    """
    need_clusters(clusters)
    problem, _ = checked_problem(clusters.totals, bounds, calibration)
    found = effect_of_fit(fit_flat(problem, calibration), clusters)
    return tree_map(lambda x: plain(np.asarray(x)), found)


def effect_of_fit(found: Fit, clusters: Clusters) -> DesignEffect:
    """`design_effect` of slices that are fitted already."""
    linear = _linearized(found)
    return clustered_effect(linear, clusters.cells, clusters.index)


def rate_effect(clusters: Clusters, positive: Sequence[int], negative: Sequence[int]) -> DesignEffect:
    """`design_effect` of the share of some of the six cells among them and others.

    Args:
        clusters: Counts of each cluster.
        positive: Cells that count.
        negative: The other cells of the group.

    Returns:
        The design effect; 1 for a slice without such items.
    """
    cells = np.stack([np.asarray(value, np.float64) for value in clusters.totals.values()], -1)
    return clustered_effect(_share(cells, positive, negative), clusters.cells, clusters.index)


def weight_effect(found: Fit, squares: Array) -> Array:
    """Design effect of weights alone; ``squares`` are sums of squared weights by cell, shape ``(B, 6)``."""
    return _of_weights(_linearized(found), squares)


def weighted_rate_effect(
    cells: Array, squares: Array, positive: Sequence[int], negative: Sequence[int]
) -> Array:
    """`weight_effect` of the share of some cells, ``cells`` being the sums of weights."""
    return _of_weights(_share(cells, positive, negative), squares)


@dataclass(frozen=True)
class Linearized:
    """An estimate, linear in the counts.

    Attributes:
        gradient: Its derivatives in the counts, of mean 0 within each group, shape ``(B, cells)``.
        cells: The counts.
        groups: Cells whose sum the design fixes.
        inside: Whether a cell tells of the estimate where the derivatives do not, shape ``(B, cells)``.
        is_informative: Whether the derivatives tell, shape ``(B,)``.
        sets: Cells of each set of items, one or two.
    """

    gradient: Array
    cells: Array
    groups: Sequence[Sequence[int]]
    inside: Array
    is_informative: Array
    sets: Sequence[slice] = (slice(None),)

    @property
    def alone(self) -> Array:
        """Variance if each item stood for itself, by cell."""
        return np.where(self.is_informative[:, None], self.gradient**2 * self.cells, self.inside * self.cells)

    def shares(self) -> tuple[Array, Array]:
        """Share of each group in that variance and size of the group, shape ``(B, groups)``."""
        parts = [self.alone[:, list(group)].sum(1) for group in self.groups]
        sizes = [self.cells[:, list(group)].sum(1) for group in self.groups]
        variance = np.stack(parts, -1)
        total = np.maximum(variance.sum(1, keepdims=True), 1e-300)
        return variance / total, np.maximum(np.stack(sizes, -1), 1e-300)

    def holds_items(self, squares: Array) -> Array:
        """Whether sums may be of whole numbers, with sums of squares: weights below 1 have smaller ones."""
        used = [cell for group in self.groups for cell in group]
        return np.all(squares[:, used] >= self.cells[:, used] * (1 - _FLAT), 1)


def centred(gradient: Array, cells: Array, groups: Sequence[Sequence[int]]) -> Array:
    """Derivatives less their mean within each group, whose size is fixed."""
    gradient = gradient.copy()
    for group in map(list, groups):
        total = np.maximum(cells[:, group].sum(1), 1e-300)
        gradient[:, group] -= ((gradient[:, group] * cells[:, group]).sum(1) / total)[:, None]
    return np.where(cells > 0, gradient, 0.0)


def _linearized(found: Fit) -> Linearized:
    """The failure rate, linearized."""
    cells = np.stack([np.asarray(value, np.float64) for value in found.counts.values()], -1)
    params = Params(found.failure_rate, found.tpr, found.fpr)
    groups = GROUPS[found.calibration]
    gradient = centred(rate_gradient(params, found.counts, found.bounds, found.calibration), cells, groups)
    alone = (gradient**2 * cells).sum(1)
    is_informative = np.asarray(found.identified) & np.isfinite(alone) & (alone * cells.sum(1) > _FLAT)
    labeled = cells[:, :4].sum(1) > 0
    inside = np.where(labeled[:, None], np.arange(6) < 4, True)
    gradient = np.where(is_informative[:, None], gradient, 0.0)
    return Linearized(gradient, cells, groups, inside, is_informative)


def _share(cells: Array, positive: Sequence[int], negative: Sequence[int]) -> Linearized:
    """A share of cells, linearized."""
    both = [*positive, *negative]
    inside = np.isin(np.arange(cells.shape[1]), both)
    gradient = centred(np.isin(np.arange(cells.shape[1]), positive) + 0.0 * cells, cells * inside, [both])
    is_informative = (gradient**2 * cells).sum(1) > 0
    return Linearized(gradient, cells, [both], np.broadcast_to(inside, cells.shape), is_informative)


def clustered_effect(linear: Linearized, own: Array, index: Array) -> DesignEffect:
    """Design effects from the counts of each cluster, ``own``, and its data set, ``index``."""
    size = len(linear.cells)

    def over(values: Array) -> Array:
        return np.bincount(index, values, size)

    shares, sizes = linear.shares()
    parts = np.stack([own[:, list(group)].sum(1) for group in linear.groups], -1) / sizes[index]
    held = (shares[index] * parts).sum(1)
    # The mean of its group follows a cluster by its share of the group.
    leverage = (shares[index] * parts**2).sum(1) / np.maximum(held, 1e-300)
    clusters = np.maximum(1 / np.where(over(held) > 0, over(held**2), 1.0), 1.0)

    least = np.zeros_like(linear.cells)
    np.add.at(least, index, own**2)
    holds_items = linear.holds_items(least)
    # An item alone holds a 1 in one cell: what it adds to the variance is known, not found.
    used = own[:, [cell for group in linear.groups for cell in group]]
    several = 1.0 - ((used.sum(1) <= 1 + _FLAT) & (np.abs((used**2 - used).sum(1)) < _FLAT))

    is_informative, alike = linear.is_informative, np.zeros(size)
    for cells in linear.sets:
        inside = (linear.inside[index] * own)[:, cells].sum(1)
        sums, squares = np.maximum(over(inside), 1e-300), over(inside**2)
        # One cluster with all the labels says nothing of how clusters differ.
        is_informative = is_informative & ((squares < (1 - _FLAT) * sums**2) | (squares <= 0))
        part = linear.alone[:, cells].sum(1) / np.maximum(linear.alone.sum(1), 1e-300)
        alike += part * squares / sums
    contribution = (linear.gradient[index] * own).sum(1)
    squared = contribution**2
    # Items that stand alone have the leverage of one among as many.
    of_item = np.where(holds_items[:, None], np.minimum(1 / sizes, _MOST_LEVERAGE), 0.0)
    alone = linear.alone.sum(1) * (shares / (1 - of_item)).sum(1)
    alone = np.where(is_informative, alone, 1.0)
    effect = over(squared / (1 - np.minimum(leverage, _MOST_LEVERAGE))) / alone
    # Squares that vary as those of normal contributions do have as many degrees of freedom as clusters.
    spread = over(squared**2) / np.maximum(over(squared) ** 2, 1e-300) - 1 / clusters
    freedom = 2 / np.maximum(spread, _FLAT)
    effect = (freedom * effect + np.maximum(effect, alike)) / (freedom + 1)
    effect = np.where(is_informative, effect, alike)
    # Of all that only the share of clusters of several items is uncertain, at most as large as if these are
    # alike within.
    uncertain = np.clip(clusters * over(several * held**2), _FLAT, 1.0)
    df = np.clip(freedom, 1.0, np.maximum(clusters - 1, 1.0)) / uncertain
    if len(linear.sets) > 1:  # a difference varies less where clusters are in both sets
        return DesignEffect(np.where(effect > 0, effect, 1.0), df, clusters)
    return DesignEffect(_at_least(effect, linear, holds_items), df, clusters)


def _of_weights(linear: Linearized, squares: Array) -> Array:
    """Design effects where each item stands for itself; ``squares`` are sums of squared weights by cell."""
    sums, all_squares = (np.maximum((linear.inside * x).sum(1), 1e-300) for x in (linear.cells, squares))
    is_informative = linear.is_informative & (all_squares < (1 - _FLAT) * sums**2)
    found, alone = np.zeros(len(sums)), np.zeros(len(sums))
    for group in map(list, linear.groups):
        leverage = squares[:, group].sum(1) / np.maximum(linear.cells[:, group].sum(1) ** 2, 1e-300)
        rest = 1 - np.minimum(leverage, _MOST_LEVERAGE)
        found += (linear.gradient[:, group] ** 2 * squares[:, group]).sum(1) / rest
        alone += linear.alone[:, group].sum(1) / rest
    effect = np.where(is_informative, found / np.where(is_informative, alone, 1.0), all_squares / sums)
    return _at_least(effect, linear, linear.holds_items(squares))


def _at_least(effect: Array, linear: Linearized, holds_items: Array) -> Array:
    """The effect, at least 1 of whole items; 1 but for rounding is 1."""
    effect = np.where(holds_items, np.maximum(effect, 1.0), effect)
    effect = np.where(np.abs(effect - 1) < _FLAT, 1.0, effect)
    return np.where((effect > 0) & ((linear.inside * linear.cells).sum(1) > 0), effect, 1.0)
