"""The bounded maximum with labels of two kinds: own ones, and a reference that tells of the judge alone.

Own labels tell of the failure rate theta and of the judge; the reference of TPR and FPR only, each of its
labels counting for a share of one. At a given theta the likelihood is concave in TPR and FPR, and its maximum
is that of `_flag_rate` at a known failure rate. What is left is the profile over theta: it is smooth, and
need not have one peak alone, where labels and flags pull apart. So it is looked at on a grid, and climbed
where it is highest.

What no point can exceed is known all the same. With the tilt t = pos / q - neg / (1 - q) of the flags as the
multiplier of q = theta TPR + (1 - theta) FPR, the profile without the terms of theta's own labels is at most

    D(t, theta) = max_TPR [.. + t theta TPR] + max_FPR [.. + t (1 - theta) FPR] + max_q [.. - t q],

convex in theta, so on a piece of the range at most the line between its ends; the terms of theta's own labels
are concave, and their sum with a line has its maximum in closed form. Pieces are the finer the nearer to the
maximum.
"""

from typing import NamedTuple, TypeVar

import numpy as np

from jaxmle._arrays import joined, namespace, select, take, tree_map
from jaxmle._data import Bounds, Counts, Params
from jaxmle._model import log_likelihood_at, pack_bounds, pack_counts, rounded_up, xlogy
from jaxmle._solvers._flag_rate import Data, prepared, rates_at, tilted
from jaxmle._solvers._root import share_root
from jaxmle._solvers._rounding import rounded
from jaxmle._solvers._shares import Shares, clipped, either, on_the_way
from jaxmle._solvers._solution import PER_ITEM, Solution, limit_rates, tolerance
from jaxmle._types import Array

T = TypeVar("T")

# Places at which the profile is looked at, first and between two of them, and pieces on either side of the
# maximum.
_GRID, _ZOOM, _PIECES = 17, 9, 60
# How small a step is to be against the unknown for the next to be the last: where a rate is let go by its
# bound slopes jump, and a small step on the steep side may be the first of a long way.
_LAST = 1e-12
# The first piece, as a share of the way to 0 or 1.
_FIRST = 1e-7


class MixedData(NamedTuple):
    """Data sets with labels of two kinds; arrays of shape ``(B,)``.

    Attributes:
        counts: What bears on TPR and FPR: own labels and the reference's, these at their discount; and flags.
        failures: Own labels that are failures.
        passes: Own labels that are passes.
        bounds: Bounds.
    """

    counts: Counts
    failures: Array
    passes: Array
    bounds: Bounds

    @property
    def own(self) -> Counts:
        """Counts of the own items alone, as far as sizes go: labels as if all were true."""
        none = namespace(self.failures).zeros_like(self.failures)
        c = self.counts
        return Counts(self.failures, none, none, self.passes, c.unlabeled_pos, c.unlabeled_neg)


def mixed_value(params: Params, data: MixedData) -> Array:
    """Log-likelihood, shape ``(...)``."""
    theta = params.failure_rate
    own = xlogy(data.failures, theta) + xlogy(data.passes, 1 - theta)
    return log_likelihood_at(params, data.counts, "external") + own


class _Profile(NamedTuple):
    """Profile at rates, in nats an item, its first two derivatives, and the rates of the judge."""

    value: Array
    slope: Array
    bend: Array
    tilt: Array
    rates: Shares


class _Flat(NamedTuple):
    """One data set each, in shares of all items: what bears on the judge, and theta's own labels."""

    data: Data
    failures: Array
    passes: Array


def _flat(data: MixedData) -> _Flat:
    found = prepared(*pack_counts(data.counts), *pack_bounds(data.bounds))
    return _Flat(found, data.failures / found.weight, data.passes / found.weight)


def _repeated(flat: _Flat, n: int) -> _Flat:
    """Each data set n times in turn."""
    xp = namespace(flat)
    return tree_map(lambda x: xp.repeat(x, n, -1), flat)


def _side_by_side(*trees: T) -> T:
    """Batches one after the other."""
    xp = namespace(trees)
    return joined(trees, lambda x: xp.concatenate(x, -1))


def _share(x: Array) -> Shares:
    return Shares(x, 1 - x)


def _flattened(shares: Shares) -> Shares:
    return tree_map(lambda x: x.reshape(-1), shares)


