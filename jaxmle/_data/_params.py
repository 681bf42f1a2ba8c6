"""The three parameters of the model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxmle._arrays import pytree
from jaxmle._results import Batch
from jaxmle._stats import flag_rate
from jaxmle._types import Array, ArrayLike


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
