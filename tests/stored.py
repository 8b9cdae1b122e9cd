"""Kafka's record format 2, written as its documentation describes it: what brokers store together.

`encode([Record(0, 1000, b"key", b"value")], base=10)` is the bytes of it.
"""

import struct
from typing import NamedTuple

from aiokafka import codec

CODECS = {
    "none": (0, lambda content: content),
    "gzip": (1, codec.gzip_encode),
    "snappy": (2, codec.snappy_encode),
    "lz4": (3, codec.lz4_encode),
    "zstd": (4, codec.zstd_encode),
}
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"  # keys of markers


class Record(NamedTuple):
    """A record; its offset is relative to the first of those that it is stored with."""

    delta: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[bytes, bytes | None], ...] = ()


def varint(number):
    """Return a number zigzag and in groups of seven bits, the lowest first."""
    rest = number * 2 if number >= 0 else -number * 2 - 1
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes(out + bytes([rest]))


def sized(content):
    """Return some bytes, or None, behind their length."""
    return varint(-1) if content is None else varint(len(content)) + content


def record_bytes(record, base_ms):
    """Return one record."""
    body = b"\0" + varint(record.time_ms - base_ms) + varint(record.delta) + sized(record.key) + sized(record.value)
    body += varint(len(record.headers)) + b"".join(sized(name) + sized(value) for name, value in record.headers)
    return varint(len(body)) + body


def records_bytes(records, base_ms=0):
    """Return records, end to end."""
    return b"".join(record_bytes(record, base_ms) for record in records)


def crc32c(content):
    """Return the checksum, Castagnoli's polynomial."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def encode(records, base=0, *, last=None, compression="none", attributes=0, producer=-1, base_ms=None, body=None):
    """Return what is stored together.

    `last` is the last offset where compaction took its record; `body` takes the place of the records' bytes.
    """
    number, compress = CODECS[compression]
    times = [record.time_ms for record in records] or [-1]
    base_ms = times[0] if base_ms is None else base_ms
    deltas = [record.delta for record in records]
    last_delta = max(deltas, default=0) if last is None else last - base
    checked = struct.pack(
        ">hiqqqhii", attributes | number, last_delta, base_ms, max(times), producer, 0, -1, len(records)
    ) + (compress(records_bytes(records, base_ms)) if body is None else body)
    return struct.pack(">qiibI", base, 9 + len(checked), 0, 2, crc32c(checked)) + checked