def _profile(flat: _Flat, theta: Shares) -> _Profile:
    xp = namespace(theta.x)
    d = flat.data
    rates = rates_at(d, theta, theta.x >= 0)
    mass = xp.stack(theta)
    q, p = (xp.sum(mass * x, 0) for x in rates)
    flags, clears = _per(d.pos, q), _per(d.neg, p)
    tilt, weight = flags - clears, _per(flags, q) + _per(clears, p)
    spread = rates.x[0] - rates.x[1]
    up, down = _per(flat.failures, theta.x), _per(flat.passes, theta.y)
    value = xp.sum(xlogy(d.hits, rates.x) + xlogy(d.misses, rates.y), 0)
    value = (
        value
        + xlogy(d.pos, q)
        + xlogy(d.neg, p)
        + xlogy(flat.failures, theta.x)
        + xlogy(flat.passes, theta.y)
    )
    # Rates that their bounds leave free give way: the second derivative of the profile.
    free = (rates.x > d.low.x) & (rates.x < d.high.x)
    give = select(free, 1 / (d.hits / rates.x**2 + d.misses / rates.y**2), 0.0)
    cross = xp.stack([tilt, -tilt]) - mass * (weight * spread)[None]
    along = xp.sum(cross * mass * give, 0)
    own = _per(up, theta.x) + _per(down, theta.y) + spread**2 * weight
    given = xp.sum(cross**2 * give, 0) - weight * along**2 / (1 + weight * xp.sum(mass**2 * give, 0))
    return _Profile(value, up - down + spread * tilt, given - own, tilt, rates)


def _per(count: Array, probability: Array) -> Array:
    """Count over probability, 0 where there is none, finite where it is impossible."""
    xp = namespace(probability)
    least = 1e-150 if np.finfo(probability.dtype).bits == 64 else 1e-15
    return select(count > 0, count / xp.maximum(probability, least), 0.0)


def mixed_maximum(data: MixedData) -> Solution:
    """Maximize flat batches, and bound how far off the maximum may be.

    Returns:
        The solution; its gap holds for all failure rates, though the problem is no convex program.
    """
    xp = namespace(data)
    flat = _flat(data)
    low, high = _ends(data)
    theta = _peak(flat, low, high)
    value, params = _at(data, flat, theta)
    ceiling = _ceiling(flat, theta, low, high)
    finite = xp.isfinite(value)
    gap = xp.where(finite, rounded_up(ceiling - xp.where(finite, value, 0.0) / flat.data.weight), xp.inf)
    return Solution(params, value, gap, gap <= tolerance(data.own, PER_ITEM["flag_rate"]))


def mixed_peak(data: MixedData) -> tuple[Array, Params]:
    """Maximal log-likelihoods and where they are, as in `mixed_maximum`, without a bound on their error."""
    flat = _flat(data)
    return _at(data, flat, _peak(flat, *_ends(data)))


def mixed_held(data: MixedData) -> tuple[Array, Params]:
    """As `mixed_peak` where the failure rate is known: where its bounds are one."""
    return _at(data, _flat(data), _ends(data)[0])


def _ends(data: MixedData) -> tuple[Shares, Shares]:
    low, high = map(_share, data.bounds.failure_rate)
    return low, high


def _at(data: MixedData, flat: _Flat, theta: Shares) -> tuple[Array, Params]:
    """The likelihood at a failure rate and the most likely judge there."""
    best = _profile(flat, theta)
    c, bounds = data.counts, data.bounds
    tpr, fpr = take(best.rates, 0), take(best.rates, 1)
    params = Params(
        rounded(theta, data.failures, data.passes, bounds.failure_rate),
        rounded(tpr, c.tp, c.fn, bounds.tpr),
        rounded(fpr, c.fp, c.tn, bounds.fpr),
    )
    params = limit_rates(params, c, bounds, unlabeled_only=True)
    return mixed_value(params, data), params


