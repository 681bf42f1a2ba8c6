import csv
import importlib
import random
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

from jaxmle._cli import main
from jaxmle._inference import _fit

RATES = ["--judge", "judge", "--human", "human", "--tpr", "0.8:0.95", "--fpr", "0.01:0.1"]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Three topics of 60 labelled and 600 other items."""
    rng = random.Random(5)
    path = tmp_path_factory.mktemp("once") / "verdicts.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item", "prompt", "topic", "human", "judge", "human_b", "judge_b"])
        for i in range(1980):
            row = []
            for rate in (0.1, 0.15):
                human = rng.random() < rate
                row += [int(human) if i < 180 else "", int(rng.random() < (0.9 if human else 0.05))]
            out.writerow([i, i // 2, f"topic {i % 3}", *row])
    return str(path)


@pytest.fixture
def fitted(monkeypatch):
    """How often each problem is fitted.

    Of those with a known failure rate only the limit counts: root searches may meet at a rate by chance.
    """
    times: Counter[Any] = Counter()
    fit_flat = _fit.fit_flat

    def counting(problem, calibration, **options):
        rows = np.stack(problem.arrays(), -1) + 0.0
        rows = rows[(rows[:, 6] < rows[:, 7]) | (rows[:, 6] == 0.2)]
        times.update((row.tobytes(), calibration) for row in rows)
        return fit_flat(problem, calibration, **options)

    # Every module of the package that has a name for it.
    importlib.import_module("jaxmle._documents._report")
    for name, module in list(sys.modules.items()):
        if name.startswith("jaxmle") and getattr(module, "fit_flat", None) is fit_flat:
            monkeypatch.setattr(module, "fit_flat", counting)
    return times


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["report", "--by", "topic", "--interval", "profile"], marks=pytest.mark.slow),
        pytest.param(["report", "--by", "topic", "--interval", "chi-square"], marks=pytest.mark.slow),
        pytest.param(["report", "--cluster", "prompt"], marks=pytest.mark.slow),
        ["estimate", "--by", "topic", "--calibration", "external"],
        ["estimate", "--by", "topic", "--cluster", "prompt"],
        pytest.param(["certify", "--by", "topic", "--limit", "0.2"], marks=pytest.mark.slow),
        ["certify", "--cluster", "prompt", "--limit", "0.2", "--method", "profile"],
    ],
    ids=" ".join,
)
def test_no_problem_is_fitted_twice(fitted, verdicts, tmp_path, arguments):
    command, *options = arguments
    page = ["--markdown", str(tmp_path / "page.md")] if command == "report" else []
    if page:
        pytest.importorskip("matplotlib")
        page += ["--html", str(tmp_path / "page.html")]
    assert main([command, verdicts, *RATES, *options, *page]) in (0, 1)
    assert len(fitted) >= 2
    assert max(fitted.values()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "profile"])
def test_a_report_with_a_verdict_looks_at_the_limit_twice_at_most(fitted, verdicts, tmp_path, method):
    """The effects of the bounds are by the profile likelihood, whatever the certificate is.

    The widest bounds at which a verdict may turn are none, which are fitted for the test of the bounds too.
    """
    page = ["--markdown", str(tmp_path / "page.md")]
    options = ["--by", "topic", "--limit", "0.2", "--method", method]
    assert main(["report", verdicts, *RATES, *options, *page]) in (0, 1)
    assert sum(fitted.values()) - len(fitted) <= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["estimate", "FILE", *RATES],
        ["estimate", "FILE", *RATES, "--by", "topic"],
        ["estimate", "FILE", *RATES, "--by", "topic", "--judge-rates", "partial", "--json"],
        ["estimate", "FILE", *RATES, "--cluster", "prompt", "--interval", "bootstrap"],
        ["certify", "FILE", *RATES, "--by", "topic", "--limit", "0.2"],
        ["report", "FILE", *RATES, "--by", "topic", "--limit", "0.2", "--json"],
        ["sensitivity", "FILE", *RATES, "--limit", "0.2"],
        ["compare", "FILE", *RATES, "--judge-b", "judge_b", "--human-b", "human_b"],
        [
            "compare",
            "FILE",
            *RATES,
            "--judge-b",
            "judge_b",
            "--human-b",
            "human_b",
            "--judge-rates",
            "common",
        ],
        ["drift", "FILE", *RATES],
        ["doctor", "FILE"],
        [
            "plan",
            "--failure-rate=0.1",
            "--judge-tpr=0.9",
            "--judge-fpr=0.05",
            "--n-unlabeled=500",
            "--target-width=0.1",
        ],
        ["demo"],
    ],
    ids=lambda words: " ".join(word for word in words if word not in RATES and word != "FILE"),
)
def test_small_files_need_no_jax(environment, verdicts, arguments):
    code = f"""
import sys
from jaxmle._cli import main
status = main({[verdicts if word == "FILE" else word for word in arguments]})
loaded = [name for name in ("jax", "jaxopt", "optax", "pandas", "asyncio") if name in sys.modules]
assert status in (0, 1) and not loaded, (status, loaded)
"""
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
