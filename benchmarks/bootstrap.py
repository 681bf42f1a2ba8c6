"""Ten thousand bootstrap resamples by four programs on the same data, then slices by the thousand.

    python -m benchmarks.bootstrap            # about three minutes on two cores
    python -m benchmarks.bootstrap --quick    # without the hundred million fits

The data: 200 labelled and 10,000 judged items (tp 20, fn 3, fp 8, tn 169, 1,250 of 10,000 flagged). Every
row is a process of its own with single-threaded BLAS; times are medians after one warm-up call, which is
reported apart.
GLIDE (glide-py) and judgy are measured where they are installed: pip install "jaxmle[benchmarks]".
"""

import argparse
import json
import time
import warnings

import numpy as np

from benchmarks import _process

COUNTS = (20, 3, 8, 169, 1250, 8750)
RESAMPLES = 10_000
ACTIVE = {"tpr": (0.88, 0.92), "fpr": (0.05, 0.07)}
INACTIVE = {"tpr": (0.4, 1.0), "fpr": (0.0, 0.3)}


def items():
    """Human and judge verdicts item by item, unlabelled ones with a human verdict of NaN."""
    human = np.repeat([1.0, 1.0, 0.0, 0.0, np.nan, np.nan], COUNTS)
    judge = np.repeat([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], COUNTS)
    return human, judge


def numpy_closed_form():
    """Post-stratified estimates of resampled counts, then two quantiles: no bounds."""
    tp, fn, fp, tn, pos, neg = COUNTS
    rng = np.random.default_rng(0)

    def run():
        labelled, judged = tp + fn + fp + tn, pos + neg
        cells = rng.multinomial(labelled, np.array([tp, fn, fp, tn]) / labelled, RESAMPLES).T
        flags = rng.binomial(judged, pos / judged, RESAMPLES)
        flagged = cells[0] + cells[2]
        q = (flagged + flags) / (labelled + judged)
        theta = q * cells[0] / flagged + (1 - q) * cells[1] / (labelled - flagged)
        return np.quantile(theta, (0.025, 0.975))

    return run


def judgy():
    """Rogan-Gladen by judgy; it takes and estimates the rate of passes."""
    from judgy import estimate_success_rate

    human, judge = items()
    labelled = ~np.isnan(human)
    arguments = 1 - human[labelled], 1 - judge[labelled], 1 - judge[~labelled]

    def run():
        _, low, high = estimate_success_rate(*arguments, bootstrap_iterations=RESAMPLES)
        return 1 - high, 1 - low

    return run


def glide():
    """Predict-then-debias of GLIDE."""
    from glide.estimators import PTDMeanEstimator

    human, judge = items()

    def run():
        result = PTDMeanEstimator().estimate(human, judge, n_bootstrap=RESAMPLES, random_seed=0)
        interval = result.confidence_interval
        return interval.lower_bound, interval.upper_bound

    return run


def ours(bounds, slices=None, resamples=RESAMPLES):
    """Constrained maximum likelihood by jaxmle."""
    from jaxmle import Bounds, Counts, bootstrap

    counts = Counts(*COUNTS)
    if slices:
        rng = np.random.default_rng(0)
        labelled, judged = sum(COUNTS[:4]), sum(COUNTS[4:])
        cells = rng.multinomial(labelled, np.array(COUNTS[:4]) / labelled, slices).T
        flags = rng.binomial(judged, COUNTS[4] / judged, slices)
        counts = Counts(*cells, flags, judged - flags)

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = bootstrap(counts, Bounds(**bounds), n_resamples=resamples)
        return np.mean(result.interval.low), np.mean(result.interval.high)

    return run


ROWS = {
    "NumPy closed form, no bounds": (numpy_closed_form, RESAMPLES),
    "judgy, no bounds": (judgy, RESAMPLES),
    "GLIDE PTD, no bounds": (glide, RESAMPLES),
    "jaxmle, no bounds": (lambda: ours({}), RESAMPLES),
    "jaxmle, bounds inactive": (lambda: ours(INACTIVE), RESAMPLES),
    "jaxmle, bounds active": (lambda: ours(ACTIVE), RESAMPLES),
    "jaxmle, bounds active, 1,000 slices x 1,000": (lambda: ours(ACTIVE, 1000, 1000), 10**6),
    "jaxmle, bounds active, 10,000 slices x 10,000": (lambda: ours(ACTIVE, 10_000, 10_000), 10**8),
}


def measure(name):
    """Measure one row in this process."""
    make, fits = ROWS[name]
    run = make()
    started = time.perf_counter()
    low, high = run()
    first = time.perf_counter() - started
    times, _ = _process.timed(run, 7 if fits <= 10**6 else 0)
    seconds = float(np.median(times)) if times else first
    return {
        "low": float(low),
        "high": float(high),
        "seconds": seconds,
        "first": first,
        "fits_per_second": fits / seconds,
        "peak_mib": _process.peak_mib(),
    }


def main():
    """Run all rows and print them as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the hundred million fits")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        print(json.dumps(measure(arguments.row)))
        return
    print(f"{_process.machine()}; medians of 7\n")
    print("| program | 95% interval | ms | first call, s | fits/s | peak memory, MiB |")
    print("|---|---|--:|--:|--:|--:|")
    for name, (_, fits) in ROWS.items():
        if arguments.quick and fits > 10**6:
            continue
        r, reason = _process.row("benchmarks.bootstrap", name)
        if r is None:
            print(f"| {name} | not measured: {reason} | | | | |", flush=True)
            continue
        print(
            f"| {name} | {r['low']:.4f} to {r['high']:.4f} | {1e3 * r['seconds']:,.1f} | {r['first']:.1f} "
            f"| {r['fits_per_second']:,.0f} | {r['peak_mib']:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