def _peak(flat: _Flat, low: Shares, high: Shares) -> Shares:
    """The failure rate at which the profile is highest."""
    xp = namespace(flat)
    nodes = _nodes(flat, low, high)
    before, at, after, known = _highest(flat, low, high, nodes)
    # Once more between the neighbours of the highest node: a peak may hide beside a bound.
    way = xp.asarray(np.linspace(0, 1, _ZOOM))[None]
    nodes = xp.sort(xp.concatenate([before[:, None] * (1 - way) + after[:, None] * way, at[:, None]], -1), -1)
    before, at, after, known = _highest(flat, low, high, nodes)
    left, begin, right = (on_the_way(low, high, _share(x)) for x in (before, at, after))
    width = after - before
    share = select(width > 0, (at - before) / select(width > 0, width, 1.0), 0.5)
    # At a bound on the failure rate the profile may fall from there on.
    slopes = _profile(_side_by_side(flat, flat), _side_by_side(left, right)).slope.reshape(2, -1)
    falls, rises = slopes[0] <= 0, slopes[1] >= 0
    made = share_root(_slope_at, (left, right, flat), share, ~(falls | rises) & (width > 0))
    found = on_the_way(left, right, made)
    # Slopes at the ends that both point inwards leave a root; else the end, unless the node is higher.
    found = either(falls, left, either(rises & ~falls, right, found))
    return either((_profile(flat, found).value >= known) | (low.x >= high.x), found, begin)


def _highest(flat: _Flat, low: Shares, high: Shares, nodes: Array) -> tuple[Array, Array, Array, Array]:
    """Of nodes of shape ``(B, K)`` the highest with its neighbours, and the profile there."""
    xp = namespace(flat)
    size, n = nodes.shape
    start, end = tree_map(lambda x: x[:, None], (low, high))
    theta = _flattened(on_the_way(start, end, _share(nodes)))
    value = _profile(_repeated(flat, n), theta).value.reshape(size, n)
    value = xp.where(xp.isfinite(value), value, -xp.inf)
    at = xp.take_along_axis(nodes, xp.argmax(value, -1)[:, None], -1)
    # Neighbours that are no copies of it.
    apart = 1e-6 * at * (1 - at)
    before = xp.max(xp.where(nodes < at - apart, nodes, nodes[:, :1]), -1)
    after = xp.min(xp.where(nodes > at + apart, nodes, nodes[:, -1:]), -1)
    return before, at[:, 0], after, xp.max(value, -1)


def _nodes(flat: _Flat, low: Shares, high: Shares) -> Array:
    """Shares of the way from the lower to the upper bound at which to look, sorted, shape ``(B, K)``."""
    xp = namespace(flat)
    d = flat.data
    span = high.x - low.x
    grid = xp.asarray(np.sin(np.linspace(0, 0.5 * np.pi, _GRID)) ** 2)
    labels = flat.failures + flat.passes
    own = d.hits / (d.hits + d.misses)
    q = d.pos / select(d.pos + d.neg > 0, d.pos + d.neg, 1.0)
    apart = own[0] - own[1]
    by_flags = (q - own[1]) / select(apart == 0, 1.0, apart)
    by_labels = flat.failures / select(labels > 0, labels, 1.0)
    # What labels and flags say, and what lies between them.
    guesses = xp.stack([by_labels, by_flags, 0.5 * (by_labels + by_flags)], -1)
    guesses = (guesses - low.x[:, None]) / select(span > 0, span, 1.0)[:, None]
    guesses = xp.clip(xp.where(xp.isfinite(guesses), guesses, 0.5), 0, 1)
    return xp.sort(xp.concatenate([xp.broadcast_to(grid, (len(span), _GRID)), guesses], -1), -1)


def _slope_at(
    x: Array, y: Array, left: Shares, right: Shares, flat: _Flat
) -> tuple[Array, Array, Array, float]:
    """Slope of the profile, times theta (1 - theta), on the way from left to right."""
    theta = on_the_way(left, right, Shares(x, y))
    here = _profile(flat, theta)
    inner = theta.x * theta.y
    slope = (theta.y - theta.x) * here.slope + inner * here.bend
    return inner * here.slope, slope * (right.x - left.x), namespace(x).zeros_like(x), _LAST


