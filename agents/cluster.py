"""The cluster as KQI needs it: reachable, with topics of equal partition counts and the right settings.

The topics are made here and nowhere else. What exists is never changed, only checked: a setting that would make the
numbers wrong is a fault, with the command that mends it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.partitioner import murmur2

from agents.reach import require_broker
from agents.security import Security
from streams.configuration import Configuration
from streams.directory import TOPIC as DIRECTORY
from streams.events import TOPICS
from streams.faults import Fault
from streams.outputs import OUTPUT_TOPICS

DAY_MS = 86_400_000
LARGEST_DEAD_LETTER_BYTES = 16 * 2**20  # a dead letter is as large as what it was made of, and its headers
SETTLE_TIMEOUT_S = 15.0
CHECKPOINTS = "checkpoints"  # the topic of the workers' own
PEERS = "peers"  # whom workers compare: see streams.company
# What was written over goes soon, so that a restore reads little more than one checkpoint.
_ADVICE = {
    "segment.bytes": str(64 * 2**20),
    "segment.ms": "3600000",
    "min.cleanable.dirty.ratio": "0.2",
    "delete.retention.ms": "3600000",
}


class ClusterError(Fault):
    """The cluster cannot be used as it is."""


class TopicPlan(NamedTuple):
    """How a topic should be."""

    name: str  # prefix included
    settings: dict[str, str]
    is_input: bool
    partitions: int | None = None  # where it must have so many, whatever the others have


class TopicState(NamedTuple):
    """How a topic is."""

    partitions: int
    settings: Mapping[str, str]  # empty where the broker does not tell


def security_of(configuration: Configuration) -> Security:
    """How to reach the brokers of a configuration."""
    kafka = configuration.kafka
    return Security(
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=kafka.sasl_password,
        ca_file=kafka.ssl_cafile,
        cert_file=kafka.ssl_certfile,
        key_file=kafka.ssl_keyfile,
    )


REMEMBERED_OFFICES = 100_000  # far more than there are, unless somebody makes them up


class OfficePartitions(dict[str, int]):
    """The partition of every office, as Java clients and aiokafka choose it from the key."""

    def __init__(self, partitions: int) -> None:
        super().__init__()
        self.partitions = partitions

    def __missing__(self, office: str) -> int:
        if len(self) >= REMEMBERED_OFFICES:
            self.clear()
        partition: int = (murmur2(office.encode()) & 0x7FFFFFFF) % self.partitions
        self[office] = partition
        return partition


def input_topics(configuration: Configuration) -> dict[str, str]:
    """Names of the input topics, prefix included, to names without."""
    return {configuration.topic_prefix + name: name for name in TOPICS}


def plan(configuration: Configuration) -> list[TopicPlan]:
    """Every topic that a worker reads or writes."""
    plans = []
    for name in TOPICS:
        keep_ms = configuration.longest_window_ms + configuration.horizon_ms(name)
        settings = {
            "cleanup.policy": "delete",
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": str(keep_ms + DAY_MS),
        }
        plans.append(TopicPlan(configuration.topic_prefix + name, settings, is_input=True))
    for topic in OUTPUT_TOPICS.values():
        settings = {"cleanup.policy": "compact" if topic.compacted else "delete"}
        if topic.payload is None:
            settings["max.message.bytes"] = str(LARGEST_DEAD_LETTER_BYTES)
        plans.append(TopicPlan(configuration.topic_prefix + topic.name, settings, is_input=False))
    settings = {"cleanup.policy": "compact"} | _ADVICE
    plans.append(TopicPlan(configuration.topic_prefix + CHECKPOINTS, settings, is_input=False))
    settings = {"cleanup.policy": "compact"}
    of_one_partition = (configuration.topic_prefix + name for name in (DIRECTORY, PEERS))
    return plans + [TopicPlan(name, settings, is_input=False, partitions=1) for name in of_one_partition]


@asynccontextmanager
async def administration(configuration: Configuration) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administration client of a cluster that answers.

    Raises
    ------
    agents.reach.BrokerUnreachableError
        When no broker answers.
    """
    security = security_of(configuration)
    await require_broker(configuration.kafka.bootstrap, security)
    client = AIOKafkaAdminClient(bootstrap_servers=configuration.kafka.bootstrap, **security.for_aiokafka())
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def topic_states(client: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, TopicState]:
    """State of those of the topics that exist."""
    wanted = set(names) & set(await client.list_topics())
    if not wanted:
        return {}
    described = await client.describe_topics(sorted(wanted))
    settings = await _settings(client, sorted(wanted))
    return {
        topic["topic"]: TopicState(len(topic["partitions"]), settings.get(topic["topic"], {})) for topic in described
    }


