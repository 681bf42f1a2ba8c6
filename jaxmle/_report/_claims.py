"""What the user says of the data, and how far its items stand for themselves."""

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._inference import design_effect
from jaxmle._inference._design_effect import rate_effect
from jaxmle._simulation import Labels
from jaxmle.tables import SliceCounts
from jaxmle.tables._slice_bounds import slice_bounds


@dataclass(frozen=True)
class Claims:
    """What the user says of the data.

    Attributes:
        bounds: Scalar bounds, the same for all slices; or an element a slice and, where there are slices, one
            for the total at the end.
        by: Columns that make the slices; none for a total alone.
        calibration: "internal" or "external".
        labels: "random" or "by_verdict".
        confidence: Confidence, in (0, 1).
        seed: Seed of all simulation.
        min_labels: Slices with fewer labels are marked.
        notes: What there is to say against the bounds.
    """

    bounds: Bounds
    by: list[str]
    calibration: Calibration = "internal"
    labels: Labels = "random"
    confidence: float = 0.95
    seed: int = 0
    min_labels: int = 10
    notes: list[str] = field(default_factory=list)

    def bounds_of(self, index: Any) -> Bounds:
        """Bounds of some of the slices."""
        return jax.tree.map(lambda end: end[index] if np.ndim(end) else end, self.bounds)


def known_bounds(table: SliceCounts, given: Bounds, source: Any) -> tuple[Bounds, list[str]]:
    """Bounds of every slice from a table of them, if there is one, and what there is to say against it.

    The rates of the total are averages of those of the slices, so they lie between the extremes.
    """
    if source is None:
        return given, []
    found, notes = slice_bounds(source, table.keys, given)
    if not table.keys[0]:
        return found, notes

    def with_total(pair: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = pair
        return np.append(low, np.min(low)), np.append(high, np.max(high))

    return Bounds(*(with_total(pair) for pair in (found.failure_rate, found.tpr, found.fpr))), notes


def with_total(table: SliceCounts, claims: Claims) -> Counts:
    """Counts of every slice, and of the total at the end where there are slices."""
    if not claims.by:
        return table.counts
    pairs = zip(table.counts.values(), table.total.values(), strict=True)
    return Counts(*(np.append(slices, total) for slices, total in pairs))


@dataclass(frozen=True)
class Spread:
    """How much less the items of each data set tell than as many independent ones.

    Attributes:
        effect: Design effect of the estimate, shape ``(B,)``.
        df: Degrees of freedom of the clusters, or None where weights alone make the effect.
        human_effect: Design effect of the humans' own failure rate.
        judge_effect: Design effect of the judge's flag rate in unlabelled items.
        n_units: Number of clusters, or of items.
    """

    effect: Any
    df: Any
    human_effect: Any
    judge_effect: Any
    n_units: Any

    def take(self, index: Any) -> dict[str, Any]:
        """Arguments for intervals and certificates of some data sets."""
        df = None if self.df is None else self.df[index]
        return {"design_effect": self.effect[index], "df": df}

    def effective(self, counts: Counts) -> Counts:
        """Counts that tell as much as they seem to."""
        return Counts(*(value / self.effect for value in counts.values()))

    def for_humans(self, i: int, counts: Counts) -> Counts:
        """Counts that the humans' rate is as sure from as from independent items."""
        return Counts(*(value / self.human_effect[i] for value in counts.values()))

    def for_judge(self, i: int, counts: Counts) -> Counts:
        """Counts that the judge's rate is as sure from as from independent items."""
        return Counts(*(value / self.judge_effect[i] for value in counts.values()))


def spread_of(table: SliceCounts, claims: Claims, everything: Counts) -> Spread | None:
    """Spread of every data set, or None where each item stands for itself."""
    if table.products is None:
        return None
    products, units = table.products[: len(everything)], table.n_units[: len(everything)]
    human, judge = (
        rate_effect(products, np.stack(everything.values(), -1), positive, negative)
        for positive, negative in (((0, 1), (2, 3)), ((4,), (5,)))
    )
    effect = design_effect(everything, products, units, claims.bounds, calibration=claims.calibration)
    df = None
    if table.clusters is not None and table.total_clusters is not None:
        labeled = np.append(table.clusters.n_labeled, table.total_clusters.n_labeled)[: len(everything)]
        df = np.maximum(labeled - 1, 1)
    return Spread(np.asarray(effect), df, human, judge, units)
