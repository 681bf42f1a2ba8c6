"""Damaged files and logs, and hostile conditions, by the command line within this process."""

import contextlib
import gzip
import io
import json
import os
import re
import socket
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from jaxmle._cli import main

LOGS = Path(__file__).resolve().parent.parent / "tests" / "logs"
CANARY = "canary-7f3a-that-no-message-may-hold"
ROWS = [
    {"id": i, "topic": "ab"[i % 2], "human": int(i % 5 == 0) if i < 40 else None, "judge": int(i % 4 == 0)}
    for i in range(60)
]
# Values that a stranger's file may hold where others are expected.
ODD: list[Any] = [
    *(None, True, -1, 0.5, 1e308, 1e400, 10**400, "", "NaN", [], {}, [1], {"a": {}}),
    *("\x1b[31mred", "=cmd|' /C calc'!A0", "a'b\"c", "\u202e", "\u0000", "x" * 5000),
]


def clean():
    """Files without damage, by name."""
    lines = ["id,topic,human,judge"]
    lines += [",".join("" if value is None else str(value) for value in row.values()) for row in ROWS]
    csv = ("\n".join(lines) + "\n").encode()
    jsonl = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    files = {"a.csv": csv, "a.tsv": csv.replace(b",", b"\t"), "a.csv.gz": gzip.compress(csv)}
    files |= {"a.jsonl": jsonl, "a.json": json.dumps(ROWS).encode(), "a.parquet": _parquet()}
    for name in ("promptfoo.json", "promptfoo.jsonl", "deepeval.json", "inspect.json", "inspect.eval"):
        files[name] = (LOGS / name).read_bytes()
    line = {
        "doc_id": 1,
        "doc": {"q": "a"},
        "filtered_resps": ["b"],
        "filter": "none",
        "metrics": ["acc"],
        "acc": 1,
    }
    files["samples_x_2026-01-01T.jsonl"] = "".join(
        json.dumps({**line, "doc_id": i, "acc": i % 2, "human": (i + 1) % 2}) + "\n" for i in range(9)
    ).encode()
    return files


def _parquet():
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        rows = ", ".join(f"({r['id']}, '{r['topic']}', {r['human'] or 0}, {r['judge']})" for r in ROWS)
        duckdb.sql(f"COPY (SELECT * FROM (VALUES {rows}) AS t(id, topic, human, judge)) TO '{path}'")
        return path.read_bytes()


def damaged(rng, name, content):
    """Content with bytes changed, cut out, doubled or put in, or values of JSON exchanged for odd ones."""
    if name.endswith((".json", ".jsonl")) and rng.random() < 0.6:
        with contextlib.suppress(ValueError):
            return _odd_json(rng, name, content)
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at, size = int(rng.integers(0, max(1, len(data)))), int(rng.integers(1, 40))
        match int(rng.integers(0, 5)):
            case 0:
                data[at : at + size] = rng.bytes(size)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = data[at : at + size] * 3
            case 3:
                del data[at : at + size]
            case _:
                text = ODD[int(rng.integers(0, len(ODD)))]
                data[at:at] = (text if isinstance(text, str) else str(text)[:400]).encode()
    return bytes(data)


def _odd_json(rng, name, content):
    documents = (
        [json.loads(line) for line in content.splitlines()] if name.endswith("l") else [json.loads(content)]
    )
    for _ in range(int(rng.integers(1, 4))):
        node = documents
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = keys[int(rng.integers(0, len(keys)))]
            if isinstance(node[key], dict | list) and rng.random() < 0.8:
                node = node[key]
                continue
            odd = ODD[int(rng.integers(0, len(ODD)))]
            if isinstance(node, dict) and rng.random() < 0.2:
                node[f"{key}\x1b[2J"] = node.pop(key)
            else:
                node[key] = odd
            break
    return "\n".join(json.dumps(one) for one in documents).encode()


def conditions(rng, number, folder):
    """Conditions that try to do more than choose rows."""
    secret, victim = folder / "secret.txt", folder / "victim"
    queries = [
        f"SELECT content FROM read_text('{secret}')",
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT column0 FROM '{secret}'",
        "SELECT current_setting('secret_directory')",
        "SELECT getenv('HOME')",
        f"SELECT file FROM glob('{folder}/*')",
        "SELECT sql FROM duckdb_tables()",
    ]
    statements = [
        f"COPY (SELECT 1) TO '{victim}.csv'",
        f"ATTACH '{victim}.db'",
        f"EXPORT DATABASE '{victim}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET lock_configuration = false",
        "PRAGMA enable_external_access",
        f"CREATE TABLE t AS SELECT * FROM read_text('{secret}')",
        "DROP VIEW verdicts",
    ]
    shapes = [
        "1=1); {s}; SELECT (1",
        "1=1) UNION ALL ({q}) --",
        "judge = ({q})",
        "judge IN ({q})",
        "EXISTS ({q})",
        "({q})::INT > 3",
        "error(({q}))",
        "1=1; {s}",
        "1=1) OR EXISTS ({q}",
        "/* {s} */ EXISTS({q})",
        "CASE WHEN EXISTS ({q}) THEN true END",
        "list_any_value([x FOR x IN ({q})]) = 1",
        "judge = any({q})",
        "(WITH a AS ({q}) SELECT true)",
        "sleep_ms(100) IS NULL",
        "nextval('s') = 1 OR random() < 2",
        "getvariable('x') IS NULL",
        "columns(*)::VARCHAR = '1'",
        "$1 = 1",
        "1=1) GROUP BY ALL HAVING ({q}",
    ]
    for _ in range(number):
        shape = shapes[int(rng.integers(0, len(shapes)))]
        yield shape.format(
            q=queries[int(rng.integers(0, len(queries)))], s=statements[int(rng.integers(0, len(statements)))]
        )


