"""An estimate with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._results import Batch, drawn, first_few
from jaxmle._types import Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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

    def plot(self, names: Sequence[object] | None = None, **options: object) -> "Axes":
        """Draw one interval with `plot_interval`, a batch of shape ``(S,)`` with `plot_slices`.

        Args:
            names: Name of each slice of a batch; numbers by default.
            **options: Those of the function, such as ``limit`` and ``ax``.

        Returns:
            The axes.

        Raises:
            ValueError: As `plot_interval` or `plot_slices`.
            ImportError: matplotlib is not installed.

        Examples:
            >>> from matplotlib.figure import Figure
            >>> from jaxmle import Counts, profile_interval
            >>> counts = Counts([4, 1], [1, 0], [2, 1], [43, 28], [90, 20], [900, 180])
            >>> found = profile_interval(counts, simulate=False)
            >>> ax = found.plot(["privacy", "safety"], limit=0.2, ax=Figure().subplots())
            >>> [label.get_text() for label in ax.get_yticklabels()]
            ['privacy', 'safety']
        """
        if np.ndim(self.low):
            return drawn("plot_slices", self, names, **options)
        return drawn("plot_interval", self, **options)

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
