"""A queue that was drawn of a file of verdicts, with texts of strangers in it."""

import csv
import shutil

import pytest
from hostile import HOSTILE

from jaxmle import draw_labels
from jaxmle._labeling import Queue


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A file of verdicts, and a queue that was drawn of it."""
    folder = tmp_path_factory.mktemp("drawn")
    rows = [
        {"id": f"q{i}", "answer": HOSTILE if i % 2 else "=1+1", "judge": "fail" if i % 4 == 0 else "pass"}
        for i in range(60)
    ]
    with (folder / "verdicts.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    source = str(folder / "verdicts.csv")
    draw_labels(source, judge="judge", id="id", n_labels=12, show_verdict=True).save(folder / "queue.csv")
    return folder


@pytest.fixture
def folder(drawn, tmp_path, monkeypatch):
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def queue(folder):
    return Queue.load(folder / "queue.csv")
