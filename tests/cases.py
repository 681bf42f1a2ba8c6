"""What tests in several folders share: cases with known answers, and where files lie."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from jaxmle import Bounds, Counts

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
LOGS = TESTS / "logs"

# Six-number cases that several tools were run on, and what each of them printed.
CASES = {
    "A": (70, 8, 14, 108, 4100, 5900),
    "B": (4, 1, 2, 43, 900, 9100),
    "C": (10, 0, 5, 85, 300, 1700),
    "D": (30, 20, 22, 28, 520, 480),
    "E": (180, 20, 30, 270, 400000, 600000),
    "F": (5, 2, 8, 85, 20, 980),
    "G": (2, 8, 10, 30, 100, 100),
}


def some_fast(values, fast):
    """Values of a parameter, of which all but a few make the test slow: they show the same again."""
    return [pytest.param(one, marks=[] if one in fast else pytest.mark.slow) for one in values]


def reference_instances(calibration):
    """Counts, bounds and greatest log-likelihoods of the reference instances of one design."""
    every = json.loads((TESTS / "data" / "reference.json").read_text())
    assert len(every) == 140
    cases = [case for case in every if case["design"] == calibration]
    counts = Counts(*(np.array([case["counts"][name] for case in cases]) for name in cases[0]["counts"]))
    bounds = Bounds(
        **{name: tuple(np.array([case["bounds"][name] for case in cases]).T) for name in cases[0]["bounds"]}
    )
    return counts, bounds, np.array([case["log_likelihood"] for case in cases])


def judged_items(path, *, parts, flagged, size):
    """Write a file of judged items: one in so many is flagged, and parts of one letter take turns."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "part", "judge"])
        table.writerows(
            [f"q{i}", parts[i % len(parts)], "pass" if i % flagged else "fail"] for i in range(size)
        )
