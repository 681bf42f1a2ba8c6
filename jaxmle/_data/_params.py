"""The three parameters of the model, and which bounds they lie within and on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from jaxmle._arrays import pytree, rebuilt
from jaxmle._data._bounds import Bounds
from jaxmle._results import Batch
from jaxmle._stats import flag_rate
from jaxmle._types import Array, ArrayLike, Pair, Triple


@pytree
@dataclass(frozen=True, eq=False)
class Params(Batch):
    """Failure rate and judge error rates, each a probability or an array of one batch shape.

    Attributes:
        failure_rate: theta = P(human says failure).
        tpr: P(judge says failure | human says failure).
        fpr: P(judge says failure | human says pass).
    """

    failure_rate: Array
    tpr: Array
    fpr: Array

    if TYPE_CHECKING:  # what may be passed; the fields hold arrays

        def __init__(self, failure_rate: ArrayLike, tpr: ArrayLike, fpr: ArrayLike) -> None: ...

    @property
    def flag_rate(self) -> Array:
        """Probability that the judge says failure."""
        return flag_rate(self.failure_rate, self.tpr, self.fpr)


def bound_sides(params: Params, bounds: Bounds) -> Bounds:
    """Which bounds hold with equality, as booleans in the form of ``Bounds``."""
    return rebuilt(
        bounds,
        {
            name: (getattr(params, name) <= low, getattr(params, name) >= high)
            for name, (low, high) in vars(bounds).items()
        },
    )


def obeys(params: Params, bounds: Bounds) -> Array:
    """Whether the parameters lie within the bounds, shape ``(...)``."""
    inside = cast(Array, True)
    for x, (low, high) in zip(param_values(params), bound_pairs(bounds), strict=True):
        inside = (x >= low) & (x <= high) & inside
    return inside


def param_values(params: Params) -> Triple:
    """Failure rate, TPR and FPR, in this order."""
    return params.failure_rate, params.tpr, params.fpr


def bound_pairs(bounds: Bounds) -> tuple[Pair, Pair, Pair]:
    """Bounds of failure rate, TPR and FPR, in this order."""
    return bounds.failure_rate, bounds.tpr, bounds.fpr
