"""Readers under a fuzzer led by coverage: atheris, which is installed beside the project (Python 3.11).

    python -m benchmarks.fuzz_atheris                        # ten minutes
    python -m benchmarks.fuzz_atheris --seconds 60 --only conditions

Each input is what a file holds, or a condition of `--where`; the corpus is the files of benchmarks.fuzz.
What must not happen is what that benchmark watches for: a trace, more than one line of trouble, control
characters, files made or changed, calls of the network. The first fault ends the run with the command on it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import _fuzz_files

READERS = ("a.csv", "a.jsonl", "a.json", "promptfoo.json", "deepeval.json", "inspect.json", "inspect.eval")
KINDS = (*READERS, "calibration", "conditions")
CONDITIONS = ("judge = 1", "topic = 'a' AND human IS NULL", "id BETWEEN 3 AND 9 OR topic LIKE '%b'")


def corpus():
    """Inputs without damage: the place of the kind, then what the file or the condition is."""
    files = _fuzz_files.clean()
    for kind, name in enumerate(READERS):
        yield bytes([kind]) + files[name]
    yield bytes([KINDS.index("calibration")]) + calibration()
    for condition in CONDITIONS:
        yield bytes([KINDS.index("conditions")]) + condition.encode()


def calibration():
    """A file of a judge's calibration."""
    from jaxmle import Counts, JudgeCalibration

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "judge.json")
        JudgeCalibration.learn(Counts([45], [5], [5], [95], [0], [0]), judge="j", date="2026-03-31").save(
            path
        )
        return path.read_bytes()


def tried(watch, kinds, data):
    """Run the command that reads an input; the faults that it had."""
    kind = KINDS[data[0] % len(KINDS)] if data else ""
    if kind not in kinds:
        return []
    name = "judge.json" if kind == "calibration" else "a.csv" if kind == "conditions" else kind
    verdicts = "a.csv" if kind in ("calibration", "conditions") else kind
    (watch.folder / "a.csv").write_bytes(_fuzz_files.clean()["a.csv"])
    more = ["--bounds", name] if kind == "calibration" else []
    if kind == "conditions":
        more = ["--where", data[1:].decode("utf-8", "replace").replace("\0", " ")]
    else:
        (watch.folder / name).write_bytes(data[1:])
    columns = (
        ["--human", "human", "--judge", "judge"]
        if verdicts.startswith("a.")
        else ["--human", "metadata.human"]
    )
    watch.run("estimate", verdicts, *columns, *more, "--interval", "chi-square")
    return watch.faults


def main():
    """Run the fuzzer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, action="append")
    given = parser.parse_args()
    try:
        import atheris
    except ModuleNotFoundError:
        print(
            "atheris is not installed: pip install atheris, in an environment of Python 3.11", file=sys.stderr
        )
        return 2
    # What is imported before cannot be led by coverage: the readers, and the numbers that they hand on.
    with atheris.instrument_imports(include=["jaxmle._tables", "jaxmle._data"]):
        import jaxmle._cli
        import jaxmle._data
        import jaxmle.tables  # noqa: F401
    with _fuzz_files.watched() as watch, tempfile.TemporaryDirectory() as folder:
        for i, content in enumerate(corpus()):
            Path(folder, str(i)).write_bytes(content)

        def one(data):
            if faults := tried(watch, given.only or KINDS, data):
                raise RuntimeError(faults[0])

        options = [
            f"-max_total_time={given.seconds}",
            f"-seed={given.seed}",
            "-max_len=200000",
            "-timeout=60",
        ]
        atheris.Setup([sys.argv[0], folder, *options], one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
