"""Compiled programs of pooled estimation, for slices padded to few sizes."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Calibration, Counts
from jaxmle._inference._blocks import compiler_options, in_blocks
from jaxmle._pooling._common import Common, Joint, joint_of, maximize_common, starts_of
from jaxmle._pooling._common_interval import End, end_of
from jaxmle._pooling._hyper import Data, Hyper, hyper_of
from jaxmle._pooling._partial import Judges, ends_of, estimate_of, judges_of
from jaxmle._pooling._slice import Slices, slices_of
from jaxmle._pooling._surface import Surface
from jaxmle._pooling._total import Mixed, mixed_of

_LEAST = 16
_BLOCK = 2048
# Slices from which the distribution of the judge is learnt: those with the most labels.
LEARNT_FROM = 256
_SMALL = 128


def padded(leaves: list[Any]) -> list[Any]:
    """Fill up with slices of no items, to a power of two."""
    size = len(leaves[0])
    width = max(_LEAST, 1 << (size - 1).bit_length())
    counts = [np.pad(leaf, (0, width - size)) for leaf in leaves[:6]]
    return counts + [np.pad(leaf, (0, width - size), mode="edge") for leaf in leaves[6:]]


def common(leaves: list[Any], calibration: Calibration) -> Common:
    """Fit one judge to all slices."""
    with jax.enable_x64(True):
        found = _common(calibration)(padded(leaves), np.zeros(1), None)
        return _cut(found, len(leaves[0]))


def common_pushed(leaves: list[Any], calibration: Calibration, push: Any, start: Any) -> Common:
    """Fit one judge with ``push`` times the failure rates added to the log-likelihood, from one start."""
    with jax.enable_x64(True):
        size, full = len(leaves[0]), padded(leaves)
        push = np.pad(push, (0, len(full[0]) - size))
        return _cut(_common(calibration)(full, push, np.asarray(start)[None]), size)


def joint(leaves: list[Any], calibration: Calibration) -> Joint:
    """Joint data of all slices."""
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, joint_of([np.asarray(leaf) for leaf in padded(leaves)], calibration))


def common_many(leaves: list[Any], calibration: Calibration) -> Common:
    """Fit one judge to each of many sets of slices, shape ``(R, S)``."""
    with jax.enable_x64(True):
        found = _many(calibration)(leaves)
        return jax.tree.map(np.asarray, found)


def common_ends(
    leaves: list[Any], calibration: Calibration, surface: Surface, best: Common, cutoff: float
) -> Any:
    """Ends of the profile intervals of all slices."""
    peak = np.arcsin(np.sqrt(np.array([best.tpr, best.fpr])))
    start = (peak - surface.middle) / np.where(surface.half > 0, surface.half, 1.0)

    def call(part: list[Any]) -> tuple[End, End]:
        return _ends(calibration)(part[:-1], part[-1], surface, np.clip(start, -1, 1), cutoff)

    return in_blocks(call, [*leaves, best.rate], _width(len(best.rate)))


def hyper(leaves: list[Any], calibration: Calibration, hull: Any) -> Hyper:
    """Posterior of how the judge's rates vary over slices, from those with the most labels."""
    chosen = np.sort(np.argsort(-sum(leaves[:4]), kind="stable")[:LEARNT_FROM])
    with jax.enable_x64(True):
        full = padded([leaf[chosen] for leaf in leaves])
        used = np.arange(len(full[0])) < len(chosen)
        return jax.tree.map(np.asarray, _hyper(calibration)(full, used, hull))


def judges(leaves: list[Any], calibration: Calibration, found: Hyper, hull: Any, *, own: bool) -> Judges:
    """What is known of the judge of each slice; leading axes slices, then pairs of spreads."""

    def call(part: list[Any]) -> Judges:
        return _judges(calibration, own)(part, found, hull)

    # The slices' own information can be taken out where they were used to learn from.
    return in_blocks(call, leaves, _width(len(leaves[0])))


def partial_estimates(leaves: list[Any], calibration: Calibration, known: Judges) -> tuple[Any, Any]:
    """Estimates of all slices and their log-likelihoods."""
    return _over_slices(_estimates(calibration), leaves, known)


def partial_ends(
    leaves: list[Any], calibration: Calibration, known: Judges, estimate: Any, top: Any, cutoff: float
) -> tuple[Any, Any]:
    """Ends of the intervals of all slices."""
    return _over_slices(_partial_ends(calibration), leaves, known, estimate, top, np.full(len(top), cutoff))


def mixed(leaves: list[Any], calibration: Calibration, found: Hyper, hull: Any, weights: Any) -> Mixed:
    """Mean and variance of a weighted sum of failure rates at each pair of spreads."""
    with jax.enable_x64(True):
        size, full = len(leaves[0]), padded(leaves)
        used = np.arange(len(full[0])) < size
        weights = np.pad(weights, (0, len(full[0]) - size))
        return jax.tree.map(np.asarray, _mixed(calibration)(full, used, hull, found, weights))


