"""Items are drawn by chance, by the design that was asked for, and their labels speak for all items."""

import csv
import os
from hashlib import sha256

import numpy as np
import pytest
from cases import some_fast
from scipy import stats

import jaxmle
from jaxmle import Counts, LabelDesign, draw_labels, fit, tables
from jaxmle._inference import weight_effect
from jaxmle._planning._allocation import best_flagged, shared_out
from jaxmle._tables import Roles, SliceCounts, Table, judged_items, with_blank_labels
from jaxmle._tables._designed import weighted

TOPICS = {"a": 60, "b": 25, "c": 15}


def items(n=100, flagged=30):
    """Rows with a verdict of the judge; which are failures is in `failed`."""
    topics = np.repeat(list(TOPICS), list(TOPICS.values()))
    return [
        {"id": f"q{i}", "topic": str(topics[i]), "judge": "fail" if i % 10 < flagged // 10 else "pass"}
        for i in range(n)
    ]


def failed(row):
    """The truth: topics differ, and the judge is right more often than not."""
    number = int(row["id"][1:])
    return (row["topic"] == "c") or (row["judge"] == "fail" and number % 3 > 0)


def labeled(queue, rows):
    """What a person writes who labels the queue."""
    by_id = {row["id"]: row for row in rows}
    return [
        {"id": name, "label": "fail" if failed(by_id[name]) else "pass"} for (name,) in queue.design.drawn
    ]


def drawn(rows, **more):
    return draw_labels(rows, judge="judge", id="id", **more)


def test_a_draw_rests_on_seed_and_ids_alone():
    rows = items()
    first = drawn(rows, n_labels=20, seed=4)
    again = drawn(rows[::-1], n_labels=20, seed=4)
    assert first.design.drawn == again.design.drawn
    assert first.design.sha256 == again.design.sha256
    assert first.design.drawn != drawn(rows, n_labels=20, seed=5).design.drawn
    assert set(first.design.drawn) < set(drawn(rows, n_labels=30, seed=4).design.drawn)
    # Whoever has the ids can draw again, with any program.
    place = {row["id"]: sha256(f"4\x1f{row['id']}".encode()).hexdigest() for row in rows}
    first_20 = sorted(place, key=place.__getitem__)[:20]
    chosen = sorted(first_20, key=lambda name: sha256(place[name].encode()).hexdigest())
    assert [name for (name,) in first.design.drawn] == chosen


@pytest.mark.slow
def test_each_item_is_as_likely_as_any_other():
    source = Table(items(20))
    found = judged_items(source, Roles("judge", with_blank_labels(source)), ("id",))
    kinds = {"verdicts": False, "slices": False}
    draws = [found.draw([()], np.array([5]), seed, **kinds) for seed in range(400)]
    times = np.unique([item for one in draws for item in one], return_counts=True)[1]
    assert len(times) == 20
    # Draws of 5 of 20: variance of 20 counts that sum to 2,000.
    statistic = float(np.sum((times - 100) ** 2) / (100 * 0.75) * 19 / 20)
    assert stats.chi2.sf(statistic, 19) > 1e-4
    first = np.unique([one[0] for one in draws], return_counts=True)[1]
    assert stats.chi2.sf(float(np.sum((first - 20) ** 2) / 20), 19) > 1e-4


def test_labelled_items_are_never_drawn():
    rows = [{**row, "human": "pass" if i < 70 else ""} for i, row in enumerate(items())]
    queue = drawn(rows, human="human", n_labels=30)
    assert {int(name[1:]) for (name,) in queue.design.drawn} == set(range(70, 100))
    assert len(queue.design.before) == 70
    assert "human" not in queue.columns
    with pytest.raises(ValueError, match="31 labels are asked for, and 30 judged items have none yet"):
        drawn(rows, human="human", n_labels=31)


def test_what_is_shown_hides_the_verdict_unless_asked():
    assert drawn(items(), n_labels=1).columns == ("id", "topic")
    assert drawn(items(), n_labels=1, show_verdict=True).columns == ("id", "topic", "judge")
    for wrong in (3.7, [1], b"x"):
        with pytest.raises(TypeError, match="`columns` must name a column of the rows, or a list of them"):
            drawn(items(), n_labels=1, columns=wrong)
    with pytest.raises(ValueError, match="'judge', a verdict or a label"):
        drawn(items(), n_labels=1, columns=["judge"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "q1"}, "holds 2 judged rows for id 'q1'"),
        ({"id": ""}, "1 of the 100 judged items have no id"),
        ({"judge": "maybe"}, "neither a failure nor a pass"),
    ],
)
def test_items_that_cannot_be_told_apart_are_refused(change, said):
    rows = items()
    rows[5] = rows[5] | change
    with pytest.raises(ValueError, match=said):
        drawn(rows, n_labels=5)


