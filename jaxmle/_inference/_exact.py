"""Finite-sample p-values of "the failure rate is t or more", by importance sampling over plausible judges.

The statistic is the likelihood ratio of t where the estimate lies below t, and 0 elsewhere. Its p-value
under a judge is estimated from draws of a mixture of laws, some at t and some at the estimate, where large
statistics are common. One sample serves all judges of the nuisance region: only the weights differ. So the
worst judge is found by search without drawing or fitting again, and its p-value then estimated from a second
sample around it.

Sources: Berger and Boos, JASA 89 (1994), for the region; Harrison, Biometrika 99 (2012), for importance
weights with the observed data counted in, which keeps the p-value valid for a proposal fixed beforehand. Here
the mixture is placed by the data, so that the promise rests on the accuracy of the estimate, which
`benchmarks.coverage` measures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from jaxmle._arrays import joined, take, tree_map
from jaxmle._data import Calibration, Params, Problem
from jaxmle._engine import Engine, Progress, chosen_engine
from jaxmle._inference._earlier_looks import EarlierLooks
from jaxmle._inference._fit import Fit
from jaxmle._inference._importance import log_density_of_mixture, log_rates
from jaxmle._inference._no_failures import weighed
from jaxmle._inference._nuisance import Region, judge_at, nuisance_region
from jaxmle._inference._profile import ProfileBranch, profile
from jaxmle._inference._simulate import COMPILE_SECONDS, TIE, HeldRatio, drawn, maximal
from jaxmle._simulation import Design, Tables, law_of_params, tables_for
from jaxmle._types import Array, Index, Pair

T = TypeVar("T")

_GROUP = 32
_BLOCK = 2048
# Draws that are fitted at once.
_ROWS = 1 << 17
_FIRST_DRAWS = 256
_SEARCH_DRAWS = 96
_FINAL_DRAWS = 512
_FIRST, _SEARCH, _FINAL = 3, 4, 5
# Streams of the paths that led there come so far behind.
_LATER = 8
# Coordinates of the laws drawn from: (flag rate, TPR) within the region at t, and at the estimate.
_NULL = [(a, b) for a in (0.12, 0.5, 0.88) for b in (0.05, 0.275, 0.5, 0.725, 0.95)]
_ALTERNATIVE = [(a, b) for a in (0.12, 0.5, 0.88) for b in (0.15, 0.5, 0.85)]
_ROUNDS = 3
# Judges that tell where earlier looks had certified, besides the most likely one.
_ACROSS = [(a, b) for a in (0.1, 0.9) for b in (0.05, 0.95)]
# The worst judge found, and the worst of each third of the TPRs.
_SUSPECTS = 4
# Steps to the neighbours of a judge, itself first.
_NEAR = (0.0, -1.0, -0.5, 0.5, 1.0)


class Hypothesis(NamedTuple):
    """Tests of "failure rate >= rate" for a batch; arrays of shape ``(B,)``.

    Attributes:
        branch: Counts, bounds and maximal log-likelihood.
        rate: t, in (0, 1).
        estimate: Largest most likely failure rate.
        ids: Random stream of each test.
    """

    branch: ProfileBranch
    rate: Array
    estimate: Array
    ids: Array

    def take(self, index: Index) -> "Hypothesis":
        """Return the tests at ``index``."""
        return Hypothesis(self.branch.take(index), self.rate[index], self.estimate[index], self.ids[index])


@dataclass(frozen=True)
class ExactTest:
    """How p-values are made.

    Attributes:
        calibration: "internal" or "external".
        design: How the items were chosen that humans label.
        seed: Seed.
        region_error: Share of the error spent on the nuisance region (gamma); part of every p-value.
        engine: "numpy", "jax", or None for the size of each step to decide.
        sure: p-values found above this in a first look are not refined; they are then lower bounds.
        earlier: Earlier looks at the same gate: data sets that they had certified count for nothing.
    """

    calibration: Calibration
    design: Design
    seed: int
    region_error: float
    engine: Engine | None = None
    sure: float = 0.5
    earlier: EarlierLooks | None = None

    def p_values(
        self,
        tests: Hypothesis,
        progress: Progress | None = None,
        profiled: tuple[Array, Array, Fit] | None = None,
        effort: int = 1,
    ) -> Array:
        """Estimate the p-values, shape ``(B,)``.

        ``profiled`` is what `profile` says of the rates; ``effort`` multiplies the draws.
        """
        profiled = profiled or profile(tests.branch, tests.rate, self.calibration, self.engine)
        parts = []
        for start in range(0, len(tests.rate), _BLOCK):
            index = slice(start, start + _BLOCK)
            known = tree_map(lambda x, index=index: x[index], (profiled[0], profiled[2]))
            parts.append(self._block(tests.take(index), known, effort, progress))
        return np.concatenate(parts)

    def _block(
        self, tests: Hypothesis, profiled: tuple[Array, Fit], effort: int, progress: Progress | None
    ) -> Array:
        statistic, held = profiled
        judge = Params(tests.rate, held.tpr, held.fpr)
        p_value = np.ones(len(tests.rate))
        possible = np.flatnonzero((tests.estimate < tests.rate) & (statistic > 0))
        if possible.size:
            likely = take(judge, possible)
            first = self._first_look(tests.take(possible), statistic[possible], likely)
            p_value[possible] = np.minimum(first + self.region_error, 1)
            possible = possible[first <= self.sure]
        if possible.size:
            likely = take(judge, possible)
            some = tests.take(possible)
            p_value[possible] = self._refined(some, statistic[possible], likely, effort, progress)
        if progress:
            progress.advance(2 * (len(p_value) - possible.size))
        is_upper = np.ones(len(p_value), bool)
        return weighed(p_value, tests.branch.problem, judge, is_upper, self.design)

    def _first_look(self, tests: Hypothesis, observed: Array, judge: Params) -> Array:
        """Share of draws at the most likely judge that are as extreme: a lower bound on the p-value."""
        size = len(tests.rate)
        hits, _ = self._draw(tests, np.arange(size), judge, observed, np.zeros(size), _FIRST_DRAWS, _FIRST)
        return (1 + hits.sum(1)) / (1 + _FIRST_DRAWS)

    def _refined(
        self, tests: Hypothesis, observed: Array, likely: Params, effort: int, progress: Progress | None
    ) -> Array:
        counts, bounds = tests.branch.problem
        region = nuisance_region(counts, bounds, tests.rate, self.design, self.region_error)
        rate = tests.rate[:, None]
        other = np.maximum(tests.estimate, 0.05 * tests.rate)[:, None]

        def at_estimate(judge: Params) -> Params:
            """Return judges with the same flag rates and TPR at the estimate."""
            return judge_at(other, judge.flag_rate, judge.tpr * other)

        likely = tree_map(lambda x: x[:, None], likely)
        ends = None
        if self.earlier:
            across = judge_at(rate, *region.at(*_coordinates(_ACROSS, len(rate))))
            engine = chosen_engine(_ROWS * len(rate), self.engine, compile_seconds=COMPILE_SECONDS)
            ends = self.earlier.boundaries(
                tests.branch.problem, tests.rate, _beside(across, likely), tests.ids, engine
            )
        null = judge_at(rate, *region.at(*_coordinates(_NULL, len(rate))))
        away = at_estimate(judge_at(rate, *region.at(*_coordinates(_ALTERNATIVE, len(rate)))))
        found, suspects = self._in_groups(
            tests,
            observed,
            _beside(null, away),
            effort * _SEARCH_DRAWS,
            _SEARCH,
            lambda sample, index: _worst_judges(sample, region.take(index)),
            progress,
            ends,
        )
        # The worst judges of all parts of the region and the most likely one are tested with fresh draws.
        parts = [tree_map(lambda x, k=k: x[:, k : k + 1], suspects) for k in range(_SUSPECTS)]
        laws = _beside(*parts, likely, at_estimate(parts[0]), at_estimate(likely))
        suspects = _beside(suspects, likely)

        def largest(sample: _Sample, index: slice) -> Array:
            return sample.p_values(take(suspects, index)).max(1)

        final = self._in_groups(tests, observed, laws, effort * _FINAL_DRAWS, _FINAL, largest, progress, ends)
        p_value = np.where(found > self.sure, found, final)
        # Where no judge is plausible at t at all, the region alone rejects.
        return np.minimum(np.where(region.empty, 0.0, p_value) + self.region_error, 1)

    def _in_groups(
        self,
        tests: Hypothesis,
        observed: Array,
        judges: Params,
        n_draws: int,
        stream: int,
        use: Callable[["_Sample", slice], T],
        progress: Progress | None,
        ends: Array | None,
    ) -> T:
        """Draw each test's sample and apply ``use`` to it, a few tests at a time to bound memory."""
        size, components = judges.tpr.shape
        counts = tree_map(lambda x: np.repeat(x, components), tests.branch.problem.counts)
        flat = tree_map(lambda x: x.reshape(-1), judges)
        tables = tables_for(law_of_params(flat, counts, self.design), self.design)
        parts = []
        for start in range(0, size, _GROUP):
            index = slice(start, start + _GROUP)
            part = tree_map(lambda x, index=index: x[index], judges)
            until = None if ends is None else ends[index]
            sample = self._sample(tests.take(index), observed[index], part, n_draws, stream, tables, until)
            parts.append(use(sample, index))
            if progress:
                progress.advance(len(part.tpr))
        return tree_map(lambda *x: np.concatenate(x), *parts)

    def _sample(
        self,
        tests: Hypothesis,
        observed: Array,
        judges: Params,
        n_draws: int,
        stream: int,
        tables: Tables,
        ends: Array | None,
    ) -> "_Sample":
        """Draw from each test's mixture; judges have shape ``(B, K)``."""
        size, components = judges.tpr.shape
        index = np.repeat(np.arange(size), components)
        flat = tree_map(lambda x: x.reshape(-1), judges)
        which = np.tile(np.arange(components), size)
        hits, counts = self._draw(tests, index, flat, observed, which, n_draws, stream, tables, ends)
        seen = np.stack(tests.branch.problem.counts.values(), -1)
        counts_with_seen = np.concatenate([counts.reshape(size, -1, 6), seen[:, None]], 1)
        hits = np.concatenate([hits.reshape(size, -1), np.ones((size, 1), bool)], 1)
        # Draws that are not as extreme count for nothing, so they are put last and cut off.
        total, most = hits.shape[1], int(hits.sum(1).max())
        first = np.argsort(~hits, 1, kind="stable")[:, :most]
        extreme_counts = np.take_along_axis(counts_with_seen, first[..., None], 1)
        log_mixture = log_density_of_mixture(extreme_counts, judges, self.calibration)
        extreme = np.take_along_axis(hits, first, 1)
        return _Sample(self.calibration, extreme_counts, np.where(extreme, log_mixture, np.inf), total)

    def _draw(
        self,
        tests: Hypothesis,
        index: Array,
        judges: Params,
        observed: Array,
        which: Array,
        n_draws: int,
        stream: int,
        tables: Tables | None = None,
        ends: Array | None = None,
    ) -> Pair:
        """Which draws are as extreme, shape ``(P, D)``, and their counts, shape ``(P, D, 6)``.

        Those that an earlier look had certified, beyond ``ends`` of shape ``(B, looks)``, are not.
        """
        engine = chosen_engine(2 * len(index) * n_draws, self.engine, compile_seconds=COMPILE_SECONDS)
        law = law_of_params(judges, tests.branch.problem.take(index).counts, self.design)
        ids = np.stack([tests.ids[index], which], -1)
        parts = []
        step = max(1, _ROWS // n_draws)
        for start in range(0, len(index), step):
            part = slice(start, start + step)
            counts = drawn(
                take(law, part),
                ids[part],
                design=self.design,
                seed=self.seed,
                stream=stream,
                n_draws=n_draws,
                engine=engine,
                tables=tables or tables_for(law, self.design),
            )
            owner = np.repeat(index[part], n_draws)
            bounds, rate = tests.branch.problem.take(owner).bounds, tests.rate[owner]
            problem = Problem(tree_map(lambda x: x.reshape(-1), counts), bounds)
            best, estimate = maximal(problem, self.calibration, engine)
            # Estimates at the rate or above it say nothing against it.
            below = np.flatnonzero(estimate < rate)
            compared = HeldRatio(
                best[below], problem.take(below).at(rate[below]), (observed - TIE)[owner[below]]
            )
            found, unsure = compared.decided_by_bounds(self.calibration, engine)
            found[unsure] = take(compared, unsure).as_large(self.calibration, engine)
            hits = np.zeros(len(owner), bool)
            hits[below] = found
            cells = np.stack(problem.counts.values(), -1)
            if self.earlier and ends is not None:
                at = np.flatnonzero(hits)
                u = self.earlier.uniforms(ids[part], n_draws, stream + _LATER).reshape(len(owner), -1)[at]
                who = owner[at]
                hits[at] = ~self.earlier.crossed(cells[at], u, problem.take(at), rate[at], ends[who], engine)
            parts.append((hits.reshape(-1, n_draws), cells.reshape(-1, n_draws, 6)))
        return joined(parts)


class _Sample(NamedTuple):
    """Extreme draws and the observed data, shape ``(B, H, 6)``, and the log-density they were drawn from."""

    calibration: Calibration
    counts: Array
    log_mixture: Array
    total: int

    def p_values(self, judges: Params) -> Array:
        """p-value under each judge of shape ``(B, G)``."""
        log_density = self.counts @ log_rates(judges, self.calibration)
        weight = np.exp(np.minimum(log_density - self.log_mixture[..., None], 700))
        return weight.sum(1) / self.total


def _worst_judges(sample: _Sample, region: Region) -> tuple[Array, Params]:
    """Search the region for the largest p-value.

    Returns:
        The p-value, shape ``(B,)``, and judges of shape ``(B, G)``: first the worst, then the worst of each
        third of the TPRs, then the neighbours of the first.
    """
    size = len(region.rate)
    rate = region.rate[:, None]
    grid = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 9), indexing="ij")
    points = [np.tile(x.reshape(-1), (size, 1)) for x in grid]
    near = [x.reshape(-1) for x in np.meshgrid(_NEAR, _NEAR, indexing="ij")]
    steps, thirds = [0.25, 0.125], []
    for round_ in range(_ROUNDS + 1):
        values = sample.p_values(judge_at(rate, *region.at(*points)))
        best = np.argmax(values, 1)[:, None]
        worst = np.take_along_axis(values, best, 1)[:, 0]
        if not round_:
            for third in range(_SUSPECTS - 1):
                inside = np.floor(points[1] * 2.999) == third
                place = np.argmax(np.where(inside, values, -1), 1)[:, None]
                thirds.append([np.take_along_axis(x, place, 1) for x in points])
        centre = [np.take_along_axis(x, best, 1) for x in points]
        points = [np.clip(c + step * x, 0, 1) for c, step, x in zip(centre, steps, near, strict=True)]
        steps = [step / 2 for step in steps]
    both = [np.concatenate([x[:, :1], *(t[i] for t in thirds), x[:, 1:]], 1) for i, x in enumerate(points)]
    return worst, judge_at(rate, *region.at(*both))


def _beside(*judges: Params) -> Params:
    return tree_map(lambda *x: np.concatenate(x, 1), *judges)


def _coordinates(points: list[tuple[float, float]], size: int) -> Pair:
    grid = np.asarray(points)
    return np.tile(grid[:, 0], (size, 1)), np.tile(grid[:, 1], (size, 1))
