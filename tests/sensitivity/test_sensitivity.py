import itertools
import json

import numpy as np
import pytest

from jaxmle import Bounds, Counts, certify, fit, profile_interval, sensitivity
from jaxmle._cli import main
from jaxmle._sensitivity._moved_bounds import NAMES, default_grid, moved, whole_grid

COUNTS = Counts(tp=14, fn=3, fp=5, tn=128, unlabeled_pos=200, unlabeled_neg=1300)
BOUNDS = Bounds(tpr=(0.80, 0.95), fpr=(0.02, 0.06))
LIMIT = 0.149


@pytest.fixture(scope="module")
def one():
    return sensitivity(COUNTS, BOUNDS, over="tpr.low", limit=LIMIT)


def upper_limit(bounds, **options):
    """The asymptotic upper limit: a scan asks for too many to simulate them."""
    return profile_interval(COUNTS, bounds, side="upper", simulate=False, **options).high


def effect(result, name):
    return next(effect for effect in result.effects if effect.bound == name)


def test_every_point_is_what_the_estimators_say_there(one):
    assert 0.8 in one.grid[0]
    for i in range(0, len(one.grid[0]), 5):
        bounds = Bounds(tpr=(one.grid[0][i], 0.95), fpr=(0.02, 0.06))
        interval = profile_interval(COUNTS, bounds, simulate=False)
        upper = upper_limit(bounds)
        assert one.estimate[i] == pytest.approx(fit(COUNTS, bounds).failure_rate, abs=1e-9)
        assert (one.low[i], one.high[i]) == pytest.approx((interval.low, interval.high), abs=1e-9)
        assert one.upper_limit[i] == pytest.approx(upper, abs=1e-9)
        assert one.certified[i] == (upper < LIMIT)
    assert set(one.status) == {"ok"}
    assert one.present.certified is True
    assert one.present_values == (0.8,)


def test_the_verdict_flips_at_the_tipping_point(one):
    (tip,) = one.tipping
    assert effect(one, "tpr.low").tipping == pytest.approx(tip, abs=1e-4)
    for shift, certified in ((-2e-4, False), (2e-4, True)):
        bounds = Bounds(tpr=(tip + shift, 0.95), fpr=(0.02, 0.06))
        assert (upper_limit(bounds) < LIMIT) is certified


def test_the_margin_that_the_verdict_survives(one):
    margin = effect(one, "margin").tipping
    for wider, certified in ((margin - 2e-4, True), (margin + 2e-4, False)):
        bounds = Bounds(tpr=(0.8 - wider, 0.95 + wider), fpr=(0.02 - wider, 0.06 + wider))
        assert (upper_limit(bounds) < LIMIT) is certified
    over = sensitivity(COUNTS, BOUNDS, over="margin", limit=LIMIT)
    assert over.tipping == pytest.approx([margin], abs=1e-4)


@pytest.mark.slow
def test_derivatives_agree_with_those_through_the_optimum():
    import jax

    from jaxmle import maximize

    bounds = Bounds(tpr=(0.88, 0.95), fpr=(0.045, 0.06))
    found = sensitivity(COUNTS, bounds, over="tpr.low", grid=[0.88])
    counts = Counts(*(float(value) for value in COUNTS.values()))

    def failure_rate(tpr_low, fpr_low):
        moved = Bounds(tpr=(tpr_low, 0.95), fpr=(fpr_low, 0.06))
        return maximize(counts, moved).params.failure_rate

    slopes = jax.grad(failure_rate, argnums=(0, 1))(0.88, 0.045)
    assert min(map(abs, slopes)) > 0.01
    for name, slope in zip(("tpr.low", "fpr.low"), slopes, strict=True):
        assert effect(found, name).d_estimate == pytest.approx(float(slope), rel=1e-3)
    assert effect(found, "tpr.high").d_estimate == pytest.approx(0, abs=1e-6)
    assert effect(found, "margin").d_estimate == pytest.approx(-float(sum(slopes)), rel=0.01)
    assert all(one.tipping is None for one in found.effects)
    assert found.certified is None
    assert found.present.certified is None


