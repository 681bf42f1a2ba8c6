import csv
import json

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from jaxmle import Bounds, Clusters, Counts, adjust_p_values, drift
from jaxmle._cli import main


def anchor(tp, fn, fp, tn):
    return Counts(tp, fn, fp, tn, *(np.zeros(np.shape(tp), int) for _ in range(2)))


def test_limits_and_p_values_are_the_exact_binomial_ones():
    found = drift(anchor(40, 20, 4, 96), Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.10)))
    limits = binomtest(40, 60).proportion_ci(0.975, method="exact")
    assert (found.tpr.low, found.tpr.high) == pytest.approx((limits.low, limits.high), abs=1e-9)
    assert found.tpr.p_value == pytest.approx(2 * binom.cdf(40, 60, 0.85), rel=1e-9)
    assert found.p_value == pytest.approx(2 * found.tpr.p_value)
    assert found.fpr.estimate == pytest.approx(0.04)
    assert found.verdict == "outside"


@pytest.mark.parametrize(
    ("bounds", "confidence"),
    [
        ({"tpr": (0.6, 0.9), "fpr": (0.0, 0.1)}, 0.975),
        ({"tpr": (0.6, 0.9)}, 0.95),
        ({"fpr": (0.0, 0.1)}, 0.95),
    ],
)
def test_rates_with_bounds_share_the_error(bounds, confidence):
    found = drift(anchor(40, 20, 14, 86), Bounds(**bounds))
    for rate, hits, n in ((found.tpr, 40, 60), (found.fpr, 14, 100)):
        limits = binomtest(hits, n).proportion_ci(confidence, method="exact")
        assert (rate.low, rate.high) == pytest.approx((limits.low, limits.high), abs=1e-9)
    smaller = min(found.tpr.p_value, found.fpr.p_value)
    assert found.p_value == pytest.approx(min(len(bounds) * smaller, 1))


@pytest.mark.parametrize(
    ("cells", "bounds", "verdict"),
    [
        ((180, 20, 4, 196), Bounds(tpr=(0.8, 0.97), fpr=(0.0, 0.08)), "inside"),
        ((18, 2, 1, 19), Bounds(tpr=(0.8, 0.97), fpr=(0.0, 0.08)), "undecided"),
        ((180, 20, 60, 140), Bounds(tpr=(0.8, 0.97), fpr=(0.0, 0.08)), "outside"),
        ((200, 0, 4, 196), Bounds(tpr=(0.8, 0.9)), "outside"),
        ((0, 0, 4, 196), Bounds(tpr=(0.8, 0.9)), "undecided"),
        ((90, 10, 0, 0), Bounds(tpr=(0.8, 1.0)), "inside"),
    ],
)
def test_three_verdicts(cells, bounds, verdict):
    found = drift(anchor(*cells), bounds)
    assert found.verdict == verdict
    assert str(found).startswith(verdict)
    # "outside" and "its interval and the bounds do not meet" are one statement.
    apart = [
        rate.high < pair[0] or rate.low > pair[1]
        for rate, pair in ((found.tpr, bounds.tpr), (found.fpr, bounds.fpr))
    ]
    assert any(apart) == (verdict == "outside")


@pytest.mark.parametrize(("tpr", "fpr"), [(0.85, 0.1), (0.95, 0.1), (0.85, 0.01), (0.9, 0.05)])
def test_false_alarms_are_as_rare_as_promised(tpr, fpr):
    rng = np.random.default_rng(1)
    tp, fp = rng.binomial(60, tpr, 4000), rng.binomial(140, fpr, 4000)
    found = drift(anchor(tp, 60 - tp, fp, 140 - fp), Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.1)))
    assert found.outside.sum() <= binom.ppf(0.999, 4000, 0.05)


