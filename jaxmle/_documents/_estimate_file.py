"""Estimates of many slices into a file, by a run that can be killed and resumed."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from jaxmle._arrays import leaves
from jaxmle._documents._estimate import estimate_document
from jaxmle._documents._many_slices import can_be_streamed, stream_estimates
from jaxmle._documents._settings import AnalysisSettings
from jaxmle._engine import Checkpoint, engine_of_process, fingerprint_of
from jaxmle._tables import SliceCounts, check_out, write_rows
from jaxmle._types import Document


def estimate_file(
    table: SliceCounts,
    analysis: AnalysisSettings,
    out: Path,
    *,
    resume: bool,
    raw_csv: bool = False,
    progress: bool = False,
    **options: Any,
) -> Document:
    """Estimate every slice into a file; what is done when the process is killed is kept for ``resume``.

    Args:
        table: Counts by slice.
        analysis: What the user says of the data.
        out: Parquet or CSV file for the slices; ``OUT.json`` describes the run, ``OUT.parts`` holds what
            is done.
        resume: Whether to go on with what an earlier run on the same data left.
        raw_csv: Whether texts go into CSV even where a spreadsheet would run them as formulas.
        progress: Whether to show a bar on standard error where that is a terminal.
        **options: As for `estimate_document`.

    Returns:
        The document without its slices: ``out`` names the file, ``n_slices`` and ``n_resumed`` tell how many
        slices it has, and how many parts were there already.

    Raises:
        ValueError: ``out`` has no known ending, is there already, or is of another run; the bounds leave no
            feasible point for some slice; or an argument is out of range.
    """
    check_out(out, analysis.by)
    parts = Checkpoint(out, _fingerprint(table, analysis, options, raw_csv), resume=resume)
    with parts.held():
        if parts.complete:
            return parts.described()
        if can_be_streamed(table, options):
            return stream_estimates(table, analysis, parts, raw_csv=raw_csv, progress=progress, **options)
        document = estimate_document(table, analysis, keep=parts.part, progress=progress, **options)
        summary = {key: value for key, value in document.items() if key != "slices"}
        summary |= {
            "slices": [],
            "out": str(out),
            "n_slices": len(document["slices"]) or 1,
            "n_resumed": parts.found,
        }
        parts.finish(summary, lambda path: write_rows(document, path, out, raw_csv=raw_csv))
    return summary


def _fingerprint(
    table: SliceCounts, analysis: AnalysisSettings, options: dict[str, Any], raw_csv: bool
) -> str:
    """What the result depends on."""
    arrays = [np.asarray(value) for value in table.counts.values()]
    for clusters in (table.clusters, table.total_clusters):
        if clusters is not None:
            arrays += [clusters.cells, np.asarray(clusters.index)]
    if table.squares is not None:
        arrays.append(np.asarray(table.squares))
    ends = [np.asarray(end) for end in leaves(analysis.bounds)]
    said = {name: value for name, value in vars(analysis).items() if name != "bounds"}
    rows = [table.dropped, table.n_rows, np.asarray(table.unjudged), table.labels, table.repeated]
    rows += [table.left_out, np.asarray(table.total_unjudged), np.asarray(table.n_items), raw_csv]
    if mix := options.get("mix"):
        options = options | {"mix": [np.asarray(mix.shares), mix.name]}
    made_by = [*map(version, ("jaxmle", "jax", "numpy")), engine_of_process()]
    return fingerprint_of(made_by, table.keys, arrays, ends, said, rows, options)
