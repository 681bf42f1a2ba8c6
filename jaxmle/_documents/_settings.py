"""What the user says of the data, and how far its items stand for themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Bounds, Calibration, Counts
from jaxmle._simulation import Labels
from jaxmle._tables import SliceCounts, slice_bounds
from jaxmle._types import Array, Document, Pair


@dataclass(frozen=True)
class AnalysisSettings:
    """What the user says of the data.

    Attributes:
        bounds: Scalar bounds, the same for all slices; or an element a slice and, where there are slices, one
            for the total at the end.
        by: Columns that make the slices; none for a total alone.
        calibration: "internal" or "external".
        labels: "random" or "by-verdict".
        confidence: Confidence, in (0, 1).
        seed: Seed of all simulation.
        min_labels: Slices with fewer labels are marked.
        notes: What there is to say against the bounds.
        bounds_from: The calibration file that they are of, as in `calibration_origin`, or None.
        label_design: The design by which labels were drawn, as in `design_origin`, or None.
    """

    bounds: Bounds
    by: list[str]
    calibration: Calibration = "internal"
    labels: Labels = "random"
    confidence: float = 0.95
    seed: int = 0
    min_labels: int = 10
    notes: list[str] = field(default_factory=list)
    bounds_from: Document | None = None
    label_design: Document | None = None

    def bounds_of(self, index: Array | Sequence[int] | slice | int) -> Bounds:
        """Bounds of some of the slices."""
        return tree_map(lambda end: end[index] if np.ndim(end) else end, self.bounds)


def known_bounds(table: SliceCounts, given: Bounds, source: object) -> tuple[Bounds, list[str]]:
    """Bounds of every slice from a table of them, if there is one, and what there is to say against it.

    The rates of the total are averages of those of the slices, so they lie between the extremes.
    """
    if source is None:
        return given, []
    found, notes = slice_bounds(source, table.keys, given)
    if not table.keys[0]:
        return found, notes

    def counts_with_total(pair: Pair) -> Pair:
        low, high = pair
        return np.append(low, np.min(low)), np.append(high, np.max(high))

    return Bounds(*(counts_with_total(pair) for pair in (found.failure_rate, found.tpr, found.fpr))), notes


def counts_with_total(table: SliceCounts, analysis: AnalysisSettings) -> Counts:
    """Counts of every slice, and of the total at the end where there are slices."""
    if not analysis.by:
        return table.counts
    pairs = zip(table.counts.values(), table.total.values(), strict=True)
    return Counts(*(np.append(slices, total) for slices, total in pairs))
