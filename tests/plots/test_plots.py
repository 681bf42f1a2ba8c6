import io
import itertools
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import jaxmle
from jaxmle import (
    Bounds,
    Counts,
    Interval,
    JudgeCalibration,
    baselines,
    fit,
    identified_set,
    plot_bounds,
    plot_interval,
    plot_profile,
    plot_sensitivity,
    plot_slices,
    profile_interval,
    sensitivity,
)

pytest.importorskip("matplotlib")
from jaxmle._plots._axes import axes_for_file, save

COUNTS = Counts(tp=14, fn=3, fp=5, tn=128, unlabeled_pos=200, unlabeled_neg=1300)
BOUNDS = Bounds(tpr=(0.80, 0.95), fpr=(0.02, 0.06))
HOSTILE = ["$x^2", "a\n$b$", "<b>", "\\frac$", "x" * 200]


@pytest.fixture(autouse=True)
def no_global_state():
    """Nothing that is drawn on given axes reaches pyplot."""
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    yield
    assert pyplot.get_fignums() == before


@pytest.fixture
def ax():
    return axes_for_file(6, 4)


def slices(size, seed=0):
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0.02, 0.5, size)
    return Interval(middle, middle * 0.7, middle * 1.3, 0.95, "test")


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_intervals_stand_where_their_numbers_are(ax):
    found = {
        "jaxmle": profile_interval(COUNTS, BOUNDS, simulate=False),
        "human $only$": baselines.human_only(COUNTS),
        "bounds only": identified_set(COUNTS, BOUNDS),
    }
    assert plot_interval(found, limit=0.15, ax=ax) is ax
    bars = [line for line in ax.get_lines() if line.get_linewidth() == 5]
    for bar, interval in zip(bars, found.values(), strict=True):
        assert list(bar.get_xdata()) == [interval.low, interval.high]
    dots = [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() == "o"]
    assert dots == [found["jaxmle"].estimate, found["human $only$"].estimate]
    assert any("limit 15.00%" in text.get_text() for text in ax.texts)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    with pytest.raises(ValueError, match="plot_slices"):
        plot_interval(slices(3), ax=ax)
    with pytest.raises(ValueError, match="at least one"):
        plot_interval({}, ax=ax)
    with pytest.raises(
        TypeError, match="must be an Interval, or a dictionary .* got Fit: give its .interval"
    ):
        plot_interval(fit(COUNTS), ax=ax)
    with pytest.raises(TypeError, match="'mine' is float"):
        plot_interval(dict[str, Any](mine=0.2), ax=ax)


@pytest.mark.parametrize("size", [1, 5, 60, 1000])
def test_slices_are_all_there_or_said_to_be_left_out(size):
    intervals = slices(size)
    ax = plot_slices(intervals, range(size), limit=0.2, ax=axes_for_file(7, 14))
    shown = [int(label) for label in labels(ax)]
    assert len(shown) == min(size, 60)
    assert shown == sorted(shown)
    if size > 60:
        rest = np.delete(intervals.estimate, shown)
        assert intervals.estimate[shown].min() >= rest.max()
        assert "the 60 highest of 1,000 slices" in ax.get_xlabel()
    drawn = np.concatenate([line.get_xdata() for line in ax.get_lines() if line.get_linestyle() == "None"])
    assert sorted(drawn) == sorted(intervals.estimate[shown])
    figure = ax.get_figure()
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(a.y0 >= b.y1 - 1 for a, b in itertools.pairwise(boxes))


def test_slices_refuse_what_does_not_fit(ax):
    with pytest.raises(ValueError, match="each of the 3 slices"):
        plot_slices(slices(3), ["a"], ax=ax)
    with pytest.raises(ValueError, match="shape"):
        plot_slices(Interval(0.1, 0.0, 0.2, 0.95, "one"), ax=ax)
    with pytest.raises(ValueError, match="`most`"):
        plot_slices(slices(3), most=0, ax=ax)
    with pytest.raises(ValueError, match="`total`"):
        plot_slices(slices(3), total=slices(2), ax=ax)


