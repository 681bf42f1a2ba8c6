"""What earlier looks at a gate have taken from the error of this one: data sets that they had certified.

Look k rejects where P(S_k >= s_k and no S_j > b_j, j < k) is at most the error that it may spend, under every
plausible judge; S_j is the statistic at look j, s_k what was observed now. Any b_j is allowed that is no
smaller than the rejecting value of look j under the true judge: then all looks together spend no more than
their shares add up to, since look k counts every path that earlier looks left open, and maybe more. Here b_j
is the largest over five judges, the corners of the plausible ones and the most likely, each from draws and on
the safe side of their error 19 times in 20. That no other judge has a larger one is not proved; how often all
looks together are wrong was simulated (`benchmarks.looks`).

Given the counts now, those at an earlier look do not depend on the rates: the labels were drawn from these at
random. So the draws that serve all judges keep their weights.

Sources: Lan and DeMets, Biometrika 70 (1983); Jennison and Turnbull, Group Sequential Methods (2000), ch. 7.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Calibration, Counts, Params, Problem
from jaxmle._engine import Engine
from jaxmle._inference._simulate import TIE, drawn, keys_of, likelihood_ratio, maximal
from jaxmle._simulation import Design, law_of_params, uniforms
from jaxmle._types import Array

_DRAWS = 4096
_ROWS = 1 << 17
_BOUNDARIES, _BOUNDARY_PATHS = 7, 8
# One-sided 95%: that far below its expectation is the number of draws that may lie beyond a boundary.
_MARGIN = 1.645
# Entries of tables of the hypergeometric distribution at once.
_ENTRIES = 1 << 21
# Which labelled cells are drawn without regard to the others: all, or those of each verdict or true label.
_STRATA = {
    "random": ((0, 1, 2, 3),),
    "by-verdict": ((0, 2), (1, 3)),
    "external": ((0, 1), (2, 3)),
}


class EarlierLooks(NamedTuple):
    """Earlier looks.

    Attributes:
        shares: Share of the labels at hand that each of them had, increasing, below 1.
        levels: Error that each of them could spend on one test, the nuisance region's part taken off.
        calibration: "internal" or "external".
        design: How the items were chosen that humans label.
        seed: Seed.
    """

    shares: tuple[float, ...]
    levels: tuple[float, ...]
    calibration: Calibration
    design: Design
    seed: int

    def boundaries(self, problem: Problem, rate: Array, judges: Params, ids: Array, engine: Engine) -> Array:
        """Statistics beyond which each earlier look had certified, shape ``(B, looks)``; inf where rare.

        Args:
            problem: Counts now and bounds, shape ``(B,)``.
            rate: Failure rates that are tested, shape ``(B,)``.
            judges: Judges across the plausible ones, shape ``(B, G)``.
            ids: Random stream of each test, shape ``(B,)``.
            engine: "numpy" or "jax".
        """
        size, n_judges = judges.tpr.shape
        expected = _DRAWS * np.asarray(self.levels)
        allowed = np.floor(expected - _MARGIN * np.sqrt(expected)).astype(int)
        found = np.full((size, len(self.shares)), np.inf)
        used = np.flatnonzero(allowed >= 1)
        if not used.size:
            return found
        index = np.repeat(np.arange(size), n_judges)
        pairs = np.stack([ids[index], np.tile(np.arange(n_judges), size)], -1)
        each = problem.take(index)
        rows = np.empty((len(index), len(used), _DRAWS))
        step = max(1, _ROWS // _DRAWS)
        for start in range(0, len(index), step):
            part = slice(start, start + step)
            law = law_of_params(
                tree_map(lambda x, part=part: x.reshape(-1)[part], judges),
                each.take(part).counts,
                self.design,
            )
            counts = drawn(
                law,
                pairs[part],
                design=self.design,
                seed=self.seed,
                stream=_BOUNDARIES,
                n_draws=_DRAWS,
                engine=engine,
            )
            cells = np.stack(counts.values(), -1).reshape(-1, 6)
            paths = self.paths(cells, self.uniforms(pairs[part], _DRAWS, _BOUNDARY_PATHS))[:, used]
            owner = np.repeat(index[part], _DRAWS)
            values = self.statistics(paths, problem.take(owner), rate[owner], engine)
            rows[part] = values.reshape(-1, _DRAWS, len(used)).transpose(0, 2, 1)
        statistics = rows.reshape(size, n_judges, len(used), _DRAWS)
        is_open = np.ones((size, n_judges, _DRAWS), bool)
        for place, look in enumerate(used):
            here = np.where(is_open, statistics[:, :, place], 0.0)
            beyond = np.partition(here, _DRAWS - 1 - allowed[look], -1)[..., _DRAWS - 1 - allowed[look]]
            found[:, look] = beyond.max(1) + TIE
            is_open &= here <= found[:, look, None, None]
        return found

    def uniforms(self, pairs: Array, n_draws: int, stream: int) -> Array:
        """Random numbers of paths, shape ``(P, n_draws, looks, 3)``, told by streams of shape ``(P, 2)``."""
        keys = keys_of(self.seed, stream, np.asarray(pairs, np.uint32))
        return uniforms(keys, (n_draws, len(self.shares), 3))

    def paths(self, cells: Array, u: Array) -> Array:
        """Counts at earlier looks that led to ``cells`` of shape ``(R, 6)``: shape ``(R, looks, 6)``."""
        u = u.reshape(-1, len(self.shares), 3)
        strata = _STRATA[self.design]
        totals = [cells[:, list(some)].sum(1) for some in strata]
        path = np.repeat(cells[:, None], len(self.shares), 1)
        for look in reversed(range(len(self.shares))):
            now = path[:, look + 1] if look + 1 < len(self.shares) else cells
            labeled = now[:, :4].copy()
            for i, (some, total) in enumerate(zip(strata, totals, strict=True)):
                sample_size = np.rint(self.shares[look] * total)
                own = u[:, look] if len(strata) == 1 else u[:, look, i : i + 1]
                labeled[:, list(some)] = _subset(now[:, list(some)], sample_size, own)
            path[:, look, :4] = labeled
            path[:, look, 4:] = now[:, 4:]
            if self.calibration == "internal":
                # Whatever was not labelled yet had its verdict already.
                later = now[:, :4] - labeled
                path[:, look, 4] += later[:, 0] + later[:, 2]
                path[:, look, 5] += later[:, 1] + later[:, 3]
        return path

    def statistics(self, paths: Array, problem: Problem, rate: Array, engine: Engine) -> Array:
        """Likelihood ratios of the rates at each look, 0 where the estimate is no lower: ``(R, looks)``.

        ``problem`` and ``rate`` have shape ``(R,)``; of the former the bounds are used.
        """
        rows, looks, _ = paths.shape
        owner = np.repeat(np.arange(rows), looks)
        counts = Counts(*np.ascontiguousarray(paths.reshape(-1, 6).T))
        repeated = Problem(counts, problem.take(owner).bounds)
        at = rate[owner]
        best, estimate = maximal(repeated, self.calibration, engine)
        held, _ = maximal(repeated.at(at), self.calibration, engine)
        found = np.where(estimate < at, likelihood_ratio(best, held), 0.0)
        return found.reshape(rows, looks)

    def crossed(
        self, cells: Array, u: Array, problem: Problem, rate: Array, boundaries: Array, engine: Engine
    ) -> Array:
        """Whether an earlier look had certified on the way to ``cells``, shape ``(R,)``."""
        used = np.flatnonzero(np.isfinite(boundaries).any(0))
        if not (used.size and len(cells)):
            return np.zeros(len(cells), bool)
        paths = self.paths(cells, u)[:, used]
        return np.asarray((self.statistics(paths, problem, rate, engine) > boundaries[:, used]).any(1))


def _subset(cells: Array, sample_size: Array, u: Array) -> Array:
    """Cells of a random sample of ``sample_size`` items, ``(R, C)``: by inversion, rarest cell first."""
    order = np.argsort(cells, -1, kind="stable")
    sorted_ = np.take_along_axis(cells, order, -1)
    rest, left = sorted_.sum(-1), sample_size.copy()
    found = np.zeros_like(sorted_)
    for i in range(cells.shape[1] - 1):
        found[:, i] = _hypergeometric(u[:, i], sorted_[:, i], rest, left)
        rest, left = rest - sorted_[:, i], left - found[:, i]
    found[:, -1] = left
    return np.take_along_axis(found, np.argsort(order, -1, kind="stable"), -1)


def _hypergeometric(u: Array, marked: Array, total: Array, sample_size: Array) -> Array:
    """How many of a sample out of ``total`` items are among the ``marked``; by inversion of ``u``."""
    from scipy.special import gammaln  # a third of a second to import, and seldom needed

    least, most = np.maximum(0, sample_size - (total - marked)), np.minimum(marked, sample_size)
    width = int((most - least).max(initial=0)) + 1
    step = max(1, _ENTRIES // width)
    found = np.empty(len(u))
    for start in range(0, len(u), step):
        part = slice(start, start + step)
        low, high, k, n, m = (x[part, None] for x in (least, most, marked, total, sample_size))
        x = np.minimum(low + np.arange(width), high)
        log_mass = -(gammaln(x + 1) + gammaln(k - x + 1) + gammaln(m - x + 1) + gammaln(n - k - m + x + 1))
        mass = np.exp(log_mass - log_mass.max(1, keepdims=True))
        mass = np.where(low + np.arange(width) > high, 0.0, mass)
        below = np.cumsum(mass, 1)
        place = (below <= u[part, None] * below[:, -1:]).sum(1)
        found[part] = np.minimum(low[:, 0] + place, high[:, 0])
    return found