@pytest.mark.slow
def test_by_verdict_divides_as_plan_does():
    rates = {"judge_tpr": 0.8, "judge_fpr": 0.1}
    found = jaxmle.plan(
        failure_rate=(0.3 - 0.1) / 0.7, **rates, n_unlabeled=1000, target_width=0.1, labels="by-verdict",
        simulate=False,
    )  # fmt: skip
    n = found.n_labels
    own = best_flagged(n, 300, 700, **rates, bounds=jaxmle.Bounds())
    assert abs(own - found.split["flagged"]) <= 0.04 * n
    queue = drawn(items(), n_labels=20, by_verdict=True, **rates)
    assert [one.key["verdict"] for one in queue.design.strata] == ["flagged", "passed"]
    assert sum(one.n_drawn for one in queue.design.strata) == 20
    assert queue.design.labels == "by-verdict"
    queue = drawn(items(), n_labels=20, by_verdict=True, n_flagged=18)
    assert [one.n_drawn for one in queue.design.strata] == [18, 2]
    with pytest.raises(ValueError, match="say what you expect of the judge"):
        drawn(items(), n_labels=20, by_verdict=True)
    with pytest.raises(ValueError, match=r"flags 30.0% of the items, which no failure rate explains"):
        drawn(items(), n_labels=20, by_verdict=True, judge_tpr=0.25, judge_fpr=0.1)
    with pytest.raises(ValueError, match="without a label are 30 flagged items and 70 others"):
        drawn(items(), n_labels=40, by_verdict=True, n_flagged=31)


def test_slices_share_labels_by_size_above_a_floor():
    np.testing.assert_array_equal(shared_out(20, [60, 25, 15], [0, 0, 0], 1), [12, 5, 3])
    np.testing.assert_array_equal(shared_out(20, [60, 25, 15], [0, 0, 0], 6), [8, 6, 6])
    np.testing.assert_array_equal(shared_out(10, [60, 2], [0, 0], 5), [8, 2])
    # What a slice has counts: 20 in all, of which the second has its share.
    np.testing.assert_array_equal(shared_out(12, [50, 50], [0, 8], 1), [10, 2])
    rng = np.random.default_rng(0)
    for _ in range(300):
        size = rng.integers(1, 100, rng.integers(1, 12))
        had, floor = rng.integers(0, np.minimum(size, 4) + 1), int(rng.integers(1, 6))
        least = np.maximum(np.minimum(floor, size), had)
        n = int(rng.integers((least - had).sum(), (size - had).sum() + 1))
        new = shared_out(n, size, had, floor)
        assert new.sum() == n
        assert ((new >= 0) & (new + had >= least) & (new + had <= size)).all()
    with pytest.raises(ValueError, match="9 labels in each of 3 slices are 27, against 20 to draw"):
        drawn(items(), n_labels=20, by="topic", floor=9)


def test_labels_by_slice_get_weights_in_the_total():
    rows = items()
    queue = drawn(rows, n_labels=30, by="topic", floor=10)
    assert [one.n_drawn for one in queue.design.strata] == [10, 10, 10]
    given = {"design": queue.design, "human_source": labeled(queue, rows)}
    table = tables.count(rows, **given)
    total = table.counts[0]
    assert total.n_labeled == pytest.approx(30)
    assert total.n_unlabeled == pytest.approx(70)
    slices = tables.count(rows, **given, by="topic")
    np.testing.assert_array_equal(slices.counts.n_labeled, [10, 10, 10])
    assert slices.total.values() == pytest.approx(total.values())
    # Each label of a topic weighs its share of the items: 30 * 60 / 100 / 10 for the first.
    weights = 30 * np.array([60, 25, 15]) / 100 / 10
    assert total.tp == pytest.approx(float(np.sum(weights * slices.counts.tp)))
    assert table.squares[0, 0] == pytest.approx(float(np.sum(weights**2 * slices.counts.tp)))
    # Slices that cut across topics are weighted too.
    rows = [{**row, "model": str(i % 2)} for i, row in enumerate(rows)]
    across = tables.count(rows, **given, by="model")
    assert across.total.values() == pytest.approx(total.values())


def test_a_slice_that_is_labelled_throughout_stands_for_itself():
    rows = items()
    queue = drawn(rows, n_labels=45, by="topic", floor=15)
    given = {"design": queue.design, "human_source": labeled(queue, rows)}
    total = tables.count(rows, **given).counts[0]
    assert total.n_labeled + total.n_unlabeled == pytest.approx(100)
    flags = total.tp + total.fp + total.unlabeled_pos
    slices = tables.count(rows, **given, by="topic").counts
    a, b, c = (0.45 * size / 15 for size in (60, 25, 15))
    flagged = slices.tp + slices.fp
    unlabeled = [0.55 * 60 * slices.unlabeled_pos[0] / 45, 0.55 * 25 * slices.unlabeled_pos[1] / 10]
    assert flags == pytest.approx(float(np.dot([a, b, c], flagged) + sum(unlabeled) + 0.55 * flagged[2]))


