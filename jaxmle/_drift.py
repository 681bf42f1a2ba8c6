"""Has the judge left its bounds?"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxmle._arrays import pytree, tree_map
from jaxmle._data import (
    Bounds,
    Clusters,
    Counts,
    HasCounts,
    check_confidence,
    check_sums,
    counts_of,
    need_bounds,
    slice_label,
)
from jaxmle._inference import DesignEffect, rate_effect
from jaxmle._results import Batch, plain
from jaxmle._stats import binomial_tail, clopper_pearson, halved, normal_of_student, student_of_normal
from jaxmle._types import Array, Flags, Numbers, Pair

_HALVINGS = 50
_POWER = 0.8


@pytree
@dataclass(frozen=True, eq=False)
class RateDrift(Batch):
    """One rate of the judge on the anchor set, against its bounds.

    Attributes:
        hits: Items that the judge calls failures, shape ``(...)``.
        n_items: Items that tell of the rate: failures for TPR, passes for FPR.
        n_effective: As many independent items would tell as much; ``n_items`` without clusters.
        n_clusters: Effective number of clusters, as in `DesignEffect`; ``n_items`` without.
        low: Lower Clopper-Pearson limit.
        high: Upper limit.
        p_value: p-value of "the rate is within its bounds", not adjusted for there being two; 1 where it has
            none.
        least: Highest rate below the bounds that is found outside with a probability of 80%; 0 if none is.
        most: Lowest rate above the bounds that is found outside as often; 1 if none is.
        finds_below: Whether some rate below the bounds is found outside so often.
        finds_above: Whether some rate above them is.
    """

    hits: Numbers
    n_items: Numbers
    n_effective: Numbers
    n_clusters: Numbers
    low: Numbers
    high: Numbers
    p_value: Numbers
    least: Numbers
    most: Numbers
    finds_below: Flags
    finds_above: Flags

    @property
    def estimate(self) -> Numbers | None:
        """Share of hits; None where there is no item, and an array of objects for a batch."""
        return _shown(self.hits / np.maximum(self.n_items, 1), np.greater(self.n_items, 0))

    @property
    def detectable(self) -> tuple[Numbers | None, Numbers | None]:
        """`least` and `most`, None where no rate is found so often."""
        return _shown(self.least, self.finds_below), _shown(self.most, self.finds_above)


@pytree
@dataclass(frozen=True, eq=False)
class Drift(Batch):
    """Verdict on "the judge is within its bounds".

    Attributes:
        outside: Whether the anchor set shows at the confidence that TPR or FPR has left its bounds.
        inside: Whether the intervals of both lie within the bounds: the anchor set shows that they hold.
        p_value: p-value of "both rates are within their bounds", shape ``(...)``.
        tpr: The true positive rate.
        fpr: The false positive rate.
        bounds: The declared bounds.
        confidence: Confidence, such as 0.95.
    """

    outside: Flags
    inside: Flags
    p_value: Numbers
    tpr: RateDrift
    fpr: RateDrift
    bounds: Bounds
    confidence: float = field(metadata={"static": True})

    @property
    def verdict(self) -> str | list[str]:
        """In a word: outside, inside, or undecided where the anchor set does not tell; lists for a batch."""
        words = np.where(self.outside, "outside", np.where(self.inside, "inside", "undecided"))
        return words.tolist()

    def __str__(self) -> str:
        if np.ndim(self.outside):
            return f"{int(np.sum(self.outside))} of {np.size(self.outside)} judges have left their bounds"
        parts = [f"{self.verdict} (p = {self.p_value:.3g})"]
        for name, rate in (("TPR", self.tpr), ("FPR", self.fpr)):
            low, high = getattr(self.bounds, name.lower())
            point = "no item" if rate.estimate is None else f"{rate.estimate:.4f}"
            parts.append(f"{name} {point} [{rate.low:.4f}, {rate.high:.4f}], bounds [{low:g}, {high:g}]")
        return "; ".join(parts)


def drift(
    anchor_counts: Counts | HasCounts,
    bounds: Bounds,
    *,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> Drift:
    """Tell whether a judge has left its bounds, from an anchor set that it has judged again.

    Three answers: "outside", at least one rate is beyond its bounds, which if both are within is said with a
    probability of at most 1 - confidence; "inside", both intervals lie within the bounds; "undecided", the
    anchor set is too small or the rates too near a bound to say either. No evidence of drift is not evidence
    of no drift: ``tpr.detectable`` and ``fpr.detectable`` say what a set of this size would have found.

    Args:
        anchor_counts: Labelled counts of the anchor set, shape ``(...)``, whole numbers; unlabelled counts
            are ignored; or what `tables.count` returns. How its items were chosen does not matter.
        bounds: Declared bounds on TPR and FPR, scalar or broadcastable with the counts.
        clusters: Clusters whose sums the counts are, where items belong together: answers to one prompt are
            often misjudged together. Each rate then has a design effect and degrees of freedom of its own.
        confidence: 1 - the probability of a false "outside", in (0, 1).

    Returns:
        The verdict, and for each rate estimate, limits and what would have been found. Rates with bounds
        share the error (Bonferroni): where both have bounds, each interval has the confidence
        1 - (1 - confidence) / 2; where one has, the intervals of both have ``confidence``.

    Raises:
        ValueError: ``confidence`` is out of range; counts are not whole numbers, or not the sums of
            ``clusters``; an anchor set has no labelled item; or neither rate has a bound.
        TypeError: ``anchor_counts`` is neither, ``bounds`` is not a `Bounds` or ``clusters`` not a
            `Clusters`.

    Source:
        Exact binomial tests of each bound, inverted by Clopper and Pearson, Biometrika 26 (1934). Unlike
        `bounds_test`, which weighs all the data of an estimate, the verdict needs no simulation. With
        clusters, of effective counts, and by Student's t for the normal distribution: Korn and Graubard,
        Survey Methodology 24 (1998).

    Examples:
        >>> from jaxmle import Bounds, Counts, drift
        >>> anchor = Counts(tp=40, fn=20, fp=4, tn=96, unlabeled_pos=0, unlabeled_neg=0)
        >>> result = drift(anchor, Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.10)))
        >>> print(result.verdict, f"{result.p_value:.4f} {result.tpr.low:.2f} {result.tpr.high:.2f}")
        outside 0.0012 0.51 0.80
        >>> f"{result.tpr.detectable[0]:.2f}"
        '0.67'
    """
    alpha = 1 - check_confidence(confidence)
    c = counts_of("anchor_counts", anchor_counts)
    if np.any(c.n_labeled <= 0):
        raise ValueError(
            f"`anchor_counts` must hold items with both verdicts{slice_label(c.n_labeled <= 0)}; got none."
        )
    cells = [np.asarray(x, np.float64) for x in (c.tp, c.fn, c.fp, c.tn)]
    if any(np.any(cell != np.round(cell)) for cell in cells):
        raise ValueError("`anchor_counts` must be whole numbers: the limits are those of counted items.")
    need_bounds(bounds)
    try:
        pairs = [[np.broadcast_to(end, c.shape) for end in pair] for pair in (bounds.tpr, bounds.fpr)]
    except ValueError:
        raise ValueError(
            f"`bounds` must have shape () or match the counts' {c.shape}; got {bounds.shape}."
        ) from None
    stated = [(low > 0) | (high < 1) for low, high in pairs]
    n_stated = stated[0].astype(int) + stated[1]
    if np.any(n_stated < 1):
        raise ValueError(
            f"`bounds` must say something of TPR or FPR{slice_label(n_stated < 1)}: a judge cannot leave "
            "[0, 1]."
        )
    share = alpha / n_stated
    effects = [None, None] if clusters is None else _effects(clusters, c)
    rates = [
        _rate(hits, misses, pair, share, effect)
        for hits, misses, pair, effect in zip(cells[::2], cells[1::2], pairs, effects, strict=True)
    ]
    p_value = np.minimum(n_stated * np.minimum(rates[0].p_value, rates[1].p_value), 1.0)
    inside = [
        ~has_bounds | ((rate.low >= low) & (rate.high <= high))
        for rate, has_bounds, (low, high) in zip(rates, stated, pairs, strict=True)
    ]
    tpr, fpr = rates
    own = tree_map(lambda end: np.broadcast_to(end, np.shape(p_value)), bounds)
    result = Drift(p_value <= alpha, inside[0] & inside[1], p_value, tpr, fpr, own, float(confidence))
    return tree_map(lambda x: plain(np.asarray(x)), result)


def _effects(clusters: Clusters, counts: Counts) -> list[DesignEffect]:
    """Design effects of TPR and FPR."""
    check_sums("anchor_counts", counts, clusters, n_cells=4)
    found = [rate_effect(clusters, positive, negative) for positive, negative in (((0,), (1,)), ((2,), (3,)))]
    return [tree_map(lambda x: np.reshape(x, counts.shape), one) for one in found]


def _rate(
    hits: Array, misses: Array, bounds: Sequence[Array], error: Array, effect: DesignEffect | None
) -> RateDrift:
    """Limits of one rate, the test of its bounds, and what the test finds; ``error`` is two-sided."""
    low, high = bounds
    n = n_clusters = hits + misses
    df, effective = np.full(np.shape(hits), np.inf), (hits, misses)
    if effect is not None:
        df, n_clusters = np.asarray(effect.df), np.asarray(effect.n_clusters)
        effective = hits / effect.effect, misses / effect.effect
    n_effective = effective[0] + effective[1]
    tail = normal_of_student(error / 2, df)
    below, above = (
        binomial_tail(effective[0], effective[1], low),
        binomial_tail(effective[1], effective[0], 1 - high),
    )
    ends = clopper_pearson(effective[0], effective[1], tail)
    least, finds_below = _detectable(n_effective, low, tail)
    passes, finds_above = _detectable(n_effective, 1 - high, tail)
    p_value = np.minimum(2 * student_of_normal(np.minimum(below, above), df), 1.0)
    return RateDrift(
        hits, n, n_effective, n_clusters, *ends, p_value, least, 1 - passes, finds_below, finds_above
    )


def _detectable(n: Array, rate: Array, tail: Array) -> Pair:
    """Highest rate whose hits are so few, 4 times in 5, that ``rate`` is rejected; whether there is one."""
    from scipy.special import betaincinv

    def rejects(bound: Array) -> Array:
        hits = np.maximum(np.floor(bound), 0)
        return (bound < 0) | ((hits < n) & (binomial_tail(hits, n - hits, rate) <= tail))

    # The most hits that reject; below 0 if not even none does.
    most = np.floor(halved(rejects, np.full(np.shape(n), -1.0), n + 0.0, _HALVINGS)[0])
    found = betaincinv(np.maximum(most, 0) + 1, np.maximum(n - most, 1), 1 - _POWER)
    return np.where(most >= 0, found, 0.0), most >= 0


def _shown(value: Numbers, there: Flags) -> Numbers | None:
    """The value where there is one, else None."""
    if np.ndim(value):
        return np.where(there, np.asarray(value, object), np.array(None, object))
    return value if there else None
