"""Gathering events with the places where they lie: from files, or from the topics of a cluster.

Topics are read as a worker reads them: what it refuses is refused, by the same clocks, and the state that follows is its own.
A log is read from where it may matter: an event of instant t was appended no earlier than t less the lead that it may have,
and whatever would make it too late was appended after that; so its refusal, too, is seen from there.
"""

import time
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import numpy as np
import typer
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from numpy.typing import NDArray

from agents.cluster import ClusterError, OfficePartitions, security_of
from agents.directory_publish import find
from agents.lines import read_lines, size_of
from agents.progress import progress
from agents.reach import require_broker
from agents.reading import POLL_MS, partitions_of, reader
from agents.replay import REJECTS_SHOWN
from kernels.timeliness import LEAD_MS
from streams.configuration import Configuration
from streams.decode import decode
from streams.directory import EMPTY, Directory
from streams.directory_check import DirectoryError
from streams.events import SELLER_PRESS, VERDICT
from streams.evidence import Log, begin_of, place_at
from streams.intake import take_in
from streams.messages import Messages
from streams.names import Names
from streams.partition import Events
from streams.room import DAY_MS, LONGEST_CHAIN


class TooMuchError(Exception):
    """What would have to be read is more than allowed; the message is one sentence."""


class Limits(NamedTuple):
    """How much may be read."""

    messages: int
    wait_s: float


NO_LIMITS: Final = Limits(2**62, float("inf"))


def gather_files(paths: list[str], configuration: Configuration, office: str | None = None) -> Log:
    """Read files of events, in any order, keeping those of one office or all.

    Raises
    ------
    agents.lines.FileError
        When a file cannot be read.
    """
    log = Log()
    longest_ms = configuration.longest_window_ms
    with progress("read", size_of(paths)) as advance:
        for path in paths:
            for batch in read_lines(path):
                accepted, buffer, rejects = decode(batch.values, longest_window_ms=longest_ms)
                for reject in rejects:
                    line = int(batch.numbers[reject.position])
                    if log.rejected.total() < REJECTS_SHOWN:
                        typer.echo(f"{path}:{line}: {reject.reason}: {reject.detail}", err=True)
                    log.refuse(reject.reason, place_at({"file": path}, line))
                log.add(Events(accepted, buffer), batch.values, {"file": path}, batch.numbers, office, longest_ms)
                log.messages += batch.values.size
                log.bytes += int(batch.values.lengths.sum())
                advance(batch.bytes_read, batch.values.size)
    if log.rejected.total() > REJECTS_SHOWN:
        typer.echo(f"... {log.rejected.total() - REJECTS_SHOWN} more rejected", err=True)
    return log


# Topics ------------------------------------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """What of the topics is wanted."""

    office: str | None  # None: of all offices
    topics: Collection[str]  # without the prefix
    begin_ms: int  # of the windows
    at_ms: int
    asked_since_ms: int = 2**62  # since when it matters when questions were asked


async def directory_in_force(configuration: Configuration) -> Directory:
    """The directory of the files that the configuration names, or else of its topic.

    Raises
    ------
    DirectoryError
        There is none that is right.
    agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When the topic cannot be read.
    """
    directory, faults = await find(configuration)
    if directory is EMPTY and faults:
        raise DirectoryError(*faults)
    return directory


async def gather_topics(configuration: Configuration, wanted: Wanted, limits: Limits = NO_LIMITS) -> Log:
    """Read what decides an office's indices from its partition of some topics, or those of all offices from all partitions.

    Presses are read from as far back as a usual force majeure may reach into the windows; if a verdict speaks of one that
    was declared still earlier, all of the longest window.

    Raises
    ------
    TooMuchError
        When there is more than the limits allow.
    agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When the log cannot be read.
    """
    margin_ms = max(DAY_MS, LONGEST_CHAIN * configuration.debounce_ms)
    longest_ms = begin_of(wanted.at_ms, configuration.longest_window_ms) - margin_ms
    usual_ms = min(wanted.begin_ms, wanted.asked_since_ms) - margin_ms
    usual_ms -= round(configuration.force_majeure_duration_s * 1000)
    starts = dict.fromkeys(wanted.topics, wanted.begin_ms)
    for topic in {"presses", "verdicts"} & starts.keys():
        starts[topic] = min(longest_ms, usual_ms) if topic == "verdicts" else usual_ms
    if "shifts" in starts:
        starts["shifts"] = 0  # they may have been told long ahead
    if "requests" in starts:
        starts["requests"] = 0  # what counts in the windows may have been opened long before
    if "calls" in starts:
        starts["calls"] -= DAY_MS  # of a call that began before the windows, work may lie in them
    log = await _read(configuration, wanted.office, starts, limits)
    if "presses" in starts and usual_ms > longest_ms and _names_an_earlier_one(log, wanted):
        log = await _read(configuration, wanted.office, starts | {"presses": longest_ms}, limits)
    return log


