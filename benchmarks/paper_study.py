"""The simulation study: constrained maximum likelihood against what else could be done with the same data.

    python -m benchmarks.paper_study            # everything, some minutes on two cores
    python -m benchmarks.paper_study --quick    # fewer data sets a cell, compared with the committed table
    python -m benchmarks.paper_study --report   # summary and figures from the committed table

Five studies after Shen et al. (arXiv 2604.03257), all data sets of a study fitted in one batch:

grid      judges x labels x failure rates, 10,000 judged items, bounds at the truth +-.02, +-.05, +-.10, none
paper     50 labels, 10,000 judged items, TPR .94, FPR .05; bounds +-.02 and +-.05 about the rates of
          another data set, TPR .948 and FPR .063, or about the truth
wrong     bounds of width +-.02 or +-.05 whose middle is off by up to .15
slices    a judge whose rates vary over 20 slices; labels from all slices or from half of them; one fit to all
balanced  25 failures and 25 passes labelled, given as a random sample ("internal") or as what they are
          ("external")

Intervals of maximum likelihood are profile intervals with chi-square cut-offs, and in the study "paper" also
calibrated ones. Rogan-Gladen refuses data sets without a failure, without a pass or with a judge no better
than chance: these are counted, missed by its coverage and left out of its error.
"""

import argparse
import time
import warnings

import numpy as np

from benchmarks import _results
from benchmarks._paper_study_report import compare, report
from benchmarks._samples import cell_rates, drawn_counts, flag_rate
from jaxmle import Bounds, Counts, baselines, fit, profile_interval

TABLE = _results.RESULTS / "paper_study.csv"
SEED = 260403257
JUDGED = 10_000
JUDGES = ((0.95, 0.03), (0.90, 0.05), (0.80, 0.10), (0.65, 0.30))
LABELS = (25, 50, 100, 200, 500)
RATES = (0.02, 0.05, 0.10, 0.20, 0.30)
PAPER = (0.94, 0.05)
TRANSFERRED = (0.948, 0.063)
N_SLICES = 20
CELL = ("study", "setting", "n_labeled", "failure_rate", "tpr", "fpr")


def draw(rng, cells, size):
    """Counts of shape ``(cells, size)``; a cell is n, failure rate, TPR, FPR."""
    n, rate, tpr, fpr = (np.array(column)[:, None] for column in zip(*cells, strict=True))
    return drawn_counts(rng, rate, tpr, fpr, n, JUDGED, (len(cells), size))


def around(tpr, fpr, half):
    """Bounds of half-width ``half`` about rates that broadcast against ``(cells, 1)``."""
    middle = (np.reshape(np.asarray(rate, float), (-1, 1)) for rate in (tpr, fpr))
    pairs = [tuple(np.clip([rate - half, rate + half], 0, 1)) for rate in middle]
    return Bounds(tpr=pairs[0], fpr=pairs[1])


def flat(values, shape):
    """Each of the values broadcast to ``shape`` and laid out in one row."""
    return [np.broadcast_to(value, shape).ravel() for value in values]


def likelihood(counts, bounds, *, calibration="internal", simulate=False):
    """Estimates and interval ends by maximum likelihood, three arrays of the shape of ``counts``."""
    shape = counts.shape
    pairs = [flat(pair, shape) for pair in (bounds.failure_rate, bounds.tpr, bounds.fpr)]
    data, limits = Counts(*flat(counts.values(), shape)), Bounds(*map(tuple, pairs))
    rate = fit(data, limits, calibration=calibration).failure_rate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that balanced labels are no random sample is the point
        each = profile_interval(data, limits, simulate=simulate, calibration=calibration)
    return [np.reshape(value, shape) for value in (rate, each.low, each.high)]


def rivals(counts):
    """The same by other methods; NaN where a method refuses."""
    found, data = {}, Counts(*flat(counts.values(), counts.shape))
    for name, method in (
        ("PPI++", baselines.ppi_plus_plus),
        ("PPI", baselines.ppi),
        ("human only", baselines.human_only),
        ("judge only", baselines.judge_only),
        ("Rogan-Gladen", baselines.rogan_gladen),
    ):
        kept = np.ones(data.shape, bool)
        if name == "Rogan-Gladen":
            tp, fn, fp, tn = data.values()[:4]
            kept = (tp + fn > 0) & (fp + tn > 0) & (tp * (fp + tn) > fp * (tp + fn))
        values = np.full((3, kept.size), np.nan)
        one = method(data[kept])
        values[:, kept] = one.estimate, one.low, one.high
        found[name] = values.reshape(3, *counts.shape)
    return found


def rows_of(study, setting, cells, truth, found):
    """One row a cell and method; ``truth`` broadcasts against ``(cells, size)``."""
    rows = []
    for name, (rate, low, high) in found.items():
        error = rate - np.broadcast_to(truth, (len(cells), np.shape(truth)[1]))[:, : rate.shape[1]]
        inside = (low - rate <= -error) & (-error <= high - rate)
        for i, cell in enumerate(cells):
            kept = error[i][np.isfinite(error[i])]
            rmse = np.sqrt(np.mean(kept**2))
            numbers = {
                "data_sets": rate.shape[1],
                "refused": np.mean(~np.isfinite(error[i])),
                "rmse": rmse,
                "rmse_se": np.std(kept**2) / (2 * rmse * np.sqrt(len(kept))),
                "bias": np.mean(kept),
                "sd": np.std(kept),
                "coverage": np.mean(inside[i]),
                "width": np.nanmean((high - low)[i]),
            }
            rows.append(dict(zip(CELL, (study, setting, *cell), strict=True)) | {"method": name} | numbers)
    return rows


