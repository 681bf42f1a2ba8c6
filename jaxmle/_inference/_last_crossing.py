"""Where p-values last come down to a level: a search along roots of the likelihood-ratio statistic.

The normal quantile of a p-value is nearly a multiple of the root, so a few looks enclose the end: the next
one lies where that multiple says, and a little on.
"""

from collections.abc import Callable

import numpy as np

from jaxmle._stats import normal_quantile
from jaxmle._types import Array, Index, Pair

_ON, _LEAST_STEP = 1.02, 1.03
# An end is found between two roots this near, or at one with a quantile this near.
_ENCLOSED, _MET = 1.06, 0.01
_LOOKS = 6
_LEAST_TAIL = 1e-300


def last_crossing(
    look: Callable[[Index, Array], Pair], guess: Array, most: Array, alpha: Array, reach: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Find roots near ``guess`` where p last comes down to ``alpha``; arrays of shape ``(B,)``.

    Args:
        look: Maps places in the batch and a root for each to the roots that were met and the p-values there.
        guess: Where to begin.
        most: Greatest root that there is.
        alpha: The level.
        reach: How far from the guess to look, below and above, as multiples of it.

    Returns:
        The roots; whether the ends were found, else the roots are better guesses; and whether p is above
        alpha up to the greatest root.
    """
    root = np.minimum(guess, most)
    least, greatest = root * reach[0], np.minimum(root * reach[1], most)
    inner, outer, z_inner, z_outer = (np.full(len(root), np.nan) for _ in range(4))
    is_found, is_open = (np.zeros(len(root), bool) for _ in range(2))
    z_alpha = normal_quantile(alpha)
    todo = np.arange(len(root))
    for _ in range(_LOOKS):
        here, p = look(todo, root[todo])
        z, above = quantiles(p), p > alpha[todo]
        # The last crossing counts: what lies within a root above alpha is forgotten.
        outwards, inwards = above & ~(here < inner[todo]), ~above & ~(here > outer[todo])
        some = todo[outwards]
        inner[some], z_inner[some] = here[outwards], z[outwards]
        some = some[outer[some] <= inner[some]]
        outer[some] = z_outer[some] = np.nan
        some = todo[inwards]
        outer[some], z_outer[some] = here[inwards], z[inwards]
        line = inner[todo] + line_to(z_inner[todo], z_outer[todo], z_alpha[todo]) * (outer - inner)[todo]
        is_met = np.abs(z - z_alpha[todo]) <= _MET
        is_enclosed = outer[todo] <= inner[todo] * _ENCLOSED
        is_last = above & (here >= most[todo])
        ratio = z_alpha[todo] / np.minimum(z, -_LEAST_TAIL)
        out, in_ = np.maximum(ratio * _ON, _LEAST_STEP), np.minimum(ratio / _ON, 1 / _LEAST_STEP)
        ratio = np.where(above, out, in_)
        aim = np.clip(np.where(np.isnan(line), here * ratio, line), least[todo], greatest[todo])
        is_done = is_met | is_enclosed | is_last
        root[todo] = np.where(is_enclosed, line, np.where(is_done, here, aim))
        is_found[todo], is_open[todo] = is_done, is_last
        todo = todo[~is_done & (aim != here)]
        if not todo.size:
            break
    return root, is_found, is_open


def line_to(z_inner: Array, z_outer: Array, z_alpha: Array) -> Array:
    """Share of the way from one quantile to a smaller one at which a straight line meets a third."""
    way = z_inner - z_outer
    return np.where(way > 0, np.clip((z_inner - z_alpha) / np.where(way > 0, way, 1.0), 0, 1), 0.0)


def quantiles(p: Array) -> Array:
    """Normal quantiles of p-values, finite."""
    return normal_quantile(np.clip(p, _LEAST_TAIL, 1 - 1e-15))
