"""The result of `jaxmle draw`, and what other commands say of a design."""

from importlib.metadata import version

from jaxmle._data import LabelDesign
from jaxmle._inference import Looks
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
        "looks": [
            {"limit": one.limit, "confidence": one.confidence, "n_labeled": one.n_labeled}
            for one in design.looks
        ],
    }
    notes = []
    if n_labeled < design.n_drawn:
        notes.append(
            f"{n_labeled:,} of the {design.n_drawn:,} drawn items have a label: a sample as long as nobody "
            " skipped the others for what they are"
        )
    return origin, notes


def looks_note(design: Document | None, limit: float, confidence: float, looks: Looks | None) -> str | None:
    """What to say where a design shows that this gate was looked at before, with other labels.

    Args:
        design: As `design_origin` has it, or None.
        limit: The limit that is asked about.
        confidence: The confidence.
        looks: Which look it is said to be, of how many; None where that was not said.
    """
    if design is None:
        return None
    earlier = [
        one["n_labeled"]
        for one in design["looks"]
        if (one["limit"], one["confidence"]) == (limit, confidence) and one["n_labeled"] != design["n_labels"]
    ]
    this = len(earlier) + 1
    if not earlier or (looks is not None and looks.look == this):
        return None
    seen = f"with {' and with '.join(f'{n:,}' for n in earlier[-3:])} labels"
    if looks is not None:
        number = f"{len(earlier)} earlier {'look' if this == 2 else 'looks'}"
        return f"the design shows {number} at this limit, {seen}: this is look {this}, not {looks.look}"
    return (
        f"this limit was asked about before, {seen}: whoever looks until it passes is wrong more often than "
        "said; say beforehand how often, with --look and --of, or take --anytime"
    )
