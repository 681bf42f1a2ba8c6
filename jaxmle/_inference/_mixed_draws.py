"""p-values from own labels and a reference together, by simulation: both are drawn anew.

A label of the reference at a discount is drawn for what it counts: where one counts for .3, ten of them are
drawn as three. Where the reference is of the very same judge that allows for more error than there is.
"""

from dataclasses import dataclass, replace

import numpy as np

from jaxmle._arrays import take, tree_map
from jaxmle._data import Counts, Params, Problem
from jaxmle._engine import Engine
from jaxmle._inference._calibrated import whole_counts
from jaxmle._inference._fit import Fit
from jaxmle._inference._mixed import mixed_maxima, mixed_statistic
from jaxmle._inference._simulate import TIE, keys_of, streams
from jaxmle._simulation import Design, draw_counts, law_of_params, tables_for, uniforms
from jaxmle._stats import divide, halved
from jaxmle._types import Array

_STREAM = 10
# Data sets that are drawn for at once.
_AT_ONCE = 16
# Halvings of the room above the estimate, to a sixtieth of it.
_HALVINGS = 6


@dataclass(frozen=True)
class MixedTest:
    """Tests of "the failure rate is ``rate`` or more" for a batch with a reference.

    Attributes:
        free: Fits of whole own counts with those of the reference, shape ``(B,)``.
        design: How the items were chosen that humans label.
        seed: Seed.
        n_draws: Data sets drawn for each.
        engine: Engine.
    """

    free: Fit
    design: Design
    seed: int
    n_draws: int
    engine: Engine | None

    def take(self, index: Array) -> "MixedTest":
        """The tests at ``index``."""
        return replace(self, free=self.free[index])

    def p_values(self, rate: Array, statistic: Array | None = None) -> Array:
        """Share of data sets drawn at ``rate`` that say as much against it, ties counted, shape ``(B,)``.

        The judge they are drawn with is the most likely one there. 1 where the estimate is no lower.

        Source:
            Davison and Hinkley, Bootstrap Methods and their Application (1997), section 4.4.
        """
        if statistic is None:
            statistic = mixed_statistic(self.free, rate, self.engine)
        p_value = np.ones(len(rate))
        below = np.flatnonzero((np.asarray(self.free.failure_rate_set[1]) < rate) & (statistic > 0))
        for first in range(0, len(below), _AT_ONCE):
            index = below[first : first + _AT_ONCE]
            p_value[index] = self._share(self.free[index], rate[index], statistic[index])
        return p_value

    def _share(self, free: Fit, rate: Array, seen: Array) -> Array:
        external = free.external
        assert external is not None
        problem = Problem(free.counts, free.bounds)
        judge = mixed_maxima(problem.at(rate), external, self.engine)[1]
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
        told = np.flatnonzero(params.failure_rate < at)
        held = mixed_maxima(many.at(at).take(told), take(lent, told), self.engine)[0]
        found[told] = 2 * (best[told] - held)
        hits = found.reshape(-1, self.n_draws) >= seen[:, None] - TIE
        return np.asarray((1 + hits.sum(1)) / (1 + self.n_draws))

    def _drawn(self, law: Params, sizes: Counts, ids: Array, arm: int, design: Design) -> Counts:
        found = law_of_params(law, sizes, design)
        keys = keys_of(self.seed, _STREAM, np.stack([ids, np.full(len(ids), arm)], -1))
        drawn = draw_counts(uniforms(keys, (4, self.n_draws)), found, design, tables_for(found, design))
        return tree_map(lambda x: np.asarray(x, np.float64).reshape(-1), drawn)

    def limits(self, level: Array, far: Array, highest: Array) -> Array:
        """Rates at which the p-value falls to ``level``: above, ``highest`` where it has not by ``far``."""
        estimate = np.asarray(self.free.failure_rate_set[1], np.float64)
        beyond = np.where(self.p_values(far) > level, highest, far)
        return halved(lambda rate: self.p_values(rate) > level, estimate, beyond, _HALVINGS)[1]
