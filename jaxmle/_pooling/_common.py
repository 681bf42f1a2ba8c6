"""One judge for all slices: TPR and FPR common, a failure rate for each slice."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Calibration, Counts
from jaxmle._model._likelihood import xlogy
from jaxmle._pooling._slice import Slices, best_rate, slice_profile, slice_value, slices_of
from jaxmle._solvers._box import maximize_in_box
from jaxmle._solvers._symmetric import eigen

# Promised gain below which the climb stops: per item, and in nats where items are very many.
_AIM = (1e-14, 1e-5)
# Where to start, besides the rates of the labels, as shares of the box.
_STARTS = [[0.75, 0.25], [0.25, 0.75], [0.98, 0.02], [0.02, 0.02], [0.98, 0.98]]


class Joint(NamedTuple):
    """Joint data of all slices.

    Attributes:
        slices: What bears on each failure rate, shape ``(S,)``.
        cells: tp, fn, fp, tn summed over the slices, shape ``(4,)``.
        low: Lower bounds of TPR and FPR, shape ``(2,)``.
        high: Upper bounds.
        n_items: Number of items, labelled and not.
    """

    slices: Slices
    cells: Any
    low: Any
    high: Any
    n_items: Any


class Common(NamedTuple):
    """Maximum of the joint likelihood.

    Attributes:
        tpr: The judge's TPR in all slices.
        fpr: Its FPR.
        rate: Failure rates, shape ``(S,)``.
        value: Log-likelihood.
        gain: What one more Newton step promises.
        lowest: Least failure rates among the starts that end as high, shape ``(S,)``.
        highest: Largest ones.
        agreeing: How many starts end as high.
    """

    tpr: Any
    fpr: Any
    rate: Any
    value: Any
    gain: Any
    lowest: Any
    highest: Any
    agreeing: Any


def joint_of(leaves: list[Any], calibration: Calibration) -> Joint:
    """Joint data from twelve arrays of shape ``(S,)``: counts, then bounds."""
    counts = Counts(*leaves[:6])
    cells = jnp.stack([jnp.sum(x) for x in leaves[:4]])
    low = jnp.stack([jnp.max(leaves[8]), jnp.max(leaves[10])])
    high = jnp.stack([jnp.min(leaves[9]), jnp.min(leaves[11])])
    slices = slices_of(counts, (leaves[6], leaves[7]), calibration)
    return Joint(slices, cells, low, high, sum(jnp.sum(x) for x in leaves[:6]))


def judge_value(cells: Any, tpr: Any, fpr: Any) -> Any:
    """Log-likelihood of the labelled items in TPR and FPR."""
    return xlogy(cells[0], tpr) + xlogy(cells[1], 1 - tpr) + xlogy(cells[2], fpr) + xlogy(cells[3], 1 - fpr)


def total_value(joint: Joint, x: Any, push: Any = 0.0) -> Any:
    """Joint log-likelihood at the rates ``x = (TPR, FPR)``, maximized over all failure rates."""
    rate = best_rate(joint.slices, x[0], x[1], push)
    return judge_value(joint.cells, x[0], x[1]) + jnp.sum(slice_value(joint.slices, rate, x[0], x[1], push))


def total_derivatives(joint: Joint, x: Any, push: Any = 0.0) -> tuple[Any, Any, Any]:
    """`total_value`, its gradient and its Hessian."""
    found = slice_profile(joint.slices, x[0], x[1], push)
    both = jnp.stack([x, 1 - x])
    cells = joint.cells.reshape(2, 2).T
    safe = jnp.maximum(both, 1e-300)
    first = jnp.where(cells > 0, cells / safe, 0.0)
    second = jnp.where(cells > 0, cells / safe**2, 0.0)
    gradient = first[0] - first[1] + jnp.stack([jnp.sum(g) for g in found.gradient])
    tt, tf, ff = (jnp.sum(h) for h in found.hessian)
    own = -(second[0] + second[1])
    hessian = jnp.stack([jnp.stack([own[0] + tt, tf]), jnp.stack([tf, own[1] + ff])])
    return judge_value(joint.cells, x[0], x[1]) + jnp.sum(found.value), gradient, hessian


def starts_of(joint: Joint) -> Any:
    """Rates to start from, shape ``(6, 2)``: those of the labels, and points of the box.

    Where labels leave a rate open, climbs from the corners end at the two ends of what is as likely.
    """
    tp, fn, fp, tn = joint.cells
    rates = jnp.stack([(tp + 0.5) / (tp + fn + 1), (fp + 0.5) / (fp + tn + 1)])
    width = joint.high - joint.low
    inner = (joint.low + 0.02 * width, joint.high - 0.02 * width)
    corners = jnp.array(_STARTS, rates.dtype)
    return jnp.concatenate([jnp.clip(rates, *inner)[None], joint.low + corners * width])


def maximize_common(joint: Joint, starts: Any, push: Any = 0.0) -> Common:
    """Maximize the joint likelihood from several starts; how many agree is the evidence."""
    aim = jnp.minimum(_AIM[0] * jnp.maximum(joint.n_items, 1.0), _AIM[1])
    # One start after the other: each takes as many steps as it needs.
    found = jax.lax.map(
        lambda start: maximize_in_box(
            lambda x: total_value(joint, x, push),
            lambda x: total_derivatives(joint, x, push),
            start,
            joint.low,
            joint.high,
            tolerance=aim,
        ),
        starts,
    )
    values = jnp.where(jnp.isfinite(found.value), found.value, -jnp.inf)
    best = jnp.argmax(values)
    slack = jnp.maximum(1e-6, 64 * np.finfo(values.dtype).eps * jnp.abs(values[best]))
    level = values >= values[best] - slack
    # Climbs to one peak stop where rounding hides it, and are no different maxima.
    peak = found.x[best]
    same = _on_one_peak(found.x - peak, found.hessian[best], (peak > joint.low) & (peak < joint.high), slack)
    ends = jnp.where(same[:, None], peak, found.x)
    rates = jax.vmap(lambda x: best_rate(joint.slices, x[0], x[1], push))(ends)
    lowest = jnp.min(jnp.where(level[:, None], rates, jnp.inf), 0)
    highest = jnp.max(jnp.where(level[:, None], rates, -jnp.inf), 0)
    tpr, fpr = found.x[best]
    return Common(tpr, fpr, rates[best], values[best], found.gain[best], lowest, highest, jnp.sum(level))


def _on_one_peak(move: Any, hessian: Any, free: Any, slack: Any) -> Any:
    """Whether points lie where a curved peak has fallen by no more than ``slack`` can hide.

    What labels tell of a rate curves it by 4 a label at least; what nothing tells of is flat up to rounding.
    """
    curvature = jnp.where(free[:, None] & free, -hessian, jnp.eye(2))
    lost = 0.5 * jnp.einsum("si,ij,sj->s", move, curvature, move)
    held = jnp.all(free | (jnp.abs(move) <= 1e-9), axis=1)
    return held & (jnp.min(eigen(curvature)[0]) > 0.5) & (lost <= 4 * slack)
