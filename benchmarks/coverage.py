"""Coverage and width of every interval, and error and power of every certificate, over a grid of designs.

    python -m benchmarks.coverage            # the whole grid
    python -m benchmarks.coverage --quick    # a corner of it, in about a minute
    python -m benchmarks.coverage --thin     # the cells of `_thin`: few or no failures, other designs
    python -m benchmarks.coverage --figures  # the summary and the figures of what has been computed

Every cell of the grid is `--data-sets` data sets (`--tests` for certificates) drawn from one true failure
rate and judge. Rows are appended to three files in `--out` as they are computed, and a run that was stopped
goes on where it stopped. "refused" is the share of data sets for which a method gives no interval; they
count as misses. Bounds "wrong by .05" put the TPR .05 to .15 too high (.04 to .05 at .95); all other bounds
hold.
"""

import itertools

import numpy as np

from benchmarks import _results, _thin
from benchmarks._samples import better_than_chance, drawn_counts

SIZES = (25, 50, 100, 200, 500)
JUDGED = (1_000, 10_000, 100_000)
RATES = (0.005, 0.02, 0.05, 0.1, 0.3, 0.5)
JUDGES = ((0.95, 0.02), (0.9, 0.05), (0.8, 0.1), (0.65, 0.3))
BOUNDS = ("none", "+-.10", "+-.05", "+-.02", "one-sided", "wrong by .05")
# True failure rate and limit, for power.
CLAIMS = ((0.005, 0.02), (0.02, 0.05), (0.05, 0.1))
RESAMPLES = 1000
SIMULATIONS = 299
# Data sets whose p-value is found above this at the most likely judge are not refined: it only grows from
# there.
SURE = 0.12

INTERVALS = (
    "profile, calibrated",
    "profile, chi-square",
    "bootstrap, percentile",
    "bootstrap, basic",
    "bootstrap, BCa",
    "human only, Wilson",
    "Rogan-Gladen",
    "PPI",
    "PPI++",
)
FIELDS = ("n", "N", "failure_rate", "tpr", "fpr", "bounds", "method", "data_sets")
COVERAGE_FIELDS = (*FIELDS, "refused", "bias", "rmse", "coverage", "width")
CERTIFICATE_FIELDS = (*FIELDS[:3], "limit", *FIELDS[3:], "certified")


def box(tpr, fpr, kind):
    """Bounds on TPR and FPR of one kind around (or beside) the truth."""
    half = {"+-.10": 0.10, "+-.05": 0.05, "+-.02": 0.02}.get(kind)
    if half:
        pairs = (tpr - half, tpr + half, fpr - half, fpr + half)
    else:
        pairs = {
            "none": (0, 1, 0, 1),
            "one-sided": (tpr - 0.05, 1, 0, fpr + 0.05),
            "wrong by .05": (min(tpr + 0.05, 0.99), tpr + 0.15, fpr - 0.05, fpr + 0.05),
        }[kind]
    return [min(max(float(x), 0.0), 1.0) for x in pairs]


def draw(rng, n, judged, rate, tpr, fpr, size):
    """Counts of ``size`` data sets with the true parameters, as six columns."""
    return list(drawn_counts(rng, rate, tpr, fpr, n, judged, size).values())


