"""What labels are bought for, a width or the power to certify, as measured on drawn data sets.

Either is measured in two steps. A score that costs a fit or two, the width with chi-square cut-offs or the
signed root of the likelihood ratio, is computed for every data set. How the real interval or
certificate differs from it is learnt from a few of them, near the number of labels that matters.
"""

import warnings
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, TypeAlias, cast

import numpy as np

from jaxmle._data import Counts
from jaxmle._engine import Progress
from jaxmle._inference import (
    CertificateMethod,
    Fit,
    branches,
    certify_fit,
    checked_problem,
    fit,
    fit_flat,
    profile,
)
from jaxmle._planning._label_draws import Setting, draw
from jaxmle._stats import quantile_of_t
from jaxmle._types import Array

# What the real interval or test adds to the scores: two numbers, or two rows of them.
Correction: TypeAlias = tuple[Array | float, Array | float]

_SIMULATIONS = 199
# Data sets whose real intervals are looked at, first roughly and then near the number of labels that matters.
# 128 leave the mean width uncertain by .3%, more than its scores do; half of them do for the other ways.
_FIRST_LOOK, _WIDTHS, _WIDTHS_ROUGHLY = 16, 128, 64
_TESTS = 96
_CORRECTION, _VERIFIED = 2, 6


@dataclass(frozen=True)
class Width:
    """A mean width of the interval.

    Attributes:
        target: The width.
        confidence: Confidence of the interval.
        simulate: Whether cut-offs are simulated, or chi-square.
        n_intervals: Data sets whose real intervals are looked at in the end.
    """

    target: float
    confidence: float
    simulate: bool
    limit: None = None
    is_increasing: bool = False
    blocks: int = 1
    n_intervals: int = _WIDTHS
    identity: tuple[float, float] = (1.0, 0.0)

    @property
    def rows(self) -> int:
        """Data sets that are fitted at once; where real intervals are looked at these tell less exactly."""
        return 1 << (12 if self.simulate else 13)

    @property
    def looks(self) -> tuple[int, ...]:
        """Data sets whose real intervals are looked at, each time."""
        return (_FIRST_LOOK, self.n_intervals) if self.simulate else ()

    @property
    def roughly(self) -> "Width":
        """The same, less closely."""
        return replace(self, n_intervals=_WIDTHS_ROUGHLY)

    def scores(self, setting: Setting, counts: Counts) -> Array:
        """Widths with chi-square cut-offs."""
        each, which = _each_once(counts)
        fitted = fit(each, setting.bounds, calibration=setting.calibration)
        return self._widths(setting, fitted, simulate=False)[which]

    def values(self, scores: Array, correction: Correction) -> Array:
        """Widths of the real interval."""
        return scores * correction[0]

    def correction_error(self, value: float, correction: Correction) -> float:
        """Standard error of a mean width that the correction brings."""
        return float(value * correction[1] / correction[0])

    def correct(
        self, setting: Setting, n: int, size: int, seed: int, progress: Progress | None
    ) -> Correction:
        """Ratio of the real widths to those with chi-square cut-offs, at ``n`` labels; its standard error."""
        counts = draw(setting, np.full(1, n), size, (seed, _CORRECTION))
        fitted = fit(counts, setting.bounds, calibration=setting.calibration)
        real = self._widths(setting, fitted, simulate=True, n_resamples=_SIMULATIONS, seed=seed)
        scores = self._widths(setting, fitted, simulate=False)
        if not np.sum(scores):
            return self.identity
        ratio = np.sum(real) / np.sum(scores)
        return float(ratio), float(np.std(real - ratio * scores) * np.sqrt(size) / np.sum(scores))

    def scale(self, value: Array | float) -> Array:
        """Scale on which the curve is nearly straight."""
        return np.log(np.maximum(value, 1e-12))

    def unscale(self, value: float) -> float:
        """Back from `scale`."""
        return float(np.exp(value))

    def _widths(self, setting: Setting, fitted: Fit, **options: Any) -> Array:
        with warnings.catch_warnings():
            # Among thousands of data sets some look odd by chance.
            warnings.simplefilter("ignore", UserWarning)
            found = fitted.interval(
                confidence=self.confidence,
                labels=setting.labels if setting.calibration == "internal" else "random",
                **options,
            )
        return np.asarray(found.high - found.low)


