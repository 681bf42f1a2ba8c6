"""Labels in rounds on published verdicts: do interval and verdicts keep their promise where plans decide?

    python -m benchmarks.rounds            # 200 campaigns of each design, some 10 minutes of one core
    python -m benchmarks.rounds --quick    # 6 of each
    python -m benchmarks.rounds --figures  # only the table of what has been computed

All human labels of the published answers (3,006, judged by GPT-4) are hidden, as in `benchmarks.labelling`.
A campaign draws 60 labels, asks after each round how many more make an interval of .12 (`plan --given`, by
chi-square), draws these (`draw --plan`) and asks for a verdict: three rounds at most, none where the plan
wants no more. So the number of labels depends on what the labels say. Coverage, by the labels at the end, is
of the failure rate of these answers. A certificate below that very rate, at any round, is an error: "counted"
is `certify --look K --of 3`, K the round; "not counted" looks each time as if it were the only one. The rate
is certified to be below .40 at the first round that does (counted), or with the labels at the end alone. The
first campaign of each design also goes through the commands and their files, which must find the same labels
and the same verdicts.
"""

import argparse
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from benchmarks.labelling import FIELDS, KINDS, Answers, wanted
from jaxmle import Bounds, Counts, Looks, certify, fit
from jaxmle._cli._start import start
from jaxmle._inference import asymptotic_p_values
from jaxmle._planning._further_labels import _divided, _searched, _setting
from jaxmle._planning._label_arguments import goal_of
from jaxmle._planning._plan import option_of
from jaxmle._tables import Judged, Roles, Table, judged_items, with_blank_labels

FIRST, ROUNDS, WIDTH, ABOVE, ALPHA = 60, 3, 0.12, 0.40, 0.05


def campaign(answers: Answers, items: Judged, kind: str, seed: int) -> np.ndarray:
    """Counts after each round, shape ``(rounds, 6)``."""
    verdicts, slices = KINDS[kind]
    strata, _, _ = items.strata(verdicts=verdicts, slices=slices)
    n = wanted(answers, kind, FIRST)
    found: list[np.ndarray] = []
    while True:
        # A larger draw of a seed holds the smaller ones, so that all rounds together are one draw.
        ids = items.draw(strata, n, seed, verdicts=verdicts, slices=slices)
        found.append(answers.counted(ids).sum(0))
        if len(found) == ROUNDS:
            break
        more = further(Counts(*found[-1]), kind)
        if not more.any():
            break
        n = n + more
    return np.array(found)


def further(counts: Counts, kind: str) -> np.ndarray:
    """Labels that `plan_further` asks for, of each stratum, without what it says of other ways to draw."""
    goal = goal_of(WIDTH, None, 0.8, 1 - ALPHA, "exact", False)
    setting = _divided(_setting(counts, Bounds(), _labels(kind), 0), goal, 0)
    plan = option_of(setting, goal, _searched(setting, goal, 0), None)
    if not plan.n_labels:
        return np.zeros(1, int)
    return np.array([plan.split["flagged"], plan.split["passed"]] if plan.split else [plan.n_labels])


def _labels(kind: str) -> Any:
    return "by-verdict" if kind == "by verdict" else "random"


def rows_of(kind: str, size: int) -> Iterator[dict[str, Any]]:
    """What campaigns of one design give: a row a figure."""
    answers = Answers.published()
    truth = float(answers.human.mean())
    table = Table([{k: v for k, v in row.items() if k != "human"} for row in answers.rows])
    items = judged_items(table, Roles("judge", with_blank_labels(table)), ("id",))
    all_counts = [campaign(answers, items, kind, seed) for seed in range(size)]
    last = Counts(*np.array([one[-1] for one in all_counts]).T)
    labels = np.asarray(last.n_labeled)

    def row(method: str, values: Any) -> dict[str, Any]:
        error = np.std(values) / np.sqrt(size)
        found = (kind, size, np.mean(labels), method, np.mean(values), error)
        return dict(zip(FIELDS, found, strict=True))

    yield row("rounds", np.array(list(map(len, all_counts))))
    yield row("labels", labels)
    ended = fit(last)
    yield row("bias", np.asarray(ended.failure_rate) - truth)
    for name, simulate in (("calibrated", None), ("chi-square", False)):
        interval = ended.interval(labels=_labels(kind), simulate=simulate)
        low, high = np.asarray(interval.low), np.asarray(interval.high)
        yield row(f"{name}: covered", (low <= truth) & (truth <= high))
        yield row(f"{name}: width", high - low)
    for name, options in (
        ("profile, counted", {"method": "profile", "counted": True}),
        ("exact, counted", {"method": "exact", "counted": True}),
        ("profile, not counted", {"method": "profile", "counted": False}),
    ):
        first = first_certified(all_counts, kind, truth, **options)
        yield row(f"{name}: certified below the truth", np.isfinite(first))
    first = first_certified(all_counts, kind, ABOVE, method="profile", counted=True)
    yield row("certified below .40: in rounds", np.isfinite(first))
    yield row("certified below .40: labels", np.minimum(first, labels))
    once = certify(last, limit=ABOVE, method="profile", labels=_labels(kind))
    yield row("certified below .40: once", np.asarray(once.certified))
    _check(answers, kind, all_counts[0], truth)


