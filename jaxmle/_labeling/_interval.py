"""The interval as it stands while somebody labels."""

import warnings
from pathlib import Path

from jaxmle._data import Bounds, printable
from jaxmle._documents import AnalysisSettings, estimate_document
from jaxmle._labeling._answers import Answers
from jaxmle._tables import count, joined_labels, open_source
from jaxmle._types import Document

# A larger file would be read for longer than a person waits.
_LARGEST = 200_000_000
_LONGEST = 160
# Why there is no interval at first.
NO_LABEL = "no label yet"


def source_of(answers: Answers, given: Path | None = None) -> Path | None:
    """The file of verdicts: the one given, or what the design names if that stands beside the queue."""
    design = answers.queue.design
    if given is not None or design is None or design.source_file is None:
        return given
    beside = answers.queue.path.with_name(design.source_file)
    return beside if beside.is_file() and beside.stat().st_size <= _LARGEST else None


def interval_now(answers: Answers, source: Path | None) -> Document:
    """Estimate and chi-square interval of the failure rate from the labels there are.

    Args:
        answers: What one person has said of a queue; labels of earlier rounds are read beside it.
        source: The file of verdicts, as `source_of` finds it, or None.

    Returns:
        ``estimate``, ``low`` and ``high``, in [0, 1], None where there is none, and the ``reason`` for that;
        and the ``confidence`` of the interval. Whatever stands in the way of an interval is a reason, not an
        error: labelling goes on without one.

    Source:
        The estimate and chi-square interval of `jaxmle estimate --design`, without bounds: the profile
        likelihood, with limits from the chi-square distribution with one degree of freedom (Wilks, Annals of
        Mathematical Statistics 9, 1938).
    """
    design = answers.queue.design
    confidence = AnalysisSettings.confidence
    none: Document = {"estimate": None, "low": None, "high": None, "confidence": confidence}
    if design is None or source is None:
        return {**none, "reason": _without_verdicts(answers)}
    if not answers.labels:
        return {**none, "reason": NO_LABEL}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = count(
                str(source), design=design, human_source=[*answers.labels, *_earlier(answers, source)]
            )
            settings = AnalysisSettings(Bounds(), [], labels=design.labels, confidence=confidence)
            total = estimate_document(table, settings, interval="chi-square")["total"]
    except (ValueError, OSError) as error:
        return {**none, "reason": printable(" ".join(str(error).split()), _LONGEST)}
    rate = total["failure_rate"]
    return none | {name: rate[name] for name in ("estimate", "low", "high")} | {"reason": None}


def _without_verdicts(answers: Answers) -> str:
    """Why there are no verdicts to estimate from."""
    design = answers.queue.design
    if design is None:
        return "there is no design beside the queue to say how its items were drawn"
    if design.source_file is None:
        return "the design names no file of verdicts: name it with --source"
    beside = answers.queue.path.with_name(design.source_file)
    what = "is not beside the queue" if not beside.is_file() else "is too large to be read unasked"
    return f"{printable(str(beside), _LONGEST)!r}, the file of verdicts, {what}: name it with --source"


def _earlier(answers: Answers, source: Path) -> list[Document]:
    """Labels of earlier rounds, and those that the rows had before the draw."""
    queue = answers.queue
    if queue.design is None or not queue.design.before:
        return []
    path = queue.path.with_suffix(".json")
    rows, _ = joined_labels(open_source(str(source)), queue.design, path, required=False, earlier_alone=True)
    # Where several people labelled an item, the first of them speaks here.
    return [
        {name: row[name] for name in queue.id}
        | {queue.label: next(one for name, one in row.items() if name not in queue.id and one is not None)}
        for row in rows or []
    ]