class Watch:
    """What a command must not do: leave a trace, show control characters, make files, reach out."""

    def __init__(self, folder, *, loopback=False):
        self.folder, self.faults, self.runs, self.loopback = folder, [], 0, loopback
        (folder / "secret.txt").write_text(CANARY + "\n")

    def run(self, *arguments, made=(), under=None):
        """Run a command and look at what it did; it may write the files named ``made``, and a folder."""
        before = self.listing(made, under)
        out, err = io.StringIO(), io.StringIO()
        self.runs += 1
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _no_network(self.loopback) as calls,
        ):
            try:
                status: int | str = main(arguments)
            except BaseException as error:
                status = f"{type(error).__name__}: {error}"
        shown = out.getvalue() + err.getvalue()
        lines = [line for line in err.getvalue().splitlines() if line]
        faults = {
            "status": status not in (0, 1, 2),
            "trace": "Traceback" in shown or "--debug shows where" in shown,
            "control characters": re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown) is not None,
            "leak": CANARY in shown,
            "lines": status == 2 and len(lines) != 1,
            "not finite": not _finite(out.getvalue(), "--json" in arguments),
            "files": self.listing(made, under) != before,
            "network": bool(calls),
        }
        if any(faults.values()):
            kinds = ", ".join(kind for kind, there in faults.items() if there)
            self.faults.append(f"{kinds}: {arguments!r}: {status}: {err.getvalue()[:300]!r}")
        return status

    def listing(self, but=(), under=None):
        """Names, sizes and times of all files of the folder but some, and what is under a folder in it."""
        found = [path for path in self.folder.rglob("*") if path.name not in but]
        if under is not None:
            found = [path for path in found if under not in path.relative_to(self.folder).parts]
        return sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in found)


def _finite(shown, as_json):
    """Whether a document has no number that is none, or a table no such rate; texts may hold anything."""
    if not as_json:
        return re.search(r"(nan|inf)%", shown) is None
    constants: list[str] = []
    with contextlib.suppress(ValueError):
        json.loads(shown, parse_constant=constants.append)
    return not constants


@contextlib.contextmanager
def _no_network(loopback):
    calls, connect = [], socket.socket.connect

    def refuse(self, address):
        if loopback and address[0] in ("127.0.0.1", "localhost", "::1"):
            return connect(self, address)
        calls.append(address)
        raise OSError("no network")

    with mock.patch.object(socket.socket, "connect", refuse):
        yield calls


@contextlib.contextmanager
def watched(*, loopback=False):
    """A watch over a folder of its own, which is the current one; ``loopback`` lets it talk to itself."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        os.chdir(folder)
        try:
            yield Watch(Path(folder), loopback=loopback)
        finally:
            os.chdir(before)


def files(number, seed, only=None):
    """Read so many damaged files of each kind; yield kind, runs and faults."""
    for kind, (name, content) in enumerate(clean().items()):
        if only and name not in only:
            continue
        rng = np.random.default_rng([seed, kind])
        log = not name.startswith("a.")
        with watched() as watch:
            path = watch.folder / name
            for i in range(number):
                path.write_bytes(damaged(rng, name, content))
                columns = ["--human", "metadata.human" if log else "human"] + (
                    [] if log else ["--judge", "judge"]
                )
                more = ["--by", "topic"] if not log and i % 3 == 0 else []
                if i % 4 == 0:
                    watch.run("doctor", name)
                else:
                    form = ["--json"] if i % 2 else []
                    watch.run("estimate", name, *columns, *more, "--interval", "chi-square", *form)
            yield name, watch.runs, watch.faults


def hostile_conditions(number, seed):
    """Try so many conditions; each must be refused."""
    rng = np.random.default_rng([seed, 77])
    with watched() as watch:
        path = watch.folder / "a.csv"
        path.write_bytes(clean()["a.csv"])
        for condition in conditions(rng, number, watch.folder):
            status = watch.run(
                "estimate", "a.csv", "--human", "human", "--judge", "judge", "--where", condition
            )
            if status != 2:
                watch.faults.append(f"not refused: {condition!r}: {status}")
        return watch.runs, watch.faults
