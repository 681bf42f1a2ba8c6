"""The data of slices, and what was found on the way to their estimate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from jaxmle._data import Calibration
from jaxmle._types import Array, Pair

if TYPE_CHECKING:
    from jaxmle._slices._common import Common
    from jaxmle._slices._judge_posterior import JudgePosterior
    from jaxmle._slices._partial import Judges


@dataclass(frozen=True)
class PooledProblem:
    """What intervals go on from.

    Attributes:
        leaves: Twelve arrays of shape ``(S,)``: counts, then bounds.
        calibration: "internal" or "external".
        common: The common fit, where there was one.
        posterior: Posterior of how the judge's rates vary, for "partial".
        judges: What it says of the judge of each slice.
        mixture: Most likely failure rates with judges that differ, and their log-likelihoods.
    """

    leaves: list[Array]
    calibration: Calibration
    common: "Common | None" = None
    posterior: "JudgePosterior | None" = None
    judges: "Judges | None" = None
    mixture: Pair | None = None

    @property
    def sizes(self) -> Array:
        """Items of each slice in its default mix, shape ``(S,)``."""
        return cast(Array, sum(self.leaves[4:6] if self.calibration == "external" else self.leaves[:6]))


def bounds_clash(leaves: list[Array]) -> bool:
    """Whether the bounds of TPR or FPR of some slices exclude those of others."""
    return any(bool(leaves[k].max() > leaves[k + 1].min()) for k in (8, 10))


def hull_of(leaves: list[Array]) -> Array:
    """Ranges of the judge's mean rates: the bounds of all slices together."""
    return np.array([[leaves[k].min(), leaves[k + 1].max()] for k in (8, 10)])


def with_judge_within(leaves: list[Array], ranges: Array) -> list[Array]:
    """The data with the same bounds of TPR and FPR for all slices."""
    return [*leaves[:8], *(np.full(len(leaves[0]), end) for end in ranges.ravel())]
