"""Binomial draws by inversion of the distribution function: the same uniforms give coupled draws.

Probabilities of a window around the mean, with less than 1e-12 of the mass outside it, are tabulated and
searched. Distributions too wide for a table, whose standard deviation is above 4, go by the Cornish-Fisher
expansion to fourth cumulants, whose distribution function is off by less than 1e-4.

Source of the expansion: Cornish and Fisher, Rev. Int. Stat. Inst. 5 (1938); the variance carries Sheppard's
correction for rounding to whole numbers.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import namespace
from jaxmle._stats import halved, normal_quantile
from jaxmle._types import Array, Pair

_EXPONENT = 30.0
_WIDTHS = (16, 32, 64, 128)
LARGEST_TABLE = 1 << 12


def span(n: Array, p: Array) -> Array:
    """Width of the window that holds all but e^-30 of Binomial(n, p) on either side; numpy arrays.

    Source: Chernoff's bound, P(X >= k) <= exp(-n KL(k/n, p)).
    """
    n, p = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(p, np.float64))
    mean = n * p
    above = _reach(n, mean, n)
    below = _reach(n, mean, np.zeros_like(n))
    most, least = np.ceil(mean + above), np.floor(mean - below)
    both = 2 * np.ceil(np.maximum(above, below)) + 3
    return np.minimum(np.minimum(n + 1, both), np.minimum(most + 1, n - least + 1))


def _reach(n: Array, mean: Array, end: Array) -> Array:
    """Distance from the mean, towards ``end``, at which Chernoff's exponent is `_EXPONENT`."""
    tiny = 1e-200
    low, high = np.zeros_like(mean), np.abs(end - mean)
    sign = np.sign(end - mean)
    # Between zero and the least of two bounds on the answer; 12 halvings leave a fraction of an item.
    high = np.minimum(high, np.sqrt(2 * _EXPONENT * np.minimum(mean, n - mean)) + _EXPONENT)

    def falls_short(reach: Array) -> Array:
        hits = np.maximum(mean + sign * reach, tiny)
        misses = np.maximum(n - mean - sign * reach, tiny)
        exponent = hits * np.log(hits / np.maximum(mean, tiny)) + misses * np.log(
            misses / np.maximum(n - mean, tiny)
        )
        return ~np.asarray(exponent >= _EXPONENT)

    return halved(falls_short, low, high, 12)[1]


class Table(NamedTuple):
    """What one kind of binomial is compiled for.

    Attributes:
        width: Entries of a table, a power of 2; 0 where no distribution has one.
        all_fit: Whether every distribution has a table, so that none needs the expansion.
    """

    width: int
    all_fit: bool


def tabulated(spans: Array, rows: Array | int = 1, most: int = LARGEST_TABLE) -> Array:
    """Which distributions get a table, of ``most`` entries: with narrow windows and few numbers of trials."""
    return (np.asarray(spans) <= _WIDTHS[-1]) & (spans * rows <= most)


def table_size(spans: Array, needed: Array) -> Table:
    """Least of a few sizes that holds the windows of all distributions that get a table."""
    most = np.max(np.where(needed, spans, 0), initial=0)
    width = next(w for w in _WIDTHS if most <= w) if np.any(needed) else 0
    return Table(width, bool(np.all(needed)))


def binomial(u: Array, n: Array, p: Array, exact: Array, table: Table) -> Array:
    """Draw Binomial(n, p), one distribution a row.

    Args:
        u: Uniforms in [0, 1), shape ``(P, D)``.
        n: Trials, shape ``(P,)``.
        p: Probabilities, shape ``(P,)``.
        exact: Which distributions get a table, shape ``(P,)``.
        table: From `table_size`.

    Returns:
        Whole numbers as floats, shape ``(P, D)``.
    """
    width = table.width
    if not width:
        return cornish_fisher(u, n[:, None], p[:, None])
    start, cdf = _tables(n, p, width)
    xp = namespace(u)
    base = xp.arange(n.shape[0], dtype=np.int32)[:, None] * width
    found = start[:, None] + _search(cdf.reshape(-1), xp.broadcast_to(base, u.shape), u, width)
    if table.all_fit:
        return found
    return xp.where(exact[:, None] > 0, found, cornish_fisher(u, n[:, None], p[:, None]))