def test_names_from_the_data_are_shown_as_they_stand(tmp_path):
    ax = plot_slices(slices(5), HOSTILE, total=Interval(0.1, 0.05, 0.2, 0.95, "all"), ax=axes_for_file(6, 3))
    for ending in ("svg", "png"):
        save(ax, tmp_path / f"plot.{ending}")
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):
        save(ax, tmp_path / "text.svg")
    text = (tmp_path / "text.svg").read_text()
    for name in ("$x^2", "a\\n$b$", "&lt;b&gt;", "\\frac$"):
        assert f">{name}<" in text
    assert "x" * 60 not in text
    plot_interval({name: Interval(0.1, 0.0, 0.2, 0.95, "m") for name in HOSTILE}, ax=axes_for_file(6, 3))


def test_the_profile_meets_its_cutoff_at_the_ends(ax):
    interval = profile_interval(COUNTS, BOUNDS, simulate=False)
    plot_profile(COUNTS, BOUNDS, interval=interval, limit=0.2, ax=ax)
    curve = max(ax.get_lines(), key=lambda line: len(line.get_xdata()))
    rates, lost = curve.get_xdata(), curve.get_ydata()
    assert lost.max() == pytest.approx(0, abs=1e-9)
    assert rates[lost.argmax()] == pytest.approx(interval.estimate, abs=1e-6)
    for end in (interval.low, interval.high):
        assert np.interp(end, rates, lost) == pytest.approx(-1.92, abs=0.02)
    assert rates[0] < interval.low < interval.high < 0.2 <= rates[-1]
    assert np.isfinite(lost).all()


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_one_sided_and_unidentified_profiles(ax, side):
    counts = Counts(0, 0, 0, 0, 200, 1300)
    interval = profile_interval(counts, BOUNDS, side=side, simulate=False)
    plot_profile(counts, BOUNDS, interval=interval, ax=ax)
    assert f"{side} limit" in ax.get_title(loc="left")
    with pytest.raises(ValueError, match="one data set"):
        plot_profile(Counts(*([1, 2] for _ in range(6))), ax=ax)


def test_sensitivity_as_a_curve_and_as_a_map(ax, tmp_path):
    one = sensitivity(COUNTS, BOUNDS, over="tpr", grid=np.linspace(0, 1, 21), limit=0.145)
    plot_sensitivity(one, ax=ax)
    _, names = ax.get_legend_handles_labels()
    assert {"estimate", "verdict flips", "limit 14.50%"} <= set(names)
    assert any(patch.get_hatch() for patch in ax.patches)
    assert "data contradict the bounds" in names
    two = sensitivity(COUNTS, BOUNDS, over=("tpr.low", "fpr.low"), limit=0.145)
    ax = plot_sensitivity(two, ax=axes_for_file(6, 4))
    assert ax.get_xlabel() == "Lower bound of the TPR"
    assert ax.get_ylabel() == "Lower bound of the FPR"
    line = max(
        (c for c in ax.collections if hasattr(c, "levels")), key=lambda c: len(c.get_paths()[0].vertices)
    )
    points = line.get_paths()[0].vertices
    for point in two.tipping[::5]:
        assert np.abs(points - point).sum(1).min() < 0.02
    save(ax, tmp_path / "map.png")
    crossed = sensitivity(COUNTS, BOUNDS, over=("tpr.low", "tpr.high"), grid=([0.8, 0.95], [0.85, 0.9]))
    ax = plot_sensitivity(crossed, ax=axes_for_file(6, 4))
    hatched = [c for c in ax.collections if c.get_hatch()]
    assert sum(len(c.get_paths()) for c in hatched) == (~np.isin(crossed.status, ["ok"])).sum() >= 2
    assert "lower bound above upper bound" in [text.get_text() for text in ax.get_legend().get_texts()]
    never = sensitivity(COUNTS, BOUNDS, over=("tpr.low", "fpr.low"), grid=([0.8], [0.01, 0.02]), limit=0.5)
    save(plot_sensitivity(never, ax=axes_for_file(6, 4)), tmp_path / "flat.png")


