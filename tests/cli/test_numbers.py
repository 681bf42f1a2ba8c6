"""Numbers that no computer can serve, and numbers that are none: refused at once, in one line."""

import json

import numpy as np
import pytest
from small_file import COLUMNS, run, small_file

from jaxmle import Counts, fit, homogeneity_test


@pytest.fixture
def source(tmp_path):
    return small_file(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--n-unlabeled", "1" + "0" * 20], "`n_unlabeled` must be a whole number"),
        (["--n-unlabeled", "1e20"], "--n-unlabeled"),
        (["--n-unlabeled", "1000", "--confidence", "1e-320"], "too near to 0"),
    ],
)
def test_plans_of_impossible_sizes_are_one_line(capsys, arguments, said):
    rates = ["--failure-rate", "0.04", "--judge-tpr", "0.9", "--judge-fpr", "0.1", "--target-width", "0.05"]
    status, _, err = run(capsys, "plan", *rates, *arguments)
    assert status == 2
    assert said in err


def test_more_resamples_than_memory_holds_are_refused(source, capsys):
    command = ["estimate", source, *COLUMNS, "--interval", "bootstrap", "--n-resamples", "99999999999"]
    status, _, err = run(capsys, *command)
    assert status == 2
    assert "n_resamples" in err
    for call in (
        lambda n: fit(Counts(4, 1, 2, 43, 900, 9100)).interval(n_resamples=n),
        lambda n: homogeneity_test(Counts(*([2, 2] for _ in range(6))), n_resamples=n),
    ):
        with pytest.raises(ValueError, match=r"`n_resamples` must be a whole number from 19 to 1.*00,000"):
            call(99_999_999_999)


def test_weights_of_no_sense_are_one_line(tmp_path, capsys):
    path = tmp_path / "weights.csv"
    rows = [
        (1, 1, 2.5e-7),
        (0, 1, 459.6),
        (1, 0, 2086.6),
        (0, 0, 7.2e-8),
        (1, "", 591452782998.6),
        (0, "", 33.2),
    ]
    path.write_text("judge,human,w\n" + "".join(f"{j},{h},{w}\n" for j, h, w in rows))
    status, out, err = run(capsys, "estimate", path, *COLUMNS, "--weight", "w", "--json")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "weights differ by so many orders" in err


def test_numbers_that_are_none_leave_no_command(capsys):
    from jaxmle._cli._show import show

    with pytest.raises(ValueError, match=r"total\.low\[1\] is nan"):
        show({"total": {"low": [0.5, float("nan")]}}, True, None)
    assert capsys.readouterr().out == ""
    json.dumps(np.float64(0.5))
