"""Stakes against failure rates: what bets on (label, verdict) gain, and against which laws.

The hypothesis "failure rate >= m" is, with the judge's bounds and a range of the flag rate, a polytope of the
four probabilities of (y, j). With P its law of the least divergence from Q, Q / P has mean 1 at most under
each of its laws. Flag rates are cut into ranges before anything is seen; each has its own Q and P, and the
stake is the least of those of the ranges that are left: a range is dropped only if none of its flag rates is
both within exact limits and possible at a rate of m or more.

Sources: Grunwald, de Heide and Koolen, J. R. Stat. Soc. B 86 (2024), Theorem 1; Waudby-Smith and Ramdas,
J. R. Stat. Soc. B 86 (2024), for bets on labels alone.
"""

from dataclasses import dataclass

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Bounds, Problem
from jaxmle._stats import clopper_pearson, divide, flag_rate, halved, log_sum_exp
from jaxmle._types import Array, Pair

# Share of the error spent on the flag rate.
FLAG_SHARE = 0.1
# Ranges of the flag rate are this wide, on the scale of the arc sine of its root, times the root of the
# number of verdicts; limits at 99.5% are about 2.8 apart on it.
_ANGLE = 0.7
# Share of the stake that is bet on labels alone, for those whose judge says nothing.
_LABEL_SHARE = 0.1
# Where the bettor thinks the truth lies: shares of the rate that is bet against, and of the way across the
# judge's TPRs that the bounds and the flag rate leave.
_RATES = np.array([0.0, 0.02, 0.06, 0.13, 0.22, 0.33, 0.45, 0.6, 0.75, 0.9])
_ACROSS = np.array([0.02, 0.15, 0.35, 0.55, 0.75, 0.9, 0.98, 1.0])
_HALVINGS = 26
# Rates at which limits are looked for: 4% apart where they mostly lie.
_GRID = np.concatenate(
    [
        np.geomspace(1e-4, 5e-3, 16, endpoint=False),
        np.geomspace(5e-3, 0.5, 116),
        1 - np.geomspace(0.47, 1e-6, 12),
    ]
)
# Numbers that are worked on at once.
_ENTRIES = 1 << 22
# Logarithms of stakes are cut off here, and probabilities there.
MOST, _LEAST = 100.0, 1e-300
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Bets:
    """Stakes against failure rates.

    Attributes:
        cells: Labels tp, fn, fp, tn at each time, shape ``(T, B, 4)``.
        bounds: The judge's bounds, shape ``(B,)``.
        flag_limits: Exact limits of the flag rate, shapes ``(B,)``.
        edges: Edges of the ranges of flag rates that lie in part within them, shapes ``(B, F)``.
        wanted: Logarithm of the stake that rejects.
    """

    cells: Array
    bounds: Bounds
    flag_limits: Pair
    edges: Pair
    wanted: float

    @classmethod
    def of(cls, problem: Problem, alpha: float, times: int) -> "Bets":
        c = problem.counts
        flags, passes = c.unlabeled_pos + c.tp + c.fp, c.unlabeled_neg + c.fn + c.tn
        size = len(flags) // times
        low, high = clopper_pearson(flags[:size], passes[:size], FLAG_SHARE * alpha / 2)
        # The ranges depend on the number of verdicts alone: no bet is chosen by what the judge said.
        angle = _ANGLE / np.sqrt(np.maximum(flags + passes, 1.0)[:size])
        first, last = (np.floor(np.arcsin(np.sqrt(x)) / angle) for x in (low, high))
        of = np.minimum(first[:, None] + np.arange(int(np.max(last - first)) + 1), last[:, None])
        ends = (np.sin(np.minimum((of + step) * angle[:, None], np.pi / 2)) ** 2 for step in (0, 1))
        return cls(
            np.stack([c.tp, c.fn, c.fp, c.tn], -1).reshape(times, size, 4),
            tree_map(lambda x: x[:size], problem.bounds),
            (low, high),
            (next(ends), next(ends)),
            -float(np.log(alpha * (1 - FLAG_SHARE))),
        )

    @property
    def contradicted(self) -> Array:
        """Whether no failure rate at all goes with flag rate and bounds, shape ``(B,)``."""
        (low, high), tpr, fpr = self.flag_limits, self.bounds.tpr, self.bounds.fpr
        return np.asarray((high < np.minimum(tpr[0], fpr[0])) | (low > np.maximum(tpr[1], fpr[1])))

    def limits(self, rate: Array) -> Pair:
        """Upper limits, and logarithms of stakes against "failure rate >= rate"; shapes ``(T, B)``.

        The stake against a rate is the least against it and all higher ones of a grid, which holds it. The
        limit is the lowest rate of the grid that is rejected so: where the failure rate lies between two
        rates, the limit falls below it only if the lower one is rejected, which is at most that rate.
        """
        size = len(rate)
        grid = np.sort(np.concatenate([np.broadcast_to(_GRID, (size, _GRID.size)), rate[:, None]], 1), 1)
        stakes = np.minimum.accumulate(self.log_stakes(grid)[..., ::-1], -1)[..., ::-1]
        at = np.argmax(grid >= rate[:, None], -1)
        rejected = stakes >= self.wanted
        first = np.argmax(rejected, -1)
        upper = np.where(rejected[..., -1], grid[np.arange(size), first], 1.0)
        return upper, stakes[:, np.arange(size), at]

    def log_stakes(self, m: Array) -> Array:
        """Logarithms of the stakes against "failure rate >= m", of shape ``(B, M)``: shape ``(T, B, M)``."""
        shape, times = m.shape, len(self.cells)
        owner = np.repeat(np.arange(shape[0]), shape[1])
        rate = m.reshape(-1)
        step = max(1, _ENTRIES // (self.edges[0].shape[1] * _RATES.size * _ACROSS.size * times))
        parts = []
        for start in range(0, len(rate), step):
            index = owner[start : start + step]
            taken = tree_map(lambda x, index=index: x[index], (self.bounds, self.edges, self.flag_limits))
            bounds, edges, limits = taken
            laws = Laws(bounds.tpr, bounds.fpr, *edges, rate[start : start + step])
            cells = self.cells[:, index]
            by_verdict = np.einsum("pfgi,tpi->tpfg", laws.gains(), cells)
            by_label = np.einsum("pgi,tpi->tpg", laws.gains_of_labels(), cells)
            mean = np.logaddexp(
                _mean_of_logs(by_verdict) + np.log(1 - _LABEL_SHARE),
                _mean_of_logs(by_label)[..., None] + np.log(_LABEL_SHARE),
            )
            parts.append(np.min(np.where(laws.plausible(*limits), mean, MOST), -1))
        return np.concatenate(parts, -1).reshape(times, *shape)


@dataclass(frozen=True)
class Laws:
    """Laws of (tp, fn, fp, tn), and what each bettor gains by them.

    Attributes:
        tpr: Bounds, shape ``(P,)``.
        fpr: Bounds, shape ``(P,)``.
        least: Lower ends of the ranges of the flag rate, shape ``(P, F)``.
        most: Upper ends.
        rate: Failure rates that are bet against, shape ``(P,)``.
    """

    tpr: Pair
    fpr: Pair
    least: Array
    most: Array
    rate: Array

    def plausible(self, low: Array, high: Array) -> Array:
        """Whether a range has a flag rate within limits that the rate or a higher one allows, ``(P, F)``."""
        at_least, at_most = self._flag_rates(self.rate[:, None])
        # Flag rates are linear in the rate: over all rates up to 1 they are extreme at an end.
        at_least, at_most = (
            np.minimum(at_least, self.tpr[0][:, None]),
            np.maximum(at_most, self.tpr[1][:, None]),
        )
        lower = np.maximum(np.maximum(self.least, low[:, None]), at_least)
        upper = np.minimum(np.minimum(self.most, high[:, None]), at_most)
        return np.asarray(upper - lower >= -_ROUNDING)

    def gains(self) -> Array:
        """Logarithms of Q / P, shape ``(P, F, bettors, 4)``; none where one bets on what cannot be.

        Where P gives an outcome no probability, or Q, its logarithm is large and finite.
        """
        rates, across = (x.reshape(-1) for x in np.meshgrid(_RATES, _ACROSS, indexing="ij"))
        m, rate = self.rate[:, None, None], self.rate[:, None, None] * rates
        lowest, highest = self._flags_within(rate)
        flags = 0.5 * (lowest + highest)
        low, high = self._tprs(rate, flags)
        tpr = np.clip(low + across * (high - low), 0, 1)
        bettor = _law(rate, tpr, flags)
        least, most = self._flags_within(m)
        # With a range that ends below the rate, or begins above it, there is nothing to bet.
        possible = (highest >= lowest) & (high - low >= -_ROUNDING) & (most >= least)
        law = self._closest(bettor, tpr, np.clip(divide(bettor[..., 2], 1 - rate), 0, 1))
        # Where Q is 0 all is lost, though P be 0 as well: of the laws of the hypothesis others need not be.
        gain = np.log(np.maximum(bettor, _LEAST)) - np.log(np.where(bettor > 0, np.maximum(law, _LEAST), 1.0))
        return np.where(possible[..., None], gain, 0.0)

    def gains_of_labels(self) -> Array:
        """The same of bets on the label alone, shape ``(P, bettors, 4)``."""
        m = self.rate[:, None]
        fails = np.log(np.maximum(_RATES, _LEAST) * np.ones_like(m))
        passes = np.log1p(-m * _RATES) - np.log1p(-m)
        return np.stack([fails, fails, passes, passes], -1)

    def _closest(self, bettor: Array, tpr: Array, fpr: Array) -> Array:
        """The hypothesis' laws closest to them: those at the rate itself, on its edge.

        There the divergence is one of the TPR and one of the FPR, least at the bettor's own; where these give
        a flag rate outside the range, on the nearer end of the range.
        """
        m = self.rate[:, None, None]
        free = flag_rate(m, tpr, fpr)
        least, most = self._flags_within(m)
        f = np.clip(free, least, np.maximum(least, most))
        q11, q10, q01, q00 = np.moveaxis(bettor, -1, 0)

        def rises(tpr: Array) -> Array:
            """Whether the expected log-likelihood under the bettor's law rises with the TPR."""
            a, b, c, d = m * tpr, m * (1 - tpr), f - m * tpr, 1 - m - f + m * tpr
            up = q11 / np.maximum(a, _LEAST) + q00 / np.maximum(d, _LEAST)
            return np.asarray(up > q10 / np.maximum(b, _LEAST) + q01 / np.maximum(c, _LEAST))

        low, high = (np.clip(x, 0, 1) for x in self._tprs(m, f))
        low, high = halved(rises, low, np.maximum(low, high), _HALVINGS)
        return _law(m, np.where(f == free, tpr, 0.5 * (low + high)), f)

    def _flag_rates(self, rate: Array) -> Pair:
        """Least and largest flag rates that bounds allow at failure rates of shape ``(P, ...)``."""
        over = (slice(None), *(None,) * (rate.ndim - 1))
        low, high = (flag_rate(rate, t[over], f[over]) for t, f in zip(self.tpr, self.fpr, strict=True))
        return low, high

    def _flags_within(self, rate: Array) -> Pair:
        """The same within the ranges, at failure rates of shape ``(P, 1, R)``: shape ``(P, F, R)``."""
        low, high = self._flag_rates(rate)
        return np.maximum(self.least[..., None], low), np.minimum(self.most[..., None], high)

    def _tprs(self, rate: Array, f: Array) -> Pair:
        """TPRs that bounds and flag rate leave at failure rates of shape ``(P, 1, R)``."""
        low, high, least, most = (x[:, None, None] for x in (*self.tpr, *self.fpr))
        # At a rate of 0 the FPR is the flag rate, and the TPR anything.
        lower = np.where(rate > 0, divide(f - (1 - rate) * most, rate), 0.0)
        upper = np.where(rate > 0, divide(f - (1 - rate) * least, rate), 1.0)
        return np.maximum(low, lower), np.minimum(high, upper)


def _law(rate: Array, tpr: Array, flag_rate: Array) -> Array:
    """Probabilities of (tp, fn, fp, tn) on a last axis."""
    both = np.minimum(rate * tpr, flag_rate)
    cells = np.broadcast_arrays(both, rate - both, flag_rate - both, 1 - rate - flag_rate + both)
    return np.maximum(np.stack(cells, -1), 0.0)


def _mean_of_logs(log_stake: Array) -> Array:
    """Logarithm of the mean stake over the last axis."""
    return log_sum_exp(log_stake, -1) - np.log(log_stake.shape[-1])
