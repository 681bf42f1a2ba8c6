"""The programs that `benchmarks.peers` compares, each from verdicts item by item to a failure rate.

A program takes human and judge verdicts, arrays of shape (items,) or (slices, items) in which NaN is an
unlabelled item, and gives a call without arguments that returns estimate, low and high. What it does to get
its input into shape belongs to the call.
"""

import warnings

import numpy as np

from benchmarks._peers_known import BOUNDS

RESAMPLES = 10_000
Z95, CHI2_95 = 1.959963984540054, 3.841458820694124
# These take minutes for all; the first ones are measured and the time is multiplied.
SOME_SLICES, SOME_RESAMPLES = 100, 1_000


def counted(human, judge):
    """Counts tp, fn, fp, tn, flagged and passed, along the last axis."""
    known, failed, flagged = ~np.isnan(human), human == 1, judge == 1
    passed = known & ~failed
    masks = (failed & flagged, failed & ~flagged, passed & flagged, passed & ~flagged)
    return np.stack([x.sum(-1) for x in (*masks, ~known & flagged, ~known & ~flagged)]).astype(float)


def parts(human, judge):
    """Labelled human, labelled judge and unlabelled judge verdicts of one data set."""
    known = ~np.isnan(human)
    return human[known], judge[known], judge[~known]


def one_by_one(estimate, some=None):
    """A loop over slices as a user writes it; a refusal is NaN."""

    def make(data):
        def run():
            answers = []
            for human, judge in zip(*(x[:some] for x in data), strict=True):
                try:
                    answers.append([float(x) for x in estimate(human, judge)])
                except (ValueError, ZeroDivisionError, RuntimeError):
                    answers.append([np.nan] * 3)
            return np.array(answers).T

        return run

    return make


def single(load):
    """A program for one data set from one that loads its function."""

    def make(data):
        estimate = load()
        return lambda: estimate(*data)

    return make


def looped(load, some=None):
    """The same for slices."""
    return lambda data: one_by_one(load(), some)(data)


def _post_stratified(counts):
    tp, fn, fp, tn, pos, neg = counts
    n, flagged = tp + fn + fp + tn + pos + neg, tp + fp
    with np.errstate(divide="ignore", invalid="ignore"):
        q, right, missed = (flagged + pos) / n, tp / flagged, fn / (fn + tn)
        spread = (right - missed) ** 2 * q * (1 - q) / n
        spread = spread + q**2 * right * (1 - right) / flagged
        spread = spread + (1 - q) ** 2 * missed * (1 - missed) / (fn + tn)
    return q * right + (1 - q) * missed, np.sqrt(spread)


def wald_of_counts(counts):
    """Maximum likelihood without bounds, and Wald's interval."""
    theta, error = _post_stratified(counts)
    return theta, theta - Z95 * error, theta + Z95 * error


def numpy_closed_form(data):
    """The same from verdicts."""
    return lambda: wald_of_counts(counted(*data))


def numpy_resamples(data):
    """The same of multinomial counts, and two quantiles."""

    def run():
        counts = counted(*data)
        rng = np.random.default_rng(0)
        n, judged = counts[:4].sum(), counts[4:].sum()
        cells = rng.multinomial(int(n), counts[:4] / n, RESAMPLES).T
        flags = rng.binomial(int(judged), counts[4] / judged, RESAMPLES)
        theta, _ = _post_stratified((*cells, flags, judged - flags))
        return (_post_stratified(counts)[0], *np.quantile(theta, (0.025, 0.975)))

    return run


def load_scipy(interval=True):
    """Maximum likelihood under bounds and the profile likelihood's interval, asymptotic cut-off.

    With its default tolerances scipy's optimizer reports success .015 from the maximum in case C.
    """
    from scipy.optimize import brentq, minimize

    from benchmarks.solvers import negative_log_likelihood

    box = [(1e-9, 1 - 1e-9), BOUNDS["tpr"], BOUNDS["fpr"]]
    options = {"jac": True, "method": "L-BFGS-B", "options": {"ftol": 1e-14, "gtol": 1e-8}}

    def fit(counts):
        return minimize(negative_log_likelihood, (0.1, 0.85, 0.05), args=(counts,), bounds=box, **options)

    def estimate(human, judge):
        counts = counted(human, judge)
        best = fit(counts)

        def excess(theta):
            def at(x):
                value, slope = negative_log_likelihood((theta, *x), counts)
                return value, slope[1:]

            return 2 * (minimize(at, best.x[1:], bounds=box[1:], **options).fun - best.fun) - CHI2_95

        point = best.x[0]
        return point, brentq(excess, 1e-6, point, xtol=1e-6), brentq(excess, point, 1 - 1e-6, xtol=1e-6)

    return estimate if interval else fit