def _names_an_earlier_one(log: Log, wanted: Wanted) -> bool:
    """Whether a verdict gives a force majeure, whose press was not read, an end within the windows."""
    declared: set[bytes] = set()
    targets: set[bytes] = set()
    for rows, buffer in (kept.events for kept in log.kept):
        presses = rows[rows["kind"] == SELLER_PRESS]
        declared |= {_slice(buffer, row, "id") for row in presses}
        far = (rows["kind"] == VERDICT) & (rows["code"] == 1) & (rows["second_ms"] >= wanted.begin_ms)
        targets |= {_slice(buffer, row, "place") for row in rows[far]}
    return bool(targets - declared)


def _slice(buffer: NDArray[np.uint8], row: np.void, name: str) -> bytes:
    start = int(row[f"{name}_start"])
    return buffer[start : start + int(row[f"{name}_length"])].tobytes()


async def _read(configuration: Configuration, office: str | None, starts: Mapping[str, int], limits: Limits) -> Log:
    """Read an office's partition of topics, or all, each from an instant of appending to where it ends now."""
    await require_broker(configuration.kafka.bootstrap, security_of(configuration))
    try:
        return await _read_all(configuration, office, starts, limits)
    except (KafkaError, OSError) as error:
        raise ClusterError(f"the log cannot be read: {error}") from error


async def _read_all(configuration: Configuration, office: str | None, starts: Mapping[str, int], limits: Limits) -> Log:
    deadline_s = time.monotonic() + limits.wait_s
    async with reader(configuration, isolation_level="read_committed") as consumer:
        prefix = configuration.topic_prefix
        partitions = await partitions_of(consumer, prefix + "presses")
        offices = OfficePartitions(partitions)
        numbers = range(partitions) if office is None else (offices[office],)
        places = {TopicPartition(prefix + topic, number): topic for topic in starts for number in numbers}
        consumer.assign(list(places))
        ends = await consumer.end_offsets(list(places))
        begins = await consumer.offsets_for_times(
            {place: max(0, starts[topic] - LEAD_MS) for place, topic in places.items()}
        )
        behind = {}
        for place, topic in places.items():
            begin = begins[place].offset if begins[place] is not None else ends[place]
            if begin < ends[place]:
                behind[place] = _Reading(configuration, topic, place, offices, office)
                consumer.seek(place, begin)
            else:
                consumer.pause(place)
        log = Log()
        while behind:
            found = await consumer.getmany(*behind, timeout_ms=POLL_MS)
            for place, records in found.items():
                behind[place].take([record for record in records if record.offset < ends[place]], log)
            if log.messages > limits.messages or time.monotonic() > deadline_s:
                raise TooMuchError(
                    f"more than {limits.messages:,} messages, or {limits.wait_s:g} s, would have to be read"
                )
            for place in list(behind):
                if await consumer.position(place) >= ends[place]:
                    consumer.pause(place)
                    del behind[place]
        return log


class _Reading:
    """One topic partition, read in order as a worker does."""

    def __init__(
        self,
        configuration: Configuration,
        topic: str,
        place: TopicPartition,
        offices: OfficePartitions,
        office: str | None,
    ) -> None:
        self._configuration = configuration
        self._topic = topic
        self._place = place
        self._offices = offices
        self._office = office
        self._names = Names()
        self._clock_ms = 0

    def take(self, records: "list[ConsumerRecord[bytes, bytes]]", log: Log) -> None:
        """Take what was fetched in."""
        values = Messages.of([record.value for record in records])
        longest_ms = self._configuration.longest_window_ms
        intake = take_in(
            values,
            Messages.of([record.key for record in records]),
            np.array([record.timestamp for record in records], np.int64),
            self._names,
            topic=self._topic,
            partition=self._place.partition,
            partition_of=self._offices.__getitem__,
            clock_ms=self._clock_ms,
            horizon_ms=self._configuration.horizon_ms(self._topic),
            longest_window_ms=longest_ms,
        )
        self._clock_ms = intake.clock_ms
        log.messages += len(records)
        log.bytes += int(np.maximum(values.lengths, 0).sum())
        source = {"topic": self._place.topic, "partition": self._place.partition}
        offsets = np.array([record.offset for record in records], np.int64)
        for reject in intake.rejects:
            record = records[reject.position]
            matters = self._office is None or record.key == self._office.encode()
            log.refuse(reject.reason, place_at(source, record.offset), may_matter=matters)
        log.add(intake.events, values, source, offsets, self._office, longest_ms)
