"""Measured processes: single-threaded BLAS, times with their spread, processor time, peak memory."""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import numpy as np

# BLAS threads only get in the way of such small matrices: with them ppi-python's interval took 33 ms in
# place of 0.9 on a busy machine.
PINNED = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JAX_PLATFORMS": "cpu",
}


def environment(**more):
    """Variables of a measured process."""
    return {**os.environ, **PINNED, **more}


def machine():
    """The machine in words."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; BLAS threads 1"


def peak_mib():
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(run, repeats):
    """Seconds of each of some calls, and processor seconds of one on average."""
    times, cpu = [], time.process_time()
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return times, (time.process_time() - cpu) / max(repeats, 1)


def spread(times):
    """Median, least and largest of repeated times."""
    return {"seconds": float(np.median(times)), "fastest": min(times), "slowest": max(times)}


def row(module, *arguments):
    """What `python -m MODULE --row ...` prints as JSON, or the last line of its error."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--row", *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return None, (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
    return json.loads(done.stdout.splitlines()[-1]), ""


@dataclass(frozen=True)
class Finished:
    """Wall and processor seconds, most memory and standard output of a command."""

    seconds: float
    cpu: float
    peak_mib: float
    output: str


def command(argv, env, accepted=(0,)):
    """Run one command to its end."""
    with tempfile.TemporaryFile("w+") as out:
        started = time.perf_counter()
        process = subprocess.Popen(argv, env=env, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accepted:
            raise SystemExit(f"failed: {' '.join(map(str, argv))}")
        out.seek(0)
        return Finished(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())
