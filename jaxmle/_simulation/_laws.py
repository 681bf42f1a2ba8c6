"""Sampling laws of the six counts under each way of choosing what humans label."""

from typing import Literal, NamedTuple

import numpy as np

from jaxmle._arrays import leaves, namespace, rebuilt, take, tree_map
from jaxmle._data import Calibration, Counts, Params
from jaxmle._simulation._binomial import (
    LARGEST_TABLE,
    Table,
    binomial,
    binomial_rows,
    kept_apart,
    span,
    table_size,
    tabulated,
)
from jaxmle._stats import cell_rates, divide, failure_rates_by_verdict, flag_rate
from jaxmle._types import Array

Labels = Literal["random", "by-verdict"]
Design = Literal["random", "by-verdict", "external"]

_SAME_SHARE = 3e-9


class Law(NamedTuple):
    """Four binomials that make the six counts, each entry of shape ``(P,)``.

    random: the four labelled cells of ``trials[0]`` labels in turn, rarest first, each a share of what the
        earlier ones left (three binomials); flagged of ``trials[3]`` unlabelled items.
    by-verdict: failures of ``trials[0]`` flagged labels; failures of ``trials[1]`` passed labels; flagged
        of all ``trials[3]`` items, the labelled ones among them. Where fewer are flagged (or passed) than
        were labelled, all of them are labelled.
    external: flagged of ``trials[0]`` failures; flagged of ``trials[1]`` passes; flagged of ``trials[3]``.

    ``spans`` holds the widths of the tables they are drawn by, 0 where there is none, and last that of the
    first two cells together (by-verdict: third and last, how many numbers of labels there are tables for).
    ``order`` says which cells of (tp, fn, fp, tn) come first, shape ``(P, 4)``, and ``two`` is the
    probability of the first two of them.
    """

    trials: tuple[Array, Array, Array, Array]
    rates: tuple[Array, Array, Array, Array]
    spans: tuple[Array, Array, Array, Array, Array]
    order: Array
    two: Array


class Tables(NamedTuple):
    """Tables of the four binomials, and how many numbers of trials the second and third have tables for."""

    kinds: tuple[Table, Table, Table, Table]
    rows: tuple[int, int]


def design_of(calibration: Calibration, labels: Labels) -> Design:
    """Name of the sampling design."""
    return "external" if calibration == "external" else labels


def law_of_params(params: Params, counts: Counts, design: Design, entries: int = LARGEST_TABLE) -> Law:
    """Law of new counts of the sizes of ``counts`` if ``params`` were true; numpy, shape ``(P,)``.

    ``entries`` is the size of a table that draws are worth.
    """
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    q = flag_rate(theta, tpr, fpr)
    if design == "by-verdict":
        precision, miss = (np.clip(x, 0, 1) for x in failure_rates_by_verdict(theta, tpr, fpr))
        return _strata(counts, design, precision, miss, q, entries)
    if design == "external":
        return _strata(counts, design, tpr, fpr, q, entries)
    return _chain(counts, np.stack(cell_rates(theta, tpr, fpr), -1), q, entries)


def law_of_counts(counts: Counts, design: Design) -> Law:
    """Law of new counts drawn with replacement from the items of ``counts``; numpy, shape ``(P,)``."""
    c = counts
    if design == "by-verdict":
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
    rows = {
        "random": (first.width, both.width),
        "by-verdict": (third.width, both.width),
        "external": (0, 0),
    }[design]
    return Tables((first, second, third, last), rows)


