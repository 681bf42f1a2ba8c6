"""The result of `jaxmle label`."""

from importlib.metadata import version

from jaxmle._data import Counts
from jaxmle._documents._agreement import measures_of
from jaxmle._inference import agreement, rater_agreement
from jaxmle._types import Document

_MEASURES = ("accuracy", "kappa", "ac1")


def label_document(
    queue: str,
    file: str,
    sizes: dict[str, int],
    interval: Document,
    pairs: list[tuple[str, str, Counts, list[tuple[str, ...]]]],
    *,
    together: tuple[list[str], list[tuple[int, int, int]], list[tuple[str, ...]]] | None,
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
        together: More than two people, how many of them call an item a failure and how many a pass, of how
            many items, and the items on which they differ; None of two or fewer.
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
        "together": None if together is None else _together(*together),
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


def _together(
    raters: list[str], patterns: list[tuple[int, int, int]], differ: list[tuple[str, ...]]
) -> Document:
    found = rater_agreement(patterns)
    return {
        "raters": raters,
        "n_several": sum(n for failures, passes, n in patterns if failures + passes > 1),
        "share": found.share,
        **measures_of(found, ("kappa", "ac1")),
        "differ": [list(item) for item in differ],
    }
