"""The data of slices, and what was found on the way to their estimate."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._arrays import pytree, rebuilt
from jaxmle._data import Calibration, Problem
from jaxmle._types import Array, Pair

if TYPE_CHECKING:
    from jaxmle._slices._common import Common
    from jaxmle._slices._judge_posterior import JudgePosterior
    from jaxmle._slices._partial import Judges


@pytree
@dataclass(frozen=True)
class PooledProblem:
    """What intervals go on from.

    Attributes:
        problem: Counts and bounds of the slices, shape ``(S,)``.
        calibration: "internal" or "external".
        common: The common fit, where there was one.
        posterior: Posterior of how the judge's rates vary, for "partial".
        judges: What it says of the judge of each slice.
        mixture: Most likely failure rates with judges that differ, and their log-likelihoods.
    """

    problem: Problem
    calibration: Calibration = field(metadata={"static": True})
    common: "Common | None" = None
    posterior: "JudgePosterior | None" = None
    judges: "Judges | None" = None
    mixture: Pair | None = None

    @property
    def sizes(self) -> Array:
        """Items of each slice in its default mix, shape ``(S,)``."""
        counts = self.problem.counts
        return counts.n_unlabeled if self.calibration == "external" else counts.n_labeled + counts.n_unlabeled


def bounds_clash(problem: Problem) -> bool:
    """Whether the bounds of TPR or FPR of some slices exclude those of others."""
    return any(bool(low.max() > high.min()) for low, high in (problem.bounds.tpr, problem.bounds.fpr))


def hull_of(problem: Problem) -> Array:
    """Ranges of the judge's mean rates: the bounds of all slices together."""
    return np.array([[low.min(), high.max()] for low, high in (problem.bounds.tpr, problem.bounds.fpr)])


def with_judge_within(problem: Problem, ranges: Array) -> Problem:
    """The data with the same bounds of TPR and FPR for all slices."""
    tpr, fpr = ([np.full(problem.size, end) for end in ends] for ends in ranges)
    return Problem(problem.counts, rebuilt(problem.bounds, {"tpr": tuple(tpr), "fpr": tuple(fpr)}))
