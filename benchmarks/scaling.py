"""Constrained fits per second against batch and slices, what limits them, and the share of the peak reached.

    python -m benchmarks.scaling                  # some five minutes on two cores
    python -m benchmarks.scaling --largest 1e8    # to a hundred million data sets
    python -m benchmarks.scaling --quick          # to a hundred thousand, in a minute or two
    python -m benchmarks.scaling --figure         # the figure of the committed table

Every device that JAX sees is measured: the CPU, and GPUs where there are any. Data: 50 labelled and 10,000
judged items, failure rate .1, TPR .9, FPR .05, with TPR in [.70, .95] and FPR in [.01, .10]; 1,000,000 data
sets are distinct, larger batches pass over them again and keep what they find of the last pass.

    fit        `jaxmle.fit`, numpy arrays in and out: checks, estimates, certificates, shadow prices
    maximize   `jaxmle.maximize` compiled: estimates and certificates, in float64 and float32; on a GPU the
               data lie there beforehand
    bootstrap  `jaxmle.bootstrap` with bounds that are active, 1,000 replicates a slice, sampling included

Times are the least of a few runs after a first one that compiles (other work on the machine only adds to a
time). Operations are counted in the traced program, its loops as often as tiles of these data go through
them: "cheap" ones (add, multiply, maximum), "dear" ones (divide, root, logarithm) and selections with their
comparisons. Peak rates are
measured by chains of multiply-adds and of divisions; on a CPU what is compared is per processor second of one
core, which other work on the machine changes little.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks import _results
from benchmarks._process import PINNED, timed
from benchmarks.bootstrap import ACTIVE, COUNTS
from benchmarks.solvers import BOX, data

DISTINCT = 1_000_000
SLICES = (1, 10, 100, 1_000, 10_000)
REPLICATES = 1_000
FIELDS = (
    "program", "device", "type", "slices", "batch", "seconds", "fits_per_second", "processor_seconds",
    "load", "converged", "sampling", "solving", "reducing",
)  # fmt: skip
OPERATIONS = (
    "device", "type", "cheap", "dear", "select", "turns", "peak_multiply_adds", "peak_divisions",
    "fits_reached", "share_of_peak",
)  # fmt: skip


def columns(size, dtype):
    """Counts and bounds of at most `DISTINCT` data sets, as twelve arrays."""
    size = min(size, DISTINCT)
    ends = [np.full(size, end, dtype) for name in ("failure_rate", "tpr", "fpr") for end in BOX[name]]
    return [column.astype(dtype) for column in data(size)] + ends


def unpacked(leaves):
    """Twelve arrays as counts and bounds."""
    from jaxmle import Bounds, Counts

    return Counts(*leaves[:6]), Bounds(*(tuple(leaves[i : i + 2]) for i in (6, 8, 10)))


def solve(leaves):
    """Estimates and certificates: what is compiled for "maximize"."""
    from jaxmle import maximize

    found = maximize(*unpacked(leaves))
    return found.params.failure_rate, found.params.tpr, found.params.fpr, found.gap, found.converged


def best(run, budget=6.0):
    """Least seconds of a few runs, processor seconds of one, the load, and the share converged."""
    run()
    first = timed(run, 1)
    repeats = int(np.clip(budget / first[0][0], 1, 20))
    times, cpu = timed(run, repeats) if repeats > 1 else first
    return {
        "seconds": min(times),
        "processor_seconds": cpu,
        "load": os.getloadavg()[0],
        "converged": float(np.mean(run.converged)),
    }


class Fit:
    """`fit` on a batch of one size."""

    def __init__(self, size, dtype):
        self.parts, self.passes = unpacked(columns(size, dtype)), -(-size // DISTINCT)

    def __call__(self):
        """Fit the batch."""
        from jaxmle import fit

        for _ in range(self.passes):
            self.converged = fit(*self.parts).converged


class Maximize:
    """`maximize` on a batch of one size: blocks side by side on cores, or in a row on an accelerator."""

    def __init__(self, size, dtype):
        import jax

        from jaxmle._engine import program

        self.passes = -(-size // DISTINCT)
        self.on_cpu = jax.default_backend() == "cpu"
        leaves = columns(size, dtype)
        self.width = min(max(64, 1 << (len(leaves[0]) - 1).bit_length()), 1 << (15 if self.on_cpu else 20))
        self.program = program(solve, "jax")
        self.leaves = leaves
        if not self.on_cpu:
            padded = [np.pad(x, (0, -len(x) % self.width), mode="edge") for x in leaves]
            starts = range(0, len(padded[0]), self.width)
            self.blocks = [[jax.device_put(x[i : i + self.width]) for x in padded] for i in starts]

    def __call__(self):
        """Solve the batch."""
        import jax

        from jaxmle._engine import map_batched

        for _ in range(self.passes):
            if self.on_cpu:
                found = map_batched(self.program, self.leaves, self.width, engine="jax")
            else:
                found = jax.block_until_ready([self.program(block) for block in self.blocks])[-1]
        self.converged = found[-1]


def batches(program, sizes, dtype, kind):
    """Rows of one program over batch sizes."""
    for size in sizes:
        row = best(program(size, dtype))
        yield {
            "program": kind,
            "type": np.dtype(dtype).name,
            "batch": size,
            "fits_per_second": size / row["seconds"],
            **row,
        }


def slices(counts):
    """Rows of the bootstrap over numbers of slices, with the shares of its parts."""
    from jaxmle import Bounds, Counts, bootstrap
    from jaxmle._inference import _bootstrap

    spent: dict[str, float] = {}

    def clocked(part, function):
        def run(*arguments):
            import jax

            started = time.perf_counter()
            found = jax.block_until_ready(function(*arguments))
            spent[part] = spent.get(part, 0) + time.perf_counter() - started
            return found

        return run

    drawing, solving, ends = _bootstrap.drawing, _bootstrap._solving, _bootstrap._ends
    rng = np.random.default_rng(0)
    for size in counts:
        cells = rng.multinomial(sum(COUNTS[:4]), np.array(COUNTS[:4]) / sum(COUNTS[:4]), size).T
        flags = rng.binomial(sum(COUNTS[4:]), COUNTS[4] / sum(COUNTS[4:]), size)
        drawn = Counts(*cells, flags, sum(COUNTS[4:]) - flags)

        def run(drawn=drawn):
            bootstrap(drawn, Bounds(**ACTIVE), n_resamples=REPLICATES)

        run.converged = np.nan  # type: ignore[attr-defined]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            row = best(run)
            spent.clear()
            with (
                patch.object(_bootstrap, "drawing", lambda *a: clocked("sampling", drawing(*a))),
                patch.object(_bootstrap, "_solving", lambda *a: clocked("solving", solving(*a))),
                patch.object(_bootstrap, "_ends", clocked("reducing", ends)),
            ):
                run()
        parts = {part: seconds / sum(spent.values()) for part, seconds in spent.items()}
        yield {
            "program": "bootstrap",
            "type": "float64",
            "slices": size,
            "batch": size * REPLICATES,
            "fits_per_second": size * REPLICATES / row["seconds"],
            **row,
            "converged": "",
            **parts,
        }


def counted(dtype, rate):
    """Operations of one fit, the peak rates, and the share of them that `rate` reaches.

    All rates are per processor second of a CPU core, or per second of a GPU.
    """
    from benchmarks._operations import operations, peak_rates
    from jaxmle._solvers import maximum

    turns = _turns(dtype)
    count = operations(
        lambda leaves: maximum(*unpacked(leaves), "internal", "flag_rate"), (columns(128, dtype),), turns
    )
    multiply_adds, divisions = peak_rates(dtype)
    # Selections go through the same units as additions; a multiply-add counts as two.
    least = (count["cheap"] + count["select"]) / multiply_adds + count["dear"] / divisions
    return {
        "type": np.dtype(dtype).name,
        **count,
        "turns": sum(turns),
        "peak_multiply_adds": multiply_adds,
        "peak_divisions": divisions,
        "fits_reached": rate,
        "share_of_peak": rate * least,
    }


def _turns(dtype):
    """How often a tile of 1,024 data sets goes through each loop of the solver, on average over tiles."""
    from jaxmle._solvers import _root, maximum

    steps, tiles = [0], columns(20 * 1024, dtype)

    def counted_step(*arguments):
        steps[-1] += 1
        return step(*arguments)

    step, found = _root._step, []
    with patch.object(_root, "_step", counted_step), np.errstate(all="ignore"):
        for start in range(0, len(tiles[0]), 1024):
            steps[-1] = 0
            maximum(*unpacked([x[start : start + 1024] for x in tiles]), "internal", "flag_rate")
            found.append(steps[-1])
    # No failure rate is at a bound here, so that the second loop is not gone through.
    return [float(np.mean(found)), 0.0]


def measure(largest):
    """All rows of the device that this process uses, one JSON document a line."""
    import jax

    # `maximize` warns that float32 is rough, which is what is to be seen here.
    warnings.filterwarnings("ignore", "maximize runs in", UserWarning)
    on_cpu = jax.default_backend() == "cpu"
    device = f"CPU, {os.cpu_count()} cores" if on_cpu else jax.devices()[0].device_kind
    sizes = [10**k for k in range(9) if 10**k <= largest]

    def say(table, row):
        print(json.dumps({"table": table, "device": device, **row}), flush=True)

    for row in batches(Fit, [s for s in sizes if s <= 10_000_000], np.float64, "fit"):
        say("rates", row)
    for dtype in (np.float64, np.float32):
        rate = 0.0
        for row in batches(Maximize, sizes, dtype, "maximize"):
            say("rates", row)
            time_used = row["processor_seconds" if on_cpu else "seconds"]
            rate = max(rate, row["batch"] / time_used)
        say("operations", counted(dtype, rate))
    for row in slices([s for s in SLICES if s * REPLICATES <= largest]):
        say("rates", row)


def measured(platforms, largest):
    """Measure each platform in a process of its own, and return the rows of both tables."""
    tables: dict[str, list[Any]] = {"rates": [], "operations": []}
    for name in platforms:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.scaling", "--measure", "--largest", str(largest)],
            env={**os.environ, **PINNED, "JAX_PLATFORMS": name, "JAX_ENABLE_X64": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in process.stdout:
            row = json.loads(line)
            tables[row.pop("table")].append(row)
            text = "  ".join(f"{k} {v:,.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
            print(text, flush=True)
        if process.wait():
            raise SystemExit(f"the measurement on {name} ended with status {process.returncode}")
    return tables


def platforms():
    """Platforms that JAX sees, asked in a process of its own, which keeps no memory of a GPU."""
    code = "import jax; print(' '.join({d.platform for d in jax.devices()}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    accelerators = [name for name in found.split() if name != "cpu"]
    return ["cpu", *("cuda" if name == "gpu" else name for name in accelerators)]


def main():
    """Measure, print, and write tables and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=float, default=1e7, help="largest batch (default 1e7)")
    parser.add_argument("--quick", action="store_true", help="batches to 100,000, written nowhere")
    parser.add_argument("--figure", action="store_true", help="draw the committed table anew")
    parser.add_argument("--out", type=Path, default=_results.RESULTS, help="folder for tables and figure")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    largest = 1e5 if arguments.quick else arguments.largest
    if arguments.measure:
        measure(largest)
        return
    rates = arguments.out / "scaling.csv"
    if not arguments.figure:
        load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
        print(f"{platform.machine()}, {os.cpu_count()} cores; load at the start {load}\n")
        tables = measured(platforms(), largest)
        print(f"\nload at the end {', '.join(f'{x:.1f}' for x in os.getloadavg())}")
        if arguments.quick:
            return
        _results.write(rates, tables["rates"], "{:.4g}".format, fields=FIELDS)
        path = arguments.out / "scaling_operations.csv"
        _results.write(path, tables["operations"], "{:.4g}".format, fields=OPERATIONS)
    from benchmarks._scaling_figure import figure

    figure(_results.read(rates), arguments.out / "scaling")


if __name__ == "__main__":
    main()
