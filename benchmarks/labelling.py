"""From a queue to a certificate on published verdicts: do interval and verdict keep their promise?

    python -m benchmarks.labelling > benchmarks/results/labelling.txt    # 500 draws of each design
    python -m benchmarks.labelling --chi-square    # within a minute: no calibrated interval, no exact test

All human labels of the published answers (3,006, judged by GPT-4) are hidden. Queues are drawn by each
design, answered by the hidden labels, counted by their design, estimated and certified; the first two queues
of each design also go through files and `tables.count`, which must count the same. Coverage is of the failure
rate of these answers; a certificate below that very rate is an error. The second table holds what `plan`
promises of labels by verdict against labels at random: the mean width that both were planned for.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxmle import Counts, certify, draw_labels, fit, plan, tables
from jaxmle._data import NQ301_GPT4
from jaxmle._inference import weight_effect
from jaxmle._planning._allocation import best_flagged, shared_out
from jaxmle._tables import Roles, SliceCounts, Table, judged_items, with_blank_labels
from jaxmle._tables._designed import weighted

N_LABELS, FLOOR, WIDTH = 100, 8, 0.12
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
    first = best_flagged(n, flags, len(answers.rows) - flags, **_rates(answers), bounds=_none())
    return np.array([first, n - first])


def _none():
    from jaxmle import Bounds

    return Bounds()


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
        "by verdict": {"by_verdict": True, **_rates(answers)},
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


def _share(yes: np.ndarray) -> str:
    return f"{np.mean(yes):.3f} +- {np.sqrt(np.mean(yes) * (1 - np.mean(yes)) / np.size(yes)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--exact", type=int, default=100, help="Draws that are certified by the exact test.")
    parser.add_argument("--chi-square", action="store_true", help="No calibrated interval, no exact test.")
    given = parser.parse_args()
    answers = Answers.published()
    truth = float(answers.human.mean())
    print(
        f"{len(answers.rows):,} answers, failure rate {truth:.4f}, {N_LABELS} labels a queue, {given.draws} "
        f"queues a design; at least {FLOOR} a slice; 95% intervals "
        f"{'by chi-square' if given.chi_square else 'as by default'}, certificates at 95%\n"
    )
    print("| design | bias | RMSE | covered | width | certified below the truth: profile | exact |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for kind in KINDS:
        counts, squares = draws(answers, kind, N_LABELS, given.draws)
        found = fit(counts)
        more = {"labels": "by-verdict" if kind == "by verdict" else "random"}
        if kind == "by slice":
            more["design_effect"] = weight_effect(found, squares)
        interval = found.interval(**more, simulate=False if given.chi_square else None)
        low, high = np.asarray(interval.low), np.asarray(interval.high)
        error = np.asarray(found.failure_rate) - truth
        profile = np.asarray(found.certify(truth, method="profile", **more).certified)
        some = slice(0, given.exact)
        more |= {"design_effect": more["design_effect"][some]} if "design_effect" in more else {}
        exact = "-"
        if not given.chi_square:
            verdicts = certify(counts[some], limit=truth, method="exact", **more).certified
            exact = f"{_share(np.asarray(verdicts))} ({given.exact})"
        print(
            f"| {kind} | {error.mean():+.4f} +- {error.std() / np.sqrt(len(error)):.4f} "
            f"| {np.sqrt(np.mean(error**2)):.4f} | {_share((low <= truth) & (truth <= high))} "
            f"| {np.mean(high - low):.4f} | {_share(profile)} | {exact} |",
            flush=True,
        )
    print(
        f"\nPlanned for a mean width of {WIDTH} (profile interval, chi-square), at the judge's true rates:\n"
    )
    print("| labels | planned | mean width of the queues |")
    print("|---|--:|--:|")
    asked = {
        "failure_rate": truth,
        **_rates(answers),
        "n_unlabeled": len(answers.rows),
        "target_width": WIDTH,
    }
    planned = {}
    for kind, labels in (("random", "random"), ("by verdict", "by-verdict")):
        planned[kind] = int(plan(**asked, labels=labels, simulate=False).n_labels or 0)
        counts, _ = draws(answers, kind, planned[kind], given.draws, start=10_000)
        interval = fit(counts).interval(simulate=False, labels=labels)
        width = np.asarray(interval.high) - np.asarray(interval.low)
        print(
            f"| {kind} | {planned[kind]} | {width.mean():.4f} +- {width.std() / np.sqrt(len(width)):.4f} |",
            flush=True,
        )
    saving = 1 - planned["by verdict"] / planned["random"]
    print(f"\nLabels saved by verdict: {saving:.1%}")


if __name__ == "__main__":
    main()
