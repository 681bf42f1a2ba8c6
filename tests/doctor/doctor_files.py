"""Files for the tests of `jaxmle doctor`, and what it says of them."""

import csv
import json
import random
import subprocess

from jaxmle._cli import main


def write(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def verdicts(n, *, rate=0.1, tpr=0.9, fpr=0.05, every=3):
    """Truth, judge's verdict, and whether a human looked, of each item."""
    rng = random.Random(0)
    for i in range(n):
        truth = rng.random() < rate
        yield truth, rng.random() < (tpr if truth else fpr), i % every == 0


def plain_rows(n, **how):
    return [
        (f"q{i}", "abc"[i // 3 % 3], int(truth) if seen else "", int(flag))
        for i, (truth, flag, seen) in enumerate(verdicts(n, **how))
    ]


def doctor(path, capsys, *options):
    """Exit status and document."""
    status = main(["doctor", str(path), "--json", *options])
    out, err = capsys.readouterr()
    assert err == ""
    return status, json.loads(out)


def levels(document):
    return {one["topic"]: one["level"] for one in document["findings"]}


def finding(document, topic):
    return next(one for one in document["findings"] if one["topic"] == topic)


def words_of(line):
    """Words after `jaxmle` as a shell hands them over, asking for the quickest method."""
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True
    ).stdout.decode()
    program, *arguments = words.split("\0")[:-1]
    assert program == "jaxmle"
    quick = {"estimate": ["--interval", "chi-square"], "certify": ["--method", "profile"]}
    arguments = ["per-slice" if word == "partial" else word for word in arguments]
    return [*arguments, *quick.get(arguments[0], [])]


HEADER = ("item_id", "topic", "human", "judge")
