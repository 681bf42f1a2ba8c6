"""From a queue to a certificate on published verdicts: do interval and verdict keep their promise?

    python -m benchmarks.labelling            # 500 queues of each design, minutes
    python -m benchmarks.labelling --quick    # 20 of each
    python -m benchmarks.labelling --figures  # only the tables of what has been computed

All human labels of the published answers (3,006, judged by GPT-4) are hidden. Queues are drawn by each
design, answered by the hidden labels, counted by their design, estimated and certified; the first two queues
of each design also go through files and `tables.count`, which must count the same. Coverage is of the failure
rate of these answers; a certificate below that very rate is an error. The second table holds what `plan`
promises of labels by verdict against labels at random: the mean width that both were planned for, by
chi-square as the plan has it.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results
from jaxmle import Bounds, Counts, certify, draw_labels, fit, plan, tables
from jaxmle._data import NQ301_GPT4
from jaxmle._inference import weight_effect
from jaxmle._planning._allocation import best_flagged, shared_out
from jaxmle._tables import Roles, SliceCounts, Table, judged_items, with_blank_labels
from jaxmle._tables._designed import weighted

N_LABELS, FLOOR, WIDTH = 100, 8, 0.12
FIELDS = ("design", "queues", "labels", "method", "value", "standard_error")
KINDS = {"random": (False, False), "by verdict": (True, False), "by slice": (False, True)}


@dataclass(frozen=True)
class Answers:
    """The published answers: ids, slices, and which of the four cells each is in."""

    rows: list[dict[str, str]]
    place: dict[str, int]
    slices: np.ndarray
    names: list[str]
    judge: np.ndarray
    human: np.ndarray

    @classmethod
    def published(cls) -> "Answers":
        """Those of the demonstration."""
        rows = [{"id": str(i), **row} for i, row in enumerate(NQ301_GPT4.rows(), 1)]
        names, slices = np.unique([row["category"] for row in rows], return_inverse=True)
        judge, human = (np.array([row[who] == "1" for row in rows]) for who in ("judge", "human"))
        place = {row["id"]: i for i, row in enumerate(rows)}
        return cls(rows, place, slices, list(map(str, names)), judge, human)

    def counted(self, ids: list[tuple[str, ...]]) -> np.ndarray:
        """The six counts of each slice where these have their labels, shape ``(S, 6)``."""
        labeled = np.zeros(len(self.rows), bool)
        labeled[[self.place[name] for (name,) in ids]] = True
        cell = np.where(labeled, 2 * ~self.human + ~self.judge, 4 + ~self.judge)
        return np.bincount(self.slices * 6 + cell, minlength=6 * len(self.names)).reshape(-1, 6)


def wanted(answers: Answers, kind: str, n: int) -> np.ndarray:
    """Labels of each stratum, as `draw_labels` shares them out."""
    if kind == "random":
        return np.array([n])
    if kind == "by slice":
        sizes = np.bincount(answers.slices)
        return shared_out(n, sizes, np.zeros_like(sizes), FLOOR)
    flags = int(answers.judge.sum())
    first = best_flagged(n, flags, len(answers.rows) - flags, **_rates(answers), bounds=Bounds())
    return np.array([first, n - first])


def _rates(answers: Answers) -> dict[str, float]:
    return {
        "judge_tpr": float(answers.judge[answers.human].mean()),
        "judge_fpr": float(answers.judge[~answers.human].mean()),
    }


def draws(answers: Answers, kind: str, n: int, n_draws: int, start: int = 0) -> tuple[Counts, np.ndarray]:
    """Counts of so many queues of a design, shape ``(n_draws,)``, and their squared weights."""
    verdicts, slices = KINDS[kind]
    table = Table([{k: v for k, v in row.items() if k != "human"} for row in answers.rows])
    items = judged_items(table, Roles("judge", with_blank_labels(table), ("category",)), ("id",))
    strata, _, _ = items.strata(verdicts=verdicts, slices=slices)
    sizes = wanted(answers, kind, n)
    counts, squares = [], []
    for seed in range(start, start + n_draws):
        ids = items.draw(strata, sizes, seed, verdicts=verdicts, slices=slices)
        cells = answers.counted(ids)
        total, square = cells.sum(0), cells.sum(0)
        if slices:
            keys = [{"category": name} for name in answers.names]
            one = weighted(
                SliceCounts(
                    Counts(*cells.T), keys, {}, len(answers.rows), unjudged=np.zeros((len(keys), 2), np.int64)
                ),
                (),
                ("category",),
            )
            total, square = np.array([float(c[0]) for c in one.counts.values()]), one.squares[0]
        if seed < start + 2:
            _check(answers, kind, n, seed, ids, total)
        counts.append(total)
        squares.append(square)
    return Counts(*np.array(counts).T), np.array(squares)


def _check(
    answers: Answers, kind: str, n: int, seed: int, ids: list[tuple[str, ...]], total: np.ndarray
) -> None:
    """Draw, save, label and count the same queue by the public functions and by files."""
    options = {
        "random": {},
        "by verdict": {"by_verdict": True, "n_flagged": int(wanted(answers, kind, n)[0])},
        "by slice": {"by": "category", "floor": FLOOR},
    }[kind]
    judged = [{k: v for k, v in row.items() if k != "human"} for row in answers.rows]
    queue = draw_labels(judged, judge="judge", id="id", n_labels=n, seed=seed, **options)
    assert list(queue.design.drawn) == list(ids)
    with tempfile.TemporaryDirectory() as folder:
        queue.save(Path(folder, "queue.csv"))
        label = {row["id"]: "fail" if row["human"] == "1" else "pass" for row in answers.rows}
        lines = ["id,label", *(f"{name},{label[name]}" for (name,) in queue.design.drawn)]
        Path(folder, "queue.labels.csv").write_text("\n".join(lines) + "\n")
        found = tables.count(judged, design=Path(folder, "queue.json"))
    np.testing.assert_allclose([float(c) for c in found.total.values()], total)


def rows_of(kind: str, n_draws: int, n_exact: int) -> Iterator[dict[str, Any]]:
    """What the queues of one design give: a row a figure."""
    answers = Answers.published()
    truth = float(answers.human.mean())
    counts, squares = draws(answers, kind, N_LABELS, n_draws)
    found = fit(counts)
    more: dict[str, Any] = {"labels": "by-verdict" if kind == "by verdict" else "random"}
    if kind == "by slice":
        more["design_effect"] = weight_effect(found, squares)

    def row(method: str, values: np.ndarray, labels: int = N_LABELS) -> dict[str, Any]:
        error = np.std(values) / np.sqrt(np.size(values))
        return dict(zip(FIELDS, (kind, np.size(values), labels, method, np.mean(values), error), strict=True))

    error = np.asarray(found.failure_rate) - truth
    yield row("bias", error)
    yield row("squared error", error**2)
    for name, simulate in (("calibrated", None), ("chi-square", False)):
        interval = found.interval(**more, simulate=simulate)
        low, high = np.asarray(interval.low), np.asarray(interval.high)
        yield row(f"{name}: covered", (low <= truth) & (truth <= high))
        yield row(f"{name}: width", high - low)
    some = slice(0, n_exact)
    few = more | ({"design_effect": more["design_effect"][some]} if "design_effect" in more else {})
    for method, part, options in (("profile", counts, more), ("exact", counts[some], few)):
        certified = np.asarray(certify(part, limit=truth, method=method, **options).certified)
        yield row(f"{method}: certified below the truth", certified)
    if kind == "by slice":
        return
    asked = {"failure_rate": truth, **_rates(answers), "n_unlabeled": len(answers.rows)}
    planned = plan(**asked, target_width=WIDTH, labels=more["labels"], simulate=False).n_labels
    counts, _ = draws(answers, kind, planned, n_draws, start=10_000)
    interval = fit(counts).interval(simulate=False, labels=more["labels"])
    yield row("planned: width", np.asarray(interval.high) - np.asarray(interval.low), planned)


def report(out: Path) -> None:
    """Print the tables in Markdown."""
    found = _results.by_method(out / "labelling.csv")
    names = ("calibrated: covered", "width", "chi-square: covered", "width", "profile: wrong", "exact: wrong")
    print(f"| design | bias | RMSE | {' | '.join(names)} |")
    print(f"|---|{'--:|' * 8}")
    for kind, part in found.items():
        cells = [
            _results.with_error(part["bias"], 4),
            f"{np.sqrt(part['squared error']['value']):.4f}",
            *(
                text
                for name in ("calibrated", "chi-square")
                for text in (
                    _results.with_error(part[f"{name}: covered"]),
                    f"{part[f'{name}: width']['value']:.4f}",
                )
            ),
            *(
                _results.with_error(part[f"{name}: certified below the truth"])
                for name in ("profile", "exact")
            ),
        ]
        print(f"| {kind} | {' | '.join(cells)} |")
    print("\n| labels | planned | mean width of the queues |")
    print(f"|---|{'--:|' * 2}")
    planned = {kind: part["planned: width"] for kind, part in found.items() if "planned: width" in part}
    for kind, row in planned.items():
        print(f"| {kind} | {row['labels']} | {_results.with_error(row, 4)} |")


def main() -> None:
    """Compute what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 queues of each design")
    parser.add_argument("--queues", type=int, default=500, help="queues of each design (default 500)")
    parser.add_argument("--exact", type=int, default=100, help="of them certified by the exact test")
    parser.add_argument("--figures", action="store_true", help="only print the tables")
    parser.add_argument("--out", type=Path, help="folder of results (default: benchmarks/results)")
    given = parser.parse_args()
    out = _results.folder_of(given)
    if not given.figures:
        table = _results.Resumed(out / "labelling.csv", FIELDS, ("design",))
        n = 20 if given.quick else given.queues
        _results.fill(
            [(table, rows_of, (kind, n, min(given.exact, n))) for kind in KINDS if not table.holds(kind)]
        )
    report(out)


if __name__ == "__main__":
    main()
