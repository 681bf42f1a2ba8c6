"""The result of `jaxmle draw`, and what other commands say of a design."""

from importlib.metadata import version

from jaxmle._data import LabelDesign
from jaxmle._types import Document


def draw_document(design: LabelDesign, queue: str, columns: tuple[str, ...]) -> Document:
    """Describe a draw.

    Args:
        design: What was drawn from what.
        queue: The file of the queue.
        columns: What the person at work sees.
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
        "shows_verdict": bool(set(columns) & set(design.judge)),
        "strata": [
            {
                "key": one.key,
                "items": one.n_items,
                "before": one.n_before,
                "drawn": one.n_drawn,
                "share": one.share,
            }
            for one in design.strata
        ],
    }


def design_origin(
    design: LabelDesign, path: str, n_labeled: int, n_labels: int
) -> tuple[Document, list[str]]:
    """What a design is, for the settings of a document, and what there is to say against the labels.

    Args:
        design: How the labels were drawn.
        path: Its file.
        n_labeled: Drawn items that have a label.
        n_labels: Items that have a label, those before the draw too.
    """
    origin: Document = {
        "file": path,
        "sha256": design.sha256,
        "kind": design.kind,
        "by": list(design.by),
        "seed": design.seed,
        "n_drawn": design.n_drawn,
        "n_labeled": n_labeled,
        "n_before": len(design.before),
        "n_labels": n_labels,
        "n_looks": design.n_looks,
    }
    notes = []
    if n_labeled < design.n_drawn:
        notes.append(
            f"{n_labeled:,} of the {design.n_drawn:,} drawn items have a label: a sample as long as nobody "
            " skipped the others for what they are"
        )
    return origin, notes
