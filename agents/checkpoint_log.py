"""Where checkpoints lie: a compacted topic of their own, partition n of it for partition n of the input.

A record is a chunk under its digest, or a manifest in one of two slots that take turns. Groups share the topic, their names
stand before their keys.
"""

import logging
from collections.abc import AsyncIterator, Collection
from typing import Final, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.cluster import CHECKPOINTS
from agents.reading import POLL_MS, reader
from agents.sending import Bundle, Message
from streams.configuration import Configuration

SLOTS: Final = 2
AT_ONCE: Final = 4  # partitions; what is read of them is in memory together
TAIL_RECORDS: Final = 64  # a manifest is among the last records, mostly

log = logging.getLogger("kqi.checkpoints")
Key = TypeVar("Key")


class Stored(NamedTuple):
    """What is stored of a partition."""

    manifests: dict[int, bytes]  # by slot
    chunks: dict[bytes, bytes]  # by digest


class CheckpointLog:
    """The topic of the checkpoints of one group."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._topic = configuration.topic_prefix + CHECKPOINTS
        self._group = configuration.kafka.group.encode()

    def chunk(self, partition: int, digest: bytes, value: bytes | None) -> Message:
        """A chunk, or that there is none any more."""
        return Message(self._topic, partition, b"/".join((self._group, b"chunk", digest.hex().encode())), value)

    def manifest(self, partition: int, slot: int, value: bytes | None) -> Message:
        """A manifest, or that there is none any more."""
        return Message(self._topic, partition, b"/".join((self._group, b"manifest", b"%d" % slot)), value)

    def _enter(self, stored: Stored, key: bytes | None, value: bytes | None) -> None:
        """Take over what a record says, if it is of this group."""
        group, _, name = (key or b"").rpartition(b"/")
        try:
            if group == self._group + b"/manifest":
                _put(stored.manifests, int(name), value)
            elif group == self._group + b"/chunk":
                _put(stored.chunks, bytes.fromhex(name.decode()), value)
        except ValueError:
            log.warning("a record of %s has a key of no meaning", self._topic, extra={"topic": self._topic})

    def no_manifests(self, partitions: int) -> list[Message | Bundle]:
        """What leaves no checkpoint behind."""
        return [self.manifest(partition, slot, None) for partition in range(partitions) for slot in range(SLOTS)]

    # Reading -------------------------------------------------------------------------------------------------------

    async def read(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, Stored]]:
        """All that is stored of partitions, one after the other."""
        waiting = sorted(partitions)
        if not waiting:
            return
        async with reader(self._configuration) as consumer:
            while waiting:
                some, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
                places = [TopicPartition(self._topic, each) for each in some]
                consumer.assign(places)
                await consumer.seek_to_beginning(*places)
                async for partition, stored in self._read_to_end(consumer, places):
                    yield partition, stored

    async def latest_manifests(self, partitions: Collection[int]) -> dict[int, dict[int, bytes]]:
        """Manifests, by slot, that stand at the end of each partition, that of the last checkpoint among them if there is one."""
        found: dict[int, dict[int, bytes]] = {}
        async with reader(self._configuration) as consumer:
            for partition in sorted(partitions):
                found[partition] = await self._last_manifests(consumer, TopicPartition(self._topic, partition))
        return found

    async def _last_manifests(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> dict[int, bytes]:
        begin = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        records = TAIL_RECORDS
        while True:
            start = max(begin, end - records)
            consumer.assign([place])
            consumer.seek(place, start)
            async for _, stored in self._read_to_end(consumer, [place]):
                if stored.manifests or start == begin:
                    return stored.manifests
            records *= 8

    async def ends(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Where logs end, of any topics."""
        async with reader(self._configuration) as consumer:
            return dict(await consumer.end_offsets(places))

    async def _read_to_end(
        self, consumer: AIOKafkaConsumer, places: Collection[TopicPartition]
    ) -> AsyncIterator[tuple[int, Stored]]:
        """From where the consumer stands to where the log ends now; partitions as they are done."""
        ends = await consumer.end_offsets(places)
        open_places = {place: Stored({}, {}) for place in places}
        while True:
            for place in list(open_places):
                if await consumer.position(place) >= ends[place]:
                    consumer.pause(place)
                    yield place.partition, open_places.pop(place)
            if not open_places:
                return
            for place, records in (await consumer.getmany(*open_places, timeout_ms=POLL_MS)).items():
                for record in records:
                    self._enter(open_places[place], record.key, record.value)


def _put(place: dict[Key, bytes], key: Key, value: bytes | None) -> None:
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value