def intervals_of(counts, bounds, seed):
    """All intervals of a batch: (method, estimate, low, high, given or not)."""
    from jaxmle import Bounds, baselines, bootstrap, fit, profile_interval

    size = counts.shape[0]
    everywhere = np.ones(size, bool)
    for name, simulate in (("profile, calibrated", True), ("profile, chi-square", False)):
        result = profile_interval(counts, bounds, simulate=simulate, n_resamples=SIMULATIONS, seed=seed)
        yield name, result.estimate, result.low, result.high, everywhere
    # One set of replicates serves the three bootstrap intervals; none where there is no one estimate.
    known = fit(counts, bounds).identified
    tpr, fpr = ((low[known], high[known]) for low, high in (bounds.tpr, bounds.fpr))
    drawn = bootstrap(
        counts[known],
        Bounds(tpr=tpr, fpr=fpr),
        method="bca",
        n_resamples=RESAMPLES,
        seed=seed,
        keep_replicates=True,
    )
    estimate = drawn.interval.estimate
    low, high = np.quantile(drawn.replicates, (0.025, 0.975), axis=-1)
    ends = {
        "percentile": (low, high),
        "basic": (np.clip(2 * estimate - high, 0, 1), np.clip(2 * estimate - low, 0, 1)),
        "BCa": (drawn.interval.low, drawn.interval.high),
    }
    for name, pair in ends.items():
        values = np.zeros((3, size))
        values[:, known] = estimate, *pair
        yield f"bootstrap, {name}", *values, known
    better = better_than_chance(counts)
    for name, method, given in (
        ("human only, Wilson", baselines.human_only, everywhere),
        ("Rogan-Gladen", baselines.rogan_gladen, better),
        ("PPI", baselines.ppi, everywhere),
        ("PPI++", baselines.ppi_plus_plus, everywhere),
    ):
        values = np.zeros((3, size))
        if given.any():
            simple = method(counts[given])
            values[:, given] = simple.estimate, simple.low, simple.high
        yield name, *values, given


def coverage_rows(cell, size, seed):
    """Bias, error, coverage and width for all failure rates and bounds of (n, N, TPR, FPR)."""
    from jaxmle import Bounds, Counts

    n, judged, (tpr, fpr) = cell
    rng = np.random.default_rng([seed, n, judged, JUDGES.index((tpr, fpr))])
    designs = list(itertools.product(RATES, BOUNDS))
    # The same data sets under all bounds: differences between bounds are not luck.
    data = {rate: draw(rng, n, judged, rate, tpr, fpr, size) for rate in RATES}
    counts = Counts(*(np.concatenate([data[rate][i] for rate, _ in designs]) for i in range(6)))
    ends = np.repeat([box(tpr, fpr, kind) for _, kind in designs], size, axis=0).T
    bounds = Bounds(tpr=(ends[0], ends[1]), fpr=(ends[2], ends[3]))
    for method, estimate, low, high, given in intervals_of(counts, bounds, seed):
        for i, (rate, kind) in enumerate(designs):
            part = slice(i * size, (i + 1) * size)
            used = given[part]
            error = (estimate[part] - rate)[used]
            inside = used & (low[part] <= rate) & (rate <= high[part])
            width = (high[part] - low[part])[used]
            yield {
                **dict(zip(FIELDS, (n, judged, rate, tpr, fpr, kind, method, size), strict=True)),
                "refused": 1 - used.mean(),
                "bias": error.mean() if used.any() else "",
                "rmse": np.sqrt(np.mean(error**2)) if used.any() else "",
                "coverage": inside.mean(),
                "width": width.mean() if used.any() else "",
            }


