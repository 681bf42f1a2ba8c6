"""The failure rate of exactly the items at hand, of which the labelled ones are known.

What is not known is how many of the items without label fail. Given a failure rate and a judge each flagged
one fails with the judge's precision and each passed one with its false omission rate; what is plausible of
the failure rate itself is told by its p-values, which are spread over as many failure rates as there are.

Source: confidence distributions, here of one-sided p-values, carried over to what is to be predicted: Shen,
Liu and Xie, Journal of Statistical Planning and Inference 195 (2018). With labels alone it is the
beta-binomial distribution that the Clopper-Pearson limits' beta distribution gives.
"""

from typing import NamedTuple

import numpy as np

from jaxmle._arrays import tree_map
from jaxmle._data import Calibration, Counts, Params
from jaxmle._inference._arguments import whole_numbers
from jaxmle._inference._calibrated import Calibrated, Sides
from jaxmle._inference._importance import log_rates
from jaxmle._inference._nuisance import judge_at, nuisance_region
from jaxmle._simulation import binomial_quantiles
from jaxmle._stats import divide, failure_rates_by_verdict, normal_quantile, tail_of_t
from jaxmle._types import Array, Pair

# Roots of the statistic at which p-values are found, and at which numbers of failures are drawn between them.
_FOUND = np.array([0.02, 0.3, 0.7, 1.1, 1.5, 1.9, 2.3, 2.8, 3.5])
_BETWEEN = np.linspace(0, 4.4, 23)
# Judges at each, across those that the data do not exclude, and quantiles of the number of failures for each.
_ACROSS = (np.arange(7) + 0.5) / 7
_EXCLUDED = 1e-4
_DRAWS = 8


class Items(NamedTuple):
    """How many of the items fail, as far as one side of the interval is told; arrays of shape ``(B, L)``.

    Attributes:
        share: Failure rates of the items, ascending.
        beyond: Confidence in that rate or one further out.
    """

    share: Array
    beyond: Array

    def end(self, alpha: float, is_upper: Array) -> Array:
        """The innermost rate beyond which all are less plausible than ``alpha``, shape ``(B,)``."""
        rows, size = np.arange(len(self.share)), self.share.shape[1]
        allowed = self.beyond > alpha
        last = size - 1 - np.argmax(allowed[:, ::-1], 1)
        first = np.argmax(allowed, 1)
        return self.share[rows, np.where(is_upper, last, first)]


def check_target(target: str) -> None:
    """Raise ``ValueError`` unless ``target`` is known."""
    if target not in ("population", "items"):
        raise ValueError(f'`target` must be "population" or "items"; got {target!r}.')


def check_items(target: str, counts: Counts, calibration: Calibration) -> None:
    """Raise ``ValueError`` where there are no such items: sums of weights, or none of them judged."""
    if target != "items":
        return
    if not whole_numbers(counts):
        raise ValueError('`counts` must be whole numbers for the target "items".')
    if calibration == "external" and not np.all(counts.n_unlabeled > 0):
        raise ValueError(
            '`counts` must hold judged items for the target "items": labels from elsewhere are not of them.'
        )


def items_of(tests: Sides, how: Calibrated) -> Items:
    """What the tests' side says of the items at hand; counts must be whole."""
    rates, p = _on_one_scale(tests, how)
    share, weight = _failures(tests, rates, how)
    size = len(p)
    # Confidence that the rate lies between two roots, put at the outer one; the rest is at the estimate or
    # within.
    mass = np.concatenate([-np.diff(np.concatenate([np.ones((size, 1)), p], 1)), p[:, -1:]], 1)
    mass = np.concatenate([mass[:, :-2], mass[:, -2:].sum(1, keepdims=True)], 1)
    each = np.repeat(mass[..., None] * weight / _DRAWS, _DRAWS, -1)
    flat, each = share.reshape(size, -1), each.reshape(size, -1)
    order = np.argsort(flat, 1, kind="stable")
    flat, each = (np.take_along_axis(x, order, 1) for x in (flat, each))
    upper = np.cumsum(each[:, ::-1], 1)[:, ::-1]
    return Items(flat, np.where(tests.is_upper[:, None], upper, np.cumsum(each, 1)))


def estimates_of(counts: Counts, likely: Params, calibration: Calibration) -> Array:
    """Expected failure rate of the items at hand, shape ``(B,)``."""
    precision, omission = _predictive(likely)
    failing = counts.unlabeled_pos * precision + counts.unlabeled_neg * omission
    known, total = _known(counts, calibration)
    return divide(known + failing, total)


