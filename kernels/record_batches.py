"""Records of Kafka's record batches (format 2), found where they lie.

What was stored together is a header of 61 bytes (big-endian) and records end to end, as a whole compressed or not:

    length      varint, of all that follows
    attributes  a byte
    time        varint, milliseconds after the base of what was stored together
    offset      varint, after the base
    key         varint length (negative: null), and so many bytes
    value       the same
    headers     varint count; each has a name (varint length and bytes) and a value (as above)

A varint has seven bits in a byte, the lowest ones first; its lowest bit is the sign (zigzag).
"""

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.checksum import checksum
from kernels.compile import entry, kernel

# Columns of the table of what was stored together.
START, END, COUNT, BASE_OFFSET, LAST_DELTA, BASE_MS, OWN_TIMES = range(7)
DAMAGED = -1

# Places in a header. Its length counts what comes after it, its checksum is of what comes after that.
_LENGTH_AT, _MAGIC_AT, _CHECKSUM_AT, _ATTRIBUTES_AT, _LAST_DELTA_AT, _BASE_MS_AT, _GREATEST_MS_AT = (
    8,
    16,
    17,
    21,
    23,
    27,
    35,
)
_COUNT_AT, HEADER_BYTES = 57, 61
FORMAT = 2
SMALLEST_RECORD_BYTES = 7
# Attributes: how it is compressed, whose time it has, whether it belongs to a transaction, whether it is a marker of one.
COMPRESSION, LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x07, 0x08, 0x10, 0x20

LONGEST_VARINT_BITS = 64
_BYTES = numba.types.Array(numba.uint8, 1, "C", readonly=True)
_NUMBERS = numba.int64[::1]
_ROWS = numba.int64[:, ::1]


