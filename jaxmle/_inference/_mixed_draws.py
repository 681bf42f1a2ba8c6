"""p-values from own labels and a reference together, by simulation: both are drawn anew.

A label of the reference at a discount is drawn for what it counts: where one counts for .3, ten of them are
drawn as three. Where the reference is of the very same judge that allows for more error than there is.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from jaxmle._arrays import take, tree_map
from jaxmle._data import Counts, Params, Problem
from jaxmle._engine import Engine, Progress
from jaxmle._inference._calibrated import whole_counts
from jaxmle._inference._fit import Fit
from jaxmle._inference._last_crossing import last_crossing
from jaxmle._inference._mixed import mixed_crossings, mixed_maxima, mixed_statistic
from jaxmle._inference._no_failures import least_p_value
from jaxmle._inference._profile import ProfileRoot, branches
from jaxmle._inference._simulate import TIE, keys_of, streams
from jaxmle._simulation import Design, draw_counts, law_of_params, tables_for, uniforms
from jaxmle._stats import divide, tail_of_t
from jaxmle._types import Array, Index, Pair

_STREAM = 10
# Data sets that are drawn for at once.
_AT_ONCE = 8
# How far from the chi-square end, as multiples of its root, ends are looked for.
_REACH = (0.2, 5.0)


@dataclass(frozen=True)
class MixedTest:
    """Tests of "the failure rate is ``rate`` or more", or "or less", for a batch with a reference.

    Attributes:
        free: Fits of whole own counts with those of the reference, shape ``(B,)``.
        design: How the items were chosen that humans label.
        seed: Seed.
        n_draws: Data sets drawn for each.
        engine: Engine.
        side: Whether rates above the estimate are tested ("upper") or those below.
    """

    free: Fit
    design: Design
    seed: int
    n_draws: int
    engine: Engine | None
    side: Literal["lower", "upper"] = "upper"

    def take(self, index: Index) -> "MixedTest":
        """The tests at ``index``."""
        return replace(self, free=self.free[index])

    def p_values(self, rate: Array, statistic: Array | None = None) -> Array:
        """Share of data sets drawn at ``rate`` that say as much against it, ties counted, shape ``(B,)``.

        The judge they are drawn with is the most likely one there. 1 where the estimate is not on this side.

        Source:
            Davison and Hinkley, Bootstrap Methods and their Application (1997), section 4.4.
        """
        if statistic is None:
            statistic = mixed_statistic(self.free, rate, self.engine)
        p_value = np.ones(len(rate))
        low, high = map(np.asarray, self.free.failure_rate_set)
        beyond = high < rate if self.side == "upper" else low > rate
        tested = np.flatnonzero(beyond & (statistic > 0))
        for first in range(0, len(tested), _AT_ONCE):
            index = tested[first : first + _AT_ONCE]
            p_value[index] = self._share(self.free[index], rate[index], statistic[index])
        return p_value

    def _share(self, free: Fit, rate: Array, seen: Array) -> Array:
        external = free.external
        assert external is not None
        problem = Problem(free.counts, free.bounds)
        judge = mixed_maxima(problem.at(rate), external, self.engine, held=True)[1]
        law = Params(rate, judge.tpr, judge.fpr)
        ids = streams(problem)
        own = self._drawn(law, problem.counts, ids, 0, self.design)
        lent = self._drawn(law, whole_counts(external), ids, 1, "external")
        # What rounding to whole labels took or gave.
        sizes = [np.repeat(x, self.n_draws) for x in (external.tp + external.fn, external.fp + external.tn)]
        of_failures, of_passes = (
            divide(x, has) for x, has in zip(sizes, (lent.tp + lent.fn, lent.fp + lent.tn), strict=True)
        )
        none = np.zeros(len(of_failures))
        lent = Counts(
            lent.tp * of_failures, lent.fn * of_failures, lent.fp * of_passes, lent.tn * of_passes, none, none
        )
        bounds = tree_map(lambda x: np.repeat(x, self.n_draws), problem.bounds)
        many, at = Problem(own, bounds), np.repeat(rate, self.n_draws)
        best, params = mixed_maxima(many, lent, self.engine)
        # Most draws lie on the other side of the rate, or are plainly less extreme.
        found = np.zeros(len(at))
        speaks = params.failure_rate < at if self.side == "upper" else params.failure_rate > at
        informative = np.flatnonzero(speaks)
        if informative.size:
            held = mixed_maxima(
                many.at(at).take(informative), take(lent, informative), self.engine, held=True
            )[0]
            found[informative] = 2 * (best[informative] - held)
        hits = found.reshape(-1, self.n_draws) >= seen[:, None] - TIE
        share = np.asarray((1 + hits.sum(1)) / (1 + self.n_draws))
        is_upper = np.full(len(rate), self.side == "upper")
        # A reference that shows no failure tells no more of how many the judge finds than own labels do.
        rare = external.tp + external.fn if self.side == "upper" else external.fp + external.tn
        least = least_p_value(problem, law, is_upper, self.design)
        # As in `Calibrated`: where the estimate is 0 or 1 the flags may be fewer, or more, than any rate
        # explains, and the worse they fit the fewer draws are like them.
        estimate = np.asarray(free.failure_rate)
        is_last = (estimate <= 0) | (estimate >= 1)
        least = np.maximum(
            np.where(rare > 0, 0.0, least),
            np.where(is_last, tail_of_t(np.sqrt(seen), np.full(len(seen), np.inf)), 0.0),
        )
        return np.maximum(share, least)

    def _drawn(self, law: Params, sizes: Counts, ids: Array, arm: int, design: Design) -> Counts:
        found = law_of_params(law, sizes, design)
        keys = keys_of(self.seed, _STREAM, np.stack([ids, np.full(len(ids), arm)], -1))
        drawn = draw_counts(uniforms(keys, (4, self.n_draws)), found, design, tables_for(found, design))
        return tree_map(lambda x: np.asarray(x, np.float64).reshape(-1), drawn)

    def ends(self, level: Array, root: Array, progress: Progress | None = None) -> ProfileRoot:
        """Rates at which p falls to ``level``; ``root`` are the statistic's roots to begin at.

        Where it is still above it at the bound on the failure rate, that bound. ``converged`` is false where
        no end was found within reach.
        """
        branch, external = branches(self.free)[self.side == "upper"], self.free.external
        assert external is not None
        most = np.sqrt(mixed_statistic(self.free, branch.stop, self.engine))

        def at(some: Index, root: Array) -> ProfileRoot:
            target = np.where(root < most[some], root**2, np.inf)
            found = mixed_crossings(branch.take(some), take(external, some), target, self.engine)
            seen = np.where(found.at_bound, most[some] ** 2, root**2)
            return found._replace(statistic=seen)

        def of_group(group: Array) -> tuple[Array, Array, Array]:
            def look(some: Index, root: Array) -> Pair:
                found = at(group[some], root)
                test = self.take(group[some])
                return np.sqrt(found.statistic), test.p_values(found.failure_rate, found.statistic)

            found = last_crossing(look, root[group], most[group], level[group], _REACH)
            if progress:
                progress.advance(len(group))
            return found

        groups = [
            np.arange(start, min(start + _AT_ONCE, len(level))) for start in range(0, len(level), _AT_ONCE)
        ]
        parts = zip(*map(of_group, groups), strict=True)
        end, is_found, is_open = (np.concatenate(part) for part in parts)
        ends = at(np.arange(len(level)), np.where(is_open, np.inf, end))
        return ends._replace(converged=ends.converged & is_found)
