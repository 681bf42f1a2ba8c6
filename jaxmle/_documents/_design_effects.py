"""How far weighted or clustered items stand for themselves."""

from dataclasses import dataclass

import numpy as np

from jaxmle._data import Counts
from jaxmle._inference import Fit, effect_of_fit, rate_effect, weight_effect, weighted_rate_effect
from jaxmle._tables import SliceCounts
from jaxmle._types import Array, Document

# Cells of the humans' own failure rate and of the judge's flag rate in unlabelled items.
_RATES = (((0, 1), (2, 3)), ((4,), (5,)))


@dataclass(frozen=True)
class DesignEffects:
    """How much less the items of each data set tell than as many independent ones.

    Attributes:
        effect: Design effect of the estimate, shape ``(B,)``.
        df: Degrees of freedom of the clusters, or None where weights alone make the effect.
        n_clusters: Effective number of clusters, likewise.
        several: Whether items share a cluster, shape ``(B,)``.
        human_effect: Design effect of the humans' own failure rate.
        judge_effect: Design effect of the judge's flag rate in unlabelled items.
        n_units: Number of clusters, or of items.
    """

    effect: Array
    df: Array | None
    n_clusters: Array | None
    several: Array
    human_effect: Array
    judge_effect: Array
    n_units: Array

    def take(self, index: Array | int) -> Document:
        """Arguments for intervals and certificates of some data sets."""
        df = None if self.df is None else self.df[index]
        return {"design_effect": self.effect[index], "df": df}

    def for_humans(self, i: int, counts: Counts) -> Counts:
        """Numbers of independent items that would determine the humans' rate as well."""
        return Counts(*(value / self.human_effect[i] for value in counts.values()))

    def for_judge(self, i: int, counts: Counts) -> Counts:
        """Numbers of independent items that would determine the judge's rate as well."""
        return Counts(*(value / self.judge_effect[i] for value in counts.values()))


def design_effects(table: SliceCounts, fits: Fit) -> DesignEffects | None:
    """Design effects of every data set, or None where each item stands for itself."""
    size = len(fits)
    if (clusters := table.all_clusters) is not None:
        clusters = clusters.of_slices(np.arange(size))
        found = effect_of_fit(fits, clusters)
        human, judge = (np.asarray(rate_effect(clusters, *cells).effect) for cells in _RATES)
        effect, df, n_clusters = map(np.asarray, (found.effect, found.df, found.n_clusters))
        return DesignEffects(effect, df, n_clusters, ~clusters.are_items, human, judge, table.n_units[:size])
    if (squares := table.all_squares) is None:
        return None
    squares, sums = squares[:size], np.stack(fits.counts.values(), -1)
    human, judge = (weighted_rate_effect(sums, squares, *cells) for cells in _RATES)
    return DesignEffects(
        weight_effect(fits, squares), None, None, np.zeros(size, bool), human, judge, table.n_units[:size]
    )