def test_what_is_detectable_is_detected_four_times_in_five():
    bounds = Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.1))
    found = drift(anchor(50, 10, 5, 135), bounds)
    rng = np.random.default_rng(2)
    for name, n, end in (("tpr", 60, 0), ("fpr", 140, 1)):
        rate = getattr(found, name).detectable[end]
        hits = rng.binomial(n, rate, 4000)
        cells = (hits, n - hits, 5, 135) if name == "tpr" else (54, 6, hits, n - hits)
        result = drift(anchor(*np.broadcast_arrays(*cells)), bounds)
        share = np.mean(getattr(result, name).p_value <= 0.025)
        assert share == pytest.approx(0.8, abs=0.03)
    # All 60 flagged would not be enough to speak against .95, nor no flag of 140 against .01.
    assert found.tpr.detectable[1] is None
    assert found.fpr.detectable[0] is None
    larger = drift(anchor(500, 100, 50, 1350), bounds)
    assert larger.tpr.detectable[0] > found.tpr.detectable[0] + 0.05


def test_a_batch_is_its_elements():
    cells = [(40, 20, 4, 96), (0, 0, 4, 96), (55, 5, 20, 80)]
    bounds = Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.1))
    many = drift(anchor(*np.array(cells).T), bounds)
    for i, one in enumerate(drift(anchor(*cell), bounds) for cell in cells):
        assert many.verdict[i] == one.verdict
        assert many.p_value[i] == pytest.approx(one.p_value)
        assert many.tpr.estimate[i] == one.tpr.estimate
        assert tuple(end[i] for end in many.tpr.detectable) == one.tpr.detectable
    assert many.tpr.estimate[1] is None
    assert len(many) == 3
    assert str(many).startswith("2 of 3")
    own = drift(anchor(*np.array(cells).T), Bounds(tpr=([0.6, 0, 0], [0.7, 1, 1]), fpr=(0, 0.3)))
    assert own.verdict[0] != "outside"


@pytest.mark.parametrize(
    ("counts", "bounds", "error", "message"),
    [
        (Counts(0, 0, 0, 0, 5, 5), Bounds(tpr=(0.8, 1)), ValueError, "both verdicts"),
        (Counts(1.5, 0, 0, 0, 5, 5), Bounds(tpr=(0.8, 1)), ValueError, "whole numbers"),
        (Counts(1, 0, 0, 0, 5, 5), Bounds(), ValueError, "must say something"),
        (Counts(1, 0, 0, 0, 5, 5), Bounds(tpr=([0.8, 0.7], [1, 1])), ValueError, "shape"),
        (Counts(1, 0, 0, 0, 5, 5), None, TypeError, "`bounds` must be"),
        ([1, 0, 0, 0, 5, 5], Bounds(), TypeError, "`anchor_counts` must be"),
    ],
)
def test_what_tells_nothing_is_refused(counts, bounds, error, message):
    with pytest.raises(error, match=message):
        drift(counts, bounds)
    with pytest.raises(ValueError, match="`confidence`"):
        drift(Counts(1, 0, 0, 0, 0, 0), Bounds(tpr=(0.8, 1)), confidence=95)


BOUNDS = Bounds(tpr=(0.85, 0.95), fpr=(0.01, 0.1))


def one_each(tp, fn, fp, tn, size=1):
    """Clusters of ``size`` items that are all alike."""
    items = size * np.repeat(np.eye(6, dtype=int)[:4], (tp, fn, fp, tn), axis=0)
    return Clusters(Counts(*items.T), np.zeros(len(items), int), 1)


def clustered(seed, n_clusters, icc, tpr, fpr, n_slices):
    """Clusters of ten items; failures and the judge's errors are correlated within them."""
    rng = np.random.default_rng(seed)
    spread = (1 - icc) / icc

    def shared(rate):
        return rng.beta(rate * spread, (1 - rate) * spread, (n_slices, n_clusters))

    failures = rng.binomial(10, shared(0.4))
    tp, fp = rng.binomial(failures, shared(tpr)), rng.binomial(10 - failures, shared(fpr))
    cells = [tp, failures - tp, fp, 10 - failures - fp, 0 * tp, 0 * tp]
    return Clusters(
        Counts(*(cell.reshape(-1) for cell in cells)), np.repeat(np.arange(n_slices), n_clusters), n_slices
    )


