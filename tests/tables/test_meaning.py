"""Which value is the failure: what names and words say, and what must be asked."""

import csv

import pytest

from jaxmle import Bounds, tables
from jaxmle._data import says_bad, says_good
from jaxmle._tables._meaning import UnclearMeaningError
from jaxmle._tables._slice_bounds import slice_bounds

GOOD = [
    "passed",
    "human_passed",
    "isCorrect",
    "judge.accuracy",
    "wasAccepted",
    "acceptable",
    "success",
    "label_ok",
    "GoodAnswer",
    "is_valid",
    "faithful",
    "grounded",
    "supported",
    "substantiated",
    "safe",
    "helpful",
    "score",
    "judge_score",
    "result.score",
    "LLMPassed",
    "scores.correct",
    "scores.Human review",
    "pass_fail",
    "exact_match",
]
OTHERS = [
    "judge",
    "human",
    "label",
    "verdict",
    "flagged",
    "is_failure",
    "unsafe",
    "not_safe",
    "toxicity_score",
    "hallucination_score",
    "scores.judge",
    "scores.hallucination",
    "gpt4",
    "hit",
    "passage",
    "scorecard",
    "surpassed",
]


def rows_of(judge, human, *cells):
    """Rows of two columns: judge, human and how many of them."""
    return [{judge: j, human: h} for j, h, times in cells for _ in range(times)]


def passed(judge="judge_passed", human="human_passed"):
    """A model that fails nine times in ten."""
    return rows_of(judge, human, (0, 0, 131), (1, 1, 15), (1, 0, 4), (0, None, 1625), (1, None, 225))


@pytest.mark.parametrize("name", GOOD)
def test_names_that_say_that_1_is_good(name):
    assert says_good(name)
    assert not says_bad(name)


@pytest.mark.parametrize("name", OTHERS)
def test_names_that_do_not(name):
    assert not says_good(name)


@pytest.mark.parametrize(
    ("one", "zero"), [("1", "0"), ("True", "False"), ("yes", "no"), (1.0, 0.0), (True, False)]
)
def test_a_column_whose_name_says_good_must_be_explained(one, zero):
    rows = [{name: {1: one, 0: zero}.get(value) for name, value in row.items()} for row in passed()]
    ask = {"judge": "judge_passed", "human": "human_passed"}
    with pytest.raises(UnclearMeaningError, match="say failure=.* if so, or failure=.* if") as caught:
        tables.count(rows, **ask)
    found = tables.count(rows, **ask, **caught.value.options)
    assert [int(value) for value in found.total.values()] == [131, 4, 0, 15, 1625, 225]
    assert (found.failures["human"]["n"], found.failures["human"]["of"]) == (135, 150)
    usual = tables.count(rows, **ask, failure=one)
    assert [int(value) for value in usual.total.values()] == [15, 0, 4, 131, 225, 1625]
    assert usual.failures["judge"]["of"] == 2000
    turned = tables.count(rows, **ask, passes=one)
    assert turned.total.tp == 131


def test_clear_words_need_no_explanation():
    rows = rows_of("passed", "human_ok", ("pass", "good", 3), ("fail", "bad", 2), ("fail", None, 5))
    found = tables.count(rows, judge="passed", human="human_ok")
    assert [int(value) for value in found.total.values()] == [2, 0, 0, 3, 5, 0]
    assert found.failures["judge"] == {"column": "passed", "words": ["fail"], "n": 7, "of": 10}
    rows = rows_of("j", "h", ("unsupported", "supported", 3), ("grounded", None, 2))
    assert tables.count(rows, judge="j", human="h").total.fp == 3


def test_one_column_of_the_two():
    # The names differ, the verdicts agree: both are likely written alike.
    said = "'judge_passed' reads as if 1 meant good, and 'human' mostly says the same: say failure='0' if so"
    with pytest.raises(UnclearMeaningError, match=said) as caught:
        tables.count(passed(human="human"), judge="judge_passed", human="human")
    assert caught.value.options == {"failure": ("0",)}
    # The verdicts do not agree: only the judge's is turned round.
    rows = rows_of("judge_passed", "human", (0, 1, 30), (1, 0, 90), (1, 1, 3), (0, None, 200), (1, None, 700))
    with pytest.raises(UnclearMeaningError, match="judge_failure='0' if so, or judge_failure='1'") as caught:
        tables.count(rows, judge="judge_passed", human="human")
    assert caught.value.options == {"judge_failure": ("0",)}
    found = tables.count(rows, judge="judge_passed", human="human", judge_failure=0)
    assert [int(value) for value in found.total.values()] == [30, 3, 0, 90, 200, 700]
    assert found.failures["judge"]["words"] == ["0"]
    assert found.failures["human"]["words"] == ["1"]
    # A word for both that one column's name contradicts.
    rows = rows_of("judge_passed", "human_failed", (0, 1, 30), (1, 0, 90), (0, None, 200))
    with pytest.raises(UnclearMeaningError, match="reads as if 1 were the failure") as caught:
        tables.count(rows, judge="judge_passed", human="human_failed", failure="0")
    assert caught.value.options == {"judge_failure": ("0",), "human_failure": ("1",)}
    found = tables.count(rows, judge="judge_passed", human="human_failed", **caught.value.options)
    assert (int(found.total.tp), int(found.total.tn)) == (30, 90)


