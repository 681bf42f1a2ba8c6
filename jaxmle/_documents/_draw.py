"""The result of `jaxmle draw`, and what other commands say of a design."""

import warnings
from dataclasses import asdict, replace
from importlib.metadata import version

from jaxmle._data import Bounds, Counts, LabelDesign, percent
from jaxmle._inference import fit
from jaxmle._tables import LabelProgress
from jaxmle._types import Document


def draw_document(
    design: LabelDesign, queue: str, columns: tuple[str, ...], left_out: tuple[str, ...] = ()
) -> Document:
    """Describe a draw.

    Args:
        design: What was drawn from what.
        queue: The file of the queue.
        columns: What the person at work sees.
        left_out: Columns that are not shown since they read like labels.
    """
    return {
        "command": "draw",
        "version": version("jaxmle"),
        "settings": {"seed": design.seed, "kind": design.kind, "by": list(design.by)},
        "queue": queue,
        "design": queue.removesuffix(".csv") + ".json",
        "n_judged": design.n_judged,
        "n_before": len(design.before),
        "n_drawn": design.n_drawn,
        "columns": list(columns),
        "left_out": list(left_out),
        "shows_verdict": bool(set(columns) & set(design.judge)),
        "strata": [
            {
                "key": one.key,
                "items": one.n_items,
                "before": one.n_before,
                "drawn": one.n_drawn,
                "share": one.share,
                "reason": one.reason,
            }
            for one in design.strata
        ],
    }


def design_origin(
    design: LabelDesign, path: str, progress: LabelProgress, where: str | None = None
) -> tuple[Document, list[str]]:
    """What a design is, for the settings of a document, and what there is to say against the labels.

    Args:
        design: How the labels were drawn.
        path: Its file.
        progress: How far its labels have come.
        where: Condition that rows must meet now, beyond that of the draw.
    """
    origin: Document = {
        "file": path,
        "sha256": design.sha256,
        "kind": design.kind,
        "by": list(design.by),
        "seed": design.seed,
        "n_drawn": design.n_drawn,
        "n_labeled": progress.n_drawn,
        "n_before": len(design.before),
        "n_labels": progress.n_labels,
        "skipped": dict(zip(("flagged", "passed"), progress.skipped, strict=True)),
        "where": where,
        "looks": list(map(asdict, progress.looks)),
    }
    notes = []
    if progress.n_drawn + sum(progress.skipped) < design.n_drawn:
        notes.append(
            f"{progress.n_drawn:,} of the {design.n_drawn:,} drawn items have a label: a sample as long as "
            "the others were not reached yet, rather than left out for what they are"
        )
    return origin, notes


def skipped_note(design: Document | None, total: Counts, bounds: Bounds, *, is_plain: bool) -> str | None:
    """What to say where drawn items were passed over: they are not missing at random.

    Args:
        design: As `design_origin` has it, or None.
        total: Counts of all rows together.
        bounds: Bounds of their rates.
        is_plain: Whether the counts are of whole items that stand for themselves.

    Returns:
        How many they are and, of plain counts, the failure rate if all of them were failures.
    """
    skipped = None if design is None else design["skipped"]
    if design is None or skipped is None or not (n := skipped["flagged"] + skipped["passed"]):
        return None
    said = (
        f"{n:,} drawn {'item was' if n == 1 else 'items were'} skipped, against {design['n_labels']:,} with "
        "a label, and where those are skipped that are hard to judge the others are no sample"
    )
    worst = _worst_rate(total, bounds, skipped) if is_plain else None
    if worst is not None:
        said += f": if all were failures, the failure rate would be {percent(worst)}"
    return f"{said}; label them, or have somebody else do so with --rater NAME"


def _worst_rate(total: Counts, bounds: Bounds, skipped: Document) -> float | None:
    """The failure rate if items that were skipped were labelled as failures, or None where it is none."""
    flagged, passed = skipped["flagged"], skipped["passed"]
    if flagged > total.unlabeled_pos or passed > total.unlabeled_neg:
        return None  # some were left out of the counts
    labeled = replace(
        total,
        tp=total.tp + flagged,
        fn=total.fn + passed,
        unlabeled_pos=total.unlabeled_pos - flagged,
        unlabeled_neg=total.unlabeled_neg - passed,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = fit(labeled, bounds)
    except ValueError:
        return None  # the bounds exclude it
    return float(found.failure_rate) if found.identified else None
