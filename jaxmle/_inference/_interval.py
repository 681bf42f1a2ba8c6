"""An estimate with its interval."""

from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._results import Batch, first_few
from jaxmle._types import Numbers


@pytree
@dataclass(frozen=True, eq=False)
class Interval(Batch):
    """A failure rate with an interval around it.

    Attributes:
        estimate: Point estimate, shape ``(...)``; None for a set no point of which is likelier than another.
        low: Lower end, shape ``(...)``.
        high: Upper end, shape ``(...)``.
        confidence: Nominal coverage of the interval, such as 0.95; None where sampling error is left out.
        method: How it was made, in words.
    """

    estimate: Numbers | None
    low: Numbers
    high: Numbers
    confidence: float | None = field(metadata={"static": True})
    method: str = field(metadata={"static": True})

    @property
    def width(self) -> Numbers:
        """Length of the interval, shape ``(...)``."""
        return self.high - self.low

    def __str__(self) -> str:
        if np.ndim(self.low):
            if self.estimate is None:
                shown = first_few("[{:.4f}, {:.4f}]".format, self.low, self.high)
            else:
                shown = first_few("{:.4f} [{:.4f}, {:.4f}]".format, self.estimate, self.low, self.high)
            return f"{np.shape(self.low)} intervals ({self.method}): {shown}"
        if self.estimate is None:
            return f"[{self.low:.4f}, {self.high:.4f}] ({self.method})"
        return f"{self.estimate:.4f} [{self.low:.4f}, {self.high:.4f}] ({self.method})"
