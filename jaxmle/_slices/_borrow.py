"""A data set that borrows what labelled references tell of its judge, as far as they agree."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from jaxmle._arrays import joined, pytree
from jaxmle._data import Bounds, Calibration, Counts, HasCounts, Problem, check_confidence, counts_of
from jaxmle._inference import Interval, checked_problem, effective, shaped, warn_of_design
from jaxmle._results import OF_RATES
from jaxmle._slices._batches import map_slices
from jaxmle._slices._joint_problem import hull_of
from jaxmle._slices._judge_posterior import JudgePosterior, judge_posterior, leading, weight_of_differing
from jaxmle._slices._marginal import Rate, log_marginal, updated
from jaxmle._slices._partial import Judges, estimates_of, judges_of, partial_ends
from jaxmle._slices._slice import Slices, slices_of_problem
from jaxmle._stats import quantile_of_t
from jaxmle._types import Array, ArrayLike, Flags, Numbers

# Prior probability that a rate of the judge has nothing to do with that in the references: a choice.
_UNLIKE = 0.15
# Data sets at once.
_BLOCK = 512


@pytree
@dataclass(frozen=True, eq=False)
class Borrowed(Interval):
    """A failure rate with an interval, the judge's rates being borrowed from references.

    Attributes:
        tpr: The judge's true positive rate, by the references and the data set's own labels, shape ``(...)``.
        fpr: Its false positive rate.
        exchangeable: Pair of probabilities, each of shape ``(...)``: that the TPR, and that the FPR, is
            exchangeable with those of the references. Where one is low the data set stands apart, and
            borrows little.
        borrowed: Share of what is known of the judge that comes from references, shape ``(...)``.
        spread: Standard deviations of TPR and FPR from reference to reference (posterior means).
        n_references: How many references have labels.
        identified: Whether anything is excluded that the bounds on the failure rate allow, shape ``(...)``.
            Where nothing is, ``estimate`` is only one point of that.
    """

    tpr: Numbers
    fpr: Numbers
    exchangeable: tuple[Numbers, Numbers] = field(metadata=OF_RATES)
    borrowed: Numbers
    identified: Flags
    spread: tuple[float, float] = field(metadata={"static": True, **OF_RATES})
    n_references: int = field(metadata={"static": True})

    def __str__(self) -> str:
        if np.ndim(self.low) or self.identified:
            return super().__str__()
        return f"not identified [{self.low:.4f}, {self.high:.4f}] ({self.method})"


def borrow(
    counts: Counts | HasCounts,
    references: Counts | HasCounts,
    bounds: Bounds | None = None,
    *,
    confidence: float = 0.95,
    calibration: Calibration = "internal",
    design_effect: ArrayLike | None = None,
) -> Borrowed:
    """Estimate failure rates with what labelled references tell of the judge.

    Bounds learnt from references must hold; borrowing need not. The judge's TPR and FPR are taken to vary
    from data set to data set as they do over the references, and the data set's own labels move them from
    there: the less the references agree, the less they lend. With a probability of .15 a rate has nothing to
    do with the references, so labels that speak against them are soon believed.

    Args:
        counts: Counts of the data sets at hand, any batch shape ``(...)``; each borrows by itself.
        references: Labelled counts of each reference (a model, a kind of question, a month), shape ``(K,)``
            or ``()``; their unlabelled items are left out.
        bounds: Bounds of the data sets at hand besides; none by default.
        confidence: Nominal coverage, in (0, 1).
        calibration: "internal" or "external", as in `fit`.
        design_effect: Design effect of weights or clusters of ``counts``, as in `profile_interval`.

    Returns:
        The most likely failure rate with its interval, chi-square cut-offs of the likelihood with the judge's
        rates integrated out, and what was borrowed; shape ``(...)``.

    Raises:
        ValueError: ``references`` are of another shape or hold no label; ``confidence`` or ``calibration`` is
            out of range; a data set is empty or impossible within the bounds.
        TypeError: ``counts`` or ``references`` is not a `Counts`, or ``bounds`` not a `Bounds`.

    Source:
        The distribution of judges is that of `fit_slices` with the references as fully labelled slices; the
        part that borrows nothing makes it robust (Schmidli et al., Biometrics 70, 2014).

    Examples:
        >>> from jaxmle import Counts, borrow
        >>> none = [0, 0, 0]
        >>> models = Counts([45, 80, 30], [5, 20, 5], [5, 3, 8], [95, 97, 92], none, none)
        >>> result = borrow(Counts(9, 1, 2, 38, 250, 950), models)
        >>> print(f"{result.estimate:.2f} [{result.low:.2f}, {result.high:.2f}]")
        0.19 [0.15, 0.24]
    """
    alpha = 1 - check_confidence(confidence)
    references = counts_of("references", references)
    posterior = _learnt(references)
    problem, shape = checked_problem(counts, bounds, calibration)
    problem = effective(problem, shape, design_effect, None)[0]
    cutoff = float(quantile_of_t(alpha / 2, np.inf) ** 2)
    known = int(np.count_nonzero(np.asarray(references.n_labeled) > 0))
    spread = posterior.weight @ posterior.spread
    warn_of_design(problem.counts, calibration, "random", effective=design_effect is not None)
    find = partial(_borrowed, calibration=calibration, posterior=posterior, cutoff=cutoff)
    estimate, low, high, tpr, fpr, *exchangeable, lent = map_slices(find, problem, _BLOCK)
    lowest, highest = problem.bounds.failure_rate
    found = Borrowed(
        estimate=estimate,
        low=low,
        high=high,
        confidence=float(confidence),
        method=f"integrated likelihood, judge's rates borrowed from {known} reference{'s' * (known > 1)}",
        tpr=tpr,
        fpr=fpr,
        exchangeable=(exchangeable[0], exchangeable[1]),
        borrowed=lent,
        identified=(lowest == highest) | (low > lowest) | (high < highest),
        spread=(float(spread[0]), float(spread[1])),
        n_references=known,
    )
    return shaped(found, shape)


def _learnt(references: Counts) -> JudgePosterior:
    """How the judge's rates vary over references; one judge for all is never taken for granted."""
    if len(references.shape) > 1:
        raise ValueError(
            f"`references` must have shape (K,), one element a reference; got {references.shape}."
        )
    cells = [np.atleast_1d(np.asarray(x, np.float64)) for x in references.values()[:4]]
    labeled = np.flatnonzero(sum(cells) > 0)
    if not labeled.size:
        raise ValueError("`references` must hold labels, from which to learn of the judge; got none.")
    none = np.zeros(labeled.size)
    tp, fn, fp, tn = (x[labeled] for x in cells)
    known = Counts(tp, fn, fp, tn, none, none)
    problem = checked_problem(known, None, "internal")[0]
    posterior = leading(judge_posterior(problem, "internal", hull_of(problem)))
    apart = weight_of_differing(posterior)
    return posterior if apart is None else posterior._replace(weight=apart)