def test_new_figures_belong_to_pyplot(monkeypatch):
    from matplotlib import pyplot

    with pyplot.rc_context():
        pyplot.switch_backend("Agg")
        ax = plot_slices(slices(30))
        assert ax.get_figure().number in pyplot.get_fignums()
        assert ax.get_figure().get_figheight() > 5
        pyplot.close(ax.get_figure())


def test_without_matplotlib_the_error_says_what_to_install(environment):
    code = """
import sys
from functools import partial
sys.modules["matplotlib"] = None
from jaxmle import Interval, plot_interval
try:
    plot_interval(Interval(0.1, 0.0, 0.2, 0.95, "m"))
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "pip install '.[plots]'" in run.stdout, run.stderr


@pytest.mark.slow
def test_results_draw_themselves_as_the_functions_do():
    plan = jaxmle.plan(
        failure_rate=0.1, judge_tpr=0.9, judge_fpr=0.1, n_unlabeled=1000, target_width=0.2, simulate=False
    )
    scan = sensitivity(COUNTS, BOUNDS, over="tpr.low", limit=0.16)
    fitted = jaxmle.fit(COUNTS, BOUNDS)
    interval = fitted.interval(simulate=False)
    two = jaxmle.Counts(*(np.array([value, value]) for value in COUNTS.values()))
    many = jaxmle.fit_slices(two, judge_rates="per-slice")
    names = ["a", "b"]
    for drawn, expected in (
        (interval.plot, partial(plot_interval, interval)),
        (partial(interval.plot, limit=0.2), partial(plot_interval, interval, limit=0.2)),
        (partial(fitted.plot, interval=interval), partial(plot_profile, COUNTS, BOUNDS, interval=interval)),
        (partial(many.plot, names), partial(plot_slices, many.interval(), names)),
        (partial(many.interval().plot, names), partial(plot_slices, many.interval(), names)),
        (plan.plot, partial(jaxmle.plot_plan, plan)),
        (scan.plot, partial(plot_sensitivity, scan)),
    ):
        mine, its = (draw(ax=axes_for_file(5, 3)) for draw in (drawn, expected))
        assert mine.get_xlabel() == its.get_xlabel()
        assert [x.get_text() for x in mine.get_yticklabels()] == [x.get_text() for x in its.get_yticklabels()]
        lines = [[line.get_xydata().tolist() for line in ax.get_lines()] for ax in (mine, its)]
        assert lines[0] == lines[1]
    with pytest.raises(ValueError, match="of one data set"):
        jaxmle.fit(two).plot(ax=axes_for_file(5, 3))


def test_references_stand_where_their_rates_are_beside_the_bounds(ax):
    none = [0, 0, 0]
    counts = Counts([45, 80, 0], [5, 20, 0], [5, 3, 8], [95, 97, 92], none, none)
    learnt = JudgeCalibration.learn(counts, names=HOSTILE[:3], date="2026-03-31")
    plot_bounds(learnt, ax=ax)
    assert labels(ax) == ["\\$x^2", "a\\n\\$b\\$", "<b>"]
    drawn = {line.get_label(): line.get_xdata() for line in ax.lines}
    # The third has no failure, so no TPR.
    np.testing.assert_allclose(drawn["TPR"], [0.9, 0.8])
    np.testing.assert_allclose(drawn["FPR"], [0.05, 0.03, 0.08])
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    np.testing.assert_allclose(bands, [learnt.bounds.tpr, learnt.bounds.fpr])
    save(ax, io.BytesIO(), format="png")


def test_of_many_references_those_with_the_most_labels_are_drawn(ax):
    size = np.arange(1.0, 101)
    learnt = JudgeCalibration.learn(Counts(size, size, size, size, 0 * size, 0 * size), date="2026-03-31")
    plot_bounds(learnt, most=5, ax=ax)
    assert labels(ax) == ["96", "97", "98", "99", "100"]
    assert "5 references of 100 with the most labels" in ax.get_xlabel()
    with pytest.raises(ValueError, match="`most`"):
        plot_bounds(learnt, most=0, ax=ax)
