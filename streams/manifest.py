"""The manifest of a checkpoint: what it consists of, and its own hash."""

from typing import Any, Final

import msgspec
import xxhash

FORMAT: Final = 1
DIGEST_BYTES: Final = 16
_encoder = msgspec.json.Encoder()


class CheckpointRefusedError(Exception):
    """A checkpoint cannot be used; the message says why, as the rest of a sentence: "the checkpoint ..."."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a checkpoint consists of."""

    format: int
    layout: str  # of the tables
    rules: str  # of the configuration, as far as the state depends on it
    partition: int
    number: int  # of this checkpoint of its partition, ascending
    taken_ms: int
    offsets: dict[str, int]  # by topic without prefix: what lies before is in the state
    told_until: int  # in the partition's surveys: what is told behind may differ from the state
    state: dict[str, Any]  # what is no array
    shapes: dict[str, list[int]]  # of the arrays in use
    index: list[str]  # digests of the chunks of the list of all digests
    size: int  # bytes of all arrays


def digest_of(data: Any) -> bytes:
    """Hash of some bytes, 128 bits (XXH3)."""
    return xxhash.xxh3_128_digest(data)


def stored_manifest(manifest: Manifest) -> bytes:
    """A manifest as it is stored: its hash, and JSON."""
    body = _encoder.encode(manifest)
    return digest_of(body) + body


def read_manifest(data: bytes) -> Manifest:
    """A manifest that was stored.

    Raises
    ------
    CheckpointRefusedError
        It is damaged, or of a version that is not known.
    """
    digest, body = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    if digest_of(body) != digest:
        raise CheckpointRefusedError("is damaged: its manifest has another hash than it says")
    version = msgspec.json.decode(body).get("format")
    if version != FORMAT:
        raise CheckpointRefusedError(f"has the format {version}, and this version of KQI reads format {FORMAT}")
    return msgspec.json.decode(body, type=Manifest)