@pytest.mark.slow
def test_verdicts_that_stand_twice_vary_as_one():
    """The variance of a total with a slice that is labelled throughout, against simulated tables."""
    size, labels, n = np.array([600, 400]), np.array([600, 50]), 3000
    rng = np.random.default_rng(0)
    tp, fp = 0.3 * 0.97, 0.7 * 0.02
    p = [tp, 0.3 - tp, fp, 0.7 - fp]
    first = np.stack([rng.multinomial(k, p, n) for k in labels], 1)
    rest = np.stack([rng.multinomial(k, [tp + fp, 1 - tp - fp], n) for k in size - labels], 1)
    keys = [{"topic": name} for name in "ab"]
    totals, squares = [], []
    for cells in np.concatenate([first, rest], 2):
        table = SliceCounts(Counts(*cells.T), keys, {}, 1000, unjudged=np.zeros((2, 2), np.int64))
        total = weighted(table, (), ("topic",))
        totals.append(np.concatenate(total.counts.values()))
        squares.append(total.squares[0])
    found = fit(Counts(*np.array(totals).T))
    effect = weight_effect(found, np.array(squares))
    interval = found.interval(simulate=False, design_effect=effect)
    said = ((interval.high - interval.low) / (2 * stats.norm.ppf(0.975))) ** 2
    seen = np.var(found.failure_rate, ddof=1)
    # Were the two independent, it would be short by an eighth.
    assert abs(np.mean(said) / seen - 1) < 4 * np.sqrt(2 / n)
    missed = np.sum((interval.low > 0.3) | (interval.high < 0.3))
    assert stats.binom.sf(missed - 1, n, 0.05) > 1e-3


@pytest.mark.slow
def test_the_weighted_total_is_right_where_the_plain_one_is_not():
    rows = items()
    truth = np.mean([failed(row) for row in rows])
    weighted, plain = [], []
    for seed in range(40):
        queue = drawn(rows, n_labels=30, by="topic", floor=10, seed=seed)
        labels = labeled(queue, rows)
        weighted.append(fit(tables.count(rows, design=queue.design, human_source=labels).counts[0]))
        bare = tables.count(rows, judge="judge", human="label", id="id", human_source=labels)
        plain.append(fit(bare.total))
    found, biased = (np.array([one.failure_rate for one in some]) for some in (weighted, plain))
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - truth) < 4 * error
    assert abs(biased.mean() - truth) > 4 * error


def test_labels_that_were_not_drawn_and_other_items_are_refused():
    rows = items()
    queue = drawn(rows, n_labels=10)
    labels = labeled(queue, rows)
    tables.count(rows, design=queue.design, human_source=labels)
    stranger = next(row["id"] for row in rows if (row["id"],) not in queue.design.drawn)
    more = [*labels, {"id": stranger, "label": "fail"}]
    with pytest.raises(
        ValueError, match=f"1 labelled item was not drawn by the design, such as id '{stranger}'"
    ):
        tables.count(rows, design=queue.design, human_source=more)
    with pytest.raises(ValueError, match="there are 99 judged items, and there were 100 at the draw"):
        tables.count(rows[1:], design=queue.design, human_source=labels)
    turned = [{**row, "judge": "pass"} if row["id"] == "q0" else row for row in rows]
    tables.count(turned, design=queue.design, human_source=labels)  # a random sample is one for any judge
    queue = drawn(rows, n_labels=10, by_verdict=True, n_flagged=8)
    with pytest.raises(ValueError, match="their ids or verdicts are others than at the draw"):
        tables.count(turned, design=queue.design, human_source=labeled(queue, rows))
    queue = drawn(rows, n_labels=15, by="topic")
    some = [one for one in labeled(queue, rows) if int(one["id"][1:]) < 85]
    with pytest.raises(ValueError, match="no label yet where topic = 'c'"):
        tables.count(rows, design=queue.design, human_source=some)


def write_labels(path, labels):
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, ["id", "label"])
        table.writeheader()
        table.writerows(labels)