@kernel
def _varint(buffer: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Return a number and the position behind it; a position beyond ``end`` where none ends before ``end``."""
    bits = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < LONGEST_VARINT_BITS:
        byte = buffer[at]
        at += 1
        bits |= np.uint64(byte & 127) << shift
        if byte < 128:
            return int(np.int64(bits >> np.uint64(1)) ^ -np.int64(bits & np.uint64(1))), at
        shift += np.uint64(7)
    return 0, end + 1


@kernel
def _integer(buffer: NDArray[np.uint8], at: int, size: int) -> int:
    """Return a signed integer of so many bytes, the highest first."""
    number = int(np.int8(buffer[at]))
    for following in range(1, size):
        number = number << 8 | int(np.int64(buffer[at + following]))
    return number


@entry(_BYTES, numba.int64, numba.int64, numba.int64, numba.boolean, _ROWS)
def find_plain(
    answer: NDArray[np.uint8], begin: int, most_records: int, most_bytes: int, checks: bool, stored: NDArray[np.int64]
) -> tuple[int, int, int, int]:
    """Find what needs nothing but to be read: stored one after the other, uncompressed, of no transaction, intact.

    Parameters
    ----------
    answer
        (bytes,): headers and records, end to end.
    begin
        Where to begin.
    most_records, most_bytes
        Where to end: when there would be more of them, unless in the first one.
    checks
        Whether checksums are looked at.
    stored
        Out, (room, 7): the columns above.

    Returns
    -------
    How many rows were written, where what was not taken begins, and the records and their bytes that were.
    """
    found = records = size = 0
    at = begin
    while found < stored.shape[0] and at + HEADER_BYTES <= answer.shape[0]:
        end = at + _LENGTH_AT + 4 + _integer(answer, at + _LENGTH_AT, 4)
        if end < at + HEADER_BYTES or end > answer.shape[0] or answer[at + _MAGIC_AT] != FORMAT:
            break
        attributes = _integer(answer, at + _ATTRIBUTES_AT, 2)
        count = _integer(answer, at + _COUNT_AT, 4)
        own_size = end - at - HEADER_BYTES
        if attributes & (COMPRESSION | TRANSACTIONAL | CONTROL) or not 0 <= count * SMALLEST_RECORD_BYTES <= own_size:
            break
        if found and (records + count > most_records or size + own_size > most_bytes):
            break
        told = np.uint64(_integer(answer, at + _CHECKSUM_AT, 4) & 0xFFFFFFFF)
        if checks and told != checksum(answer, at + _ATTRIBUTES_AT, end):
            break
        has_own_times = not attributes & LOG_APPEND_TIME
        stored[found, START] = at + HEADER_BYTES
        stored[found, END] = end
        stored[found, COUNT] = count
        stored[found, BASE_OFFSET] = _integer(answer, at, 8)
        stored[found, LAST_DELTA] = _integer(answer, at + _LAST_DELTA_AT, 4)
        stored[found, BASE_MS] = _integer(answer, at + (_BASE_MS_AT if has_own_times else _GREATEST_MS_AT), 8)
        stored[found, OWN_TIMES] = has_own_times
        found += 1
        records += count
        size += own_size
        at = end
    return found, at, records, size


@entry(_BYTES, _ROWS, numba.int64, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS)
def find_records(
    buffer: NDArray[np.uint8],
    stored: NDArray[np.int64],
    first_offset: int,
    offsets: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    key_starts: NDArray[np.int64],
    key_lengths: NDArray[np.int64],
    value_starts: NDArray[np.int64],
    value_lengths: NDArray[np.int64],
) -> int:
    """Find the records from ``first_offset`` on.

    Parameters
    ----------
    buffer
        (bytes,)
    stored
        (batches, 7): the columns above. Records lie in ``buffer[START:END]``, within ``buffer``; their offsets ascend from
        BASE_OFFSET to BASE_OFFSET + LAST_DELTA at most; OWN_TIMES is 1 where a record's time is BASE_MS and what the
        record adds to it, 0 where BASE_MS is the time of all.
    offsets, times_ms, key_starts, key_lengths, value_starts, value_lengths
        Out, (records,), as long as all COUNTs together: a row for each record; lengths are -1 for null.

    Returns
    -------
    How many records were found; DAMAGED where one of them is not what the format asks for. Nothing outside of
    ``buffer[START:END]`` is read, whatever the records say.
    """
    found = 0
    for batch in range(stored.shape[0]):
        at = stored[batch, START]
        end = stored[batch, END]
        last_delta = stored[batch, LAST_DELTA]
        delta_before = -1
        for _ in range(stored[batch, COUNT]):
            length, at = _varint(buffer, at, end)
            if length < 0 or length > end - at:
                return DAMAGED
            record_end = at + length
            own_ms, at = _varint(buffer, at + 1, record_end)
            delta, at = _varint(buffer, at, record_end)
            if delta <= delta_before or delta > last_delta:
                return DAMAGED
            delta_before = delta

            key_length, at = _varint(buffer, at, record_end)
            if key_length > record_end - at:
                return DAMAGED
            key_start = at
            at += max(key_length, 0)
            value_length, at = _varint(buffer, at, record_end)
            if value_length > record_end - at:
                return DAMAGED
            value_start = at
            at += max(value_length, 0)

            headers, at = _varint(buffer, at, record_end)
            if headers < 0 or headers > record_end - at:
                return DAMAGED
            for _ in range(headers):
                length, at = _varint(buffer, at, record_end)
                if length < 0 or length > record_end - at:
                    return DAMAGED
                length, at = _varint(buffer, at + length, record_end)
                if length > record_end - at:
                    return DAMAGED
                at += max(length, 0)
            if at != record_end:
                return DAMAGED

            offset = stored[batch, BASE_OFFSET] + delta
            if offset >= first_offset:
                offsets[found] = offset
                times_ms[found] = stored[batch, BASE_MS] + stored[batch, OWN_TIMES] * own_ms
                key_starts[found] = key_start
                key_lengths[found] = max(key_length, -1)
                value_starts[found] = value_start
                value_lengths[found] = max(value_length, -1)
                found += 1
        if at != end:
            return DAMAGED
    return found
