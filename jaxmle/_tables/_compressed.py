"""Compressed files: opened as what they hold, and seen to be whole."""

import gzip
import io
import zlib
from pathlib import Path
from typing import IO, Any, cast

_KINDS = {".gz": "gzip", ".zst": "zstd"}
# A compressed block may hold a thousand times as much and more, so little is taken at once.
_BLOCK = 1 << 14


def compression_of(path: Path) -> str:
    """Return "gzip", "zstd" or "uncompressed", by the file's name."""
    return _KINDS.get(path.suffix.lower(), "uncompressed")


def opened(path: Path) -> IO[bytes]:
    """Open a file to read the bytes that it holds, or those that were compressed into it."""
    kind = compression_of(path)
    if kind == "gzip":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if kind == "zstd":
        import zstandard

        return io.BufferedReader(cast(Any, zstandard.open(path, "rb")))
    return path.open("rb")


def check_whole(path: Path) -> None:
    """See that a compressed file is whole, which its readers do not all do.

    A reader that meets the end of a file between two blocks takes it for the end of the rows, and the sum
    at the end of a gzip file is checked by few.

    Raises:
        ValueError: The file ends early, or is damaged; files that are missing are for others to tell.
    """
    kind = compression_of(path)
    if kind == "uncompressed" or not path.is_file():
        return
    import zstandard

    try:
        ended = _ends(path, kind)
    except OSError as error:
        raise ValueError(f"cannot read {str(path)!r}: {error.strerror or error}.") from error
    except (zlib.error, zstandard.ZstdError) as error:
        raise ValueError(f"cannot read {str(path)!r}: the {kind} file is damaged, or is none.") from error
    if not ended:
        raise ValueError(f"cannot read {str(path)!r}: the compressed file ends early: it is not complete.")


def _ends(path: Path, kind: str) -> bool:
    """Decompress a file, in one or more frames, and tell whether the last of them ends."""
    frame: Any = None
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            while block:
                frame = frame or _decompressor(kind)
                frame.decompress(block)
                block = b""
                if frame.eof:
                    # Zeros may pad a gzip file.
                    block = frame.unused_data.lstrip(b"\0") if kind == "gzip" else frame.unused_data
                    frame = None
    return frame is None


def _decompressor(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()