def _over_slices(program: Callable[..., Any], leaves: list[Any], known: Judges, *more: Any) -> Any:
    flat, structure = jax.tree.flatten(known)

    def call(part: list[Any]) -> Any:
        return program(
            part[:12], jax.tree.unflatten(structure, part[12 : 12 + len(flat)]), *part[12 + len(flat) :]
        )

    return in_blocks(call, [*leaves, *flat, *more], _width(len(leaves[0])))


def _width(size: int) -> int:
    return min(max(_LEAST, 1 << (size - 1).bit_length()), _BLOCK)


def _cut(found: Common, size: int) -> Common:
    return jax.tree.map(lambda x: np.asarray(x)[:size] if np.ndim(x) else np.asarray(x).item(), found)


def _slices(leaves: list[Any], calibration: Calibration) -> Slices:
    return slices_of(Counts(*leaves[:6]), (leaves[6], leaves[7]), calibration)


def _data(leaves: list[Any], calibration: Calibration, used: Any, hull: Any) -> Data:
    pairs = (leaves[8], leaves[9]), (leaves[10], leaves[11])
    return Data(
        _slices(leaves, calibration), (leaves[0], leaves[1], leaves[2], leaves[3]), *pairs, used, hull
    )


def bounds_clash(leaves: list[Any]) -> bool:
    """Whether the bounds of TPR or FPR of some slices exclude those of others."""
    return any(bool(leaves[k].max() > leaves[k + 1].min()) for k in (8, 10))


def hull_of(leaves: list[Any]) -> Any:
    """Ranges of the judge's mean rates: the bounds of all slices together."""
    return np.array([[leaves[k].min(), leaves[k + 1].max()] for k in (8, 10)])


_NO_HULL = np.array([[0.0, 1.0], [0.0, 1.0]])  # where the means are known already


def _jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile for a short compilation where slices are few, else for throughput."""
    programs = [jax.jit(function, compiler_options=compiler_options(small)) for small in (True, False)]
    return lambda leaves, *more: programs[len(leaves[0]) > _SMALL](leaves, *more)


@cache
def _common(calibration: Calibration) -> Any:
    def run(leaves: list[Any], push: Any, starts: Any) -> Common:
        joint = joint_of(leaves, calibration)
        return maximize_common(joint, starts_of(joint) if starts is None else starts, push)

    return _jit(run)


@cache
def _many(calibration: Calibration) -> Any:
    def run(leaves: list[Any]) -> Common:
        joint = joint_of(leaves, calibration)
        return maximize_common(joint, starts_of(joint)[:3])

    return _jit(lambda leaves: jax.lax.map(run, leaves, batch_size=8))


@cache
def _ends(calibration: Calibration) -> Any:
    def run(leaves: list[Any], rate: Any, surface: Surface, start: Any, cutoff: Any) -> tuple[End, End]:
        s = _slices(leaves, calibration)

        def end(stop: Any) -> End:
            return jax.vmap(lambda one, at, to: end_of(surface, one, at, start, cutoff, to))(s, rate, stop)

        both = jax.lax.map(end, jnp.stack([s.low, s.high]))
        return jax.tree.map(lambda x: x[0], both), jax.tree.map(lambda x: x[1], both)

    return _jit(run)


@cache
def _hyper(calibration: Calibration) -> Any:
    return _jit(lambda leaves, used, hull: hyper_of(_data(leaves, calibration, used, hull)))


@cache
def _judges(calibration: Calibration, own: bool) -> Any:
    def run(leaves: list[Any], found: Hyper, hull: Any) -> Judges:
        used = jnp.ones_like(leaves[0], bool)
        return judges_of(found, _data(leaves, calibration, used, hull), own=own)

    return _jit(run)


@cache
def _estimates(calibration: Calibration) -> Any:
    def run(leaves: list[Any], known: Judges) -> tuple[Any, Any]:
        return estimate_of(known, _data(leaves, calibration, jnp.ones_like(leaves[0], bool), _NO_HULL))

    return _jit(run)


@cache
def _partial_ends(calibration: Calibration) -> Any:
    def run(leaves: list[Any], known: Judges, estimate: Any, top: Any, cutoff: Any) -> tuple[Any, Any]:
        return ends_of(
            known, _data(leaves, calibration, jnp.ones_like(leaves[0], bool), _NO_HULL), estimate, top, cutoff
        )

    return _jit(run)


@cache
def _mixed(calibration: Calibration) -> Any:
    def run(leaves: list[Any], used: Any, hull: Any, found: Hyper, weights: Any) -> Mixed:
        return mixed_of(found, _data(leaves, calibration, used, hull), weights)

    return _jit(run)
