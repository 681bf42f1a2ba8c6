"""The smallest number of labels that reaches a goal, by simulation with common data sets."""

from typing import Any, NamedTuple, cast

import numpy as np

from jaxmle._data import Counts
from jaxmle._engine import Progress
from jaxmle._planning._label_draws import Setting, draw
from jaxmle._planning._label_formulas import best_share
from jaxmle._planning._label_goals import Correction, Goal, increasing
from jaxmle._types import Array, Triple

_CURVE = 32
_NEAR = 8
_SINGLY = 30
_SETTLED = 0.1
_ATTEMPTS = 8
_CLOSE = 0.01
_FIRST, _AROUND, _DIVISION, _JUDGED = 0, 1, 3, 4


_NO_CURVE = cast(Triple, ((), (), ()))


class Found(NamedTuple):
    """Outcome of a search.

    Attributes:
        n: Labels, or None where no number of them reaches the goal.
        value: Width or power with so many, or with the most there can be.
        error: Standard error of it from the simulation.
        curve: Numbers of labels, shape ``(K,)``, widths or powers and their standard errors.
    """

    n: int | None
    value: float
    error: float
    curve: Triple


def search(setting: Setting, goal: Goal, seed: int, progress: Progress | None = None) -> Found:
    """Find the number of labels on a coarse curve, then between its neighbours."""
    grid = np.concatenate([[0], np.rint(np.geomspace(1, setting.most, _CURVE - 1))]).astype(int)
    n_draws = goal.rows // _CURVE
    scores = goal.scores(setting, draw(setting, grid, n_draws, (seed, _FIRST))).reshape(_CURVE, n_draws)
    correction: Correction
    correction, looked_at, looked = goal.identity, -1, 0
    for size in (*goal.looks, 0):
        values = goal.values(scores, correction)
        crossed = _crossing(grid, _monotone(values.mean(1), goal), goal)
        n = setting.most if crossed is None else crossed
        # A rough look is never the last.
        if not size or (looked == size and abs(n - looked_at) <= _SETTLED * looked_at):
            break
        correction, looked_at, looked = goal.correct(setting, n, size, seed, progress), n, size
    mean, error = values.mean(1), values.std(1) / np.sqrt(n_draws)
    # More labels can make a plan worse where those at hand were lucky.
    curve = (grid, mean if setting.at_hand else _monotone(mean, goal), error)
    short = (
        mean[-1] + 3 * error[-1] < goal.target
        if goal.is_increasing
        else mean[-1] - 3 * error[-1] > goal.target
    )
    if crossed is None and short:
        found = Found(None, float(mean[-1]), float(error[-1]), curve)
    elif n == 0 or (setting.at_hand and _met(mean[0], goal)):
        found = Found(0, float(mean[0]), float(error[0]), curve)
    elif n <= _SINGLY:
        found = _stepped(setting, goal, n, correction, seed)
    else:
        found = _refined(setting, goal, n, correction, seed)
    error_of_both = float(np.hypot(found.error, goal.correction_error(found.value, correction)))
    return found._replace(error=error_of_both, curve=curve)


def _refined(setting: Setting, goal: Goal, n: int, correction: Correction, seed: int) -> Found:
    """Solve a straight line through a few numbers of labels around a guess, many data sets each."""
    n_draws = goal.rows // _NEAR
    for attempt in range(_ATTEMPTS):
        reach = max(4, round(0.2 * n))
        near = np.clip(np.rint(np.linspace(n - reach, n + reach, _NEAR)), 1, setting.most).astype(int)
        blocks = [
            goal.scores(setting, draw(setting, near, n_draws, (seed, _AROUND, attempt, block)))
            for block in range(goal.blocks)
        ]
        values = goal.values(np.concatenate([b.reshape(_NEAR, n_draws) for b in blocks], 1), correction)
        mean, error = values.mean(1), values.std(1) / np.sqrt(values.shape[1])
        x, y = np.log1p(near), goal.scale(mean)
        x0, y0 = x.mean(), y.mean()
        spread = np.sum((x - x0) ** 2)
        slope = np.sum((x - x0) * (y - y0)) / spread if spread > 0 else 0.0
        if not (slope > 1e-6 if goal.is_increasing else slope < -1e-6):
            met = np.flatnonzero(_met(mean, goal))
            if not met.size:
                return _bisected(setting, goal, correction, seed, int(near[-1]))
            at = int(met[0])
            return Found(int(near[at]), float(mean[at]), float(error[at]), _NO_CURVE)
        with np.errstate(over="ignore"):
            aim = np.expm1(np.minimum(x0 + (goal.scale(goal.target) - y0) / slope, 40))
        n = int(np.clip(np.ceil(aim - 1e-9), 1, 2 * near[-1]))
        if near[0] <= n <= near[-1]:
            break
        if n > setting.most:
            if near[-1] == setting.most:
                return Found(None, float(mean[-1]), float(error[-1]), _NO_CURVE)
            n = setting.most
    else:
        return _bisected(setting, goal, correction, seed, 0)  # no straight line leads there
    value = goal.unscale(y0 + slope * (np.log1p(n) - x0))
    return Found(n, value, float(error.mean()), _NO_CURVE)


