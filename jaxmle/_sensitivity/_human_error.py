"""What a failure rate becomes where the human labels err too.

Humans call a share h of the items failures. If they miss a share a of the true failures, and call a share b
of the true passes failures, h = (1 - a) t + b (1 - t), so that the true rate is t = (h - b) / (1 - a - b).
Everything else here is of h, the labels being taken for the truth: bounds on the judge are then of the judge
against such labels, and no matter how errors of humans and of the judge go together, this is right, since it
asks of the labels' share alone. t rises with h and a, and falls with b, so that the set of rates that a range
of a and of b leaves open ends at two of its corners.

Source: Rogan and Gladen, Am. J. Epidemiol. 107 (1978), eq. 1, with humans as the test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import host_number
from jaxmle._inference import Interval
from jaxmle._results import Batch, first_few, plain
from jaxmle._types import Array, ArrayLike, Flags, Numbers, Pair


@pytree
@dataclass(frozen=True, eq=False)
class HumanError(Batch):
    """Failure rates that labels leave open where humans err at rates within ranges.

    Attributes:
        low: Lower end of the interval, at the fewest misses and the most false alarms, shape ``(...)``.
        high: Upper end, at the most misses and the fewest false alarms, shape ``(...)``.
        estimates: Least and largest estimate, shape ``(...)`` each; None where there is no estimate.
        identified: Whether labels and bounds determine the estimate, shape ``(...)``; where they do not,
            ``estimates`` are only points of a set within the interval.
        contradicted: Whether the interval has room for no true rate: the fewest false alarms alone are more
            failures, or the fewest misses leave fewer.
        missed: Range of the share of true failures that humans call passes.
        false_alarms: Range of the share of true passes that humans call failures.
        confidence: That of the interval, which holds for the true rates of error, whatever they are within
            the ranges.
    """

    low: Numbers
    high: Numbers
    estimates: Pair | None
    identified: Flags
    contradicted: Flags
    missed: tuple[float, float] = field(metadata={"static": True})
    false_alarms: tuple[float, float] = field(metadata={"static": True})
    confidence: float | None = field(metadata={"static": True})

    def __str__(self) -> str:
        if np.ndim(self.low):
            shown = first_few("[{:.4f}, {:.4f}]".format, self.low, self.high)
            return f"{np.shape(self.low)} intervals, human error allowed for: {shown}"
        range_ = "" if self.identified else "not identified, "
        if self.identified and self.estimates is not None:
            range_ = "estimate {:.4f} to {:.4f}, ".format(*self.estimates)
        level = "" if self.confidence is None else f" at {100 * self.confidence:g}%"
        return f"{range_}interval {self.low:.4f} to {self.high:.4f}{level}, human error allowed for"


def human_error(
    interval: Interval,
    *,
    missed: Sequence[float] | float = 0.0,
    false_alarms: Sequence[float] | float = 0.0,
) -> HumanError:
    """Failure rates that labels leave open where they err themselves.

    The labels' own failure rate and its interval are taken as they are, so bounds on the judge, where there
    are any, must be of the judge against such labels, as those from a labelled reference are. Errors of
    humans may go together with those of the judge; their rates are of these items, all of them. Labels that
    came from elsewhere tell of the judge against them only, and what of that is true elsewhere depends on
    the failure rate there: for those there is no such formula.

    Args:
        interval: What `profile_interval`, `Fit.interval` or `bootstrap` found for labels of the judged items.
        missed: Share of the true failures that humans call passes: a range, or a number if it is known.
        false_alarms: Share of the true passes that humans call failures, likewise.

    Returns:
        The least and the largest estimate, and an interval that holds for all rates within the ranges.

    Raises:
        ValueError: A range is none, or the largest rates add up to 1 or more.
        TypeError: ``interval`` is no interval of failure rates.

    Source:
        Rogan and Gladen, Am. J. Epidemiol. 107 (1978), eq. 1; see `_human_error`.

    Examples:
        >>> from jaxmle import Counts, human_error, profile_interval
        >>> interval = profile_interval(Counts(9, 1, 2, 88, 900, 9100), simulate=False)
        >>> found = human_error(interval, missed=(0, 0.1), false_alarms=(0, 0.01))
        >>> found.low < interval.low < interval.high < found.high
        True
    """
    if not isinstance(interval, Interval):
        raise TypeError(f"`interval` must be what an interval function found; got {type(interval).__name__}.")
    misses, alarms = error_ranges(missed, false_alarms)
    low, high = np.asarray(interval.low, float), np.asarray(interval.high, float)
    estimates = None
    if interval.estimate is not None:
        estimate = np.asarray(interval.estimate, float)
        estimates = (
            plain(true_rate(estimate, misses[0], alarms[1])),
            plain(true_rate(estimate, misses[1], alarms[0])),
        )
    return HumanError(
        low=plain(true_rate(low, misses[0], alarms[1])),
        high=plain(true_rate(high, misses[1], alarms[0])),
        estimates=estimates,
        identified=plain(np.broadcast_to(getattr(interval, "identified", True), low.shape)),
        contradicted=plain(leave_none(low, high, misses, alarms)),
        missed=misses,
        false_alarms=alarms,
        confidence=interval.confidence,
    )


def true_rate(labeled_rate: ArrayLike, missed: float, false_alarms: float) -> Array:
    """Failure rate where humans call a share ``labeled_rate`` failures and err at known rates."""
    rate = (np.asarray(labeled_rate, np.float64) - false_alarms) / (1 - missed - false_alarms)
    return np.clip(rate, 0.0, 1.0)


def labeled_limit(limit: float, missed: tuple[float, float], false_alarms: tuple[float, float]) -> float:
    """Share that humans call failures, below which the true rate is below a limit at all rates of error."""
    return float(false_alarms[0] + (1 - false_alarms[0] - missed[1]) * limit)


def leave_none(
    low: ArrayLike, high: ArrayLike, missed: tuple[float, float], false_alarms: tuple[float, float]
) -> Array:
    """Whether no true rate makes the labels' rate one from ``low`` to ``high``: it lies in [e0, 1 - e1]."""
    return np.less(high, false_alarms[0]) | np.greater(low, 1 - missed[0])


def error_ranges(
    missed: Sequence[float] | float, false_alarms: Sequence[float] | float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ranges, checked."""
    misses, alarms = _range("missed", missed), _range("false_alarms", false_alarms)
    if misses[1] + alarms[1] >= 1:
        raise ValueError(
            f"`missed` and `false_alarms` must add up to less than 1, or labels tell nothing; got up to "
            f"{misses[1]:g} and {alarms[1]:g}."
        )
    return misses, alarms


def _range(name: str, given: Sequence[float] | float) -> tuple[float, float]:
    ends = np.asarray(host_number(name, given), np.float64)
    low, high = (ends, ends) if ends.ndim == 0 else ends if ends.shape == (2,) else (1.0, 0.0)
    if not 0 <= low <= high < 1:
        raise ValueError(f"`{name}` must be a number or a range within [0, 1), low end first; got {given!r}.")
    return float(low), float(high)
