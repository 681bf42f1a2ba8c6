"""Plans promise what the estimator delivers, and agree with formulas where there are any."""

import json
import math

import numpy as np
import pytest

from jaxmle import Bounds, Counts, Params, fit, information, plan, plot_plan, profile_interval
from jaxmle._cli import main
from jaxmle._inference._certify import certify_fit
from jaxmle._planning._label_draws import Setting, draw
from jaxmle._planning._label_formulas import best_share, human_power, human_width, variance_terms
from jaxmle._planning._label_goals import increasing

RATES = {"failure_rate": 0.1, "judge_tpr": 0.9, "judge_fpr": 0.05}
TIGHT = Bounds(tpr=(0.87, 0.93), fpr=(0.03, 0.07))
TRUTH = Params(0.1, 0.9, 0.05)
COMMAND = [
    "plan",
    "--failure-rate",
    "0.1",
    "--judge-tpr",
    "0.9",
    "--judge-fpr",
    "0.05",
    "--n-unlabeled",
    "5000",
    "--no-cache",
]


def by_design(made):
    return {(one.design, one.bounded, one.method): one for one in made.options}


@pytest.fixture(scope="module")
def widths():
    asked = {"n_unlabeled": 10_000, "target_width": 0.06, "simulate": False}
    return plan(**RATES, **asked), plan(**RATES, **asked, bounds=TIGHT)


@pytest.mark.slow
def test_without_bounds_a_plan_agrees_with_the_large_sample_formula(widths):
    free, known = widths
    formula = by_design(free)["random", False, "large-sample formula"].n_labels
    assert free.reached
    assert abs(free.n_labels - formula) < 0.06 * formula
    assert abs(free.value - 0.06) < 1e-3
    assert known.n_labels < 0.7 * free.n_labels < free.n_labels
    assert by_design(known)["random", False, free.method].n_labels == free.n_labels


@pytest.mark.slow
def test_the_formula_is_that_of_the_information_and_of_truescore():
    for calibration, cells in (("internal", (0, 0, 0, 200)), ("external", (40, 20, 100, 40))):
        counts = Counts(*map(float, cells), 300.0, 9500.0)
        setting = Setting(
            TRUTH, 10_000 if calibration == "internal" else 9800, Bounds(), calibration, "random", 0.3
        )
        fixed, each = variance_terms(setting)
        inverse = np.linalg.inv(np.asarray(information(TRUTH, counts, calibration=calibration)))
        assert math.isclose(fixed + each / 200, inverse[0, 0], rel_tol=1e-9)
    # `truescore plan 4000 +-.03` with sensitivity .97 and specificity .47 for passes: 851 labels, and 1,068
    # without the judge. The latter is Wald's number; Wilson's interval is a little shorter.
    rates = {"failure_rate": 0.5, "judge_tpr": 0.47, "judge_fpr": 0.03}
    options = by_design(plan(**rates, n_unlabeled=4000, target_width=0.06, simulate=False))
    assert options["random", False, "large-sample formula"].n_labels == 851
    assert abs(options["random", False, "profile interval, chi-square"].n_labels - 851) < 10
    assert abs(options["human only", False, "Wilson interval"].n_labels - 1068) < 10


def test_the_best_division_has_the_least_variance():
    for calibration, labels in (("internal", "by-verdict"), ("external", "random")):
        setting = Setting(TRUTH, 10_000, Bounds(), calibration, labels)
        best = best_share(setting)
        least = variance_terms(setting._replace(share=best))[1]
        for share in (0.9 * best, 1.1 * best):
            assert variance_terms(setting._replace(share=share))[1] > least


def test_numbers_for_humans_alone_are_those_of_the_binomial():
    k, n, theta = np.arange(51), 50, 0.1
    mass = np.array([math.comb(n, i) * theta**i * (1 - theta) ** (n - i) for i in k])
    z = 1.959963984540054
    wide = 2 * z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    assert math.isclose(human_width(n, theta, 0.95), float(mass @ wide), rel_tol=1e-9)
    # 59 labels without a failure are the fewest that show a rate below 5%.
    assert human_power(58, 0.01, 0.05, 0.95) == 0
    assert math.isclose(float(human_power(59, 0.01, 0.05, 0.95)), 0.99**59, rel_tol=1e-9)


