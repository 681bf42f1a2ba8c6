import functools
import itertools

import hypothesis
import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from cases import CASES, reference_instances
from hypothesis.extra import numpy as hnp

from jaxmle import Bounds, Counts, Params, closed_form, fit, log_likelihood, maximize
from jaxmle._data import Problem
from jaxmle._engine import map_batched, program
from jaxmle._model import duality_gap
from jaxmle._solvers import _root, maximum, maximum_between

DESIGNS = ("internal", "external")
# jaxopt, and so the projected gradient, runs on JAX alone.
WAYS = (("flag_rate", "numpy"), ("flag_rate", "jax"), ("projected_gradient", "jax"))
ENGINES = ("numpy", "jax")
# Each program of JAX takes seconds to compile.
both_engines = pytest.mark.parametrize("engine", ["numpy", pytest.param("jax", marks=pytest.mark.slow)])
each_way = pytest.mark.parametrize(
    ("calibration", "solver", "engine"),
    [
        pytest.param(
            *one, marks=pytest.mark.slow if one[2] == "jax" and one[:2] != ("internal", "flag_rate") else []
        )
        for one in ((design, *way) for design in DESIGNS for way in WAYS)
    ],
)
PER_ITEM = {"flag_rate": 1e-9, "projected_gradient": 1e-7}

# Box-constrained maxima by 40-start L-BFGS-B and Newton in 40 digits, with the KKT conditions
# checked: case, (TPR bounds, FPR bounds), theta.
BOXED = [
    ("A", (0.70, 0.95, 0.01, 0.10), 0.3890121619),
    ("A", (0.80, 0.90, 0.05, 0.15), 0.3825061979),
    ("A", (0.85, 0.85, 0.10, 0.10), 0.4125339701),
    ("B", (0.70, 0.95, 0.01, 0.10), 0.0807779285),
    ("B", (0.80, 0.90, 0.05, 0.15), 0.0539923214),
    ("B", (0.85, 0.85, 0.10, 0.10), 0.0044461815),
    ("C", (0.70, 0.95, 0.01, 0.10), 0.1032063821),
    ("C", (0.80, 0.90, 0.05, 0.15), 0.1064470248),
    ("C", (0.85, 0.85, 0.10, 0.10), 0.0716053706),
    ("D", (0.70, 0.95, 0.01, 0.10), 0.6108906811),
    ("D", (0.80, 0.90, 0.05, 0.15), 0.5558513330),
    ("D", (0.85, 0.85, 0.10, 0.10), 0.5508684596),
    ("E", (0.70, 0.95, 0.01, 0.10), 0.3842443310),
    ("E", (0.80, 0.90, 0.05, 0.15), 0.3842443310),
    ("E", (0.85, 0.85, 0.10, 0.10), 0.4000000000),
    ("F", (0.70, 0.95, 0.01, 0.10), 0.0200159459),
    ("F", (0.80, 0.90, 0.05, 0.15), 0.0113217567),
    ("F", (0.85, 0.85, 0.10, 0.10), 0.0090182970),
    ("G", (0.70, 0.95, 0.01, 0.10), 0.4536998386),
    ("G", (0.80, 0.90, 0.05, 0.15), 0.4123251499),
    ("G", (0.85, 0.85, 0.10, 0.10), 0.4310973733),
]


@functools.cache
def solving(calibration, solver, engine):
    def solve(arrays):
        if engine == "numpy":
            return maximum(*Problem.of(arrays), calibration, solver)
        return maximize(*Problem.of(arrays), calibration=calibration, solver=solver)

    return program(solve, engine, "little")


def solved(counts, bounds, calibration, solver, engine):
    """Maxima of a flat batch; on JAX by one program a design and solver, whatever the size."""
    arrays = Problem(counts, bounds).arrays()
    return map_batched(solving(calibration, solver, engine), arrays, 128, engine=engine, side_by_side=False)


def check_feasible(params, bounds):
    for name in ("failure_rate", "tpr", "fpr"):
        value, (low, high) = np.asarray(getattr(params, name)), getattr(bounds, name)
        assert (value >= low).all(), name
        assert (value <= high).all(), name


@each_way
def test_reference_instances(calibration, solver, engine):
    counts, bounds, best = reference_instances(calibration)
    result = solved(counts, bounds, calibration, solver, engine)
    check_feasible(result.params, bounds)
    shortfall = (best - np.asarray(result.log_likelihood)) / (counts.n_labeled + counts.n_unlabeled)
    assert shortfall.max() <= PER_ITEM[solver]
    assert (shortfall - np.asarray(result.gap)).max() <= 1e-12
    assert np.asarray(result.converged).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("case", "box", "theta"), BOXED)
