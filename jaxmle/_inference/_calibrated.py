"""Rates that simulated data do not speak against: p-values of the likelihood ratio and where they end.

A rate's p-value is the probability of a likelihood ratio as large as the observed one, ties counted, under
the judges that are plausible at that rate: the most likely one, and those with its flag rate that score
limits of the labels do not exclude, the largest p-value among them. An interval is {rate: p > alpha}. Its
ends are the outermost such rates on either side of the estimate, not the rates at which the statistic meets
some quantile: where the observed data have a probability above alpha, every quantile is their own statistic.

Sources: inversion of the likelihood-ratio test with nuisance parameters at their constrained maximum, Chuang
and Lai, Statistica Sinica 10 (2000); the largest p-value over plausible ones, Berger and Boos, JASA 89
(1994), here with a set too small for their guarantee, and without its price.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from jaxmle._arrays import take, tree_map
from jaxmle._data import Calibration, Counts, Params, Problem
from jaxmle._engine import Engine, Progress, side_by_side
from jaxmle._inference._fit import Fit
from jaxmle._inference._importance import Draws, draws_of_mixture, largest_p_values
from jaxmle._inference._last_crossing import last_crossing, line_to, quantiles
from jaxmle._inference._no_failures import weighed
from jaxmle._inference._nuisance import judge_at, judges_across
from jaxmle._inference._profile import (
    BranchEnd,
    ProfileBranch,
    ProfileRoot,
    both_branches,
    branch_end,
    branches,
    crossing,
)
from jaxmle._inference._simulate import streams
from jaxmle._simulation import Design
from jaxmle._stats import normal_quantile, tail_of_t
from jaxmle._types import Array, Index, Pair

T = TypeVar("T")

# Error of the set of plausible judges, and where between its ends they are looked at.
_SET_ERROR = 0.1
_PLACES = (0.0, 0.5, 1.0)
# Roots of the statistic that are looked at first, as multiples of the guess, with few draws of the most
# likely judge alone.
_WIDE = (0.6, 0.85, 1.15, 1.6)
_FEW, _LEAST_DRAWS = 8, 60
_ROUNDS = 9
# Tests that are drawn for at once, to bound memory.
_GROUP = 256
_LEAST_ROOT = 0.01
# How far from a guess ends are looked for: p-values are of draws at the guess.
_REACH = (0.8, 1.25)
_FIRST_GUESS = 0.3
_LEAST_TAIL = 1e-300
_ROUNDING = 1e-12
_STREAM = 1


class Sides(NamedTuple):
    """Tests of failure rates on one side of the estimate; arrays of shape ``(B,)``.

    Attributes:
        branch: Counts, bounds, maximal log-likelihood, and the rates on this side.
        likely: Most likely parameters.
        ids: Random streams.
        is_upper: Whether the rates lie above the estimate: then lower estimates speak against them.
    """

    branch: ProfileBranch
    likely: Params
    ids: Array
    is_upper: Array

    @classmethod
    def of(cls, free: Fit, *sides: Literal["lower", "upper"]) -> "Sides":
        """Tests on one side of the estimates, or on either in turn."""
        both = dict(zip(("lower", "upper"), branches(free), strict=True))
        branch = both[sides[0]] if len(sides) == 1 else both_branches(both["lower"], both["upper"])
        size = len(branch.start)
        likely = Params(*(np.resize(x, size) for x in (free.failure_rate, free.tpr, free.fpr)))
        is_upper = np.repeat([side == "upper" for side in sides], size // len(sides))
        return cls(branch, likely, streams(branch.problem), is_upper)

    def take(self, index: Index) -> "Sides":
        """Return the tests at ``index``."""
        likely = take(self.likely, index)
        return Sides(self.branch.take(index), likely, self.ids[index], self.is_upper[index])


@dataclass(frozen=True)
class Calibrated:
    """How p-values are simulated.

    Attributes:
        calibration: "internal" or "external".
        design: How the items were chosen that humans label.
        seed: Seed.
        n_draws: Data sets drawn, at least.
        is_effective: Whether counts are effective ones: whole data sets of their sizes say little of sums
            that are not whole, so that no p-value is below the asymptotic one.
        engine: "numpy" or "jax".
    """

    calibration: Calibration
    design: Design
    seed: int
    n_draws: int
    is_effective: bool
    engine: Engine

    def p_values(self, tests: Sides, rate: Array, profiled: tuple[Array, Array, Fit], n_draws: int) -> Array:
        """p-values of one rate each; ``profiled`` is what `profile` says of them."""
        statistic, _, held = profiled
        judge = Params(rate, held.tpr, held.fpr)
        column = tree_map(lambda x: np.asarray(x)[:, None], judge)
        return self._p_values(tests, judge, column, np.sqrt(statistic)[:, None], n_draws, _PLACES)[:, 0]

    def ends(self, tests: Sides, root: Array, progress: Progress | None = None) -> ProfileRoot:
        """Outermost rates with a p-value above that of ``root``, the asymptotic end, shape ``(B,)``.

        They are found near a guess, by p-values that rest on the same draws.
        """
        alpha = self.asymptotic(root)
        stops = branch_end(tests.branch, self.calibration, self.engine)
        most = np.sqrt(stops.statistic)
        found, guess = root.copy(), np.maximum(root, _FIRST_GUESS)
        is_near = np.zeros(len(root), bool)
        # Where the rate is known there is nothing to look for.
        at_bound = tests.branch.stop == tests.branch.start
        settled = at_bound.copy()
        todo = np.flatnonzero(~at_bound)
        for _ in range(_ROUNDS):
            far, near = todo[~is_near[todo]], todo[is_near[todo]]
            if not todo.size:
                break
            if far.size:
                tried = np.minimum(guess[far, None] * _WIDE, most[far, None])
                few = max(self.n_draws // _FEW, _LEAST_DRAWS)
                _, _, p = self._at_roots(tests.take(far), stops.take(far), tried, few, ())
                guess[far], place = _outermost(tried, p, alpha[far])
                lost = (place < 0) & (tried[:, 0] <= _LEAST_ROOT)
                is_near[far] = (place >= 0) & ((place < len(_WIDE) - 1) | (tried[:, -1] >= most[far]))
                guess[far] = np.clip(guess[far], _LEAST_ROOT, np.maximum(most[far], _LEAST_ROOT))
                todo = np.setdiff1d(todo, far[lost])
            if near.size:
                guess[near], is_found, stopped = self._near(
                    tests.take(near), stops.take(near), guess[near], alpha[near]
                )
                done = near[is_found]
                found[done], at_bound[done], settled[done] = guess[done], stopped[is_found], True
                if progress:
                    progress.advance(len(done))
                todo = np.setdiff1d(todo, done)
        # Where no end was found, as where the data fit the model nowhere, the asymptotic one stands.
        ends = self._crossing(tests.branch, np.where(at_bound, np.inf, found), stops)
        return ends._replace(at_bound=at_bound | ends.at_bound, converged=ends.converged & settled)

    def _near(self, tests: Sides, stops: BranchEnd, guess: Array, alpha: Array) -> tuple[Array, Array, Array]:
        """As `last_crossing`, with draws of all plausible judges at the guesses."""
        most = np.sqrt(stops.statistic)

        def of_group(start: int) -> tuple[Array, Array, Array]:
            index = slice(start, start + _GROUP)
            part, stop, size = tests.take(index), stops.take(index), len(guess[index])
            at = self._crossing(part.branch, np.minimum(guess[index], most[index]), stop)
            draws = self._draws(part, Params(at.failure_rate, at.tpr, at.fpr), self.n_draws, _PLACES)
            met = np.sqrt(at.statistic)

            def look(some: Index, root: Array) -> Pair:
                # The root is nearly linear in the rate.
                begun = part.branch.start[some]
                near = begun + (at.failure_rate[some] - begun) * root / np.maximum(met[some], _LEAST_TAIL)
                new = self._crossing(part.branch.take(some), root, stop.take(some), near)
                grid = Params(*(x[:, None] for x in (new.failure_rate, new.tpr, new.fpr)))
                here, drawn = np.sqrt(new.statistic), draws if len(root) == size else draws.take(some)
                p = self._p_values(part.take(some), grid, grid, here[:, None], 0, _PLACES, drawn)
                return here, p[:, 0]

            return last_crossing(look, guess[index], most[index], alpha[index], _REACH)

        groups = zip(*self._in_groups(of_group, len(guess)), strict=True)
        found, is_found, is_open = (np.concatenate(x) for x in groups)
        return found, is_found, is_open

    def _in_groups(self, of_group: Callable[[int], T], size: int) -> list[T]:
        """Results of groups of tests, side by side."""
        starts = range(0, size, _GROUP)
        # What the first compiles serves the others.
        first = 1 if self.engine == "jax" else 0
        return [*map(of_group, starts[:first]), *side_by_side(of_group, starts[first:])]

    def asymptotic(self, root: Array) -> Array:
        """p-values of roots of the statistic in large samples."""
        return np.maximum(tail_of_t(root, np.full(root.shape, np.inf)), _LEAST_TAIL)

    def at_roots(self, tests: Sides, root: Array) -> tuple[Params, Array, Array]:
        """Where the statistic has these roots: rates and judges, roots up to the last there is, p-values.

        All of shape ``(B, G)``, as ``root`` is, which must ascend.
        """
        stops = branch_end(tests.branch, self.calibration, self.engine)
        root = np.minimum(root, np.sqrt(stops.statistic)[:, None])
        return self._at_roots(tests, stops, root, self.n_draws, _PLACES)

    def _at_roots(
        self, tests: Sides, stops: BranchEnd, root: Array, n_draws: int, places: tuple[float, ...]
    ) -> tuple[Params, Array, Array]:
        """As `at_roots`; past ``stops`` no root is asked for."""
        size, n_rates = root.shape
        middle = n_rates // 2
        first = self._crossing(tests.branch, root[:, middle], stops)
        # The root is nearly linear in the rate, so the others are not far from where it says.
        step = root / np.maximum(root[:, middle], _LEAST_TAIL)[:, None]
        start, reach = tests.branch.start[:, None], (tests.branch.stop - tests.branch.start)[:, None]
        way = (first.failure_rate[:, None] - start) * step
        near = start + np.where(np.abs(way) < np.abs(reach), way, reach * (1 - 0.5 / (1 + step)))
        index = np.repeat(np.arange(size), n_rates)
        rest = np.flatnonzero(np.tile(np.arange(n_rates) != middle, size))
        some = index[rest]
        others = self._crossing(
            tests.branch.take(some), root.reshape(-1)[rest], stops.take(some), near.reshape(-1)[rest]
        )
        at = ProfileRoot(*(np.asarray(x)[index] for x in first))
        for kept, new in zip(at, others, strict=True):
            kept[rest] = new
        grid = tree_map(lambda x: x.reshape(size, n_rates), Params(at.failure_rate, at.tpr, at.fpr))
        centre = tree_map(lambda x: x[:, middle], grid)
        root = np.sqrt(at.statistic).reshape(size, n_rates)
        return grid, root, self._p_values(tests, centre, grid, root, n_draws, places)

    def _crossing(
        self, branch: ProfileBranch, root: Array, stops: BranchEnd, near: Array | None = None
    ) -> ProfileRoot:
        """Rates where the statistic has these roots; past the last of them, the bound."""
        target = np.where(root**2 < stops.statistic * (1 - _ROUNDING), root**2, np.inf)
        return crossing(branch, target, self.calibration, self.engine, near, stops)

    def _p_values(
        self,
        tests: Sides,
        centre: Params,
        grid: Params,
        root: Array,
        n_draws: int,
        places: tuple[float, ...],
        draws: Draws | None = None,
    ) -> Array:
        """p-values on a grid of rates and most likely judges, shape ``(B, G)``, by draws at ``centre``.

        Or by ``draws`` of a group, if any.
        """

        def of_group(start: int) -> Array:
            index = slice(start, start + _GROUP)
            middle, rates = take((centre, grid), index)
            part = tests.take(index)
            drawn = self._draws(part, middle, n_draws, places) if draws is None else draws
            return self._of_group(part, drawn, rates, root[index], places)

        found = np.concatenate(self._in_groups(of_group, len(root)))
        # Where flags are fewer than any failure rate explains the estimate is 0, and the worse they fit the
        # fewer draws are like them: such data must not look the more certain.
        rate = tests.likely.failure_rate
        is_floored = (rate <= 0) | (rate >= 1) | self.is_effective
        found = np.where(is_floored[:, None], np.maximum(found, self.asymptotic(root)), found)
        return weighed(found, tests.branch.problem, grid, tests.is_upper, self.design)

    def _draws(self, tests: Sides, centre: Params, n_draws: int, places: tuple[float, ...]) -> Draws:
        """Data sets like those of the tests, drawn from the laws at ``centre``."""
        laws = self._laws(tests, centre, places)
        return draws_of_mixture(
            _whole(tests),
            laws,
            tests.ids,
            calibration=self.calibration,
            design=self.design,
            seed=self.seed,
            stream=_STREAM,
            n_draws=-(-n_draws // laws.tpr.shape[1]),
            engine=self.engine,
        )

    def _of_group(
        self, tests: Sides, draws: Draws, grid: Params, root: Array, places: tuple[float, ...]
    ) -> Array:
        index = np.repeat(np.arange(len(root)), root.shape[1])
        judges = self._plausible(
            tests.branch.problem.take(index), tree_map(lambda x: x.reshape(-1), grid), places
        )
        return largest_p_values(
            draws,
            _whole(tests),
            grid.failure_rate,
            root**2,
            tree_map(lambda x: x.reshape(*root.shape, -1), judges),
            tests.is_upper,
            calibration=self.calibration,
            engine=self.engine,
        )

    def _plausible(self, problem: Problem, likely: Params, places: tuple[float, ...]) -> Params:
        """The most likely judge and others with its flag rate, shape ``(B, K)``."""
        others = judges_across(*problem, likely, places, self.design, _SET_ERROR)
        return tree_map(lambda x, more: np.concatenate([x[:, None], more], 1), likely, others)

    def _laws(self, tests: Sides, centre: Params, places: tuple[float, ...]) -> Params:
        """Laws to draw from: plausible judges, each also moved to where the data are."""
        null = self._plausible(tests.branch.problem, centre, places)
        # From the most likely judge twice as many: most often it is the one that counts.
        null = tree_map(lambda x: x[:, [0, *range(x.shape[1])]] if places else x, null)
        likely, centre = (tree_map(lambda x: x[:, None], x) for x in (tests.likely, centre))
        moved = self._moved(null, centre, likely)
        return tree_map(lambda *x: np.concatenate(x, 1), null, moved)

    def _moved(self, judges: Params, start: Params, stop: Params) -> Params:
        """Judges moved by the way from ``start`` to ``stop`` on the arcsine scale."""

        def move(value: Array, a: Array, b: Array) -> Array:
            angle = _angle(value) + _angle(b) - _angle(a)
            return np.sin(np.clip(angle, 0, np.pi / 2)) ** 2

        q = move(judges.flag_rate, start.flag_rate, stop.flag_rate)
        tpr = move(judges.tpr, start.tpr, stop.tpr)
        if self.calibration == "external":
            fpr = move(judges.fpr, start.fpr, stop.fpr)
            apart = np.where(tpr == fpr, 1.0, tpr - fpr)
            return Params(np.clip((q - fpr) / apart, 0, 1), tpr, fpr)
        rate = move(judges.failure_rate, start.failure_rate, stop.failure_rate)
        return judge_at(rate, q, rate * tpr)


def _angle(rate: Array) -> Array:
    """Scale on which shares vary alike wherever they are."""
    return np.arcsin(np.sqrt(np.clip(rate, 0, 1)))


def _outermost(root: Array, p: Array, alpha: Array) -> Pair:
    """Where p last comes down to alpha, by straight lines in its normal quantile, and the place before it.

    The place is -1, and the first root given, where no p is above alpha; or the last one, with its root.
    """
    size, n = root.shape
    above = p > alpha[:, None]
    place = np.where(above.any(1), n - 1 - np.argmax(above[:, ::-1], 1), -1)
    rows, first = np.arange(size), np.clip(place, 0, n - 2)
    z, z_alpha = quantiles(p), normal_quantile(alpha)
    step = line_to(z[rows, first], z[rows, first + 1], z_alpha)
    step = np.where(place < 0, 0.0, np.where(place == n - 1, 1.0, step))
    low, high = root[rows, first], root[rows, first + 1]
    return low + step * (high - low), place


def _whole(tests: Sides) -> Problem:
    """The tests' data sets, in whole counts."""
    problem = tests.branch.problem
    return Problem(whole_counts(problem.counts), problem.bounds)


def whole_counts(counts: Counts) -> Counts:
    """Whole counts with nearly the same sums of labelled and of unlabelled items."""
    cells = np.stack(counts.values(), -1)
    parts = [np.rint(np.cumsum(cells[:, group], 1)) for group in (slice(0, 4), slice(4, 6))]
    whole = np.concatenate([np.diff(part, axis=1, prepend=0) for part in parts], 1)
    return Counts(*whole.T)
