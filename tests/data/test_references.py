"""Bounds learnt from several references: closed forms, coverage, and the command."""

import json

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_law
from scipy.stats import betabinom, halfnorm

from jaxmle import Bounds, Counts
from jaxmle._cli import main
from jaxmle._data import limits_without_each, predictive
from jaxmle._data._references import PRIOR_SPREAD


def references(tp, fn, fp, tn):
    none = np.zeros(np.shape(tp))
    return Counts(tp, fn, fp, tn, none, none)


@pytest.mark.slow
def test_the_mixture_is_the_integral():
    """Probability that a new rate is below .8, by adaptive quadrature over mean and spread."""
    hits, trials, at = np.array([9.0, 16.0]), np.array([10, 20]), 0.8

    def inner(mean, below):
        def value(spread):
            total = mean * (1 - mean) / spread**2 - 1
            a, b = mean * total, (1 - mean) * total
            found = halfnorm.pdf(spread, scale=PRIOR_SPREAD) * np.prod(betabinom.pmf(hits, trials, a, b))
            return found * beta_law.cdf(at, a, b) if below else found

        return quad(value, 1e-4, np.sqrt(0.5 * mean * (1 - mean)), limit=100)[0]

    top, bottom = (quad(lambda m, k=k: inner(m, k), 1e-4, 1 - 1e-4, limit=50, epsabs=1e-9)[0] for k in (1, 0))
    law = predictive(hits, trials - hits)
    total = law.mean * (1 - law.mean) / law.spread**2 - 1
    found = law.weight @ beta_law.cdf(at, law.mean * total, (1 - law.mean) * total)
    assert found == pytest.approx(top / bottom, abs=0.01)


def test_many_alike_references_are_one_large_one():
    bounds = Bounds.from_references(references([900] * 40, [100] * 40, [50] * 40, [950] * 40))
    assert bounds.tpr[0] > 0.87
    assert bounds.tpr[1] < 0.93
    assert bounds.fpr[1] < 0.08


def test_fewer_and_less_alike_references_make_wider_bounds():
    def width(*pairs):
        hits = np.array(pairs, float)
        low, high = Bounds.from_references(references(hits, 100 - hits, hits, 100 - hits)).tpr
        return high - low

    assert width(80, 80, 80, 80) < width(80, 80) < width(80)
    assert width(80, 80, 80, 80) < width(70, 90, 70, 90) < width(50, 95, 50, 95)


def test_one_reference_is_the_case_of_several():
    one = references([90, 45], [10, 5], [5, 3], [95, 47])
    alone = Bounds.from_reference(one)
    several = Bounds.from_references(Counts(*(value[:, None] for value in one.values())))
    for name in ("tpr", "fpr"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(several, name))
        same = getattr(Bounds.from_reference(one, same_population=True), name)
        assert np.all(getattr(alone, name)[0] < same[0])
        assert np.all(same[1] < getattr(alone, name)[1])
    none = Bounds.from_reference(Counts(0, 0, 1, 9, 0, 0))
    assert none.tpr == (0, 1)
    assert none.shape == ()


@pytest.mark.slow
def test_one_reference_predicts_the_next_where_sampling_alone_does_not():
    """Rates of both data sets from one Beta law, whose spread is the scale of the prior."""
    rng = np.random.default_rng(5)
    total = 0.85 * 0.15 / PRIOR_SPREAD**2 - 1
    rate = rng.beta(0.85 * total, 0.15 * total, (400, 2))
    hits = rng.binomial(200, rate[:, 0]).astype(float)
    batch = references(hits, 200 - hits, hits, 200 - hits)
    share = {}
    for same in (False, True):
        low, high = Bounds.from_reference(batch, same_population=same).tpr
        share[same] = np.mean((low <= rate[:, 1]) & (rate[:, 1] <= high))
    assert share[False] >= 0.975 - 3 * np.sqrt(0.975 * 0.025 / 400)
    assert share[True] < 0.75


def test_batches_and_what_is_missing():
    one = references([9, 0, 8], [1, 0, 2], [0, 0, 0], [0, 0, 0])
    alone = Bounds.from_references(one)
    assert alone.fpr == (0, 1)
    both = Bounds.from_references(Counts(*(np.stack([value, value]) for value in one.values())))
    assert both.shape == (2,)
    assert both.tpr[0].tolist() == [alone.tpr[0]] * 2
    with pytest.raises(ValueError, match="axis of references"):
        Bounds.from_references(one[0])
    with pytest.raises(ValueError, match="confidence"):
        Bounds.from_references(one, confidence=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "spread"), [(3, 0.05), (8, 0.1)])
