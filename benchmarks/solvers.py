"""Fits per second, compile time, share at the optimum and memory of four solvers, in one run.

    python -m benchmarks.solvers            # about ten minutes on two cores
    python -m benchmarks.solvers --quick    # about two

Every row is a process of its own, so that peak memory and compile time are its own. All solve the same
data: 50 labelled and 10,000 judged items, failure rate .1, TPR .9, FPR .05, with TPR in [.70, .95] and FPR
in [.01, .10]. "at optimum" is the share of fits whose log-likelihood (in all, not per item) is within 1e-6
of the certified one of `flag_rate`; "converged" is what the solver says of itself.
"""

import argparse
import json
import time

import numpy as np

from benchmarks import _process
from benchmarks._samples import drawn_counts

BOX = {"failure_rate": (0.0, 1.0), "tpr": (0.70, 0.95), "fpr": (0.01, 0.10)}
SIZES = (1, 1_000, 100_000, 1_000_000)
# The slow ones are measured on as many data sets as fit into a minute or so.
LARGEST = {"scipy L-BFGS-B": 1_000, "jaxopt, as written by a user": 100_000}


def data(size, seed=0):
    """Draw count tables of `size` data sets, as six arrays."""
    rng = np.random.default_rng(seed)
    return list(drawn_counts(rng, 0.1, 0.9, 0.05, 50, 10_000, size).values())


def ours(solver, engine=None):
    """Return a function that fits all data sets with one of the package's solvers."""
    from jaxmle import Bounds, Counts, fit

    bounds = Bounds(**BOX)

    def run(columns):
        result = fit(Counts(*columns), bounds, solver=solver, engine=engine)
        return np.atleast_1d(result.log_likelihood), np.atleast_1d(result.converged)

    return run


def negative_log_likelihood(x, c):
    """Negative log-likelihood and its gradient at (theta, TPR, FPR)."""
    theta, tpr, fpr = x
    tp, fn, fp, tn, pos, neg = c
    q = theta * tpr + (1 - theta) * fpr
    tilt = pos / q - neg / (1 - q)
    value = (
        tp * np.log(theta * tpr)
        + fn * np.log(theta * (1 - tpr))
        + fp * np.log((1 - theta) * fpr)
        + tn * np.log((1 - theta) * (1 - fpr))
        + pos * np.log(q)
        + neg * np.log(1 - q)
    )
    slope = (
        (tp + fn) / theta - (fp + tn) / (1 - theta) + (tpr - fpr) * tilt,
        tp / tpr - fn / (1 - tpr) + theta * tilt,
        fp / fpr - tn / (1 - fpr) + (1 - theta) * tilt,
    )
    return -value, -np.array(slope)


def scipy_one_by_one(columns):
    """Fit each data set in (theta, TPR, FPR) with scipy's L-BFGS-B and its analytic gradient."""
    from scipy.optimize import minimize

    box = [(1e-9, 1 - 1e-9), BOX["tpr"], BOX["fpr"]]
    values, converged = [], []
    for counts in zip(*columns, strict=True):
        result = minimize(
            negative_log_likelihood,
            (0.1, 0.85, 0.05),
            args=(counts,),
            jac=True,
            method="L-BFGS-B",
            bounds=box,
        )
        values.append(-result.fun)
        converged.append(result.success)
    return np.array(values), np.array(converged)


def jaxopt_as_a_user_would():
    """Return jaxopt's ProjectedGradient with its defaults over (theta, TPR, FPR), under vmap and jit."""
    import warnings

    import jax
    import jax.numpy as jnp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from jaxopt import ProjectedGradient
        from jaxopt.projection import projection_box

    from jaxmle import Counts, Params, log_likelihood

    jax.config.update("jax_enable_x64", True)
    low, high = (
        jnp.array([1e-6, BOX["tpr"][0], BOX["fpr"][0]]),
        jnp.array([1 - 1e-6, BOX["tpr"][1], BOX["fpr"][1]]),
    )

    def negative(x, c):
        counts = Counts(*c)
        return -log_likelihood(Params(*x), counts) / (counts.n_labeled + counts.n_unlabeled)

    def one(c):
        solver = ProjectedGradient(negative, projection_box)
        result = solver.run(jnp.array([0.1, 0.85, 0.05]), hyperparams_proj=(low, high), c=c)
        total = jnp.sum(c)
        return -negative(result.params, c) * total, result.state.error <= solver.tol

    batched = jax.jit(jax.vmap(one))

    def run(columns):
        return tuple(np.asarray(x) for x in jax.block_until_ready(batched(np.stack(columns, 1))))

    return run


SOLVERS = {
    "scipy L-BFGS-B": lambda: scipy_one_by_one,
    "jaxopt, as written by a user": jaxopt_as_a_user_would,
    "jaxmle projected_gradient": lambda: ours("projected_gradient"),
    "jaxmle flag_rate, NumPy": lambda: ours("flag_rate", "numpy"),
    "jaxmle flag_rate, JAX": lambda: ours("flag_rate", "jax"),
}


def measure(name, size, repeats):
    """Measure one solver at one batch size, in this process."""
    run = SOLVERS[name]()
    columns = data(size)
    started = time.perf_counter()
    value, converged = run(columns)
    first = time.perf_counter() - started
    times, _ = _process.timed(lambda: run(columns), repeats if first < 20 else 1)
    peak = _process.peak_mib()
    best = ours("flag_rate")(columns)[0]
    return {
        "solver": name,
        "batch": size,
        "fits_per_second": size / float(np.median(times)),
        "fastest": size / min(times),
        "compile_s": max(first - float(np.median(times)), 0.0),
        "converged": float(np.mean(converged)),
        "at_optimum": float(np.mean(best - value <= 1e-6)),
        "peak_mib": peak,
    }


def main():
    """Run all rows and print them as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller batches, fewer repeats")
    parser.add_argument("--row", nargs=3, metavar=("SOLVER", "SIZE", "REPEATS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.row:
        name, size, repeats = arguments.row
        print(json.dumps(measure(name, int(size), int(repeats))))
        return
    print(f"{_process.machine()}; medians after one warm-up run\n")
    print("| solver | batch | fits/s | compile, s | converged | at optimum | peak memory, MiB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    sizes = SIZES[:3] if arguments.quick else SIZES
    for name in SOLVERS:
        for size in sizes:
            if size > LARGEST.get(name, sizes[-1]):
                continue
            r, reason = _process.row("benchmarks.solvers", name, size, 3 if arguments.quick else 5)
            if r is None:
                raise SystemExit(f"{name}: {reason}")
            print(
                f"| {name} | {size:,} | {r['fits_per_second']:,.0f} | {r['compile_s']:.1f} | "
                f"{r['converged']:.2%} | {r['at_optimum']:.2%} | {r['peak_mib']:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