def test_boxed_maxima(case, box, theta, engine):
    result = fit(Counts(*CASES[case]), Bounds(tpr=box[:2], fpr=box[2:]), engine=engine)
    assert result.converged
    assert result.failure_rate == pytest.approx(theta, abs=1e-7)


@pytest.mark.slow
def test_boxed_maxima_by_projected_gradient():
    counts = Counts(*np.array([CASES[case] for case, _, _ in BOXED]).T)
    box = np.array([box for _, box, _ in BOXED])
    result = fit(
        counts, Bounds(tpr=(box[:, 0], box[:, 1]), fpr=(box[:, 2], box[:, 3])), solver="projected_gradient"
    )
    assert result.converged.all()
    np.testing.assert_allclose(result.failure_rate, [theta for *_, theta in BOXED], atol=1e-7)


N = 60
counts_arrays = st.one_of(
    hnp.arrays(np.float64, (6, N), elements=st.integers(0, 200).map(float)),
    hnp.arrays(np.float64, (6, N), elements=st.sampled_from([0.0, 1e-3, 1.0, 3.0, 50.0, 1e4, 1e8, 1e12])),
    hnp.arrays(np.float64, (6, N), elements=st.one_of(st.just(0.0), st.floats(1e-3, 1e6))),
)
rates = st.one_of(st.sampled_from([0.0, 0.05, 0.5, 0.9, 1.0]), st.floats(0, 1).map(lambda x: round(x, 6)))
ends = hnp.arrays(np.float64, (6, N), elements=rates)


def drawn(numbers, sides):
    low, high = np.sort(sides.reshape(3, 2, N), axis=1).transpose(1, 0, 2)
    numbers = numbers.copy()
    numbers[4] += numbers.sum(0) == 0
    bounds = Bounds(*((low[i], high[i]) for i in range(3)))
    return Counts(*numbers), bounds


@pytest.mark.parametrize(
    ("solver", "engine"), [WAYS[0], *(pytest.param(*way, marks=pytest.mark.slow) for way in WAYS[1:])]
)
@pytest.mark.parametrize("calibration", DESIGNS)
@hypothesis.settings(max_examples=40)
@hypothesis.given(counts_arrays, ends)
def test_nothing_is_claimed_that_does_not_hold(calibration, solver, engine, numbers, sides):
    counts, bounds = drawn(numbers, sides)
    result = solved(counts, bounds, calibration, solver, engine)
    leaves = [np.asarray(x) for x in jax.tree.leaves(result)]
    assert not any(np.isnan(x).any() for x in leaves)
    check_feasible(result.params, bounds)
    converged, gap = np.asarray(result.converged), np.asarray(result.gap)
    assert (gap[converged] <= (1e-10 if solver == "flag_rate" else 1e-8)).all()
    possible = np.isfinite(np.asarray(result.log_likelihood))
    assert not converged[~possible].any()
    # No point of the bounds beats the certificate: try the corners and the middle.
    total = np.asarray(counts.n_labeled + counts.n_unlabeled)[possible]
    ceiling = (np.asarray(result.log_likelihood)[possible] / total) + gap[possible] + 1e-12
    shares = np.array(list(itertools.product((0.0, 0.3, 1.0), (0.0, 0.6, 1.0), (0.0, 0.5, 1.0))))
    pairs = (bounds.failure_rate, bounds.tpr, bounds.fpr)
    points = Params(
        *(lo + share[:, None] * (hi - lo) for share, (lo, hi) in zip(shares.T, pairs, strict=True))
    )
    value = np.asarray(log_likelihood(points, counts, calibration=calibration))[:, possible] / total
    assert (value <= ceiling).all()


@pytest.mark.slow
@pytest.mark.parametrize("calibration", DESIGNS)
def test_nearly_everything_converges_to_the_same_maximum(calibration):
    rng = np.random.default_rng(0)
    n = 4000
    numbers = np.where(rng.random((6, n)) < 0.2, 0, np.floor(10 ** rng.uniform(-1, 6, (6, n))))
    low, high = np.sort(rng.random((2, 3, n)), axis=0)
    low, high = np.where(rng.random((3, n)) < 0.4, 0, low), np.where(rng.random((3, n)) < 0.4, 1, high)
    low = np.where(rng.random((3, n)) < 0.15, high, low)
    counts = Counts(*(numbers + (numbers.sum(0) == 0)))
    bounds = Bounds(*zip(low, high, strict=True))
    *exact, gradient = (solved(counts, bounds, calibration, *way) for way in WAYS)
    for found in exact:
        possible = np.isfinite(found.log_likelihood)
        assert possible.mean() > 0.8
        assert found.converged[possible].mean() >= 0.9995
        assert gradient.converged[possible].mean() >= 0.97
        both = found.converged & gradient.converged
        apart = found.log_likelihood[both] - gradient.log_likelihood[both]
        assert (np.abs(apart) / (counts.n_labeled + counts.n_unlabeled)[both]).max() <= 1e-8


