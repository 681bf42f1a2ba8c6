"""Long runs in parts that outlive the process: whatever is done when it is killed need not be done again."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np

from jaxmle._types import Document

T = TypeVar("T")

_MANIFEST = "run.json"


class Checkpoint:
    """Folder of the parts of one run, beside its result.

    Args:
        out: The result; it and its description (``OUT.json``) appear once all parts are there.
        fingerprint: What tells this run from others.
        resume: Whether to go on with what a run of the same fingerprint left.

    Raises:
        ValueError: The result or parts of it are there, and not to be resumed, or of another run.
    """

    def __init__(self, out: Path, fingerprint: str, *, resume: bool) -> None:
        self.out, self.fingerprint = out, fingerprint
        self.description = out.with_name(out.name + ".json")
        self.folder = out.with_name(out.name + ".parts")
        self.found = 0
        self.complete = False
        if out.exists():
            if not resume:
                raise ValueError(f"{str(out)!r} is there already; remove it or choose another --out.")
            self._check(self.description, out)
            self.complete = True
        elif any(self._done()):
            if not resume:
                raise ValueError(
                    f"{str(self.folder)!r} holds parts of an unfinished run; go on with it by --resume, or "
                    "remove it."
                )
            self._check(self.folder / _MANIFEST, self.folder)
        elif self.folder.exists() and not self._ours():
            raise ValueError(f"{str(self.folder)!r} is in the way; remove it or choose another --out.")
        if not self.complete and self.description.exists():
            described = _read(self.description)
            if not (isinstance(described, dict) and "fingerprint" in described):
                raise ValueError(f"{str(self.description)!r} is in the way; choose another --out.")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out while the block runs.

        Raises:
            ValueError: Another process is at it, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise ValueError(f"cannot write {str(self.folder)!r}: {error.strerror or error}.") from error
        with lock:
            if not _locked(lock):
                raise ValueError(f"another process is writing {str(self.out)!r}.")
            if self.complete:
                # It was killed when all but tidying up was done.
                yield
                shutil.rmtree(self.folder)
                return
            self._write(self.folder / _MANIFEST, json.dumps({"fingerprint": self.fingerprint}).encode())
            try:
                yield
            finally:
                # Nothing of a run that failed at once need stand in the way of the next.
                if self.folder.exists() and not any(self._done()):
                    shutil.rmtree(self.folder)

    def described(self) -> Document:
        """The description of a complete run."""
        return {key: value for key, value in _read(self.description).items() if key != "fingerprint"}

    def part(self, number: int, compute: Callable[[], T]) -> T:
        """Return a part, computing it unless it is there."""
        path = self.folder / f"{number:06d}.json"
        if (there := _read(path)) is not None:
            self.found += 1
            return cast(T, there)
        result = compute()  # also where a disk has damaged it
        self._write(path, json.dumps(result, allow_nan=False).encode())
        return result

    def finish(self, description: Document, write: Callable[[Path], None]) -> None:
        """Write the description and the result, then remove the parts."""
        described = {"fingerprint": self.fingerprint, **description}
        self._write(self.description, json.dumps(described, allow_nan=False, indent=2).encode())
        partial = self.folder / f".result{self.out.suffix}"
        write(partial)
        _sync(partial)
        os.replace(partial, self.out)
        shutil.rmtree(self.folder)

    def _check(self, path: Path, what: Path) -> None:
        described = _read(path)
        if not isinstance(described, dict) or described.get("fingerprint") != self.fingerprint:
            raise ValueError(
                f"{str(what)!r} is of another run: the data, the options or the version differ. Remove it or "
                "choose another --out."
            )

    def _done(self) -> Iterator[Path]:
        return self.folder.glob("[0-9]*.json")

    def _ours(self) -> bool:
        names = [path.name for path in self.folder.iterdir()]
        return all(name in ("lock", _MANIFEST) or name.startswith(".") for name in names)

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file so that it is there whole or not at all."""
        partial = self.folder / f".{path.name}"
        partial.write_bytes(content)
        _sync(partial)
        os.replace(partial, path)


def fingerprint_of(*things: object) -> str:
    """Digest of numbers, names and arrays, and of nested ones."""
    digest = hashlib.sha256()

    def add(thing: object) -> None:
        if isinstance(thing, np.ndarray):
            digest.update(f"{thing.dtype}{thing.shape}".encode())
            digest.update(np.ascontiguousarray(thing).tobytes())
        elif isinstance(thing, dict):
            add(list(thing.items()))
        elif isinstance(thing, list | tuple):
            digest.update(f"[{len(thing)}".encode())
            for one in thing:
                add(one)
        else:
            text = repr(thing)
            digest.update(f"{len(text)}:{text}".encode("utf-8", "backslashreplace"))

    add(things)
    return digest.hexdigest()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _locked(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
