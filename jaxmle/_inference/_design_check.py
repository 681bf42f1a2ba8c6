"""Were the labelled items drawn from the judged population? The judge's flags tell."""

from dataclasses import dataclass

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._data import Calibration, Counts, HasCounts, counts_of
from jaxmle._inference._arguments import warn_user, whole_numbers
from jaxmle._results import Batch, plain
from jaxmle._simulation import Labels
from jaxmle._types import Array, Numbers

# Below this p-value, shared out over the slices, a mismatch is said.
_SAID_BELOW = 1e-3
# Terms of the exact distribution that are summed: so many counts and standard deviations about the mean.
_REACH = (30.0, 10.0)
# Numbers of terms computed at once.
_AT_ONCE = 1 << 20
# Probabilities that differ by less are the same, and numbers of items that do.
_TIE, _ROUNDING = 1e-7, 1e-9


@pytree
@dataclass(frozen=True, eq=False)
class DesignCheck(Batch):
    """Comparison of the judge's flag rates on labelled and unlabelled items.

    Attributes:
        p_value: Two-sided p-value of equal flag rates, shape ``(...)``; 1 where one of the groups is empty.
        flag_rate_labeled: Share of labelled items that the judge flags; 0 where there are none.
        flag_rate_unlabeled: Share of unlabelled items that the judge flags; 0 where there are none.
    """

    p_value: Numbers
    flag_rate_labeled: Numbers
    flag_rate_unlabeled: Numbers


def design_check(counts: Counts | HasCounts) -> DesignCheck:
    """Test whether the judge flags labelled and unlabelled items at the same rate.

    It does where labelled items are a random sample of the judged ones. A calibration set put together by
    true label (50 failures, 50 passes) fails the test and must be declared ``calibration="external"``; one
    chosen by the judge's verdict fails it too, and needs ``labels="by-verdict"``.

    Args:
        counts: Counts, any batch shape ``(...)``, of unweighted items, or what `tables.count` returns.

    Returns:
        The two flag rates and a p-value.

    Raises:
        ValueError: The table has weights or clusters.
        TypeError: ``counts`` is neither.

    Source:
        Fisher's exact test, J. R. Stat. Soc. 98 (1935), two-sided by the order of probabilities:
        however few items are flagged, it is wrong no more often than it says. A p-value below 1e-20 may be
        said larger than it is.

    Examples:
        >>> from jaxmle import Counts, design_check
        >>> balanced = Counts(tp=45, fn=5, fp=5, tn=45, unlabeled_pos=1800, unlabeled_neg=8200)
        >>> result = design_check(balanced)
        >>> print(result.flag_rate_labeled, result.flag_rate_unlabeled, result.p_value < 1e-9)
        0.5 0.18 True
    """
    c = Counts(*(np.asarray(x, np.float64) for x in counts_of("counts", counts).values()))
    n, unlabeled = c.n_labeled, c.n_unlabeled
    total = n + unlabeled
    labeled_rate = (c.tp + c.fp) / np.where(n > 0, n, 1)
    unlabeled_rate = c.unlabeled_pos / np.where(unlabeled > 0, unlabeled, 1)
    flat = (
        np.asarray(x, np.float64).reshape(-1) for x in (c.tp + c.fp, n, c.tp + c.fp + c.unlabeled_pos, total)
    )
    p_value = _exact_p_values(*flat).reshape(np.shape(n))
    return DesignCheck(plain(p_value), plain(labeled_rate), plain(unlabeled_rate))


