"""Counts and bounds of a batch of data sets, laid out flat: what the core computes on."""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import leaves, rebuilt, take
from jaxmle._data._bounds import Bounds
from jaxmle._data._counts import Counts
from jaxmle._types import Array, Index

_NO_COUNTS, _NO_BOUNDS = Counts(0, 0, 0, 0, 0, 0), Bounds()


class Problem(NamedTuple):
    """A batch of estimation problems.

    Attributes:
        counts: Counts, float64 arrays of shape ``(B,)``.
        bounds: Bounds, float64 arrays of shape ``(B,)``.
    """

    counts: Counts
    bounds: Bounds

    @classmethod
    def of(cls, arrays: list[Array]) -> "Problem":
        """The problem of twelve trusted arrays: six counts, then the six ends of the bounds."""
        names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
        failure_rate, tpr, fpr = ((arrays[i], arrays[i + 1]) for i in (6, 8, 10))
        return cls(
            rebuilt(_NO_COUNTS, dict(zip(names, arrays[:6], strict=True))),
            rebuilt(_NO_BOUNDS, {"failure_rate": failure_rate, "tpr": tpr, "fpr": fpr}),
        )

    @property
    def size(self) -> int:
        """Number of data sets."""
        return int(self.counts.tp.shape[0])

    def take(self, index: Index) -> "Problem":
        """The problems at ``index``."""
        return take(self, index)

    def at(self, failure_rate: Array) -> "Problem":
        """The problems with the failure rate known."""
        return Problem(self.counts, rebuilt(self.bounds, {"failure_rate": (failure_rate, failure_rate)}))

    def unbounded(self) -> "Problem":
        """The problems without bounds."""
        ends = np.zeros(self.size), np.ones(self.size)
        return Problem(self.counts, rebuilt(self.bounds, dict.fromkeys(("failure_rate", "tpr", "fpr"), ends)))

    def arrays(self) -> list[Array]:
        """The six counts and the six ends of the bounds."""
        return list(leaves(self))
