"""Checkpoints: the image of a partition's state, and the state again.

An image is the arrays of a state, cut into chunks of 64 KiB. A chunk is known by the hash of its content, so one that has not
changed is not written again, and one that was damaged is found out. The manifest names the chunks (by way of an index,
which is cut into chunks itself), says how far each topic had been applied, and is written last: a checkpoint is there as a
whole or not at all. A state that was restored equals the one that was taken, number for number.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from kernels import layout, naming
from kernels.events import EVENT_ROW
from kernels.images import parts_of, tables_of
from kernels.windows import BUCKETS
from streams.clock import Now
from streams.engine import Engine
from streams.manifest import DIGEST_BYTES, FORMAT, CheckpointRefusedError, Manifest, digest_of
from streams.names import Names
from streams.partition import Events, Partition

CHUNK_BYTES: Final = 64 * 1024
_FATES: Final = ("applied", "duplicates", "too_late", "rejected", "moved", "gaps")  # counted offsets
_TABLES, _NAMES, _HELD = "tables.", "names.", "held."  # whose parts


class Snapshot(NamedTuple):
    """A checkpoint that is to be stored."""

    manifest: Manifest
    chunks: dict[bytes, memoryview]  # by digest, those that were not known
    digests: frozenset[bytes]  # all that the checkpoint needs


# What a state depends on -------------------------------------------------------------------------------------------


def layout_fingerprint() -> str:
    """Changes when the tables do: what was taken under another one cannot be read."""
    rows = {name: value.descr for name, value in vars(layout).items() if isinstance(value, np.dtype)}
    numbers = (FORMAT, sys.byteorder, BUCKETS, layout.SIZES, layout.COUNTERS, layout.SURVEY_CODES, naming.SIZES)
    return digest_of(
        repr((numbers, rows, EVENT_ROW.descr, naming.NAME_ROW.descr, layout.Tables._fields)).encode()
    ).hex()


def rules_fingerprint(engine: Engine, partitions: int) -> str:
    """Changes when the configuration asks for another state of the same events."""
    rules = {name: np.asarray(value).tolist() for name, value in engine.rules._asdict().items()}
    horizons = msgspec.to_builtins(engine.configuration.correction_horizon_s)
    # Whoever had no number of their own would be counted by halves under another ceiling.
    names_max = engine.configuration.names_max
    targets = msgspec.to_builtins(engine.configuration.request_targets)
    return digest_of(repr((partitions, rules, horizons, names_max, targets)).encode()).hex()


# Taking ------------------------------------------------------------------------------------------------------------


def take(
    partition: Partition,
    engine: Engine,
    *,
    partitions: int,
    partition_number: int,
    number: int,
    taken_ms: int,
    offsets: Mapping[str, int],
    told_until: int = 0,
    known: Collection[bytes] = (),
) -> Snapshot:
    """Take a checkpoint of a state, between two steps of it.

    Parameters
    ----------
    partitions, partition_number
        How many there are, and which one it is.
    number
        Of the checkpoint.
    taken_ms
        When it is taken, epoch milliseconds.
    offsets
        By topic, what is in the state: all before.
    told_until
        Offset in the partition's surveys: whatever was told before follows from this state.
    known
        Digests of chunks that are stored already.
    """
    parts = _parts(partition)
    chunks: dict[bytes, memoryview] = {}
    digests = []
    for part in parts.values():
        digests += _cut(part, known, chunks)
    index = _cut(np.frombuffer(b"".join(digests), np.uint8), known, chunks)
    manifest = Manifest(
        format=FORMAT,
        layout=layout_fingerprint(),
        rules=rules_fingerprint(engine, partitions),
        partition=partition_number,
        number=number,
        taken_ms=taken_ms,
        offsets=dict(offsets),
        told_until=told_until,
        state=_scalars(partition),
        shapes={name: list(part.shape) for name, part in parts.items()},
        index=[each.hex() for each in index],
        size=sum(part.nbytes for part in parts.values()),
    )
    return Snapshot(manifest, chunks, frozenset([*digests, *index]))


def _parts(partition: Partition) -> dict[str, NDArray[Any]]:
    """Every array of a state that does not follow from the others."""
    names = partition.names
    tables = parts_of(partition.tables, len(names.offices), len(names.entities))
    held = _one(partition.held)
    return (
        {_TABLES + name: part for name, part in tables.items()}
        | {_NAMES + name: part for name, part in names.parts().items()}
        | {_HELD + name: part for name, part in held._asdict().items()}
    )


def _one(held: list[Events]) -> Events:
    """What is held, together."""
    if not held:
        return Events(np.zeros(0, EVENT_ROW), np.zeros(0, np.uint8))
    rows = np.concatenate([each.rows for each in held])
    begins = np.cumsum([0, *(each.buffer.size for each in held[:-1])])
    for text in ("id_start", "employee_start"):
        rows[text] += np.repeat(begins, [each.rows.size for each in held]).astype(rows[text].dtype)
    return Events(rows, np.concatenate([each.buffer for each in held]))


def _cut(part: NDArray[Any], known: Collection[bytes], chunks: dict[bytes, memoryview]) -> list[bytes]:
    """Digests of an array's chunks; those that are not known go to ``chunks``."""
    content = part.reshape(-1).view(np.uint8).data
    # Of an array's size, but it takes memory only where it is written to, and gives it back all at once.
    copies = np.empty(content.nbytes, np.uint8).data
    digests = []
    for begin in range(0, content.nbytes, CHUNK_BYTES):
        place = slice(begin, begin + CHUNK_BYTES)
        digest = digest_of(content[place])
        digests.append(digest)
        if digest not in known and digest not in chunks:
            copies[place] = content[place]
            chunks[digest] = copies[place]
    return digests


