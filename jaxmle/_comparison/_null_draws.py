"""How often do two sets that fail at one rate differ as much? By simulation, each with a judge of its own."""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Calibration, Params, Problem
from jaxmle._engine import map_batched
from jaxmle._inference import TIE, keys_of, streams
from jaxmle._model import log_likelihood_at, score_at
from jaxmle._simulation import Design, draw_counts, law_of_params, tables_for, uniforms
from jaxmle._solvers import maximize_in_bulk
from jaxmle._stats import halved
from jaxmle._types import Array

_DRAWS = 999
_STREAM = 9
# Halvings of the room between the two estimates: the statistic is off by 1e-5 of itself at most.
_HALVINGS = 8
# Pairs of sets that are worked on at once.
_AT_ONCE = 16


class Null(NamedTuple):
    """Maxima of two likelihoods under one failure rate; arrays of shape ``(B,)``.

    Attributes:
        value: Log-likelihood of both sets there.
        first: Rates of the first set.
        second: Rates of the second.
    """

    value: Array
    first: Params
    second: Params


def p_values_by_draws(
    problems: tuple[Problem, Problem], statistic: Array, calibration: Calibration, design: Design, seed: int
) -> Array:
    """p-values of "the failure rates are equal", shape ``(B,)``.

    Args:
        problems: Both sets, whole numbers, shape ``(B,)``.
        statistic: Likelihood-ratio statistic of no difference, shape ``(B,)``.
        calibration: "internal" or "external".
        design: How the items were chosen that humans label.
        seed: Seed.

    Source:
        Share of data sets drawn at the maximum under the null whose statistic is as large: Davison and
        Hinkley, Bootstrap Methods and their Application (1997), section 4.4.
    """
    null = null_maximum(problems, calibration)
    ids = [np.stack([streams(own), np.full(own.size, arm)], -1) for arm, own in enumerate(problems)]
    laws = [
        law_of_params(params, own.counts, design)
        for params, own in zip((null.first, null.second), problems, strict=True)
    ]
    tables = [tables_for(law, design) for law in laws]
    tree = tuple(zip(laws, (own.bounds for own in problems), ids, strict=True))
    flat: list[Array] = []
    tree_map(lambda x: flat.append(np.asarray(x)), (tree, statistic))

    def share(part: list[Array]) -> Array:
        values = iter(part)
        arms, seen = tree_map(lambda _: next(values), (tree, statistic))
        drawn = []
        for (law, bounds, own), table in zip(arms, tables, strict=True):
            numbers = uniforms(keys_of(seed, _STREAM, own), (4, _DRAWS))
            counts = tree_map(lambda x: x.reshape(-1), draw_counts(numbers, law, design, table))
            drawn.append(Problem(counts, tree_map(lambda x: np.repeat(x, _DRAWS), bounds)))
        found = null_statistic((drawn[0], drawn[1]), calibration).reshape(-1, _DRAWS)
        return np.asarray((1 + (found >= seen[:, None] - TIE).sum(1)) / (1 + _DRAWS))

    return map_batched(share, flat, _AT_ONCE, engine="numpy")


def null_statistic(problems: tuple[Problem, Problem], calibration: Calibration) -> Array:
    """Likelihood-ratio statistic of no difference, shape ``(B,)``."""
    free = sum(_value(own, maximize_in_bulk(*own, calibration), calibration) for own in problems)
    return np.maximum(2 * (free - null_maximum(problems, calibration).value), 0)


def null_maximum(problems: tuple[Problem, Problem], calibration: Calibration) -> Null:
    """Maximize both likelihoods under one failure rate: between the two estimates one falls, one rises."""
    ends = np.stack([maximize_in_bulk(*own, calibration).failure_rate for own in problems])
    lowest = np.maximum(*(own.bounds.failure_rate[0] for own in problems))
    highest = np.maximum(np.minimum(*(own.bounds.failure_rate[1] for own in problems)), lowest)
    low, high = np.clip(ends.min(0), lowest, highest), np.clip(ends.max(0), lowest, highest)
    best: Null | None = None

    def rises(rate: Array) -> Array:
        nonlocal best
        params = [maximize_in_bulk(*own.at(rate), calibration) for own in problems]
        pairs = list(zip(params, problems, strict=True))
        found = Null(np.sum([_value(own, at, calibration) for at, own in pairs], 0), *params)
        slope = np.sum([score_at(at, own.counts, calibration).failure_rate for at, own in pairs], 0)
        better = True if best is None else found.value > best.value
        best = tree_map(lambda new, old: np.where(better, new, old), found, best or found)
        return np.asarray(slope > 0)

    halved(rises, low, high, _HALVINGS)
    assert best is not None
    return best


def _value(problem: Problem, params: Params, calibration: Calibration) -> Array:
    return log_likelihood_at(params, problem.counts, calibration)