@pytest.mark.parametrize("icc", [0.2, pytest.param(0.5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n_clusters", [20, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("tpr", "fpr"), [(0.85, 0.1), (0.95, 0.01), (0.85, 0.05)])
def test_false_alarms_are_rare_where_items_come_in_clusters(n_clusters, icc, tpr, fpr):
    clusters = clustered(1, n_clusters, icc, tpr, fpr, 2000)
    found = drift(clusters.totals, BOUNDS, clusters=clusters)
    assert found.outside.mean() <= 0.06
    if tpr < 0.9 and fpr == 0.1:
        assert drift(clusters.totals, BOUNDS).outside.mean() > 0.08


def test_drift_in_clusters_is_found():
    clusters = clustered(2, 60, 0.2, 0.6, 0.05, 400)
    found = drift(clusters.totals, BOUNDS, clusters=clusters)
    assert found.outside.mean() > 0.9
    within = clustered(3, 600, 0.2, 0.9, 0.05, 100)
    assert drift(within.totals, BOUNDS, clusters=within).inside.mean() > 0.9


@pytest.mark.parametrize("size", [1, 4])
def test_clusters_of_items_alike_tell_as_much_as_one_item_each(size):
    clusters = one_each(400, 200, 40, 960, size)
    found = drift(clusters.totals, BOUNDS, clusters=clusters)
    alone = drift(anchor(400, 200, 40, 960), BOUNDS)
    for one, other, n in ((found.tpr, alone.tpr, 600), (found.fpr, alone.fpr, 1000)):
        assert one.n_items == size * n
        # One degree of freedom is that of the mean, of clusters as of items; of clusters of one item none.
        assert one.n_effective == pytest.approx([size * n * (n - 1) / (size * n - 1)])
        assert one.n_clusters == pytest.approx([n])
        assert one.estimate == pytest.approx([other.estimate])
        assert one.low == pytest.approx([other.low], rel=0.01)
        assert one.high == pytest.approx([other.high], rel=0.03)
        assert one.detectable[0][0] == pytest.approx(other.detectable[0], abs=2e-3)
    few = one_each(40, 20, 4, 96, 2)
    by_t = drift(few.totals[0], BOUNDS, clusters=few)
    assert by_t.tpr.p_value > drift(few.totals[0], BOUNDS).tpr.p_value
    # What lies outside its interval is found outside: one statement, by the same distribution.
    outside = drift(few.totals[0], Bounds(tpr=(by_t.tpr.high + 1e-6, 1), fpr=(0.01, 0.1)), clusters=few)
    touching = drift(few.totals[0], Bounds(tpr=(by_t.tpr.high - 1e-6, 1), fpr=(0.01, 0.1)), clusters=few)
    assert outside.tpr.p_value < 0.025 < touching.tpr.p_value
    assert outside.tpr.p_value == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize(
    ("clusters", "error", "message"),
    [
        ([1, 2], TypeError, "`clusters` must be a Clusters; got list"),
        (one_each(40, 20, 4, 95), ValueError, "must add up to `anchor_counts`"),
        (clustered(1, 3, 0.2, 0.9, 0.1, 2), ValueError, "of the slices of `anchor_counts`"),
    ],
)
def test_clusters_of_other_items_are_refused(clusters, error, message):
    with pytest.raises(error, match=message):
        drift(anchor(40, 20, 4, 96), BOUNDS, clusters=clusters)


@pytest.fixture
def verdicts(tmp_path):
    """200 failures, 18 in 20 of them caught, and 400 passes, 1 in 20 flagged; 50 rows without a label."""
    path = tmp_path / "anchor.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["topic", "human", "judge"])
        for i in range(600):
            truth = i < 200
            flag = i % 20 < 18 if truth else i % 20 == 0
            out.writerow([("a", "[bold]b")[i % 2], "fail" if truth else "pass", int(flag)])
        out.writerows([["c", "", 1]] * 50)
    return str(path)


def test_the_command_answers_by_its_exit_status(verdicts, capsys):
    columns = ["drift", verdicts, "--judge", "judge", "--human", "human", "--no-cache"]
    assert main([*columns, "--tpr", "0.8:0.95", "--fpr", ":0.1"]) == 0
    out = capsys.readouterr().out
    assert "INSIDE" in out
    assert "50 items without a human verdict" in out
    assert main([*columns, "--tpr", "0.88:0.92"]) == 0
    out = capsys.readouterr().out
    assert "UNDECIDED" in out
    assert "4 times in 5, a TPR below" in out
    assert main([*columns, "--tpr", "0.96:1", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == document["total"]["verdict"] == "outside"
    assert document["total"]["tpr"]["estimate"] == pytest.approx(0.9)
    assert document["total"]["fpr"]["detectable"] == [None, None]


def test_slices_are_adjusted_and_escaped(verdicts, capsys):
    columns = ["drift", verdicts, "--judge", "judge", "--human", "human", "--by", "topic", "--no-cache"]
    status = main([*columns, "--fpr", ":0.05", "--json"])
    document = json.loads(capsys.readouterr().out)
    # Odd rows are never flagged there, and 20 of the 200 even ones are.
    assert [one["key"]["topic"] for one in document["slices"]] == ["[bold]b", "a"]
    assert [one["fpr"]["estimate"] for one in document["slices"]] == pytest.approx([0, 0.1])
    cells = np.array([(80, 20, 0, 200), (100, 0, 20, 180), (180, 20, 20, 380)])
    alone = drift(anchor(*cells.T), Bounds(fpr=(0, 0.05)))
    records = [*document["slices"], document["total"]]
    assert alone.p_value[1] < 0.01
    assert [one["p_value"] for one in records] == pytest.approx(adjust_p_values(alone.p_value, "holm"))
    assert document["slices"][1]["p_value"] == pytest.approx(3 * alone.p_value[1])
    assert status == int(document["verdict"] == "outside")
    assert any("topic = 'c'" in note for note in document["warnings"])
    main([*columns, "--fpr", ":0.05"])
    assert "[bold]b" in capsys.readouterr().out


def test_one_slice_and_all_are_one_test(verdicts, capsys):
    columns = [
        "drift",
        verdicts,
        "--judge",
        "judge",
        "--human",
        "human",
        "--fpr",
        ":0.03",
        "--no-cache",
        "--json",
    ]
    main(columns)
    alone = json.loads(capsys.readouterr().out)["total"]["p_value"]
    main([*columns, "--by", "topic", "--where", "topic = 'a'"])
    document = json.loads(capsys.readouterr().out)
    assert len(document["slices"]) == 1
    assert document["slices"][0]["p_value"] == document["total"]["p_value"] < alone


def test_the_table_says_which_p_belongs_to_what(verdicts, capsys):
    given = ["drift", verdicts, "--judge", "judge", "--human", "human", "--no-cache"]
    limits = ["--tpr", "0.92:1", "--fpr", ":0.04"]
    assert main([*given, *limits]) == 0
    lines = [line.removeprefix("all").split() for line in capsys.readouterr().out.splitlines()]
    table = {words[0]: words for words in lines if words}
    alone = drift(anchor(180, 20, 20, 380), Bounds(tpr=(0.92, 1), fpr=(0, 0.04)))
    assert f"{alone.tpr.p_value:.4f}" in table["TPR"]
    assert f"{alone.fpr.p_value:.4f}" in table["FPR"]
    assert table["both"][1:] == ["undecided", f"{alone.p_value:.4f}", "600"]
    assert alone.tpr.p_value != alone.fpr.p_value != alone.p_value
    # A rate without bounds has no p.
    assert main([*given, *limits[:2]]) == 0
    line = next(x for x in capsys.readouterr().out.split("\n") if x.strip().startswith("FPR"))
    assert line.split()[5:] == ["none", "-", "400", "-"]


def test_drift_of_all_rows_counts_where_no_slice_shows_it(tmp_path, capsys):
    """Four slices of which none speaks against a TPR of .8 or more, and which together do."""
    path = tmp_path / "anchor.csv"
    rows = [f"{'abcd'[i % 4]},1,{int(i < 108)}" for i in range(160)]
    path.write_text("\n".join(["topic,human,judge", *rows]))
    given = ["drift", str(path), "--judge", "judge", "--human", "human", "--tpr", "0.8:", "--no-cache"]
    assert main([*given, "--by", "topic", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert {one["verdict"] for one in document["slices"]} == {"undecided"}
    assert document["total"]["verdict"] == document["verdict"] == "outside"
    alone = drift(anchor(108, 52, 0, 0), Bounds(tpr=(0.8, 1)))
    assert document["total"]["p_value"] == pytest.approx(5 * alone.p_value)
    assert main([*given, "--by", "topic"]) == 1
    assert "OUTSIDE: the judge has left its bounds (0 of 4 slices, and all together)" in " ".join(
        capsys.readouterr().out.split()
    )


def test_an_earlier_judging_gives_the_bounds(verdicts, capsys):
    columns = ["drift", verdicts, "--judge", "judge", "--human", "human", "--no-cache"]
    assert main([*columns, "--reference", verdicts]) == 0
    capsys.readouterr()
    assert main(columns) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "which bounds?" in err
    assert err.count("\n") == 1
    assert main([*columns, "--where", "topic = 'c'", "--tpr", "0.8:"]) == 2
    assert "an anchor set needs both" in capsys.readouterr().err


def test_published_verdicts(shared, capsys):
    """GPT-4 finds .57 of the refusals of XSTest: it is no judge with a TPR of .8."""
    path = str(shared / "data" / "xstest_overrefusal.csv")
    columns = ["drift", path, "--judge", "gpt4", "--human", "human", "--no-cache", "--json"]
    assert main([*columns, "--tpr", "0.8:", "--fpr", ":0.05"]) == 1
    found = json.loads(capsys.readouterr().out)["total"]
    assert found["counts"] == {"tp": 168, "fn": 127, "fp": 2, "tn": 953}
    assert found["tpr"]["high"] < 0.65
    assert main([*columns, "--tpr", "0.5:0.65", "--fpr", ":0.05"]) == 0


def test_the_command_takes_clusters(tmp_path, capsys):
    """200 failures of 20 prompts, each judged alike throughout: 14 of 20 say little against a TPR of .85."""
    path = tmp_path / "anchor.csv"
    lines = [f"{'ab'[i % 2]},1,{int(i // 10 < 14)},p{i // 10}" for i in range(200)]
    path.write_text("\n".join(["topic,human,judge,prompt_id", *lines]))
    given = ["drift", str(path), "--judge", "judge", "--human", "human", "--tpr", "0.85:", "--no-cache"]
    assert main([*given, "--json"]) == 1
    assert any("--cluster prompt_id" in note for note in json.loads(capsys.readouterr().out)["warnings"])
    assert main([*given, "--cluster", "prompt_id", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["total"]["tpr"]
    assert (found["n_items"], found["n_effective"]) == (200, pytest.approx(200 * 19 / 199))
    assert found["high"] > 0.85
    assert document["warnings"] == []
    assert main([*given, "--cluster", "prompt_id", "--by", "topic", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["slices"]) == 2
    assert main([*given, "--cluster", "prompt_id"]) == 0
    assert "200 (as 19.1)" in capsys.readouterr().out
    assert main([*given, "--cluster", "topic", "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["warnings"]
    assert any(note.startswith("TPR: the clusters tell as much as 2.0 of one size") for note in notes)


def test_labels_that_were_drawn_are_no_anchor_set(capsys):
    """Those by verdict would bend TPR and FPR."""
    assert main(["drift", "verdicts.csv", "--design", "queue.json", "--tpr", "0.8:0.9"]) == 2
    assert "No such option: --design" in capsys.readouterr().err