async def _settings(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    try:
        answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    except KafkaError:  # not every broker tells (or lets everyone ask)
        return {}
    found: dict[str, dict[str, str]] = {}
    for answer in answers:
        for resource in answer.resources:
            entries: Any = resource[4]
            found[resource[3]] = {entry[0]: entry[1] for entry in entries}
    return found


def faults(plans: Iterable[TopicPlan], states: Mapping[str, TopicState], partitions: int | None = None) -> list[str]:
    """What is wrong with topics that exist or are missing, a sentence each; ``partitions``: how many there should be."""
    problems = []
    missing = [topic.name for topic in plans if topic.name not in states]
    if missing:
        problems.append(f"there is no topic {', '.join(missing)}: run `kqi topics`")
    for topic in plans:
        if topic.name in states:
            problems += _setting_faults(topic, states[topic.name])
    counts = {}
    for topic in plans:
        if topic.name in states:
            count = states[topic.name].partitions
            if topic.partitions is None:
                counts[topic.name] = count
            elif count != topic.partitions:
                problems.append(f"topic {topic.name} has {count} partitions, but must have {topic.partitions}")
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        problems.append(f"the topics have unequal numbers of partitions ({listed}): an office must lie in one of each")
    elif counts and partitions not in (None, *counts.values()):
        problems.append(
            f"the topics have {next(iter(counts.values()))} partitions and the configuration says {partitions}: "
            "the number is fixed once topics exist"
        )
    return problems


def _setting_faults(topic: TopicPlan, state: TopicState) -> list[str]:
    problems = []
    for key, wanted in topic.settings.items():
        actual = state.settings.get(key)
        if actual is None or actual == wanted or key in _ADVICE:
            continue
        if key in ("retention.ms", "max.message.bytes") and (int(actual) < 0 or int(actual) >= int(wanted)):
            continue
        if key == "max.message.bytes":
            continue  # a larger dead letter is reported by the worker
        need = f"at least {wanted}" if key == "retention.ms" else wanted
        problems.append(f"topic {topic.name} has {key}={actual}, but needs {need}: `kafka-configs --alter` changes it")
    return problems


async def create_topics(configuration: Configuration, replication_factor: int = -1) -> tuple[list[str], list[str]]:
    """Create what is missing and check what exists; returns the names created and checked.

    Raises
    ------
    ClusterError
        With all that is wrong; nothing is created then.
    """
    plans = plan(configuration)
    async with administration(configuration) as client:
        states = await topic_states(client, [topic.name for topic in plans])
        existing = [topic for topic in plans if topic.name in states]
        problems = faults(existing, states, configuration.partitions)
        if problems:
            raise ClusterError(*problems)
        missing = [topic for topic in plans if topic.name not in states]
        if missing:
            answer = await client.create_topics(
                [
                    NewTopic(
                        topic.name,
                        topic.partitions or configuration.partitions,
                        replication_factor if replication_factor > 0 else -1,
                        None if replication_factor > 0 else {},
                        topic.settings,
                    )
                    for topic in missing
                ]
            )
            refused = [error for error in answer.topic_errors if error[1] not in (0, TopicAlreadyExistsError.errno)]
            if refused:
                reasons = sorted({error[2] or for_code(error[1]).description for error in refused})
                names = ", ".join(error[0] for error in refused)
                raise ClusterError(f"the broker does not create {names}: {'; '.join(reasons)}")
            await _until_all_exist(client, [topic.name for topic in missing])
    return [topic.name for topic in missing], [topic.name for topic in existing]


async def _until_all_exist(client: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until every broker's answer names what was made."""
    try:
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while not set(names) <= set(await client.list_topics()):  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ClusterError(f"the topics were created, but cannot be seen after {SETTLE_TIMEOUT_S:g} s") from None


async def check_topics(configuration: Configuration) -> int:
    """Check that a worker can run on the topics; returns how many partitions each has.

    Raises
    ------
    ClusterError
        With all that is wrong.
    """
    plans = plan(configuration)
    async with administration(configuration) as client:
        states = await topic_states(client, [topic.name for topic in plans])
    problems = faults(plans, states)
    if problems:
        raise ClusterError(*problems)
    return states[plans[0].name].partitions
