"""Lines of NDJSON files as a stream: plain, ``.gz`` or ``.zst``, or standard input; never the whole file."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.faults import Fault
from streams.messages import Messages

CHUNK_BYTES = 1 << 22
ZSTD_CHUNK_BYTES = 1 << 16  # compressed: some kilobytes may hold megabytes
LONGEST_LINE_BYTES = 1 << 24  # far above the 64 KiB of a message: what is longer is cut off to bound the memory
LINES_PER_BATCH = 16_384

_NEWLINE = ord("\n")
_IS_BLANK = np.array([bytes([byte]).isspace() for byte in range(256)])


class FileError(Fault):
    """A file that cannot be read."""

    status = 2


class LineBatch(NamedTuple):
    """Consecutive lines of one file, blank ones left out."""

    name: str
    numbers: NDArray[np.int64]  # of the lines, from 1, (n,)
    values: Messages
    bytes_read: int  # of the file as it lies on disk, since the batch before


def _opened(path: str) -> BinaryIO:
    return sys.stdin.buffer if path == "-" else Path(path).open("rb")


def _position(raw: BinaryIO) -> int:
    try:
        return raw.tell()
    except OSError:  # a pipe
        return 0


def _chunks(path: str, raw: BinaryIO) -> Iterator[bytes]:
    """The content of a file, decompressed, in pieces."""
    try:
        if path.endswith(".zst"):
            yield from _zstd_chunks(raw)
        else:
            stream = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: {_reason(error)}") from None


def _zstd_chunks(raw: BinaryIO) -> Iterator[bytes]:
    """The same of a file of zstd frames, the last of which must be whole."""
    import zstandard  # noqa: PLC0415 - only where such a file is read

    frame = None
    while compressed := raw.read(ZSTD_CHUNK_BYTES):
        while compressed:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            try:
                content = frame.decompress(compressed)
            except zstandard.ZstdError:
                raise EOFError("not a zstd file, or a damaged one") from None
            for begin in range(0, len(content), CHUNK_BYTES):  # a few kilobytes may unfold to gigabytes
                yield content[begin : begin + CHUNK_BYTES]
            compressed = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("compressed file ended before its end was reached")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or "cannot be read"


def read_lines(path: str) -> Iterator[LineBatch]:
    """Batches of the lines of a file (``-``: standard input).

    Raises
    ------
    FileError
        When it cannot be opened, or turns out to be damaged.
    """
    try:
        raw = _opened(path)
    except OSError as error:
        raise FileError(f"{path}: {_reason(error)}") from None
    with nullcontext() if path == "-" else raw:
        yield from _batches(path, _chunks(path, raw), lambda: _position(raw))


def _batches(path: str, chunks: Iterator[bytes], position: Callable[[], int]) -> Iterator[LineBatch]:
    number = 1
    rest = b""
    told = 0
    for chunk in chunks:
        content = rest + chunk
        ends = np.flatnonzero(np.frombuffer(content, np.uint8) == _NEWLINE)
        rest = content[ends[-1] + 1 :] if ends.size else content
        rest = rest[:LONGEST_LINE_BYTES]
        starts = np.concatenate(([0], ends[:-1] + 1))[: ends.size]
        for part in range(0, ends.size, LINES_PER_BATCH):
            some = slice(part, part + LINES_PER_BATCH)
            read = position() - told
            told += read
            yield _batch(path, number + part, content, starts[some], ends[some], read)
        number += ends.size
    if rest:
        yield _batch(path, number, rest, np.array([0]), np.array([len(rest)]), position() - told)


def _batch(
    path: str, first: int, content: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], bytes_read: int
) -> LineBatch:
    """Return the lines at these places of some content, without the blank ones."""
    lines = Messages(np.frombuffer(content, np.uint8), starts, ends - starts)
    numbers = np.arange(first, first + lines.size)
    begin_blank = _IS_BLANK[lines.buffer[starts]]  # of an empty line, that is its end
    if begin_blank.any():
        blank = [at for at in np.flatnonzero(begin_blank).tolist() if not (lines.at(at) or b"").strip()]
        lines = lines._replace(starts=np.delete(starts, blank), lengths=np.delete(lines.lengths, blank))
        numbers = np.delete(numbers, blank)
    return LineBatch(path, numbers, lines, bytes_read)


def size_of(paths: list[str]) -> int | None:
    """Bytes of all files together, None when one of them has no size."""
    try:
        return sum(Path(path).stat().st_size for path in paths if path != "-") if "-" not in paths else None
    except OSError:
        return None