@pytest.mark.parametrize(
    ("calibration", "labels"), [("internal", "random"), ("internal", "by-verdict"), ("external", "random")]
)
def test_data_sets_are_nested_and_have_the_right_law(calibration, labels):
    setting = Setting(TRUTH, 2000, Bounds(), calibration, labels, 0.4)
    n = np.array([100, 20, 100])
    counts = draw(setting, n, 4000, (7,))
    cells = np.stack(counts.values(), -1).reshape(3, 4000, 6)
    assert np.array_equal(cells[0], cells[2])
    assert (cells[0, :, :4] >= cells[1, :, :4]).all()
    assert (cells[..., :4].sum(-1) == n[:, None]).all()
    total = 2000 - (n if calibration == "internal" else 0)
    assert (cells.sum(-1) - n[:, None] == np.broadcast_to(total, (3,))[:, None]).all()
    q = setting.flag_rate
    expected = {
        ("internal", "random"): [9, 1, 4.5, 85.5],
        ("internal", "by-verdict"): [
            40 * 0.09 / q,
            60 * 0.01 / (1 - q),
            40 * 0.045 / q,
            60 * 0.855 / (1 - q),
        ],
        ("external", "random"): [36, 4, 3, 57],
    }[calibration, labels]
    error = 5 * cells[0].std(0)[:4] / np.sqrt(4000)
    assert (np.abs(cells[0, :, :4].mean(0) - expected) <= error).all()


def test_increasing_fit_pools_adjacent_violators():
    assert increasing(np.array([0.0, 1, 0, 1, 1])).tolist() == [0, 0.5, 0.5, 1, 1]
    assert increasing(np.array([3.0, 2, 1])).tolist() == [2, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"labels": "by-verdict"}], ids=["random", "by-verdict"])
def test_planned_labels_deliver_the_power(how):
    made = plan(**RATES, n_unlabeled=5000, bounds=TIGHT, limit=0.12, power=0.8, method="profile", **how)
    share = next(iter(made.split.values())) / made.n_labels if made.split else 0.5
    setting = Setting(TRUTH, 5000, TIGHT, "internal", how.get("labels", "random"), share)
    counts = draw(setting, np.array([made.n_labels]), 500, (1, 99))
    asked = {"limit": 0.12, "method": "profile", "upper_limits": False, **how}
    certified = certify_fit(fit(counts, TIGHT), **asked).certified
    assert abs(made.value - 0.8) < 0.02
    # Three and a half standard errors of both simulations.
    assert abs(certified.mean() - made.value) < 3.5 * math.hypot(0.4 / math.sqrt(500), made.standard_error)


@pytest.mark.slow
def test_a_width_out_of_reach_and_a_judge_at_chance_are_said():
    short = plan(**RATES, n_unlabeled=100, target_width=0.02, simulate=False)
    assert (short.reached, short.n_labels) == (False, None)
    assert "more items would have to be judged" in short.reason
    assert short.value > 0.02
    blind = plan(
        failure_rate=0.1,
        judge_tpr=0.3,
        judge_fpr=0.3,
        n_unlabeled=5000,
        target_width=0.05,
        calibration="external",
        simulate=False,
    )
    assert not blind.reached
    assert "at chance" in blind.reason


@pytest.mark.slow
def test_a_few_labels_are_counted_one_by_one():
    # Six flagged and two passed items are too few, and a line through their neighbours says they are enough.
    given = {
        "failure_rate": 0.05,
        "judge_tpr": 0.9,
        "judge_fpr": 0.05,
        "n_unlabeled": 10_000,
        "labels": "by-verdict",
    }
    bounds = Bounds(tpr=(0.88, 0.92), fpr=(0.03, 0.07))
    found = plan(**given, bounds=bounds, target_width=0.0507, simulate=False)
    width = {}
    for n in (found.n_labels - 1, found.n_labels):
        share = found.split["flagged"] / found.n_labels
        setting = Setting(Params(0.05, 0.9, 0.05), 10_000, bounds, "internal", "by-verdict", share)
        counts = draw(setting, np.array([n]), 8192, (7,))
        interval = profile_interval(counts, bounds, labels="by-verdict", simulate=False)
        width[n] = (interval.high - interval.low).mean()
    assert width[found.n_labels] == pytest.approx(found.value, abs=3.5 * found.standard_error + 1e-4)
    assert width[found.n_labels] <= 0.0507 + 1e-4 < width[found.n_labels - 1] + 2e-4


@pytest.mark.slow
def test_labels_that_change_nothing_do_not_reach_what_is_just_out_of_reach():
    # A known judge and labels from elsewhere: the width is the same however many there are.
    known = {
        "bounds": Bounds(tpr=(0.9, 0.9), fpr=(0.05, 0.05)),
        "calibration": "external",
        "simulate": False,
    }
    given = {"failure_rate": 0.1, "judge_tpr": 0.9, "judge_fpr": 0.05, "n_unlabeled": 1000, **known}
    flat = plan(**given, target_width=0.04).value
    for part in (0.999, 0.9995, 0.9999, 1.0001, 1.001):
        found = plan(**given, target_width=flat * part)
        assert found.reached == (found.value <= flat * part)
    assert not plan(**given, target_width=flat * 0.99).reached


@pytest.mark.slow
def test_what_no_line_leads_to_is_found_by_halving():
    # Few labels change nothing, which is no reason to say that many do not.
    known = {"bounds": Bounds(tpr=(0.9, 0.9), fpr=(0.05, 0.05)), "simulate": False, "seed": 12}
    given = {"failure_rate": 0.1, "judge_tpr": 0.9, "judge_fpr": 0.05, "n_unlabeled": 100_000, **known}
    found = plan(**given, target_width=0.004982575348394763 * (1 - 2e-4))
    assert found.reached
    assert found.value <= 0.0049826
    assert found.n_labels < 1000