def binomial_rows(u: Array, n: Array, p: Array, exact: Array, first: Array, rows: int, table: Table) -> Array:
    """Draw Binomial(n, p) where the number of trials varies within a row.

    Args:
        u: Uniforms in [0, 1), shape ``(P, D)``.
        n: Trials, shape ``(P, D)``; those outside ``first .. first + rows - 1`` count as the nearest.
        p: Probabilities, shape ``(P,)``.
        exact: Which distributions get a table, shape ``(P,)``.
        first: Least number of trials with a table, shape ``(P,)``.
        rows: How many numbers of trials have a table.
        table: From `table_size`.

    Returns:
        Whole numbers as floats, shape ``(P, D)``.
    """
    width = table.width
    if not (width and rows):
        return cornish_fisher(u, n, p[:, None])
    xp = namespace(u)
    trials = (first[:, None] + xp.arange(rows, dtype=first.dtype)[None]).reshape(-1)
    rates = xp.broadcast_to(p[:, None], (p.shape[0], rows)).reshape(-1)
    row = xp.clip(n - first[:, None], 0, rows - 1).astype(np.int32)
    flat = row + xp.arange(p.shape[0], dtype=np.int32)[:, None] * rows
    if xp is np:
        # At once, only the tables are made that something is drawn from.
        is_used = np.zeros(trials.shape, bool)
        is_used[flat] = True
        trials, rates = trials[is_used], rates[is_used]
        flat = (np.cumsum(is_used, dtype=np.int32) - 1)[flat]
    start, cdf = _tables(trials, rates, width)
    found = xp.minimum(start[flat] + _search(cdf.reshape(-1), flat * width, u, width), n)
    if table.all_fit:
        return found
    return xp.where(exact[:, None] > 0, found, cornish_fisher(u, n, p[:, None]))


def binomial_quantiles(u: Array, n: Array, p: Array) -> Array:
    """Quantiles at ``u``, shape ``(P, D)``, of Binomial(n, p), shape ``(P,)``; numpy arrays."""
    spans = span(n, p)
    kept = tabulated(spans)
    return binomial(u, n, p, kept.astype(np.float64), table_size(spans, kept))


def cornish_fisher(u: Array, n: Array, p: Array) -> Array:
    """Quantile of Binomial(n, p) from its first four cumulants, rounded to a whole number."""
    xp = namespace(u)
    variance = n * p * (1 - p)
    deviation = xp.sqrt(xp.maximum(variance - 1 / 12, 1e-12))
    safe = xp.maximum(variance, 1e-12)
    skew = variance * (1 - 2 * p) / deviation**3
    excess = variance * (1 - 6 * safe / xp.maximum(n, 1)) / deviation**4
    z = normal_quantile(xp.clip(u, np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg))
    w = z + skew * (z**2 - 1) / 6 + excess * (z**3 - 3 * z) / 24 - skew**2 * (2 * z**3 - 5 * z) / 36
    return xp.clip(xp.where(variance > 0, xp.ceil(n * p + deviation * w - 0.5), xp.round(n * p)), 0, n)


def _tables(n: Array, p: Array, width: int) -> Pair:
    """First counts, shape ``(...)``, and distribution functions from there on, shape ``(..., width)``."""
    xp = namespace(n, p)
    n, p = xp.broadcast_arrays(n, p)
    start = xp.clip(xp.floor(n * p) - width // 2, 0, xp.maximum(n - width + 1, 0))
    places = xp.arange(width - 1, dtype=n.dtype).reshape((1,) * n.ndim + (-1,))
    k = start[..., None] + places
    odds = xp.log(xp.maximum(p, 1e-300)) - xp.log(xp.maximum(1 - p, 1e-300))
    left = n[..., None] - k
    steps = xp.where(left > 0, xp.log(xp.maximum(left, 1) / (k + 1)) + odds[..., None], -xp.inf)
    logs = xp.cumsum(xp.pad(steps, [(0, 0)] * n.ndim + [(1, 0)]), -1)
    mass = xp.exp(logs - xp.max(logs, -1, keepdims=True))
    cdf = xp.cumsum(mass, -1)
    return start, kept_apart(cdf / cdf[..., -1:])


def _search(cdf: Array, base: Array, u: Array, width: int) -> Array:
    """Number of entries of the table at ``base`` that are at most ``u``; ``width`` is a power of 2."""
    xp = namespace(base)
    found = xp.zeros_like(base)
    step = width // 2
    while step:
        found = xp.where(cdf[base + found + step - 1] <= u, found + step, found)
        step //= 2
    return found.astype(u.dtype)


def kept_apart(value: Array) -> Array:
    """The value, computed once: fusion in XLA would compute it anew at every step of a search."""
    if namespace(value) is np:
        return value
    import jax

    return jax.lax.optimization_barrier(value)
