"""Estimates of more slices than one document holds: in parts, and streamed into a file."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from jaxmle._documents._document import naming_slices, stated
from jaxmle._documents._estimate import estimate_document
from jaxmle._documents._order import naturally
from jaxmle._documents._pooled import few_labels
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._documents._slice_columns import Among, PartOfSlices, can_be_wrong, with_unjudged
from jaxmle._documents._warnings import SlicesElsewhere
from jaxmle._engine import Checkpoint, progress_bar
from jaxmle._inference import LEVEL
from jaxmle._tables import SliceCounts, stream_rows
from jaxmle._types import Array, Document

# Above these a file is streamed; so many slices are a part, a minute of simulation or two seconds without.
MANY = 4096
_PART, _QUICK_PART = 2048, 8192
_PLAIN = {"interval", "n_resamples", "target", "order", "judge_rates"}


def can_be_streamed(table: SliceCounts, options: dict[str, Any]) -> bool:
    """Whether there are many slices, and nothing is asked for which they would have to be known together."""
    return (
        len(table) > MANY
        and table.clusters is None
        and table.squares is None
        and set(options) <= _PLAIN
        and options.get("judge_rates") in (None, "per-slice")
        and options.get("order", "key") == "key"
    )


def stream_estimates(
    table: SliceCounts,
    analysis: AnalysisSettings,
    parts: Checkpoint,
    *,
    raw_csv: bool,
    progress: bool,
    **options: Any,
) -> Document:
    """Estimate every slice into the file of a checkpoint, and describe the total; as `estimate_file`."""
    n_slices = len(table)
    order = np.array(sorted(range(n_slices), key=lambda i: naturally(table.keys[i])))
    width = _QUICK_PART if options["interval"] == "chi-square" else _PART
    blocks = [order[start : start + width] for start in range(0, n_slices, width)]

    def fitted(index: Array, among: Among) -> PartOfSlices:
        own = replace(analysis, bounds=analysis.bounds_of(index))
        with naming_slices(lambda i: table.keys[index[i]]):
            return PartOfSlices.of(table.counts[index], own, among, None)

    among, against = Among(n_slices), 0
    if can_be_wrong(analysis.bounds):
        checks = [fitted(index, among).bounds_check for index in blocks]
        p_values, surely = (np.concatenate([check[i] for check in checks]) for i in (0, 1))
        among = Among.of(p_values[p_values <= LEVEL], n_slices)
        against = int((surely | (p_values <= among.contradicting)).sum())
    document = _total(table, analysis, against, options)

    def part(number: int) -> list[list[Any]]:
        index = blocks[number]
        found = fitted(index, among).estimates(
            **{name: options[name] for name in ("interval", "n_resamples")},
            target=options.get("target", "population"),
        )
        columns = with_unjudged(found, table.unjudged[index]).values()
        return [[None if value != value else value for value in column.tolist()] for column in columns]

    with progress_bar(progress, n_slices, "Slices") as bar:
        for number, index in enumerate(blocks):
            parts.part(number, lambda number=number: part(number))  # type: ignore[misc]
            if bar:
                bar.advance(len(index))
    n_resumed = parts.found

    def rows() -> Iterator[list[Any]]:
        for number, index in enumerate(blocks):
            columns = parts.part(number, lambda number=number: part(number))  # type: ignore[misc]
            for i, row in zip(index, zip(*columns, strict=True), strict=True):
                yield [*table.keys[i].values(), *row]

    summary = document | {
        "slices": [],
        "out": str(parts.out),
        "n_slices": n_slices,
        "n_resumed": n_resumed,
    }
    parts.finish(summary, lambda path: stream_rows(rows(), analysis.by, path, parts.out, raw_csv=raw_csv))
    return summary


def _total(
    table: SliceCounts, analysis: AnalysisSettings, n_contradicting: int, options: dict[str, Any]
) -> Document:
    """The document of all rows together, as it is where the slices are in it."""
    total = table.total
    whole = replace(
        table,
        counts=type(total)(*(np.atleast_1d(np.asarray(value)) for value in total.values())),
        keys=[{}],
        unjudged=table.total_unjudged[None],
        n_items=None if table.n_items is None else table.n_items.sum(keepdims=True),
    )
    bounds = analysis.bounds_of(-1)
    few = options.get("judge_rates") is None and few_labels(table, analysis)
    document = estimate_document(
        whole,
        replace(analysis, by=[], bounds=bounds),
        elsewhere=SlicesElsewhere(len(table), n_contradicting, few),
        **{name: value for name, value in options.items() if name != "judge_rates"},
    )
    if document["bounds_check"]:
        document["bounds_check"]["slices_contradicted"] = n_contradicting
    document["settings"]["by"] = analysis.by
    document["settings"]["judge_rates"] = options.get("judge_rates") or "per-slice"
    if analysis.bounds.shape:
        document["settings"]["bounds"] = "by slice"
        document["total"]["bounds"] = stated(bounds)
    return document
