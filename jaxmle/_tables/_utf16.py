"""Text in UTF-16, as Excel saves it: as UTF-8, which readers of tables take."""

import codecs
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from jaxmle._tables._compressed import compression_of, opened

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLOCK = 1 << 20


def as_utf8(owner: object, paths: Sequence[Path]) -> list[Path]:
    """Paths of the same text in UTF-8: copies of what is marked as UTF-16, which go when ``owner`` does.

    Raises:
        ValueError: A file that is marked so is something else.
    """
    return [_copy(owner, path) if _is_utf16(path) else path for path in paths]


def _is_utf16(path: Path) -> bool:
    if not path.is_file():
        return False  # to open a pipe would wait for whoever writes to it
    try:
        with opened(path) as file:
            return file.read(2) in _MARKS
    except (OSError, EOFError):
        return False  # what reads tables says what is wrong


def _copy(owner: object, path: Path) -> Path:
    folder = tempfile.mkdtemp(prefix="jaxmle-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    copy = Path(folder, path.name if compression_of(path) == "uncompressed" else path.stem)
    try:
        with opened(path) as file, copy.open("w", encoding="utf-8", newline="") as written:
            decoder = codecs.getincrementaldecoder("utf-16")()
            while block := file.read(_BLOCK):
                written.write(decoder.decode(block))
            written.write(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"cannot read {str(path)!r}: it is marked as UTF-16 and is not; save it as UTF-8."
        ) from error
    return copy
