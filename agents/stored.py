"""What a broker stored together, in Kafka's record format 2: its header, and its records as columns.

Producers send records in such sets, compressed or not, and brokers keep them as they came: they are what a checksum is
for, what a transaction marks as its own, and what an answer consists of, end to end, the last one maybe cut off.
"""

import struct
from typing import NamedTuple

import numpy as np
from aiokafka import codec
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import calc_crc32c
from numpy.typing import NDArray

from kernels.record_batches import (
    BASE_OFFSET,
    COMPRESSION,
    CONTROL,
    DAMAGED,
    END,
    FORMAT,
    LAST_DELTA,
    LOG_APPEND_TIME,
    OWN_TIMES,
    SMALLEST_RECORD_BYTES,
    START,
    TRANSACTIONAL,
    find_plain,
    find_records,
)
from streams.messages import Messages

# A batch is cut at the first of these. Brokers may ignore the size that a fetch asks for, and compressed records
# unfold, so the sizes are counted here. They bound the memory, and how long one step of the application takes.
MAX_RECORDS = 16_384
MAX_BYTES = 8 * 2**20
LARGEST_BYTES = 2**31 - 1  # places in a buffer are 32-bit numbers further on; no producer sends as much at once

_HEADER = struct.Struct(">qiibIhiqqqhii")
_MAGIC_AT = 16
_LENGTH_END = 12  # the length counts what lies behind it
_CHECKED_BEGIN = 21  # the checksum is of all from here on
_SMALLEST_BYTES = 26  # of anything that was stored, in the formats before this one
_ROW_FIELDS = OWN_TIMES + 1
_NO_ROWS = np.empty((0, _ROW_FIELDS), np.int64)
_DECOMPRESS = {1: codec.gzip_decode, 2: codec.snappy_decode, 3: codec.lz4_decode, 4: codec.zstd_decode}


class Columns(NamedTuple):
    """Records, one entry for each."""

    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    keys: Messages
    values: Messages

    def cut(self, begin: int, end: int) -> "Columns":
        """Records ``begin`` to ``end``, exclusive, in the same buffer."""
        part = slice(begin, end)
        return Columns(self.offsets[part], self.times_ms[part], self.keys.cut(begin, end), self.values.cut(begin, end))


