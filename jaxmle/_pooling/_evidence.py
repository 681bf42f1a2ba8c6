"""Do the labels of all slices together contradict the bounds of the judge?"""

from typing import Any


def bounds_p_value(leaves: list[Any]) -> float:
    """p-value of all slices' labels against the bounds of TPR and FPR, by binomial tails; 1 without bounds.

    The labelled failures that the judge caught are binomial in each slice. Summed over slices whose rates lie
    below their bounds, they are no more spread than a binomial with the mean of the bounds (Hoeffding, Ann.
    Math. Stat. 27, 1956, theorem 5), so no common judge is assumed. Four tails are asked, so the smallest
    counts four times.
    """
    tails = []
    for hits, misses, low, high in ((*leaves[:2], *leaves[8:10]), (*leaves[2:4], *leaves[10:12])):
        n = hits + misses
        if not n.sum() > 0:
            continue
        least, most = float(low @ n / n.sum()), float(high @ n / n.sum())
        # Too few hits for the lower bounds are too many misses for what they allow.
        tails += [_tail(hits.sum(), misses.sum(), most), _tail(misses.sum(), hits.sum(), 1 - least)]
    return min(1.0, 4 * min(tails, default=1.0))


def _tail(hits: Any, misses: Any, share: float) -> float:
    """Probability of as many hits or more, at most; for weighted counts too."""
    from scipy.special import betainc  # a third of a second to import, and seldom needed

    expected = share * (hits + misses)
    if hits <= 0 or share >= 1:
        return 1.0
    if hits < expected + 1:
        return min(1.0, float(expected / hits))  # Markov: Hoeffding's inequality starts one item higher
    return float(betainc(hits, misses + 1, share))
