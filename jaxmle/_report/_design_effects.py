"""How far weighted or clustered items stand for themselves."""

from dataclasses import dataclass

import numpy as np

from jaxmle._data import Counts
from jaxmle._inference import Fit
from jaxmle._inference._design_effect import effect_of_fit, rate_effect
from jaxmle._types import Array, Document
from jaxmle.tables import SliceCounts


@dataclass(frozen=True)
class DesignEffects:
    """How much less the items of each data set tell than as many independent ones.

    Attributes:
        effect: Design effect of the estimate, shape ``(B,)``.
        df: Degrees of freedom of the clusters, or None where weights alone make the effect.
        human_effect: Design effect of the humans' own failure rate.
        judge_effect: Design effect of the judge's flag rate in unlabelled items.
        n_units: Number of clusters, or of items.
    """

    effect: Array
    df: Array | None
    human_effect: Array
    judge_effect: Array
    n_units: Array

    def take(self, index: Array | int) -> Document:
        """Arguments for intervals and certificates of some data sets."""
        df = None if self.df is None else self.df[index]
        return {"design_effect": self.effect[index], "df": df}

    def for_humans(self, i: int, counts: Counts) -> Counts:
        """Counts that the humans' rate is as sure from as from independent items."""
        return Counts(*(value / self.human_effect[i] for value in counts.values()))

    def for_judge(self, i: int, counts: Counts) -> Counts:
        """Counts that the judge's rate is as sure from as from independent items."""
        return Counts(*(value / self.judge_effect[i] for value in counts.values()))


def design_effects(table: SliceCounts, fits: Fit) -> DesignEffects | None:
    """Design effects of every data set, or None where each item stands for itself."""
    if table.products is None:
        return None
    size = len(fits)
    products, units = table.products[:size], np.asarray(table.n_units[:size], np.float64)
    cells = np.stack(fits.counts.values(), -1)
    human, judge = (
        rate_effect(products, cells, positive, negative)
        for positive, negative in (((0, 1), (2, 3)), ((4,), (5,)))
    )
    effect = effect_of_fit(fits, np.asarray(products, np.float64), units)
    df = None
    if table.clusters is not None and table.total_clusters is not None:
        labeled = np.append(table.clusters.n_labeled, table.total_clusters.n_labeled)[:size]
        df = np.maximum(labeled - 1, 1)
    return DesignEffects(effect, df, human, judge, table.n_units[:size])