def test_two_bounds_make_a_map_and_a_line():
    result = sensitivity(COUNTS, BOUNDS, over=("tpr.low", "fpr.low"), limit=0.145)
    assert result.estimate.shape == tuple(map(len, result.grid)) == result.status.shape
    i, j = (list(values).index(value) for values, value in zip(result.grid, (0.8, 0.02), strict=True))
    assert result.upper_limit[i, j] == pytest.approx(result.present.upper_limit, abs=1e-9)
    assert result.tipping.shape == (len(result.tipping), 2)
    for tpr, fpr in result.tipping[:: max(1, len(result.tipping) // 6)]:
        assert upper_limit(Bounds(tpr=(tpr, 0.95), fpr=(fpr, 0.06))) == pytest.approx(0.145, abs=2e-4)


def test_by_default_the_bounds_that_matter_most_are_moved():
    bounds = Bounds(tpr=(0.6, 0.95), fpr=(0.02, 0.025))
    result = sensitivity(COUNTS, bounds, limit=0.145)
    slopes = {one.bound: abs(one.d_upper_limit) for one in result.effects if one.bound[:3] in ("tpr", "fpr")}
    rest = slopes.keys() - set(result.over)
    assert min(slopes[name] for name in result.over) >= max(slopes[name] for name in rest) - 1e-6
    assert "fpr.high" in result.over
    assert sensitivity(COUNTS, limit=0.145).over == ("tpr.low", "fpr.low")
    with pytest.raises(ValueError, match="goes with `over`"):
        sensitivity(COUNTS, bounds, grid=[0.1])


def test_points_without_an_answer_say_why():
    result = sensitivity(COUNTS, BOUNDS, over="tpr.low", grid=[0.5, 0.9, 0.96], limit=LIMIT)
    assert list(result.status) == ["ok", "ok", "low > high"]
    assert result.estimate.tolist()[2] is None
    assert not result.certified[2]
    known = sensitivity(COUNTS, BOUNDS, over="tpr", grid=[0.0, 0.2, 0.9, 1.0], limit=LIMIT)
    assert list(known.status) == ["impossible", "contradicted", "ok", "impossible"]
    assert known.upper_limit.tolist()[:2] == [None, None]
    assert known.estimate.tolist()[1] is not None
    for name in ("estimate", "low", "high", "upper_limit"):
        assert np.isfinite(getattr(known, name).compressed()).all()
    unlabeled = Counts(0, 0, 0, 0, 200, 1300)
    unknown = sensitivity(unlabeled, BOUNDS, over="tpr.low", limit=0.18)
    assert "not identified" in set(unknown.status)
    assert unknown.present.estimate is None
    assert effect(unknown, "tpr.low").d_estimate is None
    assert len(unknown.tipping) == 1
    assert unknown.present.low < unknown.present.high


def test_both_designs_and_design_effects():
    outside = sensitivity(COUNTS, BOUNDS, over="fpr.low", limit=0.2, calibration="external")
    i = list(outside.grid[0]).index(0.02)
    expected = profile_interval(COUNTS, BOUNDS, simulate=False, calibration="external")
    assert outside.high[i] == pytest.approx(expected.high, abs=1e-9)
    wide = sensitivity(COUNTS, BOUNDS, over="tpr.low", limit=0.2, design_effect=2.5, df=30)
    expected = upper_limit(BOUNDS, design_effect=2.5, df=30)
    assert wide.present.upper_limit == pytest.approx(expected, abs=1e-9)


def test_default_grids_hold_the_present_bound_and_stay_in_range():
    present = np.array([0.0, 1.0, 0.8, 0.95, 0.02, 0.06])
    for name, make in itertools.product(NAMES, (default_grid, whole_grid)):
        grid = make(name, present)
        ends = moved(present, (name,), grid[:, None])
        assert (np.diff(grid) > 1e-6).all()
        assert name in ("tpr", "fpr", "margin") or (ends == present).all(1).any()
        assert ((ends >= 0) & (ends <= 1)).all()
        assert (ends[:, 0::2] <= ends[:, 1::2]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"over": "tpr_low"}, "`over` must be one or two of"),
        ({"over": ()}, "one or two bounds; got 0"),
        ({"over": ("tpr.low", "fpr.low", "fpr.high")}, "got 3"),
        ({"over": ("tpr", "tpr.low")}, "moved apart"),
        ({"over": "tpr.low", "grid": [0.5, 0.4]}, "increasing"),
        ({"over": "tpr.low", "grid": []}, "`grid"),
        ({"over": "tpr.low", "grid": [0.5, 1.4]}, "in \\[0, 1\\]"),
        ({"over": ("tpr.low", "fpr.low"), "grid": [[0.5]]}, "2 rows"),
        ({"over": "tpr.low", "limit": 0}, "`limit` must be"),
        ({"over": "tpr.low", "limit": [0.1, 0.2]}, "`limit` must be one"),
        ({"over": "tpr.low", "confidence": 0.4}, "at least 0.5"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        sensitivity(COUNTS, **{"bounds": BOUNDS, **options})


def test_one_data_set_that_is_possible():
    with pytest.raises(ValueError, match="one data set"):
        sensitivity(COUNTS, Bounds(tpr=(np.array([0.1, 0.2]), 0.9)), over="tpr.low")
    with pytest.raises(ValueError, match="no feasible point"):
        sensitivity(COUNTS, Bounds(tpr=(0, 0)), over="tpr.low")


@pytest.fixture
def verdicts(tmp_path):
    cells = ["1,1"] * 14 + ["1,0"] * 3 + ["0,1"] * 5 + ["0,0"] * 128 + [",1"] * 200 + [",0"] * 1300
    path = tmp_path / "verdicts.csv"
    path.write_text("\n".join(["human,judge", *cells]) + "\n")
    return [
        str(path),
        *["--judge", "judge", "--human", "human", "--tpr", "0.8:0.95", "--fpr", "0.02:0.06", "--no-cache"],
    ]


def test_the_command_prints_one_document(verdicts, capsys, one):
    options = ["--limit", str(LIMIT), "--over", "tpr.low", "--json"]
    assert main(["sensitivity", *verdicts, *options]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert document["total"]["certified"] is True
    assert document["total"]["upper_limit"] == pytest.approx(one.present.upper_limit)
    assert document["tipping"] == pytest.approx(list(one.tipping))
    assert document["grid"]["tpr.low"] == pytest.approx(list(one.grid[0]))
    assert len(document["answers"]["estimate"]) == len(one.grid[0])
    assert {effect["bound"] for effect in document["effects"]} >= {"tpr.low", "margin"}
    assert any("tpr.low falling from 80% to 78" in line for line in document["tipping_in_words"])


@pytest.mark.slow
def test_the_command_prints_tables_and_draws(verdicts, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    png = tmp_path / "map.png"
    assert main(["sensitivity", *verdicts, "--limit", "0.145", "--png", str(png)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for text in (
        "NOT CERTIFIED: below 14.50%",
        "margin on all four",
        "now ",
        "*",
        "What would certify it: tpr",
    ):
        assert text in out
    assert png.read_bytes()[:4] == b"\x89PNG"
    options = ["--over", "tpr", "--grid", "0:1", "--points", "11", "--limit", "0.145"]
    assert main(["sensitivity", *verdicts, *options]) == 0
    out = capsys.readouterr().out
    for text in ("impossible", "data contradict the bounds", "pass", "fail"):
        assert text in out
    assert main(["sensitivity", *verdicts]) == 0
    assert "Give --limit" in capsys.readouterr().out


def test_why_a_wider_bound_certifies_is_said(tmp_path, capsys):
    # Humans see false alarms of 25%; a bound of 15% takes the others for failures.
    path = tmp_path / "pressed.csv"
    rows = ["1,1"] * 57 + ["0,1"] * 13 + ["1,0"] * 20 + ["0,0"] * 59 + ["1,"] * 646 + ["0,"] * 693
    path.write_text("judge,human\n" + "\n".join(rows) + "\n")
    options = [str(path), "--judge", "judge", "--human", "human", "--tpr", "0.80:0.95", "--fpr", "0.05:0.15"]
    for limit, said in (("0.52", True), ("0.3", False)):
        assert main(["sensitivity", *options, "--limit", limit]) == 0
        out = capsys.readouterr().out
        assert ("A wider bound can certify" in out) is said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--over", "tpr_low"], "must be one or two of"),
        (["--over", "tpr.low", "--grid", "0.9:0.8"], "LO <= HI"),
        (["--grid", "0.5:0.8"], "--grid goes with --over"),
        (["--limit", "7"], "between 0 and 1"),
        (["--limit", "0.2", "--png", "{folder}/map.doc"], "doc"),
        (["--limit", "0.2", "--png", "{folder}/none/map.png"], "there is no folder"),
    ],
)
def test_trouble_is_one_line(verdicts, capsys, tmp_path, options, message):
    pytest.importorskip("matplotlib")
    assert main(["sensitivity", *verdicts, *(option.format(folder=tmp_path) for option in options)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_the_verdict_is_that_of_certify_where_the_labels_are_no_random_sample():
    """Of the labelled items 44% are flagged, of the others 18%: unlikely by chance, if not impossible."""
    counts, bounds = Counts(18, 4, 4, 24, 180, 820), Bounds(tpr=(0.8, 0.95), fpr=(0.02, 0.2))
    with pytest.warns(UserWarning, match="no random sample"):
        verdict = certify(counts, bounds, limit=0.6, method="profile")
    with pytest.warns(UserWarning, match="no random sample"):
        result = sensitivity(counts, bounds, over="tpr.low", limit=0.6)
    assert not verdict.certified
    assert not result.present.certified
    assert not result.certified.any()
    assert result.present.upper_limit == verdict.upper_limit == 1


def test_bounds_that_differ_by_rounding_are_known_rates():
    counts = Counts(6, 0, 1, 43, 1348, 8652)
    ends = (np.nextafter(0.92, 0), 0.92)
    found, known = (
        sensitivity(counts, Bounds(tpr=tpr, fpr=(0.01, 0.1)), over="fpr.low", grid=[0.01]).present
        for tpr in (ends, (0.92, 0.92))
    )
    assert [found.low, found.high] == pytest.approx([known.low, known.high], abs=1e-9)