def _scalars(partition: Partition) -> dict[str, Any]:
    return {
        "topic_clock_ms": dict(partition.topic_clock_ms),
        "applied_clock_ms": dict(partition.applied_clock_ms),
        "greatest_ts_ms": partition.greatest_ts_ms,
        "now": list(partition.now),
        "fates": {name: getattr(partition, name) for name in _FATES},
    }


# What is stored ----------------------------------------------------------------------------------------------------


def stored_chunk(chunk: memoryview) -> bytes:
    """A chunk as it is stored."""
    return zstandard.compress(chunk, 1)


def digests_of(manifest: Manifest, chunk_of: Callable[[bytes], bytes | None]) -> list[bytes]:
    """Digests of a checkpoint's chunks, those of the list of them apart; ``chunk_of`` as for :func:`restore`.

    Raises
    ------
    CheckpointRefusedError
        The list is missing or damaged.
    """
    index = b"".join(_chunk(bytes.fromhex(each), chunk_of) for each in manifest.index)
    return [index[at : at + DIGEST_BYTES] for at in range(0, len(index), DIGEST_BYTES)]


def _chunk(digest: bytes, chunk_of: Callable[[bytes], bytes | None]) -> bytes:
    stored = chunk_of(digest)
    if stored is None:
        raise CheckpointRefusedError("is not complete: a chunk of it is missing")
    try:
        # What says that it is larger is no chunk, and must not be given the room.
        chunk = zstandard.decompress(stored) if zstandard.frame_content_size(stored) <= CHUNK_BYTES else b""
    except zstandard.ZstdError:
        chunk = b""
    if digest_of(chunk) != digest:
        raise CheckpointRefusedError("is damaged: a chunk of it has another hash than its name")
    return chunk


# Restoring ---------------------------------------------------------------------------------------------------------


def restore(
    manifest: Manifest, chunk_of: Callable[[bytes], bytes | None], engine: Engine, *, partitions: int
) -> Partition:
    """The state that a checkpoint was taken of.

    Parameters
    ----------
    chunk_of
        The stored chunk of a digest, None where there is none.
    engine, partitions
        In force now: a checkpoint under other rules is of no use.

    Raises
    ------
    CheckpointRefusedError
        It is damaged, not complete, or not of this layout and these rules.
    """
    if manifest.layout != layout_fingerprint():
        raise CheckpointRefusedError("was taken by another version of KQI, whose tables differ")
    if manifest.rules != rules_fingerprint(engine, partitions):
        raise CheckpointRefusedError("was taken under another configuration")
    chunks = iter(digests_of(manifest, chunk_of))
    partition = engine.new_partition()
    try:
        parts = {
            name: _joined(_pattern(partition, name), tuple(shape), chunks, chunk_of)
            for name, shape in manifest.shapes.items()
        }
        _fill(partition, parts, engine)
        _set_scalars(partition, manifest.state)
    except (KeyError, ValueError, TypeError, StopIteration) as error:
        raise CheckpointRefusedError(f"does not hold together: {error}") from error
    return partition


def _pattern(partition: Partition, name: str) -> NDArray[Any]:
    """An array of the type that a part has."""
    if name.startswith(_TABLES):
        array: NDArray[Any] = partition.tables._asdict()[name.removeprefix(_TABLES)]
        return array
    if name.startswith(_NAMES):
        return partition.names.parts()[name.removeprefix(_NAMES)]
    return _one([])._asdict()[name.removeprefix(_HELD)]  # type: ignore[no-any-return]


def _joined(
    pattern: NDArray[Any], shape: tuple[int, ...], chunks: Any, chunk_of: Callable[[bytes], bytes | None]
) -> NDArray[Any]:
    """An array put together from the next chunks."""
    joined = np.empty(shape, pattern.dtype)
    content = joined.reshape(-1).view(np.uint8)
    for begin in range(0, content.size, CHUNK_BYTES):
        place = content[begin : begin + CHUNK_BYTES]
        place[:] = np.frombuffer(_chunk(next(chunks), chunk_of), np.uint8)
    return joined


def _fill(partition: Partition, parts: Mapping[str, NDArray[Any]], engine: Engine) -> None:
    def of(owner: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(owner): part for name, part in parts.items() if name.startswith(owner)}

    partition.tables = tables_of(of(_TABLES), engine.rules)
    partition.names = Names.of(of(_NAMES))
    held = Events(**of(_HELD))
    partition.held = [held] if held.rows.size else []
    partition.know_names()
    partition.is_asked = False  # whatever schedules its presses followed


def _set_scalars(partition: Partition, state: Mapping[str, Any]) -> None:
    partition.topic_clock_ms = dict(state["topic_clock_ms"])
    partition.applied_clock_ms = dict(state["applied_clock_ms"])
    partition.greatest_ts_ms = state["greatest_ts_ms"]
    partition.now = Now(*state["now"])
    for name in _FATES:
        setattr(partition, name, int(state["fates"][name]))
