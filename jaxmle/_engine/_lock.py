"""One process at a time at what a file stands for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def held_lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold a file as a lock while the block runs, then remove it; a process that dies lets go of it.

    Args:
        path: The lock, which is made where there is none.
        refusal: What to say where another process holds it.

    Raises:
        ValueError: Another process holds it, or it cannot be made.
    """
    while True:
        try:
            # A link in place of the lock would lead to a stranger's file.
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except OSError as error:
            raise ValueError(f"cannot write {str(path)!r}: {error.strerror or error}.") from error
        try:
            if not _locked(file):
                raise ValueError(refusal)
            # Whoever held it may have removed it since it was opened: then it keeps nobody out.
            if not _is_there(path, file):
                continue
            try:
                yield
            finally:
                if _is_there(path, file):
                    with suppress(OSError):  # Windows removes no file that is open
                        path.unlink()
            return
        finally:
            os.close(file)


def _is_there(path: Path, file: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(path.stat(), os.fstat(file))
    return False


def _locked(file: int) -> bool:
    try:
        import fcntl
    except ImportError:  # no such locks on Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
