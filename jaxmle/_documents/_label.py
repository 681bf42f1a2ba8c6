"""The result of `jaxmle label`."""

from importlib.metadata import version

from jaxmle._data import Counts
from jaxmle._documents._agreement import measures_of
from jaxmle._inference import agreement
from jaxmle._types import Document

_MEASURES = ("accuracy", "kappa", "ac1")


def label_document(
    queue: str,
    file: str,
    sizes: dict[str, int],
    interval: Document,
    pairs: list[tuple[str, str, Counts, list[tuple[str, ...]]]],
    *,
    command: str | None,
    page: str | None = None,
    taken: int | None = None,
) -> Document:
    """Describe how far labels have come.

    Args:
        queue: File of the queue.
        file: File of the answers.
        sizes: Numbers of ``items``, ``failures``, ``passes`` and ``skipped`` ones.
        interval: Failure rate as it stands.
        pairs: Two people, what they say of the items that both labelled, and the items on which they differ.
        command: What to type next, or None.
        page: File of the page that was written, or None.
        taken: Labels that were taken from elsewhere, or None.
    """
    return {
        "command": "label",
        "version": version("jaxmle"),
        "queue": queue,
        "file": file,
        "page": page,
        "taken": taken,
        "items": sizes,
        "failure_rate": interval,
        "agreement": [_agreement(*pair) for pair in pairs],
        "next": command,
    }


def _agreement(first: str, second: str, counts: Counts, differ: list[tuple[str, ...]]) -> Document:
    found = measures_of(agreement(counts), _MEASURES) if counts.n_labeled else dict.fromkeys(_MEASURES)
    return {
        "raters": [first, second],
        "n_both": int(counts.n_labeled),
        "share": found["accuracy"],
        "kappa": found["kappa"],
        "ac1": found["ac1"],
        "differ": [list(item) for item in differ],
    }
