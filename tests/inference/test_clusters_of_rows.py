"""Clusters and weights of rows, and at the command line."""

import csv
import json
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from jaxmle import (
    tables,
)
from jaxmle._cli import main


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(11)
    found = []
    for _ in range(500):
        failure = rng.random() < 0.3
        flag = rng.random() < (0.9 if failure else 0.1)
        found.append(
            {
                "model": "ab"[rng.integers(2)],
                "human": "fail" if failure else "pass",
                "judge": None if rng.random() < 0.05 else "fail" if flag else "pass",
                "prompt": f"p{int(rng.integers(60))}",
                "weight": float(rng.choice([0.5, 1.0, 2.5])),
            }
        )
        if rng.random() < 0.6:
            found[-1]["human"] = None
    return [*found, {"model": "a", "human": None, "judge": None, "prompt": "alone", "weight": 1.0}]


def by_brute_force(rows, *, weighted, clustered):
    """Sums, sums of squares and numbers of units of the slices a and b and of the total, item by item."""
    answers = []
    for slices in ("a", "b", "ab"):
        sums: Any = defaultdict(lambda: np.zeros(6))
        for i, row in enumerate(rows):
            if row["judge"] is None or row["model"] not in slices:
                continue
            cell = (0 if row["judge"] == "fail" else 1) + {"fail": 0, "pass": 2, None: 4}[row["human"]]
            sums[row["prompt"] if clustered else i][cell] += row["weight"] if weighted else 1.0
        units = list(sums.values())
        answers.append((sum(units), sum(unit**2 for unit in units), len(units)))
    return tuple(map(np.array, zip(*answers, strict=True)))


@pytest.mark.parametrize(
    ("weighted", "clustered"), [(True, False), (False, True), (True, True)], ids=["weight", "cluster", "both"]
)
def test_tables_gather_weights_and_clusters(rows, weighted, clustered):
    options = ({"weight": "weight"} if weighted else {}) | ({"cluster": "prompt"} if clustered else {})
    found = tables.count(rows, judge="judge", human="human", by="model", **options)
    sums, squares, units = by_brute_force(rows, weighted=weighted, clustered=clustered)
    assert [key["model"] for key in found.keys] == ["a", "b"]
    np.testing.assert_allclose(np.stack(found.counts.values(), -1), sums[:2], rtol=1e-12)
    np.testing.assert_allclose(found.total.values(), sums[2], rtol=1e-12)
    assert found.n_units.tolist() == units.tolist()
    if not clustered:
        assert found.all_clusters is None
        np.testing.assert_allclose(found.all_squares, squares, rtol=1e-12)
    else:
        every = found.all_clusters
        own = np.stack([np.bincount(every.index, column**2, 3) for column in every.cells.T], -1)
        np.testing.assert_allclose(own, squares, rtol=1e-12)
        np.testing.assert_allclose(np.stack(every.totals.values(), -1), sums, rtol=1e-12)
        assert found.all_squares is None
        # Prompts that both models answered are one cluster of the total.
        assert units[2] < units[0] + units[1]
        np.testing.assert_allclose(np.stack(found.clusters.totals.values(), -1), sums[:2], rtol=1e-12)
        whole = np.stack(found.total_clusters.totals.values(), -1)
        np.testing.assert_allclose(whole, sums[2:], rtol=1e-12)
    assert found.dropped == {"no judge verdict": sum(row["judge"] is None for row in rows)}


def test_rows_alone_have_neither_clusters_nor_weights(rows):
    found = tables.count(rows, judge="judge", human="human")
    assert found.all_clusters is None
    assert found.all_squares is None
    assert found.n_units.tolist() == [501 - found.dropped["no judge verdict"]] * 2


def test_rows_without_a_cluster_are_refused_or_dropped(rows):
    holes = [row | {"prompt": None} if i in (3, 40) else row for i, row in enumerate(rows)]
    with pytest.raises(ValueError, match="row 4 of .*: prompt is None: no cluster"):
        tables.count(holes, judge="judge", human="human", cluster="prompt")
    given = {"judge": "judge", "human": "human", "cluster": "prompt", "on_invalid": "drop"}
    found = tables.count(holes, **given)
    assert found.dropped["no cluster"] == 2
    kept = [row for i, row in enumerate(holes) if i not in (3, 40)]
    np.testing.assert_array_equal(found.clusters.cells, tables.count(kept, **given).clusters.cells)


