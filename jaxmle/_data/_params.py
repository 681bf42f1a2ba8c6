"""The three parameters of the model."""

from dataclasses import dataclass
from typing import Any

from jaxmle._arrays import pytree


@pytree
@dataclass(frozen=True, eq=False)
class Params:
    """Failure rate and judge error rates, each a probability or an array of one batch shape.

    Attributes:
        failure_rate: theta = P(human says failure).
        tpr: P(judge says failure | human says failure).
        fpr: P(judge says failure | human says pass).
    """

    failure_rate: Any
    tpr: Any
    fpr: Any
