"""Random instances far harder than data: fits not certified, outside their bounds, or wrongly certified.

    python -m benchmarks.hard_instances             # 1,000,000 of each kind and design, under a minute
    python -m benchmarks.hard_instances --quick     # 40,000
    python -m benchmarks.hard_instances --engine jax

Kinds: "uneven" has counts from 1e-3 to 1e12 side by side, a quarter of them zero, and bounds from 1e-6 to 1
wide, many of them within 1e-9 of 0 or 1, some known, most of them wrong; "tests" is what the tests draw:
counts to 1e6 and bounds of any width. Instances that the bounds make impossible are left out.

"not certified" counts fits whose duality gap is above the tolerance; "outside" counts parameters beyond their
bounds or not finite; "beaten" counts certified fits whose log-likelihood some of 60 random points within the
bounds exceeds by more than the gap that was claimed.
"""

import argparse
import time

import numpy as np

SIZE = 20_000
POINTS = 60


def draw(kind, seed):
    """Counts and the ends of the bounds of (failure rate, TPR, FPR), shapes (6, SIZE) and (3, SIZE)."""
    rng = np.random.default_rng([seed, len(kind)])
    if kind == "tests":
        counts = np.where(rng.random((6, SIZE)) < 0.2, 0, np.floor(10 ** rng.uniform(-1, 6, (6, SIZE))))
        low, high = np.sort(rng.random((2, 3, SIZE)), axis=0)
        low = np.where(rng.random((3, SIZE)) < 0.4, 0, low)
        high = np.where(rng.random((3, SIZE)) < 0.4, 1, high)
        low = np.where(rng.random((3, SIZE)) < 0.15, high, low)
    else:
        counts = np.where(rng.random((6, SIZE)) < 0.25, 0, 10 ** rng.uniform(-3, 12, (6, SIZE)))
        width, middle, edge = 10 ** rng.uniform(-6, 0, (3, SIZE)), *rng.random((2, 3, SIZE))
        tiny = 10 ** rng.uniform(-9, 0, (3, SIZE))
        middle = np.where(edge < 0.25, tiny, np.where(edge > 0.75, 1 - tiny, middle))
        low = np.clip(middle - width * rng.random((3, SIZE)), 0, 1)
        high, share = np.clip(low + width, 0, 1), rng.random((3, SIZE))
        low, high = np.where(share < 0.3, 0, low), np.where(share < 0.15, 1, high)
        high = np.where(rng.random((3, SIZE)) < 0.08, low, high)
    counts[4] += counts.sum(0) == 0
    return counts, low, high


def impossible(counts, low, high, calibration):
    """Which instances have probability zero within their bounds."""
    tp, fn, fp, tn, pos, neg = counts > 0
    ends = [t * high[1] + (1 - t) * high[2] for t in (low[0], high[0])]
    most = np.maximum(*ends)
    least = np.minimum(*(t * low[1] + (1 - t) * low[2] for t in (low[0], high[0])))
    out = (tp & (high[1] <= 0)) | (fn & (low[1] >= 1)) | (fp & (high[2] <= 0)) | (tn & (low[2] >= 1))
    out |= (pos & (most <= 0)) | (neg & (least >= 1))
    if calibration == "internal":
        out |= ((tp | fn) & (high[0] <= 0)) | ((fp | tn) & (low[0] >= 1))
    return out


def measure(kind, calibration, batches, engine):
    """Counts of what went wrong over all batches."""
    from jaxmle import Bounds, Counts, Params, fit, log_likelihood

    total = not_certified = outside = beaten = 0
    started = time.process_time()
    rng = np.random.default_rng(1)
    spent = 0.0
    for seed in range(batches):
        counts, low, high = draw(kind, seed)
        possible = ~impossible(counts, low, high, calibration)
        counts, low, high = counts[:, possible], low[:, possible], high[:, possible]
        data, bounds = Counts(*counts), Bounds(*zip(low, high, strict=True))
        started = time.process_time()
        found = fit(data, bounds, calibration=calibration, engine=engine)
        spent += time.process_time() - started
        total += possible.sum()
        not_certified += (~found.converged).sum()
        values = np.stack([found.failure_rate, found.tpr, found.fpr])
        outside += (~((values >= low) & (values <= high))).any(0).sum()
        sums = counts.sum(0)
        ceiling = found.log_likelihood / sums + found.gap + 1e-12
        worse = np.zeros(possible.sum(), bool)
        for _ in range(POINTS):
            point = Params(*(low + rng.random(low.shape) * (high - low)))
            value = log_likelihood(point, data, calibration=calibration) / sums
            worse |= found.converged & (value > ceiling)
        beaten += worse.sum()
    return total, not_certified, outside, beaten, total / spent


def main():
    """Run all kinds and designs and print them as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="40,000 instances of each")
    parser.add_argument("--engine", choices=("numpy", "jax"), default="numpy")
    arguments = parser.parse_args()
    print("| kind | design | instances | not certified | outside | beaten | fits per processor second |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for kind in ("tests", "uneven"):
        for calibration in ("internal", "external"):
            row = measure(kind, calibration, 2 if arguments.quick else 50, arguments.engine)
            print(f"| {kind} | {calibration} | " + " | ".join(f"{x:,.0f}" for x in row) + " |", flush=True)


if __name__ == "__main__":
    main()