@both_engines
@pytest.mark.parametrize("calibration", DESIGNS)
@pytest.mark.parametrize("size", [1, 64, 512, 4000])
def test_no_point_of_probability_zero_is_certified(calibration, size, engine):
    def many(x):
        return np.full(size, x)

    counts = Counts(*map(many, (0.0, 0.0, 0.0, 22.0, 49.0, 0.0)))
    bounds = Bounds((many(0.07), many(1.0)), (many(0.0), many(0.9)), (many(0.0), many(1.0)))
    point = Params(many(0.07), many(0.0), many(0.0))
    assert np.isinf(log_likelihood(point, counts, calibration=calibration)).all()
    # Compilers may round otherwise in vectors than one by one.
    gap = program(functools.partial(duality_gap, calibration=calibration), engine)(point, counts, bounds)
    assert np.isposinf(gap).all()


@both_engines
@pytest.mark.parametrize("calibration", DESIGNS)
def test_a_data_set_gets_the_same_answer_wherever_it_stands(calibration, engine):
    rng = np.random.default_rng(2)
    counts = Counts(*rng.integers(0, 60, (6, 1500)).astype(float))
    bounds = Bounds(tpr=(0.6, 0.9), fpr=(0.05, 0.3))
    options = {"calibration": calibration, "engine": engine}
    batch = fit(counts, bounds, **options)
    order = rng.permutation(1500)
    shuffled = fit(counts[order], bounds, **options)
    few = fit(counts[order[:40]], bounds, **options)
    np.testing.assert_array_equal(shuffled.failure_rate, batch.failure_rate[order])
    np.testing.assert_allclose(few.log_likelihood, batch.log_likelihood[order[:40]], rtol=1e-13)
    assert batch.converged.all()


@pytest.mark.parametrize("solver", ["interior_point", "newton"])
def test_unknown_names_are_refused_in_the_core(solver):
    counts = Counts(*map(float, CASES["A"]))
    with pytest.raises(ValueError, match="`solver`|`calibration`"):
        maximize(
            counts, Bounds(), solver=solver, calibration="Internal" if solver != "newton" else "internal"
        )
    with pytest.raises(ValueError, match="`calibration`"):
        log_likelihood(Params(0.1, 0.8, 0.1), counts, calibration="Internal")


@both_engines
@pytest.mark.parametrize("calibration", DESIGNS)
def test_exchanging_failures_and_passes_mirrors_the_estimate(calibration, engine):
    rng = np.random.default_rng(1)
    tp, fn, fp, tn, pos, neg = rng.integers(0, 60, (6, 200)) + 1.0
    low, high = np.sort(rng.random((2, 3, 200)), axis=0)
    bounds = Bounds(*zip(low, high, strict=True))
    # A verdict of failure becomes one of pass, for humans and for the judge.
    mirror = Bounds(
        failure_rate=(1 - high[0], 1 - low[0]), tpr=(1 - high[2], 1 - low[2]), fpr=(1 - high[1], 1 - low[1])
    )
    one = fit(Counts(tp, fn, fp, tn, pos, neg), bounds, calibration=calibration, engine=engine)
    two = fit(Counts(tn, fp, fn, tp, neg, pos), mirror, calibration=calibration, engine=engine)
    np.testing.assert_allclose(one.log_likelihood, two.log_likelihood, rtol=1e-12)
    np.testing.assert_allclose(one.failure_rate, 1 - two.failure_rate, atol=1e-6)
    np.testing.assert_allclose(one.tpr, 1 - two.fpr, atol=1e-6)


