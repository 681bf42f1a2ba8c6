"""NumPy and JAX run one core: the same answers, and programs that any accelerator can run."""

import socket
import subprocess
import sys

import jax
import jax.export
import numpy as np
import pytest
from cases import CASES

from jaxmle import Bounds, Clusters, Counts, bootstrap, bounds_test, certify, fit, profile_interval
from jaxmle._arrays import leaves, tree_map
from jaxmle._data import Problem
from jaxmle._inference._cluster_bootstrap import _drawing
from jaxmle._inference._fit import _program
from jaxmle._inference._simulate import _between, _maximal, drawing
from jaxmle._simulation import law_of_counts, tables_for

BOX = Bounds(tpr=(0.75, 0.95), fpr=(0.02, 0.12))
# Programs of the other design, and of another accelerator, take as long to compile or lower again.
each_design = pytest.mark.parametrize(
    "calibration", ["internal", pytest.param("external", marks=pytest.mark.slow)]
)


def batch(size=200, seed=3):
    rng = np.random.default_rng(seed)
    return Counts(*rng.integers(0, [[8], [3], [6], [60], [400], [4000]], (6, size)) + 1.0)


@each_design
@pytest.mark.parametrize("bounds", [Bounds(), BOX, Bounds(failure_rate=(0.02, 0.1), fpr=(0.05, 0.05))])
def test_estimates_agree(calibration, bounds):
    eager, compiled = (
        fit(batch(), bounds, calibration=calibration, engine=engine) for engine in ("numpy", "jax")
    )
    for name in ("failure_rate", "tpr", "fpr", "log_likelihood"):
        np.testing.assert_allclose(getattr(eager, name), getattr(compiled, name), rtol=1e-10, atol=1e-12)
    for one, two in zip(leaves(eager.at_bound), leaves(compiled.at_bound), strict=True):
        assert (one == two).mean() > 0.99
    assert eager.converged.all()
    assert compiled.converged.all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*replicates.* are at a bound:UserWarning")
@pytest.mark.parametrize("labels", ["random", "by-verdict"])
def test_simulated_answers_come_from_the_same_draws(labels):
    counts = Counts(*np.array([CASES["A"], CASES["B"], CASES["C"]], float).T)
    options = {"labels": labels}
    if labels == "by-verdict":
        options["seed"] = 3
    one, two = (profile_interval(counts, BOX, engine=engine, **options) for engine in ("numpy", "jax"))
    np.testing.assert_allclose(one.low, two.low, rtol=1e-8)
    np.testing.assert_allclose(one.high, two.high, rtol=1e-8)
    first, second = (
        bootstrap(counts, BOX, n_resamples=2000, keep_replicates=True, engine=engine, **options)
        for engine in ("numpy", "jax")
    )
    np.testing.assert_allclose(first.replicates, second.replicates, atol=1e-10)
    np.testing.assert_array_equal(first.share_at_bound, second.share_at_bound)


@pytest.mark.slow
def test_p_values_come_from_the_same_draws():
    counts = Counts(*map(float, CASES["B"]))
    one, two = (certify(counts, BOX, limit=0.12, engine=engine) for engine in ("numpy", "jax"))
    assert one.p_value == pytest.approx(two.p_value, rel=1e-8)
    assert one.upper_limit == pytest.approx(two.upper_limit, rel=1e-8)
    first, second = (bounds_test(counts, Bounds(tpr=(0.9, 1)), engine=engine) for engine in ("numpy", "jax"))
    assert first.p_value == second.p_value


@pytest.mark.slow
def test_clusters_are_resampled_alike():
    rng = np.random.default_rng(1)
    clusters = Clusters(Counts(*rng.integers(0, 3, (6, 40)).astype(float)), np.zeros(40, int), 1)
    first, second = (
        bootstrap(clusters.totals, clusters=clusters, n_resamples=1100, keep_replicates=True, engine=engine)
        for engine in ("numpy", "jax")
    )
    np.testing.assert_allclose(first.replicates, second.replicates, atol=1e-10)