def first_certified(
    all_counts: list[np.ndarray], kind: str, limit: float, *, method: Any, counted: bool
) -> np.ndarray:
    """Labels at the first round that certifies, infinite where none does."""
    found = np.full(len(all_counts), np.inf)
    for look in range(1, ROUNDS + 1):
        open_ = np.array([i for i, one in enumerate(all_counts) if len(one) >= look and np.isinf(found[i])])
        if not open_.size:
            continue
        counts = Counts(*np.array([all_counts[i][look - 1] for i in open_]).T)
        looks = Looks(look, of=ROUNDS) if counted else None
        if method == "exact":
            # Others were never seen to pass, as in `benchmarks.looks`.
            level = Looks(look, of=ROUNDS).level(ALPHA)
            near = asymptotic_p_values(fit(counts), np.full(counts.shape, limit)) < 8 * level
            open_, counts = open_[near], counts[near]
        if open_.size:
            verdict = certify(counts, limit=limit, method=method, labels=_labels(kind), looks=looks)
            passed = np.atleast_1d(verdict.certified)
            found[open_[passed]] = np.atleast_1d(counts.n_labeled)[passed]
    return found


def _check(answers: Answers, kind: str, counts: np.ndarray, truth: float) -> None:
    """Go through a campaign by the commands."""
    label = {row["id"]: "fail" if row["human"] == "1" else "pass" for row in answers.rows}
    names = [name for name in answers.rows[0] if name != "human"]
    lines = [",".join(names), *(",".join(row[name] for name in names) for row in answers.rows)]
    how = ["--labels", str(FIRST)]
    if kind == "by verdict":
        how += ["--by-verdict", "--flagged", str(wanted(answers, kind, FIRST)[0])]
    said = ["--judge", "judge", "--id", "id", *how]
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("verdicts.csv").write_text("\n".join(lines) + "\n")
        for place, cells in enumerate(counts, 1):
            queue, design = f"queue{place}.csv", ["verdicts.csv", "--design", f"queue{place}.json"]
            _run("draw", "verdicts.csv", *said, "--seed", "0", "--out", queue)
            drawn = [line.partition(",")[0] for line in Path(queue).read_text().splitlines()[1:]]
            Path("said.csv").write_text("id,label\n" + "".join(f"{one},{label[one]}\n" for one in drawn))
            _run("label", queue, "--import", "said.csv")
            look = ["--look", str(place), "--of", str(ROUNDS)]
            found = _run("certify", *design, "--limit", str(truth), "--method", "profile", *look)
            assert list(found["total"]["counts"].values()) == cells.tolist()
            verdict = certify(
                Counts(*cells),
                limit=truth,
                method="profile",
                labels=_labels(kind),
                looks=Looks(place, of=ROUNDS),
            )
            assert found["certified"] == bool(verdict.certified)
            plan = _run("plan", "--given", *design, "--target-width", str(WIDTH), "--interval", "chi-square")
            Path("plan.json").write_text(json.dumps(plan))
            said = ["--design", f"queue{place}.json", "--plan", "plan.json"]


def _run(*words: str) -> Any:
    """The document of a command."""
    with redirect_stdout(io.StringIO()) as printed:
        start([*words, "--json"])
    return json.loads(printed.getvalue())


def report(out: Path) -> None:
    """Print the tables in Markdown."""
    found = _results.by_method(out / "rounds.csv")
    print(
        "| design | campaigns | rounds | labels | bias | calibrated: covered | width | chi-square: covered |"
    )
    print(f"|---|{'--:|' * 7}")
    for kind, part in found.items():
        cells = [
            f"{part['rounds']['queues']:.0f}",
            f"{part['rounds']['value']:.2f}",
            f"{part['labels']['value']:.0f}",
            _results.with_error(part["bias"], 4),
            _results.with_error(part["calibrated: covered"]),
            f"{part['calibrated: width']['value']:.4f}",
            _results.with_error(part["chi-square: covered"]),
        ]
        print(f"| {kind} | {' | '.join(cells)} |")
    print()
    names = ("profile, counted", "exact, counted", "profile, not counted")
    print(f"| design | {' | '.join(f'wrong: {name}' for name in names)} |", end="")
    print(" below .40, in rounds | after labels | below .40, once |")
    print(f"|---|{'--:|' * 6}")
    for kind, part in found.items():
        cells = [
            *(_results.with_error(part[f"{name}: certified below the truth"]) for name in names),
            _results.with_error(part["certified below .40: in rounds"]),
            f"{part['certified below .40: labels']['value']:.0f}",
            _results.with_error(part["certified below .40: once"]),
        ]
        print(f"| {kind} | {' | '.join(cells)} |")


def main() -> None:
    """Compute what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="6 campaigns of each design")
    parser.add_argument("--campaigns", type=int, default=200, help="campaigns a design (default 200)")
    parser.add_argument("--figures", action="store_true", help="only print the tables")
    parser.add_argument("--out", type=Path, help="folder of results (default: benchmarks/results)")
    given = parser.parse_args()
    out = _results.folder_of(given)
    if not given.figures:
        table = _results.Resumed(out / "rounds.csv", FIELDS, ("design",))
        n = 6 if given.quick else given.campaigns
        kinds = ("random", "by verdict")
        _results.fill([(table, rows_of, (kind, n)) for kind in kinds if not table.holds(kind)])
    report(out)


if __name__ == "__main__":
    main()
