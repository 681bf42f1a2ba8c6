"""Long runs in parts that outlive the process: whatever is done when it is killed need not be done again."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from jaxmle._engine._lock import held_lock
from jaxmle._engine._whole_file import followed, naming, replacing, sync
from jaxmle._types import Document

T = TypeVar("T")

_MANIFEST = "run.json"
_LOCK = "lock"
_PART = re.compile(r"[0-9]{6,}\.json")
_RESULT = ".result"
# Fields of a description that are for the next run, not for the reader.
_OWN = ("fingerprint", "result_sha256", "sha256")


class Checkpoint:
    """Folder of the parts of one run, beside its result.

    Args:
        out: The result; it and its description (``OUT.json``) appear once all parts are there. A link is
            followed.
        fingerprint: What tells this run from others.
        resume: Whether to go on with what a run of the same fingerprint left.

    Every file carries a checksum, of its number and its run too, so that what was damaged, changed or
    exchanged is computed again or refused. They tell accidents, not forgeries.

    Raises:
        ValueError: The result or parts of it are there, and not to be resumed, or of another run; the result
            was changed since; or something else is in the way.
    """

    def __init__(self, out: Path, fingerprint: str, *, resume: bool) -> None:
        out = followed(out)
        self.out, self.fingerprint = out, fingerprint
        self.description = out.with_name(out.name + ".json")
        self.folder = out.with_name(out.name + ".parts")
        self.found = 0
        self.complete = False
        for path in (self.description, self.folder):
            if path.is_symlink():
                raise ValueError(f"{str(path)!r} is in the way: it is a link; choose another --out.")
        if out.exists():
            if not resume:
                raise ValueError(f"{str(out)!r} is there already; remove it or choose another --out.")
            self._check(self.description, out)
            self._check_result()
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
        except OSError as error:
            raise ValueError(f"cannot write {str(self.folder)!r}: {error.strerror or error}.") from error
        with held_lock(self.folder / _LOCK, f"another process is writing {str(self.out)!r}."):
            if self.complete:
                # It was killed when all but tidying up was done.
                yield
                self._tidy()
                return
            self._write(self.folder / _MANIFEST, json.dumps({"fingerprint": self.fingerprint}).encode())
            try:
                yield
            finally:
                # Nothing of a run that failed at once need stand in the way of the next.
                if self.folder.exists() and not any(self._done()):
                    self._tidy()

    def described(self) -> Document:
        """The description of a complete run."""
        return {key: value for key, value in _read(self.description).items() if key not in _OWN}

    def part(self, number: int, compute: Callable[[], T]) -> T:
        """Return a part, computing it unless it is there as it was written."""
        path = self.folder / f"{number:06d}.json"
        if (there := self._read_part(path, number)) is not None:
            self.found += 1
            return cast(T, there)
        result = compute()
        body = json.dumps(result, allow_nan=False).encode()
        self._write(path, self._sum(number, body) + b"\n" + body)
        return result

    def finish(self, description: Document, write: Callable[[Path], None]) -> None:
        """Write the description and the result, then remove the parts.

        Raises:
            OSError: There is no room for them; what is done stays.
        """
        partial = self.folder / f"{_RESULT}{self.out.suffix}"
        try:
            with naming(self.out):
                write(partial)
                sync(partial)
            described = {**description, "fingerprint": self.fingerprint, "result_sha256": _sum_of(partial)}
            described = json.loads(json.dumps(described, allow_nan=False))  # as it will be read
            described["sha256"] = fingerprint_of(described)
            text = json.dumps(described, allow_nan=False, indent=2)
            self._write(self.description, text.encode())
            with naming(self.out):
                os.replace(partial, self.out)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        self._tidy()

    def _read_part(self, path: Path, number: int) -> Any:
        """A part that is there as it was written, else None."""
        try:
            checksum, _, body = path.read_bytes().partition(b"\n")
            return json.loads(body) if checksum == self._sum(number, body) else None
        except (OSError, ValueError, RecursionError):
            return None

    def _sum(self, number: int, body: bytes) -> bytes:
        return hashlib.sha256(f"{self.fingerprint}{number}:".encode() + body).hexdigest().encode()

    def _check_result(self) -> None:
        described = _read(self.description)
        own = described.pop("sha256", None)
        if own != fingerprint_of(described) or described.get("result_sha256") != _sum_of(self.out):
            raise ValueError(
                f"{str(self.out)!r} or its description is damaged, or was changed since it was written; "
                "remove both, or choose another --out."
            )

    def _tidy(self) -> None:
        """Remove what a run puts into its folder, and the folder unless it holds something else."""
        for path in list(self.folder.iterdir()):
            if self._is_own(path.name):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _is_own(self, name: str) -> bool:
        bare = name.removeprefix(".")
        return (
            bare in (_LOCK, _MANIFEST, self.description.name)
            or _PART.fullmatch(bare) is not None
            or name in (f"{_RESULT}{self.out.suffix}", f"{_RESULT}.jsonl")
        )

    def _check(self, path: Path, what: Path) -> None:
        described = _read(path)
        if not isinstance(described, dict) or described.get("fingerprint") != self.fingerprint:
            raise ValueError(
                f"{str(what)!r} is of another run: the data, the options or the version differ. Remove it or "
                "choose another --out."
            )

    def _done(self) -> Iterator[Path]:
        return (path for path in self.folder.glob("*.json") if _PART.fullmatch(path.name))

    def _ours(self) -> bool:
        names = [path.name for path in self.folder.iterdir()]
        return all(self._is_own(name) or name.startswith(".") for name in names)

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file so that it is there whole or not at all."""
        with naming(path), replacing(path, self.folder / f".{path.name}") as partial:
            partial.write_bytes(content)


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
    except (OSError, ValueError, RecursionError):
        return None


def _sum_of(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