def mixed_crossing(
    data: MixedData, best: Array, start: Array, stop: Array, cutoff: Array
) -> tuple[Array, Array]:
    """Failure rates, outwards from the maximum, where the statistic last reaches the cut-off.

    Args:
        data: Data sets, shape ``(B,)``.
        best: Their maximal log-likelihoods.
        start: Their most likely failure rates.
        stop: Bounds on the failure rate on this side.
        cutoff: Cut-off of the statistic, > 0.

    Returns:
        The rates, and whether the bound was met first.
    """
    xp = namespace(data)
    flat = _flat(data)
    size = len(start)
    near, far = _share(start), _share(stop)
    top, aim = best / flat.data.weight, cutoff / flat.data.weight
    # Where the profile has more than one peak, so has the statistic more than one crossing: the outermost.
    steps = xp.asarray(np.linspace(0, 1, _GRID) ** 2)
    first, last = tree_map(lambda x: x[:, None], (near, far))
    theta = _flattened(on_the_way(first, last, _share(steps[None])))
    value = _profile(_repeated(flat, _GRID), theta).value.reshape(size, _GRID)
    inside = xp.where(xp.isfinite(value), 2 * (top[:, None] - value) <= aim[:, None], False)
    place = xp.max(xp.where(inside, xp.arange(_GRID)[None], 0), -1)
    at_bound = place == _GRID - 1
    before, after = steps[place], steps[xp.minimum(place + 1, _GRID - 1)]
    left, right = (on_the_way(near, far, _share(x)) for x in (before, after))
    arguments = (left, right, top, aim, flat)
    made = share_root(_drop_at, arguments, xp.full_like(start, 0.5), ~at_bound & (start != stop))
    return xp.where(at_bound, stop, on_the_way(left, right, made).x), at_bound


def _drop_at(
    x: Array, y: Array, left: Shares, right: Shares, top: Array, aim: Array, flat: _Flat
) -> tuple[Array, Array, Array, float]:
    """Root of the cut-off less that of the statistic, on the way from left to right."""
    xp = namespace(x)
    here = _profile(flat, on_the_way(left, right, Shares(x, y)))
    drop = 2 * (top - xp.where(xp.isfinite(here.value), here.value, -1e300))
    root = xp.sqrt(xp.maximum(drop, 1e-300))
    return xp.sqrt(aim) - root, here.slope * (right.x - left.x) / root, xp.zeros_like(x), _LAST


def _ceiling(flat: _Flat, theta: Shares, low: Shares, high: Shares) -> Array:
    """What no failure rate within the bounds exceeds, in nats an item."""
    xp = namespace(flat)
    size, n = len(theta.x), _PIECES + 1
    # Steps grow towards the bound on either side.
    way = xp.asarray(np.concatenate([[0.0], np.geomspace(_FIRST, 1, _PIECES)]))[None]
    at, least, most = tree_map(lambda x: x[:, None], (theta, low, high))
    nodes = joined([on_the_way(at, end, _share(way)) for end in (least, most)], xp.stack)
    twice = _side_by_side(flat, flat)
    tilt = _profile(_repeated(twice, n), _flattened(nodes)).tilt.reshape(2, size, n)
    ends = (..., slice(0, -1)), (..., slice(1, None))
    near, far = (_flattened(take(nodes, end)) for end in ends)
    many = _repeated(twice, n - 1)
    # Any tilt will do: the better of those at the two ends. Past a kink that of the far end is much too
    # large.
    tops = [_on_piece(many, near, far, tilt[end].reshape(-1)) for end in ends]
    return xp.max(xp.minimum(*tops).reshape(2, size, n - 1), (0, 2))


def _on_piece(flat: _Flat, near: Shares, far: Shares, tilt: Array) -> Array:
    """What the profile does not exceed between two failure rates."""
    xp = namespace(tilt)
    first, last = (_relaxed(flat, end, tilt) for end in (near, far))
    span = far.x - near.x
    slope = (last - first) / select(span == 0, 1.0, span)
    labels = flat.failures + flat.passes > 0
    best = tilted(flat.failures, flat.passes, slope, xp.ones_like(slope)).x
    share = xp.clip((best - near.x) / select(span == 0, 1.0, span), 0, 1)
    share = select(labels & xp.isfinite(share), share, select(last > first, 1.0, xp.zeros_like(share)))
    at = on_the_way(near, far, _share(share))
    own = xlogy(flat.failures, at.x) + xlogy(flat.passes, at.y)
    return own + first * (1 - share) + last * share


def _relaxed(flat: _Flat, theta: Shares, tilt: Array) -> Array:
    """D of the module's text: the profile without theta's own labels at most, for any tilt."""
    xp = namespace(tilt)
    d, mass = flat.data, xp.stack(theta)
    pull = mass * tilt[None]
    rates = clipped(tilted(d.hits, d.misses, pull, xp.ones_like(pull)), d.low, d.high)
    of_judge = xp.sum(xlogy(d.hits, rates.x) + xlogy(d.misses, rates.y) + pull * rates.x, 0)
    q = tilted(d.pos, d.neg, -tilt, xp.ones_like(tilt))
    of_flags = xlogy(d.pos, q.x) + xlogy(d.neg, q.y) - tilt * q.x
    return of_judge + select(d.pos + d.neg > 0, of_flags, 0.0)
