"""The data sets of a table, fitted once: whatever a command asks of them goes on from there."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Counts, Problem
from jaxmle._documents._design_effects import DesignEffects, design_effects
from jaxmle._documents._document import naming_slices
from jaxmle._documents._settings import AnalysisSettings, counts_with_total
from jaxmle._inference import Fit, check_bounds, divided, fit, fit_flat, noticed_beyond
from jaxmle._tables import SliceCounts
from jaxmle._types import Array, Document, Pair

# No data set holds more items than this.
_MOST = 2.0**53


@dataclass(frozen=True)
class Fitted:
    """Data sets and their fits.

    Attributes:
        counts: Counts of every slice, and of the total at the end where there are slices, shape ``(B,)``.
        fits: Fits of these counts.
        effects: How much less the items tell than as many independent ones, or None where each stands for
            itself.
        analysis: What the user says of the data.
    """

    counts: Counts
    fits: Fit
    effects: DesignEffects | None
    analysis: AnalysisSettings

    @property
    def last(self) -> int:
        """Place of the total."""
        return len(self.counts) - 1

    @cached_property
    def effective(self) -> Fit:
        """Fits of the counts divided by their design effects: these tell as much as they seem to."""
        if self.effects is None:
            return self.fits
        effect = self.effects.effect
        counts = tree_map(lambda count: count / effect, self.fits.counts)
        if not all(np.all(np.asarray(count) <= _MOST) for count in counts.values()):
            raise ValueError(
                "the weights differ by so many orders of magnitude that their design effect comes out as "
                f"{np.min(effect):.2g}, at which no limit holds. See that --weight names weights, and trim "
                "the largest."
            )
        return divided(self.fits, Problem(counts, self.fits.bounds), effect)

    @cached_property
    def unbounded(self) -> Fit:
        """Fits of the effective counts without bounds."""
        problem = Problem(self.effective.counts, self.effective.bounds)
        return fit_flat(problem.unbounded(), self.fits.calibration)

    @cached_property
    def bounds_check(self) -> Pair:
        """p-values of data against their bounds, and which contradict them, shape ``(B,)``."""
        labels, seed = self.analysis.labels, self.analysis.seed
        free = np.asarray(self.unbounded.log_likelihood)
        return check_bounds(self.effective, free, labels=labels, seed=seed)

    @property
    def contradicted(self) -> Array:
        """Which data sets contradict their bounds, shape ``(B,)``."""
        return self.bounds_check[1]

    @cached_property
    def noticed(self) -> Pair:
        """Where rates of all rows would have to lie for wrong bounds to be found: see `noticed_beyond`."""
        value, found = noticed_beyond(self.effective[[self.last]], labels=self.analysis.labels)
        return value[0], found[0]

    def dispersion(self, index: Array | int) -> Document:
        """Arguments for intervals and certificates of some data sets."""
        return self.effects.take(index) if self.effects else {}


def fit_table(table: SliceCounts, analysis: AnalysisSettings, *, is_independent: bool = False) -> Fitted:
    """Fit every slice, and the total where there are slices.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        is_independent: Whether each item stands for itself, whatever the table says of clusters.

    Raises:
        ValueError: The bounds leave no feasible point for some slice.
    """
    # The total goes last: a slice that the bounds exclude then keeps its number in the error.
    counts = counts_with_total(table, analysis)
    with naming_slices(table.keys.__getitem__):
        fits = fit(counts, analysis.bounds, calibration=analysis.calibration)
    return Fitted(counts, fits, None if is_independent else design_effects(table, fits), analysis)