@dataclass(frozen=True)
class Power:
    """A probability of certifying that the failure rate is below a limit.

    Attributes:
        target: The probability.
        confidence: Confidence of the certificate.
        limit: The limit.
        method: "exact" or "profile".
    """

    target: float
    confidence: float
    limit: float
    method: str
    is_increasing: bool = True
    blocks: int = 4
    rows: int = 1 << 13
    # Data sets whose real certificates are looked at, each time.
    looks: tuple[int, ...] = (_TESTS, _TESTS)

    @property
    def identity(self) -> Correction:
        """Certified or not by the signed root alone."""
        z = NormalDist().inv_cdf(self.confidence)
        return np.array([z, np.nextafter(z, 9)]), np.array([0.0, 1.0])

    @property
    def roughly(self) -> "Power":
        """The same by the certificate that is quick to find."""
        return replace(self, method="profile")

    def scores(self, setting: Setting, counts: Counts) -> Array:
        """Signed roots of the likelihood ratio of the limit; 0 where the estimate is no lower."""
        each, which = _each_once(counts)
        return self._fitted(setting, each)[0][which]

    def values(self, scores: Array, correction: Correction) -> Array:
        """Probabilities that such data sets are certified."""
        roots, share = correction
        return np.interp(scores, roots, share, left=0.0, right=1.0)

    def correction_error(self, value: float, correction: Correction) -> float:
        """Taken as 0: what certificates of so many data sets leave open is small."""
        return 0.0

    def correct(
        self, setting: Setting, n: int, size: int, seed: int, progress: Progress | None
    ) -> Correction:
        """Probability of a certificate as a function of the signed root, at ``n`` labels."""
        each, which = _each_once(draw(setting, np.full(1, n), self.rows, (seed, _CORRECTION)))
        root_of_each, free = self._fitted(setting, each)
        roots = root_of_each[which]
        z = NormalDist().inv_cdf(self.confidence)
        # Elsewhere certificates agree with the signed root.
        near = np.flatnonzero((roots > z - 0.6) & (roots < z + 1.5))
        if near.size < 2:
            return self.identity
        near = near[np.argsort(roots[near], kind="stable")]
        near = near[np.unique(np.linspace(0, near.size - 1, size).astype(int))]
        certified = self._certified(setting, free[which[near]], seed)
        if progress:
            progress.advance(2 * near.size)
        return roots[near], increasing(certified)

    def share_certified(self, setting: Setting, n: int, size: int, seed: int) -> float:
        """Share of ``size`` data sets with ``n`` labels that are certified, each looked at."""
        each, which = _each_once(draw(setting, np.full(1, n), size, (seed, _VERIFIED)))
        return float(self._certified(setting, self._fitted(setting, each)[1], seed)[which].mean())

    def _certified(self, setting: Setting, free: Fit, seed: int) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # as above
            verdicts = certify_fit(
                free,
                limit=self.limit,
                confidence=self.confidence,
                method=cast(CertificateMethod, self.method),
                labels=setting.labels if setting.calibration == "internal" else "random",
                against=np.zeros(free.shape, bool),
                upper_limits=False,
                seed=seed,
            )
        return np.asarray(verdicts.certified, float)

    def scale(self, value: Array | float) -> Array:
        """Scale on which the curve is nearly straight."""
        return -quantile_of_t(np.clip(value, 1e-4, 1 - 1e-4), np.inf)

    def unscale(self, value: float) -> float:
        """Back from `scale`."""
        return NormalDist().cdf(value)

    def _fitted(self, setting: Setting, counts: Counts) -> tuple[Array, Fit]:
        """Signed roots, and the fits they are of."""
        problem, _ = checked_problem(counts, setting.bounds, setting.calibration)
        free = fit_flat(problem, setting.calibration)
        rate = np.full(problem.size, self.limit)
        statistic, _, _ = profile(branches(free)[1], rate, setting.calibration)
        return np.where(free.failure_rate_set[1] < rate, np.sqrt(statistic), 0.0), free


Goal = Width | Power


def _each_once(counts: Counts) -> tuple[Counts, Array]:
    """The data sets that differ, and which of them each one is: with few labels most are alike."""
    cells, which = np.unique(np.stack(counts.values(), -1), axis=0, return_inverse=True)
    return Counts(*np.ascontiguousarray(cells.T)), which.reshape(-1)


def increasing(values: Array) -> Array:
    """Closest increasing sequence by least squares.

    Source:
        Pool adjacent violators: Ayer et al., Ann. Math. Stat. 26 (1955); here as the largest of the smallest
        means of stretches.
    """
    size = len(values)
    total = np.concatenate([[0.0], np.cumsum(values)])
    first, last = np.arange(size)[:, None], np.arange(size)[None, :]
    mean = (total[last + 1] - total[first]) / np.maximum(last - first + 1, 1)
    mean = np.where(last >= first, mean, np.inf)
    # For i: max over starts <= i of min over ends >= i.
    least = np.minimum.accumulate(mean[:, ::-1], axis=1)[:, ::-1]
    return np.array([least[: i + 1, i].max() for i in range(size)])