@each_design
@pytest.mark.parametrize("bounds", [Bounds(), BOX, Bounds(failure_rate=(0.1, 0.5), fpr=(0.05, 0.5))])
@pytest.mark.parametrize(
    "cells", [(0, 0, 0, 0, 76, 134), (0, 0, 0, 0, 15, 82), (5, 1, 3, 40, 0, 0), (0, 0, 3, 40, 90, 900)]
)
def test_what_is_missing_is_filled_alike(calibration, bounds, cells):
    one, two = (fit(Counts(*cells), bounds, calibration=calibration, engine=e) for e in ("numpy", "jax"))
    assert one.active_bounds == two.active_bounds
    np.testing.assert_allclose([one.failure_rate, one.tpr, one.fpr], [two.failure_rate, two.tpr, two.fpr])
    low, high = one.failure_rate_set
    if not one.identified and calibration == "external" and bounds.failure_rate[0] < bounds.failure_rate[1]:
        assert low < one.failure_rate < high


@pytest.mark.slow
def test_a_small_fit_starts_no_device(environment):
    code = """
import jax
import jaxmle
jaxmle.fit(jaxmle.Counts(4, 1, 2, 43, 900, 9100))
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stderr) == (0, "")


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="`engine` must be 'numpy' or 'jax', or None"):
        fit(batch(2), engine="torch")


def programs(calibration):
    """Every compiled program with arguments for it."""
    size = 64
    problem = tree_map(
        lambda x: np.broadcast_to(np.asarray(x, np.float64), (size,)), Problem(batch(size), Bounds())
    )
    known = problem.at(np.full(size, 0.1))
    for small in (True, False):
        yield _program(calibration, "flag_rate", "jax", small), (problem.arrays(),)
    yield _maximal(calibration, "jax"), (problem.counts, known.bounds)
    yield _between(calibration, "jax", 2), (problem.counts, known.bounds)
    for design in ("external",) if calibration == "external" else ("random", "by-verdict"):
        law = law_of_counts(problem.counts, design)
        keys = (np.zeros(size, np.uint32),) * 2
        yield drawing(design, tables_for(law, design), 16, "jax"), (keys, law)
    yield _drawing(8, 32, "jax"), ((np.zeros((2, 1), np.uint32),) * 2, np.full(2, 5.0), np.ones((2, 8, 6)))


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@each_design
def test_every_program_lowers_for_accelerators_without_calling_out(calibration, platform):
    for program, arguments in programs(calibration):
        text = jax.export.export(program, platforms=[platform])(*arguments).mlir_module()
        called = {line.split("@")[1].split("(")[0] for line in text.splitlines() if "custom_call" in line}
        assert not {name for name in called if "callback" in name or "lapack" in name or "solver" in name}


def test_programs_are_made_anew_for_another_backend(monkeypatch):
    here = _maximal("internal", "jax")
    assert _maximal("internal", "jax") is here
    monkeypatch.setattr(jax, "default_backend", lambda: "cuda")
    assert _maximal("internal", "jax") is not here
    assert _maximal("internal", "numpy") is _maximal("internal", "numpy")


@pytest.mark.slow
def test_any_number_of_devices_gives_the_same_bits(environment):
    code = """
import numpy as np
import jax
from jaxmle import Bounds, Counts, bootstrap, certify, fit, profile_interval
rng = np.random.default_rng(0)
counts = Counts(*rng.integers(0, 60, (6, 40_000)) + 1.0)
box = Bounds(tpr=(0.6, 0.9), fpr=(0.05, 0.3))
found = fit(counts, box, engine="jax")
many = bootstrap(counts[:20], box, n_resamples=1000, keep_replicates=True, engine="jax")
ends = profile_interval(counts[:20_000], box, simulate=False, engine="jax")
verdicts = certify(counts[:6], box, limit=0.6, method="profile", engine="jax")
print(len(jax.devices()), *(hash(x.tobytes()) for x in (
    found.failure_rate, found.gap, many.replicates, ends.low, ends.high, verdicts.p_value,
    verdicts.upper_limit)))