@pytest.fixture
def verdicts(tmp_path):
    """A file of 600 items with a weight of 2 each, and a prompt of its own."""
    path = tmp_path / "verdicts.csv"
    rng = np.random.default_rng(5)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["human", "judge", "weight", "prompt"])
        for i in range(600):
            failure, known = rng.random() < 0.15, rng.random() < 0.3
            flag = rng.random() < (0.9 if failure else 0.05)
            out.writerow([int(failure) if known else "", int(flag), 2, f"p{i}"])
    return path


def told(capsys, command, path, *options):
    status = main(
        [command, str(path), "--judge", "judge", "--human", "human", "--json", "--no-cache", *options]
    )
    return status, json.loads(capsys.readouterr().out)["total"]


@pytest.mark.slow
def test_equal_weights_change_nothing_at_the_command_line(verdicts, capsys):
    _, alone = told(capsys, "estimate", verdicts)
    status, weighted = told(capsys, "estimate", verdicts, "--weight", "weight")
    assert status == 0
    assert weighted["n_labeled"] == 2 * alone["n_labeled"]
    assert weighted["design_effect"] == pytest.approx(2, rel=0.01)
    assert weighted["n_units"] == 600
    for name in ("human_only", "judge_only"):
        # Up to K / (K - 1), as the mean is estimated.
        assert weighted[name] == pytest.approx(alone[name], rel=2e-3)
    theirs, ours = alone["failure_rate"], weighted["failure_rate"]
    assert ours["estimate"] == pytest.approx(theirs["estimate"], abs=1e-12)
    # Cut-offs are simulated anew; taken for twice as many items, the interval would lose 30% of its width.
    for end in ("low", "high"):
        assert ours[end] - ours["estimate"] == pytest.approx(theirs[end] - theirs["estimate"], rel=0.1)

    options = ("--method", "profile", "--limit", "0.18")
    _, alone = told(capsys, "certify", verdicts, *options)
    _, weighted = told(capsys, "certify", verdicts, *options, "--weight", "weight")
    assert weighted["upper_limit"] == pytest.approx(alone["upper_limit"], rel=0.02)
    assert weighted["p_value"] == pytest.approx(alone["p_value"], rel=0.2)


@pytest.mark.parametrize("copies", [1, 2])
def test_copies_change_nothing_where_they_are_clusters(copies, verdicts, tmp_path, capsys):
    _, alone = told(capsys, "estimate", verdicts)
    header, *lines = verdicts.read_text().splitlines(keepends=True)
    path = tmp_path / "copies.csv"
    path.write_text(header + "".join(lines * copies))
    _, found = told(capsys, "estimate", path, "--cluster", "prompt")
    assert found["n_labeled"] == copies * alone["n_labeled"]
    assert found["design_effect"] == pytest.approx(copies, rel=0.01)
    assert found["n_units"] == 600
    assert found["human_only"] == pytest.approx(alone["human_only"], rel=2e-3)
    theirs, ours = alone["failure_rate"], found["failure_rate"]
    # One more source of width than with weights: the degrees of freedom.
    for end in ("low", "high"):
        assert ours[end] - ours["estimate"] == pytest.approx(theirs[end] - theirs["estimate"], rel=0.12)


def test_the_command_line_certifies_clusters_by_either_method(verdicts, capsys):
    limits = []
    for method in ("exact", "profile"):
        options = ("--cluster", "prompt", "--limit", "0.25", "--method", method)
        status, total = told(capsys, "certify", verdicts, *options)
        assert (status, total["certified"]) == (0, True)
        limits.append(total["upper_limit"])
    assert limits[0] >= limits[1] > 0.1


@pytest.mark.slow
def test_one_labelled_cluster_makes_wide_intervals_and_a_note(tmp_path, capsys):
    path = tmp_path / "one.csv"
    rng = np.random.default_rng(0)
    lines = ["p,human,judge"]
    for i in range(600):
        failure = int(rng.random() < 0.14)
        lines.append(f"{'a' if i < 200 else i % 40},{failure if i < 200 else ''},{failure}")
    path.write_text("\n".join(lines) + "\n")
    status, total = told(capsys, "estimate", path, "--cluster", "p")
    assert status == 0
    assert total["human_only"]["high"] - total["human_only"]["low"] > 0.5
    assert total["failure_rate"]["high"] > 0.3
    assert any("tell as much as" in note and "of one size" in note for note in total["warnings"])


def test_weights_without_clusters_are_not_bootstrapped_as_items(verdicts, capsys):
    columns = ["--judge", "judge", "--human", "human", "--weight", "weight", "--interval", "bootstrap"]
    assert main(["estimate", str(verdicts), *columns]) == 2
    assert "--cluster" in capsys.readouterr().err