def _exact_p_values(seen: Array, drawn: Array, flagged: Array, items: Array) -> Array:
    """Probability of a count no likelier than ``seen`` among the drawn items.

    Numbers that are not whole, such as effective ones, take the same terms a whole number apart.

    Args:
        seen: Flagged items among the drawn ones, shape ``(B,)``.
        drawn: Items drawn without replacement, shape ``(B,)``.
        flagged: Flagged items in all, shape ``(B,)``.
        items: Items in all, shape ``(B,)``.
    """
    mean = drawn * flagged / np.maximum(items, 1)
    variance = mean * (1 - flagged / np.maximum(items, 1)) * (items - drawn) / np.maximum(items - 1, 1)
    # What lies outside has a probability that no double tells from 0 beside the rest.
    reach = _REACH[0] + _REACH[1] * np.sqrt(np.maximum(variance, 0))
    low = np.maximum(np.maximum(flagged - (items - drawn), 0), mean - reach)
    high = np.minimum(np.minimum(drawn, flagged), mean + reach)
    first = np.ceil(low - seen - _ROUNDING)
    width = np.maximum(np.floor(high - seen + _ROUNDING) - first, 0).astype(np.int64) + 1
    p_value = np.empty(len(seen))
    order = np.argsort(width, kind="stable")
    start = 0
    while start < len(order):
        # Rows of like width go together: the widest of a block, its last row, sets the room it takes.
        room = np.arange(1, len(order) - start + 1) * width[order[start:]]
        stop = start + max(int(np.searchsorted(room, _AT_ONCE, side="right")), 1)
        rows = order[start:stop]
        p_value[rows] = _sums(*(x[rows] for x in (seen, drawn, flagged, items, first, width)))
        start = stop
    return p_value


def _sums(seen: Array, drawn: Array, flagged: Array, items: Array, first: Array, width: Array) -> Array:
    """Sums of the terms that are no larger than the one at ``seen``, each row its own window of terms."""
    step = np.arange(int(width.max()))
    at = (seen + first)[:, None] + step
    others = (drawn, flagged)
    with np.errstate(all="ignore"):  # beyond the window, which is cut off below
        ratio = np.log((others[0][:, None] - at) * (others[1][:, None] - at))
        ratio -= np.log((at + 1) * ((items - drawn - flagged)[:, None] + at + 1))
    inside = step < width[:, None]
    logs = np.zeros_like(at)
    logs[:, 1:] = np.cumsum(np.where(inside[:, 1:], ratio[:, :-1], 0.0), 1)
    logs = np.where(inside, logs, -np.inf)
    terms = np.exp(logs - logs.max(1, keepdims=True))
    own = np.clip(-first, 0, width - 1).astype(np.int64)
    bar = np.take_along_axis(terms, own[:, None], 1) * (1 + _TIE)
    return np.minimum(np.where(terms <= bar, terms, 0.0).sum(1) / terms.sum(1), 1.0)


def mismatched(check: DesignCheck, among: int | None = None) -> Array:
    """Which slices show a mismatch too large for chance, many slices considered.

    ``among`` tells how many there are, where these are a part of them.
    """
    return np.asarray(check.p_value) < _SAID_BELOW / max(among or np.size(check.p_value), 1)


def warn_of_design(
    counts: Counts,
    calibration: Calibration,
    labels: Labels,
    *,
    effective: bool = False,
    among: int | None = None,
) -> Array:
    """Warn where labels declared random and internal cannot be, and say where, shape ``(B,)``.

    ``among`` as in `mismatched`.
    """
    # Sums of weights are no sample sizes, unless they have been made effective ones.
    sizes = effective or whole_numbers(counts)
    if calibration != "internal" or labels != "random" or not sizes:
        return np.zeros(len(counts), bool)
    check = design_check(counts)
    wrong = mismatched(check, among)
    bad = np.flatnonzero(wrong)
    if bad.size:
        where = (
            f" (slice {bad[0]}{f' and {bad.size - 1} more' if bad.size > 1 else ''})"
            if len(counts) > 1
            else ""
        )
        labeled, others = np.asarray(check.flag_rate_labeled), np.asarray(check.flag_rate_unlabeled)
        warn_user(
            f"the judge flags {labeled[bad[0]]:.1%} of the labelled items and "
            f"{others[bad[0]]:.1%} of the others{where}: the labelled ones are no random "
            "sample. If they were chosen by their true label, or come from elsewhere, use "
            'calibration="external"; if the judge\'s verdict decided which, use labels="by-verdict".',
        )
    return wrong
