"""The table of looks: errors of all looks are at most what was said; those without a plan are not."""

from scipy.stats import binom

from benchmarks import _results, looks


def test_errors_over_all_looks_are_at_most_what_was_said():
    rows = _results.read(_results.RESULTS / "looks.csv")
    errors = [row for row in rows if row["rate"] == row["limit"]]
    assert {row["method"] for row in errors} == set(looks.METHODS)
    for row in errors:
        size = int(row["data_sets"])
        wrong = round(float(row["certified"]) * size)
        if row["method"] != "naive":
            assert binom.sf(wrong - 1, size, looks.ALPHA) > 0.01, row
    assert max(float(row["certified"]) for row in errors if row["method"] == "naive") > 0.1


def test_what_earlier_looks_took_is_given_back_as_power():
    rows = _results.read(_results.RESULTS / "looks.csv")
    power = {
        (row["method"], row["bounds"], row["n"]): float(row["certified"])
        for row in rows
        if row["rate"] != row["limit"]
    }
    for (method, *cell), share in power.items():
        if method in ("obrien-fleming", "pocock"):
            assert share >= power[f"{method} increments", *cell]


def test_errors_over_rounds_that_plans_decide_are_those_of_counted_looks():
    rows = {(row["design"], row["method"]): row for row in _results.read(_results.RESULTS / "rounds.csv")}
    for kind in ("random", "by verdict"):
        for name in ("profile, counted", "exact, counted", "profile, not counted"):
            row = rows[kind, f"{name}: certified below the truth"]
            size = int(row["queues"])
            wrong = round(float(row["value"]) * size)
            # Not counted, it is plainly more than was said.
            assert (binom.sf(wrong - 1, size, looks.ALPHA) > 0.02) == (name != "profile, not counted"), row
