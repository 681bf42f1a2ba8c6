"""Queues, designs and files of labels that were damaged or exchanged, or hold hostile names."""

import contextlib
import csv
import io
import json

import numpy as np

from benchmarks._fuzz_files import ODD, damaged, watched
from jaxmle._data._sealed_json import digest

# Ids and texts that mean something to a query, a spreadsheet, a terminal, a browser or a file system.
HOSTILE = [
    *("a'b", 'a"b', "a,b", "a\nb", "a\r\nb", "\x1b[2J", "\u202eabc", "=1+1", "@cmd", "+x", "-x", "\tx"),
    *(
        "<script>alert(1)</script>",
        "</script><img src=x onerror=alert(1)>",
        "../../victim",
        "'; DROP TABLE x",
    ),
    *(
        "\ufeffid",
        "ü",
        "😀",
        "e\u0301",
        "\u00e9",
        "\uff29\uff24",
        "NULL",
        "nan",
        "1e400",
        "%s%n",
        "{0}",
        "a\x00b",
    ),
    *("x" * 3000, " a ", "0", "00", "1.0", "true"),
]
COLUMNS = ("id", "text", "judge")
KINDS = ("design", "queue", "labels", "import", "names")


def _table(heading, rows):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([heading, *rows])
    return file.getvalue().encode()


def _rows(rng, hostile):
    """Forty items; every third has an id and a text of strangers where asked."""
    rows = [[f"i{i}", f"answer {i}", int(i % 4 == 0)] for i in range(40)]
    for i in range(0, 40, 3) if hostile else ():
        pick = HOSTILE[int(rng.integers(0, len(HOSTILE)))]
        rows[i][:2] = [f"{pick}{i}" if rng.random() < 0.7 else pick, pick]
    return rows


def _odd_design(rng, content):
    """A design with a value exchanged, and mostly the seal that goes with it."""
    design = json.loads(content)
    keys = [key for key in design if key != "sha256"]
    key = keys[int(rng.integers(0, len(keys)))]
    odd = ODD[int(rng.integers(0, len(ODD)))]
    held = design[key]
    if isinstance(held, list) and held and rng.random() < 0.7:
        at = int(rng.integers(0, len(held)))
        inner = held[at]
        if isinstance(inner, dict) and inner:
            name = list(inner)[int(rng.integers(0, len(inner)))]
            inner[name] = odd
        else:
            held[at] = [odd] if isinstance(inner, list) and rng.random() < 0.5 else odd
    elif rng.random() < 0.1:
        del design[key]
    else:
        design[key] = odd
    if rng.random() < 0.9:
        with contextlib.suppress(ValueError, OverflowError):
            design["sha256"] = digest({key: one for key, one in design.items() if key != "sha256"})
    return json.dumps(design).encode()


def _odd_labels(rng, ids):
    words = ["fail", "pass", "", "maybe", "1", "0", *HOSTILE[:12]]
    rows = [[one, words[int(rng.integers(0, 6 if rng.random() < 0.9 else len(words)))]] for one in ids]
    for _ in range(int(rng.integers(0, 3))):
        rows.append([HOSTILE[int(rng.integers(0, len(HOSTILE)))], "fail"])
    if rng.random() < 0.3:
        rows.append(list(rows[0]))
    return _table(("id", "label"), rows)


def labels(number, seed):
    """Try so many files of each kind; yield kind, runs and faults."""
    for kind, name in enumerate(KINDS):
        rng = np.random.default_rng([seed, 91, kind])
        with watched() as watch:
            folder = watch.folder
            for i in range(number):
                rows = _rows(rng, name == "names" or i % 2 == 0)
                (folder / "a.csv").write_bytes(_table(COLUMNS, rows))
                for old in folder.glob("q.*"):
                    old.unlink()
                drawn = watch.run(
                    *("draw", "a.csv", "--judge", "judge", "--id", "id", "--labels", "12", "--out", "q.csv"),
                    made=("q.csv", "q.json"),
                )
                if drawn:
                    continue
                design, queue = folder / "q.json", folder / "q.csv"
                ids = [one[0] for one in json.loads(design.read_text())["drawn"]]
                (folder / "given.csv").write_bytes(_odd_labels(rng, ids))
                if name == "design":
                    odd = _odd_design if i % 3 else lambda rng, content: damaged(rng, "q.csv", content)
                    design.write_bytes(odd(rng, design.read_bytes()))
                elif name == "queue":
                    queue.write_bytes(damaged(rng, "q.csv", queue.read_bytes()))
                elif name == "import":
                    given = folder / "given.csv"
                    given.write_bytes(damaged(rng, "q.csv", given.read_bytes()))
                made = ("q.labels.csv", "q.html")
                watch.run("label", "q.csv", "--import", "given.csv", made=made)
                answers = folder / "q.labels.csv"
                if name == "labels" and answers.exists():
                    answers.write_bytes(damaged(rng, "q.csv", answers.read_bytes()))
                form = ["--json"] if i % 2 else []
                watch.run("label", "q.csv", "--status", *form, made=made)
                watch.run("estimate", "a.csv", "--design", "q.json", "--interval", "chi-square", *form)
                if i % 4 == 0:
                    watch.run("label", "q.csv", "--html", "q.html", made=made)
                    watch.run("doctor", "q.csv")
            yield name, watch.runs, watch.faults
