"""Random data sets of every size and shape, and the check of their fits by values at other points."""

from itertools import product

import numpy as np

from jaxmle import Bounds, Counts, fit

NAMES = ("failure_rate", "tpr", "fpr")
# Points of each data set at which the log-likelihood is looked at, beside the corners of the bounds.
POINTS = 24
# How far rates may stick out, and answers of two engines differ.
ROUNDING, APART = 1e-9, 1e-6


def draw(rng, size, calibration, whole=False):
    """Counts and bounds as people have them and as nobody should, those left out that are impossible.

    Counts of 0 to 1e12 side by side, or whole ones only; bounds that meet, are 1e-12 apart, or lie at 0 and
    1; and ranges of TPR and FPR that nearly touch.
    """
    usual = np.floor(10.0 ** rng.uniform(0, 6, (size, 6)))
    wild = 10.0 ** rng.uniform(-8, 12, (size, 6))
    few = rng.integers(0, 12, (size, 6)).astype(float)
    cells = np.choose(rng.integers(0, 4, (size, 1)), [few, usual, wild, np.where(wild < 1, few, wild)])
    cells = np.floor(cells) if whole else cells
    cells[rng.random((size, 6)) < 0.2] = 0
    cells[rng.random(size) < 0.1, 4:] = 0
    cells[rng.random(size) < 0.05, :4] = 0
    cells[cells.sum(1) == 0, 5] = 1
    ends = {name: _ends(rng, size) for name in NAMES}
    near = rng.random(size) < 0.15
    touching = np.clip(ends["fpr"][1] + rng.choice([0.0, 1e-15, 1e-12, -1e-12, 1e-9], size), 0, 1)
    low, high = ends["tpr"]
    ends["tpr"] = np.where(near, touching, low), np.where(near, np.maximum(touching, high), high)
    kept = possible(cells, ends, calibration)
    bounds = Bounds(**{name: tuple(end[kept] for end in pair) for name, pair in ends.items()})
    return Counts(*cells[kept].T), bounds


def _ends(rng, size):
    low = rng.choice([0.0, 1e-12, 1e-6, 0.5, 1 - 1e-12], size)
    low = np.where(rng.random(size) < 0.5, low, rng.random(size))
    widths = [
        np.ones(size),
        np.zeros(size),
        np.full(size, 1e-12),
        10.0 ** rng.uniform(-9, 0, size),
        rng.random(size),
    ]
    high = np.minimum(low + np.choose(rng.integers(0, 5, size), widths), 1)
    free = rng.random(size) < 0.3
    return np.where(free, 0.0, low), np.where(free, 1.0, high)


def possible(cells, ends, calibration):
    """Which data sets the bounds do not exclude."""
    tp, fn, fp, tn, pos, neg = cells.T
    (low, high), (tpr_low, tpr_high), (fpr_low, fpr_high) = (ends[name] for name in NAMES)
    most = np.maximum(high * tpr_high + (1 - high) * fpr_high, low * tpr_high + (1 - low) * fpr_high)
    least = np.minimum(high * tpr_low + (1 - high) * fpr_low, low * tpr_low + (1 - low) * fpr_low)
    never = ((tp > 0) & (tpr_high <= 0)) | ((fn > 0) & (tpr_low >= 1)) | ((pos > 0) & (most <= 0))
    never |= ((fp > 0) & (fpr_high <= 0)) | ((tn > 0) & (fpr_low >= 1)) | ((neg > 0) & (least >= 1))
    if calibration == "internal":
        never |= ((tp + fn > 0) & (high <= 0)) | ((fp + tn > 0) & (low >= 1))
    return ~never


