"""An upper limit that holds at every number of labels at once: bets against every failure rate.

A bettor against "failure rate >= m" multiplies the stake, with each label and verdict (y, j) of an item drawn
at random, by Q(y, j) / P(y, j): Q is where the bettor thinks the truth lies, P the closest law to Q that the
hypothesis allows. No law of the hypothesis lets the stake grow on average, so it reaches 1 / alpha at any
time with probability alpha at most, and the rates against which it never did are a confidence sequence. The
stake is spread over many Q and never moved, so that it depends on the counts alone.

The hypothesis is a polytope: the rate, the judge's bounds and a known flag rate are linear in the four
probabilities of (y, j). The flag rate makes the judge's verdict a control variate; it is known from all
verdicts within exact limits, which miss it with a tenth of the error, and of the rates within the one that
favours the bettor least is taken. Without judge and bounds Q / P is 1 - lambda (y - m), the bet of
Waudby-Smith and Ramdas.

Sources: Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86 (2024); Ville (1939); Grunwald, de Heide and Koolen,
J. R. Stat. Soc. B 86 (2024), Theorem 1, for Q / P with P the closest law of a convex hypothesis.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Unpack

import numpy as np

from jaxmle._arrays import pytree, tree_map
from jaxmle._data import Bounds, Counts, HasCounts, Problem, check_confidence
from jaxmle._inference._arguments import checked_problem, given_counts, limits_of, shaped, whole_numbers
from jaxmle._inference._certificate import Certificate
from jaxmle._inference._design_check import warn_of_design
from jaxmle._inference._multiplicity import Adjustment, adjust_p_values
from jaxmle._results import Batch, first_few
from jaxmle._stats import clopper_pearson, divide, halved
from jaxmle._types import Array, ArrayLike, Flags, Numbers, Pair

if TYPE_CHECKING:
    from jaxmle._tables import Columns, Rows

# Share of the error spent on the flag rate, where there are verdicts that no human saw.
_FLAG_SHARE = 0.1
_FLAG_RATES = 5
# Where the bettor thinks the truth lies: shares of the rate that is bet against, and of the way across the
# judge's TPRs that the bounds and the flag rate leave.
_RATES = np.array([0.0, 0.02, 0.06, 0.13, 0.22, 0.33, 0.45, 0.6, 0.75, 0.9])
_ACROSS = np.array([0.02, 0.15, 0.35, 0.55, 0.75, 0.9, 0.98, 1.0])
_HALVINGS = 36
# Rates at which limits are looked for.
_GRID = np.geomspace(1e-4, 1 - 1e-6, 128)
# Numbers that are worked on at once.
_ENTRIES = 1 << 22
# Logarithms of stakes are cut off here, and probabilities there.
_MOST, _LEAST = 100.0, 1e-300
_ROUNDING = 1e-12


@pytree
@dataclass(frozen=True, eq=False)
class ConfidenceSequence(Batch):
    """Upper limits of the failure rate that hold at all numbers of labels at once.

    Attributes:
        upper_limit: Upper limit, shape ``(...)``.
        certified: Whether the failure rate is below the limit, shape ``(...)``.
        e_value: What a stake of 1 against "failure rate >= limit" has become, shape ``(...)``; it certifies
            from 1 / alpha on, alpha being 1 - confidence or, where unlabelled verdicts tell the flag rate, a
            tenth less.
        limit: The limit, shape ``(...)``.
        contradicted: Whether no failure rate at all agrees with bounds and verdicts; then nothing is
            certified and the upper limit is the bound.
        mismatched: Whether the judge flags labelled and unlabelled items too differently for the labelled
            ones to be the random sample they are declared to be; then the same.
        confidence: Confidence, such as 0.95.
    """

    upper_limit: Numbers
    certified: Flags
    e_value: Numbers
    limit: Numbers
    contradicted: Flags
    mismatched: Flags
    confidence: float = field(metadata={"static": True})

    def __str__(self) -> str:
        level = f"{100 * self.confidence:g}% confidence at any time"
        if np.ndim(self.certified):
            passed = f"{int(np.sum(self.certified)):,} of {np.size(self.certified):,} certified"
            return f"{passed}; upper limits {first_few('{:.4f}'.format, self.upper_limit)} at {level}"
        verdict = "certified" if self.certified else "not certified"
        return (
            f"{verdict}: failure rate < {self.limit:g} at {level} "
            f"(e = {self.e_value:.3g}, upper limit {self.upper_limit:.4f})"
        )


def confidence_sequence(
    counts: "Counts | HasCounts | Rows",
    bounds: Bounds | None = None,
    *,
    limit: ArrayLike = 0.05,
    confidence: float = 0.95,
    running: bool = False,
    **columns: "Unpack[Columns]",
) -> ConfidenceSequence:
    """Upper limit of the failure rate that holds however often one looks, and whenever one stops.

    Labels are a random sample of the judged items, in the order in which they come; whether to label more
    may depend on all that was seen, not so which item. The limits at all times hold together with the
    confidence. For the same labels they are wider than those of `certify`, which hold at one time.

    Args:
        counts: Counts as they stand, any batch shape ``(...)``, or rows as in `fit`; whole numbers. With
            ``running`` the first axis is time.
        bounds: Bounds, scalar or broadcastable with the counts; none by default. That of the failure rate
            plays no part but for its upper end, which the limit never exceeds.
        limit: The failure rate to stay under, in (0, 1).
        confidence: 1 - the probability that any limit of the sequence lies below the failure rate, in
            [0.5, 1).
        running: Whether the counts are those of one gate after more and more labels: limits then never rise,
            and what was certified once stays so.
        **columns: Of rows: arguments of `tables.count`, as in `fit`.

    Returns:
        Upper limits, verdicts and stakes, shape ``(...)``.

    Raises:
        ValueError: An argument is out of range; counts are not whole numbers; shapes do not match; a data set
            is empty or impossible within the bounds; ``running`` counts have no first axis, or lose labels.
        TypeError: ``counts`` is nothing that can be counted, or ``bounds`` not a `Bounds`.

    Warns:
        UserWarning: Labelled items are no random sample.

    Source:
        Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86 (2024); see `_confidence_sequence`.

    Examples:
        >>> from jaxmle import Bounds, Counts, confidence_sequence
        >>> counts = Counts(tp=4, fn=0, fp=4, tn=192, unlabeled_pos=380, unlabeled_neg=9620)
        >>> bounds = Bounds(tpr=(0.87, 0.93), fpr=(0.01, 0.04))
        >>> result = confidence_sequence(counts, bounds, limit=0.06)
        >>> result.certified, bool(result.e_value > 20)
        (True, True)
    """
    if 1 - check_confidence(confidence) > 0.5:
        raise ValueError(f"`confidence` must be at least 0.5; got {confidence!r}.")
    problem, shape = checked_problem(given_counts("confidence_sequence", counts, columns), bounds, "internal")
    rate = limits_of(limit, shape)
    if not whole_numbers(problem.counts):
        raise ValueError("`counts` must be whole numbers: each label is one bet, and weights have no order.")
    if running:
        _check_running(problem.counts, shape, rate)
    biased = warn_of_design(problem.counts, "internal", "random", effective=False)
    times = shape[0] if running else 1
    bets = _Bets.of(problem, 1 - float(confidence), times)
    highest = problem.bounds.failure_rate[1].reshape(times, -1)
    stakes = bets.log_stakes(rate.reshape(times, -1)[0][:, None])[..., 0]
    upper, against = bets.limits()
    silent = against | biased.reshape(times, -1)
    upper = np.where(silent, highest, np.minimum(upper, highest))
    stakes = np.where(silent, -np.inf, stakes)
    upper, stakes = np.minimum.accumulate(upper, 0), np.maximum.accumulate(stakes, 0)
    at = rate.reshape(times, -1)
    certified = (stakes >= bets.wanted) | (~silent & (at > highest))
    # The limit is found to some digits, the verdict is exact.
    upper = np.where(certified, np.minimum(upper, at), np.maximum(upper, np.minimum(at, highest)))
    found = ConfidenceSequence(
        upper_limit=upper,
        certified=certified,
        e_value=np.exp(np.clip(stakes, -_MOST, _MOST)),
        limit=rate,
        contradicted=against,
        mismatched=biased,
        confidence=float(confidence),
    )
    return shaped(found, shape)


def anytime_certificates(
    counts: Counts, bounds: Bounds, *, limit: float, confidence: float, adjustment: Adjustment
) -> Certificate:
    """`confidence_sequence` of data sets as certificates, shape ``(B,)``: p-values are those of any time.

    Source: Ramdas et al., Stat. Sci. 38 (2023): 1 / e, the least so far, is a p-value at any time.
    """
    found = confidence_sequence(counts, bounds, limit=limit, confidence=confidence)
    silent = np.asarray(found.contradicted | found.mismatched)
    by_bounds = np.asarray((found.limit > bounds.failure_rate[1]) | (found.limit <= bounds.failure_rate[0]))
    share = np.where(counts.n_unlabeled > 0, 1 - _FLAG_SHARE, 1.0)
    p_value = np.minimum(1 / np.maximum(share * np.asarray(found.e_value), _LEAST), 1.0)
    p_value = np.where(silent, 1.0, np.where(found.limit > bounds.failure_rate[1], 0.0, p_value))
    adjusted = adjust_p_values(p_value, adjustment)
    return Certificate(
        certified=adjusted <= (1 - confidence) * (1 + 1e-12),
        p_value=adjusted,
        upper_limit=np.asarray(found.upper_limit),
        by_bounds=by_bounds,
        contradicted=np.asarray(found.contradicted),
        mismatched=np.asarray(found.mismatched),
        limit=np.asarray(found.limit),
        confidence=confidence,
        method="anytime",
        adjustment=adjustment,
        level=1 - confidence,
    )


def _check_running(counts: Counts, shape: tuple[int, ...], rate: Array) -> None:
    """Raise ``ValueError`` unless the first axis is time."""
    if not shape:
        raise ValueError("`running` counts must have a first axis, which is time; got those of one time.")
    cells = {name: getattr(counts, name).reshape(shape) for name in ("tp", "fn", "fp", "tn")}
    for name, values in cells.items():
        if np.any(np.diff(values, axis=0) < 0):
            raise ValueError(f"`running` counts must never lose labels; `{name}` falls.")
    flags = cells["tp"] + cells["fp"] + counts.unlabeled_pos.reshape(shape)
    passes = cells["fn"] + cells["tn"] + counts.unlabeled_neg.reshape(shape)
    if np.any(flags != flags[:1]) or np.any(passes != passes[:1]):
        raise ValueError(
            "`running` counts must hold the same verdicts of the judge at all times: each new label takes an "
            "item from the unlabelled ones."
        )
    if np.any(rate.reshape(shape) != rate.reshape(shape)[:1]):
        raise ValueError("`limit` must be the same at all times.")


@dataclass(frozen=True)
class _Bets:
    """Stakes against failure rates.

    Attributes:
        cells: Labels tp, fn, fp, tn at each time, shape ``(T, B, 4)``.
        bounds: The judge's bounds, shape ``(B,)``.
        flag_rates: Flag rates within their limits, shape ``(B, F)``.
        alone: Whether there is no verdict but those of labelled items: then bets are on the label alone;
            shape ``(B,)``.
        wanted: Logarithm of the stake that rejects, shape ``(B,)``.
    """

    cells: Array
    bounds: Bounds
    flag_rates: Array
    alone: Array
    wanted: Array

    @classmethod
    def of(cls, problem: Problem, alpha: float, times: int) -> "_Bets":
        c = problem.counts
        flags, passes = c.unlabeled_pos + c.tp + c.fp, c.unlabeled_neg + c.fn + c.tn
        size = len(flags) // times
        low, high = clopper_pearson(flags[:size], passes[:size], _FLAG_SHARE * alpha / 2)
        alone = np.asarray(c.n_unlabeled <= 0).reshape(times, size).all(0)
        return cls(
            np.stack([c.tp, c.fn, c.fp, c.tn], -1).reshape(times, size, 4),
            tree_map(lambda x: x[:size], problem.bounds),
            low[:, None] + np.linspace(0, 1, _FLAG_RATES) * (high - low)[:, None],
            np.asarray(alone),
            -np.log(alpha * np.where(alone, 1.0, 1 - _FLAG_SHARE)),
        )

    def limits(self) -> tuple[Array, Array]:
        """Largest rates that are not rejected, and whether there is none; shape ``(T, B)``.

        Between the rates of a grid the logarithm of the stake is taken for a line.
        """
        stakes = self.log_stakes(np.broadcast_to(_GRID, (self.cells.shape[1], len(_GRID))))
        excess = stakes - self.wanted[:, None]
        is_left = excess < 0
        none = np.asarray(~is_left.any(-1))
        last = len(_GRID) - 1 - np.argmax(is_left[..., ::-1], -1)
        then = np.minimum(last + 1, len(_GRID) - 1)
        here, there = (np.take_along_axis(excess, x[..., None], -1)[..., 0] for x in (last, then))
        part = np.clip(divide(-here, np.minimum(there, _MOST) - here), 0, 1)
        found = _GRID[last] * (_GRID[then] / _GRID[last]) ** part
        return np.where(last == len(_GRID) - 1, 1.0, found), none

    def log_stakes(self, m: Array) -> Array:
        """Logarithms of the stakes against "failure rate >= m", of shape ``(B, M)``: shape ``(T, B, M)``."""
        shape, times = m.shape, len(self.cells)
        owner = np.repeat(np.arange(shape[0]), shape[1])
        rate = m.reshape(-1)
        step = max(1, _ENTRIES // (_FLAG_RATES * _RATES.size * _ACROSS.size * times))
        parts = []
        for start in range(0, len(rate), step):
            index = owner[start : start + step]
            bounds = tree_map(lambda x, index=index: x[index], self.bounds)
            laws = _Laws(bounds.tpr, bounds.fpr, self.flag_rates[index], rate[start : start + step])
            cells = self.cells[:, index]
            by_verdict = _mean_of_logs(np.einsum("pfgi,tpi->tpfg", laws.gains(), cells)).min(-1)
            by_label = _mean_of_logs(np.einsum("pgi,tpi->tpg", laws.gains_of_labels(), cells))
            empty = ~laws.allowed.any(1)
            with_judge = np.where(empty, _MOST, by_verdict)
            parts.append(np.where(self.alone[index], by_label, with_judge))
        return np.concatenate(parts, -1).reshape(times, *shape)


@dataclass(frozen=True)
class _Laws:
    """Laws of (tp, fn, fp, tn), and what each bettor gains by them.

    Attributes:
        tpr: Bounds, shape ``(P,)``.
        fpr: Bounds, shape ``(P,)``.
        flag_rates: Flag rates, shape ``(P, F)``.
        rate: Failure rates that are bet against, shape ``(P,)``.
    """

    tpr: Pair
    fpr: Pair
    flag_rates: Array
    rate: Array

    def gains(self) -> Array:
        """Logarithms of Q / P, shape ``(P, F, bettors, 4)``; none where one bets on what cannot be.

        Where P gives an outcome no probability, or Q, its logarithm is large and finite.
        """
        bettor, possible = self.bettors()
        gain = np.log(np.maximum(bettor, _LEAST) / np.maximum(self.closest(bettor), _LEAST))
        # Of a flag rate at which the hypothesis holds no law there is nothing to be said against it.
        ruled_out = ~self.allowed[:, :, None, None]
        return np.where(ruled_out, _MOST, np.where(possible[..., None], gain, 0.0))

    def gains_of_labels(self) -> Array:
        """The same of bets on the label alone, shape ``(P, bettors, 4)``."""
        m = self.rate[:, None]
        fails = np.log(np.maximum(_RATES, _LEAST) * np.ones_like(m))
        passes = np.log1p(-m * _RATES) - np.log1p(-m)
        return np.stack([fails, fails, passes, passes], -1)

    @property
    def allowed(self) -> Array:
        """Whether bounds and flag rate leave a law at the rate, shape ``(P, F)``."""
        low, high = self._tprs(self.rate[:, None, None])
        return np.asarray((high - low >= -_ROUNDING)[..., 0])

    def bettors(self) -> Pair:
        """What bettors think, shape ``(P, F, bettors, 4)``, and whether it can be, ``(P, F, bettors)``."""
        rates, across = (x.reshape(-1) for x in np.meshgrid(_RATES, _ACROSS, indexing="ij"))
        rate = self.rate[:, None, None] * rates
        low, high = self._tprs(rate)
        return self._law(rate, np.clip(low + across * (high - low), 0, 1)), high - low >= -_ROUNDING

    def closest(self, bettor: Array) -> Array:
        """The hypothesis' laws closest to them: those at the rate itself, on its edge."""
        m, f = self.rate[:, None, None], self.flag_rates[:, :, None]
        q11, q10, q01, q00 = np.moveaxis(bettor, -1, 0)

        def rises(tpr: Array) -> Array:
            """Whether the expected log-likelihood under the bettor's law rises with the TPR."""
            a, b, c, d = m * tpr, m * (1 - tpr), f - m * tpr, 1 - m - f + m * tpr
            up = q11 / np.maximum(a, _LEAST) + q00 / np.maximum(d, _LEAST)
            return np.asarray(up > q10 / np.maximum(b, _LEAST) + q01 / np.maximum(c, _LEAST))

        low, high = (np.broadcast_to(np.clip(x, 0, 1), q11.shape) for x in self._tprs(m))
        low, high = halved(rises, low, np.maximum(low, high), _HALVINGS)
        return self._law(m, 0.5 * (low + high))

    def _law(self, rate: Array, tpr: Array) -> Array:
        f = self.flag_rates[:, :, None]
        both = np.minimum(rate * tpr, f)
        cells = np.broadcast_arrays(both, rate - both, f - both, 1 - rate - f + both)
        return np.maximum(np.stack(cells, -1), 0.0)

    def _tprs(self, rate: Array) -> Pair:
        """TPRs that bounds and flag rate leave at failure rates of shape ``(P, 1, R)``."""
        f = self.flag_rates[:, :, None]
        low, high, least, most = (x[:, None, None] for x in (*self.tpr, *self.fpr))
        # At a rate of 0 the FPR is the flag rate.
        lower = np.where(rate > 0, divide(f - (1 - rate) * most, rate), np.where(f > most, 2.0, 0.0))
        upper = np.where(rate > 0, divide(f - (1 - rate) * least, rate), np.where(f < least, -1.0, 1.0))
        return np.maximum(low, lower), np.minimum(high, upper)


def _mean_of_logs(log_stake: Array) -> Array:
    """Logarithm of the mean stake over the last axis."""
    top = log_stake.max(-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.mean(np.exp(log_stake - top), -1)))
