"""Files that are there whole or not at all, whatever stops the process that writes them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def followed(path: Path) -> Path:
    """The file that a link leads to, or the path itself where it is no link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name beside a file; what the block writes there takes the file's place once the block ends.

    Where the block fails, or the process is killed, the file stays as it was. A link is followed. What is no
    regular file, such as a terminal or a pipe, is yielded itself.

    Raises:
        OSError: The file cannot be written; its name is the one given.
    """
    target = followed(path)
    with naming(path):
        if path.exists() and not path.is_file():
            yield path
            return
        with replacing(target, target.with_name(f".jaxmle-{uuid4().hex[:12]}{target.suffix}")) as partial:
            yield partial


@contextmanager
def replacing(target: Path, partial: Path) -> Iterator[Path]:
    """Put what the block writes to ``partial`` in place of a file on the same disk once the block ends."""
    try:
        yield partial
        sync(partial)
        if target.exists():
            shutil.copymode(target, partial)
        os.replace(partial, target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say in errors of the block which file could not be written: the system often does not."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, f"cannot write: {os.strerror(error.errno)}", str(path)) from error


def sync(path: Path) -> None:
    """Have the system write a file to its disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