@pytest.mark.slow
def test_a_failure_rate_known_beforehand_takes_no_labels():
    found = plan(**RATES, n_unlabeled=200, bounds=Bounds(failure_rate=(0.1, 0.1)), target_width=0.05)
    assert (found.n_labels, found.value) == (0, 0)


@pytest.mark.slow
def test_bounds_alone_may_be_enough():
    known = Bounds(tpr=(0.9, 0.9), fpr=(0.05, 0.05))
    made = plan(**RATES, n_unlabeled=5000, bounds=known, target_width=0.05, simulate=False)
    assert (made.n_labels, made.reached) == (0, True)
    # The flag rate alone: z times its standard error over TPR - FPR, twice.
    wald = 2 * 1.96 * math.sqrt(0.135 * 0.865 / 5000) / 0.85
    assert math.isclose(made.value, wald, rel_tol=0.03)


@pytest.mark.slow
def test_prices_choose_how_many_to_judge():
    asked = {"bounds": TIGHT, "target_width": 0.05, "simulate": False, "cost_human": 1.0}
    dear = plan(**RATES, n_unlabeled=20_000, **asked, cost_judge=0.02)
    free = plan(**RATES, n_unlabeled=20_000, **asked)
    assert dear.n_judged < free.n_judged == 20_000
    assert dear.n_labels > free.n_labels
    assert dear.cost == dear.n_labels + 0.02 * dear.n_judged
    assert dear.cost < free.n_labels + 0.02 * 20_000


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give one of `target_width` and `limit`"),
        ({"target_width": 0.05, "limit": 0.2}, "give one of `target_width` and `limit`"),
        ({"target_width": 1.5}, "`target_width` must be one number between 0 and 1; got 1.5"),
        ({"limit": 0.1}, "`limit` must be above `failure_rate`"),
        ({"limit": 0.2, "power": 1}, "`power`"),
        ({"limit": 0.2, "method": "odd"}, "`method`"),
        ({"target_width": 0.05, "bounds": Bounds(tpr=(0.5, 0.8))}, "`judge_tpr` must lie within its bounds"),
        ({"limit": 0.3, "bounds": Bounds(failure_rate=(0, 0.2))}, "`limit` must lie inside the bounds"),
        ({"target_width": 0.05, "cost_judge": 1}, "`cost_judge` goes with `cost_human`"),
        ({"target_width": 0.05, "cost_human": -1}, "`cost_human` must be one number > 0"),
        ({"target_width": 0.05, "bounds": Bounds(tpr=([0.5], [1.0]))}, "scalars"),
        ({"target_width": 0.05, "labels": "by-verdict", "calibration": "external"}, "`labels`"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(ValueError, match=message.replace("`", ".")):
        plan(**RATES, n_unlabeled=1000, **given)


@pytest.mark.parametrize(
    "wrong",
    [["--cost-human", "nan"], ["--cost-human", "1", "--cost-judge=-1"], ["--seed=-1"], ["--power", "2"]],
)
def test_a_fault_is_one_line_and_comes_before_any_answer(wrong, capsys):
    rates = ["--failure-rate", "0.1", "--judge-tpr", "0.9", "--judge-fpr", "0.05", "--n-unlabeled", "1000"]
    assert main(["plan", *rates, "--target-width", "0.1", *wrong]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


@pytest.mark.slow
def test_the_command_prints_one_document_a_table_and_a_picture(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "plan.png"
    asked = ["--target-width", "0.06", "--interval", "chi-square", "--tpr", "0.87:0.93", "--fpr", "0.03:0.07"]
    assert main([*COMMAND, *asked, "--json", "--png", str(picture)]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert document["options"][0]["n_labels"] == document["n_labels"]
    assert document["settings"]["bounds"] == {"tpr": [0.87, 0.93], "fpr": [0.03, 0.07]}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*COMMAND, *asked]) == 0
    out, _ = capsys.readouterr()
    assert f"PLAN: {document['n_labels']} labels of 5,000 judged items" in out
    assert "without the judge" in out


def test_the_command_says_no_and_trouble(capsys):
    assert main([*COMMAND, "--target-width", "0.001", "--interval", "chi-square"]) == 1
    assert "NOT REACHED" in capsys.readouterr().out
    assert main([*COMMAND, "--limit", "0.05"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "`limit` must be above" in err


@pytest.mark.slow
def test_the_plot_marks_the_plan(widths):
    matplotlib = pytest.importorskip("matplotlib.figure")
    ax = plot_plan(widths[1], ax=matplotlib.Figure().subplots())
    texts = [text.get_text() for text in ax.texts]
    assert f"{widths[1].n_labels} labels" in texts
    assert "goal 6.00%" in texts