def test_a_new_rate_lies_within(size, spread):
    """Rates of references and of the new data set from one Beta law, 100 trials each."""
    rng = np.random.default_rng(size)
    total = 0.85 * 0.15 / spread**2 - 1
    rate = rng.beta(0.85 * total, 0.15 * total, (300, size + 1))
    hits = rng.binomial(100, rate[:, :size])
    low, high = predictive(hits.astype(float), 100.0 - hits).limits(0.025)
    inside = np.mean((low <= rate[:, -1]) & (rate[:, -1] <= high))
    assert inside >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)


def test_each_part_is_left_out_in_turn():
    hits = np.array([80.0, 82, 78, 20])
    low, high = limits_without_each(hits, 100 - hits, 0.0125)
    assert low[3] > 0.2
    others = predictive(hits[:3], 100 - hits[:3]).limits(0.0125)
    assert (low[3], high[3]) == tuple(float(end) for end in others)


@pytest.fixture
def verdicts(tmp_path):
    lines = ["model,judge,human"]
    for model, (tp, fn, fp, tn) in {"a": (40, 10, 4, 46), "b": (42, 8, 6, 44), "c": (38, 12, 3, 47)}.items():
        for pair, count in zip(((1, 1), (0, 1), (1, 0), (0, 0)), (tp, fn, fp, tn), strict=True):
            lines += [f"{model},{pair[0]},{pair[1]}"] * count
    lines += ["d,1,", "d,0,"]
    path = tmp_path / "judged.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_the_command(verdicts, capsys):
    command = ["bounds", verdicts, "--judge", "judge", "--human", "human", "--by", "model"]
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    counts = references([40, 42, 38], [10, 8, 12], [4, 6, 3], [46, 44, 47])
    bounds = Bounds.from_references(counts)
    assert document["bounds"]["tpr"] == [float(end) for end in bounds.tpr]
    assert [part["key"]["model"] for part in document["parts"]] == ["a", "b", "c"]
    assert document["left_out"] == {"tpr": {"inside": 3, "of": 3}, "fpr": {"inside": 3, "of": 3}}
    assert document["homogeneity"]["p_value"] > 0.2
    assert main(command) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[2].startswith("Failure: 1 in judge, ")
    assert "Of 3 parts left out in turn, the TPR of 3 were within what the others predict." in text
    # What it prints can be pasted, and is no narrower.
    words = document["options"].split()
    low, high = map(float, words[1].split(":"))
    assert low <= bounds.tpr[0] < bounds.tpr[1] <= high
    assert main(["estimate", *command[1:6], *words, "--interval", "chi-square", "--json"]) == 0


def test_one_part_is_said_to_say_little(verdicts, capsys):
    assert main(["bounds", verdicts, "--judge", "judge", "--human", "human"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "one part says nothing of how parts differ" in text
    assert "left out in turn" not in text


def test_a_reference_in_parts_bounds_another_file(verdicts, tmp_path, capsys):
    other = tmp_path / "new.csv"
    other.write_text("judge,human\n" + "1,1\n0,0\n" * 10 + "1,\n0,\n" * 50)
    command = [
        "estimate",
        str(other),
        "--judge",
        "judge",
        "--human",
        "human",
        "--interval",
        "chi-square",
        "--json",
    ]
    assert main([*command, "--reference", verdicts, "--reference-by", "model"]) == 0
    found = json.loads(capsys.readouterr().out)["settings"]["bounds"]
    counts = references([40, 42, 38], [10, 8, 12], [4, 6, 3], [46, 44, 47])
    assert found["tpr"] == [float(end) for end in Bounds.from_references(counts).tpr]
    assert main([*command, "--reference-by", "model"]) == 2
    assert "--reference-by goes with --reference" in capsys.readouterr().err


def test_a_rate_that_no_part_or_one_part_tells_of_is_not_said_to_vary(tmp_path, capsys):
    path = tmp_path / "passes.csv"
    passes = ["0,0,a", "1,0,a", "0,0,b", "0,0,b"] * 5
    command = ["bounds", str(path), "--judge", "judge", "--human", "human", "--by", "model"]
    for failures in ([], ["1,1,a"] * 8):
        path.write_text("\n".join(["judge,human,model", *passes, *failures]) + "\n")
        assert main([*command, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["spread"]["tpr"] is None
        assert found["spread"]["fpr"] > 0
        assert found["left_out"] == {"tpr": {"inside": 0, "of": 0}, "fpr": {"inside": 2, "of": 2}}
        assert main(command) == 0
        said = capsys.readouterr().out
        assert "From part to part the FPR varies by" in said
        assert "TPR varies" not in said
    assert Bounds.from_references(references([0, 0], [0, 0], [1, 2], [9, 8])).tpr == (0, 1)
