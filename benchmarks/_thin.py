"""Cells in which data are thin, tied or lopsided: how often what each method says holds.

For intervals and upper limits "holds" is their coverage, for certificates the share of data sets at the
limit itself that are not certified. The width of an upper limit is the mean limit; certificates have none.
"""

import numpy as np

from benchmarks._samples import cell_rates, flag_rate

# (name, design, labels, judged items, failure rate, TPR, FPR, half-width of the bounds or None)
CELLS = (
    *(
        ("no failure expected", "random", n, 10_000, rate, 0.9, 0.05, half)
        for n, rate in ((20, 0.005), (50, 0.002), (50, 0.01), (149, 0.01), (300, 0.003))
        for half in (None, 0.03)
    ),
    ("few failures", "random", 50, 1_000, 0.03, 0.9, 0.05, None),
    ("few failures", "random", 50, 10_000, 0.03, 0.9, 0.05, None),
    ("few failures", "random", 100, 10_000, 0.02, 0.6, 0.01, None),
    ("few failures", "random", 50, 1_000, 0.03, 0.3, 0.01, None),
    ("few failures", "random", 149, 1_300, 0.01, 0.5, 0.5, None),
    ("few failures", "random", 60, 5_000, 0.03, 0.6, 0.3, None),
    ("few failures", "random", 100, 5_000, 0.02, 0.9, 0.05, None),
    ("few failures", "random", 100, 5_000, 0.02, 0.9, 0.05, 0.03),
    ("few failures", "random", 30, 2_000, 0.005, 0.9, 0.02, None),
    *(
        ("judge near chance", "random", n, 10_000, rate, 0.55, 0.5, None)
        for n in (50, 100)
        for rate in (0.05, 0.1, 0.3)
    ),
    *(
        ("labels by verdict", "by-verdict", (flagged, passed), 10_000, rate, 0.9, 0.05, half)
        for flagged, passed, rate in ((2, 100, 0.05), (50, 50, 0.02), (5, 45, 0.1), (30, 10, 0.1))
        for half in (None, 0.05)
    ),
    *(
        ("external", "external", (failures, passes), judged, rate, tpr, fpr, half)
        for failures, passes, judged, rate, tpr, fpr, half in (
            (50, 50, 100_000, 0.05, 0.9, 0.05, None),
            (50, 50, 100_000, 0.1, 0.8, 0.1, None),
            (20, 20, 1_000, 0.1, 0.9, 0.05, None),
            (20, 200, 10_000, 0.02, 0.9, 0.02, 0.05),
            (50, 50, 100_000, 0.01, 0.9, 0.05, 0.05),
        )
    ),
    # Not thin: the two designs that came out lowest over the grid of `coverage`, with more data sets.
    ("many labels", "random", 500, 100_000, 0.1, 0.9, 0.05, None),
    ("many labels", "random", 500, 10_000, 0.05, 0.65, 0.3, 0.05),
    *(
        ("these items", "items", n, judged, rate, tpr, fpr, half)
        for n, judged, rate, tpr, fpr, half in (
            (200, 300, 0.1, 0.8, 0.1, None),
            (200, 300, 0.1, 0.8, 0.1, 0.05),
            (200, 300, 0.02, 0.9, 0.05, None),
            (160, 240, 0.3, 0.8, 0.1, None),
            (50, 450, 0.05, 0.9, 0.05, None),
            (50, 950, 0.01, 0.9, 0.05, 0.03),
        )
    ),
)
METHODS = (
    "profile, calibrated",
    "profile, calibrated, for all like them",
    "profile, calibrated, upper limit",
    "profile, chi-square",
    "profile, chi-square, upper limit",
    "certificate, exact",
    "certificate, profile",
    "human only, Clopper-Pearson",
    "human only, Wilson",
    "PPI++",
)
FIELDS = (
    "cell", "design", "labels", "N", "failure_rate", "tpr", "fpr", "bounds", "method", "data_sets", "holds",
    "width",
)  # fmt: skip
KEY = FIELDS[:8]


def draw(rng, design, n, judged, rate, tpr, fpr, size):
    """Counts of ``size`` data sets with the true parameters, as six columns."""
    q = flag_rate(rate, tpr, fpr)
    flagged = rng.binomial(judged, q, size)
    if design == "random":
        tp, fn, fp, tn = rng.multinomial(n, cell_rates(rate, tpr, fpr), size).T
    elif design == "external":
        tp, fp = rng.binomial(n[0], tpr, size), rng.binomial(n[1], fpr, size)
        fn, tn = n[0] - tp, n[1] - fp
    else:
        pos, neg = np.minimum(n[0], flagged), np.minimum(n[1], judged - flagged)
        tp, fn = rng.binomial(pos, rate * tpr / q), rng.binomial(neg, rate * (1 - tpr) / (1 - q))
        fp, tn = pos - tp, neg - fn
        return [x.astype(float) for x in (tp, fn, fp, tn, flagged - pos, judged - flagged - neg)]
    return [x.astype(float) for x in (tp, fn, fp, tn, flagged, judged - flagged)]


