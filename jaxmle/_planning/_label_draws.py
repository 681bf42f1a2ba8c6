"""Data sets that a plan would meet: labels bought one after another from the same judged items."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._simulation import Labels
from jaxmle._stats import cell_rates, failure_rates_by_verdict, flag_rate
from jaxmle._types import Array, ArrayLike, Pair, Triple

# The most labels that are thought of where they come from elsewhere.
_MOST_ELSEWHERE = 100_000


class AtHand(NamedTuple):
    """Labels that there are already; future ones are drawn from what they leave plausible.

    Attributes:
        cells: The six counts.
        precision: Draws of P(failure | flagged), shape ``(K,)``.
        miss_rate: Draws of P(failure | passed), shape ``(K,)``.
    """

    cells: tuple[float, ...]
    precision: Array
    miss_rate: Array

    @property
    def flagged(self) -> int:
        """Unlabelled items that the judge flags."""
        return int(self.cells[4])


class Setting(NamedTuple):
    """What a plan takes for true, and how labels will be chosen.

    Attributes:
        truth: Failure rate, TPR and FPR.
        n_judged: Items that the judge decides on, those to be labelled included where they are among them.
        bounds: Scalar bounds.
        calibration: "internal" or "external".
        labels: "random" or "by-verdict".
        share: Share of the labels that goes to flagged items (by-verdict) or to failures (external).
        at_hand: Labels that there are already, or None; those that are planned are then further ones, of
            items that the judge decided on.
    """

    truth: Params
    n_judged: int
    bounds: Bounds
    calibration: Calibration
    labels: Labels
    share: float = 0.5
    at_hand: AtHand | None = None

    @property
    def rates(self) -> Triple:
        """Failure rate, TPR and FPR as arrays."""
        p = self.truth
        return np.asarray(p.failure_rate), np.asarray(p.tpr), np.asarray(p.fpr)

    @property
    def flag_rate(self) -> float:
        """Probability that the judge flags an item."""
        return float(flag_rate(*self.rates))

    @property
    def precision(self) -> float:
        """Probability that a flagged item is a failure."""
        return float(failure_rates_by_verdict(*self.rates)[0])

    @property
    def miss_rate(self) -> float:
        """Probability that an item that the judge passes is a failure."""
        return float(failure_rates_by_verdict(*self.rates)[1])

    @property
    def divided(self) -> bool:
        """Whether labels are divided between two kinds of items."""
        return self.calibration == "external" or self.labels == "by-verdict"

    @property
    def most(self) -> int:
        """The most labels there can be."""
        return _MOST_ELSEWHERE if self.calibration == "external" else self.n_judged

    def divide(self, n: ArrayLike) -> Pair:
        """Labels of flagged items and of others, or of failures and of passes; all items if too few."""
        first = np.rint(self.share * np.asarray(n))
        if self.calibration == "internal":
            flagged = self.at_hand.flagged if self.at_hand else np.floor(self.n_judged * self.flag_rate)
            first = np.clip(first, np.asarray(n) - (self.n_judged - flagged), flagged)
        return first, np.asarray(n) - first


def draw(
    setting: Setting, n: Array, n_draws: int, seed: tuple[int, ...], share: Array | None = None
) -> Counts:
    """Draw data sets with ``n`` labels each, shape ``(K,)``: counts of shape ``(K * n_draws,)``.

    Data set i has the same items whatever ``n`` is: more labels are added to fewer. So differences between
    numbers of labels are not luck.
    """
    rng = np.random.default_rng(seed)
    n = np.asarray(n, np.int64)
    if share is not None:
        pairs = [setting._replace(share=s).divide(k) for s, k in zip(share, n, strict=True)]
        first, other = np.array(pairs).T
    else:
        first, other = setting.divide(n)
    if setting.at_hand:
        return _further(setting.at_hand, rng, n, None if setting.labels == "random" else first, n_draws)
    q, shape = setting.flag_rate, (len(n), n_draws)
    if setting.calibration == "external":
        tp, fn = _nested(rng, first, n_draws, [setting.truth.tpr, 1 - setting.truth.tpr])
        fp, tn = _nested(rng, other, n_draws, [setting.truth.fpr, 1 - setting.truth.fpr])
        flagged = np.broadcast_to(rng.binomial(setting.n_judged, q, n_draws), shape)
        cells = (tp, fn, fp, tn, flagged, setting.n_judged - flagged)
    elif setting.labels == "by-verdict":
        flagged = rng.binomial(setting.n_judged, q, n_draws)
        # No more can be labelled than there are.
        first = np.minimum(first[:, None], flagged)
        other = np.minimum(other[:, None], setting.n_judged - flagged)
        tp, fp = _nested(rng, first, n_draws, [setting.precision, 1 - setting.precision])
        fn, tn = _nested(rng, other, n_draws, [setting.miss_rate, 1 - setting.miss_rate])
        cells = (tp, fn, fp, tn, flagged - first, setting.n_judged - flagged - other)
    else:
        rates = cell_rates(*setting.rates)
        unlabeled = _nested(rng, setting.n_judged - n, n_draws, [q, 1 - q])
        cells = (*_nested(rng, n, n_draws, rates), *unlabeled)
    return Counts(*(np.asarray(cell, np.float64).reshape(-1) for cell in cells))


def _further(
    at_hand: AtHand, rng: np.random.Generator, n: Array, flagged: Array | None, n_draws: int
) -> Counts:
    """Counts after ``n`` further labels, of which so many of flagged items, or as many as chance has it."""
    has_flags, has_passes = (int(x) for x in at_hand.cells[4:])
    which = rng.integers(len(at_hand.precision), size=n_draws)
    precision, miss_rate = at_hand.precision[which], at_hand.miss_rate[which]
    if flagged is None:
        # The items in a random order: larger samples hold the smaller ones.
        order = np.argsort(n, kind="stable")
        first, left = np.zeros((len(n), n_draws), np.int64), np.full(n_draws, has_flags)
        others = np.full(n_draws, has_passes)
        for place, step in zip(order, np.diff(n[order], prepend=0), strict=True):
            new = rng.hypergeometric(left, others, step)
            left, others = left - new, others - (step - new)
            first[place] = has_flags - left
    else:
        first = np.broadcast_to(np.minimum(flagged, has_flags).astype(np.int64)[:, None], (len(n), n_draws))
    other = np.minimum(n[:, None] - first, has_passes)
    tp, fp = _nested(rng, first, n_draws, np.stack([precision, 1 - precision], -1))
    fn, tn = _nested(rng, other, n_draws, np.stack([miss_rate, 1 - miss_rate], -1))
    added = (tp, fn, fp, tn, -first, -other)
    cells = [have + more for have, more in zip(at_hand.cells, added, strict=True)]
    return Counts(*(np.asarray(cell, np.float64).reshape(-1) for cell in cells))


def _nested(rng: np.random.Generator, n: Array, n_draws: int, rates: Sequence[ArrayLike] | Array) -> Array:
    """Multinomial counts of ``n`` items, shape ``(K,)`` or ``(K, D)``, larger sets holding the smaller.

    ``rates`` are those of the kinds, of shape ``(D, kinds)`` where each data set has its own.

    Returns:
        Shape ``(kinds, K, n_draws)``.
    """
    n = np.broadcast_to(np.asarray(n, np.int64).reshape(len(n), -1), (len(n), n_draws))
    order = np.argsort(n, axis=0, kind="stable")
    steps = np.diff(np.take_along_axis(n, order, 0), axis=0, prepend=0)
    shares = np.asarray(rates, np.float64)
    added = np.cumsum(rng.multinomial(steps, shares / shares.sum(-1, keepdims=True)), axis=0)
    back = np.argsort(order, axis=0, kind="stable")
    return np.moveaxis(np.take_along_axis(added, back[..., None], 0), -1, 0)