def test_three_classes():
    cells = (
        ("full", "full", 5),
        ("partial", "full", 2),
        ("none at all", "none at all", 20),
        ("partial", None, 9),
    )
    rows = rows_of("j", "h", *cells)
    ask = {"judge": "j", "human": "h"}
    assert tables.count(rows, **ask, failure=["full", "partial"]).total.tp == 7
    with pytest.raises(ValueError, match="passes='WORD'"):
        tables.count(rows, **ask, failure="full")
    found = tables.count(rows, **ask, failure="full", passes=["partial", "none at all"])
    assert [int(value) for value in found.total.values()] == [5, 2, 0, 20, 0, 9]


def test_no_failure_in_either_column_is_an_answer():
    rows = rows_of("judge_passed", "human_passed", (1, 1, 50), (1, None, 100))
    found = tables.count(rows, judge="judge_passed", human="human_passed", failure="0")
    assert [int(value) for value in found.total.values()] == [0, 0, 0, 50, 0, 100]
    assert found.failures["human"] == {"column": "human_passed", "words": ["0"], "n": 0, "of": 50}
    with pytest.raises(ValueError, match="no verdict in 'judge_passed' or 'human_passed' is 'refusal'"):
        tables.count(rows, judge="judge_passed", human="human_passed", failure="refusal")


def grades():
    """Grades 0 to 3 of judge and human, below 2 being bad: 30 failures among 150 labels."""
    cells = (
        (0, 0, 15),
        (0, 1, 7),
        (1, 1, 4),
        (1, 0, 3),
        (2, 1, 1),
        (3, 3, 63),
        (2, 2, 32),
        (2, 3, 9),
        (1, 2, 8),
    )
    others = (3, 2, 8), (3, None, 333), (2, None, 176), (1, None, 79), (0, None, 62)
    return [*cells, *others]


@pytest.mark.parametrize("write", [str, "{}.0".format, "{},0".format])
def test_grades_of_both(write):
    written = [(write(j), None if h is None else write(h), times) for j, h, times in grades()]
    rows = rows_of("judge_score", "human_score", *written)
    ask = {"judge": "judge_score", "human": "human_score"}
    found = tables.count(rows, **ask, judge_threshold="<2", human_threshold="<2")
    assert [int(value) for value in found.total.values()] == [29, 1, 8, 112, 141, 509]
    assert found.failures["human"] == {"column": "human_score", "words": ["<2"], "n": 30, "of": 150}
    assert found.dropped == {}
    with pytest.raises(ValueError, match="such as human_threshold='<0.5'"):
        tables.count(rows, **ask, judge_threshold="<2", failure=1)


def test_scores_that_could_be_read_in_two_ways():
    rows = rows_of("s", "h", ("1,000", 1, 3), ("2,500", 0, 3))
    with pytest.raises(ValueError, match="write 1000 for a thousand and 1.000 for one"):
        tables.count(rows, judge="s", human="h", judge_threshold=2)
    rows = rows_of("s", "h", ("1,000", 1, 3), ("0,250", 0, 4))
    assert tables.count(rows, judge="s", human="h", judge_threshold="0,5").total.tp == 3
    rows = rows_of("s", "h", (1, -1, 3), (0, 1, 4), (0, 0, 2))
    with pytest.raises(ValueError, match="'h' holds -1, which says"):
        tables.count(rows, judge="s", human="h", human_threshold="<0")
    assert tables.count(rows, judge="s", human="h", human_threshold="<1").total.n_labeled == 6
    with pytest.raises(ValueError, match="give one"):
        tables.count(rows, judge="s", human="h", human_threshold="<1", human_failure=0)


