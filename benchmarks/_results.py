"""Tables and figures of the studies: where they lie, how they are written and read, options in common."""

import argparse
import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

RESULTS = Path(__file__).parent / "results"
WORDS = ("study", "setting", "bounds", "method", "cell", "design", "labels", "test")


def write(path, rows, digits, *, fields=None, plain=(), heading=()):
    """Write rows as CSV under commented headings; floats by ``digits`` except in the ``plain`` columns."""
    with path.open("w", newline="") as file:
        file.writelines(f"# {line}\n" for line in heading)
        table = csv.DictWriter(file, fields or rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(_short(row, digits, plain) for row in rows)


def _short(row, digits, plain=()):
    return {k: digits(v) if isinstance(v, float) and k not in plain else v for k, v in row.items()}


def read(path):
    """Rows of a table as text, without the comments above it."""
    with path.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def numbers(path):
    """The same, numbers as numbers and blanks as NaN."""
    return [{k: v if k in WORDS else float(v) if v else np.nan for k, v in row.items()} for row in read(path)]


def by_method(path):
    """Rows of a table by design, and of each by method."""
    found: dict[str, dict[str, Any]] = {}
    for row in numbers(path):
        found.setdefault(row["design"], {})[row["method"]] = row
    return found


def with_error(row, digits=3):
    """A value with its standard error, as text."""
    return f"{row['value']:.{digits}f} +- {row['standard_error']:.{digits}f}"


class Resumed:
    """A table that knows which cells it holds already."""

    def __init__(self, path, fields, key):
        self.path, self.fields = path, fields
        self.done = {tuple(row[k] for k in key) for row in read(path)} if path.exists() else set()

    def holds(self, *values):
        """Whether the rows of a cell are there."""
        return tuple(f"{v:.5g}" if isinstance(v, float) else str(v) for v in values) in self.done

    def append(self, rows):
        """Write all rows of a cell at once, so that a cell is there whole or not at all."""
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            table = csv.DictWriter(file, self.fields, lineterminator="\n")
            if new:
                table.writeheader()
            table.writerows(_short(row, "{:.5g}".format) for row in rows)


def fill(work):
    """Compute what is missing: pieces of (table, function that gives the rows of a cell, its arguments)."""
    console = Console(stderr=True)
    with warnings.catch_warnings():
        # Among so many small samples, and under bounds that are wrong on purpose, some look odd.
        warnings.simplefilter("ignore", UserWarning)
        for table, rows, arguments in track(work, "Cells", console=console, disable=not console.is_terminal):
            table.append(list(rows(*arguments)))


def grid_parser(doc, *, quick, data_sets):
    """Options of a study over a grid of cells."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument(
        "--data-sets", type=int, default=data_sets, help=f"data sets a cell (default {data_sets})"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder of results (default: benchmarks/results)")
    return parser


def folder_of(options):
    """Where a study over a grid keeps its results."""
    out = options.out or (RESULTS.with_name("results-quick") if options.quick else RESULTS)
    out.mkdir(parents=True, exist_ok=True)
    return out


def pyplot(salt="jaxmle"):
    """Matplotlib without a screen; the salt makes the same picture the same SVG file."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = salt
    import matplotlib.pyplot as plt

    return plt
