"""Lines of NDJSON files as a stream: plain, ``.gz`` or ``.zst``, or standard input; never the whole file."""

import gzip
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

CHUNK_BYTES = 1 << 22
LONGEST_LINE_BYTES = 1 << 24  # far above the 64 KiB of a message: what is longer is cut off to bound the memory
LINES_PER_BATCH = 16_384


class FileError(Exception):
    """A file that cannot be read, in one sentence."""


class LineBatch(NamedTuple):
    """Consecutive lines of one file, blank ones left out."""

    name: str
    numbers: list[int]  # of the lines, from 1
    values: list[bytes]
    bytes_read: int  # of the file as it lies on disk, since the batch before


def _opened(path: str) -> tuple[BinaryIO, BinaryIO]:
    """The stream of lines, and the file under it that tells how far reading has come."""
    if path == "-":
        return sys.stdin.buffer, sys.stdin.buffer
    raw = Path(path).open("rb")  # noqa: SIM115 - closed by read_lines
    if path.endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw)), raw
    if path.endswith(".zst"):
        import zstandard  # noqa: PLC0415 - only where such a file is read

        return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True), raw
    return raw, raw


def _position(raw: BinaryIO) -> int:
    try:
        return raw.tell()
    except OSError:  # a pipe
        return 0


def _chunks(path: str, stream: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
    except (OSError, EOFError) as error:
        raise FileError(f"{path}: {_reason(error)}") from None
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # zstandard is imported only where it is used
            raise
        raise FileError(f"{path}: not a zstd file, or a damaged one") from None


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
        stream, raw = _opened(path)
    except OSError as error:
        raise FileError(f"{path}: {_reason(error)}") from None
    with raw:
        yield from _batches(path, _chunks(path, stream), lambda: _position(raw))


def _batches(path: str, chunks: Iterator[bytes], position: Callable[[], int]) -> Iterator[LineBatch]:
    number = 1
    rest = b""
    told = 0
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            rest = rest[:LONGEST_LINE_BYTES]
        for start in range(0, len(lines), LINES_PER_BATCH):
            part = lines[start : start + LINES_PER_BATCH]
            read = position() - told
            told += read
            yield _batch(path, number, part, read)
            number += len(part)
    if rest:
        yield _batch(path, number, [rest], position() - told)


def _batch(path: str, number: int, lines: list[bytes], bytes_read: int) -> LineBatch:
    numbers = list(range(number, number + len(lines)))
    if not all(lines):
        kept = [(at, line) for at, line in zip(numbers, lines, strict=True) if line.strip()]
        numbers = [at for at, _ in kept]
        lines = [line for _, line in kept]
    return LineBatch(path, numbers, lines, bytes_read)


def size_of(paths: list[str]) -> int | None:
    """Bytes of all files together, None when one of them has no size."""
    try:
        return sum(Path(path).stat().st_size for path in paths if path != "-") if "-" not in paths else None
    except OSError:
        return None
