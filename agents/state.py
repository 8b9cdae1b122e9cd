"""``kqi state``: what checkpoints there are, and starting over from the log."""

import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from agents.checkpoint_log import CheckpointLog
from agents.cluster import administration, check_topics, input_topics, security_of
from agents.sending import send
from streams.configuration import Configuration
from streams.faults import Fault
from streams.manifest import CheckpointRefusedError, Manifest, read_manifest

HEADINGS = ("partition", "checkpoint", "age", "state", "presses", "format", "behind by")


class StateInUseError(Fault):
    """Workers hold the state."""


class Found(NamedTuple):
    """The last checkpoint of a partition."""

    partition: int
    manifest: Manifest | None  # None: there is none
    problem: str | None  # why it cannot be used
    behind: int  # messages of the log that came after it


async def find(configuration: Configuration) -> list[Found]:
    """Read the last manifest of every partition.

    Raises
    ------
    agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When the cluster cannot be asked.
    """
    partitions = await check_topics(configuration)
    log = CheckpointLog(configuration)
    stored = await log.latest_manifests(range(partitions))
    ends = await log.ends(
        [TopicPartition(topic, n) for topic in input_topics(configuration) for n in range(partitions)]
    )
    found = []
    for number in range(partitions):
        manifest, problem = _newest(list(stored[number].values()))
        offsets = manifest.offsets if manifest else {}
        behind = sum(
            max(0, end - offsets.get(input_topics(configuration)[place.topic], 0))
            for place, end in ends.items()
            if place.partition == number
        )
        found.append(Found(number, manifest, problem, behind))
    return found


def _newest(stored: list[bytes]) -> tuple[Manifest | None, str | None]:
    manifests = []
    problem = None
    for data in stored:
        try:
            manifests.append(read_manifest(data))
        except CheckpointRefusedError as error:
            problem = f"a checkpoint {error}"
    return max(manifests, key=lambda each: each.number, default=None), problem


def as_rows(found: list[Found]) -> list[tuple[str, ...]]:
    """Rows of a table under `HEADINGS`."""
    rows: list[tuple[str, ...]] = []
    for each in found:
        manifest = each.manifest
        if manifest is None:
            rows.append((str(each.partition), each.problem or "none", "", "", "", "", f"{each.behind:,}"))
            continue
        age_s = max(0.0, time.time() - manifest.taken_ms / 1000)
        rows.append(
            (
                str(each.partition),
                str(manifest.number),
                f"{age_s:,.0f} s",
                f"{manifest.size / 2**20:,.1f} MiB",
                f"{manifest.shapes['tables.presses'][0]:,}",
                str(manifest.format),
                f"{each.behind:,}",
            )
        )
    return rows


def as_json(found: list[Found]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "partition": each.partition,
            "problem": each.problem,
            "behind": each.behind,
            "checkpoint": each.manifest
            and {
                "number": each.manifest.number,
                "taken_ms": each.manifest.taken_ms,
                "size": each.manifest.size,
                "format": each.manifest.format,
                "layout": each.manifest.layout,
                "rules": each.manifest.rules,
                "offsets": each.manifest.offsets,
                "rows": {name.removeprefix("tables."): shape[0] for name, shape in each.manifest.shapes.items()},
            },
        }
        for each in found
    ]


async def rebuild(configuration: Configuration) -> int:
    """Delete every checkpoint, so that workers start over from the log; returns of how many partitions.

    Raises
    ------
    StateInUseError
        Workers are running.
    """
    partitions = await check_topics(configuration)
    async with administration(configuration) as client:
        members = await _members(client, configuration.kafka.group)
    if members:
        raise StateInUseError(
            f"{members} workers of the group {configuration.kafka.group} are running, and would write their state again:"
            " stop them first"
        )
    producer = AIOKafkaProducer(
        bootstrap_servers=configuration.kafka.bootstrap, acks="all", **security_of(configuration).for_aiokafka()
    )
    await producer.start()
    try:
        failures = await send(producer, CheckpointLog(configuration).no_manifests(partitions))
    finally:
        await producer.stop()
    if failures:
        raise StateInUseError(f"not every checkpoint could be deleted, try again: {failures[0].error}")
    await _forget_notes(configuration, partitions)
    return partitions


async def _forget_notes(configuration: Configuration, partitions: int) -> None:
    """Commit the same offsets without what workers noted with them: an instant that was wrong would be gone on from."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=configuration.kafka.bootstrap,
        group_id=configuration.kafka.group,
        enable_auto_commit=False,
        **security_of(configuration).for_aiokafka(),
    )
    consumer.assign([TopicPartition(topic, n) for topic in input_topics(configuration) for n in range(partitions)])
    try:
        await consumer.start()
        committed = {place: await consumer.committed(place) for place in consumer.assignment()}
        known = {place: OffsetAndMetadata(offset, "") for place, offset in committed.items() if offset is not None}
        if known:
            await consumer.commit(known)
    finally:
        await consumer.stop()


async def _members(client: AIOKafkaAdminClient, group: str) -> int:
    """How many members a consumer group has."""
    (answer,) = await client.describe_consumer_groups([group])
    return sum(len(described[5]) for described in answer.groups)
