"""Published human and judge verdicts with all but 50 human labels hidden: estimates against what was hidden.

    python -m benchmarks.real_verdicts FOLDER

FOLDER holds CSV files with one row an item, a column `human` and one for each judge (1 for failure, blank for
no verdict), and columns `category` and `model`. Every judge is estimated by the command line with its default
settings: as a whole with 50 labels kept, then by category and by model with 50 kept in each slice. The truth
is the failure rate that all labels give for the items with a verdict of the judge.
"""

import argparse
import contextlib
import csv
import io
import json
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ABOUT = {"item_id", "question_id", "prompt_id", "category", "model", "human"}
# Columns that are no judges: other mappings of the verdicts, and each annotator alone.
OTHERS = ("_raw", "_a1", "_a2", "_a3")


def hidden(rows, judge, by, labels, seed):
    """Rows with all but ``labels`` human labels of each slice blanked."""
    rng = random.Random(f"{seed} {judge} {by}")
    places = defaultdict(list)
    for i, row in enumerate(rows):
        if row[judge] != "":
            places[row[by] if by else ""].append(i)
    kept = {i for found in places.values() for i in rng.sample(found, min(labels, len(found)))}
    return [row if i in kept else {**row, "human": ""} for i, row in enumerate(rows)]


def truths(rows, judge, by):
    """Failure rate of all labels, by slice."""
    sums: Any = defaultdict(lambda: [0, 0])
    for row in rows:
        if row[judge] != "":
            sums[row[by] if by else ""][0] += row["human"] == "1"
            sums[row[by] if by else ""][1] += 1
    return {key: failures / n for key, (failures, n) in sums.items()}


def estimated(rows, judge, by, folder):
    """Records of the command line, by slice."""
    from jaxmle._cli import main

    path = folder / "verdicts.csv"
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    arguments = ["estimate", str(path), "--judge", judge, "--human", "human", "--json"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = main([*arguments, *(["--by", by] if by else [])])
    if status:
        raise SystemExit(f"{path.name}, {judge}, by {by}: exit status {status}")
    document = json.loads(printed.getvalue())
    return {one["key"][by] or "": one for one in document["slices"]} if by else {"": document["total"]}


def compare(source, judge, by, folder, labels, seed):
    """For each slice: truth, judge only, human only, estimate, low, high."""
    with source.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = estimated(hidden(rows, judge, by, labels, seed), judge, by, folder)
    for key, truth in truths(rows, judge, by).items():
        one, rate = found[key], found[key]["failure_rate"]
        # The judge flags labelled and unlabelled items alike.
        cells = one["counts"]
        flagged = cells["tp"] + cells["fp"] + cells["unlabeled_pos"]
        judged = flagged / (one["n_labeled"] + one["n_unlabeled"])
        yield truth, judged, one["human_only"]["estimate"], rate["estimate"], rate["low"], rate["high"]


def columns_of(source):
    with source.open(newline="") as file:
        return next(csv.reader(file))


def judges_of(source):
    return [name for name in columns_of(source) if name not in ABOUT and not name.endswith(OTHERS)]


def slicings(source):
    """Columns that make slices; not one with lists of the models that gave the same answer."""
    with source.open(newline="") as file:
        lists = any("|" in row["model"] for row in csv.DictReader(file))
    return ("category",) if lists else ("category", "model")


def summary(rows):
    """Root-mean-square errors and coverage."""
    known = [row for row in rows if row[3] is not None]

    def error(column):
        return (sum((row[column] - row[0]) ** 2 for row in known) / len(known)) ** 0.5

    inside = sum(row[4] <= row[0] <= row[5] for row in rows)
    width = sum(row[5] - row[4] for row in rows) / len(rows)
    return (
        f"{len(rows)} | {error(1):.2%} | {error(2):.2%} | {error(3):.2%} | {inside} of {len(rows)} "
        f"({inside / len(rows):.0%}) | {width:.1%}"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5, help="draws of the labels for the second table")
    options = parser.parse_args()
    sources = [path for path in sorted(options.folder.glob("*.csv")) if "human" in columns_of(path)]
    print("| file | judge | all labels | judge only | human only | estimate | 95% interval |")
    print("|---|---|--:|--:|--:|--:|--:|")
    tables = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        for source in sources:
            for judge in judges_of(source):
                given = (Path(name), options.labels)
                for i in range(options.repeats):
                    for by in (None, *slicings(source)):
                        found = list(compare(source, judge, by, *given, options.seed + i))
                        tables[source.stem, by].extend(found)
                        if by is None and i == 0:
                            truth, *rates, low, high = found[0]
                            shown = " | ".join(f"{rate:.1%}" for rate in (truth, *rates))
                            print(
                                f"| {source.stem} | {judge} | {shown} | {low:.1%} to {high:.1%} |", flush=True
                            )
    print("\n| file | slices | estimates | judge only | human only | estimate | interval holds it | width |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for (file, by), rows in tables.items():
        print(f"| {file} | {by or 'whole'} | {summary(rows)} |")


if __name__ == "__main__":
    main()