def draw_counts(uniforms: Array, law: Law, design: Design, tables: Tables) -> Counts:
    """Draw counts by inversion.

    Args:
        uniforms: Shape ``(P, 4, D)``, in [0, 1).
        law: The sampling laws, entries of shape ``(P,)``.
        design: How the items were chosen that humans label.
        tables: From `tables_for`.

    Returns:
        Counts of shape ``(P, D)``.
    """
    xp = namespace(uniforms, law)
    if xp is np and len(uniforms) > 1 and all(np.all(x == x[:1]) for x in leaves(law)):
        # Many rows of one law, whose tables are then made once.
        once = draw_counts(uniforms.transpose(1, 0, 2).reshape(1, 4, -1), take(law, slice(1)), design, tables)
        return tree_map(lambda x: x.reshape(len(uniforms), -1), once)
    (n, second, _, last), (p, a, b, q), spans, order, two = law
    kinds, rows = tables
    uniforms = kept_apart(uniforms)
    u = [uniforms[:, i] for i in range(4)]
    flagged = binomial(u[3], last, q, spans[3], kinds[3])
    if design == "random":
        drawn = binomial(u[0], n, p, spans[0], kinds[0])
        fewest = _fewest(n, p, rows[0])
        other = binomial_rows(u[1], n[:, None] - drawn, a, spans[1], fewest, rows[0], kinds[1])
        rest = n[:, None] - drawn - other
        fewest = _fewest(n, two, rows[1])
        third = binomial_rows(u[2], rest, b, spans[2], fewest, rows[1], kinds[2])
        cells = xp.stack([drawn, other, third, rest - third], 1)
        place = xp.argsort(order, -1)[..., None].astype(np.int32)
        cells = xp.take_along_axis(cells, place, 1)
        return _counts(*(cells[:, i] for i in range(4)), flagged, last[:, None] - flagged)
    if design == "external":
        tp = binomial(u[0], n, p, spans[0], kinds[0])
        fp = binomial(u[1], second, a, spans[1], kinds[1])
        n, second, last = n[:, None], second[:, None], last[:, None]
        return _counts(tp, n - tp, fp, second - fp, flagged, last - flagged)
    passed = last[:, None] - flagged
    pos, neg = xp.minimum(n[:, None], flagged), xp.minimum(second[:, None], passed)
    tp = binomial_rows(u[0], pos, p, spans[0], xp.maximum(n - rows[0] + 1, 0), rows[0], kinds[0])
    fn = binomial_rows(u[1], neg, a, spans[1], xp.maximum(second - rows[1] + 1, 0), rows[1], kinds[1])
    return _counts(tp, fn, pos - tp, neg - fn, flagged - pos, passed - neg)


def _chain(counts: Counts, cells: Array, q: Array, entries: int = LARGEST_TABLE) -> Law:
    # Equal shares are common, and must not be put in order by their rounding errors.
    order = np.argsort(np.rint(cells / _SAME_SHARE), -1, kind="stable")
    share = np.take_along_axis(cells, order, -1)
    left = np.cumsum(share[..., ::-1], -1)[..., ::-1]
    rates = [_share(share[..., i], left[..., i]) for i in range(3)]
    n = counts.n_labeled
    two = share[..., 0] + share[..., 1]
    # Rarest first: where a cell is too frequent for a table, so are those after it.
    trials = (n, n, n, counts.n_unlabeled)
    one, other, third, last, both = span(np.stack([*trials, n]), np.stack([*rates, q, two]))
    first = tabulated(one)
    second = first & tabulated(other, one, entries)
    inner = second & tabulated(third, both, entries) & tabulated(both)
    pairs = ((first, one), (second, other), (inner, third), (tabulated(last), last), (inner, both))
    a, b, c, d, e = (np.where(kept, width, 0.0) for kept, width in pairs)
    return Law(trials, (rates[0], rates[1], rates[2], q), (a, b, c, d, e), order.astype(np.float64), two)


def _strata(
    counts: Counts, design: Design, first: Array, second: Array, q: Array, entries: int = LARGEST_TABLE
) -> Law:
    c = counts
    if design == "external":
        trials = (c.tp + c.fn, c.fp + c.tn, c.n_unlabeled)
    else:
        trials = (c.tp + c.fp, c.fn + c.tn, c.n_labeled + c.n_unlabeled)
    none = 0.0 * q
    widths = span(np.stack(trials), np.stack([first, second, q]))
    kept = tabulated(widths)
    rows = np.stack([none, none])
    if design == "by-verdict":
        # How many fewer labels there may be: as many as the flagged (or passed) items may fall short of them.
        labeled, share = np.stack(trials[:2]), np.stack([q, 1 - q])
        rows = np.clip(labeled - (trials[2] * share - 0.5 * widths[2] - 1), 0, labeled) + 1
        kept[:2] &= tabulated(widths[:2], rows, entries) & tabulated(rows)
        rows = np.where(kept[:2], rows, 0.0)
    one, other, last = np.where(kept, widths, 0.0)
    return Law(
        (trials[0], trials[1], none, trials[2]),
        (first, second, none, q),
        (one, other, rows[0], last, rows[1]),
        np.zeros((*np.shape(q), 4)),
        none,
    )


def _fewest(n: Array, p: Array, rows: int) -> Array:
    """Least number of trials with a table, where Binomial(n, p) of them are used up."""
    xp = namespace(n, p)
    start = xp.clip(xp.floor(n * p) - rows // 2, 0, xp.maximum(n - rows + 1, 0))
    return xp.maximum(n - start - (rows - 1), 0)


def _share(part: Array, whole: Array) -> Array:
    """``part / whole``, 0 where there is no whole, at most 1."""
    return np.clip(divide(part, whole), 0, 1)


def _counts(*values: Array) -> Counts:
    names = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")
    return rebuilt(_NONE, dict(zip(names, values, strict=True)))


_NONE = Counts(0, 0, 0, 0, 0, 0)
