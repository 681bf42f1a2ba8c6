"""What the documents of all commands have in common: JSON-ready dictionaries."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from jaxmle._data import Bounds, Counts, InfeasibleError
from jaxmle._documents._design_effects import DesignEffects
from jaxmle._documents._panel import panel_document
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._tables import SliceCounts, shown_key
from jaxmle._types import Array, Document

_COUNTS = ("tp", "fn", "fp", "tn", "unlabeled_pos", "unlabeled_neg")


def document_of(
    command: str, table: SliceCounts, analysis: AnalysisSettings, records: list[Document]
) -> Document:
    """Gather the records of all slices and, last, of the total."""
    for record, (failures, passes) in zip(records, _unjudged(table), strict=False):
        labeled = int(failures + passes)
        record["unjudged"] = {
            "n_labeled": labeled,
            "failure_rate": float(failures) / labeled if labeled else None,
        }
    *slices, total = records
    more = {} if table.panel is None else {"panel": panel_document(table.panel, analysis)}
    return {
        "command": command,
        "failure": table.failures,
        "version": version("jaxmle"),
        "settings": settings_of(analysis),
        "total": total,
        "slices": [{"key": key, **record} for key, record in zip(table.keys, slices, strict=False)],
        "rows": table.n_rows,
        "log": table.log,
        "labels": table.labels,
        "dropped": table.dropped,
        **more,
    }


def first_of(document: Document) -> Document:
    """What a document says before any number: the command, and what counts as a failure."""
    said = ("command", "failure", "cautions", "if_external")
    return {name: document[name] for name in said if name in document}


def _unjudged(table: SliceCounts) -> Sequence[Array] | Array:
    return [*table.unjudged, table.total_unjudged] if table.keys[0] else table.unjudged


@contextmanager
def naming_slices(key_of: Callable[[int], dict[str, str | None]]) -> Iterator[None]:
    """Say which of the slices the bounds exclude by its values rather than its number."""
    try:
        yield
    except InfeasibleError as error:
        key = key_of(error.index[0]) if error.index else {}
        where = shown_key(key)
        raise ValueError(
            f"the bounds leave no feasible point{where and f' where {where}'}: {error.reason}"
        ) from error


def settings_of(analysis: AnalysisSettings) -> Document:
    """What the user says of the data, for a document."""
    return {
        "calibration": analysis.calibration,
        "labels": analysis.labels,
        "bounds": "by slice" if analysis.bounds.shape else stated(analysis.bounds),
        **({} if analysis.bounds_from is None else {"bounds_from": analysis.bounds_from}),
        **({} if analysis.label_design is None else {"label_design": analysis.label_design}),
        "confidence": analysis.confidence,
        "seed": analysis.seed,
        "by": analysis.by,
        "min_labels": analysis.min_labels,
    }


def sizes_of(i: int, counts: Counts, analysis: AnalysisSettings, effects: DesignEffects | None) -> Document:
    sizes: Document = {
        "n_labeled": _number(counts.n_labeled),
        "n_unlabeled": _number(counts.n_unlabeled),
        "few_labels": bool(counts.n_labeled < analysis.min_labels),
        "counts": {name: _number(value) for name, value in zip(_COUNTS, counts.values(), strict=True)},
    }
    if analysis.bounds.shape:
        sizes["bounds"] = stated(analysis.bounds_of(i))
    if effects:
        sizes["design_effect"] = float(effects.effect[i])
        sizes["n_effective"] = {
            "labeled": sizes["n_labeled"] / float(effects.human_effect[i]),
            "unlabeled": sizes["n_unlabeled"] / float(effects.judge_effect[i]),
        }
        sizes["n_units"] = int(effects.n_units[i])
        if effects.n_clusters is not None:
            sizes["n_effective"]["clusters"] = float(effects.n_clusters[i])
    return sizes


def _number(count: Array) -> int | float:
    """A count as a whole number, unless it is a sum of weights."""
    value = float(count)
    return int(value) if value.is_integer() else value


def stated(bounds: Bounds) -> dict[str, list[float]]:
    """Bounds that say something, by name."""
    pairs = {"failure_rate": bounds.failure_rate, "tpr": bounds.tpr, "fpr": bounds.fpr}
    return {
        name: [float(end) for end in pair]
        for name, pair in pairs.items()
        if tuple(map(float, pair)) != (0.0, 1.0)
    }
