"""Sampling laws of the six counts under each way of choosing what humans label."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmle._data import Calibration, Counts, Params
from jaxmle._simulation._binomial import Table, binomial, binomial_rows, span, table_size, tabulated

Labels = Literal["random", "by_verdict"]
Design = Literal["random", "by_verdict", "external"]


class Law(NamedTuple):
    """Four binomials that make the six counts, each entry of shape ``(P,)``.

    random: the four labelled cells of ``trials[0]`` labels in turn, rarest first, each a share of what the
        earlier ones left (three binomials); flagged of ``trials[3]`` unlabelled items.
    by_verdict: failures of ``trials[0]`` flagged labels; failures of ``trials[1]`` passed labels; flagged
        of all ``trials[3]`` items, the labelled ones among them.
    external: flagged of ``trials[0]`` failures; flagged of ``trials[1]`` passes; flagged of ``trials[3]``.

    ``spans`` holds the widths of the tables they are drawn by, 0 where there is none, and last that of the
    first two cells together. ``order`` says which cells of (tp, fn, fp, tn) come first, shape ``(P, 4)``,
    and ``two`` is the probability of the first two of them.
    """

    trials: tuple[Any, Any, Any, Any]
    rates: tuple[Any, Any, Any, Any]
    spans: tuple[Any, Any, Any, Any, Any]
    order: Any
    two: Any


class Tables(NamedTuple):
    """Tables of the four binomials, and how many numbers of trials the second and third have tables for."""

    kinds: tuple[Table, Table, Table, Table]
    rows: tuple[int, int]


def design_of(calibration: Calibration, labels: Labels) -> Design:
    """Name of the sampling design."""
    return "external" if calibration == "external" else labels


def law_of_params(params: Params, counts: Counts, design: Design) -> Law:
    """Law of new counts of the sizes of ``counts`` if ``params`` were true; numpy, shape ``(P,)``."""
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    q = theta * tpr + (1 - theta) * fpr
    if design == "by_verdict":
        return _strata(counts, design, _share(theta * tpr, q), _share(theta * (1 - tpr), 1 - q), q)
    if design == "external":
        return _strata(counts, design, tpr, fpr, q)
    cells = (theta * tpr, theta * (1 - tpr), (1 - theta) * fpr, (1 - theta) * (1 - fpr))
    return _chain(counts, np.stack(cells, -1), q)


def law_of_counts(counts: Counts, design: Design) -> Law:
    """Law of new counts drawn with replacement from the items of ``counts``; numpy, shape ``(P,)``."""
    c = counts
    if design == "by_verdict":
        flags = c.tp + c.fp + c.unlabeled_pos
        q = _share(flags, c.n_labeled + c.n_unlabeled)
        return _strata(counts, design, _share(c.tp, c.tp + c.fp), _share(c.fn, c.fn + c.tn), q)
    q = _share(c.unlabeled_pos, c.n_unlabeled)
    if design == "external":
        return _strata(counts, design, _share(c.tp, c.tp + c.fn), _share(c.fp, c.fp + c.tn), q)
    cells = np.stack([_share(x, c.n_labeled) for x in (c.tp, c.fn, c.fp, c.tn)], -1)
    return _chain(counts, cells, q)


def tables_for(law: Law, design: Design) -> Tables:
    """Tables that serve all rows of a law."""
    first, second, third, last, both = (table_size(span, span > 0) for span in law.spans)
    rows = (first.width, both.width) if design == "random" else (0, 0)
    return Tables((first, second, third, last), rows)


def draw_counts(uniforms: Any, law: Law, design: Design, tables: Tables) -> Counts:
    """Draw counts by inversion.

    Args:
        uniforms: Shape ``(P, 4, D)``, in [0, 1).
        law: The sampling laws, entries of shape ``(P,)``.
        design: How the items were chosen that humans label.
        tables: From `tables_for`.

    Returns:
        Counts of shape ``(P, D)``.
    """
    (n, second, _, last), (p, a, b, q), spans, order, two = law
    kinds, rows = tables
    u = [uniforms[:, i] for i in range(4)]
    flagged = binomial(u[3], last, q, spans[3], kinds[3])
    drawn = binomial(u[0], n, p, spans[0], kinds[0])
    n, second, last = n[:, None], second[:, None], last[:, None]
    if design == "random":
        fewest = _fewest(law.trials[0], p, rows[0])
        other = binomial_rows(u[1], n - drawn, a, spans[1], fewest, rows[0], kinds[1])
        rest = n - drawn - other
        fewest = _fewest(law.trials[0], two, rows[1])
        third = binomial_rows(u[2], rest, b, spans[2], fewest, rows[1], kinds[2])
        cells = jnp.stack([drawn, other, third, rest - third], 1)
        place = jnp.argsort(order, -1)[..., None].astype(jnp.int32)
        cells = jnp.take_along_axis(cells, place, 1)
        return _counts(*(cells[:, i] for i in range(4)), flagged, last - flagged)
    other = binomial(u[1], law.trials[1], a, spans[1], kinds[1])
    if design == "external":
        return _counts(drawn, n - drawn, other, second - other, flagged, last - flagged)
    # Where fewer items are flagged than were labelled, all of them are, in the same proportions.
    passed = last - flagged
    labeled_pos, labeled_neg = jnp.minimum(n, flagged), jnp.minimum(second, passed)
    tp = jnp.round(drawn * labeled_pos / jnp.maximum(n, 1))
    fn = jnp.round(other * labeled_neg / jnp.maximum(second, 1))
    return _counts(tp, fn, labeled_pos - tp, labeled_neg - fn, flagged - labeled_pos, passed - labeled_neg)


def uniforms(keys: Any, n_draws: int) -> Any:
    """Uniforms for each key, shape ``(P, 4, n_draws)``."""
    drawn = jax.vmap(lambda key: jax.random.uniform(key, (4, n_draws), dtype=jnp.float64))(keys)
    # Kept apart: fusion would generate them anew at every step of a search.
    return jax.lax.optimization_barrier(drawn)


def _chain(counts: Counts, cells: Any, q: Any) -> Law:
    order = np.argsort(cells, -1, kind="stable")
    share = np.take_along_axis(cells, order, -1)
    left = np.cumsum(share[..., ::-1], -1)[..., ::-1]
    rates = [_share(share[..., i], left[..., i]) for i in range(3)]
    n = counts.n_labeled
    two = share[..., 0] + share[..., 1]
    # Rarest first: where a cell is too frequent for a table, so are those after it.
    trials = (n, n, n, counts.n_unlabeled)
    one, other, third, last, both = span(np.stack([*trials, n]), np.stack([*rates, q, two]))
    first = tabulated(one)
    second = first & tabulated(other, one)
    inner = second & tabulated(third, both)
    pairs = ((first, one), (second, other), (inner, third), (tabulated(last), last), (inner, both))
    a, b, c, d, e = (np.where(kept, width, 0.0) for kept, width in pairs)
    return Law(trials, (rates[0], rates[1], rates[2], q), (a, b, c, d, e), order.astype(np.float64), two)


def _strata(counts: Counts, design: Design, first: Any, second: Any, q: Any) -> Law:
    c = counts
    if design == "external":
        trials = (c.tp + c.fn, c.fp + c.tn, c.n_unlabeled)
    else:
        trials = (c.tp + c.fp, c.fn + c.tn, c.n_labeled + c.n_unlabeled)
    none = 0.0 * q
    order = np.zeros((*np.shape(q), 4))
    widths = span(np.stack(trials), np.stack([first, second, q]))
    spans = np.where(tabulated(widths), widths, 0.0)
    return Law(
        (trials[0], trials[1], none, trials[2]),
        (first, second, none, q),
        (spans[0], spans[1], none, spans[2], none),
        order,
        none,
    )


def _fewest(n: Any, p: Any, rows: int) -> Any:
    """Least number of trials with a table, where Binomial(n, p) of them are used up."""
    start = jnp.clip(jnp.floor(n * p) - rows // 2, 0, jnp.maximum(n - rows + 1, 0))
    return jnp.maximum(n - start - (rows - 1), 0)


def _share(part: Any, whole: Any) -> Any:
    """``part / whole``, 0 where there is no whole, at most 1."""
    return np.clip(part / np.where(whole > 0, whole, 1), 0, 1)


def _counts(*values: Any) -> Counts:
    return jax.tree.unflatten(jax.tree.structure(Counts(0, 0, 0, 0, 0, 0)), values)