def _stepped(setting: Setting, goal: Goal, n: int, correction: Correction, seed: int) -> Found:
    """Look at each number of labels near a small guess: whole items make steps that no line follows."""
    n_draws, blocks = goal.rows // _NEAR, max(goal.blocks, 4)
    near = np.arange(max(n - _NEAR // 2, 1), min(n + _NEAR // 2, setting.most + 1))
    for _ in range(_ATTEMPTS):
        scores = [
            goal.scores(setting, draw(setting, near, n_draws, (seed, _AROUND, block)))
            for block in range(blocks)
        ]
        values = goal.values(np.concatenate([b.reshape(len(near), n_draws) for b in scores], 1), correction)
        mean, error = _monotone(values.mean(1), goal), values.std(1) / np.sqrt(values.shape[1])
        met = np.flatnonzero(_met(mean, goal))
        if (met.size and (met[0] > 0 or near[0] == 1)) or (not met.size and near[-1] == setting.most):
            at = int(met[0]) if met.size else -1
            n_found = int(near[at]) if met.size else None
            return Found(n_found, float(mean[at]), float(error[at]), _NO_CURVE)
        near = near - len(near) + 1 if met.size else near + len(near) - 1
        near = near[(near >= 1) & (near <= setting.most)]
    return _bisected(setting, goal, correction, seed, 0)


def _bisected(setting: Setting, goal: Goal, correction: Correction, seed: int, low: int) -> Found:
    """Halve between a number of labels that is not enough, or 0, and all there can be."""

    def looked_at(n: int) -> Found:
        counts = draw(setting, np.full(1, n), goal.rows, (seed, _AROUND))
        values = goal.values(goal.scores(setting, counts), correction)
        return Found(n, float(values.mean()), float(values.std() / np.sqrt(goal.rows)), _NO_CURVE)

    found = looked_at(setting.most)
    if not _met(found.value, goal):
        return found._replace(n=None)
    high = setting.most
    while high - low > max(1, _CLOSE * low):
        middle = round(np.sqrt(low * high)) if low else high // 2
        middle = min(max(middle, low + 1), high - 1)
        trial = looked_at(middle)
        if _met(trial.value, goal):
            high, found = middle, trial
        else:
            low = middle
    return found


def _met(value: Array | float, goal: Goal) -> Any:
    return value >= goal.target if goal.is_increasing else value <= goal.target


def divided(setting: Setting, goal: Goal, n: int, seed: int) -> Setting:
    """Choose how ``n`` labels are divided between two kinds of items."""
    centre = best_share(setting)
    odds = np.log(centre / (1 - centre)) + np.linspace(-1.6, 1.6, _NEAR)
    share = 1 / (1 + np.exp(-odds))
    n_draws = goal.rows // _NEAR
    counts = draw(setting, np.full(_NEAR, max(n, 2)), n_draws, (seed, _DIVISION), share)
    scores = goal.scores(setting, counts).reshape(_NEAR, n_draws)
    # The mean of signed roots tells more than how many of them pass.
    gain = scores.mean(1) if goal.is_increasing else -goal.scale(scores.mean(1))
    curve = np.polynomial.Polynomial.fit(odds, gain, 2).convert().coef
    best = float(odds[np.argmax(gain)])
    if len(curve) == 3 and curve[2] < 0:
        best = float(np.clip(-curve[1] / (2 * curve[2]), odds[0], odds[-1]))
    return setting._replace(share=1 / (1 + np.exp(-best)))


def cheapest_judged(setting: Setting, goal: Goal, cost_human: float, cost_judge: float, seed: int) -> int:
    """Judged items, at most those there are, for which labels and verdicts together cost least."""
    sizes, steps = 8, 16
    judged = np.rint(np.geomspace(max(1, min(50, setting.n_judged)), setting.n_judged, sizes)).astype(int)
    n_draws = goal.rows // (sizes * steps)
    settings = [setting._replace(n_judged=int(size)) for size in judged]
    grids = [np.rint(np.geomspace(1, one.most, steps)).astype(int) for one in settings]
    drawn = [
        draw(one, grid, n_draws, (seed, _JUDGED)).values() for one, grid in zip(settings, grids, strict=True)
    ]
    scores = goal.scores(setting, Counts(*(np.concatenate(parts) for parts in zip(*drawn, strict=True))))
    values = goal.values(scores.reshape(sizes, steps, n_draws), goal.identity).mean(-1)
    costs = []
    for one, grid, row in zip(settings, grids, values, strict=True):
        n = _crossing(grid, _monotone(row, goal), goal)
        costs.append(np.inf if n is None else cost_of(one, n, cost_human, cost_judge))
    return int(judged[int(np.argmin(costs))]) if np.isfinite(np.min(costs)) else setting.n_judged


def cost_of(setting: Setting, n: int, cost_human: float, cost_judge: float) -> float:
    """Cost of n labels and all verdicts; items from elsewhere are judged as well."""
    verdicts = setting.n_judged + (n if setting.calibration == "external" else 0)
    return cost_human * n + cost_judge * verdicts


def _monotone(mean: Array, goal: Goal) -> Array:
    return increasing(mean) if goal.is_increasing else -increasing(-mean)


def _crossing(grid: Array, curve: Array, goal: Goal) -> int | None:
    """First number of labels at which a monotone curve reaches the target."""
    reached = _met(curve, goal)
    if not reached.any():
        return None
    i = int(np.argmax(reached))
    if not i:
        return int(grid[0])
    x, y = np.log1p(grid[i - 1 : i + 1]), goal.scale(curve[i - 1 : i + 1])
    part = (goal.scale(goal.target) - y[0]) / (y[1] - y[0]) if y[1] != y[0] else 1.0
    return int(np.ceil(np.expm1(x[0] + part * (x[1] - x[0])) - 1e-9))