class Stored(NamedTuple):
    """A header, by Kafka's names for its fields, and where the whole lies in its answer."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records_count: int
    begin: int
    end: int

    @property
    def next_offset(self) -> int:
        """Where the next one begins, at least. Compaction takes records, even the last, but not their offsets."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def is_known(self) -> bool:
        """Whether it can be read here."""
        compression = self.attributes & COMPRESSION
        return self.magic == FORMAT and (not compression or compression in _DECOMPRESS)

    @property
    def is_plain(self) -> bool:
        """Whether it is known, uncompressed and no part of a transaction."""
        return self.magic == FORMAT and not self.attributes & (COMPRESSION | CONTROL | TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether it holds markers of transactions instead of records."""
        return bool(self.attributes & CONTROL)

    @property
    def is_transactional(self) -> bool:
        """Whether it belongs to a transaction."""
        return bool(self.attributes & TRANSACTIONAL)

    def is_intact(self, answer: bytes) -> bool:
        """Whether the checksum fits."""
        return bool(calc_crc32c(memoryview(answer)[self.begin + _CHECKED_BEGIN : self.end]) == self.crc)


def stored_at(answer: bytes, begin: int) -> Stored | None:
    """Return what begins there, of any format, None where the answer ends before it; of other formats only `magic` holds.

    Raises
    ------
    CorruptRecordException
        Where it is shorter than it can be.
    """
    header = answer[begin : begin + _HEADER.size]
    if len(header) < _SMALLEST_BYTES:
        return None
    end = begin + _LENGTH_END + int.from_bytes(header[8:_LENGTH_END], "big", signed=True)
    if end > len(answer):
        return None
    if end - begin < (_HEADER.size if header[_MAGIC_AT] == FORMAT else _SMALLEST_BYTES):
        raise CorruptRecordException(f"What is stored at byte {begin} of an answer is too short")
    return Stored(*(*_HEADER.unpack(header.ljust(_HEADER.size, b"\0")), begin, end))


def end_of_format(answer: bytes, begin: int) -> int:
    """Return where what is stored in the format of the first one ends."""
    end = begin
    first = following = stored_at(answer, begin)
    while first is not None and following is not None and following.magic == first.magic:
        end = following.end
        following = stored_at(answer, end)
    return end


class Records(NamedTuple):
    """Records that were stored one after the other, uncompressed."""

    content: bytes  # the answer itself, or what was compressed in it
    rows: NDArray[np.int64]  # (n, 7), for the kernel: what was stored together
    records_count: int
    size: int  # in bytes
    next_offset: int
    end: int  # in the answer


def plain_records_at(answer: bytes, begin: int, *, checks: bool) -> Records | None:
    """Return as many as can become one batch; None where the first is not plain, not whole or not intact."""
    room = min(MAX_RECORDS, (len(answer) - begin) // _HEADER.size)
    rows = np.empty((room, _ROW_FIELDS), np.int64)
    buffer = np.frombuffer(answer, np.uint8)
    found, end, count, size = find_plain(buffer, begin, MAX_RECORDS, MAX_BYTES, checks, rows)
    if not found:
        return None
    next_offset = int(rows[found - 1, BASE_OFFSET] + rows[found - 1, LAST_DELTA]) + 1
    return Records(answer, rows[:found], count, size, next_offset, end)


def records_of(stored: Stored, answer: bytes) -> Records:
    """Return the records, decompressed where they are compressed.

    Raises
    ------
    CorruptRecordException
        Where they cannot be decompressed, or cannot be as many as the header says.
    """
    content, begin, end = answer, stored.begin + _HEADER.size, stored.end
    if not stored.records_count:
        begin = end
    elif compression := stored.attributes & COMPRESSION:
        try:
            content = _DECOMPRESS[compression](answer[begin:end])
        except Exception as error:  # every library raises its own
            raise _damaged(stored) from error
        begin, end = 0, len(content)
    if not 0 <= stored.records_count * SMALLEST_RECORD_BYTES <= end - begin <= LARGEST_BYTES:
        raise _damaged(stored)
    own_times = not stored.attributes & LOG_APPEND_TIME
    base_ms = stored.base_timestamp if own_times else stored.max_timestamp
    row = (begin, end, stored.records_count, stored.base_offset, stored.last_offset_delta, base_ms, own_times)
    return Records(
        content, np.array([row], np.int64), stored.records_count, end - begin, stored.next_offset, stored.end
    )


class Collected:
    """Records of an answer on their way to columns."""

    def __init__(self, answer: bytes, first_offset: int) -> None:
        self.first_offset = first_offset  # records before it came along only because others were stored with them
        self._answer = answer
        self._parts: list[Records] = []
        self._count = self._size = 0

    def takes(self, records: Records) -> bool:
        """Whether they can share a buffer with the others, and all together are not too many."""
        return not self._parts or (
            (records.content is self._answer) == (self._parts[0].content is self._answer)
            and self._count + records.records_count <= MAX_RECORDS
            and self._size + records.size <= MAX_BYTES
        )

    def add(self, records: Records) -> None:
        """Take them in."""
        self._parts.append(records)
        self._count += records.records_count
        self._size += records.size

    def columns(self) -> Columns:
        """Return all records from `first_offset` on.

        Raises
        ------
        CorruptRecordException
            Where one of them is not what the format asks for.
        """
        content, rows = self._joined()
        buffer = np.frombuffer(content, np.uint8)
        columns = [np.empty(self._count, np.int64) for _ in range(6)]
        found = find_records(buffer, rows, self.first_offset, *columns)
        if found == DAMAGED:
            raise CorruptRecordException(f"Damaged records from offset {self.first_offset} on")
        offsets, times_ms, *places = (column[:found] for column in columns)
        return Columns(offsets, times_ms, Messages(buffer, *places[:2]), Messages(buffer, *places[2:]))

    def _joined(self) -> tuple[bytes, NDArray[np.int64]]:
        """Return one content for all, and the rows with their places in it."""
        contents = [part.content for part in self._parts]
        rows = np.concatenate([_NO_ROWS, *(part.rows for part in self._parts)])
        if all(content is contents[0] for content in contents):
            return contents[0] if contents else b"", rows
        sizes = np.array([len(content) for content in contents])
        rows[:, [START, END]] += (np.cumsum(sizes) - sizes)[:, None]  # of what was compressed, each has a row
        return b"".join(contents), rows


def _damaged(stored: Stored) -> CorruptRecordException:
    return CorruptRecordException(f"What is stored at offset {stored.base_offset} is damaged")