def truth_of(cells):
    return np.array([cell[1] for cell in cells])[:, None]


def grid(rng, size):
    cells = [(n, rate, *judge) for judge in JUDGES for n in LABELS for rate in RATES]
    counts = draw(rng, cells, size)
    tpr, fpr = ([cell[k] for cell in cells] for k in (2, 3))
    found = {"ML, no bounds": likelihood(counts, Bounds())}
    for half in (0.10, 0.05, 0.02):
        found[f"ML, +-{half:.2f}"] = likelihood(counts, around(tpr, fpr, half))
    return rows_of("grid", "", cells, truth_of(cells), found | rivals(counts))


def paper(rng, size):
    cells = [(50, rate, *PAPER) for rate in (0.05, 0.10, 0.20, 0.30)]
    counts = draw(rng, cells, 2 * size)
    some = Counts(*(value[:, : size // 5] for value in counts.values()))
    found = {"ML, no bounds": likelihood(counts, Bounds())}
    for name, middle in (("transferred", TRANSFERRED), ("truth", PAPER)):
        for half in (0.05, 0.02):
            bounds = around(*middle, half)
            found[f"ML, {name} +-{half:.2f}"] = likelihood(counts, bounds)
            found[f"ML, {name} +-{half:.2f}, calibrated"] = likelihood(some, bounds, simulate=True)
    return rows_of("paper", "", cells, truth_of(cells), found | rivals(counts))


def wrong(rng, size):
    """The judge is said to be better or worse than it is: by TPR, FPR or both."""
    judge, rows = (0.80, 0.20), []
    cells = [(n, rate, *judge) for n in (50, 200) for rate in (0.10, 0.30)]
    counts = draw(rng, cells, size)
    always = {"ML, no bounds": likelihood(counts, Bounds())} | rivals(counts)
    rows += rows_of("wrong", "bounds at the truth", cells, truth_of(cells), always)
    for which, toward in (("TPR too high", (1, 0)), ("TPR too low", (-1, 0)), ("FPR too high", (0, 1)),
                          ("FPR too low", (0, -1)), ("judge too good", (1, -1))):  # fmt: skip
        for off in (0.0, 0.025, 0.05, 0.10, 0.15):
            middle = [rate + sign * off for rate, sign in zip(judge, toward, strict=True)]
            found = {f"ML, +-{half:.2f}": likelihood(counts, around(*middle, half)) for half in (0.05, 0.02)}
            rows += rows_of("wrong", f"{which} by {off:.3f}", cells, truth_of(cells), found)
    return rows


def slices(rng, size):
    """The judge's rates vary over slices; each slice has as many judged items, not as many failures."""
    cell, rows = (100, 0.10, 0.90, 0.05), []
    for spread in (0.0, 0.05, 0.10, 0.20):
        shape = (size, N_SLICES)
        rate = rng.beta(1.2, 1.2 * 9, shape)
        tpr, fpr = (
            rng.beta(mean * k, (1 - mean) * k, shape) if sd else np.full(shape, mean)
            for mean, sd in ((0.90, spread), (0.05, spread / 2))
            for k in [mean * (1 - mean) / max(sd, 1e-9) ** 2 - 1]
        )
        for chosen, use in (("all slices", N_SLICES), ("half of the slices", N_SLICES // 2)):
            labeled = rng.multinomial(cell[0], cell_rates(rate, tpr, fpr)[:, :use].mean(1))
            q = flag_rate(rate, tpr, fpr).mean(1)
            flagged = rng.binomial(JUDGED, q)
            counts = Counts(*labeled.T[:, None], flagged[None], JUDGED - flagged[None])
            found = {"ML, no bounds": likelihood(counts, Bounds())}
            for half in (0.05, 0.02):
                found[f"ML, +-{half:.2f}"] = likelihood(counts, around(0.90, 0.05, half))
            setting = f"SD {spread:.2f}, labels from {chosen}"
            rows += rows_of("slices", setting, [cell], rate.mean(1)[None], found | rivals(counts))
    return rows


def balanced(rng, size):
    cells = [(50, rate, 0.90, 0.05) for rate in (0.05, 0.10, 0.30)]
    shape = (len(cells), size)
    tp, fp = rng.binomial(25, 0.90, shape), rng.binomial(25, 0.05, shape)
    flagged = rng.binomial(JUDGED, flag_rate(truth_of(cells), 0.90, 0.05), shape)
    counts = Counts(tp, 25 - tp, fp, 25 - fp, flagged, JUDGED - flagged)
    found = {}
    for calibration in ("internal", "external"):
        for name, bounds in (("no bounds", Bounds()), ("+-0.02", around(0.90, 0.05, 0.02))):
            found[f"ML, {name}, {calibration}"] = likelihood(counts, bounds, calibration=calibration)
    return rows_of("balanced", "", cells, truth_of(cells), found | rivals(counts))


def study(size):
    """All rows, and the seconds they took."""
    rows, start = [], time.time()
    for i, part in enumerate((grid, paper, wrong, slices, balanced)):
        rows += part(np.random.default_rng([SEED, i]), size)
        print(f"{part.__name__}: {time.time() - start:.0f} s", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="300 data sets a cell, compared with the table")
    parser.add_argument("--report", action="store_true", help="summary and figures of the table")
    options = parser.parse_args()
    if options.quick:
        raise SystemExit(compare(study(300), TABLE))
    if not options.report:
        heading = [f"python -m benchmarks.paper_study; seed {SEED}"]
        plain = (*CELL, "method", "data_sets")
        _results.write(TABLE, study(4000), "{:.5f}".format, plain=plain, heading=heading)
    report(TABLE, _results.RESULTS)


if __name__ == "__main__":
    main()
