"""Intervals of the slices of a table, each by the method that fits it."""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jaxmle._data import Clusters, Counts
from jaxmle._documents._fitted import Fitted
from jaxmle._engine import Engine
from jaxmle._inference import ProfileInterval, Target, bootstrap
from jaxmle._types import Array, Document

IntervalName = Literal["profile", "chi-square", "bootstrap"]

_MANY_AT_BOUND = 0.05
_TIED = (
    "all labels say the same, where chi-square intervals are too short (after 0 failures among 100 labels by "
    "more than a third): use --interval profile"
)


@dataclass(frozen=True)
class SliceIntervals:
    """Intervals, arrays of shape ``(B,)``.

    Attributes:
        low: Lower ends.
        high: Upper ends.
        method: Names of the methods.
        share_at_bound: Share of the bootstrap replicates at a bound; NaN where nothing was resampled.
        standard_error: Of the bootstrap, likewise.
        estimate: Estimates where they are not those of the fit, else NaN.
    """

    low: Array
    high: Array
    method: Array
    share_at_bound: Array
    standard_error: Array
    estimate: Array

    def documents(self) -> list[Document]:
        """What documents hold of each."""
        columns = (self.low, self.high, self.method, self.share_at_bound, self.estimate)
        found = []
        for low, high, method, share, estimate in zip(*(column.tolist() for column in columns), strict=True):
            one: Document = {"low": low, "high": high, "method": method}
            one |= {} if np.isnan(share) else {"share_at_bound": share}
            found.append(one | ({} if np.isnan(estimate) else {"estimate": estimate}))
        return found


@dataclass(frozen=True)
class IntervalWork:
    """What the intervals are of, and how they are found.

    Attributes:
        fitted: Data sets and their fits.
        interval: "profile", "chi-square" or "bootstrap".
        n_resamples: Bootstrap replicates.
        target: "population" or "items".
        total: Interval of the last data set, where it is known.
        clusters: Clusters of every data set, where there are any.
        n_units: How many clusters each data set has, likewise.
        engine: "numpy", "jax" or None.
    """

    fitted: Fitted
    interval: IntervalName
    n_resamples: int
    target: Target
    total: ProfileInterval | None = None
    clusters: Clusters | None = None
    n_units: Array | None = None
    engine: Engine | None = None

    def rates(self, index: Array, *, progress: bool) -> list[Document]:
        """Intervals of the data sets at ``index``, as documents."""
        return self.found(index, progress=progress).documents()

    def found(self, index: Array, *, progress: bool = False) -> SliceIntervals:
        """Intervals of the data sets at ``index``."""
        fitted, analysis = self.fitted, self.fitted.analysis
        given: dict[str, Any] = {
            "confidence": analysis.confidence,
            "labels": analysis.labels,
            "seed": analysis.seed,
            "engine": self.engine,
            "progress": progress,
        }
        size = len(index)
        low, high, share, error, estimate = np.full((5, size), np.nan)
        # Without a single estimate there is nothing to bootstrap, but there is still an interval.
        resampled = np.asarray(fitted.fits.identified)[index] & (self.interval == "bootstrap")
        if self.clusters is not None and self.n_units is not None:
            resampled &= self.n_units[index] > 1
        name = "profile" if self.interval == "bootstrap" else self.interval
        method = np.where(resampled, "bootstrap", name).astype(object)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # said slice by slice
            profiled = np.flatnonzero(~resampled)
            if self.total is not None:
                known = index[profiled] == fitted.last
                low[profiled[known]], high[profiled[known]] = float(self.total.low), float(self.total.high)
                profiled = profiled[~known]
            if profiled.size:
                part = index[profiled]
                simulated = False if self.interval == "chi-square" else None
                asked = given | fitted.dispersion(part) | {"simulate": simulated, "target": self.target}
                ends = fitted.fits[part].interval(**asked)
                low[profiled], high[profiled] = ends.low, ends.high
                if self.target == "items":
                    known = np.asarray(fitted.fits.identified)[part]
                    estimate[profiled[known]] = np.asarray(ends.estimate)[known]
            if resampled.any():
                part = index[resampled]
                drawn = bootstrap(
                    fitted.counts[part],
                    analysis.bounds_of(part),
                    calibration=analysis.calibration,
                    n_resamples=self.n_resamples,
                    **given,
                    clusters=self.clusters.of_slices(part) if self.clusters else None,
                )
                low[resampled], high[resampled] = drawn.interval.low, drawn.interval.high
                share[resampled], error[resampled] = drawn.share_at_bound, drawn.standard_error
        return SliceIntervals(low, high, method, share, error, estimate)


def add_interval_notes(
    notes: list[list[str]], counts: Counts, interval: IntervalName, share_at_bound: Array
) -> None:
    """Say where intervals of this kind are too short."""
    if interval == "chi-square":
        failures = counts.tp + counts.fn
        tied = (counts.n_labeled > 0) & ((failures == 0) | (failures == counts.n_labeled))
        for i in np.flatnonzero(tied):
            notes[i].append(_TIED)
    for i in np.flatnonzero(share_at_bound > _MANY_AT_BOUND):
        notes[i].append(
            f"{share_at_bound[i]:.0%} of the bootstrap replicates are at a bound, so the interval "
            "is too short: use --interval profile"
        )