def value(counts, theta, tpr, fpr, calibration):
    """Log-likelihood in nats, written anew, in the longest floating-point numbers there are."""
    theta, tpr, fpr = (np.asarray(x, np.longdouble) for x in (theta, tpr, fpr))
    failures, passes = (theta, 1 - theta) if calibration == "internal" else (0 * theta + 1, 0 * theta + 1)
    probabilities = (
        failures * tpr,
        failures * (1 - tpr),
        passes * fpr,
        passes * (1 - fpr),
        theta * tpr + (1 - theta) * fpr,
        theta * (1 - tpr) + (1 - theta) * (1 - fpr),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return sum(
            np.where(n > 0, n * np.log(np.where(n > 0, p, 1)), 0)
            for n, p in zip(counts.values(), probabilities, strict=True)
        )


def best_elsewhere(rng, counts, bounds, found, calibration):
    """Greatest value at corners of the bounds, at points that share coordinates with the answer, others."""
    ranges = [getattr(bounds, name) for name in NAMES]
    best = np.full(len(found[0]), -np.inf, np.longdouble)
    for ends in product((0, 1, None), repeat=3):
        point = [x if end is None else pair[end] for x, pair, end in zip(found, ranges, ends, strict=True)]
        best = np.fmax(best, value(counts, *point, calibration))
    for i in range(POINTS):
        point = []
        for x, (low, high) in zip(found, ranges, strict=True):
            near = x * np.exp(rng.normal(size=len(x)) * 10.0 ** rng.uniform(-9, 0, len(x)))
            at = near if i % 2 else low + rng.random(len(x)) * (high - low)
            point.append(np.clip(np.where(rng.random(len(x)) < 0.3, x, at), low, high))
        best = np.fmax(best, value(counts, *point, calibration))
    return best


def fits(size, seed, engines):
    """Fit random data sets.

    Returns:
        Numbers of data sets, of fits that are not finite, outside their bounds, converged but beaten at
        another point by more than the gap, and not converged.
    """
    tally = np.zeros(5, int)
    for number, calibration in enumerate(("internal", "external")):
        rng = np.random.default_rng([seed, number])
        counts, bounds = draw(rng, size, calibration)
        for engine in engines:
            result = fit(counts, bounds, calibration=calibration, engine=engine)
            found = [np.asarray(getattr(result, name)) for name in NAMES]
            gap, converged = np.asarray(result.gap), np.asarray(result.converged)
            finite = np.isfinite([*found, gap, result.log_likelihood]).all(0)
            outside = np.zeros(len(gap), bool)
            for x, name in zip(found, NAMES, strict=True):
                low, high = getattr(bounds, name)
                outside |= (x < low) | (x > high)
            beaten = best_elsewhere(rng, counts, bounds, found, calibration)
            allowed = value(counts, *found, calibration) + (gap + 1e-16) * sum(counts.values())
            wrong = converged & (beaten > allowed)
            tally += [0, (~finite).sum(), outside.sum(), wrong.sum(), (~converged).sum()]
        tally[0] += len(gap)
    return tally


def intervals(size, seed, engines):
    """Intervals and one-sided limits by chi-square cut-offs.

    Returns:
        Numbers of data sets, of those with a number that is not finite, with ends that cross, are outside the
        bounds or exclude a rate that is as likely as the estimate, 0, and of those where engines differ.
    """
    side = ("two-sided", "upper", "lower")[seed % 3]
    return _all(size, [seed, 9], engines, lambda *some: _interval(*some, side, False))


def simulated(size, seed, engines):
    """Intervals by simulated p-values from few draws; counts as `intervals`."""
    side = ("two-sided", "upper", "lower")[seed % 3]
    return _all(size, [seed, 10], engines, lambda *some: _interval(*some, side, True), True)


def certificates(size, seed, engines):
    """Certificates by simulated profile p-values, with upper limits.

    Returns:
        As `intervals`; the fourth number is of those where verdict, p-value and upper limit are at odds.
    """
    adjustment = ("none", "holm", "benjamini-hochberg")[seed % 3]
    return _all(size, [seed, 11], engines, lambda *some: _certificate(*some, "profile", adjustment))


def exact(size, seed, engines):
    """Exact certificates, of whole counts, with upper limits; counts as `certificates`."""
    adjustment = ("none", "holm", "benjamini-hochberg")[seed % 3]
    return _all(size, [seed, 12], engines, lambda *some: _certificate(*some, "exact", adjustment), True)


def _interval(fitted, engine, _, confidence, side, simulate):
    found = fitted.interval(
        side=side, simulate=simulate, n_resamples=99, confidence=confidence, engine=engine
    )
    (least, most), low, high = fitted.bounds.failure_rate, np.asarray(found.low), np.asarray(found.high)
    first, last = fitted.failure_rate_set
    off = (low > high) | (low < least) | (high > most) | (low < 0) | (high > 1)
    ends = list(zip((low, high), found.cutoff, strict=True))
    off |= (low > first + ROUNDING) & (side != "upper") | (high < last - ROUNDING) & (side != "lower")
    # Rounding of sums over many items moves the statistic, and where that is flat an end.
    steep = [np.abs(end - found.estimate) / np.maximum(cut, 1e-3) for end, cut in ends]
    rounding = 1e-15 * sum(fitted.counts.values()) * np.max(steep, 0)
    return [low, high, found.estimate, *found.cutoff], off, off & False, rounding


def _certificate(fitted, engine, limit, confidence, method, adjustment):
    options = {"confidence": confidence, "method": method, "adjustment": adjustment}
    found = fitted.certify(limit=limit, engine=engine, **options)
    p, upper, certified = (np.asarray(x) for x in (found.p_value, found.upper_limit, found.certified))
    off = (p < 0) | (p > 1) | (upper < 0) | (upper > 1) | (upper < fitted.failure_rate_set[1] - ROUNDING)
    odd = (certified != (p <= 1 - confidence)) | (certified & (upper > limit) & ~found.by_bounds)
    odd |= ~certified & (upper < limit) & ~(found.by_bounds | found.contradicted | found.mismatched)
    return [p, upper], off, odd, 1e-15 * sum(fitted.counts.values())


def _all(size, seed, engines, ask, whole=False):
    """What is asked of random data sets, of each calibration, on each engine."""
    tally = np.zeros(5, int)
    for number, calibration in enumerate(("internal", "external")):
        rng = np.random.default_rng([*seed, number])
        counts, bounds = draw(rng, size, calibration, whole)
        n = len(np.asarray(counts.tp))
        limit, confidence = 10.0 ** rng.uniform(-3, -0.02, n), float(rng.choice([0.8, 0.95, 0.999]))
        answers = []
        for engine in engines:
            fitted = fit(counts, bounds, calibration=calibration, engine=engine)
            answers.append(ask(fitted, engine, limit, confidence))
        lost, off, odd = (np.zeros(n, bool) for _ in range(3))
        for numbers, outside, at_odds, _ in answers:
            lost |= ~np.isfinite(numbers).all(0)
            off |= outside
            odd |= at_odds
        first, last = (np.asarray(answers[i][0][:2]) for i in (0, -1))
        apart = (np.abs(first - last) > APART + answers[0][3]).any(0)
        tally += [n, lost.sum(), off.sum(), odd.sum(), apart.sum()]
    return tally
