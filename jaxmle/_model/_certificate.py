"""How far a point can be from the optimum, and what the data leave undetermined.

Both designs maximize sum_k w_k log x_k over a polytope, with x_k the six probabilities that the
counts observe, each affine in the unknowns. Since log x <= log s + x / s - 1 at any s > 0, the
value at a feasible point with probabilities s falls short of the optimum by at most

    max over vertices x of the polytope of  sum_k (w_k / s_k) x_k  -  sum_k w_k,

the Frank-Wolfe gap. It needs no dual variables, only the point, so one definition serves every
solver. Arrays of cells have shape ``(2, 2, ...)``: human verdict (failure, pass), then judge
verdict (failure, pass); ``totals`` have shape ``(2, ...)``: judge verdict.
"""

from typing import cast

import numpy as np

from jaxmle._arrays import namespace, select
from jaxmle._data import Bounds, Calibration, Counts, Params
from jaxmle._model._likelihood import ratio
from jaxmle._stats import flag_rate
from jaxmle._types import Array, Pair

# Rounding of a gap, which is the difference of sums of about 1, in units of the last place.
_ROUNDING = 64


def rounded_up(gap: Array) -> Array:
    """A gap with its own rounding, so that it is an upper bound as computed; at least 0."""
    xp = namespace(gap)
    return xp.maximum(gap, 0.0) + _ROUNDING * float(np.finfo(gap.dtype).eps)


def internal_gap(
    cells: Array, totals: Array, low: Array, high: Array, theta_low: Array, theta_high: Array
) -> Array:
    """Gap of the internal design, given the ratios w / s of labelled cells and of verdict totals.

    Args:
        cells: Labelled weight over cell probability, shape ``(2, 2, ...)``; weights sum to 1.
        totals: Unlabelled weight over flag probability, shape ``(2, ...)``.
        low: Lower bounds of TPR and FPR, shape ``(2, ...)``.
        high: Upper bounds of TPR and FPR, shape ``(2, ...)``.
        theta_low: Lower bound of the failure rate, shape ``(...)``.
        theta_high: Upper bound of the failure rate, shape ``(...)``.

    Returns:
        Upper bound on the shortfall in log-likelihood per unit of weight, shape ``(...)``.
    """
    xp = namespace(cells)
    best = _best_rate(cells + totals[None], low, high)
    return (
        xp.maximum(
            theta_low * best[0] + (1 - theta_low) * best[1],
            theta_high * best[0] + (1 - theta_high) * best[1],
        )
        - 1
    )


def external_gap(
    cells: Array, totals: Array, low: Array, high: Array, theta_low: Array, theta_high: Array
) -> Array:
    """Gap of the external design over the part of its feasible set where TPR >= FPR.

    There the unknowns are TPR, FPR and q = FPR + theta (TPR - FPR), the program is convex, and the
    vertices are the corners of the box with TPR >= FPR and the ends of the diagonal TPR = FPR. With
    a known failure rate q is linear in the rates and the whole box is feasible.

    Args and returns: as `internal_gap`, with ``cells`` over P(judge | human).
    """
    xp = namespace(cells)
    start = xp.maximum(low[0], low[1])
    end = xp.minimum(high[0], high[1])
    tpr = xp.stack([low[0], low[0], high[0], high[0], start, end])
    fpr = xp.stack([low[1], high[1], low[1], high[1], start, end])
    diagonal = start <= end
    corner = (theta_low >= theta_high)[None] | (tpr[:4] >= fpr[:4])
    feasible = xp.concatenate([corner, xp.stack([diagonal, diagonal])])
    # Axes: end of theta, vertex. At a vertex the probabilities are linear in the rates.
    mass = xp.stack([xp.stack([theta_low, 1 - theta_low]), xp.stack([theta_high, 1 - theta_high])], 1)
    flag = cells[:, 0, None] + mass * totals[0][None, None]
    clear = cells[:, 1, None] + mass * totals[1][None, None]
    value = (
        tpr[None] * flag[0][:, None]
        + (1 - tpr)[None] * clear[0][:, None]
        + fpr[None] * flag[1][:, None]
        + (1 - fpr)[None] * clear[1][:, None]
    )
    return xp.max(select(feasible[None], value, -xp.inf), (0, 1)) - 1


