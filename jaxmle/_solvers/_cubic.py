"""The cubic equation that failure rates, free rates and labels of a held rate solve."""

from typing import NamedTuple

from jaxmle._arrays import namespace, select
from jaxmle._solvers._shares import Shares
from jaxmle._stats import divide
from jaxmle._types import Array


class Cubic(NamedTuple):
    """Equations f(x, y) = 0 in a share x and its complement y, with q = x u + y w and p its complement.

    q p (first y - second x) + neg q y (rate - d x) - pos p x (miss - d y).

    With rate = miss = 0 and d = u - w this is the score of first log x + second log y + pos log q + neg log p
    times x y q p. With d = 0 it is the equation of the labels that count as flagged in a group whose rate is
    held, q and p then being numbers of labels. ``slope`` is the change of q with x, and of -p.
    """

    first: Array
    second: Array
    pos: Array
    neg: Array
    u: Shares
    w: Shares
    slope: Array
    rate: Array
    miss: Array
    d: Array

    def start(self) -> Array:
        """What labels say of the share and what flags say, each by its precision."""
        xp = namespace(self.d)
        labels, items = self.first + self.second, self.pos + self.neg
        flag_rate = divide(self.pos, items)
        by_flags = xp.clip(divide(flag_rate - self.w.x, self.slope), 0.0, 1.0)
        of_labels = labels * flag_rate * (1 - flag_rate)
        of_flags = items * self.slope**2 * xp.maximum(by_flags * (1 - by_flags), 1e-4)
        alone = (self.slope == 0) | (items <= 0)
        weight = select(alone, labels, of_labels + of_flags)
        return (
            select(alone, self.first, of_labels * divide(self.first, labels) + of_flags * by_flags) / weight
        )


def cubic_at(x: Array, y: Array, c: Cubic) -> tuple[Array, Array, Array, float]:
    """Evaluate a `Cubic`, with its first two derivatives, for `share_root`."""
    q, p = x * c.u.x + y * c.w.x, x * c.u.y + y * c.w.y
    outer, d_outer = q * p, c.slope * (p - q)
    lean, d_lean = c.first * y - c.second * x, -(c.first + c.second)
    # neg q (rate y - d x y) - pos p (miss x - d x y)
    both = c.d * x * y
    a, b = c.rate * y - both, c.miss * x - both
    turn = c.d * (y - x)
    d_a, d_b = -c.rate - turn, c.miss - turn
    up, down = c.neg * q, c.pos * p
    d_up, d_down = c.neg * c.slope, -c.pos * c.slope
    return (
        lean * outer + up * a - down * b,
        d_lean * outer + lean * d_outer + d_up * a + up * d_a - d_down * b - down * d_b,
        2 * (d_lean * d_outer - lean * c.slope**2 + d_up * d_a - d_down * d_b + c.d * (up - down)),
        1e-6,
    )