def draw_items(rng, n, judged, rate, tpr, fpr, size):
    """Counts of ``size`` sets of ``n`` labelled and ``judged`` other items, and the share that fails."""
    cells = cell_rates(rate, tpr, fpr)
    known, other = (rng.multinomial(number, cells, size).T.astype(float) for number in (n, judged))
    failures = known[0] + known[1] + other[0] + other[1]
    return [*known, other[0] + other[2], other[1] + other[3]], failures / (n + judged)


def key_of(cell):
    """A cell as the first columns of the table."""
    name, design, n, *numbers, half = cell
    sizes = n if design in ("random", "items") else "{} + {}".format(*n)
    return (name, design, sizes, *numbers, "none" if half is None else f"+-{half}")


def rows(cell, size, seed):
    """What holds in one cell."""
    from jaxmle import Bounds, Counts, baselines, fit
    from jaxmle._inference._certify import certify_fit
    from jaxmle._stats import clopper_pearson

    _, design, n, judged, rate, tpr, fpr, half = cell
    rng = np.random.default_rng([seed, 2, CELLS.index(cell)])
    of_items = design == "items"
    drawn, truth = (
        draw_items(rng, n, judged, rate, tpr, fpr, size)
        if of_items
        else (draw(rng, design, n, judged, rate, tpr, fpr, size), rate)
    )
    counts = Counts(*drawn)
    ends = [(0.0, 1.0)] * 2 if half is None else [(max(x - half, 0), min(x + half, 1)) for x in (tpr, fpr)]
    found = fit(
        counts,
        Bounds(tpr=ends[0], fpr=ends[1]),
        calibration="external" if design == "external" else "internal",
    )
    labels = {"labels": "by-verdict"} if design == "by-verdict" else {}
    key = key_of(cell)

    def row(method, holds, width=0.0):
        values = (*key, method, size, holds.mean(), np.mean(width))
        return dict(zip(FIELDS, values, strict=True))

    def holds(interval):
        # Shares of items are ratios of whole numbers: equal ones may differ in their last bit.
        return (interval.low <= truth + 1e-12) & (truth <= interval.high + 1e-12)

    target = {"target": "items"} if of_items else {}
    for kind, simulate in (("calibrated", True), ("chi-square", False))[: 1 if of_items else 2]:
        both = found.interval(simulate=simulate, seed=seed, **labels, **target)
        yield row(f"profile, {kind}", holds(both), both.high - both.low)
        upper = found.interval(simulate=simulate, seed=seed, side="upper", **labels, **target)
        yield row(f"profile, {kind}, upper limit", holds(upper), upper.high)
    if of_items:
        both = found.interval(seed=seed)
        yield row("profile, calibrated, for all like them", holds(both), both.high - both.low)
        return
    for method in ("exact", "profile"):
        certificate = certify_fit(found, limit=rate, method=method, seed=seed, upper_limits=False, **labels)
        yield row(f"certificate, {method}", ~certificate.certified) | {"width": ""}
    if design != "random":
        return
    low, high = clopper_pearson(counts.tp + counts.fn, counts.fp + counts.tn, 0.025)
    yield row("human only, Clopper-Pearson", (low <= rate) & (rate <= high), high - low)
    for method, baseline in (
        ("human only, Wilson", baselines.human_only),
        ("PPI++", baselines.ppi_plus_plus),
    ):
        result = baseline(counts)
        yield row(method, holds(result), result.high - result.low)


def report(table):
    """Print, for each kind of cell and method, the least share that holds, and widths beside Wilson's."""
    print("| cells | method | cells of it | least that holds | mean | mean width | to Wilson |")
    print("|---|---|--:|--:|--:|--:|--:|")
    wilson = {tuple(r[k] for k in KEY): r["width"] for r in table if r["method"] == "human only, Wilson"}
    for name in dict.fromkeys(row["cell"] for row in table):
        for method in METHODS:
            part = [row for row in table if row["cell"] == name and row["method"] == method]
            if not part:
                continue
            pairs = [(r["width"], wilson.get(tuple(r[k] for k in KEY))) for r in part]
            ratios = [own / other for own, other in pairs if other]
            shown = (
                f"{np.mean(ratios):.2f}" if ratios and "limit" not in method and "cert" not in method else ""
            )
            holds = [row["holds"] for row in part]
            width = "" if "certificate" in method else f"{np.mean([r['width'] for r in part]):.4f}"
            print(
                f"| {name} | {method} | {len(part)} | {min(holds):.3f} | {np.mean(holds):.3f} "
                f"| {width} | {shown} |"
            )