@both_engines
@pytest.mark.parametrize("calibration", DESIGNS)
def test_unbounded_fits_equal_the_closed_form(calibration, engine):
    counts = Counts(*np.array([CASES[name] for name in "ABE"]).T)
    direct = closed_form(counts, calibration=calibration)
    result = fit(counts, calibration=calibration, engine=engine)
    np.testing.assert_allclose(result.failure_rate, direct.params.failure_rate, atol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_huge_judged_sets_do_not_drown_the_labels(engine):
    bounds = Bounds(tpr=(0.85, 0.95))
    small = fit(Counts(4, 1, 2, 43, 900e2, 9100e2), bounds, engine=engine)
    for scale in (1e6, 1e8):
        large = fit(Counts(4, 1, 2, 43, 900 * scale, 9100 * scale), bounds, engine=engine)
        assert large.converged
        assert large.failure_rate == pytest.approx(small.failure_rate, abs=1e-4)
        assert large.active_bounds == small.active_bounds == ["tpr.low"]
        assert large.shadow_price.tpr[0] == pytest.approx(small.shadow_price.tpr[0], rel=1e-2)


@pytest.mark.slow
def test_single_precision_works_at_its_own_tolerance():
    with jax.enable_x64(False):
        with pytest.warns(UserWarning, match="enable_x64"):
            result = program(maximize, "jax", "little")(
                Counts(*map(float, CASES["B"])), Bounds(tpr=(0.8, 0.9), fpr=(0.05, 0.15))
            )
        assert result.params.tpr.dtype == np.float32
        assert bool(result.converged)
        assert float(result.params.failure_rate) == pytest.approx(0.0539923214, abs=2e-4)


@pytest.mark.slow
def test_one_trace_serves_all_values():
    traces = []

    def run(counts, bounds):
        traces.append(1)
        return maximize(counts, bounds)

    compiled = program(run, "jax", "little")
    for name in "AB":
        compiled(Counts(*map(float, CASES[name])), Bounds(tpr=(0.7, 0.9)))
    assert len(traces) == 1


@pytest.mark.slow
def test_vmap_agrees_with_the_batch():
    counts = Counts(*np.array([CASES[name] for name in "ABC"], dtype=float).T)
    box = Bounds(tpr=(0.8, 0.9), fpr=(0.05, 0.15))
    one = functools.partial(maximize, bounds=box)
    mapped, batch = (program(f, "jax", "little")(counts) for f in (jax.vmap(one), one))
    np.testing.assert_allclose(mapped.params.failure_rate, batch.params.failure_rate, atol=1e-10)


@both_engines
@pytest.mark.parametrize("calibration", DESIGNS)
def test_bounds_on_the_maximum_at_a_known_failure_rate_hold_it_and_close_in(calibration, engine):
    rng = np.random.default_rng(7)
    size = 4000
    cells = rng.poisson(rng.choice([0.0, 0.4, 3.0, 40.0], (6, size)))
    cells[4:] *= rng.choice([0, 1, 1000], size)
    low, high = np.sort(rng.uniform(0, 1, (2, 2, size)), axis=1).transpose(1, 0, 2)
    wide = rng.random((2, size)) < 0.5
    low, high = np.where(wide, 0.0, low), np.where(wide, 1.0, high)
    rate = rng.uniform(0, 1, size)
    known = Problem.of([*cells.astype(float), rate, rate, low[0], high[0], low[1], high[1]])
    solve = program(lambda p: maximum(*p, calibration, "flag_rate").log_likelihood, "numpy")
    best = solve(known)

    def between(rounds):
        run = program(lambda p: maximum_between(*p, p.bounds.failure_rate[0], calibration, rounds), engine)
        return map_batched(lambda part: run(Problem.of(part)), known.arrays(), size, engine=engine)

    spreads = []
    for rounds in (1, 2, 8):
        least, most = between(rounds)
        told = np.isfinite(most)
        assert told.mean() > 0.9
        slack = 1e-9 * (1 + np.abs(best[told]))
        assert np.all(least[told] <= best[told] + slack)
        assert np.all(most[told] >= best[told] - slack)
        spreads.append(np.mean((most - least)[told] < 0.01))
    assert spreads[0] < spreads[1] < spreads[2]
    assert spreads[2] > 0.9


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_cell_is_no_trap_for_newton(engine):
    """Near the steep piece that an empty cell makes steps across the root led to and fro."""
    low = [[0.6744919245742623, 0.0286606, 0.0], [0.5819626150772608, 0.0, 0.0]]
    high = [[0.6744919245742623, 0.6253, 0.3161], [0.985, 1.0, 1.0]]
    counts = Counts(*np.array([[1.0, 51, 0, 307, 5, 0], [875.0, 1, 0, 7, 0, 4328]]).T)
    result = fit(counts, Bounds(*zip(np.transpose(low), np.transpose(high), strict=True)), engine=engine)
    assert result.converged.all()


def test_few_steps_lead_to_every_root(monkeypatch):
    """No leap to an end that nothing is known of, and no halving of what converges."""
    rows = []
    step = _root._step

    def counted(equation, arguments, state, n):
        rows.append(np.count_nonzero(state.active))
        return step(equation, arguments, state, n)

    monkeypatch.setattr(_root, "_step", counted)
    rng = np.random.default_rng(0)
    labels = rng.multinomial(20, [0.09, 0.01, 0.09, 0.81], 2000)
    flags = rng.multinomial(980, [0.18, 0.82], 2000)
    rate = rng.uniform(0.01, 0.95, 2000)
    known = Bounds(failure_rate=(rate, rate))
    assert fit(Counts(*labels.T, *flags.T), known, engine="numpy").converged.all()
    assert sum(rows) < 5.5 * 2000