def certificate_rows(cell, claims, kinds, size, seed):
    """Share of data sets certified, for all (true rate, limit) and bounds of (n, N, TPR, FPR)."""
    from scipy.special import bdtr

    from jaxmle import Bounds, Counts, certify
    from jaxmle._data import Problem
    from jaxmle._inference._bounds_test import contradicted
    from jaxmle._inference._exact import ExactTest, Hypothesis
    from jaxmle._inference._fit import fit_flat
    from jaxmle._inference._profile import branches
    from jaxmle._inference._simulate import streams

    n, judged, (tpr, fpr) = cell
    rng = np.random.default_rng([seed, n, judged, JUDGES.index((tpr, fpr)), 1])
    designs = list(itertools.product(claims, kinds))
    data = {claim: draw(rng, n, judged, claim[0], tpr, fpr, size) for claim in claims}
    columns = [np.concatenate([data[claim][i] for claim, _ in designs]) for i in range(6)]
    ends = np.repeat([box(tpr, fpr, kind) for _, kind in designs], size, axis=0).T
    limit = np.repeat([claim[1] for claim, _ in designs], size)
    total = len(limit)
    problem = Problem.of([*columns, np.zeros(total), np.ones(total), *ends])
    free = fit_flat(problem, "internal")
    test = Hypothesis(branches(free)[1], limit, free.failure_rate_set[1], streams(problem))
    # What `certify` does for the verdict, without the upper limits.
    p_value = ExactTest("internal", "random", seed, 0.1 * 0.05, SURE).p_values(test)
    verdicts = {
        "exact": (p_value <= 0.05) & ~contradicted(free),
        "profile": certify(
            Counts(*columns),
            Bounds(tpr=(ends[0], ends[1]), fpr=(ends[2], ends[3])),
            limit=limit,
            method="profile",
        ).certified,
        "human only, binomial": bdtr(columns[0] + columns[1], n, limit) <= 0.05,
    }
    for method, certified in verdicts.items():
        for i, ((rate, claimed), kind) in enumerate(designs):
            share = certified[i * size : (i + 1) * size].mean()
            cell_values = (n, judged, rate, claimed, tpr, fpr, kind, method, size, share)
            yield dict(zip(CERTIFICATE_FIELDS, cell_values, strict=True))


def compute(out, quick, size, tests, seed):
    """Run what is not there yet."""
    coverage = _results.Resumed(out / "coverage.csv", COVERAGE_FIELDS, ("n", "N", "tpr", "fpr"))
    errors = _results.Resumed(out / "certificate_errors.csv", CERTIFICATE_FIELDS, ("n", "N", "tpr", "fpr"))
    power = _results.Resumed(out / "certificate_power.csv", CERTIFICATE_FIELDS, ("n", "N", "tpr", "fpr"))
    holding = BOUNDS[:-1]
    grid = list(itertools.product(SIZES, JUDGED, JUDGES))
    if quick:
        grid = [(50, 10_000, (0.9, 0.05))]
    work = []
    for cell in grid:
        n, judged, judge = cell
        key = (n, judged, *judge)
        if not coverage.holds(*key):
            work.append((coverage, coverage_rows, (cell, size, seed)))
        at_limit = [(rate, rate) for rate in RATES]
        if not errors.holds(*key):
            work.append((errors, certificate_rows, (cell, at_limit, holding, tests, seed)))
        if judged == 10_000 and not power.holds(*key):
            work.append((power, certificate_rows, (cell, CLAIMS, holding, tests, seed)))
    _results.fill(work)


def thin(out, quick, size, seed):
    """Run the thin cells that are not there yet, and print what holds."""
    path = out / "thin.csv"
    table = _results.Resumed(path, _thin.FIELDS, _thin.KEY)
    work = []
    for cell in _thin.CELLS[:: 8 if quick else 1]:
        if not table.holds(*_thin.key_of(cell)):
            work.append((table, _thin.rows, (cell, size, seed)))
    _results.fill(work)
    _thin.report(_results.numbers(path))


def main():
    """Compute what is missing, then print the summary and draw the figures."""
    parser = _results.grid_parser(__doc__, quick="one design only, about a minute", data_sets=100)
    parser.add_argument("--figures", action="store_true", help="only summarize and draw")
    parser.add_argument("--thin", action="store_true", help="the thin cells, 1,000 data sets each by default")
    parser.add_argument("--tests", type=int, default=50, help="certificates a cell (default 50)")
    arguments = parser.parse_args()
    out = _results.folder_of(arguments)
    if arguments.thin:
        size = 1000 if arguments.data_sets == parser.get_default("data_sets") else arguments.data_sets
        thin(out, arguments.quick, size, arguments.seed)
        return
    if not arguments.figures:
        compute(out, arguments.quick, arguments.data_sets, arguments.tests, arguments.seed)
    from benchmarks._coverage_report import report

    report(out)


if __name__ == "__main__":
    main()