def duality_gap(params: Params, counts: Counts, bounds: Bounds, *, calibration: Calibration) -> Array:
    """Gap per item of a feasible point; for "external", over the half (TPR >= FPR or <=) it lies in.

    Args:
        params: A feasible point, shape ``(...)``.
        counts: Counts, shape ``(...)``, not all zero.
        bounds: Bounds that ``params`` obeys, shape ``(...)``.
        calibration: "internal" or "external".

    Returns:
        Upper bound on the shortfall in log-likelihood per item, shape ``(...)``; inf where the
        log-likelihood is -inf.
    """
    xp = namespace(params, counts, bounds)
    if calibration == "external":
        upside, downside = half_gaps(params, counts, bounds)
        return rounded_up(xp.where(params.tpr >= params.fpr, upside, downside))
    cells, totals, excluded = _ratios(params, counts, calibration)
    gap = internal_gap(cells, totals, *pack_bounds(bounds), *bounds.failure_rate)
    return xp.where(excluded | ~xp.isfinite(gap), xp.inf, rounded_up(gap))


def half_gaps(params: Params, counts: Counts, bounds: Bounds) -> Pair:
    """How much higher per item the external log-likelihood may be where TPR >= FPR, and where TPR <= FPR.

    Each is an upper bound for its half whichever of them the point lies in: log x <= log s + x / s - 1 holds
    at any s > 0. -inf for a half that the bounds exclude, inf where the log-likelihood is -inf.
    """
    xp = namespace(params, counts, bounds)
    cells, totals, excluded = _ratios(params, counts, "external")
    low, high = pack_bounds(bounds)
    upside = external_gap(cells, totals, low, high, *bounds.failure_rate)
    downside = external_gap(
        cells[::-1], totals, low[::-1], high[::-1], 1 - bounds.failure_rate[1], 1 - bounds.failure_rate[0]
    )
    return tuple(xp.where(excluded | xp.isnan(gap), xp.inf, gap) for gap in (upside, downside))


def _ratios(params: Params, counts: Counts, calibration: Calibration) -> tuple[Array, Array, Array]:
    """Share of the items over probability for labelled cells and for totals, and where one is impossible."""
    xp = namespace(params, counts)
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    cells, totals = pack_counts(counts)
    weight = xp.sum(cells, (0, 1)) + xp.sum(totals, 0)
    rates = xp.stack([xp.stack([tpr, 1 - tpr]), xp.stack([fpr, 1 - fpr])])
    mass = xp.stack([theta, 1 - theta])[:, None]
    flags = xp.sum(mass * rates, 0)
    probabilities = mass * rates if calibration == "internal" else rates
    # Decided here, as a maximum over an axis may lose the NaN of 0 * inf.
    excluded = xp.any((cells > 0) & (probabilities <= 0), (0, 1)) | xp.any((totals > 0) & (flags <= 0), 0)
    return (
        select(excluded[None, None], 0.0, ratio(cells / weight[None, None], probabilities)),
        select(excluded[None], 0.0, ratio(totals / weight[None], flags)),
        excluded,
    )


