"""What pooled estimation returns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from jaxmle._arrays import pytree
from jaxmle._inference import Interval, IntervalAdjustment
from jaxmle._results import OF_RATES, Batch, Result, drawn
from jaxmle._slices._intervals import (
    Estimate,
    Judge,
    MixInterval,
    pooled_interval,
    shares_of,
    total_interval,
)
from jaxmle._slices._joint_problem import PooledProblem
from jaxmle._types import Array, ArrayLike, Flags, Index, Numbers, Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@pytree
@dataclass(frozen=True, eq=False)
class SliceEstimate(Batch):
    """What is known of single slices; fields as in `SliceFit`, shape ``(...)``."""

    failure_rate: Numbers
    tpr: Numbers
    fpr: Numbers
    identified: Flags
    failure_rate_set: tuple[Numbers, Numbers]
    borrowed: Numbers
    converged: Flags
    gap: Numbers


@pytree
@dataclass(frozen=True, eq=False)
class SliceFit(Result):
    """Failure rates of slices, and what they share.

    Attributes:
        failure_rate: Failure rate of each slice, shape ``(S,)``.
        tpr: The judge's true positive rate in each slice, shape ``(S,)``: one number S times for "common".
        fpr: Its false positive rate.
        judge_rates: How the judge's rates were taken: "per-slice", "common" or "partial".
        reason: Why, in words.
        log_likelihood: Of all slices: joint, summed, or for "partial" with the judge's rates integrated out.
        converged: Whether the maximum is certified ("per-slice"); or one more step promises at most 1e-9 an
            item and 1e-4 in all ("common"), and .01 for the distribution of judges ("partial"), in nats;
            shape ``(S,)``.
        gap: Certified shortfall per item ("per-slice"), or what one more Newton step promises.
        n_starts: Starts of the common fit, which is no convex program; 0 where there was none.
        n_agreeing: Starts that ended at the highest likelihood found.
        identified: Whether the failure rate is determined, shape ``(S,)``.
        failure_rate_set: Pair ``(low, high)`` of shape ``(S,)``. "per-slice": all most likely failure rates.
            "common": range of the maximizers that the starts found. Where ``identified`` is False the set of
            all maximizers holds this range and may be wider; `interval` covers what the starts did not find.
        borrowed: Share of what is known of the slice's judge that comes from other slices, shape ``(S,)``.
        one_judge: Posterior probability of one judge for all slices, or None where it was not asked.
        spread: Pair of standard deviations over slices, of TPR and of FPR (posterior means); None as above.
        bounds_p_value: p-value of the labels of all slices together against the bounds of TPR and FPR, by
            binomial tails, valid whether or not judges differ; 1 without bounds. A small one says that bounds
            are wrong (or that labels were not drawn at random); a large one does not say that they are right.
    """

    failure_rate: Array
    tpr: Array
    fpr: Array
    judge_rates: Judge = field(metadata={"static": True})
    reason: str = field(metadata={"static": True})
    log_likelihood: float
    converged: Array
    gap: Array
    n_starts: int
    n_agreeing: int
    identified: Array
    failure_rate_set: Pair
    borrowed: Array
    one_judge: float | None
    spread: tuple[float, float] | None = field(metadata=OF_RATES)
    bounds_p_value: float
    _problem: PooledProblem = field(repr=False)

    def __len__(self) -> int:
        return len(self.failure_rate)

    def __getitem__(self, index: Index) -> SliceEstimate:
        return SliceEstimate(*(getattr(self, one.name) for one in fields(SliceEstimate)))[index]

    def __iter__(self) -> Iterator[SliceEstimate]:
        return (self[i] for i in range(len(self)))

    @property
    def sizes(self) -> Array:
        """Items of each slice in its default mix, shape ``(S,)``: after the design effect, labelled or not.

        Unlabelled ones alone where the calibration is "external", its labels being from elsewhere.
        """
        return self._problem.sizes

    def plot(self, names: Sequence[object] | None = None, **options: object) -> "Axes":
        """Draw the 95% interval of each slice with `plot_slices`.

        Args:
            names: Name of each slice, such as ``table.keys`` of `tables.count`; numbers by default.
            **options: Those of `plot_slices`: ``total``, ``limit``, ``most``, ``ax``.

        Returns:
            The axes.

        Raises:
            ValueError: As `plot_slices`.
            ImportError: matplotlib is not installed.

        Examples:
            >>> from matplotlib.figure import Figure
            >>> from jaxmle import Counts, fit_slices
            >>> counts = Counts([4, 9], [1, 2], [2, 3], [43, 86], [90, 180], [910, 1820])
            >>> ax = fit_slices(counts, judge_rates="common").plot(["a", "b"], ax=Figure().subplots())
            >>> [label.get_text() for label in ax.get_yticklabels()]
            ['a', 'b']
        """
        return drawn("plot_slices", self.interval(), names, **options)

    def __str__(self) -> str:
        return f"{len(self)} slices, judge's rates {self.judge_rates}: {self.reason}"

    def interval(self, *, confidence: float = 0.95, adjustment: IntervalAdjustment = "none") -> Interval:
        """Interval of the failure rate of each slice, with what is not known of the shared judge.

        Args:
            confidence: Nominal coverage, in (0, 1).
            adjustment: "bonferroni" covers all slices at once with ``confidence``, "none" each by itself.

        Returns:
            Intervals, shape ``(S,)``. "per-slice": `profile_interval`; "common": profile of the joint
            likelihood; "partial": the likelihood with the judge's rates integrated out, averaged over how
            much judges may vary. Cut-offs are those of F(1, labels - 2), which tends to chi-square.

        Raises:
            ValueError: ``confidence`` is out of range.

        Source:
            As of `fit_slices`.

        Examples:
            >>> from jaxmle import Counts, fit_slices
            >>> counts = Counts([4, 1, 0], [1, 0, 1], [2, 1, 1], [43, 8, 8], [90, 20, 50], [900, 180, 150])
            >>> result = fit_slices(counts, judge_rates="common")
            >>> interval = result.interval()
            >>> bool((interval.low < result.failure_rate).all())
            True
        """
        return pooled_interval(self._estimate(), confidence=confidence, adjustment=adjustment)

    def total(self, mix: ArrayLike | None = None, *, confidence: float = 0.95) -> MixInterval:
        """Failure rate of a mix of the slices, with its interval.

        Args:
            mix: Share of each slice, >= 0, shape ``(S,)``, made to sum to 1; by default the slices' sizes,
                `SliceFit.sizes`.
            confidence: Nominal coverage, in (0, 1).

        Returns:
            Scalars, and whether the mix is ``identified``. ``method`` says which of these it is:

            "common", up to 30 slices: profile of the joint likelihood, the estimate being the mix of the
            slices' estimates. "common" with more, "partial", and "per-slice" where an estimate of a slice of
            the mix lies on a bound (of its judge, or a failure rate of 0 or 1): "slices merged". Labels and
            flags are weighed by the shares of their slices, as those of a stratified sample of the mix, and
            the bounds hold for the judge's average rates. The estimate then is not the mix of the slices'
            estimates: each of those is pulled by what cuts it off or by all other free failure rates, which a
            total adds up while its interval shrinks. "per-slice" where nothing is cut off: the slices'
            intervals combined by the method of variance estimates recovery (Zou and Donner, Stat. Med. 27,
            2008). What no label and no bound tells of adds its whole range ("ends added").

            "common" merges slices with about as many labels for each share of the mix. "partial" does not
            assume that labelled slices have one judge; what judges differ by is added where rates of labelled
            slices are lent to slices without labels. With ``calibration="external"``, "per-slice" weighs
            labels by estimated failure rates, and 95% intervals were measured to cover about .90 to .97.

        Raises:
            ValueError: ``mix`` has another shape, a negative share or none that is positive; or
                ``confidence`` is out of range.

        Source:
            Stratified sampling: Cochran, Sampling Techniques (1977), chapter 5; effective sizes of weighted
            counts: Kish, Survey Sampling (1965), section 11.7; bias from many free parameters: Neyman and
            Scott, Econometrica 16 (1948).

        Examples:
            >>> from jaxmle import Counts, fit_slices
            >>> counts = Counts([4, 1, 0], [1, 0, 1], [2, 1, 1], [43, 8, 8], [90, 20, 50], [900, 180, 150])
            >>> result = fit_slices(counts, judge_rates="common")
            >>> even = result.total([1, 1, 1])
            >>> bool(even.low < even.estimate < even.high)
            True
        """
        return total_interval(self._estimate(), shares_of(self.sizes, mix), confidence=confidence)

    def _estimate(self) -> Estimate:
        return Estimate(
            self._problem,
            self.judge_rates,
            self.failure_rate,
            self.tpr,
            self.fpr,
            self.failure_rate_set,
            np.asarray(self.identified),
        )
