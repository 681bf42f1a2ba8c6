"""Blank all but a few human labels of a fully labelled CSV, to see what an estimate makes of the rest.

python -m benchmarks.blank_labels openqa_nq301.csv verdicts.csv --labels 150 --seed 1
"""

import argparse
import csv
import random


def main():
    """Write the blanked copy and print the failure rate in all labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--human", default="human", help="column of human labels, 1 for failure")
    parser.add_argument("--labels", type=int, default=150, help="labels to keep")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        with open(options.source, newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        parser.error(f"cannot read {options.source!r}: {error.strerror}.")
    kept = set(random.Random(options.seed).sample(range(len(rows)), options.labels))
    with open(options.target, "w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(row if i in kept else {**row, options.human: ""} for i, row in enumerate(rows))
    failures = sum(row[options.human] == "1" for row in rows)
    print(f"{failures} of {len(rows)} items are failures in all labels: {failures / len(rows):.2%}")


if __name__ == "__main__":
    main()
