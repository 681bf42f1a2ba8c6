"""Rows of verdicts in slices of all kinds, and what one machine says of them."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet

from jaxmle._cli import main

OPTIONS = ["--judge", "judge", "--human", "human", "--by", "topic"]
BOX = ["--tpr", "0.6:0.9", "--fpr", "0.02:0.2"]


def table(slices=24, seed=5):
    """Slices without labels, with labels alone, with one kind of label, and with bounds that they contradict.

    Some rows have no judge verdict, and some keys are missing or hostile.
    """
    rng = np.random.default_rng(seed)
    rows = []
    names = [None, 'it\'s "quoted"; --', "a\\nb {0}", "naïve 😀", *(f"t{i}" for i in range(slices - 4))]
    for i, name in enumerate(names):
        labeled, items = [(0, 80), (30, 30), (25, 120), (40, 400)][i % 4]
        rate, fpr = (0.0, 0.1) if i % 5 == 1 else (0.25, 0.6 if i % 6 == 3 else 0.1)
        truth = rng.random(items) < rate
        judge = rng.random(items) < np.where(truth, 0.8, fpr)
        for j in range(items):
            human = ("fail" if truth[j] else " Pass ") if j < labeled else None
            rows.append((name, human, None if j % 17 == 3 and i % 3 == 0 else ("1" if judge[j] else "0")))
    return pyarrow.table(dict(zip(("topic", "human", "judge"), zip(*rows, strict=True), strict=True)))


def alone(path, out, *more):
    """Columns that `jaxmle estimate --out` writes."""
    assert main(["estimate", str(path), *OPTIONS, *more, "--out", str(out)]) == 0
    return pyarrow.parquet.read_table(out).to_pydict()


def certified_alone(path, capsys, *more):
    """Records of `jaxmle certify --json`."""
    capsys.readouterr()
    assert main(["certify", str(path), *OPTIONS, *more, "--json"]) in (0, 1)
    return json.loads(capsys.readouterr().out)["slices"]


def by_key(columns, key="topic"):
    """Rows of a table by key, whatever their order."""
    names = list(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    return {row[names.index(key)]: dict(zip(names, row, strict=True)) for row in rows}