def test_swapped_columns():
    with pytest.raises(ValueError, match="did you mean judge='judge', human='human'"):
        tables.count(passed("judge", "human"), judge="human", human="judge")
    neutral = passed("a", "b")
    with pytest.raises(ValueError, match="did you mean judge='a', human='b'"):
        tables.count(neutral, judge="b", human="a")
    found = tables.count(neutral, judge="b", human="a", where="b IS NOT NULL")
    assert found.total.n_labeled == 150
    # A judge that broke down on some items is no human.
    rows = rows_of("a", "b", (1, 1, 10), (0, 0, 80), (None, 0, 20))
    assert tables.count(rows, judge="a", human="b").dropped == {"no judge verdict": 20}


def test_every_given_case_is_right_or_asks(shared):
    cases = shared / "cases"
    if not cases.is_dir():
        pytest.skip("the folder of cases is not beside the project")
    path = str(cases / "bad_model_passed.csv")
    ask = {"judge": "judge_passed", "human": "human_passed"}
    with pytest.raises(UnclearMeaningError):
        tables.count(path, **ask)
    total = tables.count(path, **ask, failure="0").total
    assert (total.tp + total.fn) / total.n_labeled == pytest.approx(0.9)
    path = str(cases / "graded03.csv")
    ask = {"judge": "judge_score", "human": "human_score"}
    with pytest.raises(ValueError, match=r"holds grades, such as 3.*judge_threshold='<3'"):
        tables.count(path, **ask)
    total = tables.count(path, **ask, judge_threshold="<2", human_threshold="<2").total
    assert (total.tp + total.fn) / total.n_labeled == pytest.approx(0.2)
    total = tables.count(str(cases / "zero_of_50.csv"), judge="judge", human="human").total
    assert [int(value) for value in total.values()] == [0, 0, 0, 50, 0, 1000]


def test_grades_in_which_1_is_good_ask_for_a_threshold():
    rows = [{"judge_score": i % 4, "human_score": i % 4 if i < 20 else None} for i in range(60)]
    ask = {"judge": "judge_score", "human": "human_score"}
    for on_invalid in ("error", "drop"):
        with pytest.raises(ValueError, match=r"'judge_score' holds grades, such as 3: say .*judge_threshold"):
            tables.count(rows, **ask, on_invalid=on_invalid)
        with pytest.raises(ValueError, match=r"'human_score' holds grades, such as 3: say .*human_threshold"):
            tables.count(rows, **ask, judge_threshold="<2", on_invalid=on_invalid)
    # A few numbers that are neither are mistakes, not grades.
    rows = [{"passed": (-2 if i == 7 else i % 2), "human": i % 2 if i < 20 else None} for i in range(60)]
    with pytest.raises(UnclearMeaningError):
        tables.count(rows, judge="passed", human="human", on_invalid="drop")


def test_a_file_with_decimal_commas(tmp_path):
    path = tmp_path / "f.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows([("s", "h", "w"), ("0,4", 1, "1,5"), ("0,9", 0, "2,5")])
    found = tables.count(str(path), judge="s", human="h", judge_threshold="<0,5", weight="w")
    assert (float(found.total.tp), float(found.total.tn)) == (1.5, 2.5)


def test_bounds_by_slice_in_percent():
    rows = rows_of("j", "h", (1, 1, 3), (0, 0, 4))
    keys: list[dict[str, str | None]] = [{}]
    bounds = [{"tpr_low": "80%", "tpr_high": "0,92"}]
    found, _ = slice_bounds(bounds, keys, Bounds())
    assert [float(end[0]) for end in found.tpr] == [0.8, 0.92]
    assert tables.count(rows, judge="j", human="h").keys == keys


def test_percentages_are_scores():
    rows = [{"s": f"{10 * i}%", "h": "fail" if i < 5 else "pass"} for i in range(10)]
    ask = {"judge": "s", "human": "h"}
    with pytest.raises(ValueError, match=r"s is '0%', a score and no verdict: .* judge_threshold='<50%'"):
        tables.count(rows, **ask)
    for threshold in ("<50%", "< 50 %", "<50", 50):
        total = tables.count(rows, **ask, judge_threshold=threshold).total
        right, wrong = (total.tp, total.tn), (total.fn, total.fp)
        assert (wrong if threshold == 50 else right) == (5, 5)
    with pytest.raises(ValueError, match="holds percentages, such as 75%, and numbers without"):
        tables.count([*rows, {"s": "0.9", "h": "pass"}], **ask, judge_threshold="<50%")
    with pytest.raises(ValueError, match="'<50%' is a percentage, and 's' holds numbers without"):
        tables.count([{"s": 0.9, "h": "pass"}], **ask, judge_threshold="<50%")