def _borrowed(
    problem: Problem, *, calibration: Calibration, posterior: JudgePosterior, cutoff: float
) -> tuple[Array, ...]:
    """Estimate, ends, TPR, FPR, how alike both are, and what is borrowed, arrays of shape ``(S,)``."""
    known, unlike = _with_unlike(judges_of(problem, calibration, posterior, _UNIT, own=False), problem)
    estimate, top = estimates_of(problem, calibration, known)
    low, high = partial_ends(problem, calibration, known, estimate, top, cutoff)
    # What speaks for each kind of judge at the estimate.
    tpr, fpr = (Rate(*one) for one in (known.tpr, known.fpr))
    s = Slices(*(x[:, None] for x in slices_of_problem(problem, calibration)))
    value = log_marginal(s, tpr, fpr, estimate[:, None], known.covariance)
    value = value + np.log(np.maximum(known.weight, 1e-300))
    share = np.exp(value - value.max(1, keepdims=True))
    share = share / share.sum(1, keepdims=True)
    rates = (np.sum(share * one.mean, 1) for one in (tpr, fpr))
    exchangeable = (1 - np.sum(share * one, 1) for one in unlike)
    return estimate, low, high, *rates, *exchangeable, np.sum(share * known.borrowed, 1)


_UNIT = np.array([[0.0, 1.0], [0.0, 1.0]])


def _with_unlike(known: Judges, problem: Problem) -> tuple[Judges, Array]:
    """Judges one or both of whose rates are unlike the references' beside those that are like them.

    Returns:
        The judges, and which of them, last axis, have a TPR and which an FPR that is unlike, shape ``(2, 4
        P)``.
    """
    (size, n), c = known.weight.shape, problem.counts

    def alone(hits: Array, misses: Array, ends: tuple[Array, Array]) -> Rate:
        one = np.ones(size)
        return Rate(*(np.repeat(x[:, None], n, 1) for x in updated((one, one), hits, misses, *ends)))

    tpr, fpr = alone(c.tp, c.fn, problem.bounds.tpr), alone(c.fp, c.tn, problem.bounds.fpr)
    none, like = np.zeros((size, n)), 1 - _UNLIKE
    kinds = [
        known._replace(weight=known.weight * like**2),
        Judges(tpr, known.fpr, none, 0.5 * known.borrowed, known.weight * like * _UNLIKE),
        Judges(known.tpr, fpr, none, 0.5 * known.borrowed, known.weight * like * _UNLIKE),
        Judges(tpr, fpr, none, none, known.weight * _UNLIKE**2),
    ]
    which = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    return joined(kinds, lambda columns: np.concatenate(columns, 1)), np.repeat(which, n, 1)