def failure_rate_set(params: Params, counts: Counts, bounds: Bounds, *, calibration: Calibration) -> Pair:
    """Range of the failure rate over all maximizers of the likelihood.

    Every term log x_k with a positive count is strictly concave, so x_k has the same value at all
    maximizers; they are the feasible points that share these values, and each value known confines
    the failure rate to an interval. (In the external design this speaks of the convex half, TPR >= FPR
    or <=, that ``params`` lies in.)

    Args:
        params: One maximizer, shape ``(...)``.
        counts: Counts, shape ``(...)``.
        bounds: Bounds, shape ``(...)``.
        calibration: "internal" or "external".

    Returns:
        Pair ``(low, high)`` of shape ``(...)``; equal where the failure rate is identified.
    """
    xp = namespace(params, counts, bounds)
    theta, tpr, fpr = params.failure_rate, params.tpr, params.fpr
    lo, hi = bounds.failure_rate
    (tpr_low, tpr_high), (fpr_low, fpr_high) = bounds.tpr, bounds.fpr
    flagged = flag_rate(theta, tpr, fpr)
    flags_known = counts.unlabeled_pos + counts.unlabeled_neg > 0
    failures_seen, passes_seen = counts.tp + counts.fn > 0, counts.fp + counts.tn > 0
    if calibration == "external":
        tpr_low, tpr_high = (xp.where(failures_seen, tpr, end) for end in (tpr_low, tpr_high))
        fpr_low, fpr_high = (xp.where(passes_seen, fpr, end) for end in (fpr_low, fpr_high))
        pinned, cell_seen = xp.zeros(xp.shape(theta), bool), cast(Array, False)
    else:
        pinned = ((counts.tp > 0) & (counts.fn > 0)) | ((counts.fp > 0) & (counts.tn > 0))
        seen = [counts.tp > 0, counts.fn > 0, counts.fp > 0, counts.tn > 0]
        # With the flag rate known, a cell known in one verdict makes its partner known too.
        flag_side, pass_side = flags_known & (seen[0] | seen[2]), flags_known & (seen[1] | seen[3])
        known = [seen[0] | flag_side, seen[1] | pass_side, seen[2] | flag_side, seen[3] | pass_side]
        pinned |= (known[0] & known[1]) | (known[2] & known[3])
        cell_seen = seen[0] | seen[1] | seen[2] | seen[3]
        for is_known, cell, ends, of_failures in (
            (known[0], theta * tpr, (tpr_low, tpr_high), True),
            (known[1], theta * (1 - tpr), (1 - tpr_high, 1 - tpr_low), True),
            (known[2], (1 - theta) * fpr, (fpr_low, fpr_high), False),
            (known[3], (1 - theta) * (1 - fpr), (1 - fpr_high, 1 - fpr_low), False),
        ):
            least, most = _over(cell, ends[1], 0.0), _over(cell, ends[0], 1.0)
            if not of_failures:
                least, most = 1 - most, 1 - least
            lo = xp.where(is_known, xp.maximum(lo, least), lo)
            hi = xp.where(is_known, xp.minimum(hi, most), hi)
    # theta TPR_low + (1 - theta) FPR_low <= q <= theta TPR_high + (1 - theta) FPR_high
    # The fitted rates of the external design are known to a few digits, bounds to all.
    flat = 1e-5 if calibration == "external" else 1e-12
    apply = flags_known & ~xp.asarray(cell_seen)
    for slope, room, sign in (
        (tpr_low - fpr_low, flagged - fpr_low, 1.0),
        (tpr_high - fpr_high, flagged - fpr_high, -1.0),
    ):
        root = xp.where(xp.abs(slope) > flat, room / xp.where(slope == 0, 1, slope), 0.0)
        caps, lifts = apply & (sign * slope > flat), apply & (sign * slope < -flat)
        hi = xp.where(caps, xp.minimum(hi, root), hi)
        lo = xp.where(lifts, xp.maximum(lo, root), lo)
    low = xp.where(pinned, theta, xp.minimum(lo, theta))
    high = xp.where(pinned, theta, xp.maximum(hi, theta))
    return low, high


def pack_counts(counts: Counts) -> Pair:
    """Stack counts as labelled cells, shape ``(2, 2, ...)``, and unlabelled totals, ``(2, ...)``."""
    xp = namespace(counts)
    cells = xp.stack([xp.stack([counts.tp, counts.fn]), xp.stack([counts.fp, counts.tn])])
    return cells, xp.stack([counts.unlabeled_pos, counts.unlabeled_neg])


def pack_bounds(bounds: Bounds) -> Pair:
    """Stack the bounds of TPR and FPR as lower and upper ends, each of shape ``(2, ...)``."""
    xp = namespace(bounds)
    return (
        xp.stack([bounds.tpr[0], bounds.fpr[0]]),
        xp.stack([bounds.tpr[1], bounds.fpr[1]]),
    )


def _best_rate(ratios: Array, low: Array, high: Array) -> Array:
    """Largest value of rate * (first ratio) + (1 - rate) * (second) for each human verdict."""
    xp = namespace(ratios)
    return xp.maximum(
        low * ratios[:, 0] + (1 - low) * ratios[:, 1], high * ratios[:, 0] + (1 - high) * ratios[:, 1]
    )


def _over(cell: Array, rate: Array, otherwise: float) -> Array:
    """``cell / rate``, and where the rate is 0 what an empty constraint leaves."""
    xp = namespace(cell, rate)
    return xp.where(rate > 0, cell / xp.where(rate > 0, rate, 1), otherwise)