def scipy_resamples(data):
    """One fit a resample."""
    fit = load_scipy(interval=False)

    def run():
        counts = counted(*data)
        rng = np.random.default_rng(0)
        n, judged = counts[:4].sum(), counts[4:].sum()
        cells = rng.multinomial(int(n), counts[:4] / n, SOME_RESAMPLES)
        flags = rng.binomial(int(judged), counts[4] / judged, SOME_RESAMPLES)
        tables = np.column_stack([cells, flags, judged - flags]).astype(float)
        theta = [fit(table).x[0] for table in tables]
        return (fit(counts).x[0], *np.quantile(theta, (0.025, 0.975)))

    return run


def load_judgy(resamples):
    """Rogan-Gladen; judgy takes and estimates passes and draws from NumPy's global state."""
    from judgy import estimate_success_rate

    def estimate(human, judge):
        np.random.seed(0)  # noqa: NPY002
        flipped = [1 - x for x in parts(human, judge)]
        point, low, high = estimate_success_rate(*flipped, bootstrap_iterations=resamples)
        return 1 - point, 1 - high, 1 - low

    return estimate


def load_ppi_python():
    """PPI++."""
    from ppi_py import ppi_mean_ci, ppi_mean_pointestimate

    def estimate(human, judge):
        three = parts(human, judge)
        low, high = ppi_mean_ci(*three, alpha=0.05)
        return ppi_mean_pointestimate(*three)[0], low[0], high[0]

    return estimate


def load_ppboot():
    """The prediction-powered bootstrap."""
    from ppi_py import ppboot, ppi_mean_pointestimate

    def estimate(human, judge):
        np.random.seed(0)  # noqa: NPY002
        three = parts(human, judge)
        low, high = ppboot(np.mean, *three, n_resamples=RESAMPLES, alpha=0.05)
        return ppi_mean_pointestimate(*three)[0], low, high

    return estimate


def load_glide(resamples=None):
    """PPI++, or predict-then-debias with resamples."""
    from glide.estimators import PPIMeanEstimator, PTDMeanEstimator

    def estimate(human, judge):
        if resamples is None:
            result = PPIMeanEstimator().estimate(human, judge)
        else:
            result = PTDMeanEstimator().estimate(human, judge, n_bootstrap=resamples, random_seed=0)
        interval = result.confidence_interval
        return result.mean, interval.lower_bound, interval.upper_bound

    return estimate


def load_truescore():
    """PPI++."""
    from truescore.correct import ppi_estimate

    def estimate(human, judge):
        labelled = np.flatnonzero(~np.isnan(human))
        result = ppi_estimate(judge, human[labelled], labelled)
        return result.point, result.low, result.high

    return estimate


def truescore_slices(data):
    """All slices in one call, their names whole numbers, which is its quickest way."""
    from truescore.slices import estimate_slices

    human, judge = (x.ravel() for x in data)
    names = np.repeat(np.arange(len(data[0])), data[0].shape[1])
    labelled = np.flatnonzero(~np.isnan(human))

    def run():
        report = estimate_slices(judge, human[labelled], labelled, names)
        order = sorted(report.estimates, key=lambda one: int(one.name))
        none = (np.nan, np.nan, np.nan)
        found = [
            (x.corrected.point, x.corrected.low, x.corrected.high) if x.corrected else none for x in order
        ]
        return np.array(found).T

    return run


def jaxmle(method, bounds=None, **options):
    """Maximum likelihood with the interval of `profile_interval` or of `bootstrap`."""

    def make(data):
        import jaxmle

        function = getattr(jaxmle, method)

        def run():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                alone = data[0].ndim == 1
                counts = (
                    jaxmle.Counts.from_labels(human=data[0], judge=data[1])
                    if alone
                    else jaxmle.Counts(*counted(*data))
                )
                result = function(counts, jaxmle.Bounds(**(bounds or {})), **options)
            interval = getattr(result, "interval", result)
            return interval.estimate, interval.low, interval.high

        return run

    return make
