"""Looking more than once at one gate: how much of the error each look may spend.

Sources: Lan and DeMets, Biometrika 70 (1983), for spending functions; O'Brien and Fleming, Biometrics 35
(1979); Pocock, Biometrika 64 (1977).
"""

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import host_number
from jaxmle._inference._arguments import check_whole
from jaxmle._results import Result
from jaxmle._types import Array

Spending = Literal["obrien-fleming", "pocock"]

_MOST = 1000


@pytree
@dataclass(frozen=True)
class Looks(Result):
    """Which look at a gate this is, of how many, and how the error is shared among them.

    The error of all looks together stays below 1 - confidence, whether they stop at the first certificate or
    not. It holds where the number of looks and the spending were settled before the first.

    Args:
        look: This look, from 1.
        of: Looks that are planned, at most 1,000.
        spending: "obrien-fleming", which spends little early and costs the last look least, or "pocock",
            which lets an early look certify more easily.
        information: Share of all planned labels that there were at each look up to this one, increasing, the
            last at most 1; even steps where it is left out.

    Raises:
        ValueError: ``look`` lies beyond ``of``, ``spending`` is unknown, or ``information`` does not hold
            ``look`` shares that increase to at most 1.

    Examples:
        >>> from jaxmle import Looks
        >>> [round(Looks(look, of=3).level(0.05), 4) for look in (1, 2, 3)]
        [0.0007, 0.0157, 0.0336]
    """

    look: int
    of: int
    spending: Spending = field(default="obrien-fleming", metadata={"static": True})
    information: tuple[float, ...] | None = field(default=None, metadata={"static": True})

    def __post_init__(self) -> None:
        check_whole("of", self.of, 1, _MOST)
        check_whole("look", self.look, 1, self.of)
        if self.spending not in get_args(Spending):
            choices = " or ".join(map(repr, get_args(Spending)))
            raise ValueError(f"`spending` must be {choices}; got {self.spending!r}.")
        given = self.information
        if given is None:
            return
        shares = np.asarray(host_number("information", given), np.float64)
        if shares.shape != (self.look,) or not (np.all(np.diff(shares, prepend=0) > 0) and shares[-1] <= 1):
            raise ValueError(
                f"`information` must hold a share of the planned labels for each of the {self.look} looks so "
                f"far, increasing to at most 1; got {given!r}."
            )
        if self.look == self.of and shares[-1] < 1:
            raise ValueError(f"`information` must end at 1 at the last look; got {given!r}.")

    @property
    def shares(self) -> Array:
        """Share of all planned labels at each look up to this one, shape ``(look,)``."""
        if self.information is None:
            return np.arange(1, self.look + 1) / self.of
        return np.asarray(self.information, np.float64)

    def levels(self, alpha: float) -> Array:
        """Return the error that each look up to this one may spend, shape ``(look,)``.

        Args:
            alpha: Error of all looks together, in (0, 1).

        Source:
            Lan and DeMets, Biometrika 70 (1983).

        Examples:
            >>> from jaxmle import Looks
            >>> Looks(2, 2).levels(0.05).round(4).tolist()
            [0.0056, 0.0444]
        """
        t = self.shares
        if self.spending == "pocock":
            spent = alpha * np.log1p((np.e - 1) * t)
        else:
            normal = NormalDist()
            z = -normal.inv_cdf(alpha / 2)
            spent = np.array([2 * normal.cdf(-z / np.sqrt(one)) for one in t])
        return np.diff(spent, prepend=0.0)

    def level(self, alpha: float) -> float:
        """Return the error that this look may spend.

        Args:
            alpha: Error of all looks together, in (0, 1).

        Source:
            As of `levels`.

        Examples:
            >>> from jaxmle import Looks
            >>> round(Looks(1, 2).level(0.05), 4)
            0.0056
        """
        return float(self.levels(alpha)[-1])
