"""The bounded maximum as one scalar equation in what a flag costs.

Tie the flag rate q to the cells of the labelled items by a multiplier, and everything else is explicit in
rho, the price of a flagged unit over that of a passed one:

    a group with h flagged and m passed labels has the rate r with odds h / (m rho), clipped to its bounds,
    and t = (h + m) rho o / (1 + rho o) of its labels count as flagged at the odds o: t = h where r is free.

With T = sum t of the n labels, q = (pos + T) / (N + n), and what is left is one equation, monotone in rho:

    T (neg + n - T) = rho (n - T) (pos + T).

Which rates are held follows from the sign of the equation where each is just let go, four places known in
closed form. With no rate held T is known. With one held T solves a cubic equation, with both held the failure
rate another of the same form; where the failure rate itself is known one free rate solves that too, and two
free ones a like equation. All are written in sums of positive terms, each probability beside its complement,
so that the smallest of them keeps its digits.

Empty cells count as `_NOTHING` of their group, or of all labels where the group is empty: the function jumps
there, and the jump is then a steep piece like any other. What the data leave open (no labels at all, say) is
thereby chosen, near the middle of what is as likely.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import is_jax, joined, namespace, select, take, tree_map, where_needed
from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model import pack_bounds, pack_counts
from jaxmle._solvers._cubic import Cubic, cubic_at
from jaxmle._solvers._root import share_root
from jaxmle._solvers._rounding import possible, rounded
from jaxmle._solvers._shares import Shares, clipped, either, minus, on_the_way, way_made
from jaxmle._solvers._solution import limit_rates
from jaxmle._stats import divide
from jaxmle._types import Array, Pair

# Share of its group that an empty cell counts as.
_NOTHING = {64: 1e-30, 32: 1e-12}


def find(counts: Counts, bounds: Bounds, calibration: Calibration) -> Params:
    """Maximize flat batches; in the external design the maximum is one of two points, on a leading axis."""
    solve = internal if calibration == "internal" else external
    point = solve(*pack_counts(counts), *pack_bounds(bounds), *bounds.failure_rate)
    if calibration == "external":
        counts, bounds = take((counts, bounds), None)  # the axis of the two points
    theta = rounded(point.theta, counts.tp + counts.fn, counts.fp + counts.tn, bounds.failure_rate)
    tpr = rounded(take(point.rates, 0), counts.tp, counts.fn, bounds.tpr)
    fpr = rounded(take(point.rates, 1), counts.fp, counts.tn, bounds.fpr)
    params = limit_rates(Params(theta, tpr, fpr), counts, bounds, unlabeled_only=calibration == "external")
    # Compiled, one more branch makes the program's other roundings worse; `fit` asks NumPy for such data.
    return params if is_jax(theta) else possible(params, counts, bounds, calibration)


class Point(NamedTuple):
    """Failure rate, and TPR and FPR of shape ``(2, B)``, each beside its complement."""

    theta: Shares
    rates: Shares


class Data(NamedTuple):
    """Data sets in shares of all items, ``weight`` in number; rates have the axis (TPR, FPR) in front."""

    hits: Array
    misses: Array
    pos: Array
    neg: Array
    low: Shares
    high: Shares
    weight: Array

    def ends(self) -> Shares:
        """Both bounds, lower ones first, on an axis in front."""
        xp = namespace(self.hits)
        return joined((self.low, self.high), xp.stack)


def prepared(cells: Array, totals: Array, low: Array, high: Array) -> Data:
    """Lay out labels, shape ``(2, 2, B)`` (human, judge), totals and bounds of TPR and FPR, ``(2, B)``."""
    xp = namespace(cells)
    weight = xp.sum(cells, (0, 1)) + xp.sum(totals, 0)
    weight = select(weight > 0, weight, 1)
    cells, totals = cells / weight[None, None], totals / weight[None]
    group = cells[:, 0] + cells[:, 1]
    labels = group[0] + group[1]
    few = select(group > 0, group, select(labels > 0, labels, 1.0)[None])
    cells = select(cells > 0, cells, _NOTHING[np.finfo(cells.dtype).bits] * few[:, None])
    ends = Shares(low, 1 - low), Shares(high, 1 - high)
    return Data(cells[:, 0], cells[:, 1], totals[0], totals[1], *ends, weight)


def internal(
    cells: Array, totals: Array, low: Array, high: Array, theta_low: Array, theta_high: Array
) -> Point:
    """Maximize the internal design.

    Args:
        cells: Labels by human and by judge verdict, shape ``(2, 2, B)``.
        totals: Unlabelled items by judge verdict, shape ``(2, B)``.
        low: Lower bounds of TPR and FPR, shape ``(2, B)``.
        high: Upper bounds, shape ``(2, B)``.
        theta_low: Lower bound of the failure rate, shape ``(B,)``.
        theta_high: Upper bound, shape ``(B,)``.
    """
    xp = namespace(cells)
    d = prepared(cells, totals, low, high)
    free = theta_low < theta_high
    nothing = Point(Shares(theta_low, 1 - theta_low), Shares(d.low.x, d.low.y))
    theta, rates = where_needed(free, lambda: _free(d, free), nothing)
    known = ~free | (theta.x < theta_low) | (theta.x > theta_high)
    held = select(free, xp.clip(theta.x, theta_low, theta_high), theta_low)
    theta = either(known, Shares(held, 1 - held), theta)

    def with_known() -> Shares:
        found = rates_at(d, theta, known)
        return either(known, found, rates)

    return Point(theta, where_needed(known, with_known, rates))


def external(
    cells: Array, totals: Array, low: Array, high: Array, theta_low: Array, theta_high: Array
) -> Point:
    """Maximize the external design: one of two points, with a leading axis, is the maximum.

    Where the labels' own rates within their bounds explain the flag rate at some failure rate, both points
    are that one. Else the failure rate lies at one of its bounds, and each has a point. Arguments as in
    `internal`.
    """
    xp = namespace(cells)
    d = prepared(cells, totals, low, high)
    n = d.hits + d.misses
    own = clipped(Shares(d.hits / n, d.misses / n), d.low, d.high)
    seen = (cells[:, 0] > 0) | (cells[:, 1] > 0)
    least, most = (either(seen, own, end) for end in (d.low, d.high))
    ends = xp.stack([theta_low, theta_high])
    theta = Shares(ends, 1 - ends)

    def flagged(rates: Shares) -> Shares:
        return tree_map(lambda x: theta.x * x[:1] + theta.y * x[1:], rates)

    # Flags that are left when the rates explain as few as they can, and as many, at both ends of the failure
    # rate; both are linear in it, and where both are >= 0 the flags are explained. Of these rates the middle.
    items = d.pos + d.neg
    q = Shares(divide(d.pos, items)[None], divide(d.neg, items)[None])
    fewest, most_flags = flagged(least), flagged(most)
    left = [select((items > 0)[None], x, 0.0) for x in (minus(q, fewest), minus(most_flags, q))]
    explained: Array = xp.any(left[0] >= 0, 0) & xp.any(left[1] >= 0, 0)
    none, whole = xp.zeros_like(theta_low), xp.ones_like(theta_low)
    first, last = Shares(none, whole), Shares(whole, none)
    for at_low, at_high in left:
        rises, falls = way_made(-at_low, at_high), way_made(at_low, -at_high)
        first = either((at_low < 0) & (rises.x > first.x), rises, first)
        last = either((at_high < 0) & (falls.x < last.x), falls, last)
    share = tree_map(lambda a, b: 0.5 * (a + b), first, last)
    moved = on_the_way(take(theta, 0), take(theta, 1), share)
    few, many = (xp.maximum(x[0] * share.y + x[1] * share.x, 0.0) for x in left)
    some = few + many > 0
    rise = way_made(select(some, few, 1.0), select(some, many, 1.0))
    rates = tree_map(
        lambda a, b, c: select(a == b, a, c), least, most, on_the_way(least, most, take(rise, None))
    )

    twice = joined((d, d), lambda x: xp.concatenate(x, -1))
    flat = tree_map(lambda x: x.reshape(-1), theta)
    not_explained = xp.concatenate([~explained, ~explained])
    found = where_needed(not_explained, lambda: rates_at(twice, flat, not_explained), twice.low)
    held = tree_map(lambda x: x.reshape(2, 2, -1), found)
    return Point(
        either(explained, moved, theta), either(explained, tree_map(lambda x: x[:, None], rates), held)
    )


def _free(d: Data, needed: Array) -> Point:
    """Failure rate and rates where no bound on the failure rate holds."""
    n = d.hits + d.misses
    at_low, held = _held(d, n)
    fixed = either(at_low, d.low, d.high)
    first, second = held[0], held[1]
    both = first & second
    one = (first | second) & ~both
    # One rate held: how many labels of its group count as flagged. Both: the failure rate.
    (x, x_o), (y, y_o) = fixed
    h, m = (select(first, a[1], a[0]) for a in (d.hits, d.misses))
    k, rate, miss = select(first, n[0], n[1]), select(first, x, x_o), select(first, y, y_o)
    spread = select(both, x - x_o, 0.0)
    cubic = Cubic(
        select(both, n[0], rate),
        select(both, n[1], miss),
        d.pos,
        d.neg,
        Shares(select(both, x, h + k), select(both, y, m)),
        Shares(select(both, x_o, h), select(both, y_o, m + k)),
        select(both, spread, k),
        select(both, 0.0, rate),
        select(both, 0.0, miss),
        spread,
    )
    inside = (rate > 0) & (miss > 0)
    start = select(both, cubic.start(), rate)
    certain = (spread == 0) & ~inside
    share = share_root(cubic_at, (cubic,), start, (both & ~certain | one & inside) & needed)
    flagged, passed = select(held, (k * share.x)[None], d.hits), select(held, (k * share.y)[None], d.misses)
    all_flagged, all_passed = flagged[0] + flagged[1], passed[0] + passed[1]
    mass_flagged = flagged * ((d.pos + all_flagged) / all_flagged)[None]
    mass_passed = passed * ((d.neg + all_passed) / all_passed)[None]
    group = mass_flagged + mass_passed
    rates = either(held, fixed, Shares(mass_flagged / group, mass_passed / group))
    whole = group[0] + group[1]
    return Point(either(both, share, Shares(group[0] / whole, group[1] / whole)), rates)


def _held(d: Data, n: Array) -> Pair:
    """Which rates are at their lower bounds, and which at one of their bounds, each of shape ``(2, B)``."""
    xp = namespace(n)
    # Axes: end of the bounds, group. At a place where a rate is let go rho = up / down.
    end = d.ends()
    h, m, other = d.hits[None], d.misses[None], n[None, ::-1]
    up, down = h * end.y, m * end.x

    def counted(bound: Shares) -> Pair:
        """Labels of the other group that count as flagged and passed with its rate at a bound."""
        top, bottom = up * bound.x[None, ::-1], down * bound.y[None, ::-1]
        whole = top + bottom
        per = other / select(whole > 0, whole, 1.0)
        return top * per, bottom * per

    (few, many_passed), (many, few_passed) = counted(d.low), counted(d.high)
    flagged = h + xp.minimum(xp.maximum(h[:, ::-1], few), many)
    passed = m + xp.minimum(xp.maximum(m[:, ::-1], few_passed), many_passed)
    # The equation at rho, positive where its root lies beyond: the price of a flag is higher yet.
    pos, neg = d.pos[None, None], d.neg[None, None]
    excess = flagged * (neg + passed) * down - passed * (pos + flagged) * up
    at_low = (excess[0] > 0) | (d.low.x >= d.high.x)
    return at_low, at_low | (excess[1] < 0)


def rates_at(d: Data, theta: Shares, needed: Array) -> Shares:
    """TPR and FPR at a known failure rate; both designs."""
    xp = namespace(d.hits)
    mass = xp.stack(theta)
    n = d.hits + d.misses
    end, others_low, others_high = d.ends(), *take((d.low, d.high), (None, slice(None, None, -1)))
    # Where a rate is let go, the tilt pos / q - neg / (1 - q) of the flags is push / spread.
    h, m, own_mass = d.hits[None], d.misses[None], mass[None]
    other_mass = own_mass[:, ::-1]
    push, spread = m * end.x - h * end.y, own_mass * end.x * end.y
    other = clipped(tilted(h[:, ::-1], m[:, ::-1], other_mass * push, spread), others_low, others_high)
    q, p = (own_mass * a + other_mass * b for a, b in zip(end, other, strict=True))
    excess = spread * (d.pos[None, None] * p - d.neg[None, None] * q) - push * q * p
    at_low = (excess[0] < 0) | (d.low.x >= d.high.x)
    held = at_low | (excess[1] > 0)
    fixed = either(at_low, d.low, d.high)
    two = ~(held[0] | held[1])
    one = (held[0] ^ held[1]) & needed

    # The unknown is the free rate, and where both are free the one of fewer labels for its mass, which tells
    # the tilt with the smaller rounding error.
    first = select(two, n[0] * mass[1] <= n[1] * mass[0], held[1])

    def ordered(x: Array) -> Pair:
        return select(first, x[0], x[1]), select(first, x[1], x[0])

    (h, h_o), (m, m_o), (mass_e, mass_o) = ordered(d.hits), ordered(d.misses), ordered(mass)
    # q = x (own mass + c) + y c with c what the other group flags: held, or to begin with as its labels say.
    guess = either(held, fixed, Shares(d.hits / n, d.misses / n))
    c, c_y = (mass_o * select(first, x[1], x[0]) for x in guess)
    none = xp.zeros_like(mass_e)
    through = Shares(mass_e + c, c_y), Shares(c, mass_e + c_y)
    cubic = Cubic(h, m, d.pos, d.neg, *through, mass_e, none, none, mass_e)
    # Without mass, and where no flag was counted, only labels tell of a rate.
    met = (mass_e > 0) & (d.pos + d.neg > 0)
    share = share_root(_rate_at, (cubic, mass_o, h_o, m_o, two), cubic.start(), ((two & needed) | one) & met)
    rate = either(met, share, Shares(h / (h + m), m / (h + m)))
    o = tilted(h_o, m_o, mass_o * (m * rate.x - h * rate.y), mass_e * rate.x * rate.y)
    free = joined((either(first | ~two, rate, o), either(first & two, o, rate)), xp.stack)
    return clipped(either(held, fixed, free), d.low, d.high)


def tilted(h: Array, m: Array, top: Array, bottom: Array) -> Shares:
    """Rate that maximizes h log r + m log(1 - r) + (top / bottom) r."""
    xp = namespace(h)
    most = 1e100 if np.finfo(h.dtype).bits == 64 else 1e12
    k = xp.clip(top / select(bottom > 0, bottom, 1.0), -most, most)
    k = select(bottom > 0, k, most * xp.sign(top))
    n, root = h + m, xp.sqrt((k + h - m) ** 2 + 4 * h * m)
    up, down = k >= n, k <= -n
    x = 2 * h / select(up, 1.0, n - k + root)
    y = 2 * m / select(down, 1.0, n + k + root)
    return Shares(select(up, 1 - y, x), select(down, 1 - x, y))


def _rate_at(
    x: Array, y: Array, cubic: Cubic, mass_o: Array, h_o: Array, m_o: Array, two: Array
) -> tuple[Array, Array, Array, Array]:
    """Score of a free rate, times x y q p: the other rate is held, or follows it where it is free too."""
    single = cubic_at(x, y, cubic)
    h, m, pos, neg, mass = cubic.first, cubic.second, cubic.pos, cubic.neg, cubic.slope
    inner, lean = x * y, h * y - m * x
    bottom = mass * inner
    o = tilted(h_o, m_o, -mass_o * lean, bottom)
    q, p = mass * x + mass_o * o.x, mass * y + mass_o * o.y
    # d other / d own = mass_o v_o / (mass v), with v = 1 / (h / r^2 + m / (1 - r)^2).
    stiff = h * y**2 + m * x**2
    give = divide((o.x * o.y) ** 2, h_o * o.y**2 + m_o * o.x**2)
    d_q = mass + mass_o**2 * give * divide(stiff, bottom * inner)
    outer, flags = q * p, pos * p - neg * q
    value = lean * outer + bottom * flags
    slope = lean * d_q * (p - q) - (h + m) * outer + mass * ((y - x) * flags - inner * (pos + neg) * d_q)
    return (
        select(two, value, single[0]),
        select(two, slope, single[1]),
        select(two, 0.0, single[2]),
        select(two, namespace(x).full_like(x, 1e-9), 1e-6),
    )