def shares_left(counts: Counts, calibration: Calibration) -> Pair:
    """Least and greatest failure rates that the labelled items leave, shape ``(B,)``."""
    known, total = _known(counts, calibration)
    return divide(known, total), divide(known + counts.n_unlabeled, total)


def _known(counts: Counts, calibration: Calibration) -> Pair:
    """Failures among the labelled items, and the number of items; labels from elsewhere are not of them."""
    if calibration == "external":
        return np.zeros_like(counts.tp), counts.n_unlabeled
    return counts.tp + counts.fn, counts.n_labeled + counts.n_unlabeled


def _predictive(params: Params) -> Pair:
    """Probability that a flagged item fails, and that a passed one does."""
    precision, omission = failure_rates_by_verdict(params.failure_rate, params.tpr, params.fpr)
    return np.clip(precision, 0, 1), np.clip(omission, 0, 1)


def _on_one_scale(tests: Sides, how: Calibrated) -> tuple[Params, Array]:
    """Rates and judges at the roots in between, shape ``(B, K)``, and p-values there."""
    size = len(tests.ids)
    grid, root, p = how.at_roots(tests, np.tile(_FOUND, (size, 1)))
    p = np.minimum.accumulate(p, 1)
    z = -normal_quantile(np.clip(p, 1e-15, 1 - 1e-15))
    # At the estimate itself by the straight line through the first two.
    rise = root[:, 2] - root[:, 0]
    slope = np.where(rise > 0, (z[:, 2] - z[:, 0]) / np.where(rise > 0, rise, 1), 0.0)
    z = np.concatenate([(z[:, 0] - slope * root[:, 0])[:, None], z], 1)
    root = np.concatenate([np.zeros((size, 1)), root], 1)
    values = tree_map(lambda x: np.concatenate([x[:, :1], x], 1), grid)
    most = root[:, -1:]
    between = np.minimum(_BETWEEN, np.where(most < _FOUND[-1] - 1e-6, most, np.inf))

    def line(x: Array) -> Array:
        """Straight lines between the roots, and on beyond the last."""
        place = np.clip((root[:, None, 1:-1] <= between[..., None]).sum(-1), 0, root.shape[1] - 2)
        a, b = (np.take_along_axis(root, place + i, 1) for i in (0, 1))
        u, v = (np.take_along_axis(x, place + i, 1) for i in (0, 1))
        return u + np.where(b > a, (between - a) / np.where(b > a, b - a, 1), 0.0) * (v - u)

    params = tree_map(lambda x: np.clip(line(x), 0, 1), values)
    return params, tail_of_t(line(z), np.full(between.shape, np.inf))


def _failures(tests: Sides, params: Params, how: Calibrated) -> Pair:
    """Failure rates of the items by rate, judge and quantile, ``(B, K, J * D)``, and the judges' weights.

    At a failure rate judges count as much as the data make them likely, beforehand all alike.
    """
    size, rates = params.tpr.shape
    index = np.repeat(np.arange(size), rates)
    counts, bounds = tests.branch.problem.take(index)
    likely = tree_map(lambda x: x.reshape(-1), params)
    region = nuisance_region(counts, bounds, likely.failure_rate, how.design, _EXCLUDED)
    a, b = (np.tile(x.reshape(-1), (len(index), 1)) for x in np.meshgrid(_ACROSS, _ACROSS, indexing="ij"))
    judges = judge_at(likely.failure_rate[:, None], *region.at(a, b))
    alone = region.empty[:, None]
    judges = tree_map(lambda x, y: np.where(alone, y[:, None], x), judges, likely)
    log_weight = np.stack(counts.values(), -1)[:, None] @ log_rates(judges, how.calibration)
    weight = np.exp(log_weight[:, 0] - log_weight.max(-1)) * np.where(alone, 1.0, region.across_at(a))
    weight /= weight.sum(1, keepdims=True)
    precision, omission = _predictive(judges)
    known, total = _known(counts, how.calibration)
    # The same quantiles of both numbers, each in turn with another of the other.
    at = (np.arange(_DRAWS) + 0.5) / _DRAWS
    other = np.roll(at, _DRAWS // 2)[np.argsort((np.arange(_DRAWS) * 0.6180339887498949) % 1.0)]
    n_judges = precision.shape[1]
    drawn = [
        binomial_quantiles(np.tile(u, (p.size, 1)), np.repeat(n, n_judges), p.reshape(-1))
        for u, n, p in (
            (at, counts.unlabeled_pos, precision),
            (other, counts.unlabeled_neg, omission),
        )
    ]
    failing = (drawn[0] + drawn[1]).reshape(len(index), -1) + known[:, None]
    share = divide(failing, total[:, None])
    return share.reshape(size, rates, -1), weight.reshape(size, rates, -1)
