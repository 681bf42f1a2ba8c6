"""Certificates from own labels and a reference together."""

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Counts, Problem
from jaxmle._engine import Engine
from jaxmle._inference._arguments import effective, whole_numbers
from jaxmle._inference._bounds_test import SURELY
from jaxmle._inference._certificate import Certificate, certificate_of
from jaxmle._inference._certify import CertificateMethod
from jaxmle._inference._design_check import warn_of_design
from jaxmle._inference._mixed import fit_mixed, mixed_crossings, mixed_statistic, warn_of_odds
from jaxmle._inference._mixed_draws import MixedTest
from jaxmle._inference._multiplicity import Adjustment
from jaxmle._inference._profile import branches
from jaxmle._simulation import Labels
from jaxmle._stats import quantile_of_t, tail_of_t
from jaxmle._types import Array, ArrayLike

_DRAWS = 999
# Chi-square p-values above this decide alone.
_SURE = 0.5


def mixed_certificate(
    problem: Problem,
    shape: tuple[int, ...],
    external: Counts,
    rate: Array,
    design_effect: ArrayLike | None,
    df: ArrayLike | None,
    *,
    confidence: float,
    method: CertificateMethod,
    adjustment: Adjustment,
    labels: Labels,
    seed: int,
    engine: Engine | None,
) -> Certificate:
    """Certificates by the profile likelihood ratio, of flat arrays.

    Its p-values are simulated where own counts are whole numbers, else those of the chi-square distribution.

    Args:
        problem: Counts and bounds, shape ``(B,)``.
        shape: Batch shape.
        external: Labels of the reference at their discount.
        rate: Limits.
        design_effect: As in `certify`, of the own items.
        df: As in `certify`.
        confidence: Confidence.
        method: "profile".
        adjustment: For a batch, as in `certify`.
        labels: How the own labels were chosen, as in `certify`.
        seed: Seed.
        engine: Engine.

    Raises:
        ValueError: The method is another one.
    """
    if method != "profile":
        raise ValueError(f'`method` must be "profile" with an `external` reference; got {method!r}.')
    problem, freedom = effective(problem, shape, design_effect, df)
    external = tree_map(lambda x: np.asarray(x).reshape(-1), external)
    free = fit_mixed(problem, external, engine)
    lowest, highest = problem.bounds.failure_rate
    by_bounds = (rate > highest) | (rate <= lowest)
    unbounded = fit_mixed(problem.unbounded(), external, engine)
    against = 2 * (np.asarray(unbounded.log_likelihood) - free.log_likelihood) > SURELY
    against |= warn_of_odds(free)
    biased = warn_of_design(problem.counts, "internal", labels, effective=design_effect is not None)
    above = branches(free)[1]
    statistic = mixed_statistic(free, np.clip(rate, lowest, highest), engine)
    p_value = np.where(rate > above.start, tail_of_t(np.sqrt(statistic), freedom), 1.0)
    simulated = design_effect is None and whole_numbers(problem.counts)
    test = MixedTest(free, labels, int(seed), _DRAWS, engine)
    informative = np.flatnonzero(~(by_bounds | against | biased))
    if simulated:
        near = informative[p_value[informative] < _SURE]
        if near.size:
            p_value[near] = test.take(near).p_values(rate[near], statistic[near])
    p_value = np.where(by_bounds, np.where(rate > highest, 0.0, 1.0), p_value)

    def limits(_: Array, level: float) -> Array:
        levels = np.full(rate.shape, level)
        root = quantile_of_t(levels, freedom)
        if not simulated:
            return np.asarray(mixed_crossings(above, external, root**2, engine).failure_rate)
        upper = highest.copy()
        if informative.size:
            ends = test.take(informative).ends(levels[informative], root[informative])
            upper[informative] = ends.failure_rate
        return upper

    return certificate_of(
        p_value,
        limits,
        rate=rate,
        highest=highest,
        by_bounds=by_bounds,
        contradicted=against,
        mismatched=biased,
        confidence=confidence,
        method=f"profile{'' if simulated else ', chi-square'}, with a reference",
        adjustment=adjustment,
        level=1 - confidence,
    )
