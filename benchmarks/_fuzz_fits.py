"""Random data sets of every size and shape, and the check of their fits by values at other points."""

from itertools import product

import numpy as np

from jaxmle import Bounds, Counts, certify, fit, profile_interval

NAMES = ("failure_rate", "tpr", "fpr")
# Points of each data set at which the log-likelihood is looked at, beside the corners of the bounds.
POINTS = 24


def draw(rng, size, calibration):
    """Counts and bounds as people have them and as nobody should, those left out that are impossible.

    Counts of 0 to 1e12 side by side; bounds that meet, are 1e-12 apart, or lie at 0 and 1; and ranges of TPR
    and FPR that nearly touch.
    """
    usual = np.floor(10.0 ** rng.uniform(0, 6, (size, 6)))
    wild = 10.0 ** rng.uniform(-8, 12, (size, 6))
    few = rng.integers(0, 12, (size, 6)).astype(float)
    cells = np.choose(rng.integers(0, 4, (size, 1)), [few, usual, wild, np.where(wild < 1, few, wild)])
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


def fits(size, seed, engine):
    """Fit random data sets.

    Returns:
        Numbers of instances, of those that are not finite, outside their bounds, converged but beaten at
        another point by more than the gap, and not converged.
    """
    tally = np.zeros(5, int)
    for number, calibration in enumerate(("internal", "external")):
        rng = np.random.default_rng([seed, number])
        counts, bounds = draw(rng, size, calibration)
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
        tally += [len(gap), (~finite).sum(), outside.sum(), wrong.sum(), (~converged).sum()]
    return tally


def intervals(size, seed, engine):
    """Intervals by chi-square cut-offs; as `fits`, "outside" being crossed or off the bounds."""

    def ends_of(counts, bounds, calibration):
        found = profile_interval(counts, bounds, simulate=False, calibration=calibration, engine=engine)
        (least, most), low, high = bounds.failure_rate, np.asarray(found.low), np.asarray(found.high)
        return (low, high), (low > high) | (low < least) | (high > most)

    return _off(ends_of, size, [seed, 9])


def certificates(size, seed, engine):
    """Certificates by simulated profile p-values, with upper limits; "outside" is what is no probability."""

    def claims_of(counts, bounds, calibration):
        found = certify(counts, bounds, limit=0.1, method="profile", calibration=calibration, engine=engine)
        p, limit = np.asarray(found.p_value), np.asarray(found.upper_limit)
        return (p, limit), (p < 0) | (p > 1) | (limit < 0) | (limit > 1)

    return _off(claims_of, size, [seed, 11])


def _off(numbers_of, size, seed):
    tally = np.zeros(5, int)
    for number, calibration in enumerate(("internal", "external")):
        counts, bounds = draw(np.random.default_rng([*seed, number]), size, calibration)
        numbers, off = numbers_of(counts, bounds, calibration)
        tally += [len(off), (~np.isfinite(numbers).all(0)).sum(), off.sum(), 0, 0]
    return tally