"""
    printed = []
    for devices in (1, 2, 8):
        flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "PYTHONHASHSEED": "0"}
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            capture_output=True,
            text=True,
            env={**environment, **flags},
        )
        assert run.returncode == 0, run.stderr
        count, *hashes = run.stdout.split()
        assert int(count) == devices
        printed.append(hashes)
    assert printed[0] == printed[1] == printed[2]


PROCESS = """
import sys
import numpy as np
import jax
from jaxmle import Bounds, Counts, bootstrap, fit

n, i, address = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if n > 1:
    jax.distributed.initialize(address, n, i)
assert jax.process_count() == n
assert len(jax.devices()) == n * len(jax.local_devices()) == 2 * n
rng = np.random.default_rng(0)
counts = Counts(*rng.integers(0, 60, (6, 20_000)) + 1.0)
box = Bounds(tpr=(0.6, 0.9), fpr=(0.05, 0.3))
found = fit(counts[i::n], box, engine="jax")
drawn = bootstrap(counts[:8][i::n], box, n_resamples=1000, keep_replicates=True, engine="jax")
np.savez(sys.argv[4], rates=found.failure_rate, gap=found.gap, replicates=drawn.replicates)
"""


@pytest.mark.slow
def test_two_processes_share_the_slices_and_give_the_same_bits(environment, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

    def started(n, i):
        said = (str(n), str(i), address, str(tmp_path / f"{n}{i}.npz"))
        command = [sys.executable, "-W", "ignore", "-c", PROCESS, *said]
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    for processes in ([started(1, 0)], [started(2, 0), started(2, 1)]):
        for process in processes:
            said = process.communicate()[1]
            assert process.returncode == 0, said
    alone, *halves = (np.load(tmp_path / name) for name in ("10.npz", "20.npz", "21.npz"))
    for name in ("rates", "gap", "replicates"):
        for i, half in enumerate(halves):
            np.testing.assert_array_equal(half[name], alone[name][i::2])


@pytest.mark.parametrize("first", ["jaxmle", pytest.param("jax", marks=pytest.mark.slow)])
def test_results_are_pytrees_in_whatever_order_modules_are_imported(environment, first):
    code = f"""
import {first}
import sys
import jaxmle
counts = jaxmle.Counts(4, 1, 2, 43, 900, 9100)
result = jaxmle.fit(counts, jaxmle.Bounds(tpr=(0.8, 0.9)))
interval, verdict = result.interval(simulate=False), result.certify(0.2, method="profile")
assert ("jax" in sys.modules) == ({first!r} == "jax"), "JAX was imported"
import jax
for value in (counts, jaxmle.Bounds(), result, interval, verdict, jaxmle.Params(0.1, 0.9, 0.1)):
    flat, structure = jax.tree.flatten(value)
    assert len(flat) > 2 and type(jax.tree.unflatten(structure, flat)) is type(value), value
print(jax.jit(lambda c: c.tp + c.fn)(counts))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (run.stdout, run.stderr) == ("5.0\n", "")


@pytest.mark.slow
def test_cells_of_one_size_are_drawn_in_one_order():
    """Laws through the estimate then have equal shares, but for rounding errors that differ by engine."""
    counts = Counts(
        *np.array([[4, 0, 4, 42, 129, 871], [9, 1, 9, 31, 234, 766], [7, 1, 7, 35, 245, 755]], float).T
    )
    ends = [profile_interval(counts, engine=engine, n_resamples=199) for engine in ("numpy", "jax")]
    assert ends[0].low == pytest.approx(ends[1].low, rel=1e-9)
    assert ends[0].high == pytest.approx(ends[1].high, rel=1e-9)