@pytest.mark.slow
def test_rounds_find_all_labels_beside_their_designs(tmp_path):
    rows = items()
    first = drawn(rows, n_labels=10)
    first.save(tmp_path / "one.csv")
    with pytest.raises(ValueError, match=r"no labels beside .*one\.json' yet: label with `jaxmle label"):
        tables.count(rows, design=tmp_path / "one.json")
    write_labels(tmp_path / "one.labels.csv", labeled(first, rows))
    assert tables.count(rows, design=tmp_path / "one.json").total.n_labeled == 10
    second = draw_labels(rows, design=tmp_path / "one.json", n_labels=15)
    assert not set(second.design.drawn) & set(first.design.drawn)
    second.save(tmp_path / "two.csv")
    write_labels(tmp_path / "two.labels.csv", labeled(second, rows))
    assert tables.count(rows, design=tmp_path / "two.json").total.n_labeled == 25
    assert LabelDesign.load(tmp_path / "two.json").earlier == ("one.json",)
    by_verdict = draw_labels(rows, design=tmp_path / "one.json", n_labels=5, by_verdict=True, n_flagged=3)
    by_verdict.save(tmp_path / "three.csv")
    with pytest.raises(ValueError, match="drawn by-verdict: draw more of them in the same way"):
        draw_labels(rows, design=tmp_path / "three.json", n_labels=5, by="topic")


def test_labels_that_the_rows_had_before_the_draw_are_kept(tmp_path):
    rows = [{**row, "human": "pass" if i < 12 else ""} for i, row in enumerate(items())]
    queue = drawn(rows, human="human", n_labels=10)
    queue.save(tmp_path / "queue.csv")
    write_labels(tmp_path / "queue.labels.csv", labeled(queue, rows))
    assert tables.count(rows, design=tmp_path / "queue.json").total.n_labeled == 22


def test_formulas_are_guarded_and_ids_that_are_some_refused(tmp_path):
    rows = [{"id": f"x{i}", "judge": 1, "text": "=cmd()"} for i in range(3)]
    queue = drawn(rows, n_labels=2)
    queue.save(tmp_path / "queue.csv")
    assert "'=cmd()" in (tmp_path / "queue.csv").read_text()
    queue.save(tmp_path / "queue.csv", raw_csv=True)
    assert "'=cmd()" not in (tmp_path / "queue.csv").read_text()
    odd = drawn([{**row, "id": f"={row['id']}"} for row in rows], n_labels=2)
    with pytest.raises(ValueError, match="would run the id"):
        odd.save(tmp_path / "queue.csv")
    odd.save(tmp_path / "queue.csv", raw_csv=True)


@pytest.mark.parametrize(
    "name", some_fast(["queue.csv", "queue.labels.csv", "queue.labels-ann.csv"], ["queue.labels.csv"])
)
def test_labels_of_another_draw_are_never_overwritten(tmp_path, name):
    rows = items()
    queue = drawn(rows, n_labels=5)
    queue.save(tmp_path / "queue.csv")
    drawn(rows, n_labels=5, seed=1).save(tmp_path / "queue.csv")  # nothing is lost yet
    queue.save(tmp_path / "queue.csv")
    write_labels(tmp_path / name, labeled(queue, rows))
    design = LabelDesign.load(tmp_path / "queue.json")
    design.with_look(limit=0.1, confidence=0.95, n_labeled=5).save(tmp_path / "queue.json")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"{name}' holds labels of another draw"):
        drawn(rows, n_labels=5, seed=1).save(tmp_path / "queue.csv")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    # The very same draw is not another one, and forgets neither labels nor looks.
    drawn(rows, n_labels=5).save(tmp_path / "queue.csv")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "queue.json").unlink()
    with pytest.raises(ValueError, match=f"{name}' holds labels of another draw"):
        drawn(rows, n_labels=5, seed=1).save(tmp_path / "queue.csv")


@pytest.mark.parametrize("broken", [".csv", ".json"])
def test_no_new_design_stands_beside_an_old_queue(tmp_path, monkeypatch, broken):
    rows = items()
    drawn(rows, n_labels=5).save(tmp_path / "queue.csv")
    replace = os.replace

    def refuse(source, target):
        if str(target) == str(tmp_path / f"queue{broken}"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match="No space left"):
            drawn(rows, n_labels=5, seed=1).save(tmp_path / "queue.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"queue.csv", "queue.json"}
    assert (tmp_path / "queue.json").read_bytes() == before[tmp_path / "queue.json"]
    drawn(rows, n_labels=5, seed=1).save(tmp_path / "queue.csv")
    assert LabelDesign.load(tmp_path / "queue.json").seed == 1


@pytest.mark.parametrize("failure", [0, "0", [0]])
def test_a_design_keeps_what_was_called_a_failure_however_it_was_said(failure):
    rows = [
        {"id": str(i), "judge": int(i >= 20), "human": None if i % 5 else int(i >= 18)} for i in range(100)
    ]
    asked = {"judge": "judge", "human": "human", "id": "id", "n_labels": 10}
    design = draw_labels(rows, **asked, failure=failure).design
    assert "0" in design.judge_failure
    assert (design.human_failure, design.passes) == (design.judge_failure, ())
    alone = draw_labels(rows, **asked, judge_failure=failure, human_failure=failure).design
    assert (alone.judge_failure, alone.passes) == (design.judge_failure, ())
