"""The checkpoints of a worker's partitions: saved in an order that leaves a whole one at any moment, and restored.

Chunks first, the manifest when brokers have them, in the one of two slots whose checkpoint is the older; only then are chunks deleted that
neither of the two checkpoints needs. Whatever is cut short, the last manifest stands for a checkpoint that is there as a whole.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from agents.checkpoint_log import SLOTS, CheckpointLog, Stored
from agents.reading import until_done
from agents.sending import Bundle, Message
from streams.checkpoint import Snapshot, digests_of, restore, stored_chunk, take
from streams.engine import Engine
from streams.manifest import CheckpointRefusedError, Manifest, read_manifest, stored_manifest
from streams.partition import Partition

CHUNKS_AT_ONCE: Final = 128  # compressed and sent together: 8 MiB before they are compressed
DELETED_AT_ONCE: Final = 4000

log = logging.getLogger("kqi.checkpoints")
Deliver = Callable[[list[Message | Bundle]], Awaitable[None]]


class Restored(NamedTuple):
    """A state of a partition, and how far it had been applied."""

    state: Partition
    offsets: dict[str, int]  # by topic
    told_until: int  # in its surveys


@dataclass
class _Kept:
    """What is known of the stored checkpoints of a partition."""

    slot: int = SLOTS - 1  # of the last good manifest
    number: int = 0
    manifest: bytes = b""  # as it was last written or restored
    needed: frozenset[bytes] = frozenset()  # by the last checkpoint
    known: set[bytes] = field(default_factory=set)  # chunks that are stored and good
    doubtful: set[bytes] = field(default_factory=set)  # chunks that are stored, perhaps, and serve no one
    offsets: Mapping[str, int] = field(default_factory=dict)
    taken_ms: int = 0
    size: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Checkpoint(NamedTuple):
    """The last checkpoint of a partition, for those who watch."""

    number: int
    taken_ms: int
    size: int  # bytes of the state


class Checkpoints:
    """Of one worker."""

    def __init__(self, checkpoint_log: CheckpointLog, deliver: Deliver, engine: Engine, partitions: int) -> None:
        self._log = checkpoint_log
        self._deliver = deliver
        self._engine = engine
        self._partitions = partitions
        self._kept: dict[int, _Kept] = {}
        self.written_bytes = 0  # of chunks, since somebody who counts them set it to 0

    # Restoring -----------------------------------------------------------------------------------------------------

    async def restore(self, numbers: Collection[int]) -> dict[int, Restored]:
        """States of those of the partitions of which there is a checkpoint that can be used.

        Why one cannot is logged; such a partition is to be read from the beginning of its log.
        """
        waiting = set(numbers)
        found: dict[int, Restored] = {}

        async def read_all() -> None:
            async for number, stored in self._log.read(list(waiting)):
                restored = await asyncio.to_thread(self._restore, number, stored)
                waiting.discard(number)
                if restored is not None:
                    found[number] = restored

        await until_done(read_all, "checkpoints cannot be read")
        return found

    def _restore(self, number: int, stored: Stored) -> Restored | None:
        """The newest state that can be used, of those stored."""
        kept = self._kept[number] = _Kept(doubtful=set(stored.chunks))
        manifests = []
        for slot, data in stored.manifests.items():
            try:
                manifests.append((slot, read_manifest(data)))
            except CheckpointRefusedError as error:
                log.warning("partition %d: a checkpoint %s", number, error, extra={"partition": number})
        for slot, manifest in sorted(manifests, key=lambda each: -each[1].number):
            kept.number = max(kept.number, manifest.number)
            try:
                state = restore(manifest, stored.chunks.get, self._engine, partitions=self._partitions)
            except CheckpointRefusedError as error:
                log.warning(
                    "partition %d: the checkpoint %d %s", number, manifest.number, error, extra={"partition": number}
                )
                continue
            self._hold(kept, slot, manifest, stored)
            log.debug("partition %d: restored its checkpoint %d", number, manifest.number, extra={"partition": number})
            return Restored(state, manifest.offsets, manifest.told_until)
        if stored.manifests:
            log.warning(
                "partition %d: no checkpoint can be used, its log is read from the beginning",
                number,
                extra={"partition": number},
            )
        return None

    def _hold(self, kept: _Kept, slot: int, manifest: Manifest, stored: Stored) -> None:
        """Take note of a checkpoint that proved good."""
        digests = digests_of(manifest, stored.chunks.get)
        kept.slot = slot
        kept.manifest = stored.manifests[slot]
        kept.needed = frozenset([*digests, *(bytes.fromhex(each) for each in manifest.index)])
        kept.known = set(kept.needed)
        kept.doubtful -= kept.known
        kept.offsets = manifest.offsets
        kept.taken_ms = manifest.taken_ms
        kept.size = manifest.size

    async def keep(self, numbers: Collection[int]) -> None:
        """Find out whether someone else has written checkpoints of partitions that we held before, and hold again.

        What we know of chunks is of no use then: they may have been deleted.
        """
        held = {number for number in numbers if number in self._kept}
        if not held:
            return
        latest = await until_done(lambda: self._log.latest_manifests(held), "checkpoints cannot be read")
        for number, manifests in latest.items():
            kept = self._kept[number]
            numbers = {_number_of(data): slot for slot, data in manifests.items()}
            if numbers and kept.manifest != manifests[numbers[max(numbers)]]:
                kept.number = max(kept.number, *numbers)
                kept.slot = numbers[max(numbers)]
                self.forget(number)

    def forget(self, number: int) -> None:
        """Hold nothing stored of a partition for good: the next checkpoint is written as a whole."""
        kept = self._kept.get(number)
        if kept is not None:
            kept.doubtful |= kept.known
            kept.known = set()
            kept.offsets = {}

    # Saving --------------------------------------------------------------------------------------------------------

    def is_due(self, number: int, offsets: Mapping[str, int]) -> bool:
        """Whether anything was applied since the last checkpoint."""
        kept = self._kept.get(number)
        return kept is None or dict(offsets) != dict(kept.offsets)

    def last(self, number: int) -> Checkpoint | None:
        """The last checkpoint of a partition, if there is one."""
        kept = self._kept.get(number)
        return Checkpoint(kept.number, kept.taken_ms, kept.size) if kept is not None and kept.manifest else None

    def turn(self, number: int) -> asyncio.Lock:
        """To be held from taking a snapshot to the end of saving it."""
        return self._kept.setdefault(number, _Kept()).turn

    def take(self, number: int, state: Partition, offsets: Mapping[str, int], told_until: int = 0) -> Snapshot:
        """Take a snapshot of a state; of chunks only what is not stored."""
        kept = self._kept.setdefault(number, _Kept())
        return take(
            state,
            self._engine,
            partitions=self._partitions,
            partition_number=number,
            number=kept.number + 1,
            taken_ms=time.time_ns() // 1_000_000,
            offsets=offsets,
            told_until=told_until,
            known=kept.known,
        )

    async def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot; returns when it is safe."""
        number = snapshot.manifest.partition
        kept = self._kept[number]
        kept.number = snapshot.manifest.number
        kept.doubtful |= snapshot.chunks.keys()
        chunks = iter(snapshot.chunks.items())
        while some := list(islice(chunks, CHUNKS_AT_ONCE)):
            await self._deliver(await asyncio.to_thread(self._messages, number, some))
        slot = (kept.slot + 1) % SLOTS
        manifest = stored_manifest(snapshot.manifest)
        await self._deliver([self._log.manifest(number, slot, manifest)])
        before = kept.needed
        kept.slot = slot
        kept.manifest = manifest
        kept.needed = snapshot.digests
        kept.known |= snapshot.chunks.keys()
        kept.doubtful -= kept.known
        kept.offsets = snapshot.manifest.offsets
        kept.taken_ms = snapshot.manifest.taken_ms
        kept.size = snapshot.manifest.size
        log.debug(
            "partition %d: the checkpoint %d is stored, %d of %d bytes of the state were new",
            *(number, kept.number, sum(chunk.nbytes for chunk in snapshot.chunks.values()), kept.size),
            extra={"partition": number},
        )
        await self._delete(number, kept, kept.known - before - kept.needed)

    def _messages(self, number: int, chunks: list[tuple[bytes, memoryview]]) -> list[Message | Bundle]:
        messages: list[Message | Bundle] = []
        for digest, chunk in chunks:
            value = stored_chunk(chunk)
            self.written_bytes += len(value)
            messages.append(self._log.chunk(number, digest, value))
        return messages

    async def _delete(self, number: int, kept: _Kept, chunks: set[bytes]) -> None:
        """Delete chunks that no checkpoint needs any more, and those that never served one."""
        kept.known -= chunks
        kept.doubtful |= chunks
        waiting = iter(sorted(kept.doubtful))
        while some := list(islice(waiting, DELETED_AT_ONCE)):
            await self._deliver([self._log.chunk(number, digest, None) for digest in some])
            kept.doubtful -= set(some)


def _number_of(manifest: bytes) -> int:
    """The number of a checkpoint, 0 for none that can be read."""
    try:
        return read_manifest(manifest).number
    except CheckpointRefusedError:
        return 0
