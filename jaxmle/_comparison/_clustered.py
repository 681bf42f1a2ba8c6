"""Two sets whose items come in clusters, within a set or over both."""

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._comparison._influence import centred_influence, groups_of_both, moves_with_counts
from jaxmle._data import Calibration, Clusters, Problem, check_aligned, check_sums
from jaxmle._inference import DesignEffect, Fit, Linearized, clustered_effect, divided, effect_of_fit
from jaxmle._types import Array, Pair


def checked_clusters(
    clusters: tuple[Clusters, Clusters], problems: tuple[Problem, Problem], shape: tuple[int, ...]
) -> tuple[Clusters, Clusters]:
    """The clusters, if they are two that go together and add up to the counts."""
    given = clusters if isinstance(clusters, tuple | list) else [clusters]
    if len(given) != 2 or not all(isinstance(one, Clusters) for one in given):
        kinds = ", ".join(type(one).__name__ for one in given)
        raise TypeError(f"`clusters` must be two Clusters; got {kinds or 'none'}.")
    first, second = clusters
    for name, one, own in zip("ab", (first, second), problems, strict=True):
        if len(shape) > 1:
            raise ValueError(f"`{name}` must have shape () or (n_slices,) with `clusters`; got {shape}.")
        check_sums(name, own.counts, one)
    check_aligned(first, second)
    return first, second


def effective_fits(fits: tuple[Fit, Fit], clusters: tuple[Clusters, Clusters]) -> tuple[Fit, Fit]:
    """Fits of counts divided by the design effect of each set: these tell as much as they seem to."""

    def one(found: Fit, own: Clusters) -> Fit:
        effect = np.asarray(effect_of_fit(found, own).effect)
        problem = Problem(tree_map(lambda count: count / effect, found.counts), found.bounds)
        return divided(found, problem, effect)

    return one(fits[0], clusters[0]), one(fits[1], clusters[1])


def cluster_effect(
    problems: tuple[Problem, Problem],
    params: Array,
    held: Array,
    clusters: tuple[Clusters, Clusters],
    calibration: Calibration,
    *,
    common: bool,
) -> Pair:
    """Design effect of the difference of two failure rates, and its degrees of freedom.

    Args:
        problems: Counts and bounds of each set.
        params: Failure rate, TPR and FPR of each set at the estimate, shape ``(B, 2, 3)``.
        held: Which of them a bound holds, shape ``(B, 2, 3)``.
        clusters: Clusters of each set, element i of both being one cluster.
        calibration: "internal" or "external".
        common: Whether the sets share TPR and FPR.

    Returns:
        Those with or without regard to the bounds, whichever effect is larger, shape ``(B,)``; it is below 1
        where clusters are in both sets and difficult in both.
    """
    cells = np.stack([*problems[0].counts.values(), *problems[1].counts.values()], -1)
    own, index = np.concatenate([arm.cells for arm in clusters], -1), clusters[0].index
    labeled = np.repeat(cells.reshape(-1, 2, 6)[..., :4].sum(-1) > 0, 6, axis=1)
    inside = np.where(labeled, np.arange(12) % 6 < 4, True)

    def effect(fixed: Array) -> DesignEffect:
        influence = centred_influence(cells, params, fixed, calibration, common=common)
        tells = moves_with_counts((influence**2 * cells).sum(1), cells)
        influence = np.where(tells[:, None], influence, 0.0)
        sets = (slice(0, 6), slice(6, 12))
        linear = Linearized(influence, cells, groups_of_both(calibration), inside, tells, sets)
        return clustered_effect(linear, own, index)

    within, free = effect(held), effect(np.zeros_like(held))
    larger = np.asarray(within.effect >= free.effect)
    return np.where(larger, within.effect, free.effect), np.where(larger, within.df, free.df)
