"""Reading back what was told of surveys: see `streams.told`."""

import logging
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.reading import POLL_MS, reader
from streams.configuration import Configuration
from streams.outputs import Survey
from streams.told import Told, hear

MOST_MESSAGES: Final = 1_000_000  # of a partition; more come only where there was no checkpoint, and are as old as that

log = logging.getLogger("kqi.told")
_decoder = msgspec.json.Decoder(Survey)


class Heard(NamedTuple):
    """What was told of a partition's surveys."""

    told: Told
    until: int  # where the partition ended


class ToldLog:
    """The topic of surveys, as a reader sees it."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._topic = configuration.topic_prefix + "surveys"

    async def read(self, starts: Mapping[int, int]) -> dict[int, Heard]:
        """What was told of partitions, from an offset of each to its end."""
        if not starts:
            return {}
        places = {TopicPartition(self._topic, number): start for number, start in starts.items()}
        async with reader(self._configuration) as consumer:
            return await self._read(consumer, places)

    async def _read(self, consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, int]) -> dict[int, Heard]:
        consumer.assign(list(places))
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        found = {place: Heard({}, ends[place]) for place in places}
        behind = set()
        for place, start in places.items():
            begin = max(start, begins[place], ends[place] - MOST_MESSAGES)
            if begin < ends[place]:
                consumer.seek(place, begin)
                behind.add(place)
        consumer.pause(*(places.keys() - behind))
        while behind:
            for place, records in (await consumer.getmany(*behind, timeout_ms=POLL_MS)).items():
                for record in records:
                    self._hear(found[place], record.value)
            for place in list(behind):
                if await consumer.position(place) >= ends[place]:
                    consumer.pause(place)
                    behind.remove(place)
        return {place.partition: heard for place, heard in found.items()}

    def _hear(self, heard: Heard, value: bytes | None) -> None:
        try:
            hear(heard.told, _decoder.decode(value or b""))
        except msgspec.DecodeError:
            log.warning(
                "a message of %s is no survey: somebody else wrote it", self._topic, extra={"topic": self._topic}
            )
