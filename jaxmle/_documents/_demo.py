"""The demonstration: hide most published human labels and see how near each method comes."""

import csv
from importlib.metadata import version
from pathlib import Path

import numpy as np

from jaxmle import baselines
from jaxmle._data import NQ301_GPT4, Bounds, Counts, Published
from jaxmle._inference import fit
from jaxmle._types import Array, Document

METHODS = {
    "judge_only": "judge only",
    "human_only": "human only",
    "ppi_plus_plus": "PPI++",
    "unbounded": "ML, no bounds",
    "bounded": "ML, bounds",
}


def demo_document(*, seed: int = 0, n_labeled: int = 50) -> Document:
    """Estimate each published system from ``n_labeled`` labels and compare with all its labels.

    The bounds of a system are what the judge's rates on the answers of each other system predict, where all
    human labels are used: what one knows of a judge when a new system comes to be judged.

    Args:
        seed: Seed of the choice of labels to keep.
        n_labeled: Human labels kept for each system, at least 1 and fewer than its items.

    Returns:
        The document: per system the truth, every estimate, the bounds and the active ones.
    """
    published = NQ301_GPT4
    truth = np.array(list(published.cells.values()))
    rows = published.rows()
    system, cell = _places(rows, published)
    labeled = _kept(system, seed, n_labeled)
    kept = np.zeros_like(truth)
    np.add.at(kept, (system[labeled], cell[labeled]), 1)
    hidden = truth - kept
    tp, fn, fp, tn = kept.T
    counts = Counts(tp, fn, fp, tn, hidden[:, 0] + hidden[:, 2], hidden[:, 1] + hidden[:, 3])
    size = len(truth)
    others = np.array([np.delete(np.arange(size), i) for i in range(size)])
    none = np.zeros(others.shape)
    tp, fn, fp, tn = np.moveaxis(truth[others], -1, 0)
    bounds = Bounds.from_references(Counts(tp, fn, fp, tn, none, none))
    bounded, unbounded = fit(counts, bounds), fit(counts)
    estimates = {
        "judge_only": baselines.judge_only(counts).estimate,
        "human_only": baselines.human_only(counts).estimate,
        "ppi_plus_plus": baselines.ppi_plus_plus(counts).estimate,
        "unbounded": unbounded.failure_rate,
        "bounded": bounded.failure_rate,
    }
    true_rate = (truth[:, 0] + truth[:, 1]) / truth.sum(1)
    systems = []
    for i, name in enumerate(published.cells):
        systems.append(
            {
                "system": name,
                "n_labeled": n_labeled,
                "n_unlabeled": int(counts.n_unlabeled[i]),
                "truth": float(true_rate[i]),
                **{method: float(np.asarray(values)[i]) for method, values in estimates.items()},
                "bounds": {
                    "tpr": [float(e[i]) for e in bounds.tpr],
                    "fpr": [float(e[i]) for e in bounds.fpr],
                },
                "at_bound": bounded.active_bounds[i],
                "gap": float(np.asarray(bounded.gap)[i]),
                "converged": bool(np.asarray(bounded.converged)[i]),
            }
        )
    error = {m: float(np.sqrt(np.mean((values - true_rate) ** 2))) for m, values in estimates.items()}
    return {
        "command": "demo",
        "version": version("jaxmle"),
        "settings": {"seed": seed, "n_labeled": n_labeled},
        "data": _described(published),
        "systems": systems,
        "rmse": error,
    }


def demo_file(path: Path, *, seed: int = 0, n_labeled: int = 50) -> Document:
    """Write made-up rows with the published counts, all but ``n_labeled`` human labels of each system blank.

    Args:
        path: The CSV file to write; one that is there is replaced only if it is of the same columns.
        seed: Seed of the choice of labels to keep.
        n_labeled: Human labels kept for each system, chosen at random among its items.

    Returns:
        The document: what the file holds, and what was hidden.

    Raises:
        ValueError: If the name does not end in .csv, or the file is there and is not one of these.
    """
    published = NQ301_GPT4
    rows = [{"id": str(i), **row} for i, row in enumerate(published.rows(), 1)]
    columns = list(rows[0])
    if path.suffix != ".csv":
        raise ValueError(f"--write makes a CSV file: its name must end in .csv; got {str(path)!r}.")
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline().strip() != ",".join(columns):
                raise ValueError(f"--write: {str(path)!r} is there and is another file: name a new one.")
    system, _ = _places(rows, published)
    kept = set(_kept(system, seed, n_labeled).tolist())
    truth = sum(row["human"] == "1" for row in rows) / len(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(row if i in kept else {**row, "human": ""} for i, row in enumerate(rows))
    return {
        "command": "demo",
        "version": version("jaxmle"),
        "settings": {"seed": seed, "n_labeled": n_labeled},
        "data": _described(published),
        "file": str(path),
        "columns": columns,
        "n_rows": len(rows),
        "n_labeled": len(kept),
        "n_systems": len(published.cells),
        "truth": truth,
    }


def _places(rows: list[dict[str, str]], published: Published) -> tuple[Array, Array]:
    """System of each row, and which of its four cells it counts in."""
    systems = {name: i for i, name in enumerate(published.cells)}
    cells = {"11": 0, "10": 1, "01": 2, "00": 3}
    system = np.array([systems[row["system"]] for row in rows])
    return system, np.array([cells[row["human"] + row["judge"]] for row in rows])


def _kept(system: Array, seed: int, n_labeled: int) -> Array:
    """Rows that keep their label: so many of each system, the same ones in the table and in the file."""
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(np.flatnonzero(system == i), n_labeled, False) for i in range(system.max() + 1)]
    return np.concatenate(chosen)


def _described(published: Published) -> dict[str, str]:
    return {"title": published.title, "source": published.source, "licence": published.licence}
